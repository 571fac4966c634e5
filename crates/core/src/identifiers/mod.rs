//! Identifiers that the country issues: UPN, ULN, UCI for learners; URN, UKPRN, LAESTAB, exam centre for institutions.
//!
//! Each is parsed once and is sound from then on. Errors name the field and the rule, never the value; `Debug` of a
//! learner's identifier hides it. Whether the number was ever issued to anybody can't be known here.

mod institution;
mod uci;
mod uln;
mod upn;

pub use institution::{ExamCentre, LaEstab, Ukprn, Urn};
pub use uci::Uci;
pub use uln::Uln;
pub use upn::{Upn, UpnKind};

use crate::ids::Invalid;

/// Takes trimmed text of exactly `N` ASCII bytes, letters in upper case.
fn fixed<const N: usize>(text: &str, broken: Invalid) -> Result<[u8; N], Invalid> {
    let mut bytes: [u8; N] = text.trim().as_bytes().try_into().map_err(|_| broken.clone())?;
    if !bytes.is_ascii() {
        return Err(broken);
    }
    bytes.make_ascii_uppercase();
    Ok(bytes)
}

/// Sum of digit x weight. Bytes must be ASCII digits.
fn weighted(digits: &[u8], weights: impl Iterator<Item = u32>) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum()
}

/// The bytes as text; every identifier here holds ASCII only.
fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("only ASCII got in")
}
