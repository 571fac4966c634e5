//! The zip: opened with suspicion, read in place. Nothing is ever written to disk.
//!
//! Names, links, nesting and sizes are checked before the first byte is unpacked; sizes are counted again while
//! unpacking, since a zip can lie about them.

use crate::connector::{FileFault, Limits, ReadSeek};
use std::{
    collections::BTreeSet,
    io::{self, Read, SeekFrom},
};
use zip::{CompressionMethod, ZipArchive};

/// Bytes of a zip's last record without its comment, and the longest comment.
const END_BYTES: usize = 22;
const COMMENT_MAX: usize = 65_535;

/// An opened package.
pub struct Package<'a> {
    zip: ZipArchive<&'a mut dyn ReadSeek>,
    names: Vec<String>,
    limits: Limits,
    unpacked: u64,
}

impl<'a> Package<'a> {
    /// Opens a zip of `size` bytes and checks everything that can be checked without unpacking.
    pub fn open(reader: &'a mut dyn ReadSeek, size: u64, limits: Limits) -> Result<Self, FileFault> {
        if size > limits.file_bytes_max {
            return Err(FileFault::too_big(
                "FILE-SIZE",
                None,
                "the zip is larger than allowed; export fewer files at once",
            ));
        }
        directory(reader, size, &limits)?;
        let zip = ZipArchive::new(reader).map_err(|_| damaged())?;
        let mut package = Self { zip, names: Vec::new(), limits, unpacked: 0 };
        package.look(size)?;
        Ok(package)
    }

    fn look(&mut self, size: u64) -> Result<(), FileFault> {
        let (mut unpacked, mut packed) = (0_u64, 0_u64);
        let mut seen = BTreeSet::new();
        for index in 0..self.zip.len() {
            let entry = self.zip.by_index_raw(index).map_err(|_| damaged())?;
            let name = safe_name(entry.name_raw())?.to_owned();
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(FileFault::content("OR-ZIP-TWICE", None, "the zip holds two files of one name"));
            }
            if entry.is_symlink()
                || entry.unix_mode().is_some_and(|mode| !matches!(mode & 0o170_000, 0 | 0o100_000))
            {
                return Err(FileFault::content(
                    "OR-ZIP-LINK",
                    None,
                    "the zip holds a link or a device; pack plain files",
                ));
            }
            if entry.encrypted() {
                return Err(FileFault::content(
                    "OR-ZIP-LOCKED",
                    None,
                    "the zip has a password; pack it without one",
                ));
            }
            if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
                return Err(FileFault::content(
                    "OR-ZIP-METHOD",
                    None,
                    "the zip is packed in an unusual way; use plain zip",
                ));
            }
            unpacked = unpacked.saturating_add(entry.size());
            packed = packed.saturating_add(entry.compressed_size());
            if unpacked > self.limits.unpacked_bytes_max
                || too_tight(entry.size(), entry.compressed_size(), &self.limits)
            {
                return Err(bomb());
            }
            self.names.push(name);
        }
        // Entries that share their bytes are a trick to unpack more than there is.
        if packed > size { Err(bomb()) } else { Ok(()) }
    }

    /// Names of the entries.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Unpacks one entry as it is read. `None` if there is none of this name.
    pub fn read<T>(
        &mut self,
        name: &str,
        with: impl FnOnce(&mut dyn Read) -> Result<T, FileFault>,
    ) -> Result<Option<T>, FileFault> {
        let Some(index) = self.names.iter().position(|known| known == name) else { return Ok(None) };
        let entry = self.zip.by_index(index).map_err(|_| damaged())?;
        let allowed = entry.size().saturating_add(1).min(self.limits.unpacked_bytes_max);
        let mut counted = Counted { inner: entry, left: allowed, over: false };
        let result = with(&mut counted);
        let over = counted.over;
        self.unpacked += allowed - counted.left;
        match result {
            _ if over => Err(bomb()),
            Err(FileFault::Read(_)) => Err(damaged()),
            result => result.map(Some),
        }
    }
}

/// Stops an entry that unpacks to more than it said.
struct Counted<R> {
    inner: R,
    left: u64,
    over: bool,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.over = true;
            return Err(io::Error::other("unpacks to more than it said"));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Looks at the zip's own directory before a library reads it into memory: how many entries, how many bytes.
fn directory(reader: &mut dyn ReadSeek, size: u64, limits: &Limits) -> Result<(), FileFault> {
    let tail = usize::try_from(size).unwrap_or(usize::MAX).min(END_BYTES + COMMENT_MAX);
    reader.seek(SeekFrom::Start(size.saturating_sub(tail as u64)))?;
    let mut bytes = Vec::with_capacity(tail);
    (&mut *reader).take(tail as u64).read_to_end(&mut bytes)?;
    reader.seek(SeekFrom::Start(0))?;
    let at = memchr::memmem::rfind(&bytes, b"PK\x05\x06")
        .filter(|at| at + END_BYTES <= bytes.len())
        .ok_or_else(damaged)?;
    let number = |offset: usize| u16::from_le_bytes([bytes[at + offset], bytes[at + offset + 1]]);
    let directory_bytes =
        u32::from_le_bytes([bytes[at + 12], bytes[at + 13], bytes[at + 14], bytes[at + 15]]);
    if at + END_BYTES + usize::from(number(20)) != bytes.len() {
        return Err(damaged());
    }
    if usize::from(number(10)) > limits.zip_entries_max || directory_bytes > 1 << 20 {
        return Err(FileFault::too_big(
            "OR-ZIP-ENTRIES",
            None,
            "the zip holds more files than any OneRoster package",
        ));
    }
    Ok(())
}

/// A plain file name: no folder, no drive, nothing that climbs out.
fn safe_name(raw: &[u8]) -> Result<&str, FileFault> {
    let unsafe_name = || {
        let fix =
            "the zip holds a folder or a name with `..`, a slash or a drive; pack the plain files at its top";
        FileFault::content("OR-ZIP-NAME", None, fix)
    };
    let name = std::str::from_utf8(raw).map_err(|_| unsafe_name())?;
    if name.is_empty() || name.len() > 128 || name.contains("..") || name.contains(['/', '\\', ':', '\0']) {
        return Err(unsafe_name());
    }
    if [".zip", ".gz", ".7z", ".rar", ".tar"].iter().any(|end| name.to_ascii_lowercase().ends_with(end)) {
        return Err(FileFault::content(
            "OR-ZIP-NESTED",
            None,
            "the zip holds another archive; pack the files themselves",
        ));
    }
    Ok(name)
}

/// Small files may pack as well as they like: their size can't hurt.
const fn too_tight(unpacked: u64, packed: u64, limits: &Limits) -> bool {
    unpacked > (1 << 20) && unpacked > packed.saturating_mul(limits.zip_ratio_max)
}

fn bomb() -> FileFault {
    FileFault::too_big(
        "OR-ZIP-BOMB",
        None,
        "the zip unpacks to more than any OneRoster package; it was not read",
    )
}

fn damaged() -> FileFault {
    FileFault::content("OR-ZIP", None, "the file is no sound zip; export it again")
}
