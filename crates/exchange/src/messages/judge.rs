//! Who may tell, and who may see what of a message: asked of the policies as for a behaviour record of the same moment.

use super::{AnswerSeen, MessageSeen, TellSeen, answers};
use crate::{
    decide::{self, Subject},
    directory::{
        Directory,
        messages::{Answer, Message},
    },
    entry::Circumstances,
    office::Acting,
    reading::{Judge, ReadAsk},
    rooms::{purpose, taught},
    types::NotAllowed,
};
use commonroll_core::{LocalId, RecordKind, Role, SchoolDate, Timestamp, agreement::ItemKind};
use commonroll_policy::{AgreementInForce, Matter, PersonQuestion, RecordFacts};
use std::collections::BTreeSet;

/// The field groups of behaviour that a message is made of: that there is one, what home is asked, the words.
pub(crate) const EVENT: u32 = 2;
pub(super) const INVOLVEMENT: u32 = 3;
pub(super) const TEXT: u32 = 4;
/// Messages about one learner that are looked at for the newest few.
const LOOKED: usize = 30;
/// Who at a home may come to read a message.
const READERS: [Role; 4] = [Role::Tutor, Role::HeadOfSixth, Role::Head, Role::AttendanceOfficer];

/// A teacher may tell the home of a learner something.
pub(super) struct MayTell {
    pub learner: u32,
    pub host: u16,
    pub local: LocalId,
    pub home: u16,
    pub group: LocalId,
    pub date: SchoolDate,
    /// Which parts reach the home.
    pub groups: u32,
    pub policies: String,
    pub agreement: Option<String>,
}

/// Whether a person may tell the home of a learner anything, and what of it reaches the home.
pub(super) fn may_tell(
    directory: &Directory,
    acting: Acting<'_>,
    learner: u32,
    now: Timestamp,
) -> Result<MayTell, NotAllowed> {
    let denied = NotAllowed::Denied;
    let person = directory.in_role(acting.speaker.id(), acting.role)?;
    let host = acting.speaker.number;
    let (_, local) = directory.known_at(learner).find(|(at, _)| *at == host).ok_or(denied)?;
    let home =
        directory.home_of(learner).map(|(home, _)| *home).filter(|home| *home != host).ok_or(denied)?;
    let zone = directory.institution(host).map(|state| &state.zone).ok_or(denied)?;
    let date = now.date_in(zone);
    // Of a placement that names no group nobody can tell who teaches the learner.
    let theirs = |group: &&LocalId| {
        directory.placed_in(host, group, date, now).iter().any(|(who, ..)| *who == learner)
    };
    let group = taught(directory, person).iter().find(theirs).ok_or(denied)?;
    let ask = ReadAsk::about(local.clone(), purpose(acting.role));
    let mut judge = Judge::new(directory, acting, &ask, now)?;
    judge.stands.teaches.insert(group.clone());
    let facts = judge.facts(host, RecordKind::Behaviour, (true, false, true)).ok_or(denied)?;
    let own = judge.policy.decide_person(&judge.question(Matter::Record(facts))).map_err(|_| denied)?;
    let of = Circumstances { learner: local.clone(), group: Some(group.clone()), date, at: Some(now) };
    let subject = Subject {
        source: host,
        kind: RecordKind::Behaviour,
        confidential: false,
        corrects: false,
        circumstances: &of,
    };
    // A teacher of the learner is told that the agreement shares nothing; nobody else is told anything.
    let reaches = decide::publish(directory, &subject, now).ok();
    let to_home = reaches.as_ref().and_then(|to| to.recipients.iter().find(|to| to.institution == home));
    let stored = reaches.as_ref().map_or(0, |decision| decision.stored);
    let agreement = directory.agreement(host, home, RecordKind::Behaviour, date);
    Ok(MayTell {
        learner,
        host,
        local: local.clone(),
        home,
        group: group.clone(),
        date,
        groups: to_home.map_or(0, |to| to.groups) & stored & own.groups(),
        policies: own.reason().to_owned(),
        agreement: agreement.map(|(terms, _)| format!("{} v{}", terms.id, terms.version)),
    })
}

/// Whom a message would reach, for the one who may write it; `None` for anybody else.
pub(crate) fn tell_seen(
    directory: &Directory,
    acting: Acting<'_>,
    learner: u32,
    now: Timestamp,
) -> Option<TellSeen> {
    let may = may_tell(directory, acting, learner, now).ok()?;
    let (host, home) = (&directory.institution(may.host)?.info, &directory.institution(may.home)?.info);
    let policy = directory.policies().set()?;
    let today = now.date_in(&directory.institution(may.home)?.zone);
    let reads = |role: Role| {
        let kind = ItemKind::Record(RecordKind::Behaviour);
        let agreement = directory.seen_by((may.host, may.home), kind, role, today);
        let facts = RecordFacts {
            kind: RecordKind::Behaviour,
            source: &host.slug,
            home: Some(&home.slug),
            placed: true,
            confidential: false,
            agreement: agreement.map(|(terms, groups)| AgreementInForce {
                id: &terms.id,
                version: terms.version,
                groups,
            }),
            teaches: false,
            own: false,
            access_on: false,
            emergency: false,
        };
        let question = PersonQuestion {
            role,
            institution: &home.slug,
            purpose: purpose(role),
            matter: Matter::Record(facts),
        };
        let groups = policy.decide_person(&question).ok()?.groups() & may.groups;
        (groups & 1 << EVENT != 0).then_some((role, groups & 1 << TEXT != 0))
    };
    Some(TellSeen {
        home: (home.slug.clone(), home.name.clone()),
        open: may.groups & 1 << EVENT != 0 && may.groups & 1 << TEXT != 0,
        may_ask: may.groups & 1 << INVOLVEMENT != 0,
        readers: READERS.into_iter().filter_map(reads).collect(),
        agreement: may.agreement,
    })
}

/// One message for one person, if they may see it.
pub(crate) fn one(
    directory: &Directory,
    acting: Acting<'_>,
    message: &Message,
    now: Timestamp,
) -> Option<MessageSeen> {
    let learner = super::now_about(directory, message.host, &message.local)?;
    let own = acting.speaker.number;
    let (_, local) = directory.known_at(learner).find(|(at, _)| *at == own)?;
    let ask = ReadAsk::about(local.clone(), purpose(acting.role));
    let mut judge = Judge::new(directory, acting, &ask, now).ok()?;
    judge.stands.seen_in(&BTreeSet::from([message.group.clone()]));
    judge.message(message, now)
}

impl Judge<'_> {
    /// Every message about the learner that may be seen, newest first.
    pub(crate) fn messages(&self, now: Timestamp) -> Vec<MessageSeen> {
        let known = self.directory.known_at(self.stands.learner);
        let all = known.flat_map(|(host, local)| self.directory.messages().about(*host, local));
        let mut seen: Vec<MessageSeen> = all.filter_map(|message| self.message(message, now)).collect();
        seen.sort_by_key(|message| std::cmp::Reverse((message.at, message.id)));
        seen
    }

    /// The newest few that may be seen. Of many that may not, only the newest are looked at.
    pub(crate) fn latest(&self, now: Timestamp, most: usize) -> Vec<MessageSeen> {
        let known = self.directory.known_at(self.stands.learner);
        let new = |(host, local): &(u16, LocalId)| self.directory.messages().about(*host, local).take(LOOKED);
        let mut all: Vec<&Message> = known.flat_map(new).collect();
        all.sort_by_key(|message| std::cmp::Reverse((message.at, message.id)));
        all.into_iter().take(LOOKED).filter_map(|message| self.message(message, now)).take(most).collect()
    }

    /// Groups of the host in which messages about the learner were written.
    pub(crate) fn message_groups(&self) -> BTreeSet<LocalId> {
        let of = self.directory.messages().about(self.stands.institution, &self.stands.local);
        of.map(|message| message.group.clone()).collect()
    }

    /// A message as the person may see it, decided as a record of the same moment.
    pub(super) fn message(&self, message: &Message, now: Timestamp) -> Option<MessageSeen> {
        let (directory, stands) = (self.directory, &self.stands);
        let (at_host, reaches) =
            (message.host == stands.institution, reaches(directory, message, stands.learner));
        // What one home was told, and said, is never another's.
        if !at_host && (!reaches || message.home != stands.institution) {
            return None;
        }
        let of = Circumstances {
            learner: message.local.clone(),
            group: Some(message.group.clone()),
            date: message.date,
            at: Some(message.at),
        };
        let subject = Subject {
            source: message.host,
            kind: RecordKind::Behaviour,
            confidential: false,
            corrects: false,
            circumstances: &of,
        };
        let placed = decide::place(directory, &subject);
        if placed.learner != Some(stands.learner) {
            return None;
        }
        let teaches = directory.taught_then(stands, message.host, &of);
        let facts = self.facts(message.host, RecordKind::Behaviour, (placed.in_force, false, teaches))?;
        let permit = self.policy.decide_person(&self.question(Matter::Record(facts))).ok()?;
        let mut groups = permit.groups();
        if !at_host {
            let (leaves, _) = decide::leave(directory, &subject, placed, stands.institution, now).ok()?;
            groups &= leaves.groups();
        }
        let shows = |part: u32| groups & 1 << part != 0;
        if !shows(EVENT) {
            return None;
        }
        let text = |text: &str| if shows(TEXT) { text.to_owned() } else { String::new() };
        let name = |person| {
            let held = directory.person(person).filter(|held| held.institution == stands.institution);
            held.map(|held| held.name.clone())
        };
        let info = |number: u16| {
            let info = &directory.institution(number)?.info;
            Some((info.slug.clone(), info.name.clone()))
        };
        let act_by = message.act_by.filter(|_| shows(INVOLVEMENT));
        let today = now.date_in(&directory.institution(message.home)?.zone);
        let answers_here = answers_about(directory, message, stands.learner);
        let answer = |said: &Answer| AnswerSeen {
            name: name(said.by.0),
            role: said.role,
            at: said.at,
            words: text(&said.words),
        };
        let title = directory.group_title(message.host, &message.group).map(|(title, _)| title.clone());
        Some(MessageSeen {
            id: message.id(),
            learner: stands.learner,
            praise: message.praise,
            words: shows(TEXT).then(|| message.words.clone()),
            act_by,
            overdue: reaches && message.answers.is_empty() && act_by.is_some_and(|by| by < today),
            reaches,
            host: info(message.host)?,
            home: info(message.home)?,
            group: title.filter(|title| !title.is_empty()).unwrap_or_default(),
            date: message.date,
            at: message.at,
            from: name(message.by.0),
            own: message.by.0 == self.acting.speaker.id(),
            answers: answers_here.iter().map(answer).collect(),
            may_answer: !at_host && answers(self.acting.role),
            groups: groups & (1 << EVENT | 1 << INVOLVEMENT | 1 << TEXT),
            reason: permit.reason().to_owned(),
            agreement: permit.agreement().map(|(id, version)| format!("{id} v{version}")),
        })
    }
}

/// True if a message was told of this learner, who may have got another number since, and not of somebody whom the host took
/// for them.
fn told_of(directory: &Directory, message: &Message, learner: u32) -> bool {
    let at_home = |number: u32| {
        let known = directory.known_at(number).filter(|(at, _)| *at == message.home);
        known.filter_map(|(at, local)| directory.local(*at, local))
    };
    message.learner == learner
        || at_home(learner).any(|local| local.was.contains(&message.learner))
            && at_home(message.learner).next().is_none()
}

/// True if the home that a message went to may read it: it was told of this learner, and is their home now.
fn reaches(directory: &Directory, message: &Message, learner: u32) -> bool {
    let home = directory.home_of(learner).map(|(home, _)| *home);
    home == Some(message.home) && told_of(directory, message, learner)
}

/// What the home said, of this learner: nothing where the host took somebody else for them.
pub(crate) fn answers_about<'m>(directory: &Directory, message: &'m Message, learner: u32) -> &'m [Answer] {
    if told_of(directory, message, learner) { &message.answers } else { &[] }
}

/// The words of a message and what it asks, as far as an institution may hold them now: the host all of it, the home what
/// may leave for it. `None` for nothing.
pub(crate) fn parts_at(
    directory: &Directory,
    message: &Message,
    own: u16,
    now: Timestamp,
) -> Option<(String, Option<SchoolDate>)> {
    if message.host == own {
        return Some((message.words.clone(), message.act_by));
    }
    let learner = super::now_about(directory, message.host, &message.local)?;
    if message.home != own || !reaches(directory, message, learner) {
        return None;
    }
    let (learner, group) = (message.local.clone(), Some(message.group.clone()));
    let of = Circumstances { learner, group, date: message.date, at: Some(message.at) };
    let (source, kind) = (message.host, RecordKind::Behaviour);
    let subject = Subject { source, kind, confidential: false, corrects: false, circumstances: &of };
    let placed = decide::place(directory, &subject);
    let (permit, _) = decide::leave(directory, &subject, placed, own, now).ok()?;
    let words = if permit.lets_out(TEXT) { message.words.clone() } else { String::new() };
    permit.lets_out(EVENT).then(|| (words, message.act_by.filter(|_| permit.lets_out(INVOLVEMENT))))
}
