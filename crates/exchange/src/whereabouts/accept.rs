//! Decisions of a home's attendance officer on session codes: all clear ones at once, the others one by one.
//!
//! Everything is looked at again in the log's writer: that the person still may, that nobody has decided meanwhile, and that
//! a host's mark still stands behind a code that says where somebody was. The codes lie in the payload of one entry, which
//! names the learners by number. The home's register system is written by the home: this is what a person at home decided.

use super::{
    Session,
    behind::decided_by,
    codes::Open,
    desk::{CodeSeen, CodeStands, Table, bears, officer},
    show,
};
use crate::{
    Exchange,
    by_learner::{CARRIED, DECIDED, Unread, naming, notes_of},
    directory::{
        Directory,
        change::{Bytes16, Change, PersonUuid, unhex},
        codes::{Decided, SessionCodes},
    },
    duty::gone::{self, NotYet},
    entry::Note,
    notices::Outgoing,
    office::{Acting, Actor, LawError},
    projection::look,
    shared::Shared,
    submit_with,
    types::NotAllowed,
    writer::Work,
};
use commonroll_audit::hash::Hash;
use commonroll_core::{Invalid, LocalId, RecordId, SchoolDate, Timestamp, record::Text};
use std::{collections::BTreeSet, sync::Arc};

/// Characters of a reason at most.
const REASON_MAX: usize = 200;
/// Learners of one acceptance at most.
const LEARNERS_MAX: usize = 2_000;

/// What a person at home decides for one learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Attended elsewhere: `B`. Needs a host that saw the learner.
    Elsewhere,
    /// Late, after the register closed: `U`. Needs a host that saw the learner arrive then.
    LateAfterClose,
    /// Absent, and why isn't known yet: `N`.
    Absent,
    /// What the home's own register says stays.
    Keep,
}

impl Choice {
    /// The code; empty for what stays.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Elsewhere => "B",
            Self::LateAfterClose => "U",
            Self::Absent => "N",
            Self::Keep => "",
        }
    }

    /// By its name in a form: `B`, `U`, `N` or `keep`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "B" => Self::Elsewhere,
            "U" => Self::LateAfterClose,
            "N" => Self::Absent,
            "keep" => Self::Keep,
            _ => return None,
        })
    }
}

impl Exchange {
    /// Accepts the proposals for these learners of a session of today, as far as they are still clear: who isn't any more,
    /// and who was decided meanwhile, is left for a person. One entry. Gives how many were accepted.
    ///
    /// # Errors
    /// [`LawError`].
    pub async fn accept_clear(
        &self,
        acting: Acting<'_>,
        (date, session): (SchoolDate, Session),
        learners: &BTreeSet<u32>,
        now: Timestamp,
    ) -> Result<usize, LawError> {
        if learners.len() > LEARNERS_MAX {
            return Err(Invalid::new("learner", "are more than a home can have elsewhere at once").into());
        }
        let learners = learners.clone();
        self.decide_codes(acting, (date, session), now, move |table, open, by| {
            let lines = learners.iter().filter_map(|learner| {
                let _seen = show::permit(table.directory, table.acting, *learner, now)?;
                table.line(open, *learner).filter(|line| line.stands == CodeStands::Clear)
            });
            let decided =
                lines.filter_map(|line| made(table, open, &line, (Choice::Elsewhere, ""), by, true));
            Ok(decided.collect())
        })
        .await
    }

    /// Decides one learner's session of today, with a reason: it must be given where home and host disagree, where something
    /// was decided before, and where the home's own mark is to stay.
    ///
    /// # Errors
    /// [`LawError`]; `State` where no host's mark bears the code.
    pub async fn decide_code(
        &self,
        acting: Acting<'_>,
        (date, session): (SchoolDate, Session),
        (learner, choice): (u32, Choice),
        reason: &str,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let reason = Text::parse("reason", reason, REASON_MAX)
            .map_err(|_| Invalid::new("reason", "must be at most 200 characters of plain text"))?;
        let decided = self.decide_codes(acting, (date, session), now, move |table, open, by| {
            let seen = show::permit(table.directory, table.acting, learner, now);
            let _seen = seen.ok_or(NotAllowed::Denied)?;
            let line = table.line(open, learner).ok_or(NotAllowed::Denied)?;
            let needs =
                choice == Choice::Keep || matches!(line.stands, CodeStands::Conflict | CodeStands::Decided);
            if needs && reason.is_empty() {
                return Err(Invalid::new("reason", "must say in a few words why").into());
            }
            let seen = !table.board.attended(table.directory, open.time, learner, now).is_empty();
            if !bears(choice.code(), &line.proposal, seen) {
                return Err(LawError::State(
                    "no mark of the host bears that code now; look again, or ring the host",
                ));
            }
            Ok(made(table, open, &line, (choice, reason.as_str()), by, false).into_iter().collect())
        });
        decided.await.map(drop)
    }

    /// In the writer: what a decision comes to, and its one entry.
    async fn decide_codes(
        &self,
        acting: Acting<'_>,
        (date, session): (SchoolDate, Session),
        now: Timestamp,
        decide: impl Fn(&Table<'_>, &Open, PersonUuid) -> Result<Vec<Decided>, LawError> + Send + 'static,
    ) -> Result<usize, LawError> {
        let (actor, shared) = (acting.owned(), self.shared.clone());
        // What was committed before this is on the board when the writer looks at it.
        if !crate::views::catch_up(&shared, now).await {
            return Err(LawError::Unavailable);
        }
        let work = move |work: &mut Work<'_>| plan(work, &shared, &actor, (date, session), now, &decide);
        self.act(acting, "codes.refused", now, work).await
    }
}

fn plan(
    work: &mut Work<'_>,
    shared: &Arc<Shared>,
    actor: &Actor,
    (date, session): (SchoolDate, Session),
    now: Timestamp,
    decide: &impl Fn(&Table<'_>, &Open, PersonUuid) -> Result<Vec<Decided>, LawError>,
) -> Result<usize, LawError> {
    let views = shared.views.get().ok_or(LawError::Unavailable)?;
    let (id, decided) = {
        let directory = &*work.planner.directory;
        officer(directory, actor.acting())?;
        let board = look(&views.whereabouts);
        let table = Table { directory, board: &board, acting: actor.acting(), now };
        if !board.complete {
            return Err(LawError::State("today's marks are still being read; try again in a moment"));
        }
        let open = table.sessions().into_iter().find(|open| open.session == session && open.date == date);
        let Some(open) = open else {
            return Err(LawError::State("that session is not one of today's that have begun"));
        };
        (table.id(&open), decide(&table, &open, PersonUuid(actor.id()))?)
    };
    if decided.is_empty() {
        return Ok(0);
    }
    let count = decided.len();
    let newly: BTreeSet<u32> = decided.iter().map(|one| one.learner).collect();
    let held = work.planner.directory.codes().get(&id).cloned();
    let mut held = held.unwrap_or(SessionCodes { id, of: Vec::new(), gone: false, told: false });
    held.told = false;
    held.of.retain(|one| !decided.iter().any(|new| new.local == one.local));
    held.of.extend(decided);
    held.of.sort_by(|a, b| a.local.cmp(&b.local));
    let mut more = actor.speaker.more(actor.role);
    more["decided"] = naming(&newly);
    more["count"] = count.into();
    make(work, held, more);
    Ok(count)
}

/// Plans a session as it is from now on.
fn make(work: &mut Work<'_>, session: SessionCodes, more: serde_json::Value) {
    work.more = said(work.planner.directory, &session, more);
    work.planner.make(Change::Codes { session: Box::new(session) });
}

/// What the entry of a session says: everybody whom its payload names, by number.
pub(super) fn said(
    directory: &Directory,
    session: &SessionCodes,
    mut more: serde_json::Value,
) -> serde_json::Value {
    let all: BTreeSet<u32> = session.of.iter().map(|one| one.learner).collect();
    more["session"] = session.id.words().into();
    more["home"] = session.id.home.into();
    more["learners"] = naming(&all);
    let home = directory.institution(session.id.home);
    more["recipient"] = home.map(|home| home.info.slug.to_string()).into();
    more
}

fn made(
    table: &Table<'_>,
    open: &Open,
    line: &CodeSeen,
    (choice, reason): (Choice, &str),
    by: PersonUuid,
    together: bool,
) -> Option<Decided> {
    let local = table.local(line.learner)?.clone();
    let held = table.directory.codes().get(&table.id(open)).and_then(|session| session.get(&local));
    let seen = || table.board.attended(table.directory, open.time, line.learner, table.now);
    let (elsewhere, evidence) = match choice {
        Choice::Absent => (false, Vec::new()),
        // Where the home's own mark stays, the home's agent may have proposed another by these, and by those before.
        Choice::Keep => {
            let mut marks = seen();
            let is_new = |(id, _): &(RecordId, u32)| marks.iter().all(|(known, _)| known != id);
            let before: Vec<_> = held.into_iter().flat_map(decided_by).filter(is_new).collect();
            marks.extend(before);
            (false, marks)
        }
        Choice::Elsewhere | Choice::LateAfterClose => (true, seen()),
    };
    Some(Decided {
        revision: held.map_or(1, |held| held.revision.saturating_add(1)),
        local,
        learner: line.learner,
        code: choice.code().to_owned(),
        minutes_late: line.proposal.minutes_late.filter(|_| elsewhere && !evidence.is_empty()),
        rule: line.proposal.rule,
        together,
        host: table.directory.number_of(&line.host.0)?,
        evidence: evidence.into_iter().map(|(id, revision)| (Bytes16(id.0), revision)).collect(),
        by,
        at: table.now,
        reason: reason.to_owned(),
        carried: None,
    })
}

/// Where a decision lies: place, commitment, and of which home and session.
type Place = (u64, Hash, (u64, String));

/// Places of the entries whose payloads hold decisions about a learner by this number, with their commitments and sessions.
pub(crate) async fn places_of(shared: &Shared, learner: u32) -> Result<Vec<Place>, NotYet> {
    let found = notes_of(shared, learner, &[DECIDED, CARRIED]).await.map_err(|Unread| NotYet)?;
    let place = |(seq, note): (u64, Note)| {
        let of = (note.more["home"].as_u64()?, note.more["session"].as_str()?.to_owned());
        Some((seq, unhex(&note.payload).unwrap_or_default(), of))
    };
    Ok(found.into_iter().filter_map(place).collect())
}

/// What was decided of a home's learner goes; all others' decisions of the same sessions are said anew.
pub(crate) fn forget(work: &mut Work<'_>, home: u16, local: &LocalId) {
    let concerned = |session: &&SessionCodes| session.get(local).is_some();
    let of: Vec<SessionCodes> = work.planner.directory.codes().of(home).filter(concerned).cloned().collect();
    for mut session in of {
        session.of.retain(|one| one.local != *local);
        session.told = false;
        // Its own entry, which names those whom its payload still names.
        let more = said(work.planner.directory, &session, serde_json::json!({}));
        let change = Change::Codes { session: Box::new(session) };
        work.planner.directory.apply(&change);
        work.outgoing.push(Outgoing::Erased { change, more });
    }
}

/// True if a payload holds something that was decided of a home's learner.
pub(crate) fn names(session: &SessionCodes, home: u16, local: &LocalId) -> bool {
    session.id.home == home && session.get(local).is_some()
}

/// Sessions whose decisions are kept no longer lose them: entries first.
pub(crate) async fn expire(
    shared: &Arc<Shared>,
    due: impl Fn(&Directory, &SessionCodes) -> Option<SchoolDate>,
    now: Timestamp,
) -> Result<u64, NotYet> {
    let over: Vec<SessionCodes> = {
        let directory = shared.directory();
        let over = |one: &&SessionCodes| due(&directory, one).is_some_and(|until| one.id.date <= until);
        directory.codes().all().filter(over).cloned().collect()
    };
    let mut count = 0;
    for session in over {
        let mut places: BTreeSet<(u64, Hash)> = BTreeSet::new();
        for one in &session.of {
            let of = places_of(shared, one.learner).await?;
            let here = (u64::from(session.id.home), session.id.words());
            places.extend(of.into_iter().filter(|at| at.2 == here).map(|at| (at.0, at.1)));
        }
        let places: Vec<(u64, Hash)> = places.into_iter().collect();
        let planned = submit_with(shared, "hub", now, move |work: &mut Work<'_>| {
            if work.planner.directory.codes().get(&session.id) != Some(&session) {
                return 0;
            }
            let gone = SessionCodes { of: Vec::new(), gone: true, told: false, ..session.clone() };
            make(work, gone, serde_json::json!({}));
            let more = serde_json::json!({ "kind": "session code", "reason": "kept_no_longer" });
            gone::plan(work, &places, true, &more, now);
            session.of.len() as u64
        });
        count += planned.await.map_err(|_| NotYet)?;
    }
    if count > 0 {
        gone::finish(shared, now).await?;
    }
    Ok(count)
}
