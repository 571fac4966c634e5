//! `commonroll learner show`: one learner, as far as the person in the role in use may see for a purpose.
//!
//! What is shown is decided at the hub and is an entry of its log before it arrives here. Nothing is kept on disk.

pub mod words;

use crate::commands::{
    line::printable,
    person::{As, connect, refused},
};
use clap::Subcommand;
use commonroll_core::{Purpose, RecordKind, SchoolDate};
use commonroll_wire::pb::subject::v1::{
    Card, NotShown, ReadRequest, ReadResponse, subject_service_client::SubjectServiceClient,
};
use jiff::tz::TimeZone;
use std::process::ExitCode;
use words::{Line, kind_title};

/// The commands about a learner.
#[derive(Subcommand)]
pub enum LearnerCommand {
    /// Show a learner's card and records, as far as you may see them in this role for this purpose
    ///
    /// The learner is named by your own institution's id. What you see is written to the hub's log first: who, in which
    /// role, why, and which records. A learner who isn't there and one who isn't yours to see get the same answer.
    ///
    /// Example: commonroll learner show 004711 --purpose pastoral --in-role tutor --from 2026-09-01
    Show(Show),
}

/// What is asked.
#[derive(clap::Args)]
pub struct Show {
    #[command(flatten)]
    by: As,
    /// The learner, by the id in your own system
    learner: String,
    /// Why you look: teaching, attendance, pastoral, administration or emergency
    #[arg(long)]
    purpose: Purpose,
    /// Only this kind: attendance, assessment or behaviour (repeat for more)
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// From this school date on, such as 2026-09-01
    #[arg(long, value_name = "DATE")]
    from: Option<SchoolDate>,
    /// Up to this school date
    #[arg(long, value_name = "DATE")]
    to: Option<SchoolDate>,
    /// Revisions, too, that a newer one has replaced
    #[arg(long)]
    older: bool,
    /// As lines of JSON: the card, each record, and what is not shown
    #[arg(long)]
    json: bool,
}

/// Runs a command.
pub async fn run(command: LearnerCommand) -> Result<ExitCode, String> {
    let LearnerCommand::Show(show) = command;
    let caller = connect(&show.by).await?;
    let date = |date: Option<SchoolDate>| date.map_or_else(String::new, |date| date.to_string());
    let request = ReadRequest {
        role: caller.role.to_string(),
        learner_local_id: show.learner.clone(),
        purpose: show.purpose.to_string(),
        kinds: show.kinds.clone(),
        first_date: date(show.from),
        last_date: date(show.to),
        older: show.older,
    };
    let mut subjects = SubjectServiceClient::new(caller.channel);
    let mut stream = subjects.read(request).await.map_err(|status| refused(&status))?.into_inner();
    let mut read = ReadResponse::default();
    while let Some(piece) = stream.message().await.map_err(|status| refused(&status))? {
        if piece.card.is_some() || !piece.policy.is_empty() {
            read = piece;
        } else {
            read.records.extend(piece.records);
        }
    }
    let zone = TimeZone::get(&read.time_zone).unwrap_or(TimeZone::UTC);
    let lines: Vec<Line> = read.records.iter().map(|record| Line::of(record, &zone)).collect();
    if show.json {
        as_json(&read, &lines, &zone);
    } else {
        println!("learner {}  as {} for {}", printable(&show.learner), caller.role, show.purpose);
        page(&read, &lines, &zone);
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(read: &ReadResponse, lines: &[Line], zone: &TimeZone) {
    if let Some(card) = &read.card {
        println!("{}", serde_json::json!({ "card": words::card_json(card, zone) }));
    }
    lines.iter().for_each(|line| println!("{}", serde_json::json!({ "record": line.json() })));
    for said in &read.not_shown {
        let records = (said.records > 0).then_some(said.records);
        println!(
            "{}",
            serde_json::json!({ "not_shown": {
                "kind": said.kind, "code": said.code, "reason": said.reason, "records": records,
                "sources": said.sources,
            }})
        );
    }
}

fn page(read: &ReadResponse, lines: &[Line], zone: &TimeZone) {
    match &read.card {
        Some(card) => show_card(card, zone),
        None => println!("the card is not shown to you in this role for this purpose"),
    }
    for kind in RecordKind::ALL {
        let of_kind: Vec<&Line> = lines.iter().filter(|line| line.kind == kind.as_str()).collect();
        if of_kind.is_empty() {
            continue;
        }
        println!("\n{}", kind_title(kind));
        for line in of_kind {
            println!(
                "  {:<10}  {:<11}  {:<16}  {:<20}  {}",
                line.date, line.time, line.source, line.group, line.says
            );
            if !line.withheld.is_empty() {
                println!("  {:>23}  not shown: {}", "", line.withheld.join(", "));
            }
        }
    }
    if lines.is_empty() {
        println!("\nno record to show");
    }
    if !read.not_shown.is_empty() {
        println!();
        read.not_shown.iter().for_each(said);
    }
}

fn said(said: &NotShown) {
    let sources =
        if said.sources.is_empty() { String::new() } else { format!(" of {}", said.sources.join(", ")) };
    let count = match said.records {
        0 => String::new(),
        1 => "1 record".to_owned(),
        more => format!("{more} records"),
    };
    let what = if count.is_empty() { said.kind.clone() } else { format!("{}, {count}", said.kind) };
    println!("not shown: {what}{sources}: {}", printable(&said.reason));
}

fn show_card(card: &Card, zone: &TimeZone) {
    let home = if card.home.is_empty() {
        "not settled: two institutions claim to be it".to_owned()
    } else {
        format!("{} ({})", printable(&card.home_name), card.home)
    };
    println!("home       {home}");
    for one in &card.placements {
        let group = if one.group_local_id.is_empty() { "every group" } else { &one.group_local_id };
        println!("placed at  {}, {group}, {} to {}", one.host, one.first_date, one.last_date);
    }
    if card.parts.iter().any(|part| part == "presence_today") {
        let marks = words::presence(card, zone);
        match marks.is_empty() {
            true => println!("today      no mark yet: unknown, neither present nor absent"),
            false => marks.iter().for_each(|mark| println!("today      {mark}")),
        }
    }
    for (what, text) in [("needs     ", &card.needs), ("emergency ", &card.emergency)] {
        if !text.is_empty() {
            // Whoever wrote it must not write lines of ours.
            println!("{what} {}", text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    if !card.not_held.is_empty() {
        let parts: Vec<String> = card.not_held.iter().map(|part| part.replace('_', " ")).collect();
        println!(
            "ask home   for {}: you may have it, and the home has not shared it here",
            parts.join(" and ")
        );
    }
}
