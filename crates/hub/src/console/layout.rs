//! What stands around a page's content: the rail with who one is and where one can go, the theme, the moment.

use super::{
    nav, secret,
    signed::Signed,
    slip::{Again, Slip},
    times,
};
use axum::http::HeaderMap;
use commonroll_exchange::{EmergencyNews, WarningSeen, WarningSort};
use std::sync::Arc;

/// The reader's own choice, where they made one; else the device decides.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Theme(pub Option<&'static str>);

impl Theme {
    /// The choice that a browser sent.
    pub fn of(headers: &HeaderMap) -> Self {
        Self(secret::theme(headers))
    }
}

/// One way in the rail.
pub(super) struct Link {
    pub path: &'static str,
    pub icon: &'static str,
    pub words: &'static str,
    pub current: bool,
    /// How many things wait there; 0 for none.
    pub waiting: usize,
}

/// The frame of a page: `layout.html` is made of it.
pub(super) struct Frame {
    /// The page's title, without a learner's name.
    pub title: String,
    /// Narrow rows (`dense`) or wide ones (`roomy`).
    pub density: &'static str,
    pub theme: Theme,
    /// First letter of the institution.
    pub crest: String,
    pub institution: String,
    /// Name and role of the person.
    pub person: String,
    pub ways: Vec<Link>,
    /// Goes into every form.
    pub token: String,
    /// When the page was made, HH:MM:SS.
    pub made: String,
    /// Address of the page's live updates, if it has any.
    pub live: Option<String>,
    /// Where the page says why it can be seen; empty if it doesn't.
    pub why: String,
    /// Warnings of the last day, where the reader may look into the log.
    pub warnings: Vec<Warned>,
    /// Emergency accesses that nobody here has reviewed, in a sentence; empty for none, and on their own page.
    pub emergency: String,
    /// The form that was refused, where the page shows it again.
    pub slip: Option<Arc<Slip>>,
}

/// The page of emergency accesses, and where it hears of new ones.
pub(super) const EMERGENCIES: &str = "/emergencies";
const EMERGENCY_NEWS: &str = "/emergencies/news";
/// The page that data managers come for: it says nothing of anybody, so that it can stay open and be asked for again.
const SHARING: &str = "/sharing";

impl Frame {
    /// The frame of a page with this title, for whoever is signed in. `path` is the way that is marked as the present one.
    pub fn new(signed: &Signed, headers: &HeaderMap, title: impl Into<String>, path: &str) -> Self {
        let seen = &signed.seen;
        let link = |way: &'static nav::Way| Link {
            path: way.path,
            icon: way.icon,
            words: way.words,
            current: way.path == path,
            waiting: if way.path == EMERGENCIES { seen.emergencies.waiting } else { 0 },
        };
        let hears = [EMERGENCIES, SHARING].contains(&path);
        Self {
            title: title.into(),
            density: "dense",
            theme: Theme::of(headers),
            crest: seen.institution_name.chars().next().unwrap_or('C').to_string(),
            institution: seen.institution_name.clone(),
            person: format!("{}, {}", seen.name, nav::role_words(seen.role)),
            ways: nav::ways(seen.role).into_iter().map(link).collect(),
            token: signed.secret.form_token(),
            made: times::hms(signed.now, signed.zone()),
            live: (hears && signed.slip.is_none()).then(|| EMERGENCY_NEWS.to_owned()),
            why: String::new(),
            warnings: seen.warnings.iter().map(|one| warning(one, signed)).collect(),
            emergency: if path == EMERGENCIES { String::new() } else { emergency(seen.emergencies) },
            slip: signed.slip.clone(),
        }
    }

    /// With wide rows: for teachers.
    pub fn roomy(mut self) -> Self {
        self.density = "roomy";
        self
    }

    /// With the place that says why the page can be seen.
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// With live updates from this address. A page that shows a refused form stands at the form's address, which can't be
    /// asked for again, and is left as it is until the form is sent.
    pub fn live(mut self, address: impl Into<String>) -> Self {
        self.live = Some(address.into()).filter(|_| self.slip.is_none());
        self
    }

    /// For the template of a form: whether it is the one that was refused, and what stood in it.
    pub fn again(&self, sort: &str, of: &str) -> Again<'_> {
        Again::of(self.slip.as_deref(), sort, of)
    }
}

/// A warning in a sentence, and where there is more of it.
pub struct Warned {
    /// The sentence.
    pub words: String,
    /// The page that has it: what a partner was refused stands in that partner's log, and not in the home's.
    pub page: &'static str,
    /// What that page is called.
    pub more: &'static str,
}

/// What was refused far too often, without the name of a person or a learner.
fn warning(warning: &WarningSeen, signed: &Signed) -> Warned {
    let (count, since) = (warning.count, times::day_hm(warning.since, signed.zone()));
    let (page, more) = match (warning.sort, &warning.by) {
        (WarningSort::NoPlacement, Some(_)) => ("/problems", "What there is to do"),
        _ => ("/log?kind=refused", "What was refused"),
    };
    let words = match (warning.sort, &warning.by) {
        (WarningSort::NoPlacement, None) => format!(
            "{count} of your records were refused since {since}: no placement covers their learners. Either one isn’t \
             declared and accepted yet, or a register has somebody on it whom no school placed there."
        ),
        (WarningSort::NoPlacement, Some(by)) => format!(
            "{count} records of {by} about learners of yours were refused since {since}: no placement covers them. If they \
             are taught there, declare it; if not, ring that office."
        ),
        (WarningSort::Guessing, _) => format!(
            "Somebody of yours asked {count} times for what isn’t theirs to see, since {since}. The log says who."
        ),
    };
    Warned { words, page, more }
}

/// What waits, without a name.
fn emergency(news: EmergencyNews) -> String {
    let open = match news.open {
        0 => String::new(),
        1 => ", one of them open now".to_owned(),
        open => format!(", {open} of them open now"),
    };
    match (news.waiting, news.open) {
        (0, _) => String::new(),
        (1, 0) => "Emergency access to a learner’s card waits for its review.".to_owned(),
        (1, _) => "Emergency access to a learner’s card is open now.".to_owned(),
        (waiting, _) => {
            format!("{waiting} emergency accesses to learners’ cards wait for their review{open}.")
        }
    }
}
