//! The data section of a data protection impact assessment, filled in from the agreement.

use super::{
    Document,
    phrases::{
        basis, controllers, holds, hub_days, in_force, joined, kind_title, long_date, party_names, seers,
        short,
    },
    risks::risks,
};
use crate::agreement::{AgreementText, ItemKind, Part};
use std::collections::BTreeMap;

/// How much data there is in a year, as far as somebody has counted. A kind that is missing shows a blank.
pub type Volumes = BTreeMap<ItemKind, u64>;

/// The data section of the impact assessment.
pub fn impact_assessment(agreement: &AgreementText, hash_hex: &str, volumes: &Volumes) -> Document {
    let mut page = Document::new(format!("Impact assessment, data section: {}", agreement.title()));
    page.facts([
        ("Assessment", format!("{}, {}", agreement.dpia().reference, long_date(&agreement.dpia().date))),
        ("Agreement", format!("{}, version {}; SHA-256 {hash_hex}", agreement.id(), agreement.version())),
        ("In force", in_force(agreement)),
        ("Look again by", long_date(agreement.review_date())),
    ]);
    page.para(
        "Made from the agreement's own text, so that the two can't differ. Make it again whenever the agreement or the \
         consortium's policies change.",
    );
    data(&mut page, agreement, volumes);
    page.heading("Purpose, necessity and proportion");
    page.para(agreement.why().purpose.clone());
    page.bullets(agreement.why().aims.iter().chain(&agreement.why().benefits).cloned());
    page.para(format!("Necessity: {}", agreement.why().necessity));
    page.para(format!("Alternatives considered: {}", agreement.why().alternatives));
    page.heading("Controllers and processor");
    controllers(agreement).into_iter().for_each(|text| page.para(text));
    page.heading("Kept for how long");
    let rows = agreement.items().iter().map(|item| {
        let kept = &item.retention;
        [
            short(item),
            kept.at_source.clone(),
            kept.at_recipient.clone(),
            hub_days(item),
            kept.deletion.clone(),
        ]
    });
    page.table(["Item", "Where made", "Where received", "At the hub", "Deletion"], rows.collect());
    page.heading("Security measures that the parties have agreed");
    page.bullets(agreement.security().iter().cloned());
    page.heading("Risks to learners");
    let rows = risks(agreement).into_iter().map(|risk| {
        [risk.what, risk.from, risk.done.to_owned(), "to be judged".to_owned(), "to be decided".to_owned()]
    });
    page.table(
        ["Risk", "Comes from", "What is done already", "How likely, how grave", "What else"],
        rows.collect(),
    );
    page.confirm(
        "the list of risks, which follows from the items alone and knows nothing of your sites, staff and suppliers; and \
         how likely and grave each is. Consult learners and parents where that is due.",
    );
    page
}

fn data(page: &mut Document, agreement: &AgreementText, volumes: &Volumes) {
    page.heading("Whose data");
    page.bullets([
        format!(
            "Learners of {} who are taught elsewhere. Most of them are children.",
            joined(&party_names(agreement.parties_as(Part::Home)))
        ),
        "Where contacts are shared: parents, carers and others to ring.".to_owned(),
        "Staff whose names stand on records, and staff who look at them, in the log.".to_owned(),
    ]);
    page.heading("Which data, how much, who receives it");
    let names = |part| joined(&party_names(agreement.parties_as(part)));
    page.para(format!("Homes are {}. Hosts are {}.", names(Part::Home), names(Part::Host)));
    let rows = agreement
        .items()
        .iter()
        .map(|item| [holds(item), item.direction.to_string(), seers(item), basis(item.legal_basis)]);
    page.table(["Data", "Direction", "Roles that may see it", "Legal basis"], rows.collect());
    let rows = agreement.kinds().map(|kind| {
        let counted = volumes.get(&kind).map_or_else(|| "to be counted".to_owned(), |n| thousands(*n));
        [kind_title(kind).to_owned(), counted]
    });
    page.table(["Kind", "Records, or learners with a card, in a year"], rows.collect());
}

/// A number with commas, as English readers expect it.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
