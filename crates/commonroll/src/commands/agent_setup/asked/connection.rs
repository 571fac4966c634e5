//! The connection that is being set up: who signs in and where the secret lies, asked if nobody said it.

use super::{
    super::{Args, ask::Asker, files, screen::Screen},
    place::{self, Place},
};
use crate::commands::told;
use commonroll_agent::{
    Settings,
    settings::{Connection, Kind, SecretPlace, SignIn},
};
use commonroll_connectors::api::{self, Api, plain::Plain};
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

/// Settles who signs in to a database. Asks what isn't said.
pub fn plan(args: &Args, place: &Place, screen: &Screen, asker: &mut Asker) -> Result<Plan, String> {
    let mut plan = bare(args, place)?;
    if plan.is_held {
        return Ok(plan);
    }
    if plan.connection.user.is_none() {
        let prompt = "Which account of the database signs in (one that can only read) > ";
        plan.connection.user = asker.text(prompt).filter(|user| !user.is_empty());
    }
    plan.settle_secret(args, screen, asker);
    Ok(plan)
}

/// The connection as far as the flags, the usual file and the settings say it.
pub fn bare(args: &Args, place: &Place) -> Result<Plan, String> {
    let name = place::plain(args.name.as_deref().unwrap_or(&place.name));
    let shown = place.shown();
    if let Some(connection) = held(args, &name)? {
        if connection.kind != place.kind || connection.address != place.address {
            return Err(format!(
                "the settings have another connection called `{name}`; choose another name with --name"
            ));
        }
        return Ok(Plan { connection, credentials: None, is_held: true, shown });
    }
    let flags = &args.asked;
    let sign_in = flags.sign_in.as_deref().map(|how| match how {
        "basic" => SignIn::Basic,
        "oauth2" => SignIn::Oauth2,
        _ => SignIn::Bearer,
    });
    let connection = Connection {
        name,
        kind: place.kind,
        address: place.address.clone(),
        api: flags.api.clone(),
        user: flags.user.clone().or_else(|| place.user.clone()),
        secret: SecretPlace::Nowhere,
        sign_in,
        token_address: flags.token_address.clone(),
        scope: flags.scope.clone(),
        options: flags.options.iter().cloned().collect::<BTreeMap<_, _>>(),
    };
    let mut plan = Plan { connection, credentials: None, is_held: false, shown };
    let usual = plan.usual();
    match (&flags.credentials, &flags.env) {
        (Some(file), _) => plan.secret_in(args, Some(file.clone()), None),
        (None, Some(variable)) => plan.secret_in(args, None, Some(variable.clone())),
        (None, None) if base(args).join(&usual).exists() => plan.secret_in(args, Some(usual), None),
        (None, None) => {}
    }
    Ok(plan)
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

/// A manner of signing in as the settings have it; `None` for headers, which only an API itself names.
const fn how(sign_in: &SignIn) -> Option<&'static str> {
    match sign_in {
        SignIn::Bearer => Some("bearer"),
        SignIn::Basic => Some("basic"),
        SignIn::Oauth2 => Some("oauth2"),
        SignIn::Headers { .. } => None,
    }
}

/// The command that puts a secret into a file without leaving it in the shell's history.
pub fn how_to_set(file: &Path) -> String {
    format!("(umask 077; cat > '{}')      then the secret, Enter, Ctrl-D", file.display())
}

impl Plan {
    /// The file in which the secret usually lies.
    fn usual(&self) -> PathBuf {
        PathBuf::from(format!("{}.secret", self.connection.name))
    }

    fn secret_in(&mut self, args: &Args, file: Option<PathBuf>, variable: Option<String>) {
        self.connection.secret = match (&file, variable) {
            (Some(file), _) => SecretPlace::File(base(args).join(file)),
            (None, Some(variable)) => SecretPlace::Env(variable),
            (None, None) => SecretPlace::Nowhere,
        };
        self.credentials = file;
    }

    /// Asks where the secret lies, if nobody said it.
    pub fn settle_secret(&mut self, args: &Args, screen: &Screen, asker: &mut Asker) {
        if self.connection.secret == SecretPlace::Nowhere {
            let (file, variable) = ask_secret(args, &self.usual(), screen, asker);
            self.secret_in(args, file, variable);
        }
    }

    /// Looks whether the settings would take it, before anything is asked with it.
    pub fn check(&self, args: &Args) -> Result<(), String> {
        let api = self.connection.api.as_deref().and_then(api::by_name).unwrap_or(&Plain);
        let records = api.records().first().copied().unwrap_or("rows");
        let text = format!(
            "{}{}\n[[source]]\nname = \"x\"\nfrom = \"{}\"\nrecords = \"{records}\"\nconnector = \"json\"\n",
            files::new_settings(),
            self.to_toml(),
            self.connection.name,
        );
        Settings::parse(&text, &args.settings).map_err(told).map(drop)
    }

    /// The connection for a question that anybody may ask.
    pub fn open(&self) -> Connection {
        let (secret, sign_in) = (SecretPlace::Nowhere, Some(SignIn::Bearer));
        Connection { secret, sign_in, user: None, ..self.connection.clone() }
    }

    /// The connection as this API would be asked: of one that nobody knows, a user has a password.
    pub fn signed(&self, api: &dyn Api) -> Connection {
        let mut connection = self.connection.clone();
        if api.name() == Plain.name() && connection.user.is_some() {
            connection.sign_in.get_or_insert(SignIn::Basic);
        }
        connection
    }

    /// The host of the address, without its port.
    pub fn host(&self) -> &str {
        let rest = self.connection.address.split_once("://").map_or("", |(_, rest)| rest);
        let host = rest.split('/').next().unwrap_or_default();
        host.rsplit_once(':').map_or(host, |(host, _)| host)
    }

    /// True if signing in to this API takes somebody's name.
    pub fn needs_user(&self, api: &dyn Api) -> bool {
        match &self.connection.sign_in {
            Some(how) => *how != SignIn::Bearer,
            None => api.sign_in().needs_user(),
        }
    }

    /// What signing in to this API takes, for people.
    pub fn takes(&self, api: &dyn Api) -> &'static str {
        match &self.connection.sign_in {
            Some(SignIn::Bearer) => api::SignIn::Bearer.takes(),
            Some(SignIn::Basic) => api::SignIn::Basic.takes(),
            Some(SignIn::Oauth2) => api::SignIn::Oauth2.takes(),
            Some(SignIn::Headers { .. }) | None => api.sign_in().takes(),
        }
    }

    /// True if nobody said where an OAuth client of this API gets its token.
    pub fn lacks_token_address(&self, api: &dyn Api) -> bool {
        let by_oauth = match &self.connection.sign_in {
            Some(how) => *how == SignIn::Oauth2,
            None => api.sign_in() == api::SignIn::Oauth2,
        };
        by_oauth && self.connection.token_address.is_none() && api.token_path().is_none()
    }

    /// What is missing for signing in to this API.
    pub fn missing_for(&self, api: &dyn Api) -> Option<&'static str> {
        let named = self.connection.user.is_some();
        if self.needs_user(api) && !named {
            return Some("say who signs in with --user");
        }
        if !self.needs_user(api) && named && api.name() != Plain.name() {
            return Some("it takes a token alone, and --user names somebody");
        }
        self.lacks_token_address(api).then_some(
            "say with --token-address where the MIS hands out tokens to OAuth clients: its page about the API has the address",
        )
    }

    /// Settles where tokens are handed out, as the MIS tells it. Only on its own host: it is handed the secret.
    pub fn token_from(&mut self, told: &str, api: &dyn Api) -> Result<(), String> {
        let origin = |address: &str| -> String { address.split('/').take(3).collect::<Vec<_>>().join("/") };
        let usual = api.token_path().map(|path| format!("{}/{path}", self.connection.address));
        if self.is_held || self.connection.token_address.is_some() || usual.as_deref() == Some(told) {
            return Ok(());
        }
        if origin(told) != origin(&self.connection.address) {
            return Err(format!(
                "{}: it hands out tokens at another host, which would be given the secret. If that is right, say where with \
                 --token-address",
                self.shown
            ));
        }
        self.connection.token_address = Some(told.to_owned());
        Ok(())
    }

    /// A refusal, and how a secret is set.
    pub fn with_help(&self, args: &Args, refusal: &str) -> String {
        format!("{}: {refusal}\n  {}", self.shown, self.how_to_sign_in(args))
    }

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
        line("api", self.connection.api.as_deref().or((kind == "http").then_some(Plain.name())));
        line("address", Some(address));
        line("user", user.as_deref());
        line("sign_in", self.connection.sign_in.as_ref().and_then(how));
        line("token_address", self.connection.token_address.as_deref());
        line("scope", self.connection.scope.as_deref());
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
