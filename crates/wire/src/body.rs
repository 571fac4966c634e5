//! What a record says: a [`Body`] as numbered, encoded field groups, and back.

use crate::{assessment, attendance, behaviour, read, seal::Written};
use bytes::Bytes;
use commonroll_core::{
    Body, Invalid, RecordKind,
    record::{Assessment, Attendance, Behaviour},
};
use prost::Message;

/// Encodes the groups behind the head, ascending.
pub(crate) fn write(body: &Body, groups: &mut Written<'_>) {
    match body {
        Body::Attendance(mark) => {
            push(groups, 2, mark.presence.as_ref().map(attendance::write_presence));
            if let Some(code) = &mark.source_code {
                groups.put(3, |out| attendance::put_source_code(code, out));
            }
            if let Some(note) = &mark.note {
                groups.put(4, |out| attendance::put_note(note, out));
            }
            push(groups, 5, mark.register.as_ref().map(attendance::write_register));
        }
        Body::Assessment(result) => {
            push(groups, 2, result.result.as_ref().map(assessment::write_result));
            push(groups, 3, result.comment.as_ref().map(assessment::write_comment));
        }
        Body::Behaviour(part) => {
            push(groups, 2, part.event.as_ref().map(behaviour::write_event));
            push(groups, 3, part.involvement.as_ref().map(behaviour::write_involvement));
            push(groups, 4, part.share_safe_text.as_ref().map(behaviour::write_share_safe_text));
            push(groups, 5, part.internal_comment.as_ref().map(behaviour::write_internal_comment));
        }
        Body::Withdrawn(_) => {}
    }
}

fn push(groups: &mut Written<'_>, number: u32, message: Option<impl Message>) {
    if let Some(message) = message {
        groups.put(number, |out| message.encode_raw(out));
    }
}

/// Reads the groups of a kind that have content. Numbers that this version does not know are passed over.
pub fn read<'a>(kind: RecordKind, groups: impl Iterator<Item = (u32, &'a Bytes)>) -> Result<Body, Invalid> {
    Ok(match kind {
        RecordKind::Attendance => Body::Attendance(read_attendance(groups)?),
        RecordKind::Assessment => Body::Assessment(read_assessment(groups)?),
        RecordKind::Behaviour => Body::Behaviour(read_behaviour(groups)?),
    })
}

fn read_attendance<'a>(groups: impl Iterator<Item = (u32, &'a Bytes)>) -> Result<Attendance, Invalid> {
    let mut mark = Attendance::default();
    for (number, content) in groups {
        match number {
            2 => mark.presence = Some(attendance::read_presence(&read::message("presence", content)?)?),
            3 => {
                mark.source_code =
                    Some(attendance::read_source_code(&read::message("source_code", content)?)?)
            }
            4 => mark.note = Some(attendance::read_note(&read::message("note", content)?)?),
            5 => mark.register = Some(attendance::read_register(&read::message("register", content)?)?),
            _ => {}
        }
    }
    Ok(mark)
}

fn read_assessment<'a>(groups: impl Iterator<Item = (u32, &'a Bytes)>) -> Result<Assessment, Invalid> {
    let mut given = Assessment::default();
    for (number, content) in groups {
        match number {
            2 => given.result = Some(assessment::read_result(read::message("result", content)?)?),
            3 => given.comment = Some(assessment::read_comment(&read::message("comment", content)?)?),
            _ => {}
        }
    }
    Ok(given)
}

fn read_behaviour<'a>(groups: impl Iterator<Item = (u32, &'a Bytes)>) -> Result<Behaviour, Invalid> {
    let mut part = Behaviour::default();
    for (number, content) in groups {
        match number {
            2 => part.event = Some(behaviour::read_event(&read::message("event", content)?)?),
            3 => {
                part.involvement = Some(behaviour::read_involvement(&read::message("involvement", content)?)?)
            }
            4 => {
                let text = read::message("share_safe_text", content)?;
                part.share_safe_text = Some(behaviour::read_share_safe_text(&text)?);
            }
            5 => {
                let text = read::message("internal_comment", content)?;
                part.internal_comment = Some(behaviour::read_internal_comment(&text)?);
            }
            _ => {}
        }
    }
    Ok(part)
}
