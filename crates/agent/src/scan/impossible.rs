//! Marks that can't be so, though each of their values may be: sent as they are, and told to whoever can look.
//!
//! Whether such a mark is right is the school's to say: a slip of the keyboard, a clock that is wrong, a lesson that was moved.
//! It holds nothing back, so it isn't counted among the rows that are.

use commonroll_connectors::{Draft, Place, Problem};
use commonroll_core::{
    Body, Timestamp,
    record::attendance::{Physical, Presence},
};
use jiff::tz::TimeZone;

/// How long before a lesson its register may be taken: teachers open it early, and clocks differ.
const EARLY_US: i64 = 15 * 60_000_000;
const MINUTE_US: i64 = 60_000_000;

/// What of a mark can't be so, in the file's line.
pub(super) fn warnings(
    draft: &Draft,
    line: u64,
    zone: &TimeZone,
    now: Timestamp,
) -> impl Iterator<Item = Problem> {
    let presence = match &draft.body {
        Body::Attendance(mark) => mark.presence.as_ref(),
        Body::Assessment(_) | Body::Behaviour(_) | Body::Withdrawn(_) => None,
    };
    let ahead = presence.is_some_and(|presence| {
        let in_room = matches!(presence.physical, Physical::Present | Physical::Late);
        in_room
            && match presence.interval {
                Some(lesson) => lesson.start() > now.plus_micros(EARLY_US),
                None => draft.date > now.date_in(zone),
            }
    });
    let ahead = ahead.then_some((
        "ATT-LESSON-AHEAD",
        "says that the learner was in a lesson that has not begun; it is sent as it is. Look at the row’s date and time, and at \
         the clocks of the MIS and of this machine",
    ));
    let longer = presence.is_some_and(is_longer).then_some((
        "ATT-MINUTES-LESSON",
        "says that the learner missed more minutes than the lesson has, though they were in the room; it is sent as it is. Look \
         at the row’s minutes and at when the lesson begins and ends",
    ));
    ahead.into_iter().chain(longer).map(move |(rule, fix)| Problem {
        place: Some(Place { line }),
        field: String::new(),
        rule,
        fix: fix.to_owned(),
        code: None,
    })
}

/// True if late and early minutes together leave nothing of the lesson.
fn is_longer(presence: &Presence) -> bool {
    let missed =
        i64::from(presence.minutes_late.unwrap_or(0)) + i64::from(presence.minutes_left_early.unwrap_or(0));
    presence.interval.is_some_and(|lesson| {
        let length = lesson.end().micros().saturating_sub(lesson.start().micros());
        missed * MINUTE_US > length
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Export, Purpose, Reading, Verdict, intake::take_shaped, sha256, stretching::Shape};
    use crate::{Settings, Spool};
    use commonroll_connectors::Cuts;
    use commonroll_core::Timestamp;
    use std::{fs, io::Cursor};

    const MAPPING: &str = "format = \"delimited\"\nrows = \"attendance\"\n[codes]\nset = \"ENG-2024\"\n[fields]\nlearner = \"Id\"\n\
        group = \"Class\"\ndate = \"Date\"\nstart = \"Start\"\nend = \"End\"\nmark = \"Mark\"\n";
    const SETTINGS: &str = "data = \"data\"\n[[source]]\nname = \"marks\"\nfolder = \"exports\"\npattern = \"*.csv\"\n\
        connector = \"delimited\"\nmapping = \"marks.toml\"\n";

    /// Rows of most of the file are known from the last export; that which is ahead is told each time until it isn't.
    #[tokio::test]
    async fn a_lesson_ahead_is_told_in_a_stretch_that_stands_unchanged_until_it_begins() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("marks.toml"), MAPPING).unwrap();
        let settings = Settings::parse(SETTINGS, &folder.path().join("agent.toml")).unwrap();
        let (spool, source) = (Spool::in_memory().await.unwrap(), &settings.sources[0]);
        let reading = Reading {
            institution: "northgate".parse().unwrap(),
            zone: jiff::tz::TimeZone::get("Europe/London").unwrap(),
            salt: [7; 32],
        };
        let mut text = "Id,Class,Date,Start,End,Mark\n".to_owned();
        for n in 0..100 {
            let hour = if n == 40 { 11 } else { 9 };
            text += &format!("L{n:03},12A,2026-09-14,{hour:02}:00,{hour:02}:50,/\n");
        }
        for (minutes, is_told) in [(0, true), (1, true), (61, false), (62, false)] {
            text += &format!("N{minutes:03},12A,2026-09-14,09:00,09:50,/\n");
            let bytes = text.clone().into_bytes();
            let (hash, size) = (sha256(&bytes), bytes.len() as u64);
            let reader = Box::new(Cursor::new(bytes));
            let export = Export { source, name: "marks.csv", hash, size, modified_us: minutes, reader };
            // From ten o'clock there.
            let now = 1_789_376_400_000_000 + minutes * 60_000_000;
            let now = Timestamp::from_micros("now", now).unwrap();
            let cuts = Cuts { least: 60, usual: 100, most: 500 };
            let shape = Shape { bytes_least: 0, cuts, changed_max: 1_000, seen_max: 12 };
            let verdict = take_shaped(&spool, &reading, export, (Purpose::Take, shape), now).await.unwrap();
            let Verdict::Taken(taken) = verdict else { panic!("{verdict:?}") };
            let lines: Vec<_> = taken.problems.iter().map(|problem| problem.line).collect();
            assert_eq!(lines, if is_told { vec![Some(42)] } else { Vec::new() }, "after {minutes} minutes");
            assert!(minutes == 0 || taken.known > 50, "{} were passed over", taken.known);
        }
    }
}
