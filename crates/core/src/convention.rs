//! What partners agree on about their data, once and for all of them: what a code means, how a subject is called, on which scale
//! grades of a kind stand, and what no data can say. Who may agree, and since when it holds, is not decided here.

use crate::{
    ids::{Invalid, is_direction_mark},
    record::{RecordKind, assessment::GradeKind, attendance::Physical},
};
use serde::{Deserialize, Serialize};

/// Other names of one subject at most.
const NAMES: usize = 12;
/// School days of a condition at most: readiness looks back four weeks.
pub const UNLOCK_DAYS_MAX: u32 = 15;

/// A convention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum Says {
    /// What an attendance code means, whoever writes it.
    Code {
        /// The code, as it is written.
        code: String,
        /// What it means.
        means: Physical,
    },
    /// One word for a subject.
    Subject {
        /// The word.
        word: String,
        /// What partners call it besides.
        also: Vec<String>,
    },
    /// On which scale grades of a kind stand in a subject.
    Scale {
        /// The kind.
        kind: GradeKind,
        /// The subject, by any of its names.
        subject: String,
        /// The scale, such as `gce-a-level`.
        scale: String,
        /// Its version.
        version: String,
    },
    /// A kind of record flows from a partner only once its attendance has been tight for some time, and people have agreed.
    Unlock {
        /// Which kind; attendance itself is what is measured.
        kind: RecordKind,
        /// Per cent of its marks, and of its registers, that must have come and come on time; 0 for no condition any more.
        points: u32,
        /// On each of so many school days; 0 for no condition.
        days: u32,
    },
    /// The answer to what no data can say.
    Answer {
        /// Which question.
        question: Question,
        /// The answer, in a sentence or two.
        text: String,
    },
}

/// What partners have to ask each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Is a session register kept for Year 12 and 13?
    Registers,
    /// Of several attempts at one piece of work: is the first sent, the best, or all?
    Attempts,
    /// Which of several targets is the one that progress is told against?
    Target,
    /// What do a college's usage codes mean for a school's register?
    Usage,
}

impl Question {
    /// Every question, in the order in which they are asked.
    pub const ALL: [Self; 4] = [Self::Registers, Self::Attempts, Self::Target, Self::Usage];

    /// Its name in forms and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registers => "registers",
            Self::Attempts => "attempts",
            Self::Target => "target",
            Self::Usage => "usage",
        }
    }

    /// The question itself.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Registers => {
                "Do you register Year 12 and 13 at all: each session, each lesson, or neither?"
            }
            Self::Attempts => {
                "Several attempts at one piece of work: do you send the first, the best, or all?"
            }
            Self::Target => {
                "Which target do you tell progress against: the computed minimum, or the teacher’s?"
            }
            Self::Usage => "What do the college’s usage codes mean for a school’s register?",
        }
    }
}

impl Says {
    /// Checks lengths and characters, and trims what was written.
    ///
    /// # Errors
    /// [`Invalid`] naming the field.
    pub fn check(self) -> Result<Self, Invalid> {
        Ok(match self {
            Self::Code { code, means } => Self::Code { code: line("code", &code, 16)?, means },
            Self::Subject { word, also } => {
                let word = line("word", &word, 100)?;
                let others = also.iter().filter(|name| !name.trim().is_empty());
                let mut also = others.map(|name| line("also", name, 100)).collect::<Result<Vec<_>, _>>()?;
                also.retain(|name| *name != word);
                also.sort();
                also.dedup();
                if also.len() > NAMES {
                    return Err(Invalid::new("also", "must be at most 12 other names"));
                }
                Self::Subject { word, also }
            }
            Self::Scale { kind, subject, scale, version } => Self::Scale {
                kind,
                subject: line("subject", &subject, 100)?,
                scale: line("scale", &scale, 64)?,
                version: line("version", &version, 32)?,
            },
            Self::Answer { question, text } => Self::Answer { question, text: line("text", &text, 400)? },
            Self::Unlock { kind: RecordKind::Attendance, .. } => {
                return Err(Invalid::new("kind", "must not be attendance, which is what is measured"));
            }
            Self::Unlock { kind, points: 0, .. } => Self::Unlock { kind, points: 0, days: 0 },
            Self::Unlock { points, .. } if !(50..=100).contains(&points) => {
                return Err(Invalid::new("points", "must lie between 50 and 100, or be 0 for no condition"));
            }
            Self::Unlock { days, .. } if !(1..=UNLOCK_DAYS_MAX).contains(&days) => {
                return Err(Invalid::new("days", "must be at least 1 and at most 15 school days"));
            }
            Self::Unlock { .. } => self,
        })
    }

    /// What it is about: a newer convention on the same topic takes the place of this one.
    pub fn topic(&self) -> String {
        match self {
            Self::Code { code, .. } => format!("code {code}"),
            Self::Subject { word, .. } => format!("subject {}", plain(word)),
            Self::Scale { kind, subject, .. } => format!("scale {kind:?} {}", plain(subject)),
            Self::Answer { question, .. } => format!("question {}", question.as_str()),
            Self::Unlock { kind, .. } => format!("unlock {}", kind.as_str()),
        }
    }
}

/// One line of text, trimmed.
fn line(field: &'static str, text: &str, most: usize) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most {
        return Err(Invalid::new(field, "must be one line that isn’t empty and not too long"));
    }
    match text.chars().any(|c| c.is_control() || is_direction_mark(c)) {
        true => Err(Invalid::new(field, "must not hold line breaks, control characters or direction marks")),
        false => Ok(text.to_owned()),
    }
}

/// A name as it is compared: lower case, letters and digits alone, words apart by one space.
pub fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty() && *word != "and");
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_agreed_is_trimmed_checked_and_replaced_by_what_is_newer_on_the_same() {
        let maths = Says::Subject {
            word: " Mathematics ".to_owned(),
            also: vec!["Maths".to_owned(), String::new(), "Mathematics".to_owned(), "Maths".to_owned()],
        };
        let checked = maths.check().unwrap();
        assert_eq!(checked, Says::Subject { word: "Mathematics".to_owned(), also: vec!["Maths".to_owned()] });
        let other = Says::Subject { word: "MATHEMATICS".to_owned(), also: Vec::new() };
        assert_eq!(checked.topic(), other.topic(), "one subject, however it is written");
        let error = |says: Says| says.check().unwrap_err().to_string();
        let code = |code: &str| Says::Code { code: code.to_owned(), means: Physical::Late };
        assert!(error(code("")).contains("code"), "an empty code");
        assert!(error(code("L\nL")).contains("line breaks"), "two lines");
        let text = "x".repeat(401);
        assert!(error(Says::Answer { question: Question::Attempts, text }).contains("text"), "too long");
        assert_ne!(code("L").topic(), code("l").topic(), "codes differ by case");
        let unlock = |kind, points, days| Says::Unlock { kind, points, days };
        assert!(error(unlock(RecordKind::Attendance, 90, 10)).contains("kind"));
        assert!(error(unlock(RecordKind::Behaviour, 49, 10)).contains("points"));
        assert!(error(unlock(RecordKind::Behaviour, 90, 16)).contains("days"));
        let off = unlock(RecordKind::Behaviour, 0, 7).check().unwrap();
        assert_eq!(off, unlock(RecordKind::Behaviour, 0, 0), "no condition has no days");
        assert_eq!(off.topic(), unlock(RecordKind::Behaviour, 90, 10).topic(), "a newer one takes its place");
    }
}
