//! Readiness: how tight each partner's data is, for those who answer for it and for the consortium's lead.
//!
//! The view follows the log ([`feed`]); what is measured is `commonroll_views::readiness`. A partner's own people and agents
//! see all of its numbers; others who may compare partners see shares, rounded counts and no group. What is shown is decided
//! by the policies, and people's looking has its entry first.

mod day;
mod feed;
mod mapping;
mod problems;
mod steps;
mod told;

pub use crate::directory::{sources::SourceHeld, unlocks::Evidence as UnlockEvidence};
pub use day::{DayError, DayHeld, HeldSeen};
pub(crate) use feed::{OUT_OF_STEP, ReadinessView, tick};
pub use mapping::{CodeMapped, MappingCounts, MappingOf, MappingSeen, ScaleMapped, SubjectMapped};
pub use problems::{ProblemSeen, ProblemsSeen};
pub use steps::{STEP_KINDS, StepMay, StepOf, StepSeen, StepStands, StepsSeen};
pub use told::TellError;

use crate::{
    Exchange,
    directory::Directory,
    office::{self, Acting},
    projection,
    reading::ReadError,
    rooms::policy_hash,
    shared::Shared,
    types::{NotAllowed, Speaker},
};
use commonroll_core::{Role, Slug, Timestamp};
use commonroll_policy::OfficeAct;
use commonroll_views::readiness::{For, Report};

/// Entry that says to whom readiness was shown.
const SHOWN: &str = "readiness.shown";

/// One partner.
#[derive(Debug, Clone, PartialEq)]
pub struct PartnerReadiness {
    /// Which.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// What was measured.
    pub report: Report,
    /// When it was last heard: by an agent's call at this node, or a record, receipt or word that the log holds. Only for its
    /// own people and agents.
    pub heard: Option<Timestamp>,
}

/// Readiness as somebody may see it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadinessSeen {
    /// One partner, or all in the order of their names.
    pub partners: Vec<PartnerReadiness>,
    /// The time of the newest entry that is counted; `None` before any.
    pub as_of: Option<Timestamp>,
    /// False while the log is still being read after a start.
    pub complete: bool,
    /// The policy set that allowed it, and the rule that did; empty for an agent, who asks about its own institution.
    pub policy: String,
    /// The rule.
    pub reason: String,
}

impl Exchange {
    /// Readiness of one partner, or of all.
    ///
    /// # Errors
    /// [`ReadError`]; one wording for what the role may not see and for a partner who isn't there.
    pub async fn readiness(
        &self,
        acting: Acting<'_>,
        of: Option<&Slug>,
        now: Timestamp,
    ) -> Result<ReadinessSeen, ReadError> {
        let views = self.shared.views.get().ok_or(ReadError::Unavailable)?;
        let readers = readers(acting, of);
        let make = |shared: &Shared| {
            let (partners, policy, reason) = allowed(shared, acting, of)?;
            // Nobody holds the directory who waits for the view: the view looks into the directory itself.
            let mut view = projection::feed(&views.readiness);
            let made = partners.into_iter().filter_map(|(number, slug, name)| {
                let report = view.made(number, readers, now)?;
                let heard = last_heard(shared, &mut view, number).filter(|_| readers == For::Own);
                Some(PartnerReadiness { slug, name, report, heard })
            });
            let partners = made.collect();
            let (complete, as_of) = view.as_of();
            let seen = ReadinessSeen { partners, as_of, complete, policy, reason };
            let entry = shown(acting, of, (&seen.policy, &seen.reason));
            Ok((seen, (SHOWN, entry)))
        };
        self.page_apart(acting, ("readiness.slowed", "readiness.refused"), now, make).await
    }

    /// Readiness of the speaker's own institution, for its agent.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn own_readiness(&self, speaker: &Speaker, now: Timestamp) -> Result<ReadinessSeen, ReadError> {
        self.speaker(speaker.agent)?;
        let views = self.shared.views.get().ok_or(ReadError::Unavailable)?;
        let (slug, name) = {
            let directory = self.shared.directory();
            let info = &directory.institution(speaker.number).ok_or(NotAllowed::Denied)?.info;
            (info.slug.clone(), info.name.clone())
        };
        let mut view = projection::feed(&views.readiness);
        let report = view.made(speaker.number, For::Own, now).ok_or(NotAllowed::Denied)?;
        let (complete, as_of) = view.as_of();
        let heard = last_heard(&self.shared, &mut view, speaker.number);
        let partners = vec![PartnerReadiness { slug, name, report, heard }];
        Ok(ReadinessSeen { partners, as_of, complete, policy: String::new(), reason: String::new() })
    }
}

/// For whom it is: a partner's own people, unless they look as the consortium's lead.
fn readers(acting: Acting<'_>, of: Option<&Slug>) -> For {
    let own = of == Some(acting.speaker.institution()) && acting.role != Role::ConsortiumLead;
    if own { For::Own } else { For::Others }
}

/// A partner: its number, slug and name.
type Named = (u16, Slug, String);

/// Those whom somebody may ask about, the policy set in force and the rule that allows it.
fn allowed(
    shared: &Shared,
    acting: Acting<'_>,
    of: Option<&Slug>,
) -> Result<(Vec<Named>, String, String), NotAllowed> {
    let directory = shared.directory();
    let permit = office::may(&directory, acting, OfficeAct::SeeReadiness, of, false)?;
    Ok((asked(&directory, of)?, policy_hash(&directory), permit.reason().to_owned()))
}

/// What the entry says to whom it was shown.
fn shown(acting: Acting<'_>, of: Option<&Slug>, (policy, reason): (&str, &str)) -> serde_json::Value {
    serde_json::json!({
        "role": acting.role, "purpose": "administration", "institution": acting.speaker.institution(),
        "of": of, "policy": policy, "policies": [reason],
    })
}

/// When an institution last said anything: as its agents were heard here, or as the log has it from any node.
fn last_heard(shared: &Shared, view: &mut ReadinessView, number: u16) -> Option<Timestamp> {
    let directory = shared.directory();
    let own = directory.agents().filter(|(_, agent)| agent.institution == number);
    own.filter_map(|(id, _)| shared.contacts.last(*id)).max().max(view.said(number))
}

/// Who is asked about: number, slug and name of each, in the order of names.
fn asked(directory: &Directory, of: Option<&Slug>) -> Result<Vec<Named>, NotAllowed> {
    let named = |number: u16| {
        let state = directory.institution(number)?;
        Some((number, state.info.slug.clone(), state.info.name.clone()))
    };
    if let Some(of) = of {
        let number = directory.number_of(of).ok_or(NotAllowed::Denied)?;
        return Ok(named(number).into_iter().collect());
    }
    let all = (0u16..).zip(directory.institutions()).filter(|(_, state)| state.left.is_none());
    let mut all: Vec<_> = all.filter_map(|(number, _)| named(number)).collect();
    all.sort_by(|a, b| (&a.2, &a.1).cmp(&(&b.2, &b.1)));
    Ok(all)
}
