//! Changing the policies: propose, approve, activate. Entry before effect, and two people when anybody's rights change.
//!
//! A proposal is bound by its hash to the set that it was compared with. If another set has come into force meanwhile,
//! it can't be used any more and must be compared anew, by proposing it again.

use super::keys;
use crate::{
    Exchange,
    directory::{
        Directory,
        approvals::Approval,
        change::{Bytes16, Bytes32, Change, hex},
        policies::{Proposal, texts_of},
    },
    office::{Acting, Actor, LawError, may},
    types::NotAllowed,
};
use aws_lc_rs::digest;
use commonroll_audit::{approval::Approves, hash::Hash};
use commonroll_core::{Invalid, Timestamp};
use commonroll_policy::{Change as Comparison, ChangeKind, OfficeAct, Policy, PolicyError, Texts};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::OwnedMutexGuard;

/// Proposals of one person that can still be used, at most.
const OPEN_MAX: usize = 4;
/// Bytes of a set at most.
const SET_BYTES_MAX: usize = 1 << 20;
/// Files of a set at most.
const FILES_MAX: usize = 64;

/// How long a proposal waits for a trial, or for another proposal, to be done.
const WAIT: Duration = Duration::from_secs(10);

/// What people sign who stand behind a change of the policies: the SHA-256 of `commonroll/policy-change/v1`, the hash of
/// the set in force, the hash of the proposed set and a number used once, the hashes and the number as lower-case
/// hexadecimal digits, each followed by a line feed.
pub fn policy_change_hash(from: &Hash, to: &Hash, nonce: &[u8; 16]) -> Hash {
    let text = format!("commonroll/policy-change/v1\n{}\n{}\n{}\n", hex(from), hex(to), hex(nonce));
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}

/// A proposed set with its proposer's signature.
#[derive(Debug, Clone)]
pub struct PolicyProposal {
    /// The proposed set.
    pub texts: Texts,
    /// Hash of the set in force, as the proposer saw it.
    pub from: Hash,
    /// A number used once.
    pub nonce: [u8; 16],
    /// The proposer's signature over [`policy_change_hash`].
    pub signature: [u8; 64],
}

impl PolicyProposal {
    /// A proposal of a set that came as files.
    ///
    /// # Errors
    /// If a name stands there twice: which of the two was meant?
    pub fn of_files<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        from: Hash,
        nonce: [u8; 16],
        signature: [u8; 64],
    ) -> Result<Self, Invalid> {
        Ok(Self { texts: texts_from(files)?, from, nonce, signature })
    }
}

/// A set that came as files.
pub(crate) fn texts_from<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Texts, Invalid> {
    let files: Vec<(&str, &str)> = files.into_iter().collect();
    let names: BTreeSet<&str> = files.iter().map(|(name, _)| *name).collect();
    if names.len() != files.len() {
        return Err(Invalid::new("files", "two files have the same name"));
    }
    let texts = Texts::from_files(files);
    bounded(&texts)?;
    Ok(texts)
}

/// A set that was loaded, with what it changes; or its faults.
pub(crate) type Compared = Result<(Arc<Policy>, Comparison), PolicyError>;

/// What came of a proposal.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// What others sign to approve it.
    pub id: Hash,
    /// What it changes.
    pub comparison: Comparison,
}

impl Proposed {
    /// True if a second person has to approve it.
    pub fn needs_second(&self) -> bool {
        self.comparison.kind() != ChangeKind::Equal
    }
}

impl Exchange {
    /// Proposes a policy set. It is loaded and compared with the set in force first: one with a fault is refused, with its
    /// line, and leaves an entry.
    pub async fn propose_policy(
        &self,
        acting: Acting<'_>,
        proposal: PolicyProposal,
        now: Timestamp,
    ) -> Result<Proposed, LawError> {
        let in_force = {
            let directory = self.shared.directory();
            let allowed = may(&directory, acting, OfficeAct::ProposePolicy, None, false);
            let _permit = allowed.inspect_err(|_| self.act_refused(acting, OfficeAct::ProposePolicy))?;
            directory.policies().set().cloned().ok_or(NO_SET)?
        };
        bounded(&proposal.texts)?;
        if proposal.texts.hash() == in_force.hash() {
            return Err(LawError::State("nothing would change: it is the set in force"));
        }
        if proposal.from != in_force.hash() {
            return Err(MOVED_ON);
        }
        let Ok(one) = tokio::time::timeout(WAIT, self.shared.trying.clone().lock_owned()).await else {
            return Err(BUSY);
        };
        let (_one, compared) = self.compared(in_force.clone(), proposal.texts.clone(), one).await?;
        let (set, comparison) = match compared {
            Ok(compared) => compared,
            Err(error) => return Err(self.policy_rejected(acting, &error)),
        };
        keys::not_lost(&self.shared.directory(), acting.speaker.institution(), &in_force, &set)?;
        let id = policy_change_hash(&proposal.from, &set.hash(), &proposal.nonce);
        let (actor, widens, words) = (acting.owned(), comparison.kind().widens(), shortened(&comparison));
        let alike = comparison.kind() == ChangeKind::Equal;
        let files: BTreeMap<String, String> =
            set.texts().iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let (from, to) = (Bytes32(proposal.from), Bytes32(set.hash()));
        let nonce = Some(Bytes16(proposal.nonce));
        self.law(acting, OfficeAct::ProposePolicy, now, move |work, now| {
            let directory = &*work.planner.directory;
            let permit = may(directory, actor.acting(), OfficeAct::ProposePolicy, None, false)?;
            let policies = directory.policies();
            let by = actor.approves(directory, Approves::Policy, &id, proposal.signature, now)?;
            if policies.hash() != Some(from.0) {
                return Err(MOVED_ON);
            }
            if policies.proposal(&id).is_some() {
                return Err(LawError::State("this proposal was made already; a new one takes a new number"));
            }
            let own = |held: &&Arc<Proposal>| held.by.person == actor.id() && policies.stands(held);
            if policies.proposals().filter(own).count() >= OPEN_MAX {
                return Err(LawError::State(
                    "you have four open proposals; let one of them be decided first",
                ));
            }
            work.more = more(&actor, permit.reason(), &id, (&from, &to));
            work.more["effect"] = (if widens { "widens" } else { "does not widen" }).into();
            let proposal = Proposal {
                id: Bytes32(id),
                from,
                to,
                nonce,
                texts: files.clone(),
                widens,
                alike,
                changes: words.clone(),
                by,
                approvals: Vec::new(),
                used: false,
            };
            work.planner.make(Change::Proposal { proposal: Box::new(proposal) });
            Ok(())
        })
        .await?;
        Ok(Proposed { id, comparison })
    }

    /// Approves a proposal of somebody else, by a signature over its id.
    pub async fn approve_policy(
        &self,
        acting: Acting<'_>,
        id: Hash,
        signature: [u8; 64],
        now: Timestamp,
    ) -> Result<(), LawError> {
        let actor = acting.owned();
        self.law(acting, OfficeAct::ApprovePolicy, now, move |work, now| {
            let directory = &*work.planner.directory;
            let held = standing(directory, &id)?;
            let second = held.by.person != actor.id();
            let permit = may(directory, actor.acting(), OfficeAct::ApprovePolicy, None, second)?;
            // The rule of the house, whatever a policy set says: nobody is their own second person.
            if !second {
                return Err(NotAllowed::Denied.into());
            }
            let approval = actor.approves(directory, Approves::Policy, &id, signature, now)?;
            if held.approvals.iter().any(|approval| approval.person == actor.id()) {
                return Err(LawError::State("you have approved it already"));
            }
            work.more = more(&actor, permit.reason(), &id, (&held.from, &held.to));
            let mut proposal = Proposal::clone(&held);
            proposal.approvals.push(approval);
            work.planner.make(Change::Proposal { proposal: Box::new(proposal) });
            Ok(())
        })
        .await
    }

    /// Puts a proposal in force: on every stream when the call returns. A change of anybody's rights needs the approval of a second
    /// person who still holds the role, also one that takes them away; one that fails keeps the set in force, with an entry.
    pub async fn activate_policy(
        &self,
        acting: Acting<'_>,
        id: Hash,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let (held, shelf) = {
            let directory = self.shared.directory();
            let allowed = may(&directory, acting, OfficeAct::ActivatePolicy, None, false);
            let _permit = allowed.inspect_err(|_| self.act_refused(acting, OfficeAct::ActivatePolicy))?;
            (standing(&directory, &id)?, directory.policies().shelf().clone())
        };
        let texts = texts_of(&held.texts);
        let loaded = tokio::task::spawn_blocking(move || shelf.load(texts)).await;
        let fault = match loaded.map_err(|_| LawError::Unavailable)? {
            Ok(set) if set.hash() == held.to.0 => None,
            Ok(_) => Some(PolicyError::Missing { file: "schema.cedarschema".to_owned() }),
            Err(fault) => Some(fault),
        };
        if let Some(fault) = fault {
            return Err(self.policy_rejected(acting, &fault));
        }
        let actor = acting.owned();
        self.law(acting, OfficeAct::ActivatePolicy, now, move |work, _| {
            let directory = &*work.planner.directory;
            let held = standing(directory, &id)?;
            let permit = may(directory, actor.acting(), OfficeAct::ActivatePolicy, None, false)?;
            let stands = |approval: &&Approval| directory.in_role(approval.person, approval.role).is_ok();
            if !stands(&&held.by) {
                return Err(LawError::State("whoever proposed it no longer holds the role; propose it anew"));
            }
            let seconds: Vec<Approval> = held
                .approvals
                .iter()
                .filter(stands)
                .filter(|approval| approval.person != held.by.person)
                .cloned()
                .collect();
            if held.needs_second() && seconds.is_empty() {
                return Err(LawError::State(
                    "it changes what is permitted, so a second person has to approve it: `commonroll policy approve`",
                ));
            }
            work.more = more(&actor, permit.reason(), &id, (&held.from, &held.to));
            let approvals = [std::slice::from_ref(&held.by), seconds.as_slice()].concat();
            let (hash, texts) = (held.to, held.texts.clone());
            work.planner.make(Change::Policy { hash, texts, approvals });
            let used = Proposal { used: true, texts: BTreeMap::new(), ..Proposal::clone(&held) };
            work.planner.make(Change::Proposal { proposal: Box::new(used) });
            Ok(())
        })
        .await
    }

    /// The proposals that were made, newest first, and whether each still stands; for those who may read the rules.
    pub fn policy_proposals(&self, acting: Acting<'_>) -> Result<Vec<(Arc<Proposal>, bool)>, NotAllowed> {
        let directory = self.shared.directory();
        let _permit = may(&directory, acting, OfficeAct::SeePolicy, None, false)?;
        let policies = directory.policies();
        let mut all: Vec<_> =
            policies.proposals().map(|held| (held.clone(), policies.stands(held))).collect();
        all.sort_by_key(|(held, _)| std::cmp::Reverse((held.by.at, held.id.0)));
        Ok(all)
    }

    /// The set in force and who approved it; for those who may read the rules.
    pub fn policy_set(&self, acting: Acting<'_>) -> Result<(Arc<Policy>, Vec<Approval>), NotAllowed> {
        let directory = self.shared.directory();
        let _permit = may(&directory, acting, OfficeAct::SeePolicy, None, false)?;
        let set = directory.policies().set().cloned().ok_or(NotAllowed::Denied)?;
        Ok((set, directory.policies().approvals().to_vec()))
    }

    /// Loads a set and compares it with the one in force, off the threads that serve. Whoever asks may go away meanwhile:
    /// the work goes on, so the turn is held by the work.
    pub(crate) async fn compared(
        &self,
        in_force: Arc<Policy>,
        texts: Texts,
        turn: OwnedMutexGuard<()>,
    ) -> Result<(OwnedMutexGuard<()>, Compared), LawError> {
        let shelf = self.shared.directory().policies().shelf().clone();
        let work = move || {
            let compared = shelf.load(texts).map(|set| {
                let comparison = in_force.compare(&set);
                (set, comparison)
            });
            (turn, compared)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| LawError::Unavailable)
    }

    pub(crate) fn act_refused(&self, acting: Acting<'_>, act: OfficeAct) {
        self.refused(&acting.speaker.by(), "act.refused", act.as_str());
    }

    /// A set that can't be used: an entry, a metric, and the line for whoever brought it.
    fn policy_rejected(&self, acting: Acting<'_>, error: &PolicyError) -> LawError {
        self.shared.policy_rejected.fetch_add(1, Ordering::Relaxed);
        let faults = match error {
            PolicyError::Rejected(findings) => findings.iter().map(ToString::to_string).collect(),
            other => vec![other.to_string()],
        };
        let place = match error {
            PolicyError::Rejected(findings) => {
                findings.first().map_or_else(String::new, |first| format!("{}:{}", first.file, first.line))
            }
            PolicyError::Missing { file } | PolicyError::Unreadable { file, .. } => file.clone(),
        };
        tracing::error!(place, "a policy set was rejected; the set in force stays");
        self.refused(&acting.speaker.by(), "policy.rejected", &place);
        LawError::Faults(faults)
    }
}

const MOVED_ON: LawError = LawError::State(
    "another policy set has come into force since: compare the change with it and propose it anew",
);
const BUSY: LawError =
    LawError::State("another change is being tried or compared; propose it again in a moment");
const NO_SET: LawError = LawError::State("the policy set in force can't be used by this program");

/// A proposal that can still be used.
fn standing(directory: &Directory, id: &Hash) -> Result<Arc<Proposal>, LawError> {
    let policies = directory.policies();
    let held = policies.proposal(id).ok_or(LawError::NotAllowed(NotAllowed::Denied))?;
    match (held.used, policies.stands(held)) {
        (true, _) => Err(LawError::State("it was put in force already")),
        (_, false) => Err(MOVED_ON),
        _ => Ok(held.clone()),
    }
}

/// What a comparison says, within bounds.
fn shortened(comparison: &Comparison) -> String {
    comparison.to_string().chars().take(8_000).collect()
}

/// Bounds of what is sent, before it is looked at.
pub(crate) fn bounded(texts: &Texts) -> Result<(), Invalid> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let named = |name: &str| {
        name == "schema.cedarschema"
            || name
                .strip_suffix(".cedar")
                .is_some_and(|stem| (1..=64).contains(&stem.len()) && stem.chars().all(plain))
    };
    if !texts.iter().all(|(name, _)| named(name)) {
        let rule = "a set has schema.cedarschema and *.cedar files, named with lower-case letters, digits, hyphens and _";
        return Err(Invalid::new("files", rule));
    }
    let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
    if bytes > SET_BYTES_MAX || texts.iter().count() > FILES_MAX {
        return Err(Invalid::new("files", "a set has 64 files and 1 MiB at most"));
    }
    Ok(())
}

fn more(actor: &Actor, rules: &str, id: &Hash, (from, to): (&Bytes32, &Bytes32)) -> serde_json::Value {
    let mut more = actor.speaker.more(actor.role);
    more["rules"] = rules.into();
    more["change"] = hex(id).into();
    more["from"] = hex(&from.0).into();
    more["to"] = hex(&to.0).into();
    more
}
