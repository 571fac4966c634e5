//! The page that a head signs: what flows and what doesn't, until when, under which hash, and who has signed. Everything
//! else that the text says follows on a schedule behind it.

use super::{
    Block, Document,
    phrases::{
        at_end, basis, controllers, group_title, holds, hub_days, in_force, joined, kind_title, long_date,
        seers, short, told_when,
    },
};
use crate::{
    agreement::{AgreementText, AtEnd, ItemKind, Moment, Times, Word},
    ids::Slug,
    time::Timestamp,
};
use jiff::tz::TimeZone;

/// A signature that was checked by the caller.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedBy {
    /// The party that it is for.
    pub institution: Slug,
    /// Name of the person who signed.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

impl std::fmt::Debug for SignedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignedBy({}, ..)", self.institution)
    }
}

/// The page to sign. `hash_hex` is the SHA-256 of the exact text in hexadecimal; times are shown in `zone`.
pub fn signing_page(
    agreement: &AgreementText,
    hash_hex: &str,
    signed: &[SignedBy],
    zone: &TimeZone,
) -> Document {
    let mut page = Document::new(format!("Sharing agreement: {}", agreement.title()));
    page.facts([
        ("Agreement", format!("{}, version {}", agreement.id(), agreement.version())),
        ("Between", joined(&agreement.parties().iter().map(|p| p.name.clone()).collect::<Vec<_>>())),
        ("In force", in_force(agreement)),
        ("Looked at again by", long_date(agreement.review_date())),
        ("SHA-256 of the text", hash_hex.to_owned()),
    ]);
    page.para(agreement.why().purpose.clone());
    what_flows(&mut page, agreement);
    who_is_told(&mut page, agreement);
    page.heading("When it ends");
    page.para(
        "Nothing flows under this agreement after its last day, or once it is ended before. Copies that were made under it:",
    );
    page.bullets(agreement.kinds().map(|kind| format!("{}: {}", kind_title(kind), at_end(agreement, kind))));
    signatures(&mut page, agreement, signed, zone);
    page.blocks.push(Block::NewPage);
    schedule(&mut page, agreement);
    page
}

fn what_flows(page: &mut Document, agreement: &AgreementText) {
    page.heading("What flows");
    let rows = agreement.items().iter().map(|item| [holds(item), item.direction.to_string(), seers(item)]);
    page.table(["What", "Which way", "Who may see it where it arrives"], rows.collect());
    page.para(format!(
        "Nothing else flows under this agreement. Not shared: {}.",
        withheld(agreement).join("; ")
    ));
}

/// When people are told that a learner is missing: also what the text leaves to the hub, since it happens under it.
fn who_is_told(page: &mut Document, agreement: &AgreementText) {
    let (said, times) = (agreement.times(), Times::strictest([agreement.times()]));
    page.heading("When somebody is told that a learner is missing");
    page.bullets(Moment::ALL.map(|moment| told_when(moment, times.of(moment))));
    let whose = match Moment::ALL.iter().filter(|moment| said.get(**moment).is_some()).count() {
        0 => "This text sets none of these times: they are the hub's own.",
        all if all == Moment::ALL.len() => "This text sets all of these times.",
        _ => "This text sets some of these times; the others are the hub's own.",
    };
    page.para(format!(
        "{whose} Where several agreements hold between the same two institutions, the earliest of each time that any of them \
         sets counts."
    ));
}

/// What the schema knows and this agreement does not list.
fn withheld(agreement: &AgreementText) -> Vec<String> {
    ItemKind::ALL
        .iter()
        .filter_map(|(_, kind)| {
            let listed = |group: &u32| {
                agreement.items().iter().any(|item| item.kind == *kind && item.groups.contains(group))
            };
            let missing: Vec<String> = kind
                .groups()
                .iter()
                .filter(|(group, _)| !listed(group))
                .map(|(group, _)| group_title(*kind, *group))
                .collect();
            let whole = missing.len() == kind.groups().len();
            (!missing.is_empty()).then(|| match whole {
                true => format!("{} (nothing of it)", kind_title(*kind).to_lowercase()),
                false => format!("{} {}", kind_title(*kind).to_lowercase(), joined(&missing)),
            })
        })
        .collect()
}

fn signatures(page: &mut Document, agreement: &AgreementText, signed: &[SignedBy], zone: &TimeZone) {
    page.heading("Signatures");
    let (mut rows, mut done) = (Vec::new(), 0);
    for party in agreement.parties() {
        let mut by = signed.iter().filter(|one| one.institution == party.institution).peekable();
        done += usize::from(by.peek().is_some());
        let said: Vec<String> = by.map(|one| format!("{}, {}", one.name, moment(one.at, zone))).collect();
        let said = if said.is_empty() { "not signed yet".to_owned() } else { said.join("; ") };
        rows.push([party.name.clone(), party.signatory.clone(), said]);
    }
    let all = rows.len();
    page.table(["For", "Office", "Signed by, and when"], rows);
    let state = match done == all {
        true => "Every party has signed.".to_owned(),
        false => format!("{done} of {all} parties have signed. It is in force only once all have."),
    };
    page.para(format!(
        "{state} A signature is made with the signatory's own key over the SHA-256 of the text, so that nothing in the text \
         can be changed without every signature failing. This page was made from that text; if they differ, the text counts."
    ));
}

fn moment(at: Timestamp, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_microsecond(at.micros()) {
        Ok(instant) => instant.to_zoned(zone.clone()).strftime("%-d %B %Y at %H:%M").to_string(),
        Err(_) => "at an unknown time".to_owned(),
    }
}

fn schedule(page: &mut Document, agreement: &AgreementText) {
    page.heading("Schedule: the parties");
    let rows = agreement.parties().iter().map(|party| {
        let part = format!("{} ({})", party.name, party.part);
        [part, party.dpo.clone(), party.siro.clone(), party.attendance_champion.clone()]
    });
    page.table(
        ["Party and part", "Data protection officer", "Senior information risk owner", "Attendance champion"],
        rows.collect(),
    );
    let why = agreement.why();
    page.heading("Schedule: why");
    page.small("Aims");
    page.bullets(why.aims.iter().cloned());
    page.small("Benefits");
    page.bullets(why.benefits.iter().cloned());
    page.small("Why it is necessary, and what else was considered");
    page.para(why.necessity.clone());
    page.para(why.alternatives.clone());
    law(page, agreement);
    duties(page, agreement);
}

fn law(page: &mut Document, agreement: &AgreementText) {
    page.heading("Schedule: legal bases and how long it is kept");
    let rows = agreement.items().iter().map(|item| {
        let kept = &item.retention;
        let kept = format!(
            "Where made: {}. Where received: {}. At the hub: {}. Deleted: {}",
            kept.at_source,
            kept.at_recipient,
            hub_days(item),
            kept.deletion
        );
        [short(item), format!("{}. {}", basis(item.legal_basis), item.basis_source), kept]
    });
    page.table(["Item", "Legal basis", "Kept"], rows.collect());
    let grounds: Vec<[String; 3]> = agreement.items().iter().filter_map(grounds).collect();
    if !grounds.is_empty() {
        page.para("Items that can reveal special categories of personal data, or that somebody is said to have broken the law:");
        page.table(["Item", "Condition", "Appropriate policy document"], grounds);
    }
    page.confirm(
        "the legal basis and every condition above. They are the parties' own statements; nothing here has checked them against the law.",
    );
    page.heading("Schedule: controllers");
    controllers(agreement).into_iter().for_each(|text| page.para(text));
    page.confirm("that the parties are separate or joint controllers as stated, and that a processor contract with the hub's operator exists.");
}

fn grounds(item: &crate::agreement::Item) -> Option<[String; 3]> {
    let of = &item.grounds;
    let article = of.article_9.map(|condition| format!("{condition} (UK GDPR {})", condition.article()));
    let schedule = of.schedule_1.as_ref().map(|paragraph| format!("DPA 2018 Schedule 1: {paragraph}"));
    let conditions: Vec<String> = article.into_iter().chain(schedule).collect();
    (!conditions.is_empty()).then(|| {
        [
            short(item),
            conditions.join("; "),
            of.policy_document.clone().unwrap_or_else(|| "none named".to_owned()),
        ]
    })
}

fn duties(page: &mut Document, agreement: &AgreementText) {
    let rights = agreement.rights();
    page.heading("Schedule: duties");
    page.facts([
        ("Where people ask", rights.single_contact.clone()),
        ("How rights are answered", rights.handling.clone()),
        ("Wrong records", agreement.correction().clone()),
        ("Security", agreement.security().join(" ")),
        (
            "Breach",
            format!(
                "{} A party tells the others within {} hours of noticing.",
                agreement.breach().procedure,
                agreement.breach().tell_parties_hours
            ),
        ),
        ("Transfers out of the UK", agreement.transfers().clone()),
        (
            "Impact assessment",
            match agreement.dpia().reference.as_str() {
                // What there isn't has no date.
                none if none.eq_ignore_ascii_case("none") => "None".to_owned(),
                reference => format!("{reference}, {}", long_date(&agreement.dpia().date)),
            },
        ),
        (
            "Copies at the end",
            match agreement.end().copies {
                AtEnd::Withdraw => "Withdrawn, except as listed under \"When it ends\".".to_owned(),
                AtEnd::Keep => "Kept, for the reason listed under \"When it ends\".".to_owned(),
            },
        ),
    ]);
}
