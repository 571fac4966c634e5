//! What became of telling institutions by mail and webhook: which alerts are on their way, which arrived, which could not be sent.
//!
//! A lane is an institution and a way to reach it. Its messages are numbered; the newest one says whether somebody is sending
//! and since when that fails. A message holds no words: alerts, emergency accesses and warnings by their ids, and moments. Old
//! rows are taken over in a ring.

use super::{alerts::AlertId, change::Bytes16, warnings::WarningId};
use commonroll_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Rows of one lane. One message a minute at most, so that they last for a long day.
pub const RING: u32 = 512;
/// For so long it is known here what became of telling somebody of an alert.
const KEPT_US: i64 = 3 * 86_400_000_000;

/// A way to reach an institution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail to whoever looks after the whereabouts board.
    Mail,
    /// A signed POST to an address of the institution's own.
    Webhook,
    /// E-mail to its data managers.
    ManagersMail,
}

impl Channel {
    /// True if data managers are warned by it.
    pub const fn warns(self) -> bool {
        matches!(self, Self::Webhook | Self::ManagersMail)
    }

    /// True if alerts and emergency accesses go by it.
    pub const fn alerts(self) -> bool {
        matches!(self, Self::Webhook | Self::Mail)
    }

    /// In a word of the log: `mail`, `webhook` or `managers_mail`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
            Self::ManagersMail => "managers_mail",
        }
    }
}

/// Why something could not be sent, as a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendFault {
    /// The address leads where the hub does not go.
    Address,
    /// No answer in time, or no connection that can be trusted.
    Silent,
    /// The other side said no.
    Refused,
    /// The other side pointed elsewhere, which is not followed.
    Redirected,
    /// The hub stopped while it was being sent: it may have arrived.
    Interrupted,
    /// The alert was over or in hand, or the access reviewed, before it could be sent.
    Over,
}

impl SendFault {
    /// In a word of the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Silent => "silent",
            Self::Refused => "refused",
            Self::Redirected => "redirected",
            Self::Interrupted => "interrupted",
            Self::Over => "over",
        }
    }
}

/// What an institution is told of. The ids of alerts, accesses and warnings have different lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum About {
    /// An emergency access to the card of one of its learners.
    Emergency(Bytes16),
    /// An alert of the whereabouts board.
    Alert(AlertId),
    /// A warning to its data managers.
    Warning(WarningId),
}

impl About {
    /// The access, if it is about one.
    pub const fn emergency(self) -> Option<[u8; 16]> {
        match self {
            Self::Emergency(id) => Some(id.0),
            Self::Alert(_) | Self::Warning(_) => None,
        }
    }

    /// The bytes of its id.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Emergency(id) => &id.0,
            Self::Alert(id) => id.bytes(),
            Self::Warning(id) => &id.0,
        }
    }
}

/// That an institution was told of something at a moment, or that it is over since one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// Of what.
    #[serde(rename = "alert")]
    pub about: About,
    /// When.
    pub at: Timestamp,
    /// True if it says that the alert is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
}

/// One message of a lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// To whom.
    pub institution: u16,
    /// How.
    pub channel: Channel,
    /// Counted from 1 in its lane.
    pub number: u32,
    /// What it says.
    pub tellings: Vec<Telling>,
    /// When it was tried first.
    pub begun: Timestamp,
    /// How often it was tried, or is being tried.
    pub tries: u32,
    /// How it stands.
    pub state: SendState,
}

/// How a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "s", rename_all = "snake_case")]
pub enum SendState {
    /// A node is sending it. Nobody else does until then.
    Trying {
        /// Which node, as it calls itself since its start.
        by: u64,
        /// Until when it has it to itself.
        until: Timestamp,
    },
    /// It failed, and is tried again.
    Waiting {
        /// Not before.
        next: Timestamp,
        /// Why.
        why: SendFault,
    },
    /// It was taken.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// It was given up.
    Unsent {
        /// When.
        at: Timestamp,
        /// Why.
        why: SendFault,
    },
}

impl Sending {
    /// Its key among the rows.
    pub fn key(&self) -> Vec<u8> {
        let row = (self.number % RING).to_be_bytes();
        [&self.institution.to_be_bytes()[..], &[self.channel as u8], &row].concat()
    }

    /// The name of its entry.
    pub const fn name(&self) -> &'static str {
        match self.state {
            SendState::Trying { .. } => "alert.sending",
            SendState::Waiting { .. } => "alert.delayed",
            SendState::Sent { .. } => "alert.sent",
            SendState::Unsent { .. } => "alert.unsent",
        }
    }

    /// True if it is neither sent nor given up.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, SendState::Trying { .. } | SendState::Waiting { .. })
    }
}

/// What became of telling an institution of something in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The telling that it is about.
    pub told: Timestamp,
    /// When that was known.
    pub at: Timestamp,
    /// Why it was not sent; `None` if it was.
    pub why: Option<SendFault>,
}

/// One institution and one way.
#[derive(Clone, Default)]
pub struct Lane {
    newest: Option<Arc<Sending>>,
    done: HashMap<About, Outcome>,
    /// Of what it was told and that may have arrived, and when.
    arrived: HashMap<About, Timestamp>,
    /// Of what it was told that it is over, or that could not be sent: since when it is over.
    ended: HashMap<About, Timestamp>,
}

impl Lane {
    /// Its newest message.
    pub fn newest(&self) -> Option<&Sending> {
        self.newest.as_deref()
    }

    /// What became of telling it of something.
    pub fn outcome(&self, about: About) -> Option<Outcome> {
        self.done.get(&about).copied()
    }

    /// True if it was told of an alert, and not yet that this is over.
    pub fn awaits_end(&self, alert: AlertId) -> bool {
        let about = About::Alert(alert);
        let ended = self.ended.get(&about);
        self.arrived.get(&about).is_some_and(|told| ended.is_none_or(|ended| ended < told))
    }
}

/// All lanes.
#[derive(Clone, Default)]
pub struct Sendings {
    lanes: BTreeMap<(u16, Channel), Arc<Lane>>,
}

impl Sendings {
    /// Takes a message as it stands from now on.
    pub fn put(&mut self, sending: Sending) {
        let lane = Arc::make_mut(self.lanes.entry((sending.institution, sending.channel)).or_default());
        let done = match sending.state {
            SendState::Sent { at } => Some((at, None)),
            SendState::Unsent { at, why } => Some((at, Some(why))),
            SendState::Trying { .. } | SendState::Waiting { .. } => None,
        };
        if let Some((at, why)) = done {
            let is_kept = |since: Timestamp| at.micros() - since.micros() <= KEPT_US;
            lane.done.retain(|_, held| is_kept(held.at));
            lane.arrived.retain(|_, held| is_kept(*held));
            lane.ended.retain(|_, held| is_kept(*held));
            // What was being sent when a node stopped may have arrived.
            let may_have_arrived = matches!(why, None | Some(SendFault::Interrupted));
            for Telling { about, at: told, over } in &sending.tellings {
                if *over {
                    lane.ended.insert(*about, *told);
                    continue;
                }
                if may_have_arrived {
                    lane.arrived.insert(*about, *told);
                }
                let outcome = Outcome { told: *told, at, why };
                let held = lane.done.entry(*about).or_insert(outcome);
                if held.told <= outcome.told {
                    *held = outcome;
                }
            }
        }
        if lane.newest.as_ref().is_none_or(|newest| newest.number <= sending.number) {
            lane.newest = Some(Arc::new(sending));
        }
    }

    /// A lane, if anything was ever sent there.
    pub fn lane(&self, institution: u16, channel: Channel) -> Option<&Lane> {
        self.lanes.get(&(institution, channel)).map(Arc::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_institution_was_told_of_reads_as_it_was_written_also_by_older_hubs() {
        let alert: AlertId =
            "010003000000000000000900000000".parse().unwrap_or_else(|error| panic!("{error}"));
        let now = Timestamp::from_micros("now", 1).unwrap_or_else(|error| panic!("{error}"));
        let warning = About::Warning(WarningId([7; 13]));
        for about in [About::Alert(alert), About::Emergency(Bytes16([7; 16])), warning] {
            let telling = Telling { about, at: now, over: false };
            let text = serde_json::to_string(&telling).unwrap_or_default();
            assert_eq!(serde_json::from_str::<Telling>(&text).ok(), Some(telling), "{text}");
        }
        let old = format!("{{\"alert\":\"{alert}\",\"at\":1}}");
        let read: Option<Telling> = serde_json::from_str(&old).ok();
        assert_eq!(read.map(|telling| telling.about), Some(About::Alert(alert)), "{old}");
    }
}
