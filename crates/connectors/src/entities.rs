//! What connectors of formats with a meaning of their own share: giving what an element became, or telling why it can't be
//! read, and knowing in the end what the file is complete about.

use crate::{
    item::{Item, Place, Problem, Scope, Sink},
    mapping::Covers,
};
use commonroll_core::{Invalid, LocalId, RecordKind, SchoolDate};
use std::collections::BTreeSet;

/// An element can't be read.
pub struct Bad {
    element: String,
    rule: Option<&'static str>,
    fix: String,
}

impl Bad {
    pub fn new(element: &str, rule: &'static str, fix: impl Into<String>) -> Self {
        Self { element: element.to_owned(), rule: Some(rule), fix: fix.into() }
    }
}

impl From<Invalid> for Bad {
    fn from(invalid: Invalid) -> Self {
        Self { element: invalid.field.to_owned(), rule: None, fix: invalid.rule.to_owned() }
    }
}

/// What a file says, on its way to whoever listens.
pub struct Entities<'a> {
    out: &'a mut dyn Sink,
    /// Rule of a value that breaks a rule of our own words, and of an element that isn't read.
    rules: [&'static str; 2],
    dates: BTreeSet<(RecordKind, SchoolDate)>,
    spoiled: BTreeSet<(RecordKind, SchoolDate)>,
    kinds: BTreeSet<RecordKind>,
    learners: bool,
    all_spoiled: bool,
    unread: BTreeSet<String>,
}

impl<'a> Entities<'a> {
    pub fn new(out: &'a mut dyn Sink, rules: [&'static str; 2]) -> Self {
        Self {
            out,
            rules,
            dates: BTreeSet::new(),
            spoiled: BTreeSet::new(),
            kinds: BTreeSet::new(),
            learners: false,
            all_spoiled: false,
            unread: BTreeSet::new(),
        }
    }

    /// Gives what an element became, or tells why it can't be read. `about` is its kind and date, as far as they are known.
    pub fn give(&mut self, line: u64, about: Option<(RecordKind, SchoolDate)>, result: Result<Item, Bad>) {
        match result {
            Ok(item) => {
                match &item {
                    Item::Record(draft) => {
                        self.kinds.insert(draft.kind);
                        self.dates.insert((draft.kind, draft.date));
                    }
                    Item::Learner(_) => self.learners = true,
                    _ => {}
                }
                self.out.item(item, Place { line });
            }
            Err(bad) => {
                match about {
                    Some(about) => _ = self.spoiled.insert(about),
                    None => self.all_spoiled = true,
                }
                self.out.problem(Problem::new(line, bad.element, bad.rule.unwrap_or(self.rules[0]), bad.fix));
            }
        }
    }

    /// Tells once of an element that isn't read, and why.
    pub fn unread(&mut self, line: u64, name: &str, why: &str) {
        if self.unread.len() < 64 && self.unread.insert(name.to_owned()) {
            let field: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            self.out.problem(Problem::new(line, field, self.rules[1], why));
        }
    }

    /// Tells what the file is complete about.
    pub fn covers(self, covers: Covers) {
        let sound = !self.all_spoiled && self.spoiled.is_empty();
        match covers {
            Covers::Everything if sound => {
                if self.learners {
                    self.out.covers(Scope::Learners);
                }
                self.kinds.iter().for_each(|kind| self.out.covers(Scope::Records(*kind)));
            }
            Covers::Dates if !self.all_spoiled => {
                let whole = self.dates.difference(&self.spoiled);
                whole.for_each(|(kind, date)| self.out.covers(Scope::Day(*kind, *date)));
            }
            _ => {}
        }
    }
}

/// A key of several parts.
pub fn key(parts: &[&str], rule: &'static str) -> Result<String, Bad> {
    let key = parts.join("\u{1f}");
    if key.len() > 512 || parts.iter().any(|part| part.chars().any(char::is_control)) {
        return Err(Bad::new("", rule, "the ids that tell this element from the others are too long"));
    }
    Ok(key)
}

/// An id that must be there.
pub fn id(element: &'static str, text: &str, rule: &'static str) -> Result<LocalId, Bad> {
    if text.is_empty() {
        return Err(Bad::new(element, rule, "must not be blank: it says who or what this is about"));
    }
    Ok(LocalId::parse(element, text)?)
}

/// Lower case, with hyphens for all that isn't a letter, a digit or a slash.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.trim().chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '/' => slug.push(c.to_ascii_lowercase()),
            _ if slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(100);
    slug.trim_matches('-').to_owned()
}
