//! Entries of the log and the blocks that hold them: what is hashed, what is stored beside it, and the codec of both.
//!
//! An entry is a leaf of the log's Merkle tree and holds nothing personal. Its payload lies beside it and may be
//! erased; the entry commits to it, by the record's root or by a salted hash, so that the log stays provable.

use crate::{
    directory::change::{Change, hex, unhex},
    types::{GroupState, SealedGroup},
};
use aws_lc_rs::digest;
use bytes::{Buf, Bytes};
use commonroll_audit::{
    frontier::Frontier,
    hash::{Hash, leaf_hash},
    seal::{GROUPS_MAX, GroupLeaf, record_root},
    tree::Tree,
};
use commonroll_core::{LocalId, RecordId, RecordKind, SchoolDate, Timestamp};
use commonroll_store::NewBlock;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// Bytes of a field group's salt.
const SALT_BYTES: usize = 16;
const TAG_RECORD: u8 = 1;
const TAG_NOTE: u8 = 2;
/// Set in an entry's length: the mark of its place stands between the length and the entry.
const MARKED: u32 = 1 << 31;

/// Stored bytes are not what they must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored bytes of the log are damaged")]
pub struct Damaged;

/// A recipient of a record and the field groups that policy lets it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient {
    /// The institution.
    pub institution: u16,
    /// One bit for each field group, `1 << number`.
    pub groups: u32,
}

/// The entry of an accepted record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordEntry {
    /// Who made it.
    pub source: u16,
    /// The source's batch.
    pub batch: u64,
    /// Place in the batch.
    pub index: u16,
    /// Which record.
    pub id: RecordId,
    /// At which revision.
    pub revision: u32,
    /// What it is.
    pub kind: RecordKind,
    /// True if it withdraws the record.
    pub withdrawn: bool,
    /// True if it is confidential.
    pub confidential: bool,
    /// The learner, by the hub's own number.
    pub learner: u32,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The record's root, which its source signed: the commitment to the payload.
    pub root: Hash,
    /// Who may have it, as decided when it was published.
    pub recipients: Vec<Recipient>,
}

/// Any other entry: readable text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// What happened, such as `agent.revoked` or `delivery.withheld`.
    pub what: String,
    /// Who did it: a slug, or `operator` with a name.
    pub by: String,
    /// When, microseconds since the epoch.
    pub at_us: i64,
    /// Salted hash of the payload, if there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub payload: String,
    /// What else is to be said; nothing personal.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub more: serde_json::Value,
}

/// An entry of either sort.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A record.
    Record(RecordEntry),
    /// Anything else.
    Note(Note),
}

impl Entry {
    /// Appends the bytes that are hashed into the log.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Record(record) => record.encode(bytes),
            Self::Note(note) => {
                bytes.push(TAG_NOTE);
                serde_json::to_writer(bytes, note).expect("a note is plain text");
            }
        }
    }

    /// True if these are the bytes of a record's entry.
    pub fn is_record(bytes: &[u8]) -> bool {
        bytes.first() == Some(&TAG_RECORD)
    }

    /// Reads an entry back.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        match bytes.split_first() {
            Some((&TAG_RECORD, rest)) => RecordEntry::decode(rest).map(Self::Record),
            Some((&TAG_NOTE, rest)) => serde_json::from_slice(rest).map(Self::Note).map_err(|_| Damaged),
            _ => Err(Damaged),
        }
    }
}

impl RecordEntry {
    /// True if an institution made it, or it was for that institution when it was published.
    pub fn concerns(&self, institution: u16) -> bool {
        self.source == institution || self.recipients.iter().any(|to| to.institution == institution)
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.push(TAG_RECORD);
        bytes.extend(self.source.to_be_bytes());
        bytes.extend(self.batch.to_be_bytes());
        bytes.extend(self.index.to_be_bytes());
        bytes.extend(self.id.0);
        bytes.extend(self.revision.to_be_bytes());
        bytes.push(self.kind as u8);
        bytes.push(u8::from(self.withdrawn) | u8::from(self.confidential) << 1);
        bytes.extend(self.learner.to_be_bytes());
        bytes.extend(self.accepted_at.micros().to_be_bytes());
        bytes.extend(self.root);
        for recipient in &self.recipients {
            bytes.extend(recipient.institution.to_be_bytes());
            bytes.extend(recipient.groups.to_be_bytes());
        }
    }

    /// True if it takes back or corrects what may have been handed out before.
    pub const fn corrects(&self) -> bool {
        self.withdrawn || self.revision > 1
    }

    /// The learner of an encoded record's entry, without reading the rest.
    pub fn learner_of(bytes: &[u8]) -> Option<u32> {
        const AT: usize = 1 + 2 + 8 + 2 + 16 + 4 + 1 + 1;
        Some(u32::from_be_bytes(bytes.get(AT..AT + 4)?.try_into().ok()?))
    }

    fn decode(mut bytes: &[u8]) -> Result<Self, Damaged> {
        const FIXED: usize = 2 + 8 + 2 + 16 + 4 + 1 + 1 + 4 + 8 + 32;
        if bytes.len() < FIXED || !(bytes.len() - FIXED).is_multiple_of(6) {
            return Err(Damaged);
        }
        let (source, batch, index) = (bytes.get_u16(), bytes.get_u64(), bytes.get_u16());
        let mut id = [0; 16];
        bytes.copy_to_slice(&mut id);
        let (revision, kind, flags, learner) =
            (bytes.get_u32(), bytes.get_u8(), bytes.get_u8(), bytes.get_u32());
        let accepted_at = Timestamp::from_micros("accepted_at", bytes.get_i64()).map_err(|_| Damaged)?;
        let mut root = [0; 32];
        bytes.copy_to_slice(&mut root);
        let mut recipients = Vec::with_capacity(bytes.len() / 6);
        while bytes.has_remaining() {
            recipients.push(Recipient { institution: bytes.get_u16(), groups: bytes.get_u32() });
        }
        let kind = RecordKind::from_number(i32::from(kind)).ok_or(Damaged)?;
        let (withdrawn, confidential) = (flags & 1 != 0, flags & 2 != 0);
        Ok(Self {
            source,
            batch,
            index,
            id: RecordId(id),
            revision,
            kind,
            withdrawn,
            confidential,
            learner,
            accepted_at,
            root,
            recipients,
        })
    }
}

/// What decisions about a record are made from, beside its entry. Personal, so it lies in the payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// The learner by the source's own id.
    pub learner: LocalId,
    /// The group by the source's own code.
    pub group: Option<LocalId>,
    /// The school date.
    pub date: SchoolDate,
    /// The instant, if known.
    pub at: Option<Timestamp>,
}

/// A source's signature over a batch, and the roots that it covers.
#[derive(Clone)]
pub struct Seal {
    /// Who signed.
    pub source: u16,
    /// The batch.
    pub number: u64,
    /// First bytes of the hash of the signing key.
    pub key_id: [u8; 8],
    /// Ed25519 signature.
    pub signature: [u8; 64],
    /// Every record's root, in order, taken or not.
    pub roots: Vec<Hash>,
    /// The tree over them, once somebody needed it: who only reads a record doesn't.
    pub tree: OnceLock<Tree>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seal({}, {}, ..)", self.source, self.number)
    }
}

impl Seal {
    /// The tree over the batch, for paths.
    pub fn tree(&self) -> &Tree {
        self.tree.get_or_init(|| batch_tree(&self.roots))
    }
}

/// The tree over the roots of a batch's records.
pub fn batch_tree(roots: &[Hash]) -> Tree {
    Tree::new(roots.iter().map(|root| leaf_hash(root)).collect())
}

/// The payload of an entry.
#[derive(Clone)]
pub enum Payload {
    /// A record: which seal of the block covers it, its circumstances and sealed groups.
    Record { seal: u32, circumstances: Circumstances, groups: Arc<[SealedGroup]> },
    /// A change of the directory, salted.
    Change { salt: [u8; 16], change: Box<Change> },
    /// Nothing.
    None,
}

impl Payload {
    /// The commitment that a note makes to a change.
    pub fn commitment(salt: &[u8; 16], json: &[u8]) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(salt);
        context.update(json);
        hex(context.finish().as_ref())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Change { salt, change } => {
                out.push(TAG_NOTE);
                out.extend(salt);
                out.extend(serde_json::to_vec(change).expect("a change is plain text"));
            }
            Self::Record { seal, circumstances, groups } => {
                out.push(TAG_RECORD);
                out.extend(seal.to_be_bytes());
                out.extend(circumstances.date.days().to_be_bytes());
                out.extend(circumstances.at.map_or(i64::MIN, Timestamp::micros).to_be_bytes());
                put_short(out, circumstances.learner.as_str().as_bytes());
                put_short(out, circumstances.group.as_ref().map_or("", LocalId::as_str).as_bytes());
                for group in groups.iter() {
                    out.extend(group.number.to_be_bytes());
                    match &group.state {
                        GroupState::Withheld(hash) => {
                            out.extend(u32::MAX.to_be_bytes());
                            out.extend(hash);
                        }
                        GroupState::Open { salt, content } => {
                            out.extend((content.len() as u32).to_be_bytes());
                            out.extend(salt);
                            out.extend(content);
                        }
                    }
                }
            }
        }
    }

    fn decode(mut bytes: Bytes) -> Result<Self, Damaged> {
        if bytes.is_empty() {
            return Ok(Self::None);
        }
        match bytes.get_u8() {
            TAG_NOTE => {
                let salt = take::<16>(&mut bytes)?;
                let change = serde_json::from_slice(&bytes).map_err(|_| Damaged)?;
                Ok(Self::Change { salt, change: Box::new(change) })
            }
            TAG_RECORD => Self::decode_record(bytes),
            _ => Err(Damaged),
        }
    }

    fn decode_record(mut bytes: Bytes) -> Result<Self, Damaged> {
        let (seal, circumstances) = record_head(&mut bytes)?;
        let mut groups = Vec::with_capacity(4);
        while bytes.has_remaining() {
            let number = u32::from_be_bytes(take(&mut bytes)?);
            let state = match u32::from_be_bytes(take(&mut bytes)?) {
                u32::MAX => GroupState::Withheld(take(&mut bytes)?),
                length => {
                    let salt = take(&mut bytes)?;
                    if bytes.remaining() < length as usize {
                        return Err(Damaged);
                    }
                    // A copy: a slice would keep the whole block in memory for as long as the record waits.
                    GroupState::Open {
                        salt,
                        content: Bytes::copy_from_slice(&bytes.split_to(length as usize)),
                    }
                }
            };
            groups.push(SealedGroup { number, state });
        }
        Ok(Self::Record { seal, circumstances, groups: groups.into() })
    }
}

/// What stands before a record's groups: the number of its seal, and whom and when it is about.
fn record_head(bytes: &mut Bytes) -> Result<(u32, Circumstances), Damaged> {
    let seal = u32::from_be_bytes(take(bytes)?);
    let days = i32::from_be_bytes(take(bytes)?);
    let at = match i64::from_be_bytes(take(bytes)?) {
        i64::MIN => None,
        micros => Some(Timestamp::from_micros("at", micros).map_err(|_| Damaged)?),
    };
    let learner = take_short(bytes)?.ok_or(Damaged)?;
    let group = take_short(bytes)?;
    let date = SchoolDate::from_days(days).ok_or(Damaged)?;
    Ok((seal, Circumstances { learner, group, date, at }))
}

fn put_short(out: &mut Vec<u8>, text: &[u8]) {
    out.push(u8::try_from(text.len()).expect("a local id has at most 64 bytes"));
    out.extend(text);
}

fn take<const N: usize>(bytes: &mut Bytes) -> Result<[u8; N], Damaged> {
    if bytes.remaining() < N {
        return Err(Damaged);
    }
    let mut taken = [0; N];
    bytes.copy_to_slice(&mut taken);
    Ok(taken)
}

fn take_short(bytes: &mut Bytes) -> Result<Option<LocalId>, Damaged> {
    let [length] = take::<1>(bytes)?;
    if bytes.remaining() < usize::from(length) {
        return Err(Damaged);
    }
    let text = bytes.split_to(usize::from(length));
    if text.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(&text).map_err(|_| Damaged)?;
    LocalId::parse("local_id", text).map(Some).map_err(|_| Damaged)
}

/// Writes something with its length (u32) before it.
fn with_length(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend([0; 4]);
    let at = out.len();
    write(out);
    let length = (out.len() - at) as u32;
    out[at - 4..at].copy_from_slice(&length.to_be_bytes());
}

/// Collects the entries of one block.
#[derive(Default)]
pub struct BlockBuilder {
    entries: Vec<u8>,
    payloads: Vec<u8>,
    seals: Vec<u8>,
    seal_count: u32,
    /// How many entries there are.
    pub count: u32,
}

impl BlockBuilder {
    /// Adds the entry that gets this sequence number (from 0), with its payload; gives its leaf hash.
    pub fn push(&mut self, seq: u64, entry: &Entry, payload: &Payload) -> Hash {
        let head = self.entries.len();
        self.entries.extend([0; 8]);
        entry.encode(&mut self.entries);
        let (frame, bytes) = self.entries.split_at_mut(head + 8);
        let leaf = leaf_hash(bytes);
        frame[head..head + 4].copy_from_slice(&(bytes.len() as u32 | MARKED).to_be_bytes());
        frame[head + 4..].copy_from_slice(&place_mark(seq, &leaf));
        with_length(&mut self.payloads, |bytes| payload.encode(bytes));
        self.count += 1;
        leaf
    }

    /// Adds a seal; gives its number in this block.
    pub fn seal(&mut self, seal: &Seal) -> u32 {
        let out = &mut self.seals;
        out.extend(seal.source.to_be_bytes());
        out.extend(seal.number.to_be_bytes());
        out.extend(seal.key_id);
        out.extend(seal.signature);
        out.extend((seal.roots.len() as u32).to_be_bytes());
        out.extend(seal.roots.iter().flatten());
        self.seal_count += 1;
        self.seal_count - 1
    }

    /// The block as it is stored, with the tree's edge behind it.
    pub fn built(self, frontier: &Frontier) -> Built {
        let mut payloads = Vec::with_capacity(4 + self.seals.len() + self.payloads.len());
        payloads.extend(self.seal_count.to_be_bytes());
        payloads.extend(self.seals);
        payloads.extend(self.payloads);
        Built { n: self.count, frontier: frontier.encode(), entries: self.entries, payloads }
    }
}

/// A block that is whole.
pub struct Built {
    /// How many entries there are.
    pub n: u32,
    /// The tree's append state behind it.
    pub frontier: Vec<u8>,
    /// Its entries, as they are stored.
    pub entries: Vec<u8>,
    /// Its payloads, as they are stored.
    pub payloads: Vec<u8>,
}

impl Built {
    /// For the store.
    pub fn as_new(&self) -> NewBlock<'_> {
        let Self { n, frontier, entries, payloads } = self;
        NewBlock { n: *n, frontier, entries, payloads }
    }
}

/// The mark of an entry's place in the log. It proves nothing, the tree does; but where a block does not hold, the first
/// entry that lacks its mark is the one that was altered, put in, moved, or stands where one was taken out.
pub fn place_mark(seq: u64, leaf: &Hash) -> [u8; 4] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&seq.to_be_bytes());
    context.update(leaf);
    let mut mark = [0; 4];
    mark.copy_from_slice(&context.finish().as_ref()[..4]);
    mark
}

/// An entry's bytes with the mark of its place.
pub type Marked<'a> = (Option<[u8; 4]>, &'a [u8]);

/// The entries of a stored block, as bytes, each with its mark. Blocks of the first kind have none.
pub fn split_marked(bytes: &[u8]) -> Result<Vec<Marked<'_>>, Damaged> {
    let mut rest = bytes;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (length, mut tail) = rest.split_first_chunk::<4>().ok_or(Damaged)?;
        let length = u32::from_be_bytes(*length);
        let mut mark = None;
        if length & MARKED != 0 {
            let (found, behind) = tail.split_first_chunk::<4>().ok_or(Damaged)?;
            (mark, tail) = (Some(*found), behind);
        }
        let length = (length & !MARKED) as usize;
        if tail.len() < length {
            return Err(Damaged);
        }
        entries.push((mark, &tail[..length]));
        rest = &tail[length..];
    }
    Ok(entries)
}

/// The entries of a stored block, as bytes.
pub fn split_entries(bytes: &[u8]) -> Result<Vec<&[u8]>, Damaged> {
    Ok(split_marked(bytes)?.into_iter().map(|(_, entry)| entry).collect())
}

/// The seals and payloads of a stored block. What is asked for is read, and no more: a page shows a few records of a block
/// that holds thousands.
pub struct Payloads {
    bytes: Bytes,
    seals: Vec<(Range<usize>, OnceLock<Arc<Seal>>)>,
    places: Vec<Range<usize>>,
}

/// Bytes of a seal before its roots.
const SEAL_HEAD: usize = 2 + 8 + 8 + 64;
const ROOT_BYTES: usize = 32;

/// Steps over so many bytes; gives where they lie.
fn step(at: &mut usize, length: usize, bytes: &[u8]) -> Result<Range<usize>, Damaged> {
    let range = *at..at.checked_add(length).filter(|end| *end <= bytes.len()).ok_or(Damaged)?;
    *at = range.end;
    Ok(range)
}

/// Steps over a number.
fn step_number(at: &mut usize, bytes: &[u8]) -> Result<usize, Damaged> {
    let number = bytes[step(at, 4, bytes)?].first_chunk::<4>().ok_or(Damaged)?;
    Ok(u32::from_be_bytes(*number) as usize)
}

/// Steps over the seals that stand before a stored block's payloads; gives where each lies.
fn step_seals(at: &mut usize, bytes: &[u8]) -> Result<Vec<Range<usize>>, Damaged> {
    let count = step_number(at, bytes)?;
    let mut seals = Vec::new();
    for _ in 0..count {
        let first = step(at, SEAL_HEAD, bytes)?.start;
        let roots = step_number(at, bytes)?;
        step(at, roots.checked_mul(ROOT_BYTES).ok_or(Damaged)?, bytes)?;
        seals.push(first..*at);
    }
    Ok(seals)
}

impl Payloads {
    /// Reads a stored block's payload bytes.
    pub fn decode(bytes: Vec<u8>) -> Result<Self, Damaged> {
        let mut at = 0;
        let seals = step_seals(&mut at, &bytes)?.into_iter().map(|seal| (seal, OnceLock::new())).collect();
        let mut places = Vec::new();
        while at < bytes.len() {
            let length = step_number(&mut at, &bytes)?;
            places.push(step(&mut at, length, &bytes)?);
        }
        Ok(Self { bytes: bytes.into(), seals, places })
    }

    /// A seal, by its number in the block.
    pub fn seal(&self, number: u32) -> Result<&Arc<Seal>, Damaged> {
        let (range, read) = self.seals.get(number as usize).ok_or(Damaged)?;
        if read.get().is_none() {
            let mut bytes = self.bytes.slice(range.clone());
            let source = u16::from_be_bytes(take(&mut bytes)?);
            let number = u64::from_be_bytes(take(&mut bytes)?);
            let (key_id, signature) = (take(&mut bytes)?, take(&mut bytes)?);
            let _count: [u8; 4] = take(&mut bytes)?;
            let (roots, _) = bytes.as_chunks::<ROOT_BYTES>();
            let (roots, tree) = (roots.to_vec(), OnceLock::new());
            let _ = read.set(Arc::new(Seal { source, number, key_id, signature, roots, tree }));
        }
        read.get().ok_or(Damaged)
    }

    fn at(&self, place: usize) -> Result<Bytes, Damaged> {
        Ok(self.bytes.slice(self.places.get(place).ok_or(Damaged)?.clone()))
    }

    /// Of the record at a place in the block, whom and when it is about, and which field groups lie there open: bit
    /// `1 << number`. What they say is passed over. `None` where there is no record, or no content any more.
    pub fn brief(&self, place: usize) -> Result<Option<(Circumstances, u32)>, Damaged> {
        let mut bytes = self.at(place)?;
        if bytes.is_empty() || bytes.get_u8() != TAG_RECORD {
            return Ok(None);
        }
        let (_, circumstances) = record_head(&mut bytes)?;
        let mut open = 0;
        while bytes.has_remaining() {
            let number = u32::from_be_bytes(take(&mut bytes)?);
            let length = match u32::from_be_bytes(take(&mut bytes)?) {
                u32::MAX => 32,
                length => {
                    open |= 1u32.checked_shl(number).unwrap_or(0);
                    SALT_BYTES.saturating_add(length as usize)
                }
            };
            if bytes.remaining() < length {
                return Err(Damaged);
            }
            bytes.advance(length);
        }
        Ok(Some((circumstances, open)))
    }

    /// What the payload at a place in the block commits to. Nothing is copied out of it.
    pub fn committed(&self, place: usize) -> Result<Committed, Damaged> {
        let mut bytes = self.at(place)?;
        if bytes.is_empty() {
            return Ok(Committed::Nothing);
        }
        if bytes.get_u8() != TAG_RECORD {
            return Ok(Committed::Change);
        }
        let (seal, _) = record_head(&mut bytes)?;
        let (mut leaves, mut count) = ([GroupLeaf::withheld(0, [0; 32]); GROUPS_MAX], 0);
        while bytes.has_remaining() {
            let number = u32::from_be_bytes(take(&mut bytes)?);
            let leaf = match u32::from_be_bytes(take(&mut bytes)?) {
                u32::MAX => GroupLeaf::withheld(number, take(&mut bytes)?),
                length => {
                    let salt = take::<SALT_BYTES>(&mut bytes)?;
                    let content = bytes.get(..length as usize).ok_or(Damaged)?;
                    let leaf = GroupLeaf::shown(number, &salt, content);
                    bytes.advance(length as usize);
                    leaf
                }
            };
            *leaves.get_mut(count).ok_or(Damaged)? = leaf;
            count += 1;
        }
        if count == 0 {
            return Ok(Committed::Circumstances);
        }
        let root = record_root(&leaves[..count]).map_err(|_| Damaged)?;
        Ok(Committed::Record { seal, root })
    }

    /// The payload of the entry at a place in the block.
    pub fn get(&self, place: usize) -> Result<Payload, Damaged> {
        Payload::decode(self.at(place)?)
    }
}

/// What a payload commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// There is none, or no longer.
    Nothing,
    /// A change of the directory.
    Change,
    /// Of a record that is kept no longer, only what it takes to call copies back.
    Circumstances,
    /// A record: the number of its seal in the block, and the root that its groups lead to.
    Record {
        /// Which seal.
        seal: u32,
        /// The record's root.
        root: Hash,
    },
}

/// What stays of a payload that is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// All of it: it is not taken out.
    All,
    /// Of a record: its seal's number, date, learner and group, by which copies can still be called back. No content, no salt.
    Circumstances,
    /// Nothing.
    Nothing,
}

/// A stored block's payload bytes without those of some places. The seals stay: they are hashes, and the source's word.
pub fn without(bytes: &[u8], stays: impl Fn(usize) -> Stays) -> Result<Vec<u8>, Damaged> {
    let mut at = 0;
    step_seals(&mut at, bytes)?;
    let mut out = bytes[..at].to_vec();
    for place in 0.. {
        if at == bytes.len() {
            break;
        }
        let length = step_number(&mut at, bytes)?;
        let payload = &bytes[step(&mut at, length, bytes)?];
        let kept = match stays(place) {
            Stays::All => length,
            Stays::Circumstances if payload.first() == Some(&TAG_RECORD) => head_of(payload)?,
            Stays::Circumstances | Stays::Nothing => 0,
        };
        with_length(&mut out, |out| out.extend_from_slice(&payload[..kept]));
    }
    Ok(out)
}

/// Bytes of a record's payload before its groups.
fn head_of(payload: &[u8]) -> Result<usize, Damaged> {
    let mut rest = Bytes::copy_from_slice(payload);
    let _fixed: [u8; 1 + 4 + 4 + 8] = take(&mut rest)?;
    take_short(&mut rest)?;
    take_short(&mut rest)?;
    Ok(payload.len() - rest.len())
}

/// Checks that a change is the one that its note committed to.
pub fn change_matches(note: &Note, salt: &[u8; 16], change: &Change) -> bool {
    json_matches(note, salt, &serde_json::to_vec(change).unwrap_or_default())
}

/// The same of a change as JSON.
pub fn json_matches(note: &Note, salt: &[u8; 16], json: &[u8]) -> bool {
    note.payload == Payload::commitment(salt, json) && unhex::<32>(&note.payload).is_some()
}
