//! What an export means: new, corrected, withdrawn, or a fault.

use crate::{
    fake_hub::FakeHub,
    rig::{MARKS, School, borrowed, csv, fault, many, taken},
};
use commonroll_agent::scan::{Export, Purpose, Verdict, intake};

#[tokio::test]
async fn a_mark_is_new_then_corrected_then_withdrawn_then_back() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    for marks in [
        &[("ada", "/"), ("ben", "/")][..],
        &[("ada", "L"), ("ben", "/")],
        &[("ben", "/")],
        &[("ada", "N"), ("ben", "/")],
    ] {
        school.marks(marks);
        school.wait(60);
        school.look().await;
        school.publish(&hub).await.unwrap();
    }
    let mut ada = hub.holds();
    ada.retain(|text| text.contains("ada"));
    assert_eq!(
        ada,
        [
            "attendance 2026-09-14 ada r1",
            "attendance 2026-09-14 ada r2",
            "attendance 2026-09-14 ada r3 withdrawn",
            "attendance 2026-09-14 ada r4"
        ]
    );
    assert_eq!(hub.holds().len(), 5, "ben was sent once");
}

#[tokio::test]
async fn the_same_file_twice_sends_nothing_new() {
    let mut school = School::new("northgate").await;
    school.marks(&[("ada", "/")]);
    assert_eq!(taken(&school.look().await["marks.csv"]).new, 1);
    assert!(school.look().await.is_empty(), "an unchanged file is not read again");
    school.marks(&[("ada", "/")]);
    assert!(school.look().await.is_empty(), "nor is one that was written again with the same content");
    assert_eq!(school.spool.queue_length().await.unwrap().0, 1);
}

/// A file that breaks off, as one that is replaced while it is read.
struct Breaking(std::io::Cursor<Vec<u8>>);

impl std::io::Read for Breaking {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 if !buffer.is_empty() => Err(std::io::Error::other("changed while it was read")),
            n => Ok(n),
        }
    }
}

impl std::io::Seek for Breaking {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[tokio::test]
async fn a_file_that_changed_while_it_was_read_is_read_again_whatever_its_hash_was() {
    let mut school = School::new("northgate").await;
    let text = csv(&[("ada", "/")]);
    let (source, name) = (&school.settings.sources[0], "marks.csv");
    let reader = Box::new(Breaking(std::io::Cursor::new(text.clone().into_bytes())));
    let hash = commonroll_agent::scan::sha256(text.as_bytes());
    let (size, modified_us) = (text.len() as u64, 1);
    let export = Export { source, name, hash, size, modified_us, reader };
    let verdict =
        intake::take(&school.spool, &school.reading, export, Purpose::Take, school.now).await.unwrap();
    assert_eq!(fault(&verdict), "FILE-READ");
    assert_eq!(school.spool.queue_length().await.unwrap().0, 0);
    school.put(name, &text);
    assert_eq!(taken(&school.look().await[name]).new, 1, "the whole file is taken");
}

#[tokio::test]
async fn only_the_days_in_a_file_are_withdrawn() {
    let mut school = School::new("northgate").await;
    school.marks(&[("ada", "/"), ("ben", "/")]);
    school.look().await;
    school.put("marks.csv", "Id,Class,Date,Mark\nada,12A,2026-09-15,/\n");
    let seen = school.look().await;
    let tuesday = taken(&seen["marks.csv"]);
    assert_eq!((tuesday.new, tuesday.withdrawn), (1, 0), "Monday's marks are not in Tuesday's scope");
}

#[tokio::test]
async fn an_empty_export_withdraws_nobody() {
    let mut school = School::new("northgate").await;
    school.marks(&[("ada", "/"), ("ben", "/")]);
    school.look().await;
    school.marks(&[]);
    assert_eq!(fault(&school.look().await["marks.csv"]), "EXPORT-EMPTY");
    assert_eq!(school.spool.queue_length().await.unwrap().0, 2, "nothing was withdrawn");
    assert_eq!(school.spool.refused_exports().await.unwrap().len(), 1, "and somebody can see it");
}

#[tokio::test]
async fn a_suddenly_shrunken_export_withdraws_nobody() {
    let mut school = School::new("northgate").await;
    let marks = many(40);
    school.marks(&borrowed(&marks));
    school.look().await;
    school.marks(&borrowed(&marks[..19]));
    assert_eq!(fault(&school.look().await["marks.csv"]), "EXPORT-SHRUNK");
    assert_eq!(school.spool.queue_length().await.unwrap().0, 40);
    school.marks(&borrowed(&marks[..20]));
    let seen = school.look().await;
    assert_eq!(taken(&seen["marks.csv"]).withdrawn, 20, "half of them may leave");
    assert!(school.spool.refused_exports().await.unwrap().is_empty(), "a good export clears the fault");
}

#[tokio::test]
async fn other_keys_for_the_same_rows_are_a_fault_too() {
    let mut school = School::new("northgate").await;
    let marks = many(40);
    school.marks(&borrowed(&marks));
    school.look().await;
    let renamed: Vec<_> = (0..60).map(|i| (format!("X{i}"), "/")).collect();
    school.marks(&borrowed(&renamed));
    assert_eq!(fault(&school.look().await["marks.csv"]), "EXPORT-SHRUNK");
    assert_eq!(school.spool.queue_length().await.unwrap().0, 40, "nothing of it was taken");
}

#[tokio::test]
async fn yesterdays_export_once_more_is_refused_as_a_whole() {
    let mut school = School::new("northgate").await;
    school.marks(&[("ada", "N"), ("ben", "/")]);
    school.look().await;
    school.marks(&[("ada", "/"), ("ben", "/")]);
    school.look().await;
    school.marks(&[("ada", "N"), ("ben", "/")]);
    assert_eq!(fault(&school.look().await["marks.csv"]), "EXPORT-OLD");
    assert_eq!(school.spool.queue_length().await.unwrap().0, 3, "the correction stands");
    school.marks(&[("ada", "/"), ("ben", "/")]);
    assert_eq!(taken(&school.look().await["marks.csv"]).unchanged, 2, "the newest one is welcome");
}

#[tokio::test]
async fn a_source_may_say_that_old_exports_are_right() {
    let mut school = School::with("northgate", "accept_old_exports = true").await;
    for mark in ["N", "/", "N"] {
        school.marks(&[("ada", mark)]);
        assert!(matches!(school.look().await["marks.csv"], Verdict::Taken(_)));
    }
    assert_eq!(school.spool.queue_length().await.unwrap().0, 3);
}

#[tokio::test]
async fn a_delta_says_nothing_about_who_is_absent() {
    let mut school = School::with("northgate", "export = \"delta\"").await;
    school.marks(&[("ada", "/"), ("ben", "/")]);
    school.look().await;
    school.marks(&[("ada", "L")]);
    let seen = school.look().await;
    let delta = taken(&seen["marks.csv"]);
    assert_eq!((delta.corrected, delta.withdrawn), (1, 0));
}

#[tokio::test]
async fn each_class_may_have_a_file_of_its_own() {
    let mut school = School::new("northgate").await;
    school.put("marks-12A.csv", &csv(&[("ada", "/")]));
    school.put("marks-12B.csv", &csv(&[("ben", "/")]));
    school.look().await;
    school.put("marks-12A.csv", &csv(&[("ada", "L")]));
    let seen = school.look().await;
    assert_eq!(taken(&seen["marks-12A.csv"]).withdrawn, 0, "ben is in the other file");
}

#[tokio::test]
async fn where_each_export_has_a_new_name_the_folder_decides_who_is_absent() {
    let mut school = School::with("northgate", "absence = \"folder\"").await;
    school.put("marks-0900.csv", &csv(&[("ada", "/"), ("ben", "/")]));
    school.look().await;
    school.put("marks-1000.csv", &csv(&[("ada", "/")]));
    let seen = school.look().await;
    assert_eq!(taken(&seen["marks-1000.csv"]).withdrawn, 1);
}

#[tokio::test]
async fn a_bad_row_harms_neither_its_neighbours_nor_what_it_said_before() {
    let mut school = School::new("northgate").await;
    school.marks(&[("ada", "/"), ("ben", "/"), ("cleo", "/")]);
    school.look().await;
    school.marks(&[("ada", "/"), ("ben", "?!"), ("cleo", "L")]);
    let seen = school.look().await;
    let second = taken(&seen["marks.csv"]);
    assert_eq!((second.corrected, second.withdrawn), (1, 0), "ben's mark was unreadable, not absent");
    assert_eq!(second.problem_count, 1);
    assert_eq!((second.problems[0].line, second.problems[0].file.as_str()), (Some(3), "marks.csv"));
    let (problems, n) = school.spool.problems(10).await.unwrap();
    assert_eq!((problems.len(), n), (1, 1), "it can be seen later");
    commonroll_agent::status::write_problems(&school.settings, &school.spool).await.unwrap();
    let file = crate::rig::read(&school.settings.problems_file());
    assert!(file.contains("marks.csv") && !file.contains("?!") && !file.contains("ben"), "{file}");
}

#[tokio::test]
async fn two_rows_with_one_key_are_a_problem_and_not_a_correction() {
    let mut school = School::new("northgate").await;
    school.marks(&[("ada", "/"), ("ada", "N"), ("ben", "/"), ("ben", "/")]);
    let seen = school.look().await;
    let only = taken(&seen["marks.csv"]);
    assert_eq!((only.new, only.problem_count), (2, 1));
    assert_eq!(only.problems[0].rule, "AGENT-SAME-KEY");
}

#[tokio::test]
async fn a_placement_that_is_gone_is_ended_and_one_that_is_back_is_declared_again() {
    let mut school = School::new("ridgeway").await;
    let hub = FakeHub::new().knows("ridgeway", &school.key);
    let visits = |rows: &[&str]| format!("Id,Host,From,To\n{}", rows.join(""));
    let (ada, ben) = ("ada,northgate,2026-09-01,2027-07-01\n", "ben,northgate,2026-09-01,2027-07-01\n");
    for rows in [&[ada, ben][..], &[ben], &[ben], &[ada, ben, "\n"]] {
        school.put("visits.csv", &visits(rows));
        school.look().await;
        school.wait(60);
        school.publish(&hub).await.unwrap();
    }
    let declared = hub.with(|s| s.declared.clone());
    let ends = declared.iter().filter(|d| format!("{d:?}").contains("PlacementEnd")).count();
    assert_eq!((declared.len(), ends), (3, 1), "{declared:?}");
    assert_eq!(school.spool.declarations_waiting().await.unwrap(), 0);
}

#[tokio::test]
async fn whoever_is_gone_from_the_timetable_teaches_nothing_and_is_declared_again_when_back() {
    let mut school = School::new("ridgeway").await;
    let hub = FakeHub::new().knows("ridgeway", &school.key);
    let (van, plum) = ("VAN,12B\nVAN,12C\n", "PLU,13A\n");
    for rows in [&[van, plum][..], &[plum], &[plum, "\n"], &[plum, "VAN,12C\n"]] {
        school.put("staff.csv", &format!("Teacher,Class\n{}", rows.concat()));
        school.look().await;
        school.wait(60);
        school.publish(&hub).await.unwrap();
    }
    let taught: Vec<_> = hub.with(|s| s.declared.clone()).iter().map(staff).collect();
    let said = |id: &str, groups: &[&str]| (id.to_owned(), groups.join(" "));
    let expected =
        [said("PLU", &["13A"]), said("VAN", &["12B", "12C"]), said("VAN", &[]), said("VAN", &["12C"])];
    assert_eq!(taught, expected);
    assert_eq!(school.spool.declarations_waiting().await.unwrap(), 0);
}

/// A declared member of staff: id and groups.
fn staff(declared: &commonroll_wire::pb::directory::v1::Declaration) -> (String, String) {
    match commonroll_wire::read_declaration(declared).unwrap() {
        commonroll_core::directory::Declaration::Staff(staff) => {
            let groups: Vec<&str> = staff.groups.iter().map(|group| group.as_str()).collect();
            (staff.local_id.as_str().to_owned(), groups.join(" "))
        }
        other => panic!("not staff: {other:?}"),
    }
}

#[tokio::test]
async fn a_changed_mapping_reads_the_file_again() {
    let mut school = School::new("northgate").await;
    school.marks(&[("ada", "/")]);
    school.look().await;
    school.settings.sources[0].mapping_text.push_str("# changed\n");
    assert_eq!(taken(&school.look().await["marks.csv"]).unchanged, 1);
}

#[tokio::test]
async fn a_hostile_file_is_refused_and_the_one_before_stands() {
    let mut school = School::new("northgate").await;
    school.marks(&[("ada", "/")]);
    school.look().await;
    school.put("marks.csv", &format!("Id,Class,Date,Mark\nada,{},2026-09-14,L\n", "x".repeat(200_000)));
    assert!(matches!(school.look().await["marks.csv"], Verdict::Refused(_)));
    assert_eq!(school.spool.queue_length().await.unwrap().0, 1);
}

/// An export of a log: all rows that were ever written, the newest last.
fn log(rows: &[(&str, &str)]) -> String {
    // So many other learners that the rows of one stand far apart.
    let others = many(1_500);
    let (first, rest) = rows.split_at(rows.len() / 2);
    csv(&[first, &borrowed(&others), rest].concat())
}

impl School {
    /// One whose marks are a log, of which the latest row of a key counts.
    async fn of_log() -> Self {
        let mut school = School::with("northgate", "").await;
        let mapping = MARKS.replace("covers", "repeats = \"latest\"\ncovers");
        std::fs::write(school.folder.path().join("marks.toml"), &mapping).unwrap();
        school.settings = {
            let text = "data = \"data\"\n[pace]\nsettle_ms = 0\n[[source]]\nname = \"marks\"\nfolder = \"exports\"\n\
                        pattern = \"marks*.csv\"\nconnector = \"delimited\"\nmapping = \"marks.toml\"\n";
            commonroll_agent::Settings::parse(text, &school.folder.path().join("agent.toml")).unwrap()
        };
        school
    }
}

#[tokio::test]
async fn of_a_log_the_latest_row_of_a_key_counts_however_far_apart_its_rows_stand() {
    let mut school = School::of_log().await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    // What is written, and whether that corrects what was sent before.
    for (rows, corrected) in [
        (&[("ada", "/"), ("ada", "L")][..], 0),
        (&[("ada", "/"), ("ada", "L"), ("ada", "L"), ("ada", "N")], 1),
        (&[("ada", "/"), ("ada", "L"), ("ada", "L"), ("ada", "N"), ("eve", "/"), ("eve", "/")], 0),
        (&[("ada", "/"), ("ada", "L"), ("ada", "/"), ("ada", "N")], 0),
        // Noted, taken back, and noted once more.
        (&[("ada", "N"), ("ada", "/"), ("ada", "L"), ("ada", "/"), ("ada", "L"), ("ada", "N")], 0),
        (&[("ada", "N"), ("ada", "/"), ("ada", "L"), ("ada", "L")], 1),
        (&[("ada", "L")], 0),
    ] {
        school.put("marks.csv", &log(rows));
        school.wait(60);
        let looked = school.look().await;
        let taken = taken(&looked["marks.csv"]);
        assert_eq!((taken.corrected, taken.problem_count), (corrected, 0), "{rows:?}");
        school.publish(&hub).await.unwrap();
    }
    let mut ada = hub.holds();
    ada.retain(|text| text.contains("ada"));
    assert_eq!(ada.len(), 3, "{ada:?}");
}

#[tokio::test]
async fn what_the_hub_refused_is_tried_again_though_a_log_said_otherwise_in_between() {
    let mut school = School::of_log().await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    hub.with(|s| s.refuse.insert("ada".to_owned(), "no_placement".to_owned()));
    school.put("marks.csv", &log(&[("ada", "/")]));
    school.look().await;
    school.publish(&hub).await.unwrap();
    assert_eq!(school.spool.refused(10).await.unwrap().len(), 1);

    // A slip, and the slip mended, a thousand rows apart.
    let others = many(1_500);
    let (others, there_and_back) = (borrowed(&others), [("ada", "/"), ("ada", "L"), ("ada", "/")]);
    let [first, slip, mended] = there_and_back.each_ref().map(std::slice::from_ref);
    school.put("marks.csv", &csv(&[first, &others, slip, &others, mended].concat()));
    school.wait(60);
    assert_eq!(taken(&school.look().await["marks.csv"]).corrected, 0);
    assert_eq!(school.spool.refused(10).await.unwrap().len(), 1, "it waits as before");
    hub.with(|s| s.refuse.clear());
    school.wait(4_000);
    school.publish(&hub).await.unwrap();
    let ada = || hub.holds().into_iter().filter(|text| text.contains("ada")).collect::<Vec<_>>();
    assert_eq!(ada(), ["attendance 2026-09-14 ada r1"]);

    // What the log says otherwise in the end takes the place of what was refused.
    hub.with(|s| s.refuse.insert("ada".to_owned(), "no_placement".to_owned()));
    for mark in ["L", "N"] {
        school.put("marks.csv", &csv(&[first, &others, &[("ada", mark)]].concat()));
        school.wait(60);
        school.look().await;
        school.publish(&hub).await.unwrap();
    }
    let refused = school.spool.refused(10).await.unwrap();
    assert_eq!(refused.iter().map(|one| one.revision).collect::<Vec<_>>(), [3]);
}
