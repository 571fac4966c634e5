//! What an export doesn't have: withdrawn if its absence means something, a fault if too much is gone at once.

use super::{
    feeder::{self, date_of},
    intake::{File, fault},
    verdict::Taken,
};
use crate::{
    error::AgentError,
    spool::{
        Tx,
        declared::{self, Endable},
        exports::Fault,
        queue,
        sent::{self, Range, Sent},
        untaken,
    },
};
use commonroll_connectors::{Draft, Scope};
use commonroll_core::{Body, RecordId};
use std::collections::BTreeMap;

/// What the stretches that were passed over say of absence.
pub(super) struct Carry {
    /// Scopes that the last export had all of.
    pub settled: Vec<(i32, Option<i32>)>,
    /// Records of stretches that were passed over, by day.
    pub days: BTreeMap<i32, u64>,
    /// Records of stretches that are gone, ascending: the only ones that may be absent now and were not before.
    pub gone: Vec<RecordId>,
}

/// A scope of records, as it is remembered; `None` for others.
pub(super) fn remembered(scope: Scope) -> Option<(i32, Option<i32>)> {
    match scope {
        Scope::Day(kind, date) => Some((kind as i32, Some(date.days()))),
        Scope::Records(kind) => Some((kind as i32, None)),
        _ => None,
    }
}

impl File<'_> {
    /// Withdraws what lies in a scope and is absent; a scope that lost too much at once is a fault.
    pub(super) async fn absent(
        &self,
        tx: &mut Tx,
        scope: Scope,
        taken: &mut Taken,
    ) -> Result<Result<(), Fault>, AgentError> {
        let range = match scope {
            Scope::Day(kind, date) => Range { kind, date: Some(date) },
            Scope::Records(kind) => Range { kind, date: None },
            Scope::Placements => return self.ended(tx, Endable::Placements, taken).await,
            Scope::Acceptances => return self.ended(tx, Endable::Acceptances, taken).await,
            Scope::Staff => return self.ended(tx, Endable::Staff, taken).await,
            Scope::Notices => return self.ended(tx, Endable::Notices, taken).await,
            Scope::Support => return self.ended(tx, Endable::Support, taken).await,
            // Neither has a way to be taken back: a learner who left is declared so by the MIS.
            Scope::Learners | Scope::Groups => return Ok(Ok(())),
        };
        let (all, absent) = sent::absent_count(tx, range, self.origin, self.generation).await?;
        // Records that this very export brought were not there before.
        if self.has_shrunk(all.saturating_sub(taken.new_in(range)), absent) {
            return Ok(Err(shrunken()));
        }
        let mut behind = None;
        loop {
            let page = sent::absent(tx, range, self.origin, self.generation, behind).await?;
            let Some(last) = page.last() else { break };
            behind = Some(last.id);
            self.withdraw(tx, page, taken).await?;
        }
        Ok(Ok(()))
    }

    /// The same where stretches were passed over, and so their records not marked as seen. `None` if that doesn't tell.
    pub(super) async fn absent_beside(
        &self,
        tx: &mut Tx,
        scope: Scope,
        carry: &Carry,
        taken: &mut Taken,
    ) -> Result<Option<Result<(), Fault>>, AgentError> {
        let range = match scope {
            Scope::Day(kind, date) => Range { kind, date: Some(date) },
            Scope::Records(kind) => Range { kind, date: None },
            _ => return Ok(None),
        };
        if !remembered(scope).is_some_and(|scope| carry.settled.contains(&scope)) {
            // Something may stand here since long ago. If all that wasn't read now was passed over, nothing does.
            let (_, unread) = sent::absent_count(tx, range, self.origin, self.generation).await?;
            let carried: u64 = match range.date {
                Some(date) => carry.days.get(&date.days()).copied().unwrap_or(0),
                None => carry.days.values().sum(),
            };
            return Ok((unread == carried).then_some(Ok(())));
        }
        let gone: Vec<RecordId> = carry.gone.iter().copied().filter(|id| range.has(*id)).collect();
        let absent = sent::absent_of(tx, &gone, range, self.origin, self.generation).await?;
        if absent.is_empty() {
            return Ok(Some(Ok(())));
        }
        let (new, n) = (taken.new_in(range), absent.len() as u64);
        // Beyond this it makes no difference how many there are.
        let enough =
            self.source.shrink_from.max(n * 100 / u64::from(self.source.shrink_percent_max).max(1) + 1);
        let all = sent::count_to(tx, range, self.origin, enough.saturating_add(new)).await?;
        if self.has_shrunk(all.saturating_sub(new), n) {
            return Ok(Some(Err(shrunken())));
        }
        self.withdraw(tx, absent, taken).await?;
        Ok(Some(Ok(())))
    }

    /// Withdraws these. What the hub never took any revision of is only noted as gone: nobody has anything of it.
    async fn withdraw(&self, tx: &mut Tx, absent: Vec<Sent>, taken: &mut Taken) -> Result<(), AgentError> {
        let ids: Vec<RecordId> = absent.iter().map(|row| row.id).collect();
        let untaken = untaken::among(tx, &ids).await?;
        let mut fresh = Vec::with_capacity(absent.len());
        let mut rows = Vec::with_capacity(absent.len());
        for row in absent {
            if untaken.contains(&row.id) {
                rows.push(Sent { withdrawn: true, ..row });
                continue;
            }
            let revision = row.revision.next();
            let date = date_of(row.id).ok_or(AgentError::Damaged("sent.id"))?;
            let draft = Draft {
                kind: row.kind,
                local_key: String::new(),
                learner: row.learner.clone(),
                group: row.group.clone(),
                date,
                recorded_at: None,
                confidential: row.confidential,
                body: Body::Withdrawn(row.kind),
            };
            let record = feeder::record(&self.reading.institution, row.id, revision, self.now, draft);
            fresh.push(self.seal(&record, 0, taken));
            rows.push(Sent { revision, withdrawn: true, ..row });
        }
        taken.withdrawn += rows.len() as u64;
        sent::write(tx, &rows, self.generation, self.origin).await?;
        queue::try_no_more(tx, &untaken.into_iter().collect::<Vec<_>>()).await?;
        queue::push(tx, &fresh, self.name, self.now).await
    }

    async fn ended(
        &self,
        tx: &mut Tx,
        kind: Endable,
        taken: &mut Taken,
    ) -> Result<Result<(), Fault>, AgentError> {
        let (all, absent) = declared::absent_count(tx, kind, self.origin, self.generation, self.now).await?;
        if self.has_shrunk(all, absent) {
            return Ok(Err(shrunken()));
        }
        let ended = declared::end_absent(tx, kind, self.origin, self.generation, self.now, self.name).await?;
        taken.declares(ended);
        Ok(Ok(()))
    }

    fn has_shrunk(&self, all: u64, absent: u64) -> bool {
        all >= self.source.shrink_from && absent * 100 > all * u64::from(self.source.shrink_percent_max)
    }
}

fn shrunken() -> Fault {
    fault(
        "EXPORT-SHRUNK",
        "much of what was sent before is missing from this export; nothing was withdrawn. Export again, or, if it is \
         right, raise `shrink_percent_max` of this source for one export",
    )
}
