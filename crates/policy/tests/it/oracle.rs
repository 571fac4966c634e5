//! An independent judge: the rules in words, written down a second time from the design's own sentences and the domain
//! notes, without a look at the Cedar text. A generated consortium is asked about at random, and both must agree.
//!
//! 100,000 cases as a rule, and 1,000,000 with `COMMONROLL_LONG` set (`./tests/run --long`).

mod words;
mod world;

use crate::policy;
use commonroll_core::{Purpose, RecordKind, Role};
use commonroll_policy::{
    Action, CardFacts, Matter, Office, OfficeAct, PersonQuestion, Policy, Question, RecordFacts,
};
use words::{card_to_institution, card_to_person, institution, office, record_to_person};
use world::{Chance, World};

const CASES: u32 = 100_000;
const LONG_CASES: u32 = 1_000_000;

/// How many cases were asked, and how many of them permitted something.
#[derive(Default)]
struct Tally {
    asked: u32,
    permitted: u32,
}

#[test]
fn random_people_records_and_moments_are_decided_as_the_rules_in_words_say() {
    let policy = policy();
    let cases = if std::env::var_os("COMMONROLL_LONG").is_some() { LONG_CASES } else { CASES };
    let mut chance = Chance::new(20_261_122);
    let world = World::new(&mut chance);
    let mut tallies = [const { Tally { asked: 0, permitted: 0 } }; 5];
    for case in 0..cases {
        let sort = chance.below(20);
        let place = match sort {
            0..=5 => 0,
            6..=13 => 1,
            14..=15 => 2,
            16 => 3,
            _ => 4,
        };
        let permitted = match place {
            0 => institution_case(&policy, &world, &mut chance),
            1 => record_case(&policy, &world, &mut chance),
            2 => card_case(&policy, &world, &mut chance),
            3 => received_card_case(&policy, &world, &mut chance),
            _ => office_case(&policy, &world, &mut chance),
        };
        let permitted = permitted.unwrap_or_else(|problem| unreachable!("case {case}: {problem}"));
        tallies[place].asked += 1;
        tallies[place].permitted += u32::from(permitted);
    }
    // A world in which hardly anything is permitted, or refused, would prove little.
    for tally in tallies {
        assert!(tally.permitted * 40 > tally.asked, "{} of {}", tally.permitted, tally.asked);
        assert!(tally.permitted * 10 < tally.asked * 9, "{} of {}", tally.permitted, tally.asked);
    }
}

/// Both answers as a mask, 0 for no.
fn same(decided: Option<u32>, said: Option<u32>, question: &dyn std::fmt::Debug) -> Result<bool, String> {
    if decided == said {
        return Ok(said.is_some());
    }
    Err(format!("the policies say {decided:?}, the rules in words {said:?}: {question:?}"))
}

fn institution_case(policy: &Policy, world: &World, chance: &mut Chance) -> Result<bool, String> {
    let record = world.record(chance);
    let today = world.moment(&record, chance);
    let action = *chance.pick(&Action::ALL);
    let actor = match chance.below(4) {
        0 => chance.below(world.institutions.len()),
        1 => record.source,
        _ => match action {
            Action::Publish => record.source,
            Action::Receive => world.home(record.learner).unwrap_or(record.source),
        },
    };
    let home = world.home(record.learner);
    let agreement = match action {
        Action::Publish => home.and_then(|home| world.agreement(record.source, home, record.kind, today)),
        Action::Receive => world.agreement(record.source, actor, record.kind, today),
    };
    let question = Question {
        action,
        actor: &world.institutions[actor],
        source: &world.institutions[record.source],
        kind: record.kind,
        home: home.map(|home| &world.institutions[home]),
        placed: world.placed(&record),
        agreement,
        confidential: record.confidential,
    };
    let decided = policy.decide(&question).ok().map(|permit| permit.groups());
    same(decided, institution(world, action, actor, &record, today), &question)
}

fn record_case(policy: &Policy, world: &World, chance: &mut Chance) -> Result<bool, String> {
    let record = world.record(chance);
    let today = world.moment(&record, chance);
    let person = world.person_near(&record, chance);
    let purpose = *chance.pick(&Purpose::ALL);
    let home = world.home(record.learner);
    let emergency = chance.below(5) == 0;
    let question = PersonQuestion {
        role: person.role,
        institution: &world.institutions[person.at],
        purpose,
        matter: Matter::Record(RecordFacts {
            kind: record.kind,
            source: &world.institutions[record.source],
            home: home.map(|home| &world.institutions[home]),
            placed: world.placed(&record),
            confidential: record.confidential,
            agreement: home.and_then(|home| world.agreement(record.source, home, record.kind, today)),
            teaches: world.teaches(&person, record.learner, today),
            own: person.child == Some(record.learner),
            access_on: home.is_some_and(|home| world.access_on[home]),
            emergency,
        }),
    };
    let decided = policy.decide_person(&question).ok().map(|permit| permit.groups());
    same(decided, record_to_person(world, &person, purpose, &record, today), &question)
}

fn card_case(policy: &Policy, world: &World, chance: &mut Chance) -> Result<bool, String> {
    let record = world.record(chance);
    let today = world.moment(&record, chance);
    let person = world.person_near(&record, chance);
    let purpose = *chance.pick(&Purpose::ALL);
    let home = world.home(record.learner);
    let emergency = purpose == Purpose::Emergency && chance.below(4) > 0;
    let question = PersonQuestion {
        role: person.role,
        institution: &world.institutions[person.at],
        purpose,
        matter: Matter::Card(CardFacts {
            home: home.map(|home| &world.institutions[home]),
            host_placed: world.placed_at(record.learner, person.at, today),
            teaches: world.teaches(&person, record.learner, today),
            own: person.child == Some(record.learner),
            access_on: home.is_some_and(|home| world.access_on[home]),
            emergency,
            agreement: home.and_then(|home| world.card_agreement(home, person.at, today)),
        }),
    };
    let decided = policy.decide_person(&question).ok().map(|permit| permit.groups());
    same(decided, card_to_person(world, &person, purpose, record.learner, emergency, today), &question)
}

fn received_card_case(policy: &Policy, world: &World, chance: &mut Chance) -> Result<bool, String> {
    let record = world.record(chance);
    let today = world.moment(&record, chance);
    let at = if chance.below(3) == 0 { chance.below(world.institutions.len()) } else { record.source };
    let home = world.home(record.learner);
    let card = CardFacts {
        home: home.map(|home| &world.institutions[home]),
        host_placed: world.placed_at(record.learner, at, today),
        teaches: false,
        own: false,
        access_on: false,
        emergency: false,
        agreement: home.and_then(|home| world.card_agreement(home, at, today)),
    };
    let decided = policy.decide_card(&world.institutions[at], &card).ok().map(|permit| permit.groups());
    same(decided, card_to_institution(world, at, record.learner, today), &card)
}

fn office_case(policy: &Policy, world: &World, chance: &mut Chance) -> Result<bool, String> {
    let anybody = *chance.pick(&Role::ALL);
    let role = *chance.pick(&[Role::Head, Role::DataManager, Role::Dpo, Role::ConsortiumLead, anybody]);
    let at = chance.below(world.institutions.len());
    let act = *chance.pick(&OfficeAct::ALL);
    let purpose = match chance.below(3) {
        0 => *chance.pick(&Purpose::ALL),
        _ if act == OfficeAct::OpenEmergency => Purpose::Emergency,
        _ => Purpose::Administration,
    };
    let of = match chance.below(4) {
        0 => None,
        1 => Some(chance.below(world.institutions.len())),
        _ => Some(at),
    };
    let second = chance.below(2) == 0;
    let question = PersonQuestion {
        role,
        institution: &world.institutions[at],
        purpose,
        matter: Matter::Office(Office { act, of: of.map(|of| &world.institutions[of]), second }),
    };
    let decided = policy.decide_person(&question).ok().map(|permit| permit.groups());
    let said = office(role, act, purpose, of.map(|of| of == at), second).then_some(0);
    same(decided, said, &question)
}

/// The kinds are told apart by what they hold; the numbers are the schema's.
const fn bits(numbers: &[u32]) -> u32 {
    let (mut set, mut at) = (0, 0);
    while at < numbers.len() {
        set |= 1 << numbers[at];
        at += 1;
    }
    set
}

/// All groups of a kind, the head among them.
const fn whole(kind: RecordKind) -> u32 {
    match kind {
        RecordKind::Attendance | RecordKind::Behaviour => bits(&[1, 2, 3, 4, 5]),
        RecordKind::Assessment => bits(&[1, 2, 3]),
    }
}
