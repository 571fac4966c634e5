//! `commonroll exit`: what an institution takes with it, the check of that without a hub, and the end of its membership.

use crate::commands::{
    exit_verify,
    law::Confirm,
    pack::Folder,
    person::{As, connect, refused},
};
use clap::Subcommand;
use commonroll_audit::approval::Approves;
use commonroll_exchange::leaving_hash;
use commonroll_wire::pb::duty::v1::{
    EndMembershipRequest, ExitPackRequest, duty_service_client::DutyServiceClient,
};
use std::{
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
    /// Check such a folder without any hub: every record against your own signature, that none is missing, every agreement
    /// against its hash, every file against the manifest; exit code 1 and the first thing at fault if something is wrong
    Verify {
        /// The folder
        folder: PathBuf,
        /// Your institution's slug
        institution: String,
        /// The manifest's SHA-256, as `exit pack` printed it
        #[arg(long, value_name = "SHA-256")]
        manifest: Option<String>,
    },
    /// End the membership of your institution, as its head: nothing flows from that moment, placements end, and nobody acts
    /// for it any more, you included. Draw up the pack first
    End {
        #[command(flatten)]
        by: As,
        /// Your institution's slug, to show that you mean it
        institution: String,
        #[command(flatten)]
        confirm: Confirm,
    },
}

/// Runs a command.
pub async fn run(command: ExitCommand) -> Result<ExitCode, String> {
    match command {
        ExitCommand::Pack { by, out } => pack(&by, &out).await?,
        ExitCommand::Verify { folder, institution, manifest } => {
            exit_verify::verify(&folder, &institution, manifest.as_deref())?;
        }
        ExitCommand::End { by, institution, confirm } => end(&by, &institution, confirm).await?,
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
    let (files, manifest) = folder.end_with_manifest()?;
    println!("{files} files in {}; begin with index.md", out.display());
    println!("note the manifest's SHA-256, and keep it elsewhere: {manifest}");
    println!("check it: commonroll exit verify {} {institution}", out.display());
    Ok(())
}

async fn end(by: &As, institution: &str, confirm: Confirm) -> Result<(), String> {
    let caller = connect(by).await?;
    let own = caller.identity.card.institution.clone();
    if own.as_str() != institution {
        return Err(format!("you act for {own}; nobody ends another's membership"));
    }
    println!("{own} leaves the consortium: nothing flows to it or from it from this moment");
    println!(
        "every placement ends that it is a side of, and the access of all its agents and people, yours included"
    );
    println!("partners are asked to remove what they may not keep; the history stays");
    println!(
        "it can't be taken back. Draw up the pack and check it first: commonroll exit pack, commonroll exit verify"
    );
    confirm.ask("end the membership", own.as_str())?;
    let signature = caller.identity.approve(Approves::Act, &leaving_hash(&own));
    let request =
        EndMembershipRequest { role: caller.role.to_string(), signature: signature.to_vec().into() };
    let mut duty = DutyServiceClient::new(caller.channel);
    let ended = duty.end_membership(request).await.map_err(|status| refused(&status))?.into_inner();
    println!("{own} has left: nothing flows to it or from it any more");
    println!("{} words on placements and the access of {} ended", ended.placements, ended.access);
    Ok(())
}
