//! What was found of partners' data, as the page shows it: by topic, what is so of several subjects once, with a form for each.

use super::super::desk::words::capital;
use super::{MEANINGS, name};
use crate::conventions::told;
use commonroll_core::convention::Says;
use commonroll_exchange::{AlignmentSeen, Stands};
use commonroll_views::alignment::{Difference, Fact, Means};

/// Differences of one topic.
pub(super) struct Group {
    pub topic: &'static str,
    pub found: Vec<Found>,
}

/// A difference, of one subject or alike of several.
pub(super) struct Found {
    pub id: String,
    pub title: String,
    pub text: &'static str,
    pub facts: Vec<Shown>,
    pub proposals: Vec<Offer>,
}

/// What can be proposed by a click.
pub(super) struct Offer {
    pub id: String,
    /// What it is about.
    pub title: String,
    pub says: String,
    pub proposal: String,
    /// What the form offers to choose: its name, its label, and value, words and whether it is chosen of each.
    pub choice: Option<Choice>,
}

pub(super) struct Choice {
    pub name: &'static str,
    pub label: String,
    pub of: Vec<(String, String, bool)>,
}

pub(super) struct Shown {
    pub who: String,
    pub said: String,
    pub evidence: String,
}

/// Each partner's part.
pub(super) fn shown(seen: &AlignmentSeen, facts: &[Fact]) -> Vec<Shown> {
    let one = |fact: &Fact| Shown {
        who: name(seen, fact.site),
        said: fact.said.clone(),
        evidence: fact.evidence.clone(),
    };
    facts.iter().map(one).collect()
}

/// What was found, by topic.
pub(super) fn groups(seen: &AlignmentSeen) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for held in alike(&seen.report.differences) {
        let Some((_, first)) = held.first() else { continue };
        let topic = first.topic.words();
        let found = found(seen, &held);
        match groups.iter_mut().find(|group| group.topic == topic) {
            Some(group) => group.found.push(found),
            None => groups.push(Group { topic, found: vec![found] }),
        }
    }
    groups
}

/// Differences with their places, those together that say the same of several subjects.
pub(super) fn alike(differences: &[Difference]) -> Vec<Vec<(usize, &Difference)>> {
    let mut all: Vec<Vec<(usize, &Difference)>> = Vec::new();
    for (place, one) in differences.iter().enumerate() {
        let said = |of: &Difference| -> Vec<(u16, String)> {
            of.facts.iter().map(|fact| (fact.site, fact.said.clone())).collect()
        };
        let same = |held: &Difference| {
            !one.subject.is_empty()
                && !held.subject.is_empty()
                && (held.topic, said(held)) == (one.topic, said(one))
                && without(held) == without(one)
        };
        match all.iter_mut().find(|held| held.iter().any(|(_, held)| same(held))) {
            Some(held) => held.push((place, one)),
            None => all.push(vec![(place, one)]),
        }
    }
    all
}

/// A difference's title without its subject.
fn without(one: &Difference) -> &str {
    let rest = one.title.strip_prefix(one.subject.as_str()).unwrap_or(&one.title);
    rest.trim_start_matches([',', ' '])
}

fn found(seen: &AlignmentSeen, held: &[(usize, &Difference)]) -> Found {
    let id = held.first().map_or_else(String::new, |(place, _)| format!("d{place}"));
    let (title, text) = match held {
        [(_, one)] => (one.title.clone(), one.text),
        [(_, one), ..] => (format!("{}, in {} subjects", capital(without(one)), held.len()), one.text),
        [] => (String::new(), ""),
    };
    let mut facts: Vec<Shown> = Vec::new();
    for (_, one) in held {
        for (place, mut fact) in shown(seen, &one.facts).into_iter().enumerate() {
            if held.len() > 1 {
                fact.evidence = format!("{}: {}", one.subject, fact.evidence);
            }
            // Alike means that each has the same partners in the same order.
            match facts.get_mut(place) {
                Some(held) => held.evidence = format!("{}; {}", held.evidence, fact.evidence),
                None => facts.push(fact),
            }
        }
    }
    Found { id, title, text, facts, proposals: held.iter().filter_map(|of| offer(seen, of)).collect() }
}

fn offer(seen: &AlignmentSeen, (place, one): &(usize, &Difference)) -> Option<Offer> {
    // What waits already is not proposed again.
    let waits = |says: &Says| {
        let mut open = seen.conventions.iter().filter(|one| matches!(one.stands, Stands::Waits(_)));
        open.any(|open| open.says.topic() == says.topic())
    };
    let says = one.suggest.as_ref().filter(|says| !waits(says))?;
    Some(Offer {
        id: format!("p{place}"),
        title: one.title.clone(),
        says: serde_json::to_string(says).ok()?,
        proposal: told(says),
        choice: choice(says),
    })
}

fn choice(says: &Says) -> Option<Choice> {
    match says {
        Says::Code { code, means } => {
            let of = MEANINGS
                .map(|(name, one)| (name.to_owned(), Means::from(one).words().to_owned(), one == *means));
            Some(Choice { name: "means", label: format!("Code {code} means"), of: of.into() })
        }
        Says::Subject { word, also } => {
            let of = also.iter().chain([word]).map(|name| (name.clone(), name.clone(), name == word));
            Some(Choice { name: "word", label: "The one word".to_owned(), of: of.collect() })
        }
        Says::Scale { .. } | Says::Answer { .. } | Says::Unlock { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_views::alignment::Topic;

    #[test]
    fn what_is_so_of_several_subjects_is_one_finding_and_each_can_be_proposed() {
        let one = |subject: &str, said: &str| Difference {
            topic: Topic::Scales,
            title: format!("{subject}, working at: two scales"),
            subject: subject.to_owned(),
            text: "Grades of different scales are never compared.",
            facts: vec![Fact { site: 1, said: said.to_owned(), evidence: "30 grades".to_owned() }],
            suggest: None,
        };
        let differences = [one("Art", "gcse-9-1 1"), one("Biology", "gcse-9-1 1"), one("Latin", "own 1")];
        let places: Vec<Vec<usize>> =
            alike(&differences).iter().map(|held| held.iter().map(|(place, _)| *place).collect()).collect();
        assert_eq!(places, [vec![0, 1], vec![2]], "another scale is another finding");
        assert_eq!(without(&differences[0]), "working at: two scales");
    }
}
