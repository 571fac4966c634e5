//! Risks that follow from what an agreement lists, with what this product does about each. A list to start from: how
//! likely and how grave each is, is for the parties to judge.

use super::phrases::{group_title, kind_title, short};
use crate::{
    agreement::{AgreementText, AtEnd, Item, ItemKind, group_words},
    people::Role,
    record::RecordKind,
};

/// One risk.
pub(super) struct Risk {
    /// What could happen, to whom.
    pub(super) what: String,
    /// Which items bring it.
    pub(super) from: String,
    /// What is done about it already.
    pub(super) done: &'static str,
}

/// The risks of an agreement, most particular first.
pub(super) fn risks(agreement: &AgreementText) -> Vec<Risk> {
    let mut risks: Vec<Risk> = agreement.items().iter().flat_map(of_item).collect();
    if agreement.kinds().any(|kind| agreement.at_end(kind).0 == AtEnd::Keep) {
        risks.push(Risk {
            what: "Copies outlive the need that they were shared for.".to_owned(),
            from: kept(agreement),
            done: "Kept only for the reason that this agreement states; all other copies are withdrawn at the end.",
        });
    }
    if agreement.parties().len() > 2 {
        risks.push(Risk {
            what: format!(
                "Among {} parties, one could see learners who are none of its own.",
                agreement.parties().len()
            ),
            from: "every item".to_owned(),
            done: "A record goes to the learner's home alone; a host is shown only learners who are placed with it, while they are.",
        });
    }
    risks.push(Risk {
        what: "A learner is mistaken for another, so that a record reaches the wrong institution.".to_owned(),
        from: "every item".to_owned(),
        done: "Learners are matched only among those placed with the host; where it is not clear, nothing flows until a person decides.",
    });
    risks.push(Risk {
        what: "Staff look at learners whom they have no need to know about.".to_owned(),
        from: "every item".to_owned(),
        done: "What is shown follows from role, groups and placement, and each showing is written to a log that can't be altered unseen.",
    });
    risks
}

fn of_item(item: &Item) -> Vec<Risk> {
    let mut risks = Vec::new();
    for group in &item.groups {
        let Some(words) = group_words(item.kind, *group) else { continue };
        let from = format!("{}: {}", kind_title(item.kind), group_title(item.kind, *group));
        if !words.special.is_empty() {
            risks.push(Risk {
                what: format!("It gives away a special category of personal data: {}.", words.special),
                from: from.clone(),
                done: "Flows only because this agreement lists it; each part of a record is decided on its own.",
            });
        }
        if !words.offences.is_empty() {
            risks.push(Risk {
                what: format!("It records wrongdoing, alleged or proven: {}.", words.offences),
                from: from.clone(),
                done: "Corrections and withdrawals at the source reach every recipient; internal comments never leave their source.",
            });
        }
        if words.free_text {
            risks.push(Risk {
                what: "Somebody writes more than they should, such as another child's name.".to_owned(),
                from,
                done: "The length is limited. What people write is not read by a machine: train those who write it.",
            });
        }
    }
    risks.extend(of_whole(item));
    risks
}

fn of_whole(item: &Item) -> Vec<Risk> {
    let mut risks = Vec::new();
    if item.kind == ItemKind::Card && item.groups.contains(&2) {
        risks.push(Risk {
            what: "People who are no learners, such as parents, are named with their telephone numbers."
                .to_owned(),
            from: short(item),
            done: "Shown for learners placed at the host only, and only while they are.",
        });
    }
    if item.kind == ItemKind::Record(RecordKind::Assessment) && item.groups.contains(&2) {
        risks.push(Risk {
            what: "A grade on another scale is read as better or worse than it is.".to_owned(),
            from: short(item),
            done: "Each grade travels with its scale and what it claims (target, working at, predicted, final), and is never converted unasked.",
        });
    }
    if item.seen_by.contains(&Role::Program) {
        risks.push(Risk {
            what: "A supplier's program copies data to where the parties can't follow it.".to_owned(),
            from: short(item),
            done: "A program sees what its institution let it in for. What it keeps is for that institution's contract with the supplier.",
        });
    }
    risks
}

fn kept(agreement: &AgreementText) -> String {
    let kept = agreement.kinds().filter(|kind| agreement.at_end(*kind).0 == AtEnd::Keep);
    kept.map(|kind| kind_title(kind).to_owned()).collect::<Vec<_>>().join(", ")
}
