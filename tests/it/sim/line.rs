//! An agent's line to a hub: the agent's own `Hub`, on an exchange without sockets, that loses, repeats and reorders.

use super::{
    convert,
    dice::{Dice, Faults},
    feed::FeedSession,
    laws,
    mis::mark_of,
    model::{Model, Said},
    node::Node,
};
use async_trait::async_trait;
use bytes::Bytes;
use commonroll_agent::hub::{Hub, HubError, PublishSession, ReceiveSession};
use commonroll_core::{Slug, Timestamp};
use commonroll_exchange::{AckError, AgentId, PublishError, Speaker, withdrawal::AnswerError};
use commonroll_wire::{
    open, path_bytes,
    pb::{
        audit::v1::CheckpointResponse,
        directory::v1::{Declaration, DeclarationResult, SigningKey},
        exchange::v1::{AcknowledgeRequest, AnswerWithdrawalRequest, PublishRequest, PublishResponse},
    },
    read_declaration, write_declaration_answer,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, atomic::AtomicUsize, atomic::Ordering},
    time::Duration,
};

/// What every line shares.
pub struct Ether {
    pub dice: Dice,
    pub model: Mutex<Model>,
    /// So many of a hundred messages meet with a fault.
    pub trouble: AtomicUsize,
    /// What happens to the hubs' stores.
    pub faults: Arc<Faults>,
    /// Requests that travelled, for repeating them.
    pub past: Mutex<Vec<PublishRequest>>,
    /// Answers that were read, to be held against the log.
    pub read: Mutex<Vec<(PublishRequest, PublishResponse)>>,
    /// What happened, for the reader of a failure.
    pub story: Mutex<Vec<String>>,
}

impl Ether {
    pub fn tell(&self, what: impl Into<String>) {
        self.story.lock().unwrap().push(what.into());
    }

    pub fn is_trouble(&self) -> bool {
        self.dice.percent(self.trouble.load(Ordering::Relaxed))
    }
}

#[derive(Clone)]
pub struct Line {
    pub ether: Arc<Ether>,
    pub node: Arc<Node>,
    pub agent: AgentId,
    pub who: usize,
    pub now: Timestamp,
}

impl Line {
    pub fn speaker(&self) -> Result<Speaker, HubError> {
        if self.node.is_dead() {
            return Err(HubError::Unreachable);
        }
        self.node.exchange.speaker(self.agent).map_err(|_| HubError::NotKnown)
    }

    /// True while the hubs' stores may fail.
    pub fn is_faulty(&self) -> bool {
        let faults = self.ether.faults.set(0);
        self.ether.faults.set(faults);
        faults > 0
    }

    /// What stands in the log as this hub knows it, without any trouble.
    pub async fn look(&self) {
        let faults = self.ether.faults.set(0);
        laws::read_log(&self.ether.model, &self.node.exchange).await;
        self.ether.faults.set(faults);
    }

    /// Gives a batch to the hub, as it is.
    pub async fn take(&self, batch: PublishRequest) -> Result<PublishResponse, HubError> {
        let speaker = self.speaker()?;
        let answer = self.node.exchange.publish(&speaker, convert::batch(batch), self.now).await;
        answer.map(convert::answer).map_err(|error| match error {
            PublishError::NotAllowed(_) => HubError::NotKnown,
            PublishError::Gap { .. } => HubError::OutOfStep,
            PublishError::Unavailable | PublishError::Clock(_) | PublishError::Full => {
                HubError::Busy { after: None }
            }
            other => HubError::Refused(other.to_string()),
        })
    }

    /// Notes what the source says, before anything can happen to it.
    pub fn hear(&self, batch: &PublishRequest) {
        self.ether.past.lock().unwrap().push(batch.clone());
        let mut model = self.ether.model.lock().unwrap();
        for message in &batch.records {
            let opened = open(message).expect("an agent sends sound records");
            let (head, record) = (&opened.record.head, &opened.record);
            let open = message.groups.iter().filter(|g| g.withheld_hash.is_empty()).map(|g| g.number);
            let said = Said {
                source: self.who,
                learner: head.learner.as_str().to_owned(),
                group: head.group.as_ref().map(|group| group.as_str().to_owned()),
                at: record.instant().map(Timestamp::micros),
                mark: mark_of(record),
                groups: open.collect(),
                root: opened.root,
            };
            let before = model.said.insert((head.id.to_string(), head.revision.get()), said.clone());
            assert!(before.is_none_or(|before| before == said), "a revision never changes");
        }
    }

    async fn ready(&self) -> Result<Speaker, HubError> {
        if self.ether.is_trouble() {
            return Err(HubError::Unreachable);
        }
        self.speaker()
    }
}

#[async_trait]
impl Hub for Line {
    async fn declare(&self, declarations: Vec<Declaration>) -> Result<Vec<DeclarationResult>, HubError> {
        let speaker = self.ready().await?;
        let said = declarations.iter().map(read_declaration).collect();
        let results = self.node.exchange.declare(&speaker, said, self.now).await;
        let results = results.map_err(|_| HubError::Unreachable)?;
        Ok(results.into_iter().map(convert::declared).map(write_declaration_answer).collect())
    }

    async fn publish(&self) -> Result<Box<dyn PublishSession>, HubError> {
        let speaker = self.ready().await?;
        // As the hub's door does: the agent may come from another node.
        self.node.exchange.follow(Duration::ZERO).await.map_err(|_| HubError::Unreachable)?;
        let hello = PublishResponse {
            next_batch_number: self.node.exchange.next_batch(&speaker),
            ..PublishResponse::default()
        };
        let answers = VecDeque::from([(None, Ok(hello))]);
        Ok(Box::new(Publishing { line: self.clone(), answers, held: None, is_broken: false }))
    }

    async fn receive(&self, after: u64) -> Result<Box<dyn ReceiveSession>, HubError> {
        let speaker = self.ready().await?;
        Ok(Box::new(FeedSession::open(self.clone(), &speaker, after)?))
    }

    async fn acknowledge(&self, request: AcknowledgeRequest) -> Result<u64, HubError> {
        let speaker = self.ready().await?;
        let receipt = convert::acknowledgement(&request);
        let cursor = self.node.exchange.acknowledge(&speaker, receipt, self.now).await;
        let cursor = cursor.map_err(|error| match error {
            AckError::NotAllowed(_) => HubError::NotKnown,
            AckError::OutOfRange { .. } => HubError::OutOfRange,
            AckError::Invalid(invalid) => HubError::Refused(invalid.to_string()),
            AckError::Unavailable => HubError::Unreachable,
        })?;
        if self.ether.is_trouble() {
            return Err(HubError::Unreachable);
        }
        let held = &mut self.ether.model.lock().unwrap().cursors[self.who];
        assert!(cursor >= request.cursor.max(*held), "an acknowledged cursor holds");
        *held = cursor;
        Ok(cursor)
    }

    async fn answer_withdrawal(&self, request: AnswerWithdrawalRequest) -> Result<(), HubError> {
        let speaker = self.ready().await?;
        let answer = convert::withdrawal_answer(&request);
        let taken = self.node.exchange.answer_withdrawal(&speaker, answer, self.now).await;
        taken.map_err(|error| match error {
            AnswerError::NotAllowed(_) => HubError::NotKnown,
            AnswerError::Invalid(invalid) => HubError::Refused(invalid.to_string()),
            AnswerError::TooOften | AnswerError::Unavailable => HubError::Unreachable,
        })?;
        if self.ether.is_trouble() { Err(HubError::Unreachable) } else { Ok(()) }
    }

    async fn signing_keys(&self, institution: &Slug) -> Result<Vec<SigningKey>, HubError> {
        let speaker = self.ready().await?;
        let keys =
            self.node.exchange.signing_keys(&speaker, institution).map_err(|_| HubError::NotAllowed)?;
        let message = |key: commonroll_exchange::SigningKeyInfo| SigningKey {
            key_id: Bytes::copy_from_slice(
                commonroll_audit::PublicKey::from_bytes(key.public_key).id().as_bytes(),
            ),
            public_key: Bytes::copy_from_slice(&key.public_key),
            enrolled_at_us: key.enrolled_at.micros(),
            revoked_at_us: key.revoked_at.map_or(0, Timestamp::micros),
        };
        Ok(keys.into_iter().map(message).collect())
    }

    async fn checkpoint(&self, old_size: u64) -> Result<CheckpointResponse, HubError> {
        let (checkpoint, proof) =
            self.node.exchange.checkpoint(old_size).await.map_err(|_| HubError::Unreachable)?;
        Ok(CheckpointResponse { checkpoint, consistency: path_bytes(&proof) })
    }
}

type Answer = (Option<PublishRequest>, Result<PublishResponse, HubError>);

/// A publish stream on which anything may happen.
struct Publishing {
    line: Line,
    answers: VecDeque<Answer>,
    /// A batch that is late: the next one overtakes it.
    held: Option<PublishRequest>,
    is_broken: bool,
}

impl Publishing {
    fn lose(&mut self) {
        self.is_broken = true;
        self.answers.push_back((None, Err(HubError::Unreachable)));
    }

    async fn arrive(&mut self, batch: PublishRequest) {
        let answer = self.line.take(batch.clone()).await;
        self.answers.push_back((Some(batch), answer));
    }

    async fn trouble(&mut self, batch: PublishRequest) -> Result<(), HubError> {
        let number = batch.seal.as_ref().unwrap().number;
        let fault = self.line.ether.dice.below(9) / 2;
        let name = ["request lost", "answer lost", "repeated", "late", "hub killed"][fault];
        self.line.ether.tell(format!("  batch {number}: {name}"));
        match fault {
            0 => {
                self.is_broken = true;
                return Err(HubError::Unreachable);
            }
            1 => {
                let _ = self.line.take(batch).await;
                self.lose();
            }
            2 => {
                let (one, other) = tokio::join!(self.line.take(batch.clone()), self.line.take(batch.clone()));
                self.answers.push_back((Some(batch.clone()), one));
                if let Ok(other) = other {
                    self.line.ether.read.lock().unwrap().push((batch, other));
                }
            }
            3 => self.held = Some(batch),
            _ => {
                let line = self.line.clone();
                let request = batch.clone();
                let under_way = tokio::spawn(async move { line.take(request).await });
                for _ in 0..self.line.ether.dice.below(12) {
                    tokio::task::yield_now().await;
                }
                self.line.node.kill();
                match under_way.await.unwrap() {
                    Ok(answer) => self.answers.push_back((Some(batch), Ok(answer))),
                    Err(_) => self.lose(),
                }
                self.is_broken = true;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl PublishSession for Publishing {
    async fn send(&mut self, batch: PublishRequest) -> Result<(), HubError> {
        if self.is_broken {
            return Err(HubError::Unreachable);
        }
        self.line.hear(&batch);
        if let Some(late) = self.held.take() {
            let early = self.line.take(batch.clone()).await;
            self.arrive(late).await;
            self.answers.push_back((Some(batch), early));
            return Ok(());
        }
        if self.line.ether.is_trouble() {
            return self.trouble(batch).await;
        }
        self.arrive(batch).await;
        Ok(())
    }

    async fn answer(&mut self) -> Result<Option<PublishResponse>, HubError> {
        if let Some(late) = self.held.take() {
            self.arrive(late).await;
        }
        let (request, answer) = self.answers.pop_front().ok_or(HubError::Unreachable)?;
        if let (Some(request), Ok(answer)) = (request, &answer) {
            self.line.ether.read.lock().unwrap().push((request, answer.clone()));
        }
        if !self.line.node.is_dead() {
            self.line.look().await;
        }
        answer.map(Some)
    }
}
