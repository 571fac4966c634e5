//! `commonroll hub`: set up, run, invite, revoke, status.

use crate::{
    commands::{start_logs, told, told_to_stop},
    real::{Real, now},
};
use clap::Subcommand;
use commonroll_core::{PersonId, Role, Slug};
use commonroll_exchange::{AgentId, Exchange, PersonWanted, Revoke};
use commonroll_hub::{Settings, Sources};
use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

/// Exit code of a hub whose disk failed to flush.
const FLUSH_FAILED: u8 = 74;

/// Where the hub's folder and settings are.
#[derive(clap::Args, Clone)]
pub struct Place {
    /// The hub's data folder: database, keys and hub.toml
    #[arg(long, default_value = "commonroll-hub", env = "COMMONROLL_HUB_DIR")]
    pub dir: PathBuf,
    /// Settings file [default: hub.toml in the data folder]
    #[arg(long)]
    pub settings: Option<PathBuf>,
    /// A setting, over file and environment: --set listen.agents=0.0.0.0:8443 (repeat for more)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl Place {
    /// Reads the settings.
    pub fn load(&self) -> Result<Settings, String> {
        let pair = |text: &String| {
            let (key, value) =
                text.split_once('=').ok_or("--set takes KEY=VALUE, such as listen.agents=0.0.0.0:8443")?;
            Ok((key.to_owned(), value.to_owned()))
        };
        let flags = self.set.iter().map(pair).collect::<Result<_, String>>()?;
        Settings::load(&Sources {
            file: self.settings.clone(),
            data: Some(self.dir.clone()),
            environment: None,
            flags,
        })
        .map_err(told)
    }

    /// The same for a command that writes to the log: by a clock that can't be believed it would only be told that the log
    /// can't be written.
    pub async fn open_to_write(&self) -> Result<(Settings, Exchange), String> {
        let (settings, exchange) = self.open().await?;
        exchange.clock_holds(now()).map_err(|ahead| {
            format!("{ahead}, or run this with COMMONROLL_HUB__CLOCK_IS_RIGHT=true in the environment")
        })?;
        Ok((settings, exchange))
    }

    /// Opens the exchange, beside a running hub if there is one.
    pub async fn open(&self) -> Result<(Settings, Exchange), String> {
        let settings = self.load()?;
        if !self.dir.is_dir() {
            let dir = self.dir.display();
            return Err(format!(
                "there is no hub's data folder {dir}: name it with --dir or COMMONROLL_HUB_DIR"
            ));
        }
        let exchange = commonroll_hub::open_exchange(&settings, now(), &Real).await.map_err(told)?;
        Ok((settings, exchange))
    }
}

/// The hub's commands.
#[derive(Subcommand)]
pub enum HubCommand {
    /// Make the data folder, its own certificate authority and keys, and hub.toml
    Init(Place),
    /// Serve agents, and people's browsers if `listen.console` is set, until Ctrl-C or SIGTERM
    Run {
        #[command(flatten)]
        place: Place,
        /// The hub was off for months, and its clock is right: without this it takes such a clock for a wrong one and serves nobody
        #[arg(long)]
        clock_is_right: bool,
        /// Whom one can be in a demo: whoever opens the console can be any of them
        #[arg(long, hide = true)]
        demo_people: Option<PathBuf>,
    },
    /// Issue a one-time invitation for an institution's agent, or with --person for its first head, data_manager, dpo or
    /// consortium_lead, and print it (one line; hand it over safely)
    Invite {
        #[command(flatten)]
        place: Place,
        /// The institution's slug, such as kingsmead
        institution: Slug,
        /// For a person instead of an agent; they invite all others themselves
        #[arg(long, requires = "role", requires = "name")]
        person: bool,
        /// What the person is to be: head, data_manager, dpo, consortium_lead (repeat for more)
        #[arg(long, value_name = "ROLE", requires = "person")]
        role: Vec<Role>,
        /// The person's name
        #[arg(long, requires = "person")]
        name: Option<String>,
        /// Hours for which the invitation is good, 72 at most
        #[arg(long, default_value_t = 72)]
        hours: u64,
        /// Who issues it, for the log
        #[arg(long, default_value = "operator", value_parser = crate::commands::signer)]
        by: String,
    },
    /// Revoke an agent, a person, or every agent and person of an institution; open streams end within seconds
    Revoke {
        #[command(flatten)]
        place: Place,
        /// The agent's id
        #[arg(long, conflicts_with_all = ["institution", "person"], required_unless_present_any = ["institution", "person"])]
        agent: Option<AgentId>,
        /// The person's id
        #[arg(long, conflicts_with = "institution")]
        person: Option<PersonId>,
        /// The institution's slug
        #[arg(long)]
        institution: Option<Slug>,
        /// Who revokes, for the log
        #[arg(long, default_value = "operator", value_parser = crate::commands::signer)]
        by: String,
    },
    /// Show the log's size, the institutions, their agents and how far each has read
    Status {
        #[command(flatten)]
        place: Place,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs a hub command.
pub async fn run(command: HubCommand) -> Result<ExitCode, String> {
    match command {
        HubCommand::Init(place) => init(&place),
        HubCommand::Run { mut place, clock_is_right, demo_people } => {
            place.set.extend(clock_is_right.then(|| "clock_is_right=true".to_owned()));
            serve(&place, demo_people).await
        }
        HubCommand::Invite { place, institution, person: true, role, name, hours, by } => {
            let name = name.unwrap_or_default();
            let wanted = PersonWanted { name, roles: role.into_iter().collect(), staff: None, learner: None };
            invite_person(&place, (&institution, wanted), hours, &by).await
        }
        HubCommand::Invite { place, institution, hours, by, .. } => {
            invite(&place, &institution, hours, &by).await
        }
        HubCommand::Revoke { place, agent, person, institution, by } => {
            let what = match (agent, person, institution) {
                (Some(agent), _, _) => Revoke::Agent(agent),
                (_, Some(person), _) => Revoke::Person(person),
                (_, _, Some(institution)) => Revoke::Institution(institution),
                _ => return Err("say --agent, --person or --institution".to_owned()),
            };
            revoke(&place, what, &by).await
        }
        HubCommand::Status { place, json } => status(&place, json).await,
    }
}

fn init(place: &Place) -> Result<ExitCode, String> {
    let settings = place.load()?;
    commonroll_hub::init(&settings, now(), &Real).map_err(told)?;
    println!("made {}", settings.data.display());
    println!(
        "  keys      {} (back it up apart from the database; who has it can speak as the hub)",
        settings.keys.display()
    );
    println!("  database  {}", shown(&settings.database));
    println!(
        "next: commonroll directory import --dir {0} FILE, then commonroll hub run --dir {0}",
        place.dir.display()
    );
    tell_if_out_of_reach(&settings);
    Ok(ExitCode::SUCCESS)
}

/// An invitation says where the hub is, and at a partner's nobody would find one that means their own machine. On standard error: the
/// invitation alone goes to standard output.
fn tell_if_out_of_reach(settings: &Settings) {
    let astray = settings.led_astray();
    let Some((_, first)) = astray.first() else { return };
    let port = first.rsplit_once(':').map_or("8443", |(_, port)| port);
    let keys: Vec<&str> = astray.iter().map(|(key, _)| *key).collect();
    eprintln!(
        "warning: invitations say that the hub is at {first}, which other machines can't reach. In {} set {} to the hub's own name with its \
         port, such as hub.example.org:{port}, and add that name to `names`",
        settings.data.join("hub.toml").display(),
        keys.join(" and ")
    );
    if settings.listen.agents.ip().is_loopback() || settings.listen.join.ip().is_loopback() {
        eprintln!(
            "  listen.agents and listen.join are of this machine alone, too: 0.0.0.0:{port} listens on every address"
        );
    }
}

/// A database URL without its password.
fn shown(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}://..{}", &url[..scheme], &url[at..]),
        _ => url.to_owned(),
    }
}

async fn serve(place: &Place, demo_people: Option<PathBuf>) -> Result<ExitCode, String> {
    start_logs("info");
    let (mut settings, exchange) = place.open().await?;
    settings.demo_people = demo_people;
    let hub = commonroll_hub::Hub::bind(settings, exchange.clone(), Arc::new(Real), Arc::new(Real))
        .await
        .map_err(told)?;
    let addresses = hub.addresses();
    let console = addresses.console.map_or_else(String::new, |at| format!("  console {at}"));
    println!("agents {}  join {}  local {}{console}", addresses.agents, addresses.join, addresses.local);
    let shutdown = tokio_util::sync::CancellationToken::new();
    let stop = shutdown.clone();
    let watched = exchange.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = told_to_stop() => {}
            () = flush_failed(&watched) => {}
        }
        stop.cancel();
    });
    hub.serve(shutdown).await.map_err(told)?;
    if exchange.failed() {
        eprintln!("commonroll: a flush to disk failed; run `commonroll audit verify` before starting again");
        return Ok(ExitCode::from(FLUSH_FAILED));
    }
    Ok(ExitCode::SUCCESS)
}

async fn flush_failed(exchange: &Exchange) {
    while !exchange.failed() {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn invite(place: &Place, institution: &Slug, hours: u64, by: &str) -> Result<ExitCode, String> {
    let (settings, exchange) = place.open_to_write().await?;
    let valid = Duration::from_secs(hours.saturating_mul(3600));
    let text = commonroll_hub::invite(&settings, &exchange, (institution, valid, by), now(), &Real)
        .await
        .map_err(told)?;
    println!("{text}");
    tell_if_out_of_reach(&settings);
    Ok(ExitCode::SUCCESS)
}

async fn invite_person(
    place: &Place,
    whom: (&Slug, PersonWanted),
    hours: u64,
    by: &str,
) -> Result<ExitCode, String> {
    let (settings, exchange) = place.open_to_write().await?;
    let valid = Duration::from_secs(hours.saturating_mul(3600));
    let text = commonroll_hub::invite_person(&settings, &exchange, whom, (valid, by), (now(), &Real))
        .await
        .map_err(told)?;
    println!("{text}");
    tell_if_out_of_reach(&settings);
    Ok(ExitCode::SUCCESS)
}

async fn revoke(place: &Place, what: Revoke, by: &str) -> Result<ExitCode, String> {
    let (_, exchange) = place.open_to_write().await?;
    let count = exchange.revoke(what, by, now()).await.map_err(told)?;
    println!("revoked {count}");
    Ok(ExitCode::SUCCESS)
}

async fn status(place: &Place, json: bool) -> Result<ExitCode, String> {
    let (_, exchange) = place.open().await?;
    let stats = exchange.stats();
    if json {
        println!("{}", serde_json::to_string(&stats).map_err(told)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("log      {} entries on {}", stats.log_entries, stats.engine);
    println!("policy   {}", stats.policy);
    println!("key      {}", exchange.log_key());
    println!(
        "\n{:<24} {:>6} {:>14} {:>12} {:>12}",
        "institution", "agents", "acknowledged", "next batch", "withdrawals"
    );
    for one in &stats.institutions {
        println!(
            "{:<24} {:>6} {:>14} {:>12} {:>12}",
            one.slug, one.agents, one.acknowledged, one.next_batch, one.withdrawals_unanswered
        );
    }
    println!();
    for (agent, institution, used, revoked) in exchange.agents() {
        println!(
            "agent {agent}  {institution}  last renewed {used}{}",
            if revoked { "  REVOKED" } else { "" }
        );
    }
    Ok(ExitCode::SUCCESS)
}
