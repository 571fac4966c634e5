//! `commonroll emergency`: open a visiting learner's card in an emergency, see what was opened, review it.

use crate::commands::{
    law::by_digits,
    learner::words::{at, moment},
    line::{hex, printable},
    person::{As, Caller, connect, refused},
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
    /// Open the card of a learner who is placed with you now, because they are in danger. Their home sees it when it looks:
    /// ring them
    ///
    /// Example: commonroll emergency open 770012 --reason "Fainted in the workshop" --minutes 60, and then
    /// commonroll learner show 770012 --purpose emergency
    Open {
        #[command(flatten)]
        by: As,
        /// The learner, by the id in your own system
        learner: String,
        /// What has happened, in 10 to 500 characters. Heads, data managers and data protection officers of your institution
        /// and of the learner's home can read it
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
                learner_local_id: learner.clone(),
                reason,
                valid_seconds: minutes.saturating_mul(60),
            };
            let mut subjects = SubjectServiceClient::new(caller.channel);
            let opened =
                subjects.open_emergency(request).await.map_err(|status| refused(&status))?.into_inner();
            let until = moment(opened.until_us, &TimeZone::system());
            println!("open until {until}; somebody else will review it");
            println!("the learner's home sees it when it looks (`emergency list`): ring them");
            let learner = printable(&learner);
            println!("now: commonroll learner show {learner} --purpose emergency --in-role {}", caller.role);
        }
        EmergencyCommand::List { by, open, json } => {
            let caller = connect(&by).await?;
            let own = caller.identity.card.institution.as_str();
            let mut listed = listed(&caller).await?;
            listed.retain(|one| !open || one.reviews.iter().all(|review| review.institution != own));
            if listed.is_empty() && !json {
                let what = if open { "waits for a review by" } else { "concerns" };
                println!("no emergency access {what} your institution");
            }
            listed.iter().for_each(|one| show(one, json));
        }
        EmergencyCommand::Review { by, id, not_justified, remark } => {
            let caller = connect(&by).await?;
            let held = by_digits(listed(&caller).await?, &id, |one| &one.emergency_id)?;
            let request = ReviewEmergencyRequest {
                role: caller.role.to_string(),
                emergency_id: held.emergency_id,
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

async fn listed(caller: &Caller) -> Result<Vec<Emergency>, String> {
    let mut subjects = SubjectServiceClient::new(caller.channel.clone());
    let request = EmergenciesRequest { role: caller.role.to_string() };
    let answer = subjects.emergencies(request).await.map_err(|status| refused(&status))?;
    Ok(answer.into_inner().emergencies)
}

fn show(one: &Emergency, json: bool) {
    if json {
        let reviews: Vec<_> = one
            .reviews
            .iter()
            .map(|review| {
                serde_json::json!({
                    "institution": review.institution, "by": review.by, "justified": review.justified,
                    "remark": review.remark, "at": at(review.at_us),
                })
            })
            .collect();
        let line = serde_json::json!({
            "id": hex(&one.emergency_id), "by": one.by, "role": one.by_role, "institution": one.institution,
            "home": one.home, "learner": one.learner_local_id, "reason": one.reason,
            "opened": at(one.opened_at_us), "until": at(one.until_us), "reviews": reviews, "reviewable": one.reviewable,
        });
        println!("{line}");
        return;
    }
    let (id, zone) = (hex(&one.emergency_id), TimeZone::system());
    let (opened, until) = (moment(one.opened_at_us, &zone), moment(one.until_us, &zone));
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
