//! `commonroll breach`: what was disclosed to whom in a span of time, one folder a controller.

use crate::{
    commands::{
        hub::Place,
        pack::Folder,
        person::{As, connect, refused},
        told,
    },
    real::now,
};
use clap::Subcommand;
use commonroll_core::{PersonId, Slug, Timestamp};
use commonroll_exchange::{AgentId, BreachBy, BreachSpan};
use commonroll_wire::pb::duty::v1::{BreachPackRequest, duty_service_client::DutyServiceClient};
use std::{path::PathBuf, process::ExitCode};

/// The commands of a breach.
#[derive(Subcommand)]
pub enum BreachCommand {
    /// Draw up what was disclosed to whom in a span of time, with the 72-hour form, proofs and a checkpoint
    ///
    /// As a data protection officer you get your own institution's part, with your own ids of the learners. On the hub's data
    /// folder (--dir) the operator gets every controller's part, with counts and without any id, to tell them without delay.
    ///
    /// Practise it: commonroll breach pack --from 2026-11-20T00:00:00Z --to 2026-11-21T00:00:00Z --drill --out drill
    Pack(Pack),
}

/// What a pack is to be about.
#[derive(clap::Args)]
pub struct Pack {
    #[command(flatten)]
    by: As,
    /// The hub's data folder, for its operator: every controller's part, without ids
    #[arg(long = "dir", value_name = "DIR", conflicts_with = "in_role")]
    hub: Option<PathBuf>,
    /// First instant, such as 2026-11-20T00:00:00Z, or a date
    #[arg(long, value_name = "TIME", value_parser = instant)]
    from: Timestamp,
    /// First instant that is not in it, or a date
    #[arg(long, value_name = "TIME", value_parser = instant)]
    to: Timestamp,
    /// When you became aware; the 72 hours run from here [default: now]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    known: Option<Timestamp>,
    /// Only what concerns the institution of this agent, whose key may be in other hands
    #[arg(long, value_name = "ID")]
    agent: Option<AgentId>,
    /// Only what this person was shown
    #[arg(long, value_name = "ID")]
    person: Option<PersonId>,
    /// Only what this institution made or was handed
    #[arg(long, value_name = "SLUG")]
    institution: Option<Slug>,
    /// Practise it: every page says DRILL, and so does the log
    #[arg(long)]
    drill: bool,
    /// Folder to make
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Runs a command.
pub async fn run(command: BreachCommand) -> Result<ExitCode, String> {
    let BreachCommand::Pack(pack) = command;
    let files = match &pack.hub {
        Some(dir) => on_the_folder(&pack, dir.clone()).await?,
        None => as_a_person(&pack).await?,
    };
    println!("{files} files in {}; begin with index.md", pack.out.display());
    if pack.drill {
        println!("every page says DRILL: nothing has happened");
    }
    Ok(ExitCode::SUCCESS)
}

async fn as_a_person(pack: &Pack) -> Result<usize, String> {
    let caller = connect(&pack.by).await?;
    let mut folder = Folder::new(&pack.out)?;
    let request = BreachPackRequest {
        role: caller.role.to_string(),
        from_us: pack.from.micros(),
        to_us: pack.to.micros(),
        known_us: pack.known.unwrap_or_else(now).micros(),
        drill: pack.drill,
        agent_id: pack.agent.map(|id| id.0.to_vec()).unwrap_or_default().into(),
        person_id: pack.person.map(|id| id.0.to_vec()).unwrap_or_default().into(),
        institution: pack.institution.as_ref().map(Slug::to_string).unwrap_or_default(),
    };
    let mut duty = DutyServiceClient::new(caller.channel);
    let mut pieces = duty.breach_pack(request).await.map_err(|status| refused(&status))?.into_inner();
    while let Some(answer) = pieces.message().await.map_err(|status| refused(&status))? {
        folder.put(&answer.piece.ok_or("the hub's answer is not whole")?)?;
    }
    folder.end()
}

async fn on_the_folder(pack: &Pack, dir: PathBuf) -> Result<usize, String> {
    let (_, exchange) = Place { dir, settings: None, set: Vec::new() }.open_to_write().await?;
    let span = BreachSpan {
        between: (pack.from, pack.to),
        known: pack.known.unwrap_or_else(now),
        drill: pack.drill,
    };
    let by = BreachBy { agent: pack.agent, person: pack.person, institution: pack.institution.clone() };
    let mut pieces = exchange.breach_pack_for_all("operator", span, &by, now()).await.map_err(told)?;
    let mut folder = Folder::new(&pack.out)?;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(told)?;
        folder.append(&piece.file, &piece.bytes)?;
    }
    folder.end()
}

/// An instant as RFC 3339 writes it, or the beginning of a date in UTC.
fn instant(text: &str) -> Result<Timestamp, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let rule = "must be a time such as 2026-11-20T09:30:00Z, or a date such as 2026-11-20";
    whole.parse().map(Timestamp::from_jiff).map_err(|_| rule.to_owned())
}
