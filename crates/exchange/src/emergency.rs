//! Emergency access: opened with a reason for a few hours, told to the learner's home at once, reviewed by somebody else.
//!
//! What it opens is said by the policies (a visiting learner's card, never a record). That it is open is a fact that every
//! reading asks for, so that it ends by itself. The reason is personal: it lies in the entry's payload, never in the clear.

use crate::{
    Exchange,
    directory::{
        Directory,
        change::{Bytes16, Change, Emergency, PersonUuid, Review, hex},
    },
    office::{Acting, LawError, may, may_for},
    submit, submit_with,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{Invalid, LocalId, PersonId, Purpose, Role, Slug, Timestamp, record::Text};
use commonroll_policy::{Office, OfficeAct};
use std::time::Duration;
use tokio::sync::watch;

/// Shortest time for which one opens anything.
const SHORTEST: Duration = Duration::from_secs(60);
/// Longest time for which one opens anything.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Accesses of one person that can be open at a time.
const OPEN_MAX: usize = 20;
/// Fewest and most characters of a reason, and most of a remark.
const REASON: (usize, usize) = (10, 500);

/// An emergency access that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmergencyOpened {
    /// Names it.
    pub id: [u8; 16],
    /// First instant at which it opens nothing any more.
    pub until: Timestamp,
}

/// An emergency access, as those see it who answer for an institution that it concerns.
#[derive(Clone, PartialEq)]
pub struct EmergencySeen {
    /// Names it.
    pub id: [u8; 16],
    /// Who opened it, as the log names them.
    pub by: String,
    /// Their name within their own institution, `None` outside it. Personal.
    pub name: Option<String>,
    /// In which role.
    pub role: Role,
    /// For which institution.
    pub institution: Slug,
    /// The learner's home.
    pub home: Slug,
    /// What the two are called.
    pub called: (String, String),
    /// The learner, by the id of whoever looks.
    pub learner: Option<LocalId>,
    /// What had happened. Personal.
    pub reason: String,
    /// When it was opened.
    pub opened: Timestamp,
    /// Until when it opened the card.
    pub until: Timestamp,
    /// What was said of it since.
    pub reviews: Vec<ReviewSeen>,
    /// True if the own institution has reviewed it.
    pub reviewed: bool,
    /// True if the one who looks opened it.
    pub own: bool,
    /// True if the one who looks may review it.
    pub reviewable: bool,
}

/// How many emergency accesses concern an institution that has not reviewed them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EmergencyNews {
    /// In all.
    pub waiting: usize,
    /// Those that open a card now.
    pub open: usize,
}

impl std::fmt::Debug for EmergencySeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EmergencySeen({}, ..)", hex(&self.id))
    }
}

/// What a second person said of an emergency access.
#[derive(Clone, PartialEq)]
pub struct ReviewSeen {
    /// Who, as the log names them.
    pub by: String,
    /// Their name within their own institution, `None` outside it. Personal.
    pub name: Option<String>,
    /// For which institution.
    pub institution: Slug,
    /// True if they find it justified.
    pub justified: bool,
    /// In their words. Personal.
    pub remark: String,
    /// When.
    pub at: Timestamp,
}

fn words(field: &'static str, text: &str, least: usize) -> Result<String, Invalid> {
    let text = Text::parse(field, text, REASON.1)?;
    if text.as_str().chars().count() < least {
        return Err(Invalid::new(field, "must say in 10 to 500 characters what has happened"));
    }
    Ok(text.as_str().to_owned())
}

impl Exchange {
    /// Opens an emergency access to the card of a learner who is placed with the person's institution now. `id` must be
    /// fresh. In force when the call returns.
    ///
    /// # Errors
    /// [`LawError`]: alike for a learner whom nobody knows and one who is not placed here.
    pub async fn open_emergency(
        &self,
        acting: Acting<'_>,
        (learner, reason): (&LocalId, &str),
        valid_for: Duration,
        (id, now): ([u8; 16], Timestamp),
    ) -> Result<EmergencyOpened, LawError> {
        let reason = words("reason", reason, REASON.0)?;
        if valid_for < SHORTEST || valid_for > LONGEST {
            return Err(Invalid::new("valid_for", "must be between a minute and 24 hours").into());
        }
        let until = now.plus_micros(valid_for.as_micros() as i64);
        let (actor, learner, by) = (acting.owned(), learner.clone(), acting.speaker.by());
        let opened = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| {
            let (directory, speaker) = (&*work.planner.directory, &actor.speaker);
            let office =
                Office { act: OfficeAct::OpenEmergency, of: Some(speaker.institution()), second: false };
            let _permit = may_for(directory, actor.acting(), Purpose::Emergency, office)?;
            let person = directory.in_role(actor.id(), actor.role)?;
            let stands = directory.stands(actor.id(), person, &learner, now).ok_or(NotAllowed::Denied)?;
            let home = stands.home.filter(|_| stands.placed_here && !stands.is_home());
            let home = home.ok_or(NotAllowed::Denied)?;
            let open = directory.emergencies_of(actor.id()).filter(|one| now < one.until);
            if open.count() >= OPEN_MAX {
                return Err(LawError::State("you have 20 emergency accesses open; let some run out first"));
            }
            if directory.emergency(&id).is_some() {
                return Err(LawError::State("this id is taken; open it again"));
            }
            let told = directory.institution(home).map(|state| state.info.slug.clone());
            let mut more = speaker.more(actor.role);
            more["learner"] = stands.learner.into();
            more["recipient"] = told.as_ref().map_or("", Slug::as_str).into();
            more["emergency"] = hex(&id).into();
            more["until_us"] = until.micros().into();
            work.more = more;
            let emergency = Emergency {
                id: Bytes16(id),
                person: PersonUuid(actor.id()),
                role: actor.role,
                institution: stands.institution,
                learner: stands.learner,
                home,
                reason: reason.clone(),
                opened: now,
                until,
                reviews: Vec::new(),
            };
            work.planner.make(Change::Emergency { emergency: Box::new(emergency) });
            Ok(())
        });
        let opened = opened.await.map_err(|_| LawError::Unavailable)?;
        self.emergency_counted(&by, opened)?;
        Ok(EmergencyOpened { id, until })
    }

    /// The emergency accesses that concern the person's institution: opened by its people, or about its learners. They say
    /// whom they were about, so that the entry of the looking is durable first.
    ///
    /// # Errors
    /// [`LawError`].
    pub async fn emergencies(
        &self,
        acting: Acting<'_>,
        now: Timestamp,
    ) -> Result<Vec<EmergencySeen>, LawError> {
        let by = acting.speaker.by();
        let seen = {
            let directory = self.shared.directory();
            let of = Some(acting.speaker.institution());
            let allowed = may(&directory, acting, OfficeAct::SeeSharing, of, false);
            allowed.map(|_| concerning(&directory, acting)).map_err(LawError::from)
        };
        let seen = self.emergency_counted(&by, seen)?;
        let mut more = acting.speaker.more(acting.role);
        more["emergencies"] = seen.iter().map(|one| hex(&one.id)).collect::<Vec<_>>().into();
        let note = move |work: &mut Work<'_>| work.notes.push(("emergency.listed".to_owned(), more.clone()));
        submit(&self.shared, &by, now, note).await.map_err(|_| LawError::Unavailable)?;
        Ok(seen)
    }

    /// Says whether an emergency access was justified: somebody of the institution that opened it, or of the home, who
    /// is not the one that opened it. Once for each institution.
    ///
    /// # Errors
    /// [`LawError`]: alike for an access that is not there and one that is another's.
    pub async fn review_emergency(
        &self,
        acting: Acting<'_>,
        id: [u8; 16],
        (justified, remark): (bool, &str),
        now: Timestamp,
    ) -> Result<(), LawError> {
        let remark = words("remark", remark, 0)?;
        let (actor, by) = (acting.owned(), acting.speaker.by());
        let reviewed = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| {
            let (directory, speaker) = (&*work.planner.directory, &actor.speaker);
            let held = directory.emergency(&id).ok_or(NotAllowed::Denied)?;
            if ![held.institution, held.home].contains(&speaker.number) {
                return Err(NotAllowed::Denied.into());
            }
            let second = held.person.0 != actor.id();
            let of = Some(speaker.institution());
            let _permit = may(directory, actor.acting(), OfficeAct::ReviewEmergency, of, second)?;
            if held.reviews.iter().any(|review| review.institution == *speaker.institution()) {
                return Err(LawError::State("your institution has reviewed this access"));
            }
            let mut emergency = held.clone();
            emergency.reviews.push(Review {
                person: PersonUuid(actor.id()),
                institution: speaker.institution().clone(),
                role: actor.role,
                justified,
                remark: remark.clone(),
                at: now,
            });
            let home = directory.institution(held.home).map(|state| state.info.slug.clone());
            let mut more = speaker.more(actor.role);
            more["learner"] = held.learner.into();
            more["recipient"] = home.as_ref().map_or("", Slug::as_str).into();
            more["emergency"] = hex(&id).into();
            more["justified"] = justified.into();
            work.more = more;
            work.planner.make(Change::Emergency { emergency: Box::new(emergency) });
            Ok(())
        });
        let reviewed = reviewed.await.map_err(|_| LawError::Unavailable)?;
        self.emergency_counted(&by, reviewed)
    }

    /// A number that grows whenever an emergency access was opened or reviewed; for live pages.
    pub fn emergency_changes(&self) -> watch::Receiver<u64> {
        self.shared.emergencies.subscribe()
    }

    fn emergency_counted<T>(&self, by: &str, outcome: Result<T, LawError>) -> Result<T, LawError> {
        if let Err(LawError::NotAllowed(_)) = &outcome {
            self.refused(by, "emergency.refused", "");
        }
        outcome
    }
}

/// What whoever answers for their institution has not seen the end of: no names, so that any page may say it.
pub(crate) fn news(directory: &Directory, acting: Acting<'_>, now: Timestamp) -> EmergencyNews {
    let (mut news, of) = (EmergencyNews::default(), Some(acting.speaker.institution()));
    for one in directory.emergencies_to_review(acting.speaker.number) {
        news.waiting += 1;
        news.open += usize::from(now < one.until);
    }
    let may_know = || may(directory, acting, OfficeAct::SeeSharing, of, false).is_ok();
    if news.waiting > 0 && may_know() { news } else { EmergencyNews::default() }
}

fn concerning(directory: &Directory, acting: Acting<'_>) -> Vec<EmergencySeen> {
    let (own, of) = (acting.speaker.number, Some(acting.speaker.institution()));
    let info = |number| directory.institution(number).map(|state| &state.info);
    let name = |person: PersonId| {
        let colleague = directory.person(person).filter(|person| person.institution == own);
        colleague.map(|person| person.name.clone())
    };
    let seen = |one: &Emergency| {
        let (at, home) = (info(one.institution)?, info(one.home)?);
        let reviewed = one.reviews.iter().any(|review| Some(&review.institution) == of);
        let second = one.person.0 != acting.speaker.id();
        let may_review = may(directory, acting, OfficeAct::ReviewEmergency, of, second).is_ok();
        Some(EmergencySeen {
            id: one.id.0,
            by: format!("person:{}", one.person.0),
            name: name(one.person.0),
            role: one.role,
            institution: at.slug.clone(),
            home: home.slug.clone(),
            called: (at.name.clone(), home.name.clone()),
            learner: directory.local_ids(own, &[one.learner]).remove(&one.learner),
            reason: one.reason.clone(),
            opened: one.opened,
            until: one.until,
            reviews: one
                .reviews
                .iter()
                .map(|review| ReviewSeen {
                    by: format!("person:{}", review.person.0),
                    name: name(review.person.0),
                    institution: review.institution.clone(),
                    justified: review.justified,
                    remark: review.remark.clone(),
                    at: review.at,
                })
                .collect(),
            reviewed,
            own: !second,
            reviewable: may_review && !reviewed,
        })
    };
    let mut seen: Vec<_> = directory.emergencies_at(own).filter_map(seen).collect();
    seen.sort_by_key(|one| (one.opened, one.id));
    seen
}
