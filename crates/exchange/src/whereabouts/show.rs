//! The board as a person may see it: decided learner by learner, in the log before it is handed out.
//!
//! A learner is on it whose card's identity and presence of today the policies let the person see, for the purpose of
//! attendance. A host is told nothing of where else a visitor was seen. A board comes in parts, the worst first: everybody
//! counts, and the entry names who is on the part that is shown. A live board has an entry when it shows somebody whom none
//! of the last minutes named.

mod alarms;
mod covered;
mod page;
mod rows;
mod words;

pub(crate) use covered::Covered;
pub(crate) use page::{away_of, visitors_of};

use super::{
    BoardAsk, BoardPart, BoardSeen, BoardTotals, LessonSeen, Looks, Proposals, Whereabouts, codes, seen::Ring,
};
use crate::{
    Exchange,
    by_learner::BOARD,
    directory::Directory,
    office::Acting,
    projection::{lock, look},
    reading::{ReadError, TRIES, card},
    rooms::{Shown, called, policy_hash},
    stretch::cut,
    submit,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{Purpose, Slug, Timestamp};
use commonroll_policy::{CardFacts, Matter, PersonPermit, PersonQuestion};
use commonroll_views::whereabouts::{Expectation, State};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// The permit by which a person sees where a learner is today, if policy gives one.
pub(super) fn permit(
    directory: &Directory,
    acting: Acting<'_>,
    learner: u32,
    now: Timestamp,
) -> Option<PersonPermit> {
    let id = acting.speaker.id();
    let person = directory.in_role(id, acting.role).ok()?;
    let (_, local) = directory.known_at(learner).find(|(at, _)| *at == person.institution)?;
    let stands = directory.stands(id, person, local, now)?;
    decide(directory, acting, card::facts_of(directory, acting.role, &stands))
}

fn decide(directory: &Directory, acting: Acting<'_>, facts: CardFacts<'_>) -> Option<PersonPermit> {
    let question = PersonQuestion {
        role: acting.role,
        institution: acting.speaker.institution(),
        purpose: Purpose::Attendance,
        matter: Matter::Card(facts),
    };
    let permit = directory.policies().set()?.decide_person(&question).ok()?;
    (permit.lets_out(card::IDENTITY) && permit.lets_out(card::PRESENCE)).then_some(permit)
}

/// True if somebody in this role could see such a board at all, if anybody were on it.
pub(super) fn could(directory: &Directory, acting: Acting<'_>, ask: BoardAsk, now: Timestamp) -> bool {
    let own = acting.speaker.number;
    let Some(state) = directory.institution(own) else { return false };
    let today = now.date_in(&state.zone);
    let partners = (0u16..).zip(directory.institutions()).filter(|(number, _)| *number != own);
    let facts = |home, placed| CardFacts {
        home: Some(home),
        host_placed: placed,
        teaches: false,
        own: false,
        access_on: false,
        emergency: false,
        agreement: None,
    };
    match ask {
        BoardAsk::Away => decide(directory, acting, facts(&state.info.slug, false)).is_some(),
        BoardAsk::Visitors => partners.into_iter().any(|(home, partner)| {
            let kind = commonroll_core::agreement::ItemKind::Card;
            let agreement = directory.seen_by((own, home), kind, acting.role, today);
            let agreement = agreement.map(|(terms, groups)| commonroll_policy::AgreementInForce {
                id: &terms.id,
                version: terms.version,
                groups,
            });
            decide(directory, acting, CardFacts { agreement, ..facts(&partner.info.slug, true) }).is_some()
        }),
    }
}

/// A learner is on the page, by this permit.
pub(super) fn take(shown: &mut Shown, learner: u32, permit: &PersonPermit) {
    let parts = permit.groups() & (1 << card::IDENTITY | 1 << card::PRESENCE);
    shown.take(learner, parts, permit);
}

/// What the entry of a board says.
pub(super) fn entry(
    directory: &Directory,
    shown: &Shown,
    acting: Acting<'_>,
    ask: BoardAsk,
) -> serde_json::Value {
    let mut more = shown.entry(acting, Purpose::Attendance.as_str(), &policy_hash(directory));
    more["board"] = ask.as_str().into();
    more
}

impl Exchange {
    /// The asked part of the whereabouts board of a person's institution: its own learners at partners, or visitors, as far as
    /// the person may see them. Its entry is durable first; a live board needs a new one only for somebody new.
    ///
    /// # Errors
    /// [`ReadError`]; nothing was handed out then. `Unavailable`, too, on a node that opened no views.
    pub async fn board(
        &self,
        acting: Acting<'_>,
        (ask, part): (BoardAsk, BoardPart),
        now: Timestamp,
    ) -> Result<BoardSeen, ReadError> {
        self.ready_for(acting, "board.slowed", now).await?;
        for _ in 0..TRIES {
            match self.board_once(acting, (ask, part), now).await {
                Ok(Some(seen)) => return Ok(seen),
                Ok(None) => {}
                Err(ReadError::NotAllowed(_)) => return Err(self.page_refused(acting, "board.refused", now)),
                Err(error) => return Err(error),
            }
        }
        Err(ReadError::Unavailable)
    }

    /// `None` if the directory changed before the entry was durable: what was decided may not hold any more.
    async fn board_once(
        &self,
        acting: Acting<'_>,
        (ask, part): (BoardAsk, BoardPart),
        now: Timestamp,
    ) -> Result<Option<BoardSeen>, ReadError> {
        let shared = self.shared.clone();
        let views = shared.views.get().ok_or(ReadError::Unavailable)?;
        let _leaving = shared.leaving.read().await;
        let (moment, seen, shown, more) = {
            let directory = shared.directory();
            directory.in_role(acting.speaker.id(), acting.role)?;
            let whereabouts = look(&views.whereabouts);
            let (seen, shown) = compose(&directory, &whereabouts, acting, (ask, part), now)?;
            let more = entry(&directory, &shown, acting, ask);
            (directory.moment(), seen, shown, more)
        };
        let (key, law) = ((acting.speaker.id(), acting.role, ask), shown.law(&seen.policy));
        if lock(&views.covered).covers(key, &law, &shown.learners, now) {
            return Ok(Some(seen));
        }
        let note = move |work: &mut Work<'_>| work.notes.push((BOARD.to_owned(), more.clone()));
        submit(&shared, &acting.speaker.by(), now, note).await.map_err(|_| ReadError::Unavailable)?;
        if shared.directory().moment() != moment {
            return Ok(None);
        }
        lock(&views.covered).put(key, law, shown.learners, now);
        Ok(Some(seen))
    }
}

/// Who is on a board, each by their permit.
pub(super) type Permits = BTreeMap<u32, PersonPermit>;

/// Everything that a board is put together from.
pub(super) struct Desk<'a> {
    pub directory: &'a Directory,
    pub board: &'a Whereabouts,
    pub acting: Acting<'a>,
    pub ask: BoardAsk,
    pub zone: TimeZone,
    pub now: Timestamp,
}

fn compose(
    directory: &Directory,
    board: &Whereabouts,
    acting: Acting<'_>,
    (ask, part): (BoardAsk, BoardPart),
    now: Timestamp,
) -> Result<(BoardSeen, Shown), NotAllowed> {
    let own = acting.speaker.number;
    let state = directory.institution(own).ok_or(NotAllowed::Denied)?;
    if !could(directory, acting, ask, now) {
        return Err(NotAllowed::Denied);
    }
    let desk = Desk { directory, board, acting, ask, zone: state.zone.clone(), now };
    let date = now.date_in(&state.zone);
    let session = match ask {
        BoardAsk::Away => codes::session(state, date, now),
        BoardAsk::Visitors => None,
    };
    let (rows, mut permits) = desk.rows(session.as_ref().map(|(_, window)| window));
    let mut counts: BTreeMap<Looks, u32> = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(row.looks).or_default() += 1);
    let (alarms, found) = (desk.alarms(&permits), desk.found(&permits, date));
    let misfits = desk.misfits(&mut permits);
    let conflicts = desk.conflicts(&rows);
    let all = BoardTotals {
        alarms: alarms.len(),
        to_find: alarms.iter().filter(|alarm| alarm.learner.is_some()).count(),
        misfits: misfits.len(),
        found: found.len(),
        conflicts: conflicts.len(),
    };
    let hosts = desk.hosts(&rows);
    let clear = desk.clear(&rows);
    let seen = BoardSeen {
        ask,
        institution: (state.info.slug.clone(), state.info.name.clone()),
        date,
        time_zone: state.info.time_zone.clone(),
        at: now,
        complete: board.complete,
        counts,
        all,
        alarms: cut(alarms, part.alarms),
        misfits: cut(misfits, part.misfits),
        found: cut(found, part.found),
        lines: cut(rows, part.lines).into_iter().map(|row| desk.line(row)).collect(),
        hosts,
        proposals: session.map(|(session, _)| Proposals {
            session,
            clear,
            conflicts: cut(conflicts, part.conflicts),
            rules: codes::RULES,
        }),
        policy: policy_hash(directory),
    };
    let mut shown = Shown::default();
    for learner in named(&seen) {
        if let Some(permit) = permits.get(&learner) {
            take(&mut shown, learner, permit);
        }
    }
    Ok((seen, shown))
}

/// Every learner whom a board names.
fn named(seen: &BoardSeen) -> BTreeSet<u32> {
    let alarms = seen.alarms.iter().chain(&seen.misfits).filter_map(|alarm| alarm.learner);
    let conflicts = seen.proposals.iter().flat_map(|proposals| &proposals.conflicts);
    alarms
        .chain(seen.found.iter().map(|found| found.learner))
        .chain(seen.lines.iter().map(|line| line.learner))
        .chain(conflicts.map(|conflict| conflict.learner))
        .collect()
}

impl Desk<'_> {
    fn own(&self) -> u16 {
        self.acting.speaker.number
    }

    pub(super) fn named(&self, number: u16) -> (Slug, String) {
        let info = self.directory.institution(number).map(|state| &state.info);
        info.map_or_else(
            || (self.acting.speaker.institution().clone(), String::new()),
            |info| (info.slug.clone(), info.name.clone()),
        )
    }

    pub(super) fn ring(&self, number: u16) -> Option<Ring> {
        let info = &self.directory.institution(number)?.info;
        Some(Ring { name: info.name.clone(), phone: info.phone.clone(), desk: info.desk.clone() })
    }

    /// As the person's own institution calls the learner.
    pub(super) fn name(&self, learner: u32) -> String {
        called(self.directory, self.own(), learner).1
    }

    pub(super) fn clock(&self, at: Timestamp) -> String {
        let instant = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let local = self.zone.to_datetime(instant);
        format!("{:02}:{:02}", local.hour(), local.minute())
    }

    /// Of a learner's lessons of the day the one that counts: where they are looked for, else the one that runs, else the
    /// next, else the last.
    pub(super) fn counts_now(&self, lines: Vec<(Expectation, State)>) -> Option<(Expectation, State)> {
        let rank = |(of, state): &(Expectation, State)| {
            let (start, end) = (of.time.start().micros(), of.time.end().micros());
            let now = self.now.micros();
            match state {
                State::Unaccounted { since, .. } => (0, since.micros()),
                _ if (start..end).contains(&now) => (1, i64::from(state.urgency())),
                _ if start > now => (2, start),
                _ => (3, -start),
            }
        };
        lines.into_iter().min_by_key(|line| (rank(line), line.0.id()))
    }

    pub(super) fn lesson(&self, of: &Expectation) -> LessonSeen {
        self.meeting(of.site, of.lesson).unwrap_or_else(|| LessonSeen {
            group: String::new(),
            course: (String::new(), String::new()),
            time: of.time,
            room: String::new(),
        })
    }

    fn meeting(&self, site: u16, lesson: u64) -> Option<LessonSeen> {
        let held = self.board.lessons.get(&(site, lesson))?;
        Some(LessonSeen {
            group: held.group.as_str().to_owned(),
            course: self.directory.group_title(site, &held.group).cloned().unwrap_or_default(),
            time: held.time,
            room: held.room.clone(),
        })
    }
}
