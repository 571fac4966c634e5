//! One learner: home and hosts together for those who answer for them at home, and for a host's teacher what their own
//! institution recorded. Everything on it came out of one reading, which is in the log.

mod attendance;
mod events;
mod grades;
#[cfg(feature = "pdf")]
mod report;
#[cfg(feature = "pdf")]
mod subjects;
mod told;

#[cfg(feature = "pdf")]
pub use report::report;

use super::{
    super::{
        Console,
        layout::Frame,
        parts,
        refusal::{Refusal, page},
        routes,
        signed::Signed,
        slip::sentence,
        times,
    },
    messages,
};
use askama::Template;
use attendance::Strip;
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use commonroll_core::{RecordKind, Role, SchoolDate, record::assessment::GradeKind};
use commonroll_exchange::{LearnerRead, RuleSeen};
use events::{Moment, Note};
use grades::Grades;
use told::{Kind, Told};

/// Weeks of attendance that are shown.
const WEEKS: i32 = 10;

#[derive(Template)]
#[template(path = "learner.html")]
struct Learner {
    frame: Frame,
    number: u32,
    name: String,
    way: Option<(&'static str, &'static str)>,
    lead: String,
    pattern: Option<Pattern>,
    strip: Option<Strip>,
    grades: Option<Grades>,
    /// True if there are grades of single pieces of work, which stand in the timeline.
    pieces: bool,
    key: Vec<Key>,
    timeline: Vec<Moment>,
    earlier: Vec<Moment>,
    notes: Vec<Note>,
    more_notes: Vec<Note>,
    praise: (usize, usize),
    /// What hosts told the home, newest first; praise and concerns of one day in that order.
    told: Vec<messages::Line>,
    /// True if the reader's institution is the home.
    home: bool,
    /// True if a report can be printed.
    paper: bool,
    /// True if the reader may be told when something drops.
    may_watch: bool,
    /// Whom a message to the home would reach, for those who may write one.
    tell: Option<messages::Tell>,
    /// Where one comes back to after a form.
    back: String,
    fresh: Vec<Fresh>,
    not_shown: Vec<String>,
    rules: Vec<RuleSeen>,
    agreements: Vec<String>,
    policy: String,
    since: String,
}

/// Something that stands out.
struct Pattern {
    title: String,
    says: String,
}

/// Which shape is whose.
struct Key {
    shape: Shape,
    name: String,
}

/// Home left and square, hosts right and round or triangular.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Home,
    Host,
    Host2,
}

impl Shape {
    /// By the place among the sources, of which the own is the first.
    const fn of(place: usize) -> Self {
        match place {
            0 => Self::Home,
            odd if odd % 2 == 1 => Self::Host,
            _ => Self::Host2,
        }
    }

    /// The class of its bars.
    const fn bar(self) -> &'static str {
        match self {
            Self::Home => "m-home",
            Self::Host => "m-host",
            Self::Host2 => "m-host2",
        }
    }
}

/// How old what a source told is.
struct Fresh {
    crest: String,
    name: String,
    says: String,
}

/// One learner's page.
pub async fn learner(
    State(console): State<Console>,
    Path(number): Path<String>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    // What is no number is a learner who isn't there, and is asked for and counted as one.
    let number: u32 = number.parse().unwrap_or(u32::MAX);
    let now = signed.now;
    let today = now.date_in(signed.zone());
    let monday = today.days() - i32::from(today.civil().weekday().to_monday_zero_offset());
    let first = SchoolDate::from_days(monday - 7 * (WEEKS - 1)).unwrap_or(today);
    let kinds = match signed.role() {
        Role::AttendanceOfficer => vec![RecordKind::Attendance],
        _ => Vec::new(),
    };
    let read =
        console.exchange.read_learner(signed.acting(), number, ((Some(first), None), kinds), now).await?;
    let may_watch = console.exchange.may_watch(signed.acting(), read.reading.learner, now);
    page(&Learner { may_watch, ..compose(&signed, &headers, read, (first, monday)) })
}

fn compose(
    signed: &Signed,
    headers: &HeaderMap,
    read: LearnerRead,
    (first, monday): (SchoolDate, i32),
) -> Learner {
    let zone = signed.zone();
    let told: Vec<Told> = read.reading.records.iter().filter_map(Told::of).collect();
    let said: Vec<messages::Line> =
        read.reading.messages.iter().map(|one| messages::line(one, zone, String::new())).collect();
    let places: Vec<&str> = read.sources.iter().map(|source| source.name.as_str()).collect();
    let sources: Vec<(&commonroll_core::Slug, &str)> =
        read.sources.iter().map(|source| (&source.slug, source.name.as_str())).collect();
    let strip = attendance::strip(&told, &sources, monday, WEEKS);
    let grades = grades::grades(&told, &sources);
    let pieces = told.iter().any(|one| match &one.body {
        Kind::Result(given) => {
            given.result.as_ref().is_some_and(|result| result.kind == GradeKind::Assignment)
        }
        Kind::Mark(_) | Kind::Event(_) => false,
    });
    let (mut timeline, notes) = events::events((&told, &read.reading.messages), &sources, (read.today, zone));
    let earlier = timeline.split_off(timeline.len().min(events::SHOWN));
    let praise =
        (notes.iter().filter(|note| !note.concern).count(), notes.iter().filter(|note| note.concern).count());
    let mut notes = notes;
    let more_notes = notes.split_off(notes.len().min(events::NOTES));
    let way = match signed.role() {
        Role::Teacher => ("/groups", "My groups today"),
        _ => ("/learners", "My learners"),
    };
    let fresh = read.sources.iter().map(|source| Fresh {
        crest: source.name.chars().next().unwrap_or('?').to_string(),
        name: source.name.clone(),
        says: source.newest.map_or_else(
            || format!("Nothing since {}", times::day(first)),
            |at| match at.date_in(zone) == read.today {
                true => format!("Newest record came today at {}", times::hm(at, zone)),
                false => {
                    format!("Newest record came on {}, {}", times::day(at.date_in(zone)), times::hm(at, zone))
                }
            },
        ),
    });
    let not_shown = read.reading.not_shown.iter().map(|said| {
        let count = match said.records {
            Some(1) => "1 record is not shown".to_owned(),
            Some(more) if more > 1 => format!("{more} records are not shown"),
            _ => "not shown".to_owned(),
        };
        let of = said.sources.iter().filter_map(|slug| sources.iter().find(|(known, _)| *known == slug));
        let of: Vec<&str> = of.map(|(_, name)| *name).collect();
        let of = if of.is_empty() { String::new() } else { format!(" of {}", of.join(", ")) };
        format!("{}{of}: {count}. {}", kind_words(said.kind), sentence(&said.reason))
    });
    Learner {
        // The title holds no name: it stays in a browser's history.
        frame: Frame::new(signed, headers, format!("Learner {}", read.reading.learner), way.0).why("#why"),
        number: read.reading.learner,
        lead: lead(&read, &places),
        name: read.name,
        way: Some(way),
        pattern: attendance::pattern(&told, &sources),
        strip,
        grades,
        pieces,
        key: read
            .sources
            .iter()
            .enumerate()
            .map(|(place, source)| Key {
                shape: Shape::of(place),
                name: if place == 0 && read.is_home {
                    format!("{}, home", source.name)
                } else {
                    source.name.clone()
                },
            })
            .collect(),
        timeline,
        earlier,
        notes,
        more_notes,
        praise,
        told: said,
        home: read.is_home,
        paper: super::PAPER && read.is_home && routes::is_for("/learners/{learner}/report", signed.role()),
        may_watch: false,
        tell: read.tell.as_ref().map(messages::tell),
        back: format!("/learners/{}", read.reading.learner),
        fresh: fresh.collect(),
        not_shown: not_shown.collect(),
        rules: read.rules,
        agreements: read.agreements,
        policy: read.reading.policy.chars().take(12).collect(),
        since: times::day(first),
    }
}

fn lead(read: &LearnerRead, _: &[&str]) -> String {
    let home =
        read.home.as_ref().map_or("not settled: two institutions claim to be it", |(_, name)| name.as_str());
    if !read.is_home {
        return format!("Home: {home}. You see what your own institution recorded, and nobody else’s.");
    }
    let place = |place: &commonroll_exchange::PlaceSeen| match place.group.as_str() {
        "" => place.host.clone(),
        group => format!("{} ({group})", place.host),
    };
    match read.places.iter().map(place).collect::<Vec<_>>().as_slice() {
        [] => format!("Home: {home}. Taught nowhere else now."),
        [one] => format!("Home: {home}. Also taught at {one}."),
        [first @ .., last] => format!("Home: {home}. Also taught at {} and {last}.", first.join(", ")),
    }
}

const fn kind_words(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Attendance => "Attendance",
        RecordKind::Assessment => "Grades",
        RecordKind::Behaviour => "Praise and concerns",
    }
}
