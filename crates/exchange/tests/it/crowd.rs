//! A consortium as large as a test wants it, with a month of marks: for measuring.

use crate::world::*;
use commonroll_core::{Record, Role};
use commonroll_exchange::*;
use std::fmt::Write;

/// True for the sizes that promises are made of; the figures need a release build. Small sizes otherwise.
pub fn long() -> bool {
    std::env::var_os("COMMONROLL_LONG").is_some()
}

/// So many learners, half of Kingsmead and half of Ridgeway, every one placed at Northgate in one of ten groups.
pub async fn crowd(learners: usize, store: std::sync::Arc<dyn commonroll_store::Store>) -> World {
    crowd_sized(learners, store, Sizes::default()).await
}

/// The same with pages of another size.
pub async fn crowd_sized(
    learners: usize,
    store: std::sync::Arc<dyn commonroll_store::Store>,
    sizes: Sizes,
) -> World {
    let mut text = CONSORTIUM.to_owned();
    for (at, home) in ["kingsmead", "ridgeway"].into_iter().enumerate() {
        for group in 0..10 {
            let mine = (0..learners).filter(|number| number % 2 == at && number / 2 % 10 == group);
            let pairs: Vec<String> = mine.map(|number| format!("[\"h-{number}\", \"g-{number}\"]")).collect();
            write!(
                text,
                "\n[[placement]]\nhome = \"{home}\"\nhost = \"northgate\"\ngroup = \"G-{group}\"\nfirst_date = \"2026-09-01\"\n\
                 last_date = \"2027-07-20\"\nlearners = [{}]\n",
                pairs.join(", ")
            )
            .unwrap();
        }
    }
    let file = ConsortiumFile::parse(&text).unwrap().signed_by(&PEOPLE);
    let file = PARTNERS
        .into_iter()
        .fold(file, |file, name| file.with_person(&PEOPLE, &slug(name), Role::DataManager));
    World::sized(store, file, sizes).await
}

/// The mark with a number, of one of so many learners, within the month before.
pub fn numbered(number: usize, learners: usize) -> Record {
    let learner = number % learners;
    let mut record = mark("northgate", &format!("g-{learner}"), 9, 1);
    record.head.id.0[8..16].copy_from_slice(&(number as u64).to_be_bytes());
    record.head.group = Some(id(&format!("G-{}", learner / 2 % 10)));
    record
}

/// Publishes so many marks.
pub async fn month(world: &mut World, learners: usize, records: usize) {
    for first in (0..records).step_by(1_000) {
        let some = (first..records.min(first + 1_000)).map(|number| numbered(number, learners)).collect();
        let answers = world.publish("northgate", some).await;
        assert!(
            answers.iter().all(|answer| matches!(answer, RecordAnswer::Accepted { .. })),
            "{:?}",
            answers[0]
        );
    }
}
