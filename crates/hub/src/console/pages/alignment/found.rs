//! What was found of partners' data, as the page shows it: by topic, what is so of several subjects once, with a form for each.

use super::{MEANINGS, name};
use crate::conventions::told;
use commonroll_core::convention::Says;
use commonroll_exchange::{AlignmentSeen, Stands};
use commonroll_views::alignment::{Difference, Fact, Finding, Means};

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
pub(super) fn groups(seen: &AlignmentSeen, findings: &[Finding<'_>]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for one in findings {
        let (topic, found) = (one.topic.words(), found(seen, one));
        match groups.iter_mut().find(|group| group.topic == topic) {
            Some(group) => group.found.push(found),
            None => groups.push(Group { topic, found: vec![found] }),
        }
    }
    groups
}

fn found(seen: &AlignmentSeen, one: &Finding<'_>) -> Found {
    Found {
        id: one.of.first().map_or_else(String::new, |(place, _)| format!("d{place}")),
        title: one.title.clone(),
        text: one.text,
        facts: shown(seen, &one.facts),
        proposals: one.of.iter().filter_map(|of| offer(seen, of)).collect(),
    }
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
