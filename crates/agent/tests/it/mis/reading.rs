//! Reading: what the screens of three MIS store arrives as records, and looking costs next to nothing.

use super::{Database, GIBBON, OPENSIS, ROSARIOSIS, asking, screens};
use crate::rig::{School, taken};
use commonroll_agent::fetch::Outcome;
use commonroll_connectors::mapping::Dialect;

#[tokio::test]
async fn gibbon_the_newest_row_of_the_log_is_the_mark() {
    let mis = Database::of(GIBBON, Dialect::MySql).await;
    mis.run(screens::GIBBON_SCHOOL).await;
    for (learner, code) in [(11, "A"), (11, "PL"), (12, "PS")] {
        mis.run(&screens::gibbon_class(learner, "current_date", code)).await;
    }
    mis.run(&screens::gibbon_person(12, "current_date", "A")).await;
    // What Commonroll wrote for a partner is not this school's own.
    let ours = screens::gibbon_class(12, "current_date", "A")
        .replace("'Class', ''", "'Class', 'northgate [cr:0a.1=A]'");
    mis.run(&ours).await;
    let mut school = asking::school(
        "ridgeway",
        &mis,
        &[
            "gibbon-attendance",
            "gibbon-attendance-day",
            "gibbon-learners",
            "gibbon-groups",
            "gibbon-staff",
            "gibbon-timetable",
            "gibbon-behaviour",
            "gibbon-marks",
            "gibbon-internal-assessment",
        ],
    )
    .await;
    mis.run("insert into gibbonBehaviour (gibbonSchoolYearID, date, gibbonPersonID, type, descriptor, level, comment, followup, gibbonPersonIDCreator) \
             values (25, current_date, 11, 'Positive', 'Helpful', 'Stage 1', 'said \"well done\", twice', '', 1); \
             insert into gibbonScale (gibbonScaleID, name, nameShort) values (3, 'A to E', 'AE'); \
             insert into gibbonMarkbookColumn (gibbonMarkbookColumnID, gibbonCourseClassID, type, name, date, attainment, attainmentRaw, attainmentRawMax, \
               gibbonScaleIDAttainment, complete, completeDate) values \
               (1, 50, 'Test', 'Waves', current_date, 'Y', 'N', null, 3, 'Y', current_date), \
               (2, 50, 'Test', 'Heat', current_date, 'Y', 'Y', 40, 3, 'Y', current_date), (3, 50, 'Test', 'Later', current_date, 'Y', 'N', null, 3, 'N', null); \
             insert into gibbonMarkbookEntry (gibbonMarkbookColumnID, gibbonPersonIDStudent, attainmentValue, attainmentValueRaw) values \
               (1, 11, 'B', null), (2, 11, '30', '30'), (3, 11, 'A', null), (1, 12, '', null); \
             insert into gibbonInternalAssessmentColumn (gibbonInternalAssessmentColumnID, gibbonCourseClassID, name, type, attainment, complete, completeDate, \
               gibbonScaleIDAttainment) values (1, 50, 'Autumn', 'Predicted Grade', 'Y', 'Y', current_date, 3); \
             insert into gibbonInternalAssessmentEntry (gibbonInternalAssessmentColumnID, gibbonPersonIDStudent, attainmentValue) values (1, 11, 'A');").await;
    let seen = school.ask_and_look().await;
    for (name, verdict) in &seen {
        assert_eq!(taken(verdict).problems, [], "{name}");
    }
    assert_eq!(seen.len(), 9);
    let today = &mis.rows("select current_date").await[0];
    let row = |source: &str, place: usize| school.rows(source)[place].replace(today.as_str(), "TODAY");
    assert!(
        row("gibbon-attendance", 0).starts_with("11,TODAY,12PHY.1,64,PL,late,09:00:00,10:00:00,"),
        "{}",
        row("gibbon-attendance", 0)
    );
    assert!(
        row("gibbon-attendance", 1).starts_with("12,TODAY,12PHY.1,64,PS,unknown,"),
        "offsite says nothing about the room"
    );
    assert_eq!(school.rows("gibbon-attendance").len(), 2);
    assert!(row("gibbon-attendance-day", 0).starts_with("12,TODAY,A,absent,"));
    assert_eq!(
        school.rows("gibbon-learners"),
        ["11,Ashby,Ada,Ada,2009-05-01", "12,Bell,Ben,Ben,2009-06-01"],
        "nobody who left"
    );
    assert_eq!(row("gibbon-timetable", 0), "TODAY,64,12PHY.1,09:00:00,10:00:00");
    assert_eq!(school.rows("gibbon-staff"), ["teacher,12PHY.1"]);
    assert_eq!(
        row("gibbon-behaviour", 0),
        "b1,11,TODAY,Positive,Helpful,Stage 1,\"said \"\"well done\"\", twice\""
    );
    assert_eq!(row("gibbon-marks", 0), "1,11,12PHY.1,Physics,Waves,Test,TODAY,B,gibbon-ae");
    assert_eq!(row("gibbon-marks", 1), "2,11,12PHY.1,Physics,Heat,Test,TODAY,30,raw-0-40");
    assert_eq!(school.rows("gibbon-marks").len(), 2, "what isn't complete isn't read");

    mis.run(&screens::gibbon_class(11, "current_date", "P")).await;
    let seen = school.ask_and_look().await;
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["gibbon-attendance"], "nothing else says anything new");
    assert_eq!(taken(&seen["gibbon-attendance"]).corrected, 1);
}

#[tokio::test]
async fn the_office_s_mark_counts_and_the_teacher_s_is_kept_beside_it() {
    for (product, dialect) in
        [(ROSARIOSIS, Dialect::Postgres), (ROSARIOSIS, Dialect::MySql), (OPENSIS, Dialect::MySql)]
    {
        let mis = Database::of(product, dialect).await;
        mis.run(&screens::school(product.name)).await;
        mis.run(&screens::teacher(11, "current_date", 80, "A")).await;
        mis.run(&screens::office(11, 80, "T")).await;
        mis.run(&screens::teacher(12, "current_date", 80, "P")).await;
        mis.run(&screens::teacher(12, "current_date", 81, "H")).await;
        mis.run("insert into gradebook_assignments (assignment_id, staff_id, marking_period_id, assignment_type_id, course_period_id, title, due_date, points) \
                 values (1, 1, 2, 1, 70, 'Waves', current_date, 20); \
                 insert into gradebook_grades (student_id, course_period_id, assignment_id, points) values (11, 70, 1, 17.5), (12, 70, 1, -1); \
                 insert into report_card_grades (id, syear, school_id, title, grade_scale_id) values (5, 2026, 1, 'B', 3); \
                 insert into student_report_card_grades (id, syear, school_id, student_id, course_period_id, report_card_grade_id, grade_letter, marking_period_id, \
                   course_title) values (1, 2026, 1, 11, 70, 5, 'B', '2', 'Physics');").await;
        let names = ["learners", "groups", "staff", "timetable", "attendance", "marks", "report-card"]
            .map(|what| format!("{}-{what}", product.name));
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        if product.name == "rosariosis" {
            names.push("rosariosis-behaviour");
            mis.run("insert into discipline_fields (id, title, data_type, column_name) values (1, 'Violation', 'multiple_checkbox', 'CATEGORY_1'); \
                     insert into discipline_referrals (id, syear, student_id, school_id, staff_id, entry_date, category_1, category_6) \
                     values (1, 2026, 11, 1, 1, current_date, '||Fighting||Truancy||', 'Seen by TT');").await;
        }
        let mut school = asking::school("ridgeway", &mis, &names).await;
        let seen = school.ask_and_look().await;
        for (name, verdict) in &seen {
            assert_eq!(taken(verdict).problems, [], "{name} {dialect:?}");
        }
        assert_eq!(seen.len(), names.len(), "{dialect:?}");
        let today = &mis.rows("select current_date").await[0];
        let rows = |what: &str| -> Vec<String> {
            school
                .rows(&format!("{}-{what}", product.name))
                .iter()
                .map(|row| row.replace(today.as_str(), "TODAY"))
                .collect()
        };
        let marks = rows("attendance");
        let begins = |place: usize, with: &str| {
            assert!(marks[place].replace(":00:00", ":00").starts_with(with), "{dialect:?}: {}", marks[place])
        };
        begins(0, "11,TODAY,80,70,T,late,09:00,10:00,teacher marked: Absent");
        begins(1, "12,TODAY,80,70,P,present,09:00,10:00,");
        begins(2, "12,TODAY,81,70,H,unknown,10:00,11:00,");
        assert_eq!(rows("learners"), ["11,Ashby,Ada,Ada,2009-05-01", "12,Bell,Ben,Ben,"], "{dialect:?}");
        assert_eq!(
            rows("marks"),
            ["11,1,70,Physics,Waves,TODAY,17.5,raw-0-20", "12,1,70,Physics,Waves,TODAY,exempt,raw-0-20"]
        );
        assert_eq!(rows("report-card").len(), 1);
        assert!(rows("timetable")[0].starts_with("TODAY,70-"), "{:?}", rows("timetable"));
        if product.name == "rosariosis" {
            assert_eq!(rows("behaviour"), ["1,11,TODAY,Seen by TT,\"Fighting, Truancy\""]);
        }
    }
}

#[tokio::test]
async fn while_nothing_changes_the_query_is_not_asked() {
    for (product, dialect) in [(ROSARIOSIS, Dialect::Postgres), (OPENSIS, Dialect::MySql)] {
        let mis = Database::of(product, dialect).await;
        mis.run(&screens::school(product.name)).await;
        mis.run(&screens::teacher(11, "current_date", 80, "P")).await;
        let name = format!("{}-attendance", product.name);
        let mut school = asking::school("ridgeway", &mis, &[&name]).await;
        school.ask_well().await;
        // The server notes changes a moment after they were made.
        asking::until("nothing new", async || school.ask_well().await[&name] == Outcome::Unchanged).await;
        school.wait(16 * 60);
        assert_ne!(
            school.ask_well().await[&name],
            Outcome::Unchanged,
            "a quarter of an hour later it is asked anyway"
        );
        mis.run(&screens::office(11, 80, "A")).await;
        asking::until("the office's mark", async || school.ask_well().await[&name] != Outcome::Unchanged)
            .await;
        assert!(school.rows(&name)[0].contains(",A,absent,"));
    }
}

/// A school that asks a table of marks for what is new in it.
async fn going_on(dialect: Dialect, higher: &str) -> (Database, School) {
    let mis = Database::empty(dialect).await;
    let reader = mis.account("read");
    let to = if dialect == Dialect::MySql { format!("{reader}@localhost") } else { reader };
    mis.run(&format!(
        "create table marks (id integer primary key, pupil integer, day date, mark varchar(2)); \
             insert into marks values (9, 1, '2026-09-14', '/'); grant select on marks to {to}"
    ))
    .await;
    let mapping = format!(
        "format = \"sql\"\nrows = \"attendance\"\nignore = [\"id\"]\n[sql]\nsince = \"id\"\n\
         query = \"select id, pupil, day, mark from marks where :since is null or id {higher} cast(:since as decimal)\"\n\
         [codes]\nset = \"ENG-2024\"\n[fields]\nlearner = \"pupil\"\ndate = \"day\"\nmark = \"mark\"\n"
    );
    let school = asking::with("ridgeway", &mis, &[("own.toml", &mapping)], "export = \"delta\"\n").await;
    (mis, school)
}

#[tokio::test]
async fn a_table_with_capitals_is_watched_under_its_name_and_another_as_the_database_folds_it() {
    let mis = Database::empty(Dialect::Postgres).await;
    let reader = mis.account("read");
    mis.run(&format!(
        "create table \"AttMarks\" (id integer primary key, pupil integer, day date, mark varchar(2)); \
             create table pupils (id integer); grant select on \"AttMarks\", pupils to {reader}; \
             insert into \"AttMarks\" values (9, 1, '2026-09-14', '/')"
    ))
    .await;
    let mapping = "format = \"sql\"\nrows = \"attendance\"\nignore = [\"id\"]\n[sql]\nwatch = [\"AttMarks\", \"Pupils\"]\n\
         query = \"select id, pupil, day, mark from \\\"AttMarks\\\"\"\n\
         [codes]\nset = \"ENG-2024\"\n[fields]\nlearner = \"pupil\"\ndate = \"day\"\nmark = \"mark\"\n";
    let mut school = asking::with("ridgeway", &mis, &[("own.toml", mapping)], "").await;
    assert!(matches!(school.ask_well().await["own"], Outcome::Written(_)));
    assert_eq!(school.ask_well().await["own"], Outcome::Unchanged);
}

fn rows(n: u32) -> String {
    format!("rows-{n:012}.csv")
}

#[tokio::test]
async fn a_query_of_one_s_own_goes_on_from_where_it_was() {
    for (dialect, higher) in [(Dialect::MySql, ">"), (Dialect::Postgres, ">=")] {
        let (mis, mut school) = going_on(dialect, higher).await;
        assert_eq!(school.ask_well().await["own"], Outcome::Written(vec![rows(1)]));
        assert_eq!(taken(&school.look().await[&rows(1)]).new, 1, "{dialect:?}");
        assert_eq!(school.ask_well().await["own"], Outcome::Unchanged, "{dialect:?}");
        mis.run("insert into marks values (10, 2, '2026-09-14', 'L')").await;
        school.ask_well().await;
        let seen = school.look().await;
        assert_eq!((taken(&seen[&rows(2)]).new, taken(&seen[&rows(2)]).withdrawn), (1, 0));
        for _ in 0..3 {
            school.wait(15 * 60);
            assert_eq!(
                school.ask_well().await["own"],
                Outcome::Unchanged,
                "{dialect:?}: no file says nothing"
            );
        }
        assert_eq!(files(&school), [rows(2)], "what was taken goes");
    }
}

#[tokio::test]
async fn a_mark_whose_number_was_given_out_before_others_and_that_is_committed_after_them_is_read() {
    for dialect in [Dialect::MySql, Dialect::Postgres] {
        let (mis, mut school) = going_on(dialect, ">").await;
        school.ask_well().await;
        school.wait(20 * 60);
        school.ask_well().await;
        // A teacher's screen is slow; another one is quick.
        let mut slow = mis.link().await;
        slow.begin_writing().await.unwrap();
        slow.run("insert into marks values (10, 2, '2026-09-14', 'L')").await.unwrap();
        mis.run("insert into marks values (11, 3, '2026-09-14', '/')").await;
        assert_eq!(school.ask_well().await["own"], Outcome::Added(rows(2)), "{dialect:?}");
        slow.run("commit").await.unwrap();
        slow.close().await;
        school.wait(30);
        assert_eq!(school.ask_well().await["own"], Outcome::Added(rows(3)), "{dialect:?}");
        let seen = school.look().await;
        assert_eq!((taken(&seen[&rows(3)]).items, taken(&seen[&rows(3)]).new), (1, 1), "{dialect:?}");
        assert_eq!(school.spool.queue_length().await.unwrap().0, 3, "{dialect:?}");
    }
}

#[tokio::test]
async fn what_was_fetched_stays_until_it_was_taken() {
    let (mis, mut school) = going_on(Dialect::MySql, ">").await;
    school.ask_well().await;
    let mut teacher = mis.link().await;
    for pupil in 2..=66 {
        teacher
            .run(&format!("insert into marks values ({pupil} + 8, {pupil}, '2026-09-14', '/')"))
            .await
            .unwrap();
        school.ask_well().await;
    }
    assert_eq!(files(&school).len(), 66);
    assert_eq!(school.look().await.values().map(|verdict| taken(verdict).new).sum::<u64>(), 66);
    school.ask_well().await;
    assert_eq!(files(&school), [rows(66)]);
}

/// The files of the one source that lie there.
fn files(school: &School) -> Vec<String> {
    let entries = std::fs::read_dir(school.fetched("own")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}
