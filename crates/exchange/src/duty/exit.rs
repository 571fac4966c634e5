//! Leaving: what an institution takes with it, and the end of its part in the consortium.
//!
//! The pack holds everything that the hub holds of that controller: its records as it sent and signed them, what it
//! declared, its agreements, its people, agents and keys, and the log's lines about it; besides what partners were handed of
//! it and what they were asked to remove. Whoever has the pack needs no hub to check it. The end stops all flow at once
//! and ends placements and everybody's access; the history stays, and so does what partners may keep by agreement.

use super::{
    exit_pages as pages,
    gone::{self, NotYet},
    pack::{Lines, Out, Pack, evidence},
};
use crate::{
    Exchange,
    directory::{
        InstitutionState, Side,
        change::{Change, hex},
    },
    enrol::end_access,
    entry::{Entry, Note, RecordEntry, split_entries},
    follow::read_what_is_left,
    live::LiveRecord,
    notices::Special,
    office::{Acting, LawError, may},
    questions::concerns,
    shared::Shared,
    types::{GroupState, Revoke},
};
use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_STANDARD};
use commonroll_audit::{approval::Approves, hash::Hash};
use commonroll_core::{LocalId, RecordKind, Slug, Timestamp};
use commonroll_policy::{OfficeAct, PersonPermit};
use serde_json::json;
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

/// Blocks read at once, with their payloads.
const BLOCKS: u32 = 8;

/// What a head signs who ends the membership: the SHA-256 of `commonroll/institution-leaves/v1`, a line feed, the institution's
/// short name and a line feed.
pub fn leaving_hash(institution: &Slug) -> Hash {
    let text = format!("commonroll/institution-leaves/v1\n{institution}\n");
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}

/// What the end of a membership ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Sides of placements that were the institution's word.
    pub placements: u64,
    /// Agents and people.
    pub access: u64,
}

impl Exchange {
    /// Everything that the hub holds of the person's institution.
    ///
    /// # Errors
    /// [`LawError`]; nothing was handed out then.
    pub async fn exit_pack(&self, acting: Acting<'_>, now: Timestamp) -> Result<Pack, LawError> {
        let (actor, own) = (acting.owned(), acting.speaker.institution().clone());
        let permit = self
            .law(acting, OfficeAct::ExitPack, now, {
                let own = own.clone();
                move |work, _| {
                    let directory = &*work.planner.directory;
                    let permit = may(directory, actor.acting(), OfficeAct::ExitPack, Some(&own), false)?;
                    let mut more = actor.speaker.more(actor.role);
                    more["rules"] = permit.reason().into();
                    work.notes.push(("exit.pack".to_owned(), more));
                    Ok(permit)
                }
            })
            .await?;
        let (exchange, number) = (self.clone(), acting.speaker.number);
        Ok(Pack::made(move |out| async move {
            let whole = Leaving { exchange, out, number, slug: own, now };
            whole.make(&permit).await
        })
        .taken_by(&self.shared, acting))
    }

    /// Ends the membership of the person's institution, by a head's signature over [`leaving_hash`]: nothing flows to it or
    /// from it when the call returns, its placements have ended, and nobody acts for it any more, the caller included.
    ///
    /// # Errors
    /// [`LawError`].
    pub async fn end_membership(
        &self,
        acting: Acting<'_>,
        signature: [u8; 64],
        now: Timestamp,
    ) -> Result<Ended, LawError> {
        let (actor, number) = (acting.owned(), acting.speaker.number);
        self.law(acting, OfficeAct::EndMembership, now, move |work, now| {
            let directory = &*work.planner.directory;
            let own = actor.speaker.institution().clone();
            let permit = may(directory, actor.acting(), OfficeAct::EndMembership, Some(&own), false)?;
            let approval = actor.approves(directory, Approves::Act, &leaving_hash(&own), signature, now)?;
            let mut more = actor.speaker.more(actor.role);
            more["rules"] = permit.reason().into();
            more["signature"] = hex(&approval.signature).into();
            work.more = more;
            let open: Vec<(LocalId, Side)> = directory
                .institution(number)
                .into_iter()
                .flat_map(|state| &state.locals)
                .flat_map(|(id, local)| local.sides.iter().map(move |side| (id.clone(), side.clone())))
                .filter(|(_, side)| side.ended.is_none())
                .collect();
            let placements = open.len() as u64;
            for (local, side) in open {
                let Side { other, group, hosting, dates, .. } = side;
                work.planner.make(Change::Side {
                    by: number,
                    local,
                    other,
                    group,
                    hosting,
                    dates,
                    ended: Some(now),
                });
            }
            let access = u64::from(end_access(work, &Revoke::Institution(own), now));
            work.planner.make(Change::Left { institution: number, at: now });
            Ok(Ended { placements, access })
        })
        .await
    }
}

/// A pack in the making.
struct Leaving {
    exchange: Exchange,
    out: Out,
    number: u16,
    slug: Slug,
    now: Timestamp,
}

/// What was counted on the way.
#[derive(Default)]
pub(super) struct Counts {
    pub records: u64,
    pub gone: u64,
    pub batches: u64,
    pub lines: u64,
    pub declared: u64,
    pub agreements: u64,
    /// Handed to a partner by kind: records and revisions, and copies of them that it was asked to remove.
    pub partners: BTreeMap<(String, String), (u64, u64)>,
    /// Received from a partner, by kind.
    pub received: BTreeMap<(String, String), u64>,
}

/// What the walk over the log remembers.
#[derive(Default)]
struct Walked {
    counts: Counts,
    last_batch: Option<u64>,
    /// Places of own records, by kind, to tell whose copies a notice is about.
    own: BTreeMap<RecordKind, super::ranges::Ranges>,
    notices: Vec<(String, u64, &'static str, u64)>,
}

impl Leaving {
    fn shared(&self) -> &Arc<Shared> {
        &self.exchange.shared
    }

    async fn make(&self, _permit: &PersonPermit) -> Result<(), NotYet> {
        let mut walked = self.walk().await?;
        walked.counts.declared = self.declarations().await?;
        walked.counts.agreements = self.agreements().await?;
        self.access().await?;
        self.partners(&walked).await?;
        evidence(self.shared(), &self.out, "", &[]).await?;
        let info =
            self.shared().directory().institution(self.number).map(|s| (s.zone.clone(), s.info.clone()));
        let (zone, info) = info.ok_or(NotYet)?;
        let page = pages::index(&info, &zone, &walked.counts, self.now);
        self.out.put("index.md", page).await
    }

    /// Records, seals and lines of the log, in one reading.
    async fn walk(&self) -> Result<Walked, NotYet> {
        let mut walked = Walked::default();
        let (mut records, mut seals, mut lines) = (
            Lines::new(&self.out, "records.jsonl".to_owned(), ""),
            Lines::new(&self.out, "batches.jsonl".to_owned(), ""),
            Lines::new(&self.out, "log.jsonl".to_owned(), ""),
        );
        let people: HashSet<String> = {
            let directory = self.shared().directory();
            let own = directory.people().filter(|(_, person)| person.institution == self.number);
            own.map(|(id, _)| format!("person:{id}")).collect()
        };
        let (mut next, end) = (0, self.shared().frontier().size());
        while next < end {
            let blocks = self.shared().store.blocks(next, BLOCKS, true).await.map_err(|_| NotYet)?;
            let Some(last) = blocks.last().map(commonroll_store::Block::end) else { return Err(NotYet) };
            for block in blocks {
                let mut own = Vec::new();
                let entries = block.entries.clone();
                let entries = split_entries(&entries).map_err(|_| NotYet)?;
                for (seq, bytes) in (block.first_seq..end).zip(entries) {
                    let entry = Entry::decode(bytes).map_err(|_| NotYet)?;
                    let concerned = match &entry {
                        Entry::Record(record) => self.look(&mut walked, seq, record, &mut own),
                        Entry::Note(note) => {
                            self.note(&mut walked, note);
                            concerns(note, self.slug.as_str())
                                || people.contains(&note.by)
                                || takes_out(note, &walked)
                        }
                    };
                    if concerned {
                        let line = self.exchange.readable(seq, bytes).map_err(|_| NotYet)?;
                        lines.json(&line).await?;
                    }
                }
                let places: Vec<u64> = own.iter().map(|(seq, _)| *seq).collect();
                let left = read_what_is_left(block, places.into_iter()).map_err(|_| NotYet)?;
                let mut left = left.into_iter().peekable();
                for (seq, entry) in own {
                    let record = self.what_stays(seq, left.next_if(|record| record.seq == seq));
                    if let Some(seal) = record.as_ref().map(|record| &record.seal)
                        && walked.last_batch.is_none_or(|last| last < seal.number)
                    {
                        walked.last_batch = Some(seal.number);
                        let roots: Vec<String> = seal.roots.iter().map(|root| hex(root)).collect();
                        seals
                            .json(&json!({
                                "batch": seal.number, "key_id": hex(&seal.key_id),
                                "signature": hex(&seal.signature), "roots": roots,
                            }))
                            .await?;
                    }
                    let whole = record.as_ref().is_some_and(|record| !record.groups.is_empty());
                    walked.counts.gone += u64::from(!whole);
                    records.json(&written(seq, &entry, record.as_ref())).await?;
                }
            }
            next = last;
        }
        walked.counts.records = records.end().await?;
        walked.counts.batches = seals.end().await?;
        walked.counts.lines = lines.end().await?;
        Ok(walked)
    }

    /// What an entry says must go is not written, also if it was read before its bytes went.
    fn what_stays(&self, seq: u64, record: Option<LiveRecord>) -> Option<LiveRecord> {
        let mut record = record?;
        match self.shared().directory().duties().whole_is_going(seq) {
            Some(true) => return None,
            Some(false) => record.groups = Arc::from([]),
            None => {}
        }
        Some(record)
    }

    /// Takes a record's entry in; true if it concerns the institution.
    fn look(
        &self,
        walked: &mut Walked,
        seq: u64,
        record: &RecordEntry,
        own: &mut Vec<(u64, RecordEntry)>,
    ) -> bool {
        let directory = self.shared().directory();
        let name = |n: u16| directory.institution(n).map_or_else(String::new, |s| s.info.slug.to_string());
        let kind = record.kind.to_string();
        if record.source == self.number {
            walked.own.entry(record.kind).or_default().push(seq);
            own.push((seq, record.clone()));
            for to in &record.recipients {
                if seq < self.shared().handed(&directory, to.institution) {
                    walked.counts.partners.entry((name(to.institution), kind.clone())).or_default().0 += 1;
                }
            }
            return true;
        }
        let mine = record.recipients.iter().any(|to| to.institution == self.number);
        if mine {
            *walked.counts.received.entry((name(record.source), kind)).or_default() += 1;
        }
        mine
    }

    /// Counts copies of own records that a partner was asked to remove.
    fn note(&self, walked: &mut Walked, note: &Note) {
        let Some(Special::Notice(says)) = Special::read(note) else { return };
        let mut count = 0;
        for (kind, own) in &walked.own {
            let of =
                says.of.iter().filter(|(sequence, _)| own.holds(sequence.saturating_sub(1))).count() as u64;
            if of > 0 {
                let key = (says.recipient.clone(), kind.to_string());
                walked.counts.partners.entry(key).or_default().1 += of;
                count += of;
            }
        }
        if count > 0 {
            walked.notices.push((says.recipient, says.number, says.reason.as_str(), count));
        }
    }

    /// What the institution has declared, as it stands.
    async fn declarations(&self) -> Result<u64, NotYet> {
        let lines = {
            let directory = self.shared().directory();
            let state = directory.institution(self.number).ok_or(NotYet)?;
            let slug =
                |n: u16| directory.institution(n).map_or_else(String::new, |s| s.info.slug.to_string());
            declared(state, &slug)
        };
        let mut out = Lines::new(&self.out, "declarations.jsonl".to_owned(), "");
        for line in &lines {
            out.json(line).await?;
        }
        out.end().await
    }

    /// Exact texts, and who signed them.
    async fn agreements(&self) -> Result<u64, NotYet> {
        let held: Vec<_> = {
            let directory = self.shared().directory();
            let all =
                directory.agreements().texts().filter(|signed| signed.terms.parties.contains(&self.slug));
            all.cloned().collect()
        };
        let mut signatures = Lines::new(&self.out, "agreements/signatures.jsonl".to_owned(), "");
        for signed in &held {
            let hash = hex(&signed.hash);
            let name =
                format!("agreements/{}-v{}-{}.toml", signed.terms.id, signed.terms.version, &hash[..8]);
            self.out.put(&name, signed.text.clone()).await?;
            let by = signed.signatures.iter().map(|one| {
                json!({
                    "person": format!("person:{}", one.person), "institution": one.institution, "role": one.role,
                    "at": one.at.to_string(), "signature": hex(&one.signature),
                })
            });
            let by: Vec<_> = by.collect();
            let ended = signed.ended.as_ref().map(|ending| ending.on.to_string());
            signatures
                .json(&json!({ "file": name, "sha256": hash, "signatures": by, "ended": ended }))
                .await?;
        }
        signatures.end().await?;
        Ok(held.len() as u64)
    }

    /// Agents with their keys, and people.
    async fn access(&self) -> Result<(), NotYet> {
        let (mut agents, mut people): (Vec<_>, Vec<_>) = {
            let directory = self.shared().directory();
            let agents = directory.agents().filter(|(_, agent)| agent.institution == self.number);
            let agents = agents.map(|(id, agent)| (*id, agent.clone()));
            let people = directory.people().filter(|(_, person)| person.institution == self.number);
            (agents.collect(), people.map(|(id, person)| (*id, person.clone())).collect())
        };
        agents.sort_by_key(|(_, agent)| agent.enrolled);
        people.sort_by_key(|(_, person)| person.enrolled);
        let said = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
        let mut rows = Lines::new(
            &self.out,
            "agents.csv".to_owned(),
            "agent,signing key (Ed25519),enrolled,last used,revoked",
        );
        for (id, agent) in agents {
            let cells = [
                id.to_string(),
                hex(&agent.key),
                agent.enrolled.to_string(),
                agent.used.to_string(),
                said(agent.revoked),
            ];
            rows.row(&cells.each_ref().map(String::as_str)).await?;
        }
        rows.end().await?;
        let first = "person,name,roles,approval key (Ed25519),enrolled,last used,revoked";
        let mut rows = Lines::new(&self.out, "people.csv".to_owned(), first);
        for (id, person) in people {
            let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
            let cells = [
                id.to_string(),
                person.name.clone(),
                roles.join(" "),
                person.key.map_or_else(String::new, |key| hex(&key)),
                person.enrolled.to_string(),
                person.used.to_string(),
                said(person.revoked),
            ];
            rows.row(&cells.each_ref().map(String::as_str)).await?;
        }
        rows.end().await.map(drop)
    }

    /// What partners were handed and asked to remove, and what they answered.
    async fn partners(&self, walked: &Walked) -> Result<(), NotYet> {
        let first = "partner,kind,handed out,asked back";
        let mut rows = Lines::new(&self.out, "partners.csv".to_owned(), first);
        for ((partner, kind), (handed, asked)) in &walked.counts.partners {
            rows.row(&[partner, kind, &handed.to_string(), &asked.to_string()]).await?;
        }
        rows.end().await?;
        let first = "partner,notice,reason,copies of yours,answered,removed,flagged,kept,not held";
        let mut rows = Lines::new(&self.out, "notices.csv".to_owned(), first);
        for (partner, number, reason, count) in &walked.notices {
            let answered = {
                let directory = self.shared().directory();
                let recipient = partner.parse().ok().and_then(|slug| directory.number_of(&slug));
                recipient.and_then(|n| directory.copies().notice(n, *number)?.answered.clone())
            };
            let (at, counts) = answered.map_or_else(
                || ("not yet".to_owned(), [0; 4]),
                |a| {
                    let at = Timestamp::from_micros("at", a.at_us)
                        .map_or_else(|_| String::new(), |at| at.to_string());
                    (at, [a.removed, a.flagged, a.kept, a.not_held])
                },
            );
            let counts = counts.map(|count| count.to_string());
            let (number, count) = (number.to_string(), count.to_string());
            let cells = [
                partner.as_str(),
                &number,
                reason,
                &count,
                &at,
                &counts[0],
                &counts[1],
                &counts[2],
                &counts[3],
            ];
            rows.row(&cells).await?;
        }
        rows.end().await.map(drop)
    }
}

/// True for an entry that says that some of the own records must go, whoever asked for it.
fn takes_out(note: &Note, walked: &Walked) -> bool {
    gone::said(note).is_some_and(|of| walked.own.values().any(|own| own.meets(&of)))
}

fn declared(state: &InstitutionState, slug: &impl Fn(u16) -> String) -> Vec<serde_json::Value> {
    let mut lines = vec![json!({ "institution": state.info })];
    let mut locals: Vec<_> = state.locals.iter().collect();
    locals.sort_by_key(|(id, _)| (*id).clone());
    for (id, local) in locals {
        lines.push(json!({
            "learner": id, "registration": local.registration, "matched": local.learner.is_some(),
            "contested": local.contested, "approved": local.approved,
            "in_doubt": local.doubt.is_some(),
        }));
        for side in &local.sides {
            lines.push(json!({
                "placement_of": id, "with": slug(side.other), "as_host": side.hosting, "group": side.group,
                "dates": side.dates, "ended": side.ended.map(|at| at.to_string()),
            }));
        }
    }
    let mut groups: Vec<_> = state.groups.iter().collect();
    groups.sort_by_key(|(id, _)| (*id).clone());
    lines.extend(
        groups
            .iter()
            .map(|(id, (title, subject))| json!({ "group": id, "title": title, "subject": subject })),
    );
    let mut staff: Vec<_> = state.staff.iter().collect();
    staff.sort_by_key(|(id, _)| (*id).clone());
    lines.extend(staff.iter().map(|(id, groups)| json!({ "staff": id, "teaches": groups })));
    lines
}

/// A record as its source sent and signed it.
fn written(seq: u64, entry: &RecordEntry, record: Option<&LiveRecord>) -> serde_json::Value {
    let mut line = json!({
        "entry": seq + 1,
        "batch": entry.batch,
        "place": entry.index,
        "record": entry.id.to_string(),
        "revision": entry.revision,
        "kind": entry.kind.as_str(),
        "taken_back": entry.withdrawn,
        "confidential": entry.confidential,
        "accepted": entry.accepted_at.to_string(),
        "root": hex(&entry.root),
    });
    let Some(record) = record else {
        line["gone"] = "erased".into();
        return line;
    };
    let about = &record.circumstances;
    line["learner"] = about.learner.as_str().into();
    line["group"] = about.group.as_ref().map(LocalId::as_str).into();
    line["date"] = about.date.to_string().into();
    if record.groups.is_empty() {
        line["gone"] = "kept no longer".into();
        return line;
    }
    let groups = record.groups.iter().map(|group| match &group.state {
        GroupState::Withheld(hash) => json!({ "number": group.number, "hash": hex(hash) }),
        GroupState::Open { salt, content } => json!({
            "number": group.number, "name": entry.kind.group_name(group.number), "salt": hex(salt),
            "content": BASE64_STANDARD.encode(content),
        }),
    });
    line["groups"] = groups.collect();
    line
}
