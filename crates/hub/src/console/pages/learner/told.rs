//! A record as the page needs it: read from its field groups, those that came.

use crate::grpc::sealed;
use commonroll_core::{
    Body, SchoolDate, Slug, Timestamp,
    record::{Assessment, Attendance, Behaviour},
};
use commonroll_exchange::{RecordSeen, RecordState};

/// A record that stands, and what it says.
pub(super) struct Told {
    /// Who made it.
    pub source: Slug,
    /// The school date that it is about.
    pub date: SchoolDate,
    /// When the hub took it.
    pub accepted_at: Timestamp,
    /// What its source calls the group; empty if not said.
    pub group: String,
    /// What it says.
    pub body: Kind,
}

/// What a record says.
pub(super) enum Kind {
    Mark(Box<Attendance>),
    Result(Box<Assessment>),
    Event(Box<Behaviour>),
}

impl Told {
    /// `None` for what doesn't stand, says nothing any more, or can't be read by this version.
    pub fn of(record: &RecordSeen) -> Option<Self> {
        if record.state != RecordState::Stands || record.groups.is_empty() {
            return None;
        }
        let opened = commonroll_wire::open(&sealed(&record.groups)).ok()?;
        let body = match opened.record.body {
            Body::Attendance(mark) => Kind::Mark(Box::new(mark)),
            Body::Assessment(given) => Kind::Result(Box::new(given)),
            Body::Behaviour(part) => Kind::Event(Box::new(part)),
            Body::Withdrawn(_) => return None,
        };
        let title =
            record.group_title.as_ref().map(|(title, _)| title.clone()).filter(|title| !title.is_empty());
        let code = opened.record.head.group.as_ref().map(|group| group.as_str().to_owned());
        Some(Self {
            source: record.source.clone(),
            date: record.date,
            accepted_at: record.accepted_at,
            group: title.or(code).unwrap_or_default(),
            body,
        })
    }

    /// The mark, if it says whether the learner was there.
    pub fn presence(&self) -> Option<&commonroll_core::record::attendance::Presence> {
        match &self.body {
            Kind::Mark(mark) => mark.presence.as_ref(),
            _ => None,
        }
    }
}
