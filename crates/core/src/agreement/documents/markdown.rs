//! Writes a document as Markdown. Every text is escaped, so that what somebody wrote into an agreement stays text.

use super::{Block, Document};

pub(super) fn write(document: &Document) -> String {
    let mut out = format!("# {}\n", escape(&document.title));
    for block in &document.blocks {
        out.push('\n');
        match block {
            Block::Heading(text) => out.push_str(&format!("## {}\n", escape(text))),
            Block::Small(text) => out.push_str(&format!("### {}\n", escape(text))),
            Block::Para(text) => out.push_str(&format!("{}\n", start(&escape(text)))),
            Block::Bullets(texts) => {
                texts.iter().for_each(|text| out.push_str(&format!("- {}\n", start(&escape(text)))));
            }
            Block::Facts(facts) => {
                let rows: Vec<Vec<String>> =
                    facts.iter().map(|(name, text)| vec![name.clone(), text.clone()]).collect();
                table(&mut out, &[String::new(), String::new()], &rows);
            }
            Block::Table(heads, rows) => table(&mut out, heads, rows),
            Block::Confirm(text) => {
                out.push_str(&format!("> **For the DPO to confirm:** {}\n", escape(text)))
            }
            Block::NewPage => out.push_str("---\n"),
        }
    }
    out
}

fn table(out: &mut String, heads: &[String], rows: &[Vec<String>]) {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    out.push_str(&line(heads));
    out.push_str(&format!("|{}\n", " --- |".repeat(heads.len())));
    rows.iter().for_each(|row| out.push_str(&line(row)));
}

/// Takes the meaning from every character that Markdown or the HTML inside it gives one.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '>' | '|' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// The same for what has a meaning only at the beginning of a line.
fn start(text: &str) -> String {
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = number.len() < text.len() && number.starts_with(['.', ')']);
    match text.starts_with(['#', '-', '+', '=']) {
        true => format!("\\{text}"),
        false if numbered => format!("{}\\{number}", &text[..text.len() - number.len()]),
        false => text.to_owned(),
    }
}
