//! The delimited connector on one core: rows a second over a made export, read from a temporary file as an agent does.

use crate::commands::told;
use commonroll_connectors::{Input, Item, Mapping, Place, Problem, Scope, Settings, Sink, by_name};
use std::{
    io::{BufReader, BufWriter, Seek, Write},
    time::Instant,
};

const MAPPING: &str = r#"
format = "delimited"
rows = "attendance"
ignore = ["UPN", "Surname", "Forename"]
codes = { set = "ENG-2024" }
[fields]
learner = "PersonID"
group = "Class"
date = "Date"
start = "Start"
end = "End"
mark = "Mark"
minutes_late = "MinsLate"
"#;

#[derive(Default)]
struct Counting {
    items: u64,
    problems: u64,
}

impl Sink for Counting {
    fn item(&mut self, _: Item, _: Place) {
        self.items += 1;
    }
    fn problem(&mut self, _: Problem) {
        self.problems += 1;
    }
    fn covers(&mut self, _: Scope) {}
}

/// Translates `rows` rows; gives rows a second.
pub fn delimited(rows: u64) -> Result<f64, String> {
    let mut file = tempfile::tempfile().map_err(told)?;
    let mut out = BufWriter::new(&mut file);
    writeln!(out, "PersonID,UPN,Surname,Forename,Class,Date,Start,End,Mark,MinsLate").map_err(told)?;
    for n in 0..rows {
        let (mark, late) = if n.is_multiple_of(11) { ("L", "7") } else { ("/", "") };
        let hour = 9 + n / 10_000 % 6;
        let day = 1 + n / 60_000 % 28;
        writeln!(
            out,
            "{},,Ashby,Imogen,12A/Ma1,2026-09-{day:02},{hour:02}:00,{hour:02}:50,{mark},{late}",
            6000 + n % 10_000
        )
        .map_err(told)?;
    }
    out.flush().map_err(told)?;
    drop(out);
    let size = file.metadata().map_err(told)?.len();
    file.rewind().map_err(told)?;
    let mapping: Mapping = MAPPING.parse().map_err(told)?;
    let zone = jiff::tz::TimeZone::get("Europe/London").map_err(told)?;
    let settings = Settings::new("bench".parse().map_err(told)?, zone, Some(mapping));
    let connector = by_name("delimited").ok_or("the delimited connector is missing")?;
    let mut sink = Counting::default();
    let mut reader = BufReader::new(file);
    let begun = Instant::now();
    let input = Input { file_name: "bench.csv", reader: &mut reader, size };
    connector
        .translate(input, &settings, &mut sink)
        .map_err(|fault| format!("{}: {}", fault.rule(), fault.fix()))?;
    let took = begun.elapsed();
    if sink.items != rows || sink.problems > 0 {
        return Err(format!(
            "{} of {rows} rows were translated, with {} problems",
            sink.items, sink.problems
        ));
    }
    Ok(rows as f64 / took.as_secs_f64())
}
