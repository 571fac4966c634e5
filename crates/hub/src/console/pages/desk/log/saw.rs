//! Who saw a learner of the own institution. The learner is named in a form, never in an address.

use super::super::words;
use crate::console::{
    Console,
    layout::Frame,
    nav, parts,
    refusal::{Refusal, page},
    signed::{Form, Signed},
    times,
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_core::{LocalId, RecordKind, Role, agreement::ItemKind};
use commonroll_exchange::{Question, Reached, Reader, Saw, Window};

/// Lines of a page at most; the newest.
const LINES: usize = 300;

#[derive(Template)]
#[template(path = "desk/saw.html")]
struct WhoSaw {
    frame: Frame,
    learner: String,
    lines: Vec<Line>,
    left_out: usize,
}

struct Line {
    number: String,
    entry: u64,
    when: String,
    what: String,
    fields: String,
    who: String,
    sub: String,
    how: &'static str,
    rests: String,
}

/// Who saw a learner's records, newest first.
pub async fn learner(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let said = form.get("learner");
    let asker = console.exchange.asker(&signed.seen.speaker, signed.role(), Question::WhoSaw)?;
    let own = said.parse().ok().and_then(|number| console.exchange.own_id(signed.acting(), number));
    let local = own.map_or_else(|| LocalId::parse("learner", said), Ok).map_err(|_| Refusal::Missing)?;
    let mut saw = console.exchange.who_saw(&asker, &local, Window::default(), signed.now).await?;
    saw.sort_by_key(|one| std::cmp::Reverse(one.sequence));
    let left_out = saw.len().saturating_sub(LINES);
    page(&WhoSaw {
        frame: Frame::new(&signed, &headers, "Who saw a learner", "/log").why("/explain"),
        learner: local.as_str().to_owned(),
        lines: saw.iter().take(LINES).map(|one| line(&signed, one)).collect(),
        left_out,
    })
}

fn line(signed: &Signed, saw: &Saw) -> Line {
    let (who, sub) = match &saw.reader {
        Reader::Institution(slug) => (slug.to_string(), "its own system".to_owned()),
        Reader::Person { role, institution, purpose, .. } => {
            let role = role.parse::<Role>().map_or("somebody", nav::role_words);
            (format!("{}, {institution}", words::capital(role)), format!("for {purpose}"))
        }
    };
    let kinds: Vec<String> = saw.kinds.iter().map(|kind| kind_words(kind)).collect();
    let kind =
        saw.kinds.first().and_then(|kind| words::kind_named(kind.split(' ').next().unwrap_or_default()));
    let mask = saw.groups.iter().filter(|group| **group < 32).fold(0, |mask, group| mask | 1 << group);
    let agreement = saw.agreement.clone().unwrap_or_else(|| "no agreement needed".to_owned());
    Line {
        number: words::number(saw.sequence),
        entry: saw.sequence,
        when: times::moment(saw.at, signed.now, signed.zone()),
        what: kinds.join(", "),
        fields: kind.map_or_else(String::new, |kind: ItemKind| words::fields(kind, mask)),
        who,
        sub,
        how: match saw.reached {
            Reached::Acknowledged => "Delivered",
            Reached::Waiting => "Waits in the feed",
            Reached::Withheld => "Withheld",
            Reached::Read => "Read",
        },
        rests: agreement,
    }
}

fn kind_words(kind: &str) -> String {
    let (name, rest) = kind.split_once(' ').unwrap_or((kind, ""));
    let said = name.parse::<RecordKind>().map_or(
        match name {
            "card" => "Card",
            other => return words::capital(&[other, rest].join(" ")).trim().to_owned(),
        },
        words::record,
    );
    if rest.is_empty() { said.to_owned() } else { format!("{said}, {rest}") }
}
