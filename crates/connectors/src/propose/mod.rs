//! Proposing a mapping from a file itself: what its rows are, which caption is which field, how dates and marks are written.
//!
//! Pure: a sample of a table goes in, choices and doubts come out. Evidence are the words of captions, the shapes of values,
//! check digits and what values stand beside each other. What is not sure is a [`Doubt`], never a choice: whoever answers it
//! puts the answer into [`Answers`] and asks again. No reason holds a value of a person.

mod answer;
mod caption;
mod codes;
mod conduct;
mod fields;
mod judge;
mod look;
mod plan;
mod rules;
mod sample;
mod scales;
pub mod schema;
mod settle;
mod shape;
mod values;
mod vocabulary;
mod write;

pub use answer::unfit;
pub use look::{Found, look, sample};
pub use sample::{Sample, SampleRow};

use crate::mapping::{Container, Mapping, MappingError};
use std::collections::BTreeMap;

/// What people answered, by setting: `rows`, `date_format`, `fields.learner`, `codes.A` ..
pub type Answers = BTreeMap<String, Value>;

/// What a setting is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A column, by its caption.
    Column(String),
    /// A column, and what its values stand for.
    Values(String, BTreeMap<String, String>),
    /// A column of days that are counted from this date on.
    Days(String, String),
    /// The same text in each row; for settings that aren't fields, the text itself.
    Text(String),
    /// Grades of one scale and kind: scale, version, kind.
    Grades(String, String, String),
    /// Left out on purpose.
    Nothing,
}

/// Something that is taken for settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Which setting.
    pub setting: String,
    /// What it is set to.
    pub value: Value,
    /// How sure, in percent. 100 for an answer.
    pub confidence: u8,
    /// Why, in plain words. Never holds a value of a person.
    pub reasons: Vec<String>,
}

/// Something that nobody but a person can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Which setting.
    pub setting: String,
    /// What to ask.
    pub question: String,
    /// The file can't be read without an answer.
    pub must: bool,
    /// Possible answers, the likeliest first. May be empty.
    pub candidates: Vec<Candidate>,
    /// A free text is an answer too, in this form; blank if only candidates are.
    pub free: &'static str,
}

/// A possible answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The answer.
    pub value: Value,
    /// How likely, in percent; 0 for one that is as good as any other.
    pub confidence: u8,
    /// In words: what it is and what speaks for it.
    pub words: String,
}

/// A mapping as far as the file says it, and what it doesn't say.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// What the table lies in.
    pub container: Container,
    /// What is settled.
    pub choices: Vec<Choice>,
    /// What is not.
    pub doubts: Vec<Doubt>,
    /// Captions that no setting uses, and why.
    pub unused: Vec<(String, &'static str)>,
    /// What whoever reads the mapping must know beside it.
    pub notes: Vec<String>,
}

impl Proposal {
    /// What a setting is set to, if it is settled.
    pub fn choice(&self, setting: &str) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.setting == setting)
    }

    /// The column of a field that is settled.
    pub fn column(&self, field: &str) -> Option<&str> {
        match &self.choice(&format!("fields.{field}"))?.value {
            Value::Column(caption) | Value::Values(caption, _) | Value::Days(caption, _) => Some(caption),
            Value::Text(_) | Value::Grades(..) | Value::Nothing => None,
        }
    }

    /// True if the file can't be read before somebody answers.
    pub fn is_open(&self) -> bool {
        self.doubts.iter().any(|doubt| doubt.must)
    }

    /// The mapping file: every setting with its reasons, doubts as comments. `files` is the pattern of the files' names.
    pub fn to_toml(&self, files: &str) -> String {
        write::toml(self, files)
    }

    /// The mapping, as far as it goes.
    ///
    /// # Errors
    /// A doubt is open without which there is none.
    pub fn mapping(&self, files: &str) -> Result<Mapping, MappingError> {
        self.to_toml(files).parse()
    }
}

/// Proposes a mapping of a table. `file_name` may say what it is about.
pub fn propose(container: Container, sample: &Sample, file_name: &str, answers: &Answers) -> Proposal {
    let columns = judge::columns(sample);
    let plan = plan::choose(&columns, file_name, answers);
    settle::settle(container, sample, file_name, &columns, plan, answers)
}

/// A share in percent.
fn percent(score: f64) -> u8 {
    (score * 100.0).clamp(0.0, 100.0) as u8
}
