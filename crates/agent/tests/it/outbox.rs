//! The outbox as a folder of files, and what the MIS says of them.

use crate::{
    fake_hub::FakeHub,
    rig::{Dice, School, csv},
};
use commonroll_agent::{
    outbox::{Arrival, Folder, WriteBack, results},
    receive::Receiver,
    settings::{Outbox, OutboxFormat, Sessions},
};
use commonroll_core::{
    Body, Head, LocalId, Record, RecordId, Revision, Timestamp,
    record::{
        Assessment, Behaviour, Text,
        assessment::{GradeKind, GradeValue, ResultGiven},
        behaviour::{Category, Event, Polarity},
    },
};
use std::{fs, path::Path};

fn outbox(folder: &Path) -> Folder {
    let at = |hour| Some(jiff::civil::time(hour, 0, 0, 0));
    let settings = Outbox {
        folder: folder.join("outbox"),
        formats: vec![OutboxFormat::SimsXml, OutboxFormat::Csv],
        sessions: Sessions { am: at(9), pm: at(14) },
        sif: None,
        names: Default::default(),
        apply: None,
    };
    Folder::open(&settings, jiff::tz::TimeZone::get("Europe/London").unwrap()).unwrap()
}

async fn arrive(host: &mut School, home: &School, hub: &FakeHub, write_back: &dyn WriteBack, text: &str) {
    host.put("marks.csv", text);
    host.look().await;
    host.publish(hub).await.unwrap();
    let receiver = Receiver { hub, spool: &home.spool, write_back, rng: &Dice, now: home.now };
    let after = home.spool.cursor().await.unwrap().sequence;
    let mut feed = commonroll_agent::Hub::receive(hub, after).await.unwrap();
    while let Some(piece) = feed.next().await.unwrap() {
        receiver.take(&piece).await.unwrap();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("outbox")).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_reader_that_shares_no_code_finds_every_field_in_the_csv() {
    let (mut host, home) = (School::new("northgate").await, School::new("ridgeway").await);
    let hub = FakeHub::new().knows("northgate", &host.key);
    let folder = outbox(home.folder.path());
    arrive(&mut host, &home, &hub, &folder, &csv(&[("ada", "/"), ("ben", "N")])).await;
    assert_eq!(names(home.folder.path()), ["attendance-000000000002.csv", "attendance-000000000002.xml"]);
    let text = fs::read_to_string(home.folder.path().join("outbox/attendance-000000000002.csv")).unwrap();
    let mut lines: Vec<Vec<&str>> =
        text.trim_start_matches('\u{feff}').lines().map(|l| l.split(',').collect()).collect();
    let captions = lines.remove(0);
    let column = |caption: &str| captions.iter().position(|c| *c == caption).unwrap();
    let mut seen: Vec<_> = lines
        .iter()
        .map(|cells| {
            assert_eq!(cells[column("RecordID")].len(), 32);
            ["PersonID", "Revision", "Source", "Date", "Mark"].map(|c| cells[column(c)]).join(" ")
        })
        .collect();
    seen.sort();
    assert_eq!(seen, ["home-ada 1 northgate 2026-09-14 /", "home-ben 1 northgate 2026-09-14 N"]);
}

#[tokio::test]
async fn a_host_that_saw_the_learner_at_registration_is_evidence_for_the_session() {
    let (mut host, home) = (School::new("northgate").await, School::new("ridgeway").await);
    let mapping = format!("{}start = \"From\"\nend = \"To\"\n", crate::rig::MARKS);
    host.settings.sources[0].mapping = Some(mapping.parse().unwrap());
    let hub = FakeHub::new().knows("northgate", &host.key);
    let folder = outbox(home.folder.path());
    let text = "Id,Class,Date,Mark,From,To\n\
                ada,12A,2026-09-14,/,08:50,09:40\nben,12A,2026-09-14,N,08:50,09:40\ncleo,12A,2026-09-14,/,10:00,11:00\n";
    arrive(&mut host, &home, &hub, &folder, text).await;
    let sessions = fs::read_to_string(home.folder.path().join("outbox/session-000000000003.xml")).unwrap();
    assert!(
        sessions.contains("<PersonID>home-ada</PersonID>")
            && sessions.contains("<AttendanceMark>B</AttendanceMark>")
    );
    assert!(sessions.contains("northgate 08:50"), "with the host's evidence beside it");
    assert!(!sessions.contains("home-ben"), "absence elsewhere is the home's to decide");
    assert!(!sessions.contains("home-cleo"), "seen, but not at registration");
}

#[tokio::test]
async fn what_the_mis_says_of_each_row_can_be_seen() {
    let (mut host, home) = (School::new("northgate").await, School::new("ridgeway").await);
    let hub = FakeHub::new().knows("northgate", &host.key);
    let folder = outbox(home.folder.path());
    arrive(&mut host, &home, &hub, &folder, &csv(&[("ada", "/"), ("ben", "/")])).await;
    let id = |place: usize| {
        hub.with(|s| s.newest.iter().find(|(_, seq)| **seq as usize == place).unwrap().0.0.clone())
    };
    let result = home.folder.path().join("outbox/attendance-000000000002.result.csv");
    let text = format!(
        "RecordID,Revision,Status,Message\n{},1,applied,\n{},1,refused,no such lesson in the timetable\n",
        id(1),
        id(2)
    );
    fs::write(&result, text).unwrap();
    results::read_all(&home.folder.path().join("outbox"), &home.spool).await.unwrap();
    let (refused, totals) = home.spool.results(10).await.unwrap();
    assert_eq!((totals.rows, totals.written, totals.unreadable), (2, 1, 0));
    assert_eq!(
        (refused[0].record.clone(), refused[0].message.as_str()),
        (id(2), "no such lesson in the timetable")
    );

    fs::write(&result, "this is no result file").unwrap();
    results::read_all(&home.folder.path().join("outbox"), &home.spool).await.unwrap();
    assert_eq!(home.spool.results(10).await.unwrap().1.unreadable, 1);
}

#[tokio::test]
async fn a_withdrawn_mark_is_taken_back_in_lesson_and_session() {
    let (mut host, home) = (School::new("northgate").await, School::new("ridgeway").await);
    let hub = FakeHub::new().knows("northgate", &host.key);
    let folder = outbox(home.folder.path());
    arrive(&mut host, &home, &hub, &folder, &csv(&[("ada", "/"), ("ben", "/")])).await;
    arrive(&mut host, &home, &hub, &folder, &csv(&[("ben", "/")])).await;
    let lesson = fs::read_to_string(home.folder.path().join("outbox/attendance-000000000003.xml")).unwrap();
    assert!(lesson.contains("<Withdrawn>true</Withdrawn>") && lesson.contains("<Revision>2</Revision>"));
    let session = fs::read_to_string(home.folder.path().join("outbox/session-000000000003.xml")).unwrap();
    assert_eq!(
        session.matches("<Withdrawn>true</Withdrawn>").count(),
        2,
        "whichever session it was proposed for"
    );
}

#[tokio::test]
async fn a_session_mark_does_not_outlive_the_evidence_behind_it() {
    let (mut host, home) = (School::new("northgate").await, School::new("ridgeway").await);
    let mapping = format!("{}start = \"From\"\nend = \"To\"\n", crate::rig::MARKS);
    host.settings.sources[0].mapping = Some(mapping.parse().unwrap());
    let hub = FakeHub::new().knows("northgate", &host.key);
    let folder = outbox(home.folder.path());
    let register = |mark: &str| format!("Id,Class,Date,Mark,From,To\nada,12A,2026-09-14,{mark}\n");
    arrive(&mut host, &home, &hub, &folder, &register("/,08:50,09:40")).await;
    arrive(&mut host, &home, &hub, &folder, &register("N,08:50,09:40")).await;
    let session = fs::read_to_string(home.folder.path().join("outbox/session-000000000002.xml")).unwrap();
    assert!(!session.contains("<AttendanceMark>B</AttendanceMark>"), "nobody saw the learner after all");
    assert!(session.contains("<SessionName>AM</SessionName>") && session.contains("<Revision>2</Revision>"));
    assert!(
        session.contains("<Withdrawn>true</Withdrawn>") && !session.contains("<Withdrawn>false</Withdrawn>")
    );

    arrive(&mut host, &home, &hub, &folder, &register("/,08:50,09:30")).await;
    let session = fs::read_to_string(home.folder.path().join("outbox/session-000000000003.xml")).unwrap();
    assert!(session.contains("<AttendanceMark>B</AttendanceMark>"), "and then somebody had");
}

#[test]
fn results_and_events_are_written_too_and_no_cell_becomes_a_formula() {
    let home = tempfile::tempdir().unwrap();
    let folder = outbox(home.path());
    let text = |text: &str| Text::parse("text", text, 200).unwrap();
    let result = ResultGiven {
        kind: GradeKind::WorkingAt,
        scale_id: "gce-a-level".to_owned(),
        scale_version: "2024".to_owned(),
        value: GradeValue::Given("A*".to_owned()),
        subject: text("Physics"),
        title: text("=cmd|x"),
        result_set: text("Y12 Aut2"),
        points: None,
    };
    let event = Event {
        polarity: Polarity::Negative,
        category: Category::AttendanceLateness,
        severity: None,
        source_label: text("Late to lesson"),
        happened_at: None,
        location: text("Lab 2"),
        event_id: None,
    };
    let bodies = [
        Body::Assessment(Assessment { result: Some(result), comment: None }),
        Body::Behaviour(Behaviour { event: Some(event), ..Behaviour::default() }),
    ];
    let arrivals: Vec<_> = bodies.into_iter().enumerate().map(|(n, body)| arrival(n as u8, body)).collect();
    folder.write("000000000002", &arrivals).unwrap();
    assert_eq!(names(home.path()), ["assessment-000000000002.csv", "behaviour-000000000002.csv"]);
    let read = |name: &str| fs::read_to_string(home.path().join("outbox").join(name)).unwrap();
    let grades = read("assessment-000000000002.csv");
    assert!(grades.contains("Physics,'=cmd|x,Y12 Aut2,working_at,gce-a-level 2024,A*,"), "{grades}");
    let events = read("behaviour-000000000002.csv");
    assert!(events.contains("negative,attendance_lateness,Late to lesson,,Lab 2,"), "{events}");
}

#[test]
fn a_record_without_an_id_of_ours_is_refused_alone() {
    let home = tempfile::tempdir().unwrap();
    let folder = outbox(home.path());
    let mut stray = arrival(1, Body::Assessment(Assessment::default()));
    stray.learner = String::new();
    assert!(folder.check(&stray).unwrap_err().contains("declare the learner again"));
    assert!(folder.check(&arrival(1, Body::Assessment(Assessment::default()))).is_ok());
}

fn arrival(n: u8, body: Body) -> Arrival {
    let head = Head {
        id: RecordId([n; 16]),
        revision: Revision::FIRST,
        source: "northgate".parse().unwrap(),
        learner: LocalId::parse("learner", "ada").unwrap(),
        group: None,
        date: "2026-09-14".parse().unwrap(),
        recorded_at: Timestamp::from_micros("recorded_at", 0).unwrap(),
        confidential: false,
    };
    Arrival {
        sequence: u64::from(n),
        record: Record { head, body },
        learner: "home-ada".to_owned(),
        accepted_at_us: 0,
        decided: Vec::new(),
        is_by_hand: false,
    }
}
