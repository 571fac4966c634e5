//! Attendance by week and place: a bar for each lesson, and what stands out in it. Present is a full bar, late half a bar,
//! absent a diamond; what nobody can say is an outline, and what nobody had to attend a low dash.

use super::{Pattern, Shape, Told};
use crate::console::times;
use commonroll_core::{SchoolDate, Slug, record::attendance::Physical};
use std::collections::BTreeMap;

/// Where the first week begins, behind the longest name of a row, and how wide a week is.
const LEFT: i32 = 118;
const WEEK: i32 = 94;
/// Height of a source's row.
const ROW: i32 = 50;
/// Widest step from bar to bar.
const STEP: f32 = 13.0;

/// The chart and the table behind it.
pub(super) struct Strip {
    pub title: String,
    pub describes: String,
    pub summary: String,
    pub left: i32,
    pub width: i32,
    pub height: i32,
    pub foot: i32,
    pub weeks: Vec<Week>,
    pub rows: Vec<Row>,
}

/// One week.
pub(super) struct Week {
    pub x: i32,
    pub line: i32,
    pub words: String,
    /// Attended at each source, and together.
    pub cells: Vec<String>,
    pub together: String,
    pub short: bool,
}

/// One source.
pub(super) struct Row {
    pub name: String,
    pub text_y: i32,
    pub axis_y: i32,
    pub bars: Vec<Bar>,
}

/// One lesson.
pub(super) enum Bar {
    Rect { class: &'static str, x: String, y: i32, width: String, height: i32, round: &'static str },
    Diamond { x: String, y: i32 },
}

/// Lessons that count, and those attended.
#[derive(Default, Clone, Copy)]
struct Count {
    of: u32,
    attended: u32,
}

impl Count {
    fn add(&mut self, physical: Physical) {
        match physical {
            Physical::Present | Physical::Late => {
                self.of += 1;
                self.attended += 1;
            }
            Physical::Absent => self.of += 1,
            Physical::NotRequired | Physical::Unknown => {}
        }
    }

    fn with(self, other: Self) -> Self {
        Self { of: self.of + other.of, attended: self.attended + other.attended }
    }

    fn words(self) -> String {
        if self.of == 0 { "–".to_owned() } else { format!("{} of {}", self.attended, self.of) }
    }

    fn share(self) -> String {
        let of = u64::from(self.of.max(1));
        let tenths = (u64::from(self.attended) * 1000 + of / 2) / of;
        format!("{} of {} lessons, {}.{}%", self.attended, self.of, tenths / 10, tenths % 10)
    }
}

/// The chart of the weeks from the first, `None` if no mark says anything.
pub(super) fn strip(told: &[Told], sources: &[(&Slug, &str)], monday: i32, weeks: i32) -> Option<Strip> {
    let mut marks: BTreeMap<(usize, i32), Vec<(i64, Physical)>> = BTreeMap::new();
    for one in told {
        let (Some(presence), Some(place)) =
            (one.presence(), sources.iter().position(|(slug, _)| **slug == one.source))
        else {
            continue;
        };
        let week = weeks - 1 - (monday + 6 - one.date.days()).div_euclid(7);
        if (0..weeks).contains(&week) {
            let start =
                presence.interval.map_or(i64::from(one.date.days()) * 86_400_000_000, |i| i.start().micros());
            marks.entry((place, week)).or_default().push((start, presence.physical));
        }
    }
    if marks.is_empty() {
        return None;
    }
    marks.values_mut().for_each(|lessons| lessons.sort_by_key(|(start, _)| *start));
    let shown: Vec<usize> =
        (0..sources.len()).filter(|place| marks.keys().any(|(of, _)| of == place)).collect();
    let count = |place: usize, week: i32| {
        let mut count = Count::default();
        marks.get(&(place, week)).into_iter().flatten().for_each(|(_, physical)| count.add(*physical));
        count
    };
    let height = ROW * i32::try_from(shown.len()).unwrap_or(1) + 18;
    let week = |week: i32| {
        let cells: Vec<Count> = shown.iter().map(|place| count(*place, week)).collect();
        let together = cells.iter().copied().fold(Count::default(), Count::with);
        let date = SchoolDate::from_days(monday - 7 * (weeks - 1 - week));
        Week {
            x: LEFT + 8 + WEEK * week,
            line: LEFT + WEEK * week,
            words: date.map(times::short_day).unwrap_or_default(),
            cells: cells.into_iter().map(Count::words).collect(),
            together: together.words(),
            short: together.attended < together.of,
        }
    };
    let row = |(line, place): (usize, &usize)| {
        let top = 34 + ROW * i32::try_from(line).unwrap_or(0);
        let bars = (0..weeks).flat_map(|week| {
            let lessons = marks.get(&(*place, week)).map_or(&[][..], Vec::as_slice);
            bars(lessons, LEFT + 7 + WEEK * week, top, Shape::of(*place))
        });
        Row { name: sources[*place].1.to_owned(), text_y: top + 18, axis_y: top + 28, bars: bars.collect() }
    };
    let all = |from: i32| {
        let cells = shown.iter().flat_map(|place| (from..weeks).map(move |week| (*place, week)));
        cells.fold(Count::default(), |sum, (place, week)| sum.with(count(place, week)))
    };
    let first = SchoolDate::from_days(monday - 7 * (weeks - 1)).map(times::day).unwrap_or_default();
    let names: Vec<&str> = shown.iter().map(|place| sources[*place].1).collect();
    let missed = shown.iter().map(|place| {
        let all = (0..weeks).fold(Count::default(), |sum, week| sum.with(count(*place, week)));
        match all.of - all.attended {
            0 => format!("{}: no absence", sources[*place].1),
            1 => format!("{}: 1 absence", sources[*place].1),
            more => format!("{}: {more} absences", sources[*place].1),
        }
    });
    Some(Strip {
        title: format!("Lessons attended per week at {}", names.join(", ")),
        describes: format!("{}.", missed.collect::<Vec<_>>().join(". ")),
        summary: format!("Since {first}: {}. Last 4 weeks: {}.", all(0).share(), all(weeks - 4).share()),
        left: LEFT,
        width: LEFT + WEEK * weeks + 23,
        height: height + 28,
        foot: height + 20,
        weeks: (0..weeks).map(week).collect(),
        rows: shown.iter().enumerate().map(row).collect(),
    })
}

/// A week's lessons at one source. Many are drawn closer together.
fn bars(lessons: &[(i64, Physical)], left: i32, top: i32, shape: Shape) -> Vec<Bar> {
    let room = (WEEK - 10) as f32;
    let step = (room / lessons.len().max(1) as f32).min(STEP);
    let width = (step - 4.0).max(step * 0.6);
    let bar = |(at, (_, physical)): (usize, &(i64, Physical))| {
        let x = left as f32 + step * at as f32;
        let rect = |class, y, height, round| Bar::Rect {
            class,
            x: format!("{x:.1}"),
            y,
            width: format!("{width:.1}"),
            height,
            round,
        };
        match physical {
            Physical::Present => rect(shape.bar(), top, 28, "1.5"),
            Physical::Late => rect("m-late", top + 13, 15, "1.5"),
            Physical::Absent => Bar::Diamond { x: format!("{:.1}", x + width / 2.0), y: top + 12 },
            Physical::Unknown => rect("m-blank", top, 27, "1.5"),
            Physical::NotRequired => rect("m-off", top + 24, 4, "2"),
        }
    };
    lessons.iter().enumerate().map(bar).collect()
}

/// Whose lessons, on which weekday, in which half of the day.
type Slot<'s> = (&'s Slug, i8, bool);

/// Marks that a pattern is looked for in, and absences among them that make it one.
const LOOKED_AT: usize = 5;
const ABSENT: usize = 3;

/// A weekday and half of the day on which the learner was absent from most of the last lessons at one place.
pub(super) fn pattern(told: &[Told], sources: &[(&Slug, &str)]) -> Option<Pattern> {
    let mut of: BTreeMap<Slot<'_>, Vec<(i32, bool)>> = BTreeMap::new();
    for one in told {
        let Some(presence) = one.presence() else { continue };
        let absent = match presence.physical {
            Physical::Present | Physical::Late => false,
            Physical::Absent => true,
            Physical::NotRequired | Physical::Unknown => continue,
        };
        let Some(time) = presence.interval else { continue };
        let noon = one.date.start(&jiff::tz::TimeZone::UTC).plus_micros(12 * 3_600_000_000);
        let day = one.date.civil().weekday().to_monday_zero_offset();
        of.entry((&one.source, day, time.start() >= noon)).or_default().push((one.date.days(), absent));
    }
    let worst = of.into_iter().filter_map(|((source, _, afternoon), mut marks)| {
        marks.sort_unstable();
        let last = marks.split_off(marks.len().saturating_sub(LOOKED_AT));
        let absent = last.iter().filter(|(_, absent)| *absent).count();
        let newest = last.last()?.0;
        (last.len() >= 4 && absent >= ABSENT).then_some((
            absent,
            newest,
            source,
            afternoon,
            last.len(),
            marks,
        ))
    });
    let (absent, newest, source, afternoon, of, before) = worst.max_by_key(|found| (found.0, found.1))?;
    let date = SchoolDate::from_days(newest)?;
    let name = sources.iter().find(|(slug, _)| *slug == source).map_or(source.as_str(), |(_, name)| *name);
    let half = if afternoon { "afternoons" } else { "mornings" };
    let earlier = before.iter().filter(|(_, absent)| *absent).count();
    let says = match (before.len(), earlier) {
        (0, _) => "There are no earlier lessons to compare with in these weeks.".to_owned(),
        (1, 0) => "The one before wasn’t missed.".to_owned(),
        (1, _) => "The one before was missed, too.".to_owned(),
        (lessons, 0) => format!("None was missed in the {lessons} before."),
        (lessons, missed) => format!("{missed} of the {lessons} before were missed, too."),
    };
    Some(Pattern {
        title: format!("{} {half} at {name}: absent {absent} of the last {of}", date.civil().strftime("%A")),
        says,
    })
}
