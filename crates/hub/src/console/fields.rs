//! What a form sends, read with bounds: few fields, short values, text that is UTF-8.

use std::collections::BTreeMap;

/// Bytes of a form.
pub(super) const FORM_BYTES: usize = 64 * 1024;
/// Fields of a form.
const FIELDS: usize = 2_000;

/// The fields of a form or of an address, by name. Of a field that comes twice the first value counts.
#[derive(Clone, Default)]
pub(super) struct Fields(BTreeMap<String, String>);

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fields({})", self.0.len())
    }
}

impl Fields {
    /// Reads what a form or the part of an address behind `?` says. `None` if it says too much.
    pub fn read(text: &[u8]) -> Option<Self> {
        if text.len() > FORM_BYTES {
            return None;
        }
        let mut fields = Self::default();
        for (count, (name, value)) in form_urlencoded::parse(text).enumerate() {
            if count >= FIELDS {
                return None;
            }
            fields.0.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Some(fields)
    }

    /// The one value of a field, trimmed; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }
}

/// An address of this console to go on to: a path, and nothing that could lead elsewhere. Else the beginning.
pub(super) fn onward(to: &str) -> &str {
    let path = to.strip_prefix('/').filter(|rest| !rest.starts_with(['/', '\\']));
    let plain = to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') && to.len() <= 200;
    if path.is_some() && plain { to } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_within_the_console_alone() {
        for good in ["/", "/learners/7", "/log?page=2"] {
            assert_eq!(onward(good), good);
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/a b",
            "/\u{e9}",
            "/a\r\nb",
        ] {
            assert_eq!(onward(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn a_form_is_read_within_bounds() {
        let fields = Fields::read(b"role=head&note=+a%20b+&role=teacher").unwrap();
        assert_eq!((fields.get("role"), fields.get("note"), fields.get("else")), ("head", "a b", ""));
        assert!(Fields::read(&vec![b'a'; FORM_BYTES + 1]).is_none());
        assert!(Fields::read("a&".repeat(FIELDS + 1).as_bytes()).is_none());
    }
}
