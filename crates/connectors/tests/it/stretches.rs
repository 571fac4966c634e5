//! Files that are read in stretches: what is said is what reading them as a whole says, however they are quoted and cut.

use commonroll_connectors::{
    Cuts, FileFault, Input, Item, Mapping, Place, Problem, Scope, Settings, Sink, Stretches, Sums, Wanted,
    by_name,
};
use proptest::prelude::*;
use std::{collections::HashMap, io::Cursor};

const MARKS: &str = "format = \"delimited\"\nrows = \"attendance\"\nrepeats = \"latest\"\n[codes]\nset = \"ENG-2024\"\n\
    [fields]\nlearner = \"Id\"\ndate = \"Date\"\nmark = \"Mark\"\nnote = \"Note\"\n";

/// Remembers everything that it hears, and stretches by their text.
#[derive(Default)]
struct Ear {
    items: Vec<(Item, Place)>,
    problems: Vec<Problem>,
    scopes: Vec<Scope>,
    now: Option<Vec<u8>>,
    known: HashMap<Vec<u8>, Sums>,
    learned: HashMap<Vec<u8>, Sums>,
    read: Vec<String>,
    passed: usize,
}

impl Sink for Ear {
    fn item(&mut self, item: Item, at: Place) {
        self.items.push((item, at));
    }
    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
    fn covers(&mut self, scope: Scope) {
        self.scopes.push(scope);
    }
}

impl Stretches for Ear {
    fn begin(&mut self, _: &[u8]) -> bool {
        true
    }
    fn stretch(&mut self, text: &[u8], _: u64) -> Wanted {
        if let Some(sums) = self.known.get(text) {
            self.passed += 1;
            return Wanted::Known(sums.clone());
        }
        self.read.push(String::from_utf8_lossy(text).into_owned());
        self.now = Some(text.to_vec());
        Wanted::Read
    }
    fn ended(&mut self, sums: Sums) {
        let text = self.now.take().expect("a stretch was wanted");
        self.learned.insert(text, sums);
    }
    fn as_sink(&mut self) -> &mut dyn Sink {
        self
    }
}

fn settings(mapping: &str) -> Settings {
    let mapping: Mapping = mapping.parse().unwrap();
    Settings::new("northgate".parse().unwrap(), jiff::tz::TimeZone::UTC, Some(mapping))
}

fn whole(text: &str) -> (Ear, Result<(), FileFault>) {
    let mut ear = Ear::default();
    let mut reader = Cursor::new(text.as_bytes());
    let input = Input { file_name: "marks.csv", reader: &mut reader, size: text.len() as u64 };
    let done = by_name("delimited").unwrap().translate(input, &settings(MARKS), &mut ear);
    (ear, done)
}

fn stretched(text: &str, known: HashMap<Vec<u8>, Sums>) -> (Ear, Result<bool, FileFault>) {
    let mut ear = Ear { known, ..Ear::default() };
    let mut reader = Cursor::new(text.as_bytes());
    let input = Input { file_name: "marks.csv", reader: &mut reader, size: text.len() as u64 };
    let cuts = Cuts { least: 20, usual: 30, most: 200 };
    let done = by_name("delimited").unwrap().translate_stretches(input, &settings(MARKS), cuts, &mut ear);
    (ear, done)
}

/// Text in which quotes, line ends and separators stand anywhere.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => Just("L1,2026-09-14,/,\n"), 2 => Just("L2,2026-09-15,L,\r\n"), 1 => Just("\""), 1 => Just("\"\""),
        1 => Just(","), 1 => Just("\n"), 1 => Just("\r"), 1 => Just("L3"), 1 => Just("L4,2026-09-14,/,\"a\nb\"\n"),
        1 => Just("L5,2026-09-14,/,\"a\"b\"\n"), 1 => Just("\u{feff}L6,2026-09-14,/,\n"), 1 => Just(" \"x\""),
        1 => Just("L7,2026-09-14,N,\"he said \"\"no\"\", \r\n and left\"\r\n"), 1 => Just("\r\r\n\n"),
    ];
    prop::collection::vec(piece, 0..80).prop_map(|pieces| format!("Id,Date,Mark,Note\n{}", pieces.concat()))
}

proptest! {
    #[test]
    fn stretches_say_what_the_whole_file_says(text in hostile()) {
        let (one, as_whole) = whole(&text);
        let (other, as_stretches) = stretched(&text, HashMap::new());
        match (as_whole, as_stretches) {
            (Ok(()), Ok(done)) => {
                prop_assert!(done, "a file that can be read can be read in stretches");
                prop_assert_eq!(&one.items, &other.items);
                prop_assert_eq!(&one.problems, &other.problems);
                prop_assert_eq!(&one.scopes, &other.scopes);
                // Known once, all of it is passed over, and what covers says stays.
                let (again, done) = stretched(&text, other.learned);
                prop_assert!(done.unwrap());
                prop_assert_eq!((again.items.len(), again.read.len()), (0, 0));
                prop_assert_eq!(&again.scopes, &one.scopes);
            }
            (Err(one), Err(other)) => prop_assert_eq!(one.to_string(), other.to_string()),
            (one, other) => prop_assert!(false, "{:?} and {:?}", one.is_ok(), other.is_ok()),
        }
    }
}

#[test]
fn an_inserted_row_shifts_nothing_behind_its_own_stretch() {
    let row = |n: usize| format!("L{},2026-09-{:02},/,\"note\n{n}\"\n", n % 50, 1 + n / 50 % 28);
    let file = |rows: &[String]| format!("Id,Date,Mark,Note\n{}", rows.concat());
    let mut rows: Vec<String> = (0..1_000).map(row).collect();
    let (before, done) = stretched(&file(&rows), HashMap::new());
    assert!(done.unwrap());
    assert!(before.read.len() > 100, "{} stretches", before.read.len());
    assert!(before.read.iter().all(|text| text.starts_with('L') && text.ends_with("\"\n")), "no row is cut");

    rows.insert(500, "L99,2026-09-14,L,new\n".to_owned());
    let (after, done) = stretched(&file(&rows), before.learned);
    assert!(done.unwrap());
    assert!(after.read.len() <= 3 && after.read.concat().contains("L99"), "{} were read", after.read.len());
    assert!(after.passed >= before.read.len() - 2);
    let is_new = |item: &Item| matches!(item, Item::Record(draft) if draft.learner.as_str() == "L99");
    let (_, at) = after.items.iter().find(|(item, _)| is_new(item)).unwrap();
    assert_eq!(at.line, 1_002, "lines are the file's, though what stands above was not read");
    assert_eq!(after.scopes, whole(&file(&rows)).0.scopes);
}

#[test]
fn rows_that_say_something_only_together_have_no_stretches() {
    let delimited = by_name("delimited").unwrap();
    let has = |mapping: &str| delimited.has_stretches(&settings(mapping));
    assert!(has(MARKS));
    assert!(!has(
        "format = \"delimited\"\nrows = \"staff\"\n[fields]\nstaff = \"Teacher\"\ngroup = \"Class\"\n"
    ));
    assert!(
        !has(&MARKS.replace("note = \"Note\"", "note = { row_number = \"n\" }")),
        "a row's number is its neighbours' affair"
    );
    assert!(!delimited.has_stretches(&Settings::new(
        "northgate".parse().unwrap(),
        jiff::tz::TimeZone::UTC,
        None
    )));
}
