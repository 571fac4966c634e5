//! The only caller of the Cedar authorizer.
//!
//! A [`Scene`] becomes one Cedar request for each field group, checked against the schema. Whatever goes wrong on the
//! way, in building the request or in evaluating any policy, is [`Answer::Broken`]: never an allow, and never silently
//! ignored.
//!
//! Cedar looks at every policy of a set for every request, so the set is split once by what a policy's head says it is
//! about: the answer is the same, since a policy whose head doesn't fit neither decides nor fails.

use crate::{
    facts,
    scene::{Act, Person, Scene, Thing, environments},
};
use cedar_policy::{
    ActionConstraint, Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    Policy, PolicyId, PolicySet, PrincipalConstraint, Request, ResourceConstraint, RestrictedExpression,
    Schema,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The policies, ready to be asked.
#[derive(Debug)]
pub(crate) struct Engine {
    schema: Schema,
    policies: PolicySet,
    /// The policies that can apply, for each thing that can be asked.
    fitting: BTreeMap<(Act, Thing), PolicySet>,
    authorizer: Authorizer,
    names: Names,
}

/// The schema's entity types, parsed once: parsing a name costs more than a decision.
#[derive(Debug)]
struct Names {
    institution: EntityTypeName,
    person: EntityTypeName,
    role: EntityTypeName,
    purpose: EntityTypeName,
    agreement: EntityTypeName,
    action: EntityTypeName,
    group: EntityTypeName,
    things: BTreeMap<Thing, EntityTypeName>,
}

impl Names {
    fn new() -> Self {
        let name = |text: &str| text.parse().expect("the schema's type names are plain words");
        Self {
            institution: name("Institution"),
            person: name("Person"),
            role: name("Role"),
            purpose: name("Purpose"),
            agreement: name("Agreement"),
            action: name("Action"),
            group: name("FieldGroup"),
            things: environments().map(|(_, thing)| (thing, name(thing.entity_type()))).collect(),
        }
    }

    fn is_act(&self, named: &EntityUid) -> bool {
        environments().any(|(act, _)| *named == uid(&self.action, act.as_str()))
    }
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

/// A scene as Cedar sees it, save for the field group in question.
pub(crate) struct Stage {
    who: EntityUid,
    action: EntityUid,
    what: EntityUid,
    entities: Entities,
    context: Vec<(String, RestrictedExpression)>,
}

impl Engine {
    /// An engine over a schema and its policies, which somebody else has checked.
    pub fn new(schema: Schema, policies: PolicySet) -> Self {
        let names = Names::new();
        let fitting = environments().map(|asked| (asked, fitting(&policies, &names, asked))).collect();
        Self { schema, policies, fitting, authorizer: Authorizer::new(), names }
    }

    /// A policy's annotation.
    pub fn annotation(&self, policy: &str, key: &str) -> Option<&str> {
        self.policies.annotation(&PolicyId::new(policy), key)
    }

    /// What the policies say of one field group of a scene (`None` for an office act, which has none).
    pub fn ask(&self, scene: &Scene<'_>, group: Option<u32>) -> Answer {
        self.stage(scene).map_or_else(|_| Answer::Broken(Vec::new()), |stage| self.put(scene, &stage, group))
    }

    /// What other policies than the engine's say of it.
    pub fn ask_of(&self, scene: &Scene<'_>, group: Option<u32>, policies: &PolicySet) -> Answer {
        let asked = self.stage(scene).and_then(|stage| Ok((self.request(scene, &stage, group)?, stage)));
        match asked {
            Ok((request, stage)) => self.decide(&request, policies, &stage.entities),
            Err(_) => Answer::Broken(Vec::new()),
        }
    }

    /// The schema.
    #[cfg(feature = "prove")]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The policies whose head fits one of the schema's environments.
    #[cfg(feature = "prove")]
    pub fn fitting_env(&self, env: &cedar_policy::RequestEnv) -> PolicySet {
        let fit = self.policies.policies().filter(|policy| self.fits_env(policy, env)).cloned();
        PolicySet::from_policies(fit).expect("a part of a set has no id twice")
    }

    /// True if a policy's head fits an environment.
    #[cfg(feature = "prove")]
    pub fn fits_env(&self, policy: &Policy, env: &cedar_policy::RequestEnv) -> bool {
        fits(policy, &self.names, env.principal(), env.action(), env.resource())
    }

    /// Every policy's id.
    pub fn ids(&self) -> Vec<String> {
        sorted(self.policies.policies().map(|policy| policy.id().to_string()))
    }

    /// The policies that can apply when this act about this thing is asked about.
    pub fn fitting(&self, act: Act, thing: Thing) -> impl Iterator<Item = &Policy> {
        self.fitting.get(&(act, thing)).into_iter().flat_map(PolicySet::policies)
    }

    /// What the policies say, with a stage that is set once for all groups.
    pub fn put(&self, scene: &Scene<'_>, stage: &Stage, group: Option<u32>) -> Answer {
        let broken = Answer::Broken(Vec::new());
        let Ok(request) = self.request(scene, stage, group) else { return broken };
        let Some(policies) = self.fitting.get(&(scene.act, scene.thing)) else { return broken };
        self.decide(&request, policies, &stage.entities)
    }

    /// Calls a second of one question about one field group, as it is put and by the bare authorizer over all policies
    /// with the request ready: what `rate` makes of each.
    pub fn raw_rate(&self, scene: &Scene<'_>, rate: &mut dyn FnMut(&mut dyn FnMut()) -> f64) -> (f64, f64) {
        let group = scene.thing.groups().next().map(|(number, _)| number);
        let ready = self.stage(scene).and_then(|stage| Ok((self.request(scene, &stage, group)?, stage)));
        let Ok((request, stage)) = ready else { return (0.0, 0.0) };
        let ours = rate(&mut || drop(std::hint::black_box(self.ask(scene, group))));
        let mut bare = || {
            drop(std::hint::black_box(self.authorizer.is_authorized(
                &request,
                &self.policies,
                &stage.entities,
            )));
        };
        (ours, rate(&mut bare))
    }

    /// Puts one request to some policies. The one call of the authorizer that decides anything.
    pub fn decide(&self, request: &Request, policies: &PolicySet, entities: &Entities) -> Answer {
        let response = self.authorizer.is_authorized(request, policies, entities);
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

    /// The request about one field group, held against the schema.
    pub fn request(&self, scene: &Scene<'_>, stage: &Stage, group: Option<u32>) -> Result<Request, Unfit> {
        let group = group.map(|number| self.group(scene.thing, number)).transpose()?;
        let group = group.map(|group| ("group".to_owned(), group));
        let context = Context::from_pairs(stage.context.iter().cloned().chain(group))?;
        let (who, action, what) = (stage.who.clone(), stage.action.clone(), stage.what.clone());
        Ok(Request::new(who, action, what, context, Some(&self.schema))?)
    }

    /// Builds the entities of a scene, held against the schema, and the context but for the group.
    pub fn stage(&self, scene: &Scene<'_>) -> Result<Stage, Unfit> {
        let names = &self.names;
        let actor = uid(&names.institution, scene.actor);
        let thing = self.thing(scene)?;
        let person = scene.person.map(|person| self.person(person, &actor)).transpose()?;
        let who = person.as_ref().map_or_else(|| actor.clone(), Entity::uid);
        let what = thing.uid();
        let others = [Some(scene.source), scene.home].into_iter().flatten();
        let partners: HashSet<EntityUid> =
            others.map(|name| uid(&names.institution, name)).chain([actor]).collect();
        let partners = partners.into_iter().map(|id| Entity::new_no_attrs(id, HashSet::new()));
        let entities = Entities::from_entities(partners.chain([thing]).chain(person), Some(&self.schema))?;
        let action = uid(&names.action, scene.act.as_str());
        Ok(Stage { who, action, what, entities, context: self.context(scene)? })
    }

    /// The person of a scene. It needs no id of its own: policies can't tell two people apart.
    fn person(&self, person: Person, institution: &EntityUid) -> Result<Entity, Unfit> {
        let role = uid(&self.names.role, person.role.as_str());
        let attributes = HashMap::from([
            ("institution".to_owned(), RestrictedExpression::new_entity_uid(institution.clone())),
            ("role".to_owned(), RestrictedExpression::new_entity_uid(role)),
        ]);
        Ok(Entity::new(uid(&self.names.person, "person"), attributes, HashSet::new())?)
    }

    /// What a scene is about. It needs no id of its own: policies can't tell two records apart.
    fn thing(&self, scene: &Scene<'_>) -> Result<Entity, Unfit> {
        let institution =
            |name: &str| RestrictedExpression::new_entity_uid(uid(&self.names.institution, name));
        let flag = RestrictedExpression::new_bool;
        let (own, concerns) = match scene.thing {
            Thing::Record(_) => (
                vec![
                    ("source", institution(scene.source)),
                    ("placed", flag(scene.placed)),
                    ("confidential", flag(scene.confidential)),
                ],
                "home",
            ),
            Thing::Card => (vec![("placed_here", flag(scene.placed))], "home"),
            Thing::Office => (Vec::new(), "of"),
        };
        let concerned = scene.home.map(|home| (concerns, institution(home)));
        let attributes = own.into_iter().chain(concerned).map(|(name, value)| (name.to_owned(), value));
        let id = uid(&self.names.things[&scene.thing], "it");
        Ok(Entity::new(id, attributes.collect(), HashSet::new())?)
    }

    /// The request's context, but for the group in question.
    fn context(&self, scene: &Scene<'_>) -> Result<Vec<(String, RestrictedExpression)>, Unfit> {
        let mut context = Vec::new();
        if let Some((name, listed)) = &scene.agreement {
            context.push(("agreement".to_owned(), self.agreement(scene.thing, name, *listed)?));
        }
        if let Some(person) = scene.person {
            let purpose = uid(&self.names.purpose, person.purpose.as_str());
            context.push(("purpose".to_owned(), RestrictedExpression::new_entity_uid(purpose)));
            let flags: &[(&str, bool)] = match scene.thing {
                Thing::Office => &[("second", person.second)],
                Thing::Record(_) | Thing::Card => &[
                    ("teaches", person.teaches),
                    ("own", person.own),
                    ("access_on", person.access_on),
                    ("emergency", person.emergency),
                ],
            };
            let flags =
                flags.iter().map(|(name, on)| ((*name).to_owned(), RestrictedExpression::new_bool(*on)));
            context.extend(flags);
        }
        Ok(context)
    }

    fn agreement(&self, thing: Thing, name: &str, listed: u32) -> Result<RestrictedExpression, Unfit> {
        let listed = |number: u32| number == facts::HEAD || facts::has(listed, number);
        let lists = thing.groups().map(|(number, _)| number).filter(|number| listed(*number));
        let lists = lists.map(|number| self.group(thing, number)).collect::<Result<Vec<_>, _>>()?;
        let named = RestrictedExpression::new_entity_uid(uid(&self.names.agreement, name));
        let lists = RestrictedExpression::new_set(lists);
        Ok(RestrictedExpression::new_record([("named".to_owned(), named), ("lists".to_owned(), lists)])?)
    }

    fn group(&self, thing: Thing, number: u32) -> Result<RestrictedExpression, Unfit> {
        let named = thing.groups().find(|(n, _)| *n == number).map(|(_, name)| name);
        let name = named.ok_or(Unfit("there is no such field group".to_owned()))?;
        let full = format!("{}.{name}", thing.as_str());
        Ok(RestrictedExpression::new_entity_uid(uid(&self.names.group, &full)))
    }
}

/// The policies whose head fits. Where that can't be told from the head alone, the policy stays in.
fn fitting(policies: &PolicySet, names: &Names, (act, thing): (Act, Thing)) -> PolicySet {
    let action = uid(&names.action, act.as_str());
    let who = match act {
        Act::Institution(_) | Act::ReceiveCard => &names.institution,
        Act::Read | Act::ReadCard | Act::Office(_) => &names.person,
    };
    let fit = policies.policies().filter(|policy| fits(policy, names, who, &action, &names.things[&thing]));
    PolicySet::from_policies(fit.cloned()).expect("a part of a set has no id twice")
}

fn fits(
    policy: &Policy,
    names: &Names,
    who: &EntityTypeName,
    action: &EntityUid,
    what: &EntityTypeName,
) -> bool {
    let principal = match policy.principal_constraint() {
        PrincipalConstraint::Is(wanted) | PrincipalConstraint::IsIn(wanted, _) => wanted == *who,
        _ => true,
    };
    let acts = match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(wanted) => wanted == *action,
        // A name that is no act may be a group of acts: the policy stays in.
        ActionConstraint::In(wanted) => wanted.contains(action) || !wanted.iter().all(|w| names.is_act(w)),
    };
    let resource = match policy.resource_constraint() {
        ResourceConstraint::Is(wanted) | ResourceConstraint::IsIn(wanted, _) => wanted == *what,
        _ => true,
    };
    principal && acts && resource
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
