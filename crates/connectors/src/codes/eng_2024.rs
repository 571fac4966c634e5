//! Attendance codes of England, in force from 19 August 2024, and those they replaced.
//!
//! Our own table: sources mis-file `D` and `X`, so their categories are not read. A code's legal side is only carried
//! for a home's own register; what a host's mark means for the law is not decided here.

use super::Meaning;
use commonroll_core::record::attendance::{Legal, Physical, Register, Statistical};

/// The name of the set.
pub const NAME: &str = "ENG-2024";

/// First day on which the set is in force.
pub const IN_FORCE: jiff::civil::Date = jiff::civil::date(2024, 8, 19);

/// What a code of the set means, if it is one. Sub-codes of SIMS 8, a letter and two digits, mean what the letter means.
pub fn meaning(code: &str) -> Option<Meaning> {
    let bytes = code.as_bytes();
    if let [letter, tens, ones] = bytes
        && letter.is_ascii_uppercase()
        && tens.is_ascii_digit()
        && ones.is_ascii_digit()
    {
        return plain(&code[..1]);
    }
    plain(code)
}

fn plain(code: &str) -> Option<Meaning> {
    let (physical, register) = match code {
        "/" | "\\" => (Physical::Present, Some((Legal::Present, Statistical::Attended))),
        "L" => (Physical::Late, Some((Legal::Present, Statistical::Attended))),
        "U" => (Physical::Late, Some((Legal::UnauthorisedAbsence, Statistical::Unauthorised))),
        // The learner is said to be elsewhere; nobody here saw them.
        "K" | "V" | "P" | "W" | "B" => {
            (Physical::Unknown, Some((Legal::ApprovedEducationalActivity, Statistical::Attended)))
        }
        "D" => (Physical::NotRequired, Some((Legal::NotPossible, Statistical::NotCounted))),
        "C" | "C1" | "C2" | "E" | "I" | "J1" | "M" | "R" | "S" | "T" => {
            (Physical::Absent, Some((Legal::AuthorisedAbsence, Statistical::Authorised)))
        }
        "G" | "N" | "O" => (Physical::Absent, Some((Legal::UnauthorisedAbsence, Statistical::Unauthorised))),
        "X" => (Physical::NotRequired, Some((Legal::NotPossible, Statistical::NotCounted))),
        "Q" | "Y1" | "Y2" | "Y3" | "Y4" | "Y5" | "Y6" | "Y7" => {
            (Physical::Absent, Some((Legal::NotPossible, Statistical::NotCounted)))
        }
        "Z" | "#" => (Physical::NotRequired, Some((Legal::Admin, Statistical::NotCounted))),
        "-" => (Physical::Unknown, None),
        _ => return None,
    };
    let register = register.map(|(legal, statistical)| Register { legal, statistical: Some(statistical) });
    Some(Meaning { physical, register })
}

/// What a code meant before the set came into force. After that day it is a finding, never silently mapped.
pub fn withdrawn(code: &str) -> Option<Meaning> {
    let (legal, statistical) = match code {
        "H" | "F" => (Legal::AuthorisedAbsence, Statistical::Authorised),
        "J" => (Legal::ApprovedEducationalActivity, Statistical::Attended),
        "Y" => (Legal::NotPossible, Statistical::NotCounted),
        _ => return None,
    };
    let register = Some(Register { legal, statistical: Some(statistical) });
    Some(Meaning { physical: Physical::Absent, register })
}
