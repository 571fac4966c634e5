//! Mapping and problems: how an institution's data is read, what its codes came to, what is kept back, and whose it is to mend.
//! For its own people with codes and captions, for the consortium's lead as counts. No row and no learner is on it. What a code
//! stands for is decided here and written by the technician: see [`super::lines`].

use super::{
    super::super::{
        Console,
        fields::Fields,
        layout::Frame,
        parts,
        refusal::{Refusal, page},
        signed::{Query, Signed},
        times,
    },
    super::desk::words::{count, number},
    lines::Lines,
    problems::{Owner, by_owner},
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_core::{Role, SchoolDate};
use commonroll_exchange::{
    CodeMapped, MappingOf, MappingSeen, ProblemsSeen, ScaleMapped, SourceHeld, SubjectMapped,
};
use commonroll_views::{
    alignment::{GRADE_DAYS, MARK_DAYS},
    readiness::{export_refused, kept_back},
};

#[derive(Template)]
#[template(path = "ready/mapping.html")]
struct Mapping {
    frame: Frame,
    title: String,
    lead: String,
    sources: Vec<Source>,
    codes: Vec<Code>,
    scales: Vec<Scale>,
    subjects: Vec<Subject>,
    owners: Vec<Owner>,
    reading: bool,
    reason: String,
    printed: String,
}

#[derive(Template)]
#[template(path = "ready/mappings.html")]
struct Mappings {
    frame: Frame,
    title: String,
    rows: Vec<Row>,
    reading: bool,
    reason: String,
    printed: String,
}

struct Source {
    name: String,
    connector: String,
    mapping: String,
    since: String,
    refused: Option<(&'static str, String, String)>,
    kept: Vec<Kept>,
    lines: Option<Lines>,
}

struct Kept {
    title: &'static str,
    code: Option<String>,
    caption: String,
    rule: String,
    rows: String,
    since: String,
    owner: &'static str,
}

struct Code {
    code: Option<String>,
    set: String,
    means: &'static str,
    rows: String,
    between: String,
    agreed: &'static str,
    differs: bool,
}

struct Scale {
    kind: &'static str,
    scale: String,
    known: String,
    others: String,
    missing: String,
    unknown: bool,
}

struct Subject {
    subject: String,
    agreed: String,
    groups: String,
}

struct Row {
    name: String,
    sources: String,
    codes: String,
    scales: String,
    sorts: String,
    rows: String,
    refused: String,
}

/// How data is mapped, and what isn’t.
pub async fn mapping(
    State(console): State<Console>,
    signed: Signed,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if signed.role() == Role::ConsortiumLead {
        let seen = console.exchange.mapping(signed.acting(), None, signed.now).await?;
        return all(&signed, &headers, &seen);
    }
    let own = signed.seen.speaker.institution().clone();
    let seen = console.exchange.mapping(signed.acting(), Some(&own), signed.now).await?;
    let problems = console.exchange.problems(signed.acting(), Some(&own), signed.now).await?;
    let partner = seen.partners.first().ok_or(Refusal::Missing)?;
    one(&signed, &headers, (&seen, partner), &problems, &asked)
}

fn one(
    signed: &Signed,
    headers: &HeaderMap,
    (seen, of): (&MappingSeen, &MappingOf),
    problems: &ProblemsSeen,
    asked: &Fields,
) -> Result<Response, Refusal> {
    let today = signed.now.date_in(signed.zone());
    let (rows, _) = of.counts.kept_back;
    let title = match (of.counts.sources, rows + of.counts.refused) {
        (0, _) => "No agent has told of its sources yet".to_owned(),
        (_, 0) => "Everything that comes is mapped".to_owned(),
        (_, _) if rows == 0 => {
            count(of.counts.refused, "export is refused as a whole", "exports are refused as a whole")
        }
        (..) => count(rows, "row is kept back", "rows are kept back"),
    };
    page(&Mapping {
        frame: Frame::new(signed, headers, "Mapping", "/mapping").why("#why"),
        title,
        lead: format!(
            "How {} is read: what its codes stand for, what nobody has given a meaning yet, and whose it is to mend.",
            of.name
        ),
        sources: of.sources.iter().map(|held| source(held, asked, today)).collect(),
        codes: of.codes.iter().map(code).collect(),
        scales: of.scales.iter().map(scale).collect(),
        subjects: of.subjects.iter().map(subject).collect(),
        owners: by_owner(problems, today),
        reading: !seen.complete || !problems.complete,
        reason: seen.reason.clone(),
        printed: times::day_hm(signed.now, signed.zone()),
    })
}

fn source(held: &SourceHeld, asked: &Fields, today: SchoolDate) -> Source {
    let told = &held.told;
    let kept = told.kept.iter().zip(&held.kept_since).map(|(kept, since)| {
        let (title, _, owner) = kept_back(&kept.rule);
        Kept {
            title,
            code: kept.code.clone(),
            caption: kept.caption.clone(),
            rule: kept.rule.clone(),
            rows: number(kept.rows),
            since: super::problems::since(Some(*since), today),
            owner,
        }
    });
    Source {
        name: told.name.clone(),
        connector: told.connector.clone(),
        mapping: if told.mapping.is_empty() { "none".to_owned() } else { told.mapping.clone() },
        since: times::day(held.since),
        refused: told.refused.as_ref().map(|rule| {
            (export_refused(rule).1, rule.clone(), super::problems::since(held.refused_since, today))
        }),
        kept: kept.collect(),
        lines: Lines::of(told, asked),
    }
}

fn code(of: &CodeMapped) -> Code {
    let between = of.between.map_or_else(String::new, |(first, last)| match first == last {
        true => times::short_day(first),
        false => format!("{} to {}", times::short_day(first), times::short_day(last)),
    });
    Code {
        code: of.code.clone(),
        set: of.set.clone(),
        means: of.means.words(),
        rows: number(of.rows),
        between,
        agreed: of.agreed.map_or("–", |agreed| agreed.words()),
        differs: of.agreed.is_some_and(|agreed| agreed != of.means),
    }
}

fn scale(of: &ScaleMapped) -> Scale {
    Scale {
        kind: of.kind.words(),
        scale: format!("{} {}", of.scale.0, of.scale.1),
        known: number(of.rows.0),
        others: number(of.rows.1),
        missing: number(of.rows.2),
        unknown: of.unknown,
    }
}

fn subject(of: &SubjectMapped) -> Subject {
    Subject {
        subject: of.subject.clone(),
        agreed: of.agreed.clone().unwrap_or_else(|| "–".to_owned()),
        groups: number(of.groups),
    }
}

fn all(signed: &Signed, headers: &HeaderMap, seen: &MappingSeen) -> Result<Response, Refusal> {
    let behind = seen.partners.iter().filter(|of| of.counts.kept_back.1 + of.counts.refused > 0).count();
    let title = match behind {
        0 => "No partner keeps rows back".to_owned(),
        _ => count(behind as u64, "partner keeps rows back", "partners keep rows back"),
    };
    let row = |of: &MappingOf| {
        let (rows, sorts) = of.counts.kept_back;
        let (known, unknown) = of.counts.scales;
        Row {
            name: of.name.clone(),
            sources: if of.counts.sources == 0 { "not told".to_owned() } else { number(of.counts.sources) },
            codes: number(of.counts.codes),
            scales: format!("{} of {}", number(known), number(known + unknown)),
            sorts: number(sorts),
            rows: match (sorts, rows) {
                (0, _) => "0".to_owned(),
                (_, 0) => "fewer than 5".to_owned(),
                (_, rows) => format!("about {}", number(rows)),
            },
            refused: number(of.counts.refused),
        }
    };
    page(&Mappings {
        frame: Frame::new(signed, headers, "Mapping", "/mapping").why("#why"),
        title,
        rows: seen.partners.iter().map(row).collect(),
        reading: !seen.complete,
        reason: seen.reason.clone(),
        printed: times::day_hm(signed.now, signed.zone()),
    })
}
