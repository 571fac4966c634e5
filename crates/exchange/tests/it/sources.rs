//! What agents tell of their sources: seen by their own institution with its age, by others as counts, and kept over a restart.

use crate::world::*;
use commonroll_core::{
    Role,
    sources::{KeptBack, SourceTold},
};
use commonroll_exchange::*;
use commonroll_views::readiness::What;

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn kept(code: Option<&str>, rule: &str, rows: u64) -> KeptBack {
    let (caption, rule, code) = ("Mark".to_owned(), rule.to_owned(), code.map(ToOwned::to_owned));
    KeptBack { caption, rule, code, rows }
}

fn marks(mapping: &str, kept: Vec<KeptBack>) -> Vec<SourceTold> {
    let (name, connector) = ("marks".to_owned(), "delimited".to_owned());
    vec![SourceTold { name, connector, mapping: mapping.to_owned(), refused: None, kept }]
}

async fn told(world: &World, told: Vec<SourceTold>) -> Result<(), TellError> {
    world.exchange.tell_sources(&world.speaker("northgate"), told, world.now()).await
}

async fn seen(world: &World, who: &Actor, of: Option<&str>) -> Result<MappingSeen, ReadError> {
    let of = of.map(slug);
    world.exchange.mapping(who.acting(), of.as_ref(), world.now()).await
}

fn entries(log: &[String]) -> usize {
    log.iter().filter(|line| line.contains("sources.told")).count()
}

#[tokio::test]
async fn what_is_told_again_changes_nothing_and_what_changes_keeps_its_age() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::sized(open_store(&database).await, governed(), Sizes::default()).await;
    world.exchange.open_views(read_body, world.now());
    let manager = Actor::new(&world, "northgate", Role::DataManager);
    let first = world.now().date_in(&jiff::tz::TimeZone::get("Europe/London").unwrap());
    let unknown = |rows| kept(Some("Z9"), "ATT-UNKNOWN-CODE", rows);
    told(&world, marks("0123abcd", vec![unknown(12)])).await.unwrap();
    told(&world, marks("0123abcd", vec![unknown(12)])).await.unwrap();
    assert_eq!(entries(&world.log().await), 1, "what was told before is no entry");
    let soon = told(&world, marks("0123abcd", vec![unknown(13)])).await;
    assert_eq!(soon, Err(TellError::TooSoon));

    world.pass(3 * DAY);
    // A column that nobody reads keeps no row back.
    let column = kept(None, "CSV-COLUMN-UNKNOWN", 1);
    told(&world, marks("4567abcd", vec![unknown(40), kept(None, "CSV-DATE", 2), column])).await.unwrap();
    let mapping = seen(&world, &manager, Some("northgate")).await.unwrap();
    let source = &mapping.partners[0].sources[0];
    assert_eq!(source.since.days() - first.days(), 3, "the mapping is a new one");
    let ages: Vec<i32> = source.kept_since.iter().map(|since| since.days() - first.days()).collect();
    assert_eq!(ages, [0, 3, 3], "the code waits since it was first told");
    assert_eq!((mapping.partners[0].counts.kept_back, mapping.rounded), ((42, 3), false));

    let own = slug("northgate");
    world.exchange.tick(world.now()).await;
    let shown = world.exchange.readiness(manager.acting(), Some(&own), world.now()).await.unwrap();
    let mapped = shown.partners[0].report.parts.iter().find(|part| part.what == What::Mapped).unwrap();
    assert_eq!(mapped.numbers, (0, 42), "rows alone are counted against what came");
    let problems = world.exchange.problems(manager.acting(), Some(&own), world.now()).await;
    let problems = problems.unwrap().problems;
    let code = problems.iter().find(|one| one.rule == "ATT-UNKNOWN-CODE").unwrap();
    assert_eq!((code.count, code.oldest, code.owner), (40, Some(first), "Data manager"));
    assert!(code.kept_back && !code.refused);
    let date = problems.iter().find(|one| one.rule == "CSV-DATE").unwrap();
    assert_eq!(date.owner, "Technician");

    world.exchange.close(world.now()).await;
    world.started_again(open_store(&database).await).await;
    world.exchange.open_views(read_body, world.now());
    let again = seen(&world, &manager, Some("northgate")).await.unwrap();
    assert_eq!(again.partners[0].sources, mapping.partners[0].sources, "the log has it all");
}

#[tokio::test]
async fn a_number_of_rows_alone_is_a_new_entry_once_an_hour() {
    let world = World::with("sqlite::memory:", governed()).await;
    let unknown = |code, rows| marks("0123abcd", vec![kept(Some(code), "ATT-UNKNOWN-CODE", rows)]);
    told(&world, unknown("Z9", 12)).await.unwrap();
    for rows in 13..20 {
        world.pass(5 * MINUTE);
        assert_eq!(told(&world, unknown("Z9", rows)).await, Err(TellError::TooSoon));
    }
    told(&world, unknown("Z8", 19)).await.unwrap();
    world.pass(60 * MINUTE);
    told(&world, unknown("Z8", 20)).await.unwrap();
    assert_eq!(entries(&world.log().await), 3);
}

#[tokio::test]
async fn others_see_counts_alone_and_what_may_not_be_told_is_not_taken() {
    let file = governed().with_person(&PEOPLE, &slug("kingsmead"), Role::ConsortiumLead);
    let world = World::with("sqlite::memory:", file).await;
    world.exchange.open_views(read_body, world.now());
    let unknown = kept(Some("Z9"), "ATT-UNKNOWN-CODE", 47);
    told(&world, marks("0123abcd", vec![unknown])).await.unwrap();
    let lead = Actor::new(&world, "kingsmead", Role::ConsortiumLead);
    let all = seen(&world, &lead, None).await.unwrap();
    assert!(all.rounded);
    let northgate = all.partners.iter().find(|one| one.slug == slug("northgate")).unwrap();
    assert_eq!(northgate.counts.kept_back, (50, 1), "to the nearest ten");
    assert!(northgate.sources.is_empty() && northgate.codes.is_empty(), "no code and no caption");
    assert!(!format!("{all:?}").contains("Z9"));
    let other = Actor::new(&world, "kingsmead", Role::DataManager);
    let denied = ReadError::NotAllowed(NotAllowed::Denied);
    assert_eq!(seen(&world, &other, Some("northgate")).await.err(), Some(denied.clone()));
    let teacher = world.colleague("northgate", staff(Role::Teacher, None), 9).await;
    let acting = Acting { speaker: &teacher, role: Role::Teacher };
    let asked = world.exchange.mapping(acting, Some(&slug("northgate")), world.now()).await;
    assert_eq!(asked.err(), Some(denied));

    world.pass(5 * MINUTE);
    for (wrong, field) in [
        (kept(Some("Whitlow"), "ATT-UNKNOWN-CODE", 90), "code"),
        (kept(Some("Z9"), "ATT-UNKNOWN-CODE", 1), "code"),
        (kept(None, "a rule", 1), "rule"),
    ] {
        let answer = told(&world, marks("0123abcd", vec![wrong])).await;
        assert!(matches!(&answer, Err(TellError::Invalid(broken)) if broken.field == field), "{answer:?}");
    }
    let twice: Vec<SourceTold> = [marks("", Vec::new()), marks("", Vec::new())].concat();
    assert!(matches!(told(&world, twice).await, Err(TellError::Invalid(_))), "a name is told once");
    let log = world.log().await;
    assert!(!log.iter().any(|line| line.contains("Z9") || line.contains("Whitlow")), "entries say how many");
    assert!(log.iter().any(|line| line.contains("mapping.shown")));
}
