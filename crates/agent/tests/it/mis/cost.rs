//! What asking costs the MIS: the rows that its server reads for a poll, while something changes before each.
//!
//! With COMMONROLL_LONG the tables have 200,000 rows, and the server's time is printed.

use super::{
    Stopped, asking,
    database::{Database, GIBBON, ROSARIOSIS},
    screens,
};
use crate::rig::{Dice, School};
use commonroll_agent::{
    Clock, Randomness,
    fetch::{self, Fetchers, Outcome, Round},
};
use commonroll_connectors::mapping::Dialect;
use std::{env, fs, sync::Arc};

fn long() -> bool {
    env::var_os("COMMONROLL_LONG").is_some()
}

/// What a server had to do so far.
#[derive(Debug, Clone, Copy, Default)]
struct Work {
    rows: i64,
    seconds: f64,
}

impl Database {
    /// What it did for the account that reads.
    async fn work(&self, table: &str) -> Work {
        match self.dialect {
            Dialect::MySql => {
                let user = self.account("read");
                let query = format!(
                    "select coalesce(sum(rows_read), 0), coalesce(sum(cpu_time), 0) from information_schema.user_statistics where user = '{user}'"
                );
                let row = self.rows(&query).await.remove(0);
                let (rows, seconds) = row.split_once(' ').unwrap();
                Work { rows: rows.parse::<f64>().unwrap() as i64, seconds: seconds.parse().unwrap() }
            }
            Dialect::Postgres => {
                // A process writes down what it did before it leaves this view, and not before it ends.
                let reads = format!(
                    "select count(*) from pg_stat_activity where usename = '{}'",
                    self.account("read")
                );
                asking::until("the end of the reader's process", async || self.rows(&reads).await == ["0"])
                    .await;
                let query = format!(
                    "select pg_backend_pid(), coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) from pg_stat_user_tables \
                     where relname = '{table}'"
                );
                let row = self.rows(&query).await.remove(0);
                let (backend, rows) = row.split_once(' ').unwrap();
                Work { rows: rows.parse().unwrap(), seconds: of_postmaster(backend) }
            }
        }
    }
}

/// Seconds of the server's ended processes, and of the one above this one.
fn of_postmaster(backend: &str) -> f64 {
    let fields = |pid: &str| -> Vec<String> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')').next().unwrap().split_whitespace().map(str::to_owned).collect()
    };
    let parent = fields(backend).get(1).cloned().unwrap_or_default();
    let ticks: f64 =
        fields(&parent).iter().skip(11).take(4).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// A school that goes on running between its polls.
struct Polls {
    school: School,
    fetchers: Fetchers,
}

impl Polls {
    fn of(school: School) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(Stopped(school.now));
        let dice: Arc<dyn Randomness> = Arc::new(Dice);
        let fetchers = fetch::fetchers(&school.settings, &clock, &dice).unwrap();
        Self { school, fetchers }
    }

    async fn poll(&self) -> Outcome {
        let (name, fetcher) = self.fetchers.iter().next().unwrap();
        let source = self.school.settings.sources.iter().find(|source| source.name == *name).unwrap();
        match fetch::round(source, &**fetcher, &self.school.spool, self.school.today()).await.unwrap() {
            Round::Done(outcome) => outcome,
            Round::Failed(fault) => panic!("{fault}"),
        }
    }

    /// When the note was last written.
    fn noted(&self) -> std::time::SystemTime {
        let name = self.fetchers.keys().next().unwrap();
        fs::metadata(self.school.fetched(name).join(".note")).unwrap().modified().unwrap()
    }
}

fn told(dialect: Dialect, what: &str, polls: f64, (before, after): (Work, Work)) {
    if long() {
        let ms = (after.seconds - before.seconds) * 1_000.0 / polls;
        let share = ms / 30_000.0 * 100.0;
        println!(
            "{dialect:?}, {what}: {ms:.1} ms a poll, {share:.2} % of a core at 30 s, {:.0} rows",
            (after.rows - before.rows) as f64 / polls
        );
    }
}

#[tokio::test]
async fn a_long_table_is_read_from_its_end_though_a_mark_is_made_before_each_poll() {
    let n: i64 = if long() { 200_000 } else { 20_000 };
    for dialect in [Dialect::MySql, Dialect::Postgres] {
        let mut mis = Database::empty(dialect).await;
        mis.seconds = 60;
        let reader = mis.account("read");
        let (to, row, from, analyse) = match dialect {
            Dialect::MySql => {
                mis.run("set global userstat = 1").await;
                (format!("{reader}@localhost"), "seq", format!("seq_1_to_{n}"), "analyze table marks")
            }
            Dialect::Postgres => (reader, "n", format!("generate_series(1, {n}) n"), "analyze marks"),
        };
        mis.run(&format!(
            "create table marks (id integer primary key, pupil integer, day date, mark varchar(2)); \
             insert into marks select {row}, {row} % 2000, '2026-09-14', '/' from {from}; grant select on marks to {to}; {analyse}"
        ))
        .await;
        let mapping = "format = \"sql\"\nrows = \"attendance\"\nkey = [\"id\"]\n[sql]\nsince = \"id\"\n\
             query = \"select id, pupil, day, mark from marks where :since is null or id > :since\"\n\
             [codes]\nset = \"ENG-2024\"\n[fields]\nlearner = \"pupil\"\ndate = \"day\"\nmark = \"mark\"\n";
        let school = asking::with("ridgeway", &mis, &[("own.toml", mapping)], "export = \"delta\"\n").await;
        let mut polls = Polls::of(school);
        assert!(matches!(polls.poll().await, Outcome::Written(_)));
        let mut last = mis.work("marks").await;
        let (mut most, mut thorough) = (0, 0);
        let begin = last;
        for poll in 1..=40 {
            polls.school.wait(30);
            mis.run(&format!("insert into marks values ({n} + {poll}, {poll}, '2026-09-14', 'L')")).await;
            assert!(matches!(polls.poll().await, Outcome::Added(_)), "{dialect:?}");
            let now = mis.work("marks").await;
            let rows = now.rows - last.rows;
            last = now;
            if rows >= n {
                thorough += 1;
            } else {
                most = most.max(rows);
            }
            assert!(poll < 24 || rows <= 100, "{dialect:?}: the table's end alone, not {rows} rows");
        }
        told(dialect, "goes on from a key", 40.0, (begin, last));
        assert_eq!(
            thorough, 1,
            "{dialect:?}: all of it is read once more, when the first transactions must be through"
        );
        assert!(most <= 5_100, "{dialect:?}: {most} rows");
        let noted = polls.noted();
        polls.school.wait(15 * 60);
        polls.poll().await;
        polls.poll().await;
        let settled = polls.noted();
        assert!(settled > noted, "{dialect:?}: it goes on from the last mark");
        for _ in 0..5 {
            polls.school.wait(30);
            assert_eq!(polls.poll().await, Outcome::Unchanged);
        }
        assert_eq!(polls.noted(), settled, "{dialect:?}: what says nothing new is not written");
    }
}

/// Two weeks of marks of a school, so many rows a day.
async fn two_weeks(dialect: Dialect, a_day: i64) -> (Database, &'static str, &'static str) {
    let (product, table) = match dialect {
        Dialect::MySql => (GIBBON, "gibbonAttendanceLogPerson"),
        Dialect::Postgres => (ROSARIOSIS, "attendance_period"),
    };
    let mut mis = Database::of(product, dialect).await;
    mis.seconds = 60;
    let rows = match dialect {
        Dialect::MySql => {
            mis.run("set global userstat = 1").await;
            mis.run(screens::GIBBON_SCHOOL).await;
            format!(
                "insert into gibbonAttendanceLogPerson (gibbonAttendanceCodeID, gibbonPersonID, direction, type, reason, context, comment, \
                   date, gibbonPersonIDTaker, gibbonCourseClassID, gibbonTTDayRowClassID, timestampTaken) \
                 select 1, 100 + p.seq, 'In', 'Present', '', 'Class', '', current_date - interval d.seq day, 1, 50, 64, now() \
                 from seq_1_to_{a_day} p, seq_0_to_13 d; analyze table gibbonAttendanceLogPerson"
            )
        }
        Dialect::Postgres => {
            mis.run(&screens::school("rosariosis")).await;
            format!(
                "insert into student_enrollment (id, syear, school_id, student_id, grade_id, start_date) \
                   select 100 + p, 2026, 1, 100 + p, 1, '2000-09-01' from generate_series(1, {a_day}) p; \
                 insert into attendance_period (student_id, school_date, period_id, attendance_code, attendance_teacher_code, course_period_id) \
                   select 100 + p, current_date - d, 80, 1, 1, 70 from generate_series(1, {a_day}) p, generate_series(0, 13) d; analyze"
            )
        }
    };
    mis.run(&rows).await;
    let template = if dialect == Dialect::MySql { "gibbon-attendance" } else { "rosariosis-attendance" };
    (mis, table, template)
}

/// The day as the server has it.
async fn day(dialect: Dialect) -> Vec<String> {
    Database::empty(dialect).await.rows("select current_date").await
}

#[tokio::test]
async fn of_two_weeks_of_marks_only_those_of_today_are_read_again_while_lessons_go_on() {
    for dialect in [Dialect::MySql, Dialect::Postgres] {
        loop {
            let today = day(dialect).await;
            let tasks = tokio::task::LocalSet::new();
            let task = tasks.spawn_local(two_weeks_go_on(dialect));
            match tasks.run_until(task).await {
                Ok(()) => break,
                // Marks of today became marks of yesterday on the way.
                Err(_) if day(dialect).await != today => {}
                Err(failed) => std::panic::resume_unwind(failed.into_panic()),
            }
        }
    }
}

async fn two_weeks_go_on(dialect: Dialect) {
    let a_day: i64 = if long() { 200_000 / 14 } else { 1_000 };
    let (mis, table, template) = two_weeks(dialect, a_day).await;
    let mut polls = Polls::of(asking::school("ridgeway", &mis, &[template]).await);
    let begin = mis.work(table).await;
    assert!(matches!(polls.poll().await, Outcome::Written(_)));
    let whole = mis.work(table).await;
    told(dialect, "two weeks", 1.0, (begin, whole));
    let all = polls.school.rows(template);
    assert_eq!(all.len() as i64, 14 * a_day);
    let mark = |n: u32| match dialect {
        Dialect::MySql => screens::gibbon_class(100 + n, "current_date", "A"),
        Dialect::Postgres => format!(
            "update attendance_period set attendance_code = 2 where student_id = {} and school_date = current_date",
            100 + n
        ),
    };
    let mut last = whole;
    for n in 1..=20 {
        polls.school.wait(30);
        mis.run(&mark(n)).await;
        polls.poll().await;
        let now = mis.work(table).await;
        let rows = now.rows - last.rows;
        last = now;
        // Where a table has no index by day the server may pass over all of it once, and does no more with it.
        let most = if dialect == Dialect::MySql { 3 * a_day } else { 15 * a_day };
        assert!(rows < most + 500, "{dialect:?}: {rows} rows for a change of today's {a_day}");
    }
    told(dialect, "today alone, a change before each poll", 20.0, (whole, last));
    // The server notes changes a moment after they were made.
    asking::until("the last mark", async || {
        polls.poll().await;
        polls.school.rows(template).iter().filter(|row| row.contains(",A,absent,")).count() == 20
    })
    .await;
    let is_absent = |row: &&String| !row.contains(",A,absent,");
    let now = polls.school.rows(template);
    assert_eq!(now.len(), all.len());
    assert_eq!(
        now.iter().filter(is_absent).count(),
        all.len() - 20,
        "{dialect:?}: all other rows stand as they were"
    );
    // A mark of last week is changed: found by the next look at everything.
    mis.run(&mark(30).replace("current_date", "current_date - interval '7' day")).await;
    polls.school.wait(30);
    polls.poll().await;
    assert_eq!(polls.school.rows(template), now, "{dialect:?}");
    polls.school.wait(15 * 60);
    polls.poll().await;
    let absent = polls.school.rows(template).iter().filter(|row| row.contains(",A,absent,")).count();
    assert_eq!(absent, 21, "{dialect:?}");
}
