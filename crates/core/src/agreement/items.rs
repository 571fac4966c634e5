//! Reads the data items of an agreement, and holds each against the ceiling that the policies set.
//!
//! The ceiling here repeats what `policies/` says, so that a text is refused with its line before anybody signs what
//! can never flow. The policies decide all the same when a record leaves; `tests/it/agreements.rs` keeps both equal.

use super::{
    fault::Faults,
    fields::{beyond_ceiling, group_words, role_beyond_ceiling},
    model::{Item, Retention, SensitiveGrounds},
    read::ITEMS_MAX,
    section::Section,
    words::{Article9, Direction, ItemKind, LegalBasis},
};
use crate::people::Role;
use std::collections::BTreeSet;

/// Most days that the hub may keep a delivered payload.
const HUB_DAYS_MAX: u32 = 400;

/// The part that every card begins with.
const IDENTITY: u32 = 1;

/// Every item; a field group that two items list is a fault, since it would have two sets of terms.
pub(super) fn items(top: &mut Section<'_, '_>, faults: &mut Faults) -> Option<Vec<Item>> {
    let sections = top.sections(faults, "item", ITEMS_MAX);
    if sections.is_empty() {
        top.fault(faults, "item", "an agreement lists one item or more", "add an [[item]] for what flows");
    }
    let mut read: Vec<Option<Item>> = Vec::with_capacity(sections.len());
    let mut cards = Vec::new();
    for section in sections {
        let (place, name) = (section.place("groups"), section.name("groups"));
        let item = item(section, faults);
        let listed = |item: &Item, group: &u32| {
            read.iter().flatten().any(|before| before.kind == item.kind && before.groups.contains(group))
        };
        if item.as_ref().is_some_and(|item| item.groups.iter().any(|group| listed(item, group))) {
            let fix = "list each field group of a kind once, with one set of terms";
            faults.add(&place, &name, "lists what another item lists already", fix);
        }
        if item.as_ref().is_some_and(|item| item.kind == ItemKind::Card) {
            cards.push((place, name));
        }
        read.push(item);
    }
    let items: Vec<Item> = read.into_iter().collect::<Option<_>>()?;
    let identified = items.iter().any(|item| item.kind == ItemKind::Card && item.groups.contains(&IDENTITY));
    if let Some((place, name)) = cards.first().filter(|_| !identified) {
        let rule = "lists parts of a card, and no item lists identity, which goes with every card";
        faults.add(place, name, rule, "list identity too");
    }
    Some(items)
}

fn item(mut of: Section<'_, '_>, faults: &mut Faults) -> Option<Item> {
    let kind: Option<ItemKind> = of.word(faults, "kind");
    let groups = groups(&mut of, faults, kind);
    let direction: Option<Direction> = of.word(faults, "direction");
    if let (Some(kind), Some(direction)) = (kind, direction)
        && kind.direction() != direction
    {
        let rule = "is a way in which the policies let this kind flow under no agreement";
        of.fault(faults, "direction", rule, format!("write \"{}\", or leave the item out", kind.direction()));
    }
    let seen_by = seen_by(&mut of, faults, kind.zip(groups.as_deref()));
    let legal_basis = legal_basis(&mut of, faults);
    let basis_source = of.prose(faults, "basis_source");
    let grounds = grounds(&mut of, faults, kind.zip(groups.as_deref()));
    let at_source = of.line(faults, "kept_at_source");
    let at_recipient = of.line(faults, "kept_at_recipient");
    let at_hub_days = of.number(faults, "kept_at_hub_days", 0..=HUB_DAYS_MAX);
    let deletion = of.prose(faults, "deletion");
    of.done(faults);
    Some(Item {
        kind: kind?,
        groups: groups?,
        direction: direction?,
        seen_by: seen_by?,
        legal_basis: legal_basis?,
        basis_source: basis_source?,
        grounds: grounds?,
        retention: Retention {
            at_source: at_source?,
            at_recipient: at_recipient?,
            at_hub_days: at_hub_days?,
            deletion: deletion?,
        },
    })
}

fn groups(of: &mut Section<'_, '_>, faults: &mut Faults, kind: Option<ItemKind>) -> Option<Vec<u32>> {
    let Some(kind) = kind else {
        // There is nothing to hold the names against, and the kind is at fault already.
        of.names(faults, "groups", "", |name| Some(name.to_owned()));
        return None;
    };
    let known = kind.groups();
    let names: Vec<&str> = known.iter().map(|(_, name)| *name).collect();
    let fix = format!("this kind has: {}", names.join(", "));
    let number = |name: &str| known.iter().find(|(_, group)| *group == name).map(|(number, _)| *number);
    let mut groups = of.names(faults, "groups", &fix, number)?;
    for rule in groups.iter().filter_map(|group| beyond_ceiling(kind, *group)) {
        of.fault(faults, "groups", format!("lists a field group that {rule}"), "take it out");
    }
    groups.sort_unstable();
    Some(groups)
}

type Listed<'a> = Option<(ItemKind, &'a [u32])>;

fn seen_by(of: &mut Section<'_, '_>, faults: &mut Faults, listed: Listed<'_>) -> Option<BTreeSet<Role>> {
    let known = Role::ALL.map(Role::as_str).join(", ");
    let roles =
        of.names(faults, "seen_by", &format!("use roles: {known}"), |name| name.parse::<Role>().ok())?;
    if let Some((kind, groups)) = listed {
        for rule in roles.iter().filter_map(|role| role_beyond_ceiling(kind, groups, *role)) {
            of.fault(
                faults,
                "seen_by",
                format!("goes beyond the policies: {rule}"),
                "take the role out, or list those parts in an item of their own",
            );
        }
    }
    Some(roles.into_iter().collect())
}

fn legal_basis(of: &mut Section<'_, '_>, faults: &mut Faults) -> Option<LegalBasis> {
    if of.says("legal_basis", "consent") {
        of.skip("legal_basis");
        let rule =
            "consent is not free where a school asks for it, and would have to be undone person by person";
        of.fault(
            faults,
            "legal_basis",
            rule,
            "a public body most often relies on \"public task\"; ask the DPO",
        );
        return None;
    }
    of.word(faults, "legal_basis")
}

fn grounds(of: &mut Section<'_, '_>, faults: &mut Faults, listed: Listed<'_>) -> Option<SensitiveGrounds> {
    let article_9: Option<Option<Article9>> = of.word_if_any(faults, "article_9");
    let schedule_1 = of.prose_if_any(faults, "schedule_1");
    let policy_document = of.prose_if_any(faults, "policy_document");
    let words = listed.map(|(kind, groups)| {
        groups.iter().filter_map(|group| group_words(kind, *group)).collect::<Vec<_>>()
    });
    let special = words.iter().flatten().any(|words| !words.special.is_empty());
    let offences = words.iter().flatten().any(|words| !words.offences.is_empty());
    if special && article_9 == Some(None) {
        let rule = "is missing: the item can reveal a special category of personal data";
        let fix = "add a condition of UK GDPR Article 9, such as \"substantial public interest\"";
        of.fault(faults, "article_9", rule, fix);
    }
    let public_interest = article_9 == Some(Some(Article9::SubstantialPublicInterest));
    if (offences || public_interest) && schedule_1 == Some(None) {
        let rule = "is missing: the item needs a condition of Schedule 1 to the Data Protection Act 2018";
        of.fault(
            faults,
            "schedule_1",
            rule,
            "name the paragraph, such as \"paragraph 18, safeguarding of children\"",
        );
    }
    if schedule_1.as_ref().is_some_and(Option::is_some) && policy_document == Some(None) {
        let rule = "is missing: a Schedule 1 condition goes with an appropriate policy document";
        of.fault(faults, "policy_document", rule, "name the document and its date");
    }
    Some(SensitiveGrounds {
        article_9: article_9?,
        schedule_1: schedule_1?,
        policy_document: policy_document?,
    })
}
