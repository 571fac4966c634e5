//! What the hub has told of whereabouts, without anything personal: for a program beside the hub that follows the log.

use super::alerts;
use crate::{
    Exchange,
    directory::alerts::{AlertId, Alerted, Said},
};
use commonroll_core::{Role, Slug, Timestamp};

/// An alert as it stands: whom it concerns is told by numbers alone, and remarks are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertTold {
    /// Which.
    pub id: AlertId,
    /// Where it happens.
    pub site: Slug,
    /// Which institutions were told, and when first; in the order of telling.
    pub told: Vec<(Slug, Timestamp)>,
    /// Somebody has it in hand: who said so first.
    pub in_hand: Option<Answered>,
    /// Somebody found the learner.
    pub found: Option<Answered>,
    /// When it was over.
    pub over: Option<Timestamp>,
}

/// That somebody answered an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// In which role.
    pub role: Role,
    /// At which institution.
    pub institution: Slug,
    /// When.
    pub at: Timestamp,
}

impl Exchange {
    /// The alerts of the last days, over or not, as far as this node has read the log ([`Exchange::follow`]). For the
    /// operator and programs of theirs: it decides nothing and has no entry, since it names nobody.
    pub fn alerts_told(&self) -> Vec<AlertTold> {
        let directory = self.shared.directory();
        let slug = |number: u16| directory.institution(number).map(|state| state.info.slug.clone());
        let answered = |said: &Said| {
            Some(Answered { role: said.role, institution: slug(said.institution)?, at: said.at })
        };
        let told = |alert: &Alerted| {
            Some(AlertTold {
                id: alert.id,
                site: slug(alerts::site_of(&alert.id.key()?))?,
                told: alert.told.iter().filter_map(|(number, at)| Some((slug(*number)?, *at))).collect(),
                in_hand: alert.in_hand().next().and_then(answered),
                found: alert.found.as_ref().and_then(answered),
                over: alert.over,
            })
        };
        directory.alerts().all().filter_map(told).collect()
    }
}
