//! The documents that follow from an agreement's text: the page that heads sign, the Article 30 record, the impact
//! assessment's data section, the privacy notice.
//!
//! Each is a [`Document`]: plain blocks, made from the text and from what is handed in, that can be written as Markdown
//! or as a page of HTML that prints on A4. They say what the text says and what this product does; whether that is
//! enough in law is marked as a question for a data protection officer.

mod dpia;
mod html;
mod markdown;
mod notice;
mod page;
mod phrases;
mod record;
mod risks;

pub use dpia::{Volumes, impact_assessment};
pub use notice::{Reader, privacy_notice};
pub use page::{SignedBy, signing_page};
pub use record::processing_record;

/// One document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    title: String,
    blocks: Vec<Block>,
}

/// A part of a document. Texts are plain: whoever writes them out escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Block {
    /// A heading below the title.
    Heading(String),
    /// A heading below that.
    Small(String),
    /// A paragraph.
    Para(String),
    /// A list.
    Bullets(Vec<String>),
    /// Names and what they are.
    Facts(Vec<(String, String)>),
    /// A table: heads, then rows of as many cells.
    Table(Vec<String>, Vec<Vec<String>>),
    /// What a data protection officer must confirm.
    Confirm(String),
    /// Where a new sheet of paper begins.
    NewPage,
}

impl Document {
    fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    fn heading(&mut self, text: &str) {
        self.blocks.push(Block::Heading(text.to_owned()));
    }

    fn small(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Small(text.into()));
    }

    fn para(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Para(text.into()));
    }

    fn bullets(&mut self, texts: impl IntoIterator<Item = String>) {
        self.blocks.push(Block::Bullets(texts.into_iter().collect()));
    }

    fn facts<const N: usize>(&mut self, facts: [(&str, String); N]) {
        let facts = facts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        self.blocks.push(Block::Facts(facts));
    }

    fn table<const N: usize>(&mut self, heads: [&str; N], rows: Vec<[String; N]>) {
        let heads = heads.into_iter().map(str::to_owned).collect();
        self.blocks.push(Block::Table(heads, rows.into_iter().map(Vec::from).collect()));
    }

    fn confirm(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Confirm(text.into()));
    }

    /// The document as Markdown.
    pub fn markdown(&self) -> String {
        markdown::write(self)
    }

    /// The document as one HTML page that needs nothing else and prints well on A4.
    pub fn html(&self) -> String {
        html::write(self)
    }

    /// The document's content as HTML without head, title and style, for a page that has its own. Every text is escaped.
    pub fn fragment(&self) -> String {
        html::fragment(self)
    }

    /// The sentences and list entries that people read, without headings, tables and remarks to the DPO.
    pub fn prose(&self) -> Vec<&str> {
        let mut prose = Vec::new();
        for block in &self.blocks {
            match block {
                Block::Para(text) => prose.push(text.as_str()),
                Block::Bullets(texts) => prose.extend(texts.iter().map(String::as_str)),
                _ => {}
            }
        }
        prose
    }
}
