//! What changes, explains, tries and proves the rules: how long each takes in a consortium of some size, asked for through
//! the doors that the commands use. A change counts as in force only if every open stream says so as soon as its call has
//! returned.

mod changes;
mod people;
#[cfg(feature = "prove")]
mod proofs;
mod streams;

use super::{
    Args, Figure, Report,
    pages::{history, town::Town},
    rig::{Rig, Site, slug_of},
};
use crate::{
    commands::person::{Caller, refused},
    real::now,
};
use commonroll_audit::approval::Approves;
use commonroll_core::Role;
use commonroll_wire::pb::{
    agreement::v1::{ProposeRequest, SignRequest, agreement_service_client::AgreementServiceClient},
    policy::v1::{ExplainRequest, TryRequest, policy_service_client::PolicyServiceClient},
};
use people::{colleague, first};
use std::time::{Duration, Instant};

/// A trial is measured with a fifth of the learners, the changes with all of them.
const TRIED: u64 = 5;
/// Times that each question is asked.
const ASKED: usize = 200;
/// Records of a learner, one for each of the days that a trial looks at.
const RECORDS: u64 = 30;

/// Measures.
pub async fn run(args: &Args, report: &mut Report) -> Result<(), String> {
    #[cfg(feature = "prove")]
    proofs::run(report).await?;
    #[cfg(not(feature = "prove"))]
    eprintln!("not measured: proving, which this program was built without");
    let partners = |learners: u64| Town::new(learners, learners * RECORDS, args.law_partners, now());
    let fewer = partners((args.law / TRIED).max(Town::FEWEST))?;
    // A database that was given is for the one consortium whose figures depend on it.
    let place = Place::found(fewer, None).await?;
    tried(&place, report).await?;
    drop(place);
    let place = Place::found(partners(args.law)?, args.postgres.as_deref()).await?;
    explained(&place, report).await?;
    changes::run(&place, report).await?;
    if let Some(mib) = place.rig.hub_peak_mib() {
        report.say(Figure::plain("hub memory, peak".to_owned(), mib, "MiB"));
    }
    Ok(())
}

/// A consortium whose agreement its heads have signed, with 30 days of records.
struct Place {
    rig: Rig,
    town: Town,
    manager: Caller,
    /// The head of each partner.
    heads: Vec<Caller>,
    /// SHA-256 of the agreement's text.
    agreement: [u8; 32],
}

impl Place {
    async fn found(town: Town, postgres: Option<&str>) -> Result<Self, String> {
        eprintln!("  {} learners at {} partners", town.hosted * u64::from(town.partners), town.partners);
        let mut files = town.files()?;
        // The heads come in themselves, and sign.
        let mut texts = Vec::new();
        for file in &mut files {
            file.people.clear();
            texts.extend(std::mem::take(&mut file.signed));
        }
        let text = texts.pop().ok_or("the consortium has no agreement")?.text;
        let site = Site::found(files, town.partners, postgres, Vec::new()).await?;
        let rig = site.open().await?;
        let manager = first(&rig, &slug_of(0)?, Role::DataManager).await?;
        let mut heads = Vec::new();
        for partner in 0..town.partners {
            heads.push(first(&rig, &slug_of(partner)?, Role::Head).await?);
        }
        let agreement = signed(&manager, &heads, text).await?;
        history(&rig, town).await?;
        Ok(Self { rig, town, manager, heads, agreement })
    }
}

/// Proposes the agreement and has every party's head sign it.
async fn signed(manager: &Caller, heads: &[Caller], text: String) -> Result<[u8; 32], String> {
    let hash = commonroll_exchange::agreement_hash(&text);
    let request = ProposeRequest { role: manager.role.to_string(), text };
    let mut service = AgreementServiceClient::new(manager.channel.clone());
    service.propose(request).await.map_err(|status| refused(&status))?;
    for head in heads {
        let request = SignRequest {
            role: head.role.to_string(),
            agreement_hash: hash.to_vec().into(),
            signature: head.identity.approve(Approves::Agreement, &hash).to_vec().into(),
        };
        let mut service = AgreementServiceClient::new(head.channel.clone());
        service.sign(request).await.map_err(|status| refused(&status))?;
    }
    Ok(hash)
}

/// `policy try`: the agreement dropped, and the rules changed.
async fn tried(place: &Place, report: &mut Report) -> Result<(), String> {
    let role = place.manager.role.to_string();
    let dropped =
        TryRequest { role: role.clone(), drop_agreements: vec!["all".to_owned()], ..TryRequest::default() };
    let changed =
        TryRequest { role, files: changes::narrowed(&place.manager).await?.0, ..TryRequest::default() };
    for (what, request) in [("without the agreement", dropped), ("with other rules", changed)] {
        let begun = Instant::now();
        let mut service = PolicyServiceClient::new(place.manager.channel.clone());
        let mut parts = service.r#try(request).await.map_err(|status| refused(&status))?.into_inner();
        let (mut told, mut lines, mut outcome) = (0u32, 0, None);
        while let Some(part) = parts.message().await.map_err(|status| refused(&status))? {
            told += u32::from(part.total > 0 && part.outcome.is_none());
            lines += part.lines.len();
            outcome = part.outcome.or(outcome);
        }
        let took = begun.elapsed().as_secs_f64();
        let outcome = outcome.ok_or("the hub's answer is not whole")?;
        if lines == 0 {
            return Err(format!("a trial {what} found that nobody would lose anything"));
        }
        let name = |figure: &str| format!("try {what}{figure}");
        report.say(Figure::at_most(name(""), took, "s", 10.0, 5.0));
        report.say(Figure::plain(name(": records looked at"), outcome.records as f64, "records"));
        report.say(Figure::at_least(name(": progress told"), f64::from(told), "times", 1.0));
    }
    Ok(())
}

/// `policy explain`: of a person and of an institution, of a record and of one that might be.
async fn explained(place: &Place, report: &mut Report) -> Result<(), String> {
    let tutor = colleague(&place.rig, &place.manager, Role::Tutor).await?;
    let mut service = PolicyServiceClient::new(place.manager.channel.clone());
    let base = ExplainRequest { role: place.manager.role.to_string(), ..ExplainRequest::default() };
    let home = ExplainRequest { institution: slug_of(0)?.to_string(), ..base.clone() };
    let person = ExplainRequest {
        person_id: tutor.identity.id().0.to_vec().into(),
        person_role: Role::Tutor.to_string(),
        purpose: "pastoral".to_owned(),
        ..base
    };
    let about = |whom: &ExplainRequest, kind: &str| ExplainRequest {
        learner_local_id: "h-0".to_owned(),
        kind: kind.to_owned(),
        date: if kind == "card" { String::new() } else { place.town.today().to_string() },
        ..whom.clone()
    };
    let found =
        service.explain(about(&home, "attendance")).await.map_err(|status| refused(&status))?.into_inner();
    let sequence = found.explained.first().map_or(0, |one| one.sequence);
    if sequence == 0 {
        return Err("no record of today was found to explain".to_owned());
    }
    let questions = [
        ("a record to its home", ExplainRequest { sequence, ..home.clone() }),
        ("a record to a tutor", ExplainRequest { sequence, ..person.clone() }),
        ("a learner's day to its home", about(&home, "attendance")),
        ("a learner's card to a tutor", about(&person, "card")),
    ];
    for (what, question) in questions {
        let mut times = Vec::with_capacity(ASKED);
        for _ in 0..ASKED {
            let begun = Instant::now();
            service.explain(question.clone()).await.map_err(|status| refused(&status))?;
            times.push(begun.elapsed());
        }
        times.sort();
        report.say(Figure::at_most(
            format!("explain p99, {what}"),
            ms(times[ASKED * 99 / 100]),
            "ms",
            50.0,
            10.0,
        ));
    }
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
