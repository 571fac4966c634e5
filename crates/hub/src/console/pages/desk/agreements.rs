//! Sharing agreements: which there are, how far each has come, and the page that heads sign. Signing takes a person's key,
//! which no browser has: the page says which command signs.

use super::words;
use crate::authority::hex;
use crate::console::{
    Console,
    layout::Frame,
    parts::{self, Standing as Look, StateTag},
    refusal::{Refusal, page},
    signed::Signed,
    times,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use commonroll_core::{
    Role, Slug,
    agreement::{
        AgreementText, ItemKind,
        documents::{SignedBy, signing_page},
    },
    directory::Agreement,
};
use commonroll_exchange::{AgreementSeen, Standing};

#[derive(Template)]
#[template(path = "desk/agreements.html")]
struct Agreements {
    frame: Frame,
    title: String,
    ours: Vec<Brief>,
    others: Vec<Brief>,
}

/// One agreement in a list.
pub(super) struct Brief {
    pub href: String,
    pub title: String,
    pub name: String,
    pub parties: String,
    pub dates: String,
    pub flows: Vec<String>,
    pub state: StateTag,
    pub signed: String,
}

/// Every agreement, those of the own institution first.
pub async fn list(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let all = console.exchange.agreements(signed.acting(), signed.now)?;
    let own = signed.seen.speaker.institution();
    let (ours, others): (Vec<&AgreementSeen>, Vec<&AgreementSeen>) =
        all.iter().partition(|one| one.signed.terms.parties.contains(own));
    let in_force = ours.iter().filter(|one| one.in_force).count() as u64;
    page(&Agreements {
        frame: Frame::new(&signed, &headers, "Agreements", "/agreements"),
        title: match in_force {
            0 => "No agreement of yours is in force".to_owned(),
            some => format!("{} of yours in force", words::count(some, "agreement", "agreements")),
        },
        ours: ours.iter().map(|one| brief(&console, &signed, one)).collect(),
        others: others.iter().map(|one| brief(&console, &signed, one)).collect(),
    })
}

/// What an institution is called.
fn called(console: &Console, slug: &Slug) -> String {
    console.exchange.institution_name(slug).unwrap_or_else(|| slug.to_string())
}

fn brief(console: &Console, signed: &Signed, one: &AgreementSeen) -> Brief {
    let terms = &one.signed.terms;
    let text = AgreementText::parse(&one.signed.text).ok();
    let parties: Vec<String> = match &text {
        Some(text) => text.parties().iter().map(|party| party.name.clone()).collect(),
        None => terms.parties.iter().map(|party| called(console, party)).collect(),
    };
    let signatures = one.signed.signatures.iter().map(|by| {
        let institution = called(console, &by.institution);
        format!("{} for {institution}, {}", words::role(by.role), times::full_day(by.at, signed.zone()))
    });
    Brief {
        href: format!("/agreements/{}", hex(&one.signed.hash)),
        title: text.map_or_else(|| terms.id.to_string(), |text| text.title().clone()),
        name: format!("{}, version {}", terms.id, terms.version),
        parties: parties.join(" and "),
        dates: format!("{} to {}", times::date(terms.first_date), times::date(terms.last_date)),
        flows: flows(terms),
        state: state(console, signed, one),
        signed: signatures.collect::<Vec<_>>().join("; "),
    }
}

/// What flows, kind by kind.
pub(super) fn flows(terms: &Agreement) -> Vec<String> {
    let kinds = [ItemKind::Card]
        .into_iter()
        .chain(commonroll_core::RecordKind::ALL.map(ItemKind::Record))
        .filter(|kind| match kind {
            ItemKind::Record(kind) => terms.kinds.contains_key(kind),
            ItemKind::Card => !terms.limits.card.is_empty(),
        });
    kinds.map(|kind| format!("{}: {}", words::kind(kind), words::fields(kind, terms.groups(kind)))).collect()
}

fn state(console: &Console, signed: &Signed, one: &AgreementSeen) -> StateTag {
    let (held, today) = (&one.signed, signed.now.date_in(signed.zone()));
    let waits: Vec<String> = held.waits_for().into_iter().map(|party| called(console, party)).collect();
    let (look, words) = match held.standing {
        _ if held.is_ended(today) => (Look::Excused, "Ended".to_owned()),
        _ if one.in_force => (Look::Seen, "In force".to_owned()),
        Standing::Proposed | Standing::Signed => (Look::Late, format!("Waits for {}", waits.join(", "))),
        _ if held.terms.first_date > today => {
            (Look::Expected, format!("From {}", times::date(held.terms.first_date)))
        }
        _ if held.terms.last_date < today => {
            (Look::Excused, format!("Lapsed on {}", times::date(held.terms.last_date)))
        }
        _ => (Look::Excused, "Replaced by a later version".to_owned()),
    };
    parts::state(look, words)
}

#[derive(Template)]
#[template(path = "desk/agreement.html")]
struct One {
    frame: Frame,
    brief: Brief,
    hash: String,
    short: String,
    /// The page that heads sign; made and escaped by `core`.
    document: String,
    /// Empty: it isn't theirs to sign, or can't be signed any more.
    sign: String,
    end: String,
    /// Kinds that a trial can leave out; empty where there is nothing to try.
    kinds: Vec<(&'static str, &'static str)>,
    tries: bool,
}

/// One agreement, as the page that heads sign.
pub async fn one(
    State(console): State<Console>,
    signed: Signed,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = find(&console, &signed, &hash)?;
    let held = &found.signed;
    let text = AgreementText::parse(&held.text).map_err(|_| Refusal::Broken)?;
    // Who signed for another institution is told as their office, and not by name.
    let signatures: Vec<SignedBy> = held
        .signatures
        .iter()
        .map(|by| SignedBy { institution: by.institution.clone(), name: words::role(by.role), at: by.at })
        .collect();
    let own = signed.seen.speaker.institution();
    let party = held.terms.parties.contains(own);
    let today = signed.now.date_in(signed.zone());
    let open = matches!(held.standing, Standing::Proposed | Standing::Signed) && !held.is_ended(today);
    let document = signing_page(&text, &hash, &signatures, signed.zone()).fragment();
    page(&One {
        frame: Frame::new(&signed, &headers, "Agreement", "/agreements"),
        brief: brief(&console, &signed, &found),
        short: words::short(&held.hash),
        document: framed(&document),
        sign: match party && open && !held.has_signed(own) {
            true => format!("commonroll agreement sign {hash}"),
            false => String::new(),
        },
        end: match party && !held.is_ended(today) {
            true => format!("commonroll agreement end {}", held.terms.id),
            false => String::new(),
        },
        kinds: kinds(&held.terms),
        tries: party && found.in_force && matches!(signed.role(), Role::DataManager | Role::Dpo),
        hash,
    })
}

/// The kinds that an agreement lists.
pub(super) fn kinds(terms: &Agreement) -> Vec<(&'static str, &'static str)> {
    let card = (!terms.limits.card.is_empty()).then_some(ItemKind::Card);
    let records = terms.kinds.keys().map(|kind| ItemKind::Record(*kind));
    card.into_iter().chain(records).map(|kind| (kind.as_str(), words::kind(kind))).collect()
}

/// The agreement with this hash, for who may read the rules.
pub(super) fn find(console: &Console, signed: &Signed, hash: &str) -> Result<AgreementSeen, Refusal> {
    let all = console.exchange.agreements(signed.acting(), signed.now)?;
    all.into_iter().find(|one| hex(&one.signed.hash) == hash).ok_or(Refusal::Missing)
}

/// Gives the tables of a document the console's looks. Its texts are escaped, so that no text is taken for a table.
fn framed(document: &str) -> String {
    let scroll = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\">";
    let table = format!("{scroll}<table class=\"data data--plain\">");
    document
        .replace("<table class=\"facts\">", &table)
        .replace("<table>", &table)
        .replace("</table>", "</table></div>")
}
