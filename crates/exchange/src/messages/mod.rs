//! A host's teacher tells the home of a visiting learner something, praise or a concern, and may ask it to act by a date;
//! the home says in a few words what became of it.
//!
//! A message is decided as a behaviour record of the same moment would be: when it is sent, what of it may reach the home;
//! and each time it is shown. Its event, the part that asks home to act, and its words are the parts of that kind. The entry
//! comes first and holds no word. What is taken back, erased or kept no longer loses its payloads.

mod judge;
mod seen;

pub(crate) use judge::{answers_about, one, parts_at, tell_seen};
pub use seen::{AnswerSeen, MessageSeen, TellSeen, Telling};

use crate::{
    Exchange,
    by_learner::{Unread, notes_of},
    directory::{
        Directory,
        change::{Bytes16, Change, PersonUuid, short_hash, unhex},
        messages::{Answer, COUNTED, Gone, Message, MessageId},
    },
    duty::gone::{self, NotYet},
    entry::Note,
    office::{Acting, Actor, LawError},
    reading::TRIES,
    shared::Shared,
    submit_with,
    types::NotAllowed,
    writer::Work,
};
use commonroll_audit::hash::Hash;
use commonroll_core::{Invalid, LocalId, Role, SchoolDate, Timestamp, record::Text};
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a message, and of an answer, at most.
const WORDS_MAX: usize = 500;
const ANSWER_MAX: usize = 200;
/// Days ahead that home can be asked to act by, at most.
const DAYS_MAX: i32 = 60;
/// Messages of one person within a day, with those that they took back, and answers to one message, at most.
const A_DAY: usize = COUNTED;
const ANSWERS_MAX: usize = 6;
const DAY_US: i64 = 86_400_000_000;
/// Who sends the same words about somebody again within this has pressed twice.
const TWICE_US: i64 = 600_000_000;
/// The entry by which refusals are counted.
const REFUSED: &str = "message.refused";
/// Entries that hold a word of a message in their payload.
const SAID: [&str; 2] = ["message.sent", "message.answered"];

/// Who speaks for a home: its staff, not those whom a message is about.
const fn answers(role: Role) -> bool {
    matches!(role, Role::Teacher | Role::Tutor | Role::HeadOfSixth | Role::Head | Role::AttendanceOfficer)
}

/// What a message says, checked.
#[derive(Clone)]
struct Said {
    praise: bool,
    words: Text,
    act_by: Option<SchoolDate>,
}

impl Said {
    fn read(telling: &Telling) -> Result<Self, Invalid> {
        let words = Text::parse("words", &telling.words, WORDS_MAX)
            .map_err(|_| Invalid::new("words", "must be at most 500 characters of plain text"))?;
        if words.is_empty() {
            return Err(Invalid::new("words", "must say in a line or two what happened"));
        }
        if telling.praise && telling.act_by.is_some() {
            return Err(Invalid::new("act_by", "is for a concern; praise asks nobody to act"));
        }
        Ok(Self { praise: telling.praise, words, act_by: telling.act_by })
    }
}

impl Exchange {
    /// Tells the home of a visiting learner something. Durable, and there for those at the home who may read it, when the
    /// call returns. The same words again within ten minutes are the same message.
    ///
    /// # Errors
    /// [`LawError`]: alike for a learner who isn't there and one whom the person doesn't teach.
    pub async fn tell_home(
        &self,
        acting: Acting<'_>,
        learner: u32,
        telling: &Telling,
        now: Timestamp,
    ) -> Result<MessageId, LawError> {
        let (said, actor) = (Said::read(telling)?, acting.owned());
        let work = move |work: &mut Work<'_>| tell(work, &actor, learner, &said, now);
        self.act(acting, REFUSED, now, work).await
    }

    /// Somebody at the home says in a few words, or in none, that a message was read and what became of it.
    ///
    /// # Errors
    /// [`LawError`]: alike for a message that isn't there and one that isn't theirs to read.
    pub async fn answer_host(
        &self,
        acting: Acting<'_>,
        message: MessageId,
        words: &str,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let words = Text::parse("words", words, ANSWER_MAX)
            .map_err(|_| Invalid::new("words", "must be at most 200 characters of plain text"))?;
        let actor = acting.owned();
        let work = move |work: &mut Work<'_>| answer(work, &actor, message, &words, now);
        self.act(acting, REFUSED, now, work).await
    }

    /// Whoever wrote a message takes it back: it disappears from every page at once, and its words from the log's payloads.
    ///
    /// # Errors
    /// [`LawError`]: alike for a message that isn't there and one that somebody else wrote.
    pub async fn take_back(
        &self,
        acting: Acting<'_>,
        message: MessageId,
        now: Timestamp,
    ) -> Result<(), LawError> {
        for _ in 0..TRIES {
            // In the writer's turn, so that all of it has been read, whichever node took it in.
            let actor = acting.owned();
            let look = move |work: &mut Work<'_>| own(&*work.planner.directory, &actor, message).cloned();
            let held = self.act(acting, REFUSED, now, look).await?;
            let all = places_of(&self.shared, held.learner).await.map_err(|_| LawError::Unavailable)?;
            let of = all.into_iter().filter(|(_, _, id)| *id == message);
            let places: Vec<(u64, Hash)> = of.map(|(seq, root, _)| (seq, root)).collect();
            let actor = acting.owned();
            let work = move |work: &mut Work<'_>| {
                let directory = &*work.planner.directory;
                if own(directory, &actor, message)? != &held {
                    // The home has said something meanwhile: that has to be found, too.
                    return Ok(false);
                }
                let mut more = entry(directory, &held);
                more["role"] = serde_json::json!(actor.role);
                work.more = more.clone();
                work.planner.make(Change::MessageGone { id: held.id, why: Gone::TakenBack });
                more["reason"] = "taken_back".into();
                gone::plan(work, &places, true, &more, now);
                Ok(true)
            };
            if self.act(acting, REFUSED, now, work).await? {
                // The entries stand: bytes that could not go now go at the next tick.
                let _turn = self.shared.retention.lock().await;
                let _ = gone::finish(&self.shared, now).await;
                return Ok(());
            }
        }
        Err(LawError::Unavailable)
    }
}

/// A message, for whoever wrote it.
fn own<'d>(directory: &'d Directory, actor: &Actor, message: MessageId) -> Result<&'d Message, LawError> {
    directory.in_role(actor.id(), actor.role)?;
    let held = directory.messages().get(message).ok_or(NotAllowed::Denied)?;
    let is_theirs = held.by.0 == actor.id() && held.host == actor.speaker.number;
    if is_theirs { Ok(held) } else { Err(NotAllowed::Denied.into()) }
}

fn tell(
    work: &mut Work<'_>,
    actor: &Actor,
    learner: u32,
    said: &Said,
    now: Timestamp,
) -> Result<MessageId, LawError> {
    let directory = &*work.planner.directory;
    let may = judge::may_tell(directory, actor.acting(), learner, now)?;
    if may.groups & 1 << judge::EVENT == 0 || may.groups & 1 << judge::TEXT == 0 {
        return Err(LawError::State(
            "the agreement with this learner's home shares no written praise or concern; ring the home",
        ));
    }
    if let Some(by) = said.act_by {
        if may.groups & 1 << judge::INVOLVEMENT == 0 {
            return Err(LawError::State(
                "the agreement with this home doesn't let you ask it to act; ring it",
            ));
        }
        if by < may.date || by.days() - may.date.days() > DAYS_MAX {
            return Err(Invalid::new("act_by", "must be a date from today to 60 days ahead").into());
        }
    }
    let same = |held: &&Message| {
        held.by.0 == actor.id()
            && held.words == said.words.as_str()
            && (held.praise, held.act_by) == (said.praise, said.act_by)
    };
    let about = directory.messages().about(may.host, &may.local);
    if let Some(held) = about.take_while(|held| now.micros() - held.at.micros() < TWICE_US).find(same) {
        return Ok(held.id());
    }
    if directory.messages().sent_after(actor.id(), now.plus_micros(-DAY_US)) >= A_DAY {
        return Err(LawError::State("you have sent 60 messages within a day; ring the home, or wait"));
    }
    let id = name(&may, actor.id().0, now);
    if directory.messages().get(id).is_some() {
        return Err(LawError::State("two messages at one moment; send it again"));
    }
    let message = Message {
        id: Bytes16(id.0),
        praise: said.praise,
        words: said.words.as_str().to_owned(),
        act_by: said.act_by,
        host: may.host,
        local: may.local.clone(),
        learner: may.learner,
        home: may.home,
        group: may.group.clone(),
        date: may.date,
        at: now,
        by: PersonUuid(actor.id()),
        role: actor.role,
        answers: Vec::new(),
        gone: None,
    };
    let mut more = entry(directory, &message);
    more["role"] = serde_json::json!(actor.role);
    more["policies"] = may.policies.clone().into();
    more["agreements"] = serde_json::json!(may.agreement.iter().collect::<Vec<_>>());
    work.more = more;
    work.planner.make(Change::Message { message: Box::new(message) });
    Ok(id)
}

fn answer(
    work: &mut Work<'_>,
    actor: &Actor,
    message: MessageId,
    words: &Text,
    now: Timestamp,
) -> Result<(), LawError> {
    let directory = &*work.planner.directory;
    let held = directory.messages().get(message).ok_or(NotAllowed::Denied)?;
    let seen = judge::one(directory, actor.acting(), held, now).ok_or(NotAllowed::Denied)?;
    if !seen.may_answer {
        return Err(NotAllowed::Denied.into());
    }
    let same = |one: &Answer| one.by.0 == actor.id() && one.words == words.as_str();
    if held.answers.iter().any(same) {
        return Ok(());
    }
    if held.answers.len() >= ANSWERS_MAX {
        return Err(LawError::State("this has six answers; ring the host for more"));
    }
    let mut more = entry(directory, held);
    (more["role"], more["institution"]) =
        (serde_json::json!(actor.role), actor.speaker.institution().as_str().into());
    more["recipient"] = directory.institution(held.host).map(|host| host.info.slug.to_string()).into();
    more["policies"] = seen.reason.into();
    let mut held = held.clone();
    let by = PersonUuid(actor.id());
    held.answers.push(Answer { by, role: actor.role, at: now, words: words.as_str().to_owned() });
    work.more = more;
    work.planner.make(Change::Message { message: Box::new(held) });
    Ok(())
}

fn name(may: &judge::MayTell, person: [u8; 16], now: Timestamp) -> MessageId {
    let text = format!("commonroll/message/v1\n{}\n{}\n{}\n", may.host, may.local.as_str(), now.micros());
    MessageId(short_hash(&[text.as_bytes(), &person].concat()))
}

/// What an entry says of a message: which, of whom by number, from whom to whom. Neither a word of it nor whether it praises.
fn entry(directory: &Directory, message: &Message) -> serde_json::Value {
    let slug = |number: u16| directory.institution(number).map(|state| state.info.slug.to_string());
    serde_json::json!({
        "message": message.id().to_string(), "learner": message.learner,
        "institution": slug(message.host), "recipient": slug(message.home),
    })
}

/// Places of the entries whose payloads hold words of messages about a learner by this number, with their commitments.
pub(crate) async fn places_of(shared: &Shared, learner: u32) -> Result<Vec<(u64, Hash, MessageId)>, NotYet> {
    let found = notes_of(shared, learner, &SAID).await.map_err(|Unread| NotYet)?;
    let place = |(seq, note): (u64, Note)| {
        let id = note.more["message"].as_str()?.parse().ok()?;
        Some((seq, unhex(&note.payload).unwrap_or_default(), id))
    };
    Ok(found.into_iter().filter_map(place).collect())
}

/// A learner who is erased by their home: who is home, their number, and the numbers that were theirs and nobody else's.
pub(crate) type Leaves<'a> = (u16, u32, &'a BTreeSet<u32>);

/// True if a message goes with a learner: whatever is about them, whichever home it went to; and what their home was told as
/// about them and answered so, even if the host has found since that it is about somebody else, whose home was never told.
pub(crate) fn goes_with(
    directory: &Directory,
    message: &Message,
    (home, learner, numbers): Leaves<'_>,
) -> bool {
    now_about(directory, message.host, &message.local) == Some(learner)
        || message.home == home && numbers.contains(&message.learner)
}

/// All that go with a learner.
pub(crate) fn going_with(directory: &Directory, of: Leaves<'_>) -> Vec<Message> {
    let all = directory.messages();
    let about = directory.known_at(of.1).flat_map(|(host, local)| all.about(*host, local));
    let told = all.of(of.0).filter(|message| goes_with(directory, message, of));
    let both = about.chain(told).map(|message| (message.id, message));
    both.collect::<BTreeMap<_, _>>().into_values().cloned().collect()
}

/// How many name a learner by a number that is somebody else's, too, and stay.
pub(crate) fn staying(directory: &Directory, of: Leaves<'_>, every: &BTreeSet<u32>) -> u64 {
    let named = directory.messages().of(of.0).filter(|one| one.home == of.0 && every.contains(&one.learner));
    named.filter(|one| !goes_with(directory, one, of)).count() as u64
}

/// Who a host's learner is believed to be now.
pub(crate) fn now_about(directory: &Directory, host: u16, local: &LocalId) -> Option<u32> {
    directory.local(host, local)?.learner
}

/// Messages that are kept no longer lose their words: entries first. `due` says until when one must have been left alone.
pub(crate) async fn expire(
    shared: &std::sync::Arc<Shared>,
    due: impl Fn(&Message) -> Option<Timestamp>,
    now: Timestamp,
) -> Result<u64, NotYet> {
    let mut over: BTreeMap<u32, Vec<Message>> = BTreeMap::new();
    {
        let directory = shared.directory();
        let is_over = |one: &&Message| due(one).is_some_and(|until| one.last() <= until);
        for message in directory.messages().all().filter(is_over) {
            over.entry(message.learner).or_default().push(message.clone());
        }
    }
    let mut count = 0;
    for (learner, messages) in over {
        let mut places: BTreeMap<MessageId, Vec<(u64, Hash)>> = BTreeMap::new();
        for (seq, root, id) in places_of(shared, learner).await? {
            places.entry(id).or_default().push((seq, root));
        }
        for message in messages {
            let places = places.remove(&message.id()).unwrap_or_default();
            let planned = submit_with(shared, "hub", now, move |work: &mut Work<'_>| {
                // Somebody may have said something to it, or it went, meanwhile.
                let directory = &*work.planner.directory;
                if directory.messages().get(message.id()) != Some(&message) {
                    return false;
                }
                work.more = entry(directory, &message);
                work.planner.make(Change::MessageGone { id: message.id, why: Gone::Expired });
                let more = serde_json::json!({ "kind": "message", "reason": "kept_no_longer" });
                gone::plan(work, &places, true, &more, now);
                true
            });
            count += u64::from(planned.await.map_err(|_| NotYet)?);
        }
    }
    if count > 0 {
        gone::finish(shared, now).await?;
    }
    Ok(count)
}
