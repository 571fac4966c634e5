//! The home's outbox, read by what its files say, by nobody who writes them.

use std::{fs, path::Path};

/// A row of a file of marks.
pub struct Row {
    pub record: String,
    pub revision: u32,
    pub source: String,
    /// Learner, date and start.
    pub slot: String,
}

/// Every row of every file of marks.
pub fn read(folder: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return rows };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("attendance-") || !name.ends_with(".csv") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let mut lines = text.trim_start_matches('\u{feff}').lines().map(|l| l.split(',').collect::<Vec<_>>());
        let head = lines.next().expect("a file has a head");
        let column = |name: &str| head.iter().position(|column| *column == name).unwrap();
        let (record, revision, source) = (column("RecordID"), column("Revision"), column("Source"));
        let slot = [column("PersonID"), column("Date"), column("StartTime")];
        for line in lines {
            assert_eq!(line.len(), head.len(), "{name} has a row that is cut off");
            rows.push(Row {
                record: line[record].to_owned(),
                revision: line[revision].parse().unwrap(),
                source: line[source].to_owned(),
                slot: slot.map(|column| line[column]).join(" "),
            });
        }
    }
    rows
}
