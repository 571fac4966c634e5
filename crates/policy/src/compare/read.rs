//! From a policy to its formula. What a leaf depends on is read off its text; what it comes to is asked of Cedar.

use super::{
    formula::{Formulas, Id, Truth},
    variables::{Environment, Variable},
};
use crate::engine::{Answer, Engine};
use cedar_policy::{Effect, Policy, PolicyId, PolicySet};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// Reads the policies of one engine in one environment.
pub(super) struct Reader<'r, 'e> {
    pub engine: &'r Engine,
    pub environment: &'r Environment,
    pub formulas: &'r mut Formulas<'e>,
    /// Tables of leaves, of every engine with this schema.
    pub tables: &'r mut Tables,
}

/// What leaves come to, by what they depend on and their text. Kept from environment to environment where it depends on
/// nothing that is another thing there.
#[derive(Debug, Default)]
pub(super) struct Tables {
    here: HashMap<(Vec<Variable>, String), Vec<Truth>>,
    everywhere: HashMap<(Vec<Variable>, String), Vec<Truth>>,
}

impl Tables {
    /// In another environment.
    pub fn moved(&mut self) {
        self.here.clear();
    }
}

/// True for facts that mean the same, and have the same values, wherever they are.
const fn same_everywhere(variable: &Variable) -> bool {
    matches!(
        variable,
        Variable::Role
            | Variable::Purpose
            | Variable::Teaches
            | Variable::Own
            | Variable::Access
            | Variable::Emergency
            | Variable::Second
    )
}

impl Reader<'_, '_> {
    /// For each field group: yes where it is permitted, error where any policy fails.
    pub fn outcomes(&mut self) -> Vec<Id> {
        let (mut permits, mut forbids) = (Vec::new(), Vec::new());
        let policies: Vec<Policy> =
            self.engine.fitting(self.environment.act, self.environment.thing).cloned().collect();
        for policy in policies {
            let formula = self.policy(&policy);
            match policy.effect() {
                Effect::Permit => permits.push(formula),
                Effect::Forbid => forbids.push(formula),
            }
        }
        let permitted = self.formulas.any(permits);
        let forbidden = self.formulas.any(forbids);
        let answer = self.formulas.unless(permitted, forbidden);
        let groups = 0..self.environment.groups.len();
        groups.map(|group| self.formulas.assume(answer, Variable::Group, group)).collect()
    }

    /// A policy's head and conditions, in the order in which Cedar works them out.
    fn policy(&mut self, policy: &Policy) -> Id {
        let mut text = policy.to_json().expect("a policy that was parsed has a JSON form");
        let conditions = text["conditions"].take();
        let mut whole = self.leaf(head(&text));
        for condition in conditions.as_array().into_iter().flatten() {
            let body = self.expression(&condition["body"]);
            let body = if condition["kind"] == "unless" { self.formulas.not(body) } else { body };
            whole = self.formulas.and(whole, body);
        }
        whole
    }

    fn expression(&mut self, text: &Value) -> Id {
        let only = text.as_object().filter(|object| object.len() == 1);
        let Some((word, parts)) = only.and_then(|object| object.iter().next()) else {
            return self.leaf(body(text));
        };
        match word.as_str() {
            "&&" => {
                let (left, right) = (self.expression(&parts["left"]), self.expression(&parts["right"]));
                self.formulas.and(left, right)
            }
            "||" => {
                let (left, right) = (self.expression(&parts["left"]), self.expression(&parts["right"]));
                self.formulas.or(left, right)
            }
            "!" => {
                let one = self.expression(&parts["arg"]);
                self.formulas.not(one)
            }
            "if-then-else" => {
                let [condition, yes, no] = ["if", "then", "else"].map(|part| self.expression(&parts[part]));
                self.formulas.if_else(condition, yes, no)
            }
            _ => self.leaf(body(text)),
        }
    }

    /// A leaf, given as a policy that permits where it holds.
    fn leaf(&mut self, policy: Value) -> Id {
        let mut variables = BTreeSet::new();
        depends(&policy["conditions"], self.environment, &mut variables);
        // A fact that this act or thing doesn't have is the same in every situation.
        let differs = |v: &Variable| *v == Variable::Group || self.environment.variables.contains(v);
        let variables: Vec<Variable> = variables.into_iter().filter(differs).collect();
        let everywhere = !variables.is_empty() && variables.iter().all(same_everywhere);
        let key = (variables, policy.to_string());
        let known = if everywhere { &self.tables.everywhere } else { &self.tables.here };
        let table = match known.get(&key) {
            Some(table) => table.clone(),
            None => {
                let table = self.table(&key.0, policy);
                let known = if everywhere { &mut self.tables.everywhere } else { &mut self.tables.here };
                known.insert(key.clone(), table.clone());
                table
            }
        };
        self.formulas.leaf(key.0, table)
    }

    /// What Cedar says of a leaf for each combination of the facts that it depends on.
    fn table(&self, variables: &[Variable], policy: Value) -> Vec<Truth> {
        let policy = Policy::from_json(Some(PolicyId::new("leaf")), policy)
            .expect("a part of a policy's JSON form is one");
        let leaf = PolicySet::from_policies([policy]).expect("a set of one");
        let sizes: Vec<usize> = variables.iter().map(|variable| self.environment.values(*variable)).collect();
        let rows: usize = sizes.iter().product();
        (0..rows)
            .map(|mut row| {
                let mut values = Vec::with_capacity(variables.len());
                for (variable, size) in variables.iter().zip(&sizes).rev() {
                    values.push((*variable, row % size));
                    row /= size;
                }
                let (scene, group) = self.environment.scene(&values);
                match self.engine.ask_of(&scene, group, &leaf) {
                    Answer::Allow(_) => Truth::Yes,
                    Answer::Deny(_) => Truth::No,
                    Answer::Broken(_) => Truth::Error,
                }
            })
            .collect()
    }
}

/// A policy that permits where a policy's head fits.
fn head(policy: &Value) -> Value {
    json!({
        "effect": "permit",
        "principal": policy["principal"],
        "action": policy["action"],
        "resource": policy["resource"],
        "conditions": [],
    })
}

/// A policy that permits where an expression holds.
fn body(expression: &Value) -> Value {
    let all = json!({"op": "All"});
    json!({
        "effect": "permit",
        "principal": all,
        "action": all,
        "resource": all,
        "conditions": [{"kind": "when", "body": expression}],
    })
}

/// Adds every fact that an expression can depend on. What isn't understood depends on everything.
fn depends(text: &Value, environment: &Environment, found: &mut BTreeSet<Variable>) {
    // The types of all that is asked about are the environment's.
    if text.get("is").is_some_and(|is| is["left"].get("Var").is_some() && is.get("in").is_none()) {
        return;
    }
    if let Some((root, attribute)) = attribute(text) {
        found.extend(facts(root, attribute, environment));
        return;
    }
    if let Some(root) = text.get("Var").and_then(Value::as_str) {
        // The action is the environment's too.
        if root != "action" {
            found.extend(environment.variables.iter().copied().chain([Variable::Group]));
        }
        return;
    }
    match text {
        Value::Object(parts) => parts.values().for_each(|part| depends(part, environment, found)),
        Value::Array(parts) => parts.iter().for_each(|part| depends(part, environment, found)),
        _ => {}
    }
}

/// `principal.role`, `resource has home` and their like, and the bare principal: the variable's name, and the attribute.
fn attribute(text: &Value) -> Option<(&str, &str)> {
    if text.get("Var").and_then(Value::as_str) == Some("principal") {
        return Some(("principal", ""));
    }
    let parts = text.get(".").or_else(|| text.get("has"))?;
    Some((parts["left"].get("Var")?.as_str()?, parts["attr"].as_str()?))
}

/// The facts behind an attribute.
fn facts(root: &str, attribute: &str, environment: &Environment) -> Vec<Variable> {
    let parties: Vec<Variable> = environment.variables.iter().copied().filter(stands).collect();
    let fact = match (root, attribute) {
        // The principal is an institution, or a person without an identity.
        ("principal", "" | "institution") | ("resource", "source" | "home" | "of") => return parties,
        ("principal", "role") => Variable::Role,
        ("resource", "placed" | "placed_here") => Variable::Placed,
        ("resource", "confidential") => Variable::Confidential,
        ("context", "group") => Variable::Group,
        ("context", "agreement") => Variable::Agreement,
        ("context", "purpose") => Variable::Purpose,
        ("context", "teaches") => Variable::Teaches,
        ("context", "own") => Variable::Own,
        ("context", "access_on") => Variable::Access,
        ("context", "emergency") => Variable::Emergency,
        ("context", "second") => Variable::Second,
        _ => return environment.variables.iter().copied().chain([Variable::Group]).collect(),
    };
    vec![fact]
}

const fn stands(variable: &Variable) -> bool {
    matches!(variable, Variable::Standing | Variable::Whose)
}
