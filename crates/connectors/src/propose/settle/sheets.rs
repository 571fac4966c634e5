//! Which sheet of a workbook is meant, where several hold rows that make sense.

use super::{Making, text};
use crate::{
    mapping::{Container, SheetRows},
    propose::Candidate,
};

impl Making<'_> {
    /// Asks which sheet is meant. Left open, the one whose columns make the most sense is read. Whoever answers it must sample that sheet:
    /// everything else was found in this one.
    pub(super) fn sheet(&mut self, container: &Container) {
        let Container::Sheet(SheetRows { sheet: Some(read), .. }) = container else { return };
        if self.sample.beside.is_empty() || self.answers.contains_key("sheet") {
            return;
        }
        let names = std::iter::once(read).chain(&self.sample.beside);
        let offer =
            |name: &String| Candidate { value: text(name), confidence: 0, words: format!("sheet `{name}`") };
        let candidates = names.map(offer).collect();
        let question = format!(
            "Several sheets of the workbook have rows, and one mapping reads one of them: this one reads `{read}`. Is that the one? Each of the \
             others needs a mapping of its own, with --answer 'sheet=..' and another --name."
        );
        self.ask("sheet", question, false, candidates, "");
    }
}
