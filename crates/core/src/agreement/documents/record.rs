//! The record of processing of one institution (UK GDPR Article 30), as far as sharing through the hub goes.

use super::{
    Document,
    phrases::{at_end, basis, holds, in_force, joined, seers},
};
use crate::{
    agreement::{AgreementText, Direction, Item, Part, Party},
    ids::Slug,
};

/// The record of an institution over agreements, each with the SHA-256 of its text in hexadecimal. `None` if it is
/// party to none of them.
pub fn processing_record(institution: &Slug, agreements: &[(&AgreementText, &str)]) -> Option<Document> {
    let own: Vec<(&AgreementText, &str, &Party)> = agreements
        .iter()
        .filter_map(|(agreement, hash)| Some((*agreement, *hash, agreement.party(institution)?)))
        .collect();
    let (_, _, party) = own.first()?;
    let mut page = Document::new(format!("Record of processing: {}", party.name));
    page.para("Sharing through the Commonroll hub, agreement by agreement (UK GDPR Article 30(1)).");
    page.facts([
        ("Controller", party.name.clone()),
        ("Data protection officer", party.dpo.clone()),
        ("Senior information risk owner", party.siro.clone()),
        (
            "People concerned",
            "learners who are taught at another institution; where contacts are shared, parents, carers and others to ring"
                .to_owned(),
        ),
    ]);
    own.iter().for_each(|(agreement, hash, party)| of_agreement(&mut page, agreement, hash, party));
    page.confirm(format!(
        "that this is joined to the rest of {}'s record. It covers sharing through the hub and no other processing.",
        party.name
    ));
    Some(page)
}

fn of_agreement(page: &mut Document, agreement: &AgreementText, hash: &str, party: &Party) {
    page.heading(agreement.title());
    page.facts([
        ("Agreement", format!("{}, version {}; SHA-256 {hash}", agreement.id(), agreement.version())),
        ("In force", in_force(agreement)),
        ("Purpose", agreement.why().purpose.clone()),
        ("Controllers", format!("{} controllers", agreement.controllers().relationship)),
        ("Transfers out of the UK", agreement.transfers().clone()),
        ("Security measures", agreement.security().join(" ")),
    ]);
    for (heading, sends) in [("What it shares with others", true), ("What it receives from others", false)] {
        let rows: Vec<[String; 5]> =
            agreement.items().iter().filter_map(|item| row(agreement, item, party, sends)).collect();
        if !rows.is_empty() {
            page.small(heading);
            let whom = if sends { "To" } else { "From" };
            page.table(["Data", whom, "Seen there by", "Legal basis", "Time limits"], rows);
        }
    }
}

/// The row of an item, if the party sends it (or receives it) and there is somebody at the other end.
fn row(agreement: &AgreementText, item: &Item, party: &Party, sends: bool) -> Option<[String; 5]> {
    let (source, recipient) = match item.direction {
        Direction::HostToHome => (Part::Host, Part::Home),
        Direction::HomeToHost => (Part::Home, Part::Host),
    };
    let (own, other) = if sends { (source, recipient) } else { (recipient, source) };
    let plays = party.part == own || party.part == Part::Both;
    let others: Vec<String> = agreement
        .parties_as(other)
        .filter(|one| one.institution != party.institution)
        .map(|one| one.name.clone())
        .collect();
    if !plays || others.is_empty() {
        return None;
    }
    let kept = if sends { &item.retention.at_source } else { &item.retention.at_recipient };
    let ended = if sends {
        String::new()
    } else {
        format!(" At the agreement's end: {}", at_end(agreement, item.kind))
    };
    Some([
        holds(item),
        joined(&others),
        seers(item),
        format!("{}. {}", basis(item.legal_basis), item.basis_source),
        format!("{kept}.{ended}"),
    ])
}
