//! `commonroll unmatched`: what about who is who waits for a person of one's own institution. Nobody is named.

use crate::commands::{
    line::{printable, say},
    person::{As, connect, refused},
};
use commonroll_wire::pb::readiness::v1::{
    OpenMatch, UnmatchedRequest, readiness_service_client::ReadinessServiceClient,
};
use std::process::ExitCode;

/// What is asked.
#[derive(clap::Args, Clone)]
pub struct Args {
    #[command(flatten)]
    by: As,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Asks and prints.
pub async fn run(args: Args) -> Result<ExitCode, String> {
    let caller = connect(&args.by).await?;
    let role = caller.role.as_str().to_owned();
    let answer = ReadinessServiceClient::new(caller.channel).unmatched(UnmatchedRequest { role }).await;
    let answer = answer.map_err(|status| refused(&status))?.into_inner();
    if args.json {
        let open: serde_json::Value = answer.open.iter().map(json).collect();
        println!("{}", serde_json::json!({ "open": open, "more": answer.more }));
        return Ok(ExitCode::SUCCESS);
    }
    if answer.open.is_empty() {
        say("everybody is matched, and nothing waits");
    }
    answer.open.iter().for_each(|one| say(&line(one)));
    if answer.more > 0 {
        say(&format!("{} more aren't listed here; these come first once some are settled", answer.more));
    }
    Ok(ExitCode::SUCCESS)
}

fn line(one: &OpenMatch) -> String {
    let ids: Vec<String> = one.local_ids.iter().map(|id| printable(id)).collect();
    let other = match one.other.is_empty() {
        true => String::new(),
        false => format!(", {}", printable(&one.other)),
    };
    let what = one.what.replace('_', " ");
    format!("{what}: {}{other}: {}\n  {}", ids.join(" "), printable(&one.says), printable(&one.to_do))
}

fn json(one: &OpenMatch) -> serde_json::Value {
    serde_json::json!({
        "what": one.what, "local_ids": one.local_ids, "other": one.other, "says": one.says, "to_do": one.to_do,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_shown_with_whose_it_is_and_what_to_do() {
        let one = OpenMatch {
            what: "placement_for_host".to_owned(),
            local_ids: vec!["R200".to_owned()],
            other: "Northgate\u{202e} College".to_owned(),
            says: "Only you have declared it.".to_owned(),
            to_do: "The host accepts it.".to_owned(),
        };
        let told =
            "placement for host: R200, Northgate College: Only you have declared it.\n  The host accepts it.";
        assert_eq!(line(&one), told);
        assert_eq!(json(&one)["local_ids"][0], "R200");
    }
}
