//! Files as the partners' systems export them, and the mappings that read them. Everything that the hub hears comes out of these.

use super::{
    day::{Day, Told},
    truth::{At, Line},
    world::{PERIODS, Who, World},
};
use std::{collections::BTreeMap, fmt::Write as _};

/// One folder of exports.
pub struct Source {
    pub name: &'static str,
    rows: &'static str,
    more: &'static str,
    fields: &'static [(&'static str, &'static str)],
}

const DATES: [(&str, &str); 2] = [("first_date", "From"), ("last_date", "To")];
const SOURCES: [Source; 6] = [
    Source {
        name: "learners",
        rows: "learners",
        more: "",
        fields: &[
            ("learner", "Id"),
            ("surname", "Surname"),
            ("forename", "Forename"),
            ("uln", "ULN"),
            ("birth_date", "DOB"),
            ("registration", "Status"),
        ],
    },
    Source {
        name: "placements",
        rows: "placements",
        more: "",
        fields: &[("learner", "Id"), ("host", "Host"), ("group", "Class"), DATES[0], DATES[1]],
    },
    Source {
        name: "acceptances",
        rows: "acceptances",
        more: "",
        fields: &[("learner", "Id"), ("home", "Home"), ("group", "Class"), DATES[0], DATES[1]],
    },
    Source {
        name: "timetable",
        rows: "timetable",
        more: "",
        fields: &[
            ("lesson", "Lesson"),
            ("date", "Date"),
            ("start", "From"),
            ("end", "To"),
            ("group", "Class"),
            ("room", "Room"),
            ("cancelled", "{ column = \"State\", values = { off = \"yes\" }, other = \"no\" }"),
            ("closed", "{ column = \"State\", values = { closed = \"yes\" }, other = \"no\" }"),
        ],
    },
    Source {
        name: "notices",
        rows: "notices",
        more: "",
        fields: &[
            ("notice", "No"),
            ("learner", "Id"),
            ("date", "Date"),
            ("start", "From"),
            ("end", "To"),
            ("kind", "Kind"),
        ],
    },
    Source {
        name: "marks",
        rows: "attendance",
        more: "covers = \"dates\"\n[codes]\nset = \"usage\"\nmarks = { \"/\" = \"present\", \"L\" = \"late\", \"O\" = \"absent\" }",
        fields: &[
            ("learner", "Id"),
            ("group", "Class"),
            ("date", "Date"),
            ("start", "From"),
            ("end", "To"),
            ("mark", "Mark"),
            ("minutes_late", "Late"),
            ("minutes_left_early", "Left"),
        ],
    },
];

impl Source {
    /// The sources of a partner.
    pub fn of(is_host: bool) -> impl Iterator<Item = &'static Self> {
        let wanted = move |source: &&Self| match source.name {
            "learners" => true,
            "placements" | "notices" => !is_host,
            _ => is_host,
        };
        SOURCES.iter().filter(wanted)
    }

    /// Its mapping file.
    pub fn mapping(&self) -> String {
        let mut text = format!("format = \"delimited\"\nrows = \"{}\"\n{}\n[fields]\n", self.rows, self.more);
        for (field, caption) in self.fields {
            let value = if caption.starts_with('{') { (*caption).to_owned() } else { format!("{caption:?}") };
            let _ = writeln!(text, "{field} = {value}");
        }
        text
    }
}

/// Seconds of the day as HH:MM.
pub fn clock(at: At) -> String {
    format!("{:02}:{:02}", at / 3600, at / 60 % 60)
}

fn named(learner: usize) -> (&'static str, &'static str) {
    const FORENAMES: [&str; 12] = [
        "Imogen", "Oliver", "Aisha", "Callum", "Grace", "Priya", "Ewan", "Niamh", "Ravi", "Freya", "Kofi",
        "Amara",
    ];
    const SURNAMES: [&str; 11] = [
        "Ashby", "Patel", "Khan", "Fletcher", "Okafor", "Nowak", "Hughes", "Carter", "Sharma", "Webb",
        "Doyle",
    ];
    (FORENAMES[learner % FORENAMES.len()], SURNAMES[learner / 5 % SURNAMES.len()])
}

fn born(learner: usize) -> String {
    format!("{}-{:02}-{:02}", 2008 + learner % 2, 1 + learner / 2 % 12, 1 + learner / 24 % 28)
}

/// Own learners of a home, or guests of a host.
pub fn learners(world: &World, who: Who) -> String {
    let mut text = "Id,Surname,Forename,ULN,DOB,Status\n".to_owned();
    let is_home = who < world.homes;
    let mut add = |learner: usize, id: &str, status: &str| {
        let ((forename, surname), uln) = (named(learner), &world.learners[learner].uln);
        let _ = writeln!(text, "{id},{surname},{forename},{uln},{},{status}", born(learner));
    };
    if is_home {
        let own = world.learners.iter().enumerate().filter(|(_, one)| one.home == who);
        own.for_each(|(learner, one)| add(learner, &one.local, "C"));
    } else {
        world.guests(who).for_each(|learner| add(learner, &World::guest(learner), "G"));
    }
    text
}

/// What a home declares of who goes where, or a host of who comes.
pub fn placements(world: &World, who: Who, year: (&str, &str)) -> String {
    let is_home = who < world.homes;
    let other = if is_home { "Host" } else { "Home" };
    let mut text = format!("Id,{other},Class,From,To\n");
    let (first, last) = year;
    for (learner, one) in world.learners.iter().enumerate() {
        for group in one.groups.iter().map(|group| &world.groups[*group]) {
            let code = &group.code;
            if is_home && one.home == who {
                let host = &world.institutions[group.host].slug;
                let _ = writeln!(text, "{},{host},{code},{first},{last}", one.local);
            } else if !is_home && group.host == who {
                let home = &world.institutions[one.home].slug;
                let _ = writeln!(text, "{},{home},{code},{first},{last}", World::guest(learner));
            }
        }
    }
    text
}

/// A host's timetable of the day as it stands at a moment.
pub fn timetable(world: &World, day: &Day, who: Who, date: &str, now: At) -> String {
    let mut text = "Lesson,Date,From,To,Class,Room,State\n".to_owned();
    if day.closed.get(&who).is_some_and(|since| *since <= now) {
        let _ = writeln!(text, ",{date},,,,,closed");
        return text;
    }
    let since = |of: &BTreeMap<usize, At>, lesson: usize| of.get(&lesson).is_some_and(|since| *since <= now);
    for lesson in world.lessons_of(who).filter(|lesson| !since(&day.dropped, *lesson)) {
        let of = &world.lessons[lesson];
        let state = if since(&day.cancelled, lesson) { "off" } else { "on" };
        let room = if since(&day.moved, lesson) { "Hall" } else { "C12" };
        let (from, to, code) = (clock(of.start()), clock(of.end()), &world.groups[of.group].code);
        let _ = writeln!(text, "{},{date},{from},{to},{code},{room},{state}", of.id);
    }
    text
}

/// Where a home's timetable has its learners, if its system says so, and what it knows of absences at a moment.
pub fn notices(world: &World, day: &Day, who: Who, date: &str, now: At) -> String {
    let mut text = "No,Id,Date,From,To,Kind\n".to_owned();
    for ((learner, period), own) in day.plans.iter().filter(|((one, _), _)| world.learners[*one].home == who)
    {
        let ((from, to), kind) = (PERIODS[*period], if *own { "own_lesson" } else { "at_partner" });
        let (from, to, id) = (clock(from * 60), clock(to * 60), &world.learners[*learner].local);
        let _ = writeln!(text, "P{learner}-{period},{id},{date},{from},{to},{kind}");
    }
    let told = day.told.iter().enumerate();
    for (number, (learner, _, told)) in
        told.filter(|(_, (learner, at, _))| *at <= now && world.learners[*learner].home == who)
    {
        let (from, to, kind) = match told {
            Told::Away => (String::new(), String::new(), "expected_absence"),
            Told::NotAttending => (String::new(), String::new(), "not_attending"),
            Told::TakenBack(lesson) => {
                let of = &world.lessons[*lesson];
                (clock(of.start()), clock(of.end()), "taken_back")
            }
        };
        let _ = writeln!(text, "N{number},{},{date},{from},{to},{kind}", world.learners[*learner].local);
    }
    text
}

const MARKS: &str = "Id,Class,Date,From,To,Mark,Late,Left\n";

/// The registers of a period that a host's teachers have saved, each as it was when it was saved last.
pub fn marks(world: &World, day: &Day, period: usize, saved: &BTreeMap<usize, At>, date: &str) -> String {
    let mut text = MARKS.to_owned();
    let (from, to) = PERIODS[period];
    let (from, to) = (clock(from * 60), clock(to * 60));
    for (lesson, at) in saved.iter().filter(|(lesson, _)| world.lessons[**lesson].period == period) {
        let of = &world.lessons[*lesson];
        let code = &world.groups[of.group].code;
        for learner in world.visitors(*lesson) {
            let line = day.truth.lines.get(&(*lesson, *learner)).copied().unwrap_or_default();
            let listed = !line.off_list || line.added.is_some_and(|added| added <= *at);
            if listed && let Some(mark) = seen(&line, (of.start(), of.end()), *at) {
                let _ = writeln!(text, "{},{code},{date},{from},{to},{mark}", World::guest(*learner));
            }
        }
        let strangers = day.strangers.range((*lesson, 0)..=(*lesson, usize::MAX));
        for (_, learner) in strangers {
            let _ = writeln!(text, "{},{code},{date},{from},{to},/,,", World::guest(*learner));
        }
    }
    text
}

/// What a teacher enters about a learner at a moment: the mark, minutes late and minutes left early.
fn seen(line: &Line, (start, end): (At, At), now: At) -> Option<String> {
    let Some((from, until)) = line.there.filter(|(from, _)| *from <= now) else {
        return Some("O,,".to_owned());
    };
    if line.slip.is_some_and(|right| now < right) {
        return Some("O,,".to_owned());
    }
    let late = (from - start) / 60;
    let left = if until < end && until <= now { ((end - until) / 60).to_string() } else { String::new() };
    Some(match late {
        0 => format!("/,,{left}"),
        _ => format!("L,{late},{left}"),
    })
}

/// The session register of a host's guests: no class, the whole half of the day. Who has the first lesson there is present.
pub fn sessions(world: &World, day: &Day, who: Who, afternoon: bool, date: &str) -> String {
    let mut text = MARKS.to_owned();
    let (period, from, to) = if afternoon { (3, "13:00", "15:30") } else { (0, "08:45", "12:30") };
    for lesson in world.lessons_of(who).filter(|lesson| world.lessons[*lesson].period == period) {
        for learner in world.visitors(lesson) {
            let line = day.truth.lines.get(&(lesson, *learner)).copied().unwrap_or_default();
            if line.there.is_some_and(|(from, _)| from == world.lessons[lesson].start()) {
                let _ = writeln!(text, "{},,{date},{from},{to},/,,", World::guest(*learner));
            }
        }
    }
    text
}
