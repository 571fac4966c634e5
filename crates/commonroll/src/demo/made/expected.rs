//! What the day expects, as the partners' systems export it: hosts' timetables, and homes' support notes and absences
//! that they know of in advance; and the mappings that read them.

use super::{
    dialect::dialect,
    world::{GROUPS, Lesson, RIVERSIDE, Who, World, clock},
};
use crate::demo::setup::{Content, FileToWrite, Source};

/// Rooms, by the place of the group among a host's.
const ROOMS: [&str; 6] = ["B12", "Workshop 2", "C4", "Lab 3", "Studio", "A21"];
/// What learners need elsewhere, as a home writes it for sharing; and the step in an emergency.
const NEEDS: [(&str, &str); 4] = [
    ("Prints at 16 point; sit near the front.", "Ring our desk first; we ring home."),
    ("Leaves two minutes early to move between rooms with a stick.", "Ring our desk; someone comes out."),
    (
        "Carries an auto-injector for nuts; it is in the front pocket.",
        "Use the injector, 999, then our desk.",
    ),
    ("Time out with a card, five minutes, no questions.", "Ring our desk; ask for the pastoral lead."),
];

fn file(path: &str, what: &str, bytes: Vec<u8>) -> FileToWrite {
    FileToWrite { path: path.to_owned(), content: Content::Bytes(bytes), what: what.to_owned() }
}

fn hosts(who: Who) -> bool {
    GROUPS.iter().any(|group| group.host == who)
}

/// Files that lie there from the start.
pub fn files(world: &World, who: Who, day: &str) -> Vec<FileToWrite> {
    let mut files = Vec::new();
    if hosts(who) {
        let usual = (0..GROUPS.len()).flat_map(|group| {
            GROUPS[group].lessons.iter().map(move |lesson| Meets { group, lesson: *lesson, cancelled: false })
        });
        let usual: Vec<Meets> = usual.collect();
        files.push(file("timetable/timetable.csv", "timetable", timetable(who, day, &usual)));
    }
    if who <= RIVERSIDE {
        files.push(file("support/support.csv", "support notes", support(world, who)));
        files.push(file(
            "absences/absences.csv",
            "absences known in advance",
            absences(world, who, day, "AB"),
        ));
    }
    files
}

/// The sources that read them.
pub fn sources(who: Who) -> Vec<Source> {
    let source = |name: &str, rows: &str, fields: &[(&str, &str)]| Source {
        name: name.to_owned(),
        folder: name.to_owned(),
        pattern: "*.csv".to_owned(),
        connector: "delimited".to_owned(),
        mapping: Some(dialect(who).mapping(rows, "", fields)),
        ..Source::default()
    };
    let mut sources = Vec::new();
    if hosts(who) {
        let fields = [
            ("date", "Date"),
            ("start", "From"),
            ("end", "To"),
            ("group", "Class"),
            ("room", "Room"),
            ("lesson", "Lesson"),
            ("week", "Week"),
            ("cancelled", "{ column = \"State\", values = { off = \"yes\" }, other = \"no\" }"),
        ];
        sources.push(source("timetable", "timetable", &fields));
    }
    if who <= RIVERSIDE {
        let fields = [("learner", "Learner"), ("needs", "For partners"), ("emergency", "In an emergency")];
        let until = ("last_date", "Until");
        sources.push(source("support", "support", &[&fields[..], &[until]].concat()));
        let fields = [("notice", "No"), ("learner", "Learner"), ("date", "Date")];
        sources.push(source("absences", "notices", &fields));
        // Used by the live part alone: with times, and with what it is.
        let more = [("start", "From"), ("end", "To"), ("kind", "What")];
        sources.push(source("notices", "notices", &[&fields[..], &more].concat()));
    }
    sources
}

/// A lesson of a timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meets {
    /// Place among [`GROUPS`].
    pub group: usize,
    pub lesson: Lesson,
    pub cancelled: bool,
}

/// A host's lessons of a day, those without visitors among them.
pub fn timetable(who: Who, day: &str, meets: &[Meets]) -> Vec<u8> {
    let d = dialect(who);
    let head = ["Lesson", "Date", "From", "To", "Class", "Room", "Week", "State"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let of_host = |group: &usize| GROUPS[*group].host == who;
    for (place, number) in (0..GROUPS.len()).filter(of_host).enumerate() {
        let group = &GROUPS[number];
        for Meets { lesson, cancelled, .. } in meets.iter().filter(|meets| meets.group == number) {
            let (id, date) = (format!("{}-{}", group.code, lesson.name()), d.date(day));
            let (start, end) = (clock(lesson.start), clock(lesson.end));
            let (room, state) = (ROOMS[place % ROOMS.len()], if *cancelled { "off" } else { "on" });
            let cells = [id.as_str(), &date, &start, &end, group.code, room, "A", state];
            rows.push(cells.map(str::to_owned).to_vec());
        }
    }
    d.file(&rows)
}

/// Learners of a home whom it has back for a time, since their class does not take place.
pub fn taken_back(world: &World, who: Who, day: &str, meets: &[Meets]) -> Vec<u8> {
    let d = dialect(who);
    let mut rows = vec![["No", "Learner", "Date", "From", "To", "What"].map(str::to_owned).to_vec()];
    for Meets { group, lesson, .. } in meets {
        for visit in world.sent(who).filter(|visit| visit.group == *group) {
            let learner = World::local_id(who, visit.person);
            let number = format!("BACK-{day}-{}-{learner}", lesson.name());
            let (from, to) = (clock(lesson.start), clock(lesson.end));
            rows.push(vec![number, learner, d.date(day), from, to, "taken_back".to_owned()]);
        }
    }
    d.file(&rows)
}

/// One learner in seven has a note.
fn support(world: &World, who: Who) -> Vec<u8> {
    let d = dialect(who);
    let until = d.date(&world.dates().1);
    let head = ["Learner", "For partners", "In an emergency", "Until"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let mut sent: Vec<usize> = world.sent(who).map(|visit| visit.person).collect();
    sent.dedup();
    for (place, person) in sent.into_iter().step_by(7).enumerate() {
        let (needs, emergency) = NEEDS[(place + who) % NEEDS.len()];
        let cells = [World::local_id(who, person), needs.to_owned(), emergency.to_owned(), until.clone()];
        rows.push(cells.to_vec());
    }
    d.file(&rows)
}

/// Whoever is known to be away for the whole day. The reason stays in the school's own column, which is not there.
pub fn absences(world: &World, who: Who, day: &str, numbers: &str) -> Vec<u8> {
    let d = dialect(who);
    let mut rows = vec![["No", "Learner", "Date"].map(str::to_owned).to_vec()];
    let excused = world.excused.iter().map(|visit| &world.visits[*visit]);
    for (place, visit) in excused.filter(|visit| visit.home == who).enumerate() {
        let id = World::local_id(who, visit.person);
        rows.push(vec![format!("{numbers}{place:03}"), id, d.date(day)]);
    }
    d.file(&rows)
}
