//! Sharing agreements: proposing a text, signing it for a party, ending it.
//!
//! A signature is over the SHA-256 of the exact text. A text is in force when a head of every party has signed it; any
//! one party can end it, which narrows. An agreement never widens what the policies let flow: it is asked for besides.

use crate::{
    Exchange,
    directory::{
        Directory,
        agreements::{Ending, Signed, Standing},
        approvals::Approval,
        change::{Bytes32, Change, hex},
    },
    office::{Acting, Actor, LawError, may},
    submit_with,
    types::NotAllowed,
    writer::Work,
};
use aws_lc_rs::digest;
use commonroll_audit::{approval::Approves, hash::Hash};
use commonroll_core::{
    Invalid, SchoolDate, Slug, Timestamp,
    agreement::{AgreementText, TEXT_BYTES_MAX},
    directory::Agreement,
};
use commonroll_policy::{OfficeAct, PersonPermit};
use std::sync::Arc;

/// Proposals of one institution that can still be signed, at most.
const OPEN_MAX: usize = 20;

/// What people sign: the SHA-256 of an agreement's exact text.
pub fn agreement_hash(text: &str) -> Hash {
    sha256(text.as_bytes())
}

/// What somebody signs who ends an agreement: the SHA-256 of `commonroll/agreement-end/v1`, a line feed, the text's hash as
/// 64 lower-case hexadecimal digits, and a line feed; for an end on a date, that date and another line feed behind it.
pub fn ending_hash(agreement: &Hash, on: Option<SchoolDate>) -> Hash {
    let on = on.map_or_else(String::new, |on| format!("{on}\n"));
    sha256(format!("commonroll/agreement-end/v1\n{}\n{on}", hex(agreement)).as_bytes())
}

fn sha256(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// An agreement as people see it.
#[derive(Clone)]
pub struct AgreementSeen {
    /// The text and who has signed it.
    pub signed: Arc<Signed>,
    /// True if it is what flows rest on today.
    pub in_force: bool,
}

impl Exchange {
    /// Proposes an agreement's text; gives its hash, which the parties' heads sign. The person's institution must be a
    /// party. A text with a fault is refused, with the line.
    pub async fn propose_agreement(
        &self,
        acting: Acting<'_>,
        text: &str,
        now: Timestamp,
    ) -> Result<Hash, LawError> {
        let read = read(text)?;
        let (actor, hash, text) = (acting.owned(), agreement_hash(text), text.to_owned());
        self.law(acting, OfficeAct::ProposeAgreement, now, move |work, now| {
            let directory = &*work.planner.directory;
            let permit = may(
                directory,
                actor.acting(),
                OfficeAct::ProposeAgreement,
                Some(actor.speaker.institution()),
                false,
            )?;
            if read.party(actor.speaker.institution()).is_none() {
                return Err(NotAllowed::Denied.into());
            }
            if directory.agreements().text(&hash).is_some() {
                return Ok(hash);
            }
            let today = actor.today(directory, now);
            fits(directory, &read.terms(), &text, today)?;
            if directory.agreements().open_of(actor.speaker.institution(), today) >= OPEN_MAX {
                return Err(LawError::State(
                    "your institution has 20 proposals open; let one be signed by all, or take one back: `commonroll agreement end`",
                ));
            }
            put(work, (&actor, &permit), (hash, &text), &read.terms(), Standing::Proposed, Vec::new(), None);
            Ok(hash)
        })
        .await
    }

    /// Signs a proposed text for the person's institution, by a signature over its hash. In force on every stream when the
    /// call returns, if that was the last party and today lies between its dates.
    pub async fn sign_agreement(
        &self,
        acting: Acting<'_>,
        hash: Hash,
        signature: [u8; 64],
        now: Timestamp,
    ) -> Result<Standing, LawError> {
        let actor = acting.owned();
        self.law(acting, OfficeAct::SignAgreement, now, move |work, now| {
            let directory = &*work.planner.directory;
            let own = actor.speaker.institution();
            let permit = may(directory, actor.acting(), OfficeAct::SignAgreement, Some(own), false)?;
            let held = party_to(directory, &hash, own)?;
            let approval = actor.approves(directory, Approves::Agreement, &hash, signature, now)?;
            match held.standing {
                Standing::Ended => return Err(LawError::State("it was ended; propose a new version")),
                _ if held.has_signed(own) => {
                    return Err(LawError::State("your institution has signed this text already"));
                }
                _ => {}
            }
            fits(directory, &held.terms, &held.text, actor.today(directory, now))?;
            let signatures = [held.signatures.as_slice(), &[approval]].concat();
            let standing = standing(&held.terms, &signatures);
            put(work, (&actor, &permit), (hash, &held.text), &held.terms, standing, signatures, None);
            Ok(standing)
        })
        .await
    }

    /// Ends an agreement, or takes a proposal back, for one party: its flow stops when the call returns, or from a date on,
    /// which can be brought forward and not put off. The signature is over [`ending_hash`].
    pub async fn end_agreement(
        &self,
        acting: Acting<'_>,
        hash: Hash,
        (on, signature): (Option<SchoolDate>, [u8; 64]),
        now: Timestamp,
    ) -> Result<(), LawError> {
        let actor = acting.owned();
        self.law(acting, OfficeAct::SignAgreement, now, move |work, now| {
            let directory = &*work.planner.directory;
            let own = actor.speaker.institution();
            let permit = may(directory, actor.acting(), OfficeAct::SignAgreement, Some(own), false)?;
            let held = party_to(directory, &hash, own)?;
            let by = actor.approves(directory, Approves::Act, &ending_hash(&hash, on), signature, now)?;
            let (standing, on) = ends(&held, on, actor.today(directory, now))?;
            let signatures = held.signatures.clone();
            let ended = Some(Ending { by, on });
            put(work, (&actor, &permit), (hash, &held.text), &held.terms, standing, signatures, ended);
            Ok(())
        })
        .await
    }

    /// Every agreement, newest first, for somebody who may read the rules.
    pub fn agreements(&self, acting: Acting<'_>, now: Timestamp) -> Result<Vec<AgreementSeen>, NotAllowed> {
        let directory = self.shared.directory();
        let _permit = may(&directory, acting, OfficeAct::SeePolicy, None, false)?;
        let today = acting.owned().today(&directory, now);
        let agreements = directory.agreements();
        let mut seen: Vec<AgreementSeen> = agreements
            .texts()
            .map(|signed| AgreementSeen {
                in_force: agreements
                    .named(&signed.terms.id, today)
                    .is_some_and(|rules| rules.hash == signed.hash),
                signed: signed.clone(),
            })
            .collect();
        seen.sort_by(|a, b| {
            let key = |one: &AgreementSeen| {
                (one.signed.terms.id.clone(), std::cmp::Reverse(one.signed.terms.version))
            };
            key(a).cmp(&key(b))
        });
        Ok(seen)
    }

    /// Does an office act in the log's one writer; a refusal is counted.
    pub(crate) async fn law<T: Send + 'static>(
        &self,
        acting: Acting<'_>,
        act: OfficeAct,
        now: Timestamp,
        mut plan: impl FnMut(&mut Work<'_>, Timestamp) -> Result<T, LawError> + Send + 'static,
    ) -> Result<T, LawError> {
        let by = acting.speaker.by();
        let done = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| plan(work, now)).await;
        let done = done.map_err(|_| LawError::Unavailable)?;
        if matches!(done, Err(LawError::NotAllowed(_))) {
            self.refused(&by, "act.refused", act.as_str());
        }
        done
    }
}

impl Actor {
    /// Today at the person's institution.
    pub(crate) fn today(&self, directory: &Directory, now: Timestamp) -> SchoolDate {
        let number = directory.number_of(self.speaker.institution());
        let zone = number.and_then(|number| directory.institution(number)).map(|state| &state.zone);
        now.date_in(zone.unwrap_or(&jiff::tz::TimeZone::UTC))
    }
}

/// How a text stands once it is ended on a date, or at once.
fn ends(
    held: &Signed,
    on: Option<SchoolDate>,
    today: SchoolDate,
) -> Result<(Standing, SchoolDate), LawError> {
    if held.standing == Standing::Ended {
        return Err(LawError::State("it was ended already"));
    }
    let Some(on) = on.filter(|on| *on != today) else { return Ok((Standing::Ended, today)) };
    if on < today {
        return Err(Invalid::new("on_date", "must be today or later: what flowed before has flowed").into());
    }
    if held.standing != Standing::Complete {
        return Err(LawError::State("not every party has signed it; take it back without a date"));
    }
    if on > held.terms.last_date {
        return Err(LawError::State("it ends before that date by its own text"));
    }
    if held.ended.as_ref().is_some_and(|ending| ending.on <= on) {
        return Err(LawError::State("a party has ended it for this date or an earlier one"));
    }
    Ok((held.standing, on))
}

/// Reads a text, or says which lines are at fault.
pub(crate) fn read(text: &str) -> Result<AgreementText, LawError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(LawError::Faults(vec!["1: (text): is larger than 128 KiB; shorten it".to_owned()]));
    }
    let told =
        |faults: Vec<commonroll_core::agreement::Fault>| faults.iter().map(ToString::to_string).collect();
    AgreementText::parse(text).map_err(|faults| LawError::Faults(told(faults)))
}

fn party_to(directory: &Directory, hash: &Hash, own: &Slug) -> Result<Arc<Signed>, LawError> {
    let held = directory.agreements().text(hash).filter(|signed| signed.terms.parties.contains(own));
    Ok(held.cloned().ok_or(NotAllowed::Denied)?)
}

/// What can't be seen from the text alone: the parties are partners, it is newer than what all have signed, and it has not
/// lapsed.
pub(crate) fn fits(
    directory: &Directory,
    terms: &Agreement,
    text: &str,
    today: SchoolDate,
) -> Result<(), LawError> {
    let fault = |holds: &str, field: &str, rule: &str| {
        let line = text.lines().position(|line| line.contains(holds)).map_or(1, |at| at + 1);
        Err(LawError::Faults(vec![format!("{line}: {field}: {rule}")]))
    };
    if let Some(party) = terms.parties.iter().find(|party| directory.number_of(party).is_none()) {
        let rule = "is no partner of this consortium; name partners by their short names";
        return fault(&format!("\"{party}\""), "institution", rule);
    }
    if directory.agreements().newest_version(&terms.id).is_some_and(|newest| terms.version <= newest) {
        let rule = "all parties have signed this version or a later one; count it up by one";
        return fault("version", "version", rule);
    }
    if terms.last_date < today {
        return fault("last_date", "last_date", "has passed; give the dates of the coming year");
    }
    Ok(())
}

/// How far a text has come with these signatures.
pub(crate) fn standing(terms: &Agreement, signatures: &[Approval]) -> Standing {
    let signed = |party: &Slug| signatures.iter().any(|signature| signature.institution == *party);
    match (signatures.is_empty(), terms.parties.iter().all(signed)) {
        (true, _) => Standing::Proposed,
        (_, true) => Standing::Complete,
        _ => Standing::Signed,
    }
}

/// Plans the entry of a text as it now stands.
pub(crate) fn put(
    work: &mut Work<'_>,
    (actor, permit): (&Actor, &PersonPermit),
    (hash, text): (Hash, &str),
    terms: &Agreement,
    standing: Standing,
    signatures: Vec<Approval>,
    ended: Option<Ending>,
) {
    let waits: Vec<&Slug> = terms
        .parties
        .iter()
        .filter(|party| !signatures.iter().any(|signature| signature.institution == **party))
        .collect();
    let mut more = actor.speaker.more(actor.role);
    more["rules"] = permit.reason().into();
    more["agreement"] = terms.id.as_str().into();
    more["version"] = terms.version.into();
    more["hash"] = hex(&hash).into();
    if let Some(ending) = &ended {
        more["ends_on"] = ending.on.to_string().into();
    }
    more["waits_for"] = waits.iter().map(|party| party.as_str()).collect::<Vec<_>>().into();
    work.more = more;
    let held = work.planner.directory.agreements().text(&hash);
    let proposed_by = match held {
        Some(held) => held.proposed_by.clone(),
        None => Some(actor.speaker.institution().clone()),
    };
    let (hash, text) = (Bytes32(hash), text.to_owned());
    work.planner.make(Change::AgreementSigned { hash, text, standing, signatures, ended, proposed_by });
}
