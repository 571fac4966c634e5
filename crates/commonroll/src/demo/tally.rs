//! Expected against arrived: how the day ended, by counts that must agree.

use super::{
    readback::Outbox,
    setup::{Arrived, Expected, Kind},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What stands in the homes' outboxes once corrections and withdrawals are followed.
#[derive(Default)]
pub struct Standing {
    /// Records that stand. The number is how many rows claim to be this very record: one, if all is well.
    pub records: BTreeMap<Arrived, u64>,
    /// Different revisions of records that were written back.
    pub revisions: u64,
    /// Rows that say again what a row before said: same record, same revision.
    pub twice: u64,
    /// Records that were withdrawn.
    pub withdrawn: u64,
    /// Rows that replaced an older revision.
    pub corrected: u64,
    /// Session marks that stand.
    pub sessions: u64,
    /// Of them, those whose lesson mark does not say that the learner was there.
    pub without_evidence: u64,
    /// Lesson marks that the XML and the CSV of an outbox tell differently.
    pub xml_differs: u64,
    /// Files that could not be read.
    pub unreadable: u64,
}

/// Follows the rows of every outbox.
pub fn standing(outboxes: &[Outbox]) -> Standing {
    let mut standing = Standing::default();
    outboxes.iter().for_each(|outbox| standing.follow(outbox));
    standing
}

impl Standing {
    fn follow(&mut self, outbox: &Outbox) {
        self.unreadable += outbox.unreadable.len() as u64;
        let mut newest: BTreeMap<&str, &super::readback::Row> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for row in &outbox.rows {
            match seen.insert((&row.record, row.revision)) {
                true => self.revisions += 1,
                false => self.twice += 1,
            }
            let held = newest.entry(&row.record).or_insert(row);
            if row.revision > held.revision {
                *held = row;
            }
        }
        let lesson_rows = outbox.rows.iter().filter(|row| row.arrived.kind == Kind::Attendance);
        let of_csv: BTreeSet<_> = lesson_rows
            .map(|row| {
                let mark = row.arrived.content.split(' ').next().unwrap_or_default();
                (row.record.clone(), row.revision, row.arrived.learner.clone(), mark.to_owned())
            })
            .collect();
        self.xml_differs += of_csv.symmetric_difference(&outbox.xml).count() as u64;
        for row in newest.values() {
            self.corrected += u64::from(row.revision > 1 && !row.withdrawn);
            if row.withdrawn {
                self.withdrawn += 1;
            } else {
                *self.records.entry(row.arrived.clone()).or_default() += 1;
            }
        }
        self.sessions(outbox, &newest);
    }

    fn sessions(&mut self, outbox: &Outbox, newest: &BTreeMap<&str, &super::readback::Row>) {
        let mut standing: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
        for (record, revision, mark) in &outbox.sessions {
            let held = standing.entry(record).or_insert((*revision, mark));
            if *revision >= held.0 {
                *held = (*revision, mark);
            }
        }
        for (record, (_, mark)) in standing.into_iter().filter(|(_, (_, mark))| !mark.is_empty()) {
            let lesson = record.split(' ').next().and_then(|record| newest.get(record));
            let there = lesson.is_some_and(|row| {
                !row.withdrawn
                    && (row.arrived.content.starts_with(['/', '\\']) || row.arrived.content.starts_with('L'))
            });
            self.sessions += 1;
            self.without_evidence += u64::from(mark == "B" && !there);
        }
    }

    /// How many stand, by home, source and kind.
    pub fn counts(&self) -> BTreeMap<(String, String, Kind), u64> {
        let mut counts = BTreeMap::new();
        for (record, rows) in &self.records {
            *counts.entry((record.home.clone(), record.source.clone(), record.kind)).or_default() += rows;
        }
        counts
    }
}

/// Lines that say which counts differ; none, if every expected record stands once and nothing else does.
pub fn differences(expected: &Expected, standing: &Standing) -> Vec<String> {
    let mut lines = Vec::new();
    let wanted = match expected {
        Expected::Counts(counts) => counts.clone(),
        Expected::Unknown => standing.counts(),
        Expected::Records(records) => {
            let mut counts = BTreeMap::new();
            for record in records {
                *counts.entry((record.home.clone(), record.source.clone(), record.kind)).or_default() += 1;
            }
            for (key, missing, extra) in by_key(records, standing) {
                lines.push(format!(
                    "{} from {}: {} expected but not there (or otherwise), {} there but not expected",
                    key.0, key.1, missing, extra
                ));
            }
            counts
        }
    };
    let arrived = standing.counts();
    let keys: BTreeSet<_> = wanted.keys().chain(arrived.keys()).collect();
    for key in keys {
        let count = |counts: &BTreeMap<_, u64>| counts.get(key).copied().unwrap_or(0);
        let (want, have) = (count(&wanted), count(&arrived));
        if want != have {
            lines.push(format!(
                "{} from {}: {} {} expected, {} arrived",
                key.0,
                key.1,
                want,
                key.2.as_str(),
                have
            ));
        }
    }
    let mut must_be_none = |count: u64, what: &str| {
        if count > 0 {
            lines.push(format!("{count} {what}"));
        }
    };
    must_be_none(standing.twice, "rows say the same revision of a record twice");
    must_be_none(standing.without_evidence, "session marks B without a host's evidence");
    must_be_none(standing.xml_differs, "lesson marks differ between an outbox's XML and CSV");
    must_be_none(standing.unreadable, "outbox files can't be read");
    lines
}

type Key = (String, String);

/// Records that are missing or too many, by home and source with kind.
fn by_key(records: &[Arrived], standing: &Standing) -> Vec<(Key, u64, u64)> {
    let mut found: BTreeMap<Key, (u64, u64)> = BTreeMap::new();
    let key =
        |record: &Arrived| (record.home.clone(), format!("{} ({})", record.source, record.kind.as_str()));
    let mut left = standing.records.clone();
    for record in records {
        match left.get_mut(record) {
            Some(rows) if *rows > 0 => *rows -= 1,
            _ => found.entry(key(record)).or_default().0 += 1,
        }
    }
    for (record, rows) in left.iter().filter(|(_, rows)| **rows > 0) {
        found.entry(key(record)).or_default().1 += rows;
    }
    found.into_iter().map(|(key, (missing, extra))| (key, missing, extra)).collect()
}

/// Two records that are one and the same, whatever each says: a correction of the other.
pub fn same_record(one: &Arrived, other: &Arrived) -> bool {
    let alike = one.home == other.home
        && one.source == other.source
        && one.learner == other.learner
        && one.kind == other.kind
        && one.date == other.date
        && one.start == other.start;
    let stem = |text: &str| text.rsplit_once('/').map_or_else(String::new, |(stem, _)| stem.to_owned());
    alike
        && match one.kind {
            Kind::Attendance => true,
            Kind::Assessment => stem(&one.content) == stem(&other.content),
            Kind::Behaviour => one.content == other.content,
        }
}

/// The time below which `percent` of a hundred lie.
pub fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::readback::Row;

    fn mark(content: &str) -> Arrived {
        Arrived {
            home: "kingsmead".into(),
            source: "northgate".into(),
            learner: "6420".into(),
            kind: Kind::Attendance,
            date: "2026-09-14".into(),
            start: "09:15".into(),
            content: content.into(),
        }
    }

    fn outbox(rows: &[(&str, u64, bool, &str)]) -> Outbox {
        let row = |(record, revision, withdrawn, content): &(&str, u64, bool, &str)| Row {
            record: (*record).to_owned(),
            revision: *revision,
            withdrawn: *withdrawn,
            arrived: mark(content),
        };
        let xml = rows.iter().map(|(record, revision, withdrawn, content)| {
            let mark = if *withdrawn { String::new() } else { (*content).to_owned() };
            ((*record).to_owned(), *revision, "6420".to_owned(), mark)
        });
        Outbox { rows: rows.iter().map(row).collect(), xml: xml.collect(), ..Outbox::default() }
    }

    #[test]
    fn a_correction_replaces_and_a_withdrawal_removes() {
        let standing = standing(&[outbox(&[
            ("a", 2, false, "L"),
            ("a", 1, false, "N"),
            ("b", 2, true, ""),
            ("b", 1, false, "/"),
        ])]);
        assert_eq!(differences(&Expected::Records(vec![mark("L")]), &standing), Vec::<String>::new());
        assert_eq!((standing.corrected, standing.withdrawn), (1, 1));
    }

    #[test]
    fn what_is_missing_too_much_or_told_twice_is_counted() {
        let two_ids = standing(&[outbox(&[("a", 1, false, "/"), ("b", 1, false, "/")])]);
        assert!(
            !differences(&Expected::Records(vec![mark("/")]), &two_ids).is_empty(),
            "one mark under two ids"
        );
        let again = standing(&[outbox(&[("a", 1, false, "/"), ("a", 1, false, "/")])]);
        assert_eq!(differences(&Expected::Records(vec![mark("/")]), &again).len(), 1, "one row too many");
        let other = standing(&[outbox(&[("a", 1, false, "N")])]);
        assert_eq!(
            differences(&Expected::Records(vec![mark("/")]), &other).len(),
            1,
            "another mark than expected"
        );
        let nothing = standing(&[]);
        assert_eq!(differences(&Expected::Records(vec![mark("/")]), &nothing).len(), 2, "nothing arrived");
    }

    #[test]
    fn half_of_the_times_lie_below_the_median() {
        let times: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(50));
        assert_eq!(percentile(&times, 99), Duration::from_millis(99));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
