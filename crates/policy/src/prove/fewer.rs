//! The same rules under an agreement that lists less, as rules about the same request.
//!
//! A proof compares two sets on one request. So the request carries both agreements: the schema gets a second list,
//! `less`, and a flag for whether the smaller agreement is there at all; and the rules are rewritten to read those.

use crate::{policy::Policy, texts::SCHEMA};
use cedar_policy::{Policy as Rule, PolicySet, Schema, SchemaFragment};
use serde_json::{Value, json};

/// A schema with both agreements.
pub(super) struct Fewer {
    pub schema: Schema,
}

impl Fewer {
    pub fn new(policy: &Policy) -> Result<Self, String> {
        let text = policy.texts().get(SCHEMA).unwrap_or_default();
        let (fragment, _) = SchemaFragment::from_cedarschema_str(text).map_err(|fault| fault.to_string())?;
        let mut schema = fragment.to_json_value().map_err(|fault| fault.to_string())?;
        if extend(&mut schema) == 0 {
            return Err("the schema has no agreement with named and lists".to_owned());
        }
        let schema = Schema::from_json_value(schema).map_err(|fault| fault.to_string())?;
        Ok(Self { schema })
    }

    /// The rules as they are under the smaller agreement, which lists nothing that the other doesn't.
    pub fn less(&self, rules: &PolicySet) -> Result<PolicySet, String> {
        let mut less = PolicySet::new();
        for rule in rules.policies() {
            let mut text = rule.to_json().map_err(|fault| fault.to_string())?;
            rewrite(&mut text["conditions"]);
            let rule = Rule::from_json(Some(rule.id().clone()), text).map_err(|fault| fault.to_string())?;
            less.add(rule).map_err(|fault| fault.to_string())?;
        }
        let assumed = r#"forbid (principal, action, resource)
            when { context has agreement && !context.agreement.lists.containsAll(context.agreement.less) };"#;
        let assumed = Rule::parse(Some(cedar_policy::PolicyId::new("(less is less)")), assumed);
        less.add(assumed.map_err(|fault| fault.to_string())?).map_err(|fault| fault.to_string())?;
        Ok(less)
    }
}

/// Adds the second list wherever an agreement stands; how often it did.
fn extend(schema: &mut Value) -> usize {
    let mut done = 0;
    match schema {
        Value::Object(parts) => {
            if parts.contains_key("named")
                && let Some(lists) = parts.get("lists").cloned()
            {
                parts.insert("less".to_owned(), lists);
                parts.insert("kept".to_owned(), json!({"type": "EntityOrCommon", "name": "__cedar::Bool"}));
                done += 1;
            }
            done += parts.values_mut().map(extend).sum::<usize>();
        }
        Value::Array(parts) => done += parts.iter_mut().map(extend).sum::<usize>(),
        _ => {}
    }
    done
}

/// `context.agreement.lists` becomes `.less`, and that there is an agreement becomes that the smaller one is there.
fn rewrite(expression: &mut Value) {
    let agreement = json!({"left": {"Var": "context"}, "attr": "agreement"});
    if expression.get("has") == Some(&agreement) {
        let kept = json!({".": {"left": {".": agreement}, "attr": "kept"}});
        *expression = json!({"&&": {"left": expression.clone(), "right": kept}});
        return;
    }
    if let Some(access) = expression.get_mut(".")
        && access["attr"] == "lists"
        && access["left"].get(".") == Some(&agreement)
    {
        access["attr"] = json!("less");
        return;
    }
    match expression {
        Value::Object(parts) => parts.values_mut().for_each(rewrite),
        Value::Array(parts) => parts.iter_mut().for_each(rewrite),
        _ => {}
    }
}
