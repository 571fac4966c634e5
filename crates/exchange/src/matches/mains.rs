//! Two institutions register one learner as their own: their data managers agree where the main registration is.
//!
//! Each says of its own learner which partner the other is and whose registration is the main one. What is said counts for
//! nothing until the other says the same of theirs; then it is so, until either takes its word back. Who hasn't been named by
//! the other isn't told who it is, and a wrong guess is answered like a right one: whoever claims an invented learner under a
//! known number would learn by it where that child is.

use super::{MatchStepSeen, REFUSED, fits::name, put, said, seen, settles};
use crate::{
    Exchange,
    directory::{
        Directory, Local,
        matches::{MainSaid, MatchCase, MatchDeed},
        tokens::MatchingKey,
    },
    office::{Acting, Actor, LawError},
    stretch::{Stretch, cut},
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{LocalId, Slug, Timestamp, directory::Registration};

/// What one side says of where the main registration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MainWord {
    /// The other institution, by name: as the asker named it, or the one that named the asker.
    pub other: String,
    /// The same, by its slug.
    pub slug: Slug,
    /// True if the main registration is to be the asker's.
    pub ours: bool,
}

/// What is said of a learner whom another institution claims, too.
#[derive(Debug, Clone)]
pub struct MainSeen {
    /// What the asker's institution says.
    pub said: Option<MainWord>,
    /// What the other one says, if it named the asker's.
    pub told: Option<MainWord>,
    /// Goes with what is said, and stands for what was shown here.
    pub stamp: String,
    /// What people did, oldest first.
    pub history: Vec<MatchStepSeen>,
}

/// A learner of whom two have agreed where the main registration is.
#[derive(Debug, Clone)]
pub struct AgreedSeen {
    /// By the asker's institution's own id.
    pub local: LocalId,
    /// As it calls them.
    pub called: String,
    /// What both say.
    pub word: MainWord,
    /// What people did, oldest first.
    pub history: Vec<MatchStepSeen>,
}

impl Exchange {
    /// Says of a learner of one's own whom another institution claims, too, which one that is and where the main registration
    /// is. Once both have said the same it is in force on every stream. `shown` is the stamp of what the person had before
    /// them.
    ///
    /// # Errors
    /// [`LawError`]: alike for an id that isn't there and one that nobody else claims; and where it is declared otherwise by
    /// now.
    pub async fn say_main(
        &self,
        acting: Acting<'_>,
        (local, shown): (&LocalId, &str),
        (other, is_ours): (&Slug, bool),
        now: Timestamp,
    ) -> Result<(), LawError> {
        let (actor, local, shown, other) = (acting.owned(), local.clone(), shown.to_owned(), other.clone());
        let shared = self.shared.clone();
        self.act(acting, REFUSED, now, move |work: &mut Work<'_>| {
            let rules = settles(work, &actor)?;
            let (directory, own) = (&*work.planner.directory, actor.speaker.number);
            let held = directory.local(own, &local).filter(|_| is_claimed(directory, own, &local));
            let held = held.ok_or(NotAllowed::Denied)?;
            let learner = held.learner.ok_or(NotAllowed::Denied)?;
            let other = directory.number_of(&other).filter(|number| *number != own);
            let other = other.ok_or(LawError::State("name the partner that registers the learner, too"))?;
            if stamp(&shared.key, &local, held) != shown {
                return Err(LawError::State("this has changed meanwhile; look at the page again"));
            }
            if held.doubt.is_some() {
                return Err(LawError::State("say first whom this id of yours stands for"));
            }
            let is_said = |(at, word): (u16, &MainSaid)| at == other && word.ours == is_ours;
            if directory.main_word(own, &local).is_some_and(is_said) {
                return Ok(());
            }
            withdraw(work, (&actor, &local), &rules, now);
            let directory = &*work.planner.directory;
            let id = name(directory, &shared.key, (own, &local, other)).ok_or(NotAllowed::Denied)?;
            let held = directory.matches().get(id).cloned();
            let mut case = held.unwrap_or_else(|| MatchCase::new(id, (own, local.clone(), other)));
            let first = directory.local(own, &local).is_some_and(|held| !held.contested);
            case.main = Some(MainSaid { ours: is_ours, learner, first });
            let their = their_word(directory, (other, learner), own);
            let deed = match &their {
                Some((_, theirs)) if theirs.ours != is_ours => MatchDeed::MainAgreed,
                _ => MatchDeed::MainSaid,
            };
            said(&mut case, &actor, deed, None, now);
            put(work, &actor, case, (Some(learner), rules));
            if let Some((theirs, _)) = their.filter(|_| deed == MatchDeed::MainAgreed) {
                let (winner, loser) = match is_ours {
                    true => ((own, &local), (other, &theirs)),
                    false => ((other, &theirs), (own, &local)),
                };
                make_main(work, winner, loser);
            }
            Ok(())
        })
        .await
    }

    /// Takes back what was said of where a learner's main registration is. If both had agreed, whoever said so first is home
    /// again.
    ///
    /// # Errors
    /// [`LawError`]: alike for an id that isn't there and one of which nothing was said.
    pub async fn unsay_main(
        &self,
        acting: Acting<'_>,
        local: &LocalId,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let (actor, local) = (acting.owned(), local.clone());
        self.act(acting, REFUSED, now, move |work: &mut Work<'_>| {
            let rules = settles(work, &actor)?;
            match withdraw(work, (&actor, &local), &rules, now) {
                true => Ok(()),
                false => Err(NotAllowed::Denied.into()),
            }
        })
        .await
    }
}

/// Takes an institution's word back, and with it what both had agreed; false if it had said nothing.
fn withdraw(work: &mut Work<'_>, (actor, local): (&Actor, &LocalId), rules: &str, now: Timestamp) -> bool {
    let own = actor.speaker.number;
    let agreed = work.planner.directory.agreed_main(own, local).map(|(at, id, _)| (at, id.clone()));
    let mine = |case: &&MatchCase| case.main.is_some();
    let held: Vec<MatchCase> =
        work.planner.directory.matches().of_guest(own, local).filter(mine).cloned().collect();
    for mut case in held.iter().cloned() {
        let word = case.main.take();
        said(&mut case, actor, MatchDeed::MainTakenBack, None, now);
        put(work, actor, case, (word.map(|word| word.learner), rules.to_owned()));
    }
    if let Some((other, theirs)) = agreed {
        let is_first = held.iter().any(|case| case.main.as_ref().is_some_and(|word| word.first));
        let (first, second) = match is_first {
            true => ((own, local), (other, &theirs)),
            false => ((other, &theirs), (own, local)),
        };
        make_main(work, first, second);
    }
    !held.is_empty()
}

/// The one is home from now on, if the other has been.
fn make_main(work: &mut Work<'_>, winner: (u16, &LocalId), loser: (u16, &LocalId)) {
    let directory = &*work.planner.directory;
    let learner = directory.local(loser.0, loser.1).and_then(|local| local.learner);
    let is_home = learner.and_then(|n| directory.home_of(n)).is_some_and(|(at, id)| (*at, id) == loser);
    let claims = directory.local(winner.0, winner.1).is_some_and(|l| l.contested && l.learner == learner);
    if is_home && claims {
        work.planner.contest(loser, true);
        work.planner.contest(winner, false);
    }
}

/// What an institution says of a learner's main registration, if it names this other one: its own id for the learner too.
fn their_word(directory: &Directory, (at, learner): (u16, u32), named: u16) -> Option<(LocalId, MainSaid)> {
    directory.known_at(learner).filter(|(number, _)| *number == at).find_map(|(_, id)| {
        let (other, word) = directory.main_word(at, id)?;
        (other == named).then(|| (id.clone(), word.clone()))
    })
}

/// True if a learner of an institution's own is claimed by another, too.
fn is_claimed(directory: &Directory, own: u16, id: &LocalId) -> bool {
    let Some(local) = directory.local(own, id).filter(|l| l.registration == Registration::Home) else {
        return false;
    };
    let others = |learner| {
        let claims = |(at, theirs): &&(u16, LocalId)| {
            *at != own && directory.local(*at, theirs).is_some_and(|other| other.contested)
        };
        directory.known_at(learner).any(|one| claims(&one))
    };
    local.learner.is_some_and(|learner| local.contested || others(learner))
}

fn stamp(key: &MatchingKey, id: &LocalId, local: &Local) -> String {
    let shown = serde_json::json!(["main", id.as_str(), local.tokens, local.contested]);
    key.stamp(shown.to_string().as_bytes())
}

/// What is said of a learner of an institution's own, by it and by the other one that claims them.
pub(crate) fn main_seen(
    directory: &Directory,
    key: &MatchingKey,
    (own, id): (u16, &LocalId),
    other: Option<u16>,
) -> MainSeen {
    let word = |number: u16, ours: bool| {
        let info = &directory.institution(number)?.info;
        Some(MainWord { other: info.name.clone(), slug: info.slug.clone(), ours })
    };
    let local = directory.local(own, id);
    let learner = local.and_then(|local| local.learner);
    let told = other.zip(learner).and_then(|(at, learner)| {
        let (_, theirs) = their_word(directory, (at, learner), own)?;
        word(at, !theirs.ours)
    });
    let mine = |case: &&MatchCase| case.has_main();
    let case = directory.matches().of_guest(own, id).filter(mine).last();
    MainSeen {
        said: directory.main_word(own, id).and_then(|(number, said)| word(number, said.ours)),
        told,
        stamp: local.map_or_else(String::new, |local| stamp(key, id, local)),
        history: seen::history(directory, own, case),
    }
}

/// True if another institution that registers a learner of an institution's own has named it as the other.
pub(crate) fn is_named_by(directory: &Directory, other: u16, (own, learner): (u16, Option<u32>)) -> bool {
    learner.is_some_and(|learner| their_word(directory, (other, learner), own).is_some())
}

/// Learners of an institution's own of whom it has agreed with another where the main registration is, in their order: what is
/// asked for, and how many there are.
pub(crate) fn agreed(
    directory: &Directory,
    key: &MatchingKey,
    own: u16,
    stretch: Stretch,
) -> (Vec<AgreedSeen>, usize) {
    let Some(state) = directory.institution(own) else { return (Vec::new(), 0) };
    let seen = |(id, other): (&LocalId, u16)| {
        let main = main_seen(directory, key, (own, id), Some(other));
        let (local, called) = (id.clone(), seen::called(directory.local(own, id)));
        Some(AgreedSeen { local, called, word: main.said?, history: main.history })
    };
    let homes = state.locals.iter().filter(|(_, local)| local.registration == Registration::Home);
    let agreed = homes.filter_map(|(id, _)| Some((id, directory.agreed_main(own, id)?.0)));
    let mut all: Vec<(&LocalId, u16)> = agreed.collect();
    all.sort();
    let count = all.len();
    (cut(all, stretch).into_iter().filter_map(seen).collect(), count)
}
