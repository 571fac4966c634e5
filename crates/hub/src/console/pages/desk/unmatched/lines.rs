//! Lines of the page: a question, a guest, a match, and what people said of each.

use super::{key, lists::At, text};
use crate::{
    console::{nav, signed::Signed, times},
    matching,
};
use commonroll_core::Slug;
use commonroll_exchange::{
    AgreedSeen, ClaimSeen, GuestSeen, HomeSeen, LinkSeen, MainSeen, MatchDeed, MatchStepSeen, OptionSeen,
    QuestionSeen, Taking,
};

/// A question of a host's.
pub(super) struct Question {
    pub id: String,
    pub stamp: String,
    pub host: String,
    pub taking: Vec<String>,
    pub options: Vec<Choice>,
    pub history: Vec<String>,
}

/// A learner of one's own whom a guest may be.
pub(super) struct Choice {
    pub id: String,
    pub called: String,
    pub same: String,
    pub differs: String,
    pub unknown: String,
    pub placed: bool,
    pub undone: bool,
    pub another: bool,
}

/// A guest whom nobody has matched.
pub(super) struct Guest {
    pub id: String,
    pub called: String,
    pub from: String,
    pub homes: Vec<Home>,
    /// What to do; empty where there is a home to ask.
    pub next: &'static str,
}

/// A home where somebody fits, or that was asked.
pub(super) struct Home {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub fits: Vec<(String, &'static str)>,
    pub can_ask: bool,
    pub is_open: bool,
    /// True if it said no, and nobody else fits there.
    pub declined: bool,
    pub history: Vec<String>,
}

/// A match.
pub(super) struct Linked {
    pub href: String,
    pub id: String,
    pub called: String,
    pub who: String,
    pub rests: &'static str,
    pub since: String,
    pub look: &'static str,
    pub history: Vec<String>,
}

/// A learner whom another partner claims, too.
pub(super) struct Claim {
    pub id: String,
    /// The same, for the ids of its fields.
    pub key: String,
    pub other: String,
    /// True if the other is named: its office can be rung.
    pub named: bool,
    pub counts: bool,
    pub stamp: String,
    /// What one's own institution has said; empty if nothing.
    pub said: String,
    /// What the other one says; empty if it hasn't named one's own.
    pub told: String,
    pub partners: Vec<Partner>,
    pub history: Vec<String>,
}

/// Who the other may be.
pub(super) struct Partner {
    pub slug: String,
    pub name: String,
    pub chosen: bool,
}

/// A learner of whom both have agreed where the main registration is.
pub(super) struct Agreed {
    pub id: String,
    pub called: String,
    pub other: String,
    pub ours: bool,
    pub history: Vec<String>,
}

pub(super) fn claim(signed: &Signed, one: &ClaimSeen, partners: &[(Slug, String)]) -> Claim {
    let MainSeen { said, told, stamp, history: steps } = &one.main;
    let chosen = said.as_ref().or(told.as_ref()).map(|word| &word.slug);
    let (words_said, words_told) = matching::claimed(&one.main);
    Claim {
        id: text(&one.local),
        key: key(one.local.as_str()),
        other: one.other.clone().unwrap_or_else(|| "another partner".to_owned()),
        named: one.other.is_some(),
        counts: one.counts,
        stamp: stamp.clone(),
        said: words_said,
        told: words_told,
        partners: partners
            .iter()
            .map(|(slug, name)| Partner {
                slug: slug.to_string(),
                name: name.clone(),
                chosen: chosen == Some(slug),
            })
            .collect(),
        history: history(signed, steps),
    }
}

pub(super) fn agreed(signed: &Signed, one: &AgreedSeen) -> Agreed {
    Agreed {
        id: text(&one.local),
        called: one.called.clone(),
        other: one.word.other.clone(),
        ours: one.word.ours,
        history: history(signed, &one.history),
    }
}

pub(super) fn question(signed: &Signed, one: &QuestionSeen) -> Question {
    Question {
        id: one.id.to_string(),
        stamp: one.stamp.clone(),
        host: one.host.clone(),
        taking: one.taking.iter().map(taking).collect(),
        options: one.options.iter().map(choice).collect(),
        history: history(signed, &one.history),
    }
}

fn taking(one: &Taking) -> String {
    let group = match &one.group {
        Some((code, title)) if title.is_empty() => code.as_str().to_owned(),
        Some((code, title)) => format!("{title} ({})", code.as_str()),
        None => "every group".to_owned(),
    };
    format!("{group}, {} to {}", times::date(one.dates.first()), times::date(one.dates.last()))
}

fn choice(one: &OptionSeen) -> Choice {
    Choice {
        id: text(&one.local),
        called: one.called.clone(),
        same: one.points.same.join(", "),
        differs: one.points.differs.join(", "),
        unknown: one.points.unknown.join(", "),
        placed: one.placed,
        undone: one.undone,
        another: one.another,
    }
}

pub(super) fn guest(signed: &Signed, one: &GuestSeen) -> Guest {
    Guest {
        id: text(&one.local),
        called: one.called.clone(),
        from: one.from.join(", "),
        next: matching::guest_next(one),
        homes: one.homes.iter().map(|at| home(signed, at)).collect(),
    }
}

fn home(signed: &Signed, one: &HomeSeen) -> Home {
    let name = matching::home_name(one).to_owned();
    Home {
        id: one.id.to_string(),
        slug: one.home.as_ref().map(|(slug, _)| slug.to_string()).unwrap_or_default(),
        fits: one.fits.iter().map(|fit| (matching::fits(fit, &name), fit.means)).collect(),
        can_ask: one.can_ask,
        is_open: one.is_open,
        declined: matching::is_declined(one),
        history: history(signed, &one.history),
        name,
    }
}

pub(super) fn linked(signed: &Signed, one: &LinkSeen, at: &At) -> Linked {
    Linked {
        href: at.of_match(&one.id.to_string()),
        id: text(&one.local),
        called: one.called.clone(),
        who: match (one.hosting, &one.other) {
            (true, Some(other)) => format!("your guest, whose home is {other}"),
            (true, None) => {
                "your guest, a learner of another partner: which one, you read once it has placed them with you"
                    .to_owned()
            }
            (false, other) => format!("your learner, a guest of {}", other.as_deref().unwrap_or_default()),
        },
        rests: one.rests,
        since: one.since.map_or_else(String::new, |at| times::day_hm(at, signed.zone())),
        look: one.look.unwrap_or_default(),
        history: history(signed, &one.history),
    }
}

fn history(signed: &Signed, steps: &[MatchStepSeen]) -> Vec<String> {
    steps.iter().map(|step| said(signed, step)).collect()
}

/// One step: one's own people by name, others as their office.
fn said(signed: &Signed, step: &MatchStepSeen) -> String {
    let role = step.role.map_or("somebody", nav::role_words);
    let who = match &step.person {
        Some(name) => format!("{name}, {role},"),
        None => format!("the {role} of {}", step.institution),
    };
    let when = times::day_hm(step.at, signed.zone());
    match step.deed {
        MatchDeed::Asked => format!("Asked by {who} on {when}"),
        MatchDeed::TakenBack => format!("Question taken back by {who} on {when}"),
        MatchDeed::Yes => format!("Answered yes by {who} on {when}: matched"),
        MatchDeed::No => format!("Answered no by {who} on {when}"),
        MatchDeed::Reopened => format!("No taken back by {who} on {when}"),
        MatchDeed::Undone => format!("Match undone by {who} on {when}"),
        MatchDeed::MainSaid => format!("Said by {who} on {when}"),
        MatchDeed::MainAgreed => format!("Said by {who} on {when}: both say the same"),
        MatchDeed::MainTakenBack => format!("Taken back by {who} on {when}"),
        MatchDeed::Changed => {
            format!("{} declared a number or a date of birth anew on {when}", step.institution)
        }
        MatchDeed::Forgotten => {
            format!("{} had a learner forgotten on {when}: what was said of them went", step.institution)
        }
    }
}
