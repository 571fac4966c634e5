//! Where everybody arrives: sent on to the page of their role, or to sign in.

use super::super::{nav, signed::Signed};
use axum::response::Redirect;

/// The page that the role comes for.
pub async fn home(signed: Option<Signed>) -> Redirect {
    Redirect::to(signed.map_or("/sign-in", |signed| nav::home(signed.role())))
}
