//! Judging a situation, and finding the words for the answer.
//!
//! Why something was denied is asked of the policies themselves: "would it be permitted if there were a placement?". So
//! a reason stays true when the policies change, and no rule is written down a second time in Rust.

use crate::{
    engine::{Answer, Engine, Scene},
    facts::HEAD,
    question::{Action, Question},
    verdict::{Denied, DenyCode, Permit, Why},
};
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
}

/// Asks about every field group of the scene's record. Without its head nothing leaves; a failure denies everything.
pub(crate) fn judge(engine: &Engine, scene: &Scene<'_>) -> Verdict {
    let mut groups = 0;
    let mut permitting = BTreeSet::new();
    for number in [HEAD].into_iter().chain(scene.kind.groups().iter().map(|(number, _)| *number)) {
        match engine.ask(scene, number) {
            Answer::Allow(policies) => {
                groups |= 1 << number;
                permitting.extend(policies);
            }
            Answer::Deny(policies) if number == HEAD => {
                return Verdict::Denied(deny(engine, scene, policies));
            }
            Answer::Deny(_) => {}
            Answer::Broken(policies) => return Verdict::Denied(broken(policies)),
        }
    }
    let policies = permitting.into_iter().collect::<Vec<_>>().join(",").into();
    Verdict::Permit { groups, policies }
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
        Some(need) => denied(need.code(), need.words(), Vec::new()),
        None => denied(
            DenyCode::NoPolicy,
            "no rule permits it: data managers can propose and approve a change of the policies",
            Vec::new(),
        ),
    }
}

/// Something that a permit can rest on, in the order in which a lack of it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Home,
    Placement,
    Agreement,
}

impl Need {
    const ALL: [Self; 3] = [Self::Home, Self::Placement, Self::Agreement];

    const fn code(self) -> DenyCode {
        match self {
            Self::Home => DenyCode::NotHome,
            Self::Placement => DenyCode::NoPlacement,
            Self::Agreement => DenyCode::NoAgreement,
        }
    }

    /// Which thing is missing and who can change it. The same words whether the learner is known or not.
    const fn words(self) -> &'static str {
        match self {
            Self::Home => {
                "the recipient is not the learner's home, or more than one institution claims to be: those who claim \
                 the learner settle it between them"
            }
            Self::Placement => {
                "no placement covers the record's date, time and group: the learner's home declares it and the host \
                 accepts it"
            }
            Self::Agreement => {
                "no sharing agreement in force between the two institutions lists records of this kind: both sign one \
                 that does"
            }
        }
    }

    /// The scene as it would be if this were there.
    fn supplied<'a>(self, scene: Scene<'a>) -> Scene<'a> {
        match (self, scene.action) {
            (Self::Home, Action::Receive) => Scene { home: Some(scene.actor), ..scene },
            (Self::Home, Action::Publish) => scene,
            (Self::Placement, Action::Receive) => Scene { placed: true, ..scene },
            (Self::Placement, Action::Publish) => {
                let home = scene.home.or(Some("(the learner's home)"));
                Scene { home, placed: true, ..scene }
            }
            (Self::Agreement, _) => {
                let agreement = scene.agreement.clone().or(Some(("(an agreement)".to_owned(), u32::MAX)));
                Scene { agreement, ..scene }
            }
        }
    }
}

/// What a denied scene lacks: each thing without which it would still be denied if all the others were there.
fn missing(engine: &Engine, scene: &Scene<'_>) -> Vec<Need> {
    let permitted = |needs: &mut dyn Iterator<Item = Need>| {
        let imagined = needs.fold(scene.clone(), |scene, need| need.supplied(scene));
        matches!(engine.ask(&imagined, HEAD), Answer::Allow(_))
    };
    if !permitted(&mut Need::ALL.into_iter()) {
        return Vec::new();
    }
    let lacks = |need: &Need| !permitted(&mut Need::ALL.into_iter().filter(|other| other != need));
    Need::ALL.into_iter().filter(lacks).collect()
}

/// An answer with the rules behind it, for people who may see decisions.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The answer.
    pub answer: Result<Permit, Denied>,
    /// The rules that decided: id, and what it says in plain words.
    pub rules: Vec<(String, String)>,
    /// Everything that is missing, where the answer is no and something is.
    pub missing: Vec<&'static str>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answer {
            Ok(permit) => {
                let names =
                    permit.kind.groups().iter().filter(|(n, _)| permit.lets_out(*n)).map(|(_, name)| *name);
                let names = ["head"].into_iter().chain(names).collect::<Vec<_>>().join(", ");
                writeln!(f, "permitted: {names}")?;
                if let Some((id, version)) = permit.agreement() {
                    writeln!(f, "  under agreement {id}, version {version}")?;
                }
            }
            Err(denied) => writeln!(f, "denied, {denied}")?,
        }
        self.rules.iter().try_for_each(|(id, says)| writeln!(f, "  rule {id}: {says}"))?;
        self.missing.iter().try_for_each(|what| writeln!(f, "  missing: {what}"))
    }
}

/// Judges afresh and gathers what decided.
pub(crate) fn explain(engine: &Engine, question: &Question<'_>) -> Explanation {
    let scene = Scene::of(question);
    let answer = judge(engine, &scene).answer(question);
    let ids: Vec<String> = match &answer {
        Ok(permit) => permit.reason().split(',').map(str::to_owned).collect(),
        Err(denied) => denied.policies().to_vec(),
    };
    let says = |id: String| {
        let says = engine.annotation(&id, "says").unwrap_or_default().to_owned();
        (id, says)
    };
    let missing = match &answer {
        Err(_) => missing(engine, &scene).into_iter().map(Need::words).collect(),
        Ok(_) => Vec::new(),
    };
    Explanation { answer, rules: ids.into_iter().map(says).collect(), missing }
}
