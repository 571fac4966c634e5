//! Sharing agreements to and from the schema.

use crate::{directory, head, pb::agreement::v1 as pb, read};
use commonroll_core::{
    Invalid, RecordKind, Role, Slug,
    agreement::{AlertTimes, ItemKind, Moment},
    directory::{Agreement, Limits},
};
use std::collections::{BTreeMap, BTreeSet};

/// Most parties of one agreement.
const PARTIES_MAX: usize = 200;
/// Most characters of the purpose.
const PURPOSE_MAX: usize = 1_000;

/// An agreement as the schema writes it.
pub fn write_agreement(agreement: &Agreement) -> pb::Agreement {
    let limits = &agreement.limits;
    let kept = |kind: ItemKind| limits.kept_at_end.contains(&kind);
    let kinds = agreement.kinds.iter().map(|(kind, groups)| pb::AgreedKind {
        kind: head::write_kind(*kind) as i32,
        groups: groups.clone(),
        seen_by: write_seen_by(limits, ItemKind::Record(*kind)),
        kept_at_end: kept(ItemKind::Record(*kind)),
    });
    let card = pb::AgreedCard {
        groups: limits.card.clone(),
        seen_by: write_seen_by(limits, ItemKind::Card),
        kept_at_end: kept(ItemKind::Card),
    };
    let names = |slugs: &[Slug]| slugs.iter().map(|slug| slug.as_str().to_owned()).collect();
    pb::Agreement {
        id: agreement.id.as_str().to_owned(),
        version: agreement.version,
        parties: names(&agreement.parties),
        purpose: agreement.purpose.clone(),
        kinds: kinds.collect(),
        first_date: agreement.first_date.to_string(),
        last_date: agreement.last_date.to_string(),
        homes: names(&limits.homes),
        hosts: names(&limits.hosts),
        card: (!limits.card.is_empty()).then_some(card),
        alert_times: limits.times.iter().map(write_time).collect(),
    }
}

fn write_time((moment, minutes): (Moment, u16)) -> pb::AlertTime {
    pb::AlertTime { moment: moment.as_str().to_owned(), minutes: u32::from(minutes) }
}

fn read_times(said: &[pb::AlertTime]) -> Result<AlertTimes, Invalid> {
    let wrong = || Invalid::new("alert_times", "must be known times within their bounds, each once");
    let mut times = BTreeMap::new();
    for one in said {
        let moment =
            Moment::ALL.into_iter().find(|moment| moment.as_str() == one.moment).ok_or_else(wrong)?;
        let minutes = u16::try_from(one.minutes).map_err(|_| wrong())?;
        if times.insert(moment, minutes).is_some() {
            return Err(wrong());
        }
    }
    AlertTimes::new(times).map_err(|_| wrong())
}

fn write_seen_by(limits: &Limits, kind: ItemKind) -> Vec<pb::SeenBy> {
    let groups = limits.seen_by.get(&kind).into_iter().flatten();
    groups
        .map(|(group, roles)| pb::SeenBy {
            group: *group,
            roles: roles.iter().map(|role| role.as_str().to_owned()).collect(),
        })
        .collect()
}

/// Reads an agreement: two parties or more, each once; kinds each once, with groups that the kind has.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_agreement(agreement: &pb::Agreement) -> Result<Agreement, Invalid> {
    if agreement.version == 0 {
        return Err(Invalid::new("version", "must be at least 1"));
    }
    let dates = directory::dates(&agreement.first_date, &agreement.last_date)?;
    let parties = read_parties(&agreement.parties)?;
    let mut limits = Limits {
        homes: read_some("homes", &agreement.homes, &parties)?,
        hosts: read_some("hosts", &agreement.hosts, &parties)?,
        times: read_times(&agreement.alert_times)?,
        ..Limits::default()
    };
    if let Some(card) = &agreement.card {
        limits.card = read_groups(ItemKind::Card, &card.groups)?;
        read_terms(&mut limits, ItemKind::Card, &card.groups, &card.seen_by, card.kept_at_end)?;
    }
    let kinds = read_kinds(&agreement.kinds, &mut limits)?;
    Ok(Agreement {
        id: read::slug("id", &agreement.id)?,
        version: agreement.version,
        parties,
        purpose: read::some_text("purpose", &agreement.purpose, PURPOSE_MAX)?.as_str().to_owned(),
        kinds,
        first_date: dates.first(),
        last_date: dates.last(),
        limits,
    })
}

fn read_parties(parties: &[String]) -> Result<Vec<Slug>, Invalid> {
    if parties.len() < 2 || parties.len() > PARTIES_MAX {
        return Err(Invalid::new("parties", "must be 2 to 200 institutions"));
    }
    let slugs = parties.iter().map(|party| read::slug("parties", party)).collect::<Result<Vec<_>, _>>()?;
    if slugs.iter().collect::<BTreeSet<_>>().len() < slugs.len() {
        return Err(Invalid::new("parties", "must name each institution once"));
    }
    Ok(slugs)
}

/// Some of the parties.
fn read_some(field: &'static str, some: &[String], parties: &[Slug]) -> Result<Vec<Slug>, Invalid> {
    if some.len() > parties.len() {
        return Err(Invalid::new(field, "must be parties of the agreement"));
    }
    let slugs = some.iter().map(|one| read::slug(field, one)).collect::<Result<Vec<_>, _>>()?;
    match slugs.iter().all(|slug| parties.contains(slug)) {
        true => Ok(slugs),
        false => Err(Invalid::new(field, "must be parties of the agreement")),
    }
}

fn read_groups(kind: ItemKind, groups: &[u32]) -> Result<Vec<u32>, Invalid> {
    let known = |number: &u32| kind.groups().iter().any(|(known, _)| known == number);
    let distinct = groups.iter().collect::<BTreeSet<_>>().len() == groups.len();
    match distinct && groups.iter().all(known) {
        true => Ok(groups.to_owned()),
        false => Err(Invalid::new(
            "groups",
            "must be numbers of the kind's field groups besides the head, each once",
        )),
    }
}

fn read_terms(
    limits: &mut Limits,
    kind: ItemKind,
    groups: &[u32],
    seen_by: &[pb::SeenBy],
    kept_at_end: bool,
) -> Result<(), Invalid> {
    let mut seen = BTreeMap::new();
    for one in seen_by {
        let roles = one.roles.iter().map(|role| role.parse()).collect::<Result<BTreeSet<Role>, _>>()?;
        if roles.is_empty() || !groups.contains(&one.group) || seen.insert(one.group, roles).is_some() {
            return Err(Invalid::new("seen_by", "must name roles for a group that flows, each group once"));
        }
    }
    if !seen.is_empty() {
        limits.seen_by.insert(kind, seen);
    }
    if kept_at_end {
        limits.kept_at_end.insert(kind);
    }
    Ok(())
}

fn read_kinds(
    agreed: &[pb::AgreedKind],
    limits: &mut Limits,
) -> Result<BTreeMap<RecordKind, Vec<u32>>, Invalid> {
    let mut kinds = BTreeMap::new();
    for one in agreed {
        let kind = head::read_kind(one.kind)?;
        let groups = read_groups(ItemKind::Record(kind), &one.groups)?;
        read_terms(limits, ItemKind::Record(kind), &groups, &one.seen_by, one.kept_at_end)?;
        if kinds.insert(kind, groups).is_some() {
            return Err(Invalid::new("kinds", "must name each kind once"));
        }
    }
    Ok(kinds)
}
