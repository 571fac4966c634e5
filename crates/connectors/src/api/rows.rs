//! Looking into answers: the rows of an envelope, one scalar at a path, what says that there is more.

use super::ApiFault;
use crate::{
    json::{Broken, Cursor, Records, Value},
    text::Utf8,
};

/// How deep members that tell of a list may lie beside it.
const BESIDE: usize = 3;
/// How deep what is passed over may be nested.
const DEPTH_MAX: usize = 1_000;

/// Names of members that lead to the next page, in small letters and digits alone.
const NEXT: [&str; 8] =
    ["next", "nextpage", "nextlink", "nextcursor", "odatanextlink", "hasmore", "more", "hasnext"];
/// Those that count the rows.
const TOTAL: [&str; 7] =
    ["total", "totalcount", "totalitems", "totalresults", "count", "totalrecords", "totalrows"];
/// Those that count the pages.
const PAGES: [&str; 4] = ["totalpages", "pagecount", "lastpage", "pages"];

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

/// The name of a member beside the rows of an answer that says that there are more rows than so many. Rows are not looked into.
///
/// # Errors
/// The answer can't be read to its end.
pub fn tells_more(body: &str, rows: u64) -> Result<Option<String>, ApiFault> {
    let mut cursor = Cursor::new(body);
    let told = match cursor.value() {
        Ok(Value::Object) => more_within(&mut cursor, rows, BESIDE),
        other => other.map(|_| None),
    };
    told.map_err(|_| {
        let fix = "the answer is no JSON that can be read to its end, so nothing of it was taken; ask the vendor what it means";
        ApiFault::new("API-ENVELOPE", fix)
    })
}

/// Reads an object behind its opening to its end, or to the member that says so.
fn more_within(cursor: &mut Cursor<'_>, rows: u64, deep: usize) -> Result<Option<String>, Broken> {
    let mut first = true;
    while let Some(key) = cursor.key(first)? {
        first = false;
        let name = match key {
            Value::Text(key) => key.to_owned(),
            _ => cursor.unescaped().to_owned(),
        };
        let plain: String =
            name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let leads = NEXT.contains(&plain.as_str());
        let value = cursor.value()?;
        let is_more = match &value {
            Value::Null => false,
            Value::Object if deep > 0 && !leads => {
                if let Some(found) = more_within(cursor, rows, deep - 1)? {
                    return Ok(Some(found));
                }
                false
            }
            Value::Object | Value::List => {
                cursor.skip(&value, DEPTH_MAX)?;
                leads && value == Value::Object
            }
            Value::Text(text) | Value::Plain(text) => says_more(&plain, text, rows),
            Value::Escaped => says_more(&plain, cursor.unescaped(), rows),
        };
        if is_more {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// True if a scalar of this name says so.
fn says_more(name: &str, text: &str, rows: u64) -> bool {
    let number = text.parse::<u64>().unwrap_or(0);
    NEXT.contains(&name) && !matches!(text, "" | "0" | "false")
        || TOTAL.contains(&name) && number > rows
        || PAGES.contains(&name) && number > 1
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

    #[test]
    fn what_says_that_there_is_more_is_seen_beside_the_rows_and_not_in_them() {
        for (beside, more) in [
            (r#""next":null"#, false),
            (r#""next":"""#, false),
            (r#""next":"https://x""#, true),
            (r#""next":"https:\/\/x""#, true),
            (r#""_links":{"next":{"href":"x"}}"#, true),
            (r#""@odata.nextLink":"x""#, true),
            (r#""meta":{"hasMore":true}"#, true),
            (r#""meta":{"total":1}"#, false),
            (r#""meta":{"total_count":2}"#, true),
            (r#""total":"2""#, true),
            (r#""totalPages":3"#, true),
            (r#""count":1,"more":false"#, false),
            (r#""hasMore":0"#, false),
            (r#""others":[{"next":"x","total":9}]"#, false),
        ] {
            for body in
                [format!(r#"{{"rows":[{{"next":"x"}}],{beside}}}"#), format!(r#"{{{beside},"rows":[{{}}]}}"#)]
            {
                assert_eq!(tells_more(&body, 1).unwrap().is_some(), more, "{body}");
            }
        }
        assert_eq!(tells_more(r#"[{"next":"x"}]"#, 1).unwrap(), None);
        assert!(tells_more(r#"{"rows":[],"total":01}"#, 0).is_err(), "what can't be read says nothing");
    }
}
