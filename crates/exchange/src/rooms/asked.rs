//! What hosts told a home about its learners: what is asked of it, praise and concerns, with what became of each.

use super::{
    AskedSeen, LEARNERS_MAX, Shown, called,
    learners::{could, rules},
    policy_hash,
};
use crate::{
    Exchange,
    by_learner::ASKED,
    directory::{Directory, messages::Message},
    messages,
    office::Acting,
    reading::{ReadError, TRIES},
    submit,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::Timestamp;

/// Messages of one page at most.
const MESSAGES_MAX: usize = 200;

impl Exchange {
    /// What hosts told the person's institution about its learners, as far as the person may see it: each message is decided
    /// alone. What nobody has answered comes in first. Its entry is durable first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn asked_of_us(&self, acting: Acting<'_>, now: Timestamp) -> Result<AskedSeen, ReadError> {
        self.ready_for(acting, "messages.slowed", now).await?;
        let shared = self.shared.clone();
        for _ in 0..TRIES {
            let _leaving = shared.leaving.read().await;
            let (moment, made) = {
                let directory = shared.directory();
                (directory.moment(), compose(&directory, acting, now))
            };
            let Ok((seen, shown)) = made else {
                return Err(self.page_refused(acting, "messages.refused", now));
            };
            let more = shown.entry(acting, super::purpose(acting.role).as_str(), &seen.policy);
            let note = move |work: &mut Work<'_>| work.notes.push((ASKED.to_owned(), more.clone()));
            submit(&shared, &acting.speaker.by(), now, note).await.map_err(|_| ReadError::Unavailable)?;
            if shared.directory().moment() == moment {
                return Ok(seen);
            }
        }
        Err(ReadError::Unavailable)
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
    // A stable sort: within both, newest first.
    all.sort_by_key(|message| !message.answers.is_empty());
    let seen = all.into_iter().filter_map(|message| messages::one(directory, acting, message, now));
    let mut seen: Vec<_> = seen.take(MESSAGES_MAX.min(LEARNERS_MAX) + 1).collect();
    let more = seen.len() > MESSAGES_MAX;
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
        more,
        policy: policy_hash(directory),
        rules: rules(directory, shown.policies.iter().map(String::as_str)),
        agreements: shown.agreements.iter().cloned().collect(),
    };
    Ok((seen, shown))
}
