//! A mark that a host's teacher made reaches the home's own database; a correction follows; what a person made stays.

use super::{
    Database, GIBBON, OPENSIS, ROSARIOSIS,
    database::Product,
    home::{home, host},
    screens,
};
use commonroll_connectors::mapping::Dialect;
use std::fs;

/// What the home's own screens would show of a day's marks: learner, code, class or period, and how it stands there.
fn shown(product: Product) -> &'static str {
    match product.name {
        "gibbon" => {
            "select cast(l.gibbonPersonID as unsigned), c.nameShort, l.direction, l.context, cast(coalesce(l.gibbonCourseClassID, 0) as unsigned), \
             cast(coalesce(l.gibbonTTDayRowClassID, 0) as unsigned), p.username from gibbonAttendanceLogPerson l \
             join gibbonAttendanceCode c on c.gibbonAttendanceCodeID = l.gibbonAttendanceCodeID and c.name = l.type \
             join gibbonPerson p on p.gibbonPersonID = l.gibbonPersonIDTaker order by 1, l.gibbonAttendanceLogPersonID"
        }
        _ => {
            "select a.student_id, c.short_name, a.period_id, a.course_period_id, a.admin, a.marking_period_id, t.short_name from attendance_period a \
             left join attendance_codes c on c.id = a.attendance_code left join attendance_codes t on t.id = a.attendance_teacher_code order by 1, 3"
        }
    }
}

async fn prepared(product: Product, dialect: Dialect) -> Database {
    let mis = Database::of(product, dialect).await;
    let school = if product.name == "gibbon" {
        screens::GIBBON_SCHOOL.to_owned()
    } else {
        screens::school(product.name)
    };
    mis.run(&school).await;
    mis
}

fn settings(product: Product) -> &'static str {
    match product.name {
        "gibbon" => "taker = \"commonroll\"\ngroups = { \"70\" = \"12PHY.1\" }\n",
        // The period that begins when the lesson began.
        _ => "",
    }
}

/// One story for each home: a teacher at the host marks two learners; the home has a mark of its own for the second.
async fn told(host_of: (Product, Dialect), home_of: (Product, Dialect), expect: [&[&str]; 3]) {
    let (theirs, ours) = (prepared(host_of.0, host_of.1).await, prepared(home_of.0, home_of.1).await);
    let (mut host, hub) = host(&theirs, host_of.0.name).await;
    let mut home = home(&ours, home_of.0.name, settings(home_of.0)).await;
    let mark = |learner, code| match home_of.0.name {
        "gibbon" => screens::gibbon_class(learner, "current_date", code),
        _ => screens::teacher(learner, "current_date", 80, code),
    };
    theirs.run(&screens::teacher(11, "current_date", 80, "P")).await;
    theirs.run(&screens::teacher(12, "current_date", 80, "A")).await;
    ours.run(&mark(12, "P")).await;

    host.send(&hub).await;
    let applied = home.receive_and_apply(&hub).await;
    assert_eq!((applied.applied, applied.refused), (1, 1), "{:?}", home.refused().await);
    assert_eq!(
        ours.rows(shown(home_of.0)).await,
        expect[0],
        "the home's own mark of the second learner stays"
    );
    let refused = home.refused().await;
    assert!(refused.len() == 1 && refused[0].message.contains("what a person made stays"), "{refused:?}");

    // The same once more, as after a crash before the result was written: nothing is there twice.
    fs::remove_file(&home.result_files()[0]).unwrap();
    assert_eq!(home.apply().await.applied, 1);
    assert_eq!(ours.rows(shown(home_of.0)).await, expect[0]);

    theirs.run(&screens::office(11, 80, "T")).await;
    host.send(&hub).await;
    assert_eq!(home.receive_and_apply(&hub).await.applied, 1);
    assert_eq!(
        ours.rows(shown(home_of.0)).await,
        expect[1],
        "the correction changed our own row, and no other"
    );

    // The home reads its own database too: what Commonroll wrote there does not come back as the home's.
    let mut reads =
        super::asking::school("ridgeway", &ours, &[&format!("{}-attendance", home_of.0.name)]).await;
    reads.ask_well().await;
    let own = reads.rows(&format!("{}-attendance", home_of.0.name));
    assert!(own.len() == 1 && own[0].starts_with("12,"), "{own:?}");

    theirs.run("delete from attendance_period where student_id = 11").await;
    host.send(&hub).await;
    assert_eq!(home.receive_and_apply(&hub).await.applied, 1);
    assert_eq!(
        ours.rows(shown(home_of.0)).await,
        expect[2],
        "what the host took back goes, and nothing else"
    );
}

#[tokio::test]
async fn a_mark_of_opensis_reaches_gibbon() {
    let own = "12 P In Class 50 64 teacher";
    told(
        (OPENSIS, Dialect::MySql),
        (GIBBON, Dialect::MySql),
        [&["11 P In Class 50 64 commonroll", own], &["11 PL In Class 50 64 commonroll", own], &[own]],
    )
    .await;
}

#[tokio::test]
async fn a_mark_of_opensis_reaches_rosariosis_on_postgresql() {
    let own = "12 P 80 70 - - P";
    told(
        (OPENSIS, Dialect::MySql),
        (ROSARIOSIS, Dialect::Postgres),
        [&["11 P 80 70 Y 2 -", own], &["11 T 80 70 Y 2 -", own], &[own]],
    )
    .await;
}

#[tokio::test]
async fn a_mark_of_rosariosis_reaches_rosariosis_on_mariadb() {
    let own = "12 P 80 70 - - P";
    told(
        (ROSARIOSIS, Dialect::Postgres),
        (ROSARIOSIS, Dialect::MySql),
        [&["11 P 80 70 Y 2 -", own], &["11 T 80 70 Y 2 -", own], &[own]],
    )
    .await;
}

#[tokio::test]
async fn a_mark_of_rosariosis_reaches_opensis() {
    let own = "12 P 80 70 - - P";
    told(
        (ROSARIOSIS, Dialect::Postgres),
        (OPENSIS, Dialect::MySql),
        [&["11 P 80 70 Y 2 -", own], &["11 T 80 70 Y 2 -", own], &[own]],
    )
    .await;
}

#[tokio::test]
async fn a_mark_of_gibbon_reaches_opensis() {
    let (theirs, ours) = (prepared(GIBBON, Dialect::MySql).await, prepared(OPENSIS, Dialect::MySql).await);
    let (mut host, hub) = host(&theirs, "gibbon").await;
    let mut home = home(&ours, "opensis", "").await;
    theirs.run(&screens::gibbon_class(11, "current_date", "A")).await;
    host.send(&hub).await;
    home.receive_and_apply(&hub).await;
    assert_eq!(
        ours.rows(shown(OPENSIS)).await,
        ["11 A 80 70 Y 2 -"],
        "why somebody is absent is the home's to say: no official code"
    );
    theirs.run(&screens::gibbon_class(11, "current_date", "PL")).await;
    host.send(&hub).await;
    home.receive_and_apply(&hub).await;
    assert_eq!(ours.rows(shown(OPENSIS)).await, ["11 T 80 70 Y 2 -"]);
}

#[tokio::test]
async fn a_mark_that_somebody_changed_in_the_mis_is_theirs() {
    for (product, dialect, change, stays) in [
        (
            GIBBON,
            Dialect::MySql,
            "update gibbonAttendanceLogPerson set gibbonPersonIDTaker = 1, gibbonAttendanceCodeID = 4, type = 'Absent', direction = 'Out'",
            "11 A Out Class 50 64 teacher",
        ),
        (
            ROSARIOSIS,
            Dialect::Postgres,
            "update attendance_period set attendance_code = 4",
            "11 E 80 70 Y 2 -",
        ),
        (
            OPENSIS,
            Dialect::MySql,
            "update attendance_period set attendance_teacher_code = 2",
            "11 P 80 70 Y 2 A",
        ),
    ] {
        let (theirs, ours) =
            (prepared(ROSARIOSIS, Dialect::Postgres).await, prepared(product, dialect).await);
        let (mut host, hub) = host(&theirs, "rosariosis").await;
        let mut home = home(&ours, product.name, settings(product)).await;
        theirs.run(&screens::teacher(11, "current_date", 80, "P")).await;
        theirs.run(&screens::teacher(12, "current_date", 80, "H")).await;
        host.send(&hub).await;
        let applied = home.receive_and_apply(&hub).await;
        assert_eq!((applied.applied, applied.refused), (1, 1), "half a day says nothing about a room");
        ours.run(change).await;
        theirs.run(&screens::office(11, 80, "A")).await;
        host.send(&hub).await;
        assert_eq!(home.receive_and_apply(&hub).await.refused, 1, "{}", product.name);
        assert_eq!(ours.rows(shown(product)).await, [stays], "neither a correction");
        theirs.run("delete from attendance_period where student_id = 11").await;
        host.send(&hub).await;
        assert_eq!(home.receive_and_apply(&hub).await.refused, 1);
        assert_eq!(ours.rows(shown(product)).await, [stays], "nor a withdrawal touches it");
    }
}

#[tokio::test]
async fn without_a_class_gibbon_has_it_by_person_unless_the_home_has_marked_the_day() {
    let (theirs, ours) =
        (prepared(ROSARIOSIS, Dialect::Postgres).await, prepared(GIBBON, Dialect::MySql).await);
    let (mut host, hub) = host(&theirs, "rosariosis").await;
    let mut home = home(&ours, "gibbon", "taker = \"commonroll\"\n").await;
    theirs.run(&screens::teacher(11, "current_date", 80, "P")).await;
    theirs.run(&screens::teacher(12, "current_date", 80, "P")).await;
    ours.run(&screens::gibbon_person(12, "current_date", "A").replace("'Person'", "'Form Group'")).await;
    host.send(&hub).await;
    let applied = home.receive_and_apply(&hub).await;
    assert_eq!((applied.applied, applied.refused), (1, 1));
    assert_eq!(
        ours.rows(shown(GIBBON)).await,
        ["11 P In Person 0 0 commonroll", "12 A Out Form Group 0 0 teacher"]
    );
}

#[tokio::test]
async fn a_mis_that_writes_nought_for_no_teachers_mark_is_corrected_all_the_same() {
    let (theirs, ours) =
        (prepared(ROSARIOSIS, Dialect::Postgres).await, prepared(OPENSIS, Dialect::MySql).await);
    let (mut host, hub) = host(&theirs, "rosariosis").await;
    let mut home = home(&ours, "opensis", "").await;
    theirs.run(&screens::teacher(11, "current_date", 80, "P")).await;
    theirs.run(&screens::teacher(12, "current_date", 80, "P")).await;
    host.send(&hub).await;
    home.receive_and_apply(&hub).await;
    ours.run("update attendance_period set attendance_teacher_code = 0").await;
    theirs.run(&screens::office(11, 80, "T")).await;
    host.send(&hub).await;
    assert_eq!(home.receive_and_apply(&hub).await.applied, 1, "{:?}", home.refused().await);
    assert_eq!(ours.rows(shown(OPENSIS)).await[0], "11 T 80 70 Y 2 -");
    theirs.run("delete from attendance_period where student_id = 11").await;
    host.send(&hub).await;
    assert_eq!(home.receive_and_apply(&hub).await.applied, 1);
    let left = ours.rows(shown(OPENSIS)).await;
    assert!(left.len() == 1 && left[0].starts_with("12 P"), "{left:?}");
}
