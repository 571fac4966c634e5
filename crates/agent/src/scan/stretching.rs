//! Reading a large export in stretches, beside the comparing: which are known, and what the others say.

use super::{feeder::Feeder, sha256};
use crate::{
    settings::Source,
    spool::{
        sight::PROBLEMS_MAX,
        stretches::{self, Seen, Short},
    },
};
use commonroll_connectors::{Cuts, Problem, Sink, Stretches, Sums, Wanted};
use commonroll_core::RecordId;
use jiff::tz::TimeZone;
use std::{collections::BTreeMap, sync::OnceLock};

/// Sorts of problems that are counted apart in one stretch; one with more is read each time.
const KEPT_MAX: usize = 100;

/// Which exports are read in stretches, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Smaller exports are read as a whole: that takes no time.
    pub bytes_least: u64,
    /// How long stretches are.
    pub cuts: Cuts,
    /// Records of stretches that changed beyond which the export is better read as a whole.
    pub changed_max: usize,
    /// A stretch with more problems is read each time.
    pub seen_max: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { bytes_least: 2 << 20, cuts: Cuts::default(), changed_max: 100_000, seen_max: 2 * PROBLEMS_MAX }
    }
}

/// How an export is read.
#[derive(Debug)]
pub(super) enum Way {
    /// Row by row, and nothing is kept of its stretches.
    Whole,
    /// All stretches, to know them the next time.
    Afresh,
    /// Those stretches that the last export did not have.
    Knowing(Recall),
}

/// What is known of the last export.
#[derive(Debug)]
pub(super) struct Recall {
    /// Print of how its rows were read.
    pub reading: Vec<u8>,
    pub stretches: stretches::Stretches,
}

/// A stretch that was passed over.
#[derive(Debug)]
pub(super) struct Carried {
    pub id: i64,
    /// Line of its first row.
    pub line: u64,
    pub problems: u64,
    pub same_key: u64,
}

/// A stretch that was read.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// From 1, in the order of the file.
    pub number: u32,
    pub line: u64,
    pub hash: [u8; 32],
    pub short: Short,
    pub seen: Seen,
    /// Each once, ascending.
    pub records: Vec<RecordId>,
    /// False if it holds what is no record that stays, or more problems than are kept.
    pub is_plain: bool,
}

/// What there is to say of all stretches.
#[derive(Debug, Default)]
pub(super) struct Stretched {
    /// Print of how the rows are read.
    pub reading: Vec<u8>,
    pub carried: Vec<Carried>,
    /// Records of those that were passed over, by day.
    pub days: BTreeMap<i32, u64>,
    /// Stretches of the last export that this one does not have, or that were read anew.
    pub left: Vec<i64>,
}

/// Stretches as they come.
#[derive(Debug)]
pub(super) struct Stretching {
    /// Print of how rows are read, but for the captions.
    base: [u8; 32],
    shape: Shape,
    recall: Option<Recall>,
    /// The one that is being read.
    pub now: Option<Found>,
    /// How many there were.
    pub number: u32,
    /// Records that were read.
    pub read: usize,
    pub done: Stretched,
}

impl Stretching {
    pub(super) fn new(base: [u8; 32], shape: Shape, recall: Option<Recall>) -> Self {
        let done = Stretched::default();
        Self { base, shape, recall, now: None, number: 0, read: 0, done }
    }

    /// What is left when all was read.
    pub(super) fn finish(self) -> Stretched {
        let mut done = self.done;
        if let Some(recall) = self.recall {
            done.left.extend(recall.stretches.others);
            done.left.extend(recall.stretches.known.into_values().map(|known| known.id));
        }
        done
    }

    pub(super) fn problem(&mut self, problem: &Problem) {
        let Some(now) = &mut self.now else { return };
        now.short.problems += 1;
        let counted = (problem.field.clone(), problem.rule.to_owned(), problem.code.clone());
        let kept = &mut now.short.kept;
        match kept.iter().position(|(known, _)| *known == counted) {
            _ if problem.again => {}
            Some(place) => kept[place].1 += 1,
            None if kept.len() < KEPT_MAX => kept.push((counted, 1)),
            None => now.is_plain = false,
        }
        let line = problem.place.and_then(|place| u32::try_from(place.line.checked_sub(now.line)?).ok());
        let sort = (problem.field.clone(), problem.rule.to_owned(), problem.fix.clone());
        let sorts = &mut now.seen.sorts;
        let place = sorts.iter().position(|known| *known == sort).unwrap_or_else(|| {
            sorts.push(sort);
            sorts.len() - 1
        });
        match (line, u32::try_from(place)) {
            (Some(line), Ok(place))
                if sorts.len() <= 100 && now.seen.problems.len() < self.shape.seen_max =>
            {
                now.seen.problems.push((line, place));
            }
            _ => {
                (now.is_plain, now.seen) = (false, Seen::default());
            }
        }
    }
}

impl Stretches for Feeder<'_> {
    fn begin(&mut self, captions: &[u8]) -> bool {
        let Some(stretching) = &mut self.stretching else { return false };
        stretching.done.reading = sha256(&[&stretching.base, captions].concat()).to_vec();
        let reading = &stretching.done.reading;
        stretching.recall.as_ref().is_none_or(|recall| recall.reading == *reading)
    }

    fn stretch(&mut self, text: &[u8], line: u64) -> Wanted {
        let Some(stretching) = &mut self.stretching else { return Wanted::Stop };
        let hash = sha256(text);
        stretching.number += 1;
        // Of two that are alike only the first is passed over: their records are the same ones.
        let known = stretching.recall.as_mut().and_then(|recall| recall.stretches.known.remove(&hash));
        if let Some(known) = known {
            if let Some(short) = Short::read(&known.short) {
                short.count_into(&mut self.ending.counted);
                let Short { sums, items, days, problems, same_key, .. } = short;
                self.ending.items += items;
                self.ending.problem_count += problems;
                let done = &mut stretching.done;
                days.into_iter().for_each(|(day, n)| *done.days.entry(day).or_default() += n);
                done.carried.push(Carried { id: known.id, line, problems, same_key });
                return Wanted::Known(sums);
            }
            // What can't be made out is read again, and takes the place of this one.
            stretching.done.left.push(known.id);
        }
        if stretching.recall.is_some() && stretching.read > stretching.shape.changed_max {
            return Wanted::Stop;
        }
        let number = stretching.number;
        stretching.now = Some(Found { number, line, hash, is_plain: true, ..Found::default() });
        Wanted::Read
    }

    fn ended(&mut self, sums: Sums) {
        let Some(mut found) = self.stretching.as_mut().and_then(|stretching| stretching.now.take()) else {
            return;
        };
        found.records.sort_unstable();
        found.records.dedup();
        let mut days: BTreeMap<i32, u64> = BTreeMap::new();
        found.records.iter().for_each(|id| *days.entry(id.days()).or_default() += 1);
        found.short.days = days.into_iter().collect();
        found.short.sums = sums;
        self.piece.stretches.push(found);
    }

    fn as_sink(&mut self) -> &mut dyn Sink {
        self
    }
}

/// Which build this program is, as far as the file that it runs from says: its length and when it was made. Two builds of one
/// release may read a row differently.
fn build() -> &'static str {
    static BUILD: OnceLock<String> = OnceLock::new();
    BUILD.get_or_init(|| {
        let file = std::env::current_exe().and_then(std::fs::metadata).ok();
        let made = file.as_ref().and_then(|file| file.modified().ok());
        let made = made.and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
        let bytes = file.map_or(0, |file| file.len());
        format!("{} {bytes} {}", env!("CARGO_PKG_VERSION"), made.map_or(0, |made| made.as_nanos()))
    })
}

/// A print of all that says how a source's rows are read, but for their captions. Another build of this program reads
/// everything once.
pub(super) fn base(source: &Source, institution: &str, zone: &TimeZone, salt: &[u8; 32]) -> [u8; 32] {
    let recipe = super::intake::recipe(source);
    let start = jiff::Timestamp::from_second(946_684_800).unwrap_or_default();
    // Rules of clocks change; what a local time means changes with them.
    let clocks: String = zone
        .following(start)
        .take(200)
        .map(|change| format!("{} {}\n", change.timestamp().as_second(), change.offset().seconds()))
        .collect();
    let first = zone.to_offset(start).seconds();
    let text = format!("{}\n{institution}\n{first}\n{clocks}", build());
    sha256(&[text.as_bytes(), &recipe, &sha256(salt)].concat())
}
