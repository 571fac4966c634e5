//! The paragraph for a privacy notice, in a version for adults and in one that a reader of 14 understands.
//!
//! Short words and short sentences are ours; the purpose, the contact and the title are the parties' own words, so
//! [`crate::agreement::reading_grade`] is asked of the whole.

use super::{
    Document,
    phrases::{basis, group_title, joined, kind_title, long_date, party_names, role_to_learner, seers},
};
use crate::{
    agreement::{AgreementText, Direction, Item, LegalBasis, Relationship, group_words},
    people::Role,
};
use std::collections::BTreeSet;

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// An adult: a parent, a carer, a learner of age.
    Adult,
    /// A learner of 14.
    Young,
}

/// The paragraph for the parties' privacy notices.
pub fn privacy_notice(agreement: &AgreementText, reader: Reader) -> Document {
    match reader {
        Reader::Adult => adult(agreement),
        Reader::Young => young(agreement),
    }
}

fn items(agreement: &AgreementText, direction: Direction) -> Vec<&Item> {
    agreement.items().iter().filter(|item| item.direction == direction).collect()
}

fn adult(agreement: &AgreementText) -> Document {
    let mut page = Document::new("How we share information about learners who are taught at two places");
    let names = party_names(agreement.parties().iter());
    page.para(format!(
        "This notice is given by {}. It adds to the privacy notice that each of us has.",
        joined(&names)
    ));
    page.heading("Why we share");
    page.para(agreement.why().purpose.clone());
    page.heading("What we share");
    for (direction, who) in [
        (
            Direction::HostToHome,
            "The place that teaches the learner tells the learner's home school or college:",
        ),
        (Direction::HomeToHost, "The home school or college tells the place that teaches the learner:"),
    ] {
        let of = items(agreement, direction);
        if !of.is_empty() {
            page.para(who);
            page.bullets(of.into_iter().flat_map(adult_lines));
        }
    }
    page.para("We share nothing else in this way.");
    page.heading("What the law says");
    let bases: BTreeSet<LegalBasis> = agreement.items().iter().map(|item| item.legal_basis).collect();
    page.bullets(bases.into_iter().map(|of| format!("Our legal basis is {}.", basis(of))));
    let conditions: BTreeSet<String> = agreement
        .items()
        .iter()
        .filter_map(|item| item.grounds.article_9)
        .map(|condition| format!("{condition} (UK GDPR {})", condition.article()))
        .collect();
    if !conditions.is_empty() {
        let conditions: Vec<String> = conditions.into_iter().collect();
        let tells: BTreeSet<&str> = agreement
            .items()
            .iter()
            .flat_map(|item| item.groups.iter().filter_map(|group| group_words(item.kind, *group)))
            .map(|words| words.special)
            .filter(|special| !special.is_empty())
            .collect();
        let tells: Vec<&str> = tells.into_iter().collect();
        page.para(format!("Some of it can tell more than it says: {}.", tells.join("; ")));
        page.para(format!("For that we rely on {}.", joined(&conditions)));
    }
    page.para(match agreement.controllers().relationship {
        Relationship::Separate => "Each of us is responsible for what it holds.",
        Relationship::Joint => "We are responsible together. You may turn to any of us.",
    });
    adult_end(&mut page, agreement);
    page.confirm(
        "the legal bases and conditions, and that learners and parents get this before data flows. Then take this remark out.",
    );
    page
}

fn adult_lines(item: &Item) -> Vec<String> {
    let who = seers(item);
    item.groups
        .iter()
        .filter_map(|group| {
            Some(format!("{}. Seen by {who}.", capital(group_words(item.kind, *group)?.adult)))
        })
        .collect()
}

fn adult_end(page: &mut Document, agreement: &AgreementText) {
    page.heading("How long we keep it");
    let kept: BTreeSet<String> = agreement
        .items()
        .iter()
        .map(|item| {
            let groups: Vec<String> =
                item.groups.iter().map(|group| group_title(item.kind, *group)).collect();
            format!(
                "{} ({}). Where it was made: {}. Where it was received: {}.",
                kind_title(item.kind),
                joined(&groups),
                item.retention.at_source,
                item.retention.at_recipient
            )
        })
        .collect();
    page.bullets(kept);
    page.para(format!(
        "Sharing under this agreement ends on {} unless we agree on it again.",
        long_date(agreement.last_date())
    ));
    page.heading("Your rights");
    page.para(format!(
        "You can ask to see what we hold, ask us to put right what is wrong, and object. Ask here: {}",
        agreement.rights().single_contact
    ));
    page.para(agreement.rights().handling.clone());
    page.para(
        "You can complain to us. You can also complain to the Information Commissioner's Office, which watches over data \
         protection in the United Kingdom: ico.org.uk.",
    );
}

fn young(agreement: &AgreementText) -> Document {
    let mut page = Document::new("Who knows what about you when you learn at two places");
    page.para(format!("This is from {}.", joined(&party_names(agreement.parties().iter()))));
    page.heading("Why we share");
    page.para(agreement.why().for_learners.clone());
    page.heading("What we share");
    for (direction, who) in [
        (Direction::HostToHome, "The place that teaches you tells your home school or college:"),
        (Direction::HomeToHost, "Your home school or college tells the place that teaches you:"),
    ] {
        let of = items(agreement, direction);
        if !of.is_empty() {
            page.para(who);
            page.bullets(of.iter().flat_map(|item| {
                item.groups
                    .iter()
                    .filter_map(|group| Some(format!("{}.", capital(group_words(item.kind, *group)?.young))))
            }));
        }
    }
    page.para("We share nothing else in this way.");
    page.heading("Who can see it");
    let roles: BTreeSet<Role> =
        agreement.items().iter().flat_map(|item| item.seen_by.iter().copied()).collect();
    page.bullets(roles.into_iter().map(|role| format!("{}.", capital(role_to_learner(role)))));
    page.para(
        "Not all of them see all of it. They see what they need for their job. We keep a list of who looked.",
    );
    young_end(&mut page, agreement);
    page.confirm(
        "the legal bases in these words, and that learners get this in a way that they notice. Then take this remark out.",
    );
    page
}

fn young_end(page: &mut Document, agreement: &AgreementText) {
    page.heading("Why are we allowed to?");
    let bases: BTreeSet<LegalBasis> = agreement.items().iter().map(|item| item.legal_basis).collect();
    page.bullets(bases.into_iter().map(|of| young_basis(of).to_owned()));
    page.para("We do not have to ask you first. But we have to tell you, and this is how we do it.");
    page.heading("How long do we keep it?");
    page.para(format!(
        "Only as long as we need it. The sharing ends on {}, unless we agree to go on. The page for adults has the full list.",
        long_date(agreement.last_date())
    ));
    page.heading("What can you do?");
    page.bullets(
        [
            "You can ask what we know about you.",
            "You can tell us that something is wrong. Then we look at it and put it right.",
            "You can tell us that you don't want us to share. We will listen and tell you what we decide.",
        ]
        .map(str::to_owned),
    );
    page.para(format!("Ask here: {}", agreement.rights().single_contact));
    page.para("Not happy with what we say? You can go to the ICO. It makes sure that people use data in a fair way: ico.org.uk.");
}

const fn young_basis(of: LegalBasis) -> &'static str {
    match of {
        LegalBasis::PublicTask => {
            "It is part of our job to teach you and keep you safe. The law gives us that job."
        }
        LegalBasis::LegalObligation => "The law says that we must.",
        LegalBasis::LegitimateInterests => "We have a good reason. We checked that it is fair to you.",
        LegalBasis::RecognisedLegitimateInterest => {
            "The law has a list of good reasons, such as keeping you safe."
        }
        LegalBasis::VitalInterests => "It could save a life.",
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
