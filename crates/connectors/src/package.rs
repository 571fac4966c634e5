//! A zip, of tables or of a workbook's parts: opened with suspicion, read in place. Nothing is ever written to disk.
//!
//! Names, links, nesting and sizes are checked before the first byte is unpacked; sizes are counted again while
//! unpacking, since a zip can lie about them.

use crate::connector::{FileFault, Limits, ReadSeek};
use flate2::{CrcReader, read::DeflateDecoder};
use std::{
    collections::BTreeSet,
    io::{self, Read, SeekFrom},
};
use zip::{CompressionMethod, ZipArchive};

/// Bytes of a zip's last record without its comment, and the longest comment.
const END_BYTES: usize = 22;
const COMMENT_MAX: usize = 65_535;

/// What a zip is a package of. They break the same rules under names of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// Plain files, OneRoster's.
    Tables,
    /// The parts of a workbook, in folders.
    Workbook,
}

impl Contents {
    fn content(self, rules: [&'static str; 2], fix: &'static str) -> FileFault {
        FileFault::content(self.rule(rules), None, fix)
    }

    fn too_big(self, rules: [&'static str; 2], fix: &'static str) -> FileFault {
        FileFault::too_big(self.rule(rules), None, fix)
    }

    const fn rule(self, [tables, workbook]: [&'static str; 2]) -> &'static str {
        match self {
            Self::Tables => tables,
            Self::Workbook => workbook,
        }
    }

    fn bomb(self) -> FileFault {
        let fix = "the zip unpacks to more than any honest export; it was not read";
        self.too_big(["OR-ZIP-BOMB", "SHEET-BOMB"], fix)
    }

    fn damaged(self) -> FileFault {
        let fix = match self {
            Self::Tables => "the file is no sound zip; export it again",
            Self::Workbook => "the workbook is damaged or cut off; export it again",
        };
        self.content(["OR-ZIP", "SHEET-BROKEN"], fix)
    }
}

/// An opened package.
pub struct Package<'a> {
    zip: ZipArchive<&'a mut dyn ReadSeek>,
    contents: Contents,
    names: Vec<String>,
    limits: Limits,
    unpacked: u64,
}

impl<'a> Package<'a> {
    /// Opens a zip of `size` bytes and checks everything that can be checked without unpacking.
    pub fn open(
        reader: &'a mut dyn ReadSeek,
        size: u64,
        limits: Limits,
        contents: Contents,
    ) -> Result<Self, FileFault> {
        if size > limits.file_bytes_max {
            return Err(FileFault::too_big(
                "FILE-SIZE",
                None,
                "the zip is larger than allowed; export fewer files at once",
            ));
        }
        directory(reader, size, &limits, contents)?;
        let zip = ZipArchive::new(reader).map_err(|_| contents.damaged())?;
        let mut package = Self { zip, contents, names: Vec::new(), limits, unpacked: 0 };
        package.look(size)?;
        Ok(package)
    }

    fn look(&mut self, size: u64) -> Result<(), FileFault> {
        let (mut unpacked, mut packed) = (0_u64, 0_u64);
        let mut seen = BTreeSet::new();
        let contents = self.contents;
        for index in 0..self.zip.len() {
            let entry = self.zip.by_index_raw(index).map_err(|_| contents.damaged())?;
            let name = safe_name(entry.name_raw(), contents)?.to_owned();
            if !seen.insert(name.to_ascii_lowercase()) {
                let rules = ["OR-ZIP-TWICE", "SHEET-ZIP-TWICE"];
                return Err(contents.content(rules, "the zip holds two files of one name"));
            }
            if entry.is_symlink()
                || entry.unix_mode().is_some_and(|mode| !matches!(mode & 0o170_000, 0 | 0o100_000))
            {
                let fix = "the zip holds a link or a device; pack plain files";
                return Err(contents.content(["OR-ZIP-LINK", "SHEET-ZIP-LINK"], fix));
            }
            if entry.encrypted() {
                let fix = "the file has a password; save it without one";
                return Err(contents.content(["OR-ZIP-LOCKED", "SHEET-LOCKED"], fix));
            }
            if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
                let fix = "the zip is packed in an unusual way; use plain zip";
                return Err(contents.content(["OR-ZIP-METHOD", "SHEET-ZIP-METHOD"], fix));
            }
            unpacked = unpacked.saturating_add(entry.size());
            packed = packed.saturating_add(entry.compressed_size());
            if unpacked > self.limits.unpacked_bytes_max
                || too_tight(entry.size(), entry.compressed_size(), &self.limits)
            {
                return Err(contents.bomb());
            }
            self.names.push(name);
        }
        // Entries that share their bytes are a trick to unpack more than there is.
        if packed > size { Err(contents.bomb()) } else { Ok(()) }
    }

    /// Names of the entries.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// True if there is an entry of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Unpacks one entry as it is read. `None` if there is none of this name.
    pub fn read<T>(
        &mut self,
        name: &str,
        with: impl FnOnce(&mut dyn Read) -> Result<T, FileFault>,
    ) -> Result<Option<T>, FileFault> {
        let Some(index) = self.names.iter().position(|known| known == name) else { return Ok(None) };
        let contents = self.contents;
        let entry = self.zip.by_index(index).map_err(|_| contents.damaged())?;
        let allowed = entry.size().saturating_add(1).min(self.limits.unpacked_bytes_max);
        let mut counted = Counted { inner: entry, left: allowed, over: false };
        let result = with(&mut counted);
        let over = counted.over;
        self.unpacked += allowed - counted.left;
        match result {
            _ if over => Err(contents.bomb()),
            Err(FileFault::Read(_)) => Err(contents.damaged()),
            result => result.map(Some),
        }
    }

    /// Gives the package up for one of its entries, unpacked as it is read. `None` if there is none of this name.
    pub fn into_part(mut self, name: &str) -> Result<Option<Part<'a>>, FileFault> {
        let Some(index) = self.names.iter().position(|known| known == name) else { return Ok(None) };
        let contents = self.contents;
        let entry = self.zip.by_index(index).map_err(|_| contents.damaged())?;
        let start = entry.data_start().ok_or_else(|| contents.damaged())?;
        let (packed, size, crc) = (entry.compressed_size(), entry.size(), entry.crc32());
        let is_stored = entry.compression() == CompressionMethod::Stored;
        drop(entry);
        let reader = self.zip.into_inner();
        reader.seek(SeekFrom::Start(start))?;
        let packed = reader.take(packed);
        let unpacked: Box<dyn Read + 'a> =
            if is_stored { Box::new(packed) } else { Box::new(DeflateDecoder::new(packed)) };
        Ok(Some(Part { inner: CrcReader::new(unpacked), left: size, crc }))
    }
}

/// One entry, unpacked as it is read. It is what its directory said of it, or it can't be read to its end.
pub struct Part<'a> {
    inner: CrcReader<Box<dyn Read + 'a>>,
    left: u64,
    crc: u32,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other("unpacks to more than it said"))?;
        if read == 0 && !buffer.is_empty() && (self.left > 0 || self.inner.crc().sum() != self.crc) {
            return Err(io::Error::other("is not what it said"));
        }
        Ok(read)
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
fn directory(
    reader: &mut dyn ReadSeek,
    size: u64,
    limits: &Limits,
    contents: Contents,
) -> Result<(), FileFault> {
    let tail = usize::try_from(size).unwrap_or(usize::MAX).min(END_BYTES + COMMENT_MAX);
    reader.seek(SeekFrom::Start(size.saturating_sub(tail as u64)))?;
    let mut bytes = Vec::with_capacity(tail);
    (&mut *reader).take(tail as u64).read_to_end(&mut bytes)?;
    reader.seek(SeekFrom::Start(0))?;
    let at = memchr::memmem::rfind(&bytes, b"PK\x05\x06")
        .filter(|at| at + END_BYTES <= bytes.len())
        .ok_or_else(|| contents.damaged())?;
    let number = |offset: usize| u16::from_le_bytes([bytes[at + offset], bytes[at + offset + 1]]);
    let directory_bytes =
        u32::from_le_bytes([bytes[at + 12], bytes[at + 13], bytes[at + 14], bytes[at + 15]]);
    if at + END_BYTES + usize::from(number(20)) != bytes.len() {
        return Err(contents.damaged());
    }
    if usize::from(number(10)) > limits.zip_entries_max || directory_bytes > 1 << 20 {
        let fix = "the zip holds more files than any honest export";
        return Err(contents.too_big(["OR-ZIP-ENTRIES", "SHEET-ZIP-ENTRIES"], fix));
    }
    Ok(())
}

/// A plain file name: no drive, nothing that climbs out, and no folder but a workbook's own.
fn safe_name(raw: &[u8], contents: Contents) -> Result<&str, FileFault> {
    let unsafe_name = || {
        let fix =
            "the zip holds a folder or a name with `..`, a slash or a drive; pack the plain files at its top";
        contents.content(["OR-ZIP-NAME", "SHEET-ZIP-NAME"], fix)
    };
    let name = std::str::from_utf8(raw).map_err(|_| unsafe_name())?;
    if name.is_empty() || name.len() > 256 || name.contains("..") || name.contains(['\\', ':', '\0']) {
        return Err(unsafe_name());
    }
    // A workbook carries pictures and files of its own, none of which is ever opened.
    if contents == Contents::Workbook {
        return if name.starts_with('/') { Err(unsafe_name()) } else { Ok(name) };
    }
    if name.len() > 128 || name.contains('/') {
        return Err(unsafe_name());
    }
    if [".zip", ".gz", ".7z", ".rar", ".tar"].iter().any(|end| name.to_ascii_lowercase().ends_with(end)) {
        let fix = "the zip holds another archive; pack the files themselves";
        return Err(contents.content(["OR-ZIP-NESTED", "SHEET-ZIP-NESTED"], fix));
    }
    Ok(name)
}

/// Small files may pack as well as they like: their size can't hurt.
const fn too_tight(unpacked: u64, packed: u64, limits: &Limits) -> bool {
    unpacked > (1 << 20) && unpacked > packed.saturating_mul(limits.zip_ratio_max)
}
