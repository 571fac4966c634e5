//! What is asked of an explanation, and what it says, on the wire.

use super::convert::exactly;
use commonroll_core::{Invalid, LocalId, PersonId, Purpose, RecordId, RecordKind, Role, SchoolDate, Slug};
use commonroll_exchange::{Explained, Which, Whom};
use commonroll_wire::pb::policy::v1::{self as pb, ExplainRequest};

/// Reads a request.
pub(super) fn read(asked: &ExplainRequest) -> Result<(Role, Whom, Which), Invalid> {
    Ok((asked.role.parse::<Role>()?, whom(asked)?, which(asked)?))
}

fn whom(asked: &ExplainRequest) -> Result<Whom, Invalid> {
    match (asked.person_id.is_empty(), asked.institution.is_empty()) {
        (false, true) => Ok(Whom::Person {
            id: PersonId::from_slice(&asked.person_id)?,
            role: asked.person_role.parse::<Role>()?,
            purpose: asked.purpose.parse::<Purpose>()?,
        }),
        (true, false) => Ok(Whom::Institution(asked.institution.parse::<Slug>()?)),
        _ => Err(Invalid::new("person_id", "name a person or an institution, one of the two")),
    }
}

fn which(asked: &ExplainRequest) -> Result<Which, Invalid> {
    let named = (asked.sequence != 0, !asked.record_id.is_empty(), !asked.learner_local_id.is_empty());
    match named {
        (true, false, false) => Ok(Which::Sequence(asked.sequence)),
        (false, true, false) => {
            let id = exactly("record_id", &asked.record_id, "must have exactly 16 bytes")?;
            Ok(Which::Record(RecordId(id)))
        }
        (false, false, true) => {
            let learner = LocalId::parse("learner_local_id", &asked.learner_local_id)?;
            if asked.kind == "card" {
                return Ok(Which::Card(learner));
            }
            let rule = "must be attendance, assessment, behaviour or card";
            let kind = asked.kind.parse().map_err(|_| Invalid::new("kind", rule))?;
            Ok(Which::Day { learner, kind, date: SchoolDate::parse("date", &asked.date)? })
        }
        _ => Err(Invalid::new("sequence", "name a sequence, a record id or a learner, one of the three")),
    }
}

/// Writes an explanation.
pub(super) fn write(one: &Explained, which: &Which) -> pb::Explained {
    let card = if matches!(which, Which::Card(_)) { "card" } else { "" };
    let rule = |rule: &commonroll_exchange::RuleSaid| pb::Rule {
        id: rule.id.clone(),
        file: rule.file.clone(),
        line: rule.line,
        says: rule.says.clone(),
    };
    let group = |group: &commonroll_exchange::GroupSaid| pb::ExplainedGroup {
        number: group.number,
        name: group.name.to_owned(),
        open: group.open,
        why: group.why.to_owned(),
    };
    pb::Explained {
        sequence: one.sequence.unwrap_or(0),
        kind: one.kind.map_or(card, RecordKind::as_str).to_owned(),
        source: one.source.as_ref().map_or_else(String::new, Slug::to_string),
        date: one.date.map_or_else(String::new, |date| date.to_string()),
        allowed: one.allowed,
        code: one.code.clone(),
        reason: one.reason.clone(),
        rules: one.rules.iter().map(rule).collect(),
        placement: one.placement.clone(),
        agreement: one.agreement.clone(),
        groups: one.groups.iter().map(group).collect(),
        missing: one.missing.clone(),
        policy: one.policy.clone(),
    }
}
