//! One JSON value, read from its beginning to its end: strict, without recursion of its own, numbers as they are written.

/// Something is no JSON.
#[derive(Debug)]
pub struct Broken;

/// What begins at a place.
#[derive(Debug, PartialEq, Eq)]
pub enum Value<'t> {
    /// `{`: its members follow, see [`Cursor::key`].
    Object,
    /// `[`: its elements follow, see [`Cursor::element`].
    List,
    /// A text that is written without escapes.
    Text(&'t str),
    /// A text that was written with escapes; it is in the cursor's [`Cursor::unescaped`].
    Escaped,
    /// A number or a truth, as it is written.
    Plain(&'t str),
    /// Nothing.
    Null,
}

/// A place in a text.
#[derive(Debug, Clone)]
pub struct Cursor<'t> {
    text: &'t str,
    at: usize,
    unescaped: String,
}

impl<'t> Cursor<'t> {
    /// At the beginning of a text.
    pub const fn new(text: &'t str) -> Self {
        Self { text, at: 0, unescaped: String::new() }
    }

    /// Bytes behind which it stands.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Bytes of the whole text.
    pub const fn len(&self) -> usize {
        self.text.len()
    }

    /// The text between two places.
    pub fn between(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The last text that was written with escapes.
    pub fn unescaped(&self) -> &str {
        &self.unescaped
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// True if nothing but blanks is left.
    pub fn is_done(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Reads what begins here. Of an object or a list, its opening alone.
    pub fn value(&mut self) -> Result<Value<'t>, Broken> {
        match self.peek().ok_or(Broken)? {
            b'{' => {
                self.at += 1;
                Ok(Value::Object)
            }
            b'[' => {
                self.at += 1;
                Ok(Value::List)
            }
            b'"' => Ok(self.string()?.map_or(Value::Escaped, Value::Text)),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null").map(|_| Value::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str) -> Result<Value<'t>, Broken> {
        let here = self.text.get(self.at..self.at + word.len()).filter(|here| *here == word).ok_or(Broken)?;
        self.at += word.len();
        Ok(Value::Plain(here))
    }

    fn number(&mut self) -> Result<Value<'t>, Broken> {
        let rest = &self.text[self.at..];
        let end =
            rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let number = &rest[..end];
        let digits = number.strip_prefix('-').unwrap_or(number);
        let starts_well =
            matches!(digits.as_bytes(), [b'0'] | [b'0', b'.' | b'e' | b'E', ..] | [b'1'..=b'9', ..]);
        let fraction =
            digits.split_once('.').is_none_or(|(_, behind)| behind.starts_with(|c: char| c.is_ascii_digit()));
        if !starts_well || !fraction || number.len() > 64 || number.parse::<f64>().is_err() {
            return Err(Broken);
        }
        self.at += end;
        Ok(Value::Plain(number))
    }

    /// Reads a string. `None` if it had escapes and is in [`Cursor::unescaped`] now.
    fn string(&mut self) -> Result<Option<&'t str>, Broken> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        loop {
            let found = memchr::memchr2(b'"', b'\\', bytes.get(at..).ok_or(Broken)?).ok_or(Broken)? + at;
            if bytes[found] == b'\\' {
                at = found + 2;
                continue;
            }
            let raw = &self.text[start..found];
            if raw.bytes().any(|byte| byte < 0x20) {
                return Err(Broken);
            }
            self.at = found + 1;
            if !raw.contains('\\') {
                return Ok(Some(raw));
            }
            self.unescaped.clear();
            unescape(raw, &mut self.unescaped)?;
            return Ok(None);
        }
    }

    /// The next member's key, behind its colon; `None` at the object's end. `first` is true right behind the opening.
    pub fn key(&mut self, first: bool) -> Result<Option<Value<'t>>, Broken> {
        if !self.goes_on(first, b'}')? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(Broken);
        }
        let key = self.string()?.map_or(Value::Escaped, Value::Text);
        if self.peek() != Some(b':') {
            return Err(Broken);
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// True if another element follows; false at the list's end. `first` is true right behind the opening.
    pub fn element(&mut self, first: bool) -> Result<bool, Broken> {
        self.goes_on(first, b']')
    }

    fn goes_on(&mut self, first: bool, end: u8) -> Result<bool, Broken> {
        let next = self.peek().ok_or(Broken)?;
        if next == end {
            self.at += 1;
            return Ok(false);
        }
        if first {
            return Ok(true);
        }
        if next != b',' {
            return Err(Broken);
        }
        self.at += 1;
        // A comma before the end is none of JSON's.
        if self.peek() == Some(end) { Err(Broken) } else { Ok(true) }
    }

    /// Passes over the rest of a value that began with this, at most `depth_max` deep.
    pub fn skip(&mut self, begun: &Value<'_>, depth_max: usize) -> Result<(), Broken> {
        let mut open: Vec<(bool, bool)> = match begun {
            Value::Object => vec![(true, true)],
            Value::List => vec![(false, true)],
            _ => return Ok(()),
        };
        while let Some((is_object, first)) = open.last_mut() {
            let more = match (*is_object, *first) {
                (true, first) => self.key(first)?.is_some(),
                (false, first) => self.element(first)?,
            };
            if !more {
                open.pop();
                continue;
            }
            *first = false;
            match self.value()? {
                Value::Object => open.push((true, true)),
                Value::List => open.push((false, true)),
                _ => {}
            }
            if open.len() > depth_max {
                return Err(Broken);
            }
        }
        Ok(())
    }
}

fn unescape(raw: &str, out: &mut String) -> Result<(), Broken> {
    let mut rest = raw;
    while let Some((plain, after)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = after.chars();
        let escape = chars.next().ok_or(Broken)?;
        rest = chars.as_str();
        match escape {
            '"' | '\\' | '/' => out.push(escape),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let high = unit(rest)?;
                rest = &rest[4..];
                let code = if (0xd800..0xdc00).contains(&high) {
                    let low = unit(rest.strip_prefix("\\u").ok_or(Broken)?)?;
                    rest = &rest[6..];
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(Broken);
                    }
                    0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    high
                };
                out.push(char::from_u32(code).ok_or(Broken)?);
            }
            _ => return Err(Broken),
        }
    }
    out.push_str(rest);
    Ok(())
}

fn unit(text: &str) -> Result<u32, Broken> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    u32::from_str_radix(digits.ok_or(Broken)?, 16).map_err(|_| Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reference_reader_takes_is_taken_and_what_it_refuses_is_refused() {
        for text in [
            "1",
            "-0",
            "0.5",
            "1e3",
            "01",
            "-",
            "1.",
            ".5",
            "+1",
            "true",
            "tru",
            "\"a\"",
            "\"a",
            "\"\\u00e9\\n\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\x\"",
            "\"\u{1}\"",
            "[]",
            "[1,2]",
            "[1,]",
            "[,1]",
            "{}",
            "{\"a\":1}",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            "[1 2]",
            "{\"a\":1 \"b\":2}",
            "null",
            "nul",
            "[[[]]]",
            "]",
        ] {
            let known = serde_json::from_str::<serde_json::Value>(text).is_ok();
            let mut cursor = Cursor::new(text);
            let ours = cursor.value().and_then(|value| cursor.skip(&value, 8)).is_ok() && cursor.is_done();
            assert_eq!(ours, known, "{text}");
        }
    }
}
