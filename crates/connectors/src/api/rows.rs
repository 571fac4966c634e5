//! Looking into answers: the rows of an envelope, one scalar at a path.

use super::ApiFault;
use crate::{
    json::{Cursor, Records, Value},
    text::Utf8,
};

/// The scalar at a dotted path of a JSON object; `None` if there is none, or it is null.
pub fn scalar(json: &str, path: &str) -> Option<String> {
    let mut cursor = Cursor::new(json);
    let mut keys = path.split('.').peekable();
    if cursor.value().ok()? != Value::Object {
        return None;
    }
    let mut wanted = keys.next()?;
    let mut first = true;
    loop {
        let key = match cursor.key(first).ok()?? {
            Value::Text(key) => key == wanted,
            _ => cursor.unescaped() == wanted,
        };
        first = false;
        let value = cursor.value().ok()?;
        match (key, value, keys.peek()) {
            (true, Value::Object, Some(_)) => {
                wanted = keys.next()?;
                first = true;
            }
            (true, Value::Text(text) | Value::Plain(text), None) => return Some(text.to_owned()),
            (true, Value::Escaped, None) => return Some(cursor.unescaped().to_owned()),
            (true, ..) => return None,
            (false, value, _) => cursor.skip(&value, 64).ok()?,
        }
    }
}

/// The id of a row: its `id`, or what stands at another path.
pub fn id_of(json: &str, path: &str) -> Option<String> {
    scalar(json, path).filter(|id| !id.is_empty())
}

/// Gives each row of an answer, in one line. `path` leads to the list; `None` if the answer is the list.
pub fn each(
    body: &str,
    path: Option<&str>,
    give: &mut dyn FnMut(&str) -> Result<(), ApiFault>,
) -> Result<u64, ApiFault> {
    let mut bytes = body.as_bytes();
    if path.is_none() && !body.trim_start().starts_with('[') {
        let fix = "the answer is no list, so it was not taken for an empty one; ask the vendor what it means";
        return Err(ApiFault::new("API-ENVELOPE", fix));
    }
    let mut records = Records::open(Utf8::stream(&mut bytes), path);
    let mut n = 0;
    let told = |fault: crate::FileFault| match fault.rule() {
        "JSON-ENVELOPE" => ApiFault::new(
            "API-ENVELOPE",
            "the MIS answered that all is well, but without the list that was asked for; it was not taken for an empty \
             one. Ask the vendor, or look whether the address is right",
        ),
        _ => ApiFault::from(fault),
    };
    let mut line = String::new();
    while let Some((_, row)) = records.next().map_err(told)? {
        n += 1;
        // Line ends inside of texts are always escaped, so these are between the parts of a pretty row.
        if row.contains(['\n', '\r']) {
            line.clear();
            line.extend(row.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
            give(&line)?;
        } else {
            give(row)?;
        }
    }
    Ok(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_is_found_at_its_path_and_nowhere_else() {
        let json =
            r#"{"x":{"next":"no"},"meta":{"pagination":{"more":true,"next":"https:\/\/a\/b"}},"id":7}"#;
        assert_eq!(scalar(json, "meta.pagination.next").as_deref(), Some("https://a/b"));
        assert_eq!(scalar(json, "id").as_deref(), Some("7"));
        assert_eq!(scalar(json, "meta.next"), None);
        assert_eq!(scalar(json, "meta"), None);
    }
}
