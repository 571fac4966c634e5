//! Sorts of behaviour of an MIS that we know. A mapping that we ship knows none of a school's own: each gets the category that its
//! words say, what no word says is asked, and what nobody answers is shared as "other".

use super::super::{Args, ask::Asker, screen::Screen};
use super::sheet::Sheet;
use crate::commands::told;
use commonroll_connectors::{
    Mapping,
    mapping::{Container, Format, Rows},
    propose::{Answers, Proposal, Value, propose},
};

/// The fields of a mapping, as answers to what would be asked of its rows.
fn answered(text: &str) -> Answers {
    let table: toml::Table = text.parse().unwrap_or_default();
    let fields = table.get("fields").and_then(toml::Value::as_table).into_iter().flatten();
    let said = fields.filter_map(|(field, said)| {
        let column = said.as_str().or_else(|| said.get("column")?.as_str());
        let constant = said.get("const").and_then(toml::Value::as_str);
        let value = match (column, constant) {
            (Some(column), _) => Value::Column(column.to_owned()),
            (None, constant) => Value::Text(constant?.to_owned()),
        };
        Some((format!("fields.{field}"), value))
    });
    let rows = ("rows".to_owned(), Value::Text("behaviour".to_owned()));
    said.chain([rows]).collect()
}

/// A mapping of behaviour with the categories of its sorts; any other as it is.
pub fn with_categories(
    args: &Args,
    text: &str,
    (sheet, what): (&Sheet, &str),
    screen: &Screen,
    asker: &mut Asker,
) -> Result<String, String> {
    let mapping: Mapping = text.parse().map_err(told)?;
    let container: Container = match mapping.format {
        Format::Table(container, columns)
            if columns.rows == Rows::Behaviour
                && !columns.fields.contains_key("category")
                && sheet.rows > 0 =>
        {
            container
        }
        _ => return Ok(text.to_owned()),
    };
    let sample = sheet.sample(&container, what)?;
    let mut answers = answered(text);
    let in_advance = args.answers.iter().filter(|(setting, _)| setting.starts_with("fields.category."));
    answers.extend(in_advance.map(|(setting, said)| (setting.clone(), Value::Text(said.clone()))));
    let make = |answers: &Answers| -> Proposal {
        let mut proposal = propose(container.clone(), &sample, what, answers);
        proposal.doubts.retain(|doubt| doubt.setting.starts_with("fields.category."));
        proposal
    };
    let first = make(&answers);
    screen.heading(&format!("{what}: the categories of your own sorts"));
    let proposal = asker.settle(screen, first, &mut answers, &sample, &make);
    if let Some(choice) = proposal.choice("fields.category") {
        choice.reasons.iter().for_each(|reason| screen.say(&format!("  {reason}")));
    }
    let written = proposal.to_toml("");
    let Some(line) = written.lines().find(|line| line.starts_with("category = ")) else {
        return Ok(text.to_owned());
    };
    let text = text.replacen("[fields]\n", &format!("[fields]\n{line}\n"), 1);
    text.parse::<Mapping>().map_err(told)?;
    Ok(text)
}
