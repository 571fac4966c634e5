//! A school with a program that enters partners' results and behaviour in its MIS: what it is given, and what it must undo.

use crate::{read_back, rig::School};
use commonroll_agent::{
    Settings,
    outbox::{Arrival, Folder, Removal, WriteBack, results},
};
use commonroll_audit::CopyOutcome;
use commonroll_connectors::{Item, templates};
use commonroll_core::{
    Body, Head, LocalId, Record, RecordId, RecordKind, Revision, Timestamp,
    record::{
        Assessment, Behaviour, Text,
        assessment::{GradeKind, GradeValue, ResultGiven},
        behaviour::{Category, Event, Involvement, Polarity},
    },
};
use std::{fs, path::Path};

const NAMES: &str = "[outbox.names.types]\nlow_level_disruption = \"Disruption\"\n\
                     [outbox.names.aspects]\nworking_at = \"Working At Grade\"\nteacher_target = \"Target Grade\"\n";

fn settings(home: &Path, formats: &str, names: &str) -> Result<Settings, String> {
    let text = format!("data = \"d\"\n[outbox]\nfolder = \"outbox\"\nformats = [{formats}]\n{names}");
    Settings::parse(&text, &home.join("agent.toml")).map_err(|error| error.to_string())
}

fn folder(home: &Path, formats: &str) -> Folder {
    let settings = settings(home, formats, NAMES).unwrap();
    Folder::open(&settings.outbox.unwrap(), settings.zone).unwrap()
}

/// An outbox from which a program enters results and behaviour.
fn entered(home: &Path) -> Folder {
    folder(home, "\"sims-records-xml\"")
}

fn text(words: &str) -> Text {
    Text::parse("text", words, 200).unwrap()
}

fn arrival(n: u8, revision: u32, body: Body) -> Arrival {
    let head = Head {
        id: RecordId([n; 16]),
        revision: Revision::new(revision).unwrap(),
        source: "northgate".parse().unwrap(),
        learner: LocalId::parse("learner", "their own").unwrap(),
        group: None,
        date: "2026-11-20".parse().unwrap(),
        recorded_at: Timestamp::from_micros("recorded_at", 0).unwrap(),
        confidential: false,
    };
    Arrival {
        sequence: u64::from(n),
        record: Record { head, body },
        learner: "6420".to_owned(),
        accepted_at_us: 0,
        decided: Vec::new(),
        is_by_hand: false,
    }
}

fn result(kind: GradeKind, value: GradeValue) -> Assessment {
    let given = ResultGiven {
        kind,
        scale_id: "gce-a-level".to_owned(),
        scale_version: "2024".to_owned(),
        value,
        subject: text("Physics"),
        title: text("Unit 1 <mock> & more"),
        result_set: text("Y12 Aut2"),
        points: None,
    };
    Assessment { result: Some(given), comment: Some(text("=SUM(A1) steady")) }
}

fn event(category: Category) -> Behaviour {
    let event = Event {
        polarity: Polarity::Negative,
        category,
        severity: None,
        source_label: text("Off task (lab)"),
        happened_at: Timestamp::from_micros("at", 1_795_173_000_000_000).ok(),
        location: text("Lab 2"),
        event_id: LocalId::parse("event", "EVT-88123").ok(),
    };
    let part = Involvement {
        role: None,
        points: Some(-3),
        action: text("Detention"),
        status: text("Resolved"),
        home_action_by: None,
    };
    Behaviour {
        event: Some(event),
        involvement: Some(part),
        share_safe_text: Some(text("Moved seats & settled")),
        internal_comment: None,
    }
}

fn names(home: &Path) -> Vec<String> {
    let entries = fs::read_dir(home.join("outbox")).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(home: &Path, name: &str) -> String {
    fs::read_to_string(home.join("outbox").join(name)).unwrap()
}

#[test]
fn results_are_what_a_reader_of_sims_xml_takes_them_for() {
    let home = tempfile::tempdir().unwrap();
    let given = |grade: &str| GradeValue::Given(grade.to_owned());
    let values = [
        (GradeKind::WorkingAt, given("A*")),
        (GradeKind::TeacherTarget, given("B")),
        (GradeKind::WorkingAt, GradeValue::Ungraded),
        (GradeKind::WorkingAt, GradeValue::NoResult),
        (GradeKind::WorkingAt, GradeValue::Pending),
        (GradeKind::WorkingAt, GradeValue::Withheld),
        (GradeKind::WorkingAt, GradeValue::NotAssessed),
    ];
    let arrivals = values
        .iter()
        .enumerate()
        .map(|(n, (kind, value))| arrival(n as u8 + 1, 1, Body::Assessment(result(*kind, value.clone()))));
    entered(home.path()).write("000000000002", &arrivals.collect::<Vec<_>>()).unwrap();
    assert_eq!(names(home.path()), ["assessment-000000000002.csv", "assessment-000000000002.xml"]);

    // The template that we ship for SIMS' own results, with what we add passed over.
    let template = templates::by_name("sims-thirdparty-results-xml").unwrap().text;
    let mapping = template.replace(
        "\"ResultDate\"]",
        "\"ResultDate\", \"Subject\", \"Title\", \"Kind\", \"Scale\", \"Source\", \"RecordID\", \"Revision\", \"Withdrawn\"]",
    );
    let xml = fs::read(home.path().join("outbox/assessment-000000000002.xml")).unwrap();
    let items = read_back::items(&mapping, &xml);
    assert_eq!(items.len(), values.len());
    for (item, (kind, value)) in items.iter().zip(&values) {
        let Item::Record(draft) = item else { panic!("only results were written") };
        let Body::Assessment(found) = &draft.body else { panic!("only results were written") };
        let found_result = found.result.as_ref().unwrap();
        assert_eq!((draft.learner.as_str(), draft.date.to_string().as_str()), ("6420", "2026-11-20"));
        assert!(found_result.kind == *kind && found_result.value == *value, "{:?}", found_result.kind);
        assert_eq!(found_result.result_set.as_str(), "Y12 Aut2");
        assert_eq!(found.comment.as_ref().unwrap().as_str(), "=SUM(A1) steady", "XML keeps every character");
    }
    let list = read(home.path(), "assessment-000000000002.csv");
    assert!(list.contains("Physics,Working At Grade,Y12 Aut2,working_at,"), "in the home's words: {list}");
    assert!(list.contains(",'=SUM(A1) steady,Unit 1 <mock> & more"), "and no formula: {list}");
    assert!(list.contains(",ungraded,") && list.contains(",not assessed,"), "{list}");
}

#[test]
fn behaviour_is_entered_in_the_home_s_own_words_and_never_in_a_partner_s() {
    let home = tempfile::tempdir().unwrap();
    let known = arrival(1, 1, Body::Behaviour(event(Category::LowLevelDisruption)));
    let other = arrival(2, 1, Body::Behaviour(event(Category::Defiance)));
    let outbox = entered(home.path());
    outbox.check(&known).unwrap();
    let told = outbox.check(&other).unwrap_err();
    assert!(told.contains("`defiance = \"..\"` under [outbox.names.types]"), "{told}");
    let grade = result(GradeKind::Predicted, GradeValue::Given("A".to_owned()));
    let told = outbox.check(&arrival(3, 1, Body::Assessment(grade.clone()))).unwrap_err();
    assert!(told.contains("under [outbox.names.aspects]") && !told.contains("Unit 1"), "{told}");
    for needs_none in [
        Body::Assessment(Assessment { result: None, ..grade }),
        Body::Behaviour(Behaviour { event: None, ..event(Category::Defiance) }),
        Body::Withdrawn(RecordKind::Behaviour),
    ] {
        outbox.check(&arrival(4, 2, needs_none)).unwrap();
    }
    let for_people = tempfile::tempdir().unwrap();
    let list = folder(for_people.path(), "\"csv\"");
    list.check(&other).unwrap();
    list.write("000000000003", &[other]).unwrap();
    let list = read(for_people.path(), "behaviour-000000000003.csv");
    assert!(list.contains(",Off task (lab)\r\n"), "a person reads the partner's words: {list}");

    outbox.write("000000000003", &[known]).unwrap();
    let xml = read(home.path(), "behaviour-000000000003.xml");
    for says in [
        "<PersonID>6420</PersonID><Date>2026-11-20</Date><Time>11:10</Time><Polarity>negative</Polarity><Type>Disruption</Type>\
         <Category>low_level_disruption</Category><Label>Off task (lab)</Label>",
        "<Action>Detention</Action><Status>Resolved</Status><Comments>Moved seats &amp; settled</Comments>",
        "<RecordID>01010101010101010101010101010101</RecordID><Revision>1</Revision><Withdrawn>false</Withdrawn>",
    ] {
        assert!(xml.contains(says), "{says}: {xml}");
    }
    assert!(!xml.contains("-3") && !xml.contains("EVT-88123"), "points and ids of theirs stay theirs: {xml}");
    let list = read(home.path(), "behaviour-000000000003.csv");
    assert!(list.contains(",Disruption\r\n"), "{list}");
}

#[test]
fn what_may_no_longer_be_known_goes_out_of_what_was_written() {
    let home = tempfile::tempdir().unwrap();
    let outbox = entered(home.path());
    let graded = result(GradeKind::WorkingAt, GradeValue::Given("A*".to_owned()));
    let told = event(Category::LowLevelDisruption);
    let first = [
        arrival(1, 1, Body::Assessment(graded.clone())),
        arrival(2, 1, Body::Behaviour(told.clone())),
        arrival(3, 1, Body::Behaviour(told.clone())),
        // Every group withheld: there is nothing to write.
        arrival(4, 1, Body::Assessment(Assessment::default())),
        arrival(5, 1, Body::Behaviour(Behaviour::default())),
    ];
    outbox.write("000000000005", &first).unwrap();
    for (name, rows) in [("assessment-000000000005", 1), ("behaviour-000000000005", 2)] {
        assert_eq!(read(home.path(), &format!("{name}.xml")).matches("<RecordID>").count(), rows, "{name}");
        assert_eq!(read(home.path(), &format!("{name}.csv")).lines().count(), rows + 1, "{name}");
    }

    let second = [
        arrival(1, 2, Body::Assessment(Assessment { result: None, ..graded })),
        arrival(2, 2, Body::Behaviour(Behaviour { share_safe_text: None, ..told.clone() })),
        arrival(3, 2, Body::Withdrawn(RecordKind::Behaviour)),
        arrival(5, 2, Body::Behaviour(Behaviour { event: None, ..told })),
    ];
    outbox.write("000000000009", &second).unwrap();
    let results = read(home.path(), "assessment-000000000009.xml");
    assert!(
        results.contains("<Withdrawn>true</Withdrawn>") && results.contains("<Revision>2</Revision>"),
        "{results}"
    );
    assert!(
        !results.contains("steady") && !results.contains("A*") && !results.contains("Physics"),
        "{results}"
    );
    let list = read(home.path(), "assessment-000000000009.csv");
    assert!(list.contains("steady") && !list.contains("A*"), "the remark that may still be read: {list}");

    let events = read(home.path(), "behaviour-000000000009.xml");
    let of = |n: u8| {
        let id = RecordId([n; 16]).to_string();
        events.lines().find(|line| line.contains(&id)).unwrap().to_owned()
    };
    assert!(of(2).contains("<Comments></Comments>") && of(2).contains("<Withdrawn>false</Withdrawn>"));
    for gone in [of(3), of(5)] {
        assert!(gone.contains("<Withdrawn>true</Withdrawn>"), "{gone}");
        assert!(
            !gone.contains("Detention") && !gone.contains("settled") && !gone.contains("Lab 2"),
            "{gone}"
        );
    }
}

#[tokio::test]
async fn the_same_piece_again_changes_nothing_once_the_mis_has_said_what_became_of_it() {
    let home = School::new("ridgeway").await;
    let outbox = entered(home.folder.path());
    let graded = result(GradeKind::WorkingAt, GradeValue::Given("A*".to_owned()));
    let piece = [arrival(1, 1, Body::Assessment(graded))];
    outbox.write("000000000002", &piece).unwrap();
    let xml = read(home.folder.path(), "assessment-000000000002.xml");
    outbox.write("000000000002", &piece).unwrap();
    assert_eq!(read(home.folder.path(), "assessment-000000000002.xml"), xml, "the same rows, the same bytes");

    // The helper took the file away and says what SIMS said.
    let lies = home.folder.path().join("outbox");
    for ending in ["xml", "csv"] {
        fs::remove_file(lies.join(format!("assessment-000000000002.{ending}"))).unwrap();
    }
    let said = format!(
        "RecordID,Revision,Status,Message\n{},1,refused,no such aspect in a mark sheet\n",
        RecordId([1; 16])
    );
    fs::write(lies.join("assessment-000000000002.result.csv"), said).unwrap();
    outbox.write("000000000002", &piece).unwrap();
    assert_eq!(names(home.folder.path()), ["assessment-000000000002.result.csv"], "not to be entered twice");
    results::read_all(&lies, &home.spool).await.unwrap();
    let (refused, totals) = home.spool.results(10).await.unwrap();
    assert_eq!((totals.rows, totals.written), (1, 0));
    assert_eq!(refused[0].message, "no such aspect in a mark sheet");
}

#[test]
fn a_copy_that_must_go_is_taken_out_by_the_program_that_entered_it_or_by_a_person() {
    let removal = |kind, is_written| Removal {
        id: "00000000000000000000000000000001".parse().unwrap(),
        revision: Revision::FIRST,
        source: "northgate".parse().unwrap(),
        kind,
        learner: LocalId::parse("learner", "6420").ok(),
        reason: "placement_ended".to_owned(),
        is_written,
        decided: Vec::new(),
        is_rested_on: false,
        is_by_hand: false,
    };
    let both = [removal(RecordKind::Assessment, false), removal(RecordKind::Behaviour, false)];

    let home = tempfile::tempdir().unwrap();
    let taken = entered(home.path()).take_back("000000000007", &both).unwrap();
    assert!(taken.iter().all(|one| one.outcome == CopyOutcome::Removed), "{taken:?}");
    for kind in ["assessment", "behaviour"] {
        let xml = read(home.path(), &format!("{kind}-000000000007.xml"));
        assert!(
            xml.contains("<PersonID>6420</PersonID>") && xml.contains("<Withdrawn>true</Withdrawn>"),
            "{xml}"
        );
    }
    let list = read(home.path(), "recall-000000000007.csv");
    assert_eq!(list.matches("placement_ended,removed").count(), 2, "{list}");

    // The source took it back itself: that revision was written, so nothing is left to say.
    let home = tempfile::tempdir().unwrap();
    let taken =
        entered(home.path()).take_back("000000000007", &[removal(RecordKind::Behaviour, true)]).unwrap();
    assert_eq!((taken[0].outcome, names(home.path())), (CopyOutcome::Removed, Vec::<String>::new()));

    // Our own program carries events into Gibbon: it takes its entry out, and a person looks.
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("secret"), "right").unwrap();
    let gibbon = "[outbox.apply]\nto = \"gibbon\"\nmis = \"gibbon\"\ntaker = \"c\"\nbehaviour = true\n\
                  [connection.gibbon]\nkind = \"mysql\"\naddress = \"localhost/gibbon\"\nuser = \"c\"\ncredentials = \"secret\"\n";
    let settings = settings(home.path(), "\"csv\"", gibbon).unwrap();
    let carried = Folder::open(&settings.outbox.unwrap(), settings.zone).unwrap();
    let taken = carried.take_back("000000000007", &both).unwrap();
    assert!(
        taken.iter().all(|one| (one.outcome, one.reason) == (CopyOutcome::Flagged, "by_hand")),
        "{taken:?}"
    );
    assert!(read(home.path(), "behaviour-000000000007.csv").contains(",6420,northgate,1970-01-01,yes,"));
    let list = read(home.path(), "recall-000000000007.csv");
    assert!(list.contains("remove by hand") && list.contains("look whether it was taken out"), "{list}");

    // Nobody but a person works through lists.
    let home = tempfile::tempdir().unwrap();
    let taken = folder(home.path(), "\"sims-xml\", \"csv\"").take_back("000000000007", &both).unwrap();
    assert!(
        taken.iter().all(|one| (one.outcome, one.reason) == (CopyOutcome::Flagged, "by_hand")),
        "{taken:?}"
    );
    assert_eq!(names(home.path()), ["recall-000000000007.csv"]);
}

#[test]
fn names_for_what_nobody_shares_are_refused_when_the_settings_are_read() {
    let home = Path::new("/etc");
    let unknown =
        settings(home, "\"csv\"", "[outbox.names.types]\nchattering = \"Disruption\"\n").unwrap_err();
    assert!(unknown.contains("low_level_disruption"), "it says what there is: {unknown}");
    for blank in ["", "   "] {
        let text = format!("[outbox.names.aspects]\npredicted = \"Forecast\"\nworking_at = \"{blank}\"\n");
        let told = settings(home, "\"csv\"", &text).unwrap_err();
        assert!(told.contains("outbox.names.aspects.working_at"), "{told}");
    }
    assert!(settings(home, "\"csv\"", NAMES).is_ok());
}
