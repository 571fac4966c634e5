//! Groups: which codes the file has, how often, and which of them partners have to do with, which nothing in a file says.

use super::Making;
use crate::{mapping::Rows, propose::Value};
use std::collections::BTreeMap;

/// Codes that a question shows.
const SHOWN: usize = 12;

impl Making<'_> {
    /// Asks which groups are read. Left open, all are.
    pub(super) fn groups(&mut self) {
        const SORTS: [Rows; 6] =
            [Rows::Attendance, Rows::Assessment, Rows::Behaviour, Rows::Groups, Rows::Timetable, Rows::Staff];
        let Some(at) = self.settled("group").filter(|_| SORTS.contains(&self.plan.rows)) else { return };
        let caption = self.columns[at].caption.clone();
        let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
        for code in self.sample.rows.iter().map(|row| row.cell(at)).filter(|code| !code.is_empty()) {
            *codes.entry(code).or_default() += 1;
        }
        if codes.len() < 2 {
            return;
        }
        let mut question = match self.answers.get("groups") {
            Some(Value::Text(said)) => {
                let said: Vec<&str> =
                    said.split(',').map(str::trim).filter(|code| !code.is_empty()).collect();
                let strangers: Vec<&str> =
                    said.iter().copied().filter(|code| !codes.contains_key(code)).collect();
                if strangers.is_empty() {
                    let chosen = said.iter().map(|code| ((*code).to_owned(), String::new())).collect();
                    let reasons = vec!["you said so; rows of other groups are passed over".to_owned()];
                    return self.choose("groups", Value::Values(caption, chosen), 1.0, reasons);
                }
                format!("No row looked at has the group {}. ", strangers.join(", "))
            }
            Some(_) => return,
            None => String::new(),
        };
        let is_wrong = !question.is_empty();
        // What is no short list of codes may be about people, and isn't shown.
        let list = &self.columns[at].shape.list;
        let shown: Vec<String> =
            list.iter().take(SHOWN).map(|(code, count)| format!("{code} {count}x")).collect();
        let shown = match list.len().saturating_sub(SHOWN) {
            _ if list.is_empty() => String::new(),
            0 => format!(": {}", shown.join(", ")),
            more => format!(": {} and {more} more", shown.join(", ")),
        };
        question += &format!(
            "Column `{caption}` has {} groups{shown}. Which of them are shared with partners? Only their rows are read; all, if you \
             leave it open.",
            codes.len()
        );
        if let Some(alike) = alike(list) {
            question += &format!(
                " {alike} are written in two ways, which partners would see as two groups: mend it in the MIS."
            );
        }
        self.ask("groups", question, is_wrong, Vec::new(), "their codes, with commas between");
    }
}

/// Two codes that differ in capitals, spaces and signs alone.
fn alike(list: &[(String, usize)]) -> Option<String> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    list.iter().find_map(|(code, _)| {
        let plain: String =
            code.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let held = seen.insert(plain, code)?;
        Some(format!("{held} and {code}"))
    })
}
