//! Text of unknown encoding as a stream of UTF-8, after one look over the whole file.
//!
//! The look comes first, so that a file in the wrong encoding, a program with a text file's name or a line without end
//! is refused before one item is taken from it. Memory is two buffers, whatever the size of the file.

use crate::connector::{FileFault, Limits, ReadSeek};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::io::{Read, SeekFrom};

const RAW: usize = 32 << 10;
/// One byte of a single-byte encoding becomes at most three of UTF-8.
const DECODED: usize = 3 * RAW + 16;

/// A file as UTF-8, without byte order mark.
pub struct Utf8<'a> {
    reader: Box<dyn Read + 'a>,
    encoding: &'static Encoding,
    decoder: Decoder,
    raw: Box<[u8]>,
    raw_at: usize,
    raw_end: usize,
    ended: bool,
    done: bool,
    decoded: Box<[u8]>,
}

/// Name of the encoding in which a text is found to be, as a mapping names it.
pub fn found(reader: &mut dyn ReadSeek, limits: &Limits) -> Result<&'static str, FileFault> {
    let text = Utf8::open(reader, None, limits)?;
    Ok(match text.encoding {
        encoding if encoding == UTF_16LE => "utf-16le",
        encoding if encoding == UTF_16BE => "utf-16be",
        encoding if encoding == WINDOWS_1252 => "windows-1252",
        _ => "utf-8",
    })
}

/// Why the text can't be read on.
pub enum Broken {
    /// Not text of this encoding.
    Malformed,
    /// The bytes could not be read.
    Read(std::io::Error),
}

impl<'a> Utf8<'a> {
    /// Looks over the file and stands at its start. `declared` is the encoding that the mapping names.
    pub fn open(
        reader: &'a mut dyn ReadSeek,
        declared: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, FileFault> {
        let head = head(reader)?;
        if head.is_empty() {
            return Err(FileFault::content("FILE-EMPTY", None, "the file is empty; export it again"));
        }
        if is_program(&head) {
            return Err(FileFault::content(
                "FILE-NOT-TEXT",
                None,
                "the file is not text; export it as delimited text",
            ));
        }
        let named = declared.map(named_encoding).transpose()?;
        let marked = Encoding::for_bom(&head).map(|(encoding, _)| encoding);
        if let (Some(named), Some(marked)) = (named, marked)
            && named != marked
        {
            return Err(wrong(None, marked.name()));
        }
        let likely = named.or(marked).or_else(|| without_mark(&head));
        let encoding = match likely {
            Some(encoding) => {
                look(reader, encoding, limits)?.map_err(|line| wrong(Some(line), encoding.name()))?;
                encoding
            }
            None => match look(reader, UTF_8, limits)? {
                Ok(()) => UTF_8,
                Err(_) => {
                    look(reader, WINDOWS_1252, limits)?
                        .map_err(|line| wrong(Some(line), "utf-8 nor windows-1252"))?;
                    WINDOWS_1252
                }
            },
        };
        reader.seek(SeekFrom::Start(0))?;
        Ok(Self::start(reader, encoding))
    }

    fn start(reader: impl Read + 'a, encoding: &'static Encoding) -> Self {
        Self {
            reader: Box::new(reader),
            encoding,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; RAW].into_boxed_slice(),
            raw_at: 0,
            raw_end: 0,
            ended: false,
            done: false,
            decoded: vec![0; DECODED].into_boxed_slice(),
        }
    }

    /// A stream that must be UTF-8 and can only be read once. Nothing is looked over: whoever reads must be ready for a
    /// fault in the middle.
    pub fn stream(reader: impl Read + 'a) -> Self {
        Self::start(reader, UTF_8)
    }

    /// XML, whose encoding its first bytes and its declaration say. Nothing is looked over.
    pub fn xml(reader: &'a mut dyn ReadSeek) -> Result<Self, FileFault> {
        let head = head(reader)?;
        if head.is_empty() {
            return Err(FileFault::content("FILE-EMPTY", None, "the file is empty; export it again"));
        }
        let marked = Encoding::for_bom(&head).map(|(encoding, _)| encoding);
        let encoding = match marked.or_else(|| without_mark(&head)) {
            Some(encoding) => encoding,
            None => declared(&head)?,
        };
        Ok(Self::start(reader, encoding))
    }

    /// The next piece of text; empty at the end. A piece may end inside a line, never inside a character.
    pub fn next_piece(&mut self) -> Result<&[u8], Broken> {
        loop {
            if self.done {
                return Ok(&[]);
            }
            if self.raw_at == self.raw_end && !self.ended {
                self.raw_end = self.reader.read(&mut self.raw).map_err(Broken::Read)?;
                self.raw_at = 0;
                self.ended = self.raw_end == 0;
            }
            let raw = &self.raw[self.raw_at..self.raw_end];
            if self.encoding == WINDOWS_1252
                && raw.iter().any(|byte| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d))
            {
                return Err(Broken::Malformed);
            }
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(raw, &mut self.decoded, self.ended);
            self.raw_at += read;
            match result {
                DecoderResult::Malformed(..) => return Err(Broken::Malformed),
                DecoderResult::InputEmpty => self.done = self.ended,
                DecoderResult::OutputFull => {}
            }
            if written > 0 {
                return Ok(&self.decoded[..written]);
            }
        }
    }
}

/// The first bytes of a file, which then stands at its start again.
fn head(reader: &mut dyn ReadSeek) -> Result<Vec<u8>, FileFault> {
    reader.seek(SeekFrom::Start(0))?;
    let mut head = Vec::with_capacity(4096);
    reader.take(4096).read_to_end(&mut head)?;
    reader.seek(SeekFrom::Start(0))?;
    Ok(head)
}

/// Looks over the whole file. The inner error is the line that isn't text of this encoding.
fn look(
    reader: &mut dyn ReadSeek,
    encoding: &'static Encoding,
    limits: &Limits,
) -> Result<Result<(), u64>, FileFault> {
    reader.seek(SeekFrom::Start(0))?;
    let mut text = Utf8::start(reader, encoding);
    let mut line = 1_u64;
    let mut open_bytes = 0_usize;
    loop {
        let piece = match text.next_piece() {
            Ok([]) => return Ok(Ok(())),
            Ok(piece) => piece,
            Err(Broken::Malformed) => return Ok(Err(line)),
            Err(Broken::Read(error)) => return Err(error.into()),
        };
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', piece) {
            open_bytes += end - start;
            if open_bytes > limits.line_bytes_max {
                break;
            }
            (open_bytes, start) = (0, end + 1);
            line += 1;
        }
        open_bytes += piece.len().saturating_sub(start);
        if open_bytes > limits.line_bytes_max {
            let fix = "the line is longer than any export's; check that the file is the right one and has line ends";
            return Err(FileFault::too_big("CSV-LINE-LENGTH", Some(line), fix));
        }
        if memchr::memchr(0, piece).is_some() {
            let fix = "the file holds NUL characters, so it is not text of its encoding; export it as delimited text";
            return Err(FileFault::content("FILE-NOT-TEXT", Some(line), fix));
        }
    }
}

/// The encoding that an XML declaration names, if there is one.
fn declared(head: &[u8]) -> Result<&'static Encoding, FileFault> {
    let end = memchr::memchr(b'>', head).unwrap_or(0);
    let text = std::str::from_utf8(&head[..end]).unwrap_or_default();
    let Some((_, rest)) = text.strip_prefix("<?xml").and_then(|text| text.split_once("encoding")) else {
        return Ok(UTF_8);
    };
    let rest = rest.trim_start_matches([' ', '=']);
    let name = rest.get(1..).and_then(|rest| rest.split(['"', '\'']).next()).unwrap_or_default();
    match Encoding::for_label(name.as_bytes()) {
        Some(encoding) if encoding == UTF_8 || encoding == WINDOWS_1252 => Ok(encoding),
        _ => {
            Err(FileFault::content("FILE-ENCODING", Some(1), "the XML must be UTF-8, UTF-16 or windows-1252"))
        }
    }
}

fn named_encoding(name: &str) -> Result<&'static Encoding, FileFault> {
    match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => Ok(UTF_8),
        "utf-16le" | "utf-16" => Ok(UTF_16LE),
        "utf-16be" => Ok(UTF_16BE),
        "windows-1252" | "iso-8859-1" | "latin1" => Ok(WINDOWS_1252),
        _ => {
            let fix = "`encoding` must be utf-8, utf-16le, utf-16be or windows-1252";
            Err(FileFault::mapping("MAP-ENCODING", fix))
        }
    }
}

/// UTF-16 that came without its mark shows as every other byte being zero.
fn without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let most = head.len() / 2 * 8 / 10;
    match (zeros(0), zeros(1)) {
        (0, odd) if head.len() >= 8 && odd > most => Some(UTF_16LE),
        (even, 0) if head.len() >= 8 && even > most => Some(UTF_16BE),
        _ => None,
    }
}

fn is_program(head: &[u8]) -> bool {
    [b"MZ\x90\x00".as_slice(), b"\x7fELF", b"PK\x03\x04", b"%PDF-", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"#!/"]
        .iter()
        .any(|magic| head.starts_with(magic))
}

fn wrong(line: Option<u64>, name: &str) -> FileFault {
    let fix = format!(
        "the text and its encoding do not agree ({}); export it as UTF-8, or set `encoding` in the mapping to what the program writes",
        name.to_ascii_lowercase()
    );
    FileFault::content("FILE-ENCODING", line, fix)
}
