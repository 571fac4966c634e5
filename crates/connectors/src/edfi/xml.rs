//! XML as a stream of small trees: one for each child of the root element.
//!
//! Entities, document types and inclusion are refused, not resolved: a file of rows has no use for them. Depth and size
//! of a tree are bounded, so memory doesn't grow with the file.

use crate::{
    connector::{FileFault, Limits},
    text::{Broken, Utf8},
};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use std::io::{self, BufRead, Read};

const XINCLUDE: &str = "http://www.w3.org/2001/XInclude";

/// One element with its text and its children.
#[derive(Default)]
pub struct Node {
    /// Name without prefix.
    pub name: String,
    /// Text directly inside.
    pub text: String,
    /// Attributes `id` and `ref`.
    pub id: Option<String>,
    pub reference: Option<String>,
    /// Line on which it begins.
    pub line: u64,
    children: Vec<Node>,
}

impl Node {
    /// The first element at a path of names.
    pub fn find(&self, path: &str) -> Option<&Node> {
        path.split('/').try_fold(self, |node, name| node.children.iter().find(|child| child.name == name))
    }

    /// Text at a path; empty if there is none.
    pub fn at(&self, path: &str) -> &str {
        self.find(path).map_or("", |node| node.text.trim())
    }

    /// Children of a name.
    pub fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Node> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The short name of a descriptor such as `uri://ed-fi.org/BehaviorDescriptor#Other`.
    pub fn short(&self, path: &str) -> &str {
        let text = self.at(path);
        text.rsplit_once('#').map_or(text, |(_, short)| short)
    }
}

/// Reads a file: first the name of its root, then its trees.
pub struct Trees<'a> {
    reader: Reader<Feed<'a>>,
    buffer: Vec<u8>,
    limits: Limits,
    ended: bool,
}

impl<'a> Trees<'a> {
    pub fn new(text: Utf8<'a>, limits: Limits) -> Self {
        let feed = Feed { text, piece: Vec::new(), at: 0, line: 1, budget: 0, stopped: None };
        let mut reader = Reader::from_reader(feed);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), limits, ended: false }
    }

    /// Name of the root element, without prefix.
    pub fn root(&mut self) -> Result<String, FileFault> {
        loop {
            match self.event()? {
                Step::Open(node) => return Ok(node.name),
                Step::Text(text) if text.trim().is_empty() => {}
                Step::Nothing => {}
                _ => return Err(self.broken()),
            }
        }
    }

    /// The next child of the root; `None` at the end.
    pub fn next_tree(&mut self) -> Result<Option<Node>, FileFault> {
        while !self.ended {
            match self.event()? {
                Step::Open(node) => return self.tree(node).map(Some),
                Step::Close => self.ended = true,
                Step::Text(text) if text.trim().is_empty() => {}
                Step::Nothing => {}
                Step::Text(_) | Step::End => return Err(self.broken()),
            }
        }
        Ok(None)
    }

    fn tree(&mut self, root: Node) -> Result<Node, FileFault> {
        let mut open = vec![root];
        let begin = self.reader.buffer_position();
        loop {
            let step = self.event()?;
            if self.reader.buffer_position() - begin > self.limits.xml_element_bytes_max as u64 {
                let fix = "an element is larger than any row; check that the file is the right one";
                return Err(FileFault::too_big("XML-SIZE", Some(open[0].line), fix));
            }
            match step {
                Step::Open(node) if open.len() < self.limits.xml_depth_max => open.push(node),
                Step::Open(node) => {
                    return Err(FileFault::too_big(
                        "XML-DEPTH",
                        Some(node.line),
                        "elements are nested too deeply",
                    ));
                }
                Step::Text(text) => {
                    if let Some(inner) = open.last_mut() {
                        inner.text.push_str(&text);
                    }
                }
                Step::Close => {
                    let Some(done) = open.pop() else { return Err(self.broken()) };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Step::Nothing => {}
                Step::End => return Err(self.broken()),
            }
        }
    }

    fn event(&mut self) -> Result<Step, FileFault> {
        self.buffer.clear();
        self.reader.get_mut().budget = self.limits.xml_element_bytes_max;
        let line = self.reader.get_ref().line;
        let event = match self.reader.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(_) => return Err(self.broken()),
        };
        Ok(match event {
            Event::Start(start) => Step::Open(opened(&start, self.reader.get_ref().line)?),
            Event::End(_) => Step::Close,
            Event::Text(text) => Step::Text(text.into_inner().into_owned()),
            Event::CData(text) => Step::Text(text.into_inner().into_owned()),
            Event::GeneralRef(name) => Step::Text(resolved(&name.into_inner(), line)?),
            Event::DocType(_) => {
                let fix = "the XML has a document type or entities, which are never read; export it without";
                return Err(FileFault::content("XML-DTD", Some(line), fix));
            }
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Step::Nothing,
            Event::Eof => Step::End,
        })
    }

    fn broken(&mut self) -> FileFault {
        let feed = self.reader.get_mut();
        match feed.stopped.take() {
            Some(fault) => fault,
            None => FileFault::content(
                "XML-BROKEN",
                Some(feed.line),
                "the XML is broken or cut off; export it again",
            ),
        }
    }
}

enum Step {
    Open(Node),
    Close,
    Text(String),
    Nothing,
    End,
}

fn opened(start: &BytesStart<'_>, line: u64) -> Result<Node, FileFault> {
    let mut node = Node { name: start.local_name().as_ref().to_owned(), line, ..Node::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| {
            FileFault::content("XML-BROKEN", Some(line), "the XML is broken or cut off; export it again")
        })?;
        if attribute.value.trim() == XINCLUDE {
            let fix = "the XML includes other files, which are never read; export it in one piece";
            return Err(FileFault::content("XML-INCLUDE", Some(line), fix));
        }
        match attribute.key.as_ref() {
            "id" => node.id = Some(attribute.value.into_owned()),
            "ref" => node.reference = Some(attribute.value.into_owned()),
            _ => {}
        }
    }
    Ok(node)
}

/// The five entities of XML itself and numbered characters. Anything else could only come from a document type.
fn resolved(name: &str, line: u64) -> Result<String, FileFault> {
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
    character.map(String::from).ok_or_else(|| {
        FileFault::content("XML-ENTITY", Some(line), "the XML uses an entity of its own, which is never read")
    })
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
