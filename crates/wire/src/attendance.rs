//! Attendance: its field groups to and from the schema.

use crate::{pb::attendance::v1 as pb, put, read};
use bytes::BytesMut;
use commonroll_core::{
    Interval, Invalid,
    record::{
        Text,
        attendance::{Legal, Physical, Presence, Register, SourceCode, Statistical},
    },
};

/// Most characters of a note.
const NOTE_MAX: usize = 500;

/// Group 2 as the schema writes it.
pub fn write_presence(presence: &Presence) -> pb::Presence {
    pb::Presence {
        physical: write_physical(presence.physical) as i32,
        start_us: presence.interval.map(|i| i.start().micros()),
        end_us: presence.interval.map(|i| i.end().micros()),
        minutes_late: presence.minutes_late,
        minutes_left_early: presence.minutes_left_early,
    }
}

/// Reads group 2.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_presence(presence: &pb::Presence) -> Result<Presence, Invalid> {
    let start = read::optional_time("start_us", presence.start_us)?;
    let end = read::optional_time("end_us", presence.end_us)?;
    let interval = match (start, end) {
        (None, None) => None,
        (Some(start), Some(end)) => {
            Some(Interval::new(start, end).map_err(|i| Invalid::new("end_us", i.rule))?)
        }
        (Some(_), None) => return Err(Invalid::new("end_us", "must be given together with start_us")),
        (None, Some(_)) => return Err(Invalid::new("start_us", "must be given together with end_us")),
    };
    Presence {
        physical: read_physical(presence.physical)?,
        interval,
        minutes_late: presence.minutes_late,
        minutes_left_early: presence.minutes_left_early,
    }
    .check()
}

/// Group 3 as the schema writes it.
pub fn write_source_code(code: &SourceCode) -> pb::SourceCode {
    pb::SourceCode { code: code.code.clone(), code_set: code.code_set.clone() }
}

/// Appends group 3, encoded.
pub(crate) fn put_source_code(code: &SourceCode, out: &mut BytesMut) {
    put::text(1, &code.code, out);
    put::text(2, &code.code_set, out);
}

/// Reads group 3.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_source_code(code: &pb::SourceCode) -> Result<SourceCode, Invalid> {
    SourceCode::new(&code.code, &code.code_set)
}

/// Group 4 as the schema writes it.
pub fn write_note(note: &Text) -> pb::AttendanceNote {
    pb::AttendanceNote { text: note.as_str().to_owned() }
}

/// Appends group 4, encoded.
pub(crate) fn put_note(note: &Text, out: &mut BytesMut) {
    put::text(1, note.as_str(), out);
}

/// Reads group 4.
///
/// # Errors
/// [`Invalid`] naming `text`.
pub fn read_note(note: &pb::AttendanceNote) -> Result<Text, Invalid> {
    Text::parse("text", &note.text, NOTE_MAX)
}

/// Group 5 as the schema writes it.
pub fn write_register(register: &Register) -> pb::Register {
    pb::Register {
        legal: write_legal(register.legal) as i32,
        statistical: register.statistical.map_or(pb::Statistical::Unspecified, write_statistical) as i32,
    }
}

/// Reads group 5.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_register(register: &pb::Register) -> Result<Register, Invalid> {
    Ok(Register { legal: read_legal(register.legal)?, statistical: read_statistical(register.statistical)? })
}

fn write_physical(physical: Physical) -> pb::Physical {
    match physical {
        Physical::Present => pb::Physical::Present,
        Physical::Late => pb::Physical::Late,
        Physical::Absent => pb::Physical::Absent,
        Physical::NotRequired => pb::Physical::NotRequired,
        Physical::Unknown => pb::Physical::Unknown,
    }
}

fn read_physical(number: i32) -> Result<Physical, Invalid> {
    let physical = match read::known("physical", number)? {
        pb::Physical::Unspecified => None,
        pb::Physical::Present => Some(Physical::Present),
        pb::Physical::Late => Some(Physical::Late),
        pb::Physical::Absent => Some(Physical::Absent),
        pb::Physical::NotRequired => Some(Physical::NotRequired),
        pb::Physical::Unknown => Some(Physical::Unknown),
    };
    read::required("physical", physical)
}

fn write_legal(legal: Legal) -> pb::Legal {
    match legal {
        Legal::Present => pb::Legal::Present,
        Legal::ApprovedEducationalActivity => pb::Legal::ApprovedEducationalActivity,
        Legal::AuthorisedAbsence => pb::Legal::AuthorisedAbsence,
        Legal::UnauthorisedAbsence => pb::Legal::UnauthorisedAbsence,
        Legal::NotPossible => pb::Legal::NotPossible,
        Legal::Admin => pb::Legal::Admin,
    }
}

fn read_legal(number: i32) -> Result<Legal, Invalid> {
    let legal = match read::known("legal", number)? {
        pb::Legal::Unspecified => None,
        pb::Legal::Present => Some(Legal::Present),
        pb::Legal::ApprovedEducationalActivity => Some(Legal::ApprovedEducationalActivity),
        pb::Legal::AuthorisedAbsence => Some(Legal::AuthorisedAbsence),
        pb::Legal::UnauthorisedAbsence => Some(Legal::UnauthorisedAbsence),
        pb::Legal::NotPossible => Some(Legal::NotPossible),
        pb::Legal::Admin => Some(Legal::Admin),
    };
    read::required("legal", legal)
}

fn write_statistical(statistical: Statistical) -> pb::Statistical {
    match statistical {
        Statistical::Attended => pb::Statistical::Attended,
        Statistical::Authorised => pb::Statistical::Authorised,
        Statistical::Unauthorised => pb::Statistical::Unauthorised,
        Statistical::NotCounted => pb::Statistical::NotCounted,
    }
}

fn read_statistical(number: i32) -> Result<Option<Statistical>, Invalid> {
    Ok(match read::known("statistical", number)? {
        pb::Statistical::Unspecified => None,
        pb::Statistical::Attended => Some(Statistical::Attended),
        pb::Statistical::Authorised => Some(Statistical::Authorised),
        pb::Statistical::Unauthorised => Some(Statistical::Unauthorised),
        pb::Statistical::NotCounted => Some(Statistical::NotCounted),
    })
}
