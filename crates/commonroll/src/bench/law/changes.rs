//! Changes that must be in force on every open stream when their call returns: the end of a placement, other rules, the end of
//! an agreement.

use super::{Figure, Place, Report, slug_of, streams::Streams};
use crate::{
    commands::{
        person::{Caller, refused},
        told,
    },
    real::Real,
};
use commonroll_agent::Hub as _;
use commonroll_audit::approval::Approves;
use commonroll_core::{
    LocalId, Record, Revision, Slug,
    directory::{Declaration, PlacementEnd},
    record::attendance::Physical,
};
use commonroll_exchange::{ending_hash, policy_change_hash};
use commonroll_policy::{Policy, Texts};
use commonroll_wire::{
    pb::{
        agreement::v1::{EndRequest, agreement_service_client::AgreementServiceClient},
        policy::v1::{
            ActivateRequest, ApproveRequest, InForceRequest, PolicyFile, ProposeRequest,
            policy_service_client::PolicyServiceClient,
        },
    },
    write_declaration,
};
use std::time::Instant;

/// Placements that end, one after the other.
const ENDS: u64 = 20;
/// What a call may take, and should.
const BAR: (f64, f64) = (1.0, 0.1);
/// The place of behaviour among a learner's days.
const BEHAVIOUR: u64 = 8;

/// Measures them in turn; the last of them leaves nothing that flows.
pub async fn run(place: &Place, report: &mut Report) -> Result<(), String> {
    let mut streams = Streams::open(&place.rig, place.town).await?;
    let all = streams.count();
    let mark = |place: &Place, slug: &Slug, learner: u64, revision: u32| {
        let revision = Revision::new(revision).map_err(told)?;
        place.town.mark(slug, (learner, 1), revision, Physical::Late)
    };
    flows(streams.taken(|slug| mark(place, slug, 0, 2)).await?, all, "marks")?;
    let mut slowest = 0.0f64;
    for n in 1..=ENDS {
        let took = placement_ends(place, &streams, n).await?;
        slowest = slowest.max(took);
        let host = place.town.host_of(0);
        if streams.takes(host, mark(place, &slug_of(host)?, n, 2)?).await? {
            return Err("a placement had ended, and its host's mark was taken all the same".to_owned());
        }
    }
    report.say(in_force(format!("a placement ends, slowest of {ENDS}"), slowest));

    let behaviour = |place: &Place, slug: &Slug, learner: u64| -> Result<Record, String> {
        let mut record = place.town.past(slug, BEHAVIOUR * place.town.hosted + learner)?;
        record.head.revision = Revision::new(2).map_err(told)?;
        Ok(record)
    };
    let untouched = ENDS + 1;
    flows(streams.taken(|slug| behaviour(place, slug, untouched)).await?, all, "behaviour")?;
    let took = rules_change(place, report).await?;
    let after = streams.taken(|slug| behaviour(place, slug, untouched + 1)).await?;
    if after > 0 {
        return Err(format!(
            "rules without behaviour were in force, and {after} streams took some all the same"
        ));
    }
    report.say(in_force(format!("other rules, on {all} streams"), took));
    flows(streams.taken(|slug| mark(place, slug, 0, 3)).await?, all, "marks")?;

    let took = agreement_ends(place).await?;
    let after = streams.taken(|slug| mark(place, slug, 0, 4)).await?;
    if after > 0 {
        return Err(format!("the agreement had ended, and {after} streams took marks all the same"));
    }
    report.say(in_force(format!("an agreement of all ends, on {all} streams"), took));
    Ok(())
}

fn in_force(what: String, took: f64) -> Figure {
    Figure::at_most(format!("in force at once: {what}"), took, "s", BAR.0, BAR.1)
}

/// Before a change, everything must flow, or its figure says nothing.
fn flows(taken: usize, all: usize, what: &str) -> Result<(), String> {
    if taken == all {
        Ok(())
    } else {
        Err(format!("of {all} streams only {taken} took {what} before the change"))
    }
}

/// The first partner says that a learner of theirs no longer visits.
async fn placement_ends(place: &Place, streams: &Streams, n: u64) -> Result<f64, String> {
    let id = |text: String| LocalId::parse("id", &text).map_err(told);
    let end = Declaration::End(PlacementEnd {
        learner: id(format!("h-{n}"))?,
        other: slug_of(place.town.host_of(0))?,
        group: Some(place.town.group_of(n)?),
        // Before the lesson that is under way: its mark would be of a time that was covered else.
        from: place.town.lesson(1)?.start(),
    });
    let begun = Instant::now();
    let results = streams.client(0)?.hub.declare(vec![write_declaration(&end)]).await.map_err(told)?;
    let took = begun.elapsed().as_secs_f64();
    match results.first() {
        Some(result) if result.code.is_empty() => Ok(took),
        Some(result) => Err(format!("the end of a placement was not taken: {}", result.reason)),
        None => Err("the hub's answer is not whole".to_owned()),
    }
}

/// The set in force with one more rule, by which behaviour rests; and the hash of the set in force.
pub async fn narrowed(manager: &Caller) -> Result<(Vec<PolicyFile>, [u8; 32]), String> {
    let asked = InForceRequest { role: manager.role.to_string(), with_files: true };
    let mut service = PolicyServiceClient::new(manager.channel.clone());
    let held = service.in_force(asked).await.map_err(|status| refused(&status))?.into_inner();
    let from = held.policy_hash[..].try_into().map_err(|_| "the hub's answer is not whole")?;
    let mut files = held.files;
    let file =
        files.iter_mut().find(|file| file.name == "behaviour.cedar").ok_or("no rules about behaviour")?;
    file.text += "\n@id(\"behaviour-rests\")\n@says(\"Nobody gives or gets behaviour records while the bench measures.\")\n\
                  forbid (principal, action, resource is Behaviour);\n";
    Ok((files, from))
}

/// The data manager proposes, a head approves, and the data manager puts it in force: what the last step takes.
async fn rules_change(place: &Place, report: &mut Report) -> Result<f64, String> {
    let (manager, second) = (&place.manager, place.heads.first().ok_or("no head")?);
    let (files, from) = narrowed(manager).await?;
    let texts = Texts::from_files(files.iter().map(|file| (file.name.as_str(), file.text.as_str())));
    let policy = Policy::new(texts).map_err(told)?;
    let mut nonce = [0; 16];
    nonce.copy_from_slice(&Real.random_seed()[..16]);
    let id = policy_change_hash(&from, &policy.hash(), &nonce);
    let request = ProposeRequest {
        role: manager.role.to_string(),
        files,
        from_hash: from.to_vec().into(),
        nonce: nonce.to_vec().into(),
        signature: manager.identity.approve(Approves::Policy, &id).to_vec().into(),
    };
    let mut service = PolicyServiceClient::new(manager.channel.clone());
    let begun = Instant::now();
    service.propose(request).await.map_err(|status| refused(&status))?;
    report.say(Figure::plain(
        "other rules proposed, compared".to_owned(),
        begun.elapsed().as_secs_f64(),
        "s",
    ));
    let approval = ApproveRequest {
        role: second.role.to_string(),
        proposal_id: id.to_vec().into(),
        signature: second.identity.approve(Approves::Policy, &id).to_vec().into(),
    };
    let mut approving = PolicyServiceClient::new(second.channel.clone());
    approving.approve(approval).await.map_err(|status| refused(&status))?;
    let request = ActivateRequest { role: manager.role.to_string(), proposal_id: id.to_vec().into() };
    let begun = Instant::now();
    service.activate(request).await.map_err(|status| refused(&status))?;
    Ok(begun.elapsed().as_secs_f64())
}

/// A head ends the agreement under which everything flows.
async fn agreement_ends(place: &Place) -> Result<f64, String> {
    let head = place.heads.first().ok_or("no head")?;
    let hash = place.agreement;
    let request = EndRequest {
        role: head.role.to_string(),
        agreement_hash: hash.to_vec().into(),
        on_date: String::new(),
        signature: head.identity.approve(Approves::Act, &ending_hash(&hash, None)).to_vec().into(),
    };
    let mut service = AgreementServiceClient::new(head.channel.clone());
    let begun = Instant::now();
    service.end(request).await.map_err(|status| refused(&status))?;
    Ok(begun.elapsed().as_secs_f64())
}
