//! A simulated day finds everybody, and shows what each way of finding is worth.

use super::*;

/// A small day on which everybody is found and nobody is alarmed in vain.
const SEED: u64 = 2;

fn day() -> SchoolDate {
    "2026-09-15".parse().expect("a date")
}

async fn played(seed: u64, learners: u32, without: Option<Detector>) -> Simulated {
    simulate(seed, learners, day(), without).await.expect("a day that can be played")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn at_a_consortium_of_five_thousand_every_hole_is_found_in_time_and_hardly_anybody_is_alarmed_in_vain()
{
    let of = played(1, 5_000, None).await;
    assert!(of.score.passed, "{}", report::table(&of));
    assert!(of.score.expectations > 12_000 && of.marks > 12_000, "a day worth its name");
    assert!(of.score.kinds.len() == truth::Kind::ALL.len(), "every sort of hole was there");
    assert!(of.score.kinds.values().all(|row| row.holes >= 2), "and more than once");
    assert!(of.score.true_alarms > 100, "somebody is always missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn small_consortiums_of_several_seeds_find_everybody_too() {
    for seed in 2..4 {
        let of = played(seed, 150, None).await;
        assert!(of.score.passed, "seed {seed}\n{}", report::table(&of));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_seed_is_one_day_and_another_seed_another() {
    let (one, again, other) =
        (played(7, 60, None).await, played(7, 60, None).await, played(8, 60, None).await);
    assert_eq!(report::table(&one), report::table(&again));
    assert_eq!(report::json(&one), report::json(&again));
    assert_ne!(report::json(&one)["score"], report::json(&other)["score"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_any_one_way_of_finding_holes_stay_open() {
    let open = |of: &Simulated, kind: truth::Kind| {
        let row = &of.score.kinds[kind.as_str()];
        assert!(row.holes > 0, "{}", report::table(of));
        row.holes - row.found
    };
    let whole = played(SEED, 150, None).await;
    assert!(whole.score.passed, "{}", report::table(&whole));
    for detector in Detector::ALL {
        let kind = match detector {
            Detector::MarkedAbsent => truth::Kind::MarkedAbsent,
            Detector::NotOnRegister => truth::Kind::NotOnRegister,
            Detector::RegisterNotTaken => truth::Kind::RegisterNotTaken,
            Detector::NotArrived => truth::Kind::BetweenSites,
            Detector::Cancelled => truth::Kind::Cancelled,
            Detector::LeftEarly => truth::Kind::LeftEarly,
            Detector::SourceSilent => truth::Kind::SourceSilent,
            Detector::Timetables => truth::Kind::NobodyExpects,
        };
        let of = played(SEED, 150, Some(detector)).await;
        assert!(!of.score.passed, "without {}\n{}", detector.as_str(), report::table(&of));
        assert!(open(&of, kind) > 0, "without {}\n{}", detector.as_str(), report::table(&of));
    }
}

#[test]
fn a_made_learner_has_a_number_of_their_own_that_fits() {
    let world = World::new(3_000, &mut Dice::new(5, 1));
    let numbers: std::collections::BTreeSet<&str> =
        world.learners.iter().map(|one| one.uln.as_str()).collect();
    assert_eq!(numbers.len(), world.learners.len());
    assert!(numbers.iter().all(|uln| uln.parse::<commonroll_core::identifiers::Uln>().is_ok()));
    let travel = world.learners.iter().filter(|one| {
        one.groups
            .iter()
            .map(|group| world.groups[*group].host)
            .collect::<std::collections::BTreeSet<_>>()
            .len()
            > 1
    });
    assert!(travel.count() > 500, "one in four goes from site to site");
}

#[test]
fn a_cancellation_is_said_only_while_the_agent_that_sends_it_runs() {
    let mut said = 0;
    for seed in 0..60 {
        let world = World::new(1_500, &mut Dice::new(seed, 1));
        let day = day::make(&world, seed);
        for (lesson, at) in &day.cancelled {
            let host = world.lessons[*lesson].host;
            let kept = day
                .off
                .iter()
                .find(|off| off.who == host && !off.dead_export && off.from <= *at && *at < off.until);
            assert!(kept.is_none(), "seed {seed}: lesson {lesson} is cancelled at {at}, {kept:?}");
            said += 1;
        }
    }
    assert!(said > 200, "{said} cancellations");
}

#[test]
fn who_comes_in_at_the_moment_at_which_an_alert_ends_has_turned_up() {
    let mut truth = truth::Truth::default();
    let line = truth::Line { there: Some((1_500, 3_000)), ..truth::Line::default() };
    truth.lines.insert((0, 0), line);
    let until = |moment| truth.turned_up(&[0], 0, 0, moment);
    assert!(until(1_500) && !until(1_499));
}
