//! How well a column would do as a field: by the words of its caption, and by what stands in it.
//!
//! Words and values are held against each other: a caption never makes a field of a column whose values can't be it.

use super::{caption::About, shape::Shape};
use std::collections::BTreeMap;

/// A column as it is judged.
pub struct Column {
    pub caption: String,
    pub about: BTreeMap<About, f64>,
    pub shape: Shape,
    /// In how far its value decides a name column's value, from 0 to 1; 0 where there is no such column.
    pub decides_names: f64,
    /// Its values are one to one with those of the UPN or ULN.
    pub names_a_learner: bool,
    /// Minutes stand only beside one or two values of another short list.
    pub beside_few: bool,
    /// As a time: how often it lies before or after another column of times.
    pub earlier: f64,
    pub later: f64,
    /// As a date: how often it lies before or after another column of dates that aren't birth dates.
    pub first: f64,
    pub last: f64,
    /// It repeats another column of names in most rows.
    pub like_a_name: bool,
}

/// How well a column does as a field.
#[derive(Debug, Clone, Default)]
pub struct Fit {
    /// 0 to 1.
    pub score: f64,
    /// Why, in plain words, without values of people.
    pub reasons: Vec<String>,
}

/// Words that speak for a field, the most telling ones first, and words that speak against it.
type Rule = (&'static str, &'static [(&'static [About], f64)], &'static [About]);

use About::*;

const RULES: &[Rule] = &[
    (
        "learner",
        &[(&[Learner, Id], 0.92), (&[Learner], 0.6), (&[Id], 0.35)],
        &[
            Surname, Forename, Name, Birth, Event, Staff, Upn, Uln, Group, Date, Time, Late, Mark, Lesson,
            Status, Enrolment, Title,
        ],
    ),
    ("staff", &[(&[Staff, Id], 0.92), (&[Staff], 0.85)], &[Surname, Forename, Note, Learner, Date, Internal]),
    ("date", &[(&[Date], 0.85), (&[Start], 0.3), (&[Entered], 0.3)], &[Birth, Due, Enrolment, End]),
    ("birth_date", &[(&[Birth, Date], 0.95), (&[Birth], 0.92), (&[Date], 0.3)], &[Start, End, Entered]),
    ("first_date", &[(&[Start, Date], 0.93), (&[Start], 0.9), (&[Date], 0.3)], &[Birth, End]),
    ("last_date", &[(&[End, Date], 0.93), (&[End], 0.9), (&[Date], 0.3)], &[Birth, Start]),
    ("from_date", &[(&[End, Date], 0.9), (&[Start, Date], 0.8), (&[Date], 0.6)], &[Birth]),
    (
        "mark",
        &[(&[Mark, Presence], 0.95), (&[Presence], 0.8), (&[Mark], 0.75)],
        &[Date, Time, Grade, Late, Group, Learner, Kind, Staff],
    ),
    ("minutes_late", &[(&[Minutes, Late], 0.96), (&[Late], 0.85), (&[Minutes], 0.3)], &[Early]),
    ("minutes_left_early", &[(&[Minutes, Early], 0.9), (&[Early], 0.8)], &[Late]),
    ("minutes", &[(&[Minutes], 0.85)], &[Late, Early]),
    ("start", &[(&[Start, Time], 0.95), (&[Start], 0.9), (&[Time], 0.5)], &[End, Entered]),
    ("end", &[(&[End, Time], 0.95), (&[End], 0.9)], &[Start, Entered]),
    ("time", &[(&[Time], 0.9), (&[Period], 0.3)], &[End, Entered]),
    (
        "group",
        &[(&[Group, Id], 0.9), (&[Group], 0.86), (&[Subject, Id], 0.6)],
        &[Learner, Staff, Date, Time, Enrolment, Title, Surname, Forename],
    ),
    ("period", &[(&[Period], 0.9), (&[Lesson], 0.7)], &[Date, Start, End, Minutes]),
    ("note", &[(&[Note], 0.88)], &[Id, Grade]),
    ("comment", &[(&[Note], 0.88)], &[Id]),
    (
        "recorded_at",
        &[(&[Entered, Time], 0.95), (&[Entered], 0.92), (&[Date, Time], 0.4)],
        &[Birth, Start, End],
    ),
    ("grade", &[(&[Grade], 0.9)], &[Date, Kind, Scale, Note, Points, Learner, Round, Entered, Presence]),
    ("scale", &[(&[Scale], 0.92)], &[]),
    ("kind", &[(&[Kind, Grade], 0.92), (&[Kind], 0.8)], &[Date]),
    ("subject", &[(&[Subject], 0.9)], &[Id]),
    ("title", &[(&[Title], 0.88)], &[Grade, Date, Learner, Round]),
    ("result_set", &[(&[Round], 0.88)], &[Date, Points]),
    ("points", &[(&[Points], 0.9)], &[Round, Date]),
    (
        "event",
        &[(&[Event, Id], 0.95), (&[Event], 0.5), (&[Id], 0.3)],
        &[Learner, Kind, Date, Time, Staff, Status],
    ),
    (
        "label",
        &[(&[Conduct, Kind], 0.95), (&[Kind], 0.8), (&[Conduct], 0.8)],
        &[Id, Polarity, Date, Status, Severity],
    ),
    ("polarity", &[(&[Polarity], 0.9), (&[Kind], 0.4)], &[]),
    ("category", &[(&[Conduct], 0.3)], &[Kind, Id]),
    ("severity", &[(&[Severity], 0.88)], &[]),
    ("location", &[(&[Place], 0.9), (&[Room], 0.6)], &[]),
    ("role", &[(&[Role], 0.9)], &[Action]),
    ("action", &[(&[Action], 0.88)], &[Date, Due, Status]),
    ("status", &[(&[Status], 0.88)], &[Enrolment, Presence]),
    ("home_action_by", &[(&[Due, Date], 0.9), (&[Due], 0.7)], &[]),
    ("share_text", &[(&[Share], 0.8), (&[Share, Note], 0.92)], &[Internal]),
    ("internal_comment", &[(&[Internal, Note], 0.95), (&[Internal], 0.88), (&[Note], 0.55)], &[Share]),
    ("surname", &[(&[Surname], 0.95), (&[Last, Name], 0.95)], &[Staff, First, Forename, Known, Former]),
    (
        "forename",
        &[(&[Forename], 0.93), (&[First, Name], 0.95), (&[Name], 0.6), (&[First], 0.6)],
        &[Staff, Last, Surname, Known, Former],
    ),
    ("known_as", &[(&[Known, Forename], 0.95), (&[Known], 0.85), (&[Known, Name], 0.93)], &[Staff, Surname]),
    ("upn", &[(&[Upn], 0.9)], &[Former, Temporary]),
    ("former_upn", &[(&[Former, Upn], 0.96)], &[]),
    ("temporary_upn", &[(&[Temporary, Upn], 0.96)], &[Former]),
    ("uln", &[(&[Uln], 0.9)], &[]),
    ("uci", &[(&[Uci], 0.9)], &[]),
    ("registration", &[(&[Enrolment, Status], 0.93), (&[Enrolment], 0.6)], &[Date, Id]),
    (
        "course_title",
        &[(&[Group, Name], 0.93), (&[Title], 0.8), (&[Name], 0.6), (&[Group, Title], 0.93)],
        &[Id, Staff, Subject],
    ),
    (
        "host",
        &[(&[Host, Institution], 0.95), (&[Host], 0.85), (&[Institution], 0.7)],
        &[Home, Learner, Group, Date],
    ),
    (
        "home",
        &[(&[Home, Institution], 0.95), (&[Home], 0.85), (&[Institution], 0.7)],
        &[Host, Learner, Group, Date],
    ),
    ("other", &[(&[Institution], 0.8), (&[Host], 0.7), (&[Home], 0.7)], &[Learner, Group, Date]),
    ("lesson", &[(&[Lesson, Id], 0.93), (&[Event, Id], 0.85), (&[Id], 0.4)], &[Learner, Date, Staff]),
    ("room", &[(&[Room], 0.92), (&[Place], 0.7)], &[]),
    ("cancelled", &[(&[Cancelled], 0.9), (&[Status], 0.4)], &[]),
    ("closed", &[(&[Closed], 0.9)], &[]),
    ("week", &[(&[Week], 0.9)], &[Date]),
    ("needs", &[(&[Needs], 0.9), (&[Note], 0.4)], &[]),
    ("emergency", &[(&[Emergency], 0.95)], &[]),
    ("notice", &[(&[Event, Id], 0.8), (&[Id], 0.35)], &[Learner]),
    ("withdrawn", &[(&[Cancelled], 0.8)], &[]),
];

/// How well the words of a caption speak for a field, from 0 to 1.
fn said(field: &str, about: &BTreeMap<About, f64>) -> f64 {
    let Some((_, fors, againsts)) = RULES.iter().find(|(name, ..)| *name == field) else { return 0.0 };
    let mut best: f64 = 0.0;
    for (all, weight) in *fors {
        let least = all.iter().map(|word| about.get(word).copied().unwrap_or(0.0)).fold(1.0, f64::min);
        let mut here = weight * least;
        for against in againsts.iter().filter(|against| !all.contains(against)) {
            here *= 1.0 - 0.45 * about.get(against).copied().unwrap_or(0.0);
        }
        best = best.max(here);
    }
    best
}

/// How well the values of a column speak for a field: 0 if they can't be it; and why.
fn holds(field: &str, column: &Column) -> (f64, f64, Option<&'static str>) {
    let s = &column.shape;
    let full = s.fill() >= 0.97;
    let no = (0.0, 0.0, None);
    let (date, time) = (s.is_date(), s.filled > 0 && s.share(s.time) >= 0.97);
    let stamped = date && s.share(s.instant) > 0.3;
    let few = s.filled < 30 && s.distinct <= 12 && s.longest <= 12;
    let short_list = !s.list.is_empty() && (s.distinct * 3 <= s.filled.max(9) || few);
    let identifier = !date && !time && s.longest <= 32 && s.with_space == 0 && full;
    let official = s.share(s.upn) > 0.9 || s.share(s.uln) > 0.9 || s.share(s.uci) > 0.9;
    let words = s.share(s.with_digit) < 0.5 && !date && !time;
    let text = !date && !time && s.share(s.decimal) < 0.9;
    match field {
        "learner" if identifier && s.distinct >= 2 && s.share(s.with_digit) > 0.8 => {
            let strong = column.decides_names > 0.97 && s.distinct >= 8;
            let sound = if official { 0.55 } else { 1.0 };
            if column.names_a_learner {
                (sound, 0.72, Some("has one value for each UPN or ULN"))
            } else if strong {
                (sound, 0.7, Some("each value stands beside one name only"))
            } else {
                let spread = if s.distinct >= 8 && s.longest >= 3 { 0.45 } else { 0.1 };
                (sound, spread, Some("looks like an identifier"))
            }
        }
        "staff" if identifier && s.distinct >= 2 => (1.0, 0.15, Some("looks like an identifier")),
        "event" | "lesson" | "notice" if identifier && s.distinct >= 3 && s.longest >= 2 => {
            let unique = s.distinct as f64 / s.filled as f64;
            (1.0, if unique > 0.99 { 0.45 } else { 0.2 }, Some("looks like an identifier"))
        }
        "date" | "from_date" if date && full && !stamped => {
            if s.may_be_birth() {
                (0.25, 0.2, None)
            } else {
                (1.0, 0.6, Some("holds dates"))
            }
        }
        "first_date" if date && !stamped && !s.may_be_birth() => {
            (1.0, 0.3 + 0.4 * column.first, Some("holds dates that lie before those of another column"))
        }
        "last_date" if date && !stamped && !s.may_be_birth() => {
            (1.0, 0.3 + 0.4 * column.last, Some("holds dates that lie after those of another column"))
        }
        "birth_date" if date && !stamped => match s.may_be_birth() {
            true => (1.0, 0.75, Some("holds dates of many years, on all days of the week")),
            false => (0.6, 0.1, None),
        },
        "home_action_by" if date && !full && !stamped => (1.0, 0.2, Some("holds dates")),
        "recorded_at" if stamped => (1.0, 0.7, Some("holds dates with times of day")),
        "start" if time => {
            let found = if column.earlier > 0.97 { 0.72 } else { 0.45 };
            (1.0 - 0.9 * column.later, found, Some("holds times, before those of another column"))
        }
        "end" if time => {
            let found = if column.later > 0.97 { 0.72 } else { 0.1 };
            (1.0 - 0.9 * column.earlier, found, Some("holds times, after those of another column"))
        }
        "time" if time => (1.0, 0.7, Some("holds times of day")),
        "minutes" if s.share(s.whole) >= 0.99 && s.smallest >= 5 && s.largest <= 400 && full => {
            (1.0, 0.15, Some("holds small numbers"))
        }
        "minutes_late" | "minutes_left_early"
            if s.filled > 0 && s.share(s.whole) >= 0.99 && s.largest <= 400 =>
        {
            let rare = s.fill() < 0.5
                || s.list.first().is_some_and(|(value, count)| value == "0" && s.share(*count) > 0.5);
            let seen = if column.beside_few && rare { 0.55 } else { 0.1 };
            (
                if rare { 1.0 } else { 0.6 },
                seen,
                Some("small numbers that stand beside one or two marks only"),
            )
        }
        "mark" if short_list && s.longest <= 24 && s.distinct <= 40 && !date && !time && s.fill() > 0.6 => {
            marks(s)
        }
        "group" if text && s.longest <= 40 && s.distinct >= 2 && full => {
            let likely =
                !s.list.is_empty() && s.share(s.with_digit) > 0.5 && s.longest >= 2 && s.share(s.upn) < 0.5;
            (
                1.0,
                if likely && short_list && column.decides_names < 0.97 { 0.5 } else { 0.1 },
                Some("looks like codes of groups"),
            )
        }
        "group" if full && s.share(s.whole) > 0.99 && s.distinct >= 2 => (0.8, 0.05, None),
        "period" if !date && !time && s.distinct <= 24 && s.longest <= 16 && short_list => {
            let halves = s.list.iter().all(|(value, _)| matches!(value.to_uppercase().as_str(), "AM" | "PM"));
            let small = s.share(s.whole) > 0.99 && s.largest <= 12;
            let seen = if halves {
                0.75
            } else if small && s.fill() > 0.9 {
                0.35
            } else {
                0.1
            };
            (1.0, seen, Some(if halves { "holds AM and PM" } else { "holds a few short values" }))
        }
        "note" | "comment" | "share_text" | "internal_comment" | "needs" | "emergency"
            if text && s.filled > 0 =>
        {
            let long = s.share(s.sentences) > 0.5;
            (
                if long || s.longest > 20 { 1.0 } else { 0.5 },
                if long { 0.35 } else { 0.05 },
                Some("holds sentences"),
            )
        }
        "grade"
            if s.filled > 0
                && !date
                && !time
                && s.longest <= 24
                && (short_list || s.share(s.decimal) > 0.9)
                && !official =>
        {
            let fits = super::scales::fitting(s);
            let numbers = s.share(s.decimal) > 0.9;
            (
                1.0,
                if !fits.is_empty() && !numbers { 0.6 } else { 0.1 },
                Some("all values are grades of a scale"),
            )
        }
        "scale" | "kind" | "status" | "role" | "action" | "location" | "room"
            if text && s.filled > 0 && s.longest <= 60 =>
        {
            (1.0, 0.05, None)
        }
        "room" if s.filled > 0 && s.share(s.whole) > 0.9 => (0.8, 0.0, None),
        "polarity" if text && s.distinct <= 4 && s.distinct >= 1 && full => {
            let known = s.list.iter().all(|(value, _)| super::values::known("polarity", value).is_some());
            (1.0, if known { 0.85 } else { 0.05 }, Some("all values say good or bad"))
        }
        "label" | "category" if text && full && s.longest <= 80 => {
            (1.0, if s.distinct >= 3 && words && short_list { 0.2 } else { 0.05 }, None)
        }
        "subject" | "title" | "course_title" | "result_set" if text && s.filled > 0 && s.longest <= 120 => {
            (1.0, if s.share(s.with_space) > 0.6 { 0.1 } else { 0.05 }, None)
        }
        "points" | "severity" if s.filled > 0 && s.share(s.signed) > 0.97 && s.largest.abs() < 1000 => {
            (1.0, 0.1, Some("holds small numbers"))
        }
        "surname" | "forename" if s.share(s.nameish) > 0.9 && s.distinct >= 3 && full => {
            (1.0, 0.3, Some("holds words like names"))
        }
        "known_as" if s.share(s.nameish) > 0.9 && s.distinct >= 3 => (
            1.0,
            if column.like_a_name { 0.5 } else { 0.05 },
            Some("mostly the same as another column of names"),
        ),
        // Sound numbers, but not those of today: a partner would be matched by them as if they were.
        "upn" if old_upn(column) => no,
        "former_upn" | "temporary_upn" if old_upn(column) && s.share(s.upns) > 0.8 => {
            (1.0, 0.6, Some("the check letters of UPNs are right"))
        }
        "former_upn" | "temporary_upn" if old_upn(column) && s.is_blank() => (0.8, 0.0, None),
        "upn" if s.share(s.upn) > 0.8 => (1.0, 0.97, Some("the check letters of UPNs are right")),
        "uln" if s.share(s.uln) > 0.8 && s.distinct >= 2 => {
            (1.0, 0.95, Some("the check digits of ULNs are right"))
        }
        "uci" if s.share(s.uci) > 0.8 => (1.0, 0.9, Some("the check characters of UCIs are right")),
        // An empty column says nothing against its caption.
        "upn" | "uln" | "uci" if s.is_blank() => (0.8, 0.0, None),
        "registration"
            if full
                && s.list
                    .iter()
                    .all(|(value, _)| matches!(value.as_str(), "C" | "M" | "S" | "G" | "F" | "O" | "P")) =>
        {
            (1.0, 0.35, Some("all values are enrolment statuses of the DfE"))
        }
        "host" | "home" | "other" if text && full && s.distinct <= 60 && s.longest <= 80 => {
            let slugs = !s.list.is_empty()
                && s.list.iter().all(|(value, _)| value.parse::<commonroll_core::Slug>().is_ok());
            let sound = if slugs && words { 1.0 } else { 0.9 };
            (
                sound,
                if slugs && words { 0.3 } else { 0.0 },
                Some("all values may be short names of institutions"),
            )
        }
        "cancelled" | "closed" | "withdrawn" if s.filled > 0 && s.distinct <= 4 => {
            let truth = s.share(s.truth) > 0.99;
            (if truth { 1.0 } else { 0.7 }, if truth { 0.4 } else { 0.0 }, Some("holds yes and no"))
        }
        "week" if text && s.filled > 0 && s.longest <= 8 && s.distinct <= 6 => (1.0, 0.0, None),
        _ => no,
    }
}

/// True if a caption names UPNs that are not, or not for good, the learner's present one.
fn old_upn(column: &Column) -> bool {
    let says = |about: About| column.about.get(&about).copied().unwrap_or(0.0) > 0.7;
    says(About::Upn) && (says(About::Former) || says(About::Temporary))
}

/// How much the values look like marks of attendance.
fn marks(s: &Shape) -> (f64, f64, Option<&'static str>) {
    let top = s.list.first().map_or(0.0, |(_, count)| s.share(*count));
    let present = s.list.iter().any(|(value, _)| value == "/" || value == "\\");
    let words =
        s.list.iter().all(|(value, _)| super::codes::meaning(value).is_some_and(|(_, sure)| sure > 0.8));
    if s.share(s.english) > 0.99 && present {
        (1.0, 0.93, Some("all values are session codes of England"))
    } else if present {
        (1.0, 0.85, Some("most values are marks of a register"))
    } else if words {
        (1.0, 0.9, Some("all values say present, absent or late"))
    } else if s.longest <= 3 && s.distinct <= 30 && top > 0.45 && s.share(s.whole) < 0.5 {
        (1.0, 0.4, Some("a few short codes, one of them far more often than the others"))
    } else if s.share(s.whole) > 0.9 || s.share(s.nameish) > 0.9 && s.distinct > 8 {
        (0.2, 0.0, None)
    } else {
        (0.8, 0.0, None)
    }
}

/// How well a column would do as a field.
pub fn fit(field: &str, column: &Column) -> Fit {
    let (sound, seen, why) = holds(field, column);
    if sound <= 0.0 {
        return Fit::default();
    }
    let said = said(field, &column.about);
    let score = sound * (1.0 - (1.0 - said) * (1.0 - seen));
    let mut reasons = Vec::new();
    if said >= 0.5 {
        reasons.push("its caption says so".to_owned());
    } else if said >= 0.25 {
        reasons.push("its caption may mean it".to_owned());
    }
    if seen >= 0.2
        && let Some(why) = why
    {
        reasons.push(why.to_owned());
    }
    Fit { score, reasons }
}
