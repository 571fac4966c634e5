//! Grades as they came, what data hint at where no data can answer, and how what was agreed is kept.

use super::{
    Agreed, Fact, GradeLine, Kept, SiteFacts, Sum, about,
    content::{agreed_word, kinds_of},
    fact,
};
use crate::{
    alignment::traffic::{Crowd, Kind, Means, Read, Row, Tally, Traffic},
    progress::FEWEST,
};
use commonroll_core::{
    SchoolDate,
    convention::{Question, Says},
    record::assessment::GradeKind,
};
use std::collections::{BTreeMap, BTreeSet};

/// Grades of a scale, and how they could be read.
type Readings<'t> = BTreeMap<(Kind, &'t str, &'t str), BTreeMap<Read, Sum>>;

/// A part of rows in per cent, rounded up; `None` if too few learners stand behind the part, or behind the rest.
fn share(part: (u64, &Crowd), rest: (u64, &Crowd)) -> Option<u64> {
    let hidden = |(rows, learners): (u64, &Crowd)| rows > 0 && learners.is_few();
    let all = part.0 + rest.0;
    (!hidden(part) && !hidden(rest)).then(|| (part.0 * 100).div_ceil(all.max(1)))
}

pub(super) fn grade_lines(traffic: &Traffic, site: u16) -> Vec<GradeLine> {
    let mut all: Readings<'_> = BTreeMap::new();
    for (row, tally) in traffic.rows_of(site) {
        let Row::Grade { kind, scale, version, read, .. } = row else { continue };
        all.entry((*kind, scale, version)).or_default().entry(*read).or_default().add(tally);
    }
    let lines = all.into_iter().filter_map(|((kind, scale, version), reads)| {
        let sum = |of: &dyn Fn(Read) -> bool| {
            let mut sum = Sum::default();
            reads.iter().filter(|(read, _)| of(**read)).for_each(|(_, one)| sum.join(one));
            sum
        };
        let all = sum(&|_| true);
        let part = |read: Read| {
            let (part, rest) = (sum(&|one| one == read), sum(&|one| one != read));
            share((part.rows, &part.learners), (rest.rows, &rest.learners))
        };
        (!all.few()).then_some(())?;
        Some(GradeLine {
            site,
            kind,
            scale: (scale.to_owned(), version.to_owned()),
            rows: all.rows / 10 * 10,
            missing: part(Read::Missing),
            not_on_scale: part(Read::NotOnScale),
            no_scale: reads.contains_key(&Read::NoScale),
            between: all.between?,
        })
    });
    lines.collect()
}

pub(super) fn hints(traffic: &Traffic, sites: &[SiteFacts], question: Question) -> Vec<Fact> {
    let of = sites.iter().filter_map(|site| match question {
        Question::Registers => Some(match site.registers {
            true => fact(
                site.site,
                "keeps a session register",
                "by its type: the law asks for one below the sixth form",
            ),
            false => {
                fact(site.site, "keeps no session register", "by its type: a college or sixth-form centre")
            }
        }),
        Question::Attempts => {
            let pieces = traffic.pieces_of(site.site);
            let all = pieces.one.0 + pieces.several.0;
            let mut learners = pieces.one.1.clone();
            learners.join(&pieces.several.1);
            let (one, several) = ((pieces.one.0, &pieces.one.1), (pieces.several.0, &pieces.several.1));
            let share = share(several, one).filter(|_| all >= 10 && !learners.is_few())?;
            let (said, with) = match share {
                0 => ("one result each", "none with several".to_owned()),
                share => ("several results for some pieces of work", format!("{share} in 100 with several")),
            };
            Some(fact(site.site, said, format!("{}, {with}", about(all, "pieces"))))
        }
        Question::Target => {
            let kinds = kinds_of(traffic, site.site);
            let targets = [GradeKind::MinimumTarget, GradeKind::TeacherTarget].map(Kind);
            let sent: Vec<&str> =
                targets.iter().filter(|kind| kinds.contains_key(kind)).map(|kind| kind.words()).collect();
            (!kinds.is_empty()).then(|| match sent.is_empty() {
                true => fact(site.site, "sends no target", "other grades came"),
                false => fact(site.site, format!("sends {}", sent.join(" and ")), "as it came"),
            })
        }
        Question::Usage => {
            let mut own: BTreeMap<&str, (BTreeSet<&str>, Sum)> = BTreeMap::new();
            for (row, tally) in traffic.rows_of(site.site) {
                if let Row::Mark { set, code, .. } = row
                    && !set.starts_with("ENG-")
                    && tally.learners().len() >= FEWEST
                {
                    let (codes, sum) = own.entry(set).or_default();
                    codes.insert(code);
                    sum.add(tally);
                }
            }
            let (set, (codes, sum)) = own.into_iter().max_by_key(|(_, (_, sum))| sum.rows)?;
            let codes: Vec<&str> = codes.into_iter().take(12).collect();
            Some(fact(site.site, format!("{set}: {}", codes.join(" ")), sum.evidence("marks")))
        }
    });
    of.collect()
}

/// How what is agreed is kept by each partner that it concerns.
pub(super) fn kept(
    traffic: &Traffic,
    sites: &[SiteFacts],
    agreed: &[Agreed],
    today: SchoolDate,
) -> Vec<Kept> {
    let mut all = Vec::new();
    for (place, one) in agreed.iter().enumerate().filter(|(_, one)| one.from <= today) {
        for site in sites {
            if let Some(breaks) = breaks(traffic, site, agreed, one) {
                all.push(Kept { agreed: place, site: site.site, breaks });
            }
        }
    }
    all
}

fn breaks(traffic: &Traffic, site: &SiteFacts, agreed: &[Agreed], one: &Agreed) -> Option<Option<u64>> {
    let mut keeps = (0, Crowd::default());
    let mut doesnt = (0, Crowd::default());
    let mut take = |tally: &Tally, breaks: bool| {
        let (rows, learners) = tally.since(one.from);
        let of = if breaks { &mut doesnt } else { &mut keeps };
        of.0 += rows;
        of.1.join(&learners);
    };
    match &one.says {
        // Whether a partner is ready is readiness's to say.
        Says::Answer { .. } | Says::Unlock { .. } => return None,
        // Names are their own: the agreed word is put in their place where figures are shown.
        Says::Subject { .. } => return None,
        Says::Code { code, means } => {
            for (row, tally) in traffic.rows_of(site.site) {
                if let Row::Mark { code: written, means: meant, .. } = row
                    && written == code
                {
                    take(tally, *meant != Means::from(*means));
                }
            }
        }
        Says::Scale { kind, subject, scale, version } => {
            let word = agreed_word(agreed, subject);
            for (row, tally) in traffic.rows_of(site.site) {
                if let Row::Grade { kind: given, scale: on, version: at, subject, read } = row
                    && given.0 == *kind
                    && *read != Read::Missing
                    && agreed_word(agreed, subject) == word
                {
                    take(tally, on != scale || at != version);
                }
            }
        }
    }
    let of = keeps.0 + doesnt.0;
    let mut whole = keeps.1.clone();
    whole.join(&doesnt.1);
    let share = share((doesnt.0, &doesnt.1), (keeps.0, &keeps.1)).filter(|_| !whole.is_few());
    (of > 0).then_some(share)
}
