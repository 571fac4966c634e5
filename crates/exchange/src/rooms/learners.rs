//! A home's learners who are taught elsewhere, and one learner's page by the hub's number.

use super::{
    AwaySeen, LEARNERS_MAX, LearnerRead, LearnersSeen, PlaceSeen, RuleSeen, Shown, SourceSeen, called,
    policy_hash,
};
use crate::{
    Exchange,
    by_learner::LISTED,
    directory::Directory,
    messages::tell_seen,
    office::Acting,
    projection::look,
    reading::{ReadAsk, ReadError, card},
    submit,
    types::NotAllowed,
    whereabouts::{Looks, Whereabouts, away_of},
    writer::Work,
};
use commonroll_core::{Purpose, RecordKind, Role, SchoolDate, Slug, Timestamp};
use commonroll_policy::{Matter, PersonQuestion};
use std::collections::{BTreeMap, BTreeSet};

/// Entry that says that a learner's report was printed; what was read for it has its own before.
const PRINTED: &str = "report.printed";

/// What somebody in a role looks at learners' pages for.
pub(crate) const fn purpose(role: Role) -> Purpose {
    match role {
        Role::Teacher => Purpose::Teaching,
        Role::AttendanceOfficer => Purpose::Attendance,
        _ => Purpose::Pastoral,
    }
}

/// The rules behind permits: each of the ids, with what it says.
pub(super) fn rules<'p>(directory: &Directory, reasons: impl Iterator<Item = &'p str>) -> Vec<RuleSeen> {
    let ids: BTreeSet<&str> =
        reasons.flat_map(|reason| reason.split([',', ' '])).filter(|id| !id.is_empty()).collect();
    let policy = directory.policies().set();
    let rule = |id: &&str| {
        let says = policy.as_ref().and_then(|policy| policy.says(id)).unwrap_or_default();
        RuleSeen { id: (*id).to_owned(), says: says.to_owned() }
    };
    ids.iter().map(rule).collect()
}

/// Where a learner of a home is placed now.
fn places(directory: &Directory, home: u16, learner: u32, now: Timestamp) -> Vec<PlaceSeen> {
    let mut places = BTreeSet::new();
    for (host, local) in directory.known_at(learner).filter(|(at, _)| *at != home) {
        let Some(state) = directory.institution(*host) else { continue };
        let today = now.date_in(&state.zone);
        let sides = directory.local(*host, local).into_iter().flat_map(|held| &held.sides);
        for side in sides.filter(|side| side.hosting) {
            let group = side.group.as_ref();
            if directory.placed(*host, local, today, Some(now), group).in_force {
                let title = group.map(|group| {
                    let title = directory.group_title(*host, group).map(|(title, _)| title.as_str());
                    title.filter(|title| !title.is_empty()).unwrap_or(group.as_str()).to_owned()
                });
                places.insert(PlaceSeen { host: state.info.name.clone(), group: title.unwrap_or_default() });
            }
        }
    }
    places.into_iter().collect()
}

impl Exchange {
    /// The learners of a person's institution who are taught elsewhere now, as far as the person may see their cards: those
    /// who need somebody first, then by name, `most` of them from place `first` on (the last ones where nobody stands there).
    /// Its entry says who of them is shown, and is durable first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn my_learners(
        &self,
        acting: Acting<'_>,
        part: (usize, usize),
        now: Timestamp,
    ) -> Result<LearnersSeen, ReadError> {
        let make = |directory: &Directory| {
            let board = self.shared.views.get().map(|views| look(&views.whereabouts));
            let (seen, shown) = list(directory, board.as_deref(), acting, (part, now))?;
            let more = shown.entry(acting, purpose(acting.role).as_str(), &seen.policy);
            Ok((seen, (LISTED, more)))
        };
        self.page(acting, ("learners.slowed", "learners.refused"), now, make).await
    }

    /// One learner's card and records, by the hub's number, for what the role looks at learners for. What [`Self::read`]
    /// says and decides, with what a page needs around it.
    ///
    /// # Errors
    /// [`ReadError`]: alike for a number that nobody has, and for a learner whom the person's institution doesn't know.
    pub async fn read_learner(
        &self,
        acting: Acting<'_>,
        learner: u32,
        (dates, kinds): ((Option<SchoolDate>, Option<SchoolDate>), Vec<RecordKind>),
        now: Timestamp,
    ) -> Result<LearnerRead, ReadError> {
        self.ready_for(acting, "read.slowed", now).await?;
        let own = acting.speaker.number;
        let local = {
            let directory = self.shared.directory();
            directory.known_at(learner).find(|(at, _)| *at == own).map(|(_, local)| local.clone())
        };
        let Some(local) = local else { return Err(self.page_refused(acting, "read.refused", now)) };
        let messages = kinds.is_empty() || kinds.contains(&RecordKind::Behaviour);
        let ask = ReadAsk { dates, kinds, messages, ..ReadAsk::about(local, purpose(acting.role)) };
        let reading = self.read(acting, &ask, now).await?;
        let directory = self.shared.directory();
        let state = directory.institution(own).ok_or(NotAllowed::Denied)?;
        let home = directory.home_of(reading.learner).map(|(home, _)| *home);
        let is_home = home == Some(own);
        let info = |number: u16| {
            directory.institution(number).map(|state| (state.info.slug.clone(), state.info.name.clone()))
        };
        let mut newest: BTreeMap<Slug, Timestamp> = BTreeMap::new();
        for record in &reading.records {
            let at = newest.entry(record.source.clone()).or_insert(record.accepted_at);
            *at = (*at).max(record.accepted_at);
        }
        let numbers = if is_home { directory.knowing(reading.learner) } else { BTreeSet::from([own]) };
        let mut sources: Vec<SourceSeen> = numbers
            .into_iter()
            .filter_map(info)
            .map(|(slug, name)| SourceSeen { newest: newest.get(&slug).copied(), slug, name })
            .collect();
        let own_slug = acting.speaker.institution();
        sources.sort_by(|a, b| (a.slug != *own_slug, &a.name).cmp(&(b.slug != *own_slug, &b.name)));
        let reasons = reading.records.iter().map(|record| record.reason.as_str());
        let reasons = reasons.chain(reading.card.iter().map(|card| card.reason.as_str()));
        let reasons = reasons.chain(reading.messages.iter().map(|message| message.reason.as_str()));
        let agreements = reading.records.iter().filter_map(|record| record.agreement.clone());
        let agreements = agreements.chain(reading.card.iter().filter_map(|card| card.agreement.clone()));
        let agreements = agreements.chain(reading.messages.iter().filter_map(|one| one.agreement.clone()));
        Ok(LearnerRead {
            name: called(&directory, own, reading.learner).1,
            home: home.and_then(info),
            is_home,
            places: if is_home { places(&directory, own, reading.learner, now) } else { Vec::new() },
            sources,
            today: now.date_in(&state.zone),
            tell: tell_seen(&directory, acting, reading.learner, now),
            rules: rules(&directory, reasons),
            agreements: agreements.collect::<BTreeSet<_>>().into_iter().collect(),
            reading,
        })
    }
}

impl Exchange {
    /// The same, for paper: for the learner's home alone, and with an entry that it was printed, durable before it is given.
    ///
    /// # Errors
    /// [`ReadError`]; a learner whose home the person's institution isn't is not told apart from one who isn't there.
    pub async fn print_learner(
        &self,
        acting: Acting<'_>,
        learner: u32,
        asked: ((Option<SchoolDate>, Option<SchoolDate>), Vec<RecordKind>),
        now: Timestamp,
    ) -> Result<LearnerRead, ReadError> {
        let read = self.read_learner(acting, learner, asked, now).await?;
        if !read.is_home {
            return Err(self.page_refused(acting, "read.refused", now));
        }
        let more = serde_json::json!({
            "role": acting.role, "purpose": purpose(acting.role).as_str(), "learner": learner,
            "institution": acting.speaker.institution(), "policy": read.reading.policy,
        });
        let note = move |work: &mut Work<'_>| work.notes.push((PRINTED.to_owned(), more.clone()));
        submit(&self.shared, &acting.speaker.by(), now, note).await.map_err(|_| ReadError::Unavailable)?;
        Ok(read)
    }
}

fn list(
    directory: &Directory,
    board: Option<&Whereabouts>,
    acting: Acting<'_>,
    ((first, most), now): ((usize, usize), Timestamp),
) -> Result<(LearnersSeen, Shown), NotAllowed> {
    let person = directory.in_role(acting.speaker.id(), acting.role)?;
    let policy = directory.policies().set().ok_or(NotAllowed::Denied)?;
    let own = acting.speaker.number;
    let state = directory.institution(own).ok_or(NotAllowed::Denied)?;
    let today: BTreeMap<u32, (Looks, String)> =
        board.map(|board| away_of(directory, board, acting, now)).unwrap_or_default();
    let (mut shown, mut learners) = (Shown::default(), Vec::new());
    let mut refused = false;
    let mut more = false;
    for (local, held) in &state.locals {
        if !held.sides.iter().any(|side| !side.hosting) {
            continue;
        }
        let Some(stands) = directory.stands(acting.speaker.id(), person, local, now) else { continue };
        if !stands.is_home() {
            continue;
        }
        let facts = card::facts_of(directory, acting.role, &stands);
        let question = PersonQuestion {
            role: acting.role,
            institution: acting.speaker.institution(),
            purpose: purpose(acting.role),
            matter: Matter::Card(facts),
        };
        let permit = policy.decide_person(&question).ok();
        let Some(permit) = permit.filter(|permit| permit.lets_out(card::IDENTITY)) else {
            refused = true;
            continue;
        };
        let places = places(directory, own, stands.learner, now);
        if places.is_empty() {
            continue;
        }
        if learners.len() >= LEARNERS_MAX {
            more = true;
            break;
        }
        let presence = permit.lets_out(card::PRESENCE);
        let seen = AwaySeen {
            learner: stands.learner,
            name: called(directory, own, stands.learner).1,
            places,
            today: today.get(&stands.learner).filter(|_| presence).cloned(),
        };
        learners.push((seen, permit));
    }
    // Nobody is told apart from an institution whose learners they may not see.
    if learners.is_empty() && (refused || !could(directory, acting)) {
        return Err(NotAllowed::Denied);
    }
    learners.sort_by(|(a, _), (b, _)| (urgent(a), &a.name, a.learner).cmp(&(urgent(b), &b.name, b.learner)));
    let all = learners.len();
    let start = crate::stretch::start(all, (first, most));
    let cut = learners.into_iter().skip(start).take(most).map(|(one, permit)| {
        shown.take(one.learner, permit.groups() & (1 << card::IDENTITY | 1 << card::PRESENCE), &permit);
        one
    });
    let learners = cut.collect();
    let seen = LearnersSeen {
        all,
        date: now.date_in(&state.zone),
        known: board.is_some_and(Whereabouts::knows_today),
        learners,
        more,
        policy: policy_hash(directory),
        rules: rules(directory, shown.policies.iter().map(String::as_str)),
    };
    Ok((seen, shown))
}

/// Who needs somebody comes first.
fn urgent(one: &AwaySeen) -> u8 {
    match one.today.as_ref().map(|(looks, _)| looks) {
        Some(Looks::NotSeen) => 0,
        Some(Looks::Unknown) => 1,
        _ => 2,
    }
}

/// Whether somebody in this role sees a learner of their own institution at all.
pub(super) fn could(directory: &Directory, acting: Acting<'_>) -> bool {
    let facts = commonroll_policy::CardFacts {
        home: Some(acting.speaker.institution()),
        host_placed: false,
        teaches: false,
        own: false,
        access_on: false,
        emergency: false,
        agreement: None,
    };
    let question = PersonQuestion {
        role: acting.role,
        institution: acting.speaker.institution(),
        purpose: purpose(acting.role),
        matter: Matter::Card(facts),
    };
    directory.policies().set().is_some_and(|policy| policy.decide_person(&question).is_ok())
}
