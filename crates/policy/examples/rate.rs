//! How fast decisions are: remembered, worked out afresh, and Cedar's own `is_authorized` over the whole set of rules on
//! the same requests. `cargo run --release -p commonroll-policy --example rate`

use commonroll_core::{Purpose, RecordKind, Role, Slug};
use commonroll_policy::{
    Action, AgreementInForce, Matter, PersonQuestion, Policy, Question, RecordFacts, raw_rate,
};
use std::{hint::black_box, time::Instant};

/// Calls a second, over about a second.
fn rate(mut call: impl FnMut()) -> f64 {
    let (begun, mut calls) = (Instant::now(), 0u32);
    while begun.elapsed().as_millis() < 1000 {
        (0..64).for_each(|_| call());
        calls += 64;
    }
    f64::from(calls) / begun.elapsed().as_secs_f64()
}

fn main() {
    let policy = Policy::embedded().expect("the embedded set is fit");
    let slug = |name: &str| -> Slug { name.parse().expect("a slug") };
    let (home, host, id) = (slug("ridgeway"), slug("northgate"), slug("transition"));
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
    let show = |what: &str, per_second: f64| println!("{what:<58}{per_second:>12.0}/s");
    show("institution, remembered", rate(|| drop(black_box(policy.decide(black_box(&question))))));
    show("person, remembered", rate(|| drop(black_box(policy.decide_person(black_box(&person))))));
    show("institution, afresh (5 field groups)", rate(|| drop(black_box(policy.decide_afresh(&question)))));
    show("person, afresh (5 field groups)", rate(|| drop(black_box(policy.decide_person_afresh(&person)))));
    let (ours, cedar) = raw_rate(&policy, &person, &mut |call| rate(call));
    show("person, afresh, one field group, request built each time", ours);
    show("Cedar is_authorized, whole set, request ready", cedar);
    println!("afresh / Cedar's own: {:.2}", ours / cedar);
    let begun = Instant::now();
    let change = policy.compare(&Policy::embedded().expect("the embedded set is fit"));
    println!("compare with itself: {} in {:?}", change.kind(), begun.elapsed());
}
