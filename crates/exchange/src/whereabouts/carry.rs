//! What a home decided of its session codes, on its way to the home's own agent, and what its register system said of it.
//!
//! There is no cursor: what the agent has not answered is handed out again, so nothing is lost by a restart of either side, and
//! a repeat changes nothing, since each decision has its revision. The decision's entry is durable before anything leaves. Each
//! one is looked at again at that moment: policy must let the host's word reach this home, and today's marks must still bear
//! the code; of a day that is over, a mark by which it was decided must stand unchanged. What has left and is not borne any
//! more is a person's to decide anew; it is never changed by itself. That the home's own mark stays is told in any case.

use super::{
    Session, Whereabouts,
    accept::said,
    behind::{Behind, Seen, decided_by},
    codes::{self, Open},
    desk::FILE_DAYS,
    settle::PRESENCE,
};
use crate::{
    Exchange,
    decide::{self, Subject},
    directory::{
        Directory, InstitutionState,
        change::Change,
        codes::{Carriage, Carried, Decided, SessionCodes, SessionId},
    },
    entry::Circumstances,
    notices::Outgoing,
    projection::lock,
    submit_with,
    types::{FeedError, NotAllowed, Speaker},
    withdrawal::AnswerError,
    writer::Work,
};
use commonroll_core::{LocalId, RecordId, RecordKind, Revision, SchoolDate, Slug, Timestamp};
use std::{collections::BTreeMap, fmt};

/// Codes handed out at once.
const CODES_MAX: usize = 4_000;
/// Marks named beside one code.
const MARKS_MAX: usize = 64;

/// A decided code as it leaves for the home's agent.
#[derive(Clone, PartialEq, Eq)]
pub struct OutCode {
    /// The learner by the home's id. Personal.
    pub learner: LocalId,
    /// The school date.
    pub date: SchoolDate,
    /// False for the morning's session.
    pub afternoon: bool,
    /// The decision's revision.
    pub revision: Revision,
    /// The code; empty where the home's own mark stays.
    pub code: String,
    /// Minutes late to carry.
    pub minutes_late: Option<u32>,
    /// Whose lesson it was.
    pub host: Slug,
    /// Marks by which the learner was seen, at the revisions that stand now: record and revision.
    pub evidence: Vec<(RecordId, Revision)>,
    /// When it was decided.
    pub at: Timestamp,
}

/// What became of one decided code, as the home's agent says.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeAnswer {
    /// The learner by the home's id. Personal.
    pub learner: LocalId,
    /// The school date.
    pub date: SchoolDate,
    /// False for the morning's session.
    pub afternoon: bool,
    /// The decision's revision.
    pub revision: u32,
    /// What became of it.
    pub how: Carriage,
    /// What the register system said.
    pub words: String,
}

impl fmt::Debug for OutCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutCode(revision {}, ..)", self.revision)
    }
}

impl fmt::Debug for CodeAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeAnswer({:?}, ..)", self.how)
    }
}

impl Exchange {
    /// What the speaker's institution decided of its session codes and its agent has not taken yet, oldest first.
    ///
    /// # Errors
    /// [`FeedError`]; `Unavailable`, too, on a node that opened no views.
    pub async fn session_codes(&self, speaker: &Speaker, now: Timestamp) -> Result<Vec<OutCode>, FeedError> {
        self.speaker(speaker.agent)?;
        if !self.shared.is_current() {
            self.shared.follow().await.map_err(|_| FeedError::Unavailable)?;
        }
        if !waits(&self.shared.directory(), speaker.number, now) {
            return Ok(Vec::new());
        }
        let views = self.shared.views.get().ok_or(FeedError::Unavailable)?;
        // A mark that was taken back a moment ago bears nothing.
        if !crate::views::catch_up(&self.shared, now).await {
            return Err(FeedError::Unavailable);
        }
        let state = self.shared.directory().institution(speaker.number).map(|state| state.zone.clone());
        let Some(zone) = state else { return Ok(Vec::new()) };
        let today = now.date_in(&zone);
        let is_waiting = |id: &SessionId, one: &Decided| {
            today.days() - id.date.days() <= FILE_DAYS && one.carried.is_none()
        };
        let behind = self.behind(speaker.number, today, is_waiting).await;
        let behind = behind.map_err(|_| FeedError::Unavailable)?;
        // Whoever follows a change waits until what was decided before it has left.
        let _leaving = self.shared.leaving.read().await;
        let directory = self.shared.directory();
        directory.speaker(speaker.agent)?;
        let Some(state) = directory.institution(speaker.number) else { return Ok(Vec::new()) };
        let board = lock(&views.whereabouts);
        let leaving = Leaving {
            directory: &directory,
            board: &board,
            behind: &behind,
            home: speaker.number,
            state,
            now,
        };
        let mut codes = leaving.all();
        codes.sort_by(|a, b| (a.at, &a.learner, a.afternoon).cmp(&(b.at, &b.learner, b.afternoon)));
        codes.truncate(CODES_MAX);
        Ok(codes)
    }

    /// Takes what became of decided codes in the home's outbox and register system: one entry for each session. Gives how
    /// many answers changed something; of a decision that was made anew since, none does.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub async fn answer_session_codes(
        &self,
        speaker: &Speaker,
        answers: Vec<CodeAnswer>,
        now: Timestamp,
    ) -> Result<usize, AnswerError> {
        self.speaker(speaker.agent)?;
        let mut sessions: BTreeMap<SessionId, Vec<CodeAnswer>> = BTreeMap::new();
        for answer in answers {
            let id = SessionId { home: speaker.number, date: answer.date, afternoon: answer.afternoon };
            sessions.entry(id).or_default().push(answer);
        }
        let mut taken = 0;
        for (id, answers) in sessions {
            if !self.shared.directory().codes().get(&id).is_some_and(|held| news(held, &answers)) {
                continue;
            }
            let agent = speaker.agent;
            let planned = submit_with(&self.shared, speaker.institution.as_str(), now, move |work| {
                work.planner.directory.speaker(agent)?;
                Ok::<_, NotAllowed>(take(work, &id, &answers, now))
            });
            taken += planned.await.map_err(|_| AnswerError::Unavailable)??;
        }
        Ok(taken)
    }
}

/// True if something was decided lately that the home's agent has not answered.
fn waits(directory: &Directory, home: u16, now: Timestamp) -> bool {
    let Some(state) = directory.institution(home) else { return false };
    let today = now.date_in(&state.zone);
    codes::keeps_register(state.info.kind)
        && directory.codes().of(home).any(|session| {
            today.days() - session.id.date.days() <= FILE_DAYS
                && session.of.iter().any(|one| one.carried.is_none())
        })
}

/// What may leave for a home at a moment.
struct Leaving<'a> {
    directory: &'a Directory,
    board: &'a Whereabouts,
    behind: &'a Behind,
    home: u16,
    state: &'a InstitutionState,
    now: Timestamp,
}

impl Leaving<'_> {
    fn all(&self) -> Vec<OutCode> {
        let today = self.now.date_in(&self.state.zone);
        let open = codes::begun(self.state, today, self.now);
        let mut found = Vec::new();
        for session in self.directory.codes().of(self.home) {
            let id = &session.id;
            let is_today = id.date == today;
            if today.days() - id.date.days() > FILE_DAYS || (is_today && !self.board.complete) {
                continue;
            }
            let open =
                open.iter().find(|one| is_today && (one.session == Session::Afternoon) == id.afternoon);
            let waiting = session.of.iter().filter(|one| one.carried.is_none());
            found.extend(waiting.filter_map(|one| self.out(id, one, self.beside(open, id.date, one)?)));
        }
        found
    }

    /// The marks that a decision leaves beside; `None` if it may not leave.
    fn beside(&self, open: Option<&Open>, date: SchoolDate, one: &Decided) -> Option<Vec<Seen>> {
        // The home's word about its own register says nothing of a host's: what was proposed by these marks is taken back.
        if one.code.is_empty() {
            return Some(decided_by(one).collect());
        }
        let marks = match open {
            Some(open) => self.board.bearing(self.directory, (open, one), self.home, self.now)?,
            None => self.behind.of(self.directory, one)?,
        };
        self.is_permitted(date, one).then_some(marks)
    }

    /// Whether policy lets what the host saw that day reach this home, of somebody who is still the home's own.
    fn is_permitted(&self, date: SchoolDate, one: &Decided) -> bool {
        let number = self.directory.local(self.home, &one.local).and_then(|local| local.learner);
        let at_host = number.and_then(|number| {
            self.directory.known_at(number).find(|(at, _)| *at == one.host).map(|(_, local)| local.clone())
        });
        let Some(learner) = at_host else { return false };
        let circumstances = Circumstances { learner, group: None, date, at: None };
        let kind = RecordKind::Attendance;
        let subject = Subject {
            source: one.host,
            kind,
            confidential: false,
            corrects: false,
            circumstances: &circumstances,
        };
        let placed = decide::place(self.directory, &subject);
        let permit = decide::leave(self.directory, &subject, placed, self.home, self.now);
        permit.is_ok_and(|(permit, local)| permit.lets_out(PRESENCE) && local == one.local)
    }

    fn out(&self, id: &SessionId, one: &Decided, marks: Vec<Seen>) -> Option<OutCode> {
        let host = self.directory.institution(one.host)?.info.slug.clone();
        let mark = |(id, revision)| Some((id, Revision::new(revision).ok()?));
        let evidence = marks.into_iter().filter_map(mark).take(MARKS_MAX);
        Some(OutCode {
            learner: one.local.clone(),
            date: id.date,
            afternoon: id.afternoon,
            revision: Revision::new(one.revision).ok()?,
            code: one.code.clone(),
            minutes_late: one.minutes_late,
            evidence: evidence.collect(),
            host,
            at: one.at,
        })
    }
}

/// True if an answer says more of a decision that stands than was known.
fn is_news(one: &Decided, answer: &CodeAnswer) -> bool {
    let rank = |how| match how {
        Carriage::Outbox | Carriage::ByHand => 1,
        Carriage::Applied | Carriage::Refused | Carriage::Kept => 2,
    };
    let known = one.carried.as_ref();
    one.local == answer.learner
        && one.revision == answer.revision
        && known.is_none_or(|known| {
            (known.how, &known.words) != (answer.how, &answer.words) && rank(known.how) <= rank(answer.how)
        })
}

fn news(held: &SessionCodes, answers: &[CodeAnswer]) -> bool {
    answers.iter().any(|answer| held.of.iter().any(|one| is_news(one, answer)))
}

/// In the writer: the session with what became of its codes.
fn take(work: &mut Work<'_>, id: &SessionId, answers: &[CodeAnswer], now: Timestamp) -> usize {
    let Some(held) = work.planner.directory.codes().get(id) else { return 0 };
    let mut session = SessionCodes { told: true, ..held.clone() };
    let mut taken = 0;
    for answer in answers {
        for one in session.of.iter_mut().filter(|one| is_news(one, answer)) {
            one.carried = Some(Carried { how: answer.how, at: now, words: answer.words.clone() });
            taken += 1;
        }
    }
    if taken > 0 {
        let more = said(work.planner.directory, &session, serde_json::json!({ "count": taken }));
        let change = Change::Codes { session: Box::new(session) };
        work.planner.directory.apply(&change);
        work.outgoing.push(Outgoing::Erased { change, more });
    }
    taken
}
