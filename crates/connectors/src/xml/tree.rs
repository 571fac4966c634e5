//! XML as a stream of small trees: one for each child of the root element, or of elements further in.
//!
//! Depth and size of a tree are bounded.

use super::{Event, Events, Tag, too_deep, too_large};
use crate::{
    connector::{FileFault, Limits},
    text::Utf8,
};

/// One element with its text and its children.
#[derive(Default)]
pub struct Node {
    /// Name without prefix.
    pub name: String,
    /// Text directly inside.
    pub text: String,
    /// Line on which it begins.
    pub line: u64,
    attributes: Vec<(String, String)>,
    children: Vec<Node>,
}

impl Node {
    fn opened(tag: &Tag<'_>) -> Result<Self, FileFault> {
        let mut attributes = Vec::new();
        tag.attributes(&mut |name, value| {
            attributes.push((name.to_owned(), value.to_owned()));
            Ok(())
        })?;
        Ok(Self { name: tag.name().to_owned(), line: tag.line, attributes, ..Self::default() })
    }

    /// An attribute of the element itself.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

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

    /// All children.
    pub fn children(&self) -> &[Node] {
        &self.children
    }

    /// The short name of a descriptor such as `uri://ed-fi.org/BehaviorDescriptor#Other`.
    pub fn short(&self, path: &str) -> &str {
        let text = self.at(path);
        text.rsplit_once('#').map_or(text, |(_, short)| short)
    }
}

/// Reads a file: first its root, then its trees.
pub struct Trees<'a> {
    events: Events<'a>,
    limits: Limits,
    /// Elements that are open around the next tree.
    open: usize,
}

impl<'a> Trees<'a> {
    pub fn new(text: Utf8<'a>, limits: Limits) -> Self {
        Self { events: Events::new(text, &limits), limits, open: 0 }
    }

    /// The root element, without what is in it.
    pub fn root(&mut self) -> Result<Node, FileFault> {
        loop {
            match self.events.step()? {
                Event::Open(tag) => {
                    let node = Node::opened(&tag)?;
                    self.open = 1;
                    return Ok(node);
                }
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Nothing => {}
                _ => return Err(self.events.broken()),
            }
        }
    }

    /// The next child of the root; `None` at the end.
    pub fn next_tree(&mut self) -> Result<Option<Node>, FileFault> {
        self.next_tree_in(&[])
    }

    /// The next child of the root, or of an element of one of these names: those are gone into, not gathered. `None` at the
    /// end.
    pub fn next_tree_in(&mut self, within: &[&str]) -> Result<Option<Node>, FileFault> {
        while self.open > 0 {
            match self.events.step()? {
                Event::Open(tag) if within.contains(&tag.name()) => {
                    self.open += 1;
                    if self.open > self.limits.xml_depth_max {
                        return Err(too_deep(tag.line));
                    }
                }
                Event::Open(tag) => {
                    let node = Node::opened(&tag)?;
                    return self.tree(node).map(Some);
                }
                Event::Close => self.open -= 1,
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Nothing => {}
                Event::Text(_) | Event::End => return Err(self.events.broken()),
            }
        }
        Ok(None)
    }

    /// All of an element whose beginning was read just now: the root itself, where a file is one thing.
    pub fn tree(&mut self, root: Node) -> Result<Node, FileFault> {
        let mut open = vec![root];
        let begin = self.events.position();
        loop {
            let step = self.events.step()?;
            match step {
                Event::Open(tag) if open.len() < self.limits.xml_depth_max => open.push(Node::opened(&tag)?),
                Event::Open(tag) => return Err(too_deep(tag.line)),
                Event::Text(text) => {
                    if let Some(inner) = open.last_mut() {
                        inner.text.push_str(&text);
                    }
                }
                Event::Close => {
                    let Some(done) = open.pop() else { return Err(self.events.broken()) };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Event::Nothing => {}
                Event::End => return Err(self.events.broken()),
            }
            if self.events.position() - begin > self.limits.xml_element_bytes_max as u64 {
                return Err(too_large(open.first().map_or(0, |node| node.line)));
            }
        }
    }
}
