//! What would change if an agreement listed less, or weren't there: tried against the placements of now and the last 30
//! days of records. Nothing is changed.

use super::{agreements, words};
use crate::console::{
    Console,
    layout::Frame,
    parts,
    refusal::{Refusal, page},
    signed::{Form, Signed},
    slip::{Label, Slip},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use commonroll_core::{
    Invalid, RecordKind, Role,
    agreement::{AgreementText, ItemKind},
};
use commonroll_exchange::{AgreementSeen, Trial, Tried, TriedLine};
use std::collections::BTreeMap;

/// Lines of one outcome at most.
const LINES: usize = 60;

#[derive(Template)]
#[template(path = "desk/trial.html")]
struct Outcome {
    frame: Frame,
    href: String,
    agreement: String,
    what: String,
    stops: Vec<Line>,
    starts: Vec<Line>,
    stays: Vec<String>,
    records: String,
    situations: String,
    more: usize,
    signs: String,
}

struct Line {
    what: String,
    of: String,
    examples: String,
}

/// Tries it; what can't be tried is shown again where it was asked.
pub async fn run(
    State(console): State<Console>,
    signed: Signed,
    Path(hash): Path<String>,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let refusal = match outcome(&console, &signed, (&hash, form.get("drop")), &headers).await {
        Ok(shown) => return shown,
        Err(refusal) => refusal,
    };
    let labels = vec![Label::new("drop", "drop", "…this agreement")];
    let page = |signed| agreements::one(State(console), signed, Path(hash), headers);
    Slip::new("try", "", form, labels).again(refusal, &signed, page).await
}

async fn outcome(
    console: &Console,
    signed: &Signed,
    (hash, drop): (&str, &str),
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let found = agreements::find(console, signed, hash)?;
    let kind = words::kind_named(drop);
    if kind.is_none() && drop != "all" {
        let rule = "needs a choice: a kind that is no longer listed, or the whole of it";
        return Err(Refusal::Field(Invalid::new("drop", rule)));
    }
    let all = console.exchange.agreements(signed.acting(), signed.now)?;
    let (trial, left) = tried(&found, &all, kind)?;
    let outcome = console.exchange.try_change(signed.acting(), trial, signed.now, |_, _| ()).await?;
    let names = AgreementText::parse(&found.signed.text).map_or_else(
        |_| Names::new(),
        |text| text.parties().iter().map(|one| (one.institution.to_string(), one.name.clone())).collect(),
    );
    let (stops, starts) = (lines(&outcome, &names, false), lines(&outcome, &names, true));
    let more = stops.len().saturating_sub(LINES) + starts.len().saturating_sub(LINES);
    let id = &found.signed.terms.id;
    let parties: Vec<String> = found.signed.terms.parties.iter().map(ToString::to_string).collect();
    page(&Outcome {
        frame: Frame::new(signed, headers, "A trial", "/agreements"),
        href: format!("/agreements/{hash}"),
        agreement: id.to_string(),
        what: match kind.filter(|_| !left.is_empty()) {
            Some(kind) => format!("listed no {}", words::kind(kind).to_lowercase()),
            None => "weren’t there".to_owned(),
        },
        stops: stops.into_iter().take(LINES).collect(),
        starts: starts.into_iter().take(LINES).collect(),
        stays: left,
        records: words::count(outcome.records, "record", "records"),
        situations: words::count(outcome.situations, "situation", "situations"),
        more,
        signs: parties.join(" and "),
    })
}

/// What is tried, and what the agreement would still list.
fn tried(
    found: &AgreementSeen,
    all: &[AgreementSeen],
    kind: Option<ItemKind>,
) -> Result<(Trial, Vec<String>), Refusal> {
    let id = &found.signed.terms.id;
    let newest =
        all.iter().filter(|one| one.signed.terms.id == *id).map(|one| one.signed.terms.version).max();
    let text = kind.and_then(|kind| without(&found.signed.text, kind, newest.unwrap_or(0) + 1));
    let (agreement, dropped) = match text {
        Some(text) => (Some(text), Vec::new()),
        None => (None, vec![id.clone()]),
    };
    let mut left = Vec::new();
    if let (true, Some(kind)) = (agreement.is_some(), kind) {
        let mut terms = found.signed.terms.clone();
        match kind {
            ItemKind::Record(kind) => drop(terms.kinds.remove(&kind)),
            ItemKind::Card => terms.limits.card.clear(),
        }
        left = agreements::flows(&terms);
    }
    let trial = Trial::of_files([], agreement, dropped).map_err(Refusal::Field)?;
    Ok((trial, left))
}

/// The text without a kind, as a version that could be signed; `None` if nothing would be left of it.
fn without(text: &str, kind: ItemKind, version: u32) -> Option<String> {
    let mut table: toml::Table = text.parse().ok()?;
    let other = |item: &toml::Value| item.get("kind").and_then(toml::Value::as_str) != Some(kind.as_str());
    let items = table.get_mut("item")?.as_array_mut()?;
    items.retain(other);
    if items.is_empty() {
        return None;
    }
    if let Some(kept) =
        table.get_mut("end").and_then(|end| end.get_mut("keep")).and_then(toml::Value::as_array_mut)
    {
        kept.retain(other);
    }
    if table
        .get("end")
        .and_then(|end| end.get("keep"))
        .and_then(toml::Value::as_array)
        .is_some_and(Vec::is_empty)
        && let Some(end) = table.get_mut("end").and_then(toml::Value::as_table_mut)
    {
        end.remove("keep");
    }
    table.insert("version".to_owned(), i64::from(version).into());
    toml::to_string(&table).ok()
}

/// Who, and of which kind.
type Key = (String, Option<Role>, Option<RecordKind>);

/// What the parties call themselves, by their short names.
type Names = BTreeMap<String, String>;

/// The lines of one sort: all that the same people gain or lose of a kind in one line.
fn lines(outcome: &Tried, names: &Names, gains: bool) -> Vec<Line> {
    let mut sums: BTreeMap<Key, Vec<&TriedLine>> = BTreeMap::new();
    for line in outcome.lines.iter().filter(|line| line.gains == gains) {
        let slug = line.institution.to_string();
        let name = names.get(&slug).cloned().unwrap_or(slug);
        sums.entry((name, line.role, line.kind)).or_default().push(line);
    }
    sums.into_iter().map(|(key, lines)| line(&key, &lines, gains)).collect()
}

fn line((institution, role, kind): &Key, lines: &[&TriedLine], gains: bool) -> Line {
    let mut fields: Vec<String> = Vec::new();
    for field in lines.iter().map(|line| words::field(line.group).to_lowercase()) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    let item = kind.map_or(ItemKind::Card, ItemKind::Record);
    let who = match role {
        Some(role) => format!("{} at {institution}", words::role(*role)),
        None => format!("{institution}’s own system"),
    };
    let verb = if gains { "gains" } else { "loses" };
    let most = |ahead: bool, value: fn(&TriedLine) -> u64| {
        lines.iter().filter(|line| line.ahead == ahead).map(|line| value(line)).max().unwrap_or(0)
    };
    let mut of = Vec::new();
    let (now, before) = (most(true, |l| l.learners), most(false, |l| l.learners));
    if now > 0 {
        of.push(format!("{} from now on", words::count(now, "learner", "learners")));
    }
    if before > 0 {
        let records = match most(false, |l| l.records) {
            0 => "records".to_owned(),
            some => words::count(some, "record", "records"),
        };
        of.push(format!("{records} of {} in the last 30 days", words::count(before, "learner", "learners")));
    }
    match most(true, |l| l.people).max(most(false, |l| l.people)) {
        0 => {}
        people => of.push(format!("{} in this role", words::count(people, "person", "people"))),
    }
    if lines.iter().any(|line| line.about) {
        of.push("others’ learners in whole tens".to_owned());
    }
    let examples: Vec<&str> =
        lines.first().into_iter().flat_map(|line| &line.examples).map(|id| id.as_str()).collect();
    Line {
        what: format!("{who} {verb} {}: {}", words::kind(item).to_lowercase(), fields.join(", ")),
        of: of.join("; "),
        examples: examples.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_kind_is_sound_and_lists_the_rest() {
        let text = include_str!("../../../../../../policies/agreements/vale-14-19.toml");
        let before = AgreementText::parse(text).unwrap().terms();
        for kind in [ItemKind::Card].into_iter().chain(RecordKind::ALL.map(ItemKind::Record)) {
            let after = AgreementText::parse(&without(text, kind, 9).unwrap()).unwrap().terms();
            assert_eq!((after.version, after.groups(kind)), (9, 0), "{kind:?}");
            let others = RecordKind::ALL.into_iter().filter(|other| ItemKind::Record(*other) != kind);
            for other in others.map(ItemKind::Record) {
                assert_eq!(after.groups(other), before.groups(other), "{other:?} without {kind:?}");
            }
        }
    }
}
