//! A shown record in plain words: the one way in which pages, terminals and JSON tell what a record says.

use crate::commands::line::{hex, printable};
use commonroll_core::{
    Body, RecordKind, Timestamp,
    record::{
        Assessment, Attendance, Behaviour,
        assessment::{GradeKind, GradeValue},
        attendance::Physical,
        behaviour::Polarity,
    },
};
use commonroll_wire::pb::subject::v1::{Card, PresenceToday, ShownRecord};
use jiff::tz::TimeZone;

/// One record as a line.
pub struct Line {
    /// The entry.
    pub sequence: u64,
    /// Kind of record.
    pub kind: String,
    /// School date.
    pub date: String,
    /// From when to when, in the institution's zone; empty if the record has no time.
    pub time: String,
    /// Who made it.
    pub source: String,
    /// The group, as its source calls it.
    pub group: String,
    /// What it says, in one line.
    pub says: String,
    /// Whether it stands.
    pub state: String,
    /// Names of field groups that are not shown.
    pub withheld: Vec<String>,
    /// Text that people wrote, which may speak of others.
    pub free_text: bool,
    /// Id, revision, when the hub took it, agreement: for JSON.
    more: serde_json::Value,
}

impl Line {
    /// Puts a record in words. One that this version can't read is said to be so.
    pub fn of(record: &ShownRecord, zone: &TimeZone) -> Self {
        let opened = record.record.as_ref().map(commonroll_wire::open);
        let kind = record.kind.parse::<RecordKind>().ok();
        let mut line = Self {
            sequence: record.sequence,
            kind: record.kind.clone(),
            date: record.school_date.clone(),
            time: String::new(),
            source: record.source.clone(),
            group: group(record, None),
            says: String::new(),
            state: record.state.clone(),
            withheld: withheld(record, kind),
            free_text: false,
            more: serde_json::json!({
                "record": hex(&record.record_id), "revision": record.revision,
                "accepted_at": at(record.accepted_at_us), "policies": record.policies,
                "agreement": (!record.agreement.is_empty()).then_some(&record.agreement),
            }),
        };
        match opened {
            Some(Ok(opened)) => {
                line.group = group(record, opened.record.head.group.as_ref().map(|id| id.as_str()));
                line.body(&opened.record.body, zone);
            }
            Some(Err(_)) => "can't be read by this version".clone_into(&mut line.says),
            None => {}
        }
        match record.state.as_str() {
            "withdrawn" => "taken back by its source".clone_into(&mut line.says),
            "erased" => "erased: what it said is gone".clone_into(&mut line.says),
            "withheld" => {
                "not to be had now: it waits, or what let it flow has ended".clone_into(&mut line.says)
            }
            "damaged" => "damaged at the hub, not shown: tell the operator".clone_into(&mut line.says),
            "replaced" => line.says = format!("{} (replaced by a newer revision)", line.says),
            _ => {}
        }
        line.says = printable(&line.says);
        line
    }

    fn body(&mut self, body: &Body, zone: &TimeZone) {
        match body {
            Body::Attendance(mark) => self.attendance(mark, zone),
            Body::Assessment(given) => self.assessment(given),
            Body::Behaviour(part) => self.behaviour(part, zone),
            Body::Withdrawn(_) => {}
        }
    }

    fn attendance(&mut self, mark: &Attendance, zone: &TimeZone) {
        let mut says = Vec::new();
        if let Some(presence) = &mark.presence {
            if let Some(interval) = presence.interval {
                let (start, end) = (interval.start().micros(), interval.end().micros());
                self.time = format!("{}-{}", clock(start, zone), clock(end, zone));
            }
            says.push(physical(presence.physical).to_owned());
            says.extend(presence.minutes_late.map(|minutes| format!("{minutes} min late")));
            says.extend(presence.minutes_left_early.map(|minutes| format!("left {minutes} min early")));
        }
        says.extend(mark.source_code.as_ref().map(|code| format!("code {} ({})", code.code, code.code_set)));
        if let Some(note) = mark.note.as_ref().filter(|note| !note.is_empty()) {
            self.free_text = true;
            says.push(format!("note: {}", note.as_str()));
        }
        self.says = says.join(", ");
    }

    fn assessment(&mut self, given: &Assessment) {
        let mut says = Vec::new();
        if let Some(result) = &given.result {
            let value = match &result.value {
                GradeValue::Given(grade) => grade.as_str(),
                GradeValue::Ungraded => "ungraded",
                GradeValue::NoResult => "no result",
                GradeValue::Pending => "pending",
                GradeValue::Withheld => "withheld by the awarding body",
                GradeValue::NotAssessed => "not assessed",
            };
            says.push(format!("{} {value} on {}", grade_kind(result.kind), result.scale_id));
            let told = [result.subject.as_str(), result.title.as_str(), result.result_set.as_str()];
            says.extend(told.into_iter().filter(|text| !text.is_empty()).map(str::to_owned));
        }
        if let Some(comment) = given.comment.as_ref().filter(|text| !text.is_empty()) {
            self.free_text = true;
            says.push(format!("remark: {}", comment.as_str()));
        }
        self.says = says.join(", ");
    }

    fn behaviour(&mut self, part: &Behaviour, zone: &TimeZone) {
        let mut says = Vec::new();
        if let Some(event) = &part.event {
            if let Some(when) = event.happened_at {
                self.time = clock(when.micros(), zone);
            }
            let polarity = match event.polarity {
                Polarity::Positive => "positive",
                Polarity::Negative => "negative",
                Polarity::Neutral => "seen",
            };
            let category = serde_json::to_value(event.category).unwrap_or_default();
            says.push(format!("{polarity}: {}", category.as_str().unwrap_or_default().replace('_', " ")));
            says.extend(event.severity.map(|severity| format!("severity {}", severity.get())));
            let told = [event.source_label.as_str(), event.location.as_str()];
            says.extend(told.into_iter().filter(|text| !text.is_empty()).map(str::to_owned));
        }
        if let Some(part) = &part.involvement {
            let role = part.role.and_then(|role| serde_json::to_value(role).ok());
            says.extend(role.and_then(|role| Some(format!("as {}", role.as_str()?))));
            says.extend(part.points.map(|points| format!("{points} points")));
            let told = [part.action.as_str(), part.status.as_str()];
            says.extend(told.into_iter().filter(|text| !text.is_empty()).map(str::to_owned));
        }
        if let Some(text) = part.share_safe_text.as_ref().filter(|text| !text.is_empty()) {
            self.free_text = true;
            says.push(text.as_str().to_owned());
        }
        self.says = says.join(", ");
    }

    /// The line for programs.
    pub fn json(&self) -> serde_json::Value {
        let mut json = serde_json::json!({
            "sequence": self.sequence, "kind": self.kind, "date": self.date, "time": self.time,
            "source": self.source, "group": self.group, "says": self.says, "state": self.state,
            "not_shown": self.withheld,
        });
        if let (Some(json), Some(more)) = (json.as_object_mut(), self.more.as_object()) {
            json.extend(more.clone());
        }
        json
    }
}

fn group(record: &ShownRecord, code: Option<&str>) -> String {
    match (record.group_title.as_str(), code) {
        ("", code) => printable(code.unwrap_or_default()),
        (title, _) => printable(title),
    }
}

fn withheld(record: &ShownRecord, kind: Option<RecordKind>) -> Vec<String> {
    let groups = record.record.iter().flat_map(|record| &record.groups);
    let hashed = groups.filter(|group| !group.withheld_hash.is_empty());
    let name = |number: u32| kind.and_then(|kind| kind.group_name(number)).unwrap_or("a field group");
    hashed.map(|group| name(group.number).replace('_', " ")).collect()
}

/// A kind as a heading.
pub const fn kind_title(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Attendance => "ATTENDANCE",
        RecordKind::Assessment => "GRADES",
        RecordKind::Behaviour => "BEHAVIOUR AND ACHIEVEMENT",
    }
}

/// Whether somebody was there, in words.
pub const fn physical(physical: Physical) -> &'static str {
    match physical {
        Physical::Present => "present",
        Physical::Late => "late",
        Physical::Absent => "absent",
        Physical::NotRequired => "not required",
        Physical::Unknown => "unknown",
    }
}

const fn grade_kind(kind: GradeKind) -> &'static str {
    match kind {
        GradeKind::Prior => "prior",
        GradeKind::MinimumTarget => "minimum target",
        GradeKind::TeacherTarget => "target",
        GradeKind::WorkingAt => "working at",
        GradeKind::Predicted => "predicted",
        GradeKind::Mock => "mock",
        GradeKind::Effort => "effort",
        GradeKind::Final => "final",
        GradeKind::Assignment => "assignment",
    }
}

/// Today's marks as lines, by time.
pub fn presence(card: &Card, zone: &TimeZone) -> Vec<String> {
    let mut marks: Vec<&PresenceToday> = card.presence.iter().collect();
    marks.sort_by_key(|mark| mark.presence.as_ref().and_then(|presence| presence.start_us));
    let line = |mark: &PresenceToday| {
        let presence = commonroll_wire::attendance::read_presence(mark.presence.as_ref()?).ok()?;
        let when = presence.interval.map_or_else(
            || "some time".to_owned(),
            |i| format!("{}-{}", clock(i.start().micros(), zone), clock(i.end().micros(), zone)),
        );
        let taken = clock(mark.accepted_at_us, zone);
        Some(format!("{when}  {}  at {} (came {taken})", physical(presence.physical), mark.source))
    };
    marks.into_iter().filter_map(line).collect()
}

/// A card for programs.
pub fn card_json(card: &Card, zone: &TimeZone) -> serde_json::Value {
    let placements: Vec<_> = card
        .placements
        .iter()
        .map(|one| {
            serde_json::json!({
                "host": one.host, "group": one.group_local_id, "first_date": one.first_date, "last_date": one.last_date,
            })
        })
        .collect();
    serde_json::json!({
        "parts": card.parts, "home": card.home, "home_name": card.home_name, "learner": card.learner_local_id,
        "placements": placements, "today": presence(card, zone), "not_held": card.not_held,
        "needs": card.needs, "emergency": card.emergency,
        "policies": card.policies, "agreement": card.agreement,
    })
}

/// The time of day in a zone.
pub fn clock(us: i64, zone: &TimeZone) -> String {
    let instant = jiff::Timestamp::from_microsecond(us).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let time = zone.to_datetime(instant).time();
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// Date and time of day in a zone.
pub fn moment(us: i64, zone: &TimeZone) -> String {
    let instant = jiff::Timestamp::from_microsecond(us).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{} {}", zone.to_datetime(instant).date(), clock(us, zone))
}

/// An instant in RFC 3339, UTC.
pub fn at(us: i64) -> String {
    Timestamp::from_micros("at", us).map_or_else(|_| String::new(), |at| at.to_string())
}
