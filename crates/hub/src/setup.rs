//! Setting a hub up and preparing what `run` needs: folders, keys, the exchange, invitations.

use crate::{
    authority::{Authority, AuthorityError, KeyFolder},
    clock::{Randomness, draw},
    invitation::{Invitation, Inviting},
    reserve::ReserveFile,
    settings::Settings,
};
use commonroll_core::{Slug, Timestamp};
use commonroll_exchange::{AdminError, Exchange, Inviter, Keys, OpenError, Options, PersonWanted, Reserve};
use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

/// How far the clock may be ahead of the log's newest entry: no holidays are so long.
const MOST_AHEAD: Duration = Duration::from_secs(120 * 86_400);

/// Why a hub could not be set up or opened.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Keys or certificates.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A folder or file.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] io::Error),
    /// The exchange.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The directory refused.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

/// Makes the data folder, the keys and, if there is none, a settings file that says what was chosen.
///
/// # Errors
/// When keys are there already, or something cannot be written.
pub fn init(settings: &Settings, now: Timestamp, random: &dyn Randomness) -> Result<KeyFolder, SetupError> {
    let failed = |path: &PathBuf| {
        let path = path.clone();
        move |error| SetupError::File(path, error)
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&settings.data).map_err(failed(&settings.data))?;
    let keys = KeyFolder::create(&settings.keys, &settings.consortium, now, random)?;
    let file = settings.data.join("hub.toml");
    if !file.exists() {
        fs::write(&file, settings_file(settings)).map_err(failed(&file))?;
    }
    Ok(keys)
}

/// The settings as a file that a person can go on editing.
fn settings_file(settings: &Settings) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let console = settings.listen.console.map_or_else(String::new, |at| format!("console = \"{at}\"\n"));
    let names: Vec<String> = settings.names.iter().map(|name| quoted(name)).collect();
    format!(
        "# Settings of this hub; the README beside crates/hub explains every key.\n\
         consortium = {}\nnames = [{}]\n\n\
         [listen]\nagents = \"{}\"\njoin = \"{}\"\nlocal = \"{}\"\n{console}\n\
         # What invitations tell agents to connect to.\n\
         [public]\nagents = {}\njoin = {}\n",
        quoted(&settings.consortium),
        names.join(", "),
        settings.listen.agents,
        settings.listen.join,
        settings.listen.local,
        quoted(&settings.public_agents),
        quoted(&settings.public_join),
    )
}

/// Opens the exchange over the hub's database with the hub's keys.
///
/// # Errors
/// When keys are missing or damaged, or the database, log or policy is unsafe or unsound.
pub async fn open_exchange(
    settings: &Settings,
    now: Timestamp,
    random: &dyn Randomness,
) -> Result<Exchange, SetupError> {
    let keys = KeyFolder::open(&settings.keys)?.exchange_keys()?;
    let options = Options {
        database: settings.database.clone(),
        keys: Keys { log_seed: keys.log_seed, matching: keys.matching },
        consortium: settings.consortium.clone(),
        seed: draw(random),
    };
    let reserve = ReserveFile::beside(&settings.database, settings.reserve_mib);
    let exchange = match (Exchange::open(options.clone(), now).await, &reserve) {
        (Err(error), Some(reserve)) if error.is_full_disk() => {
            reserve.give_back();
            Exchange::open(options, now).await?
        }
        (opened, _) => opened?,
    };
    if let Some(reserve) = reserve {
        exchange.hold(Arc::new(reserve));
    }
    exchange.limit_clock(MOST_AHEAD);
    if settings.clock_is_right {
        exchange.clock_is_right(now);
    }
    Ok(exchange)
}

/// Issues a one-time invitation and gives the line to hand over. Valid for 72 hours at most.
///
/// # Errors
/// When the institution is not in the directory, or the log can't be written.
pub async fn invite(
    settings: &Settings,
    exchange: &Exchange,
    (institution, valid_for, by): (&Slug, Duration, &str),
    now: Timestamp,
    random: &dyn Randomness,
) -> Result<String, SetupError> {
    let authority = Authority::load(&KeyFolder::open(&settings.keys)?)?;
    let code = exchange.invite(institution, valid_for, by, draw(random), now).await?;
    let expires = now.plus_micros(i64::try_from(valid_for.as_micros()).unwrap_or(i64::MAX));
    let addresses = (settings.public_agents.as_str(), settings.public_join.as_str());
    Ok(Invitation::new(addresses, institution, &code, authority.certificate(), expires).text())
}

/// Issues a one-time invitation for an institution's first head, data manager, DPO or consortium lead, and gives the
/// line to hand over. Those invite all others themselves.
///
/// # Errors
/// When the office is held already, the institution is not in the directory, or the log can't be written.
pub async fn invite_person(
    settings: &Settings,
    exchange: &Exchange,
    (institution, wanted): (&Slug, PersonWanted),
    (valid_for, by): (Duration, &str),
    (now, random): (Timestamp, &dyn Randomness),
) -> Result<String, SetupError> {
    let authority = Authority::load(&KeyFolder::open(&settings.keys)?)?;
    let by = Inviter::Operator(by);
    let made = exchange.invite_person(institution, wanted, valid_for, by, (draw(random), now)).await?;
    Ok(Inviting::new(settings, &authority).person(institution, &made.code, made.expires))
}
