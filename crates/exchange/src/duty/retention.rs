//! How long the hub keeps payloads: what the parties agreed on, and what an institution has set for what it made.
//!
//! The number of days in a signed agreement (`kept_at_hub_days`) is a promise and holds by itself; an institution may
//! keep its own records shorter, not longer. Where neither says anything, nothing goes. A data protection officer sets a
//! rule at once; a data manager asks for it, and the institution's data protection officer agrees. A record that still waits
//! in a feed stays, unless the institution's rule says otherwise.
//!
//! The look for what is due reads the log twice, a bounded number of entries a tick: for how far recipients had
//! acknowledged at which time and what has gone already, then for the records. What goes gets its entry first.

use super::{
    gone::{self, Entries, NotYet},
    ranges::Ranges,
};
use crate::{
    Exchange,
    directory::{
        Directory,
        change::{Change, Keeping, KeepingAsked, PersonUuid},
        codes::SessionCodes,
        duties::Kept,
        messages::Message,
    },
    entry::{Entry, Note, RecordEntry},
    messages,
    notices::Special,
    office::{Acting, LawError, may},
    shared::Shared,
    submit_with,
    types::NotAllowed,
    whereabouts,
    writer::Work,
};
use commonroll_audit::hash::Hash;
use commonroll_core::{
    Invalid, PersonId, RecordKind, SchoolDate, Slug, Timestamp,
    agreement::{AgreementText, ItemKind},
};
use commonroll_policy::OfficeAct;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Entries read in one step.
const ENTRIES: u64 = 20_000;
/// How long after one look the next begins: a quarter of a day.
const AGAIN_US: i64 = 6 * 3_600_000_000;
/// How long after one that came to nothing: a minute.
const RETRY_US: i64 = 60_000_000;
const DAY_US: i64 = 86_400_000_000;
/// The longest rule: ten years.
const DAYS_MAX: u32 = 3_660;

/// A rule as somebody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionRule {
    /// For which kind of record.
    pub kind: RecordKind,
    /// How long; `None` for what the agreements say.
    pub keeping: Option<Keeping>,
}

/// How long an institution's records of a kind are kept, and by whose word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionSeen {
    /// Which kind.
    pub kind: RecordKind,
    /// What the institution has set.
    pub set: Option<Keeping>,
    /// What waits for its data protection officer: the rule, and who asks.
    pub asked: Option<(Option<Keeping>, PersonId)>,
    /// What is agreed with each partner that receives it, in days after delivery: agreement, version, partner, days.
    pub agreed: Vec<(String, u32, Slug, u32)>,
}

/// The look for what is due, of this node.
#[derive(Default)]
pub struct Retention {
    look: Option<Look>,
    /// When the last one ended, and which settings it followed.
    last: Option<(Timestamp, u64)>,
    /// When one came to nothing, if that was the last.
    failed: Option<Timestamp>,
    /// The look for what was told and written about whereabouts, which has days of its own.
    pub(super) remarks: super::remarks::Remarks,
}

/// One look under way.
struct Look {
    now: Timestamp,
    /// Which settings it follows, and which entries its plan rests on.
    rules: u64,
    turn: u64,
    size: u64,
    next: u64,
    /// True in the second reading, of the records; the first is of the notes.
    second: bool,
    terms: Terms,
    /// For each recipient, how far it had acknowledged, by time.
    acknowledged: HashMap<u16, Vec<(i64, u64)>>,
    /// Records that are sent again: place of the record, recipient, place in the feed.
    again: HashMap<u64, Vec<(u16, u64)>>,
    /// Runs that went before.
    gone: Vec<(u64, u64)>,
    already: Ranges,
    due: Vec<(u64, RecordKind, Hash)>,
    went: BTreeMap<&'static str, u64>,
}

impl Retention {
    /// A step of a look, or its beginning.
    pub async fn step(&mut self, shared: &Arc<Shared>, now: Timestamp) {
        // A look at a time that hasn't come would take out what isn't due.
        self.look.take_if(|look| now < look.now);
        if self.look.is_none() {
            let directory = shared.directory();
            let (rules, turn) = (directory.duties().rules, directory.duties().turn);
            if !self.is_due(rules, now) {
                return;
            }
            let terms = Terms::of(&directory);
            if terms.is_empty() {
                self.last = Some((now, rules));
                return;
            }
            self.look = Some(Look::begin(shared, terms, (rules, turn), now));
        }
        let Some(mut look) = self.look.take() else { return };
        match look.step(shared).await {
            Ok(true) => (self.last, self.failed) = (Some((look.now, look.rules)), None),
            Ok(false) => self.look = Some(look),
            Err(NotYet) => {
                // What was in the way may be still: the log is not read over and over for that.
                tracing::debug!(
                    "a look for what is kept no longer came to nothing; it begins anew in a minute"
                );
                self.failed = Some(now);
            }
        }
    }

    /// Whether a look has to begin: some time after the last one, or at once where a setting was changed or the clock set back
    /// since.
    fn is_due(&self, rules: u64, now: Timestamp) -> bool {
        let past = |at: Timestamp, span: i64| !(0..span).contains(&now.micros().saturating_sub(at.micros()));
        self.failed.is_none_or(|at| past(at, RETRY_US))
            && self.last.is_none_or(|(at, seen)| seen != rules || past(at, AGAIN_US))
    }
}

impl Look {
    fn begin(shared: &Shared, terms: Terms, (rules, turn): (u64, u64), now: Timestamp) -> Self {
        Self {
            now,
            rules,
            turn,
            size: shared.frontier().size(),
            next: 0,
            second: false,
            terms,
            acknowledged: HashMap::new(),
            again: HashMap::new(),
            gone: Vec::new(),
            already: Ranges::default(),
            due: Vec::new(),
            went: BTreeMap::new(),
        }
    }

    /// True at the end.
    async fn step(&mut self, shared: &Arc<Shared>) -> Result<bool, NotYet> {
        let until = (self.next + ENTRIES).min(self.size);
        let second = self.second;
        // Only notes name institutions by their slugs.
        let slugs = if second { HashMap::new() } else { shared.directory().clone_slugs() };
        while self.next < until {
            let mut entries = Entries { shared, next: self.next, end: self.size };
            let mut damaged = false;
            let more = entries
                .some(|seq, bytes| match Entry::decode(bytes) {
                    Ok(Entry::Note(note)) if !second => self.note(&slugs, seq, &note),
                    Ok(Entry::Record(record)) if second => self.record(seq, &record),
                    Ok(_) => {}
                    Err(_) => damaged = true,
                })
                .await?;
            if damaged || !more {
                return Err(NotYet);
            }
            self.next = entries.next.min(self.size);
        }
        if self.second && !self.due.is_empty() {
            self.take_out(shared).await?;
        }
        if self.next < self.size {
            return Ok(false);
        }
        if !self.second {
            (self.second, self.next) = (true, 0);
            self.already = Ranges::of(std::mem::take(&mut self.gone));
            return Ok(false);
        }
        self.end(shared).await?;
        Ok(true)
    }

    fn note(&mut self, slugs: &HashMap<Slug, u16>, seq: u64, note: &Note) {
        let number = |slug: &str| slug.parse::<Slug>().ok().and_then(|slug| slugs.get(&slug).copied());
        if let Some(of) = gone::said(note) {
            self.gone.extend_from_slice(of.runs());
        } else if note.what == "feed.acknowledged" {
            let (Some(recipient), Some(cursor)) = (number(&note.by), note.more["cursor"].as_u64()) else {
                return;
            };
            let held = self.acknowledged.entry(recipient).or_default();
            match held.last_mut() {
                // A day is fine enough, and keeps this small.
                Some(last) if last.0 / DAY_US == note.at_us / DAY_US => *last = (note.at_us, cursor),
                _ => held.push((note.at_us, cursor)),
            }
        } else if let Some(Special::Again(says)) = Special::read(note)
            && let Some(recipient) = number(&says.recipient)
        {
            self.again.entry(says.of.saturating_sub(1)).or_default().push((recipient, seq));
        }
    }

    fn record(&mut self, seq: u64, record: &RecordEntry) {
        if !self.already.holds(seq) && self.is_due(seq, record) {
            self.due.push((seq, record.kind, record.root));
        }
    }

    fn is_due(&self, seq: u64, record: &RecordEntry) -> bool {
        let recipients: Vec<u16> = record.recipients.iter().map(|to| to.institution).collect();
        let (own, agreed) = self.terms.keeping(record.source, record.kind, &recipients);
        // Each rule counts its own days: what may go though it waits is the institution's to say of its own days alone.
        let by_own = own.is_some_and(|keeping| match keeping.even_waiting {
            true => record.accepted_at.micros() <= self.before(keeping.days),
            false => self.was_delivered(seq, record, &recipients, self.before(keeping.days)),
        });
        by_own || agreed.is_some_and(|days| self.was_delivered(seq, record, &recipients, self.before(days)))
    }

    fn before(&self, days: u32) -> i64 {
        self.now.micros() - i64::from(days) * DAY_US
    }

    /// True if every recipient had acknowledged a record by an instant, also where it was sent again.
    fn was_delivered(&self, seq: u64, record: &RecordEntry, recipients: &[u16], before: i64) -> bool {
        let had = |recipient: u16, place: u64| {
            let at = self.acknowledged.get(&recipient).map_or(&[] as &[(i64, u64)], Vec::as_slice);
            let then = at.partition_point(|(at, _)| *at <= before);
            then.checked_sub(1).and_then(|last| at.get(last)).is_some_and(|(_, cursor)| place < *cursor)
        };
        let sent_again = self.again.get(&seq).map_or(&[] as &[(u16, u64)], Vec::as_slice);
        record.accepted_at.micros() <= before
            && recipients.iter().all(|recipient| had(*recipient, seq))
            && sent_again.iter().all(|(recipient, place)| had(*recipient, *place))
    }

    /// Entries first, then the bytes.
    async fn take_out(&mut self, shared: &Arc<Shared>) -> Result<(), NotYet> {
        let due = std::mem::take(&mut self.due);
        let mut by_kind: BTreeMap<RecordKind, Vec<(u64, Hash)>> = BTreeMap::new();
        for (seq, kind, root) in due {
            by_kind.entry(kind).or_default().push((seq, root));
        }
        for (kind, of) in &by_kind {
            *self.went.entry(kind.as_str()).or_default() += of.len() as u64;
        }
        let (turn, now) = (self.turn, self.now);
        let planned = submit_with(shared, "hub", now, move |work: &mut Work<'_>| {
            if work.planner.directory.duties().turn != turn {
                return None;
            }
            for (kind, of) in &by_kind {
                let more = serde_json::json!({ "kind": kind.as_str(), "reason": "kept_no_longer" });
                gone::plan(work, of, false, &more, now);
            }
            Some(work.planner.directory.duties().turn)
        });
        self.turn = planned.await.map_err(|_| NotYet)?.ok_or(NotYet)?;
        gone::finish(shared, now).await.map(drop)
    }

    /// A look by which something went says so, in sums.
    async fn end(&mut self, shared: &Arc<Shared>) -> Result<(), NotYet> {
        let due = |message: &Message| {
            let days = self.terms.days(message.host, RecordKind::Behaviour, message.home)?;
            Timestamp::from_micros("before", self.before(days)).ok()
        };
        let messages = messages::expire(shared, due, self.now).await?;
        let due = |directory: &Directory, session: &SessionCodes| {
            let days = self.terms.received(session.id.home, RecordKind::Attendance)?;
            let zone = &directory.institution(session.id.home)?.zone;
            SchoolDate::from_days(self.now.date_in(zone).days() - i32::try_from(days).ok()?)
        };
        let codes = whereabouts::codes_expire(shared, due, self.now).await?;
        if codes > 0 {
            self.went.insert("session code", codes);
        }
        if messages > 0 {
            self.went.insert("message", messages);
        }
        if self.went.is_empty() {
            return Ok(());
        }
        let more = serde_json::json!({ "went": self.went, "entries_read": self.size });
        let note = move |work: &mut Work<'_>| {
            work.notes.push(("retention.ran".to_owned(), more.clone()));
        };
        submit_with(shared, "hub", self.now, note).await.map_err(|_| NotYet)
    }
}

/// What holds, by source and kind.
struct Terms {
    set: BTreeMap<(u16, RecordKind), Keeping>,
    /// Days that were agreed, by source, recipient and kind.
    agreed: BTreeMap<(u16, u16, RecordKind), u32>,
}

impl Terms {
    fn of(directory: &Directory) -> Self {
        let (mut set, mut agreed) = (BTreeMap::new(), BTreeMap::new());
        for (number, _) in (0u16..).zip(directory.institutions()) {
            for kind in RecordKind::ALL {
                let rule = directory.duties().kept(number, kind).rule;
                set.extend(rule.map(|rule| ((number, kind), rule)));
            }
        }
        for (_, _, source, recipient, kind, days) in agreements(directory) {
            let held = agreed.entry((source, recipient, kind)).or_insert(days);
            *held = (*held).min(days);
        }
        Self { set, agreed }
    }

    fn is_empty(&self) -> bool {
        self.set.is_empty() && self.agreed.is_empty()
    }

    /// The shortest that holds for what a source told a recipient, in days.
    fn days(&self, source: u16, kind: RecordKind, recipient: u16) -> Option<u32> {
        let (set, agreed) = self.keeping(source, kind, &[recipient]);
        set.map(|keeping| keeping.days).into_iter().chain(agreed).min()
    }

    /// The shortest that holds for what an institution makes of what it was sent of a kind, in days.
    fn received(&self, recipient: u16, kind: RecordKind) -> Option<u32> {
        let set = self.set.get(&(recipient, kind)).map(|keeping| keeping.days);
        let agreed = self.agreed.iter().filter(|((_, to, of), _)| *to == recipient && *of == kind);
        set.into_iter().chain(agreed.map(|(_, days)| *days)).min()
    }

    /// What its source has set for a record, and the shortest that was agreed, in days. Without a recipient that is what was
    /// agreed with anybody.
    fn keeping(&self, source: u16, kind: RecordKind, recipients: &[u16]) -> (Option<Keeping>, Option<u32>) {
        let set = self.set.get(&(source, kind)).copied();
        let concerns = |(from, to, of): &(u16, u16, RecordKind)| {
            *from == source && *of == kind && (recipients.is_empty() || recipients.contains(to))
        };
        let agreed = self.agreed.iter().filter(|(key, _)| concerns(key)).map(|(_, days)| *days).min();
        (set, agreed)
    }
}

/// What every agreement that all have signed says of the hub's keeping: id, version, source, recipient, kind, days. Of each
/// name the newest version counts; a promise outlives the agreement's end.
fn agreements(directory: &Directory) -> Vec<(String, u32, u16, u16, RecordKind, u32)> {
    let mut found = Vec::new();
    for signed in directory.agreements().whole() {
        let terms = &signed.terms;
        if directory.agreements().newest_version(&terms.id) != Some(terms.version) {
            continue;
        }
        let Ok(text) = AgreementText::parse(&signed.text) else { continue };
        let parties: Vec<u16> = terms.parties.iter().filter_map(|slug| directory.number_of(slug)).collect();
        for item in text.items() {
            let ItemKind::Record(kind) = item.kind else { continue };
            for source in &parties {
                for recipient in parties.iter().filter(|recipient| *recipient != source) {
                    found.push((
                        terms.id.to_string(),
                        terms.version,
                        *source,
                        *recipient,
                        kind,
                        item.retention.at_hub_days,
                    ));
                }
            }
        }
    }
    found
}

impl Exchange {
    /// How long the payloads of the person's institution are kept.
    ///
    /// # Errors
    /// [`NotAllowed`], which is counted in the log.
    pub fn retention(&self, acting: Acting<'_>) -> Result<Vec<RetentionSeen>, NotAllowed> {
        let directory = self.shared.directory();
        let own = acting.speaker.institution();
        let permit = may(&directory, acting, OfficeAct::AskRetention, Some(own), false);
        let _permit = permit.inspect_err(|_| self.act_refused(acting, OfficeAct::AskRetention))?;
        let number = acting.speaker.number;
        let agreed = agreements(&directory);
        let slug = |number: u16| directory.institution(number).map(|state| state.info.slug.clone());
        let seen = RecordKind::ALL.into_iter().map(|kind| {
            let Kept { rule, asked } = directory.duties().kept(number, kind);
            let with = agreed.iter().filter(|(_, _, source, _, of, _)| *source == number && *of == kind);
            let with = with
                .filter_map(|(id, version, _, to, _, days)| Some((id.clone(), *version, slug(*to)?, *days)));
            RetentionSeen {
                kind,
                set: rule,
                asked: asked.map(|asked| (asked.rule, asked.by.0)),
                agreed: with.collect(),
            }
        });
        Ok(seen.collect())
    }

    /// Sets how long the hub keeps the payloads of what the person's institution made. By its data protection officer at
    /// once; by a data manager it waits until the data protection officer sets the same. True if it holds now.
    ///
    /// # Errors
    /// [`LawError`]; longer than agreed is no error, and what was agreed still holds.
    pub async fn set_retention(
        &self,
        acting: Acting<'_>,
        rule: RetentionRule,
        now: Timestamp,
    ) -> Result<bool, LawError> {
        if rule.keeping.is_some_and(|keeping| keeping.days > DAYS_MAX) {
            return Err(Invalid::new("days", "must be 3660 at most").into());
        }
        let (actor, number) = (acting.owned(), acting.speaker.number);
        self.law(acting, OfficeAct::SetRetention, now, move |work, _| {
            let directory = &*work.planner.directory;
            let own = actor.speaker.institution();
            let held = directory.duties().kept(number, rule.kind);
            let second =
                held.asked.is_some_and(|asked| asked.rule == rule.keeping && asked.by.0 != actor.id());
            let ask = |act| may(directory, actor.acting(), act, Some(own), second);
            let set = ask(OfficeAct::SetRetention);
            let holds = set.is_ok();
            let permit = set.or_else(|_| ask(OfficeAct::AskRetention))?;
            let (keeping, asked) = match holds {
                true => (rule.keeping, None),
                false => (held.rule, Some(KeepingAsked { rule: rule.keeping, by: PersonUuid(actor.id()) })),
            };
            let mut more = actor.speaker.more(actor.role);
            more["rules"] = permit.reason().into();
            more["kind"] = rule.kind.as_str().into();
            more["days"] = rule.keeping.map_or(serde_json::Value::Null, |keeping| keeping.days.into());
            more["even_waiting"] = rule.keeping.is_some_and(|keeping| keeping.even_waiting).into();
            if let (true, Some(first)) = (holds && second, held.asked) {
                more["asked_by"] = format!("person:{}", first.by.0).into();
            }
            work.more = more;
            work.planner.make(Change::Kept { institution: number, record: rule.kind, rule: keeping, asked });
            Ok(holds)
        })
        .await
    }
}

impl Directory {
    /// Numbers by slug, for readers that must not hold the directory while they wait.
    fn clone_slugs(&self) -> HashMap<Slug, u16> {
        let named = (0u16..).zip(self.institutions());
        named.map(|(number, state)| (state.info.slug.clone(), number)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_came_to_nothing_is_not_begun_at_every_tick() {
        let at = |us: i64| Timestamp::from_micros("now", 1_789_372_800_000_000 + us).unwrap();
        let mut looks = Retention::default();
        assert!(looks.is_due(0, at(0)), "after a start");
        looks.failed = Some(at(0));
        assert!(!looks.is_due(0, at(RETRY_US - 1)) && looks.is_due(0, at(RETRY_US)));
        (looks.last, looks.failed) = (Some((at(0), 3)), None);
        assert!(!looks.is_due(3, at(AGAIN_US - 1)) && looks.is_due(3, at(AGAIN_US)));
        assert!(looks.is_due(4, at(1)), "a setting was changed");
        assert!(looks.is_due(3, at(-1)), "the clock was set back");
    }
}
