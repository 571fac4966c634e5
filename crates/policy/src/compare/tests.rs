//! The formulas say what Cedar says, in situations drawn at random and for rules of every shape.

use super::{Environment, Formulas, Reader, Tables, Truth, Variable};
use crate::{
    engine::{Answer, Engine},
    person::OfficeAct,
    scene::{Act, Thing, environments},
    tests::unchecked,
};

/// Rules of shapes that the shipped ones don't have: they fail, nest, read twice, ask blindly.
const ODD: &str = r#"
@id("blind") permit (principal, action == Action::"receive", resource) when { resource.home == principal };
@id("late-failure") permit (principal, action == Action::"read", resource is Attendance)
when { context.teaches || 9223372036854775807 + 1 > 0 };
@id("nested") forbid (principal, action == Action::"read", resource is Assessment)
when { if context.own then !(context.access_on && resource.placed) else resource has home }
unless { [Purpose::"pastoral", Purpose::"teaching"].contains(context.purpose) };
@id("both-ways") permit (principal, action == Action::"read_card", resource)
when { context has agreement && !context.agreement.lists.contains(FieldGroup::"card.needs") }
unless { principal.role == Role::"teacher" || principal.institution == principal.institution };
@id("whole") permit (principal is Person, action in [Action::"see_log", Action::"erase"], resource)
when { context == {purpose: Purpose::"administration", second: true} };
"#;

/// A number that looks random and is the same in every run.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 20
}

fn agrees(engine: &Engine, environment: &Environment, tables: &mut Tables, seed: &mut u64) {
    let mut formulas = Formulas::new(environment);
    let outcomes = Reader { engine, environment, formulas: &mut formulas, tables }.outcomes();
    for _ in 0..8 {
        let draw = |variable: &Variable| (*variable, next(seed) as usize % environment.values(*variable));
        let mut values: Vec<_> = environment.variables.iter().map(draw).collect();
        for (place, outcome) in outcomes.iter().enumerate() {
            let settled =
                values.iter().fold(*outcome, |id, (variable, value)| formulas.assume(id, *variable, *value));
            values.push((Variable::Group, place));
            let (scene, group) = environment.scene(&values);
            values.pop();
            let said = match engine.ask(&scene, group) {
                Answer::Allow(_) => Truth::Yes,
                Answer::Deny(_) => Truth::No,
                Answer::Broken(_) => Truth::Error,
            };
            assert_eq!(formulas.truth(settled), Some(said), "{scene:?} {group:?}");
        }
    }
}

#[test]
fn formulas_say_what_cedar_says() {
    let mut seed = 7;
    for rules in ["", ODD] {
        let engine = unchecked(rules);
        let mut tables = Tables::default();
        for (act, thing) in environments() {
            // The offices' rules are of one shape: some of them stand for all.
            if thing != Thing::Office
                || act < Act::Office(OfficeAct::SeeAggregates)
                || act == Act::Office(OfficeAct::Erase)
            {
                tables.moved();
                agrees(&engine, &Environment::new(act, thing), &mut tables, &mut seed);
            }
        }
    }
}
