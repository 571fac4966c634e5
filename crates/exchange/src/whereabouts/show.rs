//! The board as a person may see it: decided learner by learner, in the log before it is handed out.
//!
//! A learner is on it whose card's identity and presence of today the policies let the person see, for the purpose of
//! attendance. A host is told nothing of where else a visitor was seen. A live board has an entry when it shows somebody
//! whom the last one did not name, or when that is some minutes old.

mod alarms;
mod page;
mod words;

pub(crate) use page::{away_of, visitors_of};

use super::{
    BoardAsk, BoardSeen, ConflictSeen, HostSeen, LessonSeen, LineSeen, Looks, Proposals, Whereabouts, codes,
    seen::Ring,
};
use crate::{
    Exchange,
    by_learner::BOARD,
    directory::Directory,
    office::Acting,
    projection::{lock, look},
    reading::{ReadError, TRIES, card},
    rooms::{Shown, called, policy_hash},
    submit,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{PersonId, Purpose, Role, Slug, Timestamp, record::attendance::Physical};
use commonroll_policy::{CardFacts, Matter, PersonPermit, PersonQuestion};
use commonroll_views::whereabouts::{AlertKey, Expectation, Id, State};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Learners of one board at most.
const LEARNERS_MAX: usize = 2_000;
/// For so long an entry covers what a live board shows.
const COVERS_US: i64 = 600_000_000;

/// Whom the newest entry of each person's board names, and when it was made.
#[derive(Default)]
pub(crate) struct Covered(HashMap<Whose, Covers>);

/// Whose board, in which role.
type Whose = (PersonId, Role, BoardAsk);

/// What an entry said: when, by which law, of whom.
struct Covers {
    at: Timestamp,
    law: String,
    learners: BTreeSet<u32>,
}

impl Covered {
    fn covers(&self, whose: Whose, law: &str, learners: &BTreeSet<u32>, now: Timestamp) -> bool {
        self.0.get(&whose).is_some_and(|shown| {
            shown.is_fresh(now) && shown.law == law && learners.is_subset(&shown.learners)
        })
    }

    fn put(&mut self, whose: Whose, law: String, learners: BTreeSet<u32>, now: Timestamp) {
        self.0.retain(|_, shown| shown.is_fresh(now));
        self.0.insert(whose, Covers { at: now, law, learners });
    }
}

impl Covers {
    fn is_fresh(&self, now: Timestamp) -> bool {
        (0..COVERS_US).contains(&(now.micros() - self.at.micros()))
    }
}

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
    /// The whereabouts board of a person's institution: its own learners at partners, or visitors, as far as the person may
    /// see them. Its entry is durable first; a live board needs a new one only for somebody new.
    ///
    /// # Errors
    /// [`ReadError`]; nothing was handed out then. `Unavailable`, too, on a node that opened no views.
    pub async fn board(
        &self,
        acting: Acting<'_>,
        ask: BoardAsk,
        now: Timestamp,
    ) -> Result<BoardSeen, ReadError> {
        self.ready_for(acting, "board.slowed", now).await?;
        for _ in 0..TRIES {
            match self.board_once(acting, ask, now).await {
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
        ask: BoardAsk,
        now: Timestamp,
    ) -> Result<Option<BoardSeen>, ReadError> {
        let shared = self.shared.clone();
        let views = shared.views.get().ok_or(ReadError::Unavailable)?;
        let _leaving = shared.leaving.read().await;
        let (moment, seen, shown, more) = {
            let directory = shared.directory();
            directory.in_role(acting.speaker.id(), acting.role)?;
            let whereabouts = look(&views.whereabouts);
            let (seen, shown) = compose(&directory, &whereabouts, acting, ask, now)?;
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

/// One learner of a board, in the lesson that counts, with what is said of it.
struct Row {
    of: Expectation,
    looks: Looks,
    words: String,
}

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
    ask: BoardAsk,
    now: Timestamp,
) -> Result<(BoardSeen, Shown), NotAllowed> {
    let own = acting.speaker.number;
    let state = directory.institution(own).ok_or(NotAllowed::Denied)?;
    if !could(directory, acting, ask, now) {
        return Err(NotAllowed::Denied);
    }
    let desk = Desk { directory, board, acting, ask, zone: state.zone.clone(), now };
    let all = match ask {
        BoardAsk::Away => board.board.of_home(own),
        BoardAsk::Visitors => board.board.of_host(own),
    };
    let mut of: BTreeMap<u32, Vec<(Expectation, State)>> = BTreeMap::new();
    all.into_iter().for_each(|line| of.entry(line.0.learner).or_default().push(line));
    let (mut rows, mut shown): (Vec<(u8, Row)>, _) = (Vec::with_capacity(of.len()), Shown::default());
    for (learner, lines) in of {
        let Some(permit) = permit(directory, acting, learner, now) else { continue };
        take(&mut shown, learner, &permit);
        if let Some((of, state)) = desk.counts_now(lines) {
            let (looks, words) = desk.said(&of, &state);
            rows.push((state.urgency(), Row { of, looks, words }));
        }
    }
    rows.sort_by_key(|(urgency, row)| (row.looks, *urgency, row.of.time.start(), row.of.id()));
    let more = rows.len() > LEARNERS_MAX;
    rows.truncate(LEARNERS_MAX);
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    if more {
        shown.learners = rows.iter().map(|row| row.of.learner).collect();
    }
    let mut counts: BTreeMap<Looks, u32> = BTreeMap::new();
    rows.iter().for_each(|row| *counts.entry(row.looks).or_default() += 1);
    let date = now.date_in(&state.zone);
    let session = match ask {
        BoardAsk::Away => codes::session(state, date, now),
        BoardAsk::Visitors => None,
    };
    let (alarms, found) = (desk.alarms(&shown.learners), desk.found(&shown.learners, date));
    let (misfits, more_misfits) = desk.misfits(&mut shown);
    let hosts = desk.hosts(rows, session.as_ref().map(|(_, window)| window));
    let proposals = session.map(|(session, _)| desk.proposals(session, &hosts));
    let seen = BoardSeen {
        ask,
        institution: (state.info.slug.clone(), state.info.name.clone()),
        date,
        time_zone: state.info.time_zone.clone(),
        at: now,
        complete: board.complete,
        counts,
        alarms,
        misfits,
        found,
        hosts,
        proposals,
        policy: policy_hash(directory),
        more: more || more_misfits,
    };
    Ok((seen, shown))
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

    fn hosts(
        &self,
        rows: Vec<Row>,
        window: Option<&commonroll_core::attendance::SessionWindow>,
    ) -> Vec<HostSeen> {
        let mut of: BTreeMap<u16, Vec<LineSeen>> = BTreeMap::new();
        for Row { of: expectation, looks, words } in rows {
            let proposal = window.and_then(|window| {
                self.board.proposal(window, expectation.learner, expectation.home, self.now)
            });
            of.entry(expectation.site).or_default().push(LineSeen {
                learner: expectation.learner,
                name: self.name(expectation.learner),
                home: (self.ask == BoardAsk::Visitors).then(|| self.named(expectation.home)),
                looks,
                words,
                lesson: self.lesson(&expectation),
                proposal,
            });
        }
        let open: Vec<AlertKey> = self.board.board.open_alerts().map(|(alert, _)| alert.key).collect();
        let late = |site: u16| {
            let own = |lesson: u64| self.board.expected_at(site, Some(lesson), self.own()).next().is_some();
            let overdue = open.iter().filter(|key| match key {
                AlertKey::Register { site: at, lesson } => *at == site && own(*lesson),
                _ => false,
            });
            u32::try_from(overdue.count()).unwrap_or(u32::MAX)
        };
        let host = |(site, lines): (u16, Vec<LineSeen>)| {
            let (slug, name) = self.named(site);
            let ring = self.ring(site).unwrap_or_else(|| Ring {
                name: name.clone(),
                phone: String::new(),
                desk: String::new(),
            });
            HostSeen {
                slug,
                name,
                ring,
                heard: self.board.heard.get(&site).copied(),
                silent: open.contains(&AlertKey::SourceSilent { site }),
                registers_late: late(site),
                lines,
            }
        };
        of.into_iter().map(host).collect()
    }

    fn proposals(&self, session: super::Session, hosts: &[HostSeen]) -> Proposals {
        let mut proposals =
            Proposals { session, clear: BTreeMap::new(), conflicts: Vec::new(), rules: codes::RULES };
        for (host, line) in hosts.iter().flat_map(|host| host.lines.iter().map(move |line| (host, line))) {
            let Some(proposal) = &line.proposal else { continue };
            if let Some(host_says) = self.disagrees(line.learner) {
                proposals.conflicts.push(ConflictSeen {
                    learner: line.learner,
                    name: line.name.clone(),
                    home: "absence expected",
                    host: host_says,
                    at: (host.slug.clone(), host.name.clone()),
                    proposal: proposal.clone(),
                });
            } else if proposal.clear {
                *proposals.clear.entry(proposal.rule).or_default() += 1;
            }
        }
        proposals
    }

    /// What a host saw of a learner whom a notice says to be absent at that time.
    fn disagrees(&self, learner: u32) -> Option<&'static str> {
        let told = self.board.told.get(&learner)?;
        let excused = |id: &Id| {
            self.board.expected.get(id).is_some_and(|of| {
                told.excuses
                    .iter()
                    .any(|(site, time, _)| site.is_none_or(|site| site == id.site) && time.overlaps(of.time))
            })
        };
        let seen = told
            .marks
            .iter()
            .find(|(id, mark)| matches!(mark.physical, Physical::Present | Physical::Late) && excused(id));
        seen.map(|(_, mark)| codes::seen_as(mark.physical))
    }
}
