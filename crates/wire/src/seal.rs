//! Sealing a record into its field groups, opening it again, and withholding groups on the way.
//!
//! Opening checks everything that can be checked in one record by itself. That its source signed it is checked in
//! [`crate::batch`]; whether anyone may see it is not known here.

use crate::{body, head, pb::record::v1 as pb, read};
use bytes::{Bytes, BytesMut};
use commonroll_audit::{GroupLeaf, Hash, SaltKey, group_leaf, record_root};
use commonroll_core::{Body, Invalid, Record, RecordId};

/// Number of the head's group in every kind.
pub const HEAD: u32 = 1;
/// The bit of the head in a mask of groups. Group `n` has the bit `1 << n`.
pub const HEAD_BIT: u32 = 1 << HEAD;
/// Most field groups of a record.
pub const GROUPS_MAX: usize = 16;
/// Highest number of a field group, so that a set of them fits a 32-bit mask.
pub const GROUP_NUMBER_MAX: u32 = 31;
/// Most bytes of a field group's content.
pub const CONTENT_MAX: usize = 64 * 1024;

/// A record ready to be signed in a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// The record as it travels.
    pub message: pb::SealedRecord,
    /// The root over its field groups: what the source signs and the log commits to.
    pub root: Hash,
}

/// A record that was read and found sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The record. Groups that were withheld, or whose number this version does not know, are `None` in it.
    pub record: Record,
    /// The root over its field groups.
    pub root: Hash,
    /// The groups that came with content: group `n` has the bit `1 << n`. The head's bit is always set.
    pub present: u32,
    /// Every group's leaf, ascending: shown, withheld and unknown ones.
    pub leaves: Vec<GroupLeaf>,
}

/// The frame of a record: what its groups' sizes, numbers and hashes say, before anything in them is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The root over the field groups.
    pub root: Hash,
    /// The groups that came with content: group `n` has the bit `1 << n`.
    pub present: u32,
    /// Every group's leaf, ascending.
    pub leaves: Vec<GroupLeaf>,
}

/// Seals a record at its source: encodes its groups, salts them with what only the source can derive, and hashes them.
/// Groups named in `withhold` leave as their hash alone; the head always leaves whole. The same record and secret
/// always give the same bytes and root.
pub fn seal(record: &Record, secret: &[u8; 32], withhold: &[u32]) -> Sealed {
    let withdrawn = matches!(record.body, Body::Withdrawn(_));
    let mut written = Written {
        key: SaltKey::new(secret),
        id: &record.head.id.0,
        revision: record.head.revision.get(),
        withhold,
        bytes: BytesMut::with_capacity(512),
        leaves: Vec::with_capacity(5),
        groups: Vec::with_capacity(5),
    };
    written.put(HEAD, |out| head::write(&record.head, record.kind(), withdrawn, out));
    body::write(&record.body, &mut written);
    let root = record_root(&written.leaves).expect("a core record has 1 to 5 groups in ascending order");
    Sealed { message: pb::SealedRecord { groups: written.groups }, root }
}

/// A record that is being sealed, its groups' salts and contents in one piece of memory.
pub(crate) struct Written<'a> {
    key: SaltKey,
    id: &'a [u8; 16],
    revision: u32,
    withhold: &'a [u32],
    bytes: BytesMut,
    leaves: Vec<GroupLeaf>,
    groups: Vec<pb::FieldGroup>,
}

impl Written<'_> {
    /// Adds a group; `write` appends its content.
    pub(crate) fn put(&mut self, number: u32, write: impl FnOnce(&mut BytesMut)) {
        let salt = self.key.salt(self.id, self.revision, number);
        self.bytes.extend_from_slice(&salt);
        write(&mut self.bytes);
        let mut content = self.bytes.split();
        let leaf = GroupLeaf::shown(number, &salt, &content[salt.len()..]);
        self.leaves.push(leaf);
        self.groups.push(if number != HEAD && self.withhold.contains(&number) {
            withheld(number, leaf.hash)
        } else {
            let salt = content.split_to(salt.len()).freeze();
            pb::FieldGroup { number, salt, content: content.freeze(), withheld_hash: Bytes::new() }
        });
    }
}

/// Checks a record's frame and hashes it: numbers, order, sizes, salts. Enough to check its source's signature.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn frame(message: &pb::SealedRecord) -> Result<Frame, Invalid> {
    if message.groups.is_empty() || message.groups.len() > GROUPS_MAX {
        return Err(Invalid::new("groups", "must be 1 to 16 field groups"));
    }
    let mut leaves: Vec<GroupLeaf> = Vec::with_capacity(message.groups.len());
    let mut present = 0;
    for group in &message.groups {
        if !(HEAD..=GROUP_NUMBER_MAX).contains(&group.number) {
            return Err(Invalid::new("number", "must be between 1 and 31"));
        }
        if leaves.last().is_some_and(|before| before.number >= group.number) {
            return Err(Invalid::new("number", "must ascend from group to group, each number once"));
        }
        if group.withheld_hash.is_empty() {
            present |= 1 << group.number;
        }
        leaves.push(GroupLeaf { number: group.number, hash: leaf(group)? });
    }
    if present & HEAD_BIT == 0 {
        return Err(Invalid::new(
            "groups",
            "must begin with the record's head (number 1), which is never withheld",
        ));
    }
    let root = record_root(&leaves).map_err(|_| Invalid::new("groups", "must be 1 to 16 field groups"))?;
    Ok(Frame { root, present, leaves })
}

/// Opens a record: its frame, its head and every field group whose content came.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule. Nothing else can happen, whatever the bytes are.
pub fn open(message: &pb::SealedRecord) -> Result<Opened, Invalid> {
    open_framed(message, frame(message)?)
}

/// Opens a record whose frame was checked before.
///
/// # Errors
/// As [`open`].
pub fn open_framed(message: &pb::SealedRecord, frame: Frame) -> Result<Opened, Invalid> {
    let (first, others) = match message.groups.split_first() {
        Some((first, others)) if first.number == HEAD => (first, others),
        _ => return Err(Invalid::new("groups", "must begin with the record's head (number 1)")),
    };
    let (head, kind, withdrawn) = head::read(&read::message("head", &first.content)?)?;
    let body = if !withdrawn {
        let shown = others.iter().filter(|g| g.withheld_hash.is_empty());
        body::read(kind, shown.map(|g| (g.number, &g.content)))?
    } else if others.is_empty() {
        Body::Withdrawn(kind)
    } else {
        return Err(Invalid::new(
            "withdrawn",
            "must not be set on a record that has field groups besides its head",
        ));
    };
    let Frame { root, present, leaves } = frame;
    Ok(Opened { record: Record { head, body }, root, present, leaves })
}

/// The id that a record gives itself, whatever else of it can be read. Nothing is proved by it.
pub fn claimed_id(message: &pb::SealedRecord) -> Option<RecordId> {
    let head = message.groups.iter().find(|group| group.number == HEAD)?;
    let head: pb::RecordHead = read::message("head", &head.content).ok()?;
    RecordId::from_slice(&head.record_id).ok()
}

/// A copy of a record in which only the groups in `keep` (group `n` is the bit `1 << n`) still have content; the others
/// carry their leaf hash alone, so the root stays the same. The head is always kept. Contents are shared, not copied.
///
/// # Errors
/// [`Invalid`] when a group to be withheld has no sound salt, so that its hash can't be told.
pub fn redact(message: &pb::SealedRecord, keep: u32) -> Result<pb::SealedRecord, Invalid> {
    let kept = |number: u32| number == HEAD || keep.checked_shr(number).unwrap_or(0) & 1 == 1;
    let groups = message.groups.iter().map(|group| {
        if kept(group.number) || !group.withheld_hash.is_empty() {
            Ok(group.clone())
        } else {
            Ok(withheld(group.number, leaf(group)?))
        }
    });
    Ok(pb::SealedRecord { groups: groups.collect::<Result<_, Invalid>>()? })
}

fn withheld(number: u32, hash: Hash) -> pb::FieldGroup {
    let withheld_hash = Bytes::copy_from_slice(&hash);
    pb::FieldGroup { number, salt: Bytes::new(), content: Bytes::new(), withheld_hash }
}

/// The leaf of a group, from its content or from the hash that came in its place.
fn leaf(group: &pb::FieldGroup) -> Result<Hash, Invalid> {
    if !group.withheld_hash.is_empty() {
        if !group.salt.is_empty() || !group.content.is_empty() {
            return Err(Invalid::new("withheld_hash", "must be empty where salt or content is given"));
        }
        return read::exactly("withheld_hash", &group.withheld_hash, "must have exactly 32 bytes");
    }
    let salt = read::exactly("salt", &group.salt, "must have exactly 16 bytes")?;
    if group.content.len() > CONTENT_MAX {
        return Err(Invalid::new("content", "must have at most 65536 bytes"));
    }
    Ok(group_leaf(group.number, &salt, &group.content))
}
