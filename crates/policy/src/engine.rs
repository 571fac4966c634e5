//! The only caller of the Cedar authorizer.
//!
//! A [`Scene`] becomes one Cedar request, checked against the schema. Whatever goes wrong on the way, in building the
//! request or in evaluating any policy, is [`Answer::Broken`]: never an allow, and never silently ignored.

use crate::{
    facts::{self, HEAD},
    question::{Action, Question},
};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId,
    PolicySet, Request, RestrictedExpression, Schema,
};
use commonroll_core::RecordKind;
use std::collections::{HashMap, HashSet};

/// The policies, ready to be asked.
#[derive(Debug)]
pub(crate) struct Engine {
    schema: Schema,
    policies: PolicySet,
    authorizer: Authorizer,
    names: Names,
}

/// The schema's entity types, parsed once: parsing a name costs more than a decision.
#[derive(Debug)]
struct Names {
    institution: EntityTypeName,
    agreement: EntityTypeName,
    action: EntityTypeName,
    group: EntityTypeName,
    kinds: [EntityTypeName; RecordKind::ALL.len()],
}

impl Names {
    fn new() -> Self {
        let name = |text: &str| text.parse().expect("the schema's type names are plain words");
        Self {
            institution: name("Institution"),
            agreement: name("Agreement"),
            action: name("Action"),
            group: name("FieldGroup"),
            kinds: RecordKind::ALL.map(|kind| name(entity_type(kind))),
        }
    }
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
    /// An engine over a schema and its policies, which somebody else has checked.
    pub fn new(schema: Schema, policies: PolicySet) -> Self {
        Self { schema, policies, authorizer: Authorizer::new(), names: Names::new() }
    }

    /// A policy's annotation.
    pub fn annotation(&self, policy: &str, key: &str) -> Option<&str> {
        self.policies.annotation(&PolicyId::new(policy), key)
    }

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
        let names = &self.names;
        let actor = uid(&names.institution, scene.actor);
        let action = uid(&names.action, scene.action.as_str());
        let record = self.record(scene)?;
        let context = Context::from_pairs(self.need(scene, group)?)?;
        let request = Request::new(actor.clone(), action, record.uid(), context, Some(&self.schema))?;
        let others = [Some(scene.source), scene.home].into_iter().flatten();
        let partners: HashSet<EntityUid> =
            others.map(|name| uid(&names.institution, name)).chain([actor]).collect();
        let partners = partners.into_iter().map(|id| Entity::new_no_attrs(id, HashSet::new()));
        let entities = Entities::from_entities(partners.chain([record]), Some(&self.schema))?;
        Ok((request, entities))
    }

    /// The record of a scene. It needs no id of its own: policies can't tell two records apart.
    fn record(&self, scene: &Scene<'_>) -> Result<Entity, Unfit> {
        let institution =
            |name: &str| RestrictedExpression::new_entity_uid(uid(&self.names.institution, name));
        let mut attributes = HashMap::from([
            ("source".to_owned(), institution(scene.source)),
            ("placed".to_owned(), RestrictedExpression::new_bool(scene.placed)),
            ("confidential".to_owned(), RestrictedExpression::new_bool(scene.confidential)),
        ]);
        attributes.extend(scene.home.map(|home| ("home".to_owned(), institution(home))));
        let kind = &self.names.kinds[facts::place(scene.kind)];
        Ok(Entity::new(uid(kind, "record"), attributes, HashSet::new())?)
    }

    /// The request's context: the group in question, and the agreement.
    fn need(&self, scene: &Scene<'_>, group: u32) -> Result<Vec<(String, RestrictedExpression)>, Unfit> {
        let mut need = vec![("group".to_owned(), self.group(scene.kind, group)?)];
        if let Some((name, listed)) = &scene.agreement {
            let numbers = scene.kind.groups().iter().map(|(number, _)| *number);
            let lists = [HEAD].into_iter().chain(numbers.filter(|number| facts::has(*listed, *number)));
            let lists = lists.map(|number| self.group(scene.kind, number)).collect::<Result<Vec<_>, _>>()?;
            let named = RestrictedExpression::new_entity_uid(uid(&self.names.agreement, name));
            let lists = RestrictedExpression::new_set(lists);
            let agreement =
                RestrictedExpression::new_record([("named".to_owned(), named), ("lists".to_owned(), lists)])?;
            need.push(("agreement".to_owned(), agreement));
        }
        Ok(need)
    }

    fn group(&self, kind: RecordKind, number: u32) -> Result<RestrictedExpression, Unfit> {
        let named = kind.groups().iter().find(|(n, _)| *n == number).map(|(_, name)| *name);
        let name = if number == HEAD { Some("head") } else { named };
        let name = name.ok_or(Unfit("the kind has no such field group".to_owned()))?;
        Ok(RestrictedExpression::new_entity_uid(uid(&self.names.group, &format!("{kind}.{name}"))))
    }
}

/// The kind's entity type in the schema.
pub(crate) const fn entity_type(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Attendance => "Attendance",
        RecordKind::Assessment => "Assessment",
        RecordKind::Behaviour => "Behaviour",
    }
}

fn uid(entity_type: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(entity_type.clone(), EntityId::new(id))
}

fn sorted(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids.dedup();
    ids
}
