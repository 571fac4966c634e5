//! A recipient's MIS doesn't take a record: that it was set aside, tried again or given up is in the log, and nothing of what it says.

use crate::world::*;
use commonroll_core::{
    RecordId,
    aside::{AsideDeed, AsideStep},
};
use commonroll_exchange::{Question, Topic, Window, withdrawal::AnswerError};

fn step(world: &World, sequence: u64, deed: AsideDeed) -> AsideStep {
    // As of a record that could not be read: the log knows which it is.
    let (record, code) = (RecordId([0; 16]), "write_back".to_owned());
    AsideStep { sequence, record, revision: 0, code, deed, at: world.now() }
}

async fn tell(world: &World, who: &str, steps: &[AsideStep]) -> Result<(), AnswerError> {
    world.exchange.tell_aside(&world.speaker(who), steps.to_vec(), world.now()).await
}

/// A record that was handed to kingsmead: its place.
async fn handed(world: &mut World) -> u64 {
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let (lines, _, cursor) = world.told("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    lines[0].trim_start_matches('+').split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn case_27_what_is_still_set_aside_stands_among_the_problems_for_as_long_as_its_agent_says_so() {
    let mut world = World::governed().await;
    world.exchange.open_views(read_body, world.now());
    let sequence = handed(&mut world).await;
    let problem = async |world: &World| {
        world.sweep().await;
        let all = world.exchange.own_problems(&world.speaker("kingsmead"), world.now()).unwrap();
        all.problems.iter().find(|one| one.rule == "set_aside").map_or(0, |one| one.count)
    };
    for _ in 0..10 {
        tell(&world, "kingsmead", &[step(&world, sequence, AsideDeed::SetAside)]).await.unwrap();
        world.pass(7 * DAY);
        assert_eq!(problem(&world).await, 1);
    }
    tell(&world, "kingsmead", &[step(&world, sequence, AsideDeed::Written)]).await.unwrap();
    assert_eq!(problem(&world).await, 0);
}

#[tokio::test]
async fn case_27_each_step_of_a_record_that_cannot_be_written_is_one_entry() {
    let mut world = World::governed().await;
    world.exchange.open_views(read_body, world.now());
    let problem = async |world: &World, rule: &str| {
        world.sweep().await;
        let all = world.exchange.own_problems(&world.speaker("kingsmead"), world.now()).unwrap();
        all.problems.iter().find(|one| one.rule == rule).map_or((0, None), |one| (one.count, one.oldest))
    };
    let today = Some(date("2026-09-14"));
    let sequence = handed(&mut world).await;
    let steps = [AsideDeed::SetAside, AsideDeed::Retried, AsideDeed::Dismissed];
    let steps = steps.map(|deed| step(&world, sequence, deed));
    tell(&world, "kingsmead", &steps[..1]).await.unwrap();
    assert_eq!(problem(&world, "set_aside").await, (1, today), "it waits for a person there, in sight");
    // The answer was lost on the way.
    tell(&world, "kingsmead", &steps).await.unwrap();
    tell(&world, "kingsmead", &steps).await.unwrap();
    assert_eq!(problem(&world, "set_aside").await, (0, None), "it was given up");
    let log = world.log().await;
    let told: Vec<&str> = log.iter().filter_map(|line| line.strip_suffix(" by kingsmead")).collect();
    let told: Vec<&&str> = told.iter().filter(|line| line.starts_with("delivery.")).collect();
    assert_eq!(told, [&"delivery.set_aside", &"delivery.retried", &"delivery.dismissed"], "{log:?}");
    let entries = world.entries_of("delivery.dismissed").await;
    assert_eq!(
        (&entries[0]["more"]["code"], &entries[0]["more"]["sequence"]),
        (&"write_back".into(), &sequence.into())
    );
    assert_eq!(entries[0]["more"]["institution"], "northgate", "the source is told, too");

    // Nobody tells of what was never theirs, nor of another record than stands there.
    let theirs = step(&world, sequence, AsideDeed::SetAside);
    assert!(matches!(tell(&world, "northgate", &[theirs]).await, Err(AnswerError::Invalid(_))));
    let other = AsideStep { record: RecordId([7; 16]), revision: 1, ..steps[0].clone() };
    assert!(matches!(tell(&world, "kingsmead", &[other]).await, Err(AnswerError::Invalid(_))));
    let note = step(&world, 1, AsideDeed::SetAside);
    assert!(matches!(tell(&world, "kingsmead", &[note]).await, Err(AnswerError::Invalid(_))));

    // Of what nobody was handed there is nothing to tell, and a code is a code.
    let beyond = step(&world, 1_000_000, AsideDeed::SetAside);
    assert!(matches!(tell(&world, "kingsmead", &[beyond]).await, Err(AnswerError::Invalid(_))));
    let wordy = AsideStep { code: "Imogen Ashby is unknown".to_owned(), ..steps[0].clone() };
    assert!(matches!(tell(&world, "kingsmead", &[wordy]).await, Err(AnswerError::Invalid(_))));
    let many = vec![steps[0].clone(); 101];
    assert!(matches!(tell(&world, "kingsmead", &many).await, Err(AnswerError::Invalid(_))));
    // That something was told in vain is counted, and those who look into what was refused at the recipient read it.
    world.exchange.tick(world.now()).await;
    let refused = world.entries_of("aside.refused").await;
    let counted: Vec<_> = refused.iter().map(|e| (&e["more"]["actor"], &e["more"]["count"])).collect();
    assert_eq!(counted, [(&"kingsmead".into(), &5.into()), (&"northgate".into(), &1.into())]);
    let manager = Actor::new(&world, "kingsmead", commonroll_core::Role::DataManager);
    let asker =
        world.exchange.asker(&manager.speaker, manager.role, Question::Events(Topic::Refused)).unwrap();
    let seen = world.exchange.events(&asker, Topic::Refused, Window::default(), world.now()).await.unwrap();
    assert!(seen.iter().any(|event| event.what == "aside.refused" && event.more["count"] == 5), "{seen:?}");
    assert_eq!(problem(&world, "aside_refused").await, (5, today));
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}
