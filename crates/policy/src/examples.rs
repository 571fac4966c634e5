//! Examples beside the policies: `examples.txt`, written and read by data managers, run by `policy check`.
//!
//! ```text
//! A mark goes home
//!   given placed, agreement presence note
//!   when home receives attendance
//!   then head, presence, note
//! ```
//! What `given` doesn't mention isn't there. The host always made the record.

use crate::{
    cast::Cast,
    facts::HEAD,
    finding::Finding,
    policy::Policy,
    question::{Action, Question},
};
use commonroll_core::RecordKind;

/// Name of the file, beside the policies.
pub(crate) const EXAMPLES: &str = "examples.txt";

/// Every example that can't be read, or that the policies answer otherwise.
pub(crate) fn run(policy: &Policy, text: &str) -> Vec<Finding> {
    let cast = Cast::new();
    let (mut title, mut given, mut answer) = ("", "", None);
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut fault = |message: String| {
            findings.push(Finding { file: EXAMPLES.to_owned(), line: at + 1, column: 1, message });
        };
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        match word {
            "" | "#" => {}
            _ if !line.starts_with(' ') => (title, given, answer) = (line, "", None),
            "given" => given = rest,
            "when" => match question(&cast, given, rest) {
                Ok(question) => answer = Some(told(policy, &question)),
                Err(problem) => fault(problem),
            },
            "then" => match answer.take() {
                Some(answer) if answer == rest.trim() => {}
                Some(answer) => fault(format!("\"{title}\": the policies answer: {answer}")),
                None => fault("`then` needs a `when` before it that can be read".to_owned()),
            },
            _ => fault("an example is a title, then indented `given`, `when` and `then`".to_owned()),
        }
    }
    findings
}

/// The question of `given <facts>` and `when <who> publishes|receives <kind>`.
fn question<'a>(cast: &'a Cast, given: &str, when: &str) -> Result<Question<'a>, String> {
    let words: Vec<&str> = when.split_whitespace().collect();
    let [who, verb, kind] = words[..] else {
        return Err("`when` is: <who> publishes|receives <kind>".to_owned());
    };
    let action = match verb {
        "publishes" => Action::Publish,
        "receives" => Action::Receive,
        _ => return Err("one either publishes or receives".to_owned()),
    };
    let kind =
        RecordKind::ALL.into_iter().find(|k| k.as_str() == kind).ok_or("there is no such kind of record")?;
    let actor = cast.member(who).ok_or("who: home, host, other-host, second-claimant or stranger")?;
    let mut question = Question { actor, placed: false, agreement: None, ..cast.usual(kind, action) };
    for fact in given.split(',').map(str::trim).filter(|fact| !fact.is_empty()) {
        let (fact, names) = fact.split_once(' ').unwrap_or((fact, ""));
        match (fact, names) {
            ("placed", "") => question.placed = true,
            ("confidential", "") => question.confidential = true,
            ("home", "unsettled") => question.home = None,
            ("agreement", names) => question.agreement = Some(cast.lists(numbers(kind, names)?)),
            _ => return Err("given: placed, confidential, home unsettled, agreement <groups>".to_owned()),
        }
    }
    Ok(question)
}

fn numbers(kind: RecordKind, names: &str) -> Result<u32, String> {
    let number = |name: &str| {
        let group = kind.groups().iter().find(|(_, group)| *group == name);
        group.map(|(number, _)| 1 << number).ok_or(format!("{kind} has no such field group"))
    };
    names.split_whitespace().map(number).try_fold(0, |set, bit| Ok(set | bit?))
}

/// The answer in the words of `then`.
fn told(policy: &Policy, question: &Question<'_>) -> String {
    match policy.decide(question) {
        Err(denied) => format!("denied {}", denied.code),
        Ok(permit) => {
            let groups = [(HEAD, "head")].into_iter().chain(question.kind.groups().iter().copied());
            let out = groups.filter(|(number, _)| permit.lets_out(*number)).map(|(_, name)| name);
            out.collect::<Vec<_>>().join(", ")
        }
    }
}
