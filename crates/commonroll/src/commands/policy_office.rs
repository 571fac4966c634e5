//! `commonroll policy in-force`, `proposals`, `propose`, `approve` and `activate`: the rules as people change them, at the hub.
//!
//! What is signed is looked at here, not taken from the hub: the texts are loaded and compared by this program, and the
//! hash that the key signs is worked out from them.

use super::{
    law::{Confirm, by_digits, hash32, refused},
    line::{hex, printable, say},
    person::{As, Caller, connect},
    policy::load,
    told,
};
use crate::real::Real;
use commonroll_audit::approval::Approves;
use commonroll_core::{PersonId, Timestamp};
use commonroll_exchange::policy_change_hash;
use commonroll_policy::{ChangeKind, Policy, Texts};
use commonroll_wire::pb::policy::v1::{
    ActivateRequest, Approval, ApproveRequest, InForceRequest, InForceResponse, PolicyFile, Proposal,
    ProposalsRequest, ProposeRequest, policy_service_client::PolicyServiceClient,
};
use std::path::Path;
use tonic::transport::Channel;

/// The service, for somebody who is connected.
pub(super) fn service(caller: &Caller) -> PolicyServiceClient<Channel> {
    PolicyServiceClient::new(caller.channel.clone())
}

/// Shows the set in force, and writes its texts into a folder.
pub async fn in_force(by: &As, texts: Option<&Path>, json: bool) -> Result<(), String> {
    let caller = connect(by).await?;
    let held = held(&caller).await?;
    let set = texts_of(&held.files);
    if set.hash()[..] != held.policy_hash[..] {
        return Err(
            "the texts that the hub shows aren't those of the set that it says is in force".to_owned()
        );
    }
    if let Some(dir) = texts {
        if std::fs::read_dir(dir).is_ok_and(|mut held| held.next().is_some()) {
            return Err(format!("{} is there already; name a new folder", dir.display()));
        }
        std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        for (name, text) in set.iter().filter(|(name, _)| plain(name)) {
            let file = dir.join(name);
            std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        }
    }
    if json {
        let files: Vec<&str> = set.iter().map(|(name, _)| name).collect();
        let approvals: Vec<_> = held.approvals.iter().map(approval_json).collect();
        let line = serde_json::json!({
            "hash": hex(&held.policy_hash), "files": files, "approvals": approvals,
        });
        println!("{line}");
        return Ok(());
    }
    println!("in force: {} ({} files)", hex(&held.policy_hash), set.iter().count());
    held.approvals.iter().for_each(|approval| println!("  {}", approved(approval)));
    if held.approvals.is_empty() {
        println!("  the first set of this consortium: the program brought it along");
    }
    if let Some(dir) = texts {
        println!(
            "its texts are in {}: change them, then: commonroll policy propose {}",
            dir.display(),
            dir.display()
        );
    }
    Ok(())
}

/// Lists what was proposed.
pub async fn proposals(by: &As, json: bool) -> Result<(), String> {
    let caller = connect(by).await?;
    let all = proposed(&caller, &[]).await?;
    if json {
        for one in &all {
            let approvals: Vec<_> = one.approvals.iter().map(approval_json).collect();
            let line = serde_json::json!({
                "id": hex(&one.proposal_id), "state": one.state, "widens": one.widens,
                "needs_second": one.needs_second, "changes": one.changes,
                "from": hex(&one.from_hash), "to": hex(&one.to_hash),
                "proposed": one.proposed.as_ref().map(approval_json), "approvals": approvals,
            });
            println!("{line}");
        }
        return Ok(());
    }
    if all.is_empty() {
        println!("no change of the rules was proposed");
    }
    for one in &all {
        let way = match (one.widens, one.needs_second) {
            (true, _) => "permits more: needs a second person",
            (_, true) => "permits less: needs a second person",
            _ => "permits the same",
        };
        println!("{}  {}; {way}", &hex(&one.proposal_id)[..16], one.state);
        one.proposed.iter().for_each(|approval| println!("  proposed by {}", approved(approval)));
        one.approvals.iter().for_each(|approval| println!("  approved by {}", approved(approval)));
        one.changes.lines().for_each(|line| say(&format!("  {}", printable(line))));
    }
    Ok(())
}

/// Proposes a folder of policies.
pub async fn propose(by: &As, dir: &Path, confirm: Confirm) -> Result<(), String> {
    let proposed = load(Some(dir))?;
    let caller = connect(by).await?;
    let held = held(&caller).await?;
    let from = hash32(&held.policy_hash)?;
    if proposed.hash() == from {
        println!("nothing would change: the folder holds the set in force; nothing was signed");
        return Ok(());
    }
    println!("what it changes of the set in force ({}):", &hex(&from)[..16]);
    let differs = show(&in_words(&held.files, &from)?, &proposed);
    let mut nonce = [0; 16];
    nonce.copy_from_slice(&Real.random_seed()[..16]);
    let id = policy_change_hash(&from, &proposed.hash(), &nonce);
    println!("you sign the hash of exactly this change: {}", hex(&id));
    confirm.ask("sign and propose it", "propose")?;
    let file = |(name, text): (&str, &str)| PolicyFile { name: name.to_owned(), text: text.to_owned() };
    let request = ProposeRequest {
        role: caller.role.to_string(),
        files: proposed.texts().iter().map(file).collect(),
        from_hash: from.to_vec().into(),
        nonce: nonce.to_vec().into(),
        signature: caller.identity.approve(Approves::Policy, &id).to_vec().into(),
    };
    let made = service(&caller).propose(request).await.map_err(|status| refused(&status))?.into_inner();
    if made.proposal_id[..] != id[..] {
        return Err("the hub took it under another hash than the one that you signed".to_owned());
    }
    let digits = &hex(&id)[..16];
    println!("proposed");
    if differs || made.needs_second {
        println!("a second person approves it: commonroll policy approve {digits}");
    }
    println!("put it in force: commonroll policy activate {digits}");
    Ok(())
}

/// Approves somebody else's proposal.
pub async fn approve(by: &As, digits: &str, confirm: Confirm) -> Result<(), String> {
    let caller = connect(by).await?;
    let (one, id) = looked_at(&caller, digits).await?;
    println!("you sign the hash of exactly this change: {}", hex(&id));
    confirm.ask("sign your approval", "approve")?;
    let request = ApproveRequest {
        role: caller.role.to_string(),
        proposal_id: one.proposal_id,
        signature: caller.identity.approve(Approves::Policy, &id).to_vec().into(),
    };
    service(&caller).approve(request).await.map_err(|status| refused(&status))?;
    println!("approved; put it in force: commonroll policy activate {}", &hex(&id)[..16]);
    Ok(())
}

/// Puts a proposal in force.
pub async fn activate(by: &As, digits: &str, confirm: Confirm) -> Result<(), String> {
    let caller = connect(by).await?;
    let (one, id) = looked_at(&caller, digits).await?;
    one.approvals.iter().for_each(|approval| println!("approved by {}", approved(approval)));
    confirm.ask("put it in force for the whole consortium", "activate")?;
    let request = ActivateRequest { role: caller.role.to_string(), proposal_id: id.to_vec().into() };
    service(&caller).activate(request).await.map_err(|status| refused(&status))?;
    println!("in force: {}", hex(&one.to_hash));
    Ok(())
}

/// Finds a proposal and shows, by this program's own comparison, what it changes. Gives the hash that follows from its texts.
async fn looked_at(caller: &Caller, digits: &str) -> Result<(Proposal, [u8; 32]), String> {
    let found = by_digits(proposed(caller, &[]).await?, digits, |one| &one.proposal_id)?;
    let one = proposed(caller, &found.proposal_id).await?.pop().ok_or("the hub's answer is not whole")?;
    if one.state != "open" {
        let why = if one.state == "used" {
            "it was put in force already"
        } else {
            "another set came into force first"
        };
        return Err(format!("this proposal can't be used any more: {why}"));
    }
    let held = held(caller).await?;
    let (from, to) = (hash32(&held.policy_hash)?, texts_of(&one.files));
    let nonce: [u8; 16] = one.nonce[..].try_into().map_err(|_| "the hub shows no number used once")?;
    let id = policy_change_hash(&from, &to.hash(), &nonce);
    if id[..] != one.proposal_id[..] {
        return Err(
            "the texts that the hub shows aren't what this hash stands for; nothing was signed".to_owned()
        );
    }
    println!("what it changes of the set in force ({}):", &hex(&from)[..16]);
    show(&in_words(&held.files, &from)?, &Policy::new(to).map_err(told)?);
    one.proposed.iter().for_each(|approval| println!("proposed by {}", approved(approval)));
    Ok((one, id))
}

/// The set in force, loaded from the hub's texts, which must be those that the hash stands for.
fn in_words(files: &[PolicyFile], hash: &[u8; 32]) -> Result<Policy, String> {
    let texts = texts_of(files);
    if texts.hash() != *hash {
        return Err(
            "the texts that the hub shows aren't those of the set that it says is in force".to_owned()
        );
    }
    Policy::new(texts).map_err(told)
}

/// Shows how two sets differ, and which files do. True if the second permits more or less.
fn show(from: &Policy, to: &Policy) -> bool {
    let change = from.compare(to);
    change.to_string().lines().for_each(|line| say(&format!("  {}", printable(line))));
    for (name, text) in to.texts().iter() {
        match from.texts().iter().find(|(other, _)| *other == name) {
            None => println!("  file {name} is new"),
            Some((_, before)) if before != text => println!("  file {name} is changed"),
            Some(_) => {}
        }
    }
    for (name, _) in
        from.texts().iter().filter(|(name, _)| to.texts().iter().all(|(other, _)| other != *name))
    {
        println!("  file {name} is gone");
    }
    change.kind() != ChangeKind::Equal
}

async fn held(caller: &Caller) -> Result<InForceResponse, String> {
    let asked = InForceRequest { role: caller.role.to_string(), with_files: true };
    Ok(service(caller).in_force(asked).await.map_err(|status| refused(&status))?.into_inner())
}

async fn proposed(caller: &Caller, id: &[u8]) -> Result<Vec<Proposal>, String> {
    let asked = ProposalsRequest { role: caller.role.to_string(), proposal_id: id.to_vec().into() };
    let answer = service(caller).proposals(asked).await.map_err(|status| refused(&status))?;
    Ok(answer.into_inner().proposals)
}

fn texts_of(files: &[PolicyFile]) -> Texts {
    Texts::from_files(files.iter().map(|file| (file.name.as_str(), file.text.as_str())))
}

/// True if a file of this name lands in the folder that was named and nowhere else.
fn plain(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) && !name.starts_with('.')
}

fn approved(approval: &Approval) -> String {
    let id = PersonId::from_slice(&approval.person_id).map_or_else(|_| "?".to_owned(), |id| id.to_string());
    let at =
        Timestamp::from_micros("at_us", approval.at_us).map_or_else(|_| "?".to_owned(), |at| at.to_string());
    printable(&format!("{} of {} ({id}), {at}", approval.role, approval.institution))
}

fn approval_json(approval: &Approval) -> serde_json::Value {
    let id = PersonId::from_slice(&approval.person_id).map(|id| id.to_string()).unwrap_or_default();
    serde_json::json!({
        "person": id, "institution": approval.institution, "role": approval.role, "at_us": approval.at_us,
        "signature": hex(&approval.signature),
    })
}
