//! Records that a recipient could not write into its MIS: what became of them there, as its agent tells the hub.
//!
//! The MIS's own words are no part of it: they may say anything of anybody. They stay with the agent, in sight.

use crate::{
    ids::{Invalid, RecordId},
    time::Timestamp,
};

/// Steps in one call at most.
pub const STEPS_MAX: usize = 100;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AsideDeed {
    /// It could not be written, and is set aside: what is behind it flows.
    SetAside = 1,
    /// A person there lets it be tried once more.
    Retried = 2,
    /// A person there gave it up.
    Dismissed = 3,
    /// It was written after all.
    Written = 4,
    /// A newer revision of it was written: it needs no writing any more.
    Overtaken = 5,
}

impl AsideDeed {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::SetAside, Self::Retried, Self::Dismissed, Self::Written, Self::Overtaken];

    /// The one with this number.
    pub fn of(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| *deed as i64 == number)
    }

    /// Its entry in the log.
    pub const fn entry(self) -> &'static str {
        match self {
            Self::SetAside => "delivery.set_aside",
            Self::Retried => "delivery.retried",
            Self::Dismissed => "delivery.dismissed",
            Self::Written => "delivery.written",
            Self::Overtaken => "delivery.overtaken",
        }
    }
}

/// One step, as an agent tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsideStep {
    /// The record's place in the feed.
    pub sequence: u64,
    /// The record; zeros if it could not be read.
    pub record: RecordId,
    /// Its revision; 0 if it could not be read.
    pub revision: u32,
    /// Stable code of what was wrong, such as `write_back`.
    pub code: String,
    /// What was done.
    pub deed: AsideDeed,
    /// When.
    pub at: Timestamp,
}

impl AsideStep {
    /// Checks what it says.
    ///
    /// # Errors
    /// [`Invalid`]: a code that may be anything else than one.
    pub fn check(&self) -> Result<(), Invalid> {
        let is_code = (1..=40).contains(&self.code.len())
            && self.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        match is_code && self.sequence > 0 {
            true => Ok(()),
            false => {
                Err(Invalid::new("steps", "each must name a place in the feed and a code of small letters"))
            }
        }
    }
}
