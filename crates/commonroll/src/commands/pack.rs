//! Packs as folders: pieces come from the hub and are appended to the files that they name, nowhere else.

use super::line::hex;
use aws_lc_rs::digest::{Context, SHA256};
use commonroll_audit::sha256;
use commonroll_wire::pb::duty::v1::PackPiece;
use std::{
    collections::BTreeMap,
    fs::{DirBuilder, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

/// Files of a pack at most.
const FILES_MAX: usize = 10_000;

/// The file with the SHA-256 of every other, as `sha256sum` writes it.
pub const MANIFEST: &str = "manifest.sha256";

/// A folder that a pack is written to: made with the first piece, so that a refusal leaves nothing behind.
pub struct Folder {
    at: PathBuf,
    files: BTreeMap<String, (File, Context)>,
}

impl Folder {
    /// Names the folder. It must not be there yet.
    pub fn new(at: &Path) -> Result<Self, String> {
        if at.exists() {
            return Err(format!("{} is there already; name a new folder", at.display()));
        }
        Ok(Self { at: at.to_owned(), files: BTreeMap::new() })
    }

    /// Appends a piece to its file.
    pub fn put(&mut self, piece: &PackPiece) -> Result<(), String> {
        self.append(&piece.file, &piece.content)
    }

    /// Appends bytes to a file.
    pub fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        if !self.files.contains_key(name) {
            if !is_name(name) || self.files.len() >= FILES_MAX {
                return Err("the hub names a file that no pack has; nothing was written to it".to_owned());
            }
            let path = self.at.join(name);
            if self.files.is_empty() {
                folder(&self.at)?;
            }
            if let Some(above) = path.parent() {
                folder(above)?;
            }
            let file = private().open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            self.files.insert(name.to_owned(), (file, Context::new(&SHA256)));
        }
        let Some((file, hash)) = self.files.get_mut(name) else { return Ok(()) };
        hash.update(bytes);
        file.write_all(bytes).map_err(|error| format!("{}: {error}", self.at.join(name).display()))
    }

    /// Says that all of it is on disk; gives how many files there are.
    pub fn end(self) -> Result<usize, String> {
        for (name, (file, _)) in &self.files {
            file.sync_all().map_err(|error| format!("{}: {error}", self.at.join(name).display()))?;
        }
        Ok(self.files.len())
    }

    /// The same, with a manifest; gives its SHA-256 besides, in hexadecimal digits.
    pub fn end_with_manifest(mut self) -> Result<(usize, String), String> {
        let line = |(name, (_, hash)): (&String, &(File, Context))| {
            format!("{}  {name}\n", hex(hash.clone().finish().as_ref()))
        };
        let manifest: String = self.files.iter().map(line).collect();
        self.append(MANIFEST, manifest.as_bytes())?;
        Ok((self.end()?, hex(&sha256(manifest.as_bytes()))))
    }
}

fn folder(at: &Path) -> Result<(), String> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(at).map_err(|error| format!("{}: {error}", at.display()))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// True for a name that stays inside the folder, on any system.
fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        !part.is_empty() && part.len() <= 100 && !part.starts_with('.') && part.chars().all(plain)
    };
    let mut parts = name.split('/');
    parts.clone().count() <= 3 && parts.all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_writes_nowhere_but_into_its_folder() {
        for good in ["index.md", "kingsmead/proofs/entry-12.proof"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "/etc/passwd", "../up", "a/../b", "a//b", ".ssh/x", "a\\b", "C:x", "a/b/c/d", "a\0b"]
        {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
