//! Which lists of objects lie in JSON, and where: for whoever doesn't know the file yet.

use super::cursor::{Broken, Cursor, Value};
use crate::{connector::ReadSeek, mapping::JsonRows};
use std::{collections::BTreeMap, io::Read};

/// Bytes of a file that are looked at.
const LOOKED_AT: u64 = 4 << 20;
/// Objects inside each other that are looked into.
const DEPTH_MAX: usize = 16;
/// Lists that are told.
const LISTS_MAX: usize = 12;
/// Bytes of a key that may be part of a place; what stands under a longer one is passed over.
const KEY_MAX: usize = 128;
/// Places that are counted.
const PLACES_MAX: usize = 256;

/// Where a list was found: its path in the envelope, and that of a list inside its rows.
type Place = (String, Option<String>);

/// What was found: places of lists, each with its objects.
#[derive(Default)]
struct Found {
    places: BTreeMap<Place, usize>,
    objects: Vec<usize>,
}

impl Found {
    /// The number under which a place is counted; `None` where there are more of them than in any honest file.
    fn place(&mut self, place: Place) -> Option<usize> {
        let next = self.objects.len();
        if next == PLACES_MAX {
            return self.places.get(&place).copied();
        }
        let number = *self.places.entry(place).or_insert(next);
        if number == next {
            self.objects.push(0);
        }
        Some(number)
    }

    /// One more object stands there.
    fn count(&mut self, number: usize) {
        if let Some(objects) = self.objects.get_mut(number) {
            *objects += 1;
        }
    }

    /// All places, each with how many objects stand there.
    fn all(self) -> impl Iterator<Item = (usize, String, Option<String>)> {
        let Self { places, objects } = self;
        places.into_iter().filter_map(move |((rows, each), number)| match objects.get(number) {
            None | Some(0) => None,
            Some(count) => Some((*count, rows, each)),
        })
    }
}

/// Where rows may lie, those with the most objects first. Nothing for what is no JSON.
///
/// # Errors
/// The file can't be read.
pub fn lists(reader: &mut dyn ReadSeek) -> std::io::Result<Vec<JsonRows>> {
    let mut bytes = Vec::new();
    reader.take(LOOKED_AT).read_to_end(&mut bytes)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    // The end may be cut off in the midst of a letter, and is cut off in the midst of a value.
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut found = Found::default();
    let mut cursor = Cursor::new(text);
    let _ = roots(&mut cursor, &mut found);
    let mut all: Vec<(usize, String, Option<String>)> = found.all().collect();
    all.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let most = all.first().map_or(0, |(count, ..)| *count);
    // What has next to no objects beside another is an envelope's own matter.
    let kept = all.into_iter().filter(|(count, ..)| count * 10 >= most).take(LISTS_MAX);
    Ok(kept
        .map(|(_, rows, each)| JsonRows { rows: Some(rows).filter(|rows| !rows.is_empty()), each })
        .collect())
}

/// The text is a list, an envelope, or objects one behind the other.
fn roots(cursor: &mut Cursor<'_>, found: &mut Found) -> Result<(), Broken> {
    let lines = {
        let mut ahead = cursor.clone();
        let first = ahead.value()?;
        first == Value::Object && ahead.skip(&first, 4 * DEPTH_MAX).is_ok() && !ahead.is_done()
    };
    let mut path = Vec::new();
    if !lines {
        let root = cursor.value()?;
        return walk(cursor, &root, &mut path, None, found);
    }
    let lines = found.place((String::new(), None));
    while !cursor.is_done() {
        let row = cursor.value()?;
        lines.into_iter().for_each(|place| found.count(place));
        walk(cursor, &row, &mut path, Some(0), found)?;
    }
    Ok(())
}

/// Looks into a value. `row` is how much of the path leads to the list of rows, once there is one.
fn walk(
    cursor: &mut Cursor<'_>,
    value: &Value<'_>,
    path: &mut Vec<String>,
    row: Option<usize>,
    found: &mut Found,
) -> Result<(), Broken> {
    if path.len() >= DEPTH_MAX {
        return cursor.skip(value, 4 * DEPTH_MAX);
    }
    match value {
        Value::Object => {
            let mut first = true;
            while let Some(key) = cursor.key(first)? {
                first = false;
                let key = match &key {
                    Value::Text(key) => key,
                    _ => cursor.unescaped(),
                };
                let key = (key.len() <= KEY_MAX).then(|| key.to_owned());
                let inner = cursor.value()?;
                let Some(key) = key else {
                    cursor.skip(&inner, 4 * DEPTH_MAX)?;
                    continue;
                };
                path.push(key);
                walk(cursor, &inner, path, row, found)?;
                path.pop();
            }
        }
        Value::List => {
            // A key with a full stop can't be told from a path.
            let is_named = !path.iter().any(|key| key.contains('.'));
            let mut place = None;
            let mut first = true;
            while cursor.element(first)? {
                first = false;
                let element = cursor.value()?;
                if element != Value::Object || !is_named {
                    cursor.skip(&element, 4 * DEPTH_MAX)?;
                    continue;
                }
                // The same for all of its objects.
                let number = *place.get_or_insert_with(|| {
                    let of = row.unwrap_or(path.len());
                    found.place((path[..of].join("."), row.map(|of| path[of..].join("."))))
                });
                let Some(number) = number else {
                    cursor.skip(&element, 4 * DEPTH_MAX)?;
                    continue;
                };
                found.count(number);
                match row {
                    None => walk(cursor, &element, path, Some(path.len()), found)?,
                    Some(_) => cursor.skip(&element, 4 * DEPTH_MAX)?,
                }
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(Option<String>, Option<String>)> {
        let lists = lists(&mut std::io::Cursor::new(text.as_bytes())).unwrap();
        lists.into_iter().map(|list| (list.rows, list.each)).collect()
    }

    #[test]
    fn rows_are_found_in_a_list_in_lines_and_in_envelopes() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(found(r#"[{"a":1},{"a":2}]"#), [(None, None)]);
        assert_eq!(found("{\"a\":1}\n{\"a\":2}\n"), [(None, None)]);
        assert_eq!(
            found(r#"{"meta":{"n":2},"data":{"rows":[{"a":1},{"a":2}]}}"#),
            [(some("data.rows"), None)]
        );
        assert_eq!(
            found(r#"{"days":[{"day":"x","marks":[{"m":1},{"m":2}]}]}"#),
            [(some("days"), some("marks")), (some("days"), None)]
        );
        // What is cut off, what has no objects, and what is none.
        assert_eq!(found(r#"{"data":[{"a":1},{"a":2},{"a""#), [(some("data"), None)]);
        assert!(found(r#"[["a","b"],[1,2]]"#).is_empty() && found("a,b\n1,2\n").is_empty());
    }

    #[test]
    fn keys_without_end_and_lists_without_number_are_not_kept() {
        let (long, lists) = ("k".repeat(64 << 10), 5_000);
        let named = |at: usize| format!("\"a{at}\":[{{}}]");
        let many = |name: &str| {
            let all: Vec<String> = (0..lists).map(named).collect();
            format!("{{\"{name}\":{{{}}},\"data\":[{{\"m\":[{{}},{{}}]}}]}}", all.join(","))
        };
        for (text, places) in [(many(&long), 2), (many("short"), PLACES_MAX)] {
            let mut noted = Found::default();
            roots(&mut Cursor::new(&text), &mut noted).unwrap();
            let kept: Vec<usize> =
                noted.all().map(|(_, rows, each)| rows.len() + each.map_or(0, |each| each.len())).collect();
            assert_eq!(kept.len(), places);
            let kept: usize = kept.iter().sum();
            assert!(kept < 256 << 10, "{kept} bytes for places alone");
        }
        // What stands behind a key that nobody would name is still found.
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(found(&many(&long)), [(some("data"), some("m")), (some("data"), None)]);
    }
}
