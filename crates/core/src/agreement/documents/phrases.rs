//! Phrases that several documents share, so that they say the same thing in the same words.

use crate::{
    agreement::{
        AgreementText, AtEnd, Item, ItemKind, LegalBasis, Moment, Party, Relationship, group_words,
        role_words,
    },
    people::Role,
    record::RecordKind,
};

/// Names in a sentence: `a`, `b` and `c`.
pub(super) fn joined(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

pub(super) fn party_names<'a>(parties: impl Iterator<Item = &'a Party>) -> Vec<String> {
    parties.map(|party| party.name.clone()).collect()
}

/// A kind as a heading.
pub(super) const fn kind_title(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Record(RecordKind::Attendance) => "Attendance",
        ItemKind::Record(RecordKind::Assessment) => "Assessment",
        ItemKind::Record(RecordKind::Behaviour) => "Behaviour and achievement",
        ItemKind::Card => "Card of a visiting learner",
    }
}

/// A field group's name as people say it.
pub(super) fn group_title(kind: ItemKind, group: u32) -> String {
    let name = kind.groups().iter().find(|(number, _)| *number == group).map_or("", |(_, name)| name);
    name.replace('_', " ")
}

/// What an item holds: its kind, and each field group's description with its name.
pub(super) fn holds(item: &Item) -> String {
    let groups = item.groups.iter().filter_map(|group| {
        let words = group_words(item.kind, *group)?;
        Some(format!("{} ({})", words.adult, group_title(item.kind, *group)))
    });
    format!("{}: {}.", kind_title(item.kind), groups.collect::<Vec<_>>().join("; "))
}

/// How long the hub keeps an item. A number for records is kept by the hub itself, which says in its log what it takes out.
pub(super) fn hub_days(item: &Item) -> String {
    match item.retention.at_hub_days {
        0 => "not after it was handed on".to_owned(),
        1 => "1 day after delivery".to_owned(),
        days => format!("{days} days after delivery"),
    }
}

/// An item in a few words: kind and group names.
pub(super) fn short(item: &Item) -> String {
    let groups: Vec<String> = item.groups.iter().map(|group| group_title(item.kind, *group)).collect();
    format!("{}: {}", kind_title(item.kind), joined(&groups))
}

/// Who sees an item, as a list in words.
pub(super) fn seers(item: &Item) -> String {
    joined(&item.seen_by.iter().map(|role| role_words(*role).to_owned()).collect::<Vec<_>>())
}

/// A role as a learner of 14 would hear it.
pub(super) const fn role_to_learner(role: Role) -> &'static str {
    match role {
        Role::Head => "the head",
        Role::Teacher => "the teachers of your groups",
        Role::Tutor => "your tutor",
        Role::HeadOfSixth => "the head of sixth form",
        Role::AttendanceOfficer => "the staff who check where you are",
        Role::Learner => "you",
        Role::Parent => "your parents or carers",
        Role::DataManager | Role::Dpo | Role::ConsortiumLead | Role::Technician => {
            "staff who run the sharing"
        }
        Role::Program => "computer programs that your school has let in",
    }
}

/// Legal basis with its article.
pub(super) fn basis(of: LegalBasis) -> String {
    format!("{of} (UK GDPR {})", of.article())
}

/// What becomes of copies of a kind at the end.
pub(super) fn at_end(agreement: &AgreementText, kind: ItemKind) -> String {
    match agreement.at_end(kind) {
        (AtEnd::Withdraw, _) => {
            "withdrawn. Recipients are told to remove their copies, and answer with a receipt.".to_owned()
        }
        (AtEnd::Keep, reason) => format!("kept. {}", reason.unwrap_or("no reason was given")),
    }
}

/// How the parties stand to each other, in full.
pub(super) fn controllers(agreement: &AgreementText) -> Vec<String> {
    let stand = match agreement.controllers().relationship {
        Relationship::Separate => {
            "The parties are separate controllers. Each decides for itself why and how it uses what it holds and what it \
             receives, answers for that alone, and acts on nobody's instructions but its own."
        }
        Relationship::Joint => {
            "The parties are joint controllers of the sharing described here: they decide together why and how it is done \
             (UK GDPR Article 26). Whatever they have arranged among themselves, a person may turn to any of them."
        }
    };
    let operator = "Whoever runs the hub is a processor for each party, under a contract of its own (UK GDPR Article 28), \
                    and acts only on the consortium's policies and on this agreement.";
    let arrangement = agreement.controllers().arrangement.clone();
    std::iter::once(stand.to_owned()).chain(arrangement).chain([operator.to_owned()]).collect()
}

/// What happens by one of the times of alerts, as a sentence.
pub(super) fn told_when(moment: Moment, value: u16) -> String {
    let minutes = match value {
        1 => "1 minute".to_owned(),
        value => format!("{value} minutes"),
    };
    match moment {
        Moment::Register => {
            format!("A register is due {minutes} after its lesson's start. If it isn't in, the host is told.")
        }
        Moment::HostFirst if value == 0 => {
            "At the same moment a learner whom nobody has marked is missing, and the home is told, too."
                .to_owned()
        }
        Moment::HostFirst => {
            format!("{minutes} later a learner whom nobody has marked is missing, and the home is told, too.")
        }
        Moment::Travel => format!("A learner may take {minutes} from one site to the next."),
        Moment::Quiet => {
            format!(
                "A partner's system that is quiet for {minutes} is silent: its learners are unknown, not missing."
            )
        }
        Moment::Again => format!("Whoever does not have an alert in hand is told again after {minutes}."),
        Moment::LeftEarly => {
            format!("Of a learner who leaves {minutes} or more before a lesson's end, both are told.")
        }
        Moment::NextDay => format!(
            "From {} on, timetables of the next school day are held against each other.",
            moment.written(value)
        ),
    }
}

/// Dates in force.
pub(super) fn in_force(agreement: &AgreementText) -> String {
    format!(
        "{} to {}, both days included",
        long_date(agreement.first_date()),
        long_date(agreement.last_date())
    )
}

/// A date as people write it: 1 September 2026.
pub(super) fn long_date(date: &crate::SchoolDate) -> String {
    date.civil().strftime("%-d %B %Y").to_string()
}
