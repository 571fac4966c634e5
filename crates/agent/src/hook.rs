//! Alarms about the hub itself, told to the institution's own address.
//!
//! Where the log was forked or shortened, or a record forged, the hub is the suspect: nobody hears of it through the hub. The
//! agent tells its data manager by a POST of its own, once for each alarm, and keeps in the spool what was told. While the
//! address doesn't answer, it is tried again with every round; whatever happens, the alarm stands in `agent status`, in the
//! problems file, in the agent's log and in the exit codes of `agent once` and `agent doctor`.
//! Nothing that comes back is read but its status.

use crate::{
    error::AgentError,
    fetch::{http::client, secret},
    settings::Alarms,
    spool::{Spool, sight::Alarm},
    watchman,
};
use commonroll_core::{Slug, Timestamp};
use commonroll_wire::{SIGNATURE_HEADER, WebhookKey};
use std::{collections::BTreeMap, time::Duration};

/// How long the address may take to answer: other upkeep waits.
const PATIENCE: Duration = Duration::from_secs(15);

/// Which alarms were told, by name, with the moment since when each stood.
const TOLD: &str = "alarms_told";

/// What is read on the way to somebody who does something about it.
const FIX: &str = "keep the agent's data folder as evidence, run `commonroll agent doctor` there, tell the other partners, and ask whoever \
                   runs the hub";

/// True for an alarm that the hub's own behaviour has raised.
fn is_about_hub(alarm: &Alarm) -> bool {
    let name = alarm.name.as_str();
    [watchman::ALARM, "hub-went-back", "signature"].contains(&name) || name.starts_with("key ")
}

/// Tells what stands and was not told before; gives how many alarms that were.
///
/// # Errors
/// When the spool fails. That the address could not be reached is no error: it is logged, and tried again later.
pub async fn tell(
    alarms: &Alarms,
    spool: &Spool,
    institution: &Slug,
    now: Timestamp,
) -> Result<usize, AgentError> {
    let told = match spool.meta(TOLD).await? {
        Some(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        None => BTreeMap::<String, i64>::new(),
    };
    let mut standing = spool.alarms().await?;
    standing.retain(is_about_hub);
    let is_new = |alarm: &&Alarm| told.get(&alarm.name) != Some(&alarm.since_us);
    let new: Vec<&Alarm> = standing.iter().filter(is_new).collect();
    if new.is_empty() {
        return Ok(0);
    }
    if let Err(why) = hand_over(alarms, &body(&new, institution, now), now).await {
        tracing::error!(
            why,
            "an alarm about the hub could not be told to the webhook yet; it is tried again"
        );
        return Ok(0);
    }
    let told: BTreeMap<&str, i64> =
        standing.iter().map(|alarm| (alarm.name.as_str(), alarm.since_us)).collect();
    let note = serde_json::to_vec(&told).map_err(|_| AgentError::Damaged(TOLD))?;
    spool.set(TOLD, &note).await?;
    Ok(new.len())
}

/// The message. Its `text` is what chat programs show.
fn body(new: &[&Alarm], institution: &Slug, now: Timestamp) -> Vec<u8> {
    let at =
        |us: i64| Timestamp::from_micros("since", us).map_or_else(|_| String::new(), |at| at.to_string());
    let alarm = |alarm: &&Alarm| serde_json::json!({ "alarm": alarm.name, "since": at(alarm.since_us), "text": alarm.text });
    let said: Vec<&str> = new.iter().map(|alarm| alarm.text.as_str()).collect();
    let all = serde_json::json!({
        "version": 1, "from": "agent", "institution": institution.as_str(), "sent": now.to_string(),
        "text": format!("Commonroll, the agent of {institution}: {}. What to do: {FIX}.", said.join(". ")),
        "fix": FIX, "alarms": new.iter().map(alarm).collect::<Vec<_>>(),
    });
    all.to_string().into_bytes()
}

async fn hand_over(alarms: &Alarms, body: &[u8], now: Timestamp) -> Result<(), &'static str> {
    let key = match secret::read_from(&alarms.secret, "`alarms`") {
        Ok(secret) => secret.map(|secret| WebhookKey::new(secret.reveal())),
        Err(fault) => return Err(fault.rule),
    };
    let client = client(&alarms.webhook).map_err(|fault| fault.rule)?;
    let mut request =
        client.post(alarms.webhook.clone()).header("content-type", "application/json").body(body.to_vec());
    if let Some(key) = key {
        request = request.header(SIGNATURE_HEADER, key.sign(body, now));
    }
    let answer = request.timeout(PATIENCE).send().await.map_err(|_| "no answer")?;
    if answer.status().is_success() { Ok(()) } else { Err("the webhook said no") }
}
