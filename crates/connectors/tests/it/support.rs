//! Plumbing of the tests: a sink that writes down what it is told, and ways to run a connector over bytes.
use commonroll_connectors::{
    FileFault, Input, Item, Mapping, Place, Problem, Scope, Settings, Sink, by_name,
};
use commonroll_core::{
    Body,
    record::{assessment::GradeValue, attendance::Attendance},
};
use jiff::tz::TimeZone;
use std::{
    fmt::Write,
    io::{Cursor, Write as _},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

#[derive(Debug, Default)]
pub struct Seen {
    pub items: Vec<(u64, Item)>,
    pub problems: Vec<Problem>,
    pub scopes: Vec<Scope>,
}

impl Sink for Seen {
    fn item(&mut self, item: Item, at: Place) {
        self.items.push((at.line, item));
    }
    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
    fn covers(&mut self, scope: Scope) {
        self.scopes.push(scope);
    }
}

impl Seen {
    pub fn rules(&self) -> Vec<&'static str> {
        self.problems.iter().map(|problem| problem.rule).collect()
    }

    /// One line for each item, problem and scope.
    pub fn show(&self) -> String {
        let mut text = String::new();
        for (line, item) in &self.items {
            writeln!(text, "{line}: {}", show(item)).unwrap();
        }
        for problem in &self.problems {
            writeln!(text, "problem: {problem}").unwrap();
        }
        for scope in &self.scopes {
            writeln!(text, "covers: {scope:?}").unwrap();
        }
        text
    }
}

pub fn settings(mapping: &str) -> Settings {
    let mapping: Mapping = mapping.parse().unwrap_or_else(|error| panic!("{error}"));
    Settings::new("northgate".parse().unwrap(), TimeZone::get("Europe/London").unwrap(), Some(mapping))
}

pub fn run_with(settings: &Settings, name: &str, bytes: &[u8]) -> Result<Seen, FileFault> {
    let connector = by_name(settings.mapping.as_ref().unwrap().connector()).unwrap();
    let mut seen = Seen::default();
    let mut reader = Cursor::new(bytes);
    let input = Input { file_name: name, reader: &mut reader, size: bytes.len() as u64 };
    connector.translate(input, settings, &mut seen)?;
    Ok(seen)
}

pub fn run(mapping: &str, bytes: impl AsRef<[u8]>) -> Result<Seen, FileFault> {
    run_with(&settings(mapping), "file", bytes.as_ref())
}

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A zip of these files.
pub fn pack(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated))
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn mark(item: &Item) -> &Attendance {
    match item {
        Item::Record(draft) => match &draft.body {
            Body::Attendance(mark) => mark,
            body => panic!("not a mark: {body:?}"),
        },
        item => panic!("not a record: {item:?}"),
    }
}

fn show(item: &Item) -> String {
    match item {
        Item::Learner(learner) => format!(
            "learner {} {:?} upn={} uln={} born={} {} {} ({}){}",
            learner.local_id.as_str(),
            learner.registration,
            learner.upn,
            learner.uln,
            learner.birth_date.map(|date| date.to_string()).unwrap_or_default(),
            learner.forename.as_str(),
            learner.surname.as_str(),
            learner.known_as.as_str(),
            learner.former_upns.iter().map(|upn| format!(" was {upn}")).collect::<String>()
        ),
        Item::Group(group) => {
            format!(
                "group {} {} / {}",
                group.local_id.as_str(),
                group.course_title.as_str(),
                group.subject.as_str()
            )
        }
        Item::Placement(placement) => format!(
            "placement {} at {} group {} {} to {}",
            placement.learner.as_str(),
            placement.host,
            placement.group.as_ref().map_or("*", |group| group.as_str()),
            placement.dates.first(),
            placement.dates.last()
        ),
        Item::Acceptance(acceptance) => format!(
            "acceptance {} from {} group {} {} to {}",
            acceptance.learner.as_str(),
            acceptance.home,
            acceptance.group.as_ref().map_or("*", |group| group.as_str()),
            acceptance.dates.first(),
            acceptance.dates.last()
        ),
        Item::End(end) => format!("end {} with {} from {}", end.learner.as_str(), end.other, end.from),
        Item::Day(day) => {
            let mut text = format!(
                "day {}{}{}",
                day.date,
                day.week.as_ref().map_or(String::new(), |week| format!(" week {week}")),
                if day.closed { " closed" } else { "" }
            );
            for lesson in day.lessons() {
                let state = if lesson.cancelled { " cancelled" } else { "" };
                let (id, group, room) =
                    (lesson.local_id.as_str(), lesson.group.as_str(), lesson.room.as_str());
                write!(text, " | {id} {group} {} {room}{state}", lesson.time.start()).unwrap();
            }
            text
        }
        Item::Notice(notice) => format!(
            "notice {} {} {} {} to {}{}",
            notice.local_id.as_str(),
            notice.learner.as_str(),
            notice.kind.as_str(),
            notice.time.start(),
            notice.time.end(),
            if notice.withdrawn { " withdrawn" } else { "" }
        ),
        Item::Support(support) => format!(
            "support {} ({}) ({}) until {}",
            support.learner.as_str(),
            support.needs.as_str(),
            support.emergency.as_str(),
            support.last_date
        ),
        Item::Staff(staff) => {
            let groups: Vec<&str> = staff.groups.iter().map(|group| group.as_str()).collect();
            format!("staff {} teaches {}", staff.local_id.as_str(), groups.join(" "))
        }
        Item::Record(draft) => {
            let group = draft.group.as_ref().map_or("-", |group| group.as_str());
            let key = draft.local_key.replace('\u{1f}', "|");
            let confidential = if draft.confidential { " confidential" } else { "" };
            let head = format!("{} {} {group} key={key}{confidential}", draft.date, draft.learner.as_str());
            format!("{head} {}", show_body(&draft.body))
        }
    }
}

fn show_body(body: &Body) -> String {
    match body {
        Body::Attendance(mark) => {
            let presence = mark.presence.as_ref().unwrap();
            let code = mark.source_code.as_ref().unwrap();
            let time = presence.interval.map(|i| format!("{}..{}", i.start(), i.end())).unwrap_or_default();
            let note = mark.note.as_ref().map(|note| format!(" note={}", note.as_str())).unwrap_or_default();
            let register = mark.register.map(|register| format!(" {:?}", register.legal)).unwrap_or_default();
            let late = presence.minutes_late.map(|m| format!(" late={m}")).unwrap_or_default();
            format!("{:?} {} [{}] {time}{late}{note}{register}", presence.physical, code.code, code.code_set)
        }
        Body::Assessment(assessment) => {
            let result = assessment.result.as_ref().unwrap();
            let value = match &result.value {
                GradeValue::Given(grade) => grade.clone(),
                GradeValue::Ungraded => "(ungraded)".to_owned(),
                GradeValue::NoResult => "(no result)".to_owned(),
                GradeValue::Pending => "(pending)".to_owned(),
                GradeValue::Withheld => "(withheld)".to_owned(),
                GradeValue::NotAssessed => "(not assessed)".to_owned(),
            };
            let points =
                result.points.as_ref().map(|p| format!(" {} {}", p.points, p.system)).unwrap_or_default();
            let comment =
                assessment.comment.as_ref().map(|c| format!(" \"{}\"", c.as_str())).unwrap_or_default();
            format!(
                "{:?} {value} on {}@{} {} / {} / {}{points}{comment}",
                result.kind,
                result.scale_id,
                result.scale_version,
                result.subject.as_str(),
                result.title.as_str(),
                result.result_set.as_str()
            )
        }
        Body::Behaviour(behaviour) => {
            let event = behaviour.event.as_ref().unwrap();
            let part = behaviour.involvement.as_ref().unwrap();
            let at = event.happened_at.map(|at| at.to_string()).unwrap_or_default();
            let shared = behaviour.share_safe_text.as_ref().map_or("", |text| text.as_str());
            let internal = if behaviour.internal_comment.is_some() { " +internal" } else { "" };
            format!(
                "{:?} {:?} \"{}\" {at} at {} role={:?} points={:?} action={} by={:?} {shared}{internal}",
                event.polarity,
                event.category,
                event.source_label.as_str(),
                event.location.as_str(),
                part.role,
                part.points,
                part.action.as_str(),
                part.home_action_by.map(|date| date.to_string()),
            )
        }
        Body::Withdrawn(kind) => format!("withdrawn {kind}"),
    }
}
