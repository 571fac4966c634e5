//! The check of the whole log, run in front of the reader: the page is sent while it runs, line by line, and ends with
//! what was found. Whoever goes away ends it.

use super::words;
use crate::console::{Console, layout::Frame, parts, refusal::Refusal, signed::Signed, times};
use askama::Template;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use commonroll_exchange::{AskError, CheckError, Checked};
use futures_util::stream;
use std::{convert::Infallible, time::Duration};
use tokio::sync::mpsc;

/// Where the page is cut: what stands before is sent at once, what stands behind when the check has ended.
const CUT: &str = "<!--running-->";
/// How often the page says how far the check has come.
const TOLD_EVERY: Duration = Duration::from_millis(400);
/// Lines of progress at most.
const LINES: u32 = 150;

#[derive(Template)]
#[template(path = "desk/verify.html")]
struct Verify {
    frame: Frame,
    size: String,
}

#[derive(Template)]
#[template(path = "desk/verified.html")]
struct Outcome {
    good: Option<Good>,
    fault: String,
}

struct Good {
    entries: String,
    records: String,
    payloads: String,
    gone: String,
    going: u64,
    took: String,
    size: String,
    root: String,
    key: String,
    checkpoint: String,
    at: String,
}

/// Runs the check. What is not allowed, or is running already, is an ordinary refusal.
pub async fn verify(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let frame = Frame::new(&signed, &headers, "Checking the log", "/log").why("/explain");
    let size = words::number(console.exchange.log_size());
    let shell = Verify { frame, size }.render().map_err(|_| Refusal::Broken)?;
    let (before, after) = shell.split_once(CUT).ok_or(Refusal::Broken)?;
    let (before, after) = (before.to_owned(), after.to_owned());
    // The first word comes when the check has begun, or was refused.
    let (told, mut heard) = mpsc::channel::<Told>(4);
    let task = Aborting(tokio::spawn(run(console, signed, told)));
    let first = match heard.recv().await {
        Some(Told::Refused(refusal)) => return Err(refusal),
        Some(told) => told,
        None => return Err(Refusal::Unavailable),
    };
    let pieces = Pieces { before: Some(before), after: Some(after), first: Some(first), heard, _task: task };
    let body = Body::from_stream(stream::unfold(pieces, |mut pieces| async {
        let piece = pieces.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(piece)), pieces))
    }));
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response())
}

/// What the check says while it runs.
enum Told {
    /// It has begun, or has come so far.
    At(u64),
    /// It may not run.
    Refused(Refusal),
    /// It has ended: the last piece of the page.
    Ended(String),
}

/// Ends the check when nobody listens any more.
struct Aborting(tokio::task::JoinHandle<()>);

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Pieces {
    before: Option<String>,
    first: Option<Told>,
    heard: mpsc::Receiver<Told>,
    after: Option<String>,
    _task: Aborting,
}

impl Pieces {
    async fn next(&mut self) -> Option<String> {
        if let Some(before) = self.before.take() {
            return Some(before);
        }
        self.after.as_ref()?;
        let told = match self.first.take() {
            Some(first) => Some(first),
            None => self.heard.recv().await,
        };
        match told {
            Some(Told::At(entries)) => Some(format!("<li>{} entries checked</li>\n", words::number(entries))),
            Some(Told::Ended(last)) => Some(last + &self.after.take()?),
            Some(Told::Refused(_)) | None => {
                let broken = Outcome {
                    good: None,
                    fault: "The check was broken off. Nothing was changed; start it again.".to_owned(),
                };
                Some(broken.render().unwrap_or_default() + &self.after.take()?)
            }
        }
    }
}

async fn run(console: Console, signed: Signed, told: mpsc::Sender<Told>) {
    let (begun, mut last, mut lines) = (tokio::time::Instant::now(), None::<tokio::time::Instant>, 0);
    let out = told.clone();
    let progress = |entries: u64| {
        let now = tokio::time::Instant::now();
        if lines < LINES && last.is_none_or(|last| now - last >= TOLD_EVERY) {
            (last, lines) = (Some(now), lines + 1);
            let _ = out.try_send(Told::At(entries)); // who listens slowly misses a line
        }
    };
    let done = console.exchange.check_log(signed.acting(), signed.now, progress).await;
    let outcome = match done {
        Ok(checked) => {
            Outcome { good: Some(good(&signed, &console, checked, begun.elapsed())), fault: String::new() }
        }
        Err(CheckError::Asked(AskError::Unavailable)) => {
            return drop(told.send(Told::Refused(Refusal::Unavailable)).await);
        }
        Err(CheckError::Asked(error)) => return drop(told.send(Told::Refused(error.into())).await),
        Err(CheckError::Busy) => {
            let says =
                "A check of the log is running already, yours or somebody else’s. Wait until it has ended.";
            return drop(told.send(Told::Refused(Refusal::Conflict(says.to_owned()))).await);
        }
        Err(error @ (CheckError::Fault(_) | CheckError::Checkpoint)) => {
            Outcome { good: None, fault: words::capital(&error.to_string()) }
        }
    };
    let last = outcome.render().unwrap_or_default();
    drop(told.send(Told::Ended(last)).await);
}

fn good(signed: &Signed, console: &Console, checked: Checked, took: Duration) -> Good {
    let found = checked.found;
    Good {
        entries: words::number(found.entries),
        records: words::number(found.records),
        payloads: words::number(found.payloads),
        gone: words::number(found.erased),
        going: found.going,
        took: format!("{:.1} s", took.as_secs_f64()),
        size: words::number(checked.size),
        root: words::spaced(&checked.root),
        key: checked.key,
        checkpoint: checked.checkpoint,
        at: times::hms(console.around.now(), signed.zone()),
    }
}
