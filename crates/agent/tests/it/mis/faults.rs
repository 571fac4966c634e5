//! Databases that are locked, gone, of another version, or replaced while they are read: told in words, and what was read stands.

use super::{Database, GIBBON, ROSARIOSIS, asking, database::SOCKET, screens};
use crate::rig::read;
use commonroll_agent::fetch::{Outcome, Round};
use commonroll_connectors::mapping::Dialect;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::watch,
};

const ONE: &str = "format = \"sql\"\nrows = \"groups\"\n[sql]\nquery = \"select name from things\"\n[fields]\ngroup = \"name\"\n";

async fn things(dialect: Dialect) -> Database {
    let mis = Database::empty(dialect).await;
    let reader = mis.account("read");
    let to = if dialect == Dialect::MySql { format!("{reader}@localhost") } else { reader };
    mis.run(&format!("create table things (name varchar(20) primary key); insert into things values ('old'); grant select on things to {to}"))
        .await;
    mis
}

#[tokio::test]
async fn a_locked_database_is_told_and_tried_again() {
    for (dialect, lock, unlock) in [
        (Dialect::MySql, "lock tables things write", "unlock tables"),
        (Dialect::Postgres, "begin; lock table things in access exclusive mode", "rollback"),
    ] {
        let mis = things(dialect).await;
        let mut school = asking::with("ridgeway", &mis, &[("own.toml", ONE)], "").await;
        school.ask_well().await;
        let mut other = mis.link().await;
        other.run(lock).await.unwrap();
        let fault = school.ask_badly().await;
        assert_eq!(fault.rule, "SQL-LOCKED", "{dialect:?} {fault}");
        assert_eq!(read(&school.fetched("own").join("rows.csv")), "name\nold\n", "what was read stands");
        let alarms = school.spool.alarms().await.unwrap();
        assert!(
            alarms[0].text.contains("worked: 2026-09-14") && alarms[0].text.contains("tried again"),
            "{}",
            alarms[0].text
        );
        other.run(unlock).await.unwrap();
        other.close().await;
        school.ask_well().await;
        assert!(school.spool.alarms().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_without_showing_it() {
    let mis = things(Dialect::MySql).await;
    let mut school = asking::with("ridgeway", &mis, &[("own.toml", ONE)], "").await;
    fs::write(school.folder.path().join("right"), "hunter2-wrong").unwrap();
    let fault = school.ask_badly().await;
    assert_eq!(fault.rule, "SQL-SIGN-IN");
    assert!(fault.fix.contains("credentials file"), "{fault}");
    let said = format!("{fault:?} {}", school.spool.alarms().await.unwrap()[0].text);
    assert!(!said.contains("hunter2"), "the password is in no message");
    fs::write(school.folder.path().join("right"), "right\n").unwrap();
    school.ask_well().await;
}

#[tokio::test]
async fn a_table_that_is_replaced_while_it_is_read_is_read_whole_or_not_at_all() {
    for dialect in [Dialect::MySql, Dialect::Postgres] {
        let mis = things(dialect).await;
        let sleep = if dialect == Dialect::MySql { "sleep(0.4)" } else { "pg_sleep(0.4)" };
        // Once while the question is under way, once between the moment that is read and the question.
        let during = ONE.replace(
            "select name from things",
            &format!("select name from things where {sleep} is not null"),
        );
        let replace = "create table newer (name varchar(20) primary key); insert into newer values ('new'); \
                       alter table things rename to older; alter table newer rename to things;";
        let mut school = asking::with("ridgeway", &mis, &[("own.toml", &during)], "").await;
        let (asked, ()) = tokio::join!(school.ask(), async {
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
            mis.run(replace).await;
        });
        let file = school.fetched("own").join("rows.csv");
        match &asked["own"] {
            Round::Done(_) => assert_eq!(read(&file), "name\nold\n", "{dialect:?}: the whole of the old one"),
            Round::Failed(fault) => assert_eq!(fault.rule, "SQL-CHANGED", "{dialect:?}: {fault}"),
        }
    }
}

#[tokio::test]
async fn a_schema_of_another_version_is_told_by_name() {
    let mis = Database::of(GIBBON, Dialect::MySql).await;
    mis.run(screens::GIBBON_SCHOOL).await;
    mis.run("alter table gibbonAttendanceLogPerson drop column gibbonTTDayRowClassID").await;
    let mut school = asking::school("ridgeway", &mis, &["gibbon-attendance"]).await;
    let fault = school.ask_badly().await;
    assert!(
        fault.rule == "SQL-COLUMN"
            && fault.fix.contains("gibbonTTDayRowClassID")
            && fault.fix.contains("version"),
        "{fault}"
    );
    mis.run("drop table gibbonTTColumnRow").await;
    let fault = school.ask_badly().await;
    assert!(fault.rule == "SQL-TABLE" && fault.fix.contains("gibbonTTColumnRow"), "{fault}");

    let mis = Database::of(ROSARIOSIS, Dialect::Postgres).await;
    mis.run("alter table attendance_codes drop column state_code").await;
    let mut school = asking::school("ridgeway", &mis, &["rosariosis-attendance"]).await;
    let fault = school.ask_badly().await;
    assert!(fault.rule == "SQL-COLUMN" && fault.fix.contains("state_code"), "{fault}");
}

#[tokio::test]
async fn an_account_that_could_write_is_told_of_and_one_that_cannot_is_not() {
    for (product, dialect) in [(GIBBON, Dialect::MySql), (ROSARIOSIS, Dialect::Postgres)] {
        let mis = Database::of(product, dialect).await;
        let name = format!("{}-groups", product.name);
        let mut school = asking::school("ridgeway", &mis, &[&name]).await;
        school.ask_well().await;
        assert!(school.spool.alarms().await.unwrap().is_empty(), "the page's account can't write");
        let table = if dialect == Dialect::MySql { "gibbonCourse" } else { "courses" };
        let at = if dialect == Dialect::MySql { "@localhost" } else { "" };
        mis.run(&format!("grant update on {table} to {}{at}", mis.account("read"))).await;
        school.ask_well().await;
        assert!(school.spool.alarms().await.unwrap()[0].text.contains("could write"));
    }
}

#[tokio::test]
async fn rights_by_a_column_or_a_role_are_told_of_too() {
    let by_role = "create role ROLE; create role INNER_ROLE; grant insert on things to INNER_ROLE; grant INNER_ROLE to ROLE; grant ROLE to READER";
    for (dialect, grants) in [
        (Dialect::MySql, "create role ROLE; grant select on things to ROLE; grant ROLE to READER"),
        (Dialect::MySql, "grant update (name) on things to READER"),
        (Dialect::MySql, by_role),
        (Dialect::Postgres, "create role ROLE; grant select on things to ROLE; grant ROLE to READER"),
        (Dialect::Postgres, "grant update (name) on things to READER"),
        (Dialect::Postgres, by_role),
        (Dialect::Postgres, &format!("{by_role}; alter role READER noinherit")),
    ] {
        let mis = things(dialect).await;
        let at = if dialect == Dialect::MySql { "@localhost" } else { "" };
        let lines = grants.replace("READER", &format!("{}{at}", mis.account("read")));
        mis.run(&lines.replace("INNER_ROLE", &mis.account("inner")).replace("ROLE", &mis.account("role")))
            .await;
        let mut school = asking::with("ridgeway", &mis, &[("own.toml", ONE)], "").await;
        school.ask_well().await;
        let told =
            school.spool.alarms().await.unwrap().iter().any(|alarm| alarm.text.contains("could write"));
        assert_eq!(told, !grants.contains("grant select"), "{dialect:?} {grants}");
    }
}

#[tokio::test]
async fn nothing_is_written_whatever_the_query_says() {
    let mis = things(Dialect::Postgres).await;
    mis.run("create function sly() returns text as $$ delete from things; select 'x'::text $$ language sql security definer").await;
    let sly = ONE.replace("select name from things", "select sly() as name");
    let mut school = asking::with("ridgeway", &mis, &[("own.toml", &sly)], "").await;
    assert_eq!(school.ask_badly().await.rule, "SQL-WRITES");
    assert_eq!(mis.rows("select name from things").await, ["old"]);
}

#[tokio::test]
async fn bytes_and_slow_queries_are_refused_in_words() {
    let mis = things(Dialect::MySql).await;
    mis.run("alter table things add picture blob").await;
    let bytes = ONE.replace("select name from", "select name, picture from");
    let slow = ONE.replace("select name from things", "select name from things where sleep(30) = 0");
    let mut school = asking::with("ridgeway", &mis, &[("own.toml", &bytes)], "").await;
    let fault = school.ask_badly().await;
    assert!(fault.rule == "SQL-BYTES" && fault.fix.contains("picture"), "{fault}");
    let mut school = asking::with("ridgeway", &mis, &[("own.toml", &slow)], "").await;
    if let Some(asked) = &mut school.settings.sources[3].asked {
        let mut connection = (*asked.connection).clone();
        connection.options.insert("seconds".to_owned(), "1".to_owned());
        asked.connection = connection.into();
    }
    assert_eq!(school.ask_badly().await.rule, "SQL-SLOW");
}

#[tokio::test]
async fn an_answer_without_rows_still_has_its_captions() {
    let mis = things(Dialect::MySql).await;
    mis.run("delete from things").await;
    let mut school = asking::with("ridgeway", &mis, &[("own.toml", ONE)], "").await;
    assert_eq!(school.ask_well().await["own"], Outcome::Written(vec!["rows.csv".to_owned()]));
    assert_eq!(read(&school.fetched("own").join("rows.csv")), "name\n");
}

/// A way to a database on which at a word nothing comes through any more, as when its machine loses power.
fn way_to(database: &Database, at: &Path) -> (PathBuf, watch::Sender<bool>) {
    let file = if database.dialect == Dialect::MySql { at.join("sock") } else { at.join(SOCKET) };
    let (listener, behind) = (UnixListener::bind(&file).unwrap(), database.socket_file());
    let (cut, mut is_cut) = watch::channel(false);
    tokio::spawn(async move {
        let (mut ours, _) = listener.accept().await.unwrap();
        let mut theirs = UnixStream::connect(behind).await.unwrap();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut ours, &mut theirs) => {}
            _ = is_cut.changed() => std::future::pending().await,
        }
    });
    (if database.dialect == Dialect::MySql { file } else { at.to_owned() }, cut)
}

async fn goes_silent(dialect: Dialect) {
    let mis = things(dialect).await;
    let folder = tempfile::tempdir().unwrap();
    let (socket, cut) = way_to(&mis, folder.path());
    let mut link = mis.link_over(&socket).await;
    assert_eq!(link.one("select name from things").await.unwrap(), "old\u{1f}", "{dialect:?}");
    cut.send(true).unwrap();
    let over = async {
        let fault = link.one("select name from things").await.unwrap_err();
        link.close().await;
        fault
    };
    let fault = tokio::time::timeout(Duration::from_millis(1_900), over).await.unwrap();
    assert!(fault.rule == "SQL-LOST" && fault.passes && fault.fix.contains("silent"), "{dialect:?} {fault}");
}

#[tokio::test]
async fn a_database_that_goes_silent_in_the_middle_is_given_up() {
    tokio::join!(goes_silent(Dialect::MySql), goes_silent(Dialect::Postgres));
}
