//! The only caller of the Cedar authorizer.
//!
//! A [`Scene`] becomes one Cedar request, checked against the schema. Whatever goes wrong on the way, in building the
//! request or in evaluating any policy, is [`Answer::Broken`]: never an allow, and never silently ignored.

use crate::{
    facts::{self, HEAD},
    question::{Action, Question},
};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression, Schema,
};
use commonroll_core::RecordKind;
use std::collections::{HashMap, HashSet};

/// The policies, ready to be asked.
#[derive(Debug)]
pub(crate) struct Engine {
    pub schema: Schema,
    pub policies: PolicySet,
    pub authorizer: Authorizer,
}

/// A question in the words of the schema. Names are real where the question has them, and roles where it asks "what if".
#[derive(Debug, Clone)]
pub(crate) struct Scene<'a> {
    pub action: Action,
    pub kind: RecordKind,
    pub actor: &'a str,
    pub source: &'a str,
    pub home: Option<&'a str>,
    pub placed: bool,
    pub confidential: bool,
    /// Name, and the group numbers that it lists.
    pub agreement: Option<(String, u32)>,
}

/// What the policies say of one field group.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Permitted, by these policies.
    Allow(Vec<String>),
    /// Denied; by these policies, if any forbids.
    Deny(Vec<String>),
    /// These policies failed; empty if the question itself could not be put.
    Broken(Vec<String>),
}

/// Something that is not fit for the schema. Cedar's own words stay inside: they may quote names.
#[derive(Debug)]
pub(crate) struct Unfit(pub String);

impl<E: std::error::Error> From<E> for Unfit {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl<'a> Scene<'a> {
    /// The scene that a question describes.
    pub fn of(question: &Question<'a>) -> Self {
        Self {
            action: question.action,
            kind: question.kind,
            actor: question.actor.as_str(),
            source: question.source.as_str(),
            home: question.home.map(|home| home.as_str()),
            placed: question.placed,
            confidential: question.confidential,
            agreement: question.agreement.map(|a| (format!("{}/{}", a.id, a.version), a.groups)),
        }
    }
}

impl Engine {
    /// What the policies say of one field group of a scene's record.
    pub fn ask(&self, scene: &Scene<'_>, group: u32) -> Answer {
        let Ok((request, entities)) = self.request(scene, group) else {
            return Answer::Broken(Vec::new());
        };
        let response = self.authorizer.is_authorized(&request, &self.policies, &entities);
        let failed = sorted(response.diagnostics().errors().map(|error| match error {
            cedar_policy::AuthorizationError::PolicyEvaluationError(failure) => {
                failure.policy_id().to_string()
            }
        }));
        if !failed.is_empty() {
            return Answer::Broken(failed);
        }
        let determining = sorted(response.diagnostics().reason().map(ToString::to_string));
        match response.decision() {
            Decision::Allow => Answer::Allow(determining),
            Decision::Deny => Answer::Deny(determining),
        }
    }

    /// Builds the request and its entities, held against the schema.
    pub fn request(&self, scene: &Scene<'_>, group: u32) -> Result<(Request, Entities), Unfit> {
        let actor = uid("Institution", scene.actor)?;
        let action = uid("Action", scene.action.as_str())?;
        let record = self.record(scene)?;
        let context = Context::from_pairs(need(scene, group)?)?;
        let request = Request::new(actor.clone(), action, record.uid(), context, Some(&self.schema))?;
        let mut institutions: HashSet<EntityUid> = HashSet::from([actor, uid("Institution", scene.source)?]);
        if let Some(home) = scene.home {
            institutions.insert(uid("Institution", home)?);
        }
        let partners = institutions.into_iter().map(|id| Entity::new_no_attrs(id, HashSet::new()));
        let entities = Entities::from_entities(partners.chain([record]), Some(&self.schema))?;
        Ok((request, entities))
    }

    /// The record of a scene. It needs no id of its own: policies can't tell two records apart.
    fn record(&self, scene: &Scene<'_>) -> Result<Entity, Unfit> {
        let institution = |name: &str| uid("Institution", name).map(RestrictedExpression::new_entity_uid);
        let mut attributes = HashMap::from([
            ("source".to_owned(), institution(scene.source)?),
            ("placed".to_owned(), RestrictedExpression::new_bool(scene.placed)),
            ("confidential".to_owned(), RestrictedExpression::new_bool(scene.confidential)),
        ]);
        if let Some(home) = scene.home {
            attributes.insert("home".to_owned(), institution(home)?);
        }
        Ok(Entity::new(uid(entity_type(scene.kind), "record")?, attributes, HashSet::new())?)
    }
}

/// The request's context: the group in question, and the agreement.
fn need(scene: &Scene<'_>, group: u32) -> Result<Vec<(String, RestrictedExpression)>, Unfit> {
    let mut need = vec![("group".to_owned(), group_expression(scene.kind, group)?)];
    if let Some((name, listed)) = &scene.agreement {
        let numbers = scene.kind.groups().iter().map(|(number, _)| *number);
        let lists = [HEAD].into_iter().chain(numbers.filter(|number| facts::has(*listed, *number)));
        let lists =
            lists.map(|number| group_expression(scene.kind, number)).collect::<Result<Vec<_>, _>>()?;
        let agreement = RestrictedExpression::new_record([
            ("named".to_owned(), RestrictedExpression::new_entity_uid(uid("Agreement", name)?)),
            ("lists".to_owned(), RestrictedExpression::new_set(lists)),
        ])?;
        need.push(("agreement".to_owned(), agreement));
    }
    Ok(need)
}

fn group_expression(kind: RecordKind, number: u32) -> Result<RestrictedExpression, Unfit> {
    let named = kind.groups().iter().find(|(n, _)| *n == number).map(|(_, name)| *name);
    let name = if number == HEAD { "head" } else { named.ok_or(Unfit("no such field group".to_owned()))? };
    Ok(RestrictedExpression::new_entity_uid(uid("FieldGroup", &format!("{kind}.{name}"))?))
}

/// The kind's entity type in the schema.
pub(crate) const fn entity_type(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Attendance => "Attendance",
        RecordKind::Assessment => "Assessment",
        RecordKind::Behaviour => "Behaviour",
    }
}

fn uid(entity_type: &str, id: &str) -> Result<EntityUid, Unfit> {
    Ok(EntityUid::from_type_name_and_id(entity_type.parse::<EntityTypeName>()?, EntityId::new(id)))
}

fn sorted(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids.dedup();
    ids
}
