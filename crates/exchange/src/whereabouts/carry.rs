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
    projection::look,
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
/// Decisions that policy is asked about before others have their turn.
const SLICE: usize = 200;
/// So often what became of one code may be another than before; from then on once in so long.
const CHANGES_MAX: u32 = 10;
const CHANGE_APART_US: i64 = 3_600_000_000;

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
        let mut borne = {
            let directory = self.shared.directory();
            let Some(state) = directory.institution(speaker.number) else { return Ok(Vec::new()) };
            let board = look(&views.whereabouts);
            let home = speaker.number;
            Leaving { directory: &directory, board: &board, behind: &behind, home, state, now }.all()
        };
        borne.sort_by(|a, b| (a.at, &a.local, a.id.afternoon).cmp(&(b.at, &b.local, b.id.afternoon)));
        // Neither the board nor the directory is held while policy is asked about all of them: others wait for both.
        let mut codes = Vec::new();
        for some in borne.chunks(SLICE) {
            {
                let directory = self.shared.directory();
                directory.speaker(speaker.agent)?;
                codes.extend(some.iter().filter_map(|one| one.out(&directory, now)));
            }
            if codes.len() >= CODES_MAX {
                break;
            }
            tokio::task::yield_now().await;
        }
        codes.truncate(CODES_MAX);
        Ok(codes)
    }

    /// Takes what became of decided codes in the home's outbox and register system: one entry for each session. Gives how
    /// many answers changed something; of a decision that was made anew since, none does.
    ///
    /// # Errors
    /// [`AnswerError`]; `TooOften` where the word about a code changes for the eleventh time and more within the hour, when all
    /// other answers are taken.
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
        let (mut taken, mut too_often) = (0, false);
        for (id, answers) in sessions {
            let (news, often) = {
                let directory = self.shared.directory();
                let Some(held) = directory.codes().get(&id) else { continue };
                (news(held, &answers, now), too_much(held, &answers, now))
            };
            too_often |= often;
            if !news {
                continue;
            }
            let agent = speaker.agent;
            let planned = submit_with(&self.shared, speaker.institution.as_str(), now, move |work| {
                work.planner.directory.speaker(agent)?;
                Ok::<_, NotAllowed>(take(work, &id, &answers, now))
            });
            taken += planned.await.map_err(|_| AnswerError::Unavailable)??;
        }
        if too_often { Err(AnswerError::TooOften) } else { Ok(taken) }
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

/// A decision that marks bear at this moment, before policy was asked.
struct Borne {
    home: u16,
    id: SessionId,
    /// Its place among the session's decisions.
    place: usize,
    local: LocalId,
    revision: u32,
    at: Timestamp,
    marks: Vec<Seen>,
}

/// What marks bear of a home's decisions at a moment.
struct Leaving<'a> {
    directory: &'a Directory,
    board: &'a Whereabouts,
    behind: &'a Behind,
    home: u16,
    state: &'a InstitutionState,
    now: Timestamp,
}

impl Leaving<'_> {
    fn all(&self) -> Vec<Borne> {
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
            let waiting = session.of.iter().enumerate().filter(|(_, one)| one.carried.is_none());
            found.extend(waiting.filter_map(|(place, one)| {
                let marks = self.beside(open, one)?;
                let (local, revision, at) = (one.local.clone(), one.revision, one.at);
                Some(Borne { home: self.home, id: *id, place, local, revision, at, marks })
            }));
        }
        found
    }

    /// The marks that a decision leaves beside; `None` if it may not leave.
    fn beside(&self, open: Option<&Open>, one: &Decided) -> Option<Vec<Seen>> {
        // The home's word about its own register says nothing of a host's: what was proposed by these marks is taken back.
        if one.code.is_empty() {
            return Some(decided_by(one).collect());
        }
        match open {
            Some(open) => self.board.bearing(self.directory, (open, one), self.home, self.now),
            None => self.behind.of(self.directory, one),
        }
    }
}

impl Borne {
    /// The code as it leaves; `None` if policy withholds it, or it was decided anew or answered since.
    fn out(&self, directory: &Directory, now: Timestamp) -> Option<OutCode> {
        let one = directory.codes().get(&self.id)?.of.get(self.place)?;
        let stands = one.local == self.local && one.revision == self.revision && one.carried.is_none();
        let may_leave = stands && (one.code.is_empty() || self.is_permitted(directory, one, now));
        may_leave.then(|| self.written(directory, one))?
    }

    /// Whether policy lets what the host saw that day reach this home, of somebody who is still the home's own.
    fn is_permitted(&self, directory: &Directory, one: &Decided, now: Timestamp) -> bool {
        let number = directory.local(self.home, &one.local).and_then(|local| local.learner);
        let at_host = number.and_then(|number| {
            directory.known_at(number).find(|(at, _)| *at == one.host).map(|(_, local)| local.clone())
        });
        let Some(learner) = at_host else { return false };
        let circumstances = Circumstances { learner, group: None, date: self.id.date, at: None };
        let kind = RecordKind::Attendance;
        let subject = Subject {
            source: one.host,
            kind,
            confidential: false,
            corrects: false,
            circumstances: &circumstances,
        };
        let placed = decide::place(directory, &subject);
        let permit = decide::leave(directory, &subject, placed, self.home, now);
        permit.is_ok_and(|(permit, local)| permit.lets_out(PRESENCE) && local == one.local)
    }

    fn written(&self, directory: &Directory, one: &Decided) -> Option<OutCode> {
        let host = directory.institution(one.host)?.info.slug.clone();
        let mark = |(id, revision): &Seen| Some((*id, Revision::new(*revision).ok()?));
        let evidence = self.marks.iter().filter_map(mark).take(MARKS_MAX);
        Some(OutCode {
            learner: one.local.clone(),
            date: self.id.date,
            afternoon: self.id.afternoon,
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

/// True if a word about a code that has changed so often waits for its time: an agent that changes it without end would fill
/// the log, since each change says the whole session anew.
fn is_too_often(one: &Decided, now: Timestamp) -> bool {
    one.carried.as_ref().is_some_and(|known| {
        known.changes >= CHANGES_MAX && now.micros() - known.at.micros() < CHANGE_APART_US
    })
}

fn news(held: &SessionCodes, answers: &[CodeAnswer], now: Timestamp) -> bool {
    let is_taken = |one: &Decided, answer| is_news(one, answer) && !is_too_often(one, now);
    answers.iter().any(|answer| held.of.iter().any(|one| is_taken(one, answer)))
}

fn too_much(held: &SessionCodes, answers: &[CodeAnswer], now: Timestamp) -> bool {
    let waits = |one: &Decided, answer| is_news(one, answer) && is_too_often(one, now);
    answers.iter().any(|answer| held.of.iter().any(|one| waits(one, answer)))
}

/// In the writer: the session with what became of its codes.
fn take(work: &mut Work<'_>, id: &SessionId, answers: &[CodeAnswer], now: Timestamp) -> usize {
    let Some(held) = work.planner.directory.codes().get(id) else { return 0 };
    let mut session = SessionCodes { told: true, ..held.clone() };
    let mut taken = 0;
    for answer in answers {
        for one in session.of.iter_mut().filter(|one| is_news(one, answer) && !is_too_often(one, now)) {
            let changes = one.carried.as_ref().map_or(0, |known| known.changes.saturating_add(1));
            one.carried = Some(Carried { how: answer.how, at: now, words: answer.words.clone(), changes });
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
