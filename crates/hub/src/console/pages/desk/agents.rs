//! An institution's agents: whether they are well, and what to do if not, in plain words.

use super::words;
use crate::authority::hex;
use crate::console::{
    Console,
    layout::Frame,
    parts::{self, Standing, StateTag},
    refusal::{Refusal, page},
    signed::Signed,
    times,
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_core::Timestamp;
use commonroll_exchange::{AgentSeen, AgentsSeen, WAITING_MOST};

/// An agent speaks once a minute; after so long it is silent.
const SILENT_US: i64 = 3 * 60_000_000;
/// An agent that has not joined or renewed for so long must join anew.
const KEY_US: i64 = 90 * 86_400_000_000;

#[derive(Template)]
#[template(path = "desk/agents.html")]
struct Agents {
    frame: Frame,
    own: String,
    title: String,
    agents: Vec<One>,
    waiting: String,
    batches: String,
    unanswered: String,
    unmatched: u64,
    hub: &'static str,
}

struct One {
    id: String,
    state: StateTag,
    says: String,
    to_do: String,
    version: String,
    heard: String,
    certificate: String,
    joined: String,
    key: String,
}

/// What is so with an agent, and what to do.
struct Diagnosis {
    standing: Standing,
    word: String,
    says: String,
    to_do: &'static str,
}

/// The agents of the own institution.
pub async fn agents(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let seen = console.exchange.agents_seen(signed.acting()).await?;
    let life = i64::try_from(console.certificate_life.as_micros()).unwrap_or(i64::MAX);
    let agents: Vec<One> = seen.agents.iter().map(|agent| one(&signed, agent, &seen, life)).collect();
    let live: Vec<&One> = agents.iter().filter(|one| one.state.state != Standing::Excused).collect();
    let title = match (live.len(), live.iter().filter(|one| one.state.state != Standing::Seen).count()) {
        (0, _) => "No agent has joined".to_owned(),
        (1, 0) => "Your agent is well".to_owned(),
        (_, 0) => "Your agents are well".to_owned(),
        (_, ill) => format!("{} something", words::count(ill as u64, "agent needs", "agents need")),
    };
    page(&Agents {
        frame: Frame::new(&signed, &headers, "Agents", "/agents"),
        own: signed.seen.institution_name.clone(),
        title,
        agents,
        waiting: match seen.waiting {
            0 => "Nothing".to_owned(),
            most if most >= WAITING_MOST => format!("{} or more", words::number(u64::from(WAITING_MOST))),
            some => words::number(u64::from(some)),
        },
        batches: words::number(seen.batches),
        unanswered: match seen.unanswered {
            (0, _) => "None".to_owned(),
            (count, since) => {
                let since = since.map_or_else(String::new, |at| {
                    format!(", the oldest for {}", times::ago(at, signed.now))
                });
                format!("{}{since}", words::number(count))
            }
        },
        unmatched: seen.unmatched,
        hub: env!("CARGO_PKG_VERSION"),
    })
}

fn one(signed: &Signed, agent: &AgentSeen, all: &AgentsSeen, life: i64) -> One {
    let (now, zone) = (signed.now, signed.zone());
    let ends = agent.renewed.plus_micros(life);
    let told = diagnosis(agent, all, (ends, now));
    let version = agent.version.clone().unwrap_or_else(|| "not said yet".to_owned());
    One {
        id: hex(&agent.id.0[..4]),
        state: parts::state(told.standing, told.word),
        says: told.says,
        to_do: told.to_do.to_owned(),
        version: match agent.version.as_deref() {
            Some(env!("CARGO_PKG_VERSION")) => format!("{version}, as the hub"),
            Some(_) => format!("{version}; the hub is {}", env!("CARGO_PKG_VERSION")),
            None => version,
        },
        heard: match agent.heard {
            Some(at) => format!("{} ago", times::ago(at, now)),
            None => {
                format!(
                    "not since the hub started; certificate signed {}",
                    times::full_day(agent.renewed, zone)
                )
            }
        },
        certificate: match ends.micros() > now.micros() {
            true => format!("until {}; renews by itself", times::moment(ends, now, zone)),
            false => format!("ended {}", times::moment(ends, now, zone)),
        },
        joined: times::full_day(agent.enrolled, zone),
        key: agent.key.clone(),
    }
}

fn diagnosis(agent: &AgentSeen, all: &AgentsSeen, (ends, now): (Timestamp, Timestamp)) -> Diagnosis {
    let told = |standing, word: &str, says: String, to_do| Diagnosis {
        standing,
        word: word.to_owned(),
        says,
        to_do,
    };
    if let Some(at) = agent.revoked {
        let says = format!("It was revoked {} ago and can’t speak any more.", times::ago(at, now));
        return told(Standing::Excused, "Revoked", says, "");
    }
    if now.micros() - agent.renewed.micros() > KEY_US {
        let says =
            "It has not renewed its certificate for 90 days, so the hub no longer takes it.".to_owned();
        let to_do = "Ask the hub’s operator for a new invitation, and run: commonroll agent join CODE";
        return told(Standing::NotSeen, "Must join anew", says, to_do);
    }
    if ends <= now {
        let says = "Its certificate has ended, so it can’t connect. It renews by itself as soon as it runs and reaches \
                    the hub’s join address.";
        let to_do = "Look whether the agent’s service runs, and whether the machine’s clock is right: commonroll agent status";
        return told(Standing::NotSeen, "Certificate ended", says.to_owned(), to_do);
    }
    match agent.heard {
        None => told(
            Standing::Unknown,
            "Not heard yet",
            "The hub hasn’t heard it since the hub itself started.".to_owned(),
            "If that is longer than a few minutes ago: does the agent’s service run? Can the machine reach the hub’s \
             address and port? Run: commonroll agent status",
        ),
        Some(at) if now.micros() - at.micros() > SILENT_US => told(
            Standing::NotSeen,
            &format!("Silent for {}", times::ago(at, now)),
            "An agent that is well speaks once a minute. Nothing is lost: it keeps what it reads and sends it later."
                .to_owned(),
            "Look first at the machine: is it on, does the service run, is the disk full, did the firewall or the proxy \
             change? Run there: commonroll agent status",
        ),
        Some(_) if all.unanswered.0 > 0 => told(
            Standing::Late,
            "Owes an answer",
            "It was asked to take copies back and hasn’t answered.".to_owned(),
            "Look into the outbox: can the agent write there? The answer comes with the next import of your MIS.",
        ),
        Some(_) if all.waiting >= WAITING_MOST => told(
            Standing::Late,
            "Far behind",
            "It speaks, but doesn’t take what waits for you.".to_owned(),
            "Look whether its outbox can be written and its disk has room: commonroll agent status",
        ),
        Some(_) => told(Standing::Seen, "Well", "It speaks, and its certificate is good.".to_owned(), ""),
    }
}
