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
        NORTHGATE => format!("registers/reg_{}_{}.csv", group.code, lesson.period),
        WYVERN => format!("registers/attendance-{}-{}.xml", group.code, lesson.period),
        KINGSMEAD => format!("registers/LESSON_MARKS_{}_{}.CSV", group.code, lesson.period),
        _ => format!("registers/{}-{}.csv", group.code, lesson.period),
    }
}

/// The bytes of it.
pub fn bytes(world: &World, group: usize, lesson: Lesson, rows: &[Row], day: &str) -> Vec<u8> {
    match GROUPS[group].host {
        WYVERN => section_attendance(world, group, lesson, rows, day),
        NORTHGATE => college(world, group, lesson, rows, day),
        host => school(world, host, group, lesson, rows, day),
    }
}

/// The college's register program: own codes, times in each row, and its own learners in the same class.
fn college(world: &World, group: usize, lesson: Lesson, rows: &[Row], day: &str) -> Vec<u8> {
    let d = dialect(NORTHGATE);
    let head = ["Learner", "Status", "Group", "Date", "Start", "End", "Usage", "Mins", "Register note"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    let (start, end) = (clock(lesson.start), clock(lesson.end));
    let mut line = |learner: &str, status: &str, seen: Seen| {
        let (usage, minutes) = match seen {
            Seen::Present => ("/P", String::new()),
            Seen::Late(minutes) => ("/L", minutes.to_string()),
            Seen::Absent => ("O", String::new()),
            Seen::Slip => ("??", String::new()),
        };
        let note = if matches!(seen, Seen::Late(_)) { "came in late; \"bus\"" } else { "" };
        let cells = [learner, status, GROUPS[group].code, day, &start, &end, usage, &minutes, note];
        lines.push(cells.map(str::to_owned).to_vec());
    };
    for own in 0..8 {
        line(&World::local_id(NORTHGATE, group * 8 + own), "C", Seen::Present);
    }
    rows.iter().for_each(|(visit, seen)| line(&world.visits[*visit].at_host, "G", *seen));
    d.file(&lines)
}

/// A school's lesson marks by report: national codes, periods by name.
fn school(world: &World, host: Who, group: usize, lesson: Lesson, rows: &[Row], day: &str) -> Vec<u8> {
    let d = dialect(host);
    let head =
        ["PersonID", "Surname", "Forename", "Class", "AttDate", "Period", "Mark", "MinsLate", "Comment"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for (visit, seen) in rows {
        let visit = &world.visits[*visit];
        let person = world.person(visit);
        let (mark, minutes) = match seen {
            Seen::Present => ("/", String::new()),
            Seen::Late(minutes) => ("L", minutes.to_string()),
            Seen::Absent if host == HOLLINS => ("O", String::new()),
            Seen::Absent => ("N", String::new()),
            Seen::Slip => ("ZZ", String::new()),
        };
        let cells = [
            visit.at_host.as_str(),
            &person.surname,
            &person.forename,
            GROUPS[group].code,
            &d.date(day),
            lesson.period,
            mark,
            &minutes,
            "",
        ];
        lines.push(cells.map(str::to_owned).to_vec());
    }
    d.file(&lines)
}

fn section_attendance(world: &World, group: usize, lesson: Lesson, rows: &[Row], day: &str) -> Vec<u8> {
    let events: Vec<String> = rows
        .iter()
        .map(|(visit, seen)| {
            let (category, minutes) = match seen {
                Seen::Present => ("In Attendance", String::new()),
                Seen::Late(minutes) => {
                    ("Tardy", element("SectionAttendanceDuration", &[&minutes.to_string()]))
                }
                Seen::Absent => ("Unexcused Absence", String::new()),
                Seen::Slip => ("Elsewhere", String::new()),
            };
            let category = format!("uri://ed-fi.org/AttendanceEventCategoryDescriptor#{category}");
            let event = element(
                "AttendanceEvent",
                &[&element("EventDate", &[day]), &element("AttendanceEventCategory", &[&category])],
            );
            let section = reference("Section", &element("SectionIdentifier", &[GROUPS[group].code]));
            let period = reference("ClassPeriod", &element("ClassPeriodName", &[lesson.period]));
            let student = student(&world.visits[*visit].at_host);
            element("StudentSectionAttendanceEvent", &[&event, &minutes, &student, &section, &period])
        })
        .collect();
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
    let d = dialect(host);
    let (pattern, connector, mapping) = match host {
        WYVERN => ("attendance-*.xml", "edfi", edfi_mapping()),
        NORTHGATE => ("reg_*.csv", "delimited", college_mapping()),
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
            text.push_str(&periods(host));
            ("*.csv", "delimited", text)
        }
    };
    Source {
        name: "registers".to_owned(),
        folder: "registers".to_owned(),
        pattern: pattern.to_owned(),
        connector: connector.to_owned(),
        mapping: Some(mapping),
        ..Source::default()
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

fn edfi_mapping() -> String {
    format!("format = \"edfi\"\ncovers = \"dates\"\nduration = \"minutes_late\"\n{}", periods(WYVERN))
}

fn periods(host: Who) -> String {
    let mut text = "[periods]\n".to_owned();
    let mut seen = Vec::new();
    let lessons = GROUPS.iter().filter(|group| group.host == host).flat_map(|group| group.lessons);
    for lesson in lessons {
        if !seen.contains(&lesson.period) {
            seen.push(lesson.period);
            text.push_str(&format!(
                "{:?} = [{:?}, {:?}]\n",
                lesson.period,
                clock(lesson.start),
                clock(lesson.end)
            ));
        }
    }
    text
}

/// What a register is, for the screen.
pub fn what(group: usize, lesson: Lesson) -> String {
    format!("register {} {}", GROUPS[group].code, lesson.period)
}
