//! How an institution's data is mapped: which connector and mapping read each of its sources, what its codes, scales and subjects
//! came to, and which rows are kept back.
//!
//! The institution's own people see codes, captions and counts, as its agents told of them and as they stand in what came;
//! whoever compares partners sees counts alone, of rows that are kept back to the nearest ten. No row and no learner is in it, and looking has its entry first.

use super::{allowed, readers, shown};
use crate::{
    Exchange,
    directory::{Directory, sources::SourceHeld},
    office::Acting,
    projection::feed,
    reading::ReadError,
    shared::Shared,
};
use commonroll_core::{
    SchoolDate, Slug, Timestamp,
    convention::{Says, plain},
    sources::{KeptBack, is_code},
};
use commonroll_views::{
    alignment::{Kind, Means, Read, Row, Traffic},
    readiness::{For, tens},
};
use std::collections::BTreeMap;

/// Entry that says to whom it was shown.
const SHOWN: &str = "mapping.shown";

/// A code of one set, as it came and what it was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeMapped {
    /// Code set.
    pub set: String,
    /// The code as the MIS writes it; `None` for what can't be told from a name or a text.
    pub code: Option<String>,
    /// What the agent made of it.
    pub means: Means,
    /// What partners agreed that it means, if they did.
    pub agreed: Option<Means>,
    /// Marks with it in the weeks that count.
    pub rows: u64,
    /// First and last day.
    pub between: Option<(SchoolDate, SchoolDate)>,
}

/// Grades of a scale, grades that are none of it, and facts that are no grade.
type Rows = (u64, u64, u64);

/// A kind of grade, a scale and its version.
type Scale<'a> = (Kind, &'a str, &'a str);

/// A scale on which grades of a kind came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaleMapped {
    /// Kind of grade.
    pub kind: Kind,
    /// Scale and version.
    pub scale: (String, String),
    /// Grades of the scale; others; and facts that are no grade.
    pub rows: Rows,
    /// True if nobody knows the scale.
    pub unknown: bool,
}

/// A subject in the institution's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectMapped {
    /// As it declared it; empty for groups without one.
    pub subject: String,
    /// The agreed word, where it is another one.
    pub agreed: Option<String>,
    /// Groups that it declared with it.
    pub groups: u64,
}

/// Counts of one institution, for its own people and for whoever compares partners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MappingCounts {
    /// Sources that its agents told of.
    pub sources: u64,
    /// Codes that have a meaning.
    pub codes: u64,
    /// Scales that are known, and that aren't.
    pub scales: (u64, u64),
    /// Rows that are kept back, and in how many sorts; rows to the nearest ten for others.
    pub kept_back: (u64, u64),
    /// Exports that are refused as a whole.
    pub refused: u64,
}

/// One institution's mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingOf {
    /// Whose.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// In numbers.
    pub counts: MappingCounts,
    /// The sources; like all below, only for its own people.
    pub sources: Vec<SourceHeld>,
    /// The codes, those with most marks first.
    pub codes: Vec<CodeMapped>,
    /// The scales.
    pub scales: Vec<ScaleMapped>,
    /// The subjects.
    pub subjects: Vec<SubjectMapped>,
}

/// Mapping as somebody may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingSeen {
    /// One institution, or all in the order of their names.
    pub partners: Vec<MappingOf>,
    /// True if rows that are kept back are rounded and details left out.
    pub rounded: bool,
    /// False while the log is still being read after a start.
    pub complete: bool,
    /// The rule that allowed it.
    pub reason: String,
}

impl Exchange {
    /// How the data of one institution is mapped, or of all.
    ///
    /// # Errors
    /// [`ReadError`]; one wording for what the role may not see and for a partner who isn't there.
    pub async fn mapping(
        &self,
        acting: Acting<'_>,
        of: Option<&Slug>,
        now: Timestamp,
    ) -> Result<MappingSeen, ReadError> {
        let views = self.shared.views.get().ok_or(ReadError::Unavailable)?;
        let readers = readers(acting, of);
        let make = |shared: &Shared| {
            let (partners, policy, reason) = allowed(shared, acting, of)?;
            let entry = shown(acting, of, (&policy, &reason));
            let today = {
                let directory = shared.directory();
                let own = directory.institution(acting.speaker.number);
                own.map_or_else(|| now.date_in(&jiff::tz::TimeZone::UTC), |own| now.date_in(&own.zone))
            };
            // The view before the directory, as everywhere.
            let mut view = feed(&views.alignment);
            view.tick(today);
            let directory = shared.directory();
            let made = partners.into_iter().map(|(number, slug, name)| {
                let all = mapped(&directory, &view.traffic, (number, slug, name), today);
                if readers == For::Own { all } else { all.for_others() }
            });
            let partners = made.collect();
            let complete = view.as_of().0;
            Ok((MappingSeen { partners, rounded: readers == For::Others, complete, reason }, (SHOWN, entry)))
        };
        self.page_apart(acting, ("mapping.slowed", "mapping.refused"), now, make).await
    }
}

impl MappingOf {
    fn for_others(self) -> Self {
        let (rows, sorts) = self.counts.kept_back;
        let counts = MappingCounts { kept_back: (tens(rows), sorts), ..self.counts };
        let (sources, codes, scales, subjects) = Default::default();
        Self { counts, sources, codes, scales, subjects, ..self }
    }
}

/// What the agents of an institution that may still speak told of their sources.
pub(super) fn sources_of(directory: &Directory, number: u16) -> impl Iterator<Item = &SourceHeld> {
    let own =
        directory.agents().filter(move |(_, agent)| agent.institution == number && agent.revoked.is_none());
    own.filter_map(|(id, _)| directory.sources().of(*id)).flat_map(|held| &held.sources)
}

fn mapped(
    directory: &Directory,
    traffic: &Traffic,
    (number, slug, name): (u16, Slug, String),
    today: SchoolDate,
) -> MappingOf {
    let mut sources: Vec<SourceHeld> = sources_of(directory, number).cloned().collect();
    sources.sort_by(|a, b| a.told.name.cmp(&b.told.name));
    let codes = codes(directory, traffic, number, today);
    let scales = scales(traffic, number);
    let kept = || sources.iter().flat_map(|source| &source.told.kept);
    let known = scales.iter().filter(|scale| !scale.unknown).count();
    let counts = MappingCounts {
        sources: sources.len() as u64,
        codes: codes.len() as u64,
        scales: (known as u64, (scales.len() - known) as u64),
        kept_back: (kept().map(KeptBack::rows_kept).sum(), kept().count() as u64),
        refused: sources.iter().filter(|source| source.told.refused.is_some()).count() as u64,
    };
    let subjects = subjects(directory, number, today);
    MappingOf { slug, name, counts, sources, codes, scales, subjects }
}

fn codes(directory: &Directory, traffic: &Traffic, number: u16, today: SchoolDate) -> Vec<CodeMapped> {
    let standing = directory.conventions().standing(today);
    let agreed = |code: &str| {
        standing.iter().filter(|one| one.from <= today).find_map(|one| match &one.says {
            Says::Code { code: of, means } if of == code => Some(Means::from(*means)),
            _ => None,
        })
    };
    let marks = traffic.rows_of(number).filter_map(|(row, tally)| {
        let Row::Mark { set, code, means } = row else { return None };
        Some(CodeMapped {
            set: set.clone(),
            code: is_code(code).then(|| code.clone()),
            means: *means,
            agreed: agreed(code),
            rows: tally.rows(),
            between: tally.between(),
        })
    });
    let mut codes: Vec<CodeMapped> = marks.collect();
    codes.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| (&a.code, a.means).cmp(&(&b.code, b.means))));
    codes
}

fn scales(traffic: &Traffic, number: u16) -> Vec<ScaleMapped> {
    let mut scales: BTreeMap<Scale<'_>, (Rows, bool)> = BTreeMap::new();
    for (row, tally) in traffic.rows_of(number) {
        let Row::Grade { kind, scale, version, read, .. } = row else { continue };
        let (rows, unknown) = scales.entry((*kind, scale, version)).or_default();
        match read {
            Read::Known => rows.0 += tally.rows(),
            Read::NotOnScale => rows.1 += tally.rows(),
            Read::NoScale => (rows.1, *unknown) = (rows.1 + tally.rows(), true),
            Read::Missing => rows.2 += tally.rows(),
        }
    }
    let scales = scales.into_iter().map(|((kind, scale, version), (rows, unknown))| ScaleMapped {
        kind,
        scale: (scale.to_owned(), version.to_owned()),
        rows,
        unknown,
    });
    scales.collect()
}

fn subjects(directory: &Directory, number: u16, today: SchoolDate) -> Vec<SubjectMapped> {
    let words = directory.conventions().words(today);
    let mut groups: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, subject) in directory.institution(number).into_iter().flat_map(|state| state.groups.values()) {
        *groups.entry(subject.trim()).or_default() += 1;
    }
    let one = |(subject, groups): (&str, u64)| SubjectMapped {
        subject: subject.to_owned(),
        agreed: words.get(&plain(subject)).filter(|word| **word != subject).map(|word| (*word).to_owned()),
        groups,
    };
    groups.into_iter().map(one).collect()
}
