//! A teacher's groups, and who visits them: cards, decided one by one for the purpose of teaching.

use super::{
    GroupKey, GroupLine, GroupSeen, LEARNERS_MAX, LessonTime, MyGroups, Shown, VisitorSeen, called,
    learners::rules, policy_hash, taught,
};
use crate::{
    Exchange,
    by_learner::GROUP,
    directory::{Directory, Person},
    office::Acting,
    projection::look,
    reading::{Judge, ReadAsk, ReadError, card},
    types::NotAllowed,
    whereabouts::{Looks, Whereabouts, visitors_of},
};
use aws_lc_rs::digest;
use commonroll_core::{LocalId, Purpose, Role, SchoolDate, Timestamp};
use commonroll_policy::{Matter, PersonPermit, PersonQuestion};
use std::collections::BTreeSet;

fn key(directory: &Directory, institution: u16, group: &LocalId) -> GroupKey {
    let slug = directory.institution(institution).map_or("", |state| state.info.slug.as_str());
    let text = format!("commonroll/group/v1\n{slug}\n{}", group.as_str());
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let mut key = [0; 8];
    key.copy_from_slice(&hash.as_ref()[..8]);
    GroupKey(key)
}

/// A person who uses the role of a teacher; nobody else has groups.
fn teacher<'d>(directory: &'d Directory, acting: Acting<'_>) -> Result<&'d Person, NotAllowed> {
    let person = directory.in_role(acting.speaker.id(), acting.role)?;
    if acting.role == Role::Teacher { Ok(person) } else { Err(NotAllowed::Denied) }
}

fn line(directory: &Directory, own: u16, group: &LocalId, date: SchoolDate, now: Timestamp) -> GroupLine {
    let lessons = directory.day(own, date).into_iter().flat_map(|day| &day.lessons);
    let lessons = lessons.filter(|lesson| lesson.group == *group).map(|lesson| LessonTime {
        time: lesson.time,
        room: lesson.room.as_str().to_owned(),
        cancelled: lesson.cancelled,
    });
    let lessons: Vec<LessonTime> = lessons.collect();
    let at = moment(&lessons, now);
    let (title, subject) = directory.group_title(own, group).cloned().unwrap_or_default();
    GroupLine {
        key: key(directory, own, group),
        title: if title.is_empty() { group.as_str().to_owned() } else { title },
        subject,
        lessons,
        visitors: directory.placed_in(own, group, date, at).len(),
    }
}

/// The moment that counts for who is placed in a group: its lesson now, or else the next, or the last.
fn moment(lessons: &[LessonTime], now: Timestamp) -> Timestamp {
    let next = lessons.iter().find(|lesson| lesson.time.end() > now).or(lessons.last());
    next.map_or(now, |lesson| lesson.time.start().max(now.min(lesson.time.end().plus_micros(-1))))
}

impl Exchange {
    /// The groups that a teacher teaches, with today's lessons and how many learners of partners visit each. No learner is
    /// named, and it is the own institution's to know, so that it has no entry.
    ///
    /// # Errors
    /// [`ReadError::NotAllowed`] for any role but a teacher's.
    pub async fn my_groups(&self, acting: Acting<'_>, now: Timestamp) -> Result<MyGroups, ReadError> {
        self.ready_for(acting, "group.slowed", now).await?;
        let directory = self.shared.directory();
        let Ok(person) = teacher(&directory, acting) else {
            return Err(self.page_refused(acting, "group.refused", now));
        };
        let own = acting.speaker.number;
        let state = directory.institution(own).ok_or(NotAllowed::Denied)?;
        let date = now.date_in(&state.zone);
        let mut groups: Vec<GroupLine> =
            taught(&directory, person).iter().map(|group| line(&directory, own, group, date, now)).collect();
        let next = |line: &GroupLine| {
            let ahead = line.lessons.iter().find(|lesson| lesson.time.end() > now && !lesson.cancelled);
            ahead.map_or(i64::MAX, |lesson| lesson.time.start().micros())
        };
        groups.sort_by_cached_key(|line| (next(line), line.title.clone(), line.key));
        let closed = directory.day(own, date).is_some_and(|day| day.closed);
        Ok(MyGroups { date, closed, groups })
    }

    /// One of the teacher's groups and who visits it, as far as the policies and the agreements with their homes let the
    /// teacher see their cards: who isn't there first, then by name, `most` of them from place `first` on (the last ones where
    /// nobody stands there). Its entry says who of them is shown, and is durable first.
    ///
    /// # Errors
    /// [`ReadError`]: alike for a group that is not there and one that is a colleague's.
    pub async fn group_shown(
        &self,
        acting: Acting<'_>,
        (group, part): (GroupKey, (usize, usize)),
        now: Timestamp,
    ) -> Result<GroupSeen, ReadError> {
        let make = |directory: &Directory| {
            let board = self.shared.views.get().map(|views| look(&views.whereabouts));
            let (seen, shown) = compose(directory, board.as_deref(), acting, (group, part), now)?;
            let more = shown.entry(acting, Purpose::Teaching.as_str(), &seen.policy);
            Ok((seen, (GROUP, more)))
        };
        self.page(acting, ("group.slowed", "group.refused"), now, make).await
    }
}

fn compose(
    directory: &Directory,
    board: Option<&Whereabouts>,
    acting: Acting<'_>,
    (wanted, (first, most)): (GroupKey, (usize, usize)),
    now: Timestamp,
) -> Result<(GroupSeen, Shown), NotAllowed> {
    let person = teacher(directory, acting)?;
    let own = acting.speaker.number;
    let state = directory.institution(own).ok_or(NotAllowed::Denied)?;
    let group = taught(directory, person).iter().find(|group| key(directory, own, group) == wanted);
    let group = group.ok_or(NotAllowed::Denied)?;
    let date = now.date_in(&state.zone);
    let line = line(directory, own, group, date, now);
    let placed = directory.placed_in(own, group, date, moment(&line.lessons, now));
    let today = board.map(|board| visitors_of(directory, board, acting, group, now)).unwrap_or_default();
    let mut without_card = 0;
    let mut visiting: Vec<Visiting<'_>> = Vec::new();
    for (learner, local, home) in placed.into_iter().take(LEARNERS_MAX) {
        let mut stands = directory.stands(acting.speaker.id(), person, &local, now);
        if let Some(stands) = &mut stands {
            stands.teaches.insert(group.clone());
        }
        let permit = stands.as_ref().and_then(|stands| {
            // The placement names the group on one side at least, else it would not be in it.
            let question = PersonQuestion {
                role: acting.role,
                institution: acting.speaker.institution(),
                purpose: Purpose::Teaching,
                matter: Matter::Card(card::facts_of(directory, acting.role, stands)),
            };
            directory.policies().set()?.decide_person(&question).ok()
        });
        let Some(permit) = permit.filter(|permit| permit.lets_out(card::IDENTITY)) else {
            without_card += 1;
            continue;
        };
        let today = today.states.get(&learner).filter(|_| permit.lets_out(card::PRESENCE));
        let called = called(directory, own, learner);
        visiting.push(Visiting { learner, local, home, called, today, permit });
    }
    visiting.sort_by(|a, b| a.order().cmp(&b.order()));
    let all = visiting.len();
    let homes = visiting.iter().map(|one| one.home).collect::<BTreeSet<_>>().len();
    let start = crate::stretch::start(all, (first, most));
    let mut shown = Shown::default();
    let cards = visiting.into_iter().skip(start).take(most);
    let visitors = cards.map(|one| one.card(directory, acting, (group, date), now, &mut shown)).collect();
    let seen = GroupSeen {
        institution: (state.info.slug.clone(), state.info.name.clone()),
        date,
        register: today.register,
        known: board.is_some_and(Whereabouts::knows_today),
        visitors,
        all,
        homes,
        without_card,
        policy: policy_hash(directory),
        rules: rules(directory, shown.policies.iter().map(String::as_str)),
        agreements: shown.agreements.iter().cloned().collect(),
        line,
    };
    Ok((seen, shown))
}

/// Somebody who visits the group and whose card may be seen.
struct Visiting<'a> {
    learner: u32,
    local: LocalId,
    home: u16,
    /// What they are called, and in full.
    called: (String, String),
    today: Option<&'a (Looks, String)>,
    permit: PersonPermit,
}

impl Visiting<'_> {
    /// Who isn't there comes first, who has no lesson last; all others by name.
    fn order(&self) -> (u8, &(String, String), u32) {
        let urgent = match self.today.map(|(looks, _)| looks) {
            Some(Looks::NotSeen) => 0,
            Some(Looks::Unknown) => 1,
            Some(_) => 2,
            None => 3,
        };
        (urgent, &self.called, self.learner)
    }

    /// The card, with the last messages; it is shown.
    fn card(
        self,
        directory: &Directory,
        acting: Acting<'_>,
        (group, date): (&LocalId, SchoolDate),
        now: Timestamp,
        shown: &mut Shown,
    ) -> VisitorSeen {
        let Self { learner, local, home, called: (known_as, name), today, permit } = self;
        let ask = ReadAsk::about(local.clone(), Purpose::Teaching);
        let mut told = Vec::new();
        if let Ok(mut judge) = Judge::new(directory, acting, &ask, now) {
            judge.stands.teaches.insert(group.clone());
            told = judge.latest(now, TOLD);
            told.iter().for_each(|message| shown.take_message(message));
        }
        let support = directory.support(learner).filter(|support| date <= support.last_date);
        let info = directory.institution(home).map(|home| &home.info);
        let contact = permit.lets_out(CONTACT);
        let text = |part, of: fn(&crate::directory::expected::Support) -> &str| {
            permit.lets_out(part).then(|| support.map_or_else(String::new, |support| of(support).to_owned()))
        };
        let sides = directory.local(acting.speaker.number, &local).into_iter().flat_map(|local| &local.sides);
        let since = sides.filter(|side| side.hosting && side.other == home).map(|side| side.dates.first());
        shown.take(learner, permit.groups(), &permit);
        VisitorSeen {
            learner,
            known_as,
            name,
            home: info.map_or_else(
                || (acting.speaker.institution().clone(), String::new()),
                |info| (info.slug.clone(), info.name.clone()),
            ),
            today: today.cloned(),
            needs: text(NEEDS, |support| support.needs.as_str()),
            emergency: text(CONTACT, |support| support.emergency.as_str()),
            ring: info.filter(|_| contact).map(|i| (i.desk.clone(), i.phone.clone())).unwrap_or_default(),
            since: since.max().unwrap_or(date),
            told,
        }
    }
}

/// Messages of a learner that are shown here; the learner's page has all.
const TOLD: usize = 3;
/// Parts of a card: whom to call in an emergency, and needs that the home shares.
const CONTACT: u32 = 2;
const NEEDS: u32 = 3;
