//! What is read, what is handed on, and that nothing is lost: late rows, clocks that are set, values from the future.

use super::*;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
/// 2026-09-14 08:00 in UTC.
const BEGIN: i64 = 1_789_372_800_000_000;

/// Looks at rows of a value alone, and gives those that are handed on, and how many were read.
fn looked<'t>(since: &mut Since, now_us: i64, table: &[&'t str]) -> (Vec<&'t str>, usize) {
    let present = Present::of(Timestamp::from_micros("now", BEGIN + now_us).unwrap(), None, &TimeZone::UTC);
    since.forget_ahead(&present);
    let from = since.begins(now_us).map(Key::of);
    let mut look = since.look(now_us, &present);
    // A mapping may say `>=`, too.
    let is_asked = |value: &&&str| from.as_ref().is_none_or(|from| Key::of(value) >= *from);
    let rows: Vec<&str> = table.iter().filter(is_asked).copied().collect();
    let handed = rows.iter().filter(|value| look.row(value, Some(value))).copied().collect();
    *since = look.end();
    (handed, rows.len())
}

fn look<'t>(since: &mut Since, now_us: i64, table: &[&'t str]) -> Vec<&'t str> {
    looked(since, now_us, table).0
}

#[test]
fn keys_are_compared_as_numbers_and_times_as_text() {
    assert!(Key::of("10") > Key::of("9") && Key::of("") < Key::of("-9"));
    assert!(Key::of("2026-09-14 09:05:00") > Key::of("2026-09-14 08:59:59"));
}

#[test]
fn a_row_that_is_committed_late_or_in_the_same_second_is_not_lost_and_none_comes_twice() {
    let mut since = Since::default();
    assert_eq!(look(&mut since, 0, &["1", "3"]), ["1", "3"]);
    assert_eq!(look(&mut since, 9 * MINUTE, &["1", "2", "3"]), ["2"], "its transaction began before 3's");
    assert!(look(&mut since, 12 * MINUTE, &["1", "2", "3"]).is_empty());
    assert!(look(&mut since, 13 * MINUTE, &["1", "2", "3"]).is_empty());
    assert_eq!(since.begins(14 * MINUTE), Some("3"), "what is older isn't asked for any more");
    assert_eq!(look(&mut since, 14 * MINUTE, &["3", "6", "7"]), ["6", "7"]);
    assert_eq!(look(&mut since, 23 * MINUTE, &["3", "4", "6", "7"]), ["4"]);
    assert_eq!(look(&mut since, 24 * 60 * MINUTE, &["3", "4", "5", "6", "7"]), ["5"], "the agent slept");
}

#[test]
fn a_clock_that_is_set_back_makes_more_be_read_not_less() {
    let mut since = Since::default();
    look(&mut since, 60 * MINUTE, &["1", "2"]);
    look(&mut since, 80 * MINUTE, &["2"]);
    look(&mut since, 81 * MINUTE, &["2"]);
    assert_eq!(since.begins(82 * MINUTE), Some("2"));
    look(&mut since, 20 * MINUTE, &["1", "2", "3"]);
    assert_eq!(since.begins(21 * MINUTE), None);
}

#[test]
fn a_long_table_is_read_twice_and_then_its_last_rows_alone_and_none_is_handed_on_twice() {
    let numbers: Vec<String> = (0..40_000).map(|n| n.to_string()).collect();
    // Two rows that lie open in a transaction: one close to the end, one far from it.
    let table = |to: usize, with: &[usize]| -> Vec<&str> {
        let is_there = |n: &usize| ![20_005, 29_995].contains(n) || with.contains(n);
        (0..to).filter(is_there).map(|n| &*numbers[n]).collect()
    };
    let mut since = Since::default();
    let (handed, read) = looked(&mut since, 0, &table(30_000, &[]));
    assert_eq!((handed.len(), read), (29_998, 29_998));
    for n in 1..22 {
        let with: &[usize] = if n < 5 { &[] } else { &[20_005, 29_995] };
        let (handed, read) = looked(&mut since, n * 30 * SECOND, &table(30_000 + n as usize, with));
        assert_eq!(handed.len(), if n == 5 { 2 } else { 1 }, "look {n}");
        assert!(read <= TAIL + 3, "look {n} read {read} rows");
    }
    let (handed, read) = looked(&mut since, 11 * MINUTE, &table(30_022, &[20_005, 29_995]));
    assert_eq!(
        (handed, read),
        (vec!["20005", "30021"], 30_022),
        "one look is thorough, and finds what was left"
    );
    for n in 23..80 {
        let (handed, read) =
            looked(&mut since, n * 30 * SECOND, &table(30_000 + n as usize, &[20_005, 29_995]));
        assert_eq!(handed.len(), 1, "look {n}");
        assert!(read <= 50, "look {n} read {read} rows");
    }
}

#[test]
fn many_rows_at_once_are_read_again_twice_an_hour_not_at_each_look() {
    let numbers: Vec<String> = (0..60_000).map(|n| n.to_string()).collect();
    let mut since = Since::default();
    for n in 0..60 {
        looked(&mut since, n * 30 * SECOND, &[&*numbers[1]]);
    }
    // A timetable is generated, and marks go on.
    let mut all = 0;
    for n in 60..120 {
        let rows: Vec<&str> = numbers[1..40_000 + n as usize].iter().map(String::as_str).collect();
        let (handed, read) = looked(&mut since, n * 30 * SECOND, &rows);
        assert_eq!(handed.len(), if n == 60 { 40_058 } else { 1 }, "look {n}");
        all += read;
    }
    assert!(all < 5 * 40_000 + 22 * TAIL, "{all} rows in half an hour");
}

#[test]
fn what_is_changed_and_changed_back_is_handed_on_each_time() {
    let (mut since, present) = (Since::default(), Present::default());
    for (n, line) in ["7,/", "7,L", "7,/", "7,/"].into_iter().enumerate() {
        let mut look = since.look(n as i64 * MINUTE, &present);
        assert_eq!(look.row(line, Some("7")), n < 3, "{line}");
        since = look.end();
    }
}

#[test]
fn the_hour_that_comes_twice_loses_nothing_however_often_is_looked() {
    // Half past midnight on 25 October 2026 in London, and the local times of rows, one a minute for three hours and a half.
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let begin = jiff::civil::date(2026, 10, 25).at(0, 30, 0, 0).to_zoned(zone.clone()).unwrap().timestamp();
    let local = |minute: i64| {
        let at = begin + jiff::SignedDuration::from_mins(minute);
        format!("{}", at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S"))
    };
    let rows: Vec<String> = (0..210).map(|n| format!("{},{n}", local(n))).collect();
    assert!(rows[30].starts_with("2026-10-25 01:00") && rows[90].starts_with("2026-10-25 01:00"));
    for every in [1, 7, 30, 100] {
        let (mut since, mut seen, present) = (Since::default(), Vec::new(), Present::default());
        for minute in (0..210).step_by(every) {
            let now_us = begin.as_microsecond() + i64::try_from(minute).unwrap() * MINUTE;
            let from = since.begins(now_us).map(str::to_owned);
            let mut look = since.look(now_us, &present);
            // A row of each minute is committed nine minutes later.
            let there =
                rows.iter().enumerate().filter(|(n, _)| *n <= minute && (n % 2 == 0 || n + 9 <= minute));
            for (n, row) in there {
                let value = &row[..19];
                if from.as_deref().is_none_or(|from| value >= from) && look.row(row, Some(value)) {
                    seen.push(n);
                }
            }
            since = look.end();
        }
        seen.sort_unstable();
        let last = (209 / every) * every;
        let wanted: Vec<usize> = (0..=last).filter(|n| n % 2 == 0 || n + 9 <= last).collect();
        assert_eq!(seen, wanted, "looked every {every} minutes");
        assert!(since.begins(begin.as_microsecond() + 210 * MINUTE).is_some());
    }
}

#[test]
fn the_hour_that_does_not_come_in_spring_loses_nothing() {
    let mut since = Since::default();
    let times = ["2027-03-28 00:58:00", "2027-03-28 00:59:30", "2027-03-28 02:00:10", "2027-03-28 02:01:00"];
    for (n, _) in times.iter().enumerate() {
        assert_eq!(look(&mut since, n as i64 * MINUTE, &times[..=n]), [times[n]]);
    }
}

#[test]
fn what_is_kept_survives_a_restart_and_looking_alone_changes_nothing() {
    let mut since = Since::default();
    look(&mut since, 0, &["1", "2"]);
    let kept: Since = serde_json::from_slice(&serde_json::to_vec(&since).unwrap()).unwrap();
    assert_eq!(kept, since);
    look(&mut since, MINUTE, &["1", "2"]);
    assert!(!since.differs(&kept));
    look(&mut since, 12 * MINUTE, &["1", "2"]);
    assert!(since.differs(&kept), "the next look begins elsewhere");
    let kept = since.clone();
    look(&mut since, 13 * MINUTE, &["2"]);
    look(&mut since, 14 * MINUTE, &["2"]);
    let settled = since.clone();
    look(&mut since, 60 * MINUTE, &["2"]);
    assert!(!since.differs(&settled) && settled.differs(&kept));
}

#[test]
fn a_value_from_the_future_hides_no_row_that_comes_after_it() {
    let mut since = Since::default();
    let mut table = vec!["2026-09-14 08:00:00"];
    assert_eq!(look(&mut since, 0, &table), table);
    // Somebody types a date of 2099 into a column that the screens let be edited, and the clock of the MIS runs a day ahead for a minute.
    table.extend(["2099-01-01 00:00:00", "2026-09-15T08:01:00"]);
    assert_eq!(
        look(&mut since, MINUTE, &table),
        ["2099-01-01 00:00:00", "2026-09-15T08:01:00"],
        "they are rows too"
    );
    let times: Vec<String> =
        (1..40).map(|n| format!("2026-09-14 {:02}:{:02}:30", 8 + n * 20 / 60, n * 20 % 60)).collect();
    for (n, time) in times.iter().enumerate() {
        table.push(time);
        let now_us = (i64::try_from(n).unwrap() + 1) * 20 * MINUTE + MINUTE;
        assert_eq!(look(&mut since, now_us, &table), [time], "what is written now, and nothing twice");
    }
    let before = since.begins(14 * 60 * MINUTE).unwrap();
    assert!(("2026-09-14 17".."2026-09-14 22").contains(&before), "the query does go on, from {before}");
    assert_eq!(since.ahead(), 2, "and it is told");
    assert!(look(&mut since, 25 * 60 * MINUTE, &table).is_empty());
    assert_eq!(since.ahead(), 1, "what was tomorrow is the past by now");
}

#[test]
fn without_clocks_a_value_from_the_future_is_where_looks_begin() {
    let (mut since, nobody) = (Since::default(), Present::default());
    for (minute, line) in
        [(0, "2026-09-14 08:00:00"), (1, "2099-01-01 00:00:00"), (160, "2099-01-01 00:00:00")]
    {
        let mut look = since.look(minute * MINUTE, &nobody);
        look.row(line, Some(line));
        since = look.end();
    }
    assert_eq!(
        since.begins(161 * MINUTE),
        Some("2099-01-01 00:00:00"),
        "that is what hid rows, and why they are asked"
    );
}

#[test]
fn what_was_kept_by_a_program_that_believed_the_future_is_forgotten() {
    let kept = r#"{"highest":[[0,"2026-09-14 08:00:00"],[60000000,"2099-01-01 00:00:00"]],"thorough_us":0,"tail":"2098-12-31","below":"","above":""}"#;
    let mut since: Since = serde_json::from_str(kept).unwrap();
    let table = ["2026-09-14 07:00:00", "2026-09-14 08:30:00", "2099-01-01 00:00:00"];
    assert_eq!(looked(&mut since, 600 * MINUTE, &table).0, table, "all of it is looked at once more");
}

#[test]
fn the_present_is_that_of_the_clock_that_is_behind_and_of_the_zone_that_is_ahead() {
    let at = |us| Timestamp::from_micros("now", us).unwrap();
    let london = TimeZone::get("Europe/London").unwrap();
    let present = Present::of(at(BEGIN + 60 * MINUTE), "2026-09-14 08:00:00".parse().ok(), &london);
    for (value, is_ahead) in [
        ("2026-09-14", false),
        ("2026-09-14 09:03:00.25", false),
        ("2026-09-14T09:03:00Z", false),
        ("2026-09-14 09:30:00+01", true),
        ("2026-09-15", true),
        ("9999", false),
        ("2027-1-1", false),
        ("north", false),
        ("", false),
    ] {
        assert_eq!(present.is_before(value), is_ahead, "{value}");
    }
}
