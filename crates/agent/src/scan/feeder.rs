//! Running a connector beside the comparing: it fills pieces of a thousand items, a few of which may lie ready.
//!
//! So memory does not grow with the file, and a connector that panics takes down its file, not the agent.

use super::stretching::{Found, Shape, Stretched, Stretching, Way, base};
use crate::{
    settings::Source,
    spool::{declared::Prepared, sent::Print, sight::PROBLEMS_MAX},
};
use commonroll_connectors::{Draft, FileFault, Input, Item, Place, Problem, ReadSeek, Scope, Sink};
use commonroll_core::{
    Body, Head, Record, RecordId, Revision, SchoolDate, Slug, Timestamp, directory::Declaration,
    sources::Counted,
};
use commonroll_wire::{record_id, seal};
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

/// Items of a piece.
const PIECE: usize = 1_000;
/// Sorts of problems of one file that are counted apart with their codes; of more only how many there are by rule.
const SORTS: usize = 2_000;

/// A record as found in a file, with what comparing needs.
#[derive(Debug)]
pub(super) struct FoundRecord {
    pub id: RecordId,
    pub print: Print,
    pub draft: Draft,
    pub line: u64,
    /// Number of its stretch; 0 if the file is not read in stretches.
    pub stretch: u32,
}

/// What a connector gave since the last piece.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub records: Vec<FoundRecord>,
    pub declarations: Vec<Prepared>,
    /// Stretches whose last record stands in this piece or an earlier one.
    pub stretches: Vec<Found>,
}

/// What a connector said of the file as a whole.
#[derive(Debug, Default)]
pub(super) struct Ending {
    pub problems: Vec<Problem>,
    pub problem_count: u64,
    /// Rows with problems by caption, rule and code of their first, those of stretches that were passed over too.
    pub counted: Counted,
    pub scopes: Vec<Scope>,
    pub items: u64,
    /// Where it was read in stretches.
    pub stretched: Option<Stretched>,
}

/// Whose file it is, and how it is read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The institution.
    pub institution: Slug,
    /// Its time zone.
    pub zone: TimeZone,
    /// Salts are derived from it.
    pub salt: [u8; 32],
}

/// How a source's files are read.
fn settings(source: &Source, reading: &Reading) -> commonroll_connectors::Settings {
    commonroll_connectors::Settings::new(
        reading.institution.clone(),
        reading.zone.clone(),
        source.mapping.clone(),
    )
}

/// True if a source's files can be read in stretches.
pub(super) fn has_stretches(source: &Source, reading: &Reading) -> bool {
    source.connector.0.has_stretches(&settings(source, reading))
}

/// Reads a file to its end. Blocks; pieces go through `pieces` as they fill. `None` if it can't be read in this way.
pub(super) fn feed(
    source: &Source,
    reading: &Reading,
    name: &str,
    (reader, size): (&mut dyn ReadSeek, u64),
    (way, shape): (Way, Shape),
    pieces: mpsc::Sender<Piece>,
) -> Result<Option<Ending>, FileFault> {
    let settings = settings(source, reading);
    let recall = match way {
        Way::Whole => None,
        Way::Afresh => Some(None),
        Way::Knowing(recall) => Some(Some(recall)),
    };
    let base = || base(source, reading.institution.as_str(), &reading.zone, &reading.salt);
    let stretching = recall.map(|recall| Stretching::new(base(), shape, recall));
    let is_stretched = stretching.is_some();
    let (piece, ending) = (Piece::default(), Ending::default());
    let mut feeder = Feeder { reading, pieces, piece, ending, stretching };
    let input = Input { file_name: name, reader, size };
    if !is_stretched {
        source.connector.0.translate(input, &settings, &mut feeder)?;
    } else if !source.connector.0.translate_stretches(input, &settings, shape.cuts, &mut feeder)? {
        return Ok(None);
    }
    feeder.flush();
    feeder.ending.stretched = feeder.stretching.map(Stretching::finish);
    Ok(Some(feeder.ending))
}

/// The print of a record's content: what its root would be as revision 1 recorded at the epoch. So it tells two contents
/// apart, and not two revisions or two exports of the same content.
pub(super) fn print(reading: &Reading, id: RecordId, draft: &Draft) -> Print {
    let epoch = Timestamp::from_micros("recorded_at", 0).expect("1970 lies between 1900 and 2200");
    let record = record(&reading.institution, id, Revision::FIRST, epoch, draft.clone());
    let root = seal(&record, &reading.salt, &[]).root;
    root.first_chunk().copied().expect("a root has 32 bytes")
}

/// A draft as a record.
pub(super) fn record(
    source: &Slug,
    id: RecordId,
    revision: Revision,
    recorded_at: Timestamp,
    draft: Draft,
) -> Record {
    Record {
        head: Head {
            id,
            revision,
            source: source.clone(),
            learner: draft.learner,
            group: draft.group,
            date: draft.date,
            recorded_at,
            confidential: draft.confidential,
        },
        body: draft.body,
    }
}

/// The school date inside a record's id.
pub(super) fn date_of(id: RecordId) -> Option<SchoolDate> {
    let epoch = jiff::civil::date(1970, 1, 1);
    let date = epoch.checked_add(jiff::Span::new().try_days(i64::from(id.days())).ok()?).ok()?;
    Some(SchoolDate::from_civil(date))
}

fn count(counted: &mut Counted, problem: &Problem) {
    let rule = problem.rule.to_owned();
    let sort = (problem.field.clone(), rule.clone(), problem.code.clone());
    let is_known = counted.len() < SORTS || counted.contains_key(&sort);
    *counted.entry(if is_known { sort } else { (String::new(), rule, None) }).or_default() += 1;
}

pub(super) struct Feeder<'a> {
    reading: &'a Reading,
    pieces: mpsc::Sender<Piece>,
    pub piece: Piece,
    pub ending: Ending,
    pub stretching: Option<Stretching>,
}

impl Feeder<'_> {
    fn flush(&mut self) {
        // Nobody listens any more if the comparing failed: then the rest is read for nothing, and thrown away.
        let _ = self.pieces.blocking_send(std::mem::take(&mut self.piece));
    }

    fn record(&mut self, draft: Draft, line: u64) {
        let id = record_id(&self.reading.institution, draft.kind, draft.date, &draft.local_key);
        let print = match draft.body {
            Body::Withdrawn(_) => [0; 16],
            _ => print(self.reading, id, &draft),
        };
        let mut stretch = 0;
        if let Some(stretching) = &mut self.stretching {
            (stretch, stretching.read) = (stretching.number, stretching.read + 1);
            if let Some(now) = &mut stretching.now {
                now.short.items += 1;
                now.records.push(id);
                now.is_plain &= !matches!(draft.body, Body::Withdrawn(_));
            }
        }
        self.piece.records.push(FoundRecord { id, print, draft, line, stretch });
    }

    fn declare(&mut self, declaration: &Declaration, line: u64) {
        if let Some(now) = self.stretching.as_mut().and_then(|stretching| stretching.now.as_mut()) {
            now.short.items += 1;
            now.is_plain = false;
        }
        self.piece.declarations.push(Prepared::new(declaration, line));
    }
}

impl Sink for Feeder<'_> {
    fn item(&mut self, item: Item, at: Place) {
        self.ending.items += 1;
        match item {
            Item::Record(draft) => self.record(draft, at.line),
            Item::Learner(said) => self.declare(&Declaration::Learner(said), at.line),
            Item::Group(said) => self.declare(&Declaration::Group(said), at.line),
            Item::Placement(said) => self.declare(&Declaration::Placement(said), at.line),
            Item::Acceptance(said) => self.declare(&Declaration::Acceptance(said), at.line),
            Item::End(said) => self.declare(&Declaration::End(said), at.line),
            Item::Staff(said) => self.declare(&Declaration::Staff(said), at.line),
            Item::Day(said) => self.declare(&Declaration::Day(said), at.line),
            Item::Notice(said) => self.declare(&Declaration::Notice(said), at.line),
            Item::Support(said) => self.declare(&Declaration::Support(said), at.line),
        }
        if self.piece.records.len() + self.piece.declarations.len() >= PIECE {
            self.flush();
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.ending.problem_count += 1;
        if !problem.again {
            count(&mut self.ending.counted, &problem);
        }
        if let Some(stretching) = &mut self.stretching {
            stretching.problem(&problem);
        }
        if self.ending.problems.len() < PROBLEMS_MAX {
            self.ending.problems.push(problem);
        }
    }

    fn covers(&mut self, scope: Scope) {
        self.ending.scopes.push(scope);
    }
}
