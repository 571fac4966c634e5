//! Identifiers of institutions. None is a stable key: a school gets a new URN when it becomes an academy, and its
//! LAESTAB may change with it. Treat them as dated aliases.
//!
//! They aren't personal, so `Debug` shows them.

use crate::ids::Invalid;
use std::{fmt, str::FromStr};

/// The digits of trimmed text, if it has exactly `count` ASCII digits.
fn number(text: &str, count: usize, broken: Invalid) -> Result<u32, Invalid> {
    let text = text.trim();
    if text.len() != count || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(broken);
    }
    text.parse().map_err(|_| broken)
}

/// Unique Reference Number in the register of schools: 6 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Urn(u32);

impl FromStr for Urn {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        number(text, 6, Invalid::new("urn", "must be 6 digits")).map(Self)
    }
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

/// UK Provider Reference Number: 8 digits starting with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ukprn(u32);

impl FromStr for Ukprn {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let broken = Invalid::new("ukprn", "must be 8 digits starting with 1");
        let ukprn = number(text, 8, broken.clone())?;
        if (10_000_000..20_000_000).contains(&ukprn) { Ok(Self(ukprn)) } else { Err(broken) }
    }
}

impl fmt::Display for Ukprn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// DfE number: local authority (3 digits) and establishment (4), read as `860/4001` or `8604001`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaEstab {
    authority: u16,
    establishment: u16,
}

impl LaEstab {
    /// Local authority number, 0 to 999.
    pub const fn authority(self) -> u16 {
        self.authority
    }

    /// Establishment number, unique within the authority, 0 to 9999.
    pub const fn establishment(self) -> u16 {
        self.establishment
    }
}

impl FromStr for LaEstab {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let broken = Invalid::new("laestab", "must be 3 and 4 digits, written as 860/4001 or 8604001");
        let text = text.trim();
        let whole = match text.split_once('/') {
            Some((authority, establishment)) => {
                number(authority, 3, broken.clone())? * 10_000 + number(establishment, 4, broken.clone())?
            }
            None => number(text, 7, broken.clone())?,
        };
        let part = |number: u32| u16::try_from(number).map_err(|_| broken.clone());
        Ok(Self { authority: part(whole / 10_000)?, establishment: part(whole % 10_000)? })
    }
}

impl fmt::Display for LaEstab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}/{:04}", self.authority, self.establishment)
    }
}

/// Exam centre number: 5 digits from the awarding bodies' register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExamCentre(u32);

impl FromStr for ExamCentre {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        number(text, 5, Invalid::new("exam_centre", "must be 5 digits")).map(Self)
    }
}

impl fmt::Display for ExamCentre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05}", self.0)
    }
}
