//! Lines for a mapping file: what a data manager decides about codes that nobody has given a meaning, in the words that the
//! technician pastes.
//!
//! The mapping file is the technician's and lies on the agent's machine: nothing is changed here, and nothing of what is chosen is
//! kept. Only what the agent told of stands in the lines; whatever else an address says is passed over. What only a person can
//! know is left open in a way that the agent refuses, or that changes nothing.

use super::super::super::fields::Fields;
use commonroll_core::sources::SourceTold;
use std::fmt::Write as _;

/// Connectors whose mapping has a table of marks.
const TABLES: [&str; 6] = ["delimited", "json", "sheet", "sif", "sql", "xml"];

/// What a mark can say about a room: its name in a mapping, how it counts there, and the words for it.
const MEANINGS: [(&str, &str, &str); 5] = [
    ("present", "Y", "in the room"),
    ("late", "Y", "in the room, late"),
    ("absent", "N", "not in the room"),
    ("not_required", "~", "nothing to attend"),
    ("unknown", "?", "says nothing about the room"),
];

/// What is to be decided of one source, and the lines that come of it.
pub(super) struct Lines {
    pub source: String,
    pub codes: Vec<Choice>,
    /// The lines; empty while there is nothing to write.
    pub text: String,
    /// Somebody chose something for this source just now.
    pub chosen: bool,
}

/// A code, and what it may stand for.
pub(super) struct Choice {
    pub code: String,
    pub rows: String,
    pub of: Vec<(&'static str, &'static str, bool)>,
}

impl Lines {
    /// What can be decided about a source; `None` if nothing that its agent told of can.
    pub fn of(told: &SourceTold, asked: &Fields) -> Option<Self> {
        if told.mapping.is_empty() || !TABLES.contains(&told.connector.as_str()) {
            return None;
        }
        let chosen = asked.get("source") == told.name;
        let means = |code: &str| if chosen { asked.get(&format!("code.{code}")) } else { "" };
        let mut lines = Self { source: told.name.clone(), codes: Vec::new(), text: String::new(), chosen };
        let (mut marks, mut periods, mut values) = (String::new(), String::new(), String::new());
        for kept in &told.kept {
            let Some(code) = &kept.code else { continue };
            match kept.rule.as_str() {
                "ATT-UNKNOWN-CODE" => {
                    let of = |(name, _, words): (&'static str, &str, &'static str)| {
                        (name, words, name == means(code))
                    };
                    let of = MEANINGS.map(of).to_vec();
                    lines.codes.push(Choice { code: code.clone(), rows: super::number(kept.rows), of });
                    if let Some((name, counts, words)) = MEANINGS.iter().find(|one| one.0 == means(code)) {
                        let _ = writeln!(
                            marks,
                            "[[codes.row]]\nsource_code = {}\nmeaning = \"{words}\"\nphysical = \"{name}\"\ncounts = \"{counts}\"",
                            quoted(code)
                        );
                    }
                }
                "CSV-PERIOD" => {
                    let _ = writeln!(periods, "{} = [\"HH:MM\", \"HH:MM\"]", quoted(code));
                }
                "CSV-VALUE" => {
                    let _ =
                        writeln!(values, "# {} = \"\"  # column {}", quoted(code), one_line(&kept.caption));
                }
                _ => {}
            }
        }
        let place = |text: &mut String, says: &str, more: &str| {
            if !more.is_empty() {
                let _ = write!(text, "# {says}\n{more}\n");
            }
        };
        place(&mut lines.text, "At the end of the file:", &marks);
        place(&mut lines.text, "Under [periods], with the times at which each begins and ends:", &periods);
        place(
            &mut lines.text,
            "Under `values` of the field that reads the column, with what each stands for and without the first #:",
            &values,
        );
        lines.text.truncate(lines.text.trim_end().len());
        (!lines.codes.is_empty() || !lines.text.is_empty()).then_some(lines)
    }
}

/// A code as a string of TOML.
fn quoted(code: &str) -> String {
    format!("\"{}\"", one_line(code).replace('\\', "\\\\").replace('"', "\\\""))
}

/// Without what would end the line.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
