//! Alignment and mapping, as the readiness service tells them: what the console's pages show, in messages.

use crate::{authority::hex, conventions::told};
use commonroll_core::{SchoolDate, Timestamp, convention::Says};
use commonroll_exchange::{
    AlignmentSeen, CodeMapped, ConventionSeen, MappingOf, MappingSeen, ScaleMapped, SourceHeld, Stands,
    SubjectMapped,
};
use commonroll_views::alignment::{self, Means};
use commonroll_wire::{pb::readiness::v1 as pb, write_source};

/// Where partners differ, and what they agreed on.
pub(super) fn alignment(seen: &AlignmentSeen) -> pb::AlignmentResponse {
    let difference = |one: alignment::Finding<'_>| pb::Difference {
        topic: one.topic.words().to_owned(),
        title: one.title,
        text: one.text.to_owned(),
        facts: facts(seen, &one.facts),
        suggestion: suggested(&one.of),
    };
    let conventions = seen.conventions.iter().enumerate();
    let open = seen.report.questions.iter().filter(|(question, _)| {
        let mut live = seen.conventions.iter().filter(|one| is_live(&one.stands));
        !live.any(|one| matches!(&one.says, Says::Answer { question: held, .. } if held == question))
    });
    pb::AlignmentResponse {
        differences: seen.report.findings().into_iter().map(difference).collect(),
        conventions: conventions.map(|(place, one)| convention(seen, place, one)).collect(),
        grades: seen.report.grades.iter().map(|one| grades(seen, one)).collect(),
        questions: open
            .map(|(question, hints)| pb::OpenQuestion {
                name: question.as_str().to_owned(),
                question: question.words().to_owned(),
                facts: facts(seen, hints),
            })
            .collect(),
        as_of_us: seen.as_of.map_or(0, Timestamp::micros),
        complete: seen.complete,
        reason: seen.reason.clone(),
    }
}

/// What could be agreed: a sentence for each subject.
fn suggested(of: &[(usize, &alignment::Difference)]) -> String {
    let says = of.iter().filter_map(|(_, one)| one.suggest.as_ref()).map(told);
    says.collect::<Vec<_>>().join(" ")
}

/// True if a convention holds or may come to.
const fn is_live(stands: &Stands) -> bool {
    matches!(stands, Stands::Waits(_) | Stands::Ahead | Stands::Holds)
}

fn slug(seen: &AlignmentSeen, site: u16) -> String {
    let of = seen.partners.iter().find(|(number, ..)| *number == site);
    of.map_or_else(String::new, |(_, slug, _)| slug.to_string())
}

fn facts(seen: &AlignmentSeen, facts: &[alignment::Fact]) -> Vec<pb::Fact> {
    let one = |fact: &alignment::Fact| pb::Fact {
        institution: slug(seen, fact.site),
        said: fact.said.clone(),
        evidence: fact.evidence.clone(),
    };
    facts.iter().map(one).collect()
}

/// A share of 100.
fn share(share: Option<u64>) -> Option<u32> {
    share.map(|share| u32::try_from(share).unwrap_or(u32::MAX))
}

fn convention(seen: &AlignmentSeen, place: usize, one: &ConventionSeen) -> pb::Convention {
    let (state, waits_for, declined_by) = match &one.stands {
        Stands::Waits(names) => ("waits", names.clone(), String::new()),
        Stands::Ahead => ("ahead", Vec::new(), String::new()),
        Stands::Holds => ("holds", Vec::new(), String::new()),
        Stands::Replaced => ("replaced", Vec::new(), String::new()),
        Stands::Declined(by) => ("declined", Vec::new(), by.clone()),
        Stands::TakenBack => ("taken_back", Vec::new(), String::new()),
    };
    let kept = seen.report.kept.iter().filter(|kept| kept.agreed == place);
    pb::Convention {
        id: hex(&one.id),
        says: told(&one.says),
        version: one.version,
        from_date: one.from.to_string(),
        proposed_by: one.proposed.0.clone(),
        proposed_at_us: one.proposed.1.micros(),
        accepted_by: one.accepted.iter().map(|(name, _)| name.clone()).collect(),
        state: state.to_owned(),
        waits_for,
        declined_by,
        kept: kept
            .map(|kept| pb::Keeping { institution: slug(seen, kept.site), breaks: share(kept.breaks) })
            .collect(),
        to_answer: one.to_answer,
    }
}

fn grades(seen: &AlignmentSeen, one: &alignment::GradeLine) -> pb::GradeLine {
    pb::GradeLine {
        institution: slug(seen, one.site),
        kind: one.kind.words().to_owned(),
        scale: one.scale.0.clone(),
        version: one.scale.1.clone(),
        rows: one.rows,
        missing: share(one.missing),
        not_on_scale: share(one.not_on_scale),
        no_scale: one.no_scale,
        first_date: one.between.0.to_string(),
        last_date: one.between.1.to_string(),
    }
}

/// How data is mapped.
pub(super) fn mapping(seen: &MappingSeen) -> pb::MappingResponse {
    pb::MappingResponse {
        partners: seen.partners.iter().map(partner).collect(),
        rounded: seen.rounded,
        complete: seen.complete,
        reason: seen.reason.clone(),
    }
}

fn partner(of: &MappingOf) -> pb::MappedPartner {
    let counts = of.counts;
    pb::MappedPartner {
        institution: of.slug.to_string(),
        name: of.name.clone(),
        sources_told: counts.sources,
        codes_known: counts.codes,
        scales_known: counts.scales.0,
        scales_unknown: counts.scales.1,
        rows_kept_back: counts.kept_back.0,
        sorts_kept_back: counts.kept_back.1,
        exports_refused: counts.refused,
        sources: of.sources.iter().map(source).collect(),
        codes: of.codes.iter().map(code).collect(),
        scales: of.scales.iter().map(scale).collect(),
        subjects: of.subjects.iter().map(subject).collect(),
    }
}

fn day(date: Option<SchoolDate>) -> String {
    date.map(|date| date.to_string()).unwrap_or_default()
}

fn source(held: &SourceHeld) -> pb::MappedSource {
    pb::MappedSource {
        told: Some(write_source(&held.told)),
        since_date: held.since.to_string(),
        refused_since: day(held.refused_since),
        kept_since: held.kept_since.iter().map(SchoolDate::to_string).collect(),
    }
}

fn code(one: &CodeMapped) -> pb::MappedCode {
    pb::MappedCode {
        code_set: one.set.clone(),
        code: one.code.clone().unwrap_or_default(),
        means: one.means.words().to_owned(),
        agreed: one.agreed.map(Means::words).unwrap_or_default().to_owned(),
        rows: one.rows,
        first_date: day(one.between.map(|between| between.0)),
        last_date: day(one.between.map(|between| between.1)),
    }
}

fn scale(one: &ScaleMapped) -> pb::MappedScale {
    let (on_scale, not_on_scale, missing) = one.rows;
    pb::MappedScale {
        kind: one.kind.words().to_owned(),
        scale: one.scale.0.clone(),
        version: one.scale.1.clone(),
        on_scale,
        not_on_scale,
        missing,
        unknown: one.unknown,
    }
}

fn subject(one: &SubjectMapped) -> pb::MappedSubject {
    pb::MappedSubject {
        subject: one.subject.clone(),
        agreed: one.agreed.clone().unwrap_or_default(),
        groups: one.groups,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_core::record::assessment::GradeKind;
    use commonroll_views::alignment::{Difference, Fact, Report, Topic};

    #[test]
    fn what_differs_alike_in_several_subjects_is_told_to_a_program_once() {
        let one = |subject: &str| Difference {
            topic: Topic::Scales,
            title: format!("{subject}, working at: two scales"),
            subject: subject.to_owned(),
            text: "Grades of different scales are never compared.",
            facts: vec![Fact { site: 1, said: "gcse-9-1 1".to_owned(), evidence: "30 grades".to_owned() }],
            suggest: Some(Says::Scale {
                kind: GradeKind::WorkingAt,
                subject: subject.to_owned(),
                scale: "gcse-9-1".to_owned(),
                version: "1".to_owned(),
            }),
        };
        let differences = vec![one("Art"), one("Biology")];
        let (grades, questions, kept) = (Vec::new(), Vec::new(), Vec::new());
        let seen = AlignmentSeen {
            partners: vec![(1, "northgate".parse().expect("a slug"), "Northgate College".to_owned())],
            report: Report { differences, grades, questions, kept },
            conventions: Vec::new(),
            may_propose: true,
            as_of: None,
            complete: true,
            policy: String::new(),
            reason: String::new(),
        };
        let told = alignment(&seen).differences;
        let [one] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(one.title, "Working at: two scales, in 2 subjects");
        assert_eq!(one.facts[0].evidence, "Art: 30 grades; Biology: 30 grades");
        let could: Vec<&str> = one.suggestion.split_inclusive(". ").collect();
        assert!(could.len() == 2 && could[0].contains("Art") && could[1].contains("Biology"), "{could:?}");
    }
}
