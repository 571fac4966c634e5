//! What an operator sees of the exchange: figures for metrics and status pages, and the directory in counts. Nobody by name.

use crate::{Exchange, rooms::policy_hash, types::AgentId};
use commonroll_core::{Slug, Timestamp};
use std::sync::atomic::Ordering;

/// Figures for metrics and `hub status`; nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Engine of the database.
    pub engine: &'static str,
    /// Entries in the log.
    pub log_entries: u64,
    /// Transactions that this node has committed.
    pub commits: u64,
    /// Records that this node has made durable, by kind.
    pub accepted: Vec<(&'static str, u64)>,
    /// Hash of the policy in force.
    pub policy: String,
    /// True if the policy in force can't be loaded by this node, which then denies everything.
    pub policy_broken: bool,
    /// True while the disk of the database is full and no records are taken.
    pub disk_full: bool,
    /// Policy sets that were refused, or could not be put in force, since this node started.
    pub policy_rejected: u64,
    /// Each institution: slug, enrolled agents, acknowledged cursor, next batch.
    pub institutions: Vec<InstitutionStats>,
}

/// Figures of one institution.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InstitutionStats {
    /// Short name.
    pub slug: String,
    /// Agents that may speak.
    pub agents: usize,
    /// How far it has acknowledged.
    pub acknowledged: u64,
    /// The number that its next batch must carry.
    pub next_batch: u64,
    /// Withdrawal notices that it has not answered.
    pub withdrawals_unanswered: u64,
    /// Since when the oldest of them waits, microseconds since the epoch.
    pub withdrawals_since_us: Option<i64>,
}

impl Exchange {
    /// Figures; nothing personal.
    pub fn stats(&self) -> Stats {
        let directory = self.shared.directory();
        let institutions = (0u16..).zip(directory.institutions()).map(|(number, state)| InstitutionStats {
            slug: state.info.slug.to_string(),
            agents: directory
                .agents()
                .filter(|(_, a)| a.institution == number && a.revoked.is_none())
                .count(),
            acknowledged: state.cursor,
            next_batch: state.next_batch,
            withdrawals_unanswered: directory.copies().unanswered(number).0,
            withdrawals_since_us: directory.copies().unanswered(number).1.map(Timestamp::micros),
        });
        Stats {
            engine: self.shared.store.engine(),
            log_entries: self.shared.frontier().size(),
            commits: self.shared.commits(),
            accepted: self.shared.accepted(),
            policy: policy_hash(&directory),
            disk_full: self.shared.disk.is_full(),
            policy_broken: directory.policies().set().is_none(),
            policy_rejected: self.shared.policy_rejected.load(Ordering::Relaxed),
            institutions: institutions.collect(),
        }
    }

    /// Every agent: id, institution, when it was last used, whether it is revoked.
    pub fn agents(&self) -> Vec<(AgentId, Slug, Timestamp, bool)> {
        let directory = self.shared.directory();
        let slug = |number| directory.institution(number).map(|s| s.info.slug.clone());
        let mut agents: Vec<_> = directory
            .agents()
            .filter_map(|(id, a)| Some((*id, slug(a.institution)?, a.used, a.revoked.is_some())))
            .collect();
        agents.sort_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
        agents
    }

    /// The directory as lines for a person; counts only, nobody by name or number.
    pub fn directory_lines(&self, now: Timestamp) -> Vec<String> {
        let directory = self.shared.directory();
        let mut lines = Vec::new();
        for (number, state) in (0u16..).zip(directory.institutions()) {
            let o = directory.overview(number, now);
            lines.push(format!(
                "{}  {}  {}  {}",
                state.info.slug, state.info.name, state.info.kind, state.info.time_zone
            ));
            lines.push(format!(
                "  learners {}, guests {} ({} unmatched), contested {}, placements in force {}, waiting for host {}, waiting for home {}",
                o.home_learners,
                o.guests,
                o.unmatched.len(),
                o.contested.len(),
                o.placements_in_force,
                o.placements_waiting_for_host,
                o.acceptances_waiting_for_home
            ));
        }
        for held in directory.agreements().texts() {
            let a = &held.terms;
            let parties: Vec<_> = a.parties.iter().map(Slug::as_str).collect();
            let waits: Vec<_> = held.waits_for().into_iter().map(Slug::as_str).collect();
            let standing = match (&held.ended, waits.is_empty()) {
                (Some(ending), _) => format!("ended on {}", ending.on),
                (_, true) => "signed by all".to_owned(),
                _ => format!("not in force, waits for {}", waits.join(", ")),
            };
            lines.push(format!(
                "agreement {} v{}  {} to {}  {}  ({standing})",
                a.id,
                a.version,
                a.first_date,
                a.last_date,
                parties.join(", ")
            ));
            for (kind, groups) in &a.kinds {
                let name = |number: &u32| kind.group_name(*number).unwrap_or("?");
                lines.push(format!("  {kind}: {}", groups.iter().map(name).collect::<Vec<_>>().join(", ")));
            }
        }
        lines
    }
}
