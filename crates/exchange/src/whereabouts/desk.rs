//! The attendance officer's desk: a home's sessions of today with what is proposed for each learner and what was decided.
//!
//! The board says what hosts marked; here a person decides what the home's register is to say. Who is on it is decided
//! learner by learner, as on the board, and in the log before it is handed out.

use super::{
    ProposalSeen, Session, Whereabouts,
    behind::Behind,
    codes,
    codes::{Open, seen_as},
    show,
};
use crate::{
    Exchange,
    by_learner::{CODES, EXPORTED, naming},
    directory::{
        Directory,
        codes::{Carriage, Carried, Decided, SessionId},
    },
    office::Acting,
    projection::look,
    reading::ReadError,
    rooms::{called, policy_hash},
    stretch::{Stretch, cut},
    types::NotAllowed,
};
use commonroll_core::{Interval, LocalId, Purpose, Role, SchoolDate, Slug, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// How many days back a file can be had.
pub(super) const FILE_DAYS: i32 = 14;

/// How a learner's session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeStands {
    /// The home said one thing and the host another: a person decides.
    Conflict,
    /// A person at home decides.
    Review,
    /// Absent from every lesson: `N` is proposed, and a person confirms it.
    Absent,
    /// Can be accepted with all other clear ones.
    Clear,
    /// No word from the host, or none that says anything: nothing can be decided yet, a planned `B` is provisional.
    Held,
    /// Decided.
    Decided,
}

/// One learner's session.
#[derive(Clone, PartialEq)]
pub struct CodeSeen {
    /// By the hub's number.
    pub learner: u32,
    /// As the home calls them. Personal.
    pub name: String,
    /// How it stands.
    pub stands: CodeStands,
    /// What is proposed, and by which rule.
    pub proposal: ProposalSeen,
    /// The host: slug and name.
    pub host: (Slug, String),
    /// The host's lesson, when and where.
    pub lesson: (Interval, String),
    /// What the host saw, and when its mark came; `None` without one.
    pub saw: Option<(&'static str, Timestamp)>,
    /// What the home said: an absence that was told beforehand.
    pub home_says: Option<&'static str>,
    /// What was decided.
    pub decided: Option<DecidedSeen>,
}

/// What was decided of a learner's session.
#[derive(Clone, PartialEq, Eq)]
pub struct DecidedSeen {
    /// The code; empty where the home's own mark stays.
    pub code: String,
    /// Minutes late to carry.
    pub minutes_late: Option<u32>,
    /// Who decided, by name.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in their words. Personal.
    pub reason: String,
    /// True if it was accepted with all other clear ones.
    pub together: bool,
    /// True if what the host says now doesn't bear it any more: it is in no file until a person has looked again.
    pub stale: bool,
    /// What became of it on the way into the home's register system, since when, and what that system said. `None` while the
    /// home's agent has not taken it.
    pub carried: Option<Carried>,
}

impl fmt::Debug for CodeSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeSeen({}, {:?}, ..)", self.learner, self.stands)
    }
}

impl fmt::Debug for DecidedSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecidedSeen(..)")
    }
}

/// One session of a home's day.
#[derive(Debug, Clone, PartialEq)]
pub struct CodesOf {
    /// Which.
    pub session: Session,
    /// How many stand how, of all.
    pub counts: BTreeMap<CodeStands, usize>,
    /// Those that can be accepted at once, by the hub's numbers, and how many of them were late.
    pub clear: (BTreeSet<u32>, usize),
    /// The part that was asked for: whom a person has to look at first, then by name.
    pub lines: Vec<CodeSeen>,
}

/// The sessions of a home's day.
#[derive(Debug, Clone, PartialEq)]
pub struct CodesSeen {
    /// Today, there.
    pub date: SchoolDate,
    /// The home: slug and name.
    pub institution: (Slug, String),
    /// False while the day's marks are still being read after a start: nothing can be decided then.
    pub complete: bool,
    /// Those that have begun, in order; none where no statutory register is kept.
    pub sessions: Vec<CodesOf>,
    /// Number and words of each rule.
    pub rules: &'static [(u8, &'static str)],
    /// Hash of the policy set that decided who is shown.
    pub policy: String,
}

/// One row of a file of decided codes.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeRow {
    /// The learner by the home's id. Personal.
    pub local: LocalId,
    /// Which session.
    pub session: Session,
    /// The code.
    pub code: String,
    /// Minutes late.
    pub minutes_late: Option<u32>,
    /// Number of the rule.
    pub rule: u8,
    /// Whose mark spoke, by name.
    pub host: String,
    /// When it was decided.
    pub at: Timestamp,
}

impl fmt::Debug for CodeRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeRow(..)")
    }
}

/// A file of decided codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodesFile {
    /// Of which date.
    pub date: SchoolDate,
    /// By session and learner's id.
    pub rows: Vec<CodeRow>,
    /// How many decisions are left out since what the host says now doesn't bear them, or they can't be checked any more.
    pub left_out: usize,
}

/// Whoever decides codes: an attendance officer, of a home.
pub(super) fn officer(directory: &Directory, acting: Acting<'_>) -> Result<(), NotAllowed> {
    directory.in_role(acting.speaker.id(), acting.role)?;
    if acting.role == Role::AttendanceOfficer { Ok(()) } else { Err(NotAllowed::Denied) }
}

/// A session's marks and decisions, as far as a person may see them.
pub(super) struct Table<'a> {
    pub directory: &'a Directory,
    pub board: &'a Whereabouts,
    pub acting: Acting<'a>,
    pub now: Timestamp,
}

impl Table<'_> {
    pub fn own(&self) -> u16 {
        self.acting.speaker.number
    }

    /// The home's sessions of today that have begun.
    pub fn sessions(&self) -> Vec<Open> {
        let state = self.directory.institution(self.own());
        state.map_or_else(Vec::new, |state| codes::begun(state, self.now.date_in(&state.zone), self.now))
    }

    /// Learners of the home who are taught elsewhere today, or of whom something was decided, and whom the person may see.
    pub fn learners(&self) -> BTreeSet<u32> {
        let all = self.board.board.of_home(self.own());
        let mut all: BTreeSet<u32> = all.into_iter().map(|(of, _)| of.learner).collect();
        let decided =
            self.sessions().into_iter().filter_map(|open| self.directory.codes().get(&self.id(&open)));
        let learner = |one: &Decided| self.directory.local(self.own(), &one.local)?.learner;
        all.extend(decided.flat_map(|session| &session.of).filter_map(learner));
        let seen = |learner: &u32| show::permit(self.directory, self.acting, *learner, self.now).is_some();
        all.into_iter().filter(seen).collect()
    }

    pub fn id(&self, open: &Open) -> SessionId {
        SessionId { home: self.own(), date: open.date, afternoon: open.session == Session::Afternoon }
    }

    pub fn local(&self, learner: u32) -> Option<&LocalId> {
        let known = self.directory.known_at(learner).find(|(at, _)| *at == self.own());
        known.map(|(_, local)| local)
    }

    /// One learner's session; `None` if no lesson elsewhere touches it and nothing was decided of it.
    pub fn line(&self, open: &Open, learner: u32) -> Option<CodeSeen> {
        self.judged(open, learner).or_else(|| self.left(open, learner))
    }

    fn judged(&self, open: &Open, learner: u32) -> Option<CodeSeen> {
        let proposal = self.board.proposal(&open.window, learner, self.own(), self.now)?;
        let of = self.board.lesson_in(open.time, learner, self.own())?;
        let host = &self.directory.institution(of.site)?.info;
        let held = self.board.lessons.get(&(of.site, of.lesson));
        let mark = self.board.told.get(&learner).and_then(|told| told.marks.get(&of.id()));
        let home_says = self.board.absence_told(open.time, learner).then_some("absence expected");
        let seen = self.board.attended(self.directory, open.time, learner, self.now);
        let local = self.local(learner)?;
        let decided = self.directory.codes().get(&self.id(open)).and_then(|session| session.get(local));
        let stands = match (&decided, home_says, proposal.rule) {
            (Some(_), ..) => CodeStands::Decided,
            (None, Some(_), _) if !seen.is_empty() => CodeStands::Conflict,
            (None, _, 3 | 6) => CodeStands::Review,
            (None, None, 4) => CodeStands::Absent,
            (None, None, _) if proposal.clear && !seen.is_empty() => CodeStands::Clear,
            _ => CodeStands::Held,
        };
        Some(CodeSeen {
            learner,
            name: called(self.directory, self.own(), learner).1,
            stands,
            host: (host.slug.clone(), host.name.clone()),
            lesson: (of.time, held.map_or_else(String::new, |held| held.room.clone())),
            saw: mark.map(|mark| (seen_as(mark.physical), mark.at)),
            home_says,
            decided: decided.map(|one| self.decided(one, &proposal, !seen.is_empty())),
            proposal,
        })
    }

    pub fn decided(&self, one: &Decided, proposal: &ProposalSeen, seen: bool) -> DecidedSeen {
        let person = self.directory.person(one.by.0);
        DecidedSeen {
            code: one.code.clone(),
            minutes_late: one.minutes_late,
            by: person.map_or_else(String::new, |person| person.name.clone()),
            at: one.at,
            reason: one.reason.clone(),
            together: one.together,
            stale: !bears(&one.code, proposal, seen),
            carried: one.carried.clone(),
        }
    }
}

/// Whether what hosts say bears a code: the codes that say where somebody was need somebody who saw them there.
pub(super) fn bears(code: &str, proposal: &ProposalSeen, seen: bool) -> bool {
    match code {
        "B" => seen && matches!(proposal.rule, 1 | 2 | 3 | 6),
        "U" => seen && proposal.rule == 3,
        "N" => matches!(proposal.rule, 4 | 6),
        // The home's own mark stays, whatever hosts say.
        _ => true,
    }
}

impl Exchange {
    /// The home's sessions of today: what is proposed for each learner, what was decided, and what waits for a person; of the
    /// morning and of the afternoon the part that is asked for. Its entry names who is shown, and is durable first.
    ///
    /// # Errors
    /// [`ReadError`]; `Unavailable`, too, on a node that opened no views.
    pub async fn codes(
        &self,
        acting: Acting<'_>,
        parts: [Stretch; 2],
        now: Timestamp,
    ) -> Result<CodesSeen, ReadError> {
        self.at_codes(acting, now, |table| Ok(compose(table, parts))).await
    }

    /// The decided codes of a date as rows for the home's own register system. What the host doesn't bear any more is not
    /// in it, of a day that is over neither what rests on a mark that was changed since. Its entry is durable first.
    ///
    /// # Errors
    /// As for [`Exchange::codes`]; a date of more than two weeks ago has no file.
    pub async fn codes_file(
        &self,
        acting: Acting<'_>,
        date: Option<SchoolDate>,
        now: Timestamp,
    ) -> Result<CodesFile, ReadError> {
        let zone = self.shared.directory().institution(acting.speaker.number).map(|state| state.zone.clone());
        let today = now.date_in(&zone.unwrap_or(jiff::tz::TimeZone::UTC));
        let asked = |id: &SessionId, _: &Decided| Some(id.date) == date;
        let behind = self.behind(acting.speaker.number, today, asked).await;
        let behind = behind.map_err(|_| ReadError::Unavailable)?;
        self.at_codes(acting, now, |table| file(table, date, &behind)).await
    }

    /// Looks at the table, writes who was shown, and hands it out if nothing changed meanwhile.
    async fn at_codes<T>(
        &self,
        acting: Acting<'_>,
        now: Timestamp,
        made: impl Fn(&Table<'_>) -> Result<(T, &'static str, BTreeSet<u32>), NotAllowed>,
    ) -> Result<T, ReadError> {
        let views = self.shared.views.get().ok_or(ReadError::Unavailable)?;
        let make = |directory: &Directory| {
            officer(directory, acting)?;
            let board = look(&views.whereabouts);
            let (seen, what, learners) = made(&Table { directory, board: &board, acting, now })?;
            let more = serde_json::json!({
                "role": acting.role, "purpose": Purpose::Attendance, "institution": acting.speaker.institution(),
                "learners": naming(&learners), "count": learners.len(), "kinds": ["attendance", "card"],
                "groups": { "attendance": 0b100, "card": 0b1_0010 }, "policy": policy_hash(directory),
            });
            Ok((seen, (what, more)))
        };
        self.page(acting, ("codes.slowed", "codes.refused"), now, make).await
    }
}

fn compose(
    table: &Table<'_>,
    [morning, afternoon]: [Stretch; 2],
) -> (CodesSeen, &'static str, BTreeSet<u32>) {
    let state = table.directory.institution(table.own());
    let info = state.map(|state| (state.info.slug.clone(), state.info.name.clone()));
    let zone = state.map_or(jiff::tz::TimeZone::UTC, |state| state.zone.clone());
    let learners = table.learners();
    let session = |open: Open| {
        let mut lines: Vec<CodeSeen> =
            learners.iter().filter_map(|learner| table.line(&open, *learner)).collect();
        lines.sort_by(|a, b| (order(a), &a.name, a.learner).cmp(&(order(b), &b.name, b.learner)));
        let mut counts = BTreeMap::new();
        lines.iter().for_each(|line| *counts.entry(line.stands).or_default() += 1);
        let clear = lines.iter().filter(|line| line.stands == CodeStands::Clear);
        let late = clear.clone().filter(|line| line.proposal.rule == 2).count();
        let part = if open.session == Session::Morning { morning } else { afternoon };
        CodesOf {
            session: open.session,
            counts,
            clear: (clear.map(|line| line.learner).collect(), late),
            lines: cut(lines, part),
        }
    };
    let sessions: Vec<CodesOf> = table.sessions().into_iter().map(session).collect();
    let shown = sessions.iter().flat_map(|of| &of.lines).map(|line| line.learner).collect();
    let seen = CodesSeen {
        date: table.now.date_in(&zone),
        institution: info.unwrap_or_else(|| (table.acting.speaker.institution().clone(), String::new())),
        complete: table.board.complete,
        sessions,
        rules: codes::RULES,
        policy: policy_hash(table.directory),
    };
    (seen, CODES, shown)
}

/// Whom a person has to decide comes first, then what went amiss with what was decided.
fn order(one: &CodeSeen) -> u8 {
    let by_hand = |carried: &Carried| matches!(carried.how, Carriage::Refused | Carriage::ByHand);
    let amiss = one.decided.as_ref().is_some_and(|it| it.stale || it.carried.as_ref().is_some_and(by_hand));
    match one.stands {
        CodeStands::Conflict => 0,
        CodeStands::Review => 1,
        CodeStands::Absent => 2,
        CodeStands::Decided if amiss => 3,
        CodeStands::Clear => 4,
        CodeStands::Held => 5,
        CodeStands::Decided => 6,
    }
}

fn file(
    table: &Table<'_>,
    date: Option<SchoolDate>,
    behind: &Behind,
) -> Result<(CodesFile, &'static str, BTreeSet<u32>), NotAllowed> {
    let state = table.directory.institution(table.own()).ok_or(NotAllowed::Denied)?;
    let today = table.now.date_in(&state.zone);
    let date = date.unwrap_or(today);
    if date > today || today.days() - date.days() > FILE_DAYS {
        return Err(NotAllowed::Denied);
    }
    let open: BTreeMap<bool, Open> =
        table.sessions().into_iter().map(|open| (open.session == Session::Afternoon, open)).collect();
    let mut made = CodesFile { date, rows: Vec::new(), left_out: 0 };
    let mut learners = BTreeSet::new();
    for session in table.directory.codes().of(table.own()).filter(|session| session.id.date == date) {
        for one in &session.of {
            let learner = table.directory.local(table.own(), &one.local).and_then(|local| local.learner);
            let Some(learner) = learner else { continue };
            if show::permit(table.directory, table.acting, learner, table.now).is_none() {
                continue;
            }
            let stale = match open.get(&session.id.afternoon).filter(|_| date == today) {
                Some(open) => {
                    let line = table.line(open, learner).and_then(|line| line.decided);
                    line.is_none_or(|decided| decided.stale)
                }
                None => behind.of(table.directory, one).is_none(),
            };
            if stale {
                made.left_out += 1;
                continue;
            }
            if one.code.is_empty() {
                continue;
            }
            learners.insert(learner);
            let host = table.directory.institution(one.host).map(|host| host.info.name.clone());
            made.rows.push(CodeRow {
                local: one.local.clone(),
                session: if session.id.afternoon { Session::Afternoon } else { Session::Morning },
                code: one.code.clone(),
                minutes_late: one.minutes_late,
                rule: one.rule,
                host: host.unwrap_or_default(),
                at: one.at,
            });
        }
    }
    made.rows.sort_by(|a, b| (a.session, &a.local).cmp(&(b.session, &b.local)));
    Ok((made, EXPORTED, learners))
}
