//! A school says what it expects: its days, who will be away, what its learners need elsewhere.

use crate::{fake_hub::FakeHub, rig::*};
use commonroll_core::directory::Declaration;

const TIMETABLE: &str = "format = \"delimited\"\nrows = \"timetable\"\n[fields]\ndate = \"Date\"\ngroup = \"Class\"\nstart = \"From\"\nend = \"To\"\nlesson = \"Id\"\n";
const NOTICES: &str = "format = \"delimited\"\nrows = \"notices\"\n[fields]\nlearner = \"Learner\"\ndate = \"Date\"\nstart = \"From\"\nend = \"To\"\nnotice = \"No\"\n";
const SUPPORT: &str = "format = \"delimited\"\nrows = \"support\"\n[fields]\nlearner = \"Learner\"\nneeds = \"Needs\"\nemergency = \"Emergency\"\nlast_date = \"Until\"\n";

async fn school() -> (School, FakeHub) {
    let mut school = School::new("ridgeway").await;
    let hub = FakeHub::new().knows("ridgeway", &school.key);
    for (name, mapping) in [("timetable", TIMETABLE), ("notices", NOTICES), ("support", SUPPORT)] {
        let mut source = school.settings.sources[0].clone();
        source.name = name.to_owned();
        source.pattern = format!("{name}*.csv");
        source.mapping = Some(mapping.parse().unwrap());
        source.mapping_text = mapping.to_owned();
        school.settings.sources.push(source);
    }
    (school, hub)
}

/// What was declared since, in words.
fn said(hub: &FakeHub, behind: usize) -> Vec<String> {
    let word =
        |declared: &commonroll_wire::pb::directory::v1::Declaration| match commonroll_wire::read_declaration(
            declared,
        )
        .unwrap()
        {
            Declaration::Day(day) => {
                let ids: Vec<_> = day.lessons().iter().map(|lesson| lesson.local_id.as_str()).collect();
                format!("{} {}", day.date, ids.join(" "))
            }
            Declaration::Notice(notice) => {
                format!("{}{}", notice.local_id.as_str(), if notice.withdrawn { " back" } else { "" })
            }
            Declaration::Support(support) => {
                format!("{}: {}", support.learner.as_str(), support.needs.as_str())
            }
            other => panic!("not expected: {other:?}"),
        };
    hub.with(|s| s.declared[behind..].iter().map(word).collect())
}

async fn goes(school: &mut School, hub: &FakeHub) -> Vec<String> {
    let before = hub.with(|s| s.declared.len());
    school.publish(hub).await.unwrap();
    said(hub, before)
}

fn days(rows: &str) -> String {
    format!("Date,Class,From,To,Id\n{rows}")
}

#[tokio::test]
async fn a_changed_day_is_said_whole_again_and_an_unchanged_one_is_not() {
    let (mut school, hub) = school().await;
    let monday = "2026-09-14,12A,09:00,10:00,1\n2026-09-14,12A,11:00,12:00,2\n";
    let tuesday = "2026-09-15,12A,09:00,10:00,1\n";
    school.put("timetable.csv", &days(&format!("{monday}{tuesday}")));
    let looked = school.look().await;
    let sending: Vec<_> = taken(&looked["timetable.csv"]).sending.keys().cloned().collect();
    assert_eq!(sending, ["day 2026-09-14, 2 lessons", "day 2026-09-15, 1 lessons"], "what a check shows");
    assert_eq!(goes(&mut school, &hub).await, ["2026-09-14 1 2", "2026-09-15 1"]);
    school.wait(60);
    // Monday loses a lesson; Tuesday is not in the file any more, and stands.
    school.put("timetable.csv", &days("2026-09-14,12A,09:00,10:00,1\n"));
    assert_eq!(taken(&school.look().await["timetable.csv"]).declared, 1);
    assert_eq!(goes(&mut school, &hub).await, ["2026-09-14 1"]);
    school.wait(60);
    school.put("timetable.csv", "Date,Class,From,To,Id\n");
    assert_eq!(fault(&school.look().await["timetable.csv"]), "FILE-NO-ROWS");
    assert_eq!(goes(&mut school, &hub).await, Vec::<String>::new(), "what was said stands");
}

#[tokio::test]
async fn a_term_exported_at_once_goes_out_day_by_day() {
    let (mut school, hub) = school().await;
    let row = |date: &str| format!("{date},12A,09:00,10:00,1\n");
    let term = ["2026-09-01", "2026-09-08", "2026-09-14", "2026-10-04", "2026-10-05", "2026-12-01"];
    school.put("timetable.csv", &days(&term.map(row).concat()));
    assert_eq!(taken(&school.look().await["timetable.csv"]).problem_count, 0);
    let first = goes(&mut school, &hub).await;
    assert_eq!(
        first,
        ["2026-09-08 1", "2026-09-14 1", "2026-10-04 1"],
        "neither what is long over nor far ahead"
    );
    assert_eq!(school.spool.declarations_waiting().await.unwrap(), 0);
    school.restart().await;
    school.wait(86_400);
    assert_eq!(goes(&mut school, &hub).await, ["2026-10-05 1"]);
    school.wait(60 * 86_400);
    assert_eq!(
        goes(&mut school, &hub).await,
        ["2026-12-01 1"],
        "an agent that was off says it when it is back"
    );
}

#[tokio::test]
async fn a_notice_that_is_gone_is_taken_back_unless_it_is_over() {
    let (mut school, hub) = school().await;
    let rows = |rows: &[&str]| format!("Learner,Date,From,To,No\n{}", rows.concat());
    let over = "L1,2026-09-14,08:00,09:00,1\n";
    let (dentist, trip) = ("L2,2026-09-14,11:00,12:00,2\n", "L3,2026-09-15,,,3\n");
    school.put("notices.csv", &rows(&[over, dentist, trip]));
    school.look().await;
    assert_eq!(goes(&mut school, &hub).await, ["1", "2", "3"]);
    school.wait(60);
    school.put("notices.csv", &rows(&[trip]));
    assert_eq!(taken(&school.look().await["notices.csv"]).declared, 1);
    assert_eq!(goes(&mut school, &hub).await, ["2 back"]);
    // A day's notices are all new, and yesterday's are gone: that is no fault of the export.
    school.wait(3 * 86_400);
    let today: String = (10..40).map(|n| format!("L{n},2026-09-17,,,{n}\n")).collect();
    school.put("notices.csv", &rows(&[&today]));
    assert_eq!(taken(&school.look().await["notices.csv"]).declared, 30);
    assert_eq!(goes(&mut school, &hub).await.len(), 30);
}

#[tokio::test]
async fn a_support_note_that_is_gone_is_taken_back() {
    let (mut school, hub) = school().await;
    let (one, two) = ("L1,Large print,,2027-07-20\n", "L2,A seat at the door,Ring the desk,2027-07-20\n");
    let rows = |rows: &[&str]| format!("Learner,Needs,Emergency,Until\n{}", rows.concat());
    school.put("support.csv", &rows(&[one, two]));
    school.look().await;
    assert_eq!(goes(&mut school, &hub).await, ["L1: Large print", "L2: A seat at the door"]);
    school.wait(60);
    school.put("support.csv", &rows(&[two]));
    school.look().await;
    assert_eq!(goes(&mut school, &hub).await, ["L1: "]);
    assert_eq!(school.spool.declarations_waiting().await.unwrap(), 0);
}
