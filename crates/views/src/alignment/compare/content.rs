//! What codes, subjects, scales and kinds say: the same word for two things, two words for one.

use super::SiteFacts;
use super::{Agreed, Difference, Fact, Sum, Topic, count, fact};
use crate::alignment::{
    names::same_subject,
    traffic::{Kind, Means, Read, Row, Traffic},
};
use commonroll_core::{
    convention::{Says, plain},
    record::assessment::GradeKind,
};
use std::collections::{BTreeMap, BTreeSet};

/// Names of subjects that are held against each other at most.
const NAMES: usize = 600;

pub(super) fn codes(traffic: &Traffic, sites: &[SiteFacts], agreed: &[Agreed]) -> Vec<Difference> {
    let mut all: BTreeMap<&str, BTreeMap<(u16, Means), Sum>> = BTreeMap::new();
    for site in sites {
        for (row, tally) in traffic.rows_of(site.site) {
            if let Row::Mark { code, means, .. } = row {
                let sum = all.entry(code).or_default().entry((site.site, *means)).or_default();
                sum.add(tally);
            }
        }
    }
    let mut found: Vec<(u64, Difference)> = Vec::new();
    for (code, mut by) in all {
        by.retain(|_, sum| !sum.few());
        let mut weights: BTreeMap<Means, u64> = BTreeMap::new();
        by.iter().for_each(|((_, means), sum)| *weights.entry(*means).or_default() += sum.rows);
        let Some((most, _)) = weights.iter().max_by_key(|(_, rows)| **rows).filter(|_| weights.len() > 1)
        else {
            continue;
        };
        let says = Says::Code { code: code.to_owned(), means: physical(*most) };
        if is_agreed(agreed, &says) {
            continue;
        }
        let facts = by.iter().map(|((site, means), sum)| fact(*site, means.words(), sum.evidence("marks")));
        found.push((
            weights.values().sum(),
            Difference {
                topic: Topic::Codes,
                title: format!("Code {code} means {} things", count(weights.len())),
                subject: String::new(),
                text: "A learner who was in one room counts as missing from another. Mend the mapping of the agent that is wrong, and agree on what the code means.",
                facts: facts.collect(),
                suggest: Some(says),
            },
        ));
    }
    largest(found)
}

const fn physical(means: Means) -> commonroll_core::record::attendance::Physical {
    use commonroll_core::record::attendance::Physical;
    match means {
        Means::Present => Physical::Present,
        Means::Late => Physical::Late,
        Means::Absent => Physical::Absent,
        Means::NotRequired => Physical::NotRequired,
        Means::Unknown => Physical::Unknown,
    }
}

fn is_agreed(agreed: &[Agreed], says: &Says) -> bool {
    agreed.iter().any(|one| one.says.topic() == says.topic())
}

fn largest(mut found: Vec<(u64, Difference)>) -> Vec<Difference> {
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.title.cmp(&b.1.title)));
    found.into_iter().map(|(_, one)| one).collect()
}

/// Names of subjects with who uses them: groups, and learners of grades.
fn names(traffic: &Traffic, sites: &[SiteFacts]) -> BTreeMap<String, BTreeMap<u16, (u64, Sum)>> {
    let mut names: BTreeMap<String, BTreeMap<u16, (u64, Sum)>> = BTreeMap::new();
    for site in sites {
        for (subject, groups) in &site.subjects {
            names.entry(subject.clone()).or_default().entry(site.site).or_default().0 += groups;
        }
        for (row, tally) in traffic.rows_of(site.site) {
            if let Row::Grade { subject, .. } = row {
                names.entry(subject.clone()).or_default().entry(site.site).or_default().1.add(tally);
            }
        }
    }
    for by in names.values_mut() {
        by.retain(|_, (groups, grades)| *groups > 0 || !grades.few());
    }
    names.retain(|name, by| !plain(name).is_empty() && !by.is_empty());
    names
}

pub(super) fn subjects(traffic: &Traffic, sites: &[SiteFacts], agreed: &[Agreed]) -> Vec<Difference> {
    let names = names(traffic, sites);
    let mut clusters: Vec<Vec<&String>> = Vec::new();
    for name in names.keys().take(NAMES) {
        match clusters.iter_mut().find(|cluster| cluster.iter().any(|held| same_subject(held, name))) {
            Some(cluster) => cluster.push(name),
            None => clusters.push(vec![name]),
        }
    }
    let settled = |cluster: &[&String]| {
        agreed.iter().any(|one| match &one.says {
            Says::Subject { word, also } => {
                let known: BTreeSet<String> = also.iter().chain([word]).map(|name| plain(name)).collect();
                cluster.iter().all(|name| known.contains(&plain(name)))
            }
            _ => false,
        })
    };
    let mut found = Vec::new();
    for cluster in clusters {
        let written: BTreeSet<String> = cluster.iter().map(|name| plain(name)).collect();
        if written.len() < 2 || settled(&cluster) {
            continue;
        }
        let mut facts: Vec<Fact> = Vec::new();
        let mut weight = 0;
        for name in &cluster {
            for (site, (groups, grades)) in names.get(*name).into_iter().flatten() {
                weight += groups + grades.rows;
                let groups = match groups {
                    0 => None,
                    1 => Some("1 group".to_owned()),
                    groups => Some(format!("{groups} groups")),
                };
                let grades = (!grades.few()).then(|| grades.evidence("grades"));
                let evidence: Vec<String> = groups.into_iter().chain(grades).collect();
                facts.push(fact(*site, format!("“{name}”"), evidence.join("; ")));
            }
        }
        facts.sort_by(|a, b| (a.site, &a.said).cmp(&(b.site, &b.said)));
        let word = cluster.iter().max_by_key(|name| name.chars().count());
        let word = word.map_or_else(String::new, |name| (*name).clone());
        let also = cluster.iter().filter(|name| ***name != word).map(|name| (*name).clone()).collect();
        let title = format!("{word} has {} names", count(written.len()));
        let suggest = Some(Says::Subject { word, also });
        let text =
            "Figures by course count them apart. Agree on one word; partners may go on writing their own.";
        found.push((
            weight,
            Difference { topic: Topic::Subjects, title, subject: String::new(), text, facts, suggest },
        ));
    }
    largest(found)
}

/// A subject as it is compared: by the agreed word.
pub(super) fn agreed_word(agreed: &[Agreed], subject: &str) -> String {
    let name = plain(subject);
    let word = agreed.iter().find_map(|one| match &one.says {
        Says::Subject { word, also } if also.iter().any(|other| plain(other) == name) => Some(plain(word)),
        _ => None,
    });
    word.unwrap_or(name)
}

type OnScales<'t> = BTreeMap<(u16, (&'t str, &'t str)), (Sum, bool)>;

pub(super) fn scales(traffic: &Traffic, sites: &[SiteFacts], agreed: &[Agreed]) -> Vec<Difference> {
    let mut all: BTreeMap<(Kind, String), (String, OnScales<'_>)> = BTreeMap::new();
    for site in sites {
        for (row, tally) in traffic.rows_of(site.site) {
            let Row::Grade { kind, scale, version, subject, read } = row else { continue };
            if *read == Read::Missing {
                continue;
            }
            let key = (*kind, agreed_word(agreed, subject));
            let (_, by) = all.entry(key).or_insert_with(|| (subject.clone(), BTreeMap::new()));
            let (sum, unknown) = by.entry((site.site, (scale, version))).or_default();
            sum.add(tally);
            *unknown |= *read == Read::NoScale;
        }
    }
    let mut found = Vec::new();
    for ((kind, _), (subject, mut by)) in all {
        by.retain(|_, (sum, _)| !sum.few());
        let mut weights: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        by.iter().for_each(|((_, scale), (sum, _))| *weights.entry(*scale).or_default() += sum.rows);
        let unread = by.values().any(|(_, unknown)| *unknown);
        if weights.len() < 2 && !unread {
            continue;
        }
        let most = weights.iter().max_by_key(|(_, rows)| **rows).map(|(scale, _)| *scale);
        let Some((scale, version)) = most else { continue };
        let says = Says::Scale {
            kind: kind.0,
            subject: subject.clone(),
            scale: scale.to_owned(),
            version: version.to_owned(),
        };
        if is_agreed(agreed, &says) {
            continue;
        }
        let facts = by.iter().map(|((site, (scale, version)), (sum, unknown))| {
            let unread = if *unknown { ", which nobody can read" } else { "" };
            fact(*site, format!("{scale} {version}{unread}"), sum.evidence("grades"))
        });
        let facts = facts.collect();
        let (title, text) = match weights.len() {
            1 => (
                format!("{subject}, {}: a scale that nobody can read", kind.words()),
                "Its grades are shown as they were written and compared with nothing. Map them to a known scale.",
            ),
            several => (
                format!("{subject}, {}: {} scales", kind.words(), count(several)),
                "Grades of different scales are never compared. If the qualification is the same, agree on one.",
            ),
        };
        let suggest = (weights.len() > 1).then_some(says);
        found.push((
            weights.values().sum(),
            Difference { topic: Topic::Scales, title, subject, text, facts, suggest },
        ));
    }
    largest(found)
}

/// Kinds that a consortium needs from everybody, if it has them from somebody.
const NEEDED: [GradeKind; 4] =
    [GradeKind::WorkingAt, GradeKind::MinimumTarget, GradeKind::TeacherTarget, GradeKind::Predicted];

pub(super) fn kinds_of(traffic: &Traffic, site: u16) -> BTreeMap<Kind, Sum> {
    let mut kinds: BTreeMap<Kind, Sum> = BTreeMap::new();
    for (row, tally) in traffic.rows_of(site) {
        if let Row::Grade { kind, .. } = row {
            kinds.entry(*kind).or_default().add(tally);
        }
    }
    kinds.retain(|_, sum| !sum.few());
    kinds
}

pub(super) fn kinds(traffic: &Traffic, sites: &[SiteFacts]) -> Vec<Difference> {
    let sending: Vec<(u16, BTreeMap<Kind, Sum>)> = sites
        .iter()
        .map(|site| (site.site, kinds_of(traffic, site.site)))
        .filter(|(_, kinds)| !kinds.is_empty())
        .collect();
    let differs = |kind: &Kind| {
        let with = sending.iter().filter(|(_, kinds)| kinds.contains_key(kind)).count();
        (1..sending.len()).contains(&with)
    };
    let of = NEEDED.map(Kind).into_iter().filter(differs).map(|kind| {
        let facts = sending.iter().map(|(site, kinds)| match kinds.get(&kind) {
            Some(sum) => fact(*site, "sends them", sum.evidence("grades")),
            None => fact(*site, "sends none", "other grades came"),
        });
        Difference {
            topic: Topic::Kinds,
            title: format!("Not everybody sends “{}”", kind.words()),
            subject: String::new(),
            text: "A learner’s page has gaps where one partner sends none. Agree on which kinds are collected, and when.",
            facts: facts.collect(),
            suggest: None,
        }
    });
    of.collect()
}
