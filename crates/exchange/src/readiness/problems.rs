//! Problems by owner and age: what the hub refused of a partner in the last weeks, what its agents keep back, and what waits for
//! somebody of it now.
//!
//! Counts and days; nobody is named, and no value of a record is in it.

use super::{Named, allowed, asked, feed::ReadinessView, mapping::sources_of, readers, shown};
use crate::{
    Exchange,
    directory::{Directory, warnings::WarningSort},
    matches,
    office::Acting,
    projection::{feed, look},
    reading::ReadError,
    shared::Shared,
    types::Speaker,
    views::Views,
};
use commonroll_core::{SchoolDate, Slug, Timestamp, directory::Registration};
use commonroll_views::{
    progress::FEWEST,
    readiness::{For, advice, export_refused, kept_back as kept_rows, refused_title, tens},
};
use std::collections::BTreeMap;

/// Entry that says to whom problems were shown.
const SHOWN: &str = "problems.shown";
/// So long it stands among a home's problems that it was warned of a partner.
const WARNED_US: i64 = 7 * 86_400_000_000;
/// An agent that is well is heard once a minute.
const SILENT_US: i64 = 15 * 60_000_000;

/// One sort of problem at one institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemSeen {
    /// Whose.
    pub slug: Slug,
    /// Its name.
    pub institution: String,
    /// Stable code.
    pub rule: String,
    /// In a few words.
    pub title: &'static str,
    /// How many; to the nearest ten where `rounded`.
    pub count: u64,
    /// Day of the oldest, where it is known.
    pub oldest: Option<SchoolDate>,
    /// What to do.
    pub to_do: &'static str,
    /// Who can, as a role.
    pub owner: &'static str,
    /// True for what was refused lately, false for what waits now.
    pub refused: bool,
    /// True for rows that the institution's agent keeps back.
    pub kept_back: bool,
    /// True if the count is rounded, since it is somebody else's.
    pub rounded: bool,
}

/// Problems as somebody may see them: the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemsSeen {
    /// One for each institution and rule.
    pub problems: Vec<ProblemSeen>,
    /// False while the log is still being read after a start.
    pub complete: bool,
    /// The rule that allowed it; empty for an agent.
    pub reason: String,
}

impl Exchange {
    /// Problems of one partner, or of all.
    ///
    /// # Errors
    /// [`ReadError`]; one wording for what the role may not see and for a partner who isn't there.
    pub async fn problems(
        &self,
        acting: Acting<'_>,
        of: Option<&Slug>,
        now: Timestamp,
    ) -> Result<ProblemsSeen, ReadError> {
        let views = self.shared.views.get().ok_or(ReadError::Unavailable)?;
        let make = |shared: &Shared| {
            let (partners, policy, reason) = allowed(shared, acting, of)?;
            let entry = shown(acting, of, (&policy, &reason));
            let seen = found(shared, views, &partners, readers(acting, of), now);
            Ok((ProblemsSeen { reason, ..seen }, (SHOWN, entry)))
        };
        self.page_apart(acting, ("problems.slowed", "problems.refused"), now, make).await
    }

    /// Problems of the speaker's own institution, for its agent.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn own_problems(&self, speaker: &Speaker, now: Timestamp) -> Result<ProblemsSeen, ReadError> {
        self.speaker(speaker.agent)?;
        let partners = asked(&self.shared.directory(), Some(&speaker.institution))?;
        let views = self.shared.views.get().ok_or(ReadError::Unavailable)?;
        Ok(found(&self.shared, views, &partners, For::Own, now))
    }
}

fn found(shared: &Shared, views: &Views, partners: &[Named], readers: For, now: Timestamp) -> ProblemsSeen {
    let mut problems = Vec::new();
    for (number, slug, name) in partners {
        // One partner at a time, and the view before the directory, which it looks into itself.
        let mut view = feed(&views.readiness);
        let directory = shared.directory();
        let waiting_sides = match readers {
            For::Own => directory.waiting_sides(*number),
            For::Others => views.waiting_sides(&directory, *number, now),
        };
        let held =
            Held { shared, directory: &directory, view: &mut view, number: *number, now, waiting_sides };
        // That a home was warned would tell whoever published whose the learners are.
        let others_may = |found: &Found| !found.is_of_few() && found.rule != NOT_PLACED.0;
        let told = held.all().into_iter().filter(|found| readers == For::Own || others_may(found));
        problems.extend(told.map(|found| seen(found, slug, name, readers)));
    }
    let key = |problem: &ProblemSeen| (problem.oldest.is_none(), problem.oldest, problem.institution.clone());
    problems.sort_by(|a, b| key(a).cmp(&key(b)).then(b.count.cmp(&a.count)).then(a.rule.cmp(&b.rule)));
    let complete = look(&views.readiness).as_of().0;
    ProblemsSeen { problems, complete, reason: String::new() }
}

fn seen(found: Found, slug: &Slug, name: &str, readers: For) -> ProblemSeen {
    let rounded = readers == For::Others;
    ProblemSeen {
        slug: slug.clone(),
        institution: name.to_owned(),
        rule: found.rule,
        title: found.title,
        count: if rounded { tens(found.count) } else { found.count },
        oldest: found.oldest,
        to_do: found.to_do,
        owner: found.owner,
        refused: found.standing == Standing::Refused,
        kept_back: found.standing == Standing::KeptBack,
        rounded,
    }
}

/// One sort, before it is cut to who asks.
struct Found {
    rule: String,
    title: &'static str,
    count: u64,
    oldest: Option<SchoolDate>,
    to_do: &'static str,
    owner: &'static str,
    standing: Standing,
}

/// Where what isn't right is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The hub refused it.
    Refused,
    /// An agent keeps it back.
    KeptBack,
    /// It waits for somebody.
    Waits,
}

impl Found {
    /// True if it stands for learners, and for fewer than others may be told of: that one was asked about or came unmatched on
    /// a day is theirs.
    fn is_of_few(&self) -> bool {
        let learners = [UNMATCHED.0, CONTESTED.0, REUSED.0, ASKED.0, FOR_HOST.0, FOR_HOME.0];
        learners.contains(&self.rule.as_str()) && self.count < FEWEST as u64
    }
}

/// What waits for somebody: code, title, what to do, who.
type Sort = (&'static str, &'static str, &'static str, &'static str);

const UNMATCHED: Sort = (
    "unmatched",
    "Guests whom nobody has matched",
    "Nothing is sent for them. Compare each with the candidates on the page Unmatched, and ask the home for a number.",
    "Data manager",
);
const CONTESTED: Sort = (
    "contested",
    "Learners whom another institution claims too",
    "Nothing is delivered for them. Settle with the other institution who is home; whoever isn’t withdraws the claim.",
    "Data manager",
);
const REUSED: Sort = (
    "id_reused",
    "Ids that stand for another child now",
    "Nothing is sent for them. Say on the page Unmatched whether number and date of birth were corrected, or it’s another child.",
    "Data manager",
);
const ASKED: Sort = (
    "match_asked",
    "Hosts ask who a guest is",
    "Nothing is sent for them. Answer each on the page Unmatched: which of your learners it is, or none.",
    "Data manager",
);
const FOR_HOST: Sort = (
    "waits_for_host",
    "Placements that no host has accepted",
    "Ring the host’s office: it hasn’t accepted these learners in its own system yet.",
    "Data manager",
);
const FOR_HOME: Sort = (
    "waits_for_home",
    "Guests whose home has declared nothing",
    "Ring the home’s office: it hasn’t declared these placements yet.",
    "Data manager",
);
const NOT_PLACED: Sort = (
    "not_placed",
    "Records that partners made of learners of yours whom nobody placed there",
    "The partner’s records were refused; you were warned of which partner. Where the learners are taught there, declare it; where not, ring that office.",
    "Data manager",
);
const UNANSWERED: Sort = (
    "unanswered",
    "Call-backs without an answer",
    "You were asked to remove copies. The agent answers with the next import of your MIS: look whether its outbox can be written.",
    "Technician",
);
const NOT_TAKEN: Sort = (
    "not_taken",
    "Records that wait for your agent",
    "They are for your MIS, and your agent hasn’t given its receipt. Look whether it runs: commonroll agent status.",
    "Technician",
);
const SET_ASIDE: Sort = (
    "set_aside",
    "Records that your MIS doesn’t take",
    "They arrived, and lie aside at your agent with what the MIS said of each: commonroll agent status. Try each again, or give it up.",
    "Technician",
);
const TOLD_IN_VAIN: Sort = (
    "aside_refused",
    "What became of records set aside isn’t in the log",
    "The hub refused what your agent told of them: it may have been restored from before. commonroll agent status says what became of each.",
    "Technician",
);
const NO_AGENT: Sort = (
    "no_agent",
    "No agent has joined",
    "Ask the hub’s operator for an invitation, and run on your own machine: commonroll agent join CODE",
    "Technician",
);
const SILENT: Sort = (
    "silent",
    "Agents that are silent",
    "An agent that is well speaks once a minute. Look at its machine: is it on, does the service run, did the firewall change?",
    "Technician",
);
const NOT_HEARD: Sort = (
    "not_heard",
    "Agents not heard since the hub started",
    "The date is of the last that the log holds of them. An agent that is well speaks within a minute; if this stays, look at its machine.",
    "Technician",
);

/// How many, and the day of the oldest.
type Aged = (u64, Option<SchoolDate>);

/// What an institution's agents keep back: rows by rule, and exports that they refused as a whole.
fn kept_back(directory: &Directory, number: u16) -> Vec<Found> {
    let mut rules: BTreeMap<(&str, bool), Aged> = BTreeMap::new();
    let mut count = |rule, whole, rows: u64, since: Option<SchoolDate>| {
        let held = rules.entry((rule, whole)).or_default();
        *held = (held.0.saturating_add(rows), [held.1, since].into_iter().flatten().min());
    };
    for source in sources_of(directory, number) {
        for (kept, since) in source.told.kept.iter().zip(&source.kept_since) {
            count(kept.rule.as_str(), false, kept.rows, Some(*since));
        }
        if let Some(rule) = &source.told.refused {
            count(rule, true, 1, source.refused_since);
        }
    }
    let found = rules.into_iter().map(|((rule, whole), (count, oldest))| {
        let (title, to_do, owner) = if whole { export_refused(rule) } else { kept_rows(rule) };
        let standing = Standing::KeptBack;
        Found { rule: rule.to_owned(), title, count, oldest, to_do, owner, standing }
    });
    found.collect()
}

struct Held<'a> {
    shared: &'a Shared,
    directory: &'a Directory,
    view: &'a mut ReadinessView,
    number: u16,
    now: Timestamp,
    /// Placements that no host has accepted, and guests whose home has declared nothing.
    waiting_sides: (u64, u64),
}

impl Held<'_> {
    /// Of how many records this home was warned lately that partners made them of learners whom nobody placed there, and since when.
    fn not_placed(&self) -> Option<(u64, Timestamp)> {
        let mut all = (0, None::<Timestamp>);
        for warning in self.directory.warnings().to(self.number) {
            let by_partner = warning.sort == WarningSort::NoPlacement && warning.by != self.number;
            if by_partner && self.now.micros() - warning.at.micros() <= WARNED_US {
                let since = all.1.map_or(warning.since, |since| since.min(warning.since));
                all = (all.0 + u64::from(warning.count), Some(since));
            }
        }
        all.1.map(|since| (all.0, since))
    }

    fn all(self) -> Vec<Found> {
        let Some(state) = self.directory.institution(self.number) else { return Vec::new() };
        let today = self.now.date_in(&state.zone);
        let on = |at: Timestamp| at.date_in(&state.zone);
        let mut all: Vec<Found> = Vec::new();
        for (rule, count, (first, _)) in self.view.refused(self.number, today) {
            let (to_do, owner) = advice(&rule);
            let title = refused_title(&rule);
            let standing = Standing::Refused;
            all.push(Found { rule, title, count, oldest: Some(first), to_do, owner, standing });
        }
        all.extend(self.not_placed().map(|(count, since)| {
            let (rule, title, to_do, owner) = NOT_PLACED;
            let (rule, oldest) = (rule.to_owned(), Some(on(since)));
            Found { rule, title, count, oldest, to_do, owner, standing: Standing::Refused }
        }));
        all.extend(kept_back(self.directory, self.number));
        let mut waits = |(rule, title, to_do, owner): Sort, count: u64, oldest: Option<SchoolDate>| {
            if count > 0 {
                let rule = rule.to_owned();
                all.push(Found { rule, title, count, oldest, to_do, owner, standing: Standing::Waits });
            }
        };
        let (mut guests, mut claims) = ((0, None::<Timestamp>), (0, None::<Timestamp>));
        for (id, local) in &state.locals {
            let counted = match local.registration {
                Registration::Home
                    if local.contested && self.directory.agreed_main(self.number, id).is_none() =>
                {
                    &mut claims
                }
                Registration::Home | Registration::Previous => continue,
                _ if local.learner.is_none() => &mut guests,
                _ => continue,
            };
            let since = self.view.unmatched_since(self.number, id);
            let oldest = [counted.1, since].into_iter().flatten().min();
            *counted = (counted.0 + 1, oldest);
        }
        waits(UNMATCHED, guests.0, guests.1.map(on));
        waits(CONTESTED, claims.0, claims.1.map(on));
        let doubts = || state.locals.values().filter_map(|local| local.doubt.as_ref());
        waits(REUSED, doubts().count() as u64, doubts().map(|doubt| doubt.since).min().map(on));
        let (questions, since) = matches::asked_of(self.directory, self.number);
        waits(ASKED, questions, since.map(on));
        let (for_host, for_home) = self.waiting_sides;
        waits(FOR_HOST, for_host, None);
        waits(FOR_HOME, for_home, None);
        let (unanswered, since) = self.directory.copies().unanswered(self.number);
        waits(UNANSWERED, unanswered, since.map(on));
        let (waiting, since) = self.view.waiting(self.number);
        let late = since.filter(|at| self.now.micros() - at.micros() > SILENT_US);
        waits(NOT_TAKEN, late.map_or(0, |_| waiting), late.map(on));
        let (aside, since) = self.view.set_aside(self.number, self.now);
        waits(SET_ASIDE, aside, since.map(on));
        let (in_vain, since) = self.view.told_in_vain(self.number, self.now);
        waits(TOLD_IN_VAIN, in_vain, since.map(on));
        let agents: Vec<_> = self
            .directory
            .agents()
            .filter(|(_, agent)| agent.institution == self.number && agent.revoked.is_none())
            .collect();
        waits(NO_AGENT, u64::from(agents.is_empty()), None);
        let said = self.view.said(self.number);
        let (mut silent, mut unheard) = (Vec::new(), 0);
        for (id, _) in &agents {
            // What an agent told another node, or this one before it started, is known from the log alone, which names no
            // agent: of several, one that speaks speaks for all.
            let here = self.shared.contacts.last(**id);
            let last = here.max(said);
            match last.filter(|at| self.now.micros() - at.micros() <= SILENT_US) {
                Some(_) => {}
                None if here.is_some() => silent.extend(last),
                None => unheard += 1,
            }
        }
        waits(SILENT, silent.len() as u64, silent.into_iter().min().map(on));
        waits(NOT_HEARD, unheard, said.map(on));
        all
    }
}
