//! What the wizard shows: on standard error, so that a proposed mapping can be written to a file from standard output.

use super::{files::Written, rows::Shown};
use commonroll_agent::check::Checked;
use commonroll_connectors::{
    mapping::{Container, JsonRows, SheetRows},
    propose::{Choice, Doubt, Proposal, Sample, Value},
};
use std::{io::IsTerminal, path::Path};

const WIDTH: usize = 110;
/// Captions of columns that aren't used, named at most.
const UNUSED: usize = 12;

/// The screen.
pub struct Screen {
    colours: bool,
    /// Only what must be said: the mapping itself goes to standard output.
    quiet: bool,
}

impl Screen {
    pub fn new(quiet: bool) -> Self {
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { colours, quiet }
    }

    /// A line.
    pub fn say(&self, line: &str) {
        eprintln!("{line}");
    }

    fn toned(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// What follows is about this.
    pub fn heading(&self, text: &str) {
        eprintln!("\n{}", self.toned("1", text));
    }

    /// Whose database or address it is, and what says so.
    pub fn product(&self, mis: &str, version: Option<&str>, proof: &[String]) {
        let version = version.map_or(String::new(), |version| format!(" {version}"));
        self.say(&format!("  It is {mis}{version}: it has {}", proof.join(", ")));
        self.say("");
    }

    /// A question that was asked at an address, and what it came to.
    pub fn asked(&self, question: &str, answer: &str) {
        self.say(&format!("  {question:<58}  {}", self.toned("2", answer)));
    }

    /// A kind of record, how much or how sure, and what is to be said of it.
    pub fn kind(&self, what: &str, how: &str, about: &str) {
        self.say(&format!("  {what:<20} {how:>12}  {}", self.toned("2", about)));
    }

    /// A format that needs no mapping of columns.
    pub fn known(&self, file: &str, connector: &str) {
        self.heading(file);
        let about = commonroll_connectors::by_name(connector).map_or("", |connector| connector.about());
        self.say(&format!("  {about}: its columns are fixed, nothing is to be mapped"));
    }

    /// What was found out.
    pub fn found(&self, file: &str, proposal: &Proposal, sample: &Sample) {
        self.heading(file);
        let looked = format!("{} rows looked at", sample.looked_at);
        self.say(&format!("  {}, {} columns, {looked}", lies_in(&proposal.container), sample.captions.len()));
        for note in &proposal.notes {
            self.say(&format!("  {note}"));
        }
        if self.quiet {
            return self.say(&format!("  {} thing(s) left in doubt, marked \"# ?\"", proposal.doubts.len()));
        }
        self.say("");
        for choice in &proposal.choices {
            self.choice(choice);
        }
        if !proposal.unused.is_empty() {
            self.say("");
            for (caption, why) in proposal.unused.iter().take(UNUSED) {
                self.say(&self.toned("2", &format!("  not read        {caption}: {why}")));
            }
            if let more @ 1.. = proposal.unused.len().saturating_sub(UNUSED) {
                self.say(&self.toned("2", &format!("  not read        and {more} more")));
            }
        }
    }

    fn choice(&self, choice: &Choice) {
        let name = choice.setting.strip_prefix("fields.").unwrap_or(&choice.setting);
        let sure = match choice.confidence {
            90.. => self.toned("32", &format!("{:>3} %", choice.confidence)),
            sure => self.toned("33", &format!("{sure:>3} %")),
        };
        let why = cut(&choice.reasons.join(", "), WIDTH - 50);
        self.say(&format!(
            "  {name:<14}  {:<24} {sure}  {}",
            cut(&value(&choice.value), 24),
            self.toned("2", &why)
        ));
    }

    /// How many questions follow.
    pub fn questions(&self, count: usize) {
        match count {
            0 => self.say("\n  Nothing is left to ask."),
            1 => self.heading("One thing that the file doesn't say"),
            n => self.heading(&format!("{n} things that the file doesn't say")),
        }
    }

    /// One question.
    pub fn question(&self, text: &str) {
        self.say(&format!("\n{} {text}", self.toned("36;1", "?")));
    }

    /// What is left when nobody answers; `again` is what to set up once more.
    pub fn left(&self, proposal: &Proposal, again: &str) {
        let open: Vec<&Doubt> = proposal.doubts.iter().filter(|doubt| doubt.must).collect();
        self.heading(&format!("Not written: {} answer(s) are needed", open.len()));
        for doubt in open {
            self.say(&format!("  {}", doubt.question));
            let first =
                doubt.candidates.first().map_or("...".to_owned(), |candidate| value(&candidate.value));
            self.say(&self.toned("2", &format!("      --answer '{}={first}'", doubt.setting)));
        }
        self.say(&format!("\n  Answer them at a terminal with: commonroll agent setup {again}"));
    }

    /// Rows beside what becomes of them.
    pub fn rows(&self, rows: &[Shown], unmasked: bool) {
        if rows.is_empty() {
            return self.say("  no rows yet");
        }
        let masked = if unmasked { "" } else { "; values about people are masked, --show-values shows them" };
        self.heading(&format!("{} rows and what becomes of them{masked}", rows.len()));
        let wide = rows.iter().map(|row| row.source.chars().count()).max().unwrap_or(0).min(WIDTH / 2);
        for row in rows {
            let source = cut(&row.source, wide);
            let pad = " ".repeat(wide.saturating_sub(source.chars().count()));
            let becomes = match &row.becomes {
                Ok(item) => item.clone(),
                Err(problem) => self.toned("31", problem),
            };
            self.say(&format!(
                "  {}  {source}{pad}  {}  {becomes}",
                self.toned("2", &format!("{:>5}", row.line)),
                self.toned("2", "→")
            ));
        }
    }

    /// What was written where; `doubts` are those that nobody answered.
    pub fn written(&self, written: &Written, doubts: usize) {
        self.heading("Written");
        if let Some(mapping) = &written.mapping {
            self.say(&format!("  {}   the mapping, each line with its reason", mapping.display()));
        }
        self.say(&format!(
            "  {}   source \"{}\", files {}",
            written.settings.display(),
            written.name,
            written.pattern
        ));
        if doubts > 0 {
            self.say(&format!(
                "  {doubts} thing(s) are left in doubt, marked \"# ?\" in the mapping: what they are about isn't read until somebody says"
            ));
        }
    }

    /// What the check of the whole export said.
    pub fn checked(&self, checked: &Checked) {
        self.heading("Check of the whole export");
        checked.to_string().lines().for_each(|line| self.say(&format!("  {line}")));
    }

    /// What comes next. `receives` is false where the settings have no outbox.
    pub fn next(&self, written: &[String], joined: bool, receives: bool, settings: &Path) {
        self.heading("Next");
        let settings = settings.display();
        if !receives {
            self.say(&format!(
                "  add [outbox] with folder = \"outbox\" and formats = [\"csv\"] to {settings}: without it nothing that partners share is received"
            ));
        }
        match joined {
            true => self.say(&format!(
                "  commonroll agent run --settings {settings}      sends {}",
                written.join(", ")
            )),
            false => {
                self.say(&format!("  commonroll agent join --settings {settings} INVITATION    once, with what the consortium sent you"));
                self.say(&format!("  commonroll agent run --settings {settings}"));
            }
        }
        self.say(&format!(
            "  commonroll agent doctor --settings {settings}    whenever something doesn't work"
        ));
    }
}

fn lies_in(container: &Container) -> String {
    match container {
        Container::Delimited(of) => {
            let separator = match of.separator.as_deref() {
                Some("tab") => "tabs",
                Some(";") => "semicolons",
                Some("|") => "upright bars",
                _ => "commas",
            };
            let titles = match of.title_rows {
                0 => String::new(),
                n => format!(", {n} title row(s) above the captions"),
            };
            format!("text between {separator}, {}{titles}", of.encoding.as_deref().unwrap_or("utf-8"))
        }
        Container::Sheet(SheetRows { sheet: Some(name), .. }) => format!("sheet `{name}`"),
        Container::Json(JsonRows { rows: Some(rows), each: None }) => format!("json, the list `{rows}`"),
        Container::Json(JsonRows { rows, each: Some(each) }) => {
            let rows = rows.as_ref().map_or_else(String::new, |rows| format!(" of the list `{rows}`"));
            format!("json, each of `{each}`{rows}")
        }
        other => other.connector().to_owned(),
    }
}

/// A value as people read it.
fn value(value: &Value) -> String {
    match value {
        Value::Column(caption) => caption.clone(),
        Value::Days(caption, from) => format!("{caption} (days from {from})"),
        Value::Values(caption, values) => format!("{caption} ({} words)", values.len()),
        Value::Text(text) => text.clone(),
        Value::Grades(scale, _, kind) => format!("{scale}, {kind}"),
        Value::Nothing => String::new(),
    }
}

/// A text on one line, with an ellipsis where it is too long.
fn cut(text: &str, most: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() <= most {
        text
    } else {
        text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
    }
}
