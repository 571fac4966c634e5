//! The Unique Pupil Number, permanent or temporary.
//!
//! The establishment and year inside it tell who issued it, not where the pupil is now: a UPN follows the pupil. The
//! list of valid local authority codes is not checked, since it changes and we hold no dated copy.

use super::{ascii, fixed};
use crate::ids::Invalid;
use std::{fmt, str::FromStr};

/// Letters by their value in the check sum. I, O and S never occur.
const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";

/// Unique Pupil Number: check letter, 11 digits, and a digit (permanent) or a letter (temporary).
///
/// Holding one is the proof that its check letter is right. Personal: never log it, put it in an address or show it
/// to other learners.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Upn([u8; 13]);

/// How far a UPN reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpnKind {
    /// Belongs to one pupil in the whole country.
    Permanent,
    /// Allocated while the real one is unknown. Means nothing outside the school that issued it.
    Temporary,
}

impl Upn {
    /// Permanent or temporary.
    pub const fn kind(&self) -> UpnKind {
        if self.0[12].is_ascii_digit() { UpnKind::Permanent } else { UpnKind::Temporary }
    }

    /// True for a temporary UPN, which is only good inside the school that issued it.
    pub const fn is_temporary(&self) -> bool {
        matches!(self.kind(), UpnKind::Temporary)
    }

    /// The UPN as text, for matching and for files of its own school only.
    pub fn as_str(&self) -> &str {
        ascii(&self.0)
    }
}

impl FromStr for Upn {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let upn: [u8; 13] =
            fixed(text, Invalid::new("upn", "must have 13 characters: a letter and 12 digits"))?;
        let shape = letter_value(upn[0]).is_some()
            && upn[1..12].iter().all(u8::is_ascii_digit)
            && (upn[12].is_ascii_digit() || letter_value(upn[12]).is_some());
        if !shape {
            return Err(Invalid::new(
                "upn",
                "must be a letter, 11 digits and a last digit or letter; I, O and S are never used",
            ));
        }
        if check_letter(&upn) != upn[0] {
            return Err(Invalid::new(
                "upn",
                "check letter does not fit the digits; compare with the pupil's school",
            ));
        }
        Ok(Self(upn))
    }
}

impl fmt::Debug for Upn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upn({:?}, ..)", self.kind())
    }
}

fn letter_value(letter: u8) -> Option<u32> {
    LETTERS.iter().position(|&known| known == letter).and_then(|at| u32::try_from(at).ok())
}

/// Characters 2 to 13 times their position, summed, modulo 23. The shape was checked before.
fn check_letter(upn: &[u8; 13]) -> u8 {
    let value = |byte: u8| letter_value(byte).unwrap_or_else(|| u32::from(byte.wrapping_sub(b'0')));
    let sum: u32 = upn[1..].iter().zip(2..).map(|(&byte, weight)| value(byte) * weight).sum();
    LETTERS[(sum % 23) as usize]
}
