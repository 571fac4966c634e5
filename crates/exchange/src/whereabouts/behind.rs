//! What stands behind decided codes of days that are over. The hub holds no board of such a day, so the log is asked: a code
//! that says where somebody was is borne as long as one of the marks by which it was decided stands unchanged.

use super::{
    ProposalSeen, Whereabouts,
    codes::Open,
    desk::{CodeSeen, CodeStands, Table, bears},
};
use crate::{
    Exchange,
    directory::{
        Directory,
        codes::{Decided, SessionId},
    },
    rooms::called,
};
use commonroll_core::{RecordId, SchoolDate, Timestamp};
use commonroll_store::IdRow;
use std::collections::HashMap;

/// Ids of one question to the log.
const IDS: usize = 1_000;
/// Absent, and why isn't known: says nothing of where somebody was.
const ABSENT: &str = "N";

/// The log could not be read.
pub(super) struct Unread;

/// A mark: record and revision.
pub(super) type Seen = (RecordId, u32);

/// The newest revisions of the marks by which codes of days that are over were decided.
pub(super) struct Behind(HashMap<[u8; 16], IdRow>);

impl Behind {
    /// The marks by which a code was decided and that stand as they were then; `None` if it needs one and none does.
    pub fn of(&self, directory: &Directory, one: &Decided) -> Option<Vec<Seen>> {
        let stands = |(id, revision): &(RecordId, u32)| {
            self.0.get(&id.0).is_some_and(|newest| {
                newest.revision == *revision
                    && !directory.duties().is_going(newest.seq)
                    && !directory.copies().is_hidden(*id, *revision)
            })
        };
        let marks: Vec<Seen> = decided_by(one).filter(stands).collect();
        (one.code.is_empty() || one.code == ABSENT || !marks.is_empty()).then_some(marks)
    }
}

/// The marks by which a code was decided.
pub(super) fn decided_by(one: &Decided) -> impl Iterator<Item = Seen> {
    one.evidence.iter().map(|(id, revision)| (RecordId(id.0), *revision))
}

impl Whereabouts {
    /// The marks that bear a decision of today now; `None` if nothing does.
    pub(super) fn bearing(
        &self,
        directory: &Directory,
        (open, one): (&Open, &Decided),
        home: u16,
        now: Timestamp,
    ) -> Option<Vec<Seen>> {
        let learner = directory.local(home, &one.local)?.learner?;
        let seen = self.attended(directory, open.time, learner, now);
        let proposal = self.proposal(&open.window, learner, home, now)?;
        bears(&one.code, &proposal, !seen.is_empty()).then(|| match &*one.code {
            ABSENT => Vec::new(),
            _ => seen,
        })
    }
}

impl Table<'_> {
    /// A decision that is left where no lesson elsewhere is known any more: only that the home's own mark stays can be decided.
    pub(super) fn left(&self, open: &Open, learner: u32) -> Option<CodeSeen> {
        let one = self.directory.codes().get(&self.id(open))?.get(self.local(learner)?)?;
        let host = &self.directory.institution(one.host)?.info;
        let because = "no lesson elsewhere is known for this session any more";
        let proposal = ProposalSeen { code: None, minutes_late: None, rule: 7, because, clear: false };
        Some(CodeSeen {
            learner,
            name: called(self.directory, self.own(), learner).1,
            stands: CodeStands::Decided,
            host: (host.slug.clone(), host.name.clone()),
            lesson: (open.time, String::new()),
            saw: None,
            home_says: None,
            decided: Some(self.decided(one, &proposal, false)),
            proposal,
        })
    }
}

impl Exchange {
    /// What stands behind a home's decisions of these sessions, of days before this one.
    pub(super) async fn behind(
        &self,
        home: u16,
        today: SchoolDate,
        asked: impl Fn(&SessionId, &Decided) -> bool,
    ) -> Result<Behind, Unread> {
        let ids: Vec<[u8; 16]> = {
            let directory = self.shared.directory();
            let over = directory.codes().of(home).filter(|session| session.id.date < today);
            let decided = over.flat_map(|session| session.of.iter().map(|one| (&session.id, one)));
            decided
                .filter(|(id, one)| asked(id, one))
                .flat_map(|(_, one)| one.evidence.iter().map(|(id, _)| id.0))
                .collect()
        };
        let mut newest = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(IDS) {
            let rows = self.shared.store.newest(ids).await.map_err(|_| Unread)?;
            newest.extend(rows.into_iter().flatten().map(|row| (row.id, row)));
        }
        Ok(Behind(newest))
    }
}
