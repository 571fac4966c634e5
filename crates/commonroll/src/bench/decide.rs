//! Decisions a second on one core: remembered, worked out afresh, and Cedar's own `is_authorized` on the same request.

use super::{Figure, Report};
use crate::commands::told;
use commonroll_core::{Purpose, RecordKind, Role, Slug};
use commonroll_policy::{
    Action, AgreementInForce, Matter, PersonQuestion, Policy, Question, RecordFacts, raw_rate,
};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// How long one figure is measured.
const SPAN: Duration = Duration::from_millis(500);
/// Rounds, of which the median is told: what is compared is measured in turn.
const ROUNDS: usize = 3;

/// Calls a second.
fn rate(mut call: impl FnMut()) -> f64 {
    let (begun, mut calls) = (Instant::now(), 0u32);
    while begun.elapsed() < SPAN {
        (0..64).for_each(|_| call());
        calls += 64;
    }
    f64::from(calls) / begun.elapsed().as_secs_f64()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Measures the policies inside this program, on a mark that a home receives and one that its teacher reads.
pub fn run(report: &mut Report) -> Result<(), String> {
    let policy = Policy::embedded().map_err(|_| "the policies inside this program have a fault")?;
    let slug = |name: &str| name.parse::<Slug>().map_err(told);
    let (home, host, id) = (slug("home")?, slug("host")?, slug("agreement")?);
    let agreement = Some(AgreementInForce { id: &id, version: 1, groups: 0b11_1110 });
    let question = Question {
        action: Action::Receive,
        actor: &home,
        source: &host,
        kind: RecordKind::Attendance,
        home: Some(&home),
        placed: true,
        agreement,
        confidential: false,
    };
    let record = RecordFacts {
        kind: RecordKind::Attendance,
        source: &host,
        home: Some(&home),
        placed: true,
        confidential: false,
        agreement,
        teaches: true,
        own: false,
        access_on: false,
        emergency: false,
    };
    let person = PersonQuestion {
        role: Role::Teacher,
        institution: &home,
        purpose: Purpose::Teaching,
        matter: Matter::Record(record),
    };
    let rounds = |measure: &mut dyn FnMut() -> f64| median((0..ROUNDS).map(|_| measure()).collect());
    let warm = rounds(&mut || rate(|| drop(black_box(policy.decide(black_box(&question))))));
    report.say(Figure::at_least(name("for an institution, warm"), warm, UNIT, 500_000.0));
    let warm = rounds(&mut || rate(|| drop(black_box(policy.decide_person(black_box(&person))))));
    report.say(Figure::at_least(name("for a person, warm"), warm, UNIT, 500_000.0));
    let (cold, bare): (Vec<f64>, Vec<f64>) =
        (0..ROUNDS).map(|_| raw_rate(&policy, &person, &mut |call| rate(call))).unzip();
    let (cold, bare) = (median(cold), median(bare));
    report.say(Figure::plain("Cedar's is_authorized, request ready".to_owned(), bare, UNIT));
    report.say(Figure::rate(name("one field group, cold"), cold, UNIT, bare, 0.8, 0.8));
    let whole = rounds(&mut || rate(|| drop(black_box(policy.decide_person_afresh(black_box(&person))))));
    report.say(Figure::plain(name("all field groups, cold"), whole, UNIT));
    Ok(())
}

const UNIT: &str = "/s, 1 core";

fn name(what: &str) -> String {
    format!("decisions {what}")
}
