//! `commonroll agent`: set up, join, run, once, status, aside, doctor, check, transfer.

use crate::{
    commands::{agent_setup, agent_transfer, start_logs, told, told_to_stop},
    real::{Real, now},
};
use clap::Subcommand;
use commonroll_agent::{
    Identity, Settings,
    asides::Decided,
    check,
    doctor::{self, World},
    fetch,
    run::Agent,
};
use commonroll_connectors::Mapping;
use std::{path::PathBuf, process::ExitCode, sync::Arc};

/// Where the agent's settings are.
#[derive(clap::Args, Clone)]
pub struct Place {
    /// The agent's settings file
    #[arg(long, default_value = "agent.toml", env = "COMMONROLL_AGENT_SETTINGS")]
    settings: PathBuf,
}

impl Place {
    pub(super) fn load(&self) -> Result<Settings, String> {
        Settings::load(&self.settings).map_err(told)
    }
}

/// The agent's commands.
#[derive(Subcommand)]
pub enum AgentCommand {
    /// Start here: look at an export, propose how to read it, ask what it doesn't say, and write the settings
    Setup(Box<agent_setup::Args>),
    /// Use up an invitation: make this machine's keys and enrol them at the hub
    Join {
        #[command(flatten)]
        place: Place,
        /// File with the invitation's one line; - for standard input
        invitation: PathBuf,
    },
    /// Watch the folders, publish, receive and write back until Ctrl-C or SIGTERM
    Run(Place),
    /// Do everything once, then stop
    Once(Place),
    /// Show what was sent, what waits, what was refused and why; exit code 1 if a person should see to something
    Status {
        #[command(flatten)]
        place: Place,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Explain, to the record, how what was sent of a day differs from what the hub holds; exit code 1 if it does
    ///
    /// Example: commonroll agent difference --day 2026-11-20
    Difference {
        #[command(flatten)]
        place: Place,
        /// The school date
        #[arg(long, value_name = "DATE")]
        day: commonroll_core::SchoolDate,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Decide about a record that arrived and could not be written, by its number in agent status; the hub's log says so
    ///
    /// Example: commonroll agent aside 4711 --retry
    Aside {
        #[command(flatten)]
        place: Place,
        /// Its number
        number: u64,
        /// Let it be tried again at once
        #[arg(long, required_unless_present = "dismiss")]
        retry: bool,
        /// Give it up: it is written nowhere
        #[arg(long, conflicts_with = "retry")]
        dismiss: bool,
    },
    /// Say what is wrong and what to do about it: settings, exports, keys, the way to the hub, the outbox
    Doctor {
        #[command(flatten)]
        place: Place,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what would be sent of a file, or of what an MIS answers just now, without sending anything
    Check {
        #[command(flatten)]
        place: Place,
        /// The export to check
        #[arg(required_unless_present = "source")]
        file: Option<PathBuf>,
        /// Name of a source with `from`: fetched once, and removed again
        #[arg(long, conflicts_with = "file")]
        source: Option<String>,
    },
    /// Write a DfE Common Transfer File of chosen learners: who they are, prior attainment, attendance of a school year
    ///
    /// It is made from the exports that this agent has taken and that still lie in their folders. The file is readable by you
    /// alone, nothing is overwritten and nothing is sent anywhere: carry it by the DfE's school to school service or as you are
    /// used to. Prior attainment is passed on as a CTF brought it, attendance from your own statutory register. The connector's
    /// page (crates/connectors/src/ctf/README.md) says what is not confirmed.
    ///
    /// Example: commonroll agent transfer --learner 6420 --learner 6421 --from 8604001 --to 8604002 --out transfers/
    Transfer(Box<agent_transfer::Args>),
}

/// Runs an agent command.
pub async fn run(command: AgentCommand) -> Result<ExitCode, String> {
    match command {
        AgentCommand::Setup(args) => set_up(&args).await,
        AgentCommand::Join { place, invitation } => join(&place, &invitation).await,
        AgentCommand::Run(place) => serve(&place).await,
        AgentCommand::Once(place) => once(&place).await,
        AgentCommand::Status { place, json } => status(&place, json).await,
        AgentCommand::Difference { place, day, json } => difference(&place, day, json).await,
        AgentCommand::Aside { place, number, retry, .. } => aside(&place, number, retry).await,
        AgentCommand::Doctor { place, json } => doctor(&place, json).await,
        AgentCommand::Check { place, file: Some(file), .. } => check_file(&place, &file).await,
        AgentCommand::Transfer(args) => agent_transfer::run(*args).await,
        AgentCommand::Check { place, source, .. } => check_fetched(&place, &source.unwrap_or_default()).await,
    }
}

async fn set_up(args: &agent_setup::Args) -> Result<ExitCode, String> {
    match agent_setup::run(args).await? {
        (_, true) => serve(&Place { settings: args.settings.clone() }).await,
        (code, false) => Ok(code),
    }
}

async fn join(place: &Place, invitation: &std::path::Path) -> Result<ExitCode, String> {
    let settings = place.load()?;
    let text = match invitation.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()).map_err(told)?,
        _ => std::fs::read_to_string(invitation).map_err(|e| format!("{}: {e}", invitation.display()))?,
    };
    let card = commonroll_agent::join::join(text.trim(), &settings.identity_folder(), now(), &Real)
        .await
        .map_err(told)?;
    println!("joined as {} at {}; next: commonroll agent run", card.institution, card.hub);
    Ok(ExitCode::SUCCESS)
}

async fn difference(place: &Place, day: commonroll_core::SchoolDate, json: bool) -> Result<ExitCode, String> {
    let difference = open(place.load()?).await?.difference(day).await.map_err(told)?;
    match json {
        true => println!("{}", serde_json::to_string_pretty(&difference).map_err(told)?),
        false => print!("{difference}"),
    }
    Ok(ExitCode::from(difference.exit_code()))
}

async fn open(settings: Settings) -> Result<Agent, String> {
    Agent::open(settings, Arc::new(Real), Arc::new(Real)).await.map_err(told)
}

/// An agent without an outbox receives nothing, and nothing else of it would say so.
fn tell_if_deaf(settings: &Settings) {
    if settings.outbox.is_none() {
        tracing::warn!("no [outbox] in the settings: nothing that partners share is received");
    }
}

/// A scale that nobody knows keeps no grade back, so nothing else would say that it was made up.
fn tell_of_scales(settings: &Settings) {
    for source in &settings.sources {
        for unknown in source.mapping.iter().flat_map(Mapping::unknown_scales) {
            tracing::warn!("source {}: {unknown}", source.name);
        }
    }
}

async fn serve(place: &Place) -> Result<ExitCode, String> {
    let settings = place.load()?;
    start_logs(&settings.log);
    tell_if_deaf(&settings);
    tell_of_scales(&settings);
    let agent = open(settings).await?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        told_to_stop().await;
        let _ = stop.send(true);
        // Held until the agent has ended, since a gone sender means stop as well.
        std::future::pending::<()>().await;
    });
    agent.run(stopped).await.map_err(told)?;
    Ok(ExitCode::SUCCESS)
}

async fn once(place: &Place) -> Result<ExitCode, String> {
    let settings = place.load()?;
    start_logs(&settings.log);
    tell_if_deaf(&settings);
    tell_of_scales(&settings);
    let agent = open(settings).await?;
    let done = agent.once().await.map_err(told)?;
    println!(
        "read {} file(s); {}; wrote back {} record(s)",
        done.looked.verdicts.len(),
        done.published,
        done.received
    );
    let status = agent.status().await.map_err(told)?;
    if !status.attention.is_empty() {
        println!("a person should see to something: commonroll agent status");
    }
    Ok(ExitCode::from(status.exit_code()))
}

async fn status(place: &Place, json: bool) -> Result<ExitCode, String> {
    let agent = open(place.load()?).await?;
    let status = agent.status().await.map_err(told)?;
    match json {
        true => println!("{}", serde_json::to_string_pretty(&status).map_err(told)?),
        false => println!("{status}"),
    }
    Ok(ExitCode::from(status.exit_code()))
}

async fn aside(place: &Place, number: u64, retry: bool) -> Result<ExitCode, String> {
    let deed = if retry { Decided::Retry } else { Decided::Dismiss };
    let agent = open(place.load()?).await?;
    if !agent.decide_aside(number, deed).await.map_err(told)? {
        return Err(format!("no record {number} is set aside; commonroll agent status lists them"));
    }
    println!("{}", if retry { "it is tried again at once by the running agent" } else { "given up" });
    Ok(ExitCode::SUCCESS)
}

async fn doctor(place: &Place, json: bool) -> Result<ExitCode, String> {
    let world = World { now: now(), network: &doctor::Real, disk: &commonroll_agent::durable::disk };
    let report = doctor::examine(&place.settings, &world).await;
    match json {
        true => println!("{}", serde_json::to_string_pretty(&report).map_err(told)?),
        false => print!("{report}"),
    }
    Ok(ExitCode::from(report.exit_code()))
}

async fn check_file(place: &Place, file: &std::path::Path) -> Result<ExitCode, String> {
    let settings = place.load()?;
    // Before joining, everything is new.
    let identity = Identity::load(&settings.identity_folder()).ok();
    let checked = check::check(&settings, identity.as_ref(), file, now()).await.map_err(told)?;
    println!("{checked}");
    Ok(ExitCode::from(checked.exit_code()))
}

async fn check_fetched(place: &Place, name: &str) -> Result<ExitCode, String> {
    let settings = place.load()?;
    let fetchers =
        fetch::fetchers(&settings, &(Arc::new(Real) as _), &(Arc::new(Real) as _)).map_err(told)?;
    let source = settings.sources.iter().find(|source| source.name == name);
    let Some((source, fetcher)) = source.zip(fetchers.get(name)) else {
        return Err(format!("no source `{name}` with `from` in the settings"));
    };
    let identity = Identity::load(&settings.identity_folder()).ok();
    let all = tokio::select! {
        all = check::check_fetched(&settings, identity.as_ref(), source, &**fetcher, now()) => all.map_err(told)?,
        // What was fetched goes with the check.
        () = super::told_to_stop() => return Err("stopped; nothing of what was fetched is left".to_owned()),
    };
    all.iter().for_each(|checked| println!("{checked}"));
    Ok(ExitCode::from(all.iter().map(check::Checked::exit_code).max().unwrap_or(0)))
}
