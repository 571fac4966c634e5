//! Publishing: what waits in the spool goes to the hub, several batches under way at once, until nothing waits.
//!
//! The hub says which number the next batch must carry, so a batch is numbered and signed when it is sent, and whatever
//! was under way when a connection broke is sent again under the number that the hub then expects. Sealed records
//! always have the same bytes, so the hub knows a repeat. Declarations go first: records lean on them.

use crate::{
    chance::{Randomness, backoff},
    current,
    error::AgentError,
    hub::{Hub, HubError, PublishSession},
    identity::Identity,
    settings::Pace,
    spool::{
        Spool,
        queue::{Settled, Waiting},
    },
};
use commonroll_audit::SigningKey;
use commonroll_core::{Slug, Timestamp};
use commonroll_wire::{
    DeclarationAnswer, RecordAnswer, pb::exchange::v1::PublishResponse, read_declaration_answer,
    read_record_answer, seal_batch,
};
use prost::Message;
use std::{collections::VecDeque, time::Duration};

/// Declarations of one call.
const DECLARATIONS_MAX: u32 = 1_000;
/// Bytes of records in one batch.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// Longest wait between two tries of a refused record.
const RETRY_MAX: Duration = Duration::from_secs(3_600);

/// Who signs.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// The institution.
    pub source: &'a Slug,
    /// Its agent's key.
    pub key: &'a SigningKey,
}

impl<'a> From<&'a Identity> for Signer<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self { source: identity.institution(), key: &identity.signing }
    }
}

/// What a round of publishing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Published {
    /// Records that are now in the log.
    pub accepted: u64,
    /// Records that were there already.
    pub duplicates: u64,
    /// Records that the hub refused.
    pub refused: u64,
    /// Declarations that changed the directory.
    pub declared: u64,
    /// Records of which the hub holds a revision that this spool doesn't know; their exports are read again.
    pub forgotten: u64,
}

impl std::ops::AddAssign for Published {
    fn add_assign(&mut self, more: Self) {
        self.accepted += more.accepted;
        self.duplicates += more.duplicates;
        self.refused += more.refused;
        self.declared += more.declared;
        self.forgotten += more.forgotten;
    }
}

/// Publishes on one stream, which stays open between rounds.
#[derive(Default)]
pub struct Publisher {
    session: Option<Session>,
}

struct Session {
    stream: Box<dyn PublishSession>,
    /// The number that the next batch must carry.
    next: u64,
}

/// A batch that was sent and not answered.
struct UnderWay {
    number: u64,
    positions: Vec<i64>,
}

impl Publisher {
    /// A publisher without a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends everything that waits and waits for every answer. Call it again when more waits.
    ///
    /// # Errors
    /// When the hub or the spool fails. What was not answered still waits, and goes again with the next call.
    pub async fn round(
        &mut self,
        hub: &dyn Hub,
        spool: &Spool,
        signer: Signer<'_>,
        pace: &Pace,
        now: Timestamp,
        rng: &dyn Randomness,
    ) -> Result<Published, AgentError> {
        let retry = retry(pace, now, rng);
        let read = current::read(spool).await?;
        let declared = declare(hub, spool, now, &retry).await?;
        let mut published = Published { declared, ..Published::default() };
        spool.requeue(now, published.declared > 0).await?;
        if !spool.waiting(0, 1).await?.is_empty() {
            let done = self.drain(hub, spool, signer, pace, now, &retry, &mut published).await;
            if done.is_err() {
                self.session = None;
            }
            done?;
        }
        current::tell(hub, spool, read).await?;
        Ok(published)
    }

    #[expect(clippy::too_many_arguments, reason = "the arguments of a round, and what it counts")]
    async fn drain(
        &mut self,
        hub: &dyn Hub,
        spool: &Spool,
        signer: Signer<'_>,
        pace: &Pace,
        now: Timestamp,
        retry: &(dyn Fn(&str, u32) -> Option<Timestamp> + Sync),
        published: &mut Published,
    ) -> Result<(), AgentError> {
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(open(hub, spool, now).await?),
        };
        let mut under_way: VecDeque<UnderWay> = VecDeque::new();
        let mut behind = 0;
        loop {
            while under_way.len() < pace.batches_in_flight_max as usize {
                let mut waiting = spool.waiting(behind, pace.batch_records_max).await?;
                waiting.truncate(fitting(&waiting));
                let Some(last) = waiting.last() else { break };
                behind = last.position;
                let positions = waiting.iter().map(|record| record.position).collect();
                let sealed = waiting.into_iter().map(|record| record.sealed).collect();
                let number = session.next;
                let batch = seal_batch(signer.source, number, sealed, signer.key)
                    .map_err(|_| AgentError::Damaged("queue"))?;
                session.stream.send(batch).await?;
                session.next += 1;
                under_way.push_back(UnderWay { number, positions });
            }
            let Some(batch) = under_way.pop_front() else { return Ok(()) };
            let answer = session.stream.answer().await?.ok_or(HubError::Unreachable)?;
            settle(spool, batch, answer, now, retry, published).await?;
        }
    }

    /// Closes the stream, so that the next round opens one on another connection.
    pub fn close(&mut self) {
        self.session = None;
    }
}

/// How many of these records a batch takes: at least one, and no more bytes than any hub takes in one message.
fn fitting(waiting: &[Waiting]) -> usize {
    let mut bytes = 0;
    let fits = |record: &&Waiting| {
        bytes += record.sealed.message.encoded_len();
        bytes <= BATCH_BYTES_MAX
    };
    waiting.iter().take_while(fits).count().max(1)
}

/// Opens a stream and reads where to go on.
async fn open(hub: &dyn Hub, spool: &Spool, now: Timestamp) -> Result<Session, AgentError> {
    let mut stream = hub.publish().await?;
    let hello = stream.answer().await?.ok_or(HubError::Unreachable)?;
    if hello.batch_number != 0 || hello.next_batch_number == 0 {
        return Err(HubError::Protocol("the first answer of a publish stream must say where to go on").into());
    }
    let last = spool.last_batch().await?;
    if last >= hello.next_batch_number {
        let text = "the hub has forgotten batches that it had acknowledged; its operator must look, and this \
                    institution's records must be sent again";
        spool.alarm("hub-went-back", text, now).await?;
    }
    Ok(Session { stream, next: hello.next_batch_number })
}

async fn settle(
    spool: &Spool,
    batch: UnderWay,
    answer: PublishResponse,
    now: Timestamp,
    retry: &(dyn Fn(&str, u32) -> Option<Timestamp> + Sync),
    published: &mut Published,
) -> Result<(), AgentError> {
    if answer.batch_number != batch.number || answer.results.len() != batch.positions.len() {
        return Err(
            HubError::Protocol("an answer must be of the next batch, with a result for each record").into()
        );
    }
    let mut settled = Settled::default();
    for (position, result) in batch.positions.into_iter().zip(answer.results) {
        // What the hub holds instead may be known here, or lost.
        if result.held_revision > 0 {
            settled.forgotten.push((position, result.held_revision));
        }
        match read_record_answer(result)
            .map_err(|_| HubError::Protocol("the result of a record can't be read"))?
        {
            RecordAnswer::Accepted { .. } => {
                published.accepted += 1;
                settled.done.push(position);
            }
            RecordAnswer::Duplicate { .. } => {
                published.duplicates += 1;
                settled.done.push(position);
            }
            RecordAnswer::Rejected(refusal) => {
                published.refused += 1;
                settled.refused.push((position, refusal));
            }
        }
    }
    published.forgotten += spool.settle(batch.number, &settled, now, retry).await?;
    Ok(())
}

/// Declares everything that waits. Gives how many declarations changed the directory.
async fn declare(
    hub: &dyn Hub,
    spool: &Spool,
    now: Timestamp,
    retry: &(dyn Fn(&str, u32) -> Option<Timestamp> + Sync),
) -> Result<u64, AgentError> {
    let mut changed = 0;
    spool.requeue_declarations(now).await?;
    spool.due_days(now).await?;
    let mut again = true;
    loop {
        let waiting = spool.waiting_declarations(DECLARATIONS_MAX).await?;
        if waiting.is_empty() {
            // What was refused may have leaned on what came later: once more, if anything came.
            if changed > 0
                && std::mem::take(&mut again)
                && spool.requeue_declarations(now.plus_micros(i64::MAX / 2)).await? > 0
            {
                continue;
            }
            return Ok(changed);
        }
        let messages = waiting.iter().map(|said| said.message.clone()).collect();
        let results = hub.declare(messages).await?;
        if results.len() != waiting.len() {
            return Err(HubError::Protocol("a declaration must have one result").into());
        }
        let read = |result| {
            read_declaration_answer(result)
                .map_err(|_| HubError::Protocol("the result of a declaration can't be read"))
        };
        let answers = results.into_iter().map(read).collect::<Result<Vec<DeclarationAnswer>, _>>()?;
        let answered: Vec<_> = waiting.into_iter().zip(answers).collect();
        changed += spool.settle_declarations(&answered, retry).await?;
    }
}

/// When something that was refused may be tried again: what breaks a rule of the schema never by itself, since it
/// would break it again; what the directory or an agreement does not allow yet, later.
pub fn is_retryable(code: &str) -> bool {
    const NEVER: [&str; 5] = ["conflict", "stale_revision", "not_yours", "confidential", "too_old"];
    !code.starts_with("invalid") && !NEVER.contains(&code)
}

fn retry<'a>(
    pace: &'a Pace,
    now: Timestamp,
    rng: &'a dyn Randomness,
) -> impl Fn(&str, u32) -> Option<Timestamp> + Sync + 'a {
    move |code, tries| {
        if !is_retryable(code) || tries > pace.retries_max {
            return None;
        }
        let wait = backoff(tries.saturating_sub(1), Duration::from_secs(pace.retry_seconds), RETRY_MAX, rng);
        Some(now.plus_micros(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// In short, for a log line.
impl std::fmt::Display for Published {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { accepted, duplicates, refused, declared, forgotten: _ } = self;
        write!(f, "{accepted} accepted, {duplicates} known already, {refused} refused, {declared} declared")
    }
}
