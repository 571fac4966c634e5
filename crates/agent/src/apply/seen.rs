//! What stands in the MIS behind Wonde, as far as it was read: codes, marks and lessons. Each is believed for a few minutes, and only
//! about the days that were asked for.

use super::Failure;
use crate::{
    chance::{Clock, Randomness},
    fetch::http::Line,
    settings::Connection,
};
use commonroll_connectors::{
    api::{Api, ApiFault, Ask, Rows},
    wonde::{
        self,
        write::{self, Place, Standing},
    },
};
use commonroll_core::Timestamp;
use jiff::{
    ToSpan,
    civil::{Date, Time},
    tz::TimeZone,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// How long what was read is believed.
const FRESH_US: i64 = 10 * 60_000_000;
/// Marks that changed in the last days are read for knowing which stand.
const READ_DAYS: i64 = 60;
/// The days back for which that is enough: a mark may have been made a month before its day, and not changed since.
pub(super) const DAYS: i64 = 30;
/// Rows of one list that are remembered.
const ROWS_MAX: usize = 2_000_000;

/// Lessons of a day, by class and beginning.
type Day = HashMap<(String, Time), String>;

/// What is known of the MIS, and the line to it.
pub(super) struct Seen {
    line: Line,
    connection: Arc<Connection>,
    zone: TimeZone,
    clock: Arc<dyn Clock>,
    /// Codes of the MIS and their ids.
    codes: Known<HashMap<String, String>>,
    sessions: Known<HashMap<Place, Standing>>,
    lessons: Known<HashMap<Place, Standing>>,
    timetable: BTreeMap<Date, Known<Day>>,
}

/// Something that was read, and when.
#[derive(Default)]
struct Known<T> {
    what: T,
    read_us: Option<i64>,
}

impl<T> Known<T> {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.read_us.is_some_and(|read| (0..FRESH_US).contains(&(now.micros() - read)))
    }
}

/// Gives each row to a function.
struct Each<F>(F);

impl<F: FnMut(&str) -> bool> Rows for Each<F> {
    fn row(&mut self, _: &str, json: &str) -> Result<(), ApiFault> {
        if (self.0)(json) {
            return Ok(());
        }
        Err(ApiFault::new("WONDE-ROWS", "Wonde has more marks than any school in that time"))
    }

    fn gone(&mut self, _: &str) {}
}

impl Seen {
    /// Nothing is read yet. `zone` is the school's.
    ///
    /// # Errors
    /// Why the connection can't be used.
    pub fn new(
        connection: &Arc<Connection>,
        api: &'static dyn Api,
        zone: TimeZone,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Randomness>,
    ) -> Result<Self, String> {
        let line =
            Line::new(connection.clone(), api, clock.clone(), rng).map_err(|fault| fault.to_string())?;
        Ok(Self {
            line,
            connection: connection.clone(),
            zone,
            clock,
            codes: Known::default(),
            sessions: Known::default(),
            lessons: Known::default(),
            timetable: BTreeMap::new(),
        })
    }

    /// The line to Wonde.
    pub const fn line(&self) -> &Line {
        &self.line
    }

    /// Forgets what is not believed any more: the marks of a whole school are large.
    pub fn forget_old(&mut self) {
        let now = self.clock.now();
        self.timetable.retain(|_, day| day.is_fresh(now));
        for marks in [&mut self.sessions, &mut self.lessons] {
            if !marks.is_fresh(now) {
                *marks = Known::default();
            }
        }
    }

    /// True if no mark of this day can have been missed.
    pub fn reaches(&self, date: Date) -> bool {
        let now = jiff::Timestamp::from_microsecond(self.clock.now().micros()).unwrap_or_default();
        let today = self.zone.to_datetime(now).date();
        today.checked_sub(DAYS.days()).is_ok_and(|first| date >= first)
    }

    /// The id of the MIS's code of this name.
    pub async fn code(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let now = self.clock.now();
        if !self.codes.is_fresh(now) {
            let mut codes = HashMap::new();
            let take = |json: &str| {
                codes.extend(write::code(json));
                codes.len() < 10_000
            };
            self.list("attendance-codes", BTreeMap::new(), take).await?;
            self.codes = Known { what: codes, read_us: Some(now.micros()) };
        }
        Ok(self.codes.what.get(name).cloned())
    }

    /// The id of the lesson of a class that begins on this day at this time, to the minute.
    pub async fn lesson(&mut self, class: &str, date: Date, start: Time) -> Result<Option<String>, Failure> {
        let now = self.clock.now();
        self.timetable.retain(|_, day| day.is_fresh(now));
        if !self.timetable.contains_key(&date) {
            let (after, before) = self.bounds(date);
            let query = [
                ("include", "class".to_owned()),
                ("lessons_start_after", after),
                ("lessons_start_before", before),
            ];
            let query = query.map(|(name, value)| (name.to_owned(), value));
            let (mut lessons, mut read) = (Day::new(), 0);
            let take = |json: &str| {
                read += 1;
                let lesson = write::lesson_of(json, &self.zone).filter(|lesson| lesson.start.date() == date);
                lessons.extend(lesson.map(|lesson| ((lesson.class, minute(lesson.start.time())), lesson.id)));
                read < ROWS_MAX
            };
            self.list("lessons", query.into(), take).await?;
            self.timetable.insert(date, Known { what: lessons, read_us: Some(now.micros()) });
        }
        let day = self.timetable.get(&date);
        Ok(day.and_then(|day| day.what.get(&(class.to_owned(), minute(start))).cloned()))
    }

    /// From when until when to ask for a day's lessons. Wonde doesn't say in which zone it compares: both the school's day and that
    /// of UTC lie in between.
    fn bounds(&self, date: Date) -> (String, String) {
        let midnight = |date: Date| {
            let written = date.at(0, 0, 0, 0);
            let zoned = self.zone.to_ambiguous_zoned(written).compatible();
            (written, zoned.map_or(written, |zoned| zoned.with_time_zone(TimeZone::UTC).datetime()))
        };
        let (first, first_utc) = midnight(date);
        let (last, last_utc) = midnight(date.tomorrow().unwrap_or(date));
        let shown = |at: jiff::civil::DateTime| at.strftime("%Y-%m-%d %H:%M:%S").to_string();
        (shown(first.min(first_utc)), shown(last.max(last_utc)))
    }

    /// What stands in the MIS at a place, and when that was read.
    pub async fn standing(&mut self, place: &Place) -> Result<(Option<Standing>, i64), Failure> {
        let now = self.clock.now();
        let is_session = matches!(place, Place::Session(..));
        if !if is_session { &self.sessions } else { &self.lessons }.is_fresh(now) {
            let since = now.plus_micros(-READ_DAYS * 86_400_000_000);
            let since = jiff::Timestamp::from_microsecond(since.micros()).unwrap_or_default();
            let since = since.strftime("%Y-%m-%d %H:%M:%S").to_string();
            let mut marks = HashMap::new();
            let take = |json: &str| {
                marks.extend(write::standing(json, &self.zone));
                marks.len() < ROWS_MAX
            };
            let records = if is_session { "attendance/session" } else { "attendance/lesson" };
            self.list(records, BTreeMap::from([("updated_after".to_owned(), since)]), take).await?;
            let read = Known { what: marks, read_us: Some(now.micros()) };
            *(if is_session { &mut self.sessions } else { &mut self.lessons }) = read;
        }
        let known = if is_session { &self.sessions } else { &self.lessons };
        Ok((known.what.get(place).cloned(), known.read_us.unwrap_or_default()))
    }

    /// Reads a list to its end, our own marks with the others.
    async fn list(
        &self,
        records: &str,
        query: BTreeMap<String, String>,
        give: impl FnMut(&str) -> bool + Send,
    ) -> Result<(), Failure> {
        let options = &self.connection.options;
        let now = self.clock.now();
        let ask = Ask { records, options, query: &query, host: self.line.host(), since: None, now };
        let talk = wonde::with_ours(&ask).map_err(|fault| Failure::Later(fault.to_string()))?;
        let read = self.line.talk(talk, &mut Each(give)).await;
        read.map(drop).map_err(|stopped| Failure::Later(stopped.fault.to_string()))
    }
}

fn minute(time: Time) -> Time {
    Time::new(time.hour(), time.minute(), 0, 0).unwrap_or(time)
}
