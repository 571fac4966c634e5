//! Records, keys and secrets that the stories share. All fixed, none of them real.

use commonroll_audit::SigningKey;
use commonroll_core::{
    Body, Head, Interval, LocalId, Record, RecordKind, Revision, SchoolDate, Slug, Timestamp,
    record::{Assessment, Attendance, Behaviour, Text, assessment::*, attendance::*, behaviour::*},
};
use commonroll_wire::record_id;

/// A source's salt secret.
pub const SECRET: [u8; 32] = *b"a secret of thirty-two bytes ...";

pub fn signing_key() -> SigningKey {
    SigningKey::from_seed(&[7; 32]).unwrap()
}

pub fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub fn text(text: &str) -> Text {
    Text::parse("text", text, 8_000).unwrap()
}

pub fn id(text: &str) -> LocalId {
    LocalId::parse("local_id", text).unwrap()
}

pub fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros("time", micros).unwrap()
}

pub fn date() -> SchoolDate {
    "2026-09-14".parse().unwrap()
}

pub fn head(kind: RecordKind, key: &str) -> Head {
    let source = slug("kingsmead");
    Head {
        id: record_id(&source, kind, date(), key),
        revision: Revision::FIRST,
        source,
        learner: id("K-0417"),
        group: Some(id("12B/Ph1")),
        date: date(),
        recorded_at: time(1_789_376_460_000_000),
        confidential: false,
    }
}

/// A full attendance mark.
pub fn attendance() -> Record {
    let interval = Interval::new(time(1_789_376_400_000_000), time(1_789_380_000_000_000)).unwrap();
    let body = Attendance {
        presence: Some(Presence {
            physical: Physical::Late,
            interval: Some(interval),
            minutes_late: Some(7),
            minutes_left_early: None,
        }),
        source_code: Some(SourceCode::new("L", "ENG-2024").unwrap()),
        note: Some(text("Bus was late.")),
        register: Some(Register { legal: Legal::Present, statistical: Some(Statistical::Attended) }),
    };
    Record { head: head(RecordKind::Attendance, "K-0417/12B/Ph1/1"), body: Body::Attendance(body) }
}

/// A full assessment result.
pub fn assessment() -> Record {
    let result = ResultGiven {
        kind: GradeKind::WorkingAt,
        scale_id: "gce-a-level".into(),
        scale_version: "2024".into(),
        value: GradeValue::Given("B".into()),
        subject: text("Physics"),
        title: text("Autumn 1 working at"),
        result_set: text("Y12 Aut1"),
        points: Some(PointsGiven { points: "40".into(), system: "ucas".into() }),
    };
    let body = Assessment { result: Some(result), comment: Some(text("A steady start.")) };
    Record { head: head(RecordKind::Assessment, "K-0417/Physics/Aut1"), body: Body::Assessment(body) }
}

/// A full part in a behaviour event, with an internal comment.
pub fn behaviour() -> Record {
    let event = Event {
        polarity: Polarity::Negative,
        category: Category::WorkMissing,
        severity: Some(Severity::new(2).unwrap()),
        source_label: text("Homework not handed in"),
        happened_at: Some(time(1_789_376_400_000_000)),
        location: text("Lab 2"),
        event_id: Some(id("E-1009")),
    };
    let involvement = Involvement {
        role: Some(Role::Perpetrator),
        points: Some(-2),
        action: text("Reminder"),
        status: text("Resolved"),
        home_action_by: Some("2026-09-21".parse().unwrap()),
    };
    let body = Behaviour {
        event: Some(event),
        involvement: Some(involvement),
        share_safe_text: Some(text("Second missing homework this week.")),
        internal_comment: Some(text("Staff only.")),
    };
    Record { head: head(RecordKind::Behaviour, "E-1009/K-0417"), body: Body::Behaviour(body) }
}

/// A mark that its source takes back.
pub fn withdrawn() -> Record {
    let mut record = attendance();
    record.head.revision = Revision::FIRST.next();
    record.body = Body::Withdrawn(RecordKind::Attendance);
    record
}

/// One of each.
pub fn all() -> [Record; 4] {
    [attendance(), assessment(), behaviour(), withdrawn()]
}
