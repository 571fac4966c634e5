//! Every page of the console, one file each. A page is its file here, its template in `templates/`, its line in
//! `policies/routes.txt`, its line below, and, where people walk to it, its way in `nav.rs`.

mod account;
mod alignment;
mod codes;
mod csv;
mod demo;
mod desk;
mod emergencies;
#[cfg(feature = "pdf")]
mod evacuation;
mod exports;
mod group;
mod home;
mod learner;
mod learners;
mod lists;
mod messages;
mod pager;
#[cfg(feature = "pdf")]
mod print;
mod progress;
mod readiness;
mod sign_in;
mod watches;
mod whereabouts;

use super::{Pages, assets};

/// Builds every page in.
pub(super) fn all(pages: Pages) -> Pages {
    printed(pages)
        .page("GET /assets/{name}", assets::file)
        .page("GET /", home::home)
        .page("GET /sign-in", sign_in::choose)
        .page("GET /sign-in/{institution}", sign_in::begin)
        .page("GET /sign-in/{institution}/back", sign_in::back)
        .page("GET /invited", sign_in::invited)
        .page("POST /invited", sign_in::join)
        .page("GET /demo", demo::choose)
        .page("POST /demo", demo::enter)
        .page("POST /sign-out", account::sign_out)
        .page("GET /account", account::account)
        .page("POST /role", account::role)
        .page("POST /theme", account::theme)
        .page("GET /whereabouts", whereabouts::away)
        .page("GET /whereabouts/visitors", whereabouts::visitors)
        .page("GET /whereabouts/news", whereabouts::news)
        .page("POST /whereabouts/take", whereabouts::take)
        .page("POST /whereabouts/found", whereabouts::found)
        .page("POST /whereabouts/not-found", whereabouts::not_found)
        .page("GET /whereabouts/codes", codes::codes)
        .page("GET /whereabouts/codes/file", codes::file)
        .page("POST /whereabouts/codes/accept", codes::accept)
        .page("POST /whereabouts/codes/decide", codes::decide)
        .page("GET /groups", group::groups)
        .page("GET /groups/{group}", group::group)
        .page("GET /learners", learners::learners)
        .page("GET /learners/{learner}", learner::learner)
        .page("POST /learners/{learner}/tell", messages::send)
        .page("POST /messages/back", messages::take_back)
        .page("GET /asked", messages::asked)
        .page("POST /asked/answer", messages::reply)
        .page("GET /watches", watches::watches)
        .page("POST /watches", watches::set)
        .page("POST /watches/withdraw", watches::withdraw)
        .page("GET /progress", progress::progress)
        .page("GET /readiness", readiness::readiness)
        .page("POST /readiness/unlock", readiness::unlock)
        .page("POST /readiness/unlock/answer", readiness::answer_unlock)
        .page("POST /readiness/lock", readiness::lock_again)
        .page("GET /problems", readiness::problems)
        .page("GET /mapping", readiness::mapping)
        .page("GET /alignment", alignment::alignment)
        .page("POST /alignment/propose", alignment::propose)
        .page("POST /alignment/answer", alignment::answer)
        .page("GET /sharing", desk::sharing::sharing)
        .page("GET /sharing/{partner}/{kind}", desk::sharing::cell)
        .page("GET /log", desk::log::log)
        .page("POST /log/learner", desk::log::learner)
        .page("POST /log/verify", desk::verify::verify)
        .page("GET /agreements", desk::agreements::list)
        .page("GET /agreements/{hash}", desk::agreements::one)
        .page("POST /agreements/{hash}/try", desk::trial::run)
        .page("GET /agents", desk::agents::agents)
        .page("GET /people", desk::people::people)
        .page("GET /emergencies", emergencies::emergencies)
        .page("GET /emergencies/news", emergencies::news)
        .page("POST /emergencies/review", emergencies::review)
        .page("GET /explain", desk::explain::ask)
        .page("POST /explain", desk::explain::answer)
        .page("GET /exports", exports::exports)
        .page("POST /exports", exports::ask)
        .page("POST /exports/approve", exports::approve)
        .page("POST /exports/make", exports::make)
        .page("GET /unmatched", desk::unmatched::unmatched)
        .page("GET /unmatched/{match}", desk::unmatched::undoing)
        .page("POST /unmatched/ask", desk::unmatched::ask)
        .page("POST /unmatched/back", desk::unmatched::back)
        .page("POST /unmatched/answer", desk::unmatched::answer)
        .page("POST /unmatched/reopen", desk::unmatched::reopen)
        .page("POST /unmatched/reused", desk::unmatched::reused)
        .page("POST /unmatched/main", desk::unmatched::main)
        .page("POST /unmatched/main/back", desk::unmatched::main_back)
        .page("POST /unmatched/undo", desk::unmatched::undo)
}

/// True if pages can be printed as PDF.
pub(super) const PAPER: bool = cfg!(feature = "pdf");

/// Those that are paper.
#[cfg(feature = "pdf")]
fn printed(pages: Pages) -> Pages {
    pages
        .page("GET /progress/paper", progress::paper)
        .page("GET /learners/{learner}/report", learner::report)
        .page("GET /whereabouts/visitors/evacuation", evacuation::list)
}

/// Without a typesetter there are none.
#[cfg(not(feature = "pdf"))]
fn printed(pages: Pages) -> Pages {
    pages
}
