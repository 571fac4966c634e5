//! The Unique Learner Number, the best key between a school and a college.
//!
//! Whether the Learning Records Service knows the number can't be known here.

use super::{ascii, fixed, weighted};
use crate::ids::Invalid;
use std::{fmt, str::FromStr};

/// What colleges write while a learner has no number yet. Many learners share it, so it must never match anyone.
const PLACEHOLDER: &[u8; 10] = b"9999999999";

/// Unique Learner Number: 10 digits, the last of them a check digit. Holding one is the proof that it fits.
///
/// Personal: never log it or put it in an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Uln([u8; 10]);

impl Uln {
    /// The ULN as text, for matching and for files of its own institution only.
    pub fn as_str(&self) -> &str {
        ascii(&self.0)
    }
}

impl FromStr for Uln {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let shape = Invalid::new("uln", "must be 10 digits, the first of them not 0");
        let uln: [u8; 10] = fixed(text, shape.clone())?;
        if !uln.iter().all(u8::is_ascii_digit) || uln[0] == b'0' {
            return Err(shape);
        }
        if &uln == PLACEHOLDER {
            return Err(Invalid::new(
                "uln",
                "is the placeholder for a learner without a number; leave it empty",
            ));
        }
        // A remainder of 0 asks for a check digit of 10, so that no digit fits. Such numbers are never issued.
        let remainder = weighted(&uln[..9], (2..=10).rev()) % 11;
        if 10 - remainder != u32::from(uln[9] - b'0') {
            return Err(Invalid::new(
                "uln",
                "check digit does not fit; look the learner up in the Learning Records Service",
            ));
        }
        Ok(Self(uln))
    }
}

impl fmt::Debug for Uln {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uln(..)")
    }
}
