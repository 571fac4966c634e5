//! The words between a plan and whoever carries it out.

use std::fmt;

/// One statement with its values, in words that MariaDB, MySQL and PostgreSQL share; `?` stands for each value.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    /// The statement. Holds no value.
    pub text: String,
    /// Its values, in their order.
    pub values: Vec<Value>,
}

/// A value. `None` is null.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Number(Option<i64>),
    /// A text.
    Text(Option<String>),
}

/// What came of a statement.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// Rows of texts; null is an empty one.
    Rows(Vec<Vec<String>>),
    /// How many rows were changed.
    Changed(u64),
}

/// What is to be done next.
#[derive(Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask this, in the same transaction.
    Ask(Statement),
    /// Change this, in the same transaction.
    Change(Statement),
    /// It is over.
    Done(Outcome),
}

/// What became of a row. Words hold no value of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It stands in the MIS: commit.
    Applied(String),
    /// It may not stand there: undo, and say why.
    Refused(String),
    /// Something came in between: undo, and try this row again a bounded number of times.
    Missed(String),
    /// No row can be written before somebody has changed the settings or the MIS: undo, and say what.
    Fault(String),
}

macro_rules! hide {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

hide!(Statement, Value, Answer, Step);

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

/// A plan's talk with the database: what was answered is said again, and the first thing that wasn't is the next step.
pub(super) struct Talk<'a> {
    answers: std::slice::Iter<'a, Answer>,
}

impl<'a> Talk<'a> {
    pub fn new(answers: &'a [Answer]) -> Self {
        Self { answers: answers.iter() }
    }

    /// Rows of a question, or the question as the next step.
    pub fn ask(&mut self, text: impl Into<String>, values: &[Value]) -> Result<&'a [Vec<String>], Step> {
        match self.answers.next() {
            Some(Answer::Rows(rows)) => Ok(rows),
            Some(Answer::Changed(_)) => Ok(&[]),
            None => Err(Step::Ask(Statement { text: text.into(), values: values.to_vec() })),
        }
    }

    /// Changes exactly one row, or is the next step.
    pub fn change(&mut self, text: impl Into<String>, values: &[Value]) -> Result<(), Step> {
        match self.answers.next() {
            Some(Answer::Changed(1)) => Ok(()),
            Some(_) => {
                let fix = "the MIS changed while the mark was written, so nothing was; it is tried again";
                Err(Step::Done(Outcome::Missed(fix.to_owned())))
            }
            None => Err(Step::Change(Statement { text: text.into(), values: values.to_vec() })),
        }
    }
}

/// A cell as a number; 0 where there is none.
pub(super) fn cell(row: &[String], place: usize) -> i64 {
    row.get(place).and_then(|text| text.trim().parse().ok()).unwrap_or_default()
}

/// A cell as text.
pub(super) fn text(row: &[String], place: usize) -> &str {
    row.get(place).map_or("", String::as_str)
}
