//! Registers as the hosts' systems export them, and the mappings that read them.

use super::{
    dialect::dialect,
    world::{GROUPS, HOLLINS, KINGSMEAD, Lesson, NORTHGATE, WYVERN, Who, World, clock},
    write::{edfi, element},
};
use crate::demo::setup::Source;

/// What the host's teacher saw.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Present,
    /// By so many minutes.
    Late(u32),
    Absent,
    /// A slip of the keyboard that means nothing.
    Slip,
}

impl Seen {
    /// What a home must find in its outbox; `None` if nothing may arrive.
    pub fn at_home(self, host: Who) -> Option<String> {
        match self {
            Self::Present => Some("/".to_owned()),
            Self::Late(minutes) => Some(format!("L {minutes}")),
            // A school's own code is national and goes as it stands; for others, why is not known.
            Self::Absent if host == HOLLINS => Some("O".to_owned()),
            Self::Absent => Some("N".to_owned()),
            Self::Slip => None,
        }
    }
}

/// A row of a register: place of the visit, and what was seen.
pub type Row = (usize, Seen);

/// Name of the export of a lesson's register.
pub fn path(group: usize, lesson: Lesson) -> String {
    let group = &GROUPS[group];
    match group.host {
        NORTHGATE => format!("registers/reg_{}_{}.csv", group.code, lesson.name()),
        WYVERN => format!("registers/attendance-{}-{}.xml", group.code, lesson.name()),
        KINGSMEAD => format!("registers/LESSON_MARKS_{}_{}.CSV", group.code, lesson.name()),
        _ => format!("registers/{}-{}.csv", group.code, lesson.name()),
    }
}

/// One register of a lesson on a date.
pub struct Sitting<'a> {
    pub group: usize,
    pub lesson: Lesson,
    pub rows: &'a [Row],
    /// The date as YYYY-MM-DD.
    pub day: &'a str,
}

/// Name of a host's export of the weeks before.
pub fn path_before(host: Who) -> String {
    let name = match host {
        NORTHGATE => "reg_TERM.csv",
        WYVERN => "attendance-TERM.xml",
        KINGSMEAD => "LESSON_MARKS_TERM.CSV",
        _ => "TERM.csv",
    };
    format!("registers/{name}")
}

/// The bytes of one register.
pub fn bytes(world: &World, group: usize, lesson: Lesson, rows: &[Row], day: &str) -> Vec<u8> {
    many(world, GROUPS[group].host, &[Sitting { group, lesson, rows, day }])
}

/// The bytes of several registers of one host.
pub fn many(world: &World, host: Who, sittings: &[Sitting<'_>]) -> Vec<u8> {
    match host {
        WYVERN => section_attendance(world, sittings),
        NORTHGATE => college(world, sittings),
        host => school(world, host, sittings),
    }
}

/// The college's register program: own codes, times in each row, and its own learners in the same class.
fn college(world: &World, sittings: &[Sitting<'_>]) -> Vec<u8> {
    let d = dialect(NORTHGATE);
    let head = ["Learner", "Status", "Group", "Date", "Start", "End", "Usage", "Mins", "Register note"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for Sitting { group, lesson, rows, day } in sittings {
        let (start, end) = (clock(lesson.start), clock(lesson.end));
        let mut line = |learner: &str, status: &str, seen: Seen| {
            let (usage, minutes) = match seen {
                Seen::Present => ("/P", String::new()),
                Seen::Late(minutes) => ("/L", minutes.to_string()),
                Seen::Absent => ("O", String::new()),
                Seen::Slip => ("??", String::new()),
            };
            let note = if matches!(seen, Seen::Late(_)) { "came in late; \"bus\"" } else { "" };
            let cells = [learner, status, GROUPS[*group].code, day, &start, &end, usage, &minutes, note];
            lines.push(cells.map(str::to_owned).to_vec());
        };
        for own in 0..8 {
            line(&World::local_id(NORTHGATE, group * 8 + own), "C", Seen::Present);
        }
        rows.iter().for_each(|(visit, seen)| line(&world.visits[*visit].at_host, "G", *seen));
    }
    d.file(&lines)
}

/// A school's lesson marks by report: national codes, periods by name.
fn school(world: &World, host: Who, sittings: &[Sitting<'_>]) -> Vec<u8> {
    let d = dialect(host);
    let head =
        ["PersonID", "Surname", "Forename", "Class", "AttDate", "Period", "Mark", "MinsLate", "Comment"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for Sitting { group, lesson, rows, day } in sittings {
        let (date, period) = (d.date(day), lesson.name());
        for (visit, seen) in *rows {
            let visit = &world.visits[*visit];
            let person = world.person(visit);
            let (mark, minutes) = match seen {
                Seen::Present => ("/", String::new()),
                Seen::Late(minutes) => ("L", minutes.to_string()),
                Seen::Absent if host == HOLLINS => ("O", String::new()),
                Seen::Absent => ("N", String::new()),
                Seen::Slip => ("ZZ", String::new()),
            };
            let (id, code) = (visit.at_host.as_str(), GROUPS[*group].code);
            let cells = [id, &person.surname, &person.forename, code, &date, &period, mark, &minutes, ""];
            lines.push(cells.map(str::to_owned).to_vec());
        }
    }
    d.file(&lines)
}

fn section_attendance(world: &World, sittings: &[Sitting<'_>]) -> Vec<u8> {
    let event = |sitting: &Sitting<'_>, (visit, seen): &Row| {
        let (category, minutes) = match seen {
            Seen::Present => ("In Attendance", String::new()),
            Seen::Late(minutes) => ("Tardy", element("SectionAttendanceDuration", &[&minutes.to_string()])),
            Seen::Absent => ("Unexcused Absence", String::new()),
            Seen::Slip => ("Elsewhere", String::new()),
        };
        let category = format!("uri://ed-fi.org/AttendanceEventCategoryDescriptor#{category}");
        let date = element("EventDate", &[sitting.day]);
        let event = element("AttendanceEvent", &[&date, &element("AttendanceEventCategory", &[&category])]);
        let section = reference("Section", &element("SectionIdentifier", &[GROUPS[sitting.group].code]));
        let period = reference("ClassPeriod", &element("ClassPeriodName", &[&sitting.lesson.name()]));
        let student = student(&world.visits[*visit].at_host);
        element("StudentSectionAttendanceEvent", &[&event, &minutes, &student, &section, &period])
    };
    let events = sittings.iter().flat_map(|sitting| sitting.rows.iter().map(move |row| (sitting, row)));
    let events: Vec<String> = events.map(|(sitting, row)| event(sitting, row)).collect();
    edfi("InterchangeStudentAttendance", &events)
}

/// A reference to a student.
pub fn student(id: &str) -> String {
    reference("Student", &element("StudentUniqueId", &[id]))
}

/// A reference to something by its identity.
pub fn reference(what: &str, identity: &str) -> String {
    element(&format!("{what}Reference"), &[&element(&format!("{what}Identity"), &[identity])])
}

/// The source that reads a host's registers.
pub fn source(host: Who) -> Source {
    let (pattern, connector) = match host {
        WYVERN => ("attendance-*.xml", "edfi"),
        NORTHGATE => ("reg_*.csv", "delimited"),
        _ => ("*.csv", "delimited"),
    };
    Source {
        name: "registers".to_owned(),
        folder: "registers".to_owned(),
        pattern: pattern.to_owned(),
        connector: connector.to_owned(),
        mapping: Some(mapping(host, &[])),
        ..Source::default()
    }
}

/// The text of its mapping; `today` are lessons whose periods it knows besides those of the usual day.
pub fn mapping(host: Who, today: &[Lesson]) -> String {
    let d = dialect(host);
    match host {
        WYVERN => edfi_mapping(today),
        NORTHGATE => college_mapping(),
        _ => {
            let more = "ignore = [\"Surname\", \"Forename\"]\nskip_if_blank = [\"Mark\"]\ncodes = { set = \"ENG-2024\" }";
            let fields = [
                ("learner", "PersonID"),
                ("group", "Class"),
                ("date", "AttDate"),
                ("period", "Period"),
                ("mark", "Mark"),
                ("minutes_late", "MinsLate"),
                ("note", "Comment"),
            ];
            let mut text = d.mapping("attendance", more, &fields);
            text.push_str(&periods(host, today));
            text
        }
    }
}

fn college_mapping() -> String {
    let more = "where = { Status = \"G\" }\n[codes]\nset = \"northgate-usage\"\nmarks = { \"/P\" = \"present\", \"/L\" = \"late\", \"O\" = \"absent\", \"/N\" = \"not_required\" }";
    let fields = [
        ("learner", "Learner"),
        ("group", "Group"),
        ("date", "Date"),
        ("start", "Start"),
        ("end", "End"),
        ("mark", "Usage"),
        ("minutes_late", "Mins"),
        ("note", "Register note"),
    ];
    dialect(NORTHGATE).mapping("attendance", more, &fields)
}

fn edfi_mapping(today: &[Lesson]) -> String {
    format!("format = \"edfi\"\ncovers = \"dates\"\nduration = \"minutes_late\"\n{}", periods(WYVERN, today))
}

fn periods(host: Who, today: &[Lesson]) -> String {
    let mut text = "[periods]\n".to_owned();
    let mut seen = Vec::new();
    let lessons = GROUPS.iter().filter(|group| group.host == host).flat_map(|group| group.lessons);
    for lesson in lessons.chain(today) {
        let name = lesson.name();
        if !seen.contains(&name) {
            seen.push(name.clone());
            text.push_str(&format!("{name:?} = [{:?}, {:?}]\n", clock(lesson.start), clock(lesson.end)));
        }
    }
    text
}

/// What a register is, for the screen.
pub fn what(group: usize, lesson: Lesson) -> String {
    format!("register {} {}", GROUPS[group].code, lesson.name())
}
