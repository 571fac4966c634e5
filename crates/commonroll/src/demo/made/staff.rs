//! Who teaches which group, as the college's own system exports it: the one teacher whom the demo's console knows.

use super::{
    dialect::dialect,
    world::{GROUPS, NORTHGATE},
};
use crate::demo::setup::{Content, FileToWrite, Source};

/// The teacher's id in the college's system.
pub const TEACHER: &str = "T-104";
/// What they teach.
const TEACHES: [&str; 2] = ["ENG-2A", "ENG-2B"];
/// What they teach in the live part: all the college's groups in which somebody is missed then are among it.
const LIVE: [&str; 4] = ["ENG-2A", "ENG-2B", "MOT-1A", "CON-1A"];

/// The source that reads it.
pub fn source() -> Source {
    Source {
        name: "teaching".to_owned(),
        folder: "teaching".to_owned(),
        pattern: "*.csv".to_owned(),
        connector: "delimited".to_owned(),
        mapping: Some(dialect(NORTHGATE).mapping("staff", "", &[("staff", "Tutor"), ("group", "Class")])),
        ..Source::default()
    }
}

/// The export, there from the start.
pub fn file() -> FileToWrite {
    export(&TEACHES)
}

/// The same for the live part.
pub fn live() -> FileToWrite {
    export(&LIVE)
}

fn export(groups: &[&str]) -> FileToWrite {
    let taught = GROUPS.iter().filter(|group| group.host == NORTHGATE && groups.contains(&group.code));
    let rows = taught.map(|group| vec![TEACHER.to_owned(), group.code.to_owned()]);
    let rows: Vec<Vec<String>> =
        std::iter::once(vec!["Tutor".to_owned(), "Class".to_owned()]).chain(rows).collect();
    FileToWrite {
        path: "teaching/teaching.csv".to_owned(),
        content: Content::Bytes(dialect(NORTHGATE).file(&rows)),
        what: "who teaches what".to_owned(),
    }
}
