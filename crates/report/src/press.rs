//! The typesetter: one page's text, the fonts inside the program, and the data as a value.
//!
//! It reads no file and knows no date. Output is PDF/UA-1. Only where a name has letters that no font here has is it
//! merely tagged: a list that is needed now is printed with a box for the letter, instead of not at all.

use crate::ReportError;
use serde::Serialize;
use std::sync::LazyLock;
use typst::{
    Library, LibraryExt, World,
    diag::{FileError, FileResult, SourceDiagnostic},
    foundations::{Bytes, Datetime, Dict, Duration, Smart, Value},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

/// A page: its name, and its text in the typesetter's language.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub name: &'static str,
    pub text: &'static str,
}

/// What pages share: measures, type, colours.
const HOUSE: &str = include_str!("pages/house.typ");

struct Fonts {
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
}

static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let fonts: Vec<Font> =
        typst_assets::fonts().flat_map(|data| Font::iter(Bytes::new(data))).filter(wanted).collect();
    Fonts { book: LazyHash::new(FontBook::from_fonts(&fonts)), fonts }
});

/// One family for text, and one that has letters of further alphabets. Others are for mathematics.
fn wanted(font: &Font) -> bool {
    ["Libertinus Serif", "DejaVu Sans Mono"].contains(&font.info().family.as_str())
}

/// What the typesetter says, without what it quotes: that may be somebody's name.
fn unquoted(message: &str) -> String {
    message.split('`').step_by(2).collect::<Vec<_>>().join("..")
}

struct Desk {
    library: LazyHash<Library>,
    source: Source,
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }
    fn book(&self) -> &LazyHash<FontBook> {
        &FONTS.book
    }
    fn main(&self) -> FileId {
        self.source.id()
    }
    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.source.id() { Ok(self.source.clone()) } else { Err(FileError::AccessDenied) }
    }
    fn file(&self, _: FileId) -> FileResult<Bytes> {
        Err(FileError::AccessDenied)
    }
    fn font(&self, index: usize) -> Option<Font> {
        FONTS.fonts.get(index).cloned()
    }
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// Sets a page with its data.
pub fn print(page: Page, data: &impl Serialize) -> Result<Vec<u8>, ReportError> {
    let fault = |faults| ReportError::Page { page: page.name, faults };
    let json = serde_json::to_string(data).map_err(|_| fault(vec!["the data is no JSON".to_owned()]))?;
    let mut inputs = Dict::new();
    inputs.insert("data".into(), Value::Bytes(Bytes::from_string(json)));
    let path = VirtualPath::new("page.typ").map_err(|_| fault(vec!["its path".to_owned()]))?;
    let id = RootedPath::new(VirtualRoot::Project, path).intern();
    let desk = Desk {
        library: LazyHash::new(Library::builder().with_inputs(inputs).build()),
        source: Source::new(id, format!("{HOUSE}\n{}", page.text)),
    };
    let faults =
        |all: &[SourceDiagnostic]| fault(all.iter().take(5).map(|one| unquoted(&one.message)).collect());
    // What is worked out for a page is about somebody: it isn't kept for the next one, however this one ends.
    let _forget = Forget;
    let document = typst::compile(&desk).output.map_err(|all| faults(&all))?;
    let options = |standards| PdfOptions {
        creator: Smart::Custom(Some("Commonroll".to_owned())),
        standards,
        ..PdfOptions::default()
    };
    let standards =
        PdfStandards::new(&[PdfStandard::Ua_1]).map_err(|_| fault(vec!["the standard".to_owned()]))?;
    typst_pdf::pdf(&document, &options(standards))
        .or_else(|_| typst_pdf::pdf(&document, &options(PdfStandards::default())))
        .map_err(|all| faults(&all))
}

/// Empties the typesetter's memory when it goes.
struct Forget;

impl Drop for Forget {
    fn drop(&mut self) {
        typst::comemo::evict(0);
    }
}
