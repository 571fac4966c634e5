//! What hosts told a home about its learners: what is asked of it, praise and concerns, with what became of each.

use super::{
    AskedSeen, Shown, called,
    learners::{could, rules},
    policy_hash,
};
use crate::{
    Exchange,
    by_learner::ASKED,
    directory::{Directory, messages::Message},
    messages::{self, MessageSeen},
    office::Acting,
    reading::ReadError,
    types::NotAllowed,
};
use commonroll_core::Timestamp;

/// Messages of one page at most.
const MESSAGES_MAX: usize = 200;
/// Messages that are looked at for one page at most: an institution may have many that nobody may see any more.
const LOOKED_MAX: usize = 1_000;

impl Exchange {
    /// What hosts told the person's institution about its learners, as far as the person may see it: each message is decided
    /// alone. What nobody has answered comes in first: what is asked by a date, concerns, praise. Its entry is durable first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn asked_of_us(&self, acting: Acting<'_>, now: Timestamp) -> Result<AskedSeen, ReadError> {
        let make = |directory: &Directory| {
            let (seen, shown) = compose(directory, acting, now)?;
            let more = shown.entry(acting, super::purpose(acting.role).as_str(), &seen.policy);
            Ok((seen, (ASKED, more)))
        };
        self.page(acting, ("messages.slowed", "messages.refused"), now, make).await
    }
}

/// Which comes first: what home is asked to do, the earliest date first; then concerns, praise, and what was answered.
fn turn(message: &Message) -> (u8, i32) {
    match (message.answers.is_empty(), message.act_by, message.praise) {
        (true, Some(by), _) => (0, by.days()),
        (true, None, false) => (1, 0),
        (true, None, true) => (2, 0),
        (false, ..) => (3, 0),
    }
}

fn compose(
    directory: &Directory,
    acting: Acting<'_>,
    now: Timestamp,
) -> Result<(AskedSeen, Shown), NotAllowed> {
    directory.in_role(acting.speaker.id(), acting.role)?;
    let own = acting.speaker.number;
    let state = directory.institution(own).ok_or(NotAllowed::Denied)?;
    if !could(directory, acting) {
        return Err(NotAllowed::Denied);
    }
    let mut all: Vec<&Message> = directory.messages().of(own).filter(|one| one.home == own).collect();
    // A stable sort: within each, newest first.
    all.sort_by_key(|message| turn(message));
    let looked = &all[..all.len().min(LOOKED_MAX)];
    let of = looked.iter().filter_map(|message| messages::one(directory, acting, message, now));
    let mut seen: Vec<_> = of.collect();
    let is_request = |one: &&MessageSeen| one.answers.is_empty() && one.act_by.is_some();
    let requests = seen.iter().filter(is_request).count();
    let uncounted = all.get(LOOKED_MAX).is_some_and(|next| turn(next).0 == 0);
    let more = all.len() > LOOKED_MAX || seen.len() > MESSAGES_MAX;
    seen.truncate(MESSAGES_MAX);
    let mut shown = Shown::default();
    seen.iter().for_each(|message| shown.take_message(message));
    let messages = seen.into_iter().map(|message| {
        let name = called(directory, own, message.learner).1;
        (message, name)
    });
    let seen = AskedSeen {
        date: now.date_in(&state.zone),
        messages: messages.collect(),
        requests,
        uncounted,
        more,
        policy: policy_hash(directory),
        rules: rules(directory, shown.policies.iter().map(String::as_str)),
        agreements: shown.agreements.iter().cloned().collect(),
    };
    Ok((seen, shown))
}
