//! Examples beside the policies: `examples*.txt`, written and read by data managers, run by `policy check` and
//! `policy test`.
//!
//! ```text
//! A mark goes home
//!   given placed, agreement presence note
//!   when home receives attendance
//!   then head, presence, note
//!
//! A tutor reads of it what the agreement lists
//!   given placed, agreement presence
//!   when tutor at home, for pastoral, reads attendance
//!   then head, presence
//! ```
//! What `given` doesn't mention isn't there. The host made the record, unless `given` says `made at home`.

use crate::{
    cast::Cast,
    finding::Finding,
    person::{CARD_GROUPS, CardFacts, Matter, Office, OfficeAct, PersonQuestion, RecordFacts},
    policy::Policy,
    question::{Action, AgreementInForce, Question},
    scene::{Scene, Thing},
    why,
};
use commonroll_core::{Purpose, RecordKind, Role, Slug};
use std::collections::BTreeSet;

/// What the files' names begin and end with, beside the policies.
pub(crate) fn is_examples(file: &str) -> bool {
    file.starts_with("examples") && file.ends_with(".txt")
}

/// One example, as it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Its title.
    pub title: String,
    /// What is wrong with it, or with the policies; `None` if it holds.
    pub fault: Option<Finding>,
}

/// Runs every example of a file. Adds the policies that decided any of them.
pub(crate) fn run(policy: &Policy, file: &str, text: &str, deciding: &mut BTreeSet<String>) -> Vec<Example> {
    let cast = Cast::new();
    let (mut title, mut given, mut answer) = ("", "", None);
    let mut examples = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut outcome = |message: Option<String>| {
            let finding = |message| Finding { file: file.to_owned(), line: at + 1, column: 1, message };
            examples.push(Example { title: title.to_owned(), fault: message.map(finding) });
        };
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        match word {
            "" | "#" => {}
            _ if !line.starts_with(' ') => (title, given, answer) = (line, "", None),
            "given" => given = rest,
            "when" => match asked(&cast, given, rest) {
                Ok(asked) => answer = Some(told(policy, &asked, deciding)),
                Err(problem) => outcome(Some(problem)),
            },
            "then" => match answer.take() {
                Some(answer) if answer == rest.trim() => outcome(None),
                Some(answer) => outcome(Some(format!("\"{title}\": the policies answer: {answer}"))),
                None => outcome(Some("`then` needs a `when` before it that can be read".to_owned())),
            },
            _ => outcome(Some("an example is a title, then indented `given`, `when` and `then`".to_owned())),
        }
    }
    examples
}

/// What an example asks.
enum Asked<'a> {
    Institution(Question<'a>),
    Card(&'a Slug, CardFacts<'a>),
    Person(PersonQuestion<'a>),
}

/// What `given` says.
#[derive(Default)]
struct Given {
    placed: bool,
    confidential: bool,
    unsettled: bool,
    made_at_home: bool,
    teaches: bool,
    own: bool,
    access_on: bool,
    emergency: bool,
    second: bool,
    /// Groups that an agreement lists.
    agreement: Option<u32>,
}

impl Given {
    fn read(text: &str, groups: &[(u32, &str)], thing: &str) -> Result<Self, String> {
        let mut given = Self::default();
        for fact in text.split(',').map(str::trim).filter(|fact| !fact.is_empty()) {
            match fact {
                "placed" => given.placed = true,
                "confidential" => given.confidential = true,
                "home unsettled" => given.unsettled = true,
                "made at home" => given.made_at_home = true,
                "teaches" => given.teaches = true,
                "own" => given.own = true,
                "access on" => given.access_on = true,
                "emergency open" => given.emergency = true,
                "proposed by another" => given.second = true,
                _ => match fact.split_once(' ').unwrap_or((fact, "")) {
                    ("agreement", names) => given.agreement = Some(numbers(groups, thing, names)?),
                    _ => return Err(GIVEN.to_owned()),
                },
            }
        }
        Ok(given)
    }
}

const GIVEN: &str = "given: placed, confidential, home unsettled, made at home, agreement <groups>, teaches, own, \
                     access on, emergency open, proposed by another";
const WHEN: &str = "`when` is: <who> publishes|receives <kind>, or: <role> at <who>, for <purpose>, reads <kind>|card, \
                    or: <role>, for <purpose>, does <act> for own|another|consortium";
const WHO: &str = "who: home, host, other-host, second-claimant or stranger";

/// The question of `given <facts>` and `when ...`.
fn asked<'a>(cast: &'a Cast, given: &str, when: &str) -> Result<Asked<'a>, String> {
    let when = when.replace(',', " ");
    let words: Vec<&str> = when.split_whitespace().collect();
    let member = |who| cast.member(who).ok_or(WHO);
    match words[..] {
        [who, "receives", "card"] => {
            let given = Given::read(given, CARD_GROUPS, "card")?;
            Ok(Asked::Card(member(who)?, card(cast, &given)))
        }
        [who, verb @ ("publishes" | "receives"), kind] => {
            let action = if verb == "publishes" { Action::Publish } else { Action::Receive };
            let kind = kind_of(kind)?;
            let given = Given::read(given, kind.groups(), kind.as_str())?;
            Ok(Asked::Institution(Question {
                action,
                actor: member(who)?,
                kind,
                source: made(cast, &given),
                home: home(cast, &given),
                placed: given.placed,
                agreement: listed(cast, &given),
                confidential: given.confidential,
            }))
        }
        [role, "at", who, "for", purpose, "reads", thing] => {
            let matter = reads(cast, given, thing)?;
            let hat = hat(role, purpose)?;
            Ok(Asked::Person(PersonQuestion {
                role: hat.0,
                institution: member(who)?,
                purpose: hat.1,
                matter,
            }))
        }
        [role, "for", purpose, "does", act, "for", whose] => {
            let act: OfficeAct = act.parse().map_err(|()| "there is no such office act".to_owned())?;
            let of = match whose {
                "own" => Some(&cast.home),
                "another" => Some(&cast.host),
                "consortium" => None,
                _ => return Err(WHEN.to_owned()),
            };
            let second = Given::read(given, &[], "an office act")?.second;
            let hat = hat(role, purpose)?;
            let matter = Matter::Office(Office { act, of, second });
            Ok(Asked::Person(PersonQuestion { role: hat.0, institution: &cast.home, purpose: hat.1, matter }))
        }
        _ => Err(WHEN.to_owned()),
    }
}

fn reads<'a>(cast: &'a Cast, given: &str, thing: &str) -> Result<Matter<'a>, String> {
    if thing == "card" {
        return Ok(Matter::Card(card(cast, &Given::read(given, CARD_GROUPS, thing)?)));
    }
    let kind = kind_of(thing)?;
    let given = Given::read(given, kind.groups(), thing)?;
    Ok(Matter::Record(RecordFacts {
        kind,
        source: made(cast, &given),
        home: home(cast, &given),
        placed: given.placed,
        confidential: given.confidential,
        agreement: listed(cast, &given),
        teaches: given.teaches,
        own: given.own,
        access_on: given.access_on,
        emergency: given.emergency,
    }))
}

fn card<'a>(cast: &'a Cast, given: &Given) -> CardFacts<'a> {
    CardFacts {
        home: home(cast, given),
        host_placed: given.placed,
        teaches: given.teaches,
        own: given.own,
        access_on: given.access_on,
        emergency: given.emergency,
        agreement: listed(cast, given),
    }
}

fn made<'a>(cast: &'a Cast, given: &Given) -> &'a Slug {
    if given.made_at_home { &cast.home } else { &cast.host }
}

fn home<'a>(cast: &'a Cast, given: &Given) -> Option<&'a Slug> {
    (!given.unsettled).then_some(&cast.home)
}

fn listed<'a>(cast: &'a Cast, given: &Given) -> Option<AgreementInForce<'a>> {
    given.agreement.map(|groups| cast.lists(groups))
}

fn hat(role: &str, purpose: &str) -> Result<(Role, Purpose), String> {
    let role = role.parse().map_err(|fault: commonroll_core::Invalid| fault.to_string())?;
    Ok((role, purpose.parse().map_err(|fault: commonroll_core::Invalid| fault.to_string())?))
}

fn kind_of(name: &str) -> Result<RecordKind, String> {
    name.parse().map_err(|_| "there is no such kind of record".to_owned())
}

fn numbers(groups: &[(u32, &str)], thing: &str, names: &str) -> Result<u32, String> {
    let number = |name: &str| {
        let group = groups.iter().find(|(_, group)| *group == name);
        group.map(|(number, _)| 1 << number).ok_or(format!("{thing} has no such field group"))
    };
    names.split_whitespace().map(number).try_fold(0, |set, bit| Ok(set | bit?))
}

/// The answer in the words of `then`.
fn told(policy: &Policy, asked: &Asked<'_>, deciding: &mut BTreeSet<String>) -> String {
    let (scene, answer) = match asked {
        Asked::Institution(question) => {
            (Scene::of(question), policy.decide(question).map(|permit| permit.groups()))
        }
        Asked::Card(who, card) => {
            (Scene::of_card(who.as_str(), card), policy.decide_card(who, card).map(|permit| permit.groups()))
        }
        Asked::Person(question) => {
            (Scene::of_person(question), policy.decide_person(question).map(|permit| permit.groups()))
        }
    };
    why::granted(policy.engine(), &scene, deciding);
    match answer {
        Err(denied) => format!("denied {}", denied.code),
        Ok(_) if scene.thing == Thing::Office => "yes".to_owned(),
        Ok(groups) => {
            let out = scene.thing.groups().filter(|(number, _)| crate::facts::has(groups, *number));
            out.map(|(_, name)| name).collect::<Vec<_>>().join(", ")
        }
    }
}
