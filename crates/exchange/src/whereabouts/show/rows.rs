//! Everybody on a board, their hosts, and what is proposed for their session. Counted is everybody; names are put to those
//! alone who are shown.

use super::{
    super::{BoardAsk, ConflictSeen, HostSeen, LineSeen, Looks, ProposalSeen, codes, seen::Ring},
    Desk, Permits, permit,
};
use commonroll_core::{attendance::SessionWindow, record::attendance::Physical};
use commonroll_views::whereabouts::{AlertKey, Expectation, Id, State};
use std::collections::{BTreeMap, BTreeSet};

/// One learner of a board, in the lesson that counts, with what is said of it and what is proposed.
pub(super) struct Row {
    pub of: Expectation,
    pub looks: Looks,
    pub words: String,
    pub proposal: Option<ProposalSeen>,
}

impl Desk<'_> {
    /// Everybody whom the person may see, each in the lesson that counts, the worst first.
    pub(super) fn rows(&self, window: Option<&SessionWindow>) -> (Vec<Row>, Permits) {
        let all = match self.ask {
            BoardAsk::Away => self.board.board.of_home(self.own()),
            BoardAsk::Visitors => self.board.board.of_host(self.own()),
        };
        let mut of: BTreeMap<u32, Vec<(Expectation, State)>> = BTreeMap::new();
        all.into_iter().for_each(|line| of.entry(line.0.learner).or_default().push(line));
        let (mut rows, mut permits) = (Vec::with_capacity(of.len()), Permits::new());
        for (learner, lines) in of {
            let Some(permit) = permit(self.directory, self.acting, learner, self.now) else { continue };
            permits.insert(learner, permit);
            if let Some((of, state)) = self.counts_now(lines) {
                let (looks, words) = self.said(&of, &state);
                let proposal =
                    window.and_then(|window| self.board.proposal(window, learner, of.home, self.now));
                rows.push((state.urgency(), Row { of, looks, words, proposal }));
            }
        }
        // Within a state by the clock, as people look for a lesson; who is more urgent of those is among the alarms.
        rows.sort_by_key(|(urgency, row)| (row.looks, row.of.time.start(), *urgency, row.of.id()));
        (rows.into_iter().map(|(_, row)| row).collect(), permits)
    }

    pub(super) fn line(&self, row: Row) -> LineSeen {
        LineSeen {
            learner: row.of.learner,
            name: self.name(row.of.learner),
            home: (self.ask == BoardAsk::Visitors).then(|| self.named(row.of.home)),
            host: self.named(row.of.site).0,
            looks: row.looks,
            words: row.words,
            lesson: self.lesson(&row.of),
            proposal: row.proposal,
        }
    }

    pub(super) fn hosts(&self, rows: &[Row]) -> Vec<HostSeen> {
        let sites: BTreeSet<u16> = rows.iter().map(|row| row.of.site).collect();
        let open: Vec<AlertKey> = self.board.board.open_alerts().map(|(alert, _)| alert.key).collect();
        let late = |site: u16| {
            let own = |lesson: u64| self.board.expected_at(site, Some(lesson), self.own()).next().is_some();
            let overdue = open.iter().filter(|key| match key {
                AlertKey::Register { site: at, lesson } => *at == site && own(*lesson),
                _ => false,
            });
            u32::try_from(overdue.count()).unwrap_or(u32::MAX)
        };
        let host = |site: u16| {
            let (slug, name) = self.named(site);
            let ring = self.ring(site).unwrap_or_else(|| Ring {
                name: name.clone(),
                phone: String::new(),
                desk: String::new(),
            });
            HostSeen {
                slug,
                name,
                ring,
                heard: self.board.heard.get(&site).copied(),
                silent: open.contains(&AlertKey::SourceSilent { site }),
                registers_late: late(site),
            }
        };
        sites.into_iter().map(host).collect()
    }

    /// How many session codes are clear, by rule.
    pub(super) fn clear(&self, rows: &[Row]) -> BTreeMap<u8, u32> {
        let mut clear = BTreeMap::new();
        for row in rows {
            if let Some(proposal) = row.proposal.as_ref().filter(|proposal| proposal.clear)
                && self.disagrees(row.of.learner).is_none()
            {
                *clear.entry(proposal.rule).or_default() += 1;
            }
        }
        clear
    }

    /// Where the home said one thing and the host another.
    pub(super) fn conflicts(&self, rows: &[Row]) -> Vec<ConflictSeen> {
        let conflict = |row: &Row| {
            let (proposal, host) = (row.proposal.clone()?, self.disagrees(row.of.learner)?);
            Some(ConflictSeen {
                learner: row.of.learner,
                name: self.name(row.of.learner),
                home: "absence expected",
                host,
                at: self.named(row.of.site),
                proposal,
            })
        };
        rows.iter().filter_map(conflict).collect()
    }

    /// What a host saw of a learner whom a notice says to be absent at that time.
    fn disagrees(&self, learner: u32) -> Option<&'static str> {
        let told = self.board.told.get(&learner)?;
        let excused = |id: &Id| {
            self.board.expected.get(id).is_some_and(|of| {
                told.excuses
                    .iter()
                    .any(|(site, time, _)| site.is_none_or(|site| site == id.site) && time.overlaps(of.time))
            })
        };
        let seen = told
            .marks
            .iter()
            .find(|(id, mark)| matches!(mark.physical, Physical::Present | Physical::Late) && excused(id));
        seen.map(|(_, mark)| codes::seen_as(mark.physical))
    }
}
