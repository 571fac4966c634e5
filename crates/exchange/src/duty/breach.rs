//! The breach pack: what was disclosed to whom in a span of time, for each controller its own part.
//!
//! A person draws it up for their own institution, with that institution's own ids of its learners. The hub's operator draws
//! up every controller's part, with counts and without any id, to tell controllers without delay. What counts as disclosed
//! is what the log knows: records that reached a recipient's feed in the span or were acknowledged in it, and what people read.

use super::{
    breach_pages as pages,
    gone::{Entries, NotYet},
    pack::{Lines, Out, Pack, evidence, local_time},
};
use crate::{
    Exchange, Window,
    entry::{Entry, Note, RecordEntry},
    notices::Special,
    office::{Acting, LawError, may},
    shared::Shared,
    submit,
    types::AgentId,
    writer::Work,
};
use commonroll_core::{Invalid, LocalId, PersonId, RecordKind, Slug, Timestamp};
use commonroll_policy::{OfficeAct, PersonPermit};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// Entries that are proved in a pack; more can be had with `audit prove`.
const PROOFS: usize = 200;

/// What a pack is to be about.
#[derive(Debug, Clone, Copy)]
pub struct BreachSpan {
    /// From the first instant, to before the second.
    pub between: (Timestamp, Timestamp),
    /// When the controller became aware: the 72 hours run from here.
    pub known: Timestamp,
    /// True if it is practised: every page and the entry say so.
    pub drill: bool,
}

/// Whom the breach concerns; nobody in particular by default.
#[derive(Debug, Clone, Default)]
pub struct BreachBy {
    /// An agent whose key may be in other hands: all that its institution received or made.
    pub agent: Option<AgentId>,
    /// A person whose key may be.
    pub person: Option<PersonId>,
    /// An institution.
    pub institution: Option<Slug>,
}

impl Exchange {
    /// What was disclosed, of the person's own institution's data, with its own ids.
    ///
    /// # Errors
    /// [`LawError`]; nothing was handed out then.
    pub async fn breach_pack(
        &self,
        acting: Acting<'_>,
        span: BreachSpan,
        by: &BreachBy,
        now: Timestamp,
    ) -> Result<Pack, LawError> {
        let (actor, own) = (acting.owned(), acting.speaker.institution().clone());
        let (ask, said) = self.breach_ask(span, by)?;
        let permit = self
            .law(acting, OfficeAct::BreachPack, now, move |work, _| {
                let directory = &*work.planner.directory;
                let permit = may(directory, actor.acting(), OfficeAct::BreachPack, Some(&own), false)?;
                let mut more = actor.speaker.more(actor.role);
                more["rules"] = permit.reason().into();
                more["asked"] = said.clone();
                more["drill"] = span.drill.into();
                work.notes.push(("breach.pack".to_owned(), more));
                Ok(permit)
            })
            .await?;
        let (shared, own) = (self.shared.clone(), acting.speaker.number);
        let whose = Whose::Own(own, permit);
        let pack = Pack::made(move |out| async move { make(&shared, &out, ask, whose, now).await });
        Ok(pack.taken_by(&self.shared, acting))
    }

    /// The same for every controller, with counts and without any id of a learner: for the hub's operator, who tells them.
    ///
    /// # Errors
    /// [`LawError`]; nothing was handed out then.
    pub async fn breach_pack_for_all(
        &self,
        operator: &str,
        span: BreachSpan,
        by: &BreachBy,
        now: Timestamp,
    ) -> Result<Pack, LawError> {
        let (ask, said) = self.breach_ask(span, by)?;
        let more = serde_json::json!({ "asked": said, "drill": span.drill });
        let note = move |work: &mut Work<'_>| work.notes.push(("breach.pack".to_owned(), more.clone()));
        submit(&self.shared, operator, now, note).await.map_err(|_| LawError::Unavailable)?;
        let shared = self.shared.clone();
        Ok(Pack::made(move |out| async move { make(&shared, &out, ask, Whose::Everybody, now).await }))
    }

    fn breach_ask(&self, span: BreachSpan, by: &BreachBy) -> Result<(Ask, serde_json::Value), LawError> {
        let (from, to) = span.between;
        if from >= to {
            return Err(Invalid::new("to", "must be after from").into());
        }
        let directory = self.shared.directory();
        let nobody = |field| Invalid::new(field, "is not known at this hub");
        let mut institution = None;
        if let Some(slug) = &by.institution {
            institution = Some(directory.number_of(slug).ok_or_else(|| nobody("institution"))?);
        }
        if let Some(agent) = by.agent {
            institution = Some(directory.agent(agent).ok_or_else(|| nobody("agent"))?.institution);
        }
        if let Some(person) = by.person {
            directory.person(person).ok_or_else(|| nobody("person"))?;
        }
        let said = serde_json::json!({
            "from": from.to_string(),
            "to": to.to_string(),
            "known": span.known.to_string(),
            "agent": by.agent.map(|agent| agent.to_string()),
            "person": by.person.map(|person| format!("person:{person}")),
            "institution": by.institution,
        });
        let person = by.person.map(|person| format!("person:{person}"));
        Ok((
            Ask {
                span,
                window: Window { from: Some(from), to: Some(to) },
                institution,
                person,
                said: said.clone(),
            },
            said,
        ))
    }
}

/// What was asked.
#[derive(Clone)]
struct Ask {
    span: BreachSpan,
    window: Window,
    institution: Option<u16>,
    person: Option<String>,
    said: serde_json::Value,
}

/// Whose part is made, and by which right.
enum Whose {
    Own(u16, PersonPermit),
    Everybody,
}

/// Something that was disclosed.
struct Disclosed {
    seq: u64,
    at: Timestamp,
    what: String,
    groups: u32,
    kind: Option<RecordKind>,
    learner: u32,
    from: String,
    to: String,
    reached: &'static str,
    /// Who read, in which role and for what, if it is a person.
    reader: Option<String>,
    /// True for what an officer does as a duty: an export that a learner asked for, an emergency's opening and review.
    duty: bool,
}

/// What went one way, in sums.
#[derive(Default)]
pub(super) struct Sum {
    pub groups: BTreeSet<&'static str>,
    pub entries: u64,
    pub learners: HashSet<u32>,
    pub last: Option<Timestamp>,
}

/// A controller's part in sums.
#[derive(Default)]
pub(super) struct Part {
    pub sums: BTreeMap<(String, String, String), Sum>,
    pub learners: BTreeMap<u32, BTreeSet<String>>,
    pub entries: u64,
    /// Records and revisions that went, by kind.
    pub records: BTreeMap<RecordKind, u64>,
    /// By whom in which role it was read: how often, and of whom.
    pub readers: BTreeMap<String, (u64, HashSet<u32>)>,
    /// What officers did as a duty, by what and whom; not counted among the disclosures.
    pub duties: BTreeMap<(String, String), u64>,
    pub proofs: Vec<u64>,
    /// Entries before the span that whoever held a recipient's key could have read again.
    pub before: u64,
}

/// What the first reading of the log finds.
#[derive(Default)]
struct Known {
    /// For each recipient how far it had acknowledged when the span began, and when it ended.
    cursors: HashMap<u16, (u64, u64)>,
    withheld: HashSet<(u16, u64)>,
    /// Records that were sent again within the span: place of the record, recipient, place in the feed, when.
    again: HashMap<u64, Vec<(u16, i64)>>,
}

async fn make(shared: &Arc<Shared>, out: &Out, ask: Ask, whose: Whose, now: Timestamp) -> Result<(), NotYet> {
    let end = shared.frontier().size();
    let slugs = slugs(shared);
    let known = known(shared, &ask, &slugs, end).await?;
    let controllers: Vec<u16> = match &whose {
        Whose::Own(own, _) => vec![*own],
        Whose::Everybody => (0..).take(slugs.len()).collect(),
    };
    let ids = matches!(&whose, Whose::Own(_, permit) if permit.institution() == &slugs[usize::from(controllers[0])]);
    let mut concerned = Vec::new();
    for controller in controllers {
        let part = part(shared, out, (&ask, &known, &slugs), (controller, ids), end).await?;
        if part.entries == 0 && !ids {
            continue;
        }
        let slug = &slugs[usize::from(controller)];
        let folder = format!("{slug}/");
        evidence(shared, out, &folder, &part.proofs).await?;
        let zone =
            shared.directory().institution(controller).map(|state| (state.zone.clone(), state.info.clone()));
        let (zone, info) = zone.ok_or(NotYet)?;
        let page =
            pages::Page { ask: &ask.said, span: ask.span, zone: &zone, name: &info.name, part: &part, ids };
        out.put(&format!("{folder}index.md"), page.index(now)).await?;
        out.put(&format!("{folder}notification.md"), page.notification(now)).await?;
        concerned.push((slug.to_string(), part.entries, part.learners.len()));
    }
    out.put("index.md", pages::top(&ask.said, ask.span, &concerned, ids, now)).await
}

fn slugs(shared: &Shared) -> Vec<Slug> {
    shared.directory().institutions().iter().map(|state| state.info.slug.clone()).collect()
}

/// Reads the log for what has to be known before its records are looked at.
async fn known(shared: &Shared, ask: &Ask, slugs: &[Slug], end: u64) -> Result<Known, NotYet> {
    let (mut known, mut entries) = (Known::default(), Entries { shared, next: 0, end });
    let number =
        |slug: &str| slugs.iter().position(|s| s.as_str() == slug).and_then(|at| u16::try_from(at).ok());
    let (from, to) = (ask.span.between.0.micros(), ask.span.between.1.micros());
    let mut look = |bytes: &[u8]| {
        if Entry::is_record(bytes) {
            return;
        }
        let Ok(Entry::Note(note)) = Entry::decode(bytes) else { return };
        if note.what == "feed.acknowledged"
            && let (Some(recipient), Some(cursor)) = (number(&note.by), note.more["cursor"].as_u64())
        {
            let held = known.cursors.entry(recipient).or_default();
            if note.at_us < from {
                held.0 = cursor;
            }
            if note.at_us < to {
                held.1 = cursor;
            }
        } else if note.what == "delivery.withheld" {
            let Some(recipient) = note.more["recipient"].as_str().and_then(number) else { return };
            let list = note.more["withheld"].as_array().into_iter().flatten();
            known.withheld.extend(list.filter_map(|one| Some((recipient, one[0].as_u64()?.checked_sub(1)?))));
        } else if let Some(Special::Again(says)) = Special::read(&note)
            && let Some(recipient) = number(&says.recipient)
            && (from..to).contains(&note.at_us)
        {
            known.again.entry(says.of.saturating_sub(1)).or_default().push((recipient, note.at_us));
        }
    };
    while entries.some(|_, bytes| look(bytes)).await? {}
    Ok(known)
}

/// Makes one controller's part; its sums are given back.
async fn part(
    shared: &Shared,
    out: &Out,
    (ask, known, slugs): (&Ask, &Known, &[Slug]),
    (controller, ids): (u16, bool),
    end: u64,
) -> Result<Part, NotYet> {
    let slug = &slugs[usize::from(controller)];
    let zone = shared.directory().institution(controller).map(|state| state.zone.clone()).ok_or(NotYet)?;
    let mut part = Part::default();
    let first = "entry,time,what,field groups,from,to,reached,learner";
    let mut rows = Lines::new(out, format!("{slug}/disclosures.csv"), first);
    let mut entries = Entries { shared, next: 0, end };
    loop {
        let mut found: Vec<Disclosed> = Vec::new();
        let mut before = 0;
        let more = {
            let directory = shared.directory().clone_homes();
            let is_ours = |learner: u32, source: Option<u16>| {
                directory.get(&learner) == Some(&controller) || source == Some(controller)
            };
            entries
                .some(|seq, bytes| match Entry::decode(bytes) {
                    Ok(Entry::Record(record)) if is_ours(record.learner, Some(record.source)) => {
                        before += disclosed(ask, known, slugs, controller, seq, &record, &mut found);
                    }
                    Ok(Entry::Note(note)) => {
                        if let Some(learner) =
                            note.more["learner"].as_u64().and_then(|n| u32::try_from(n).ok())
                            && is_ours(learner, None)
                        {
                            found.extend(read_by_a_person(ask, seq, &note, learner));
                        }
                    }
                    _ => {}
                })
                .await?
        };
        part.before += before;
        let learners: Vec<u32> = found.iter().map(|one| one.learner).collect();
        let names = if ids { shared.directory().local_ids(controller, &learners) } else { HashMap::new() };
        for one in &found {
            part.add(one);
            if ids {
                let learner = names.get(&one.learner).map_or("", LocalId::as_str);
                let (entry, at) = ((one.seq + 1).to_string(), local_time(one.at, &zone));
                let groups: Vec<&str> = one.group_names().into_iter().collect();
                let cells =
                    [&entry, &at, &one.what, &groups.join("; "), &one.from, &one.to, one.reached, learner];
                rows.row(&cells).await?;
            }
        }
        if !more {
            break;
        }
    }
    if !ids {
        return Ok(part);
    }
    rows.end().await?;
    let mut rows = Lines::new(out, format!("{slug}/learners.csv"), "learner,what was disclosed and to whom");
    let learners: Vec<u32> = part.learners.keys().copied().collect();
    for some in learners.chunks(1_000) {
        let names = shared.directory().local_ids(controller, some);
        for learner in some {
            let name = names.get(learner).map_or("(no id here any more)", LocalId::as_str);
            let what: Vec<&str> = part.learners[learner].iter().map(String::as_str).collect();
            rows.row(&[name, &what.join("; ")]).await?;
        }
    }
    rows.end().await?;
    Ok(part)
}

/// Takes in where a record went within the span; gives 1 if it could only be read again.
fn disclosed(
    ask: &Ask,
    known: &Known,
    slugs: &[Slug],
    controller: u16,
    seq: u64,
    record: &RecordEntry,
    found: &mut Vec<Disclosed>,
) -> u64 {
    let slug = |number: u16| slugs.get(usize::from(number)).map_or_else(String::new, Slug::to_string);
    let mut before = 0;
    for to in &record.recipients {
        let concerned = ask.institution.is_none_or(|i| i == to.institution || i == record.source);
        // A person reads; an institution's own system is no person.
        if !concerned
            || ask.person.is_some()
            || (to.institution == controller && ask.institution != Some(controller))
        {
            continue;
        }
        let (had, has) = known.cursors.get(&to.institution).copied().unwrap_or_default();
        let again = known.again.get(&seq).and_then(|all| all.iter().find(|(r, _)| *r == to.institution));
        let in_span = ask.window.holds(record.accepted_at);
        let acknowledged_in_it = (had..has).contains(&seq);
        if !in_span && !acknowledged_in_it && again.is_none() {
            let earlier = ask.span.between.0 > record.accepted_at;
            before |= u64::from(ask.institution == Some(to.institution) && earlier);
            continue;
        }
        let reached = match (seq < has, known.withheld.contains(&(to.institution, seq))) {
            (_, true) => "withheld",
            (true, _) => "acknowledged",
            _ => "in the feed, may have been sent",
        };
        let withdrawn = if record.withdrawn { " (taken back)" } else { "" };
        found.push(Disclosed {
            seq,
            at: again
                .and_then(|(_, at)| Timestamp::from_micros("at", *at).ok())
                .unwrap_or(record.accepted_at),
            what: format!("{} revision {}{withdrawn}", record.kind, record.revision),
            groups: to.groups,
            kind: Some(record.kind),
            learner: record.learner,
            from: slug(record.source),
            to: slug(to.institution),
            reached,
            reader: None,
            duty: false,
        });
    }
    before
}

/// Something that a person was shown of a learner.
fn read_by_a_person(ask: &Ask, seq: u64, note: &Note, learner: u32) -> Option<Disclosed> {
    let at = Timestamp::from_micros("at", note.at_us).ok()?;
    let shown =
        ["read.", "subject.", "emergency.", "export."].iter().any(|begins| note.what.starts_with(begins));
    let theirs = ask.person.as_ref().is_none_or(|person| *person == note.by);
    if !shown
        || note.what.ends_with(".refused")
        || !note.by.starts_with("person:")
        || !theirs
        || !ask.window.holds(at)
    {
        return None;
    }
    let text = |key: &str| note.more[key].as_str().unwrap_or_default();
    let shows = ["subject.exported", "read.disclosed"].contains(&note.what.as_str());
    // Whoever has the key of the person who is asked about did none of it as a duty.
    let duty = note.what != "read.disclosed" && !(shows && ask.person.is_some());
    let what = match (note.what.as_str(), text("purpose")) {
        ("read.disclosed", purpose) => format!("read for {purpose}"),
        ("subject.exported", _) => "export for a learner's request".to_owned(),
        ("emergency.opened", _) => "emergency access opened".to_owned(),
        ("emergency.reviewed", _) => "emergency access reviewed".to_owned(),
        (other, "") => other.to_owned(),
        (other, purpose) => format!("{other} for {purpose}"),
    };
    let who = format!("{} of {}", text("role"), text("institution"));
    Some(Disclosed {
        seq,
        at,
        groups: 0,
        kind: None,
        learner,
        from: "hub".to_owned(),
        to: format!("{} ({who})", note.by),
        reached: if duty { "duty" } else { "read" },
        reader: Some(format!("{who}, {what}")),
        what,
        duty,
    })
}

impl Disclosed {
    fn group_names(&self) -> BTreeSet<&'static str> {
        let Some(kind) = self.kind else { return BTreeSet::new() };
        let of = (0..32).filter(|group| self.groups & 1 << group != 0);
        of.filter_map(|group| kind.group_name(group)).collect()
    }
}

impl Part {
    fn add(&mut self, one: &Disclosed) {
        if one.reached == "withheld" {
            return;
        }
        if self.proofs.len() < PROOFS && self.proofs.last() != Some(&(one.seq + 1)) {
            self.proofs.push(one.seq + 1);
        }
        if one.duty {
            *self.duties.entry((one.what.clone(), one.to.clone())).or_default() += 1;
            return;
        }
        self.entries += 1;
        if let Some(kind) = one.kind {
            *self.records.entry(kind).or_default() += 1;
        }
        if let Some(reader) = &one.reader {
            let read = self.readers.entry(reader.clone()).or_default();
            read.0 += 1;
            read.1.insert(one.learner);
        }
        let what = one.kind.map_or_else(|| one.what.clone(), |kind| kind.to_string());
        self.learners.entry(one.learner).or_default().insert(format!("{what} to {}", one.to));
        let sum = self.sums.entry((one.from.clone(), one.to.clone(), what)).or_default();
        sum.groups.extend(one.group_names());
        sum.entries += 1;
        sum.learners.insert(one.learner);
        sum.last = Some(one.at);
    }
}
