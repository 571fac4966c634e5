//! Matching by people: a host asks a home who a guest is, the home answers, either takes a link apart.
//!
//! Neither may see the other's learner, so a decision needs both: the host says which guest and which home, the home which
//! of its own learners, each by its own ids. A yes links as numbers would; a no keeps who fitted off the list; an undone link
//! is not made again by numbers, and what was delivered under it is recalled by the sweep that follows every change of a
//! match (`recall`). Names and numbers are in no entry.

mod fits;
pub(crate) mod forget;
mod mains;
mod reused;
mod seen;
mod stamp;
mod told;

pub use fits::Points;
pub(crate) use fits::{Fit, fits, is_guest, linked, waits};
pub use mains::{AgreedSeen, MainSeen, MainWord};
pub(crate) use mains::{agreed, is_named_by, main_seen};
pub use reused::ReusedSeen;
pub(crate) use reused::reused;
pub use seen::{
    DoubleSeen, FitSeen, HomeSeen, LinkSeen, LinksSeen, MatchStepSeen, OptionSeen, QuestionSeen, Taking,
};
pub(crate) use seen::{asked_of, called, doubles, home_seen, links_seen, questions};
pub(crate) use told::placed_with;

use crate::{
    Exchange,
    directory::{
        Directory,
        change::{Change, PersonUuid},
        matches::{Bar, MatchCase, MatchDeed, MatchId, MatchStep},
    },
    follow::{Walk, read_what_is_left},
    office::{Acting, Actor, LawError, may},
    questions::AskError,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{LocalId, RecordId, Slug, Timestamp};
use commonroll_policy::OfficeAct;
use fits::{Link, links, name};
use std::collections::BTreeSet;

/// The entry by which refusals are counted.
const REFUSED: &str = "match.refused";
/// Stored blocks in memory at once.
const BLOCKS_AT_ONCE: usize = 4;

impl Exchange {
    /// The host asks a home whether a guest whom nobody has matched is one of those there who fit. Asked already: the same
    /// question.
    ///
    /// # Errors
    /// [`LawError`]: alike for a guest who isn't there and one who is matched.
    pub async fn ask_match(
        &self,
        acting: Acting<'_>,
        (guest, home): (&LocalId, &Slug),
        now: Timestamp,
    ) -> Result<MatchId, LawError> {
        let (actor, guest, home) = (acting.owned(), guest.clone(), home.clone());
        let shared = self.shared.clone();
        let done = self.act(acting, REFUSED, now, move |work: &mut Work<'_>| {
            let rules = settles(work, &actor)?;
            let (directory, own) = (&*work.planner.directory, actor.speaker.number);
            directory.local(own, &guest).filter(|local| waits(local)).ok_or(NotAllowed::Denied)?;
            let home = directory.number_of(&home).ok_or(NotAllowed::Denied)?;
            let fits: Vec<Fit> = fits(directory, own, &guest).into_iter().filter(|fit| fit.home == home).collect();
            let is_told =
                |fit: &Fit| told::is_told(directory, (own, &guest), (home, Some(&fit.local)));
            let is_told = fits.iter().any(is_told) || told::is_told(directory, (own, &guest), (home, None));
            let id = name(directory, &shared.key, (own, &guest, home)).ok_or(NotAllowed::Denied)?;
            let held = directory.matches().get(id).cloned();
            let is_declined = held.as_ref().is_some_and(MatchCase::is_declined);
            // Said alike whether somebody fits there or not.
            if home == own || (!is_told && !told::names(directory, (own, &guest), home)) {
                return Err(LawError::State(
                    "you don’t take this guest from there; accept the placement from their home first, then ask it",
                ));
            }
            let is_open = if is_told { fits.iter().any(|fit| fit.is_open(own)) } else { !is_declined };
            if !is_open {
                return Err(LawError::State(
                    "nobody there fits this guest any more; look at the page again, and ring their office",
                ));
            }
            let mut case = held.unwrap_or_else(|| MatchCase::new(id, (own, guest.clone(), home)));
            if !case.is_open() {
                said(&mut case, &actor, MatchDeed::Asked, None, now);
                put(work, &actor, case, (None, rules));
            }
            Ok(id)
        });
        done.await
    }

    /// The host takes its question back.
    ///
    /// # Errors
    /// [`LawError`]: alike for a question that isn't there and one that is answered.
    pub async fn take_match_back(
        &self,
        acting: Acting<'_>,
        id: MatchId,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let actor = acting.owned();
        self.act(acting, REFUSED, now, move |work: &mut Work<'_>| {
            let rules = settles(work, &actor)?;
            let mut case = open(work.planner.directory, id, |case| case.host == actor.speaker.number)?;
            said(&mut case, &actor, MatchDeed::TakenBack, None, now);
            put(work, &actor, case, (None, rules));
            Ok(())
        })
        .await
    }

    /// The home answers: the guest is this learner of theirs, or none of those who fit. A yes is in force on every stream when
    /// the call returns. `shown` is the stamp of the question as the answerer saw it.
    ///
    /// # Errors
    /// [`LawError`]: alike for a question that isn't there and one that is for somebody else; and where the guest or who
    /// fits is declared otherwise by now than was shown.
    pub async fn answer_match(
        &self,
        acting: Acting<'_>,
        (id, shown): (MatchId, &str),
        answer: Option<&LocalId>,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let (actor, answer, shown) = (acting.owned(), answer.cloned(), shown.to_owned());
        let shared = self.shared.clone();
        self.act(acting, REFUSED, now, move |work: &mut Work<'_>| {
            let rules = settles(work, &actor)?;
            let own = actor.speaker.number;
            let mut case = open(work.planner.directory, id, |case| case.home == own)?;
            let all = fits(work.planner.directory, case.host, &case.guest);
            let ours: Vec<&Fit> = all.iter().filter(|fit| fit.home == own && !fit.refused).collect();
            if stamp::stamp(work.planner.directory, &shared.key, &case, &ours) != shown {
                return Err(LawError::State("this has changed meanwhile; look at the page again"));
            }
            match &answer {
                Some(local) => {
                    let fit = ours.iter().find(|fit| fit.local == *local).ok_or(LawError::State(
                        "this learner of yours doesn’t fit the guest any more; look at the page again",
                    ))?;
                    case.bars.retain(|bar| bar.local != *local);
                    said(&mut case, &actor, MatchDeed::Yes, Some(local), now);
                    let (host, guest) = (case.host, case.guest.clone());
                    put(work, &actor, case, (Some(fit.learner), rules));
                    work.planner.link(host, &guest, fit.learner, now);
                }
                None => {
                    for fit in ours {
                        let (local, learner) = (fit.local.clone(), fit.learner);
                        case.bar(Bar { local, learner, undone: false, numbers: Vec::new() });
                    }
                    said(&mut case, &actor, MatchDeed::No, None, now);
                    put(work, &actor, case, (None, rules));
                }
            }
            Ok(())
        })
        .await
    }

    /// The home takes its no back: the question is open again.
    ///
    /// # Errors
    /// [`LawError`].
    pub async fn reopen_match(
        &self,
        acting: Acting<'_>,
        id: MatchId,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let actor = acting.owned();
        self.act(acting, REFUSED, now, move |work: &mut Work<'_>| {
            let rules = settles(work, &actor)?;
            let (directory, own) = (&*work.planner.directory, actor.speaker.number);
            let is_no = |case: &&MatchCase| {
                case.home == own && case.said().is_some_and(|step| step.deed == MatchDeed::No)
            };
            let mut case = directory.matches().get(id).filter(is_no).cloned().ok_or(NotAllowed::Denied)?;
            if !directory.local(case.host, &case.guest).is_some_and(waits) {
                return Err(LawError::State("the guest is matched by now; nothing waits for an answer"));
            }
            case.bars.retain(|bar| bar.undone);
            said(&mut case, &actor, MatchDeed::Reopened, None, now);
            put(work, &actor, case, (None, rules));
            Ok(())
        })
        .await
    }

    /// Either side takes a link apart. The guest then stands unmatched until a person says who it is; nothing flows under the
    /// link any more when the call returns, and what was delivered under it is recalled.
    ///
    /// # Errors
    /// [`LawError`]: alike for a link that isn't there and one between others.
    pub async fn undo_match(&self, acting: Acting<'_>, id: MatchId, now: Timestamp) -> Result<(), LawError> {
        let actor = acting.owned();
        // Looked for outside the writer's turn: an institution has thousands.
        let found = self.link_named(acting.speaker.number, id);
        self.act(acting, REFUSED, now, move |work: &mut Work<'_>| {
            let rules = settles(work, &actor)?;
            let directory = &*work.planner.directory;
            let (host, guest) =
                found.as_ref().map(|l| (l.host, l.guest.clone())).ok_or(NotAllowed::Denied)?;
            let is_same =
                |link: &Link| found.as_ref().is_some_and(|l| l.home == link.home && l.local == link.local);
            let link = linked(directory, host, &guest).filter(is_same).ok_or(NotAllowed::Denied)?;
            let held = directory.matches().get(id).cloned();
            let mut case = held.unwrap_or_else(|| MatchCase::new(id, (host, guest.clone(), link.home)));
            case.bars.retain(|bar| bar.local != link.local);
            let bore = directory.local(host, &guest).map(|held| held.tokens.numbers().collect());
            let (local, learner, numbers) = (link.local.clone(), link.learner, bore.unwrap_or_default());
            case.bar(Bar { local, learner, undone: true, numbers });
            let own = actor.speaker.number;
            let is_told =
                own == link.home || told::is_told(directory, (host, &guest), (link.home, Some(&link.local)));
            said(&mut case, &actor, MatchDeed::Undone, Some(&link.local), now);
            put(work, &actor, case, (Some(link.learner), rules));
            // The host reads its own entries: one that was never told whose learner it is reads no name there either.
            if !is_told && let Some(more) = work.more.as_object_mut() {
                more.remove("recipient");
            }
            work.planner.unlink(host, &guest);
            Ok(())
        })
        .await
    }

    /// One link, and how many records about the guest its home holds by it: what an undo would call back.
    ///
    /// # Errors
    /// [`AskError`]: alike for a link that isn't there and one between others.
    pub async fn match_link(
        &self,
        acting: Acting<'_>,
        id: MatchId,
        now: Timestamp,
    ) -> Result<(LinkSeen, u64), AskError> {
        self.at_desk(acting, OfficeAct::SettleMatch)?;
        let link = self.link_named(acting.speaker.number, id).ok_or(NotAllowed::Denied)?;
        let about = serde_json::json!({ "match": id.to_string(), "learner": link.learner });
        self.looks(acting, ("match", about), now).await?;
        let copies = self.delivered(&link).await?;
        let directory = self.shared.directory();
        Ok((seen::link(&directory, acting.speaker.number, &link, id), copies))
    }

    fn link_named(&self, own: u16, id: MatchId) -> Option<Link> {
        let directory = self.shared.directory();
        if let Some(case) = directory.matches().get(id) {
            return linked(&directory, case.host, &case.guest)
                .filter(|link| link.home == case.home && [link.host, link.home].contains(&own));
        }
        links(&directory, own)
            .into_iter()
            .find(|link| name(&directory, &self.shared.key, (link.host, &link.guest, link.home)) == Some(id))
    }

    /// Records about a guest that its home was handed and holds.
    async fn delivered(&self, link: &Link) -> Result<u64, AskError> {
        let (places, holdings) = self.held_of(&[link.learner]).await.map_err(|_| AskError::Unavailable)?;
        let handed = self.shared.handed(&self.shared.directory(), link.home);
        let mut found: BTreeSet<RecordId> = BTreeSet::new();
        let mut walk = Walk::new(&places, BLOCKS_AT_ONCE);
        loop {
            let store = self.shared.store.as_ref();
            let blocks = walk.next(store, true).await.map_err(|_| AskError::Unavailable)?;
            if blocks.is_empty() {
                break;
            }
            for (block, here) in blocks {
                let records =
                    read_what_is_left(block, here.iter().copied()).map_err(|_| AskError::Unavailable)?;
                let theirs = records.into_iter().filter(|record| {
                    record.entry.source == link.host && record.circumstances.learner == link.guest
                });
                found.extend(theirs.map(|record| record.entry.id));
            }
        }
        let holds = |id: &&RecordId| {
            let copies = holdings.records.get(id).map_or(&[] as &[_], |found| &found.copies);
            copies.iter().any(|copy| copy.recipient == link.home && copy.place < handed)
        };
        Ok(found.iter().filter(holds).count() as u64)
    }
}

/// Whether somebody settles matches of their own institution now; the rules that say so.
fn settles(work: &Work<'_>, actor: &Actor) -> Result<String, NotAllowed> {
    let own = actor.speaker.institution();
    let permit = may(work.planner.directory, actor.acting(), OfficeAct::SettleMatch, Some(own), false)?;
    Ok(permit.reason().to_owned())
}

/// A question that waits, for those whose it is.
fn open(
    directory: &Directory,
    id: MatchId,
    is_theirs: impl Fn(&MatchCase) -> bool,
) -> Result<MatchCase, NotAllowed> {
    let is_open = |case: &&MatchCase| {
        is_theirs(case) && case.is_open() && directory.local(case.host, &case.guest).is_some_and(waits)
    };
    directory.matches().get(id).filter(is_open).cloned().ok_or(NotAllowed::Denied)
}

fn said(case: &mut MatchCase, actor: &Actor, deed: MatchDeed, local: Option<&LocalId>, now: Timestamp) {
    let (by, role) = (Some(PersonUuid(actor.id())), Some(actor.role));
    let institution = actor.speaker.number;
    case.step(MatchStep { deed, at: now, institution, by, role, local: local.cloned() });
}

/// Makes it a change. The entry says which match, of whose guest and of which home, and of whom by number if there is one.
fn put(work: &mut Work<'_>, actor: &Actor, case: MatchCase, (learner, rules): (Option<u32>, String)) {
    let directory = &*work.planner.directory;
    let slug = |number: u16| directory.institution(number).map(|state| state.info.slug.to_string());
    let mut more = serde_json::json!({
        "match": case.id().to_string(), "institution": slug(case.host), "recipient": slug(case.home),
        "role": actor.role, "rules": rules,
    });
    if let Some(learner) = learner {
        more["learner"] = learner.into();
    }
    work.more = more;
    work.planner.make(Change::Match { case: Box::new(case) });
}
