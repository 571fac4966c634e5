//! Rust source with comments and texts blanked out, so that a check reads code and nothing else.

/// The source, byte for byte as long, with every comment, string and character literal turned into spaces.
pub fn code_only(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        match end {
            Some(end) => {
                code[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
                at = end;
            }
            // A name is passed as a whole, so that the `r` of `var"` is no raw string.
            None => at += bytes[at..].iter().take_while(|byte| is_word(**byte)).count().max(1),
        }
    }
    String::from_utf8_lossy(&code).into_owned()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The end of the comment or literal that begins here, if one does.
fn literal_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let find = |what: &[u8], from: usize| {
        rest[from..]
            .windows(what.len())
            .position(|w| w == what)
            .map_or(bytes.len(), |p| at + from + p + what.len())
    };
    match rest {
        [b'/', b'/', ..] => Some(rest.iter().position(|b| *b == b'\n').map_or(bytes.len(), |p| at + p)),
        [b'/', b'*', ..] => Some(find(b"*/", 2)),
        [b'"', ..] => Some(at + quoted(rest, 0)),
        [b'b', b'"', ..] => Some(at + quoted(rest, 1)),
        [b'r', ..] | [b'b', b'r', ..] => {
            let start = 1 + usize::from(rest[0] == b'b');
            let hashes = rest[start..].iter().take_while(|b| **b == b'#').count();
            let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
            (rest.get(start + hashes) == Some(&b'"')).then(|| find(&close, start + hashes + 1))
        }
        // A lifetime has no closing quote two or three bytes on.
        [b'\'', b'\\', ..] => Some(find(b"'", 3)),
        [b'\'', ..] => rest[1..]
            .iter()
            .take(5)
            .skip(1)
            .position(|b| *b == b'\'')
            .filter(|p| is_char(&rest[1..p + 2]))
            .map(|p| at + p + 3),
        _ => None,
    }
}

/// Exactly one character, however many bytes it has.
fn is_char(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().count() == 1)
}

/// The length of a string that opens at `open`, with its escapes.
fn quoted(rest: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while at < rest.len() && rest[at] != b'"' {
        at += 1 + usize::from(rest[at] == b'\\');
    }
    (at + 1).min(rest.len())
}

/// Where in the code something is compiled for Unix only: byte ranges of the items behind `#[cfg(unix)]`.
pub fn unix_only(code: &str) -> Vec<std::ops::Range<usize>> {
    code.match_indices("#[cfg(unix)]").map(|(at, mark)| at..item_end(code, at + mark.len())).collect()
}

/// The end of the item or statement that begins here: its `;` or the brace that closes it.
fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth -= 1;
                if depth < 0 || (depth == 0 && byte == b'}') {
                    return at + 1;
                }
            }
            b';' | b',' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[test]
fn texts_and_comments_are_not_code() {
    let source = "let a = \"todo!\\\" {\"; // libc::x\nlet b: &'static str = r#\"x\"y\"#; let c = '{'; /* { */ let var = b\"{\";";
    let code = code_only(source);
    assert_eq!(code.len(), source.len());
    assert!(!code.contains('{') && !code.contains("libc") && !code.contains("todo"), "{code}");
    assert!(
        code.contains("&'static str =") && code.contains("let c =") && code.contains("let var ="),
        "{code}"
    );
}

#[test]
fn what_stands_behind_a_cfg_ends_with_its_item() {
    let code = "#[cfg(unix)]\nfn a() { b(x); }\nfn c() {}\n#[cfg(unix)]\nuse std::os::unix::d;\nfn e() {}";
    let inside: Vec<&str> = unix_only(code).into_iter().map(|range| &code[range]).collect();
    assert_eq!(inside, ["#[cfg(unix)]\nfn a() { b(x); }", "#[cfg(unix)]\nuse std::os::unix::d;"]);
}
