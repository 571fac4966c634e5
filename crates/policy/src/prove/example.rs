//! A request that contradicts, in words. Its institutions are the solver's inventions, so they are called A, B, C.

use cedar_policy::{EntityUid, EvalResult};
use cedar_policy_symcc::Env;
use std::{collections::BTreeMap, fmt};

/// A request that the ordinary authorizer answers in a way that an invariant rules out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// The action asked for.
    pub action: String,
    /// Everything that the request says: name and value, such as `resource.placed` and `false`.
    pub facts: Vec<(String, String)>,
    /// The rules that allow it, or that fail on it.
    pub rules: Vec<String>,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "    for example {}, by the rules as they are: {}", self.action, self.rules.join(", "))?;
        self.facts.iter().try_for_each(|(name, value)| writeln!(f, "      {name} = {value}"))
    }
}

/// The context's attributes, in the order in which they are told.
const CONTEXT: [&str; 8] =
    ["group", "agreement", "purpose", "teaches", "own", "access_on", "emergency", "second"];

/// Puts an example into words.
pub(super) fn told(example: &Env, rules: Vec<String>) -> Counterexample {
    let mut names = Names::default();
    let mut facts = Vec::new();
    for (root, uid) in [("principal", example.request.principal()), ("resource", example.request.resource())]
    {
        let Some(uid) = uid else { continue };
        facts.push((root.to_owned(), names.uid(uid)));
        let attributes = example.entities.get(uid).into_iter().flat_map(|entity| entity.attrs());
        let mut attributes: Vec<_> =
            attributes.filter_map(|(name, value)| Some((name.to_owned(), value.ok()?))).collect();
        attributes.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, value) in attributes {
            facts.push((format!("{root}.{name}"), names.value(&value)));
        }
    }
    for name in CONTEXT {
        if let Some(value) = example.request.context().and_then(|context| context.get(name)) {
            facts.push((format!("context.{name}"), names.value(&value)));
        }
    }
    let action = example.request.action().map_or_else(String::new, |uid| uid.id().unescaped().to_owned());
    Counterexample { action, facts, rules }
}

/// Names for what the solver made up.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn uid(&mut self, uid: &EntityUid) -> String {
        let kind = uid.type_name().to_string();
        match kind.as_str() {
            "Institution" | "Agreement" => {
                let alike = self.0.keys().filter(|known| known.starts_with(&kind)).count();
                let letter = char::from(b'A' + u8::try_from(alike.min(25)).unwrap_or(25));
                self.0.entry(uid.to_string()).or_insert_with(|| format!("{kind} {letter}")).clone()
            }
            "Role" | "Purpose" | "FieldGroup" => uid.id().unescaped().to_owned(),
            _ => kind,
        }
    }

    fn value(&mut self, value: &EvalResult) -> String {
        match value {
            EvalResult::EntityUid(uid) => self.uid(uid),
            EvalResult::Set(set) => {
                let mut all: Vec<String> = set.iter().map(|value| self.value(value)).collect();
                all.sort();
                if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
            }
            EvalResult::Record(record) => {
                let all = record.iter().map(|(name, value)| format!("{name} {}", self.value(value)));
                all.collect::<Vec<_>>().join("; ")
            }
            other => other.to_string(),
        }
    }
}
