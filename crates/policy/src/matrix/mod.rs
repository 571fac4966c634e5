//! The table of who may what, as the policies decide it: kind by kind, action by action, situation by situation; then
//! for people, role by role and act by act.
//!
//! It is kept beside the policies as `who-may-what.txt` and reviewed with them. A change of a rule is a change of the
//! table in the same commit; a new kind, action or field group appears in it by itself.

mod offices;
mod people;

use crate::{
    cast::Cast,
    facts::HEAD,
    policy::Policy,
    question::{Action, Question},
    scene::Scene,
    why,
};
use commonroll_core::RecordKind;
use std::{collections::BTreeSet, fmt::Write};

/// Name of the reviewed table's file, beside the policies.
pub(crate) const TABLE: &str = "who-may-what.txt";

/// The table as the policies decide it.
pub fn matrix(policy: &Policy) -> String {
    table(policy).0
}

/// The table, and the ids of the policies that decided any row of it.
pub(crate) fn table(policy: &Policy) -> (String, BTreeSet<String>) {
    let mut deciding = BTreeSet::new();
    let mut table = String::from(
        "Who may what, as the policies decide it. Reviewed: a change of a rule shows here in the same commit.\n\
         The host made the record. \"Placed\" means: home declared and host accepted, for that date, time and group.\n",
    );
    let cast = Cast::new();
    for kind in RecordKind::ALL {
        for action in Action::ALL {
            section(&mut table, policy, &cast, kind, action, &mut deciding);
        }
    }
    people::sections(&mut table, policy.engine(), &mut deciding);
    offices::section(&mut table, policy.engine(), &mut deciding);
    (table, deciding)
}

fn section(
    table: &mut String,
    policy: &Policy,
    cast: &Cast,
    kind: RecordKind,
    action: Action,
    deciding: &mut BTreeSet<String>,
) {
    let title = match action {
        Action::Publish => format!("{kind}: may it be published?"),
        Action::Receive => format!("{kind}: may it be received?"),
    };
    let names: Vec<&str> = ["head"].into_iter().chain(kind.groups().iter().map(|(_, name)| *name)).collect();
    line(table, "", "");
    line(table, &title, &names.join("  "));
    for (situation, question) in situations(cast, kind, action) {
        why::granted(policy.engine(), &Scene::of(&question), deciding);
        let answer = policy.decide(&question);
        let numbers = [HEAD].into_iter().chain(kind.groups().iter().map(|(number, _)| *number));
        let marks = numbers.zip(&names).map(|(number, name)| {
            let mark =
                if answer.as_ref().is_ok_and(|permit| permit.lets_out(number)) { '✔' } else { '✘' };
            format!("{mark:<width$}", width = name.len())
        });
        let marks = marks.collect::<Vec<_>>().join("  ");
        let code = answer.err().map_or("", |denied| denied.code.as_str());
        line(table, &format!("  {situation}"), &format!("{marks}  {code}"));
    }
}

fn line(table: &mut String, left: &str, right: &str) {
    let text = format!("{left:<62}{right}");
    writeln!(table, "{}", text.trim_end()).expect("writing to a string can't fail");
}

/// Every situation of an action: its words, and the question it poses.
fn situations(cast: &Cast, kind: RecordKind, action: Action) -> Vec<(String, Question<'_>)> {
    let lists = |groups| Some(cast.lists(groups));
    let usual = cast.usual(kind, action);
    let who = if action == Action::Publish { "the host" } else { "the home" };
    let mut rows = vec![
        (format!("{who}, placed, the agreement lists every group"), usual),
        (
            format!("{who}, placed, the agreement lists the kind and no group"),
            Question { agreement: lists(0), ..usual },
        ),
    ];
    for (number, name) in kind.groups() {
        rows.push((
            format!("{who}, placed, the agreement lists {name}"),
            Question { agreement: lists(1 << number), ..usual },
        ));
    }
    rows.extend([
        (format!("{who}, placed, no agreement"), Question { agreement: None, ..usual }),
        (format!("{who}, not placed"), Question { placed: false, ..usual }),
        (format!("{who}, not placed, no agreement"), Question { placed: false, agreement: None, ..usual }),
        (format!("{who}, placed, the record is confidential"), Question { confidential: true, ..usual }),
    ]);
    rows.extend(others(cast, action, usual));
    rows
}

/// The situations of those who are neither the host that publishes nor the home that receives.
fn others<'a>(cast: &'a Cast, action: Action, usual: Question<'a>) -> Vec<(String, Question<'a>)> {
    let unknown = Question { home: None, placed: false, agreement: None, ..usual };
    let row = |words: &str, question| (words.to_owned(), question);
    match action {
        Action::Publish => vec![
            row("the host, two institutions claim to be home", Question { home: None, ..usual }),
            row("the host, a learner nobody knows", unknown),
            row("the host, a learner nobody knows, confidential", Question { confidential: true, ..unknown }),
            row(
                "the home, about its own learner",
                Question { actor: &cast.home, source: &cast.home, placed: false, ..usual },
            ),
            row(
                "another host of the learner, in the host's name",
                Question { actor: &cast.other_host, ..usual },
            ),
            row("a stranger, in the host's name", Question { actor: &cast.stranger, ..usual }),
        ],
        Action::Receive => vec![
            row("a claimant, while the directory knows no settled home", Question { home: None, ..usual }),
            row("the second claimant", Question { actor: &cast.second_claimant, home: None, ..usual }),
            row(
                "another host of the learner, party to the agreement",
                Question { actor: &cast.other_host, ..usual },
            ),
            row("the host itself", Question { actor: &cast.host, ..usual }),
            row("a stranger, party to the agreement", Question { actor: &cast.stranger, ..usual }),
            row("a stranger, no agreement", Question { actor: &cast.stranger, agreement: None, ..usual }),
            row("a stranger, confidential", Question { actor: &cast.stranger, confidential: true, ..usual }),
        ],
    }
}
