//! A corpus of small crooked files, replayed through every connector, and mutated.
//!
//! A file stays in `tests/corpus/<format>` because it once was, or could have been, trouble. Mutations are made from a seed: a
//! slice of them here, and with COMMONROLL_LONG ten minutes of a core for each format (COMMONROLL_FUZZ_SECONDS changes that). What
//! makes trouble is left in the build folder, to be mended and put into the corpus.

use crate::support::{Seen, run_with, settings};
use commonroll_connectors::{
    FileFault, Input, Limits, Settings,
    render::{read_assessments, read_behaviour, read_lessons, read_results, read_sessions},
};
use std::{
    env, fs,
    io::{Cursor, Read, Write},
    path::PathBuf,
    time::{Duration, Instant},
};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Each format with a mapping that reaches as far into it as it can.
const FORMATS: [(&str, &str); 8] = [
    ("delimited", "format = \"delimited\"\n"),
    ("json", "format = \"json\"\n"),
    ("xml", "format = \"xml\"\n"),
    ("sheet", "format = \"sheet\"\n"),
    ("oneroster", "format = \"oneroster\""),
    ("edfi", "format = \"edfi\"\n[periods]\nTraditional = [\"09:30\", \"10:20\"]\n"),
    ("ctf", "format = \"ctf\"\nschool = \"8604001\"\n"),
    ("sif", ""),
];

const MARKS: &str = "rows = \"attendance\"\ndate_format = \"dd/mm/yyyy\"\n[codes]\nset = \"ENG-2024\"\n[periods]\nAM = [\"08:45\", \"12:30\"]\n\
                     [fields]\nlearner = \"Id\"\ndate = \"Date\"\nmark = \"Mark\"\nperiod = \"Session\"\nminutes_late = \"Late\"\nnote = \"Note\"\n";
const RESULTS: &str = "rows = \"assessment\"\n[fields]\nlearner = \"Id\"\ndate = \"Date\"\n[wide]\ncolumns = \"{subject} {result_set}\"\n\
                       scale = \"raw-0-20\"\nkind = \"mock\"\n";

fn mappings(format: &str, head: &str) -> Vec<Settings> {
    let texts = match format {
        "delimited" | "json" | "xml" | "sheet" => vec![format!("{head}{MARKS}"), format!("{head}{RESULTS}")],
        "sif" => vec![commonroll_connectors::templates::by_name("sif-au").unwrap().text.to_owned()],
        _ => vec![head.to_owned()],
    };
    let limits = Limits { unpacked_bytes_max: 16 << 20, ..Limits::default() };
    texts.iter().map(|text| Settings { limits, ..settings(text) }).collect()
}

fn corpus(format: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(format);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 3, "{} has a corpus", folder.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// How long this thread had a core: what others do beside it doesn't count. Where the system doesn't say, the clock's time.
fn worked(since: Instant) -> Duration {
    let said = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = said.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// Reads a file in time; gives what was seen, if it wasn't refused.
fn judge(settings: &Settings, bytes: &[u8]) -> Option<Seen> {
    let now = Instant::now();
    let begin = worked(now);
    let seen = run_with(settings, "file", bytes);
    let took = worked(now).saturating_sub(begin);
    assert!(took < Duration::from_secs(2), "took {took:?}");
    seen.ok()
}

#[test]
fn every_file_of_the_corpus_is_read_or_refused_by_every_connector() {
    for (folder, _) in FORMATS {
        let files = corpus(folder);
        let mut read = 0;
        for (format, head) in FORMATS {
            for settings in mappings(format, head) {
                let seen = files.iter().filter_map(|file| judge(&settings, file));
                let items: usize = seen.map(|seen| seen.items.len()).sum();
                read += if format == folder { items } else { 0 };
            }
        }
        assert!(read > 0, "a corpus of which nothing can be read tests little: {folder}");
    }
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

const WORDS: [&[u8]; 24] = [
    b"<",
    b">",
    b"</",
    b"/>",
    b"&#0;",
    b"&amp;",
    b"<![CDATA[",
    b"<!--",
    b"<?xml",
    b"\"",
    b"\n",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"99999999999999999999",
    b"-1",
    b"1e999",
    b"2026-02-30",
    b"T24:00:00",
    b"{",
    b"[",
    b"]",
    b"\\u0000",
    b"PK\x03\x04",
];

/// One to four small changes.
fn mutated(bytes: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        let length = chance.below(40).min(bytes.len() - at);
        match chance.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 => _ = bytes.drain(at..at + length),
            2 => {
                let piece = bytes[at..at + length].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => {
                let word = WORDS[chance.below(WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
            4 => bytes.truncate(at),
            5 if at < bytes.len() => bytes[at] = chance.next() as u8,
            _ => {
                let from = chance.below(other.len() + 1);
                let length = chance.below(200).min(other.len() - from);
                bytes.splice(at..at, other[from..from + length].iter().copied());
            }
        }
    }
    bytes
}

/// A zip one of whose entries is changed, and which is sound otherwise.
fn repacked(bytes: &[u8], chance: &mut Chance) -> Option<Vec<u8>> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let chosen = chance.below(zip.len());
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).ok()?;
        let mut content = Vec::new();
        entry.by_ref().take(1 << 20).read_to_end(&mut content).ok()?;
        if index == chosen {
            content = mutated(&content, &content.clone(), chance);
        }
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        out.start_file(entry.name().ok()?.into_owned(), options).ok()?;
        out.write_all(&content).ok()?;
    }
    Some(out.finish().ok()?.into_inner())
}

/// Mutates files from seed after seed, for as long as is wanted, and gives each to `read`, which may refuse it. Time is what this
/// thread had a core: what others do beside it, or a machine that stands still, makes no round shorter.
fn mutate(format: &str, files: &[Vec<u8>], read: &dyn Fn(&[u8])) {
    let long = env::var_os("COMMONROLL_LONG").is_some();
    let seconds = env::var("COMMONROLL_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = match seconds {
        Some(seconds) => Duration::from_secs(seconds),
        None if long => Duration::from_secs(600),
        None => Duration::from_millis(150),
    };
    if env::var("COMMONROLL_FUZZ_FORMAT").is_ok_and(|only| only != format) {
        return;
    }
    let begin = Instant::now();
    let first = worked(begin);
    let mut seed = 0_u64;
    while worked(begin).saturating_sub(first) < time {
        let mut chance = Chance(seed);
        let file = &files[chance.below(files.len())];
        let other = &files[chance.below(files.len())];
        let is_zip = file.starts_with(b"PK") && chance.below(4) > 0;
        let bytes = is_zip.then(|| repacked(file, &mut chance)).flatten();
        let bytes = bytes.unwrap_or_else(|| mutated(file, other, &mut chance));
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read(&bytes))).is_err() {
            let found = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{format}-{seed}"));
            fs::write(&found, &bytes).unwrap();
            panic!("seed {seed} of {format} makes it panic or take too long: {}", found.display());
        }
        seed += 1;
    }
    if long || seconds.is_some() {
        let took = worked(begin).saturating_sub(first);
        println!("{format}: {seed} mutations in {took:?} of a core, {:?} by the clock", begin.elapsed());
    }
}

#[test]
fn mutations_of_the_corpus_make_no_connector_panic() {
    for (format, head) in FORMATS {
        let settings = mappings(format, head);
        mutate(format, &corpus(format), &|bytes| {
            for settings in &settings {
                judge(settings, bytes);
            }
        });
    }
}

/// What a reader finds in a file, unless it refuses it.
fn opened<T>(bytes: &[u8], read: impl FnOnce(Input<'_>) -> Result<T, FileFault>) -> Option<T> {
    read(Input { file_name: "list.csv", reader: &mut Cursor::new(bytes), size: bytes.len() as u64 }).ok()
}

/// Lists of the outbox lie in a folder where people and programs reach them, and are read back before rows are carried.
#[test]
fn mutations_of_our_own_lists_make_no_reader_of_them_panic() {
    let head = "RecordID,Revision,PersonID,Source,Date,Withdrawn";
    let row = "01010101010101010101010101010101,1,6420,northgate,2026-09-14,";
    let files = [
        format!("\u{feff}{head},StartTime,EndTime,GroupCode,Mark,MinsLate,Comments\r\n{row},09:00,10:00,12A,L,12,\"'=a, \"\"b\"\"\"\r\n"),
        format!("\u{feff}{head},SessionName,Mark,MinsLate,Comments\r\n{row},AM,B,,\r\n{row}yes,PM,,,\r\n"),
        format!(
            "\u{feff}{head},Time,Polarity,Category,Label,Severity,Location,Role,Action,Status,Text,HomeActionBy,Type\r\n\
             {row},11:10,negative,defiance,'-x,3,Lab,,Moved,,\"a\nb\",2026-09-21,Defiance\r\n"
        ),
        format!(
            "\u{feff}{head},Subject,Aspect,ResultSet,Kind,Scale,Grade,Comments,Title,GroupCode\r\n\
             {row},Physics,\"Partner, now\",Aut2,working_at,gce-a-level 2024,A*,'+1,Unit 1,12A\r\n"
        ),
        "RecordID,Revision,Status,Message\r\n01010101010101010101010101010101,1,refused,\"no such lesson\"\r\n".to_owned(),
    ];
    let files = files.map(String::into_bytes);
    let limits = Limits::default();
    let read = |bytes: &[u8]| {
        let mut results = 0;
        let mut given = |_| results += 1;
        let are_results =
            opened(bytes, |input| read_results(input, &limits, &mut given, &mut |_| {})).is_some();
        opened(bytes, |input| read_lessons(input, &limits)).map_or(0, |rows| rows.len())
            + opened(bytes, |input| read_sessions(input, &limits)).map_or(0, |rows| rows.len())
            + opened(bytes, |input| read_behaviour(input, &limits)).map_or(0, |rows| rows.len())
            + opened(bytes, |input| read_assessments(input, &limits)).map_or(0, |rows| rows.len())
            + if are_results { results } else { 0 }
    };
    assert_eq!(files.iter().map(|file| read(file)).sum::<usize>(), 6, "each by its own reader");
    mutate("outbox", &files, &|bytes| _ = read(bytes));
}
