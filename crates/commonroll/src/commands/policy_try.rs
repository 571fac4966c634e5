//! `commonroll policy try`: what a change would change, for whom, asked at the hub. Nothing is put in force.

use super::{
    agreement::{open, read},
    law::refused,
    learner::words::at,
    line::{printable, say},
    person::{As, connect},
    policy::load,
    policy_office::service,
    told,
};
use commonroll_core::Slug;
use commonroll_wire::pb::policy::v1::{PolicyFile, TryLine, TryOutcome, TryRequest};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// Shown below the help.
pub const EXAMPLES: &str = "Examples:\n  \
    commonroll policy try rules                                  # a changed folder of policies\n  \
    commonroll policy try --agreement kingsmead-northgate.toml   # as if all parties had signed it\n  \
    commonroll policy try --drop-agreement kingsmead-northgate   # as if it had ended";

/// What is tried.
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["rules", "agreement", "drop_agreement"])))]
pub struct Args {
    /// A changed folder of policies, such as one from `policy in-force --texts`
    #[arg(value_name = "DIR")]
    rules: Option<PathBuf>,
    /// The text of an agreement, as if all its parties had signed it
    #[arg(long, value_name = "FILE")]
    agreement: Option<PathBuf>,
    /// The name of an agreement in force, as if it had ended (repeat for more)
    #[arg(long, value_name = "ID")]
    drop_agreement: Vec<Slug>,
    /// As lines of JSON; the last one is the outcome
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    by: As,
}

/// Tries and prints.
pub async fn run(args: &Args) -> Result<(), String> {
    let mut request = TryRequest {
        drop_agreements: args.drop_agreement.iter().map(ToString::to_string).collect(),
        ..TryRequest::default()
    };
    if let Some(dir) = &args.rules {
        let set = load(Some(dir))?;
        let file = |(name, text): (&str, &str)| PolicyFile { name: name.to_owned(), text: text.to_owned() };
        request.files = set.texts().iter().map(file).collect();
    }
    if let Some(file) = &args.agreement {
        // A fault is told with file and line before anything is asked.
        open(file)?;
        request.agreement_text = read(file)?;
    }
    let caller = connect(&args.by).await?;
    request.role = caller.role.to_string();
    let style = ProgressStyle::with_template("looking at {bar:30} {pos}/{len} entries").map_err(told)?;
    let bar = ProgressBar::new(0).with_style(style);
    let mut answers = service(&caller).r#try(request).await.map_err(|status| refused(&status))?.into_inner();
    let (mut lines, mut outcome) = (Vec::new(), None);
    while let Some(part) = answers.message().await.map_err(|status| refused(&status))? {
        if part.total > 0 {
            bar.set_length(part.total);
            bar.set_position(part.done);
        }
        lines.extend(part.lines);
        outcome = part.outcome.or(outcome);
    }
    bar.finish_and_clear();
    let outcome = outcome.ok_or("the hub's answer is not whole; try again")?;
    match args.json {
        true => {
            lines.iter().for_each(|line| println!("{}", json(line)));
            println!("{}", serde_json::json!({ "outcome": outcome_json(&outcome) }));
        }
        false => print(&outcome, &lines),
    }
    Ok(())
}

fn print(outcome: &TryOutcome, lines: &[TryLine]) {
    outcome.changes.lines().for_each(|line| say(&printable(line)));
    println!(
        "looked at {} records since {}, and at every placement in force",
        outcome.records,
        at(outcome.since_us)
    );
    if outcome.gone > 0 {
        println!("{} records have no content any more and were passed over", outcome.gone);
    }
    if lines.is_empty() {
        println!("nobody would gain and nobody would lose");
        return;
    }
    let parts = [
        (true, false, "would gain, of the last 30 days"),
        (true, true, "would gain, of what is made from now on"),
        (false, false, "would lose, of the last 30 days"),
        (false, true, "would lose, of what is made from now on"),
    ];
    for (gains, ahead, title) in parts {
        let of = |line: &&TryLine| line.gains == gains && line.ahead == ahead;
        if !lines.iter().any(|line| of(&line)) {
            continue;
        }
        println!("\n{title}");
        println!(
            "  {:<20} {:<20} {:<30} {:>9} {:>8}",
            "institution", "who", "kind, and below its parts", "records", "learners"
        );
        let rest: Vec<&TryLine> = lines.iter().filter(of).collect();
        rest.chunk_by(|one, next| alike(one, next)).for_each(row);
    }
    if !outcome.names {
        println!("\nlearners are named to those alone who may see names");
    }
}

/// Parts of one kind that the same people gain or lose in the same records are one row.
fn alike(one: &TryLine, next: &TryLine) -> bool {
    let same = |line: &TryLine| TryLine { group: String::new(), ..line.clone() };
    same(one) == same(next)
}

fn row(lines: &[&TryLine]) {
    let Some(line) = lines.first() else { return };
    let who = if line.person_role.is_empty() { "its own system" } else { &line.person_role };
    let figures = match (line.about, line.ahead) {
        (true, _) => format!("{:>9} {:>8}", "", format!("about {}", line.learners)),
        (_, true) => format!("{:>9} {:>8}", "", line.learners),
        _ => format!("{:>9} {:>8}", line.records, line.learners),
    };
    let names = [line.institution.as_str(), who, &line.kind].map(printable);
    let [institution, who, kind] = names;
    println!("  {institution:<20} {who:<20} {kind:<30} {figures}");
    let parts: Vec<String> = lines.iter().map(|line| printable(&line.group)).collect();
    println!("    {}", parts.join(", "));
    if line.people > 0 {
        println!("    {} of your people hold the role", line.people);
    }
    if !line.examples.is_empty() {
        println!("    such as {}", printable(&line.examples.join(", ")));
    }
}

fn outcome_json(outcome: &TryOutcome) -> serde_json::Value {
    serde_json::json!({
        "changes": outcome.changes.lines().collect::<Vec<_>>(), "since": at(outcome.since_us),
        "records": outcome.records, "gone": outcome.gone, "situations": outcome.situations, "names": outcome.names,
    })
}

fn json(line: &TryLine) -> serde_json::Value {
    serde_json::json!({
        "gains": line.gains, "ahead": line.ahead, "institution": line.institution, "role": line.person_role,
        "people": line.people, "kind": line.kind, "group": line.group, "records": line.records,
        "learners": line.learners, "about": line.about, "examples": line.examples,
    })
}
