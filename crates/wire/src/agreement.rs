//! Sharing agreements to and from the schema.

use crate::{directory, head, pb::agreement::v1 as pb, read};
use commonroll_core::{Invalid, RecordKind, Slug, directory::Agreement};
use std::collections::{BTreeMap, BTreeSet};

/// Most parties of one agreement.
const PARTIES_MAX: usize = 200;
/// Most characters of the purpose.
const PURPOSE_MAX: usize = 1_000;

/// An agreement as the schema writes it.
pub fn write_agreement(agreement: &Agreement) -> pb::Agreement {
    let kinds = agreement.kinds.iter().map(|(kind, groups)| pb::AgreedKind {
        kind: head::write_kind(*kind) as i32,
        groups: groups.clone(),
    });
    pb::Agreement {
        id: agreement.id.as_str().to_owned(),
        version: agreement.version,
        parties: agreement.parties.iter().map(|party| party.as_str().to_owned()).collect(),
        purpose: agreement.purpose.clone(),
        kinds: kinds.collect(),
        first_date: agreement.first_date.to_string(),
        last_date: agreement.last_date.to_string(),
    }
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
    Ok(Agreement {
        id: read::slug("id", &agreement.id)?,
        version: agreement.version,
        parties: read_parties(&agreement.parties)?,
        purpose: read::some_text("purpose", &agreement.purpose, PURPOSE_MAX)?.as_str().to_owned(),
        kinds: read_kinds(&agreement.kinds)?,
        first_date: dates.first(),
        last_date: dates.last(),
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

fn read_kinds(agreed: &[pb::AgreedKind]) -> Result<BTreeMap<RecordKind, Vec<u32>>, Invalid> {
    let mut kinds = BTreeMap::new();
    for one in agreed {
        let kind = head::read_kind(one.kind)?;
        let known = |number: &u32| kind.groups().iter().any(|(known, _)| known == number);
        let distinct = one.groups.iter().collect::<BTreeSet<_>>().len() == one.groups.len();
        if !distinct || !one.groups.iter().all(known) {
            return Err(Invalid::new(
                "groups",
                "must be numbers of the kind's field groups besides the head, each once",
            ));
        }
        if kinds.insert(kind, one.groups.clone()).is_some() {
            return Err(Invalid::new("kinds", "must name each kind once"));
        }
    }
    Ok(kinds)
}
