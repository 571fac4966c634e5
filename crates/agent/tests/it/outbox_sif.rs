//! A school whose system speaks SIF: its outbox holds objects, and a list of what SIF can't say.

use crate::read_back;
use commonroll_agent::{
    Settings,
    outbox::{Arrival, Folder, Removal, WriteBack},
};
use commonroll_audit::CopyOutcome;
use commonroll_connectors::{Item, templates};
use commonroll_core::{
    Body, Head, Interval, LocalId, Record, RecordId, RecordKind, Revision, Timestamp,
    record::{
        Attendance, Text,
        attendance::{Physical, Presence, SourceCode},
    },
};
use std::{fs, path::Path};

const ADA: &str = "7C834EA9-EDA1-2090-347F-83297E1C290C";
const SCHOOL: &str = "11737EA4-301C-ADCA-75C8-7214A7C46BDB";

fn error(outbox: &str) -> String {
    let text = format!("data = \"d\"\n[outbox]\nfolder = \"o\"\n{outbox}\n");
    Settings::parse(&text, Path::new("/etc/agent.toml")).unwrap_err().to_string()
}

fn folder(home: &Path, more: &str) -> Folder {
    of_formats(home, "\"sif-xml\"", more)
}

fn of_formats(home: &Path, formats: &str, more: &str) -> Folder {
    let text = format!(
        "data = \"d\"\n[outbox]\nfolder = \"outbox\"\nformats = [{formats}]\n{more}\n[outbox.sif]\nschool = \"{SCHOOL}\"\n\
         codes = {{ I = \"201 01\" }}\n"
    );
    let settings = Settings::parse(&text, &home.join("agent.toml")).unwrap();
    Folder::open(&settings.outbox.unwrap(), settings.zone).unwrap()
}

/// A lesson from nine to ten in the summer.
fn lesson(n: u8, learner: &str, mark: &str) -> Arrival {
    let at = |hour: i64| Timestamp::from_micros("at", 1_789_372_800_000_000 + hour * 3_600_000_000).unwrap();
    let presence = Presence {
        physical: Physical::Present,
        interval: Some(Interval::new(at(0), at(1)).unwrap()),
        minutes_late: None,
        minutes_left_early: None,
    };
    let mark = Attendance {
        presence: Some(presence),
        source_code: Some(SourceCode::new(mark, "ENG-2024").unwrap()),
        note: Some(Text::parse("note", "Bus & <fog>", 500).unwrap()),
        register: None,
    };
    let head = Head {
        id: RecordId([n; 16]),
        revision: Revision::FIRST,
        source: "northgate".parse().unwrap(),
        learner: LocalId::parse("learner", "their own").unwrap(),
        group: Some(LocalId::parse("group", "P1").unwrap()),
        date: "2026-09-14".parse().unwrap(),
        recorded_at: Timestamp::from_micros("recorded_at", 0).unwrap(),
        confidential: false,
    };
    let record = Record { head, body: Body::Attendance(mark) };
    Arrival {
        sequence: u64::from(n),
        record,
        learner: learner.to_owned(),
        accepted_at_us: 0,
        decided: Vec::new(),
        is_by_hand: false,
    }
}

fn withdrawn(n: u8) -> Arrival {
    let mut arrival = lesson(n, ADA, "/");
    arrival.record.body = Body::Withdrawn(RecordKind::Attendance);
    arrival
}

fn names(home: &Path) -> Vec<String> {
    let entries = fs::read_dir(home.join("outbox")).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn marks_are_objects_that_the_reader_of_sif_finds_again() {
    let home = tempfile::tempdir().unwrap();
    let outbox = folder(home.path(), "");
    let marks = [lesson(1, ADA, "/"), lesson(2, ADA, "L"), lesson(3, ADA, "I")];
    outbox.write("000000000003", &marks).unwrap();
    assert_eq!(names(home.path()), ["sif-000000000003.xml"]);
    let xml = fs::read(home.path().join("outbox/sif-000000000003.xml")).unwrap();
    let text = String::from_utf8(xml.clone()).unwrap();
    assert!(text.contains("RefId=\"01010101-0101-0101-0101-010101010101\""), "{text}");
    assert!(text.contains(&format!("<SchoolInfoRefId>{SCHOOL}</SchoolInfoRefId>")));

    let read = read_back::items(templates::by_name("sif-au").unwrap().text, &xml);
    let seen: Vec<_> = read
        .iter()
        .map(|item| {
            let Item::Record(draft) = item else { panic!("only marks were written") };
            let Body::Attendance(mark) = &draft.body else { panic!("only marks were written") };
            let presence = mark.presence.as_ref().unwrap();
            assert_eq!((draft.learner.as_str(), draft.date.to_string().as_str()), (ADA, "2026-09-14"));
            let Body::Attendance(sent) = &marks[0].record.body else { panic!("a mark") };
            assert_eq!(presence.interval, sent.presence.as_ref().unwrap().interval, "the time came through");
            assert_eq!(mark.note, sent.note);
            (mark.source_code.as_ref().unwrap().code.clone(), presence.physical)
        })
        .collect();
    let code = |code: &str, physical| (code.to_owned(), physical);
    assert_eq!(
        seen,
        [code("100", Physical::Present), code("116", Physical::Late), code("201", Physical::Absent)]
    );
}

#[test]
fn what_sif_cannot_say_stands_in_a_list_for_a_person() {
    let home = tempfile::tempdir().unwrap();
    let outbox = folder(home.path(), "sessions = { am = \"09:00:00\" }");
    let marks = [lesson(1, ADA, "/"), lesson(2, ADA, "X"), lesson(3, "home-ben", "/"), withdrawn(4)];
    outbox.write("000000000004", &marks).unwrap();
    assert_eq!(
        names(home.path()),
        ["attendance-000000000004.csv", "session-000000000004.csv", "sif-000000000004.xml"]
    );
    let read = |name: &str| fs::read_to_string(home.path().join("outbox").join(name)).unwrap();
    assert_eq!(read("sif-000000000004.xml").matches("<StudentPeriodAttendance ").count(), 1);
    let list = read("attendance-000000000004.csv");
    assert_eq!(list.lines().count(), 4, "no code, no RefId, taken back: {list}");
    for n in 2..=4_u8 {
        assert!(list.contains(&RecordId([n; 16]).to_string()), "{list}");
    }
    assert!(list.contains(",yes,"), "what was taken back says so");
}

#[test]
fn beside_the_xml_of_sims_what_sif_cannot_say_is_listed_and_no_object_is_called_removed() {
    let home = tempfile::tempdir().unwrap();
    let outbox = of_formats(home.path(), "\"sims-xml\", \"sif-xml\"", "");
    outbox.write("000000000004", &[lesson(1, ADA, "/"), lesson(2, ADA, "X")]).unwrap();
    let list = fs::read_to_string(home.path().join("outbox/attendance-000000000004.csv")).unwrap();
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.contains(&RecordId([2; 16]).to_string()), "the mark without a code of SIF's: {list}");

    let removal = Removal {
        id: "00000000000000000000000000000001".parse().unwrap(),
        revision: Revision::FIRST,
        source: "northgate".parse().unwrap(),
        kind: RecordKind::Attendance,
        learner: LocalId::parse("learner", ADA).ok(),
        reason: "placement_ended".to_owned(),
        is_written: false,
        decided: Vec::new(),
        is_rested_on: false,
        is_by_hand: false,
    };
    let taken = outbox.take_back("000000000005", &[removal]).unwrap();
    assert_eq!((taken[0].outcome, taken[0].reason), (CopyOutcome::Flagged, "by_hand"));
    let read = |name: &str| fs::read_to_string(home.path().join("outbox").join(name)).unwrap();
    assert!(read("attendance-000000000005.xml").contains("<Withdrawn>true</Withdrawn>"), "SIMS takes it out");
    assert!(read("attendance-000000000005.csv").contains(",yes,"));
    assert!(read("recall-000000000005.csv").contains("remove by hand"), "and a person the object");
}

#[test]
fn settings_that_would_write_invalid_objects_are_refused() {
    let without = error("formats = [\"sif-xml\"]");
    assert!(without.contains("outbox.sif") && without.contains("RefId"), "{without}");
    let unused = error("[outbox.sif]\nschool = \"11737EA4-301C-ADCA-75C8-7214A7C46BDB\"");
    assert!(unused.contains("outbox.formats") && unused.contains("sif-xml"), "{unused}");
    let school = error("formats = [\"sif-xml\"]\n[outbox.sif]\nschool = \"SCHOOL-1\"");
    assert!(school.contains("outbox.sif.school"), "{school}");
    let code = error(&format!(
        "formats = [\"sif-xml\"]\n[outbox.sif]\nschool = \"{SCHOOL}\"\ncodes = {{ I = \"201 03\" }}"
    ));
    assert!(code.contains("outbox.sif.codes"), "{code}");
}
