//! What needs somebody now on a board, who has it in hand, and who was found.

use super::super::{
    AlarmSeen, BoardAsk, FoundSeen, Looks, SaidSeen, SentSeen, SentState, ToldSeen, alerts,
    show::{Desk, Permits, permit},
    undone::is_theirs,
};
use crate::directory::{
    alerts::{Alerted, Said},
    sending::{About, Channel, Outcome, Telling},
};
use commonroll_core::{SchoolDate, Timestamp};
use commonroll_policy::PersonPermit;
use commonroll_views::whereabouts::AlertKey;

impl Desk<'_> {
    /// What needs somebody now, of learners who are on this board.
    pub(super) fn alarms(&self, learners: &Permits) -> Vec<AlarmSeen> {
        let open = self.directory.alerts().not_over().filter(|alert| alert.is_open());
        let mine = open.filter(|alert| alert.told.iter().any(|(number, _)| *number == self.own()));
        let mut alarms: Vec<AlarmSeen> = mine.filter_map(|alert| self.alarm(alert, learners)).collect();
        alarms.sort_by_key(|alarm| (alarm.is_ours(), alarm.learner.is_none(), alarm.since, alarm.id));
        alarms
    }

    /// Learners of this board whom somebody looked for today and found. Nobody has to guess what an alert that went came to.
    pub(super) fn found(&self, learners: &Permits, date: SchoolDate) -> Vec<FoundSeen> {
        let told = |alert: &Alerted| alert.told.iter().any(|(number, _)| *number == self.own());
        let today = self.directory.alerts().all().filter(|alert| alert.date == date && told(alert));
        let mut found: Vec<FoundSeen> = today
            .filter_map(|alert| {
                let (said, id) = (alert.found.as_ref()?, alerts::learner_of(&alert.id.key()?)?);
                if !self.is_of_board(id.site) || !learners.contains_key(&id.learner) {
                    return None;
                }
                let (name, by) = (self.name(id.learner), self.seen_by(alert, said, true));
                let undoable = is_theirs(alert, self.own()) && self.board.lasts(alert.id, self.now);
                Some(FoundSeen { id: alert.id, learner: id.learner, name, by, undoable })
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

    fn alarm(&self, alert: &Alerted, learners: &Permits) -> Option<AlarmSeen> {
        let key = alert.id.key()?;
        let (site, lesson) = match key {
            AlertKey::Unaccounted(id) | AlertKey::LeftEarly(id) => (id.site, Some(id.lesson)),
            AlertKey::Register { site, lesson } | AlertKey::ClassCancelled { site, lesson, .. } => {
                (site, Some(lesson))
            }
            AlertKey::SourceSilent { site } => (site, None),
            AlertKey::Misfit { .. } => return None,
        };
        let of_board = self.is_of_board(site);
        let id = alerts::learner_of(&key);
        let on_board = match id {
            Some(id) => learners.contains_key(&id.learner),
            None => self.board.expected_at(site, lesson, self.own()).any(|one| learners.contains_key(&one)),
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
            AlertKey::SourceSilent { .. } | AlertKey::Misfit { .. } => self.named(site).1,
        };
        let home = expectation.map(|of| of.home);
        // Which other homes have learners at a host is nothing for a home to read.
        let reads = |number: u16| id.is_some() || site == self.own() || number == site;
        let (told, in_hand) = self.answered(alert, &reads);
        Some(AlarmSeen {
            id: alert.id,
            learner: id.map(|id| id.learner),
            name,
            looks,
            known,
            since: alert.since,
            day: None,
            lesson: meeting,
            host: self.named(site),
            home: home.map(|home| self.named(home)),
            told,
            repeated: alert.repeated,
            in_hand,
            sent: self.all_sent(alert),
            ring: match self.ask {
                BoardAsk::Away => self.ring(site),
                BoardAsk::Visitors => home.and_then(|home| self.ring(home)),
            },
            findable: id.is_some(),
            undone: self.undone(alert),
        })
    }

    /// Who was mistaken about finding the learner, and who took it back.
    fn undone(&self, alert: &Alerted) -> Vec<(SaidSeen, SaidSeen)> {
        let seen = |(found, back): &(Said, Said)| {
            (self.seen_by(alert, found, true), self.seen_by(alert, back, false))
        };
        alert.undone.iter().map(seen).collect()
    }

    /// What doesn't fit between timetables and concerns this board, first what nobody of the institution has in hand. Adds
    /// whom it is about.
    pub(super) fn misfits(&self, permits: &mut Permits) -> Vec<AlarmSeen> {
        let open = self.directory.alerts().not_over().filter(|alert| alert.is_open());
        let mine = open.filter(|alert| alert.told.iter().any(|(number, _)| *number == self.own()));
        let mut found: Vec<AlarmSeen> = mine
            .filter_map(|alert| {
                let (alarm, permit) = self.misfit_of(alert)?;
                permits.extend(alarm.learner.zip(permit));
                Some(alarm)
            })
            .collect();
        found.sort_by_key(|alarm| (alarm.is_ours(), alarm.day, alarm.learner.is_some(), alarm.id));
        found
    }

    fn misfit_of(&self, alert: &Alerted) -> Option<(AlarmSeen, Option<PersonPermit>)> {
        let AlertKey::Misfit { day, finding } = alert.id.key()? else { return None };
        let [one, other] = finding.between();
        let learner = finding.learner();
        let home = match learner {
            Some(learner) => self.directory.home_of(learner)?.0,
            None => one,
        };
        let at_home = home == self.own();
        if at_home != (self.ask == BoardAsk::Away) {
            return None;
        }
        let permit = match learner {
            Some(learner) => Some(permit(self.directory, self.acting, learner, self.now)?),
            None => None,
        };
        let site = if at_home { other } else { self.own() };
        let partner = if at_home { other } else { home };
        let (told, in_hand) = self.answered(alert, &|_| true);
        let alarm = AlarmSeen {
            id: alert.id,
            learner,
            name: learner.map_or_else(|| self.named(partner).1, |learner| self.name(learner)),
            looks: Looks::Unknown,
            known: self.misfit(&finding),
            since: alert.since,
            day: SchoolDate::from_days(day),
            lesson: None,
            host: self.named(site),
            home: learner.map(|_| self.named(home)),
            told,
            repeated: alert.repeated,
            in_hand,
            sent: self.all_sent(alert),
            // Where nobody can tell which partner is meant, there is nobody to ring.
            ring: Some(partner)
                .filter(|partner| *partner != self.own())
                .and_then(|partner| self.ring(partner)),
            findable: false,
            undone: Vec::new(),
        };
        Some((alarm, permit))
    }

    /// Who was told and who answered: the own institution, and of others those that it may read of.
    fn answered(&self, alert: &Alerted, reads: &dyn Fn(u16) -> bool) -> (Vec<ToldSeen>, Vec<SaidSeen>) {
        let theirs = |number: u16| number == self.own() || reads(number);
        let told = alert.told.iter().filter(|(number, _)| theirs(*number));
        let hands = alert.in_hand().filter(|said| theirs(said.institution));
        let mut in_hand: Vec<SaidSeen> = hands.map(|said| self.seen_by(alert, said, false)).collect();
        in_hand.sort_by_key(|said| (!said.colleague, said.at));
        (told.map(|(number, at)| self.told(*number, *at)).collect(), in_hand)
    }

    fn all_sent(&self, alert: &Alerted) -> Vec<SentSeen> {
        [Channel::Mail, Channel::Webhook].into_iter().filter_map(|way| self.sent(alert, way)).collect()
    }

    fn told(&self, number: u16, at: Timestamp) -> ToldSeen {
        ToldSeen { name: self.named(number).1, own: number == self.own(), at }
    }

    /// What became of sending an alert to the own institution: of the newest telling, else of an older one.
    fn sent(&self, alert: &Alerted, channel: Channel) -> Option<SentSeen> {
        let lane = self.directory.sendings().lane(self.own(), channel)?;
        let open = lane.newest().filter(|newest| newest.is_open());
        let about = About::Alert(alert.id);
        let is_of = |telling: &Telling| telling.about == about && !telling.over;
        let under_way = open.filter(|open| open.tellings.iter().any(is_of));
        let state = match (under_way, lane.outcome(about)) {
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
}
