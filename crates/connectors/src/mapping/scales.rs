//! Scales of grades that a mapping names and this program doesn't know: most often a name that was mistyped or made up.
//!
//! Grades on such a scale go their way as they stand, since a consortium may have agreed on a scale of its own; so this is something to
//! tell whoever wrote the mapping, and no fault. A scale that stands in a column is data, and isn't looked at here.

use super::{Columns, FieldSpec, Format, Mapping};
use commonroll_core::grades::{SCALES, find};
use std::collections::BTreeSet;

/// Known scales that are named beside an unknown one.
const OFFERED: usize = 3;

/// Id and version; the version is `None` where a column says it.
type Named<'a> = (&'a str, Option<&'a str>);

impl Mapping {
    /// A sentence for each scale that it names and nobody may know, with those that are called much the same.
    pub fn unknown_scales(&self) -> Vec<String> {
        let Format::Table(_, columns) = &self.format else { return Vec::new() };
        named(columns).into_iter().filter(|one| !is_known(*one)).map(told).collect()
    }
}

fn named(columns: &Columns) -> BTreeSet<Named<'_>> {
    let side_by_side = columns.result.iter().map(|one| (&*one.scale, Some(&*one.scale_version)));
    let alike = columns.wide.iter().map(|wide| (&*wide.scale, Some(&*wide.scale_version)));
    let mut all: BTreeSet<Named<'_>> = side_by_side.chain(alike).collect();
    let version = match columns.fields.get("scale_version") {
        // As rows without one are read.
        None => Some("1"),
        Some(FieldSpec::Source(source)) => source.constant.as_deref(),
        Some(FieldSpec::Column(_)) => None,
    };
    if let Some(FieldSpec::Source(scale)) = columns.fields.get("scale") {
        let meant = scale.values.iter().flat_map(|values| values.values());
        all.extend(scale.constant.iter().chain(&scale.other).chain(meant).map(|id| (&**id, version)));
    }
    all
}

fn is_known((id, version): Named<'_>) -> bool {
    match version {
        Some(version) => find(id, version).is_some(),
        None => find(id, "1").is_some() || SCALES.iter().any(|scale| scale.id() == id),
    }
}

fn told((id, version): Named<'_>) -> String {
    let mut near: Vec<(usize, String)> = SCALES
        .iter()
        .map(|scale| (apart(scale.id(), id), format!("{} version {}", scale.id(), scale.version())))
        .collect();
    near.sort();
    // One that is called the same is meant, in another version.
    let is_close = |nearest: usize, of: usize| nearest > 0 || of == 0;
    let nearest = near.first().map_or(0, |(of, _)| *of);
    let names: Vec<String> = near
        .into_iter()
        .filter(|(of, _)| is_close(nearest, *of))
        .take(OFFERED)
        .map(|(_, name)| name)
        .collect();
    let version = version.map_or(String::new(), |version| format!(" version {version}"));
    format!(
        "nobody may know the grade scale `{id}`{version}: its grades are passed on as they stand, and nobody can set them beside others. Near to it are {}; \
         raw marks are raw-0- with the most that can be had. Leave it only if your consortium has agreed on it",
        names.join(", ")
    )
}

/// How many letters have to be changed, put in or left out to make one of the other, whatever their case.
fn apart(one: &str, other: &str) -> usize {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, c) in one.chars().enumerate() {
        let mut corner = at;
        let mut left = at + 1;
        for (cell, of) in row.iter_mut().skip(1).zip(&other) {
            let change = corner + usize::from(c != *of);
            corner = *cell;
            left = change.min(corner + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(scale: &str) -> Vec<String> {
        let text = format!(
            "format = \"delimited\"\nrows = \"assessment\"\n[fields]\nlearner = \"Id\"\ndate = \"Date\"\ngrade = \"Grade\"\n\
             subject = \"Subject\"\nkind = {{ const = \"mock\" }}\n{scale}\n"
        );
        text.parse::<Mapping>().unwrap().unknown_scales()
    }

    #[test]
    fn a_scale_that_is_made_up_is_told_with_those_that_are_called_much_the_same() {
        let version = "scale_version = { const = \"2024\" }";
        assert!(told_of(&format!("scale = {{ const = \"gcse-9-1\" }}\n{version}")).is_empty());
        assert!(told_of("scale = { const = \"raw-0-45\" }").is_empty());
        assert!(told_of("scale = \"Scale\"").is_empty(), "what a column says isn't the mapping's");
        let mistyped = told_of(&format!("scale = {{ const = \"gsce-9-1\" }}\n{version}"));
        assert!(
            mistyped.len() == 1 && mistyped[0].contains("Near to it are gcse-9-1 version 2024"),
            "{mistyped:?}"
        );
        let unversioned = told_of("scale = { const = \"gcse-9-1\" }");
        let says = "scale `gcse-9-1` version 1: its grades are passed on as they stand, and nobody can set them beside others. Near to it are gcse-9-1 \
                    version 2024;";
        assert!(unversioned.len() == 1 && unversioned[0].contains(says), "{unversioned:?}");
        let by_word =
            "scale = { column = \"Q\", values = { \"GCSE\" = \"gcse-9-1\", \"Ours\" = \"house-scale\" } }";
        let by_word = told_of(&format!("{by_word}\n{version}"));
        assert!(by_word.len() == 1 && by_word[0].contains("`house-scale`"), "{by_word:?}");
    }

    #[test]
    fn names_are_as_far_apart_as_letters_have_to_change() {
        for (one, other, far) in [
            ("", "", 0),
            ("abc", "ABC", 0),
            ("abc", "", 3),
            ("", "ab", 2),
            ("gcse", "gsce", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!((apart(one, other), apart(other, one)), (far, far), "{one} {other}");
        }
    }
}
