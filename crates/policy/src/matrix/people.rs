//! The part of the table about people who read: for each kind of record and for cards, for each role and each place,
//! what may be read in the best case, for which purposes, and what it rests on.

use super::line;
use crate::{
    engine::Engine,
    facts::{HEAD, has},
    scene::{Act, Person, Scene, Thing},
    why::granted,
};
use commonroll_core::{Purpose, RecordKind, Role};
use std::{collections::BTreeSet, fmt::Write};

/// A place to ask from: its words, who made the record, and who is home. The one who asks is `here`.
type Place = (&'static str, &'static str, &'static str);

const RECORD_PLACES: [Place; 4] = [
    ("at home, made by a partner", "host", "here"),
    ("at home, made there", "here", "here"),
    ("at the host that made it", "here", "home"),
    ("at another host of the learner", "host", "home"),
];
const CARD_PLACES: [Place; 2] = [("at home", "here", "here"), ("at a host", "here", "home")];

/// Every section.
pub(super) fn sections(table: &mut String, engine: &Engine, deciding: &mut BTreeSet<String>) {
    table.push_str(
        "\n\nWhat people may read in the best case: everything that a right can rest on is there, and an agreement lists\n\
         every part. \"Rests on\": without it nothing is read. \"Emergency\": an emergency access that runs.\n",
    );
    for kind in RecordKind::ALL {
        section(table, engine, Thing::Record(kind), &RECORD_PLACES, deciding);
    }
    section(table, engine, Thing::Card, &CARD_PLACES, deciding);
}

fn section(
    table: &mut String,
    engine: &Engine,
    thing: Thing,
    places: &[Place],
    deciding: &mut BTreeSet<String>,
) {
    let names: Vec<&str> = thing.groups().map(|(_, name)| name).collect();
    line(table, "", "");
    line(table, &format!("{}: who reads it?", thing.as_str()), &names.join("  "));
    for role in Role::ALL {
        let mut shut = Vec::new();
        for place in places {
            let rights = rights(engine, thing, role, *place, deciding);
            if rights.is_empty() {
                shut.push(place.0);
            }
            for right in rights {
                let numbers = thing.groups().zip(&names);
                let marks = numbers.map(|((number, _), name)| {
                    format!(
                        "{:<width$}",
                        if has(right.groups, number) { '✔' } else { '✘' },
                        width = name.len()
                    )
                });
                let marks = marks.collect::<Vec<_>>().join("  ");
                let told = format!("{marks}  for {}; rests on {}", right.purposes.join(", "), right.rests_on);
                line(table, &format!("  {role} {}", place.0), &told);
            }
        }
        match shut.len() {
            0 => {}
            all if all == places.len() => line(table, &format!("  {role}"), "nothing, anywhere"),
            _ => writeln!(table, "  {role}: nothing {}", shut.join(", nothing ")).expect("a string takes it"),
        }
    }
}

/// What a role may read somewhere, for these purposes.
struct Right {
    groups: u32,
    purposes: Vec<&'static str>,
    rests_on: String,
}

/// The rights of a role at a place; purposes with the same outcome are one.
fn rights(
    engine: &Engine,
    thing: Thing,
    role: Role,
    place: Place,
    deciding: &mut BTreeSet<String>,
) -> Vec<Right> {
    let mut rights: Vec<Right> = Vec::new();
    for purpose in Purpose::ALL {
        let best = best(thing, role, purpose, place);
        let Some(groups) = granted(engine, &best, deciding) else {
            granted(engine, &Scene { agreement: None, ..best }, deciding);
            continue;
        };
        let confidential = granted(engine, &Scene { confidential: true, ..best.clone() }, deciding);
        let rests_on = rests_on(engine, &best, confidential.is_none());
        match rights.iter_mut().find(|right| right.groups == groups && right.rests_on == rests_on) {
            Some(right) => right.purposes.push(purpose.as_str()),
            None => rights.push(Right { groups, purposes: vec![purpose.as_str()], rests_on }),
        }
    }
    rights
}

/// The best case.
fn best(thing: Thing, role: Role, purpose: Purpose, (_, source, home): Place) -> Scene<'static> {
    let person = Person {
        teaches: true,
        own: true,
        access_on: true,
        emergency: true,
        second: true,
        ..Person::new(role, purpose)
    };
    Scene {
        act: if thing == Thing::Card { Act::ReadCard } else { Act::Read },
        thing,
        actor: "here",
        person: Some(person),
        source,
        home: Some(home),
        placed: true,
        confidential: false,
        agreement: Some(("agreement/1".to_owned(), u32::MAX)),
    }
}

/// Each thing without which nothing would be read.
fn rests_on(engine: &Engine, best: &Scene<'_>, not_confidential: bool) -> String {
    let Some(person) = best.person else { return String::new() };
    let with = |person| Scene { person: Some(person), ..best.clone() };
    let without = [
        ("placement", Scene { placed: false, ..best.clone() }),
        ("agreement", Scene { agreement: None, ..best.clone() }),
        ("a known home", Scene { home: None, ..best.clone() }),
        ("teaching", with(Person { teaches: false, ..person })),
        ("own", with(Person { own: false, ..person })),
        ("access turned on", with(Person { access_on: false, ..person })),
        ("emergency", with(Person { emergency: false, ..person })),
    ];
    let mut told: Vec<&str> = without
        .into_iter()
        .filter(|(_, scene)| {
            granted(engine, scene, &mut BTreeSet::new()).is_none_or(|groups| !has(groups, HEAD))
        })
        .map(|(words, _)| words)
        .collect();
    if not_confidential && best.thing != Thing::Card {
        told.push("not confidential");
    }
    told.join(", ")
}
