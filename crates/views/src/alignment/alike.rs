//! What differs alike in several subjects is one finding: told once, for whoever shows or reads it.

use super::{Difference, Fact, Report, Topic};

/// What is so of one subject, or alike of several.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding<'a> {
    /// About what.
    pub topic: Topic,
    /// In a few words.
    pub title: String,
    /// What follows from it.
    pub text: &'static str,
    /// Each partner's part; what stands behind it subject by subject, where there are several.
    pub facts: Vec<Fact>,
    /// The differences that it stands for, with their places in the report.
    pub of: Vec<(usize, &'a Difference)>,
}

impl Report {
    /// The differences, those together that say the same of several subjects.
    pub fn findings(&self) -> Vec<Finding<'_>> {
        let mut found: Vec<Finding<'_>> = Vec::new();
        for (place, one) in self.differences.iter().enumerate() {
            match found.iter_mut().find(|held| held.of.iter().any(|(_, held)| is_alike(held, one))) {
                Some(held) => held.of.push((place, one)),
                None => found.push(Finding {
                    topic: one.topic,
                    title: one.title.clone(),
                    text: one.text,
                    facts: one.facts.clone(),
                    of: vec![(place, one)],
                }),
            }
        }
        for held in found.iter_mut().filter(|held| held.of.len() > 1) {
            held.gather();
        }
        found
    }
}

impl Finding<'_> {
    /// Says of all subjects what was said of the first.
    fn gather(&mut self) {
        if let [(_, first), ..] = self.of.as_slice() {
            self.title = format!("{}, in {} subjects", capital(without(first)), self.of.len());
        }
        for (place, fact) in self.facts.iter_mut().enumerate() {
            // Alike means that each has the same partners in the same order.
            let part = |(_, one): &(usize, &Difference)| {
                Some(format!("{}: {}", one.subject, one.facts.get(place)?.evidence))
            };
            fact.evidence = self.of.iter().filter_map(part).collect::<Vec<_>>().join("; ");
        }
    }
}

/// True if the same is said of two subjects.
fn is_alike(held: &Difference, one: &Difference) -> bool {
    let said = |of: &Fact| (of.site, of.said.clone());
    !one.subject.is_empty()
        && !held.subject.is_empty()
        && held.topic == one.topic
        && held.facts.iter().map(said).eq(one.facts.iter().map(said))
        && without(held) == without(one)
}

/// A difference's title without its subject.
fn without(one: &Difference) -> &str {
    let rest = one.title.strip_prefix(one.subject.as_str()).unwrap_or(&one.title);
    rest.trim_start_matches([',', ' '])
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_so_of_several_subjects_is_one_finding_with_what_stands_behind_each() {
        let one = |subject: &str, said: &str| Difference {
            topic: Topic::Scales,
            title: format!("{subject}, working at: two scales"),
            subject: subject.to_owned(),
            text: "Grades of different scales are never compared.",
            facts: vec![Fact { site: 1, said: said.to_owned(), evidence: "30 grades".to_owned() }],
            suggest: None,
        };
        let differences = vec![one("Art", "gcse-9-1 1"), one("Latin", "own 1"), one("Biology", "gcse-9-1 1")];
        let (grades, questions, kept) = (Vec::new(), Vec::new(), Vec::new());
        let report = Report { differences, grades, questions, kept };
        let findings = report.findings();
        let places = |found: &Finding<'_>| found.of.iter().map(|(place, _)| *place).collect::<Vec<_>>();
        let told: Vec<_> = findings.iter().map(|one| (one.title.as_str(), places(one))).collect();
        assert_eq!(
            told,
            [
                ("Working at: two scales, in 2 subjects", vec![0, 2]),
                ("Latin, working at: two scales", vec![1])
            ],
            "another scale is another finding"
        );
        assert_eq!(findings[0].facts[0].evidence, "Art: 30 grades; Biology: 30 grades");
        assert_eq!(findings[1].facts[0].evidence, "30 grades");
    }
}
