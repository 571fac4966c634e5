//! A fault in a policy set: which file, which line, what is wrong.

use std::fmt;

/// One fault, or one warning that is treated as a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file's name.
    pub file: String,
    /// Line, from 1; 0 if the fault concerns the file as a whole.
    pub line: usize,
    /// Column in characters, from 1; 0 if the fault concerns the file as a whole.
    pub column: usize,
    /// What is wrong, and where Cedar knows it, what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message } = self;
        match line {
            0 => write!(f, "{file}: {message}"),
            _ => write!(f, "{file}:{line}:{column}: {message}"),
        }
    }
}

impl Finding {
    /// A fault of a whole file.
    pub(crate) fn whole(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: 0, column: 0, message: message.into() }
    }

    /// A fault at a byte offset of a file's text.
    pub(crate) fn at(file: &str, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Self { file: file.to_owned(), line, column, message: message.into() }
    }

    /// The faults in one of Cedar's diagnostics, whose spans count from `base` in the file's text.
    pub(crate) fn from_cedar(
        file: &str,
        text: &str,
        base: usize,
        fault: &dyn miette::Diagnostic,
    ) -> Vec<Self> {
        let offset = fault.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
        let mut message = fault.to_string().replace('\n', " ");
        if let Some(help) = fault.help() {
            message = format!("{message} ({help})");
        }
        let first = match offset {
            Some(offset) => Self::at(file, text, base + offset, message),
            None => Self::at(file, text, base, message),
        };
        let related = fault.related().into_iter().flatten();
        [first].into_iter().chain(related.flat_map(|more| Self::from_cedar(file, text, base, more))).collect()
    }
}
