//! Kill -9 of real processes under load: nothing that was acknowledged is lost, nothing takes effect twice.
//!
//! `COMMONROLL_KILL_ROUNDS=N` runs so many rounds.

pub mod client;
mod disk;
mod outbox;
pub mod school;

use client::Client;
use school::{Consortium, Program};
use std::{
    collections::BTreeSet,
    env, thread,
    time::{Duration, Instant},
};

/// Rounds of a normal run.
const ROUNDS: u64 = 10;
/// Rounds of a long run.
const LONG_ROUNDS: u64 = 200;
/// Longest time until a hub is ready again.
const READY: Duration = Duration::from_secs(5);
/// Longest time until everything has arrived after the last round.
const ARRIVED: Duration = Duration::from_secs(60);

fn rounds() -> u64 {
    let named = env::var("COMMONROLL_KILL_ROUNDS").ok().map(|text| text.parse().expect("a number"));
    named.unwrap_or(if env::var_os("COMMONROLL_LONG").is_some() { LONG_ROUNDS } else { ROUNDS })
}

/// Moments that follow no pattern, the same in every run.
fn moment(round: u64) -> Duration {
    let mixed = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Duration::from_millis(40 + (mixed >> 32) % 500)
}

#[test]
fn case_21_and_22_killed_hubs_and_agents_lose_nothing_and_repeat_nothing() {
    let mut consortium = Consortium::new();
    let client = Client::start(&consortium);
    let rounds = rounds();
    for round in 0..rounds {
        consortium.export(round);
        thread::sleep(moment(round));
        let victims: &[Program] = match round % 5 {
            0 | 3 => &[Program::Hub],
            1 => &[Program::Home],
            2 => &[Program::Host],
            _ => &[Program::Host, Program::Hub, Program::Home],
        };
        victims.iter().for_each(|victim| consortium.kill(*victim));
        let since = Instant::now();
        victims.iter().for_each(|victim| consortium.start(*victim));
        consortium.wait_until_ready(READY.saturating_sub(since.elapsed()));
    }
    let acknowledged = all_arrives_once(consortium, client);
    assert!(acknowledged > 10 * rounds, "there was load: {acknowledged} records");
}

/// What was acknowledged, and what was exported, arrives at the home within a minute, once; and the log verifies. Gives how many
/// records were acknowledged.
pub fn all_arrives_once(mut consortium: Consortium, client: Client) -> u64 {
    let (acknowledged, made) = client.stop();
    let exported = consortium.exported();
    let until = Instant::now() + ARRIVED;
    loop {
        let rows = outbox::read(&consortium.outbox());
        let arrived: BTreeSet<_> = rows.iter().map(|row| row.record.clone()).collect();
        let hosted = rows.iter().filter(|row| row.source == "ridgeway").count();
        if acknowledged.keys().all(|id| arrived.contains(id)) && hosted >= exported {
            break;
        }
        let missing = acknowledged.keys().filter(|id| !arrived.contains(*id)).count();
        assert!(
            Instant::now() < until,
            "{missing} acknowledged records and {} of an export did not arrive; {}",
            exported.saturating_sub(hosted),
            consortium.logs()
        );
        thread::sleep(Duration::from_millis(100));
    }
    consortium.stop();
    let rows = outbox::read(&consortium.outbox());
    let mut seen = BTreeSet::new();
    for row in &rows {
        assert!(seen.insert(&row.record), "record {} stands in the outbox twice", row.record);
        assert_eq!(row.revision, 1, "nobody corrected anything");
        assert!(row.source == "ridgeway" || made.contains(&row.record), "a record that nobody made");
    }
    let hosted: BTreeSet<_> =
        rows.iter().filter(|row| row.source == "ridgeway").map(|row| &row.slot).collect();
    assert_eq!(hosted.len(), exported, "each row of the exports is in the outbox");
    println!("{} acknowledged, {} exported, {} rows in the outbox", acknowledged.len(), exported, rows.len());
    consortium.verify(acknowledged.values().copied().max().unwrap_or(0));
    acknowledged.len() as u64
}
