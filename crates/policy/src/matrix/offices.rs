//! The part of the table about office acts: each act with each role.

use crate::{
    engine::Engine,
    person::OfficeAct,
    scene::{Act, Person, Scene, Thing},
    why::granted,
};
use commonroll_core::{Purpose, Role};
use std::{collections::BTreeSet, fmt::Write};

/// The section.
pub(super) fn section(table: &mut String, engine: &Engine, deciding: &mut BTreeSet<String>) {
    table.push_str(
        "\n\nWhat people may do besides reading records. own: for the own institution; consortium: for the consortium as a\n\
         whole; any: for another institution too; +2: only if somebody else proposed it. A dash is no. Every act is for the\n\
         purpose of administration, and opening an emergency for that of an emergency.\n\n",
    );
    for act in OfficeAct::ALL {
        let rights = Role::ALL.into_iter().filter_map(|role| {
            let mark = mark(engine, act, role, deciding);
            (mark != "-").then(|| format!("{role} ({mark})"))
        });
        let rights = rights.collect::<Vec<_>>().join(", ");
        let rights = if rights.is_empty() { "-".to_owned() } else { rights };
        writeln!(table, "  {:<20}{rights}", act.as_str()).expect("writing to a string can't fail");
    }
}

fn mark(engine: &Engine, act: OfficeAct, role: Role, deciding: &mut BTreeSet<String>) -> String {
    let mut ask = |purpose, of, second| {
        let scene = Scene {
            act: Act::Office(act),
            thing: Thing::Office,
            actor: "here",
            person: Some(Person { second, ..Person::new(role, purpose) }),
            source: "here",
            home: of,
            placed: false,
            confidential: false,
            agreement: None,
        };
        granted(engine, &scene, deciding).is_some()
    };
    let Some(purpose) = Purpose::ALL.into_iter().find(|purpose| ask(*purpose, Some("here"), true)) else {
        return "-".to_owned();
    };
    let mut words = vec!["own"];
    if ask(purpose, None, true) {
        words.push("consortium");
    }
    if ask(purpose, Some("there"), true) {
        words = vec!["any"];
    }
    let second = if ask(purpose, Some("here"), false) { "" } else { " +2" };
    format!("{}{second}", words.join(", "))
}
