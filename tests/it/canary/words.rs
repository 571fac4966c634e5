//! The canaries: values that stand nowhere else, and the search for them in every form in which a program prints bytes.

use std::{collections::HashMap, fs, path::Path};

/// A value, and what it is of. Only the second is ever printed.
pub struct Canary {
    pub what: String,
    value: String,
}

pub const SURNAME: &str = "qsurname-featherstonehaugh";
pub const FORENAME: &str = "qforename-persephone";
pub const KNOWN_AS: &str = "qknownas-percy";
pub const UPN: &str = "F860400125001";
pub const ULN: &str = "9276308686";
pub const BIRTH: &str = "2009-02-17";
/// The same learner as the home, the host and a third know them.
pub const HOME_ID: &str = "qhomeid-77";
pub const HOST_ID: &str = "qhostid-78";
pub const OTHER_ID: &str = "qotherid-79";
pub const NOTE: &str = "qnotetext-bus-broke-down";
pub const SHARED: &str = "qsharetext-left-the-room";
pub const INTERNAL: &str = "qinternal-mother-phoned";
pub const COMMENT: &str = "qcomment-needs-to-read-more";
/// A grade that no scale knows travels as it was given.
pub const GRADE: &str = "qgrade-9";
pub const LABEL: &str = "qlabel-lateness";
pub const PLACE: &str = "qlocation-canteen";
pub const ACTION: &str = "qaction-detention";
pub const NEEDS: &str = "qneeds-large-print";
pub const STEP: &str = "qemergency-ring-the-aunt";
pub const PERSON: &str = "qperson-thistlewood";
pub const STAFF_ID: &str = "qstaffid-5";
/// What stands in rows and files that are refused.
pub const BAD: [&str; 6] =
    ["qbadmark-zz", "qbaddate-31", "qbadid-esc", "qbadxml-name", "qbadcaption-x", "qbadslug-nobody"];

/// What is personal wherever it stands outside of what was made to hold it.
pub fn personal() -> Vec<Canary> {
    let named = [
        ("surname", SURNAME),
        ("forename", FORENAME),
        ("known-as name", KNOWN_AS),
        ("UPN", UPN),
        ("ULN", ULN),
        ("birth date", BIRTH),
        ("home's learner id", HOME_ID),
        ("host's learner id", HOST_ID),
        ("another's learner id", OTHER_ID),
        ("note of a mark", NOTE),
        ("share-safe text", SHARED),
        ("internal comment", INTERNAL),
        ("grade as given", GRADE),
        ("comment on a grade", COMMENT),
        ("event's label", LABEL),
        ("event's place", PLACE),
        ("event's action", ACTION),
        ("needs for sharing", NEEDS),
        ("step in an emergency", STEP),
        ("person's name", PERSON),
        ("staff id", STAFF_ID),
    ];
    let bad = BAD.iter().map(|value| Canary::new(&format!("refused {}", &value[1..]), value));
    named.into_iter().map(|(what, value)| Canary::new(what, value)).chain(bad).collect()
}

impl Canary {
    pub fn new(what: &str, value: &str) -> Self {
        Self { what: what.to_owned(), value: value.to_ascii_lowercase() }
    }

    /// As text, as hexadecimal digits, and as a list of numbers, which is how bytes are printed for programmers.
    fn forms(&self) -> [String; 3] {
        let bytes = &self.value.as_bytes()[..self.value.len().min(16)];
        let list =
            |form: fn(&u8) -> String, between| bytes.iter().map(form).collect::<Vec<_>>().join(between);
        [self.value.clone(), list(|byte| format!("{byte:02x}"), ""), list(u8::to_string, ", ")]
    }
}

/// What of the canaries stands in some bytes, capitals or not: what they are of, never the values.
///
/// One walk for all of them, since a talkative hub says a lot.
pub fn found<'a>(bytes: &[u8], canaries: &'a [Canary]) -> Vec<&'a str> {
    let forms: Vec<(usize, String)> =
        canaries.iter().enumerate().flat_map(|(n, canary)| canary.forms().map(|form| (n, form))).collect();
    let mut by_start: HashMap<[u8; 2], Vec<&(usize, String)>> = HashMap::new();
    let mut begins = vec![false; 1 << 16];
    for form in &forms {
        let start = [form.1.as_bytes()[0], form.1.as_bytes()[1]];
        by_start.entry(start).or_default().push(form);
        begins[usize::from(u16::from_be_bytes(start))] = true;
    }
    let mut is_found = vec![false; canaries.len()];
    let mut before = 0;
    for (place, byte) in bytes.iter().enumerate() {
        let start = [before, byte.to_ascii_lowercase()];
        before = start[1];
        if !begins[usize::from(u16::from_be_bytes(start))] {
            continue;
        }
        let rest = &bytes[place.saturating_sub(1)..];
        for (n, form) in &by_start[&start] {
            let there = rest.get(..form.len());
            is_found[*n] |= there.is_some_and(|there| there.eq_ignore_ascii_case(form.as_bytes()));
        }
    }
    canaries
        .iter()
        .zip(is_found)
        .filter(|(_, found)| *found)
        .map(|(canary, _)| canary.what.as_str())
        .collect()
}

/// The private keys of a folder of keys: long lines that only their holder may know.
pub fn secrets(folder: &Path) -> Vec<Canary> {
    let mut secrets = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let keys: Vec<&str> = match text.split_once("PRIVATE KEY-----") {
            // The last line but one of a short key's PEM: the first ones say only what sort of key it is.
            Some((_, rest)) => {
                rest.lines().take_while(|line| !line.starts_with("-----END")).skip(2).collect()
            }
            None if name.ends_with(".key") || name.ends_with(".seed") => text.lines().collect(),
            None => Vec::new(),
        };
        let keys = keys.into_iter().filter(|line| line.len() >= 20);
        secrets.extend(keys.map(|key| Canary::new(&format!("secret of {name}"), key)));
    }
    assert!(!secrets.is_empty(), "no keys in {}", folder.display());
    secrets
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let (mut waiting, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { waiting.push(path) } else { files.push(path) }
        }
    }
    files
}
