//! What is to happen to the copies of one record: nothing, a notice, or the record once more.
//!
//! Asked twice: when a sweep comes by, and again in the log's one writer, where it counts.

use super::held::Found;
use crate::{
    decide::{self, Subject},
    directory::Directory,
    live::LiveRecord,
    types::GroupState,
    withdrawal::Reason,
};
use commonroll_core::{
    RecordKind, Timestamp,
    agreement::{AtEnd, ItemKind},
};
use std::collections::{BTreeSet, HashMap};

/// The head of a record always stays open, whatever was agreed.
const HEAD: u32 = 1 << 1;

/// Something to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Ask a recipient to remove its copy.
    Recall { recipient: u16, seq: u64, learner: u32, reason: Reason },
    /// Send a recipient the newest revision once more.
    Again { recipient: u16, seq: u64, learner: u32, groups: u32 },
}

/// A record with all that is needed to decide on its copies.
pub struct Case {
    pub found: Found,
    /// Its newest revision.
    pub newest: LiveRecord,
}

impl Case {
    /// What is to be done, as things stand. `handed` says how far each recipient was handed its feed.
    pub fn acts(&self, directory: &Directory, handed: &HashMap<u16, u64>, now: Timestamp) -> Vec<Act> {
        let entry = &self.newest.entry;
        let c = &self.newest.circumstances;
        let learner = directory.local(entry.source, &c.learner).and_then(|local| local.learner);
        let home = learner.and_then(|learner| directory.home_of(learner)).map(|(home, _)| *home);
        let mut recipients: BTreeSet<u16> = self.found.copies.iter().map(|copy| copy.recipient).collect();
        recipients.extend(home.filter(|_| self.found.was_for_somebody));
        let mut acts = Vec::new();
        for recipient in recipients {
            let upto = handed.get(&recipient).copied().unwrap_or(0);
            self.judge(directory, recipient, upto, now, &mut acts);
        }
        if self.newest.groups.is_empty() {
            // Kept no longer: there is nothing to send again.
            acts.retain(|act| matches!(act, Act::Recall { .. }));
        }
        acts
    }

    fn judge(&self, directory: &Directory, recipient: u16, handed: u64, now: Timestamp, acts: &mut Vec<Act>) {
        let (entry, seq) = (&self.newest.entry, self.newest.seq);
        let mine = || self.found.copies.iter().filter(|copy| copy.recipient == recipient);
        let holds = mine().filter(|copy| copy.place < handed).max_by_key(|copy| (copy.seq, copy.place));
        let queued = mine().filter(|copy| copy.seq == seq).max_by_key(|copy| copy.place);
        let recall = |reason| {
            holds.filter(|copy| copy.seq < seq || !entry.withdrawn).map(|copy| Act::Recall {
                recipient,
                seq: copy.seq,
                learner: copy.learner,
                reason,
            })
        };
        match self.entitled(directory, recipient, now) {
            Err(None) => {}
            Err(Some(reason)) => acts.extend(recall(reason)),
            Ok((learner, groups)) => {
                let again = Act::Again { recipient, seq, learner, groups };
                let moved = holds.is_some_and(|copy| copy.learner != learner);
                if entry.withdrawn {
                    // A withdrawal is nothing to somebody who holds nothing.
                    acts.extend((queued.is_none() && holds.is_some()).then_some(again));
                    return;
                }
                match (queued, holds) {
                    // On its way; it is decided on when it leaves.
                    (Some(queued), _) if queued.place >= handed && !moved => {}
                    (_, Some(_)) if moved => {
                        acts.extend(recall(Reason::MatchUndone));
                        acts.extend((queued.is_none_or(|queued| queued.place < handed)).then_some(again));
                    }
                    (Some(copy), _) if copy.place < handed => {
                        let has = copy.groups & self.open_groups();
                        let may = groups & self.open_groups();
                        if has & !may != 0 {
                            acts.extend(recall(Reason::FieldsNarrowed));
                        }
                        acts.extend((has != may).then_some(again));
                    }
                    (Some(_), _) => {}
                    (None, _) => acts.push(again),
                }
            }
        }
    }

    /// Whom the record is about and which field groups of it the recipient may have, or why it may not. `Err(None)` where
    /// no rule said so: flow stops, and nothing is taken away because something failed.
    fn entitled(
        &self,
        directory: &Directory,
        recipient: u16,
        now: Timestamp,
    ) -> Result<(u32, u32), Option<Reason>> {
        let (entry, circumstances) = (&self.newest.entry, &self.newest.circumstances);
        if directory.copies().is_hidden(entry.id, entry.revision) {
            return Err(Some(Reason::SourceMarkedConfidential));
        }
        let subject = Subject {
            source: entry.source,
            kind: entry.kind,
            confidential: entry.confidential,
            corrects: entry.corrects(),
            circumstances,
        };
        let learner = directory.local(entry.source, &circumstances.learner).and_then(|local| local.learner);
        let denied = match (
            decide::leave(directory, &subject, decide::place(directory, &subject), recipient, now),
            learner,
        ) {
            (Ok((permit, _)), Some(learner)) => return Ok((learner, permit.groups())),
            (Ok(_), None) => return Err(None),
            (Err(code), _) => code,
        };
        let was = self.found.copies.iter().rfind(|copy| copy.recipient == recipient).map(|copy| copy.learner);
        let home = was.and_then(|was| directory.home_of(was)).map(|(home, _)| *home);
        let doubted = was.and_then(|was| directory.doubts().home_of(was)).map(|(home, _)| *home);
        Err(match denied {
            "policy_error" => None,
            // Nothing is taken from a home before it has said whom its id stands for.
            _ if doubted == Some(recipient) => None,
            _ if was.is_some() && was != learner => Some(Reason::MatchUndone),
            _ if home != Some(recipient) => Some(Reason::HomeChanged),
            "no_placement" | "not_home" => Some(Reason::PlacementEnded),
            "no_agreement" if keeps(directory, entry.source, recipient, entry.kind, now) => None,
            "no_agreement" => Some(Reason::AgreementEnded),
            // How tight a partner's data is says nothing of who needs to know: flow stops, and copies stay.
            decide::NOT_UNLOCKED => None,
            "confidential" => Some(Reason::SourceMarkedConfidential),
            _ => Some(Reason::PolicyNarrowed),
        })
    }

    /// Field groups that the hub can hand out at all, but for the head.
    fn open_groups(&self) -> u32 {
        let open = self.newest.groups.iter().filter(|group| matches!(group.state, GroupState::Open { .. }));
        open.filter(|group| group.number < 32).fold(0, |mask, group| mask | 1 << group.number) & !HEAD
    }
}

/// True if an agreement let this kind flow until it ended, and says that copies are kept then.
pub(crate) fn keeps(
    directory: &Directory,
    source: u16,
    recipient: u16,
    kind: RecordKind,
    now: Timestamp,
) -> bool {
    let (Some(source), Some(home)) = (directory.institution(source), directory.institution(recipient)) else {
        return false;
    };
    let today = now.date_in(&home.zone);
    let has_left = source.left.or(home.left).is_some();
    let kind = ItemKind::Record(kind);
    let agreements = directory.agreements();
    agreements.whole().map(|signed| (&signed.terms, signed.is_ended(today))).any(|(terms, is_ended)| {
        agreements.newest_begun(&terms.id, today).is_some_and(|newest| newest.terms.version == terms.version)
            && (is_ended || has_left || terms.last_date < today)
            && terms.covers(&source.info.slug, &home.info.slug, terms.last_date)
            && terms.groups(kind) != 0
            && terms.at_end(kind) == AtEnd::Keep
    })
}
