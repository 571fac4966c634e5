//! Who asks for a page: put into the request by `gate`, which has checked it, and taken out by the page.

use super::{fields::Fields, refusal::Refusal, secret::Secret, slip::Slip};
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use commonroll_core::{Role, Timestamp};
use commonroll_exchange::{Acting, SessionSeen};
use jiff::tz::TimeZone;
use std::{convert::Infallible, sync::Arc};

/// Somebody who is signed in, as of this request.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub seen: Arc<SessionSeen>,
    pub secret: Secret,
    pub now: Timestamp,
    /// The form of theirs that was refused, where this page shows it again.
    pub slip: Option<Arc<Slip>>,
}

impl Signed {
    /// Who acts, for the exchange.
    pub fn acting(&self) -> Acting<'_> {
        Acting { speaker: &self.seen.speaker, role: self.seen.role }
    }

    /// The role in use.
    pub fn role(&self) -> Role {
        self.seen.role
    }

    /// The time zone of the person's institution.
    pub fn zone(&self) -> &TimeZone {
        &self.seen.zone
    }
}

impl<S: Sync> FromRequestParts<S> for Signed {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        // A page for anyone that asks for somebody is a fault of ours; better no page than a wrong one.
        parts.extensions.get().cloned().ok_or(Refusal::Missing)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Signed {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}

/// What a form sent. `gate` has read it and has seen that it is of this session.
#[derive(Debug)]
pub(super) struct Form(pub Fields);

impl<S: Sync> FromRequestParts<S> for Form {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Fields>().cloned().map(Self).ok_or(Refusal::Foreign)
    }
}

/// What stands behind `?` in the address.
#[derive(Debug)]
pub(super) struct Query(pub Fields);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Fields::read(parts.uri.query().unwrap_or("").as_bytes()).map(Self).ok_or(Refusal::TooLarge)
    }
}
