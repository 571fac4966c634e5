//! `commonroll agent`: join, run, once, status, check.

use crate::{
    commands::{start_logs, told, told_to_stop},
    real::{Real, now},
};
use clap::Subcommand;
use commonroll_agent::{Identity, Settings, run::Agent};
use std::{path::PathBuf, process::ExitCode, sync::Arc};

/// Where the agent's settings are.
#[derive(clap::Args, Clone)]
pub struct Place {
    /// The agent's settings file
    #[arg(long, default_value = "agent.toml", env = "COMMONROLL_AGENT_SETTINGS")]
    settings: PathBuf,
}

impl Place {
    fn load(&self) -> Result<Settings, String> {
        Settings::load(&self.settings).map_err(told)
    }
}

/// The agent's commands.
#[derive(Subcommand)]
pub enum AgentCommand {
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
    /// Show what would be sent of a file, without sending anything
    Check {
        #[command(flatten)]
        place: Place,
        /// The export to check
        file: PathBuf,
    },
}

/// Runs an agent command.
pub async fn run(command: AgentCommand) -> Result<ExitCode, String> {
    match command {
        AgentCommand::Join { place, invitation } => join(&place, &invitation).await,
        AgentCommand::Run(place) => serve(&place).await,
        AgentCommand::Once(place) => once(&place).await,
        AgentCommand::Status { place, json } => status(&place, json).await,
        AgentCommand::Check { place, file } => check(&place, &file).await,
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

async fn open(settings: Settings) -> Result<Agent, String> {
    Agent::open(settings, Arc::new(Real), Arc::new(Real)).await.map_err(told)
}

async fn serve(place: &Place) -> Result<ExitCode, String> {
    let settings = place.load()?;
    start_logs(&settings.log);
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

async fn check(place: &Place, file: &std::path::Path) -> Result<ExitCode, String> {
    let settings = place.load()?;
    // Before joining, everything is new.
    let identity = Identity::load(&settings.identity_folder()).ok();
    let checked =
        commonroll_agent::check::check(&settings, identity.as_ref(), file, now()).await.map_err(told)?;
    println!("{checked}");
    Ok(ExitCode::from(checked.exit_code()))
}
