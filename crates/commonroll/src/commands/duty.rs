//! `commonroll duty`: erasure, and how long the hub keeps payloads. Both as a person, decided at the hub.

use crate::commands::{
    law::Confirm,
    line::printable,
    person::{As, Caller, connect, refused},
};
use clap::Subcommand;
use commonroll_core::{RecordId, RecordKind};
use commonroll_exchange::ErasureReason;
use commonroll_wire::pb::duty::v1::{
    EraseRequest, Keeping, KindRetention, RetentionRequest, SetRetentionRequest,
    duty_service_client::DutyServiceClient,
};
use std::process::ExitCode;
use tonic::transport::Channel;

/// The commands of duties.
#[derive(Subcommand)]
pub enum DutyCommand {
    /// Erase what the hub holds of one learner's records, or of one record: payload and salt go, the history still verifies
    ///
    /// For the data protection officer of the learner's home. Whoever was handed copies is asked to remove them, and may
    /// answer that they must keep: a statutory register, for instance. The institutions' own systems are theirs; a backup
    /// of the hub keeps what it has until it is deleted. Only the record's root stays in the log.
    ///
    /// Example: commonroll duty erase --learner 004711 --reason objection_upheld
    Erase {
        #[command(flatten)]
        by: As,
        /// The learner, by the id in your own system
        #[arg(long, value_name = "ID", required_unless_present = "record", conflicts_with = "record")]
        learner: Option<String>,
        /// One record: 32 hexadecimal digits, as `audit show` prints them
        #[arg(long, value_name = "ID")]
        record: Option<RecordId>,
        /// Why: no_longer_needed, objection_upheld, unlawful, wrong or legal_obligation
        #[arg(long)]
        reason: ErasureReason,
        /// Erase the hub's copy alone, and ask nobody to remove theirs
        #[arg(long)]
        hub_only: bool,
        /// Forget also what the learner is matched by; only for somebody who is placed nowhere. Before a new placement your
        /// agent has to declare them anew
        #[arg(long, conflicts_with = "record")]
        forget: bool,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// Show how long the hub keeps the payloads of what your institution made; with --kind, set it
    ///
    /// What is agreed with a partner (kept_at_hub_days) holds by itself; you may have your own records kept shorter. Set by
    /// a data protection officer it holds at once; by a data manager once the data protection officer sets the same.
    ///
    /// Example: commonroll duty retention --kind behaviour --days 14
    Retention {
        #[command(flatten)]
        by: As,
        /// Kind of record: attendance, assessment or behaviour
        #[arg(long)]
        kind: Option<String>,
        /// Days after the last recipient has acknowledged
        #[arg(long, requires = "kind", conflicts_with = "as_agreed")]
        days: Option<u32>,
        /// Count the days from acceptance, and let go what still waits for its recipient
        #[arg(long, requires = "days")]
        even_waiting: bool,
        /// Take your own rule away: what is agreed with partners holds
        #[arg(long, requires = "kind")]
        as_agreed: bool,
        /// One line of JSON a kind
        #[arg(long)]
        json: bool,
    },
}

/// Runs a command.
pub async fn run(command: DutyCommand) -> Result<ExitCode, String> {
    match command {
        DutyCommand::Erase { by, learner, record, reason, hub_only, forget, confirm } => {
            let named = record.map(|id| id.to_string()).or_else(|| learner.clone()).unwrap_or_default();
            let record_id = record.map_or_else(Vec::new, |id| id.0.to_vec());
            let learner_local_id = learner.unwrap_or_default();
            let request = EraseRequest {
                learner_local_id,
                record_id: record_id.into(),
                reason: reason.as_str().to_owned(),
                hub_only,
                forget,
                ..EraseRequest::default()
            };
            let caller = connect(&by).await?;
            summary(&caller, &request, &named);
            confirm.ask("erase it", &named)?;
            erase(&caller, request).await?;
        }
        DutyCommand::Retention { by, kind: Some(kind), days, even_waiting, as_agreed, .. } => {
            if days.is_none() && !as_agreed {
                return Err("say --days, or --as-agreed".to_owned());
            }
            let keeping = days.map(|days| Keeping { days, even_waiting });
            set(&connect(&by).await?, kind, keeping).await?;
        }
        DutyCommand::Retention { by, json, .. } => show(&connect(&by).await?, json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn client(caller: &Caller) -> DutyServiceClient<Channel> {
    DutyServiceClient::new(caller.channel.clone())
}

/// What an erasure would do, before it is asked for.
fn summary(caller: &Caller, request: &EraseRequest, named: &str) {
    let what = if request.record_id.is_empty() { "every record about learner" } else { "record" };
    println!(
        "{what} {} of {}: the hub's payloads and salts go, for good",
        printable(named),
        caller.identity.card.institution
    );
    println!("reason, as the log keeps it: {}", printable(&request.reason));
    println!(
        "{}",
        match request.hub_only {
            true => "nobody is asked to remove their copies",
            false => "whoever was handed copies is asked to remove them",
        }
    );
    if request.forget {
        println!("the hub also forgets what the learner is matched by");
    }
}

async fn erase(caller: &Caller, request: EraseRequest) -> Result<(), String> {
    let request = EraseRequest { role: caller.role.to_string(), ..request };
    let erased = client(caller).erase(request).await.map_err(|status| refused(&status))?.into_inner();
    println!("{} records: payload and salt {}", erased.records, if erased.done { "are gone" } else { "go" });
    if erased.directory_entries > 0 {
        println!("{} older entries about the learner went with them", erased.directory_entries);
    }
    if erased.others > 0 {
        println!(
            "{} records stay: your institution neither made them nor was to receive them; ask those who did",
            erased.others
        );
    }
    if erased.notices > 0 {
        println!(
            "{} copies are asked back in {} notices; `audit withdrawals --all` lists what is answered, and `exit pack` in \
             notices.csv",
            erased.copies, erased.notices
        );
    }
    if !erased.done {
        println!("the hub is not through with it yet, and goes on by itself: `audit verify` says when it is");
    }
    println!("the history still verifies: `commonroll audit verify`");
    Ok(())
}

async fn set(caller: &Caller, kind: String, keeping: Option<Keeping>) -> Result<(), String> {
    let role = caller.role.to_string();
    let request = SetRetentionRequest { role: role.clone(), kind: kind.clone(), keeping };
    let answer = client(caller).set_retention(request).await.map_err(|status| refused(&status))?;
    println!(
        "{}",
        match answer.into_inner().in_force {
            true => "in force; what is due goes with the hub's next look, within minutes",
            false => "asked for: it holds once your data protection officer sets the same",
        }
    );
    // The rule is set; that this can't be read changes nothing about it.
    let Ok(all) = client(caller).retention(RetentionRequest { role }).await else { return Ok(()) };
    let of = all.into_inner().kinds.into_iter().find(|one| one.kind == kind);
    for agreed in of.iter().flat_map(|one| &one.agreed) {
        if keeping.is_some_and(|own| own.days > agreed.days) {
            println!(
                "but {} days are agreed with {} ({} version {}): for what goes there, these count",
                agreed.days,
                printable(&agreed.partner),
                printable(&agreed.agreement),
                agreed.version
            );
        }
    }
    Ok(())
}

async fn show(caller: &Caller, json: bool) -> Result<(), String> {
    let request = RetentionRequest { role: caller.role.to_string() };
    let answer = client(caller).retention(request).await.map_err(|status| refused(&status))?.into_inner();
    if json {
        answer.kinds.iter().for_each(|kind| println!("{}", line(kind)));
        return Ok(());
    }
    println!("{:<12} {:<34} {:<26} agreed with partners", "kind", "your own rule", "waits for your DPO");
    for kind in &answer.kinds {
        let agreed: Vec<_> = kind.agreed.iter().map(|a| format!("{} {} days", a.partner, a.days)).collect();
        println!(
            "{:<12} {:<34} {:<26} {}",
            kind.kind,
            kind.set.as_ref().map_or_else(|| "none".to_owned(), words),
            kind.asked.as_ref().map_or_else(
                || "nothing".to_owned(),
                |a| a.keeping.as_ref().map_or_else(|| "no rule".to_owned(), words)
            ),
            if agreed.is_empty() {
                "nothing: kept until you set a rule".to_owned()
            } else {
                agreed.join(", ")
            }
        );
    }
    println!(
        "\nThe shorter of the two counts. Kinds: {}.",
        RecordKind::ALL.map(RecordKind::as_str).join(", ")
    );
    Ok(())
}

fn words(keeping: &Keeping) -> String {
    match keeping.even_waiting {
        true => format!("{} days, even if it waits", keeping.days),
        false => format!("{} days after delivery", keeping.days),
    }
}

fn line(kind: &KindRetention) -> serde_json::Value {
    let keeping = |k: &Keeping| serde_json::json!({ "days": k.days, "even_waiting": k.even_waiting });
    let agreed: Vec<_> = kind
        .agreed
        .iter()
        .map(|a| serde_json::json!({ "agreement": a.agreement, "version": a.version, "partner": a.partner, "days": a.days }))
        .collect();
    serde_json::json!({
        "kind": kind.kind,
        "set": kind.set.as_ref().map(keeping),
        "asked": kind.asked.as_ref().map(|asked| asked.keeping.as_ref().map(keeping)),
        "agreed": agreed,
    })
}
