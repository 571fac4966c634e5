//! Setting up an MIS that is asked: a database, or an address over HTTPS, in the place of files that lie in a folder.
//!
//! What answers is looked at first, and only looked at. Secrets come from where the settings will say that they lie, a file or a
//! variable, and are never typed here, shown or written. Until everything is settled nothing is written.

mod address;
mod connection;
mod database;
mod kinds;
mod known;
mod place;
mod sheet;
mod sorts;
mod unknown;
mod write;

use super::{Args, ask::Asker, screen::Screen};
use commonroll_agent::settings::Kind;
use commonroll_connectors::api;
use place::Place;
use std::{path::PathBuf, process::ExitCode};

/// Flags for what is asked.
#[derive(clap::Args, Clone, Default)]
pub struct Flags {
    /// Ask a database (mysql://host:port/database, postgres://host/database) or an address (https://host/path)
    #[arg(long, value_name = "ADDRESS", conflicts_with = "target")]
    pub from: Option<String>,
    /// Who signs in: an account that can only read, an OAuth client, an application's id
    #[arg(long)]
    pub user: Option<String>,
    /// File with the secret alone, readable by the agent's user only; from the settings' folder on
    #[arg(long, value_name = "FILE", conflicts_with = "env")]
    pub credentials: Option<PathBuf>,
    /// Variable of the environment with the secret
    #[arg(long, value_name = "VARIABLE")]
    pub env: Option<String>,
    /// What to read: learners,attendance .. (all that can be read if left out)
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub records: Vec<String>,
    /// A table of a database that nobody knows, in the place of those that seem likely
    #[arg(long = "table", value_name = "NAME")]
    pub tables: Vec<String>,
    /// Whose API an address is, if it isn't to be found out: wonde, oneroster, edfi, bromcom, arbor, isams, json
    #[arg(long, value_name = "NAME", value_parser = api_name)]
    pub api: Option<String>,
    /// How one signs in at an address, if not in its API's own way
    #[arg(long, value_name = "HOW", value_parser = ["bearer", "basic", "oauth2"])]
    pub sign_in: Option<String>,
    /// Where an OAuth client gets its token, if it can't be told from the address
    #[arg(long, value_name = "ADDRESS")]
    pub token_address: Option<String>,
    /// What an OAuth client asks to be allowed
    #[arg(long)]
    pub scope: Option<String>,
    /// What the connection needs besides: school=A1930499544, socket=/run/mysqld/mysqld.sock, ca=/etc/ssl/school.pem
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = super::ask::in_advance)]
    pub options: Vec<(String, String)>,
}

impl Flags {
    /// True if something was said that is for what is asked alone.
    pub fn are_set(&self) -> bool {
        self.user.is_some()
            || self.credentials.is_some()
            || self.env.is_some()
            || self.is_for_addresses()
            || !(self.records.is_empty() && self.tables.is_empty() && self.options.is_empty())
    }

    /// True if something was said that is for addresses alone.
    fn is_for_addresses(&self) -> bool {
        self.api.is_some() || self.sign_in.is_some() || self.token_address.is_some() || self.scope.is_some()
    }
}

/// The name of an API that we know.
fn api_name(said: &str) -> Result<String, String> {
    match api::by_name(said) {
        Some(api) => Ok(api.name().to_owned()),
        None => {
            let names: Vec<&str> = api::ALL.iter().map(|api| api.name()).collect();
            Err(format!("must be one of {}", names.join(", ")))
        }
    }
}

/// Left by Ctrl-C, as shells tell it.
const STOPPED: i32 = 130;

/// One mapping that is ready to be written, and the source that will ask for it.
pub struct Ready {
    /// Name of the source and, with `.toml`, of its mapping file.
    pub name: String,
    /// The mapping file.
    pub mapping: String,
    /// What is asked for, where it isn't in the mapping.
    pub records: Option<String>,
}

/// What setting up came to.
pub enum Outcome {
    /// These are to be written. True if something else is left that only a person can say.
    Ready(Vec<Ready>, bool),
    /// A mapping was printed. True if doubts stand in it.
    Printed(bool),
    /// Nothing can be written before somebody answers.
    Left,
}

/// Runs the wizard. True as second part if the agent is to be started.
pub async fn run(args: &Args, from: &str) -> Result<(ExitCode, bool), String> {
    let screen = Screen::new(args.propose);
    let mut asker = Asker::new(args.yes || args.propose);
    let place = Place::read(from)?;
    let (plan, outcome) = match place.kind {
        Kind::Mysql | Kind::Postgres => {
            if args.asked.is_for_addresses() {
                return Err(
                    "--api, --sign-in, --token-address and --scope are for https://.. alone".to_owned()
                );
            }
            let plan = connection::plan(args, &place, &screen, &mut asker)?;
            let outcome = database::run(args, &plan, &screen, &mut asker).await?;
            (plan, outcome)
        }
        Kind::Http => address::run(args, &place, &screen, &mut asker).await?,
    };
    let doubts = (ExitCode::from(super::DOUBTS_LEFT), false);
    let (ready, left) = match outcome {
        Outcome::Ready(ready, left) => (ready, left),
        Outcome::Printed(false) => return Ok((ExitCode::SUCCESS, false)),
        Outcome::Printed(true) | Outcome::Left => return Ok(doubts),
    };
    let Some(names) = write::write(args, &plan, &screen, &mut asker, &ready)? else { return Ok(doubts) };
    write::check(args, &screen, &names).await?;
    if left {
        return Ok(doubts);
    }
    // The check listened for Ctrl-C, and whoever did that once is not ended by it any more: the last question can be left by it, too.
    let leaving = tokio::spawn(async {
        crate::commands::told_to_stop().await;
        std::process::exit(STOPPED);
    });
    let start = super::next(args, &screen, &mut asker, &names);
    leaving.abort();
    Ok((ExitCode::SUCCESS, start))
}
