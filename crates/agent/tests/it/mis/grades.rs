//! A grade that a partner gave stands in the home's Gibbon, in the internal assessment that the home made for it, and goes when it was
//! taken back. What the home's own people saved stays.

use super::{Database, GIBBON, OPENSIS, ROSARIOSIS, asking, home::home, screens};
use crate::{fake_hub::FakeHub, rig::School};
use commonroll_agent::{AgentError, apply};
use commonroll_connectors::mapping::Dialect;
use std::fs;

const MAPPING: &str = "format = \"delimited\"\nrows = \"assessment\"\ncovers = \"everything\"\nkey = [\"Id\", \"Title\"]\n[fields]\n\
    learner = \"Id\"\ngroup = \"Class\"\ndate = \"Date\"\ngrade = \"Grade\"\nscale = { const = \"gce-a-level\" }\nscale_version = { const = \"2024\" }\n\
    kind = { const = \"working_at\" }\nsubject = \"Subject\"\ntitle = \"Title\"\nresult_set = \"Set\"\ncomment = \"Remark\"\n";
const CAPTIONS: &str = "Id,Class,Date,Grade,Subject,Title,Set,Remark";
const SETTINGS: &str = "taker = \"commonroll\"\nresults = true\ngroups = { \"12A/Ph1\" = \"12PHY.1\" }\n\
    scales = { \"gce-a-level\" = \"AL\" }\n[outbox.names.aspects]\nworking_at = \"Partner: working at\"\n";

const ADA: &str = "11,12A/Ph1,2026-09-14,A*,Physics,Unit 1,,Steady";
const BEN: &str = "12,12A/Ph1,2026-09-14,B,Physics,Unit 1,,";

/// A host that exports grades.
async fn host() -> (School, FakeHub) {
    let more = "[[source]]\nname = \"grades\"\nfolder = \"exports\"\npattern = \"grades*.csv\"\nconnector = \"delimited\"\n\
                mapping = \"grades.toml\"\nshrink_percent_max = 100\n";
    let host = School::of("northgate", more, &[("grades.toml", MAPPING)]).await;
    let hub = FakeHub::new().knows("northgate", &host.key);
    hub.with(|state| state.home_prefix = "");
    (host, hub)
}

async fn exports(host: &mut School, hub: &FakeHub, rows: &[&str]) {
    host.wait(60);
    host.put("grades.csv", &format!("{CAPTIONS}\n{}\n", rows.join("\n")));
    host.look().await;
    host.publish(hub).await.unwrap();
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
    let (mis, (mut host, hub)) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    let left = BEN.replace("12,", "13,");
    exports(&mut host, &hub, &[ADA, BEN, &left]).await;
    let applied = home.receive_and_apply(&hub).await;
    assert_eq!((applied.applied, applied.refused), (2, 1), "{:?}", home.refused().await);
    assert_eq!(shown(&mis).await, [OF_ADA, OF_BEN]);
    assert!(home.refused().await[0].message.contains("no current person"), "{:?}", home.refused().await);

    // The same once more, as after a crash before the result was written.
    fs::remove_file(&home.result_files()[0]).unwrap();
    assert_eq!(home.apply().await.applied, 2);
    assert_eq!(shown(&mis).await, [OF_ADA, OF_BEN], "nothing is there twice");

    let corrected = ADA.replace("A*", "A").replace("Steady", "");
    exports(&mut host, &hub, &[&corrected, BEN, &left]).await;
    assert_eq!(home.receive_and_apply(&hub).await.applied, 1);
    let now = "11 Partner: working at A Very high northgate; Physics; Unit 1 commonroll";
    assert_eq!(shown(&mis).await, [now, OF_BEN], "the remark that its source took out is gone");

    // A correction that can't be entered leaves the older grade behind, and says so.
    exports(&mut host, &hub, &[&ADA.replace("A*", "Q"), BEN, &left]).await;
    assert_eq!(home.receive_and_apply(&hub).await.refused, 1);
    assert!(home.refused().await.iter().any(|row| row.message.contains("still stands there")));
    assert_eq!(shown(&mis).await, [now, OF_BEN]);

    exports(&mut host, &hub, &[BEN, &left]).await;
    assert_eq!(home.receive_and_apply(&hub).await.applied, 1);
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
    let (mis, (mut host, hub)) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    mis.run(&saved(12, "")).await;
    exports(&mut host, &hub, &[ADA, BEN]).await;
    let applied = home.receive_and_apply(&hub).await;
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
    exports(&mut host, &hub, &[&ADA.replace("A*", "B")]).await;
    let applied = home.receive_and_apply(&hub).await;
    // Ben's was never there, so taking it back is done.
    assert_eq!((applied.applied, applied.refused), (1, 1), "{:?}", home.refused().await);
    assert!(home.refused().await.iter().any(|row| row.message.contains("saved this result anew")));
    assert_eq!(shown(&mis).await, before, "neither corrected nor taken out");
    exports(&mut host, &hub, &[BEN]).await;
    assert_eq!(home.receive_and_apply(&hub).await.applied, 0);
    assert_eq!(shown(&mis).await, before);
}

#[tokio::test]
async fn a_grade_is_written_as_given_or_not_at_all() {
    let (mis, (mut host, hub)) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    let told = async |home: &School| {
        let refused = home.refused().await;
        refused.into_iter().map(|row| row.message).collect::<Vec<_>>().join("; ")
    };
    // As good as a letter of the scale, but not that letter.
    exports(&mut host, &hub, &[&ADA.replace("A*", "C")]).await;
    assert_eq!(home.receive_and_apply(&hub).await.refused, 1);
    assert!(told(&home).await.contains("no such grade"), "{}", told(&home).await);
    exports(&mut host, &hub, &[&ADA.replace("A*", "Q")]).await;
    assert_eq!(home.receive_and_apply(&hub).await.refused, 1, "pending is no grade");
    assert_eq!(shown(&mis).await, Vec::<String>::new());

    // A column on a scale that nobody said to be the partner's, though it has the letter.
    mis.run("update gibbonInternalAssessmentColumn set gibbonScaleIDAttainment = 8").await;
    exports(&mut host, &hub, &[&ADA.replace("A*", "B")]).await;
    assert_eq!(home.receive_and_apply(&hub).await.refused, 1);
    assert!(told(&home).await.contains("outbox.apply.scales"), "{}", told(&home).await);
    mis.run("update gibbonInternalAssessmentColumn set gibbonScaleIDAttainment = 7").await;

    // A group that is no class here, and no column of the name.
    exports(&mut host, &hub, &[&ADA.replace("12A/Ph1", "12A/Ch1").replace("A*", "A")]).await;
    assert_eq!(home.receive_and_apply(&hub).await.refused, 1);
    assert!(told(&home).await.contains("outbox.apply.groups"), "{}", told(&home).await);
    mis.run("update gibbonInternalAssessmentColumn set name = 'Mocks'").await;
    exports(&mut host, &hub, &[&ADA.replace("A*", "A")]).await;
    assert_eq!(home.receive_and_apply(&hub).await.refused, 1);
    assert!(told(&home).await.contains("outbox.names.aspects"), "{}", told(&home).await);
    assert_eq!(shown(&mis).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_second_grade_of_the_same_name_needs_a_column_of_its_own_which_its_result_set_names() {
    let (mis, (mut host, hub)) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    let spring = ADA.replace("Unit 1,", "Unit 2,Spr1").replace("A*", "B");
    exports(&mut host, &hub, &[ADA]).await;
    assert_eq!(home.receive_and_apply(&hub).await.applied, 1);
    exports(&mut host, &hub, &[ADA, &spring]).await;
    assert_eq!(home.receive_and_apply(&hub).await.refused, 1);
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
async fn lists_of_before_results_were_carried_stay_with_the_office() {
    let (mis, (mut host, hub)) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    exports(&mut host, &hub, &[ADA]).await;
    let outbox = home.settings.outbox.clone().unwrap();
    let before = commonroll_agent::settings::Outbox { apply: None, ..outbox.clone() };
    let folder = commonroll_agent::outbox::Folder::open(&before, home.settings.zone.clone()).unwrap();
    let receiver = commonroll_agent::receive::Receiver {
        hub: &hub,
        spool: &home.spool,
        write_back: &folder,
        rng: &crate::rig::Dice,
        now: home.now,
    };
    let mut feed = commonroll_agent::Hub::receive(&hub, 0).await.unwrap();
    while let Some(piece) = feed.next().await.unwrap() {
        receiver.take(&piece).await.unwrap();
    }
    assert_eq!(apply::begin(&outbox, &home.spool).await.unwrap(), 1);
    assert_eq!(home.apply().await.applied, 0);
    exports(&mut host, &hub, &[&ADA.replace("A*", "A"), BEN]).await;
    assert_eq!(home.receive_and_apply(&hub).await.applied, 1);
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
