//! The key folder: the authority's key, the log's signing seed and the matching key. Never in the database, readable
//! by the hub's user alone, and written as a whole or not at all.

use super::{AuthorityError, identity::hex, shape};
use crate::clock::{Randomness, draw};
use commonroll_core::Timestamp;
use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const AUTHORITY_KEY: &str = "ca.key";
const AUTHORITY_CERTIFICATE: &str = "ca.pem";
const LOG_SEED: &str = "log.seed";
const MATCHING_KEY: &str = "matching.key";

/// The keys that the exchange needs.
#[derive(Clone)]
pub struct ExchangeKeys {
    /// Ed25519 seed with which checkpoints are signed.
    pub log_seed: [u8; 32],
    /// Key of the hashes by which learners are matched.
    pub matching: [u8; 32],
}

impl std::fmt::Debug for ExchangeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExchangeKeys(..)")
    }
}

/// A folder of keys on disk.
#[derive(Debug, Clone)]
pub struct KeyFolder(PathBuf);

impl KeyFolder {
    /// Makes a folder with fresh keys. All of it is written beside and then renamed, so that half a set never exists.
    ///
    /// # Errors
    /// [`AuthorityError::Exists`] when there is one already; else when something cannot be written.
    pub fn create(
        path: &Path,
        consortium: &str,
        now: Timestamp,
        random: &dyn Randomness,
    ) -> Result<Self, AuthorityError> {
        if path.exists() {
            return Err(AuthorityError::Exists(path.to_owned()));
        }
        let key = KeyPair::generate()?;
        let certificate = shape::authority(consortium, now, random)?.self_signed(&key)?;
        let seed: [u8; 32] = draw(random);
        let matching: [u8; 32] = draw(random);
        let draft = path.with_extension("new");
        make_folder(&draft)?;
        write(&draft, AUTHORITY_KEY, &key.serialize_pem())?;
        write(&draft, AUTHORITY_CERTIFICATE, &certificate.pem())?;
        write(&draft, LOG_SEED, &format!("{}\n", hex(&seed)))?;
        write(&draft, MATCHING_KEY, &format!("{}\n", hex(&matching)))?;
        fs::rename(&draft, path).map_err(|e| AuthorityError::File(path.to_owned(), e))?;
        sync_folder(path.parent())?;
        Ok(Self(path.to_owned()))
    }

    /// An existing folder.
    ///
    /// # Errors
    /// When it is missing or open to other users.
    pub fn open(path: &Path) -> Result<Self, AuthorityError> {
        private(path)?;
        Ok(Self(path.to_owned()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The keys that the exchange needs.
    ///
    /// # Errors
    /// When a file is missing, open to others or damaged.
    pub fn exchange_keys(&self) -> Result<ExchangeKeys, AuthorityError> {
        Ok(ExchangeKeys { log_seed: self.key32(LOG_SEED)?, matching: self.key32(MATCHING_KEY)? })
    }

    pub(super) fn authority(&self) -> Result<(CertificateDer<'static>, KeyPair), AuthorityError> {
        let (pem, key) = (self.read(AUTHORITY_CERTIFICATE)?, self.read(AUTHORITY_KEY)?);
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| AuthorityError::Damaged(self.0.join(AUTHORITY_CERTIFICATE)))?;
        let key = KeyPair::from_pem(&key).map_err(|_| AuthorityError::Damaged(self.0.join(AUTHORITY_KEY)))?;
        Ok((certificate, key))
    }

    fn key32(&self, name: &str) -> Result<[u8; 32], AuthorityError> {
        let text = self.read(name)?;
        from_hex(text.trim()).ok_or_else(|| AuthorityError::Damaged(self.0.join(name)))
    }

    fn read(&self, name: &str) -> Result<String, AuthorityError> {
        let path = self.0.join(name);
        private(&path)?;
        fs::read_to_string(&path).map_err(|e| AuthorityError::File(path, e))
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// A draft that an earlier run left behind holds keys that nobody uses: it is replaced.
fn make_folder(path: &Path) -> Result<(), AuthorityError> {
    let failed = |e| AuthorityError::File(path.to_owned(), e);
    if path.exists() {
        fs::remove_dir_all(path).map_err(failed)?;
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(failed)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), AuthorityError> {
    let path = folder.join(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&path).and_then(|mut file| {
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|e| AuthorityError::File(path, e))
}

/// Makes a rename durable. Only Unix lets a folder be opened and synced.
fn sync_folder(path: Option<&Path>) -> Result<(), AuthorityError> {
    #[cfg(unix)]
    if let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) {
        let synced = fs::File::open(path).and_then(|folder| folder.sync_all());
        synced.map_err(|e| AuthorityError::File(path.to_owned(), e))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Refuses what other users of the machine could read.
fn private(path: &Path) -> Result<(), AuthorityError> {
    let about = fs::metadata(path).map_err(|e| AuthorityError::File(path.to_owned(), e))?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::mode(&about) & 0o077 != 0 {
        return Err(AuthorityError::Open(path.to_owned()));
    }
    #[cfg(not(unix))]
    let _ = about;
    Ok(())
}
