//! `RecordHead`: which record this is. Field group 1 of every kind.

use crate::{pb::record::v1 as pb, put, read};
use bytes::BytesMut;
use commonroll_core::{Head, Invalid, LocalId, RecordId, RecordKind, Revision, SchoolDate, Timestamp};

/// Appends the head, encoded as `RecordHead`.
pub(crate) fn write(head: &Head, kind: RecordKind, withdrawn: bool, out: &mut BytesMut) {
    put::bytes(1, &head.id.0, out);
    put::number(2, head.revision.get().into(), out);
    put::number(3, write_kind(kind) as u64, out);
    put::text(4, head.source.as_str(), out);
    put::text(5, head.learner.as_str(), out);
    put::text(6, head.group.as_ref().map_or("", LocalId::as_str), out);
    put::text(7, &head.date.to_string(), out);
    put::number(8, head.recorded_at.micros() as u64, out);
    put::number(9, withdrawn.into(), out);
    put::number(10, head.confidential.into(), out);
}

/// A head that keeps every rule, the kind that it announces, and whether it withdraws the record.
pub(crate) fn read(head: &pb::RecordHead) -> Result<(Head, RecordKind, bool), Invalid> {
    let id = RecordId::from_slice(&head.record_id)?;
    let date = SchoolDate::parse("school_date", &head.school_date)?;
    if id.days() != date.days() {
        return Err(Invalid::new(
            "record_id",
            "must begin with the days of school_date since 1970, big-endian",
        ));
    }
    let read = Head {
        id,
        revision: Revision::new(head.revision)?,
        source: read::slug("source", &head.source)?,
        learner: LocalId::parse("learner_local_id", &head.learner_local_id)?,
        group: read::optional_id("group_local_id", &head.group_local_id)?,
        date,
        recorded_at: Timestamp::from_micros("recorded_at_us", head.recorded_at_us)?,
        confidential: head.confidential,
    };
    Ok((read, read_kind(head.kind)?, head.withdrawn))
}

/// A record kind as the schema writes it.
pub fn write_kind(kind: RecordKind) -> pb::RecordKind {
    match kind {
        RecordKind::Attendance => pb::RecordKind::Attendance,
        RecordKind::Assessment => pb::RecordKind::Assessment,
        RecordKind::Behaviour => pb::RecordKind::Behaviour,
    }
}

/// A record kind from its number.
///
/// # Errors
/// [`Invalid`] naming `kind` when it was left out or is not known.
pub fn read_kind(number: i32) -> Result<RecordKind, Invalid> {
    read::required("kind", RecordKind::from_number(number))
}
