//! `commonroll exit`: what an institution takes with it, the check of that without a hub, and the end of its membership.

use crate::commands::{
    pack::Folder,
    person::{As, connect, refused},
    told,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Subcommand;
use commonroll_audit::{
    Hash,
    approval::Approves,
    checkpoint::{Checkpoint, LogPublicKey},
    keys::PublicKey,
    seal::{GroupLeaf, record_root, verify_whole_batch},
};
use commonroll_exchange::leaving_hash;
use commonroll_wire::pb::duty::v1::{
    EndMembershipRequest, ExitPackRequest, duty_service_client::DutyServiceClient,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The commands of leaving.
#[derive(Subcommand)]
pub enum ExitCommand {
    /// Draw up everything that the hub holds of your institution: records as you sent and signed them, declarations,
    /// agreements, the log's lines about you, keys, and what partners hold
    ///
    /// Example: commonroll exit pack --out leaving-2026
    Pack {
        #[command(flatten)]
        by: As,
        /// Folder to make
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
    /// Check such a folder without any hub: every record against its root, every root against your own signature; exit code 1
    /// and the first line at fault if something is wrong
    Verify {
        /// The folder
        folder: PathBuf,
        /// Your institution's slug
        institution: String,
    },
    /// End the membership of your institution, as its head: nothing flows from that moment, placements end, and nobody acts
    /// for it any more, you included. Draw up the pack first
    End {
        #[command(flatten)]
        by: As,
        /// Your institution's slug, to show that you mean it
        institution: String,
    },
}

/// Runs a command.
pub async fn run(command: ExitCommand) -> Result<ExitCode, String> {
    match command {
        ExitCommand::Pack { by, out } => pack(&by, &out).await?,
        ExitCommand::Verify { folder, institution } => verify(&folder, &institution)?,
        ExitCommand::End { by, institution } => end(&by, &institution).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn pack(by: &As, out: &Path) -> Result<(), String> {
    let caller = connect(by).await?;
    let mut folder = Folder::new(out)?;
    let institution = caller.identity.card.institution.clone();
    let mut duty = DutyServiceClient::new(caller.channel);
    let request = ExitPackRequest { role: caller.role.to_string() };
    let mut pieces = duty.exit_pack(request).await.map_err(|status| refused(&status))?.into_inner();
    while let Some(answer) = pieces.message().await.map_err(|status| refused(&status))? {
        folder.put(&answer.piece.ok_or("the hub's answer is not whole")?)?;
    }
    println!("{} files in {}; begin with index.md", folder.end()?, out.display());
    println!("check it: commonroll exit verify {} {institution}", out.display());
    Ok(())
}

async fn end(by: &As, institution: &str) -> Result<(), String> {
    let caller = connect(by).await?;
    let own = caller.identity.card.institution.clone();
    if own.as_str() != institution {
        return Err(format!("you act for {own}; nobody ends another's membership"));
    }
    let signature = caller.identity.approve(Approves::Act, &leaving_hash(&own));
    let request =
        EndMembershipRequest { role: caller.role.to_string(), signature: signature.to_vec().into() };
    let mut duty = DutyServiceClient::new(caller.channel);
    let ended = duty.end_membership(request).await.map_err(|status| refused(&status))?.into_inner();
    println!("{own} has left: nothing flows to it or from it any more");
    println!("{} words on placements and the access of {} ended", ended.placements, ended.access);
    Ok(())
}

/// Holds records against roots and roots against signatures.
fn verify(folder: &Path, institution: &str) -> Result<(), String> {
    let key: LogPublicKey = text(folder, "log.key")?.trim().parse().map_err(told)?;
    let checkpoint = Checkpoint::open(&text(folder, "checkpoint.txt")?, &key).map_err(told)?;
    let keys = keys(folder)?;
    let mut batches: BTreeMap<u64, Vec<Hash>> = BTreeMap::new();
    each(folder, "batches.jsonl", |line| {
        let number = line["batch"].as_u64().ok_or("batch: must be a number")?;
        let roots: Option<Vec<Hash>> = array(&line["roots"]).map(bytes).collect();
        let roots = roots.ok_or("roots: must be hashes")?;
        let signature = bytes::<64>(&line["signature"]).ok_or("signature: must be 64 bytes")?;
        let id = bytes::<8>(&line["key_id"]).ok_or("key_id: must be 8 bytes")?;
        let key = keys.iter().find(|key| *key.id().as_bytes() == id).ok_or("key_id: is not in agents.csv")?;
        verify_whole_batch(key, institution, number, &roots, &signature)
            .map_err(|_| "signature: does not cover these roots")?;
        batches.insert(number, roots);
        Ok(())
    })?;
    let (mut whole, mut gone) = (0u64, 0u64);
    each(folder, "records.jsonl", |line| {
        let root: Hash = bytes(&line["root"]).ok_or("root: must be a hash")?;
        let entry = line["entry"].as_u64().ok_or("entry: must be a number")?;
        if entry > checkpoint.size {
            return Err("entry: is not in the log of checkpoint.txt");
        }
        if line["gone"].is_string() {
            gone += 1;
            return Ok(());
        }
        let signed = line["batch"].as_u64().and_then(|number| batches.get(&number));
        let place = line["place"].as_u64().and_then(|place| usize::try_from(place).ok());
        if signed.zip(place).and_then(|(roots, place)| roots.get(place)) != Some(&root) {
            return Err("root: is not what was signed at this place of the batch");
        }
        let leaves: Option<Vec<GroupLeaf>> = array(&line["groups"]).map(leaf).collect();
        let leaves = leaves.ok_or("groups: must be whole")?;
        if record_root(&leaves) != Ok(root) {
            return Err("groups: do not lead to the root");
        }
        whole += 1;
        Ok(())
    })?;
    println!("{whole} records are as {institution} signed them, in {} batches", batches.len());
    println!("of {gone} the content is gone, which log.jsonl explains");
    println!("log {} with {} entries", checkpoint.origin, checkpoint.size);
    Ok(())
}

fn leaf(group: &Value) -> Option<GroupLeaf> {
    let number = u32::try_from(group["number"].as_u64()?).ok()?;
    match group["hash"].is_string() {
        true => Some(GroupLeaf::withheld(number, bytes(&group["hash"])?)),
        false => {
            let content = STANDARD.decode(group["content"].as_str()?).ok()?;
            Some(GroupLeaf::shown(number, &bytes(&group["salt"])?, &content))
        }
    }
}

fn keys(folder: &Path) -> Result<Vec<PublicKey>, String> {
    let rows = text(folder, "agents.csv")?;
    let keys = rows.lines().skip(1).map(|row| row.split(',').nth(1).and_then(from_hex::<32>));
    let keys: Option<Vec<[u8; 32]>> = keys.collect();
    let keys = keys.ok_or("agents.csv: the second column must be keys")?;
    Ok(keys.into_iter().map(PublicKey::from_bytes).collect())
}

fn text(folder: &Path, name: &str) -> Result<String, String> {
    let path = folder.join(name);
    std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Looks at each line of a file; the first at fault ends it.
fn each(
    folder: &Path,
    name: &str,
    mut look: impl FnMut(&Value) -> Result<(), &'static str>,
) -> Result<(), String> {
    let path = folder.join(name);
    let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let fault = |fault: &str| format!("{}: line {number}: {fault}", path.display());
        let line = line.map_err(|error| fault(&error.to_string()))?;
        let line: Value = serde_json::from_str(&line).map_err(|_| fault("is no JSON"))?;
        look(&line).map_err(fault)?;
    }
    Ok(())
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn bytes<const N: usize>(value: &Value) -> Option<[u8; N]> {
    from_hex(value.as_str()?)
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(pair).collect();
    bytes?.try_into().ok()
}
