//! Ten rows beside what becomes of them, as the agent would read them. What is about a person is masked: only its shape shows.

use crate::commands::told;
use commonroll_connectors::{
    Input, Item, Mapping, Place, Problem, Scope, Settings, Sink, by_name,
    propose::{Proposal, Sample, Value},
};
use commonroll_core::{
    Body, Interval,
    record::{Attendance, assessment::GradeValue},
};
use jiff::tz::TimeZone;
use std::{collections::BTreeMap, fs::File, io::BufReader};

const SHOWN: usize = 10;
/// Fields whose values are about people.
const PERSONAL: &[&str] = &[
    "learner",
    "staff",
    "surname",
    "forename",
    "known_as",
    "birth_date",
    "upn",
    "uln",
    "uci",
    "former_upn",
    "temporary_upn",
    "note",
    "comment",
    "internal_comment",
    "share_text",
    "needs",
    "emergency",
];

/// One row.
pub struct Shown {
    pub line: u64,
    pub source: String,
    /// What it becomes, or what is wrong with it.
    pub becomes: Result<String, String>,
}

/// The first items and problems of some lines.
struct First {
    zone: TimeZone,
    masked: bool,
    wanted: BTreeMap<u64, Option<Result<String, String>>>,
}

impl Sink for First {
    fn item(&mut self, item: Item, at: Place) {
        let Some(held) = self.wanted.get_mut(&at.line) else { return };
        let said = said(&item, &self.zone, self.masked);
        match held {
            // Grades side by side become several items.
            Some(Ok(text)) => text.push_str(&format!(" | {said}")),
            held => *held = Some(Ok(said)),
        }
    }

    fn problem(&mut self, problem: Problem) {
        if let Some(held) = problem.place.and_then(|place| self.wanted.get_mut(&place.line)) {
            *held = Some(Err(format!("{}: {}", problem.rule, problem.fix)));
        }
    }

    fn covers(&mut self, _scope: Scope) {}
}

/// The first rows of a file, translated; of the source these columns are shown, those that are about people masked.
pub fn translated(
    file: File,
    file_name: &str,
    mapping: Mapping,
    sample: &Sample,
    columns: &[(usize, bool)],
    show_values: bool,
) -> Result<Vec<Shown>, String> {
    let zone = TimeZone::get("Europe/London").map_err(told)?;
    let rows: Vec<_> = sample.rows.iter().take(SHOWN).collect();
    let wanted = rows.iter().map(|row| (row.line, None)).collect();
    let mut first = First { zone: zone.clone(), masked: !show_values, wanted };
    let connector = by_name(mapping.connector()).ok_or("no such connector")?;
    let institution = "setup".parse().map_err(told)?;
    let settings = Settings::new(institution, zone, Some(mapping));
    let size = file.metadata().map_err(told)?.len();
    let mut reader = BufReader::new(file);
    connector
        .translate(Input { file_name, reader: &mut reader, size }, &settings, &mut first)
        .map_err(|fault| format!("{file_name}: {fault}"))?;
    let shown = rows.iter().map(|row| {
        let cells: Vec<String> = columns
            .iter()
            .map(|(at, personal)| {
                let cell = row.cell(*at);
                if *personal && !show_values { masked(cell) } else { cell.to_owned() }
            })
            .map(|cell| if cell.is_empty() { "·".to_owned() } else { cell })
            .collect();
        let becomes = first.wanted.get(&row.line).cloned().flatten();
        let becomes = becomes.unwrap_or_else(|| Ok("taken together with other rows".to_owned()));
        Shown { line: row.line, source: cells.join("  "), becomes }
    });
    Ok(shown.collect())
}

/// The first learners of a package, each beside its line of the users' file.
pub fn of_package(file: File, mapping: Mapping, show_values: bool) -> Result<Vec<Shown>, String> {
    let zone = TimeZone::get("Europe/London").map_err(told)?;
    let connector = by_name(mapping.connector()).ok_or("no such connector")?;
    let institution = "setup".parse().map_err(told)?;
    let settings = Settings::new(institution, zone.clone(), Some(mapping));
    let size = file.metadata().map_err(told)?.len();
    let mut reader = BufReader::new(file);
    let mut first = Learners { zone, masked: !show_values, found: BTreeMap::new() };
    connector
        .translate(Input { file_name: "package.zip", reader: &mut reader, size }, &settings, &mut first)
        .map_err(|fault| format!("what the MIS gave: {fault}"))?;
    let mut zip = zip::ZipArchive::new(reader).map_err(told)?;
    let users = std::io::read_to_string(zip.by_name("users.csv").map_err(told)?).map_err(told)?;
    let line = |line: u64| {
        let text = users.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
        let cells = text.split(',').filter(|cell| !cell.is_empty());
        let cells = cells.map(|cell| if show_values { cell.to_owned() } else { masked(cell) });
        Some(cells.collect::<Vec<_>>().join("  "))
    };
    let shown = first.found.into_iter().map(|(at, said)| Shown {
        line: at,
        source: line(at).unwrap_or_default(),
        becomes: Ok(said),
    });
    Ok(shown.collect())
}

/// The first learners of a package, by their lines.
struct Learners {
    zone: TimeZone,
    masked: bool,
    found: BTreeMap<u64, String>,
}

impl Sink for Learners {
    fn item(&mut self, item: Item, at: Place) {
        if matches!(item, Item::Learner(_)) && self.found.len() < SHOWN {
            self.found.insert(at.line, said(&item, &self.zone, self.masked));
        }
    }

    fn problem(&mut self, _: Problem) {}

    fn covers(&mut self, _: Scope) {}
}

/// The columns that fields use, in the file's order, and whether they are about people.
pub fn used(proposal: &Proposal, sample: &Sample) -> Vec<(usize, bool)> {
    let mut columns: Vec<(usize, bool)> = proposal
        .choices
        .iter()
        .filter_map(|choice| {
            let (caption, field) = match (&choice.value, choice.setting.strip_prefix("fields.")) {
                (
                    Value::Column(caption) | Value::Values(caption, _) | Value::Days(caption, _),
                    Some(field),
                ) => (caption.as_str(), field),
                (Value::Grades(..), _) => (choice.setting.strip_prefix("result.")?, ""),
                _ => return None,
            };
            let at = sample.captions.iter().position(|of| of == caption)?;
            Some((at, PERSONAL.contains(&field)))
        })
        .collect();
    columns.sort_unstable();
    columns.dedup_by_key(|(at, _)| *at);
    columns
}

/// The columns that the fields of a mapping file use, in the file's order, and whether they are about people.
pub fn named(mapping: &str, sample: &Sample) -> Vec<(usize, bool)> {
    let table: toml::Table = mapping.parse().unwrap_or_default();
    let Some(fields) = table.get("fields").and_then(toml::Value::as_table) else { return Vec::new() };
    let mut columns: Vec<(usize, bool)> = fields
        .iter()
        .filter_map(|(field, said)| {
            let caption = said.as_str().or_else(|| said.get("column")?.as_str())?;
            let at = sample.captions.iter().position(|of| of == caption)?;
            Some((at, PERSONAL.contains(&field.as_str())))
        })
        .collect();
    // A column that is about people in one field is so in all.
    columns.sort_unstable_by_key(|(at, personal)| (*at, !personal));
    columns.dedup_by_key(|(at, _)| *at);
    columns
}

/// The shape of a value: digits as 9, letters as x.
fn masked(value: &str) -> String {
    let shape = |c: char| match c {
        c if c.is_numeric() => '9',
        c if c.is_alphabetic() => 'x',
        c => c,
    };
    let mut text: String = value.chars().take(12).map(shape).collect();
    if value.chars().nth(12).is_some() {
        text.push('…');
    }
    text
}

/// An item in words, without what is about a person.
fn said(item: &Item, zone: &TimeZone, hide: bool) -> String {
    let person = |id: &str| if hide { masked(id) } else { id.to_owned() };
    match item {
        Item::Record(draft) => {
            let group = draft.group.as_ref().map_or(String::new(), |group| format!(", {}", group.as_str()));
            let body = match &draft.body {
                Body::Attendance(mark) => attendance(mark, zone),
                Body::Assessment(assessment) => match &assessment.result {
                    Some(result) => {
                        let grade = match &result.value {
                            GradeValue::Given(grade) => grade.clone(),
                            GradeValue::Ungraded => "ungraded".to_owned(),
                            GradeValue::NoResult => "no result".to_owned(),
                            GradeValue::Pending => "pending".to_owned(),
                            GradeValue::Withheld => "withheld".to_owned(),
                            GradeValue::NotAssessed => "not assessed".to_owned(),
                        };
                        let what =
                            [result.subject.as_str(), result.title.as_str(), result.result_set.as_str()];
                        let what: Vec<&str> = what.into_iter().filter(|text| !text.is_empty()).collect();
                        format!("{} {grade} on {} ({:?})", what.join(", "), result.scale_id, result.kind)
                    }
                    None => "no result".to_owned(),
                },
                Body::Behaviour(behaviour) => match &behaviour.event {
                    Some(event) => {
                        format!("{:?}: {}", event.polarity, event.source_label.as_str()).to_lowercase()
                    }
                    None => "no event".to_owned(),
                },
                Body::Withdrawn(_) => "withdrawn".to_owned(),
            };
            format!("{} {}{group}: {body}", draft.date, person(draft.learner.as_str()))
        }
        Item::Learner(learner) => {
            let upn = if learner.upn.is_empty() { "no UPN" } else { "with UPN" };
            let born = if learner.birth_date.is_some() { "with birth date" } else { "no birth date" };
            format!(
                "learner {} ({:?}), {upn}, {born}",
                person(learner.local_id.as_str()),
                learner.registration
            )
        }
        Item::Group(group) => format!("group {}: {}", group.local_id.as_str(), group.course_title.as_str()),
        Item::Placement(said) => {
            format!(
                "{} at {} from {} to {}",
                person(said.learner.as_str()),
                said.host,
                said.dates.first(),
                said.dates.last()
            )
        }
        Item::Acceptance(said) => {
            format!(
                "guest {} of {} from {} to {}",
                person(said.learner.as_str()),
                said.home,
                said.dates.first(),
                said.dates.last()
            )
        }
        Item::End(said) => format!("{} no longer at {}", person(said.learner.as_str()), said.other),
        Item::Staff(said) => {
            format!("{} teaches {} group(s)", person(said.local_id.as_str()), said.groups.len())
        }
        Item::Day(day) => format!("{}: {} lesson(s)", day.date, day.lessons().len()),
        Item::Notice(said) => format!("{} expected to be absent", person(said.learner.as_str())),
        Item::Support(said) => {
            format!("support note for {} until {}", person(said.learner.as_str()), said.last_date)
        }
    }
}

fn attendance(mark: &Attendance, zone: &TimeZone) -> String {
    let Some(presence) = &mark.presence else { return "no mark".to_owned() };
    let code = mark.source_code.as_ref().map_or(String::new(), |code| format!("{} is ", code.code));
    let late = presence
        .minutes_late
        .filter(|minutes| *minutes > 0)
        .map_or(String::new(), |n| format!(", {n} min late"));
    let time = presence.interval.map_or("no time".to_owned(), |interval| clock(interval, zone));
    format!("{code}{}{late}, {time}", format!("{:?}", presence.physical).to_lowercase())
}

fn clock(interval: Interval, zone: &TimeZone) -> String {
    let at = |of: commonroll_core::Timestamp| {
        let local = zone.to_datetime(jiff::Timestamp::from_microsecond(of.micros()).unwrap_or_default());
        format!("{:02}:{:02}", local.hour(), local.minute())
    };
    format!("{}-{}", at(interval.start()), at(interval.end()))
}
