//! `commonroll policy explain`: why a decision comes out as it does, asked at the hub as somebody who sees decisions.

use super::{
    law::refused,
    line::printable,
    person::{As, connect},
    policy_office::service,
};
use commonroll_core::{PersonId, Purpose, RecordId, Role, SchoolDate, Slug};
use commonroll_wire::pb::policy::v1::{ExplainRequest, Explained};

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:\n  \
    commonroll policy explain --person 5b1f...c3 --person-role tutor --purpose pastoral --record 48213\n  \
    commonroll policy explain --institution kingsmead --learner 40117 --kind attendance --date 2026-11-20\n  \
    commonroll policy explain --person 5b1f...c3 --person-role teacher --purpose teaching --learner 40117 --kind card";

/// Who, and what.
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).args(["person", "institution"])))]
#[command(group(clap::ArgGroup::new("which").required(true).args(["record", "learner"])))]
pub struct Args {
    /// A person of your institution, by their id (`commonroll person list` shows it)
    #[arg(long, value_name = "ID", requires_all = ["person_role", "purpose"])]
    person: Option<PersonId>,
    /// The role that the person would use
    #[arg(long, value_name = "ROLE")]
    person_role: Option<Role>,
    /// The purpose that the person would name: teaching, pastoral, attendance, administration, emergency ...
    #[arg(long)]
    purpose: Option<Purpose>,
    /// Or an institution, for what its own system is handed
    #[arg(long, value_name = "SLUG")]
    institution: Option<Slug>,
    /// The record: its sequence number, or its id in hexadecimal digits
    #[arg(long, value_name = "SEQUENCE|ID")]
    record: Option<String>,
    /// Or a learner, by the id in your own system
    #[arg(long, value_name = "ID", requires = "kind")]
    learner: Option<String>,
    /// With --learner: attendance, assessment, behaviour, or card
    #[arg(long)]
    kind: Option<String>,
    /// With --learner and a kind of record: the school date
    #[arg(long)]
    date: Option<SchoolDate>,
    /// As lines of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    by: As,
}

/// Asks and prints.
pub async fn run(args: &Args) -> Result<(), String> {
    let mut request = ExplainRequest {
        person_id: args.person.map(|id| id.0.to_vec().into()).unwrap_or_default(),
        person_role: args.person_role.map_or_else(String::new, |role| role.to_string()),
        purpose: args.purpose.map_or_else(String::new, |purpose| purpose.to_string()),
        institution: args.institution.as_ref().map_or_else(String::new, Slug::to_string),
        learner_local_id: args.learner.clone().unwrap_or_default(),
        kind: args.kind.clone().unwrap_or_default(),
        date: args.date.map_or_else(String::new, |date| date.to_string()),
        ..ExplainRequest::default()
    };
    if let Some(record) = &args.record {
        match (record.parse(), record.parse::<RecordId>()) {
            (_, Ok(id)) => request.record_id = id.0.to_vec().into(),
            (Ok(sequence), _) => request.sequence = sequence,
            _ => return Err("--record is a sequence number, or 32 hexadecimal digits".to_owned()),
        }
    }
    let caller = connect(&args.by).await?;
    request.role = caller.role.to_string();
    let answer = service(&caller).explain(request).await.map_err(|status| refused(&status))?.into_inner();
    if answer.explained.is_empty() && !args.json {
        println!("no institution that you answer for could have made such a record");
    }
    for (at, one) in answer.explained.iter().enumerate() {
        match args.json {
            true => println!("{}", json(one)),
            false => print(one, at > 0),
        }
    }
    Ok(())
}

fn print(one: &Explained, next: bool) {
    if next {
        println!();
    }
    let what = match (one.sequence, one.source.is_empty()) {
        (0, true) => one.kind.clone(),
        (0, false) => {
            format!("{} by {} on {}: there is none; if there were one", one.kind, one.source, one.date)
        }
        (sequence, _) => format!("{} by {} on {}, entry {sequence}", one.kind, one.source, one.date),
    };
    println!("{}", printable(&what));
    let answer =
        if one.allowed { "allowed".to_owned() } else { format!("no ({}): {}", one.code, one.reason) };
    println!("  {}", printable(&answer));
    for rule in &one.rules {
        println!("  rule {} ({}:{})", printable(&rule.id), printable(&rule.file), rule.line);
        println!("    {}", printable(&rule.says));
    }
    for (name, said) in [("placement", &one.placement), ("agreement", &one.agreement)] {
        if !said.is_empty() {
            println!("  {name}: {}", printable(said));
        }
    }
    for group in one.groups.iter().filter(|_| one.allowed) {
        let answer = if group.open { "may be seen" } else { "withheld" };
        let why = if group.why.is_empty() { String::new() } else { format!(": {}", group.why) };
        println!("  {:<20} {answer}{}", printable(&group.name), printable(&why));
    }
    one.missing.iter().for_each(|what| println!("  missing: {}", printable(what)));
    println!("  rules in force: {}", printable(one.policy.get(..16).unwrap_or_default()));
}

fn json(one: &Explained) -> serde_json::Value {
    let rule = |rule: &commonroll_wire::pb::policy::v1::Rule| serde_json::json!({ "id": rule.id, "file": rule.file, "line": rule.line, "says": rule.says });
    let group = |group: &commonroll_wire::pb::policy::v1::ExplainedGroup| serde_json::json!({ "number": group.number, "name": group.name, "open": group.open, "why": group.why });
    serde_json::json!({
        "sequence": one.sequence, "kind": one.kind, "source": one.source, "date": one.date, "allowed": one.allowed,
        "code": one.code, "reason": one.reason, "rules": one.rules.iter().map(rule).collect::<Vec<_>>(),
        "placement": one.placement, "agreement": one.agreement,
        "groups": one.groups.iter().map(group).collect::<Vec<_>>(), "missing": one.missing, "policy": one.policy,
    })
}
