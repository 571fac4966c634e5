//! Case 36 on the way from database to database: clock changes, the new school year, codes that are used again. And what looking
//! costs the MIS.

use super::{Database, GIBBON, OPENSIS, ROSARIOSIS, asking, home::home, screens};
use crate::fake_hub::FakeHub;
use commonroll_agent::fetch::Outcome;
use commonroll_connectors::{mapping::Dialect, templates};
use std::time::Instant;

/// The shipped template, for days that are not these.
fn any_day(name: &str) -> String {
    let text = templates::by_name(name).unwrap().text;
    let wide = text
        .replace("current_date - interval '14' day", "date '2020-01-01'")
        .replace("a.school_date <= current_date", "a.school_date <= date '2030-01-01'")
        .replace(
            "between current_date - interval 14 day and current_date",
            "between '2020-01-01' and '2030-01-01'",
        );
    assert_ne!(wide, text);
    wide
}

#[tokio::test]
async fn case_36_marks_across_clock_changes_keep_their_day_and_their_lesson() {
    let (theirs, ours) =
        (Database::of(GIBBON, Dialect::MySql).await, Database::of(OPENSIS, Dialect::MySql).await);
    theirs.run(screens::GIBBON_SCHOOL).await;
    ours.run(&screens::school("opensis")).await;
    let days = ["2026-10-24", "2026-10-25", "2026-10-26", "2027-03-27", "2027-03-28", "2027-03-29"];
    for day in days {
        theirs.run(&screens::gibbon_class(11, &format!("'{day}'"), "P")).await;
    }
    let text = any_day("gibbon-attendance");
    let mut host = asking::with("northgate", &theirs, &[("gibbon-attendance.toml", &text)], "").await;
    let hub = FakeHub::new().knows("northgate", &host.key);
    hub.with(|state| state.home_prefix = "");
    let mut home = home(&ours, "opensis", "").await;
    host.send(&hub).await;
    let applied = home.receive_and_apply(&hub).await;
    // The home finds its period by the local time: an hour off, and there would be none.
    assert_eq!((applied.applied, applied.refused), (6, 0), "{:?}", home.refused().await);
    let rows = ours.rows("select school_date, period_id from attendance_period order by 1").await;
    assert_eq!(rows, days.map(|day| format!("{day} 80")), "none doubled, none dropped, none on another day");
    host.send(&hub).await;
    assert_eq!(hub.holds().len(), 6, "the same log once more says nothing new");
}

#[tokio::test]
async fn case_36_last_year_s_class_of_the_same_name_does_not_catch_this_year_s_marks() {
    let (theirs, ours) =
        (Database::of(ROSARIOSIS, Dialect::Postgres).await, Database::of(GIBBON, Dialect::MySql).await);
    theirs.run(&screens::school("rosariosis")).await;
    ours.run(screens::GIBBON_SCHOOL).await;
    ours.run("update gibbonSchoolYear set firstDay = '2025-09-01', lastDay = '2026-08-31' where gibbonSchoolYearID = 24; \
              update gibbonSchoolYear set firstDay = '2026-09-01', lastDay = '2027-08-31' where gibbonSchoolYearID = 25; \
              insert into gibbonTTDayRowClass (gibbonTTDayRowClassID, gibbonTTColumnRowID, gibbonTTDayID, gibbonCourseClassID) values (65, 63, 61, 51)")
        .await;
    for day in ["'2026-08-31'", "'2026-09-01'"] {
        theirs.run(&screens::teacher(12, &format!("date {day}"), 80, "P")).await;
    }
    let text = any_day("rosariosis-attendance");
    let mut host = asking::with("northgate", &theirs, &[("rosariosis-attendance.toml", &text)], "").await;
    let hub = FakeHub::new().knows("northgate", &host.key);
    hub.with(|state| state.home_prefix = "");
    let mut home = home(&ours, "gibbon", "taker = \"commonroll\"\ngroups = { \"70\" = \"12PHY.1\" }\n").await;
    host.send(&hub).await;
    assert_eq!(home.receive_and_apply(&hub).await.applied, 2, "{:?}", home.refused().await);
    let rows = ours
        .rows("select date, cast(gibbonCourseClassID as unsigned), cast(gibbonTTDayRowClassID as unsigned) from gibbonAttendanceLogPerson order by 1")
        .await;
    assert_eq!(rows, ["2026-08-31 51 65", "2026-09-01 50 64"]);
}

#[tokio::test]
async fn looking_costs_the_mis_less_than_a_hundredth_of_a_core() {
    let mis = Database::of(OPENSIS, Dialect::MySql).await;
    mis.run(&screens::school("opensis")).await;
    // 2,000 learners with 6 periods on each of 10 days.
    mis.run("insert into student_enrollment (id, syear, school_id, student_id, start_date) select seq + 1000, 2026, 1, seq + 1000, '2000-09-01' from seq_1_to_2000; \
             insert into school_periods (period_id, syear, school_id, title, start_time, end_time) select seq + 100, 2026, 1, 'P', '09:00', '10:00' from seq_1_to_6; \
             insert into attendance_period (student_id, school_date, period_id, attendance_code, course_period_id) \
             select l.seq + 1000, current_date - interval d.seq - 1 day, p.seq + 100, 1, 70 from seq_1_to_2000 l, seq_1_to_10 d, seq_1_to_6 p")
        .await;
    let mut school = asking::school("ridgeway", &mis, &["opensis-attendance"]).await;
    for source in &mut school.settings.sources {
        let Some(asked) = &mut source.asked else { continue };
        let mut connection = (*asked.connection).clone();
        connection.options.insert("seconds".to_owned(), "60".to_owned());
        asked.connection = connection.into();
    }
    let begun = Instant::now();
    school.ask_well().await;
    let asked = begun.elapsed();
    assert_eq!(school.rows("opensis-attendance").len(), 120_000);
    asking::until("nothing new", async || {
        school.ask_well().await["opensis-attendance"] == Outcome::Unchanged
    })
    .await;
    let begun = Instant::now();
    for _ in 0..10 {
        assert_eq!(school.ask_well().await["opensis-attendance"], Outcome::Unchanged);
    }
    let each = begun.elapsed() / 10;
    println!("all 120,000 rows {asked:?}, each look {each:?}");
    // Every 30 seconds, by default; all of it, the agent's own share too.
    assert!(each.as_secs_f64() < 0.01 * 30.0, "a look took {each:?}");
}
