//! `commonroll alignment`: where partners' data differ, what they agreed on, and how each one's data is mapped.

use crate::commands::{
    line::{printable, say},
    person::{As, connect, refused},
};
use commonroll_wire::pb::readiness::v1::{
    AlignmentRequest, AlignmentResponse, Convention, Fact, MappedPartner, MappedSource, MappingRequest,
    MappingResponse, readiness_service_client::ReadinessServiceClient,
};
use serde_json::{Value, json};
use std::process::ExitCode;

/// What is asked.
#[derive(clap::Args, Clone)]
pub struct Args {
    #[command(flatten)]
    by: As,
    /// How data is mapped instead: sources, codes, scales and subjects, and which rows are kept back
    #[arg(long)]
    mapping: bool,
    /// With --mapping: one partner, by its slug [default: your own institution; for a consortium lead all partners]
    #[arg(long, value_name = "SLUG", requires = "mapping")]
    of: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Asks and prints.
pub async fn run(args: Args) -> Result<ExitCode, String> {
    let caller = connect(&args.by).await?;
    let role = caller.role.as_str().to_owned();
    let mut service = ReadinessServiceClient::new(caller.channel);
    if args.mapping {
        let institution = match (args.of, caller.role) {
            (Some(of), _) => of,
            (None, commonroll_core::Role::ConsortiumLead) => String::new(),
            (None, _) => caller.identity.card.institution.to_string(),
        };
        let answer = service.mapping(MappingRequest { role, institution }).await;
        let answer = answer.map_err(|status| refused(&status))?.into_inner();
        match args.json {
            true => println!("{}", mapping_json(&answer)),
            false => {
                still_reading(answer.complete);
                answer.partners.iter().for_each(|one| say(&mapping_lines(one, answer.rounded)));
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    let answer = service.alignment(AlignmentRequest { role }).await;
    let answer = answer.map_err(|status| refused(&status))?.into_inner();
    match args.json {
        true => println!("{}", alignment_json(&answer)),
        false => {
            still_reading(answer.complete);
            say(&alignment_lines(&answer));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn still_reading(complete: bool) {
    if !complete {
        say("the hub has just started and still reads its log: what is shown is up to where it has come");
    }
}

fn facts(text: &mut String, facts: &[Fact]) {
    for fact in facts {
        let said = printable(&fact.said);
        text.push_str(&format!("    {}: {said} ({})\n", fact.institution, printable(&fact.evidence)));
    }
}

fn alignment_lines(seen: &AlignmentResponse) -> String {
    let mut text = match seen.differences.len() {
        0 => "partners' data agree, as far as it came\n".to_owned(),
        1 => "1 difference between partners\n".to_owned(),
        n => format!("{n} differences between partners\n"),
    };
    for one in &seen.differences {
        text.push_str(&format!("{}: {}\n  {}\n", one.topic, printable(&one.title), printable(&one.text)));
        facts(&mut text, &one.facts);
        if !one.suggestion.is_empty() {
            text.push_str(&format!("    could be agreed: {}\n", printable(&one.suggestion)));
        }
    }
    for one in &seen.conventions {
        text.push_str(&convention_lines(one));
    }
    for one in &seen.grades {
        let share =
            |share: Option<u32>| share.map_or("too few to say".to_owned(), |share| format!("{share}%"));
        let wrong = if one.no_scale { "scale unknown".to_owned() } else { share(one.not_on_scale) };
        text.push_str(&format!(
            "grades: {}: {} on {} {}: {} rows, without a grade {}, not on the scale {wrong}\n",
            one.institution,
            one.kind,
            printable(&one.scale),
            printable(&one.version),
            if one.rows == 0 { "under 10".to_owned() } else { one.rows.to_string() },
            share(one.missing),
        ));
    }
    for one in &seen.questions {
        text.push_str(&format!("to settle: {}\n", one.question));
        facts(&mut text, &one.facts);
    }
    text
}

fn convention_lines(one: &Convention) -> String {
    let state = match one.state.as_str() {
        "waits" if one.waits_for.is_empty() => "waits".to_owned(),
        "waits" => format!("waits for {}", one.waits_for.join(", ")),
        "declined" => format!("declined by {}", one.declined_by),
        other => other.replace('_', " "),
    };
    let yours = if one.to_answer { "; yours to answer, on the console" } else { "" };
    let mut text = format!(
        "convention: {}\n    {}{yours}; version {}, from {}, proposed by {}\n",
        printable(&one.says),
        printable(&state),
        one.version,
        one.from_date,
        printable(&one.proposed_by),
    );
    for kept in &one.kept {
        let said = match kept.breaks {
            Some(0) => "keeps it".to_owned(),
            Some(breaks) => format!("doesn't keep it in {breaks} of 100 rows since"),
            None => "too few learners to say".to_owned(),
        };
        text.push_str(&format!("    {} {said}\n", kept.institution));
    }
    text
}

fn mapping_lines(one: &MappedPartner, rounded: bool) -> String {
    let about = if rounded { "about " } else { "" };
    let mut text = format!(
        "{}: {} sources, {} codes with a meaning, {} scales known and {} not, {about}{} rows kept back in {} sorts, {} exports refused\n",
        printable(&one.name),
        one.sources_told,
        one.codes_known,
        one.scales_known,
        one.scales_unknown,
        one.rows_kept_back,
        one.sorts_kept_back,
        one.exports_refused,
    );
    one.sources.iter().for_each(|source| source_lines(&mut text, source));
    for code in &one.codes {
        let shown = if code.code.is_empty() { "(not shown)" } else { &code.code };
        let agreed = match code.agreed.as_str() {
            "" => String::new(),
            same if same == code.means => ", as agreed".to_owned(),
            other => format!(", and partners agreed on {other}"),
        };
        let (set, shown) = (printable(&code.code_set), printable(shown));
        text.push_str(&format!("  code {shown} of {set}: {}{agreed}; {} marks\n", code.means, code.rows));
    }
    for scale in &one.scales {
        let unknown = if scale.unknown { ", a scale that nobody knows" } else { "" };
        text.push_str(&format!(
            "  scale {} {}, {}{unknown}: {} grades, {} not on it, {} without one\n",
            printable(&scale.scale),
            printable(&scale.version),
            scale.kind,
            scale.on_scale,
            scale.not_on_scale,
            scale.missing,
        ));
    }
    for subject in &one.subjects {
        let name = if subject.subject.is_empty() { "(none)" } else { &subject.subject };
        let agreed = match subject.agreed.is_empty() {
            true => String::new(),
            false => format!(", shown as {}", printable(&subject.agreed)),
        };
        text.push_str(&format!("  subject {}: {} groups{agreed}\n", printable(name), subject.groups));
    }
    text
}

fn source_lines(text: &mut String, source: &MappedSource) {
    let Some(told) = &source.told else { return };
    let mapping = match told.mapping.is_empty() {
        true => String::new(),
        false => format!(", mapping {}", told.mapping),
    };
    let (name, since) = (printable(&told.name), &source.since_date);
    text.push_str(&format!("  source {name}: {}{mapping}, since {since}\n", printable(&told.connector)));
    if !told.refused_rule.is_empty() {
        let (rule, since) = (printable(&told.refused_rule), &source.refused_since);
        text.push_str(&format!("    its exports are refused since {since}: {rule}\n"));
    }
    for (kept, since) in told
        .kept_back
        .iter()
        .zip(source.kept_since.iter().map(String::as_str).chain([""].into_iter().cycle()))
    {
        let code =
            if kept.code.is_empty() { String::new() } else { format!(", code {}", printable(&kept.code)) };
        let column = match kept.caption.is_empty() {
            true => String::new(),
            false => format!(", column {}", printable(&kept.caption)),
        };
        text.push_str(&format!(
            "    {} rows kept back by {}{column}{code}, since {since}\n",
            kept.rows,
            printable(&kept.rule)
        ));
    }
}

fn facts_json(facts: &[Fact]) -> Value {
    let one = |fact: &Fact| json!({ "institution": fact.institution, "said": fact.said, "evidence": fact.evidence });
    facts.iter().map(one).collect()
}

fn alignment_json(seen: &AlignmentResponse) -> Value {
    let differences: Value = seen
        .differences
        .iter()
        .map(|one| {
            json!({
                "topic": one.topic, "title": one.title, "text": one.text, "facts": facts_json(&one.facts),
                "suggestion": one.suggestion,
            })
        })
        .collect();
    let conventions: Value = seen
        .conventions
        .iter()
        .map(|one| {
            let kept: Value = one
                .kept
                .iter()
                .map(|kept| json!({ "institution": kept.institution, "breaks": kept.breaks }))
                .collect();
            json!({
                "id": one.id, "says": one.says, "version": one.version, "from": one.from_date,
                "proposed_by": one.proposed_by, "proposed_at_us": one.proposed_at_us, "accepted_by": one.accepted_by,
                "state": one.state, "waits_for": one.waits_for, "declined_by": one.declined_by, "kept": kept,
                "to_answer": one.to_answer,
            })
        })
        .collect();
    let grades: Value = seen
        .grades
        .iter()
        .map(|one| {
            json!({
                "institution": one.institution, "kind": one.kind, "scale": one.scale, "version": one.version,
                "rows": one.rows, "missing": one.missing, "not_on_scale": one.not_on_scale, "no_scale": one.no_scale,
                "between": [one.first_date, one.last_date],
            })
        })
        .collect();
    let questions: Value = seen
        .questions
        .iter()
        .map(|one| json!({ "name": one.name, "question": one.question, "facts": facts_json(&one.facts) }))
        .collect();
    json!({
        "differences": differences, "conventions": conventions, "grades": grades, "questions": questions,
        "as_of_us": seen.as_of_us, "complete": seen.complete, "reason": seen.reason,
    })
}

fn mapping_json(seen: &MappingResponse) -> Value {
    let partner = |one: &MappedPartner| {
        let sources: Value = one.sources.iter().filter_map(source_json).collect();
        let codes: Value = one
            .codes
            .iter()
            .map(|code| {
                json!({
                    "set": code.code_set, "code": code.code, "means": code.means, "agreed": code.agreed,
                    "rows": code.rows, "between": [code.first_date, code.last_date],
                })
            })
            .collect();
        let scales: Value = one
            .scales
            .iter()
            .map(|scale| {
                json!({
                    "kind": scale.kind, "scale": scale.scale, "version": scale.version, "on_scale": scale.on_scale,
                    "not_on_scale": scale.not_on_scale, "missing": scale.missing, "unknown": scale.unknown,
                })
            })
            .collect();
        let subjects: Value = one
            .subjects
            .iter()
            .map(|one| json!({ "subject": one.subject, "agreed": one.agreed, "groups": one.groups }))
            .collect();
        json!({
            "institution": one.institution, "name": one.name, "sources_told": one.sources_told,
            "codes_known": one.codes_known, "scales_known": one.scales_known, "scales_unknown": one.scales_unknown,
            "rows_kept_back": one.rows_kept_back, "sorts_kept_back": one.sorts_kept_back,
            "exports_refused": one.exports_refused, "sources": sources, "codes": codes, "scales": scales,
            "subjects": subjects,
        })
    };
    json!({
        "partners": seen.partners.iter().map(partner).collect::<Value>(), "rounded": seen.rounded,
        "complete": seen.complete, "reason": seen.reason,
    })
}

fn source_json(source: &MappedSource) -> Option<Value> {
    let told = source.told.as_ref()?;
    let kept: Value = told
        .kept_back
        .iter()
        .enumerate()
        .map(|(place, kept)| {
            json!({
                "caption": kept.caption, "rule": kept.rule, "code": kept.code, "rows": kept.rows,
                "since": source.kept_since.get(place),
            })
        })
        .collect();
    Some(json!({
        "name": told.name, "connector": told.connector, "mapping": told.mapping, "since": source.since_date,
        "refused_rule": told.refused_rule, "refused_since": source.refused_since, "kept_back": kept,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_wire::pb::readiness::v1::{Difference, Keeping, KeptBack, MappedCode, Source};

    #[test]
    fn a_difference_is_shown_with_each_partners_part_and_what_could_be_agreed() {
        let fact = |institution: &str, said: &str| Fact {
            institution: institution.to_owned(),
            said: said.to_owned(),
            evidence: "about 120 marks".to_owned(),
        };
        let difference = Difference {
            topic: "Attendance codes".to_owned(),
            title: "Code L means two things".to_owned(),
            text: "A home can't tell which.".to_owned(),
            facts: vec![fact("northgate", "late"), fact("kingsmead", "absent\u{1b}[2J")],
            suggestion: "Code L means late at every partner.".to_owned(),
        };
        let convention = Convention {
            says: "Code N means absent at every partner.".to_owned(),
            state: "holds".to_owned(),
            kept: vec![Keeping { institution: "kingsmead".to_owned(), breaks: Some(7) }],
            ..Convention::default()
        };
        let seen = AlignmentResponse {
            differences: vec![difference],
            conventions: vec![convention],
            complete: true,
            ..AlignmentResponse::default()
        };
        let text = alignment_lines(&seen);
        for says in [
            "1 difference between partners\n",
            "Attendance codes: Code L means two things\n",
            "    kingsmead: absent[2J (about 120 marks)\n",
            "    could be agreed: Code L means late at every partner.\n",
            "convention: Code N means absent at every partner.\n    holds;",
            "    kingsmead doesn't keep it in 7 of 100 rows since\n",
        ] {
            assert!(text.contains(says), "{says}: {text}");
        }
        assert_eq!(alignment_json(&seen)["differences"][0]["facts"][0]["institution"], "northgate");
        assert!(alignment_lines(&AlignmentResponse::default()).contains("agree"));
    }

    #[test]
    fn a_mapping_is_shown_with_what_is_kept_back_and_what_codes_came_to() {
        let kept_back = vec![
            KeptBack {
                caption: "Mark".to_owned(),
                rule: "ATT-UNKNOWN-CODE".to_owned(),
                code: "Z9".to_owned(),
                rows: 40,
            },
            KeptBack { rule: "CSV-DATE".to_owned(), rows: 3, ..KeptBack::default() },
        ];
        let told = Source {
            name: "marks".to_owned(),
            connector: "delimited".to_owned(),
            kept_back,
            ..Source::default()
        };
        let source = MappedSource {
            told: Some(told),
            since_date: "2026-09-01".to_owned(),
            kept_since: vec!["2026-09-14".to_owned()],
            ..MappedSource::default()
        };
        let code = MappedCode {
            code: "L".to_owned(),
            means: "late".to_owned(),
            agreed: "late".to_owned(),
            rows: 9,
            ..MappedCode::default()
        };
        let one = MappedPartner {
            name: "Northgate College".to_owned(),
            rows_kept_back: 43,
            sources: vec![source],
            codes: vec![code],
            ..MappedPartner::default()
        };
        let text = mapping_lines(&one, false);
        for says in [
            " 43 rows kept back",
            "  source marks: delimited, since 2026-09-01\n",
            "    40 rows kept back by ATT-UNKNOWN-CODE, column Mark, code Z9, since 2026-09-14\n",
            "    3 rows kept back by CSV-DATE, since \n",
            "  code L of : late, as agreed; 9 marks\n",
        ] {
            assert!(text.contains(says), "{says}: {text}");
        }
        let seen = MappingResponse { partners: vec![one], ..MappingResponse::default() };
        assert_eq!(mapping_json(&seen)["partners"][0]["sources"][0]["kept_back"][1]["since"], Value::Null);
    }
}
