//! The connection that is being set up: who signs in and where the secret lies, asked if nobody said it.

use super::{
    super::{Args, ask::Asker, screen::Screen},
    place::{self, Place},
};
use crate::commands::told;
use commonroll_agent::{
    Settings,
    settings::{Connection, Kind, SecretPlace},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A connection, and how the settings will say it.
pub struct Plan {
    pub connection: Connection,
    /// As the settings name the secret's file: from their own folder on.
    credentials: Option<PathBuf>,
    /// It stands in the settings already.
    pub is_held: bool,
    /// Where it is, for people.
    pub shown: String,
}

/// The folder of the settings.
pub fn base(args: &Args) -> &Path {
    args.settings.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Settles who signs in. Asks what isn't said.
pub fn plan(args: &Args, place: &Place, screen: &Screen, asker: &mut Asker) -> Result<Plan, String> {
    let name = place::plain(args.name.as_deref().unwrap_or(&place.name));
    if let Some(held) = held(args, &name)? {
        if held.kind != place.kind || held.address != place.address {
            return Err(format!(
                "the settings have another connection called `{name}`; choose another name with --name"
            ));
        }
        return Ok(Plan { connection: held, credentials: None, is_held: true, shown: place.shown() });
    }
    let flags = &args.asked;
    let user = flags.user.clone().or_else(|| place.user.clone());
    let user = match (user, place.kind) {
        (Some(user), _) => Some(user),
        (None, Kind::Mysql | Kind::Postgres) => asker
            .text("Which account of the database signs in (one that can only read) > ")
            .filter(|user| !user.is_empty()),
        (None, Kind::Http) => None,
    };
    let (mut credentials, mut env) = (flags.credentials.clone(), flags.env.clone());
    if credentials.is_none() && env.is_none() {
        let usual = PathBuf::from(format!("{name}.secret"));
        if base(args).join(&usual).exists() {
            credentials = Some(usual);
        } else {
            (credentials, env) = ask_secret(args, &usual, screen, asker);
        }
    }
    let secret = match (&credentials, env) {
        (Some(file), _) => SecretPlace::File(base(args).join(file)),
        (None, Some(variable)) => SecretPlace::Env(variable),
        (None, None) => SecretPlace::Nowhere,
    };
    let connection = Connection {
        name,
        kind: place.kind,
        address: place.address.clone(),
        api: None,
        user,
        secret,
        sign_in: None,
        token_address: None,
        scope: None,
        options: flags.options.iter().cloned().collect::<BTreeMap<_, _>>(),
    };
    Ok(Plan { connection, credentials, is_held: false, shown: place.shown() })
}

/// The connection of this name in settings that are there.
fn held(args: &Args, name: &str) -> Result<Option<Connection>, String> {
    if !args.settings.exists() {
        return Ok(None);
    }
    let settings = Settings::load(&args.settings).map_err(told)?;
    let asked = settings.sources.iter().filter_map(|source| source.asked.as_ref());
    let held = asked.map(|asked| &*asked.connection).find(|connection| connection.name == name).cloned();
    if held.is_none() {
        let text = std::fs::read_to_string(&args.settings).map_err(told)?;
        let table: toml::Table = text.parse().map_err(|_| "the settings can't be read")?;
        if table.get("connection").and_then(|all| all.get(name)).is_some() {
            return Err(format!(
                "the settings have a connection called `{name}` that no source asks; choose another name with --name, or remove it"
            ));
        }
    }
    Ok(held)
}

/// Asks where the secret lies, never for the secret itself. What is typed is not shown again: it may be the secret all the same.
fn ask_secret(
    args: &Args,
    usual: &Path,
    screen: &Screen,
    asker: &mut Asker,
) -> (Option<PathBuf>, Option<String>) {
    loop {
        let prompt = format!(
            "Where does the secret lie? A file that holds it alone, $VARIABLE, or - for none [{}] > ",
            usual.display()
        );
        let Some(said) = asker.text(&prompt) else { return (None, None) };
        if said == "-" {
            return (None, None);
        }
        if let Some(variable) = said.strip_prefix('$') {
            if std::env::var_os(variable).is_some() {
                return (None, Some(variable.to_owned()));
            }
            screen.say("  There is no such variable here. Stop, set it without typing it into a command, and begin again.");
            continue;
        }
        let file = if said.is_empty() { usual.to_owned() } else { PathBuf::from(said) };
        if base(args).join(&file).is_file() {
            return (Some(file), None);
        }
        screen.say("  There is no such file yet. Make it in another window, then answer again:");
        screen.say(&format!("    {}", how_to_set(&base(args).join(usual))));
    }
}

/// The command that puts a secret into a file without leaving it in the shell's history.
pub fn how_to_set(file: &Path) -> String {
    format!("(umask 077; cat > '{}')      then the secret, Enter, Ctrl-D", file.display())
}

impl Plan {
    /// `[connection.NAME]` as the settings have it.
    pub fn to_toml(&self) -> String {
        let Connection { name, kind, address, user, secret, options, .. } = &self.connection;
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        let kind = match kind {
            Kind::Http => "http",
            Kind::Mysql => "mysql",
            Kind::Postgres => "postgres",
        };
        let mut lines = format!("\n[connection.{name}]\nkind = \"{kind}\"\n");
        let mut line = |key: &str, value: Option<&str>| {
            if let Some(value) = value {
                lines.push_str(&format!("{key} = {}\n", text(value)));
            }
        };
        line("address", Some(address));
        line("user", user.as_deref());
        line("credentials", self.credentials.as_deref().and_then(Path::to_str));
        if let SecretPlace::Env(variable) = secret {
            line("env", Some(variable));
        }
        if !options.is_empty() {
            let options: Vec<String> =
                options.iter().map(|(key, value)| format!("{} = {}", text(key), text(value))).collect();
            lines.push_str(&format!("options = {{ {} }}\n", options.join(", ")));
        }
        lines
    }

    /// What to say beside a refused sign-in.
    pub fn how_to_sign_in(&self, args: &Args) -> String {
        let at = match &self.connection.secret {
            SecretPlace::Env(variable) => {
                return format!(
                    "the secret is taken from the variable {variable} of this command's environment"
                );
            }
            SecretPlace::File(file) => file.clone(),
            SecretPlace::Nowhere => base(args).join(format!("{}.secret", self.connection.name)),
        };
        let account = match &self.connection.user {
            Some(_) => "",
            None => "name the account with --user; ",
        };
        format!(
            "{account}the secret lies alone in a file, which --credentials names. To make it:\n    {}",
            how_to_set(&at)
        )
    }
}
