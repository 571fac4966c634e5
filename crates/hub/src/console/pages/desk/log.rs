//! The log in words, page by page; the proof of one entry as a picture; who saw a learner.

mod said;
mod saw;
pub(super) mod tree;

pub use saw::learner;

use super::words;
use crate::console::{
    Console,
    layout::Frame,
    parts,
    refusal::{Refusal, page},
    signed::{Query, Signed},
    times,
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_exchange::{AskError, LogKind, LogPage, NotAllowed};
use said::Said;
use tree::Proof;

#[derive(Template)]
#[template(path = "desk/log.html")]
struct Log {
    frame: Frame,
    own: String,
    tabs: Vec<Tab>,
    lines: Vec<Line>,
    foot: String,
    older: String,
    newest: String,
    proof: Option<Proof>,
    size: String,
}

struct Tab {
    href: String,
    words: &'static str,
    current: bool,
}

struct Line {
    number: String,
    href: String,
    current: bool,
    when: String,
    by: String,
    said: Said,
    leaf: String,
}

/// The log, newest first.
pub async fn log(
    State(console): State<Console>,
    signed: Signed,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let kind = LogKind::named(asked.get("kind"));
    let before: Option<u64> = asked.get("before").parse().ok();
    let entry: Option<u64> = asked.get("entry").parse().ok();
    let proof = match entry {
        None => None,
        Some(entry) => {
            let found = console.exchange.proof_seen(signed.acting(), entry, signed.now).await;
            match found {
                Ok(found) => Some(Proof::of(&found)),
                Err(AskError::NotAllowed(NotAllowed::Denied)) => return Err(Refusal::Missing),
                Err(error) => return Err(error.into()),
            }
        }
    };
    let seen = console.exchange.log_page(signed.acting(), (kind, before), signed.now).await?;
    let address = |kind: LogKind, before: Option<u64>| {
        let before = before.map_or_else(String::new, |before| format!("&before={before}"));
        format!("/log?kind={}{before}", kind.as_str())
    };
    let lines = seen.lines.iter().map(|line| Line {
        number: words::number(line.sequence),
        href: format!("{}&entry={}#proof", address(kind, before), line.sequence),
        current: entry == Some(line.sequence),
        when: times::moment(line.at, signed.now, signed.zone()),
        by: said::by(line),
        said: said::said(&line.deed),
        leaf: words::short(&line.leaf),
    });
    page(&Log {
        frame: Frame::new(&signed, &headers, "Log", "/log").why("/explain"),
        own: signed.seen.institution_name.clone(),
        tabs: LogKind::ALL
            .map(|one| Tab { href: address(one, None), words: said::kind(one), current: one == kind })
            .into(),
        lines: lines.collect(),
        foot: foot(&seen),
        older: seen.older.map_or_else(String::new, |older| address(kind, Some(older))),
        newest: if before.is_some() { address(kind, None) } else { String::new() },
        proof,
        size: words::number(seen.size),
    })
}

fn foot(seen: &LogPage) -> String {
    let (first, last) = seen.looked;
    if last < first {
        return "The log’s beginning.".to_owned();
    }
    let looked = last - first + 1;
    format!(
        "Looked through entries {} to {}: {} of these {} concern you. You see who and why, never the record.",
        words::number(first),
        words::number(last),
        words::number(seen.lines.len() as u64),
        words::number(looked),
    )
}
