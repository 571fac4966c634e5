//! Judging a situation, and finding the words for the answer.
//!
//! Why something was denied is asked of the policies themselves: "would it be permitted if there were a placement?". So
//! a reason stays true when the policies change, and no rule is written down a second time in Rust.

use crate::{
    engine::{Answer, Engine},
    facts::HEAD,
    need::missing,
    person::PersonQuestion,
    question::{AgreementInForce, Question},
    scene::{Scene, Thing},
    verdict::{CardPermit, Denied, DenyCode, Permit, PersonPermit, Why},
};
use commonroll_core::Slug;
use std::{collections::BTreeSet, fmt, sync::Arc};

/// A judged situation, without names, so that it can be remembered for all who are in the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Permitted: these groups, by these policies.
    Permit { groups: u32, policies: Arc<str> },
    /// Denied.
    Denied(Denied),
}

impl Verdict {
    /// The answer to one question in this situation.
    pub fn answer(&self, question: &Question<'_>) -> Result<Permit, Denied> {
        match self {
            Self::Permit { groups, policies } => Ok(Permit {
                action: question.action,
                kind: question.kind,
                actor: question.actor.clone(),
                groups: *groups,
                policies: Arc::clone(policies),
                agreement: question.agreement.map(|a| (a.id.clone(), a.version)),
            }),
            Self::Denied(denied) => Err(denied.clone()),
        }
    }

    /// The answer to one question of a person in this situation.
    pub fn answer_person(&self, question: &PersonQuestion<'_>) -> Result<PersonPermit, Denied> {
        match self {
            Self::Permit { groups, policies } => Ok(PersonPermit::new(question, *groups, policies)),
            Self::Denied(denied) => Err(denied.clone()),
        }
    }

    /// The answer to an institution that would be handed a card.
    pub fn answer_card(
        &self,
        recipient: &Slug,
        agreement: Option<AgreementInForce<'_>>,
    ) -> Result<CardPermit, Denied> {
        match self {
            Self::Permit { groups, policies } => Ok(CardPermit {
                recipient: recipient.clone(),
                groups: *groups,
                policies: Arc::clone(policies),
                agreement: agreement.map(|a| (a.id.clone(), a.version)),
            }),
            Self::Denied(denied) => Err(denied.clone()),
        }
    }
}

/// The groups that a scene is asked about, the deciding one first.
fn asked(thing: Thing) -> Vec<Option<u32>> {
    let groups: Vec<_> = thing.groups().map(|(number, _)| Some(number)).collect();
    if groups.is_empty() { vec![None] } else { groups }
}

/// Asks about every field group of the scene's record. Without its head nothing leaves; a failure denies everything.
pub(crate) fn judge(engine: &Engine, scene: &Scene<'_>) -> Verdict {
    let Ok(stage) = engine.stage(scene) else { return Verdict::Denied(broken(Vec::new())) };
    let mut groups = 0;
    let mut permitting = BTreeSet::new();
    for (at, group) in asked(scene.thing).into_iter().enumerate() {
        match engine.put(scene, &stage, group) {
            Answer::Allow(policies) => {
                groups |= group.map_or(0, |number| 1 << number);
                permitting.extend(policies);
            }
            Answer::Deny(policies) if at == 0 => {
                return Verdict::Denied(deny(engine, scene, policies));
            }
            Answer::Deny(_) => {}
            Answer::Broken(policies) => return Verdict::Denied(broken(policies)),
        }
    }
    let policies = permitting.into_iter().collect::<Vec<_>>().join(",").into();
    Verdict::Permit { groups, policies }
}

/// The groups that are permitted, without a word of why: for tables, which ask a thousand times. `None` if nothing is.
/// Adds the policies that decided any of it.
pub(crate) fn granted(engine: &Engine, scene: &Scene<'_>, deciding: &mut BTreeSet<String>) -> Option<u32> {
    let stage = engine.stage(scene).ok()?;
    let (mut groups, mut whole) = (Some(0), true);
    for (at, group) in asked(scene.thing).into_iter().enumerate() {
        match engine.put(scene, &stage, group) {
            Answer::Allow(policies) => {
                groups = groups.map(|groups| groups | group.map_or(0, |number| 1 << number));
                deciding.extend(policies);
            }
            Answer::Deny(policies) => {
                whole &= at != 0;
                deciding.extend(policies);
            }
            Answer::Broken(_) => whole = false,
        }
    }
    groups.filter(|_| whole)
}

/// What [`judge`] would permit, without a word of why, and without asking further once the head is denied.
pub(crate) fn glance(engine: &Engine, scene: &Scene<'_>) -> Option<u32> {
    let stage = engine.stage(scene).ok()?;
    let mut groups = 0;
    for (at, group) in asked(scene.thing).into_iter().enumerate() {
        match engine.put(scene, &stage, group) {
            Answer::Allow(_) => groups |= group.map_or(0, |number| 1 << number),
            Answer::Deny(_) if at != 0 => {}
            Answer::Deny(_) | Answer::Broken(_) => return None,
        }
    }
    Some(groups)
}

/// The group whose answer decides whether anything leaves at all.
pub(crate) fn deciding(thing: Thing) -> Option<u32> {
    (thing != Thing::Office).then_some(HEAD)
}

fn denied(code: DenyCode, reason: impl Into<String>, policies: Vec<String>) -> Denied {
    Denied { code, why: Arc::new(Why { reason: reason.into(), policies }) }
}

fn broken(policies: Vec<String>) -> Denied {
    let what = if policies.is_empty() {
        "the question did not fit the schema"
    } else {
        "a rule failed while it was evaluated"
    };
    let mend = "so nothing is allowed; whoever runs the hub puts the last good policy set back in force";
    denied(DenyCode::PolicyError, format!("{what}, {mend}"), policies)
}

fn deny(engine: &Engine, scene: &Scene<'_>, forbidding: Vec<String>) -> Denied {
    if !forbidding.is_empty() {
        let code = forbidding.iter().find_map(|id| engine.annotation(id, "code")?.parse().ok());
        let says =
            forbidding.iter().filter_map(|id| engine.annotation(id, "says")).collect::<Vec<_>>().join(" ");
        return denied(code.unwrap_or(DenyCode::NoPolicy), format!("a rule forbids it: {says}"), forbidding);
    }
    match missing(engine, scene).first() {
        Some(need) => denied(need.code(scene), need.words(scene), Vec::new()),
        None => denied(
            DenyCode::NoPolicy,
            "no rule permits it: data managers can propose and approve a change of the policies",
            Vec::new(),
        ),
    }
}

/// An answer with the rules behind it, for people who may see decisions.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The answer: names of the field groups that may leave (none for an office act), or why it is no.
    pub answer: Result<Vec<&'static str>, Denied>,
    /// Name and version of the agreement in force, if there is one.
    pub agreement: Option<(Slug, u32)>,
    /// The rules that decided: id, and what it says in plain words.
    pub rules: Vec<(String, String)>,
    /// Everything that is missing and who can change it, where the answer is no and something is.
    pub missing: Vec<&'static str>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answer {
            Ok(groups) if groups.is_empty() => writeln!(f, "permitted")?,
            Ok(groups) => writeln!(f, "permitted: {}", groups.join(", "))?,
            Err(denied) => writeln!(f, "denied, {denied}")?,
        }
        if let (Ok(_), Some((id, version))) = (&self.answer, &self.agreement) {
            writeln!(f, "  under agreement {id}, version {version}")?;
        }
        self.rules.iter().try_for_each(|(id, says)| writeln!(f, "  rule {id}: {says}"))?;
        self.missing.iter().try_for_each(|what| writeln!(f, "  missing: {what}"))
    }
}

/// Judges afresh and gathers what decided.
pub(crate) fn explain(
    engine: &Engine,
    scene: &Scene<'_>,
    agreement: Option<AgreementInForce<'_>>,
) -> Explanation {
    let (answer, ids) = match judge(engine, scene) {
        Verdict::Permit { groups, policies } => {
            let out = scene.thing.groups().filter(|(number, _)| crate::facts::has(groups, *number));
            let ids = policies.split(',').map(str::to_owned).collect();
            (Ok(out.map(|(_, name)| name).collect()), ids)
        }
        Verdict::Denied(denied) => {
            let ids = denied.policies().to_vec();
            (Err(denied), ids)
        }
    };
    let says = |id: String| {
        let says = engine.annotation(&id, "says").unwrap_or_default().to_owned();
        (id, says)
    };
    let missing = match &answer {
        Err(_) => missing(engine, scene).into_iter().map(|need| need.words(scene)).collect(),
        Ok(_) => Vec::new(),
    };
    Explanation {
        answer,
        agreement: agreement.map(|a| (a.id.clone(), a.version)),
        rules: ids.into_iter().map(says).collect(),
        missing,
    }
}
