//! Signed checkpoints: "this log had so many entries and this root", in the C2SP text forms
//! [tlog-checkpoint](https://c2sp.org/tlog-checkpoint) and [signed-note](https://c2sp.org/signed-note).
//!
//! One checkpoint proves nothing about history; two do, with a consistency proof between them
//! ([`crate::proof::verify_consistency`]). So keep the last one you saw, and compare.

use std::fmt;
use std::str::FromStr;

use crate::hash::{Hash, sha256_parts};
use crate::keys::{PublicKey, Signature, SigningKey};
use crate::text;

/// The signature type byte of Ed25519 in C2SP signed notes.
const ED25519: u8 = 0x01;
/// An em dash and a space start each signature line.
pub(crate) const SIGNATURE_LINE: &str = "\u{2014} ";
/// Bounds on what is read from a stranger: bytes of a note, signature lines (ours and witnesses'), bytes of a name.
const NOTE_MAX: usize = 64 * 1024;
const SIGNATURES_MAX: usize = 100;
const NAME_MAX: usize = 255;

/// Why a checkpoint or a log's key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The name cannot be written in a note.
    #[error("log name: use 1 to 255 bytes without spaces, control characters or `+`")]
    Name,
    /// The public key's text has another form.
    #[error("log key: the text must be <name>+<8 hex digits>+<base64 of type 1 and the key>")]
    Key,
    /// The key id in the text is not that of this name and key.
    #[error("log key: the key id does not fit the name and key: copy the whole text again")]
    KeyId,
    /// The note is not text, a blank line and signature lines.
    #[error("checkpoint: not a signed note: want text, a blank line and signature lines")]
    Note,
    /// No line is signed by the expected key.
    #[error("checkpoint: not signed by the expected log key")]
    Unsigned,
    /// The expected key's signature does not fit the text.
    #[error("checkpoint: the log's signature does not fit the text: the text or the signature was changed")]
    Signature,
    /// The signed text is not a checkpoint.
    #[error("checkpoint: the text must be the origin, the size and the base64 root, a line each")]
    Text,
    /// The checkpoint is of another log than the key.
    #[error("checkpoint: its origin is not the name of the log key")]
    Origin,
}

/// The state of a log at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, which is its key's name too.
    pub origin: String,
    /// Entries in the log.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The three lines that are signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, text::base64(&self.root))
    }

    /// Reads the lines that [`Checkpoint::text`] writes. Extension lines after them are passed over.
    ///
    /// # Errors
    /// [`CheckpointError::Text`] at any other spelling.
    pub fn from_text(text: &str) -> Result<Self, CheckpointError> {
        Self::parse(text).ok_or(CheckpointError::Text)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty())?;
        let size = text::from_decimal(lines.next()?)?;
        let root = text::from_base64_exact(lines.next()?)?;
        lines.all(|extension| !extension.is_empty()).then(|| Self { origin: origin.to_owned(), size, root })
    }

    /// The signed note.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`] when the key is another log's.
    pub fn sign(&self, key: &LogKey) -> Result<String, CheckpointError> {
        if self.origin != key.public.name {
            Err(CheckpointError::Origin)
        } else {
            Ok(key.sign_note(&self.text()))
        }
    }

    /// The checkpoint in `note`, if this log's key signed it.
    ///
    /// # Errors
    /// [`CheckpointError`] when the note is malformed, not signed by `key`, or of another log. Signatures by other
    /// keys (witnesses) are passed over.
    pub fn open(note: &str, key: &LogPublicKey) -> Result<Self, CheckpointError> {
        let checkpoint = Self::from_text(key.open_note(note)?)?;
        if checkpoint.origin == key.name { Ok(checkpoint) } else { Err(CheckpointError::Origin) }
    }
}

/// A private key with the name that it signs notes by, for signatures of one C2SP type.
#[derive(Debug)]
pub struct NoteKey<const TYPE: u8> {
    pub(crate) key: SigningKey,
    pub(crate) public: NotePublicKey<TYPE>,
}

/// A log's private key with the log's name.
pub type LogKey = NoteKey<ED25519>;

impl<const TYPE: u8> NoteKey<TYPE> {
    /// Names a signing key.
    ///
    /// # Errors
    /// [`CheckpointError::Name`] when a note cannot carry the name.
    pub fn new(name: &str, key: SigningKey) -> Result<Self, CheckpointError> {
        let public = NotePublicKey::new(name, key.public())?;
        Ok(Self { key, public })
    }

    /// What to hand to those who verify.
    pub fn public(&self) -> &NotePublicKey<TYPE> {
        &self.public
    }
}

impl LogKey {
    /// Signs text that ends in a newline.
    fn sign_note(&self, note_text: &str) -> String {
        let mut blob = [0; 68];
        blob[..4].copy_from_slice(&self.public.id);
        blob[4..].copy_from_slice(&self.key.sign(note_text.as_bytes()));
        format!("{note_text}\n{SIGNATURE_LINE}{} {}\n", self.public.name, text::base64(&blob))
    }
}

/// A public key with the name that it signs notes by. Its text form is `<name>+<key id>+<base64>`, which says the type too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotePublicKey<const TYPE: u8> {
    pub(crate) name: String,
    pub(crate) id: [u8; 4],
    pub(crate) key: PublicKey,
}

/// A log's public key with the log's name.
pub type LogPublicKey = NotePublicKey<ED25519>;

impl<const TYPE: u8> NotePublicKey<TYPE> {
    /// Names a public key.
    ///
    /// # Errors
    /// [`CheckpointError::Name`] when a note cannot carry the name.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, CheckpointError> {
        fits_a_note(name)?;
        Ok(Self { name: name.to_owned(), id: key_id(name, TYPE, &key), key })
    }

    /// Whose key it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key without the name.
    pub fn key(&self) -> PublicKey {
        self.key
    }
}

impl LogPublicKey {
    /// The text of a signed note, if this key signed it. Most callers want [`Checkpoint::open`].
    ///
    /// # Errors
    /// [`CheckpointError`] when the note is malformed or this key's signature is missing or wrong.
    pub fn open_note<'note>(&self, note: &'note str) -> Result<&'note str, CheckpointError> {
        let (signed, signatures) = parts(note)?;
        let mut mine = None;
        for line in signatures {
            let (name, id, signature) = signature_line(line).ok_or(CheckpointError::Note)?;
            if name == self.name && id == self.id {
                mine = mine.or(Some(signature));
            }
        }
        let signature: Signature =
            mine.ok_or(CheckpointError::Unsigned)?.try_into().map_err(|_| CheckpointError::Signature)?;
        self.key.verify(signed.as_bytes(), &signature).map_err(|_| CheckpointError::Signature)?;
        Ok(signed)
    }
}

/// Whether a note can carry a name.
fn fits_a_note(name: &str) -> Result<(), CheckpointError> {
    let unfit = |character: char| character.is_whitespace() || character.is_control() || character == '+';
    if name.is_empty() || name.len() > NAME_MAX || name.contains(unfit) {
        Err(CheckpointError::Name)
    } else {
        Ok(())
    }
}

/// The short name of a key of some signature type.
fn key_id(name: &str, kind: u8, key: &PublicKey) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256_parts(&[name.as_bytes(), &[b'\n', kind], key.as_bytes()]);
    [a, b, c, d]
}

/// The signed text (with its last newline) and the signature lines of a note.
pub(crate) fn parts(note: &str) -> Result<(&str, Vec<&str>), CheckpointError> {
    let control = |byte: u8| byte < b' ' && byte != b'\n';
    if note.len() > NOTE_MAX || note.bytes().any(control) {
        return Err(CheckpointError::Note);
    }
    let blank = note.rfind("\n\n").ok_or(CheckpointError::Note)?;
    let (signed, signatures) = note.split_at(blank + 1);
    let signatures = signatures[1..].strip_suffix('\n').ok_or(CheckpointError::Note)?;
    let lines: Vec<&str> = signatures.split('\n').take(SIGNATURES_MAX + 1).collect();
    if lines.len() > SIGNATURES_MAX { Err(CheckpointError::Note) } else { Ok((signed, lines)) }
}

/// Name, key id and signature of one signature line.
pub(crate) fn signature_line(line: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, blob) = line.strip_prefix(SIGNATURE_LINE)?.split_once(' ')?;
    let blob = text::from_base64(blob)?;
    let (id, signature) = blob.split_first_chunk::<4>()?;
    (!name.is_empty() && !signature.is_empty()).then(|| (name, *id, signature.to_vec()))
}

impl<const TYPE: u8> fmt::Display for NotePublicKey<TYPE> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed = [TYPE; 33];
        typed[1..].copy_from_slice(self.key().as_bytes());
        write!(out, "{}+{}+{}", self.name, text::hex(&self.id), text::base64(&typed))
    }
}

impl<const TYPE: u8> FromStr for NotePublicKey<TYPE> {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        // The base64 may hold a `+` itself, so only the first two part the text.
        let mut fields = text.splitn(3, '+');
        let (Some(name), Some(id), Some(typed)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(CheckpointError::Key);
        };
        let id: [u8; 4] = text::from_hex(id).ok_or(CheckpointError::Key)?;
        let typed: [u8; 33] = text::from_base64_exact(typed).ok_or(CheckpointError::Key)?;
        let [kind, key @ ..] = typed;
        if kind != TYPE {
            return Err(CheckpointError::Key);
        }
        let parsed = Self::new(name, PublicKey::from_bytes(key))?;
        if parsed.id == id { Ok(parsed) } else { Err(CheckpointError::KeyId) }
    }
}
