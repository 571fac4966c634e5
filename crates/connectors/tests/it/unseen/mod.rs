//! How much of a mapping is proposed rightly for exports that the proposer has never seen, and that it is never wrong in silence.
//!
//! What is wrong or missing must be a doubt: something that a person is asked. What a file doesn't say must be one too.

mod conduct;
mod exports;
mod later;
mod mistakes;
mod narrow;
mod outside;
mod world;

use crate::support::run;
use commonroll_connectors::{
    Limits,
    mapping::Container,
    propose::{Answers, Candidate, Found, Proposal, Value, look, propose},
};
use exports::Export;
use std::{fmt::Write, io::Cursor};

/// What came of one setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Right, and settled.
    Right,
    /// Right as the first candidate of a question.
    AskedRight,
    /// The file doesn't say it, and it is asked.
    Asked,
    /// Wrong or missing, and asked.
    AskedWrong,
    /// Wrong or missing, and nobody is asked.
    Silent,
}

fn proposed(name: &str, bytes: &[u8]) -> Proposal {
    answered(name, bytes, &Answers::new())
}

fn answered(name: &str, bytes: &[u8], answers: &Answers) -> Proposal {
    let found = look(name, &mut Cursor::new(bytes), bytes.len() as u64, &Limits::default()).unwrap();
    let Found::Table(container, sample) = found else { panic!("{name}: not a table") };
    propose(container, &sample, name, answers)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Column(caption) | Value::Values(caption, _) | Value::Days(caption, _) => caption.clone(),
        Value::Text(text) => format!("={}", text.split('@').next().unwrap()),
        Value::Grades(scale, _, kind) => format!("{scale} {kind}"),
        Value::Nothing => String::new(),
    }
}

/// The settings of the container, which lie beside the choices.
fn lies(proposal: &Proposal, setting: &str) -> Option<String> {
    let delimited = match &proposal.container {
        Container::Delimited(delimited) => delimited,
        Container::Json(json) if setting == "rows_at" => return json.rows.clone(),
        Container::Json(json) if setting == "each" => return json.each.clone(),
        _ => return None,
    };
    match setting {
        "separator" => delimited.separator.clone(),
        "encoding" => delimited.encoding.clone(),
        "title_rows" => Some(delimited.title_rows.to_string()),
        _ => None,
    }
}

/// The column without which a setting can't be looked for.
fn waits_for(setting: &str) -> Option<&'static str> {
    match setting {
        "codes" => Some("fields.mark"),
        "date_format" => Some("fields.date"),
        "fields.scale" | "fields.kind" => Some("fields.grade"),
        _ => None,
    }
}

/// What one of a column's own words stands for: `sort.category.Vaping`.
fn sort(proposal: &Proposal, sort: &str, truth: &str) -> Verdict {
    let (field, _) = sort.split_once('.').unwrap();
    let choice = proposal.choice(&format!("fields.{field}")).map(|choice| &choice.value);
    let said = match choice {
        Some(Value::Values(_, said)) => said.get(&sort[field.len() + 1..]).map(String::as_str),
        _ => None,
    };
    let asked = proposal.doubts.iter().any(|doubt| doubt.setting == format!("fields.{sort}"));
    match (said, asked) {
        (None, true) if truth == "ask" => Verdict::Asked,
        (None, true) => Verdict::AskedWrong,
        (Some(said), false) if said == truth => Verdict::Right,
        _ => Verdict::Silent,
    }
}

fn judge(proposal: &Proposal, setting: &str, truth: &str) -> Verdict {
    if let Some(of) = setting.strip_prefix("sort.") {
        return sort(proposal, of, truth);
    }
    let same = |value: &Value| {
        let value = shown(value);
        value == truth || value.strip_prefix('=') == Some(truth)
    };
    if let Some(value) = lies(proposal, setting) {
        return if value == truth { Verdict::Right } else { Verdict::Silent };
    }
    let choice = proposal.choice(setting);
    let is_asked = |doubt: &&commonroll_connectors::propose::Doubt| {
        let of = &doubt.setting;
        of == setting
            // Grades side by side are asked for together, and their date has a name of its own.
            || (setting.starts_with("result.") && matches!(of.as_str(), "result.scale" | "result.kind"))
            || (setting == "result.scale" && of.starts_with("result.scale."))
            || (setting == "fields.date" && of == "result.date")
    };
    let doubt = proposal.doubts.iter().find(is_asked);
    match (choice, doubt, truth) {
        (None, Some(_), "ask") => Verdict::Asked,
        (_, _, "ask") => Verdict::Silent,
        (Some(choice), _, _) if same(&choice.value) => Verdict::Right,
        (Some(_), _, _) => Verdict::Silent,
        (None, Some(doubt), _) if doubt.candidates.first().is_some_and(|first| same(&first.value)) => {
            Verdict::AskedRight
        }
        (None, Some(_), _) => Verdict::AskedWrong,
        // What depends on a column is looked for once somebody has said which column it is. Not counted as right.
        (None, None, _)
            if waits_for(setting).is_some_and(|of| proposal.doubts.iter().any(|d| d.setting == of)) =>
        {
            Verdict::AskedWrong
        }
        (None, None, _) => Verdict::Silent,
    }
}

/// Fields that nobody who knows the export would have mapped.
fn invented(proposal: &Proposal, export: &Export) -> Vec<String> {
    let fields = proposal.choices.iter().filter(|choice| choice.setting.starts_with("fields."));
    let column = fields
        .filter(|choice| matches!(choice.value, Value::Column(_) | Value::Values(..) | Value::Days(..)));
    let known = |setting: &str| export.truth.iter().any(|(of, _)| *of == setting);
    column.filter(|choice| !known(&choice.setting)).map(|choice| choice.setting.clone()).collect()
}

struct Sum {
    table: String,
    all: usize,
    right: usize,
    silent: Vec<String>,
    questions: usize,
}

/// What is proposed once somebody has said what the rows are.
fn with_rows(export: &Export) -> Proposal {
    let (_, rows) = export.truth.iter().find(|(setting, _)| *setting == "rows").unwrap();
    let answers = Answers::from([("rows".to_owned(), Value::Text((*rows).to_owned()))]);
    answered(export.file_name, &export.bytes, &answers)
}

fn measure(exports: &[Export]) -> Sum {
    let mut sum = Sum { table: String::new(), all: 0, right: 0, silent: Vec::new(), questions: 0 };
    writeln!(
        sum.table,
        "{:<42} {:>8} {:>6} {:>6} {:>9} {:>6} {:>7} {:>9}",
        "export", "settings", "right", "asked", "asked and", "asked,", "silent", "questions"
    )
    .unwrap();
    writeln!(sum.table, "{:<42} {:>8} {:>6} {:>6} {:>9} {:>6}", "", "", "", "right", "unsayable", "wrong")
        .unwrap();
    for export in exports {
        let first = proposed(export.file_name, &export.bytes);
        // If it has to ask what the rows are, it looks for the rest once somebody has said so.
        let asks_rows = first.doubts.iter().any(|doubt| doubt.setting == "rows");
        let proposal = if asks_rows { with_rows(export) } else { first.clone() };
        let mut counts = [0; 5];
        for (setting, truth) in &export.truth {
            let verdict = judge(if *setting == "rows" { &first } else { &proposal }, setting, truth);
            counts[verdict as usize] += 1;
            if verdict == Verdict::Silent || verdict == Verdict::AskedWrong {
                let got = proposal.choice(setting).map(|choice| shown(&choice.value));
                let line = format!("{}: {setting} should be {truth}, is {got:?}", export.name);
                writeln!(sum.table, "    {verdict:?} {line}").unwrap();
                if verdict == Verdict::Silent {
                    sum.silent.push(line);
                }
            }
        }
        for setting in invented(&proposal, export) {
            let line = format!(
                "{}: {setting} was made up: {:?}",
                export.name,
                proposal.choice(&setting).map(|c| shown(&c.value))
            );
            writeln!(sum.table, "    Silent {line}").unwrap();
            counts[Verdict::Silent as usize] += 1;
            sum.silent.push(line);
        }
        let all: usize = counts.iter().sum();
        sum.all += all;
        sum.right += counts[0] + counts[1] + counts[2];
        let questions = usize::from(asks_rows)
            + proposal.doubts.iter().filter(|doubt| !doubt.setting.starts_with("periods.")).count();
        sum.questions += questions;
        writeln!(
            sum.table,
            "{:<42} {:>8} {:>6} {:>6} {:>9} {:>6} {:>7} {:>9}",
            export.name, all, counts[0], counts[1], counts[2], counts[3], counts[4], questions
        )
        .unwrap();
    }
    sum
}

#[test]
fn mappings_of_exports_never_seen_are_right_or_asked_for_and_never_silently_wrong() {
    let exports = exports::all();
    let sum = measure(&exports);
    println!("{}", sum.table);
    println!(
        "{} of {} right ({:.1} %), {} questions in {} exports",
        sum.right,
        sum.all,
        100.0 * sum.right as f64 / sum.all as f64,
        sum.questions,
        exports.len()
    );
    assert!(exports.len() >= 12);
    assert!(sum.silent.is_empty(), "silently wrong: {:#?}", sum.silent);
    assert!(sum.right * 100 >= sum.all * 95, "only {} of {} right\n{}", sum.right, sum.all, sum.table);
}

/// Answers each question with what the truth says, or else with the first candidate, as somebody at a terminal would.
fn answer_all(export: &Export) -> Proposal {
    let mut answers = Answers::new();
    for _ in 0..60 {
        let proposal = answered(export.file_name, &export.bytes, &answers);
        let Some(doubt) = proposal.doubts.first() else { return proposal };
        let truth = export.truth.iter().find(|(setting, truth)| *setting == doubt.setting && *truth != "ask");
        let answer = match (truth, doubt.candidates.first(), doubt.setting.as_str()) {
            (Some((setting, truth)), ..) if setting.starts_with("fields.") && !truth.starts_with('=') => {
                Value::Column((*truth).to_owned())
            }
            (Some((_, truth)), Some(first), _) => doubt
                .candidates
                .iter()
                .find(|candidate| {
                    shown(&candidate.value).trim_start_matches('=') == truth.trim_start_matches('=')
                })
                .unwrap_or(first)
                .value
                .clone(),
            (_, _, period) if period.starts_with("periods.") && doubt.must => {
                let hour = 8 + period.bytes().last().map_or(0, |b| b % 8);
                Value::Text(format!("{hour:02}:00-{hour:02}:50"))
            }
            (_, _, "result.date") => Value::Text("2026-11-20".to_owned()),
            // A column that may be a field, where the truth knows of none.
            (None, Some(Candidate { value: Value::Column(_), .. }), _) if !doubt.must => Value::Nothing,
            (_, Some(first), _) => first.value.clone(),
            (_, None, _) => Value::Nothing,
        };
        answers.insert(doubt.setting.clone(), answer);
    }
    panic!("{}: asks without end", export.name)
}

#[test]
fn once_every_question_is_answered_the_written_mapping_reads_the_whole_export() {
    for export in exports::all().into_iter().chain(later::all()).chain(conduct::all()).chain(outside::all()) {
        let proposal = answer_all(&export);
        let text = proposal.to_toml("*");
        let seen =
            run(&text, &export.bytes).unwrap_or_else(|fault| panic!("{}: {fault}\n{text}", export.name));
        assert!(seen.problems.is_empty(), "{}: {:?}\n{text}", export.name, &seen.problems[..1]);
        assert!(!seen.items.is_empty(), "{}\n{text}", export.name);
    }
}

#[test]
fn no_reason_question_or_line_of_a_mapping_holds_what_stands_in_a_column_about_people() {
    for export in exports::all().into_iter().chain(later::all()).chain(conduct::all()).chain(outside::all()) {
        let proposal = proposed(export.file_name, &export.bytes);
        let text = format!("{}{:?}", proposal.to_toml("*"), proposal);
        let people = world::children(40, "", &mut world::Dice(0));
        for name in people.iter().flat_map(|child| [child.family, child.given, &child.upn, &child.uln]) {
            assert!(!text.contains(name), "{}: {name} in {text}", export.name);
        }
    }
}

#[test]
fn a_doubt_stands_in_the_mapping_as_a_comment_and_the_mapping_is_refused_until_it_is_answered() {
    let export = &exports::all()[6];
    let text = proposed(export.file_name, &export.bytes).to_toml("tracking*.csv");
    assert!(text.contains("# ? scale = { const = \"gce-a-level\" }"), "{text}");
    let refused = text.parse::<commonroll_connectors::Mapping>().unwrap_err();
    assert!(refused.to_string().contains("fields.scale"), "{refused}");
}

/// A college's `/ O L R W` are all letters of the national table, where they mean other things: religious observance, say.
#[test]
fn a_colleges_own_letters_that_happen_to_be_national_ones_are_asked_about() {
    let export = exports::all().into_iter().find(|export| export.file_name == "EBS_EXTRACT.CSV").unwrap();
    let text = String::from_utf8(export.bytes).unwrap().replace(",~,", ",O,");
    let proposal = proposed(export.file_name, text.as_bytes());
    assert!(proposal.choice("codes").is_none(), "{:?}", proposal.choice("codes"));
    assert!(proposal.doubts.iter().any(|doubt| doubt.setting == "codes" && doubt.must));
}

#[test]
fn a_handful_of_rows_is_no_reason_to_take_marks_for_something_else() {
    let text = "Pupil Ref,Day Of Mark,Att Mark\n101,14/09/2026,P\n102,14/09/2026,P\n103,14/09/2026,L\n104,15/09/2026,P\n\
                101,15/09/2026,N\n102,15/09/2026,P\n103,16/09/2026,P\n104,16/09/2026,P\n105,16/09/2026,I\n";
    let proposal = proposed("p.csv", text.as_bytes());
    let rows = proposal.choice("rows").map(|choice| choice.value.clone());
    assert!(rows.is_none() || rows == Some(Value::Text("attendance".to_owned())), "{rows:?}");
    assert!(proposal.is_open(), "P may be sport, or present: nobody can know");
}

/// Numbers of before are sound UPNs, too: whoever took them for those of today would match a child by another's.
#[test]
fn upns_of_before_and_temporary_ones_are_told_from_todays_by_their_captions() {
    let people = world::children(30, "X", &mut world::Dice(201));
    for (captions, expected) in [
        ("UPN|Former UPN|Temp UPN", ["UPN", "Former UPN", "Temp UPN"]),
        ("U.P.N.|PreviousUPN|TemporaryUPN", ["U.P.N.", "PreviousUPN", "TemporaryUPN"]),
        ("UPN Actual|upn_old|upn_provisional", ["UPN Actual", "upn_old", "upn_provisional"]),
    ] {
        let mut text = format!("Ref|Surname|Forename|DOB|{captions}\n").replace('|', ",");
        for (place, c) in people.iter().enumerate() {
            let [other, third] = [3, 5].map(|step| &people[(place + step) % people.len()].upn);
            let (year, month, day) = c.born;
            let former = match place % 3 {
                0 => String::new(),
                1 => other.clone(),
                _ => format!("{other} {third}"),
            };
            let temporary = if place % 4 == 0 { "R86040012500A" } else { "" };
            text.push_str(&format!(
                "{},{},{},{year}-{month:02}-{day:02},{},{former},{temporary}\n",
                c.number, c.family, c.given, c.upn
            ));
        }
        let proposal = proposed("roll.csv", text.as_bytes());
        for (field, caption) in
            ["fields.upn", "fields.former_upn", "fields.temporary_upn"].iter().zip(expected)
        {
            let choice = proposal.choice(field).map(|choice| shown(&choice.value));
            assert_eq!(choice.as_deref(), Some(caption), "{field} of {captions}");
        }
        let surname = proposal.choice("fields.surname").map(|choice| shown(&choice.value));
        assert_eq!(surname.as_deref(), Some("Surname"));
    }
    // Where there is none of today, one of before doesn't take its place.
    let mut text = "Ref,Surname,Forename,DOB,Former UPN\n".to_owned();
    for c in &people {
        let (year, month, day) = c.born;
        let line = format!("{},{},{},{year}-{month:02}-{day:02},{}\n", c.number, c.family, c.given, c.upn);
        text.push_str(&line);
    }
    let proposal = proposed("roll.csv", text.as_bytes());
    assert!(proposal.choice("fields.upn").is_none(), "{:?}", proposal.choice("fields.upn"));
    assert!(proposal.choice("fields.former_upn").is_some());
}

#[test]
fn exports_written_after_the_proposer_are_never_silently_wrong_either() {
    let exports = later::all();
    let sum = measure(&exports);
    println!("{}", sum.table);
    println!("{} of {} right, {} questions in {} exports", sum.right, sum.all, sum.questions, exports.len());
    assert!(sum.silent.is_empty(), "silently wrong: {:#?}", sum.silent);
    assert!(sum.right * 100 >= sum.all * 95, "only {} of {} right\n{}", sum.right, sum.all, sum.table);
}

#[test]
fn exports_like_those_that_people_outside_brought_are_never_silently_wrong_either() {
    let exports = outside::all();
    let sum = measure(&exports);
    println!("{}", sum.table);
    println!("{} of {} right, {} questions in {} exports", sum.right, sum.all, sum.questions, exports.len());
    assert!(sum.silent.is_empty(), "silently wrong: {:#?}", sum.silent);
    assert!(sum.right * 100 >= sum.all * 95, "only {} of {} right\n{}", sum.right, sum.all, sum.table);
}

#[test]
fn sorts_of_behaviour_get_the_category_that_their_words_say_or_are_asked_for() {
    let exports = conduct::all();
    let sum = measure(&exports);
    println!("{}", sum.table);
    println!("{} of {} right, {} questions in {} exports", sum.right, sum.all, sum.questions, exports.len());
    assert!(sum.silent.is_empty(), "silently wrong: {:#?}", sum.silent);
    assert!(sum.right * 100 >= sum.all * 95, "only {} of {} right\n{}", sum.right, sum.all, sum.table);
}

#[test]
fn groups_that_are_shared_are_asked_for_with_their_counts_and_only_their_rows_are_read() {
    let export = &conduct::all()[0];
    let open = answer_all(export);
    let all = run(&open.to_toml("*"), &export.bytes).unwrap().items.len();
    let doubts = proposed(export.file_name, &export.bytes).doubts;
    let doubt = doubts.iter().find(|doubt| doubt.setting == "groups").unwrap();
    assert!(
        !doubt.must && doubt.question.contains("5 groups: ") && doubt.question.contains("CHE2-1 "),
        "{}",
        doubt.question
    );
    let said = |groups: &str| {
        let mut answers = Answers::from([("groups".to_owned(), Value::Text(groups.to_owned()))]);
        for choice in &open.choices {
            answers.insert(choice.setting.clone(), choice.value.clone());
        }
        for (sort, polarity) in [
            ("Mobile phone", "negative"),
            ("Rudeness to staff", "negative"),
            ("Star of the week", "positive"),
        ] {
            answers.insert(format!("fields.polarity.{sort}"), Value::Text(polarity.to_owned()));
        }
        answers.remove("fields.polarity");
        answered(export.file_name, &export.bytes, &answers)
    };
    let two = said("CHE2-1, MAT3-2");
    let text = two.to_toml("*");
    assert!(text.contains("where = { \"Class\" = [\"CHE2-1\", \"MAT3-2\"] }"), "{text}");
    let some = run(&text, &export.bytes).unwrap().items.len();
    assert!(some > 0 && some < all, "{some} of {all}");
    let wrong = said("CHE2-1, XYZ");
    let doubt = wrong.doubts.iter().find(|doubt| doubt.setting == "groups").unwrap();
    assert!(
        doubt.must && doubt.question.starts_with("No row looked at has the group XYZ."),
        "{}",
        doubt.question
    );
}
