//! `audit who-saw`, `shared-by`, `received-by`, `refused`, `policy-changes` and `exports`: what the log answers.
//!
//! A person asks at the hub and is told what concerns their own institution; the operator asks on a data folder, and is
//! told nothing about a learner. Asking is itself an entry of the log.

use super::lines;
use crate::{
    commands::{
        hub::Place,
        learner::words::at,
        line::printable,
        person::{As, connect, refused},
        told,
    },
    real::now,
};
use commonroll_core::{RecordKind, SchoolDate, Slug, Timestamp};
use commonroll_exchange::{Asker, Direction, Event, Sharing, Topic, Window};
use commonroll_policy::CARD_GROUPS;
use commonroll_wire::pb::audit::v1::{self as pb, audit_service_client::AuditServiceClient};
use std::path::PathBuf;

/// What is said when there is no line: silence could as well be a failure.
const NOTHING: &str = "nothing in the log answers that";

/// Over which time, and how to print.
#[derive(clap::Args, Clone)]
pub struct Asked {
    /// The hub's data folder, for its operator; asked before COMMONROLL_PERSON [default: COMMONROLL_HUB_DIR, or
    /// commonroll-hub]
    #[arg(long, value_name = "DIR", conflicts_with = "in_role")]
    dir: Option<PathBuf>,
    /// On the data folder: settings file [default: hub.toml in it]
    #[arg(long, conflicts_with = "in_role")]
    settings: Option<PathBuf>,
    /// On the data folder: a setting, over file and environment (repeat for more)
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "in_role")]
    set: Vec<String>,
    /// From this date on (UTC), such as 2026-09-01
    #[arg(long, value_name = "DATE")]
    from: Option<SchoolDate>,
    /// Up to this date, the whole of it
    #[arg(long, value_name = "DATE")]
    to: Option<SchoolDate>,
    /// As lines of JSON
    #[arg(long)]
    json: bool,
    /// On the data folder: who asks, for the log
    #[arg(long, default_value = "operator", value_parser = crate::commands::signer)]
    by: String,
    #[command(flatten)]
    person: As,
}

/// Who saw: asked at the hub, by a person alone.
#[derive(clap::Args, Clone)]
pub struct WhoSaw {
    #[command(flatten)]
    person: As,
    /// The learner, by the id in your own system
    learner: String,
    /// From this date on (UTC), such as 2026-09-01
    #[arg(long, value_name = "DATE")]
    from: Option<SchoolDate>,
    /// Up to this date, the whole of it
    #[arg(long, value_name = "DATE")]
    to: Option<SchoolDate>,
    /// As lines of JSON
    #[arg(long)]
    json: bool,
}

impl Asked {
    /// The hub's data folder, or nothing if a person asks at the hub. A folder that was named is what is meant, whatever the
    /// environment says; a person's folder that was named besides is a contradiction.
    pub(super) fn place(&self) -> Result<Option<Place>, String> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder_named = self.dir.is_some() || self.settings.is_some() || !self.set.is_empty();
        if folder_named && self.person.dir.is_some() && self.person.dir != set("COMMONROLL_PERSON") {
            return Err("--as asks at the hub as a person, --dir, --settings and --set ask on the hub's data folder: \
                        say one of the two"
                .to_owned());
        }
        if !folder_named && (self.person.dir.is_some() || self.person.in_role.is_some()) {
            return Ok(None);
        }
        let dir = self.dir.clone().or_else(|| set("COMMONROLL_HUB_DIR"));
        Ok(Some(Place {
            dir: dir.unwrap_or_else(|| PathBuf::from("commonroll-hub")),
            settings: self.settings.clone(),
            set: self.set.clone(),
        }))
    }

    /// True if the answer is asked for as lines of JSON.
    pub(super) const fn json(&self) -> bool {
        self.json
    }

    pub(super) fn window(&self) -> Result<Window, String> {
        window(self.from, self.to)
    }
}

fn window(from: Option<SchoolDate>, to: Option<SchoolDate>) -> Result<Window, String> {
    const DAY: i64 = 86_400_000_000;
    let start = |date: SchoolDate, days: i64| {
        Timestamp::from_micros("date", (i64::from(date.days()) + days) * DAY).map_err(told)
    };
    Ok(Window {
        from: from.map(|date| start(date, 0)).transpose()?,
        to: to.map(|date| start(date, 1)).transpose()?,
    })
}

fn span(window: Window) -> pb::Window {
    let us = |at: Option<Timestamp>| at.map_or(0, Timestamp::micros);
    pb::Window { from_us: us(window.from), to_us: us(window.to) }
}

/// One sum, from wherever it comes.
struct SumLine {
    partner: String,
    kind: String,
    groups: Vec<u32>,
    counts: [u64; 3],
    between: [String; 2],
}

impl SumLine {
    fn here(sum: Sharing) -> Self {
        Self {
            partner: sum.partner.to_string(),
            kind: sum.kind.as_str().to_owned(),
            groups: sum.groups,
            counts: [sum.records, sum.withdrawn, sum.learners],
            between: [sum.between.0.to_string(), sum.between.1.to_string()],
        }
    }

    fn there(sum: pb::Sum) -> Self {
        Self {
            partner: sum.partner,
            kind: sum.kind,
            groups: sum.groups,
            counts: [sum.records, sum.withdrawn, sum.learners],
            between: [at(sum.first_us), at(sum.last_us)],
        }
    }

    fn print(&self, json: bool) {
        let ([records, withdrawn, learners], [first, last]) = (self.counts, &self.between);
        if json {
            let line = serde_json::json!({
                "partner": self.partner, "kind": self.kind, "groups": self.groups, "records": records,
                "withdrawn": withdrawn, "learners": learners, "first": first, "last": last,
            });
            println!("{line}");
            return;
        }
        println!(
            "{:<24} {:<12} {records:>9} {withdrawn:>9} {learners:>8}  {:<20} {:<20} {}",
            self.partner,
            self.kind,
            seconds(first),
            seconds(last),
            names(&self.kind, &self.groups)
        );
    }
}

/// Prints sums of what an institution shared or received.
pub async fn sharing(asked: &Asked, direction: Direction, of: &Slug) -> Result<(), String> {
    let window = asked.window()?;
    let sums: Vec<SumLine> = if let Some(place) = asked.place()? {
        let (_, exchange) = place.open_to_write().await?;
        let sums = exchange.sharing(&Asker::operator(&asked.by), (direction, of), window, now()).await;
        sums.map_err(told)?.into_iter().map(SumLine::here).collect()
    } else {
        let caller = connect(&asked.person).await?;
        let request = pb::SharingRequest {
            role: caller.role.to_string(),
            institution: of.to_string(),
            received: direction == Direction::ReceivedBy,
            window: Some(span(window)),
        };
        let answer = AuditServiceClient::new(caller.channel).sharing(request).await;
        let answer = answer.map_err(|status| refused(&status))?;
        answer.into_inner().sums.into_iter().map(SumLine::there).collect()
    };
    if !asked.json {
        if sums.is_empty() {
            println!("{NOTHING}");
            return Ok(());
        }
        let head = ["partner", "kind", "records", "withdrawn", "learners", "first", "last", "field groups"];
        let [partner, kind, records, withdrawn, learners, first, last, groups] = head;
        println!(
            "{partner:<24} {kind:<12} {records:>9} {withdrawn:>9} {learners:>8}  {first:<20} {last:<20} {groups}"
        );
    }
    sums.iter().for_each(|sum| sum.print(asked.json));
    Ok(())
}

/// Prints the events of a topic.
pub async fn events(asked: &Asked, topic: Topic) -> Result<(), String> {
    let events = found(asked, topic).await?;
    if events.is_empty() && !asked.json {
        println!("{NOTHING}");
    }
    for (sequence, at, what, by, more) in events {
        if asked.json {
            let line =
                serde_json::json!({ "sequence": sequence, "at": at, "what": what, "by": by, "more": more });
            println!("{line}");
        } else {
            println!("{}", lines::lines(sequence, &seconds(&at), &what, &by, &more));
        }
    }
    Ok(())
}

/// One event: its place, when, what, who, and what else it says.
type Told = (u64, String, String, String, serde_json::Value);

/// The events of a topic, from the hub or a data folder.
pub(super) async fn found(asked: &Asked, topic: Topic) -> Result<Vec<Told>, String> {
    let window = asked.window()?;
    if let Some(place) = asked.place()? {
        let (_, exchange) = place.open_to_write().await?;
        let here = exchange.events(&Asker::operator(&asked.by), topic, window, now()).await.map_err(told)?;
        let one = |event: Event| (event.sequence, event.at.to_string(), event.what, event.by, event.more);
        return Ok(here.into_iter().map(one).collect());
    }
    let caller = connect(&asked.person).await?;
    let request = pb::EventsRequest {
        role: caller.role.to_string(),
        topic: word(topic).to_owned(),
        window: Some(span(window)),
    };
    let stream = AuditServiceClient::new(caller.channel).events(request).await;
    let mut stream = stream.map_err(|status| refused(&status))?.into_inner();
    let mut events = Vec::new();
    while let Some(piece) = stream.message().await.map_err(|status| refused(&status))? {
        events.extend(piece.events.into_iter().map(|event| {
            let more = serde_json::from_str(&event.more_json).unwrap_or_default();
            (event.sequence, at(event.at_us), event.what, event.by, more)
        }));
    }
    Ok(events)
}

/// Prints who saw a learner's records.
pub async fn who_saw(asked: &WhoSaw) -> Result<(), String> {
    let window = window(asked.from, asked.to)?;
    let caller = connect(&asked.person).await?;
    let request = pb::WhoSawRequest {
        role: caller.role.to_string(),
        learner_local_id: asked.learner.clone(),
        window: Some(span(window)),
    };
    let stream = AuditServiceClient::new(caller.channel).who_saw(request).await;
    let mut stream = stream.map_err(|status| refused(&status))?.into_inner();
    let mut saw = Vec::new();
    while let Some(piece) = stream.message().await.map_err(|status| refused(&status))? {
        saw.extend(piece.saw);
    }
    if saw.is_empty() && !asked.json {
        println!("{NOTHING}");
    }
    for one in &saw {
        let kinds = one.kinds.join(", ");
        if asked.json {
            let line = serde_json::json!({
                "sequence": one.sequence, "at": at(one.at_us), "kinds": one.kinds, "groups": one.groups,
                "revision": one.revision, "source": one.source, "institution": one.institution,
                "person": one.person, "role": one.person_role, "purpose": one.purpose, "reached": one.reached,
                "agreement": one.agreement, "policy": one.policy,
            });
            println!("{line}");
            continue;
        }
        let who = match one.person_role.as_str() {
            "" => one.institution.clone(),
            role => format!("a {} of {} for {}", role.replace('_', " "), one.institution, one.purpose),
        };
        let what = match one.source.as_str() {
            "" => kinds.clone(),
            source => format!("{kinds} of {source}"),
        };
        println!(
            "{:>10}  {:<20} {:<12} {:<36} {:<28} {}",
            one.sequence,
            seconds(&at(one.at_us)),
            one.reached,
            printable(&who),
            what,
            names(one.kinds.first().map_or("", |kind| kind.trim_end_matches(" withdrawn")), &one.groups)
        );
    }
    Ok(())
}

const fn word(topic: Topic) -> &'static str {
    match topic {
        Topic::Refused => "refused",
        Topic::PolicyChanges => "policy_changes",
        Topic::Exports => "exports",
        Topic::Withdrawals => "withdrawals",
    }
}

/// Field groups of a kind, or parts of the card, by their names.
fn names(kind: &str, groups: &[u32]) -> String {
    let kind_of = kind.parse::<RecordKind>().ok();
    let name = |number: &u32| match kind_of {
        Some(kind) => kind.group_name(*number).unwrap_or("?"),
        None => CARD_GROUPS.iter().find(|(card, _)| card == number).map_or("?", |(_, name)| name),
    };
    groups.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// An instant without its fraction of a second, which a table has no use for; JSON keeps it.
fn seconds(at: &str) -> String {
    at.split_once('.').map_or_else(|| at.to_owned(), |(whole, _)| format!("{whole}Z"))
}
