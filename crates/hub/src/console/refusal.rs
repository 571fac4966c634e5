//! Pages that say no: what is so, what it means for you, what to do. None names a learner, or tells what is not there from
//! what is not yours.

use super::{
    layout::Theme,
    slip::{PUT_RIGHT, sentence},
};
use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use commonroll_core::Invalid;
use commonroll_exchange::{AdminError, AskError, LawError, NotAllowed, ReadError, SessionError};
use std::borrow::Cow;

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nobody is signed in; they come back to this address afterwards.
    SignIn(String),
    /// Their institution's own sign-in has to say again what they are: the way there.
    Round(String),
    /// It isn't there, or isn't theirs: one wording.
    Missing,
    /// It came from another site, or from a page of an earlier session.
    Foreign,
    /// It can't be done as things stand: what is so, and what to do.
    Conflict(String),
    /// It breaks a rule: which, and the fix.
    Wrong(String),
    /// A field of a form breaks a rule. The page of the form says by its label which ([`super::slip`]).
    Field(Invalid),
    /// What was sent is too long.
    TooLarge,
    /// Too much was asked for; how many seconds to wait.
    TooMany(u64),
    /// The answer would be too long.
    TooMuch(usize),
    /// The hub's clock can't be believed.
    ClockAhead,
    /// The hub can't serve just now.
    Unavailable,
    /// A fault of ours.
    Broken,
}

/// What to do about a form that is not shown again.
const GO_BACK: &str = "Nothing was changed. Go back, put it right, and send it again.";

/// The page itself.
#[derive(Template)]
#[template(path = "refusal.html")]
struct Page<'a> {
    theme: Theme,
    title: &'a str,
    art: Art,
    says: Cow<'a, str>,
    note: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Art {
    Lock,
    Turn,
    Roll,
}

impl Refusal {
    /// The answer's status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::SignIn(_) | Self::Round(_) => StatusCode::SEE_OTHER,
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Wrong(_) | Self::Field(_) | Self::TooMuch(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::ClockAhead | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What is so, in a sentence or two.
    pub(super) fn says(&self) -> Cow<'_, str> {
        self.page().says
    }

    fn page(&self) -> Page<'_> {
        let page = |title, art, says: &'static str, note| {
            let says = Cow::Borrowed(says);
            Page { theme: Theme::default(), title, art, says, note }
        };
        let said = |title, says, note| Page { theme: Theme::default(), title, art: Art::Roll, says, note };
        match self {
            Self::SignIn(_) | Self::Round(_) | Self::Missing => page(
                "There’s nothing here for you",
                Art::Lock,
                "Either the address is wrong, or this isn’t yours to see in the role you’re using: the hub says the \
                 same for both. Learners can be seen while they’re placed with you, or while you answer for them.",
                "Asking for what isn’t yours is noted. That’s normal.",
            ),
            Self::Foreign => page(
                "That didn’t come from this page",
                Art::Lock,
                "The request came from another site, or from a page that was open before you last signed in. Nothing \
                 was changed.",
                "Open the page again and repeat what you did.",
            ),
            Self::Conflict(says) => said(
                "It’s not as it was",
                sentence(says).into(),
                "Nothing was changed. Open the page again to see how things stand now.",
            ),
            Self::Wrong(says) => said(PUT_RIGHT, sentence(says).into(), GO_BACK),
            // A page that knows its labels says more.
            Self::Field(broken) => {
                said(PUT_RIGHT, format!("Something that was sent {}.", broken.rule).into(), GO_BACK)
            }
            Self::TooLarge => page(
                "That’s more than this form takes",
                Art::Roll,
                "Shorten what you wrote, and send it again.",
                "Nothing was changed.",
            ),
            Self::TooMuch(_) => page(
                "That’s too much for one page",
                Art::Roll,
                "There are more records than one page can show. Choose a shorter time.",
                "Nothing was left out in silence: nothing is shown.",
            ),
            Self::TooMany(_) => page(
                "Too many at once",
                Art::Turn,
                "You’ve asked for more than the hub gives in a short time. Wait a little, then go on.",
                "Your sign-in stays as it is.",
            ),
            Self::Unavailable => page(
                "Back in a moment",
                Art::Turn,
                "The hub is starting, or can’t use its log just now, so it shows nothing. It’s usually back in 2 seconds. \
                 No register is lost: each school keeps its own until the hub has it.",
                "Need someone now? Ring the school’s office, as you would without the hub.",
            ),
            Self::ClockAhead => page(
                "The hub’s clock is wrong",
                Art::Turn,
                "It’s months or years ahead of the last thing that the hub wrote down, so nothing is taken, shown or tidied until \
                 it’s right. Whoever runs the hub must set its clock, or, if the hub really was off for so long, start it \
                 with --clock-is-right. No register is lost: each school keeps its own until the hub has it.",
                "Need someone now? Ring the school’s office, as you would without the hub.",
            ),
            Self::Broken => page(
                "Something went wrong here",
                Art::Turn,
                "It’s a fault of the hub, not of yours. It was noted without what was on the page.",
                "Try again. If it stays, tell your data manager what you were doing and when.",
            ),
        }
    }

    /// Seconds after which it is worth trying again.
    fn retry(&self) -> Option<u64> {
        match self {
            Self::TooMany(seconds) => Some((*seconds).max(1)),
            Self::Unavailable => Some(2),
            Self::ClockAhead => Some(60),
            _ => None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::Round(way) = &self {
            return Redirect::to(way).into_response();
        }
        if let Self::SignIn(to) = &self {
            let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
            return Redirect::to(&format!("/sign-in?to={to}")).into_response();
        }
        let text = self.page().render().unwrap_or_default();
        let mut response = (self.status(), Html(text)).into_response();
        if let Some(seconds) = self.retry() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<NotAllowed> for Refusal {
    fn from(_: NotAllowed) -> Self {
        Self::Missing
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotAllowed(_) => Self::Missing,
            ReadError::TooMany => Self::TooMany(600),
            ReadError::TooMuch(most) => Self::TooMuch(most),
            ReadError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<SessionError> for Refusal {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::None => Self::SignIn("/".to_owned()),
            SessionError::NotAllowed => Self::Missing,
            SessionError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<LawError> for Refusal {
    fn from(error: LawError) -> Self {
        match error {
            LawError::NotAllowed(_) => Self::Missing,
            LawError::Slowed => Self::TooMany(600),
            LawError::Invalid(rule) => Self::Field(rule),
            LawError::Faults(faults) => Self::Wrong(faults.join("; ")),
            LawError::State(says) => Self::Conflict(says.to_owned()),
            LawError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<AskError> for Refusal {
    fn from(error: AskError) -> Self {
        match error {
            AskError::NotAllowed(_) => Self::Missing,
            AskError::Slowed => Self::TooMany(600),
            AskError::TooMuch(most) => Self::TooMuch(most),
            AskError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<AdminError> for Refusal {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NotAllowed(_) | AdminError::Missing(_) => Self::Missing,
            AdminError::Invalid(rule) => Self::Field(rule),
            broken @ AdminError::Entry { .. } => Self::Wrong(broken.to_string()),
            AdminError::Unavailable => Self::Unavailable,
        }
    }
}

/// A page that could not be written is a fault of ours.
pub(super) fn page(template: &impl Template) -> Result<Response, Refusal> {
    match template.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(_) => Err(Refusal::Broken),
    }
}
