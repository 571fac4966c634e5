//! What a table lies in, and the settings that only this container has.
//!
//! Each container takes its own settings out of the mapping file; what is left says how the rows are to be read.

use super::{MappingError, Sql, read};
use serde::Deserialize;

/// What a table lies in.
#[derive(Debug, Clone)]
pub enum Container {
    /// Delimited text.
    Delimited(Delimited),
    /// XML in which one element repeats.
    Xml(XmlRows),
    /// A sheet of a workbook.
    Sheet(SheetRows),
    /// JSON objects.
    Json(JsonRows),
    /// The answer of a database.
    Sql(Sql),
}

impl Container {
    /// Takes the settings of the container that `format` names out of a mapping file; `None` if no table lies in it.
    pub(super) fn take(format: &str, table: &mut toml::Table) -> Result<Option<Self>, MappingError> {
        Ok(Some(match format {
            "delimited" => {
                let delimited: Delimited = read(own(table, &["encoding", "separator", "title_rows"]))?;
                delimited.check()?;
                Self::Delimited(delimited)
            }
            "sheet" => {
                let sheet: SheetRows = read(own(table, &["sheet", "heading_row"]))?;
                if sheet.heading_row == Some(0) {
                    return Err(MappingError::setting("heading_row", "must be a row's number, from 1"));
                }
                Self::Sheet(sheet)
            }
            "json" => Self::Json(read(own(table, &["rows_at", "each"]))?),
            "xml" => Self::Xml(read(own(table, &["row"]))?),
            "sql" => {
                let sql: Sql = read(table.remove("sql").unwrap_or_else(|| toml::Table::new().into()))?;
                sql.check()?;
                Self::Sql(sql)
            }
            _ => return Ok(None),
        }))
    }

    /// The container of this format without any settings; `None` if there is none, or it can't do without.
    pub(crate) fn plain(format: &str) -> Option<Self> {
        Self::take(format, &mut toml::Table::new()).ok().flatten()
    }

    /// Its own settings, as lines of a mapping file. Nothing for a container that finds out everything by itself.
    pub(crate) fn settings(&self) -> String {
        match self {
            Self::Delimited(delimited) => delimited.settings(),
            Self::Json(json) => json.settings(),
            Self::Sql(sql) => sql.settings(),
            Self::Sheet(sheet) => sheet.settings(),
            Self::Xml(_) => String::new(),
        }
    }

    /// Name of the connector that reads it.
    pub const fn connector(&self) -> &'static str {
        match self {
            Self::Delimited(_) => "delimited",
            Self::Xml(_) => "xml",
            Self::Sheet(_) => "sheet",
            Self::Json(_) => "json",
            Self::Sql(_) => "sql",
        }
    }
}

/// How delimited text is cut into rows.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Delimited {
    /// `utf-8`, `utf-16le`, `utf-16be` or `windows-1252`. Found out by itself if left out.
    pub encoding: Option<String>,
    /// `,`, `;`, `|` or a tab. Found out from the first line if left out.
    pub separator: Option<String>,
    /// Rows above the captions that are passed over, such as a title and the name of the school. Empty lines don't count.
    #[serde(default)]
    pub title_rows: usize,
}

/// Most rows above the captions.
const TITLE_ROWS_MAX: usize = 50;

impl Delimited {
    fn check(&self) -> Result<(), MappingError> {
        if self.title_rows > TITLE_ROWS_MAX {
            return Err(MappingError::setting(
                "title_rows",
                "must be at most 50; look where the captions are",
            ));
        }
        match self.separator.as_deref() {
            None | Some("," | ";" | "|" | "\t" | "tab") => Ok(()),
            Some(_) => Err(MappingError::setting("separator", "must be \",\", \";\", \"|\" or \"tab\"")),
        }
    }

    fn settings(&self) -> String {
        let text = |name: &str, value: &Option<String>| {
            value
                .as_ref()
                .map(|value| format!("{name} = {}\n", toml::Value::String(value.clone())))
                .unwrap_or_default()
        };
        let titles =
            if self.title_rows > 0 { format!("title_rows = {}\n", self.title_rows) } else { String::new() };
        text("encoding", &self.encoding) + &text("separator", &self.separator) + &titles
    }

    /// The separator's byte, if the mapping says one.
    pub(crate) fn separator(&self) -> Option<u8> {
        self.separator.as_deref().map(|name| if name == "tab" { b'\t' } else { name.as_bytes()[0] })
    }
}

/// How XML is cut into rows.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct XmlRows {
    /// Name of the element that is a row. Left out: the outermost element that repeats.
    pub row: Option<String>,
}

/// Which sheet of a workbook, and where its captions are.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SheetRows {
    /// Name of the sheet. Left out: the first that has rows and isn't hidden.
    pub sheet: Option<String>,
    /// Row of the captions, from 1. Left out: the first in which all captions stand that the mapping names.
    pub heading_row: Option<u64>,
}

impl SheetRows {
    fn settings(&self) -> String {
        self.sheet
            .as_ref()
            .map_or(String::new(), |name| format!("sheet = {}\n", toml::Value::String(name.clone())))
    }
}

/// How JSON is cut into rows.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct JsonRows {
    /// Dotted path to the list of rows inside an envelope: `data`. Left out: the file is the list, or one object a line.
    #[serde(rename = "rows_at")]
    pub rows: Option<String>,
    /// Dotted path inside a row to a list each of whose elements is a row of its own, with all that stands around it:
    /// `students.data`.
    pub each: Option<String>,
}

impl JsonRows {
    fn settings(&self) -> String {
        let line = |name: &str, path: &Option<String>| {
            path.as_ref()
                .map_or(String::new(), |path| format!("{name} = {}\n", toml::Value::String(path.clone())))
        };
        line("rows_at", &self.rows) + &line("each", &self.each)
    }
}

/// The settings of these names, taken out of the table.
fn own(table: &mut toml::Table, names: &[&str]) -> toml::Value {
    toml::Value::Table(
        names
            .iter()
            .filter_map(|name| table.remove(*name).map(|value| ((*name).to_owned(), value)))
            .collect(),
    )
}
