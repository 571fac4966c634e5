//! `commonroll emergency`: open a visiting learner's card in an emergency, see what was opened, review it.

use crate::commands::{
    learner::words::moment,
    person::{As, connect, printable, refused},
};
use clap::Subcommand;
use commonroll_wire::pb::subject::v1::{
    EmergenciesRequest, Emergency, OpenEmergencyRequest, ReviewEmergencyRequest,
    subject_service_client::SubjectServiceClient,
};
use jiff::tz::TimeZone;
use std::process::ExitCode;

/// The commands.
#[derive(Subcommand)]
pub enum EmergencyCommand {
    /// Open the card of a learner who is placed with you now, because they are in danger; their home is told at once
    ///
    /// Example: commonroll emergency open 770012 --reason "Fainted in the workshop" --minutes 60, and then
    /// commonroll learner show 770012 --purpose emergency
    Open {
        #[command(flatten)]
        by: As,
        /// The learner, by the id in your own system
        learner: String,
        /// What has happened, in 10 to 500 characters; only those who review it read it
        #[arg(long)]
        reason: String,
        /// For how long, 1,440 at most
        #[arg(long, default_value_t = 60)]
        minutes: u32,
    },
    /// List the emergency accesses that your people opened, or that were about your learners
    List {
        #[command(flatten)]
        by: As,
        /// Only those that nobody of your institution has reviewed
        #[arg(long)]
        open: bool,
        /// As lines of JSON
        #[arg(long)]
        json: bool,
    },
    /// Say whether an emergency access was justified; for the data protection officer, never for who opened it
    Review {
        #[command(flatten)]
        by: As,
        /// Its id, or the first 8 digits, as listed
        id: String,
        /// It was not justified
        #[arg(long)]
        not_justified: bool,
        /// What is to be said of it
        #[arg(long, default_value = "")]
        remark: String,
    },
}

/// Runs a command.
pub async fn run(command: EmergencyCommand) -> Result<ExitCode, String> {
    match command {
        EmergencyCommand::Open { by, learner, reason, minutes } => {
            let caller = connect(&by).await?;
            let request = OpenEmergencyRequest {
                role: caller.role.to_string(),
                learner_local_id: learner,
                reason,
                valid_seconds: minutes.saturating_mul(60),
            };
            let mut subjects = SubjectServiceClient::new(caller.channel);
            let opened =
                subjects.open_emergency(request).await.map_err(|status| refused(&status))?.into_inner();
            let until = moment(opened.until_us, &TimeZone::system());
            println!("open until {until}; the learner's home is told, and it will be reviewed");
            println!("now: commonroll learner show ID --purpose emergency --in-role {}", caller.role);
        }
        EmergencyCommand::List { by, open, json } => {
            let mut listed = listed(&by).await?;
            listed.retain(|one| !open || one.reviewable);
            if listed.is_empty() && !json {
                println!("no emergency access concerns your institution");
            }
            listed.iter().for_each(|one| show(one, json));
        }
        EmergencyCommand::Review { by, id, not_justified, remark } => {
            let named = id.to_ascii_lowercase();
            if named.len() < 8 {
                return Err("give at least 8 digits of the id that `emergency list` shows".to_owned());
            }
            let held = listed(&by).await?;
            let held: Vec<_> = held.iter().filter(|one| hex(&one.emergency_id).starts_with(&named)).collect();
            let [held] = held[..] else {
                return Err("no emergency access of yours, or several, begin so; look with `emergency list`"
                    .to_owned());
            };
            let caller = connect(&by).await?;
            let request = ReviewEmergencyRequest {
                role: caller.role.to_string(),
                emergency_id: held.emergency_id.clone(),
                justified: !not_justified,
                remark,
            };
            let mut subjects = SubjectServiceClient::new(caller.channel);
            subjects.review_emergency(request).await.map_err(|status| refused(&status))?;
            println!("reviewed: {}", if not_justified { "not justified" } else { "justified" });
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn listed(by: &As) -> Result<Vec<Emergency>, String> {
    let caller = connect(by).await?;
    let mut subjects = SubjectServiceClient::new(caller.channel);
    let request = EmergenciesRequest { role: caller.role.to_string() };
    let answer = subjects.emergencies(request).await.map_err(|status| refused(&status))?;
    Ok(answer.into_inner().emergencies)
}

fn show(one: &Emergency, json: bool) {
    let zone = TimeZone::system();
    let (opened, until) = (moment(one.opened_at_us, &zone), moment(one.until_us, &zone));
    if json {
        let reviews: Vec<_> = one
            .reviews
            .iter()
            .map(|review| {
                serde_json::json!({
                    "institution": review.institution, "by": review.by, "justified": review.justified,
                    "remark": review.remark,
                })
            })
            .collect();
        let line = serde_json::json!({
            "id": hex(&one.emergency_id), "by": one.by, "role": one.by_role, "institution": one.institution,
            "home": one.home, "learner": one.learner_local_id, "reason": one.reason, "opened": opened,
            "until": until, "reviews": reviews, "reviewable": one.reviewable,
        });
        println!("{line}");
        return;
    }
    let id = hex(&one.emergency_id);
    let learner =
        if one.learner_local_id.is_empty() { "somebody no longer known here" } else { &one.learner_local_id };
    println!(
        "{}  {opened} to {until}  learner {}  home {}",
        &id[..id.len().min(8)],
        printable(learner),
        one.home
    );
    println!("          by a {} of {}  {}", one.by_role, one.institution, one.by);
    println!("          {}", printable(&one.reason));
    for review in &one.reviews {
        let said = if review.justified { "justified" } else { "NOT justified" };
        println!("          {said}, says {}: {}", review.institution, printable(&review.remark));
    }
    if one.reviewable {
        println!("          waits for your review");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
