//! What a declaration leads to: which changes, which match, which refusal.
//!
//! Planning happens in the log's one writer, against the directory as it will be, so that two declarations can't both
//! be the first. It only reads and proposes; the changes take effect when their entries are durable.

use super::{
    Directory,
    change::Change,
    expected::Called,
    matches::{MatchCase, MatchDeed, MatchStep},
    tokens::{MatchingKey, Tokens},
};
use crate::types::DeclareResult;
use commonroll_core::{
    LocalId, Slug, Timestamp,
    directory::{DateRange, Declaration, LearnerDeclaration, PlacementEnd, Registration, StaffDeclaration},
    matching::{Verdict, compare},
};

/// Proposes changes on top of a directory and applies each at once, so that the next one sees it.
pub struct Planner<'a> {
    /// The directory as it will be.
    pub directory: &'a mut Directory,
    /// What has been proposed, in order.
    pub changes: &'a mut Vec<Change>,
}

pub(super) const fn rejected(code: &'static str, field: &'static str, reason: &'static str) -> DeclareResult {
    DeclareResult::Rejected { code, field, reason }
}

const UNKNOWN_PARTNER: DeclareResult = rejected(
    "unknown_institution",
    "host",
    "name a partner of this consortium by its slug, and not yourself",
);
const UNKNOWN_LEARNER: DeclareResult =
    rejected("unknown_learner", "learner_local_id", "declare the learner before the placement");

impl Planner<'_> {
    /// Makes a change part of the plan.
    pub fn make(&mut self, change: Change) {
        self.directory.apply(&change);
        self.changes.push(change);
    }

    /// Plans one declaration of an institution about itself.
    pub fn declare(
        &mut self,
        by: u16,
        declaration: &Declaration,
        key: &MatchingKey,
        now: Timestamp,
    ) -> DeclareResult {
        match declaration {
            Declaration::Learner(learner) => self.learner(by, learner, key, now),
            Declaration::Group(group) => {
                let (title, subject) =
                    (group.course_title.as_str().to_owned(), group.subject.as_str().to_owned());
                let held = self.directory.institution(by).and_then(|s| s.groups.get(&group.local_id));
                if held.is_some_and(|(t, s)| *t == title && *s == subject) {
                    return DeclareResult::Unchanged;
                }
                self.make(Change::Group { institution: by, local: group.local_id.clone(), title, subject });
                DeclareResult::Accepted
            }
            Declaration::Placement(p) => self.side(by, &p.learner, &p.host, p.group.as_ref(), false, p.dates),
            Declaration::Acceptance(a) => self.side(by, &a.learner, &a.home, a.group.as_ref(), true, a.dates),
            Declaration::End(end) => self.end(by, end),
            Declaration::Staff(staff) => self.staff(by, staff),
            Declaration::Day(day) => self.day(by, day, now),
            Declaration::Notice(notice) => self.notice(by, notice, now),
            Declaration::Support(support) => self.support(by, support),
        }
    }

    /// What the declaration says of roles is left alone: roles come from people.
    fn staff(&mut self, by: u16, staff: &StaffDeclaration) -> DeclareResult {
        let mut groups = staff.groups.clone();
        groups.sort();
        groups.dedup();
        let held = self.directory.institution(by).and_then(|s| s.staff.get(&staff.local_id));
        if held.is_some_and(|held| *held == groups) {
            return DeclareResult::Unchanged;
        }
        self.make(Change::Staff { institution: by, local: staff.local_id.clone(), groups });
        DeclareResult::Accepted
    }

    fn partner(&self, by: u16, slug: &Slug) -> Option<u16> {
        self.directory.number_of(slug).filter(|number| *number != by)
    }

    fn side(
        &mut self,
        by: u16,
        id: &LocalId,
        other: &Slug,
        group: Option<&LocalId>,
        hosting: bool,
        dates: DateRange,
    ) -> DeclareResult {
        let Some(other) = self.partner(by, other) else { return UNKNOWN_PARTNER };
        let Some(local) = self.directory.local(by, id) else { return UNKNOWN_LEARNER };
        if local.registration == Registration::Home && hosting {
            return rejected(
                "not_a_guest",
                "learner_local_id",
                "a learner registered with you is not a guest; declare a placement instead",
            );
        }
        if local.registration != Registration::Home && !hosting {
            return rejected(
                "not_home",
                "learner_local_id",
                "only the learner's home declares a placement; accept it instead",
            );
        }
        let held = local
            .sides
            .iter()
            .find(|s| s.other == other && s.group.as_ref() == group && s.hosting == hosting);
        // Whoever ended a placement may say it anew: a row that was missing from one export comes back with the next.
        if held.is_some_and(|s| s.dates == dates && s.ended.is_none()) {
            return DeclareResult::Unchanged;
        }
        self.make(Change::Side {
            by,
            local: id.clone(),
            other,
            group: group.cloned(),
            hosting,
            dates,
            ended: None,
        });
        DeclareResult::Accepted
    }

    fn end(&mut self, by: u16, end: &PlacementEnd) -> DeclareResult {
        let Some(other) = self.partner(by, &end.other) else { return UNKNOWN_PARTNER };
        let Some(local) = self.directory.local(by, &end.learner) else { return UNKNOWN_LEARNER };
        let concerned: Vec<_> = local
            .sides
            .iter()
            .filter(|side| side.other == other && (end.group.is_none() || side.group == end.group))
            .cloned()
            .collect();
        if concerned.is_empty() {
            return rejected(
                "unknown_placement",
                "group_local_id",
                "end a placement that you declared or accepted",
            );
        }
        let mut result = DeclareResult::Unchanged;
        for side in concerned {
            if side.ended.is_some_and(|held| held <= end.from) {
                continue;
            }
            let (group, hosting, dates) = (side.group, side.hosting, side.dates);
            self.make(Change::Side {
                by,
                local: end.learner.clone(),
                other,
                group,
                hosting,
                dates,
                ended: Some(end.from),
            });
            result = DeclareResult::Accepted;
        }
        result
    }

    fn learner(
        &mut self,
        by: u16,
        declared: &LearnerDeclaration,
        key: &MatchingKey,
        now: Timestamp,
    ) -> DeclareResult {
        let Some(slug) = self.directory.institution(by).map(|s| s.info.slug.clone()) else {
            return UNKNOWN_PARTNER;
        };
        let tokens = key.tokens(&slug, declared);
        let called = called(declared);
        let held = self.directory.local(by, &declared.local_id);
        let same = held.is_some_and(|l| {
            l.registration == declared.registration && l.tokens == tokens && l.called == called
        });
        if same {
            return if held.is_some_and(|l| l.contested) {
                DeclareResult::Contested
            } else {
                DeclareResult::Unchanged
            };
        }
        let outlived = self.outlived(by, declared, &tokens);
        let approved = held.filter(|l| l.approved && outlived.is_none()).and_then(|l| l.learner);
        let before = held.and_then(|l| l.learner);
        let told_apart = held.is_some_and(|l| !l.tokens.identify_like(&tokens));
        let (id, registration) = (&declared.local_id, declared.registration);
        if told_apart {
            self.reconsider(by, id, now);
        }
        if let Some(home) = outlived {
            self.changed(by, (id, home), key, now);
        }
        let result = self.place_learner(by, id, registration, tokens, approved, called, now);
        if registration == Registration::Previous {
            self.forget_expected(by, id);
        }
        if let Some(before) = before.filter(|n| self.directory.home_of(*n).is_none()) {
            self.promote_waiting_claim(before);
        }
        self.settle(by, &declared.local_id, now);
        result
    }

    /// A home's no rested on numbers and dates of birth that are others now: who fits may be asked about again.
    fn reconsider(&mut self, by: u16, id: &LocalId, now: Timestamp) {
        let concerned = |case: &&MatchCase| {
            let whole = case.host == by && case.guest == *id;
            // A no to which nobody fitted has no bar.
            (whole && case.is_declined())
                || case.bars.iter().any(|bar| !bar.undone && (whole || case.home == by && bar.local == *id))
        };
        let cases: Vec<_> = self.directory.matches().all().filter(concerned).cloned().collect();
        for mut case in cases {
            let whole = case.host == by && case.guest == *id;
            case.bars.retain(|bar| bar.undone || !(whole || bar.local == *id));
            let (deed, institution) = (MatchDeed::Changed, by);
            case.step(MatchStep { deed, at: now, institution, by: None, role: None, local: None });
            self.make(Change::Match { case: Box::new(case) });
        }
    }

    /// The home whose learner people took a guest for, if what is declared of the guest now speaks against it more than
    /// what was declared when they said so: an id that was given to another learner, say.
    fn outlived(&self, by: u16, declared: &LearnerDeclaration, tokens: &Tokens) -> Option<u16> {
        let is_guest = |at| !matches!(at, Registration::Home | Registration::Previous);
        let held = self.directory.local(by, &declared.local_id)?;
        let is_same = held.tokens.identify_like(tokens);
        if !held.approved || is_same || !is_guest(held.registration) || !is_guest(declared.registration) {
            return None;
        }
        let slug = |number: u16| self.directory.institution(number).map(|s| &s.info.slug);
        let (home, local) = self.directory.home_of(held.learner?).filter(|(home, _)| *home != by)?;
        let theirs = self.directory.local(*home, local)?.tokens.evidence(slug(*home)?);
        let own = slug(by)?;
        let against = |tokens: &Tokens| against(compare(&tokens.evidence(own), &theirs, true));
        let (before, after) = (against(&held.tokens), against(tokens));
        (after > before && after >= CONTRADICTS).then_some(*home)
    }

    /// What a yes rested on is no more: the guest stands among those who wait, and why is in its history.
    fn changed(&mut self, host: u16, (guest, home): (&LocalId, u16), key: &MatchingKey, now: Timestamp) {
        let slug = |number: u16| self.directory.institution(number).map(|s| &s.info.slug);
        let Some((ours, theirs)) = slug(host).zip(slug(home)) else { return };
        let id = key.matching(ours, guest, theirs);
        let held = self.directory.matches().get(id).cloned();
        let mut case = held.unwrap_or_else(|| MatchCase::new(id, (host, guest.clone(), home)));
        let (deed, institution) = (MatchDeed::Changed, host);
        case.step(MatchStep { deed, at: now, institution, by: None, role: None, local: None });
        self.make(Change::Match { case: Box::new(case) });
    }

    /// Matches a learner and records who that is.
    #[expect(clippy::too_many_arguments, reason = "what is declared, and what people decided of it")]
    pub fn place_learner(
        &mut self,
        by: u16,
        id: &LocalId,
        registration: Registration,
        tokens: Tokens,
        approved: Option<u32>,
        called: Option<Called>,
        now: Timestamp,
    ) -> DeclareResult {
        let is_home = registration == Registration::Home;
        let (doubt, is_another) = self.doubt((by, id), registration, &tokens, now);
        // A learner of ours stays who they were, whatever is corrected about them: placements and records rest on it.
        let held = self.directory.local(by, id).and_then(|l| l.learner).filter(|_| is_home && !is_another);
        let anew = || held.unwrap_or_else(|| self.directory.next_learner());
        // Nobody guesses who it is while that is in doubt; and what people said of the one before isn't said of another.
        let approved = approved.filter(|_| !is_another).or_else(|| held.filter(|_| doubt.is_some()));
        let matched = approved.map_or_else(|| self.find((by, id), &tokens, is_home), Match::Learner);
        let learner = match matched {
            Match::Learner(number) => Some(number),
            // A number that says yes and a birth date that says no link nobody: a guest waits until people have looked.
            Match::None | Match::Conflict if is_home => Some(anew()),
            Match::None | Match::Conflict => None,
        };
        let other_home = learner
            .and_then(|n| self.directory.home_of(n).or_else(|| self.directory.doubts().home_of(n)))
            .is_some_and(|(home, local)| *home != by || local != id);
        let contested = is_home && other_home;
        // What was believed of the child who had the id before is nothing about this one.
        let was = if is_another { Vec::new() } else { self.was(by, id, learner) };
        if is_another {
            self.begin_anew(by, id, now);
        }
        let held = self.directory.local(by, id).filter(|held| held.learner == learner);
        let since = learner.filter(|_| !is_home).and_then(|_| held.map_or(Some(now), |held| held.since));
        self.make(Change::Learner {
            institution: by,
            local: id.clone(),
            registration,
            learner,
            contested,
            approved: approved.is_some() && doubt.is_none(),
            tokens,
            was,
            called,
            since,
            doubt,
        });
        if contested { DeclareResult::Contested } else { DeclareResult::Accepted }
    }

    /// A guest is this learner, because people said so.
    pub fn link(&mut self, host: u16, guest: &LocalId, learner: u32, now: Timestamp) {
        let Some(held) = self.directory.local(host, guest).cloned() else { return };
        let (registration, tokens, called) = (held.registration, held.tokens, held.called);
        self.place_learner(host, guest, registration, tokens, Some(learner), called, now);
    }

    /// A guest is nobody whom the hub knows, because people said so.
    pub fn unlink(&mut self, host: u16, guest: &LocalId) {
        let Some(held) = self.directory.local(host, guest).cloned() else { return };
        let was = self.was(host, guest, None);
        self.make(Change::Learner {
            institution: host,
            local: guest.clone(),
            registration: held.registration,
            learner: None,
            contested: false,
            approved: false,
            tokens: held.tokens,
            was,
            called: held.called,
            since: None,
            doubt: None,
        });
    }

    /// Whom a local id was believed to be before, if it is now to be somebody else.
    fn was(&self, by: u16, id: &LocalId, learner: Option<u32>) -> Vec<u32> {
        let Some(held) = self.directory.local(by, id) else { return Vec::new() };
        let mut was = held.was.clone();
        was.extend(held.learner.filter(|before| learner != Some(*before) && !held.was.contains(before)));
        was
    }

    /// After a learner changed: claims that waited behind it, and guests that matched nobody until now.
    pub(super) fn settle(&mut self, by: u16, id: &LocalId, now: Timestamp) {
        let Some(local) = self.directory.local(by, id).cloned() else { return };
        let Some(learner) = local.learner else { return };
        if self.directory.home_of(learner).is_none() {
            self.promote_waiting_claim(learner);
        }
        if local.registration != Registration::Home || local.contested || local.doubt.is_some() {
            return;
        }
        for (institution, other) in self.directory.candidates(&local.tokens) {
            let waiting = self
                .directory
                .local(institution, &other)
                .filter(|l| l.learner.is_none() && l.registration != Registration::Home)
                .cloned();
            if let Some(guest) = waiting {
                let (registration, tokens, called) = (guest.registration, guest.tokens, guest.called);
                self.place_learner(institution, &other, registration, tokens, None, called, now);
            }
        }
    }

    pub(super) fn promote_waiting_claim(&mut self, learner: u32) {
        if self.directory.doubts().home_of(learner).is_some() {
            return;
        }
        let waiting = self.directory.institutions().iter().enumerate().find_map(|(number, state)| {
            let (id, _) = state.locals.iter().find(|(_, l)| l.contested && l.learner == Some(learner))?;
            Some((number, id.clone()))
        });
        if let Some((number, local)) = waiting
            && let Ok(institution) = u16::try_from(number)
        {
            self.contest((institution, &local), false);
        }
    }

    /// An institution's learner is, or isn't any more, one whose home another counts as.
    pub(crate) fn contest(&mut self, (institution, local): (u16, &LocalId), contested: bool) {
        let Some(held) = self.directory.local(institution, local).cloned() else { return };
        self.make(Change::Learner {
            institution,
            local: local.clone(),
            registration: held.registration,
            learner: held.learner,
            contested,
            approved: held.approved,
            tokens: held.tokens,
            was: held.was,
            called: held.called,
            since: held.since,
            doubt: held.doubt,
        });
    }

    /// Who the evidence says this is. Never guesses: two different answers are no answer. Somebody else's contradicting
    /// claim does not stand in the way of an answer, or any partner could unmatch another's learners.
    pub(super) fn find(&self, (by, id): (u16, &LocalId), tokens: &Tokens, is_home: bool) -> Match {
        let slug = |number: u16| self.directory.institution(number).map(|s| &s.info.slug);
        let Some(evidence) = slug(by).map(|own| tokens.evidence(own)) else { return Match::None };
        let (mut found, mut contradicted) = (Match::None, false);
        for (institution, other) in self.directory.candidates(tokens) {
            if institution == by && other == *id {
                continue;
            }
            let Some(local) = self.directory.local(institution, &other) else { continue };
            let Some(number) = local.learner.filter(|_| local.doubt.is_none()) else { continue };
            // What people keep apart is neither an answer nor a contradiction.
            if self.apart((by, id), (institution, &other), number) {
                continue;
            }
            // Nor do a new id, or a new id of the home's, make a new child of one whom people said is another.
            if !is_home && self.directory.undone_before((by, id), tokens, number).is_some() {
                continue;
            }
            let Some(theirs) = slug(institution).map(|slug| local.tokens.evidence(slug)) else { continue };
            match compare(&evidence, &theirs, false) {
                Verdict::AutoLink { .. } | Verdict::Flagged { .. } => match found {
                    Match::None => found = Match::Learner(number),
                    Match::Learner(same) if same == number => {}
                    _ => return Match::Conflict,
                },
                Verdict::Conflict(_) => contradicted = true,
                Verdict::Propose(_) | Verdict::NoMatch => {}
            }
        }
        if contradicted && matches!(found, Match::None) { Match::Conflict } else { found }
    }

    /// True if people said that the one is not whom the other is believed to be.
    fn apart(&self, one: (u16, &LocalId), other: (u16, &LocalId), number: u32) -> bool {
        let (matches, home) = (self.directory.matches(), self.directory.home_of(number));
        // As a guest, from that learner; and as a home's learner, from a guest whom people took for somebody else.
        matches.parts(one, number, home)
            || matches
                .between(other.0, other.1, one.0)
                .is_some_and(|case| case.bars.iter().any(|bar| bar.local == *one.1))
    }
}

/// From here on evidence speaks against a match.
const CONTRADICTS: u8 = 2;

/// How much evidence speaks against a match.
const fn against(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::AutoLink { .. } | Verdict::Flagged { .. } => 0,
        Verdict::Propose(_) => 1,
        Verdict::Conflict(_) => CONTRADICTS,
        Verdict::NoMatch => 3,
    }
}

/// How an institution calls a learner. Of somebody who left, it need not be known any more.
fn called(declared: &LearnerDeclaration) -> Option<Called> {
    if declared.registration == Registration::Previous {
        return None;
    }
    let known_as = if declared.known_as.is_empty() { &declared.forename } else { &declared.known_as };
    let called = Called { known_as: known_as.clone(), surname: declared.surname.clone() };
    (!called.known_as.is_empty() || !called.surname.is_empty()).then_some(called)
}

/// Who the evidence says somebody is.
pub(super) enum Match {
    Learner(u32),
    None,
    Conflict,
}

/// True if an instant lies in the time that an agent's key stays good without use: 90 days.
pub fn still_good(used: Timestamp, now: Timestamp) -> bool {
    const DAYS_90: i64 = 90 * 86_400_000_000;
    now.micros() - used.micros() <= DAYS_90
}
