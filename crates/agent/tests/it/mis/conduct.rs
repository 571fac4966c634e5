//! What happened at a partner stands in the home's Gibbon, where its screens of behaviour show it, and goes when it was taken back.

use super::{
    Database, GIBBON, ROSARIOSIS, asking,
    home::{Exporter, home},
    screens,
};
use commonroll_agent::{AgentError, apply};
use commonroll_connectors::mapping::Dialect;
use std::{fs, path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
};

const MAPPING: &str = "format = \"delimited\"\nrows = \"behaviour\"\ncovers = \"dates\"\n[fields]\nevent = \"Event\"\nlearner = \"Id\"\n\
    date = \"Date\"\ntime = \"Time\"\nlabel = \"Label\"\npolarity = \"Polarity\"\ncategory = \"Category\"\naction = \"Action\"\n\
    share_text = \"Text\"\ninternal_comment = \"Internal\"\n";
const CAPTIONS: &str = "Event,Id,Date,Time,Label,Polarity,Category,Action,Text,Internal";
const SETTINGS: &str = "taker = \"commonroll\"\nbehaviour = true\n\
    [outbox.names.types]\nlow_level_disruption = \"Disruptive\"\nachievement = \"Achievement\"\n";

/// The field groups of an event: what happened with the learner's part in it, and what is for sharing.
const EVENT: u32 = 1 << 2 | 1 << 3;
const SHARED: u32 = 1 << 4;

const ADA: &str =
    "E1,11,2026-09-14,11:10,Off task,negative,low_level_disruption,Moved,Settled at once,Ben was loud too";
const BEN: &str = "E2,12,2026-09-14,,Star of the week,positive,achievement,,,";
const LEFT: &str = "E3,13,2026-09-14,,Star of the week,positive,achievement,,,";

async fn host() -> Exporter {
    Exporter::new(MAPPING, CAPTIONS).await
}

async fn gibbon() -> Database {
    let mis = Database::of(GIBBON, Dialect::MySql).await;
    mis.run(screens::GIBBON_SCHOOL).await;
    mis
}

/// What View Behaviour shows: learner, type, descriptor, level, comment without our tag, who wrote it, in which year.
async fn shown(mis: &Database) -> Vec<String> {
    mis.rows(
        "select cast(b.gibbonPersonID as unsigned), b.type, b.descriptor, coalesce(b.level, '-'), \
         substring_index(b.comment, ' [cr:', 1), p.username, y.name from gibbonBehaviour b \
         join gibbonPerson p on p.gibbonPersonID = b.gibbonPersonIDCreator \
         join gibbonSchoolYear y on y.gibbonSchoolYearID = b.gibbonSchoolYearID order by b.gibbonPersonID, b.gibbonBehaviourID",
    )
    .await
}

const OF_ADA: &str =
    "11 Negative Disruptive - northgate 11:10; Off task; Moved; Settled at once commonroll this";
const OF_BEN: &str = "12 Positive Achievement - northgate; Star of the week commonroll this";

#[tokio::test]
async fn an_event_stands_in_gibbon_once_is_corrected_and_goes_again() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    host.exports(&[ADA, BEN, LEFT]).await;
    let applied = home.receive_and_apply(&host.hub).await;
    assert_eq!((applied.applied, applied.refused), (2, 1), "{:?}", home.refused().await);
    assert_eq!(shown(&mis).await, [OF_ADA, OF_BEN]);
    assert!(home.refused().await[0].message.contains("no current person"), "{:?}", home.refused().await);
    let all = mis.rows("select comment from gibbonBehaviour").await.concat();
    assert!(!all.contains("Ben was loud"), "the internal comment never left its school: {all}");

    // The same once more, as after a crash before the result was written.
    fs::remove_file(&home.result_files()[0]).unwrap();
    assert_eq!(home.apply().await.applied, 2);
    assert_eq!(shown(&mis).await, [OF_ADA, OF_BEN], "nothing is there twice");

    let corrected = ADA.replace("Moved", "Detention").replace("Settled at once", "");
    host.exports(&[&corrected, BEN, LEFT]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    let now = "11 Negative Disruptive - northgate 11:10; Off task; Detention commonroll this";
    assert_eq!(shown(&mis).await, [now, OF_BEN], "the remark that its source took out is gone");

    host.exports(&[BEN, LEFT]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    assert_eq!(shown(&mis).await, [OF_BEN], "what was taken back goes, and nothing else");
}

/// A way to the database on which a commit is held up. Says so, and lets it through at a word.
fn stalls_at_commit(mis: &Database, at: &Path) -> (mpsc::Receiver<()>, oneshot::Sender<()>) {
    let (listener, behind) = (UnixListener::bind(at).unwrap(), mis.socket_file());
    let (told, stalls) = mpsc::channel(1);
    let (go_on, goes_on) = oneshot::channel();
    tokio::spawn(async move {
        let (ours, _) = listener.accept().await.unwrap();
        let (mut from_us, mut to_us) = ours.into_split();
        let (mut from_them, mut to_them) = UnixStream::connect(behind).await.unwrap().into_split();
        tokio::spawn(async move { tokio::io::copy(&mut from_them, &mut to_us).await });
        let (mut said, mut goes_on) = (vec![0; 64 << 10], Some(goes_on));
        loop {
            let n = from_us.read(&mut said).await.unwrap();
            if said[..n].ends_with(b"commit")
                && let Some(goes_on) = goes_on.take()
            {
                told.send(()).await.unwrap();
                goes_on.await.unwrap();
            }
            if n == 0 {
                return;
            }
            to_them.write_all(&said[..n]).await.unwrap();
        }
    });
    (stalls, go_on)
}

#[tokio::test]
async fn an_event_whose_commit_stalls_is_not_entered_beside_it_by_the_next_session() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    let way = home.folder.path().join("way");
    let (mut stalls, go_on) = stalls_at_commit(&mis, &way);
    let straight = home.goes_over(&way);
    host.exports(&[ADA]).await;
    home.receive_into(home.settings.outbox.as_ref().unwrap(), &host.hub).await;
    // The agent gives up, or is killed, while the database has the change open.
    tokio::select! {
        _ = home.apply() => panic!("the commit is held up"),
        told = stalls.recv() => told.unwrap(),
    }
    home.goes_over(&straight);
    let held = home.apply().await;
    assert_eq!((held.applied, held.refused), (0, 0));
    let alarm = home.spool.alarms().await.unwrap().remove(0).text;
    assert!(alarm.contains("SQL-LOCKED") && alarm.contains("earlier session"), "{alarm}");

    go_on.send(()).unwrap();
    let stands = async {
        while shown(&mis).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_millis(1_900), stands).await.unwrap();
    home.wait(3_600);
    assert_eq!(home.apply().await.applied, 1);
    assert_eq!(shown(&mis).await, [OF_ADA], "one line, whoever's session wrote it");
    assert!(home.spool.alarms().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_entry_that_somebody_changed_is_theirs_and_nothing_of_ours_comes_back_as_the_homes() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    host.exports(&[ADA, BEN]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 2);
    // The head of year fills in what Gibbon has for it, and enters an observation of their own.
    mis.run(
        "update gibbonBehaviour set level = 'Serious', gibbonPersonIDCreator = 2 where gibbonPersonID = 11",
    )
    .await;
    mis.run("update gibbonBehaviour set followup = 'Rang home' where gibbonPersonID = 12").await;
    mis.run(
        "insert into gibbonBehaviour (gibbonSchoolYearID, date, gibbonPersonID, type, descriptor, comment, followup, \
         gibbonPersonIDCreator, timestamp) values (25, '2026-09-14', 12, 'Observation', 'Quiet', '', '', 1, now())",
    )
    .await;
    let before = shown(&mis).await;
    host.exports(&[&ADA.replace("Moved", "Detention")]).await;
    let applied = home.receive_and_apply(&host.hub).await;
    assert_eq!((applied.applied, applied.refused), (0, 2), "{:?}", home.refused().await);
    assert!(home.refused().await.iter().all(|row| row.message.contains("what a person made stays")));
    assert_eq!(shown(&mis).await, before, "neither corrected nor taken out");

    let mut reads = asking::school("ridgeway", &mis, &["gibbon-behaviour"]).await;
    reads.ask_well().await;
    let own = reads.rows("gibbon-behaviour");
    assert!(own.len() == 1 && own[0].contains("Observation"), "{own:?}");
}

#[tokio::test]
async fn an_entry_that_somebody_followed_up_stays_and_a_partners_words_stand_for_no_other_record() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    host.exports(&[ADA, BEN]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 2);
    mis.run(
        "insert into gibbonBehaviourFollowUp (gibbonBehaviourID, gibbonPersonID, followUp, timestamp) \
         select gibbonBehaviourID, 2, 'Rang home', now() from gibbonBehaviour where gibbonPersonID = 11",
    )
    .await;
    // Another entry of ours about Ben, whose words hold the tag of the first.
    mis.run(
        "insert into gibbonBehaviour (gibbonSchoolYearID, date, gibbonPersonID, type, descriptor, comment, followup, \
         gibbonPersonIDCreator, timestamp) select gibbonSchoolYearID, date, gibbonPersonID, type, descriptor, \
         concat(substring(comment, instr(comment, '[cr:')), ' [cr:00000000000000000000000000000007.1=5]'), '', \
         gibbonPersonIDCreator, timestamp from gibbonBehaviour where gibbonPersonID = 12",
    )
    .await;
    let before = shown(&mis).await;
    host.exports(&[&ADA.replace("Moved", "Detention")]).await;
    let applied = home.receive_and_apply(&host.hub).await;
    assert_eq!((applied.applied, applied.refused), (1, 1), "{:?}", home.refused().await);
    let after = shown(&mis).await;
    assert_eq!(after[0], before[0], "neither corrected nor taken out");
    assert_eq!((before.len(), after.len()), (3, 2), "Ben's went, and the other entry about Ben stands");
    let left = mis.rows("select comment from gibbonBehaviour where gibbonPersonID = 12").await.concat();
    assert!(left.contains("0007.1=5]"), "{left}");
}

#[tokio::test]
async fn an_event_that_is_sent_again_with_other_fields_says_what_came_last_and_once() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    host.exports(&[ADA]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    let without = OF_ADA.replace("; Settled at once", "");
    for (groups, stands) in [(EVENT, &*without), (EVENT | SHARED, OF_ADA), (EVENT | SHARED, OF_ADA)] {
        host.sends_again(groups);
        let applied = home.receive_and_apply(&host.hub).await;
        assert_eq!((applied.applied, applied.refused), (1, 0), "{:?}", home.refused().await);
        assert_eq!(shown(&mis).await, [stands]);
    }
}

#[tokio::test]
async fn somebody_who_works_on_other_entries_of_the_learner_holds_nothing_up() {
    let mut mis = gibbon().await;
    mis.seconds = 1;
    let mut host = host().await;
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    mis.run(
        "insert into gibbonBehaviour (gibbonBehaviourID, gibbonSchoolYearID, date, gibbonPersonID, type, descriptor, comment, followup, \
         gibbonPersonIDCreator, timestamp) values (900, 25, '2026-09-14', 11, 'Observation', 'Quiet', '', '', 1, now())",
    )
    .await;
    let mut teacher = mis.link().await;
    teacher.run("start transaction").await.unwrap();
    teacher.run("update gibbonBehaviour set level = 'Minor' where gibbonBehaviourID = 900").await.unwrap();
    for row in [ADA, &ADA.replace("Moved", "Detention")] {
        host.exports(&[row]).await;
        let applied = home.receive_and_apply(&host.hub).await;
        assert_eq!((applied.applied, applied.waiting), (1, 0), "only the teacher's own entry is locked");
    }
    teacher.run("rollback").await.unwrap();
    teacher.close().await;
}

#[tokio::test]
async fn lists_of_before_behaviour_was_carried_stay_with_the_office() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    host.exports(&[ADA]).await;
    let outbox = home.settings.outbox.clone().unwrap();
    home.receive_into(&outbox, &host.hub).await;
    assert_eq!(apply::begin(&outbox, &home.spool).await.unwrap(), 1);
    assert_eq!(home.apply().await.applied, 0);
    assert_eq!(shown(&mis).await, Vec::<String>::new(), "the office has typed it in, or was to");

    host.exports(&[ADA, BEN]).await;
    assert_eq!(apply::begin(&outbox, &home.spool).await.unwrap(), 0);
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1);
    assert_eq!(shown(&mis).await, [OF_BEN]);

    // The office's own entry of Ada stands in Gibbon, and its correction is theirs too.
    host.exports(&[&ADA.replace("Moved", "Detention"), BEN]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 0);
    assert_eq!(shown(&mis).await, [OF_BEN], "it would stand there twice");
    let refused = home.refused().await;
    assert!(refused.len() == 1 && refused[0].file.starts_with("by-hand-behaviour-"), "{refused:?}");
    assert!(refused[0].message.contains("a person's to enter"), "{refused:?}");
    let list = refused[0].file.replace(".result.csv", ".csv");
    assert!(fs::read_to_string(outbox.folder.join(list)).unwrap().contains("Detention"));
}

#[tokio::test]
async fn what_gibbon_refused_is_the_offices_once_the_program_was_left_out_for_a_while() {
    let (mis, mut host) = (gibbon().await, host().await);
    let mut home = home(&mis, "gibbon", SETTINGS).await;
    let on = home.settings.outbox.clone().unwrap();
    let mut off = on.clone();
    off.apply.as_mut().unwrap().behaviour = false;
    home.begins(&on).await;
    host.exports(&[ADA, LEFT]).await;
    let applied = home.receive_and_apply(&host.hub).await;
    assert_eq!((applied.applied, applied.refused), (1, 1), "{:?}", home.refused().await);

    // Gibbon knows the learner by now, and the office types in what the program could not.
    home.begins(&off).await;
    mis.run("update gibbonPerson set status = 'Full' where gibbonPersonID = 13").await;
    mis.run("update gibbonStudentEnrolment set gibbonSchoolYearID = 25 where gibbonPersonID = 13").await;
    mis.run(
        "insert into gibbonBehaviour (gibbonSchoolYearID, date, gibbonPersonID, type, descriptor, comment, followup, \
         gibbonPersonIDCreator, timestamp) values (25, '2026-09-14', 13, 'Positive', 'Achievement', 'Star', '', 1, now())",
    )
    .await;
    home.begins(&on).await;
    host.exports(&[&ADA.replace("Moved", "Detention"), &LEFT.replace("week", "month")]).await;
    assert_eq!(home.receive_and_apply(&host.hub).await.applied, 1, "Ada's entry is ours");
    let shown = shown(&mis).await;
    assert_eq!(shown.len(), 2, "the office's would stand there twice: {shown:?}");
    let refused = home.refused().await;
    assert!(refused.iter().any(|row| row.file.starts_with("by-hand-behaviour-")), "{refused:?}");
}

#[tokio::test]
async fn behaviour_is_refused_for_an_mis_that_has_no_place_for_it() {
    let mis = Database::empty(Dialect::MySql).await;
    for (product, more) in [(ROSARIOSIS, "behaviour = true\n"), (super::OPENSIS, "behaviour = true\n")] {
        let home = home(&mis, product.name, more).await;
        let Err(AgentError::Settings { problem, .. }) = home.carrier() else {
            panic!("{} was taken", product.name)
        };
        assert!(problem.starts_with("outbox.apply: behaviour: "), "{problem}");
    }
}
