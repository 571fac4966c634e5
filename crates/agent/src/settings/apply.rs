//! `[outbox.apply]`: into which MIS the outbox's rows are carried, and how its groups and codes are called.

use super::{Connection, Kind, OutboxFormat, wrong};
use crate::error::AgentError;
use commonroll_connectors::writeback::SessionPlaces;
use commonroll_core::RecordKind;
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Into which MIS rows are carried.
#[derive(Debug, Clone)]
pub struct Apply {
    /// The account that may write.
    pub connection: Arc<Connection>,
    /// Which MIS it is.
    pub mis: String,
    /// Who stands in the MIS as the writer, where it wants somebody: a username.
    pub taker: Option<String>,
    /// The host's group, and the class or course period of the MIS that it is there.
    pub groups: BTreeMap<String, String>,
    /// A mark, and the MIS's short name of the code that is written for it.
    pub codes: BTreeMap<String, String>,
    /// Where a database that knows no sessions has the mark of each.
    pub sessions: SessionPlaces,
    /// A partner's scale of grades, and the MIS's short name of the scale that it is there.
    pub scales: BTreeMap<String, String>,
    /// Results are carried too.
    pub results: bool,
    /// Behaviour is carried too.
    pub behaviour: bool,
}

impl Apply {
    /// True if marks are taken out of the MIS again. Over HTTP they are written, and none is taken out.
    pub fn takes_out(&self) -> bool {
        self.connection.kind != Kind::Http
    }

    /// True if records of this kind, other than attendance, are carried too.
    pub fn takes(&self, kind: RecordKind) -> bool {
        match kind {
            RecordKind::Attendance => false,
            RecordKind::Assessment => self.results,
            RecordKind::Behaviour => self.behaviour,
        }
    }

    /// True if marks of sessions are carried too. In a database only where it is said what has them.
    pub fn takes_sessions(&self) -> bool {
        !self.takes_out() || !self.sessions.is_empty()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawApply {
    to: String,
    mis: String,
    taker: Option<String>,
    #[serde(default)]
    groups: BTreeMap<String, String>,
    #[serde(default)]
    codes: BTreeMap<String, String>,
    #[serde(default)]
    sessions: SessionPlaces,
    #[serde(default)]
    scales: BTreeMap<String, String>,
    #[serde(default)]
    results: bool,
    #[serde(default)]
    behaviour: bool,
}

impl RawApply {
    pub(super) fn check(
        self,
        formats: &[OutboxFormat],
        connections: &BTreeMap<String, Arc<Connection>>,
        file: &Path,
    ) -> Result<Apply, AgentError> {
        let connection = connections.get(&self.to).cloned().ok_or_else(|| {
            wrong(file, "key `outbox.apply.to`: names no connection of these settings; add [connection.NAME]")
        })?;
        if !formats.contains(&OutboxFormat::Csv) {
            let problem =
                "key `outbox.formats`: must have \"csv\" where outbox.apply carries rows into an MIS";
            return Err(wrong(file, problem));
        }
        let Self { to: _, mis, taker, groups, codes, sessions, scales, results, behaviour } = self;
        Ok(Apply { connection, mis, taker, groups, codes, sessions, scales, results, behaviour })
    }
}
