//! `commonroll readiness`: how tight partners' data is, as measured, with what to do next; and problems by owner and age.

use crate::commands::{
    line::{printable, say},
    person::{As, connect, refused},
};
use commonroll_wire::pb::readiness::v1::{
    Partner, Problem, ProblemsRequest, ReadinessRequest, ReadinessResponse,
    readiness_service_client::ReadinessServiceClient,
};
use std::process::ExitCode;

/// Cells of a bar.
const BAR: usize = 20;

/// What is asked.
#[derive(clap::Args, Clone)]
pub struct Args {
    #[command(flatten)]
    by: As,
    /// One partner, by its slug [default: your own institution; for a consortium lead all partners]
    #[arg(long, value_name = "SLUG")]
    of: Option<String>,
    /// What was refused, is kept back or waits, by owner and age, instead
    #[arg(long)]
    problems: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Asks and prints.
pub async fn run(args: Args) -> Result<ExitCode, String> {
    let caller = connect(&args.by).await?;
    let role = caller.role.as_str().to_owned();
    let institution = match (&args.of, caller.role) {
        (Some(of), _) => of.clone(),
        (None, commonroll_core::Role::ConsortiumLead) => String::new(),
        (None, _) => caller.identity.card.institution.to_string(),
    };
    let mut service = ReadinessServiceClient::new(caller.channel);
    if args.problems {
        let answer = service.problems(ProblemsRequest { role, institution }).await;
        let problems = answer.map_err(|status| refused(&status))?.into_inner().problems;
        match args.json {
            true => println!("{}", serde_json::Value::from_iter(problems.iter().map(problem_json))),
            false if problems.is_empty() => println!("nothing is refused, and nothing waits"),
            false => problems.iter().for_each(|problem| say(&problem_lines(problem))),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let answer = service.readiness(ReadinessRequest { role, institution }).await;
    let answer = answer.map_err(|status| refused(&status))?.into_inner();
    if args.json {
        println!("{}", json(&answer));
        return Ok(ExitCode::SUCCESS);
    }
    if !answer.complete {
        say("the hub has just started and still reads its log: figures are those up to where it has come");
    }
    match answer.partners.as_slice() {
        [one] => say(&partner_lines(one, answer.goal)),
        all => say(&table(all)),
    }
    say(&printable(&answer.not_measured));
    Ok(ExitCode::SUCCESS)
}

fn bar(points: u32) -> String {
    let full = (points.min(100) as usize * BAR).div_ceil(100);
    format!("{}{}", "#".repeat(full), ".".repeat(BAR - full))
}

fn partner_lines(partner: &Partner, goal: u32) -> String {
    let mut text = String::new();
    let mut line = |said: String| {
        text.push_str(&said);
        text.push('\n');
    };
    let score =
        if partner.measured { format!("{} of 100", partner.score) } else { "not measured".to_owned() };
    line(format!("{}: {score}, goal {goal}", printable(&partner.name)));
    line(format!("measured {} to {}", partner.first_date, partner.last_date));
    for part in &partner.parts {
        let title = format!("{:<24}", part.title);
        match part.measured {
            true => {
                let below = if part.points < goal { " !" } else { "  " };
                line(format!("  {title} {} {:>3}{below} {}", bar(part.points), part.points, part.said));
            }
            false => line(format!("  {title} {} {:>3}   {}", " ".repeat(BAR), "-", part.said)),
        }
    }
    if !partner.fixes.is_empty() {
        line("next:".to_owned());
    }
    for (number, fix) in (1..).zip(&partner.fixes) {
        let adds = if fix.adds == 0 { "safety first".to_owned() } else { format!("adds about {}", fix.adds) };
        line(format!("  {number}. {} ({}, by {}, {adds})", fix.title, fix.owner, fix.by));
        line(format!("     {}", printable(&fix.text)));
    }
    text
}

fn table(partners: &[Partner]) -> String {
    let mut text = String::new();
    let parts = partners.first().map_or(&[][..], |partner| &partner.parts);
    let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    text.push_str(&format!("{:<28} {:>5}  {}\n", "partner", "score", names.join("  ")));
    for partner in partners {
        let score = if partner.measured { partner.score.to_string() } else { "-".to_owned() };
        let cells: Vec<String> = partner
            .parts
            .iter()
            .map(|part| {
                let shown = if part.measured { part.points.to_string() } else { "-".to_owned() };
                format!("{shown:>width$}", width = part.name.len())
            })
            .collect();
        text.push_str(&format!("{:<28} {score:>5}  {}\n", printable(&partner.name), cells.join("  ")));
    }
    text
}

fn problem_lines(problem: &Problem) -> String {
    let since = if problem.oldest.is_empty() { "since when isn't known" } else { &problem.oldest };
    let about = if problem.rounded { "about " } else { "" };
    let kind = match (problem.refused, problem.kept_back) {
        (true, _) => "refused",
        (_, true) => "kept back",
        _ => "waits",
    };
    format!(
        "{}  {}  {about}{} ({kind}, {since})\n  {}: {}: {}\n",
        printable(&problem.institution),
        problem.title,
        problem.count,
        problem.rule,
        problem.owner,
        problem.to_do
    )
}

fn problem_json(problem: &Problem) -> serde_json::Value {
    serde_json::json!({
        "institution": problem.institution, "rule": problem.rule, "title": problem.title, "count": problem.count,
        "oldest": problem.oldest, "to_do": problem.to_do, "owner": problem.owner, "refused": problem.refused,
        "kept_back": problem.kept_back,
        "rounded": problem.rounded,
    })
}

fn json(answer: &ReadinessResponse) -> serde_json::Value {
    let part = |part: &commonroll_wire::pb::readiness::v1::Part| {
        serde_json::json!({
            "name": part.name, "title": part.title, "means": part.means,
            "points": part.measured.then_some(part.points), "weight": part.weight, "good": part.good, "of": part.of,
            "said": part.said,
        })
    };
    let fix = |fix: &commonroll_wire::pb::readiness::v1::Fix| {
        serde_json::json!({
            "part": fix.part, "title": fix.title, "text": fix.text, "owner": fix.owner, "by": fix.by, "adds": fix.adds,
        })
    };
    let partners: Vec<serde_json::Value> = answer
        .partners
        .iter()
        .map(|partner| {
            serde_json::json!({
                "institution": partner.institution, "name": partner.name,
                "between": [partner.first_date, partner.last_date],
                "score": partner.measured.then_some(partner.score), "rounded": partner.rounded,
                "parts": partner.parts.iter().map(part).collect::<Vec<_>>(),
                "fixes": partner.fixes.iter().map(fix).collect::<Vec<_>>(),
            })
        })
        .collect();
    serde_json::json!({
        "goal": answer.goal, "as_of_us": answer.as_of_us, "complete": answer.complete, "partners": partners,
        "not_measured": answer.not_measured,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_points_and_never_empty_for_some() {
        assert_eq!(bar(100), "#".repeat(20));
        assert_eq!(bar(0), ".".repeat(20));
        assert_eq!(bar(1), format!("#{}", ".".repeat(19)));
    }
}
