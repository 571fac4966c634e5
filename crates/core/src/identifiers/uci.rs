//! The Unique Candidate Identifier of the exam boards, a secondary key.
//!
//! A learner can wrongly have two, so that two different ones prove nothing. Those of some international centres
//! hold a letter for which our sources give no check rule: they are refused, since an unchecked key can't match.

use super::{ascii, fixed, weighted};
use crate::ids::Invalid;
use std::{fmt, str::FromStr};

/// Check letters by remainder.
const LETTERS: &[u8; 17] = b"ABCDEFGHKLMRTVWXY";
/// Printed by a board as an example and typed by schools for candidates without one.
const PLACEHOLDER: &[u8; 13] = b"999990140001X";

/// Unique Candidate Identifier: centre (5 digits), 0, year (2), candidate (4), check letter. Holding one is the proof
/// that the letter fits.
///
/// Personal: never log it or put it in an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Uci([u8; 13]);

impl Uci {
    /// The UCI as text, for matching and for files of its own institution only.
    pub fn as_str(&self) -> &str {
        ascii(&self.0)
    }
}

impl FromStr for Uci {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let shape = Invalid::new("uci", "must have 13 characters: 12 digits and a check letter");
        let uci: [u8; 13] = fixed(text, shape.clone())?;
        if &uci == PLACEHOLDER {
            return Err(Invalid::new("uci", "is a placeholder that a board printed; leave it empty"));
        }
        let digits = |range: std::ops::Range<usize>| uci[range].iter().all(u8::is_ascii_digit);
        if !digits(0..5) || !digits(6..12) || !uci[12].is_ascii_uppercase() {
            return Err(shape);
        }
        if uci[5].is_ascii_uppercase() {
            return Err(Invalid::new("uci", "of an international centre can't be checked; leave it empty"));
        }
        if uci[5] != b'0' {
            return Err(Invalid::new("uci", "must have a 0 after the centre number"));
        }
        let remainder = weighted(&uci[..12], (5..=16).rev()) % 17;
        if LETTERS[remainder as usize] != uci[12] {
            return Err(Invalid::new(
                "uci",
                "check letter does not fit the digits; compare with the exams office",
            ));
        }
        Ok(Self(uci))
    }
}

impl fmt::Debug for Uci {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uci(..)")
    }
}
