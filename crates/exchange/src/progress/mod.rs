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
    directory::{Directory, change::hex},
    office::{self, Acting},
    projection::lock,
    reading::ReadError,
    submit,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{Role, Slug, Timestamp};
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
        if self.shared.misses.too_many(acting.speaker.id(), now) {
            self.refused(&acting.speaker.by(), "progress.slowed", "");
            return Err(ReadError::TooMany);
        }
        if !self.shared.is_current() {
            self.shared.follow().await.map_err(|_| ReadError::Unavailable)?;
        }
        let seen = self.progress_once(acting, ask, now).await;
        if let Err(ReadError::NotAllowed(_)) = seen {
            self.refused(&acting.speaker.by(), "progress.refused", "");
            self.shared.misses.missed(acting.speaker.id(), now);
        }
        seen
    }

    async fn progress_once(
        &self,
        acting: Acting<'_>,
        ask: &ProgressAsk,
        now: Timestamp,
    ) -> Result<ProgressSeen, ReadError> {
        let shared = self.shared.clone();
        let views = shared.views.get().ok_or(ReadError::Unavailable)?;
        let _leaving = shared.leaving.read().await;
        let (of, policy, reason) = {
            let directory = shared.directory();
            let permit = office::may(&directory, acting, OfficeAct::SeeAggregates, ask.of.as_ref(), false)?;
            let number = |slug: &Slug| directory.number_of(slug).ok_or(NotAllowed::Denied);
            let of = ask.of.as_ref().map(number).transpose()?;
            let policy = directory.policies().hash().map_or_else(String::new, |hash| hex(&hash));
            (of, policy, permit.reason().to_owned())
        };
        // Nobody holds the directory who waits for the view: the view looks into the directory itself.
        let own = of.filter(|_| {
            ask.of.as_ref() == Some(acting.speaker.institution()) && acting.role != Role::ConsortiumLead
        });
        let mut made = lock(&views.progress).shown(of, own);
        let more = serde_json::json!({
            "role": acting.role, "purpose": "administration", "institution": acting.speaker.institution(),
            "of": ask.of, "release": made.release, "policy": policy, "policies": [&reason],
        });
        let note = move |work: &mut Work<'_>| work.notes.push((SHOWN.to_owned(), more.clone()));
        submit(&shared, &acting.speaker.by(), now, note).await.map_err(|_| ReadError::Unavailable)?;
        let directory = shared.directory();
        // Who was sent away meanwhile sees nothing any more.
        let _permit = office::may(&directory, acting, OfficeAct::SeeAggregates, ask.of.as_ref(), false)?;
        name(&directory, &mut made.seen);
        (made.seen.policy, made.seen.reason) = (policy, reason);
        Ok(made.seen)
    }
}

/// What the view makes, before names are put to it.
pub(crate) struct Made {
    pub seen: ProgressSeen,
    pub release: u64,
}

/// Puts names to institutions, in the order of which rows are shown.
fn name(directory: &Directory, seen: &mut ProgressSeen) {
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
