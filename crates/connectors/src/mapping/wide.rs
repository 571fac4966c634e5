//! Marksheets with a column for each assessment, of which nobody knows beforehand how many there are.

use super::{MappingError, WideResult};
use commonroll_core::record::assessment::GradeKind;
use serde::Deserialize;

/// Columns whose captions look alike and each hold a grade.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wide {
    /// What their captions look like: text with `{subject}`, `{title}` or `{result_set}` in it, and `*` for anything.
    pub columns: String,
    /// Scale.
    pub scale: String,
    /// Version of the scale.
    #[serde(default = "first_version")]
    pub scale_version: String,
    /// What the grades claim.
    pub kind: GradeKind,
    /// Subject, if neither the caption nor a field says it.
    pub subject: Option<String>,
    /// Collection or result set, if neither the caption nor a field says it.
    pub result_set: Option<String>,
    /// Date of the results, as YYYY-MM-DD, if it isn't a field of the row.
    pub date: Option<String>,
}

fn first_version() -> String {
    "1".to_owned()
}

const PARTS: [(&str, Part); 4] = [
    ("{subject}", Part::Subject),
    ("{title}", Part::Title),
    ("{result_set}", Part::ResultSet),
    ("*", Part::Anything),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Subject,
    Title,
    ResultSet,
    Anything,
}

impl Wide {
    pub(super) fn check(&self) -> Result<(), MappingError> {
        let (_, parts) = self.parts();
        if parts.is_empty() {
            let fix =
                "must have {subject}, {title}, {result_set} or * in it, such as \"{subject} - {result_set}\"";
            return Err(MappingError::setting("wide.columns", fix));
        }
        if parts.iter().rev().skip(1).any(|(_, between)| between.is_empty()) {
            return Err(MappingError::setting("wide.columns", "needs some text between its parts"));
        }
        Ok(())
    }

    /// The text before the first part, and each part with the text behind it.
    fn parts(&self) -> (&str, Vec<(Part, &str)>) {
        let first = |text: &str| {
            let found =
                PARTS.iter().filter_map(|(name, part)| text.find(name).map(|at| (at, name.len(), *part)));
            found.min_by_key(|(at, ..)| *at)
        };
        let Some((at, ..)) = first(&self.columns) else { return (&self.columns, Vec::new()) };
        let (before, mut rest) = self.columns.split_at(at);
        let mut parts = Vec::new();
        while let Some((_, length, part)) = first(rest) {
            let behind = &rest[length..];
            let end = first(behind).map_or(behind.len(), |(at, ..)| at);
            parts.push((part, &behind[..end]));
            rest = &behind[end..];
        }
        (before, parts)
    }

    /// The result that a column of this caption holds; `None` if it doesn't look like one.
    pub(crate) fn result(&self, caption: &str) -> Option<WideResult> {
        let (before, parts) = self.parts();
        let mut rest = caption.strip_prefix(before)?;
        let mut result = WideResult {
            column: caption.to_owned(),
            title: None,
            scale: self.scale.clone(),
            scale_version: self.scale_version.clone(),
            kind: self.kind,
            subject: self.subject.clone(),
            result_set: self.result_set.clone(),
            date: self.date.clone(),
        };
        for (at, (part, behind)) in parts.iter().enumerate() {
            let end = match at + 1 == parts.len() {
                true => {
                    rest.len().checked_sub(behind.len()).filter(|end| rest.get(*end..) == Some(behind))?
                }
                false => rest.find(behind)?,
            };
            let text = rest.get(..end)?.trim();
            let place = match part {
                Part::Subject => &mut result.subject,
                Part::Title => &mut result.title,
                Part::ResultSet => &mut result.result_set,
                Part::Anything => {
                    rest = &rest[end + behind.len()..];
                    continue;
                }
            };
            if text.is_empty() {
                return None;
            }
            *place = Some(text.to_owned());
            rest = &rest[end + behind.len()..];
        }
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::Wide;

    fn read(columns: &str, caption: &str) -> Option<(Option<String>, Option<String>, Option<String>)> {
        let text = format!("columns = '{columns}'\nscale = 's'\nkind = 'mock'");
        let wide: Wide = toml::from_str(&text).unwrap();
        wide.check().unwrap();
        wide.result(caption).map(|result| (result.subject, result.title, result.result_set))
    }

    #[test]
    fn captions_are_taken_apart_as_the_pattern_says() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            read("{subject} - {result_set}", "Maths - Y12 Aut1"),
            Some((some("Maths"), None, some("Y12 Aut1")))
        );
        assert_eq!(read("Y12 {title}", "Y12 Mock"), Some((None, some("Mock"), None)));
        assert_eq!(read("{title} (*)", "Essay (of 20)"), Some((None, some("Essay"), None)));
        assert_eq!(read("{subject} - {result_set}", "Maths"), None);
        assert_eq!(read("{subject} - {result_set}", " - x"), None);
        assert_eq!(read("*", "Anything"), Some((None, None, None)));
        assert_eq!(read("{title}é", "é"), None);
    }
}
