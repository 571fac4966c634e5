//! Records of the own institution's learners as a file for a spreadsheet: ask, have it approved, sign in again where that is
//! needed, make it. Those who answer for the institution see every one of them.

mod sheet;

use super::desk::words;
use crate::{
    authority::hex,
    clock::draw,
    console::{
        Console,
        fields::Fields,
        layout::Frame,
        nav, parts,
        refusal::{Refusal, page},
        signed::{Form, Signed},
        slip::{Label, Slip},
        times,
    },
};
use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::{Invalid, RecordKind, SchoolDate};
use commonroll_exchange::{
    EXPORT_ROWS, ExportAsk, ExportError, ExportKey, ExportSeen, FRESH_US, PER_DAY, STRONG_LEARNERS,
};

/// Days before today that the form offers.
const OFFERED: i32 = 28;

#[derive(Template)]
#[template(path = "exports.html")]
struct Exports {
    frame: Frame,
    title: String,
    may_ask: bool,
    all: bool,
    kinds: Vec<(&'static str, String)>,
    first: String,
    last: String,
    most: String,
    strong: usize,
    per_day: usize,
    exports: Vec<One>,
}

/// One export.
struct One {
    what: String,
    dates: String,
    learners: String,
    who: String,
    asked: String,
    says: String,
    note: String,
    id: String,
    hash: String,
    tone: &'static str,
    approve: bool,
    make: bool,
    sign_in: String,
}

/// The page.
pub async fn exports(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let seen = console.exchange.exports(signed.acting(), signed.now).await?;
    let today = signed.now.date_in(signed.zone());
    let waiting = seen.exports.iter().filter(|one| one.approvable).count();
    page(&Exports {
        frame: Frame::new(&signed, &headers, "Exports", "/exports"),
        title: match (waiting, seen.all) {
            (0, true) => "No export waits for you".to_owned(),
            (0, false) => "Take records out as a file".to_owned(),
            (1, _) => "1 export waits for a second person".to_owned(),
            (many, _) => format!("{many} exports wait for a second person"),
        },
        may_ask: seen.may_ask,
        all: seen.all,
        kinds: RecordKind::ALL.map(|kind| (kind.as_str(), words::capital(words::record(kind)))).to_vec(),
        first: SchoolDate::from_days(today.days() - OFFERED).unwrap_or(today).to_string(),
        last: today.to_string(),
        most: words::number(EXPORT_ROWS as u64),
        strong: STRONG_LEARNERS,
        per_day: PER_DAY,
        exports: seen.exports.iter().map(|one| shown(&console, &signed, one)).collect(),
    })
}

fn shown(console: &Console, signed: &Signed, export: &ExportSeen) -> One {
    let (now, zone) = (signed.now, signed.zone());
    let mut one = One {
        what: words::capital(words::record(export.ask.kind)),
        dates: format!("{} to {}", times::date(export.ask.dates.0), times::date(export.ask.dates.1)),
        learners: words::count(u64::from(export.learners), "learner", "learners"),
        who: match export.mine {
            true => "you".to_owned(),
            false => format!("{}, {}", export.by, nav::role_words(export.role)),
        },
        asked: times::moment(export.asked, now, zone),
        says: String::new(),
        note: String::new(),
        id: hex(&export.key.0),
        hash: hex(&export.key.1),
        tone: "",
        approve: export.approvable,
        make: false,
        sign_in: String::new(),
    };
    if let Some((by, at)) = &export.approved {
        one.note = format!("Approved by {by}, {}", times::moment(*at, now, zone));
    }
    if let Some((at, learners, records)) = export.made {
        one.says = format!(
            "Made {}: {} of {}",
            times::moment(at, now, zone),
            words::count(u64::from(records), "record", "records"),
            words::count(u64::from(learners), "learner", "learners"),
        );
        return one;
    }
    if export.lapsed {
        "Too long ago: it has to be asked for anew".clone_into(&mut one.says);
        return one;
    }
    if export.strong && export.approved.is_none() {
        "Waits for a second person".clone_into(&mut one.says);
        one.tone = "late";
        return one;
    }
    "Can be made".clone_into(&mut one.says);
    if !export.mine {
        return one;
    }
    let proof = signed.seen.proof;
    let fresh = proof.is_some_and(|proof| now.micros() - proof.at.micros() <= FRESH_US);
    if !export.strong || fresh && proof.is_some_and(|proof| proof.second_factor) {
        one.make = true;
        return one;
    }
    one.tone = "late";
    let institution = signed.seen.speaker.institution();
    if console.sign_in.provider(institution).is_none() {
        one.says =
            "Needs a sign-in with a second factor, which the sign-in used here doesn’t show".to_owned();
        return one;
    }
    one.sign_in = format!("/sign-in/{institution}?ask=again&to=/exports");
    one.says = match fresh {
        true => "Your institution’s sign-in didn’t say that you used a second factor".to_owned(),
        false => "Needs a sign-in of the last 10 minutes, with a second factor".to_owned(),
    };
    one
}

/// Asks for one.
pub async fn ask(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let Err(refusal) = asked(&console, &signed, &form).await else {
        return Redirect::to("/exports").into_response();
    };
    let labels = vec![
        Label::new("kind", "kind", "What"),
        Label::new("first", "first", "From"),
        Label::new("last", "last", "To"),
        Label { rule: "dates", ..Label::new("first", "first", "From and To") },
    ];
    let page = |signed| exports(State(console), signed, headers);
    Slip::new("export", "", form, labels).again(refusal, &signed, page).await
}

async fn asked(console: &Console, signed: &Signed, form: &Fields) -> Result<(), Refusal> {
    let kind = RecordKind::ALL.into_iter().find(|kind| kind.as_str() == form.get("kind"));
    let kind = kind.ok_or(Refusal::Field(Invalid::new("kind", "must be one of the kinds of record")))?;
    let date = |name: &'static str| SchoolDate::parse(name, form.get(name)).map_err(Refusal::Field);
    let ask = ExportAsk { kind, dates: (date("first")?, date("last")?) };
    let id = draw(console.around.random.as_ref());
    console.exchange.ask_export(signed.acting(), ask, (id, signed.now)).await?;
    Ok(())
}

/// Approves one that somebody else asked for.
pub async fn approve(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let key = key(&form)?;
    console.exchange.approve_export(signed.acting(), key, signed.now).await?;
    Ok(Redirect::to("/exports").into_response())
}

/// Makes one, and hands it over.
pub async fn make(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let key = key(&form)?;
    let proof = signed.seen.proof;
    let made = console.exchange.make_export(signed.acting(), (key, proof), sheet::row, signed.now).await?;
    let ExportAsk { kind, dates } = made.ask;
    let text = [sheet::MARK, &sheet::head(kind), &made.lines].concat();
    let name = format!("attachment; filename=\"{kind}-{}-to-{}.csv\"", dates.0, dates.1);
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, text).into_response())
}

/// Which one a form means.
fn key(form: &Fields) -> Result<ExportKey, Refusal> {
    let id = unhex(form.get("id")).ok_or(Refusal::Missing)?;
    Ok((id, unhex(form.get("hash")).ok_or(Refusal::Missing)?))
}

/// Bytes of an id that a form sent back.
pub(super) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl From<ExportError> for Refusal {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::NotAllowed(_) => Self::Missing,
            ExportError::Invalid(rule) => Self::Field(rule),
            ExportError::TooMany => Self::TooMany(3_600),
            ExportError::TooMuch(most) => Self::TooMuch(most),
            ExportError::Unavailable => Self::Unavailable,
            ExportError::State(_)
            | ExportError::SignInAgain
            | ExportError::SecondFactor
            | ExportError::Waits => Self::Conflict(words::capital(&error.to_string()) + "."),
        }
    }
}
