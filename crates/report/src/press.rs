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

/// Sets a page with its data, as PDF.
pub fn print(page: Page, data: &impl Serialize) -> Result<Vec<u8>, ReportError> {
    // What is worked out for a page is about somebody: it isn't kept for the next one, however this one ends.
    let _forget = Forget;
    let desk = desk(page, data)?;
    let document = typst::compile(&desk).output.map_err(|all| faults(page, &all))?;
    let standards = PdfStandards::new(&[PdfStandard::Ua_1]);
    let standards = standards.map_err(|_| fault(page, vec!["the standard".to_owned()]))?;
    let options = |standards| PdfOptions {
        creator: Smart::Custom(Some("Commonroll".to_owned())),
        standards,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&document, &options(standards))
        .or_else(|_| typst_pdf::pdf(&document, &options(PdfStandards::default())))
        .map_err(|all| faults(page, &all))
}

const fn fault(page: Page, faults: Vec<String>) -> ReportError {
    ReportError::Page { page: page.name, faults }
}

fn faults(page: Page, all: &[SourceDiagnostic]) -> ReportError {
    fault(page, all.iter().take(5).map(|one| unquoted(&one.message)).collect())
}

/// The page's text and its data, ready to be set.
fn desk(page: Page, data: &impl Serialize) -> Result<Desk, ReportError> {
    let fault = |faults| fault(page, faults);
    let json = serde_json::to_string(data).map_err(|_| fault(vec!["the data is no JSON".to_owned()]))?;
    let mut inputs = Dict::new();
    inputs.insert("data".into(), Value::Bytes(Bytes::from_string(json)));
    let path = VirtualPath::new("page.typ").map_err(|_| fault(vec!["its path".to_owned()]))?;
    let id = RootedPath::new(VirtualRoot::Project, path).intern();
    Ok(Desk {
        library: LazyHash::new(Library::builder().with_inputs(inputs).build()),
        source: Source::new(id, format!("{HOUSE}\n{}", page.text)),
    })
}

/// Empties the typesetter's memory when it goes.
struct Forget;

impl Drop for Forget {
    fn drop(&mut self) {
        typst::comemo::evict(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evacuation, Gathering, Visitor};
    use typst::layout::{Frame, FrameItem};

    /// What stands on the paper, in its order.
    fn words(frame: &Frame, said: &mut String) {
        for (_, item) in frame.items() {
            match item {
                FrameItem::Text(text) => said.push_str(&text.text),
                FrameItem::Group(group) => words(&group.frame, said),
                _ => {}
            }
        }
    }

    #[test]
    fn every_visitor_stands_on_the_evacuation_list_and_a_name_is_a_name() {
        let names = ["*Bold* Ashby", "#let x = 1", "$a^2$ Cole", "Zoë O’Brien-Łuk", "_<b>_ \\ Dean"];
        let visitor = |name: &&str| Visitor {
            name: (*name).to_owned(),
            home: "#panic() School".to_owned(),
            state: "Seen 09:03".to_owned(),
            doubtful: false,
        };
        let list = Evacuation {
            site: "Northgate College".to_owned(),
            made: "17 November, 09:41".to_owned(),
            printed_by: "attendance".to_owned(),
            phones: Vec::new(),
            gatherings: vec![Gathering {
                place: "C12".to_owned(),
                time: String::new(),
                visitors: names.iter().map(visitor).collect(),
            }],
            unknown: vec!["3 more *learners*".to_owned()],
        };
        let page = Page { name: "evacuation", text: include_str!("pages/evacuation.typ") };
        let desk = desk(page, &list).expect("data");
        let document = typst::compile(&desk).output.expect("a page");
        assert!(typst_pdf::pdf(&document, &PdfOptions::default()).is_ok());
        let mut said = String::new();
        document.pages().iter().for_each(|page| words(&page.frame, &mut said));
        // Lines break at blanks, and words may be set one by one.
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        let said = bare(&said);
        for text in
            names.into_iter().chain(["#panic() School", "3 more *learners*", "5 visitors at Northgate"])
        {
            assert!(said.contains(&bare(text)), "{text} is not in {said}");
        }
    }
}
