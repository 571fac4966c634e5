//! How well a column would do as a field: by the words of its caption, and by what stands in it.
//!
//! Words and values are held against each other: a caption never makes a field of a column whose values can't be it.

use super::{
    caption::About::{self, *},
    rules::said,
    shape::Shape,
};
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
    /// Its dates may be birth dates: far before other dates, or of most of a year and the same for each learner.
    pub birthlike: bool,
    /// Each learner has the same value in all rows.
    pub of_learner: bool,
    /// It keeps apart what a learner has on one date.
    pub tells_apart: bool,
    /// Its numbers stand beside a mark that says late.
    pub beside_late: bool,
    /// It is the row's number.
    pub counts_rows: bool,
}

/// How well a column does as a field.
#[derive(Debug, Clone, Default)]
pub struct Fit {
    /// 0 to 1.
    pub score: f64,
    /// Why, in plain words, without values of people.
    pub reasons: Vec<String>,
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
    let says = |about: About| column.about.get(&about).is_some_and(|weight| *weight > 0.7);
    let text = !date && !time && s.share(s.decimal) < 0.9;
    // A value that is the same in all rows is a group by its caption alone: a register of one class.
    let classes = s.distinct >= 2 || s.distinct == 1 && says(Group);
    match field {
        "learner" if identifier && s.distinct >= 2 && s.share(s.with_digit) > 0.8 => {
            let strong = column.decides_names > 0.97 && s.distinct >= 8;
            // A number that counts the rows says nothing of whoever stands in them.
            let sound = if official || column.counts_rows { 0.55 } else { 1.0 };
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
        "date" | "from_date" if date && full && !stamped => match says(Birth) || column.birthlike {
            true => (0.25, 0.2, None),
            // The same for a learner in all rows: an enrolment, say.
            false if column.of_learner && s.distinct >= 5 => (0.7, 0.2, Some("holds dates")),
            false => (1.0, 0.6, Some("holds dates")),
        },
        "date" if stamped && full && s.share(s.round) > 0.9 => {
            (0.95, 0.5, Some("holds dates with times on which lessons begin"))
        }
        "date" if stamped && full => (0.9, 0.3, Some("holds dates with times of day")),
        "date" | "birth_date" | "first_date" | "last_date" if s.may_be_serial() && s.distinct >= 2 => {
            (if says(Date) || says(Birth) { 0.95 } else { 0.2 }, 0.3, Some("numbers as workbooks count days"))
        }
        "first_date" if date && !stamped && !column.birthlike => {
            (1.0, 0.3 + 0.4 * column.first, Some("holds dates that lie before those of another column"))
        }
        "last_date" if date && !stamped && !column.birthlike => {
            (1.0, 0.3 + 0.4 * column.last, Some("holds dates that lie after those of another column"))
        }
        "birth_date" if date && !stamped => match column.birthlike {
            true => (1.0, 0.75, Some("holds dates of many years, on all days of the week")),
            // A few learners of one term: their dates say little, and the caption says it.
            false if says(Birth) => (0.9, 0.2, None),
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
            let seen = match (column.beside_few && rare, column.beside_late) {
                (true, true) => 0.62,
                (true, false) => 0.55,
                _ => 0.1,
            };
            (
                if rare { 1.0 } else { 0.6 },
                seen,
                Some("small numbers that stand beside one or two marks only"),
            )
        }
        "mark" if short_list && s.longest <= 24 && s.distinct <= 40 && !date && !time && s.fill() > 0.6 => {
            marks(s)
        }
        // Groups in which learners are looked after aren't those in which they are taught.
        "group" if says(Pastoral) => (0.35, 0.0, None),
        "group" if text && s.longest <= 40 && classes && s.fill() > 0.5 => {
            let likely = !s.list.is_empty()
                && s.share(s.with_digit) > 0.5
                && s.longest >= 2
                && s.share(s.upn) < 0.5
                && !(column.tells_apart && s.longest <= 4);
            // Words are names of courses or subjects rather than codes of groups.
            let coded = s.share(s.with_digit) > 0.2;
            let alone = column.of_learner && s.distinct >= 2;
            // The same group in all rows of a learner may be the one in which it is registered.
            let sound = match (alone, says(Group)) {
                _ if !coded || !full => 0.7,
                (true, true) => 0.75,
                (true, false) => 0.9,
                _ => 1.0,
            };
            (
                sound,
                if likely && short_list && column.decides_names < 0.97 { 0.5 } else { 0.1 },
                Some("looks like codes of groups"),
            )
        }
        "group" if full && s.share(s.whole) > 0.99 && classes => (0.8, 0.05, None),
        "period" if !date && !time && s.distinct <= 24 && s.longest <= 24 && short_list => {
            let halves = s.list.iter().all(|(value, _)| matches!(value.to_uppercase().as_str(), "AM" | "PM"));
            let small = s.share(s.whole) > 0.99 && s.largest <= 12;
            let seen = if halves {
                0.75
            } else if column.tells_apart && (s.longest <= 4 || says(Period)) {
                0.56
            } else if column.tells_apart && s.longest <= 12 {
                0.5
            } else if small && s.fill() > 0.9 {
                0.35
            } else {
                0.1
            };
            let why = if halves {
                "holds AM and PM"
            } else if column.tells_apart {
                "keeps apart what a learner has on one date"
            } else {
                "holds a few short values"
            };
            (1.0, seen, Some(why))
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
        "role" if s.distinct >= 2 && roles(s) => (1.0, 0.85, Some("all values say a part in an incident")),
        "scale" | "kind" | "status" | "role" | "action" | "location" | "room"
            if text && s.filled > 0 && s.longest <= 60 =>
        {
            (1.0, 0.05, None)
        }
        "room" if s.filled > 0 && s.share(s.whole) > 0.9 => (0.8, 0.0, None),
        "polarity" if text && s.distinct <= 4 && s.distinct >= 1 && full => {
            let known = s.list.iter().all(|(value, _)| super::values::known("polarity", value).is_some());
            (
                1.0,
                if known && s.distinct >= 2 {
                    0.93
                } else if known {
                    0.85
                } else {
                    0.05
                },
                Some("all values say good or bad"),
            )
        }
        "label" | "category" if text && full && s.longest <= 80 => {
            (1.0, if s.distinct >= 3 && words && short_list { 0.2 } else { 0.05 }, None)
        }
        "subject" | "title" | "course_title" | "result_set" if text && s.filled > 0 && s.longest <= 120 => {
            // A short list of words under a caption that says nothing: it may be asked for.
            let listed = s.distinct >= 3 && words && short_list && column.about.is_empty();
            let asked = listed && matches!(field, "subject" | "title");
            let seen = if asked {
                0.44
            } else if s.share(s.with_space) > 0.6 {
                0.1
            } else {
                0.05
            };
            (1.0, seen, Some("holds a short list of words"))
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
        "upn" if says(Upn) && (0.3..=0.8).contains(&s.share(s.upn)) => {
            (1.0, 0.5, Some("the check letters of many UPNs are right, though not of all"))
        }
        "upn" if s.share(s.upn) > 0.8 => (1.0, 0.97, Some("the check letters of UPNs are right")),
        "uln" if s.share(s.uln) > 0.8 && s.distinct >= 2 => {
            (1.0, 0.95, Some("the check digits of ULNs are right"))
        }
        "uci" if s.share(s.uci) > 0.8 => (1.0, 0.9, Some("the check characters of UCIs are right")),
        // An empty column says nothing against its caption.
        "upn" | "uln" | "uci" if s.is_blank() => (0.8, 0.0, None),
        "registration"
            if full
                && !s.list.is_empty()
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

/// True if all values say what part a learner had.
fn roles(s: &Shape) -> bool {
    !s.list.is_empty() && s.list.iter().all(|(value, _)| super::values::known("role", value).is_some())
}

/// True if the values of a column can be a field, whatever its caption says.
pub fn can_hold(field: &str, column: &Column) -> bool {
    holds(field, column).0 > 0.0
}

/// How much the values look like marks of attendance.
fn marks(s: &Shape) -> (f64, f64, Option<&'static str>) {
    let top = s.list.first().map_or(0.0, |(_, count)| s.share(*count));
    let present = s.list.iter().any(|(value, _)| value == "/" || value == "\\");
    let said = |value: &str| super::codes::meaning(value).is_some_and(|(_, sure)| sure > 0.8);
    let words = s.list.iter().all(|(value, _)| said(value));
    let known: usize = s.list.iter().filter(|(value, _)| said(value)).map(|(_, count)| count).sum();
    let kinds = s.list.iter().filter(|(value, _)| said(value)).count();
    if s.share(s.english) > 0.99 && present {
        (1.0, 0.93, Some("all values are session codes of England"))
    } else if present {
        (1.0, 0.85, Some("most values are marks of a register"))
    } else if words {
        (1.0, 0.9, Some("all values say present, absent or late"))
    } else if kinds >= 2 && s.share(known) > 0.85 {
        (1.0, 0.85, Some("most values say present, absent or late"))
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
