//! What is expected of a day: one row is one lesson, one notice about a learner, or one learner's support note.
//!
//! Lessons of one date together are one declaration, given at the end, which replaces what was said of the date before. A
//! lesson whose row can't be read is a problem and missing from its day; its neighbours are not: without them nobody
//! would be missed in the whole house.

use super::{
    attendance::When,
    bound::{Bad, Bound},
    common::{At, learner, words},
    plan::{Captions, optional, required},
};
use crate::{
    connector::{FileFault, Settings},
    item::{Item, Place, Problem, Sink},
    mapping::{Columns, DateFormat},
    parse,
};
use commonroll_core::{
    Interval, LocalId, SchoolDate,
    directory::{
        DayDeclaration, LessonDeclaration, NoticeDeclaration, NoticeKind, SupportDeclaration, Week,
        expected::{EMERGENCY_CHARS, LESSONS_MAX, NEEDS_CHARS, ROOM_CHARS},
    },
};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// Most days that one notice may name.
const NOTICE_DAYS: i32 = 60;
const HOURS_24: i64 = 86_400_000_000;

/// Fields that all three may have.
struct Fields {
    format: DateFormat,
    zone: TimeZone,
}

impl Fields {
    fn new(mapping: &Columns, settings: &Settings) -> Self {
        Self { format: mapping.date_format, zone: settings.zone.clone() }
    }

    fn date(&self, bound: &Bound, at: At<'_, '_>) -> Result<SchoolDate, Bad> {
        bound.date(at.row, at.number, self.format)?.ok_or_else(|| bound.bad("CSV-DATE", "must not be blank"))
    }

    /// A date as a whole.
    fn whole(&self, date: SchoolDate) -> Option<Interval> {
        let start = date.start(&self.zone);
        let next = SchoolDate::from_days(date.days() + 1)?.start(&self.zone);
        Interval::new(start, next.min(start.plus_micros(HOURS_24))).ok()
    }
}

fn truth(bound: Option<&Bound>, at: At<'_, '_>) -> Result<bool, Bad> {
    let Some(bound) = bound else { return Ok(false) };
    let text = bound.text(at.row, at.number)?;
    parse::truth(&text)
        .ok_or_else(|| bound.bad("CSV-VALUE", "must be yes or no, or say under `values` which it is"))
}

fn may_id(bound: Option<&Bound>, at: At<'_, '_>) -> Result<Option<LocalId>, Bad> {
    bound.map_or(Ok(None), |bound| bound.local_id(at.row, at.number))
}

/// Rows of a timetable, as they come together.
pub struct Days {
    fields: Fields,
    date: Bound,
    group: Bound,
    lesson: Option<Bound>,
    room: Option<Bound>,
    cancelled: Option<Bound>,
    closed: Option<Bound>,
    week: Option<Bound>,
    when: When,
    found: BTreeMap<SchoolDate, Day>,
    lessons: usize,
}

#[derive(Default)]
struct Day {
    line: u64,
    closed: bool,
    week: Option<Week>,
    lessons: BTreeMap<LocalId, LessonDeclaration>,
    too_many: bool,
}

impl Days {
    pub fn bind(mapping: &Columns, captions: &Captions, settings: &Settings) -> Result<Self, FileFault> {
        let field = |name| optional(name, mapping, captions);
        Ok(Self {
            fields: Fields::new(mapping, settings),
            date: required("date", mapping, captions)?,
            group: required("group", mapping, captions)?,
            lesson: field("lesson")?,
            room: field("room")?,
            cancelled: field("cancelled")?,
            closed: field("closed")?,
            week: field("week")?,
            when: When::bind(mapping, captions)?,
            found: BTreeMap::new(),
            lessons: 0,
        })
    }

    /// How many lessons were found.
    pub const fn len(&self) -> usize {
        self.lessons
    }

    /// Takes a row in.
    pub fn row(&mut self, at: At<'_, '_>) -> Result<(), Bad> {
        let date = self.fields.date(&self.date, at)?;
        let day = self.found.entry(date).or_default();
        day.line = if day.line == 0 { at.row.line } else { day.line };
        let closed = truth(self.closed.as_ref(), at)?;
        day.closed |= closed;
        if let Some(bound) = &self.week {
            let text = bound.text(at.row, at.number)?;
            if !text.is_empty() {
                let week: Week = text.parse().map_err(|invalid| bound.invalid("CSV-WEEK", &invalid))?;
                if day.week.get_or_insert_with(|| week.clone()) != &week {
                    return Err(
                        bound.bad("CSV-WEEK", "is another week than in an earlier row of the same date")
                    );
                }
            }
        }
        let Some(group) = self.group.local_id(at.row, at.number)? else {
            // A closed day may say nothing else.
            return match closed {
                true => Ok(()),
                false => Err(self.group.bad("CSV-ID-BLANK", "must not be blank, unless the day is closed")),
            };
        };
        let time = self.when.interval(at, date, &self.fields.zone)?.ok_or_else(|| {
            Bad::new("", "CSV-TIME", "a lesson needs a start and an end, or a period that [periods] knows")
        })?;
        let lesson = LessonDeclaration {
            local_id: match may_id(self.lesson.as_ref(), at)? {
                Some(id) => id,
                None => derived(&self.group, &[group.as_str(), &clock(time, &self.fields.zone)])?,
            },
            group,
            time,
            room: words(self.room.as_ref(), at, ROOM_CHARS)?,
            cancelled: truth(self.cancelled.as_ref(), at)?,
        };
        match day.lessons.get(&lesson.local_id) {
            Some(held) if *held == lesson => Ok(()),
            Some(_) => {
                let fix = "another row of the same date has this lesson's id and says something else; the first one counts";
                Err(self.lesson.as_ref().unwrap_or(&self.group).bad("CSV-LESSON-TWICE", fix))
            }
            None if day.lessons.len() >= LESSONS_MAX => {
                day.too_many = true;
                Err(Bad::new("", "CSV-LESSONS", "more than 2,000 lessons on one date; nothing is said of it"))
            }
            None => {
                day.lessons.insert(lesson.local_id.clone(), lesson);
                self.lessons += 1;
                Ok(())
            }
        }
    }

    /// Gives every day.
    pub fn tell(self, out: &mut dyn Sink) {
        for (date, day) in self.found.into_iter().filter(|(_, day)| !day.too_many) {
            let lessons = day.lessons.into_values().collect();
            match DayDeclaration::new(date, day.closed, day.week, lessons) {
                Ok(said) => out.item(Item::Day(said), Place { line: day.line }),
                Err(invalid) => {
                    out.problem(Problem::new(day.line, invalid.field, "CSV-LESSONS", invalid.rule));
                }
            }
        }
    }
}

/// An id made of others, where the file has none of its own.
fn derived(bound: &Bound, parts: &[&str]) -> Result<LocalId, Bad> {
    LocalId::parse("local_id", &parts.join("/")).map_err(|_| {
        bound.bad("CSV-ID", "is too long to make an id of; give the mapping a column with an id")
    })
}

/// Local time at which something begins, as HH:MM.
fn clock(time: Interval, zone: &TimeZone) -> String {
    let instant = jiff::Timestamp::from_microsecond(time.start().micros()).unwrap_or_default();
    let local = zone.to_datetime(instant);
    format!("{:02}:{:02}", local.hour(), local.minute())
}

/// Rows of notices about learners.
pub struct Notices {
    fields: Fields,
    learner: Bound,
    date: Bound,
    last_date: Option<Bound>,
    notice: Option<Bound>,
    kind: Option<Bound>,
    withdrawn: Option<Bound>,
    when: When,
}

impl Notices {
    pub fn bind(mapping: &Columns, captions: &Captions, settings: &Settings) -> Result<Self, FileFault> {
        let field = |name| optional(name, mapping, captions);
        Ok(Self {
            fields: Fields::new(mapping, settings),
            learner: required("learner", mapping, captions)?,
            date: required("date", mapping, captions)?,
            last_date: field("last_date")?,
            notice: field("notice")?,
            kind: field("kind")?,
            withdrawn: field("withdrawn")?,
            when: When::bind(mapping, captions)?,
        })
    }

    /// A notice for each of the dates that a row names; a row without a time is about whole days.
    pub fn row(&mut self, at: At<'_, '_>, give: &mut dyn FnMut(Result<Item, Bad>)) {
        match self.notices(at) {
            Ok(notices) => notices.into_iter().for_each(|said| give(Ok(Item::Notice(said)))),
            Err(bad) => give(Err(bad)),
        }
    }

    fn notices(&mut self, at: At<'_, '_>) -> Result<Vec<NoticeDeclaration>, Bad> {
        let first = self.fields.date(&self.date, at)?;
        let last = match &self.last_date {
            Some(bound) => bound.date(at.row, at.number, self.fields.format)?.unwrap_or(first),
            None => first,
        };
        let of = self.last_date.as_ref().unwrap_or(&self.date);
        if last < first || last.days() - first.days() >= NOTICE_DAYS {
            return Err(
                of.bad("CSV-DATE", "must not lie before the first date, nor 60 days or more behind it")
            );
        }
        let kind = match &self.kind {
            Some(bound) => {
                let text = bound.text(at.row, at.number)?;
                text.parse().map_err(|invalid| bound.invalid("CSV-VALUE", &invalid))?
            }
            None => NoticeKind::ExpectedAbsence,
        };
        let (learner, id) = (learner(&self.learner, at)?, may_id(self.notice.as_ref(), at)?);
        let withdrawn = truth(self.withdrawn.as_ref(), at)?;
        let mut said = Vec::new();
        for date in (first.days()..=last.days()).filter_map(SchoolDate::from_days) {
            let time = self.when.interval(at, date, &self.fields.zone)?.or_else(|| self.fields.whole(date));
            let time = time.ok_or_else(|| of.bad("CSV-DATE", "is no date that has a day"))?;
            let by = self.notice.as_ref().unwrap_or(&self.learner);
            let local_id = match &id {
                Some(id) if first == last => id.clone(),
                Some(id) => derived(by, &[id.as_str(), &date.to_string()])?,
                None => {
                    let at = clock(time, &self.fields.zone);
                    derived(by, &[learner.as_str(), &date.to_string(), &at])?
                }
            };
            said.push(NoticeDeclaration { local_id, learner: learner.clone(), kind, time, withdrawn });
        }
        Ok(said)
    }
}

/// Rows of support notes.
pub struct Support {
    fields: Fields,
    learner: Bound,
    needs: Option<Bound>,
    emergency: Option<Bound>,
    last_date: Bound,
}

impl Support {
    pub fn bind(mapping: &Columns, captions: &Captions, settings: &Settings) -> Result<Self, FileFault> {
        Ok(Self {
            fields: Fields::new(mapping, settings),
            learner: required("learner", mapping, captions)?,
            needs: optional("needs", mapping, captions)?,
            emergency: optional("emergency", mapping, captions)?,
            last_date: required("last_date", mapping, captions)?,
        })
    }

    pub fn row(&self, at: At<'_, '_>) -> Result<Item, Bad> {
        Ok(Item::Support(SupportDeclaration {
            learner: learner(&self.learner, at)?,
            needs: words(self.needs.as_ref(), at, NEEDS_CHARS)?,
            emergency: words(self.emergency.as_ref(), at, EMERGENCY_CHARS)?,
            last_date: self.fields.date(&self.last_date, at)?,
        }))
    }
}
