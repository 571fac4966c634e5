//! The console: pages for people's browsers, over HTTPS, on a listener of its own.
//!
//! A page asks the exchange once and shows what it says; whether anybody may see anything is decided there. Everything
//! works without a script. What stands before every page (who is signed in, for whom the page is, forms from elsewhere,
//! pace) is in `gate`; what stands around every answer is in `headers`.

mod assets;
mod certificate;
mod demo;
mod fields;
mod gate;
mod headers;
mod layout;
mod live;
mod nav;
mod pages;
mod parts;
mod refusal;
mod routes;
mod secret;
mod serve;
mod signed;
mod slip;
pub(crate) mod times;

pub(crate) use certificate::ConsoleCertificate;
pub use demo::DemoFault;
pub(crate) use demo::DemoPeople;
pub(crate) use live::Live;
pub(crate) use serve::ConsoleDoor;

use crate::{clock::Surroundings, limits::Pace, signin::SignIn};
use axum::{
    Router,
    handler::Handler,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use commonroll_exchange::Exchange;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// What pages are made with.
#[derive(Clone)]
pub(crate) struct Console {
    pub exchange: Exchange,
    pub around: Surroundings,
    /// Only of a demo.
    pub demo: Option<Arc<DemoPeople>>,
    /// Institutions' own accounts.
    pub sign_in: Arc<SignIn>,
    /// How fast each person asks, and how often an address shows cookies that are nobody's.
    pub pace: Arc<Pace>,
    /// How long a certificate of an agent lasts.
    pub certificate_life: Duration,
    /// The pages that are live.
    pub live: Arc<Live>,
    /// Ends live updates when the hub stops.
    pub stopping: CancellationToken,
}

/// The pages that are built in so far.
pub(super) struct Pages {
    console: Console,
    router: Router<Console>,
}

impl Pages {
    /// Adds a page under its line of `policies/routes.txt`, such as `GET /learners/{learner}`.
    pub fn page<H, T>(mut self, route: &'static str, handler: H) -> Self
    where
        H: Handler<T, Console>,
        T: 'static,
    {
        let door = routes::door(route).expect("every page has its line in policies/routes.txt");
        let (method, path) = route.split_once(' ').expect("a route is a method and a path");
        let page = if method == "GET" { get(handler) } else { post(handler) };
        let gated = page.layer(from_fn_with_state((self.console.clone(), door), gate::gate));
        self.router = self.router.route(path, gated);
        self
    }
}

impl Console {
    /// All pages.
    pub fn router(&self) -> Router {
        let pages = Pages { console: self.clone(), router: Router::new() };
        pages::all(pages)
            .router
            .fallback(gate::nothing)
            .method_not_allowed_fallback(gate::nothing)
            .layer(from_fn_with_state(self.clone(), headers::around))
            .with_state(self.clone())
    }
}
