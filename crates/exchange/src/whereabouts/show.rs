//! The board as a person may see it: decided learner by learner, in the log before it is handed out.
//!
//! A learner is on it whose card's identity and presence of today the policies let the person see, for the purpose of
//! attendance. A host is told nothing of where else a visitor was seen. A live board has an entry when it shows somebody
//! whom the last one did not name, or when that is some minutes old.

mod page;

pub(crate) use page::{away_of, visitors_of};

use super::{
    AlarmSeen, BoardAsk, BoardSeen, ConflictSeen, FoundSeen, HostSeen, LessonSeen, LineSeen, Looks,
    Proposals, SaidSeen, SentSeen, SentState, ToldSeen, Whereabouts, alerts, codes, seen::Ring,
};
use crate::{
    Exchange,
    by_learner::BOARD,
    directory::{
        Directory,
        alerts::{Alerted, Said},
        change::hex,
        sending::{Channel, Outcome},
    },
    office::Acting,
    projection::lock,
    reading::{ReadError, TRIES, card},
    submit,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{PersonId, Purpose, Role, SchoolDate, Slug, Timestamp, record::attendance::Physical};
use commonroll_policy::{CardFacts, Matter, PersonPermit, PersonQuestion};
use commonroll_views::whereabouts::{AlertKey, Excuse, Expectation, Id, State, Why};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Learners of one board at most.
const LEARNERS_MAX: usize = 2_000;
/// For so long an entry covers what a live board shows.
const COVERS_US: i64 = 600_000_000;

/// Whom the newest entry of each person's board names, and when it was made.
#[derive(Default)]
pub(crate) struct Covered(HashMap<Whose, Shown>);

/// Whose board, in which role.
type Whose = (PersonId, Role, BoardAsk);

/// What an entry said: when, by which law, of whom.
struct Shown {
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
        self.0.insert(whose, Shown { at: now, law, learners });
    }
}

impl Shown {
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

/// Whom a page names, and by what law: for its entry.
#[derive(Default)]
pub(super) struct Named {
    pub policy: String,
    learners: BTreeSet<u32>,
    groups: u32,
    policies: BTreeSet<String>,
    agreements: BTreeSet<String>,
}

impl Named {
    /// Nobody yet, under the policy set of this hash.
    pub fn under(policy: String) -> Self {
        Self { policy, ..Self::default() }
    }

    /// A learner is named, as far as a permit lets these groups out.
    pub fn take(&mut self, learner: u32, permit: &PersonPermit, groups: u32) {
        self.groups |= permit.groups() & groups;
        self.policies.insert(permit.reason().to_owned());
        self.agreements.extend(permit.agreement().map(|(id, version)| format!("{id} v{version}")));
        self.learners.insert(learner);
    }

    /// What decides whether an older entry still covers it.
    fn law(&self) -> String {
        let list = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        format!("{} {} {} {}", self.policy, self.groups, list(&self.policies), list(&self.agreements))
    }

    pub fn entry(&self, acting: Acting<'_>, ask: BoardAsk) -> serde_json::Value {
        let mut stretches: Vec<(u32, u32)> = Vec::new();
        for learner in &self.learners {
            match stretches.last_mut() {
                Some((_, last)) if *learner == *last + 1 => *last = *learner,
                _ => stretches.push((*learner, *learner)),
            }
        }
        serde_json::json!({
            "role": acting.role, "purpose": Purpose::Attendance, "institution": acting.speaker.institution(),
            "board": ask.as_str(), "learners": stretches, "count": self.learners.len(),
            "kinds": ["card"], "groups": { "card": self.groups }, "policy": self.policy,
            "policies": self.policies, "agreements": self.agreements,
        })
    }
}

/// A board, and what it was made of.
struct Made {
    seen: BoardSeen,
    named: Named,
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
        let id = acting.speaker.id();
        if self.shared.misses.too_many(id, now) {
            self.refused(&acting.speaker.by(), "board.slowed", "");
            return Err(ReadError::TooMany);
        }
        if !self.shared.is_current() {
            self.shared.follow().await.map_err(|_| ReadError::Unavailable)?;
        }
        for _ in 0..TRIES {
            match self.board_once(acting, ask, now).await {
                Ok(Some(seen)) => return Ok(seen),
                Ok(None) => {}
                Err(error) => {
                    if let ReadError::NotAllowed(_) = error {
                        self.refused(&acting.speaker.by(), "board.refused", "");
                        self.shared.misses.missed(id, now);
                    }
                    return Err(error);
                }
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
        let (moment, made) = {
            let directory = shared.directory();
            directory.in_role(acting.speaker.id(), acting.role)?;
            let whereabouts = lock(&views.whereabouts);
            (directory.moment(), compose(&directory, &whereabouts, acting, ask, now)?)
        };
        let (key, law) = ((acting.speaker.id(), acting.role, ask), made.named.law());
        if lock(&views.covered).covers(key, &law, &made.named.learners, now) {
            return Ok(Some(made.seen));
        }
        let more = made.named.entry(acting, ask);
        let note = move |work: &mut Work<'_>| work.notes.push((BOARD.to_owned(), more.clone()));
        submit(&shared, &acting.speaker.by(), now, note).await.map_err(|_| ReadError::Unavailable)?;
        if shared.directory().moment() != moment {
            return Ok(None);
        }
        lock(&views.covered).put(key, law, made.named.learners, now);
        Ok(Some(made.seen))
    }
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
) -> Result<Made, NotAllowed> {
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
    let mut chosen: Vec<(Expectation, State)> = Vec::with_capacity(of.len());
    let policy = directory.policies().hash().map_or_else(String::new, |hash| hex(&hash));
    let mut named = Named::under(policy);
    for (learner, lines) in of {
        let Some(permit) = permit(directory, acting, learner, now) else { continue };
        named.take(learner, &permit, 1 << card::IDENTITY | 1 << card::PRESENCE);
        chosen.extend(desk.counts_now(lines));
    }
    chosen.sort_by_key(|(of, state)| (desk.said(of, state).0, state.urgency(), of.time.start(), of.id()));
    let more = chosen.len() > LEARNERS_MAX;
    chosen.truncate(LEARNERS_MAX);
    if more {
        named.learners = chosen.iter().map(|(of, _)| of.learner).collect();
    }
    let mut counts: BTreeMap<Looks, u32> = BTreeMap::new();
    for (of, state) in &chosen {
        *counts.entry(desk.said(of, state).0).or_default() += 1;
    }
    let date = now.date_in(&state.zone);
    let session = match ask {
        BoardAsk::Away => codes::session(state, date, now),
        BoardAsk::Visitors => None,
    };
    let (alarms, found) = (desk.alarms(&named.learners), desk.found(&named.learners, date));
    let hosts = desk.hosts(&chosen, session.as_ref().map(|(_, window)| window));
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
        found,
        hosts,
        proposals,
        policy: named.policy.clone(),
        more,
    };
    Ok(Made { seen, named })
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
        let local = self.directory.known_at(learner).find(|(at, _)| *at == self.own());
        let called = local.and_then(|(at, id)| self.directory.called(*at, id));
        called.map_or_else(
            || format!("Learner {learner}"),
            |called| format!("{} {}", called.known_as.as_str(), called.surname.as_str()).trim().to_owned(),
        )
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

    /// How a state looks, and what it says. A host isn't told where else a visitor was.
    pub(super) fn said(&self, of: &Expectation, state: &State) -> (Looks, String) {
        let at_home = self.ask == BoardAsk::Away;
        let place = |site: u16| {
            if at_home || site == self.own() { self.named(site).1 } else { "another site".to_owned() }
        };
        let clock = |at: Timestamp| self.clock(at);
        let told = |id: Id| self.board.told.get(&id.learner).and_then(|told| told.marks.get(&id));
        match *state {
            State::Expected => (Looks::Expected, format!("Expected at {}", clock(of.time.start()))),
            State::Excused(why) => (Looks::Excused, excused(why).to_owned()),
            State::Due => (Looks::Expected, "Begun, register not due yet".to_owned()),
            State::InTravel { from, until } => {
                (Looks::Expected, format!("On the way from {}, expected by {}", place(from), clock(until)))
            }
            State::Seen => {
                let at = told(of.id()).map(|mark| format!("Seen, marked {}", clock(mark.at)));
                (Looks::Seen, at.unwrap_or_else(|| "Seen".to_owned()))
            }
            State::Late { minutes: Some(minutes) } => (Looks::Late, format!("Late, {minutes} min")),
            State::Late { minutes: None } => (Looks::Late, "Late".to_owned()),
            State::LeftEarly { at } => (Looks::Late, format!("Left at {}", clock(at))),
            State::NotSeen { elsewhere } => (Looks::Seen, format!("Not here: seen at {}", place(elsewhere))),
            State::SeenSince { site, at } => {
                (Looks::Seen, format!("Missed this lesson, seen since at {}, {}", place(site), clock(at)))
            }
            State::NotMarked { since } => {
                (Looks::NotMarked, format!("Not marked yet: register overdue since {}", clock(since)))
            }
            State::Cancelled { taken_back: true } => {
                (Looks::Excused, "Class cancelled, back with home".to_owned())
            }
            State::Cancelled { taken_back: false } => (Looks::Unknown, "Class cancelled".to_owned()),
            State::UnknownSince { heard } => {
                let life = self.board.heard.get(&of.site).copied();
                (Looks::Unknown, self.silence(of.site, heard.max(life)))
            }
            State::Found { at } => (Looks::Seen, format!("Found at {}", clock(at))),
            State::Unaccounted { since, why } => self.unaccounted(since, why),
        }
    }

    fn silence(&self, site: u16, heard: Option<Timestamp>) -> String {
        let name = self.named(site).1;
        match heard.filter(|at| at.date_in(&self.zone) == self.now.date_in(&self.zone)) {
            Some(at) => format!("Unknown: no word from {name} since {}", self.clock(at)),
            None => format!("Unknown: no word from {name} today"),
        }
    }

    fn unaccounted(&self, since: Timestamp, why: Why) -> (Looks, String) {
        let at = self.clock(since);
        match why {
            Why::MarkedAbsent => (Looks::NotSeen, format!("Marked absent at {at}")),
            Why::RegisterNotTaken => {
                (Looks::NotMarked, format!("No register at {at}: nobody can say where they are"))
            }
            Why::NotOnRegister => (Looks::NotSeen, format!("Not on the register that was taken, {at}")),
            Why::NoLongerExpected => {
                let words = format!("Missing since {at}, not expected any more, and never accounted for");
                (Looks::NotSeen, words)
            }
            Why::NotArrived => (Looks::NotSeen, format!("Left another site, not arrived by {at}")),
            Why::Cancelled => {
                let words = "Class cancelled, and nobody has placed them since. This isn't an absence";
                (Looks::Unknown, words.to_owned())
            }
        }
    }

    fn hosts(
        &self,
        chosen: &[(Expectation, State)],
        window: Option<&commonroll_core::attendance::SessionWindow>,
    ) -> Vec<HostSeen> {
        let mut of: BTreeMap<u16, Vec<LineSeen>> = BTreeMap::new();
        for (expectation, state) in chosen {
            let (looks, words) = self.said(expectation, state);
            let proposal = window.and_then(|window| {
                self.board.proposal(window, expectation.learner, expectation.home, self.now)
            });
            of.entry(expectation.site).or_default().push(LineSeen {
                learner: expectation.learner,
                name: self.name(expectation.learner),
                home: (self.ask == BoardAsk::Visitors).then(|| self.named(expectation.home)),
                looks,
                words,
                lesson: self.lesson(expectation),
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

    /// What needs somebody now, of learners who are on this board.
    fn alarms(&self, learners: &BTreeSet<u32>) -> Vec<AlarmSeen> {
        let open = self.directory.alerts().not_over().filter(|alert| alert.is_open());
        let mine = open.filter(|alert| alert.told.iter().any(|(number, _)| *number == self.own()));
        let mut alarms: Vec<AlarmSeen> = mine.filter_map(|alert| self.alarm(alert, learners)).collect();
        alarms.sort_by_key(|alarm| (alarm.is_ours(), alarm.learner.is_none(), alarm.since, alarm.id));
        alarms
    }

    /// Learners of this board whom somebody looked for today and found. Nobody has to guess what an alert that went came to.
    fn found(&self, learners: &BTreeSet<u32>, date: SchoolDate) -> Vec<FoundSeen> {
        let told = |alert: &Alerted| alert.told.iter().any(|(number, _)| *number == self.own());
        let today = self.directory.alerts().all().filter(|alert| alert.date == date && told(alert));
        let mut found: Vec<FoundSeen> = today
            .filter_map(|alert| {
                let (said, id) = (alert.found.as_ref()?, alerts::learner_of(&alert.id.key()?)?);
                if !self.is_of_board(id.site) || !learners.contains(&id.learner) {
                    return None;
                }
                let (name, by) = (self.name(id.learner), self.seen_by(alert, said, true));
                Some(FoundSeen { id: alert.id, learner: id.learner, name, by })
            })
            .collect();
        found.sort_by_key(|found| (std::cmp::Reverse(found.by.at), found.id));
        found
    }

    fn is_of_board(&self, site: u16) -> bool {
        match self.ask {
            BoardAsk::Away => site != self.own(),
            BoardAsk::Visitors => site == self.own(),
        }
    }

    fn alarm(&self, alert: &Alerted, learners: &BTreeSet<u32>) -> Option<AlarmSeen> {
        let key = alert.id.key()?;
        let (site, lesson) = match key {
            AlertKey::Unaccounted(id) | AlertKey::LeftEarly(id) => (id.site, Some(id.lesson)),
            AlertKey::Register { site, lesson } | AlertKey::ClassCancelled { site, lesson, .. } => {
                (site, Some(lesson))
            }
            AlertKey::SourceSilent { site } => (site, None),
        };
        let of_board = self.is_of_board(site);
        let id = alerts::learner_of(&key);
        let on_board = match id {
            Some(id) => learners.contains(&id.learner),
            None => self.board.expected_at(site, lesson, self.own()).any(|one| learners.contains(&one)),
        };
        if !of_board || !on_board {
            return None;
        }
        let expectation = id.and_then(|id| self.board.expected.get(&id));
        let meeting = lesson.and_then(|lesson| self.meeting(site, lesson));
        let course = meeting.as_ref().map_or("", |meeting| meeting.group.as_str());
        let state = id.and_then(|id| self.board.board.state(id));
        let (looks, known) = match (expectation, state) {
            (Some(of), Some(state)) => self.said(of, &state),
            _ => (Looks::Unknown, self.about(&key, site)),
        };
        let name = match key {
            AlertKey::Unaccounted(id) | AlertKey::LeftEarly(id) => self.name(id.learner),
            AlertKey::Register { .. } => format!("Register of {course}"),
            AlertKey::ClassCancelled { .. } => format!("{course}, cancelled"),
            AlertKey::SourceSilent { .. } => self.named(site).1,
        };
        let home = expectation.map(|of| of.home);
        // Which other homes have learners at a host is nothing for a home to read.
        let theirs = |number: u16| id.is_some() || [self.own(), site].contains(&number) || site == self.own();
        let told = alert.told.iter().filter(|(number, _)| theirs(*number));
        let hands = alert.in_hand().filter(|said| theirs(said.institution));
        let mut in_hand: Vec<SaidSeen> = hands.map(|said| self.seen_by(alert, said, false)).collect();
        in_hand.sort_by_key(|said| (!said.colleague, said.at));
        Some(AlarmSeen {
            id: alert.id,
            learner: id.map(|id| id.learner),
            name,
            looks,
            known,
            since: alert.since,
            lesson: meeting,
            host: self.named(site),
            home: home.map(|home| self.named(home)),
            told: told.map(|(number, at)| self.told(*number, *at)).collect(),
            repeated: alert.repeated,
            in_hand,
            sent: [Channel::Mail, Channel::Webhook]
                .into_iter()
                .filter_map(|way| self.sent(alert, way))
                .collect(),
            ring: match self.ask {
                BoardAsk::Away => self.ring(site),
                BoardAsk::Visitors => home.and_then(|home| self.ring(home)),
            },
            findable: id.is_some(),
        })
    }

    fn about(&self, key: &AlertKey, site: u16) -> String {
        match key {
            AlertKey::Register { .. } => "The register should be in and isn't".to_owned(),
            AlertKey::ClassCancelled { .. } => {
                "The class does not take place: take your learners back".to_owned()
            }
            AlertKey::SourceSilent { .. } => self.silence(site, self.board.heard.get(&site).copied()),
            AlertKey::Unaccounted(_) | AlertKey::LeftEarly(_) => "Not expected any more".to_owned(),
        }
    }

    fn told(&self, number: u16, at: Timestamp) -> ToldSeen {
        ToldSeen { name: self.named(number).1, own: number == self.own(), at }
    }

    /// What became of sending an alert to the own institution: of the newest telling, else of an older one.
    fn sent(&self, alert: &Alerted, channel: Channel) -> Option<SentSeen> {
        let lane = self.directory.sendings().lane(self.own(), channel)?;
        let open = lane.newest().filter(|newest| newest.is_open());
        let under_way = open.filter(|open| open.tellings.iter().any(|telling| telling.alert == alert.id));
        let state = match (under_way, lane.outcome(alert.id)) {
            (Some(open), _) => SentState::Trying(open.tries),
            (None, Some(Outcome { at, why: Some(why), .. })) => SentState::Unsent(at, why),
            (None, Some(Outcome { at, why: None, .. })) => SentState::Sent(at),
            (None, None) => return None,
        };
        Some(SentSeen { channel, state })
    }

    fn seen_by(&self, alert: &Alerted, said: &Said, found: bool) -> SaidSeen {
        let colleague = said.institution == self.own();
        let person = self.directory.person(said.by.0).filter(|_| colleague);
        // Where its learner is is the home's to know, whoever says it.
        let reads = colleague || (found && self.ask == BoardAsk::Away);
        let words = self.directory.alerts().words(alert.id, said, found);
        SaidSeen {
            name: person.map(|person| person.name.clone()),
            role: said.role,
            institution: self.named(said.institution).1,
            own: said.by.0 == self.acting.speaker.id(),
            colleague,
            at: said.at,
            words: if reads { words.to_owned() } else { String::new() },
        }
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

const fn excused(why: Excuse) -> &'static str {
    match why {
        Excuse::Notice => "Absence expected",
        Excuse::NotAttending => "Not attending for now",
        Excuse::TakenBack => "Back with home",
        Excuse::Closed => "Site closed",
        Excuse::NotRequired => "Not required",
    }
}
