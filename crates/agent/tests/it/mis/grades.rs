//! A grade that a partner gave stands in the home's Gibbon, in the internal assessment that the home made for it, and goes when it was
//! taken back. What the home's own people saved stays.

use super::{
    Database, GIBBON, OPENSIS, ROSARIOSIS, asking,
    home::{Exporter, home},
    screens,
};
use crate::rig::School;
use commonroll_agent::{AgentError, apply};
use commonroll_connectors::mapping::Dialect;
use std::fs;

const MAPPING: &str = "format = \"delimited\"\nrows = \"assessment\"\ncovers = \"everything\"\nkey = [\"Id\", \"Title\"]\n[fields]\n\
    learner = \"Id\"\ngroup = \"Class\"\ndate = \"Date\"\ngrade = \"Grade\"\nscale = { const = \"gce-a-level\" }\nscale_version = { const = \"2024\" }\n\
    kind = { const = \"working_at\" }\nsubject = \"Subject\"\ntitle = \"Title\"\nresult_set = \"Set\"\ncomment = \"Remark\"\n";
const CAPTIONS: &str = "Id,Class,Date,Grade,Subject,Title,Set,Remark";
const SETTINGS: &str = "taker = \"commonroll\"\nresults = true\ngroups = { \"12A/Ph1\" = \"12PHY.1\" }\n\
    scales = { \"gce-a-level\" = \"AL\" }\n[outbox.names.aspects]\nworking_at = \"Partner: working at\"\n";

/// The field groups of a result: what was given, and the remark.
const RESULT: u32 = 1 << 2;
const REMARK: u32 = 1 << 3;

const ADA: &str = "11,12A/Ph1,2026-09-14,A*,Physics,Unit 1,,Steady";
const BEN: &str = "12,12A/Ph1,2026-09-14,B,Physics,Unit 1,,";

async fn host() -> Exporter {
    Exporter::new(MAPPING, CAPTIONS).await
}

/// Gibbon with a scale, and the internal assessment that Manage Internal Assessments made in the physics class.
async fn gibbon() -> Database {
    let mis = Database::of(GIBBON, Dialect::MySql).await;
    mis.run(screens::GIBBON_SCHOOL).await;
    mis.run(
        "insert into gibbonScale (gibbonScaleID, name, nameShort, `usage`, active, `numeric`) values \
         (7, 'A Level', 'AL', '', 'Y', 'N'), (8, 'GCSE', 'GCSE', '', 'Y', 'Y');
         insert into gibbonScaleGrade (gibbonScaleID, value, descriptor, sequenceNumber, isDefault) values \
         (7, 'A*', 'Outstanding', 1, 'N'), (7, 'A', 'Very high', 2, 'N'), (7, 'a', 'Very high (AS)', 3, 'N'), (7, 'B', 'High', 4, 'N'), \
         (8, 'B', 'Second', 1, 'N');",
    )
    .await;
    column(&mis, 90, "Partner: working at", 7).await;
    mis
}

async fn column(mis: &Database, id: u32, name: &str, scale: u32) {
    mis.run(&format!(
        "insert into gibbonInternalAssessmentColumn (gibbonInternalAssessmentColumnID, gibbonCourseClassID, name, description, type, \
         attainment, gibbonScaleIDAttainment, effort, comment, uploadedResponse, complete, completeDate, viewableStudents, viewableParents, \
         gibbonPersonIDCreator, gibbonPersonIDLastEdit) values ({id}, 50, '{name}', '', 'Partner', 'Y', {scale}, 'N', 'Y', 'N', 'Y', \
         '2026-09-01', 'N', 'N', 1, 1)"
    ))
    .await;
}

/// What the class's page of the internal assessment shows: learner, column, grade, descriptor, comment without our tag, whose entry.
async fn shown(mis: &Database) -> Vec<String> {
    mis.rows(
        "select cast(e.gibbonPersonIDStudent as unsigned), m.name, coalesce(e.attainmentValue, '-'), coalesce(e.attainmentDescriptor, '-'), \
         substring_index(coalesce(e.comment, '-'), ' [cr:', 1), p.username from gibbonInternalAssessmentEntry e \
         join gibbonInternalAssessmentColumn m on m.gibbonInternalAssessmentColumnID = e.gibbonInternalAssessmentColumnID \
         join gibbonPerson p on p.gibbonPersonID = e.gibbonPersonIDLastEdit \
         order by e.gibbonPersonIDStudent, e.gibbonInternalAssessmentEntryID",
    )
    .await
}

/// The class's page, as a teacher saves it: a line for a learner, blank where nothing was filled in.
fn saved(learner: u32, grade: &str) -> String {
    format!(
        "insert into gibbonInternalAssessmentEntry (gibbonInternalAssessmentColumnID, gibbonPersonIDStudent, attainmentValue, \
         attainmentDescriptor, comment, gibbonPersonIDLastEdit) values (90, {learner}, '{grade}', '', '', 1)"
    )
}

const OF_ADA: &str = "11 Partner: working at A* Outstanding northgate; Physics; Unit 1; Steady commonroll";
const OF_BEN: &str = "12 Partner: working at B High northgate; Physics; Unit 1 commonroll";

#[tokio::test]
async fn a_grade_stands_in_gibbon_once_is_corrected_and_goes_again() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    let left = BEN.replace("12,", "13,");
    host.exports(&[ADA, BEN, &left]).await;
    let applied = home.receive_and_apply(&host.hub).await;
    assert_eq!((applied.applied, applied.refused), (2, 1), "{:?}", home.refused().await);
    assert_eq!(shown(&mis).await, [OF_ADA, OF_BEN]);
    assert!(home.refused().await[0].message.contains("no current person"), "{:?}", home.refused().await);

    // The same once more, as after a crash before the result was written.
    fs::remove_file(&home.result_files()[0]).unwrap();
    assert_eq!(home.apply().await.applied, 2);
    assert_eq!(shown(&mis).await, [OF_ADA, OF_BEN], "nothing is there twice");

    let corrected = ADA.replace("A*", "A").replace("Steady", "");
    host.exports(&[&corrected, BEN, &left]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    let now = "11 Partner: working at A Very high northgate; Physics; Unit 1 commonroll";
    assert_eq!(shown(&mis).await, [now, OF_BEN], "the remark that its source took out is gone");

    // A correction that can't be entered leaves the older grade behind, and says so.
    host.exports(&[&ADA.replace("A*", "Q"), BEN, &left]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.refused, 1);
    assert!(home.refused().await.iter().any(|row| row.message.contains("still stands there")));
    assert_eq!(shown(&mis).await, [now, OF_BEN]);

    host.exports(&[BEN, &left]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    assert_eq!(shown(&mis).await, [OF_BEN], "what was taken back goes, and nothing else");

    // The home reads its own grades, and ours are not among them.
    column(&mis, 92, "Mocks", 7).await;
    mis.run(&saved(12, "A").replace("(90,", "(92,")).await;
    let mut reads = asking::school("ridgeway", &mis, &["gibbon-internal-assessment"]).await;
    reads.ask_well().await;
    let own = reads.rows("gibbon-internal-assessment");
    assert!(own.len() == 1 && own[0].contains("Mocks"), "{own:?}");
}

#[tokio::test]
async fn what_a_teacher_saved_stays_and_a_line_of_ours_that_was_saved_anew_is_theirs() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    mis.run(&saved(12, "")).await;
    host.exports(&[ADA, BEN]).await;
    let applied = home.receive_and_apply(&host.hub).await;
    assert_eq!((applied.applied, applied.refused), (1, 1), "{:?}", home.refused().await);
    assert_eq!(shown(&mis).await[0], OF_ADA);
    assert!(
        home.refused().await[0].message.contains("a line of the school's own"),
        "{:?}",
        home.refused().await
    );

    mis.run(
        "update gibbonInternalAssessmentEntry set effortValue = '2', gibbonPersonIDLastEdit = 1 where gibbonPersonIDStudent = 11",
    )
    .await;
    let before = shown(&mis).await;
    host.exports(&[&ADA.replace("A*", "B")]).await;
    let applied = home.receive_and_apply(&host.hub).await;
    // Ben's was never there, so taking it back is done.
    assert_eq!((applied.applied, applied.refused), (1, 1), "{:?}", home.refused().await);
    assert!(home.refused().await.iter().any(|row| row.message.contains("saved this result anew")));
    assert_eq!(shown(&mis).await, before, "neither corrected nor taken out");
    host.exports(&[BEN]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 0);
    assert_eq!(shown(&mis).await, before);
}

#[tokio::test]
async fn a_grade_is_written_as_given_or_not_at_all() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    let told = async |home: &School| {
        let refused = home.refused().await;
        refused.into_iter().map(|row| row.message).collect::<Vec<_>>().join("; ")
    };
    // As good as a letter of the scale, but not that letter.
    host.exports(&[&ADA.replace("A*", "C")]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.refused, 1);
    assert!(told(&home).await.contains("no such grade"), "{}", told(&home).await);
    host.exports(&[&ADA.replace("A*", "Q")]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.refused, 1, "pending is no grade");
    assert_eq!(shown(&mis).await, Vec::<String>::new());

    // A column on a scale that nobody said to be the partner's, though it has the letter.
    mis.run("update gibbonInternalAssessmentColumn set gibbonScaleIDAttainment = 8").await;
    host.exports(&[&ADA.replace("A*", "B")]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.refused, 1);
    assert!(told(&home).await.contains("outbox.apply.scales"), "{}", told(&home).await);
    mis.run("update gibbonInternalAssessmentColumn set gibbonScaleIDAttainment = 7").await;

    // A group that is no class here, and no column of the name.
    host.exports(&[&ADA.replace("12A/Ph1", "12A/Ch1").replace("A*", "A")]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.refused, 1);
    assert!(told(&home).await.contains("outbox.apply.groups"), "{}", told(&home).await);
    mis.run("update gibbonInternalAssessmentColumn set name = 'Mocks'").await;
    host.exports(&[&ADA.replace("A*", "A")]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.refused, 1);
    assert!(told(&home).await.contains("outbox.names.aspects"), "{}", told(&home).await);
    assert_eq!(shown(&mis).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_second_grade_of_the_same_name_needs_a_column_of_its_own_which_its_result_set_names() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    let spring = ADA.replace("Unit 1,", "Unit 2,Spr1").replace("A*", "B");
    host.exports(&[ADA]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    host.exports(&[ADA, &spring]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.refused, 1);
    assert!(home.refused().await[0].message.contains("one more column"), "{:?}", home.refused().await);
    assert_eq!(shown(&mis).await, [OF_ADA]);

    // Once there is such a column the row is tried again.
    column(&mis, 91, "Partner: working at Spr1", 7).await;
    fs::remove_file(&home.result_files()[1]).unwrap();
    assert_eq!(home.apply().await.applied, 1);
    let two = shown(&mis).await;
    assert!(
        two.len() == 2 && two.iter().any(|line| line.starts_with("11 Partner: working at Spr1 B High")),
        "{two:?}"
    );
}

#[tokio::test]
async fn a_grade_moves_to_the_column_of_its_result_set_and_stays_where_it_is_if_its_place_was_taken() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    column(&mis, 91, "Partner: working at Spr1", 7).await;
    host.exports(&[ADA, BEN]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 2);
    let line = mis
        .rows("select gibbonInternalAssessmentEntryID from gibbonInternalAssessmentEntry where gibbonPersonIDStudent = 11")
        .await;
    let of_spring = ADA.replace("Unit 1,", "Unit 1,Spr1");
    host.exports(&[&of_spring, BEN]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    let moved = "11 Partner: working at Spr1 A* Outstanding northgate; Physics; Unit 1; Steady commonroll";
    assert_eq!(shown(&mis).await, [moved, OF_BEN], "and it stands in its first column no longer");
    let now = mis
        .rows("select gibbonInternalAssessmentEntryID from gibbonInternalAssessmentEntry where gibbonPersonIDStudent = 11")
        .await;
    assert_eq!(now, line, "the same line");

    // Somebody has saved the first column's page meanwhile, with a blank for Ada.
    mis.run(&saved(11, "")).await;
    let before = shown(&mis).await;
    host.exports(&[&ADA.replace("Steady", "Calm"), BEN]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.refused, 1);
    let said = &home.refused().await[0].message;
    assert!(said.contains("a line of the school's own") && said.contains("still stands there"), "{said}");
    assert_eq!(shown(&mis).await, before);
    host.exports(&[BEN]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    assert!(!shown(&mis).await.iter().any(|line| line.contains("Spr1")), "ours goes from where it stands");
}

#[tokio::test]
async fn a_grade_that_is_sent_again_with_other_fields_says_what_came_last_and_once() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    host.exports(&[ADA]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    let without = OF_ADA.replace("; Steady", "");
    for (groups, stands) in [(RESULT, &*without), (RESULT | REMARK, OF_ADA), (RESULT | REMARK, OF_ADA)] {
        host.sends_again(groups);
        let applied = home.receive_and_apply(&host.hub).await;
        assert_eq!((applied.applied, applied.refused), (1, 0), "{:?}", home.refused().await);
        assert_eq!(shown(&mis).await, [stands]);
    }
}

#[tokio::test]
async fn lines_that_we_wrote_stay_ours_when_results_are_left_out_for_a_while() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    let on = home.settings.outbox.clone().unwrap();
    let mut off = on.clone();
    off.apply.as_mut().unwrap().results = false;
    home.begins(&on).await;
    host.exports(&[ADA]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);

    // Ben's comes while results are a list for the office, which enters it.
    home.begins(&off).await;
    host.exports(&[ADA, BEN]).await;
    home.receive_into(&off, &host.hub).await;
    mis.run(&saved(12, "B")).await;
    home.begins(&on).await;
    host.exports(&[&ADA.replace("A*", "A"), &BEN.replace(",B,", ",A,")]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    let theirs = "12 Partner: working at B   teacher";
    assert_eq!(shown(&mis).await, [&OF_ADA.replace("A* Outstanding", "A Very high"), theirs]);
    let refused = home.refused().await;
    assert!(refused.len() == 1 && refused[0].file.starts_with("by-hand-assessment-"), "{refused:?}");
    host.exports(&[BEN]).await;
    home.receive_and_apply(&host.hub).await;
    assert_eq!(shown(&mis).await, [theirs], "ours is taken out, and nobody has to look for it");
}

#[tokio::test]
async fn what_we_had_not_come_to_when_results_were_left_out_is_a_persons() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    let on = home.settings.outbox.clone().unwrap();
    let mut off = on.clone();
    off.apply.as_mut().unwrap().results = false;
    home.begins(&on).await;
    host.exports(&[ADA]).await;
    home.receive_and_apply(&host.hub).await;
    host.exports(&[&ADA.replace("A*", "A"), BEN]).await;
    home.receive_into(&on, &host.hub).await;
    home.begins(&off).await;
    assert_eq!(home.begins(&on).await, 1, "the list was the office's meanwhile");
    host.exports(&[&ADA.replace("A*", "B"), &BEN.replace(",B,", ",A,")]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    assert_eq!(shown(&mis).await, [OF_ADA.replace("A* Outstanding", "B High")], "Ada's line is ours");
    assert!(home.refused().await.iter().all(|row| row.file.starts_with("by-hand-assessment-")));
}

#[tokio::test]
async fn somebody_who_saves_other_lines_holds_nothing_up() {
    let mut mis = gibbon().await;
    mis.seconds = 1;
    let mut host = host().await;
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    host.exports(&[BEN]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    let mut teacher = mis.link().await;
    teacher.run("start transaction").await.unwrap();
    teacher.run(&saves_effort(&mis, 12).await).await.unwrap();
    for row in [ADA, &ADA.replace("A*", "A")] {
        host.exports(&[row, BEN]).await;
        let applied = home.receive_and_apply(&host.hub).await;
        assert_eq!((applied.applied, applied.waiting), (1, 0), "only Ben's line is locked");
    }
    // The teacher comes to Ada's line, too: ours waits, and then finds it theirs.
    teacher.run(&saves_effort(&mis, 11).await).await.unwrap();
    host.exports(&[&ADA.replace("A*", "B"), BEN]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.waiting, 1);
    teacher.run("commit").await.unwrap();
    teacher.close().await;
    home.wait(3_600);
    assert_eq!(home.apply().await.refused, 1);
    assert!(home.refused().await[0].message.contains("saved this result anew"), "{:?}", home.refused().await);
}

/// What a teacher's saving of a learner's only line does, by its key as the screen does.
async fn saves_effort(mis: &Database, learner: u32) -> String {
    let key = mis
        .rows(&format!(
            "select gibbonInternalAssessmentEntryID from gibbonInternalAssessmentEntry where gibbonPersonIDStudent = {learner}"
        ))
        .await
        .concat();
    format!(
        "update gibbonInternalAssessmentEntry set effortValue = '2' where gibbonInternalAssessmentEntryID = {key}"
    )
}

#[tokio::test]
async fn lists_of_before_results_were_carried_stay_with_the_office() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    host.exports(&[ADA]).await;
    let outbox = home.settings.outbox.clone().unwrap();
    let before = commonroll_agent::settings::Outbox { apply: None, ..outbox.clone() };
    home.receive_into(&before, &host.hub).await;
    assert_eq!(apply::begin(&outbox, &home.spool).await.unwrap(), 1);
    assert_eq!(home.apply().await.applied, 0);
    host.exports(&[&ADA.replace("A*", "A"), BEN]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    assert_eq!(shown(&mis).await, [OF_BEN], "Ada's would stand beside what the office typed in");
    let refused = home.refused().await;
    assert!(refused.len() == 1 && refused[0].file.starts_with("by-hand-assessment-"), "{refused:?}");
}

#[tokio::test]
async fn results_are_refused_for_an_mis_that_has_no_place_for_them() {
    let mis = Database::empty(Dialect::MySql).await;
    for product in [ROSARIOSIS, OPENSIS] {
        let home = home(&mis, product.name, "results = true\n").await;
        let Err(AgentError::Settings { problem, .. }) = home.carrier() else {
            panic!("{} was taken", product.name)
        };
        assert!(problem.starts_with("outbox.apply: results: "), "{problem}");
    }
}
