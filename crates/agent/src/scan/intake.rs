//! One export, compared with what was sent before: new, corrected, withdrawn, or a fault.
//!
//! An export is one change of the spool: taken as a whole, or refused as a whole, and whatever happens the one before
//! stands. Once [`take`] says that it is taken, its records are in the spool and survive a power cut.

use super::{
    absence::remembered,
    feeder::{self, Ending, FoundRecord, Piece, Reading},
    keeping::Pass,
    latest::once_each,
    stretching::{Shape, Way},
    verdict::{Export, Purpose, Taken, Verdict},
};
use crate::{
    error::AgentError,
    settings::{Absence, ExportKind, Source},
    spool::{
        Spool, Tx, declared,
        exports::{self, Entry, Fault},
        overtaken,
        queue::{self, Fresh},
        sent::{self, Known, Sent},
        sight::{self, RowProblem},
        stretches,
    },
};
use commonroll_connectors::{FileFault, Mapping, ReadSeek};
use commonroll_core::{Body, Record, RecordId, RecordKind, Revision, Timestamp};
use commonroll_wire::seal;
use tokio::sync::mpsc;

/// Field groups of a record kind that leave this institution as a hash alone: the internal comment of a behaviour event.
const INTERNAL_COMMENT: u32 = 5;

/// Takes an export.
///
/// # Errors
/// When the spool fails. Nothing of the export is in it then.
pub async fn take(
    spool: &Spool,
    reading: &Reading,
    export: Export<'_>,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Verdict, AgentError> {
    take_shaped(spool, reading, export, (purpose, Shape::default()), now).await
}

/// The same with other bounds on stretches.
pub(super) async fn take_shaped(
    spool: &Spool,
    reading: &Reading,
    export: Export<'_>,
    (purpose, shape): (Purpose, Shape),
    now: Timestamp,
) -> Result<Verdict, AgentError> {
    let origin = origin(export.source, export.name);
    let recipe = recipe(export.source);
    let hash = export.hash;
    let entry = Entry {
        source: &export.source.name,
        name: export.name,
        origin: &origin,
        hash: &hash,
        recipe: &recipe,
        size: export.size,
        modified_us: export.modified_us,
        at: now,
    };
    let fault = match compare(spool, reading, export, &entry, (purpose, shape)).await? {
        Ok(taken) => return Ok(Verdict::Taken(taken)),
        Err(fault) => fault,
    };
    // Of a file that could not be read to its end nothing is known: it must be read again, whatever its hash is.
    if purpose == Purpose::Take && !fault.is_unread() {
        let mut tx = spool.begin().await?;
        exports::remember(&mut tx, &entry, Some(&fault)).await?;
        tx.commit().await?;
    }
    Ok(Verdict::Refused(fault))
}

async fn compare(
    spool: &Spool,
    reading: &Reading,
    export: Export<'_>,
    entry: &Entry<'_>,
    (purpose, shape): (Purpose, Shape),
) -> Result<Result<Taken, Fault>, AgentError> {
    if !export.source.accept_old_exports && spool.is_old(entry.source, entry.name, entry.hash).await? {
        let fix = "this is an older export of the same name once more; export again from the MIS, or set \
                   `accept_old_exports` if its exports may be alike";
        return Ok(Err(fault("EXPORT-OLD", fix)));
    }
    let (source, name, origin, now) = (export.source, export.name, entry.origin, entry.at);
    let is_stretched = export.size >= shape.bytes_least && feeder::has_stretches(source, reading);
    let mut attempt = if is_stretched { Attempt::Recall } else { Attempt::Whole };
    let mut reader = export.reader;
    loop {
        let mut tx = spool.begin().await?;
        let generation = exports::remember(&mut tx, entry, None).await?;
        let latest = source.mapping.as_ref().is_some_and(Mapping::counts_latest);
        let file = File { source, reading, name, origin, generation, now, shape, latest };
        match file.compare(&mut tx, (reader, export.size), &mut attempt).await? {
            Compared::Again(back) => {
                tx.rollback().await?;
                reader = back;
            }
            Compared::As(Ok(taken)) if purpose == Purpose::Take => {
                tx.commit().await?;
                spool.wake();
                return Ok(Ok(taken));
            }
            Compared::As(compared) => {
                tx.rollback().await?;
                return Ok(compared);
            }
        }
    }
}

/// How an export is tried to be read; each that fails is followed by the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// Only what changed since the last one, if that is known.
    Recall,
    /// All of it, in stretches.
    Afresh,
    /// All of it.
    Whole,
}

/// What comparing came to.
enum Compared {
    As(Result<Taken, Fault>),
    /// Nothing yet: here is the file, for the next attempt.
    Again(Box<dyn ReadSeek + Send>),
}

/// What an export's absence is about: the file of this name, or the whole source.
pub(crate) fn origin(source: &Source, name: &str) -> String {
    match source.absence {
        Absence::File => format!("{}\u{1f}{name}", source.name),
        Absence::Folder => source.name.clone(),
    }
}

/// A print of how a source is read, so that a file is read again when its mapping changes.
pub(crate) fn recipe(source: &Source) -> [u8; 32] {
    let kind = if source.export == ExportKind::Delta { "delta" } else { "snapshot" };
    let text = format!("{}\n{kind}\n{}", source.connector.0.name(), source.mapping_text);
    super::sha256(text.as_bytes())
}

pub(super) fn fault(rule: &str, fix: &str) -> Fault {
    Fault { rule: rule.to_owned(), line: None, fix: fix.to_owned() }
}

/// An export while it is compared.
pub(super) struct File<'a> {
    pub source: &'a Source,
    pub reading: &'a Reading,
    pub name: &'a str,
    pub origin: &'a str,
    /// Marks what is seen in it.
    pub generation: i64,
    pub now: Timestamp,
    pub shape: Shape,
    /// True if a later row of a key counts, not the first.
    pub latest: bool,
}

impl File<'_> {
    async fn compare(
        &self,
        tx: &mut Tx,
        (reader, size): (Box<dyn ReadSeek + Send>, u64),
        attempt: &mut Attempt,
    ) -> Result<Compared, AgentError> {
        let mut pass = Pass { others: stretches::others_have(tx, self.origin).await?, ..Pass::default() };
        let way = match attempt {
            Attempt::Recall => self.recall(tx, &mut pass).await?,
            Attempt::Afresh => self.afresh(tx, &mut pass).await?,
            Attempt::Whole => Way::Whole,
        };
        *attempt = if matches!(way, Way::Knowing(_)) { Attempt::Afresh } else { Attempt::Whole };
        let (is_knowing, is_whole) = (matches!(way, Way::Knowing(_)), matches!(way, Way::Whole));
        let (pieces, mut incoming) = mpsc::channel(4);
        let (source, reading, name) = (self.source.clone(), self.reading.clone(), self.name.to_owned());
        let shape = self.shape;
        let translating = tokio::task::spawn_blocking(move || {
            let mut reader = reader;
            let fed = feeder::feed(&source, &reading, &name, (&mut *reader, size), (way, shape), pieces);
            (fed, reader)
        });
        if self.latest {
            overtaken::clear(tx).await?;
        }
        while let Some(piece) = incoming.recv().await {
            self.piece(tx, piece, &mut pass).await?;
        }
        let Ok((fed, reader)) = translating.await else {
            let fix = "the connector failed on this file; keep it and report it, other files are not harmed";
            return Ok(Compared::As(Err(fault("CONNECTOR-FAILED", fix))));
        };
        let compared = match fed {
            Ok(None) if !is_whole => return Ok(Compared::Again(reader)),
            Ok(None) => Some(Err(fault("CONNECTOR-FAILED", "the connector can't read this file at all"))),
            Ok(Some(ending)) => self.finish(tx, ending, pass).await?,
            Err(refused) => Some(Err(read_fault(&refused))),
        };
        Ok(match compared {
            // What is refused is refused for what all its rows say.
            None => Compared::Again(reader),
            Some(Err(_)) if is_knowing => Compared::Again(reader),
            Some(compared) => Compared::As(compared),
        })
    }

    async fn piece(&self, tx: &mut Tx, piece: Piece, pass: &mut Pass) -> Result<(), AgentError> {
        if !piece.declarations.is_empty() {
            let said = piece.declarations;
            let changed =
                declared::compare(tx, said, self.generation, self.origin, self.name, self.now).await?;
            pass.taken.declares(changed);
        }
        if !piece.records.is_empty() {
            self.records(tx, piece.records, pass).await?;
        }
        pass.end_piece();
        for stretch in piece.stretches {
            self.keep(tx, stretch, pass).await?;
        }
        Ok(())
    }

    async fn records(
        &self,
        tx: &mut Tx,
        records: Vec<FoundRecord>,
        pass: &mut Pass,
    ) -> Result<(), AgentError> {
        let records = once_each(records, self.latest, pass);
        let ids: Vec<RecordId> = records.iter().map(|record| record.id).collect();
        let mut known = sent::known(tx, &ids, self.origin).await?;
        if self.latest {
            self.overtake(tx, &records, &mut known, pass).await?;
        }
        if pass.others && known.values().any(|known| !known.mine) {
            stretches::forget_owners(tx, &ids, self.origin).await?;
            pass.others = stretches::others_have(tx, self.origin).await?;
        }
        let (mut fresh, mut rows, mut same) = (Vec::new(), Vec::new(), Vec::new());
        for found in records {
            match self.judge(&found, known.get(&found.id), pass) {
                Judged::Same => same.push(found.id),
                Judged::Nothing => {}
                Judged::Send(revision) => {
                    let (row, record) = self.send(found, revision, &mut pass.taken);
                    rows.push(row);
                    fresh.push(record);
                }
            }
        }
        if self.latest {
            overtaken::note(tx, &rows.iter().map(|row| row.id).collect::<Vec<_>>()).await?;
        }
        sent::mark(tx, &same, self.generation, self.origin).await?;
        sent::write(tx, &rows, self.generation, self.origin).await?;
        match self.latest {
            true => queue::put(tx, &fresh, self.name, self.now).await,
            false => queue::push(tx, &fresh, self.name, self.now).await,
        }
    }

    fn judge(&self, found: &FoundRecord, known: Option<&Known>, pass: &mut Pass) -> Judged {
        let withdraws = matches!(found.draft.body, Body::Withdrawn(_));
        if let (Some(known), Some(keeping)) = (known, &mut pass.keeping) {
            if known.generation == self.generation {
                keeping.repeats(found.id);
            } else if known.mine && !known.withdrawn {
                keeping.touches(found.id);
            }
        }
        let taken = &mut pass.taken;
        match known {
            None if withdraws => Judged::Nothing,
            None => {
                taken.new += 1;
                *taken.new_on.entry((found.draft.kind, found.id.days())).or_default() += 1;
                Judged::Send(Revision::FIRST)
            }
            Some(known) if known.generation == self.generation => {
                if known.print != found.print {
                    pass.same_key(found.line, found.stretch);
                }
                Judged::Nothing
            }
            Some(known) if withdraws == known.withdrawn && (withdraws || known.print == found.print) => {
                taken.unchanged += 1;
                Judged::Same
            }
            Some(known) => {
                if withdraws {
                    taken.withdrawn += 1;
                } else {
                    taken.corrected += 1;
                }
                Judged::Send(known.revision.next())
            }
        }
    }

    fn send(&self, found: FoundRecord, revision: Revision, taken: &mut Taken) -> (Sent, Fresh) {
        let FoundRecord { id, print, draft, line, .. } = found;
        let row = Sent {
            id,
            kind: draft.kind,
            revision,
            print,
            withdrawn: matches!(draft.body, Body::Withdrawn(_)),
            learner: draft.learner.clone(),
            group: draft.group.clone(),
            confidential: draft.confidential,
        };
        let recorded_at = draft.recorded_at.unwrap_or(self.now);
        let record = feeder::record(&self.reading.institution, id, revision, recorded_at, draft);
        (row, self.seal(&record, line, taken))
    }

    pub(super) fn seal(&self, record: &Record, line: u64, taken: &mut Taken) -> Fresh {
        let withhold: &[u32] = match record.kind() {
            RecordKind::Behaviour => &[INTERNAL_COMMENT],
            RecordKind::Attendance | RecordKind::Assessment => &[],
        };
        let what = format!("{} {}", record.kind(), record.head.date);
        *taken.sending.entry(what).or_default() += 1;
        let sealed = seal(record, &self.reading.salt, withhold);
        Fresh { id: record.head.id, revision: record.head.revision, sealed, line }
    }

    /// What the export came to; `None` if it must be read in another way to tell.
    async fn finish(
        &self,
        tx: &mut Tx,
        mut ending: Ending,
        mut pass: Pass,
    ) -> Result<Option<Result<Taken, Fault>>, AgentError> {
        let stretched = ending.stretched.take();
        let mut carry = None;
        if let Some(stretched) = &stretched {
            let Some(joined) = self.join(tx, stretched, &mut pass).await? else { return Ok(None) };
            carry = joined;
        }
        let snapshot = self.source.export == ExportKind::Snapshot;
        let before = exports::items_before(tx, self.origin, self.generation).await?;
        if snapshot && ending.items == 0 && before > 0 {
            let fix = "the export is empty and the last one was not; nothing was withdrawn. Export again from the MIS";
            return Ok(Some(Err(fault("EXPORT-EMPTY", fix))));
        }
        pass.taken.items = ending.items;
        let scopes = if snapshot { ending.scopes } else { Vec::new() };
        for scope in &scopes {
            let absent = match &carry {
                Some(carry) => self.absent_beside(tx, *scope, carry, &mut pass.taken).await?,
                None => Some(self.absent(tx, *scope, &mut pass.taken).await?),
            };
            match absent {
                None => return Ok(None),
                Some(Err(fault)) => return Ok(Some(Err(fault))),
                Some(Ok(())) => {}
            }
        }
        let said = ending.problems.into_iter().map(|problem| RowProblem {
            file: self.name.to_owned(),
            line: problem.place.map(|place| place.line),
            field: problem.field,
            rule: problem.rule.to_owned(),
            fix: problem.fix,
        });
        let mut said = said.collect();
        if let Some(stretched) = &stretched {
            self.add_seen(tx, &stretched.carried, &mut pass, &mut said).await?;
        }
        let mut taken = pass.taken;
        taken.problems = pass.same_key.iter().map(|line| self.same_key(*line)).collect();
        taken.problems.extend(said);
        taken.problems.truncate(sight::PROBLEMS_MAX);
        let same_keys = std::mem::replace(&mut taken.problem_count, 0);
        taken.problem_count = same_keys + ending.problem_count;
        if same_keys > 0 {
            let sort = (String::new(), "AGENT-SAME-KEY".to_owned(), None);
            ending.counted.insert(sort, same_keys);
        }
        sight::replace_kept(tx, (self.origin, &self.source.name), &ending.counted).await?;
        if self.latest {
            overtaken::end(tx).await?;
        }
        exports::count(tx, self.generation, taken.items).await?;
        let (problems, count) = (&taken.problems, taken.problem_count);
        sight::replace_problems(tx, &origin_of_problems(self), problems, count, self.now).await?;
        let settled = scopes.iter().filter_map(|scope| remembered(*scope)).collect();
        self.settle(tx, stretched, pass.keeping, settled).await?;
        Ok(Some(Ok(taken)))
    }

    fn same_key(&self, line: u64) -> RowProblem {
        RowProblem {
            file: self.name.to_owned(),
            line: Some(line),
            field: String::new(),
            rule: "AGENT-SAME-KEY".to_owned(),
            fix:
                "another row of this file has the same key and says something else; the first one was taken. \
                  Add the column that tells them apart to the mapping's key"
                    .to_owned(),
        }
    }
}

enum Judged {
    /// As it was sent.
    Same,
    /// Not to be sent: said twice in this file, or taken back before it was ever sent.
    Nothing,
    /// To be sent as this revision.
    Send(Revision),
}

/// Problems are a file's own, whatever absence is looked for among.
fn origin_of_problems(file: &File<'_>) -> String {
    format!("{}\u{1f}{}", file.source.name, file.name)
}

fn read_fault(refused: &FileFault) -> Fault {
    Fault { rule: refused.rule().to_owned(), line: refused.line(), fix: refused.fix().to_owned() }
}
