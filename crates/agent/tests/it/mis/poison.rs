//! Case 27: a row that the MIS refuses for ever, and one that makes the program panic, hold up nobody else's.

use super::{
    Database, GIBBON, ROSARIOSIS,
    home::{home, host},
    screens,
};
use commonroll_agent::apply::{Carried, Carrier, Failure, TRIES_MAX};
use commonroll_connectors::{mapping::Dialect, render::MarkRow};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

async fn two_marks() -> (crate::rig::School, crate::fake_hub::FakeHub, Database) {
    let theirs = Database::of(ROSARIOSIS, Dialect::Postgres).await;
    theirs.run(&screens::school("rosariosis")).await;
    let (mut host, hub) = host(&theirs, "rosariosis").await;
    theirs.run(&screens::teacher(11, "current_date", 80, "P")).await;
    theirs.run(&screens::teacher(12, "current_date", 80, "P")).await;
    host.send(&hub).await;
    (host, hub, theirs)
}

#[tokio::test]
async fn case_27_a_row_that_the_mis_refuses_for_ever_is_set_aside_in_sight() {
    let (_host, hub, _theirs) = two_marks().await;
    let ours = Database::of(GIBBON, Dialect::MySql).await;
    ours.run(screens::GIBBON_SCHOOL).await;
    ours.run("create trigger poison before insert on gibbonAttendanceLogPerson for each row \
              begin if new.gibbonPersonID = 11 then signal sqlstate '45000' set message_text = 'closed for \"Ada\" 11'; end if; end").await;
    let mut home = home(&ours, "gibbon", "taker = \"commonroll\"\ngroups = { \"70\" = \"12PHY.1\" }\n").await;
    let first = home.receive_and_apply(&hub).await;
    assert_eq!((first.applied, first.refused, first.waiting), (1, 0, 1), "what is behind it flows");
    assert_eq!(home.apply().await.waiting, 1, "not before its time");
    let mut tries = 1;
    while home.refused().await.is_empty() {
        assert!(tries <= TRIES_MAX, "tried for ever");
        home.wait(3_600);
        home.apply().await;
        tries += 1;
    }
    assert_eq!(tries, TRIES_MAX);
    let refused = home.refused().await;
    let said = &refused[0].message;
    assert!(said.contains("a rule of the MIS's own") && said.contains("tried 6 times"), "{said}");
    assert!(!said.contains("Ada") && !said.contains("closed"), "the trigger's words may hold a name: {said}");
    home.wait(3_600);
    assert_eq!(home.apply().await.waiting, 0, "it waits for a person");

    ours.run("drop trigger poison").await;
    fs::remove_file(&home.result_files()[0]).unwrap();
    assert_eq!(home.apply().await.applied, 2, "who removes the result asks for all of it again");
    assert_eq!(
        ours.rows("select count(*) from gibbonAttendanceLogPerson").await,
        ["2"],
        "and nothing is there twice"
    );
}

#[tokio::test]
async fn a_row_that_is_locked_in_the_mis_waits_and_uses_up_no_tries() {
    let (_host, hub, _theirs) = two_marks().await;
    let ours = Database::of(ROSARIOSIS, Dialect::Postgres).await;
    ours.run(&screens::school("rosariosis")).await;
    let mut home = home(&ours, "rosariosis", "").await;
    let mut backup = ours.link().await;
    backup.run("begin; lock table attendance_period in access exclusive mode").await.unwrap();
    let held = home.receive_and_apply(&hub).await;
    assert_eq!((held.applied, held.refused), (0, 0));
    assert!(home.spool.alarms().await.unwrap()[0].text.contains("SQL-LOCKED"));
    home.wait(60);
    home.apply().await;
    assert!(home.result_files().is_empty(), "nothing is counted against a row for a backup's lock");
    backup.run("rollback").await.unwrap();
    backup.close().await;
    home.wait(60);
    assert_eq!(home.apply().await.applied, 2);
}

/// Breaks on the first row, and does the others.
struct Breaks(AtomicU32);

#[async_trait::async_trait]
impl Carrier for Breaks {
    async fn carry(&self, row: &MarkRow) -> Result<Carried, Failure> {
        assert!(
            row.head.learner.as_str() != "11" || self.0.fetch_add(1, Ordering::Relaxed) > 0,
            "a connector that panics"
        );
        Ok(Carried::Applied(String::new()))
    }
}

#[tokio::test]
async fn case_27_a_panic_takes_down_one_row_and_not_the_agent() {
    let (_host, hub, _theirs) = two_marks().await;
    let ours = Database::empty(Dialect::MySql).await;
    let mut home = home(&ours, "gibbon", "taker = \"commonroll\"\n").await;
    // The account may not even see the database: no row can be carried, and that is told.
    let none = home.receive_and_apply(&hub).await;
    assert_eq!((none.applied, none.refused), (0, 0));
    let alarms = home.spool.alarms().await.unwrap();
    assert!(
        alarms[0].text.contains("wait in the outbox") && alarms[0].text.contains("may not see it"),
        "{}",
        alarms[0].text
    );
    let breaks: Arc<dyn Carrier> = Arc::new(Breaks(AtomicU32::new(0)));
    let applied = home.apply_by(&breaks).await;
    assert_eq!((applied.applied, applied.waiting), (1, 1));
    assert!(home.spool.alarms().await.unwrap().is_empty());
    home.wait(60);
    assert_eq!(home.apply_by(&breaks).await.applied, 1);
}
