//! Asking for an export, approving it as a second person, and seeing how things stand. All of it is decided in the log's one
//! writer, so that neither an approval nor a person's share can be used twice.

use super::{
    ExportAsk, ExportError, ExportKey, ExportsSeen, LEARNERS_MAX, PER_DAY, STRONG_LEARNERS, hash_of, lapsed,
    may_approve, may_export, scope, seen, whom,
};
use crate::{
    Exchange,
    directory::{
        Directory,
        change::{Bytes16, Bytes32, Change, PersonUuid, hex},
        exports::{Export, Second},
    },
    office::{Acting, Actor},
    submit, submit_with,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{Invalid, RecordKind, Timestamp};

/// Days of one export at most: a school year and a little.
const DAYS_MAX: i32 = 400;
/// A person's share counts for so long.
const DAY_US: i64 = 24 * 3_600_000_000;
/// Lines of the page at most.
const LINES: usize = 100;

impl Exchange {
    /// Asks for an export of records of the person's own institution's learners. `id` must be fresh. What it is about is
    /// fixed from here on.
    ///
    /// # Errors
    /// [`ExportError`].
    pub async fn ask_export(
        &self,
        acting: Acting<'_>,
        ask: ExportAsk,
        (id, now): ([u8; 16], Timestamp),
    ) -> Result<ExportKey, ExportError> {
        let days = ask.dates.1.days() - ask.dates.0.days();
        if !(0..DAYS_MAX).contains(&days) {
            let rule = "must be the first and the last day, in this order, at most 400 days apart";
            return Err(Invalid::new("dates", rule).into());
        }
        let (actor, by) = (acting.owned(), acting.speaker.by());
        let asked = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| {
            let export = wanted(work.planner.directory, &actor, ask, (id, now))?;
            let key = (export.id.0, export.hash.0);
            work.more = said(&export, &actor);
            work.planner.make(Change::Export { export: Box::new(export) });
            Ok(key)
        });
        self.export_counted(&by, asked.await.map_err(|_| ExportError::Unavailable)?)
    }

    /// Approves exactly this export, which somebody else of the same institution asked for.
    ///
    /// # Errors
    /// [`ExportError`]: alike for one that isn't there, is another institution's, or is another than was looked at.
    pub async fn approve_export(
        &self,
        acting: Acting<'_>,
        key: ExportKey,
        now: Timestamp,
    ) -> Result<(), ExportError> {
        let (actor, by) = (acting.owned(), acting.speaker.by());
        let approved = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            let held = directory.exports().get(&key.0);
            let held = held.filter(|held| held.hash.0 == key.1).ok_or(NotAllowed::Denied)?;
            if held.institution != actor.speaker.number {
                return Err(NotAllowed::Denied.into());
            }
            may_approve(directory, actor.acting(), held.person.0 != actor.id())?;
            if !held.strong {
                return Err(ExportError::State("this export needs no second person"));
            }
            if held.made.is_some() || held.approved.is_some() {
                return Err(ExportError::State("this export is approved already"));
            }
            if lapsed(held.asked, now) {
                return Err(ExportError::State(
                    "this was asked for more than 24 hours ago; it has to be asked for anew",
                ));
            }
            let mut export = Export::clone(held);
            let person = PersonUuid(actor.id());
            export.approved = Some(Second { person, role: actor.role, at: now });
            work.more = said(&export, &actor);
            work.planner.make(Change::Export { export: Box::new(export) });
            Ok(())
        });
        self.export_counted(&by, approved.await.map_err(|_| ExportError::Unavailable)?)
    }

    /// The exports that a person asked for, and, if they answer for the institution, those of everybody there.
    ///
    /// # Errors
    /// [`ExportError`]; a refusal for whoever may neither ask nor approve is counted.
    pub async fn exports(&self, acting: Acting<'_>, now: Timestamp) -> Result<ExportsSeen, ExportError> {
        let by = acting.speaker.by();
        let seen = self.export_counted(&by, listed(&self.shared.directory(), acting, now))?;
        // Colleagues are named.
        let more = serde_json::json!({
            "question": "exports", "about": { "exports": seen.exports.len() },
            "asker": acting.speaker.more(acting.role),
        });
        let note = move |work: &mut Work<'_>| work.notes.push(("audit.asked".to_owned(), more.clone()));
        submit(&self.shared, &by, now, note).await.map_err(|_| ExportError::Unavailable)?;
        Ok(seen)
    }

    /// Counts a refusal, by its class.
    pub(super) fn export_counted<T>(
        &self,
        by: &str,
        outcome: Result<T, ExportError>,
    ) -> Result<T, ExportError> {
        if let Err(error) = &outcome
            && !error.class().is_empty()
        {
            self.refused(by, "export.refused", error.class());
        }
        outcome
    }
}

fn listed(directory: &Directory, acting: Acting<'_>, now: Timestamp) -> Result<ExportsSeen, ExportError> {
    let may_ask = may_export(directory, acting).is_ok();
    let all = may_approve(directory, acting, true).is_ok();
    if !may_ask && !all {
        return Err(NotAllowed::Denied.into());
    }
    let theirs = directory.exports().all().filter(|one| {
        one.institution == acting.speaker.number && (all || one.person.0 == acting.speaker.id())
    });
    let mut exports: Vec<_> = theirs.map(|one| seen(directory, acting, one, now)).collect();
    exports.sort_by_key(|one| std::cmp::Reverse((one.asked, one.key.0)));
    exports.truncate(LINES);
    Ok(ExportsSeen { exports, may_ask, all })
}

/// The export that somebody asks for, if they may.
fn wanted(
    directory: &Directory,
    actor: &Actor,
    ask: ExportAsk,
    (id, now): ([u8; 16], Timestamp),
) -> Result<Export, ExportError> {
    may_export(directory, actor.acting())?;
    if directory.exports().get(&id).is_some() {
        return Err(ExportError::State("this id is taken; ask again"));
    }
    let theirs = directory.exports().all().filter(|one| one.person.0 == actor.id());
    if theirs.filter(|one| now.micros() - one.asked.micros() < DAY_US).count() >= PER_DAY {
        return Err(ExportError::TooMany);
    }
    let learners = scope(directory, actor.acting(), &ask, now)?;
    if learners.is_empty() {
        return Err(NotAllowed::Denied.into());
    }
    if learners.len() > LEARNERS_MAX {
        return Err(ExportError::State(
            "one export is of at most 5,000 learners, and your institution has more here",
        ));
    }
    let mut export = Export {
        id: Bytes16(id),
        hash: Bytes32([0; 32]),
        person: PersonUuid(actor.id()),
        role: actor.role,
        institution: actor.speaker.number,
        record: ask.kind,
        dates: ask.dates,
        learners: u32::try_from(learners.len()).unwrap_or(u32::MAX),
        whom: Bytes32(whom(&learners)),
        strong: learners.len() > STRONG_LEARNERS || ask.kind == RecordKind::Behaviour,
        asked: now,
        approved: None,
        made: None,
    };
    export.hash = Bytes32(hash_of(&export, actor.speaker.institution()));
    Ok(export)
}

/// What the entry says of an export: never a value of a record.
pub(super) fn said(export: &Export, actor: &Actor) -> serde_json::Value {
    let mut more = actor.speaker.more(actor.role);
    more["purpose"] = crate::rooms::purpose(export.role).as_str().into();
    more["export"] = hex(&export.id.0).into();
    more["hash"] = hex(&export.hash.0).into();
    more["kind"] = export.record.as_str().into();
    more["dates"] = serde_json::json!([export.dates.0.to_string(), export.dates.1.to_string()]);
    more["of"] = export.learners.into();
    more["second"] = export.strong.into();
    more
}
