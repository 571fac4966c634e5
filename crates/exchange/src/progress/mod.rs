//! Progress: the consortium's figures, for those who may see sums and nobody's records.
//!
//! The view is fed from the log in the log's order, with the log's own times, so that a node that starts anew publishes the
//! same steps as before. A mark or grade counts only if it could leave for the learner's home when it was accepted, and as
//! long as it isn't erased or hidden. Small numbers are cut in `commonroll_views::progress`. What is shown is decided by the
//! policies and has its entry first.

mod feed;

pub(crate) use feed::ProgressView;

use crate::{
    Exchange,
    directory::Directory,
    office::{self, Acting},
    projection::look,
    reading::ReadError,
    rooms::policy_hash,
    shared::Shared,
    types::NotAllowed,
};
use commonroll_core::{Role, Slug, Timestamp, convention::plain};
use commonroll_policy::OfficeAct;
use commonroll_views::progress::{Bridge, CourseNumber, Figures, Scope, Seen};
use std::collections::BTreeMap;

/// Entry that says to whom figures were shown.
pub(crate) const SHOWN: &str = "progress.shown";

/// Of what figures are asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProgressAsk {
    /// One partner's site; `None` for the whole consortium.
    pub of: Option<Slug>,
}

/// Figures as somebody may see them.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgressSeen {
    /// Whose; `None` for the whole consortium.
    pub of: Option<u16>,
    /// The figures, by the hub's numbers of institutions and courses.
    pub seen: Seen,
    /// What the asked-for institution's own learners' figures are, at all hosts.
    pub as_home: Option<Figures>,
    /// Names of institutions and their slugs, by number.
    pub institutions: BTreeMap<u16, (Slug, String)>,
    /// Titles of courses, by number.
    pub courses: BTreeMap<CourseNumber, String>,
    /// The institution's own marks, line by line; only for its own people.
    pub bridge: Option<Bridge>,
    /// True for each site whose shown lessons are all of the site's lessons.
    pub whole: BTreeMap<u16, bool>,
    /// Learners with a placement that is declared today, if there are enough to say so.
    pub learners: Option<u64>,
    /// The time of the newest entry that is counted; `None` before any.
    pub as_of: Option<Timestamp>,
    /// False while the log is still being read after a start.
    pub complete: bool,
    /// The policy set that allowed it.
    pub policy: String,
    /// The rules that did.
    pub reason: String,
}

impl Exchange {
    /// Sums of the consortium or of one partner's site.
    ///
    /// # Errors
    /// [`ReadError`]; one wording for what the role may not see and for a partner who isn't there.
    pub async fn progress(
        &self,
        acting: Acting<'_>,
        ask: &ProgressAsk,
        now: Timestamp,
    ) -> Result<ProgressSeen, ReadError> {
        let views = self.shared.views.get().ok_or(ReadError::Unavailable)?;
        let make = |shared: &Shared| {
            let (of, policy, reason) = {
                let directory = shared.directory();
                let permit =
                    office::may(&directory, acting, OfficeAct::SeeAggregates, ask.of.as_ref(), false)?;
                let number = |slug: &Slug| directory.number_of(slug).ok_or(NotAllowed::Denied);
                let of = ask.of.as_ref().map(number).transpose()?;
                (of, policy_hash(&directory), permit.reason().to_owned())
            };
            let own = of.filter(|_| {
                ask.of.as_ref() == Some(acting.speaker.institution()) && acting.role != Role::ConsortiumLead
            });
            // Nobody holds the directory who waits for the view: the view looks into the directory itself.
            let Made { mut seen, release } = look(&views.progress).shown(of, own);
            name(&shared.directory(), &mut seen, now);
            let entry = serde_json::json!({
                "role": acting.role, "purpose": "administration", "institution": acting.speaker.institution(),
                "of": ask.of, "release": release, "policy": policy, "policies": [&reason],
            });
            (seen.policy, seen.reason) = (policy, reason);
            Ok((seen, (SHOWN, entry)))
        };
        self.page_apart(acting, ("progress.slowed", "progress.refused"), now, make).await
    }
}

/// What the view makes, before names are put to it.
pub(crate) struct Made {
    pub seen: ProgressSeen,
    pub release: u64,
}

/// Puts names to institutions, in the order of which rows are shown.
fn name(directory: &Directory, seen: &mut ProgressSeen, now: Timestamp) {
    let words = directory.conventions().words(now.date_in(&jiff::tz::TimeZone::UTC));
    for title in seen.courses.values_mut() {
        if let Some(word) = words.get(&plain(title)) {
            *title = (*word).to_owned();
        }
    }
    for (number, state) in (0..).zip(directory.institutions()) {
        seen.institutions.insert(number, (state.info.slug.clone(), state.info.name.clone()));
    }
    let names = seen.institutions.clone();
    let of = |number: u16| names.get(&number).map_or("", |(_, name)| name.as_str());
    let courses = seen.courses.clone();
    let title = |course: CourseNumber| courses.get(&course).map_or("", String::as_str);
    seen.seen.sites.sort_by_key(|row| of(row.0));
    seen.seen.homes.sort_by_key(|row| of(row.0));
    seen.seen.courses.sort_by_key(|row| (title(row.1), of(row.0)));
    seen.seen.travel.sort_by_key(|row| (title(row.1), of(row.0)));
}

/// The figures of a scope, as the view has them.
pub(crate) fn empty(of: Option<u16>, seen: Seen) -> ProgressSeen {
    ProgressSeen {
        of,
        seen,
        as_home: None,
        institutions: BTreeMap::new(),
        courses: BTreeMap::new(),
        bridge: None,
        whole: BTreeMap::new(),
        learners: None,
        as_of: None,
        complete: false,
        policy: String::new(),
        reason: String::new(),
    }
}

/// Whose figures are asked.
pub(crate) const fn scope(of: Option<u16>) -> Scope {
    Scope { host: of }
}
