//! A hub in memory: it keeps the rules of publishing and receiving, and fails on command.

use async_trait::async_trait;
use bytes::Bytes;
use commonroll_agent::hub::{DayHeld, DayRecord, Hub, HubError, PublishSession, ReceiveSession};
use commonroll_audit::{
    Checkpoint, FetchedSubtrees, LogKey, PublicKey, SigningKey, Tree, consistency_proof, leaf_hash,
    needed_for_consistency,
};
use commonroll_core::{
    RecordId, RecordKind, SchoolDate, Slug, Timestamp, aside::AsideStep, sources::SourceTold,
};
use commonroll_wire::{
    DeclarationAnswer, Held, RecordAnswer, Refusal, day_root, open, open_batch, path_bytes,
    pb::{
        audit::v1::CheckpointResponse,
        directory::v1::{Declaration, DeclarationResult, SigningKey as KeyMessage},
        exchange::v1::{
            AcknowledgeRequest, AnswerWithdrawalRequest, DeliveredBatch, DeliveredRecord, PublishRequest,
            PublishResponse, ReceiveResponse, RecordResult, SessionCode, SessionCodeAnswer, WithdrawalNotice,
        },
    },
    verify_acknowledgement, write_declaration_answer, write_record_answer,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex},
};
use tokio::sync::oneshot;

pub struct FakeHub {
    pub state: Arc<Mutex<State>>,
}

pub struct State {
    pub keys: HashMap<String, Vec<PublicKey>>,
    pub next: u64,
    /// One delivered record an entry, in the order of the log.
    pub log: Vec<(DeliveredBatch, String)>,
    pub newest: BTreeMap<(String, u32), u64>,
    pub declared: Vec<Declaration>,
    /// How often it was told that everything has been sent.
    pub current: u32,
    known: HashSet<Vec<u8>>,
    /// Learners whose records are refused, with the code.
    pub refuse: HashMap<String, String>,
    pub acknowledged: u64,
    pub receipts: Vec<AcknowledgeRequest>,
    /// Notices, each with the place in the log behind which it comes.
    pub notices: Vec<(u64, WithdrawalNotice)>,
    /// Deletion receipts, in the order in which they came.
    pub answers: Vec<AnswerWithdrawalRequest>,
    /// Deletion receipts to take without telling, before the connection breaks.
    pub lose_receipts: u32,
    /// It knows nothing of session codes yet.
    pub older: bool,
    /// Session codes that people at home decided.
    pub decided: Vec<SessionCode>,
    /// What it was told became of them, in order.
    pub told: Vec<SessionCodeAnswer>,
    /// Answers about session codes to lose before they arrive.
    pub lose_told: u32,
    /// Batches to take without answering, before the connection breaks.
    pub lose_answers: u32,
    /// Batches after which the connection breaks before the batch arrives.
    pub break_after: Option<u32>,
    pub down: bool,
    pub page: usize,
    /// What stands before the host's id in the home's.
    pub home_prefix: &'static str,
    pub log_key: LogKey,
    /// What the checkpoint's tree is over; `None` for the log itself.
    pub rewritten: Option<Vec<[u8; 32]>>,
    pub batches_seen: Vec<u64>,
    /// Of each day that was asked for: with its records or without.
    pub day_calls: Vec<bool>,
    /// What it was told of sources, each time; it can't be told where `sources_fail` says why.
    pub sources: Vec<Vec<SourceTold>>,
    /// What was told of records that can't be written.
    pub asides: Vec<String>,
    /// No record behind this one was handed out: the hub was restored.
    pub handed: u64,
    pub sources_fail: Option<HubError>,
    /// Days can't be asked for.
    pub day_fails: Option<HubError>,
    /// Holds back the next answer about a day, with its records or without: says that it was asked for, and waits. What
    /// the answer holds is of before, or of after the wait.
    pub day_pause: Option<Pause>,
}

pub struct Pause {
    pub records: bool,
    pub of_before: bool,
    pub asked: oneshot::Sender<()>,
    pub go_on: oneshot::Receiver<()>,
}

impl FakeHub {
    pub fn new() -> Self {
        let log_key = LogKey::new("log.test", SigningKey::from_seed(&[9; 32]).unwrap()).unwrap();
        let state = State {
            keys: HashMap::new(),
            next: 1,
            log: Vec::new(),
            newest: BTreeMap::new(),
            declared: Vec::new(),
            current: 0,
            known: HashSet::new(),
            refuse: HashMap::new(),
            acknowledged: 0,
            receipts: Vec::new(),
            notices: Vec::new(),
            answers: Vec::new(),
            lose_receipts: 0,
            older: false,
            decided: Vec::new(),
            told: Vec::new(),
            lose_told: 0,
            lose_answers: 0,
            break_after: None,
            down: false,
            page: 1_000,
            home_prefix: "home-",
            log_key,
            rewritten: None,
            batches_seen: Vec::new(),
            day_calls: Vec::new(),
            sources: Vec::new(),
            asides: Vec::new(),
            handed: u64::MAX,
            sources_fail: None,
            day_fails: None,
            day_pause: None,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }

    pub fn knows(self, institution: &str, key: &SigningKey) -> Self {
        self.with(|s| s.keys.entry(institution.to_owned()).or_default().push(key.public()));
        self
    }

    /// Of each record of a day its newest revision.
    fn newest_of(&self, date: SchoolDate) -> BTreeMap<RecordId, DayRecord> {
        let mut newest: BTreeMap<RecordId, DayRecord> = BTreeMap::new();
        self.with(|s| {
            for (batch, _) in &s.log {
                let opened = open(batch.records[0].record.as_ref().unwrap()).unwrap().record;
                if opened.head.date != date {
                    continue;
                }
                let withdrawn = matches!(opened.body, commonroll_core::Body::Withdrawn(_));
                let held = Held { id: opened.head.id, revision: opened.head.revision.get(), withdrawn };
                let accepted = Timestamp::from_micros("at", 1).unwrap();
                newest.insert(held.id, DayRecord { held, kind: opened.kind(), accepted });
            }
        });
        newest
    }

    /// Records in the log, as `kind date learner r<revision> [withdrawn]`.
    pub fn holds(&self) -> Vec<String> {
        self.with(|s| s.log.iter().map(|(_, text)| text.clone()).collect())
    }
}

impl State {
    fn take(&mut self, batch: &PublishRequest) -> Result<PublishResponse, HubError> {
        let seal = batch.seal.clone().unwrap();
        self.batches_seen.push(seal.number);
        if seal.number > self.next {
            return Err(HubError::OutOfStep);
        }
        let keys = self.keys[&seal.source].clone();
        let key = keys.iter().find(|key| key.id().as_bytes()[..] == seal.key_id[..]).unwrap();
        let opened = open_batch(batch, key).expect("the batch is signed");
        let mut results = Vec::new();
        for (index, record) in opened.records.into_iter().enumerate() {
            let record = record.expect("the record is sound");
            let head = &record.record.head;
            let id = (head.id.to_string(), head.revision.get());
            let rejected = |code: &str, reason: &str| {
                let (code, reason) = (code.to_owned(), reason.to_owned());
                RecordAnswer::Rejected(Refusal { code, field: String::new(), reason })
            };
            let revisions = self.newest.range((id.0.clone(), 0)..=(id.0.clone(), u32::MAX));
            let newest = revisions.last().map_or(0, |((_, revision), _)| *revision);
            let root_of = |sequence: &u64| {
                let before = self.log[*sequence as usize - 1].0.records[0].record.clone().unwrap();
                open(&before).unwrap().root
            };
            let repeated = self.newest.get(&id).filter(|sequence| root_of(sequence) == record.root);
            let is_behind = id.1 < newest || (id.1 == newest && repeated.is_none());
            let answer = if let Some(code) = self.refuse.get(head.learner.as_str()) {
                rejected(code, "wait for a placement")
            } else if let Some(sequence) = repeated {
                RecordAnswer::Duplicate { sequence: *sequence }
            } else if is_behind {
                rejected(
                    if id.1 == newest { "conflict" } else { "stale_revision" },
                    "send it as a higher one",
                )
            } else {
                let sequence = self.log.len() as u64 + 1;
                self.newest.insert(id, sequence);
                let withdrawn = matches!(record.record.body, commonroll_core::Body::Withdrawn(_));
                let text = format!(
                    "{} {} {} r{}{}",
                    record.record.kind(),
                    head.date,
                    head.learner.as_str(),
                    head.revision,
                    if withdrawn { " withdrawn" } else { "" }
                );
                let delivered = DeliveredRecord {
                    sequence,
                    batch_index: index as u32,
                    batch_path: path_bytes(&opened.signed.path(index).unwrap()),
                    record: Some(batch.records[index].clone()),
                    recipient_learner_local_id: format!("{}{}", self.home_prefix, head.learner.as_str()),
                    accepted_at_us: 1,
                    again: false,
                };
                let records = vec![delivered];
                let batch = DeliveredBatch { seal: Some(seal.clone()), records, ..Default::default() };
                self.log.push((batch, text));
                RecordAnswer::Accepted { sequence }
            };
            let held_revision = if is_behind { newest } else { 0 };
            results.push(RecordResult { held_revision, ..write_record_answer(answer) });
        }
        self.next = self.next.max(seal.number + 1);
        Ok(PublishResponse { batch_number: seal.number, results, next_batch_number: self.next })
    }
}

#[async_trait]
impl Hub for FakeHub {
    async fn day(&self, date: SchoolDate, records: bool) -> Result<DayHeld, HubError> {
        let pause = self.with(|s| {
            s.day_calls.push(records);
            s.day_pause.take_if(|pause| pause.records == records)
        });
        if let Some(fails) = self.with(|s| s.day_fails.clone()) {
            return Err(fails);
        }
        let mut newest = self.newest_of(date);
        if let Some(pause) = pause {
            pause.asked.send(()).unwrap();
            pause.go_on.await.unwrap();
            if !pause.of_before {
                newest = self.newest_of(date);
            }
        }
        let root = |kind: RecordKind| {
            let of: Vec<Held> = newest.values().filter(|one| one.kind == kind).map(|one| one.held).collect();
            (kind.as_str().to_owned(), day_root(&of))
        };
        let roots = RecordKind::ALL.into_iter().map(root).collect();
        Ok(DayHeld { roots, records: if records { newest.into_values().collect() } else { Vec::new() } })
    }

    async fn tell_sources(&self, sources: Vec<SourceTold>) -> Result<(), HubError> {
        self.with(|s| {
            s.sources.push(sources);
            s.sources_fail.clone().map_or(Ok(()), Err)
        })
    }

    async fn tell_aside(&self, steps: Vec<AsideStep>) -> Result<(), HubError> {
        self.with(|s| {
            if s.down {
                return Err(HubError::Unreachable);
            }
            if steps.iter().any(|step| step.sequence > s.handed) {
                return Err(HubError::Refused("each must be of a record that you were handed".to_owned()));
            }
            s.asides.extend(
                steps.iter().map(|step| format!("{} {} {}", step.sequence, step.deed.entry(), step.code)),
            );
            Ok(())
        })
    }

    async fn declare(&self, declarations: Vec<Declaration>) -> Result<Vec<DeclarationResult>, HubError> {
        self.with(|s| {
            if s.down {
                return Err(HubError::Unreachable);
            }
            s.current += u32::from(declarations.is_empty());
            let answer = |said: Declaration| {
                let new = s.known.insert(prost::Message::encode_to_vec(&said));
                if new {
                    s.declared.push(said);
                }
                write_declaration_answer(if new {
                    DeclarationAnswer::Accepted
                } else {
                    DeclarationAnswer::Unchanged
                })
            };
            Ok(declarations.into_iter().map(answer).collect())
        })
    }

    async fn publish(&self) -> Result<Box<dyn PublishSession>, HubError> {
        if self.with(|s| s.down) {
            return Err(HubError::Unreachable);
        }
        let hello = PublishResponse {
            batch_number: 0,
            results: Vec::new(),
            next_batch_number: self.with(|s| s.next),
        };
        Ok(Box::new(Publishing { state: self.state.clone(), answers: vec![Ok(hello)].into(), broken: false }))
    }

    async fn receive(&self, after: u64) -> Result<Box<dyn ReceiveSession>, HubError> {
        if self.with(|s| s.down) {
            return Err(HubError::Unreachable);
        }
        let pieces = self.with(|s| {
            let waiting: Vec<_> = s.log.iter().filter(|(b, _)| b.records[0].sequence > after).collect();
            let piece = |chunk: &[&(DeliveredBatch, String)]| ReceiveResponse {
                batches: chunk.iter().map(|(batch, _)| batch.clone()).collect(),
                cursor: chunk.last().unwrap().0.records[0].sequence,
                notices: Vec::new(),
            };
            let mut pieces = waiting.chunks(s.page).map(piece).collect::<Vec<_>>();
            for (cursor, notice) in s.notices.iter().filter(|(cursor, _)| *cursor > after) {
                let (cursor, notices) = (*cursor, vec![notice.clone()]);
                pieces.push(ReceiveResponse { batches: Vec::new(), cursor, notices });
            }
            pieces.sort_by_key(|piece| piece.cursor);
            pieces
        });
        Ok(Box::new(Receiving { pieces: pieces.into_iter() }))
    }

    async fn acknowledge(&self, request: AcknowledgeRequest) -> Result<u64, HubError> {
        self.with(|s| {
            if s.down {
                return Err(HubError::Unreachable);
            }
            if request.cursor > s.log.len() as u64 {
                return Err(HubError::OutOfRange);
            }
            s.acknowledged = s.acknowledged.max(request.cursor);
            s.receipts.push(request);
            Ok(s.acknowledged)
        })
    }

    async fn answer_withdrawal(&self, request: AnswerWithdrawalRequest) -> Result<(), HubError> {
        self.with(|s| {
            if s.down {
                return Err(HubError::Unreachable);
            }
            s.answers.push(request);
            if s.lose_receipts > 0 {
                s.lose_receipts -= 1;
                return Err(HubError::Unreachable);
            }
            Ok(())
        })
    }

    async fn session_codes(&self) -> Result<Vec<SessionCode>, HubError> {
        self.with(|s| {
            if s.down {
                return Err(HubError::Unreachable);
            }
            if s.older {
                return Err(HubError::Refused("unknown method".to_owned()));
            }
            let is_open = |code: &&SessionCode| {
                !s.told.iter().any(|told| {
                    (&told.learner_local_id, told.session, told.revision)
                        == (&code.learner_local_id, code.session, code.revision)
                })
            };
            Ok(s.decided.iter().filter(is_open).cloned().collect())
        })
    }

    async fn answer_session_codes(&self, answers: Vec<SessionCodeAnswer>) -> Result<(), HubError> {
        self.with(|s| {
            if s.lose_told > 0 {
                s.lose_told -= 1;
                return Err(HubError::Unreachable);
            }
            s.told.extend(answers);
            Ok(())
        })
    }

    async fn signing_keys(&self, institution: &Slug) -> Result<Vec<KeyMessage>, HubError> {
        self.with(|s| {
            let keys = s.keys.get(institution.as_str()).cloned().unwrap_or_default();
            let message = |key: PublicKey| KeyMessage {
                key_id: Bytes::copy_from_slice(key.id().as_bytes()),
                public_key: Bytes::copy_from_slice(key.as_bytes()),
                enrolled_at_us: 1,
                revoked_at_us: 0,
            };
            Ok(keys.into_iter().map(message).collect())
        })
    }

    async fn checkpoint(&self, old_size: u64) -> Result<CheckpointResponse, HubError> {
        self.with(|s| {
            if s.down {
                return Err(HubError::Unreachable);
            }
            let entries = s
                .rewritten
                .clone()
                .unwrap_or_else(|| s.log.iter().map(|(_, text)| leaf_hash(text.as_bytes())).collect());
            let tree = Tree::new(entries.clone());
            let size = entries.len() as u64;
            let checkpoint = Checkpoint { origin: "log.test".to_owned(), size, root: tree.root() };
            let proof = if old_size == 0 || old_size >= size {
                Vec::new()
            } else {
                let needed = needed_for_consistency(old_size, size).unwrap();
                let subtree = |(level, index): (u8, u64)| {
                    let width = 1usize << level;
                    let from = index as usize * width;
                    ((level, index), Tree::new(entries[from..from + width].to_vec()).root())
                };
                let mut subtrees: FetchedSubtrees = needed.into_iter().map(subtree).collect();
                consistency_proof(old_size, size, &mut subtrees).unwrap()
            };
            Ok(CheckpointResponse {
                checkpoint: checkpoint.sign(&s.log_key).unwrap(),
                consistency: path_bytes(&proof),
            })
        })
    }
}

/// Checks a receipt as the hub would.
pub fn receipt_holds(request: &AcknowledgeRequest, recipient: &str, key: &PublicKey) -> bool {
    verify_acknowledgement(request, &recipient.parse().unwrap(), key).is_ok()
}

struct Publishing {
    state: Arc<Mutex<State>>,
    answers: std::collections::VecDeque<Result<PublishResponse, HubError>>,
    broken: bool,
}

#[async_trait]
impl PublishSession for Publishing {
    async fn send(&mut self, batch: PublishRequest) -> Result<(), HubError> {
        let mut s = self.state.lock().unwrap();
        if s.down || self.broken {
            return Err(HubError::Unreachable);
        }
        if let Some(left) = &mut s.break_after {
            if *left == 0 {
                s.break_after = None;
                self.broken = true;
                return Err(HubError::Unreachable);
            }
            *left -= 1;
        }
        let answer = s.take(&batch);
        if s.lose_answers > 0 {
            s.lose_answers -= 1;
            self.broken = true;
            self.answers.push_back(Err(HubError::Unreachable));
        } else {
            self.answers.push_back(answer);
        }
        Ok(())
    }

    async fn answer(&mut self) -> Result<Option<PublishResponse>, HubError> {
        self.answers.pop_front().transpose()
    }
}

struct Receiving {
    pieces: std::vec::IntoIter<ReceiveResponse>,
}

#[async_trait]
impl ReceiveSession for Receiving {
    async fn next(&mut self) -> Result<Option<ReceiveResponse>, HubError> {
        Ok(self.pieces.next())
    }
}
