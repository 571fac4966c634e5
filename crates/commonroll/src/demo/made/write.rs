//! Bytes as the partners' systems write them: delimited text in three encodings, OneRoster zips, Ed-Fi XML.
//!
//! Shares nothing with the connectors that read them.

use std::io::{Cursor, Write};

/// How a partner's reports write text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Windows-1252, no mark.
    Windows1252,
    /// UTF-8, no mark.
    Utf8,
    /// UTF-8 with a byte order mark.
    Utf8Mark,
    /// UTF-16, little end first, with a mark.
    Utf16,
}

/// Rows as delimited text with Windows line ends. Cells are quoted where they must be.
pub fn delimited(rows: &[Vec<String>], separator: char, encoding: Encoding) -> Vec<u8> {
    let mut text = String::new();
    for row in rows {
        for (place, cell) in row.iter().enumerate() {
            if place > 0 {
                text.push(separator);
            }
            if cell.contains([separator, '"', '\n', '\r']) {
                text.push('"');
                text.push_str(&cell.replace('"', "\"\""));
                text.push('"');
            } else {
                text.push_str(cell);
            }
        }
        text.push_str("\r\n");
    }
    match encoding {
        Encoding::Utf8 => text.into_bytes(),
        Encoding::Utf8Mark => format!("\u{feff}{text}").into_bytes(),
        Encoding::Utf16 => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
        // The letters of our names lie where Latin-1 has them.
        Encoding::Windows1252 => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
    }
}

/// One file of a OneRoster package.
pub struct Table {
    name: &'static str,
    columns: &'static str,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A file with the captions that the standard gives, divided by spaces.
    pub const fn new(name: &'static str, columns: &'static str) -> Self {
        Self { name, columns, rows: Vec::new() }
    }

    /// Adds a row of (caption, cell); captions that are not named are blank.
    pub fn row(&mut self, cells: &[(&str, &str)]) {
        let columns = self.columns.split(' ');
        let cell = |column: &str| {
            cells
                .iter()
                .find(|(caption, _)| *caption == column)
                .map_or_else(String::new, |(_, text)| (*text).to_owned())
        };
        self.rows.push(columns.map(cell).collect());
    }

    fn csv(&self) -> Vec<u8> {
        let mut rows = vec![self.columns.split(' ').map(str::to_owned).collect()];
        rows.extend(self.rows.iter().cloned());
        delimited(&rows, ',', Encoding::Utf8)
    }
}

/// Files of the standard that a manifest names, in both versions.
const BOTH: &[&str] = &[
    "academicSessions",
    "categories",
    "classes",
    "classResources",
    "courses",
    "courseResources",
    "demographics",
    "enrollments",
    "lineItems",
    "orgs",
    "resources",
    "results",
    "users",
];
/// Files that only 1.2 has.
const ONLY_12: &[&str] = &[
    "lineItemLearningObjectiveIds",
    "lineItemScoreScales",
    "resultLearningObjectiveIds",
    "resultScoreScales",
    "roles",
    "scoreScales",
    "userProfiles",
    "userResources",
];

/// A OneRoster bulk package.
pub fn oneroster(version: &str, tables: &[Table]) -> Result<Vec<u8>, String> {
    let mut manifest =
        format!("propertyName,value\r\nmanifest.version,1.0\r\noneroster.version,{version}\r\n");
    let known = BOTH.iter().chain(if version == "1.2" { ONLY_12 } else { &[] });
    for name in known {
        let there = tables.iter().any(|table| table.name == *name);
        manifest.push_str(&format!("file.{name},{}\r\n", if there { "bulk" } else { "absent" }));
    }
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let mut add = |name: String, bytes: &[u8]| -> Result<(), String> {
        zip.start_file(name, options).map_err(|error| error.to_string())?;
        zip.write_all(bytes).map_err(|error| error.to_string())
    };
    add("manifest.csv".to_owned(), manifest.as_bytes())?;
    for table in tables {
        add(format!("{}.csv", table.name), &table.csv())?;
    }
    Ok(zip.finish().map_err(|error| error.to_string())?.into_inner())
}

/// An Ed-Fi interchange of elements that are written already.
pub fn edfi(interchange: &str, elements: &[String]) -> Vec<u8> {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{interchange} xmlns=\"http://ed-fi.org/5.2.0\">\n"
    );
    elements.iter().for_each(|element| text.push_str(element));
    text.push_str(&format!("</{interchange}>\n"));
    text.into_bytes()
}

/// An element with elements or text in it. Text must be escaped already.
pub fn element(name: &str, inside: &[&str]) -> String {
    format!("<{name}>{}</{name}>\n", inside.concat())
}

/// Text for XML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
