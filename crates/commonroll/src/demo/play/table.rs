//! The table of partners, and what their agents complain about.

use super::Play;
use crate::demo::{
    screen::{Screen, Tone, shown},
    setup::Partner,
    tally,
};
use commonroll_agent::status::Status;

/// Problems of one status that are told.
const PROBLEMS: usize = 3;

impl Play {
    /// Tells what is new in a status: refusals and problems, each once.
    pub(super) fn tell_status(&mut self, place: usize, status: &Status, screen: &Screen) {
        let width = self.width();
        let slug = &self.setup.partners[place].slug;
        for line in complaints(status) {
            if self.told.insert(format!("{slug} {line}")) {
                screen.say(Tone::Refused, &format!("  {:<5}  {slug:<width$} {line}", self.clock));
            }
        }
    }

    /// Brings the table on the screen up to date.
    pub(super) fn show(&self, screen: &Screen) {
        if !screen.is_live() {
            return;
        }
        screen.line(0, String::new());
        for (place, (tone, line)) in self.table().into_iter().enumerate() {
            screen.line(place + 1, screen.toned(tone, &line));
        }
    }

    /// A head, and a line for each partner.
    pub fn table(&self) -> Vec<(Tone, String)> {
        let width = self.width();
        let head = format!(
            "  {:<width$} {:>7} {:>6} {:>9} {:>8} {:>8} {:>7}  {}",
            "partner", "exports", "sent", "received", "waiting", "refused", "p50", "its MIS writes"
        );
        let lines = (0..self.partners.len()).map(|place| self.table_line(place, width));
        std::iter::once((Tone::Heading, head)).chain(lines).collect()
    }

    fn table_line(&self, place: usize, width: usize) -> (Tone, String) {
        let (partner, seat) = (&self.setup.partners[place], &self.partners[place]);
        let waits = self.under_way.keys().filter(|record| record.home == partner.slug).count() as u64;
        let by_code = seat.status.iter().flat_map(|status| &status.refused_by_code);
        let refused = by_code.map(|(_, count)| count).sum();
        let recent = &seat.recent[seat.recent.len().saturating_sub(100)..];
        let time = if recent.is_empty() { String::new() } else { shown(tally::percentile(recent, 50)) };
        let cell = |count: u64| if count == 0 { String::new() } else { count.to_string() };
        let state = if seat.away { "cut off" } else { self.writes[place].as_str() };
        let line = format!(
            "  {:<width$} {:>7} {:>6} {:>9} {:>8} {:>8} {time:>7}  {state}",
            partner.slug,
            cell(seat.exports),
            cell(seat.sent),
            cell(seat.received),
            cell(waits),
            cell(refused)
        );
        (if seat.away { Tone::Event } else { Tone::Plain }, line)
    }
}

/// What an agent's status complains about, a line each. Holds no values of cells, as the status doesn't.
fn complaints(status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    for refused in &status.exports_refused {
        let fault = &refused.fault;
        lines.push(format!("{} refused as a whole: {}: {}", refused.file, fault.rule, brief(&fault.fix)));
    }
    for refused in &status.refused {
        let why = format!("{}: {}", refused.code, brief(&refused.reason));
        lines.push(format!("{} line {}: {why}", refused.file, refused.line));
    }
    for refused in &status.declarations_refused {
        let why = format!("{}: {}", refused.code, brief(&refused.reason));
        lines.push(format!("{} line {}: {why}", refused.file, refused.line));
    }
    for problem in status.problems.iter().take(PROBLEMS) {
        let line = problem.line.map_or_else(String::new, |line| format!(" line {line}"));
        lines.push(format!("{}{line}: {}: {}", problem.file, problem.rule, brief(&problem.fix)));
    }
    lines
}

/// The first half of what to do about it; the whole is in `agent status`.
fn brief(fix: &str) -> &str {
    fix.split(';').next().unwrap_or(fix)
}

/// The formats of a partner's exports: connectors, and the encodings of delimited ones.
pub(super) fn writes(partner: &Partner) -> String {
    let mut formats: Vec<String> = Vec::new();
    for source in &partner.sources {
        let encoding = source
            .mapping
            .iter()
            .flat_map(|text| text.lines())
            .find_map(|line| line.strip_prefix("encoding = "));
        let format = match (source.connector.as_str(), encoding) {
            ("delimited", Some(encoding)) => format!("CSV {}", encoding.trim_matches('"')),
            ("delimited", None) => "CSV".to_owned(),
            ("oneroster", _) => "OneRoster".to_owned(),
            ("edfi", _) => "Ed-Fi".to_owned(),
            (other, _) => other.to_owned(),
        };
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    formats.join(", ")
}
