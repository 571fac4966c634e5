//! The connectors on one core: rows a second over made exports in each container, read from temporary files as an agent
//! does, and the memory that it took.
//!
//! All containers hold the same rows, made from a seed.

use crate::commands::told;
use commonroll_connectors::{Input, Item, Mapping, Place, Problem, ReadSeek, Scope, Settings, Sink, by_name};
use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Seek, Write},
    time::Instant,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Most memory that a connector may take whatever the file's size, in MiB.
pub const MEMORY_BAR: f64 = 64.0;

/// The mapping of the made rows, but for its format.
pub const COLUMNS: &str = r#"
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

/// Figures of one container.
pub struct Measured {
    /// Container and how the file was made.
    pub name: &'static str,
    /// Size of the file, in MiB.
    pub file_mib: f64,
    /// Rows a second.
    pub rate: f64,
    /// Rows a second that it must reach; `None` if it has no bar.
    pub bar: Option<f64>,
    /// Peak of the process's memory while reading, in MiB; `None` where the system doesn't say.
    pub peak_mib: Option<f64>,
}

type Make = fn(&mut File, u64, u64) -> Result<(), String>;

/// One container: its name, its mapping's format, what writes it, its bar.
struct Container {
    name: &'static str,
    connector: &'static str,
    format: &'static str,
    make: Make,
    bar: Option<f64>,
}

const CONTAINERS: [Container; 6] = [
    Container {
        name: "delimited",
        connector: "delimited",
        format: "format = \"delimited\"",
        make: delimited,
        bar: Some(200_000.0),
    },
    Container {
        name: "json, an object a line",
        connector: "json",
        format: "format = \"json\"",
        make: json,
        bar: Some(150_000.0),
    },
    Container {
        name: "xml, ten elements a record",
        connector: "xml",
        format: "format = \"xml\"\nrow = \"Record\"",
        make: xml,
        bar: Some(80_000.0),
    },
    Container {
        name: "xlsx, shared texts, as Excel writes",
        connector: "sheet",
        format: "format = \"sheet\"",
        make: xlsx_shared,
        bar: Some(50_000.0),
    },
    Container {
        name: "xlsx, inline texts",
        connector: "sheet",
        format: "format = \"sheet\"",
        make: xlsx_inline,
        bar: Some(50_000.0),
    },
    Container { name: "ods", connector: "sheet", format: "format = \"sheet\"", make: ods, bar: None },
];

/// Measures each container with `rows` rows, or only the one of this name; tells each as it is done.
pub fn run(rows: u64, seed: u64, only: Option<&str>, tell: &mut dyn FnMut(Measured)) -> Result<(), String> {
    for container in CONTAINERS.iter().filter(|container| only.is_none_or(|name| container.name == name)) {
        let mut file = tempfile::tempfile().map_err(told)?;
        (container.make)(&mut file, rows, seed)?;
        let size = file.metadata().map_err(told)?.len();
        file.rewind().map_err(told)?;
        let mut reader = BufReader::new(file);
        let reset = reset_peak();
        let begun = Instant::now();
        translate(container, &mut reader, size, rows)?;
        let took = begun.elapsed();
        tell(Measured {
            name: container.name,
            file_mib: size as f64 / f64::from(1 << 20),
            rate: rows as f64 / took.as_secs_f64(),
            bar: container.bar,
            peak_mib: peak().filter(|_| reset),
        });
    }
    Ok(())
}

/// Resets the peak of the process's memory. `false` where the system can't.
pub fn reset_peak() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// The most memory that the process had since its peak was last reset, in MiB.
pub fn peak() -> Option<f64> {
    let mut status = String::new();
    File::open("/proc/self/status").ok()?.read_to_string(&mut status).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

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

fn translate(container: &Container, reader: &mut dyn ReadSeek, size: u64, rows: u64) -> Result<(), String> {
    let mapping: Mapping = format!("{}{COLUMNS}", container.format).parse().map_err(told)?;
    let zone = jiff::tz::TimeZone::get("Europe/London").map_err(told)?;
    let settings = Settings::new("bench".parse().map_err(told)?, zone, Some(mapping));
    let connector = by_name(container.connector).ok_or("a connector is missing")?;
    let mut sink = Counting::default();
    let input = Input { file_name: "bench", reader, size };
    connector
        .translate(input, &settings, &mut sink)
        .map_err(|fault| format!("{}: {}: {}", container.name, fault.rule(), fault.fix()))?;
    if sink.items != rows || sink.problems > 0 {
        let Counting { items, problems } = sink;
        return Err(format!("{}: {items} of {rows} rows, with {problems} problems", container.name));
    }
    Ok(())
}

/// One made row.
struct Row {
    learner: u64,
    surname: &'static str,
    forename: &'static str,
    class: String,
    /// Days since 2026-09-01.
    day: u64,
    hour: u64,
    mark: &'static str,
    late: &'static str,
}

const SURNAMES: [&str; 5] = ["Ashby", "Bell", "O'Neill", "de la Cruz", "Müller"];
const FORENAMES: [&str; 4] = ["Imogen", "Max", "Zoë", "Amara"];

/// In which order the rows stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// All learners of a lesson, one lesson after the other.
    Lessons,
    /// All lessons of a learner, five on each day of a school year, one learner after the other.
    Learners,
}

/// Days of a school year with lessons.
const SCHOOL_DAYS: u64 = 190;

fn made(rows: u64, seed: u64, order: Order) -> impl Iterator<Item = Row> {
    let mut state = seed;
    (0..rows).map(move |n| {
        // SplitMix64: every run of a seed makes the same rows.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut chance = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        chance ^= chance >> 27;
        let (mark, late) = match chance % 11 {
            0 => ("L", "7"),
            1 => ("N", ""),
            _ => ("/", ""),
        };
        let (who, lesson, day, hour) = match order {
            Order::Lessons => (n % 10_000, n, n / 60_000 % 28, n / 10_000 % 6),
            Order::Learners => {
                let (who, lesson) = (n / (5 * SCHOOL_DAYS), n % (5 * SCHOOL_DAYS));
                let school_day = lesson / 5;
                (who, who, school_day + school_day / 5 * 2, lesson % 5)
            }
        };
        Row {
            learner: 6000 + who,
            surname: SURNAMES[(who % 5) as usize],
            forename: FORENAMES[(who % 4) as usize],
            class: format!("12A/Ma{}", lesson % 97),
            day,
            hour: 9 + hour,
            mark,
            late,
        }
    })
}

const CAPTIONS: [&str; 10] =
    ["PersonID", "UPN", "Surname", "Forename", "Class", "Date", "Start", "End", "Mark", "MinsLate"];

impl Row {
    fn date(&self) -> String {
        let days = jiff::Span::new().days(i64::try_from(self.day).unwrap_or(0));
        jiff::civil::date(2026, 9, 1).saturating_add(days).to_string()
    }

    fn cells(&self) -> [String; 10] {
        [
            self.learner.to_string(),
            String::new(),
            self.surname.to_owned(),
            self.forename.to_owned(),
            self.class.clone(),
            self.date(),
            format!("{:02}:00", self.hour),
            format!("{:02}:50", self.hour),
            self.mark.to_owned(),
            self.late.to_owned(),
        ]
    }
}

fn delimited(file: &mut File, rows: u64, seed: u64) -> Result<(), String> {
    delimited_in(file, rows, seed, Order::Lessons)
}

/// Writes the made rows as delimited text.
pub fn delimited_in(file: &mut File, rows: u64, seed: u64, order: Order) -> Result<(), String> {
    let mut out = BufWriter::new(file);
    writeln!(out, "{}", CAPTIONS.join(",")).map_err(told)?;
    for row in made(rows, seed, order) {
        writeln!(out, "{}", row.cells().join(",")).map_err(told)?;
    }
    out.flush().map_err(told)
}

fn json(file: &mut File, rows: u64, seed: u64) -> Result<(), String> {
    let mut out = BufWriter::new(file);
    for row in made(rows, seed, Order::Lessons) {
        let cells = row.cells();
        let object: serde_json::Map<String, serde_json::Value> =
            CAPTIONS.iter().zip(cells).map(|(caption, cell)| ((*caption).to_owned(), cell.into())).collect();
        serde_json::to_writer(&mut out, &object).map_err(told)?;
        writeln!(out).map_err(told)?;
    }
    out.flush().map_err(told)
}

fn xml(file: &mut File, rows: u64, seed: u64) -> Result<(), String> {
    let mut out = BufWriter::new(file);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<SuperStarReport>").map_err(told)?;
    for row in made(rows, seed, Order::Lessons) {
        write!(out, "<Record>").map_err(told)?;
        for (caption, cell) in CAPTIONS.iter().zip(row.cells()) {
            if cell.is_empty() {
                write!(out, "<{caption}/>").map_err(told)?;
            } else {
                write!(out, "<{caption}>{cell}</{caption}>").map_err(told)?;
            }
        }
        writeln!(out, "</Record>").map_err(told)?;
    }
    writeln!(out, "</SuperStarReport>").map_err(told)?;
    out.flush().map_err(told)
}

fn options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .large_file(true)
}

const BOOK: &str =
    "<workbook xmlns:r=\"r\"><sheets><sheet name=\"Marks\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>";
const RELATIONS: &str = "<Relationships><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>";
const STYLES: &str = "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"20\"/></cellXfs></styleSheet>";

fn xlsx_shared(file: &mut File, rows: u64, seed: u64) -> Result<(), String> {
    xlsx(file, rows, seed, true)
}

fn xlsx_inline(file: &mut File, rows: u64, seed: u64) -> Result<(), String> {
    xlsx(file, rows, seed, false)
}

/// A workbook with dates and times as numbers, its texts shared or in their cells.
fn xlsx(file: &mut File, rows: u64, seed: u64, shared: bool) -> Result<(), String> {
    let mut zip = ZipWriter::new(BufWriter::new(file));
    for (name, text) in
        [("xl/workbook.xml", BOOK), ("xl/_rels/workbook.xml.rels", RELATIONS), ("xl/styles.xml", STYLES)]
    {
        zip.start_file(name, options()).map_err(told)?;
        zip.write_all(text.as_bytes()).map_err(told)?;
    }
    let mut texts: Vec<String> = Vec::new();
    let mut places = std::collections::HashMap::new();
    zip.start_file("xl/worksheets/sheet1.xml", options()).map_err(told)?;
    let mut sheet = String::from("<worksheet><sheetData>");
    let mut text = |sheet: &mut String, cell: &str, name: &str| {
        if shared {
            let place = *places.entry(cell.to_owned()).or_insert_with(|| {
                texts.push(cell.to_owned());
                texts.len() - 1
            });
            sheet.push_str(&format!("<c r=\"{name}\" t=\"s\"><v>{place}</v></c>"));
        } else {
            sheet.push_str(&format!("<c r=\"{name}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>"));
        }
    };
    sheet.push_str("<row r=\"1\">");
    for (column, caption) in CAPTIONS.iter().enumerate() {
        text(&mut sheet, caption, &format!("{}1", (b'A' + column as u8) as char));
    }
    sheet.push_str("</row>");
    for (n, row) in made(rows, seed, Order::Lessons).enumerate() {
        let line = n + 2;
        sheet.push_str(&format!("<row r=\"{line}\"><c r=\"A{line}\"><v>{}</v></c>", row.learner));
        text(&mut sheet, row.surname, &format!("C{line}"));
        text(&mut sheet, row.forename, &format!("D{line}"));
        text(&mut sheet, &row.class, &format!("E{line}"));
        // The first of September 2026 is day 46,266 of the workbook's calendar.
        sheet.push_str(&format!("<c r=\"F{line}\" s=\"1\"><v>{}</v></c>", 46_266 + row.day));
        let hour = row.hour as f64;
        sheet.push_str(&format!("<c r=\"G{line}\" s=\"2\"><v>{}</v></c>", hour / 24.0));
        sheet.push_str(&format!("<c r=\"H{line}\" s=\"2\"><v>{}</v></c>", (hour * 60.0 + 50.0) / 1440.0));
        text(&mut sheet, row.mark, &format!("I{line}"));
        if !row.late.is_empty() {
            sheet.push_str(&format!("<c r=\"J{line}\"><v>{}</v></c>", row.late));
        }
        sheet.push_str("</row>");
        if sheet.len() > 1 << 16 {
            zip.write_all(sheet.as_bytes()).map_err(told)?;
            sheet.clear();
        }
    }
    sheet.push_str("</sheetData></worksheet>");
    zip.write_all(sheet.as_bytes()).map_err(told)?;
    zip.start_file("xl/sharedStrings.xml", options()).map_err(told)?;
    write!(zip, "<sst>").map_err(told)?;
    for text in texts {
        write!(zip, "<si><t>{text}</t></si>").map_err(told)?;
    }
    write!(zip, "</sst>").map_err(told)?;
    zip.finish().map_err(told)?.flush().map_err(told)
}

fn ods(file: &mut File, rows: u64, seed: u64) -> Result<(), String> {
    let mut zip = ZipWriter::new(BufWriter::new(file));
    zip.start_file("content.xml", options()).map_err(told)?;
    write!(zip, "<office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\"><office:body><office:spreadsheet><table:table table:name=\"Marks\">")
        .map_err(told)?;
    let text = |cell: &str| {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{cell}</text:p></table:table-cell>")
    };
    let captions: String = CAPTIONS.iter().map(|caption| text(caption)).collect();
    write!(zip, "<table:table-row>{captions}</table:table-row>").map_err(told)?;
    for row in made(rows, seed, Order::Lessons) {
        let Row { learner, day, hour, .. } = row;
        let time = |minute: u64| {
            format!(
                "<table:table-cell office:value-type=\"time\" office:time-value=\"PT{hour:02}H{minute:02}M00S\"><text:p>{hour:02}:{minute:02}</text:p></table:table-cell>"
            )
        };
        let day = day + 1;
        write!(
            zip,
            "<table:table-row><table:table-cell office:value-type=\"float\" office:value=\"{learner}\"><text:p>{learner}</text:p></table:table-cell><table:table-cell/>{}{}{}<table:table-cell office:value-type=\"date\" office:date-value=\"2026-09-{day:02}\"><text:p>{day:02}/09/26</text:p></table:table-cell>{}{}{}{}</table:table-row>",
            text(row.surname),
            text(row.forename),
            text(&row.class),
            time(0),
            time(50),
            text(row.mark),
            text(row.late)
        )
        .map_err(told)?;
    }
    write!(zip, "</table:table></office:spreadsheet></office:body></office:document-content>")
        .map_err(told)?;
    zip.finish().map_err(told)?.flush().map_err(told)
}
