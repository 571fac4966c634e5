//! XML as a stream of events, for every format that is written in it.
//!
//! Entities, document types and inclusion are refused, not resolved: a file of rows has no use for them. The size of an
//! event is bounded, so memory doesn't grow with the file. What the elements mean is not known here.

mod shape;
mod table;
mod tree;

pub use table::{Xml, open};
pub use tree::{Node, Trees};

use crate::{
    connector::{FileFault, Limits},
    text::{Broken, Utf8},
};
use quick_xml::{
    Reader,
    events::{BytesStart, Event as Raw},
};
use std::{
    borrow::Cow,
    io::{self, BufRead, Read},
};

const XINCLUDE: &str = "http://www.w3.org/2001/XInclude";

/// One step through a file.
pub enum Event<'e> {
    /// An element begins.
    Open(Tag<'e>),
    /// The innermost element ends.
    Close,
    /// Text, or a piece of it.
    Text(Cow<'e, str>),
    /// Nothing that says anything: a comment, the declaration.
    Nothing,
    /// The end of the file.
    End,
}

/// The beginning of an element.
pub struct Tag<'e> {
    start: BytesStart<'e>,
    /// Line on which it begins.
    pub line: u64,
}

impl Tag<'_> {
    /// Name without prefix.
    pub fn name(&self) -> &str {
        self.start.local_name().into_inner()
    }

    /// Gives each attribute that holds data: its name without prefix, and its value.
    pub fn attributes(
        &self,
        give: &mut dyn FnMut(&str, &str) -> Result<(), FileFault>,
    ) -> Result<(), FileFault> {
        if self.start.attributes_raw().trim().is_empty() {
            return Ok(());
        }
        for attribute in self.start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| broken(self.line))?;
            if attribute.value.trim() == XINCLUDE {
                let fix = "the XML includes other files, which are never read; export it in one piece";
                return Err(FileFault::content("XML-INCLUDE", Some(self.line), fix));
            }
            let name = attribute.key.as_ref();
            if name.starts_with("xmlns") || name.starts_with("xsi:") || name.starts_with("xml:") {
                continue;
            }
            let value = match attribute.value.contains('&') {
                false => attribute.value,
                true => Cow::Owned(unescaped(&attribute.value, self.line)?),
            };
            give(attribute.key.local_name().into_inner(), &value)?;
        }
        Ok(())
    }
}

/// Reads a file step by step.
pub struct Events<'a> {
    reader: Reader<Feed<'a>>,
    buffer: Vec<u8>,
    event_bytes_max: usize,
    depth: usize,
    depth_max: usize,
}

impl<'a> Events<'a> {
    /// Steps through a text.
    pub fn new(text: Utf8<'a>, limits: &Limits) -> Self {
        let feed = Feed { text, piece: Vec::new(), at: 0, line: 1, budget: 0, stopped: None };
        let mut reader = Reader::from_reader(feed);
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            buffer: Vec::new(),
            event_bytes_max: limits.xml_element_bytes_max,
            depth: 0,
            // What is read counts its own depth from where it begins; this is for what is passed over.
            depth_max: 2 * limits.xml_depth_max,
        }
    }

    /// The next step.
    ///
    /// # Errors
    /// The XML is broken, reaches out of itself, or has an event of more bytes than an element may have.
    pub fn step(&mut self) -> Result<Event<'_>, FileFault> {
        self.buffer.clear();
        let feed = self.reader.get_mut();
        feed.budget = self.event_bytes_max;
        let line = feed.line;
        let Ok(event) = self.reader.read_event_into(&mut self.buffer) else {
            let feed = self.reader.get_mut();
            return Err(feed.stopped.take().unwrap_or_else(|| broken(feed.line)));
        };
        Ok(match event {
            Raw::Start(start) => {
                self.depth += 1;
                if self.depth > self.depth_max {
                    return Err(too_deep(line));
                }
                Event::Open(Tag { start, line: self.reader.get_ref().line })
            }
            Raw::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Event::Close
            }
            Raw::Text(text) => Event::Text(text.into_inner()),
            Raw::CData(text) => Event::Text(text.into_inner()),
            Raw::GeneralRef(name) => Event::Text(Cow::Owned(resolved(&name.into_inner(), line)?.to_string())),
            Raw::DocType(_) => {
                let fix = "the XML has a document type or entities, which are never read; export it without";
                return Err(FileFault::content("XML-DTD", Some(line), fix));
            }
            Raw::Empty(_) | Raw::Comment(_) | Raw::Decl(_) | Raw::PI(_) => Event::Nothing,
            Raw::Eof => Event::End,
        })
    }

    /// Bytes of text read so far.
    pub fn position(&self) -> u64 {
        self.reader.buffer_position()
    }

    /// Line that was reached.
    pub fn line(&self) -> u64 {
        self.reader.get_ref().line
    }

    /// What to say of a file that ends or goes on where it must not.
    pub fn broken(&self) -> FileFault {
        broken(self.line())
    }
}

fn broken(line: u64) -> FileFault {
    FileFault::content("XML-BROKEN", Some(line), "the XML is broken or cut off; export it again")
}

/// An element is larger than any row.
pub(crate) fn too_large(line: u64) -> FileFault {
    let fix = "an element is larger than any row; check that the file is the right one";
    FileFault::too_big("XML-SIZE", Some(line), fix)
}

/// Elements are nested without end.
pub(crate) fn too_deep(line: u64) -> FileFault {
    FileFault::too_big("XML-DEPTH", Some(line), "elements are nested too deeply")
}

/// The five entities of XML itself and numbered characters. Anything else could only come from a document type.
fn resolved(name: &str, line: u64) -> Result<char, FileFault> {
    let numbered = |digits: &str| match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    };
    let character = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => name.strip_prefix('#').and_then(numbered).and_then(char::from_u32).filter(|c| *c != '\0'),
    };
    character.ok_or_else(|| {
        FileFault::content("XML-ENTITY", Some(line), "the XML uses an entity of its own, which is never read")
    })
}

/// The text of an attribute.
fn unescaped(value: &str, line: u64) -> Result<String, FileFault> {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('&') {
        let (name, behind) = after.split_once(';').ok_or_else(|| broken(line))?;
        text.push_str(before);
        text.push(resolved(name, line)?);
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}

/// Feeds decoded text, counts lines, and stops an event that has no end.
struct Feed<'a> {
    text: Utf8<'a>,
    piece: Vec<u8>,
    at: usize,
    line: u64,
    budget: usize,
    stopped: Option<FileFault>,
}

impl Read for Feed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let read = available.len().min(buffer.len());
        buffer[..read].copy_from_slice(&available[..read]);
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Feed<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.stopped.is_some() {
            return Err(io::Error::other("stopped"));
        }
        if self.at == self.piece.len() {
            self.piece.clear();
            self.at = 0;
            match self.text.next_piece() {
                Ok(piece) => self.piece.extend_from_slice(piece),
                Err(Broken::Malformed) => {
                    let fix = "the text is not in the encoding that the XML declares; export it again";
                    return self.stop(FileFault::content("FILE-ENCODING", Some(self.line), fix));
                }
                Err(Broken::Read(error)) => return self.stop(FileFault::Read(error)),
            }
        }
        Ok(&self.piece[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.piece[self.at..self.at + amount]).count() as u64;
        self.at += amount;
        self.budget = self.budget.saturating_sub(amount);
        if self.budget == 0 && self.stopped.is_none() {
            let fix = "an element or text is larger than any row's; check that the file is the right one";
            self.stopped = Some(FileFault::too_big("XML-SIZE", Some(self.line), fix));
        }
    }
}

impl Feed<'_> {
    fn stop<T>(&mut self, fault: FileFault) -> io::Result<T> {
        self.stopped = Some(fault);
        Err(io::Error::other("stopped"))
    }
}
