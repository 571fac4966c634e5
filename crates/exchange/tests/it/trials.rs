//! Trying a change: who would gain and who would lose, by institution, role, kind and part; and nothing is changed.

use crate::{
    crowd::{crowd, long, month},
    world::*,
};
use commonroll_core::{RecordKind, Role};
use commonroll_exchange::*;
use commonroll_policy::Texts;
use std::time::{Duration, Instant};

const TEACHERS: &str = "@id(\"teachers-read-results\")\n@says(\"A teacher at home reads results.\")\n\
    permit (principal, action == Action::\"read\", resource is Assessment) when {\n\
    principal.role == Role::\"teacher\" && context.purpose == Purpose::\"teaching\" &&\n\
    resource has home && principal.institution == resource.home && resource.placed &&\n\
    context has agreement && context.agreement.lists.contains(context.group) };\n";

const TUTORS: &str = "@id(\"tutors-read-at-host\")\n@says(\"A tutor reads the results that the own institution gave.\")\n\
    permit (principal, action == Action::\"read\", resource is Assessment) when {\n\
    principal.role == Role::\"tutor\" && context.purpose == Purpose::\"pastoral\" &&\n\
    principal.institution == resource.source };\n";

/// The agreement of the world with these kinds alone.
fn agreement(kinds: &[&str]) -> String {
    let terms = &ConsortiumFile::parse(CONSORTIUM).unwrap().agreements[0];
    let mut terms = AgreementTerms { version: 2, ..terms.clone() };
    terms.kinds.retain(|kind, _| kinds.contains(&kind.as_str()));
    terms.written_out()
}

async fn school() -> World {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.placed("ridgeway", "r-1", "northgate", "n-78", "1000000027").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1), mark("northgate", "n-77", 10, 1)]).await;
    world.publish("northgate", vec![mark("northgate", "n-78", 9, 1)]).await;
    world
}

fn trial(agreement: Option<String>) -> Trial {
    Trial { agreement, ..Trial::default() }
}

impl World {
    async fn tries(&self, by: &Actor, trial: Trial) -> Result<Tried, LawError> {
        self.exchange.try_change(by.acting(), trial, self.now(), |_, _| {}).await
    }
}

fn line<'t>(
    tried: &'t Tried,
    at: &str,
    role: Option<Role>,
    ahead: bool,
    group: &str,
) -> Option<&'t TriedLine> {
    let mut lines = tried.lines.iter();
    lines.find(|line| {
        line.institution == slug(at) && line.role == role && line.ahead == ahead && line.group == group
    })
}

#[tokio::test]
async fn dropping_a_kind_from_an_agreement_shows_who_would_lose_what_and_changes_nothing() {
    let mut world = school().await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let before = (
        world.exchange.stats().policy,
        world.exchange.agreements(manager.acting(), world.now()).unwrap().len(),
    );
    let tried = world.tries(&manager, trial(Some(agreement(&["assessment", "behaviour"])))).await.unwrap();
    assert!(
        tried.lines.iter().all(|line| !line.gains && line.kind == Some(RecordKind::Attendance)),
        "{tried:?}"
    );
    let ours = line(&tried, "kingsmead", None, false, "presence").unwrap();
    assert_eq!((ours.records, ours.learners, ours.about), (2, 1, false));
    assert_eq!(ours.examples, [id("k-1")], "by the own id");
    let tutors = line(&tried, "kingsmead", Some(Role::Tutor), false, "presence").unwrap();
    assert_eq!((tutors.records, tutors.learners), (2, 1));
    let ahead = line(&tried, "kingsmead", None, true, "presence").unwrap();
    assert_eq!((ahead.records, ahead.learners), (0, 1), "for the placements in force");
    // The other home has too few learners for it to be told that there is anything.
    assert!(line(&tried, "ridgeway", None, false, "presence").is_none());
    // The host made them: what its own people read of its own doesn't hang on the agreement.
    assert!(line(&tried, "northgate", Some(Role::Teacher), false, "presence").is_none());
    assert!(line(&tried, "kingsmead", None, false, "note").is_none(), "what the hub doesn't hold isn't lost");
    assert_eq!((tried.records, tried.gone, tried.names), (3, 0, true));
    assert!(!format!("{tried:?}").contains("k-1"), "an outcome isn't for logs");

    let after = (
        world.exchange.stats().policy,
        world.exchange.agreements(manager.acting(), world.now()).unwrap().len(),
    );
    assert_eq!(before, after);
    let taken = world.publish("northgate", vec![mark("northgate", "n-77", 11, 1)]).await;
    assert!(matches!(taken[0], RecordAnswer::Accepted { .. }), "a trial changes nothing");
    let log = world.exchange.show(1, 1_000).await.unwrap();
    assert_eq!(log.iter().filter(|entry| entry["more"]["question"] == "try").count(), 1);
    assert!(!format!("{log:?}").contains("k-1"));
    let dropped = Trial { dropped: vec![slug("vale-2026")], ..Trial::default() };
    let all = world.tries(&manager, dropped).await.unwrap();
    assert!(all.lines.len() > tried.lines.len(), "every kind goes");
}

/// The rules with one more file.
fn rules(name: &str, more: &str) -> Trial {
    let texts = Texts::embedded();
    Trial::of_files(texts.iter().chain([(name, more)]), None, Vec::new()).unwrap()
}

#[tokio::test]
async fn a_rule_that_widens_shows_the_role_that_would_gain() {
    let world = school().await;
    let manager = Actor::new(&world, "northgate", Role::DataManager);
    let tried = world.tries(&manager, rules("tutors.cedar", TUTORS)).await.unwrap();
    assert!(tried.comparison.as_ref().unwrap().kind().widens());
    let gain = line(&tried, "northgate", Some(Role::Tutor), true, "result").unwrap();
    assert_eq!((gain.gains, gain.learners, gain.kind), (true, 2, Some(RecordKind::Assessment)));
    assert!(gain.examples.is_empty(), "they are other institutions' learners, and not ours to name");
    assert!(tried.lines.iter().all(|line| line.gains && line.role == Some(Role::Tutor)), "{tried:?}");
    assert!(tried.lines.iter().all(|line| line.ahead), "there is no result in the last 30 days");
    // The rules are the ceiling: where the agreement doesn't let a role see it, nobody gains.
    let capped = world.tries(&manager, rules("teachers.cedar", TEACHERS)).await.unwrap();
    assert!(capped.comparison.as_ref().unwrap().kind().widens() && capped.lines.is_empty(), "{capped:?}");
    let same = Trial::of_files(Texts::embedded().iter(), None, Vec::new()).unwrap();
    let same = world.tries(&manager, same).await.unwrap();
    assert_eq!(same.lines, [], "the same rules change nothing for anybody");
}

#[tokio::test]
async fn what_could_not_be_put_in_force_is_not_tried_and_the_line_is_told() {
    let world = school().await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let stale = agreement(&["assessment"]).replace("version = 2", "version = 1");
    let at = 1 + stale.lines().position(|line| line == "version = 1").unwrap();
    let refused = world.tries(&manager, trial(Some(stale))).await.unwrap_err();
    assert!(refused.to_string().starts_with(&format!("{at}: version:")), "{refused}");
    let broken = rules("x.cedar", "permit (principal,\n  action == Action::\"nonsense\",\n  resource);");
    let refused = world.tries(&manager, broken).await.unwrap_err();
    assert!(refused.to_string().contains("x.cedar:"), "{refused}");
    let unknown = Trial { dropped: vec![slug("nothing")], ..Trial::default() };
    assert!(matches!(world.tries(&manager, unknown).await, Err(LawError::Invalid(_))));
    assert!(Trial::of_files(std::iter::empty(), None, Vec::new()).is_err());
    let head = Actor::new(&world, "kingsmead", Role::Head);
    let refused = world.tries(&head, trial(Some(agreement(&["assessment"])))).await;
    assert_eq!(refused.unwrap_err(), LawError::NotAllowed(NotAllowed::Denied));
}

#[tokio::test]
async fn what_an_agreement_does_between_two_others_is_theirs_to_try() {
    let parties = |names: &str| {
        let both = r#"parties = ["kingsmead", "ridgeway", "northgate"]"#;
        CONSORTIUM.replace(both, &format!("parties = [{names}]"))
    };
    let file = ConsortiumFile::parse(&parties(r#""ridgeway", "northgate""#)).unwrap().signed_by(&PEOPLE);
    let file = PARTNERS
        .into_iter()
        .fold(file, |file, name| file.with_person(&PEOPLE, &slug(name), Role::DataManager));
    let world = World::with("sqlite::memory:", file).await;
    world.placed("ridgeway", "r-1", "northgate", "n-78", "1000000027").await;
    let stranger = Actor::new(&world, "kingsmead", Role::DataManager);
    let party = Actor::new(&world, "ridgeway", Role::DataManager);
    let drop = Trial { dropped: vec![slug("vale-2026")], ..Trial::default() };
    let refused = world.tries(&stranger, drop.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("is no party of this agreement"), "{refused}");
    assert!(!world.tries(&party, drop).await.unwrap().lines.is_empty());
    let text = |names: &str, name: &str| {
        let terms = &ConsortiumFile::parse(&parties(names)).unwrap().agreements[0];
        AgreementTerms { version: 2, id: slug(name), ..terms.clone() }.written_out()
    };
    // Neither a text of theirs, nor one that only names the asker as well in the place of theirs.
    for (names, name) in
        [(r#""ridgeway", "northgate""#, "other"), (r#""kingsmead", "northgate""#, "vale-2026")]
    {
        let refused = world.tries(&stranger, trial(Some(text(names, name)))).await.unwrap_err();
        assert!(refused.to_string().contains("is no party of this agreement"), "{refused}");
    }
}

/// Blocks of notes, also such as an older program wrote without a time.
#[tokio::test]
async fn notes_between_the_records_hide_none_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let mut world = World::with(&format!("sqlite:{}", path.display()), governed()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let narrower = || trial(Some(agreement(&["assessment", "behaviour"])));
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    for _ in 0..30 {
        // Each looking is a note, in a block of its own.
        world.exchange.emergencies(manager.acting(), world.now()).await.unwrap();
    }
    let edit = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\n\
                n=c.execute('select count(*) from block where at_us = 0').fetchone()[0]\nprint(n)\n\
                c.execute('update block set at_us = 0 where first_seq > (select max(first_seq) from block) - 30')\nc.commit()";
    for older in [false, true] {
        if older {
            let run = std::process::Command::new("python3").args(["-c", edit]).arg(&path).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&run.stdout).trim(), "0", "every block has a time");
        }
        let tried = world.tries(&manager, narrower()).await.unwrap();
        let ours = line(&tried, "kingsmead", None, false, "presence").unwrap();
        assert_eq!((tried.records, ours.records), (1, 1));
    }
}

/// How long a trial takes: 10,000 learners and 300,000 records of 30 days with COMMONROLL_LONG, small otherwise.
#[tokio::test]
async fn a_trial_over_a_month_takes_seconds_and_says_how_far_it_is() {
    let (learners, records) = if long() { (10_000, 300_000) } else { (400, 3_000) };
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = crowd(learners, open_store(&database).await).await;
    month(&mut world, learners, records).await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let mut told = Vec::new();
    let begun = Instant::now();
    let by_agreement = trial(Some(agreement(&["assessment"])));
    let tried = world
        .exchange
        .try_change(manager.acting(), by_agreement, world.now(), |done, all| told.push((done, all)));
    let tried = tried.await.unwrap();
    let first = begun.elapsed();
    let ours = line(&tried, "kingsmead", None, false, "presence").unwrap();
    assert_eq!((ours.records as usize, ours.learners as usize), (records / 2, learners / 2));
    assert_eq!(ours.examples.len(), 5);
    let others = line(&tried, "ridgeway", None, false, "presence").unwrap();
    assert_eq!(
        (others.learners as usize, others.records, others.about, others.examples.len()),
        (learners / 2, 0, true, 0),
        "counted, and nobody named"
    );
    assert!(
        told.windows(2).all(|two| two[0].0 <= two[1].0) && told.last().is_some_and(|(done, all)| done == all)
    );
    let begun = Instant::now();
    world.tries(&manager, rules("tutors.cedar", TUTORS)).await.unwrap();
    let second = begun.elapsed();
    println!(
        "a trial over {learners} learners and {records} records of 30 days, in {} situations: agreement {first:?}, rules {second:?}",
        tried.situations
    );
    assert!(first.max(second) < Duration::from_secs(if long() { 10 } else { 60 }));
}
