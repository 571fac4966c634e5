//! Exports that change at random, taken by three agents: one knows stretches again, one reads all of them each time, one
//! knows no stretches at all. What they take, withdraw, queue and complain of must be the same.

use super::{Export, Purpose, Reading, Taken, Verdict, intake::take_shaped, sha256, stretching::Shape};
use crate::{
    settings::{Settings, Source},
    spool::{Spool, stretches},
};
use commonroll_connectors::Cuts;
use commonroll_core::Timestamp;
use std::{collections::BTreeSet, fs, io::Cursor};

/// Chance that a seed repeats (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// A file as a program writes it.
#[derive(Clone)]
struct Sheet {
    captions: Vec<&'static str>,
    rows: Vec<String>,
    line_end: &'static str,
    encoding: usize,
    unended: bool,
}

impl Sheet {
    fn bytes(&self) -> Vec<u8> {
        let mut text = self.captions.join(",") + self.line_end;
        for row in &self.rows {
            text += row;
            text += self.line_end;
        }
        if self.unended {
            text.truncate(text.trim_end().len());
        }
        match self.encoding {
            1 => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
            2 => [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect(),
            _ => text.into_bytes(),
        }
    }
}

fn row(chance: &mut Chance) -> String {
    let learner = chance.below(60);
    let day = 14 + chance.below(4);
    let hour = 9 + chance.below(4);
    let mark = ["/", "/", "/", "L", "N"][chance.below(5)];
    let note = match chance.below(12) {
        0 => "\"two\nlines\"",
        1 => "\"said \"\"no\"\",\r\nthen left\"",
        2 => "6\" ruler",
        3 => "Zo\u{eb}",
        _ => "",
    };
    let row = format!("L{learner},12A,2026-09-{day},{hour:02}:00,{hour:02}:50,{mark},{note}");
    match chance.below(150) {
        0 => row.replace("2026-09-", "2026-13-"),
        1 => row.replace("12A,2026-09-1", "12A,x"),
        2 => row.replacen('L', "", 1).trim_start_matches(char::is_numeric).to_owned(),
        3 => row.replace(",/,", ",?,"),
        4 => format!("{row},more"),
        5 => String::new(),
        6 => row.replace("12A", "12A\r"),
        7 => "\"".to_owned() + &row,
        _ => row,
    }
}

fn edit(sheet: &mut Sheet, chance: &mut Chance) {
    for _ in 0..=chance.below(3) {
        let n = sheet.rows.len();
        match chance.below(34) {
            0..=6 => {
                let row = row(chance);
                sheet.rows.insert(chance.below(n + 1), row);
            }
            7..=11 if n > 0 => {
                sheet.rows.remove(chance.below(n));
            }
            12..=18 if n > 0 => sheet.rows[chance.below(n)] = row(chance),
            19..=20 if n > 0 => {
                let row = sheet.rows.remove(chance.below(n));
                sheet.rows.insert(chance.below(n), row);
            }
            21..=22 if n > 0 => {
                let row = sheet.rows[chance.below(n)].clone();
                let other = if chance.one_in(2) { row.clone() } else { row.replace(",/,", ",L,") };
                sheet.rows.insert(chance.below(n), other);
            }
            23 if n > 4 => {
                let (from, to) = (chance.below(n / 2), n / 2 + chance.below(n / 2));
                let some: Vec<_> = sheet.rows.drain(from..to).collect();
                if chance.one_in(2) {
                    sheet.rows.splice(0..0, some);
                }
            }
            24 if n > 4 => {
                let day = format!("2026-09-{}", 14 + chance.below(4));
                sheet.rows.retain(|row| !row.contains(&day));
            }
            25 => sheet.line_end = if sheet.line_end == "\n" { "\r\n" } else { "\n" },
            26 => sheet.encoding = chance.below(3),
            27 => sheet.unended = !sheet.unended,
            28 => sheet.captions[6] = if sheet.captions[6] == "Note" { "Remark" } else { "Note" },
            29 if n > 1 => {
                let (one, other) = (chance.below(n), chance.below(n));
                sheet.rows.swap(one, other);
            }
            30 if n > 1 => {
                let row = sheet.rows[chance.below(n)].replace("12A", "12B");
                sheet.rows.push(row);
            }
            // Bad rows become good: what they kept from being covered is covered again.
            31..=33 => sheet.rows.retain(|row| !row.contains("-13-") && !row.contains(",x")),
            _ => {}
        }
    }
}

/// Settings of one run of a story.
fn source(chance: &mut Chance) -> (Source, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let covers = ["dates", "dates", "everything", "nothing"][chance.below(4)];
    let repeats = ["refuse", "latest"][chance.below(2)];
    let mapping = format!(
        "format = \"delimited\"\nrows = \"attendance\"\ncovers = \"{covers}\"\nrepeats = \"{repeats}\"\n\
         [codes]\nset = \"ENG-2024\"\n[fields]\nlearner = \"Id\"\ngroup = \"Class\"\ndate = \"Date\"\n\
         start = \"Start\"\nend = \"End\"\nmark = \"Mark\"\n"
    );
    fs::write(folder.path().join("marks.toml"), mapping).unwrap();
    let absence = ["file", "folder"][chance.below(2)];
    let export = ["snapshot", "snapshot", "snapshot", "delta"][chance.below(4)];
    let percent = [0, 30, 60, 100, 100][chance.below(5)];
    let text = format!(
        "data = \"data\"\n[[source]]\nname = \"marks\"\nfolder = \"exports\"\npattern = \"*.csv\"\n\
         connector = \"delimited\"\nmapping = \"marks.toml\"\nabsence = \"{absence}\"\nexport = \"{export}\"\n\
         shrink_percent_max = {percent}\nshrink_from = {}\naccept_old_exports = true\n",
        [3, 20, 1000][chance.below(3)]
    );
    let settings = Settings::parse(&text, &folder.path().join("agent.toml")).unwrap();
    (settings.sources[0].clone(), folder)
}

/// An agent, by how it reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Known,
    Afresh,
    Whole,
}

struct Agent {
    spool: Spool,
    reads: Reads,
}

fn shape(reads: Reads, changed_max: usize) -> Shape {
    let bytes_least = if reads == Reads::Whole { u64::MAX } else { 0 };
    let cuts = Cuts { least: 60, usual: 100, most: 500 };
    Shape { bytes_least, cuts, changed_max, seen_max: 12 }
}

impl Agent {
    async fn new(reads: Reads) -> Self {
        Self { spool: Spool::in_memory().await.unwrap(), reads }
    }

    async fn take(&self, source: &Source, name: &str, bytes: &[u8], at: i64, most: usize) -> Verdict {
        let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
        let reading = Reading { institution: "northgate".parse().unwrap(), zone, salt: [7; 32] };
        if self.reads == Reads::Afresh {
            let mut tx = self.spool.begin().await.unwrap();
            stretches::forget(&mut tx, &super::intake::origin(source, name)).await.unwrap();
            tx.commit().await.unwrap();
        }
        let reader = Box::new(Cursor::new(bytes.to_vec()));
        let (hash, size) = (sha256(bytes), bytes.len() as u64);
        let export = Export { source, name, hash, size, modified_us: at, reader };
        let now = Timestamp::from_micros("now", 1_789_376_400_000_000 + at * 60_000_000).unwrap();
        let purpose = (Purpose::Take, shape(self.reads, most));
        take_shaped(&self.spool, &reading, export, purpose, now).await.unwrap()
    }

    /// All that an export leaves behind, as text, in an order of its own.
    async fn left(&self) -> String {
        let mut left = String::new();
        for sql in [
            "SELECT hex(id) || '|' || kind || '|' || origin || '|' || revision || '|' || hex(print) || '|' || withdrawn
                 || '|' || learner || '|' || grp || '|' || confidential FROM sent ORDER BY id",
            "SELECT hex(id) || '|' || revision || '|' || hex(root) || '|' || hex(message) || '|' || file || '|' || line
                 || '|' || queued_us FROM queue ORDER BY id, revision",
            "SELECT origin || '|' || file || '|' || COALESCE(line, '') || '|' || field || '|' || rule || '|' || fix || '|' || at_us
                 FROM problem ORDER BY rowid",
            "SELECT origin || '|' || n FROM problem_count ORDER BY origin",
            "SELECT origin || '|' || source || '|' || field || '|' || rule || '|' || COALESCE(code, '') || '|' || n
                 FROM kept_back ORDER BY origin, field, rule, code",
            "SELECT id || '|' || source || '|' || name || '|' || origin || '|' || taken || '|' || rule || '|' || COALESCE(line, '')
                 FROM export ORDER BY id",
        ] {
            let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(self.spool.pool()).await.unwrap();
            left += &rows.join("\n");
            left += "\n--\n";
        }
        left
    }

    async fn change(&self, sql: &'static str) {
        sqlx::query(sql).execute(self.spool.pool()).await.unwrap();
    }
}

/// The outcome, but for how it was come to, and how many were passed over.
fn bare(verdict: Verdict, with_items: bool) -> (Verdict, u64) {
    match verdict {
        Verdict::Taken(taken) => {
            let (known, items) = (taken.known, if with_items { taken.items } else { 0 });
            (Verdict::Taken(Taken { known: 0, items, ..taken }), known)
        }
        refused => (refused, 0),
    }
}

/// What a run of a story came to.
#[derive(Default)]
struct Told {
    taken: u64,
    refused: u64,
    withdrawn: u64,
    problems: u64,
    /// Exports of which something was passed over.
    passed: u64,
}

/// Runs a story; the error is the step at which the three differ. `spoil` changes what the first agent remembers.
async fn story(seed: u64, steps: i64, spoil: Option<&'static str>) -> Result<Told, String> {
    let mut chance = Chance(seed);
    let (source, _folder) = source(&mut chance);
    let agents =
        [Agent::new(Reads::Known).await, Agent::new(Reads::Afresh).await, Agent::new(Reads::Whole).await];
    let captions = vec!["Id", "Class", "Date", "Start", "End", "Mark", "Note"];
    let rows = (0..20 + chance.below(100)).map(|_| row(&mut chance)).collect();
    let mut sheets = [
        Sheet { captions, rows, line_end: "\n", encoding: 0, unended: false },
        Sheet {
            captions: vec!["Id", "Class", "Date", "Start", "End", "Mark", "Note"],
            rows: vec![row(&mut chance)],
            line_end: "\n",
            encoding: 0,
            unended: false,
        },
    ];
    let mut told = Told::default();
    for step in 0..steps {
        // Now and then another file of the folder says something of the same records.
        let place = usize::from(chance.one_in(6));
        if place == 1 && chance.one_in(2) {
            let some = chance.below(sheets[0].rows.len().max(1));
            sheets[1].rows = sheets[0].rows.iter().take(some).cloned().collect();
        }
        edit(&mut sheets[place], &mut chance);
        let (name, bytes) = (["marks.csv", "more.csv"][place], sheets[place].bytes());
        let most = if chance.one_in(4) { 10 } else { 1_000 };
        let mut verdicts = Vec::new();
        for agent in &agents {
            verdicts.push(agent.take(&source, name, &bytes, step, most).await);
        }
        let with_items: Vec<_> = verdicts[..2].iter().map(|verdict| bare(verdict.clone(), true)).collect();
        let without: Vec<_> = verdicts.iter().map(|verdict| bare(verdict.clone(), false).0).collect();
        let left = [agents[0].left().await, agents[1].left().await, agents[2].left().await];
        if with_items[0].0 != with_items[1].0 || without[0] != without[2] {
            let lines =
                |verdict: &Verdict| format!("{verdict:#?}").lines().map(str::to_owned).collect::<Vec<_>>();
            let (one, other) = match with_items[0].0 != with_items[1].0 {
                true => (lines(&with_items[0].0), lines(&with_items[1].0)),
                false => (lines(&without[0]), lines(&without[2])),
            };
            let differ = one.iter().zip(&other).filter(|(one, other)| one != other).take(10);
            return Err(format!("seed {seed}, step {step}: {:#?}", differ.collect::<Vec<_>>()));
        }
        if left[0] != left[1] || left[0] != left[2] {
            let of = |n: usize| left[n].lines().collect::<BTreeSet<_>>();
            let (one, other) = (of(0), if left[0] == left[1] { of(2) } else { of(1) });
            let differ: Vec<_> = one.symmetric_difference(&other).collect();
            return Err(format!("seed {seed}, step {step}: what is left differs: {differ:#?}"));
        }
        match &without[0] {
            Verdict::Taken(taken) => {
                told.taken += 1;
                told.withdrawn += taken.withdrawn;
                told.problems += taken.problem_count;
            }
            Verdict::Refused(_) => told.refused += 1,
        }
        told.passed += u64::from(with_items[0].1 > 0);
        if let Some(sql) = spoil {
            agents[0].change(sql).await;
        }
    }
    Ok(told)
}

#[tokio::test]
async fn changed_exports_come_to_the_same_whether_their_stretches_are_known_or_not() {
    let mut all = Told::default();
    for seed in 0..30 {
        let told = story(seed, 10, None).await.unwrap();
        all.taken += told.taken;
        all.refused += told.refused;
        all.withdrawn += told.withdrawn;
        all.problems += told.problems;
        all.passed += told.passed;
    }
    assert!(all.passed * 3 > all.taken, "few exports were known in part: {} of {}", all.passed, all.taken);
    assert!(all.refused > 0 && all.withdrawn > 0 && all.problems > 0);
}

#[tokio::test]
async fn a_memory_that_says_something_else_is_seen_by_the_comparison() {
    for spoil in [
        // Stretches that lost their records.
        "UPDATE stretch SET ids = x''",
        // Two rows of one key in two stretches, both believed to stand alone.
        "UPDATE stretch SET alone = 1",
        // Records of another file, believed to be as they were left.
        "UPDATE stretched SET settled = '[[1,20710],[1,20711],[1,20712],[1,20713],[1,null]]'",
    ] {
        let mut seen = false;
        for seed in 0..60 {
            seen |= story(seed, 10, Some(spoil)).await.is_err();
            if seen {
                break;
            }
        }
        assert!(seen, "not seen: {spoil}");
    }
}

/// Polls a future this many times, and drops it if it isn't done by then.
async fn cut_off<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn an_agent_that_dies_anywhere_in_a_changed_export_takes_it_as_if_nothing_had_been() {
    let mut died = 0;
    for polls in (1..60).step_by(4) {
        let mut chance = Chance(polls as u64);
        let (source, folder) = source(&mut chance);
        let captions = vec!["Id", "Class", "Date", "Start", "End", "Mark", "Note"];
        let rows = (0..80).map(|_| row(&mut chance)).collect();
        let mut sheet = Sheet { captions, rows, line_end: "\n", encoding: 0, unended: false };
        let before = sheet.bytes();
        sheet.rows.remove(40);
        sheet.rows.push(row(&mut chance));
        let after = sheet.bytes();

        let file = folder.path().join("spool.sqlite");
        let mut agent = Agent { spool: Spool::open(&file).await.unwrap(), reads: Reads::Known };
        agent.take(&source, "marks.csv", &before, 1, 1_000).await;
        let takes = agent.take(&source, "marks.csv", &after, 2, 1_000);
        died += usize::from(cut_off(polls, takes).await.is_none());
        agent.spool.close().await;
        agent.spool = Spool::open(&file).await.unwrap();
        // As the scanner does: what it has looked at to the end is not looked at again.
        let last = agent.spool.last_look("marks", "marks.csv").await.unwrap().unwrap();
        if last.hash != sha256(&after) {
            agent.take(&source, "marks.csv", &after, 2, 1_000).await;
        }

        let other = Agent::new(Reads::Whole).await;
        other.take(&source, "marks.csv", &before, 1, 1_000).await;
        other.take(&source, "marks.csv", &after, 2, 1_000).await;
        assert_eq!(agent.left().await, other.left().await, "cut off after {polls} polls");
    }
    assert!(died > 5, "died {died} times");
}
