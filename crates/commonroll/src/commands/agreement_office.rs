//! `commonroll agreement list`, `propose`, `sign` and `end`: agreements as people make them, at the hub.
//!
//! Whoever signs reads the page first, made here from the exact text whose hash is signed.

use super::{
    agreement::{hash, open, read},
    law::{Confirm, by_digits, hash32, is_digits, refused},
    line::{hex, printable, say},
    person::{As, Caller, connect},
};
use commonroll_audit::approval::Approves;
use commonroll_core::{
    PersonId, Role, SchoolDate, Slug, Timestamp,
    agreement::{
        AgreementText,
        documents::{SignedBy, signing_page},
    },
};
use commonroll_exchange::ending_hash;
use commonroll_wire::pb::agreement::v1::{
    AgreementText as Listed, EndRequest, ListRequest, ProposeRequest, SignRequest,
    agreement_service_client::AgreementServiceClient,
};
use std::{collections::BTreeSet, path::Path};
use tonic::transport::Channel;

/// Names of agreements that one message shows at most.
const NAMES_SHOWN: usize = 8;

fn service(caller: &Caller) -> AgreementServiceClient<Channel> {
    AgreementServiceClient::new(caller.channel.clone())
}

/// Lists the agreements.
pub async fn list(by: &As, json: bool) -> Result<(), String> {
    let caller = connect(by).await?;
    let all = listed(&caller, &[]).await?;
    if json {
        for one in &all {
            let signed: Vec<&str> = one.signatures.iter().map(|s| s.institution.as_str()).collect();
            let line = serde_json::json!({
                "hash": hex(&one.agreement_hash), "id": one.id, "version": one.version, "parties": one.parties,
                "first_date": one.first_date, "last_date": one.last_date, "standing": one.standing,
                "in_force": one.in_force, "signed_by": signed, "waits_for": waits_for(one), "ended_on": one.ended_on,
            });
            println!("{line}");
        }
        return Ok(());
    }
    if all.is_empty() {
        println!("no agreement was proposed");
        return Ok(());
    }
    println!("{:<16}  {:<24} {:>4}  {:<10}  {:<10}  state", "hash", "agreement", "vers", "first", "last");
    for one in &all {
        let digits = &hex(&one.agreement_hash)[..16];
        let (id, state) = (printable(&one.id), printable(&state(one, &all)));
        println!(
            "{digits}  {id:<24} {:>4}  {:<10}  {:<10}  {state}",
            one.version, one.first_date, one.last_date
        );
    }
    Ok(())
}

/// Proposes a text.
pub async fn propose(by: &As, file: &Path) -> Result<(), String> {
    let (agreement, digits) = open(file)?;
    let caller = connect(by).await?;
    let request = ProposeRequest { role: caller.role.to_string(), text: read(file)? };
    let told = |status: &tonic::Status| format!("{}:{}", file.display(), refused(status));
    let made = service(&caller).propose(request).await.map_err(|status| match status.code() {
        tonic::Code::InvalidArgument => told(&status),
        _ => refused(&status),
    })?;
    if hex(&made.into_inner().agreement_hash) != digits {
        return Err("the hub took another text than the one in the file".to_owned());
    }
    println!("proposed: {}, version {}; SHA-256 {digits}", agreement.id(), agreement.version());
    println!("a head of each party reads and signs it: commonroll agreement sign {}", &digits[..16]);
    Ok(())
}

/// Signs a text for the person's institution.
pub async fn sign(by: &As, named: &str, confirm: Confirm) -> Result<(), String> {
    let caller = connect(by).await?;
    let waits = |one: &Listed| one.standing == "proposed" || one.standing == "signed";
    let (one, agreement) = looked_at(&caller, named, waits).await?;
    let hash = hash32(&one.agreement_hash)?;
    let page = signing_page(&agreement, &hex(&hash), &signed_by(&one), &jiff::tz::TimeZone::UTC);
    say(&page.markdown());
    println!("waits for: {}", printable(&waits_for(&one).join(", ")));
    println!("you sign the SHA-256 of exactly this text: {}", hex(&hash));
    confirm.ask("sign it for your institution", &one.id)?;
    let request = SignRequest {
        role: caller.role.to_string(),
        agreement_hash: one.agreement_hash,
        signature: caller.identity.approve(Approves::Agreement, &hash).to_vec().into(),
    };
    let done = service(&caller).sign(request).await.map_err(|status| refused(&status))?.into_inner();
    match done.standing.as_str() {
        "complete" => println!("signed; every party has: it is in force between its dates"),
        _ => println!("signed; it is in force once the others have signed"),
    }
    Ok(())
}

/// Ends an agreement, or takes back one that not every party has signed.
pub async fn end(by: &As, named: &str, on: Option<SchoolDate>, confirm: Confirm) -> Result<(), String> {
    let caller = connect(by).await?;
    let (one, agreement) = looked_at(&caller, named, |one| one.standing != "ended").await?;
    let hash = hash32(&one.agreement_hash)?;
    let (asked, done) = match (one.standing.as_str(), on) {
        ("complete", None) => ("end it at once".to_owned(), "it ends at once".to_owned()),
        ("complete", Some(on)) => (format!("end it from {on} on"), format!("it ends from {on} on")),
        ("ended", _) => return Err("it was ended already".to_owned()),
        (_, None) => ("take it back".to_owned(), "it is taken back".to_owned()),
        (_, Some(_)) => return Err("not every party has signed it; take it back without a date".to_owned()),
    };
    println!("{}, version {}, between {}", agreement.id(), agreement.version(), one.parties.join(", "));
    if one.standing == "complete" {
        println!("{}: nothing flows under it any more, for any party", done.trim_start_matches("it "));
        println!(
            "copies that were made under it are kept or withdrawn as its text says; an older version does not come back"
        );
    } else {
        println!("was never in force: nothing has flowed under it; taken back, nobody can sign it any more");
    }
    println!("you sign the end of exactly this text: {}", hex(&hash));
    confirm.ask(&asked, &one.id)?;
    let request = EndRequest {
        role: caller.role.to_string(),
        agreement_hash: one.agreement_hash,
        on_date: on.map_or_else(String::new, |on| on.to_string()),
        signature: caller.identity.approve(Approves::Act, &ending_hash(&hash, on)).to_vec().into(),
    };
    service(&caller).end(request).await.map_err(|status| refused(&status))?;
    println!("{done}");
    Ok(())
}

/// Finds an agreement by its hash or its name, with its text, which must be what the hash stands for.
async fn looked_at(
    caller: &Caller,
    named: &str,
    meant: impl Fn(&Listed) -> bool,
) -> Result<(Listed, AgreementText), String> {
    let mut all = listed(caller, &[]).await?;
    let found = if named.parse::<Slug>().is_ok() && all.iter().any(|one| one.id == named) {
        all.retain(|one| one.id == named && meant(one));
        // Of what is in force and what is not, the former is meant.
        if all.iter().any(|one| one.in_force) {
            all.retain(|one| one.in_force);
        }
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => one,
            (None, _) => return Err(format!("no version of {named} is at that stage; see `agreement list`")),
            _ => return Err(format!("{named} has several such versions: name one by its hash")),
        }
    } else if is_digits(named) {
        by_digits(all, named, |one| &one.agreement_hash)?
    } else {
        return Err(nobody_calls_it(named, &all));
    };
    let one = listed(caller, &found.agreement_hash).await?.pop().ok_or("the hub's answer is not whole")?;
    if hash(&one.text) != hex(&found.agreement_hash) {
        return Err(
            "the text that the hub shows isn't what this hash stands for; nothing was signed".to_owned()
        );
    }
    let agreement = AgreementText::parse(&one.text).map_err(|_| {
        "this program can't read the text: it is of a newer one; nothing was signed".to_owned()
    })?;
    Ok((one, agreement))
}

/// What is no agreement's name and can't be the digits of one.
fn nobody_calls_it(named: &str, all: &[Listed]) -> String {
    let names: BTreeSet<String> = all.iter().map(|one| printable(&one.id)).collect();
    let shown: Vec<&str> = names.iter().map(String::as_str).take(NAMES_SHOWN).collect();
    let known = match shown.as_slice() {
        [] => "your institution is party to none yet".to_owned(),
        shown => format!("those that you can name: {}", shown.join(", ")),
    };
    format!(
        "no agreement is called `{}`: give its name or the first digits of its SHA-256, as `commonroll agreement list` shows them; {known}",
        printable(named)
    )
}

async fn listed(caller: &Caller, hash: &[u8]) -> Result<Vec<Listed>, String> {
    let asked = ListRequest { role: caller.role.to_string(), agreement_hash: hash.to_vec().into() };
    Ok(service(caller).list(asked).await.map_err(|status| refused(&status))?.into_inner().agreements)
}

/// Who has signed before, as the hub tells: it names people by their ids alone.
fn signed_by(one: &Listed) -> Vec<SignedBy> {
    let signed = one.signatures.iter().filter_map(|signature| {
        let id = PersonId::from_slice(&signature.person_id).ok()?;
        Some(SignedBy {
            institution: signature.institution.parse().ok()?,
            name: format!("its {} (person {id}), as the hub tells", signature.role.parse::<Role>().ok()?),
            at: Timestamp::from_micros("at_us", signature.at_us).ok()?,
        })
    });
    signed.collect()
}

fn waits_for(one: &Listed) -> Vec<&str> {
    let signed = |party: &str| one.signatures.iter().any(|signature| signature.institution == party);
    one.parties.iter().map(String::as_str).filter(|party| !signed(party)).collect()
}

fn state(one: &Listed, all: &[Listed]) -> String {
    let later = |other: &&Listed| {
        other.id == one.id && other.version > one.version && (other.in_force || waits_for(other).is_empty())
    };
    let replaced = all.iter().filter(later).map(|other| other.version).min();
    match (one.standing.as_str(), one.in_force) {
        ("ended", _) => format!("ended on {}", one.ended_on),
        (_, true) if !one.ended_on.is_empty() => format!("in force, ends on {}", one.ended_on),
        (_, true) => "in force".to_owned(),
        ("complete", _) if replaced.is_some() => {
            format!("replaced by version {}", replaced.unwrap_or_default())
        }
        ("complete", _) => "signed by all, not in force today".to_owned(),
        _ => format!("waits for {}", waits_for(one).join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_agreement_has_is_answered_with_what_can_be_named() {
        let one = |id: &str| Listed { id: id.to_owned(), ..Listed::default() };
        let all = [one("ridgeway-northgate"), one("ridgeway-northgate"), one("ridgeway-kings\u{1b}mead")];
        let said = nobody_calls_it("northgate", &all);
        for part in ["`northgate`", "SHA-256", "agreement list", "ridgeway-kingsmead, ridgeway-northgate"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(nobody_calls_it("northgate", &[]).contains("party to none yet"));
    }
}
