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

/// What was found: paths of lists in the envelope, and of lists inside their rows, each with its objects.
#[derive(Default)]
struct Found {
    rows: BTreeMap<String, usize>,
    each: BTreeMap<(String, String), usize>,
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
    let rows = found.rows.into_iter().map(|(rows, count)| (count, rows, None));
    let each = found.each.into_iter().map(|((rows, each), count)| (count, rows, Some(each)));
    let mut all: Vec<(usize, String, Option<String>)> = rows.chain(each).collect();
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
    while !cursor.is_done() {
        let row = cursor.value()?;
        *found.rows.entry(String::new()).or_default() += 1;
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
                let key = match key {
                    Value::Text(key) => key.to_owned(),
                    _ => cursor.unescaped().to_owned(),
                };
                path.push(key);
                let inner = cursor.value()?;
                walk(cursor, &inner, path, row, found)?;
                path.pop();
            }
        }
        Value::List => {
            let mut first = true;
            while cursor.element(first)? {
                first = false;
                let element = cursor.value()?;
                // A key with a full stop can't be told from a path.
                if element != Value::Object || path.iter().any(|key| key.contains('.')) {
                    cursor.skip(&element, 4 * DEPTH_MAX)?;
                    continue;
                }
                match row {
                    None => {
                        *found.rows.entry(path.join(".")).or_default() += 1;
                        let of = path.len();
                        walk(cursor, &element, path, Some(of), found)?;
                    }
                    Some(of) => {
                        let place = (path[..of].join("."), path[of..].join("."));
                        *found.each.entry(place).or_default() += 1;
                        cursor.skip(&element, 4 * DEPTH_MAX)?;
                    }
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
}
