//! Alignment: where partners' data differ, for those who may compare partners, and what they agreed on.
//!
//! What came is followed by [`feed`], what was declared is read from the directory, and both are held against each other by
//! `commonroll_views::alignment`. Everything is shown as shares and rounded counts, without a group or learner; the policies
//! decide who sees it, and looking has its entry first.

mod agree;
mod facts;
mod feed;

pub(crate) use feed::AlignmentView;

use crate::{
    Exchange,
    directory::{Directory, conventions::Convention},
    office::{self, Acting},
    projection::feed,
    reading::ReadError,
    rooms::policy_hash,
    shared::Shared,
};
use commonroll_core::{SchoolDate, Slug, Timestamp, convention::Says};
use commonroll_policy::OfficeAct;
use commonroll_views::alignment::{Agreed, Report, compare};

/// Entry that says to whom alignment was shown.
const SHOWN: &str = "alignment.shown";
/// Conventions of a page at most: the newest.
const LINES: usize = 100;

/// How a convention stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stands {
    /// These partners, by name, have yet to answer.
    Waits(Vec<String>),
    /// Everybody accepted it, and its day has not come.
    Ahead,
    /// It holds.
    Holds,
    /// A newer version holds.
    Replaced,
    /// This partner declined it.
    Declined(String),
    /// Its proposer took it back.
    TakenBack,
}

/// A convention as a partner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConventionSeen {
    /// Which.
    pub id: [u8; 16],
    /// What it says.
    pub says: Says,
    /// Version of its topic.
    pub version: u32,
    /// From which day it holds.
    pub from: SchoolDate,
    /// The institution that proposed it, by name, and when.
    pub proposed: (String, Timestamp),
    /// The institutions that accepted it, by name, and when.
    pub accepted: Vec<(String, Timestamp)>,
    /// How it stands.
    pub stands: Stands,
    /// True if the asker may accept or decline it now.
    pub to_answer: bool,
    /// True if the asker may take it back now.
    pub to_take_back: bool,
}

/// Alignment as somebody may see it.
#[derive(Debug, Clone, PartialEq)]
pub struct AlignmentSeen {
    /// The partners in the order of their names: number, short name, name.
    pub partners: Vec<(u16, Slug, String)>,
    /// What differs.
    pub report: Report,
    /// What was agreed or waits, in the order of `report.kept`: first what stands or will, then what waits, then the rest.
    pub conventions: Vec<ConventionSeen>,
    /// True if the asker may propose a convention.
    pub may_propose: bool,
    /// The time of the newest record that is counted; `None` before any.
    pub as_of: Option<Timestamp>,
    /// False while the log is still being read after a start.
    pub complete: bool,
    /// The policy set that allowed it.
    pub policy: String,
    /// The rule that did.
    pub reason: String,
}

impl Exchange {
    /// Where partners' data differ, and what they agreed on.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn alignment(&self, acting: Acting<'_>, now: Timestamp) -> Result<AlignmentSeen, ReadError> {
        let views = self.shared.views.get().ok_or(ReadError::Unavailable)?;
        let make = |shared: &Shared| {
            let directory = shared.directory();
            let permit = office::may(&directory, acting, OfficeAct::SeeReadiness, None, false)?;
            let (policy, reason) = (policy_hash(&directory), permit.reason().to_owned());
            let today = directory
                .institution(acting.speaker.number)
                .map_or_else(|| now.date_in(&jiff::tz::TimeZone::UTC), |own| now.date_in(&own.zone));
            let sites = facts::sites(&directory, today);
            let partners: Vec<_> = partners(&directory);
            let standing: Vec<&Convention> = directory.conventions().standing(today);
            let agreed: Vec<Agreed> = standing.iter().copied().map(agreed).collect();
            let conventions = conventions(&directory, acting, &standing, today);
            let may_propose = agree::may_propose(&directory, acting).is_ok();
            drop(directory);
            // Nobody holds the directory who waits for the view.
            let mut view = feed(&views.alignment);
            view.tick(today);
            let report = compare(&view.traffic, &sites, &agreed, today);
            let (complete, as_of) = view.as_of();
            drop(view);
            let entry = serde_json::json!({
                "role": acting.role, "purpose": "administration",
                "institution": acting.speaker.institution(), "policy": policy, "policies": [&reason],
            });
            let seen =
                AlignmentSeen { partners, report, conventions, may_propose, as_of, complete, policy, reason };
            Ok((seen, (SHOWN, entry)))
        };
        self.page_apart(acting, ("alignment.slowed", "alignment.refused"), now, make).await
    }
}

/// What is held against what came, from its day on.
fn agreed(one: &Convention) -> Agreed {
    Agreed { says: one.says.clone(), from: one.from }
}

fn partners(directory: &Directory) -> Vec<(u16, Slug, String)> {
    let there = (0u16..).zip(directory.institutions()).filter(|(_, state)| state.left.is_none());
    let mut all: Vec<_> =
        there.map(|(number, state)| (number, state.info.slug.clone(), state.info.name.clone())).collect();
    all.sort_by(|a, b| (&a.2, &a.1).cmp(&(&b.2, &b.1)));
    all
}

fn conventions(
    directory: &Directory,
    acting: Acting<'_>,
    standing: &[&Convention],
    today: SchoolDate,
) -> Vec<ConventionSeen> {
    let stands = |one: &Convention| standing.iter().any(|held| held.id == one.id);
    let mut waiting: Vec<&Convention> = directory.conventions().all().filter(|one| one.open()).collect();
    waiting.sort_by_key(|one| (std::cmp::Reverse(one.proposed.at), one.id.0));
    let mut rest: Vec<&Convention> =
        directory.conventions().all().filter(|one| !one.open() && !stands(one)).collect();
    rest.sort_by_key(|one| (std::cmp::Reverse(one.proposed.at), one.id.0));
    // What stands comes first, as it is: its places are those of what was held against the traffic.
    let room = LINES.saturating_sub(standing.len());
    let more = waiting.into_iter().chain(rest).take(room);
    let all = standing.iter().copied().chain(more);
    all.map(|one| seen(directory, acting, (one, stands(one)), today)).collect()
}

fn seen(
    directory: &Directory,
    acting: Acting<'_>,
    (one, stands): (&Convention, bool),
    today: SchoolDate,
) -> ConventionSeen {
    let name = |number: u16| directory.institution(number).map_or_else(String::new, |s| s.info.name.clone());
    let how = match (&one.ended, one.agreed) {
        (Some(by), _) if by.institution == one.proposed.institution => Stands::TakenBack,
        (Some(by), _) => Stands::Declined(name(by.institution)),
        (None, None) => Stands::Waits(agree::missing(directory, one).into_iter().map(name).collect()),
        (None, Some(_)) if !stands && one.from <= today => Stands::Replaced,
        (None, Some(_)) if one.from > today => Stands::Ahead,
        (None, Some(_)) => Stands::Holds,
    };
    ConventionSeen {
        id: one.id.0,
        says: one.says.clone(),
        version: one.version,
        from: one.from,
        proposed: (name(one.proposed.institution), one.proposed.at),
        accepted: one.accepted.iter().map(|spoke| (name(spoke.institution), spoke.at)).collect(),
        stands: how,
        to_answer: agree::may_answer(directory, acting, one).is_ok(),
        to_take_back: agree::may_take_back(directory, acting, one).is_ok(),
    }
}
