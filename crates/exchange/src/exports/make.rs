//! Making an export: who signed in how, who approved, then each learner's records, each decided as for reading. Lines are
//! gathered in memory, bounded, and leave only when their entry is durable.

use super::{
    EXPORT_ROWS, ExportAsk, ExportError, ExportKey, ExportMade, ExportRow, FRESH_US, LEEWAY_US, ask::said,
    lapsed, may_approve, may_export, reads, scope, whom,
};
use crate::{
    Exchange, by_learner,
    directory::{
        Directory,
        change::{Change, hex},
        exports::{Export, Made},
    },
    office::Acting,
    reading::{Judge, RecordState, TRIES, Verdict, Wants, find, stretches},
    rooms::{called, policy_hash},
    sessions::SignInProof,
    submit_with,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{LocalId, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Bytes of an export at most.
const BYTES_MAX: usize = 64 << 20;

/// What has been gathered.
#[derive(Default)]
struct Gathered {
    lines: String,
    learners: Vec<u32>,
    sequences: Vec<u64>,
    seen: u32,
    unread: u32,
    policies: BTreeSet<String>,
    agreements: BTreeSet<String>,
}

impl Exchange {
    /// Makes an export that the person asked for, once. `proof` is how they signed in; `line` writes one record as a line,
    /// or says that it can't.
    ///
    /// # Errors
    /// [`ExportError`]; nothing was handed out then.
    pub async fn make_export(
        &self,
        acting: Acting<'_>,
        (key, proof): (ExportKey, Option<SignInProof>),
        line: fn(&ExportRow<'_>) -> Option<String>,
        now: Timestamp,
    ) -> Result<ExportMade, ExportError> {
        let made = self.make(acting, (key, proof), line, now).await;
        self.export_counted(&acting.speaker.by(), made)
    }

    async fn make(
        &self,
        acting: Acting<'_>,
        (key, proof): (ExportKey, Option<SignInProof>),
        line: fn(&ExportRow<'_>) -> Option<String>,
        now: Timestamp,
    ) -> Result<ExportMade, ExportError> {
        if !self.shared.is_current() {
            self.shared.follow().await.map_err(|_| ExportError::Unavailable)?;
        }
        // One at a time on each node: memory stays bounded.
        let busy = "another export is being made just now; try again in a minute";
        let _alone = self.shared.exporting.try_lock().map_err(|_| ExportError::State(busy))?;
        for turn in 0..TRIES {
            let (moment, export, learners) = {
                let directory = self.shared.directory();
                let export = good(&directory, acting, key, (turn > 0, now))?;
                strong_enough(&directory, &export, proof, now)?;
                let ask = ExportAsk { kind: export.record, dates: export.dates };
                let learners = scope(&directory, acting, &ask, now)?;
                if whom(&learners) != export.whom.0 {
                    let other = "those whom it is about have changed since it was asked for; ask for it anew";
                    return Err(ExportError::State(other));
                }
                (directory.moment(), export, learners)
            };
            let Some(gathered) = self.gather(acting, &export, (&learners, moment), line, now).await? else {
                continue;
            };
            // Whoever follows a change, or takes payloads out, waits until what was decided before it has left.
            let _leaving = self.shared.leaving.read().await;
            if self.shared.directory().moment() != moment {
                continue;
            }
            let made = self.enter_export(acting, (key, turn > 0), &gathered, now).await?;
            if self.shared.directory().moment() == moment {
                let records = made.records;
                let Gathered { lines, unread, .. } = gathered;
                let ask = ExportAsk { kind: export.record, dates: export.dates };
                return Ok(ExportMade { ask, lines, records, learners: made.learners, unread });
            }
        }
        Err(ExportError::Unavailable)
    }

    /// The lines of all learners. `None` if the directory changed meanwhile.
    async fn gather(
        &self,
        acting: Acting<'_>,
        export: &Export,
        (learners, moment): (&[(u32, LocalId)], (u64, u64)),
        line: fn(&ExportRow<'_>) -> Option<String>,
        now: Timestamp,
    ) -> Result<Option<Gathered>, ExportError> {
        let ask = ExportAsk { kind: export.record, dates: export.dates };
        let numbers: BTreeMap<u32, Vec<u32>> = {
            let directory = self.shared.directory();
            let all =
                learners.iter().map(|(one, _)| (*one, directory.numbers_of(*one).into_iter().collect()));
            all.collect()
        };
        let every: Vec<u32> = numbers.values().flatten().copied().collect();
        let index = by_learner::sequences_of_all(&self.shared, &every).await?;
        let mut gathered = Gathered::default();
        for (number, local) in learners {
            let mut places: Vec<u64> =
                numbers[number].iter().filter_map(|one| index.get(one)).flatten().copied().collect();
            places.sort_unstable();
            places.dedup();
            if places.is_empty() {
                continue;
            }
            let reads = reads(&ask, acting.role, local.clone());
            let wants = Wants::new(&reads, vec![ask.kind], None);
            let loaded = find(&self.shared, &places, &wants).await?;
            let directory = self.shared.directory();
            if directory.moment() != moment {
                return Ok(None);
            }
            let judge = Judge::new(&directory, acting, &reads, now)?;
            let best = judge.at_best(ask.kind);
            let name = called(&directory, acting.speaker.number, *number).1;
            let before = gathered.sequences.len();
            for one in loaded.iter().filter(|one| one.asked && best.open.contains(&one.entry.source)) {
                let Verdict::Seen(record) = judge.judge(one) else { continue };
                if record.state != RecordState::Stands {
                    continue;
                }
                let Some(text) = line(&ExportRow { learner: local, name: &name, record: &record }) else {
                    gathered.unread += 1;
                    continue;
                };
                gathered.lines.push_str(&text);
                gathered.sequences.push(record.sequence);
                gathered.seen |= record.seen;
                gathered.policies.insert(record.reason.clone());
                gathered.agreements.extend(record.agreement.clone());
            }
            if gathered.sequences.len() > before {
                gathered.learners.push(*number);
            }
            if gathered.sequences.len() > EXPORT_ROWS || gathered.lines.len() > BYTES_MAX {
                return Err(ExportError::TooMuch(EXPORT_ROWS));
            }
        }
        Ok(Some(gathered))
    }

    /// Says in the log what is about to be handed out; durable when it returns.
    async fn enter_export(
        &self,
        acting: Acting<'_>,
        (key, again): (ExportKey, bool),
        gathered: &Gathered,
        now: Timestamp,
    ) -> Result<Made, ExportError> {
        let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
        let (learners, records) = (count(gathered.learners.len()), count(gathered.sequences.len()));
        let made = Made { at: now, learners, records };
        let (listed, left_off) = stretches(gathered.sequences.iter().copied());
        let shown = serde_json::json!({
            "learners": by_learner::naming(&gathered.learners), "count": records, "learners_count": learners, "records": listed,
            "stretches_left_off": left_off, "policies": gathered.policies, "agreements": gathered.agreements,
        });
        let (seen, actor, by) = (gathered.seen, acting.owned(), acting.speaker.by());
        let entered = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            let held = good(directory, actor.acting(), key, (again, now))?;
            let mut export = Export::clone(&held);
            let mut more = said(&export, &actor);
            more["policy"] = policy_hash(directory).into();
            more["kinds"] = serde_json::json!([export.record.as_str()]);
            more["groups"] = serde_json::json!({ export.record.as_str(): seen });
            more["approved_by"] = export
                .approved
                .map_or(serde_json::Value::Null, |second| format!("person:{}", second.person.0).into());
            if let (Some(more), Some(shown)) = (more.as_object_mut(), shown.as_object()) {
                more.extend(shown.clone());
            }
            work.more = more;
            export.made = Some(made);
            work.planner.make(Change::Export { export: Box::new(export) });
            Ok::<_, ExportError>(())
        });
        entered.await.map_err(|_| ExportError::Unavailable)??;
        tracing::info!(export = hex(&key.0), records, learners, "an export was made");
        Ok(made)
    }
}

/// The export, if it is this person's in this role, exactly this one, and neither used up nor too old. `again` where its entry
/// was made by this same call.
fn good(
    directory: &Directory,
    acting: Acting<'_>,
    key: ExportKey,
    (again, now): (bool, Timestamp),
) -> Result<Arc<Export>, ExportError> {
    may_export(directory, acting)?;
    let held = directory.exports().get(&key.0).filter(|held| {
        held.hash.0 == key.1
            && held.person.0 == acting.speaker.id()
            && held.role == acting.role
            && held.institution == acting.speaker.number
    });
    let held = held.ok_or(NotAllowed::Denied)?;
    if held.made.is_some() && !again {
        return Err(ExportError::State("this export has been made; each is made once, so ask for a new one"));
    }
    if lapsed(held.asked, now) {
        return Err(ExportError::State("this was asked for more than 24 hours ago; ask for it anew"));
    }
    Ok(held.clone())
}

/// A large one, or one of behaviour: who asks signed in lately and with more than a password, and somebody else, who still may,
/// has approved it.
fn strong_enough(
    directory: &Directory,
    export: &Export,
    proof: Option<SignInProof>,
    now: Timestamp,
) -> Result<(), ExportError> {
    if !export.strong {
        return Ok(());
    }
    let second = export.approved.ok_or(ExportError::Waits)?;
    if lapsed(second.at, now) {
        return Err(ExportError::State("its approval is more than 24 hours old; ask for the export anew"));
    }
    let speaker = directory.person_speaker(second.person.0).map_err(|_| ExportError::Waits)?;
    let other = Acting { speaker: &speaker, role: second.role };
    let same = speaker.number == export.institution;
    let stands = same && may_approve(directory, other, second.person.0 != export.person.0).is_ok();
    if !stands {
        return Err(ExportError::Waits);
    }
    let proof = proof.ok_or(ExportError::SignInAgain)?;
    if !(-LEEWAY_US..=FRESH_US).contains(&(now.micros() - proof.at.micros())) {
        return Err(ExportError::SignInAgain);
    }
    if proof.second_factor { Ok(()) } else { Err(ExportError::SecondFactor) }
}
