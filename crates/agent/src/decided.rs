//! Session codes that people here decided, from the hub into the outbox; and back, what the MIS said of them.
//!
//! The order is that of receiving: kept in the spool, written into the outbox, remembered, and only then answered. A crash in
//! between writes the same file again and answers once. A code that says where somebody was is written only beside the host's
//! mark behind it, which came by the feed and was checked there: no certified `B` on the hub's word alone.

use crate::{
    error::AgentError,
    hub::{Hub, HubError},
    outbox::{Handed, WriteBack, marks},
    settings::Sessions,
    spool::{Spool, decided::Decision},
};
use commonroll_connectors::render::{MarkRow, RowHead, Session};
use commonroll_core::{RecordId, Revision, Slug, Timestamp};
use commonroll_wire::{
    SessionCode, SessionCodeOutcome, pb::exchange::v1 as pb, read_session_code, session_code_id,
};
use jiff::tz::TimeZone;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Absent, and why is not known: says nothing of where somebody was.
const ABSENT: &str = "N";
/// The names of the alarms.
const UNREADABLE: &str = "session-codes";
const WAITING: &str = "session-codes-evidence";

/// Brings decided codes into the outbox.
#[derive(Clone, Copy)]
pub struct Decider<'a> {
    /// Asked and told.
    pub hub: &'a dyn Hub,
    /// Remembers.
    pub spool: &'a Spool,
    /// Writes.
    pub write_back: &'a dyn WriteBack,
    /// This institution.
    pub home: &'a Slug,
    /// For which sessions marks are proposed here without anybody deciding.
    pub sessions: &'a Sessions,
    /// The institution's.
    pub zone: &'a TimeZone,
    /// Now.
    pub now: Timestamp,
}

impl Decider<'_> {
    /// Writes what is kept, asks for what was decided, writes that, and tells the hub what became of all. Gives how many codes
    /// were written.
    ///
    /// # Errors
    /// When the hub, the spool or the outbox fails. What was kept is written the next time.
    pub async fn round(&self) -> Result<u64, AgentError> {
        let mut written = self.write_kept().await?;
        match self.hub.session_codes().await {
            Ok(codes) => {
                self.keep(&codes).await?;
                written += self.write_kept().await?;
            }
            // A hub of before hands out none.
            Err(HubError::Refused(_)) => return Ok(written),
            Err(other) => return Err(other.into()),
        }
        self.tell().await?;
        Ok(written)
    }

    /// Tells the hub what became of codes, as far as it doesn't know.
    ///
    /// # Errors
    /// When the hub can't be reached or the spool fails; it is told the next time.
    pub async fn tell(&self) -> Result<(), AgentError> {
        loop {
            let answers = self.spool.decisions_to_tell().await?;
            if answers.is_empty() {
                return Ok(());
            }
            self.hub.answer_session_codes(answers.clone()).await?;
            self.spool.decisions_told(&answers).await?;
        }
    }

    /// Keeps what is new and may be written.
    async fn keep(&self, codes: &[pb::SessionCode]) -> Result<(), AgentError> {
        let (mut fresh, mut waiting, mut unreadable) = (Vec::new(), 0_u32, false);
        for message in codes {
            let Ok(code) = read_session_code(message) else {
                unreadable = true;
                continue;
            };
            let known = self.spool.decision(&code.of).await?;
            let is_new = |known: crate::spool::decided::Known| {
                code.revision.get() > known.revision || code.decided_at.micros() > known.at_us
            };
            if known.is_some_and(|known| !is_new(known)) {
                self.spool.decision_unsaid(&code.of).await?;
            } else if self.is_evidenced(&code).await? {
                let record = session_code_id(self.home, &code.of);
                let row = known.map_or(code.revision, |known| known.row.next().max(code.revision));
                fresh.push(Decision { code, record, row });
            } else {
                waiting += 1;
            }
        }
        if !fresh.is_empty() {
            self.spool.keep_decisions(&fresh, self.now.date_in(self.zone)).await?;
        }
        self.alarm(
            UNREADABLE,
            unreadable.then(|| {
                "a session code that your officer decided can't be read; update the agent".to_owned()
            }),
        )
        .await?;
        self.alarm(WAITING, (waiting > 0).then(|| format!(
            "{waiting} decided session codes wait, since the host's mark behind each has not arrived here yet"
        )))
        .await
    }

    async fn alarm(&self, name: &str, text: Option<String>) -> Result<(), AgentError> {
        match text {
            Some(text) => self.spool.alarm(name, &text, self.now).await,
            None => self.spool.calm(name).await,
        }
    }

    /// True if the code says nothing of where somebody was, or a host's mark of that day behind it was received here, and no
    /// newer revision of it.
    async fn is_evidenced(&self, code: &SessionCode) -> Result<bool, AgentError> {
        if code.code.is_empty() || code.code == ABSENT {
            return Ok(true);
        }
        for (record, revision) in &code.evidence {
            if record.days() == code.of.date.days()
                && self.spool.partners_revision(*record, self.home).await? == Some(*revision)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes what is kept, file by file. Gives how many codes.
    async fn write_kept(&self) -> Result<u64, AgentError> {
        let mut written = 0;
        while let Some((number, decisions)) = self.spool.kept_decisions().await? {
            let mut rows = Vec::with_capacity(decisions.len());
            for decision in &decisions {
                self.rows(decision, &mut rows).await?;
            }
            let handed = if rows.is_empty() { Handed::Person } else { self.write(number, &rows)? };
            let outcome = match handed {
                Handed::Program => SessionCodeOutcome::Outbox,
                Handed::Person => SessionCodeOutcome::ByHand,
            };
            self.spool.decisions_written(&decisions, outcome).await?;
            written += decisions.len() as u64;
        }
        Ok(written)
    }

    fn write(&self, number: u64, rows: &[MarkRow]) -> Result<Handed, AgentError> {
        let failed = |_| Err(std::io::Error::other("the write-back failed"));
        catch_unwind(AssertUnwindSafe(|| self.write_back.decide(number, rows)))
            .unwrap_or_else(failed)
            .map_err(AgentError::io("writing decided session codes into the outbox"))
    }

    /// The rows of a decision: its code, or, where the home's own mark stays, what takes back whatever is there of us.
    async fn rows(&self, decision: &Decision, rows: &mut Vec<MarkRow>) -> Result<(), AgentError> {
        if !decision.code.code.is_empty() {
            rows.push(self.row(decision, decision.record, decision.row));
            return Ok(());
        }
        let is_proposed = marks::kept(self.sessions).contains(&session_of(&decision.code));
        // What is proposed meanwhile, by a piece of the feed that is under way, comes to nothing beside this row.
        if is_proposed || decision.row > Revision::FIRST {
            rows.push(self.row(decision, decision.record, decision.row));
        }
        if !is_proposed {
            return Ok(());
        }
        for (record, revision) in &decision.code.evidence {
            let held = self.spool.held_revision(*record).await?;
            rows.push(self.row(decision, *record, held.map_or(*revision, |held| held.max(*revision))));
        }
        Ok(())
    }

    fn row(&self, decision: &Decision, record: RecordId, revision: Revision) -> MarkRow {
        let code = &decision.code;
        let instant = jiff::Timestamp::from_microsecond(code.decided_at.micros());
        let at = self.zone.to_datetime(instant.unwrap_or_default()).time();
        MarkRow {
            head: RowHead {
                record,
                revision,
                learner: code.of.learner.clone(),
                source: code.host.clone(),
                date: code.of.date,
                withdrawn: code.code.is_empty(),
            },
            group: String::new(),
            start: None,
            end: None,
            session: Some(session_of(code)),
            mark: code.code.clone(),
            minutes_late: code.minutes_late,
            comment: format!("{}; accepted {:02}:{:02}", code.host, at.hour(), at.minute()),
            decided: true,
        }
    }
}

const fn session_of(code: &SessionCode) -> Session {
    if code.of.afternoon { Session::Pm } else { Session::Am }
}
