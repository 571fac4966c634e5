//! A field of ours bound to a column of one file, and the reading of its values.
//!
//! A value that can't be read becomes a [`Bad`], which names the caption and the rule, and the value only where it is a code
//! that the mapping doesn't know.

use crate::table::Row;
use crate::{
    item::Problem,
    mapping::{DateFormat, DayCount, Source},
    parse,
};
use commonroll_core::{Invalid, LocalId, SchoolDate, Timestamp, record::Text, sources::is_surely_code};
use jiff::{Span, civil::Time, tz::TimeZone};
use std::{borrow::Cow, collections::HashMap};

/// A value that can't be read.
#[derive(Debug)]
pub struct Bad {
    caption: String,
    /// Stable name of the rule.
    pub rule: &'static str,
    fix: String,
    code: Option<String>,
}

impl Bad {
    pub fn new(caption: &str, rule: &'static str, fix: impl Into<String>) -> Self {
        Self { caption: caption.to_owned(), rule, fix: fix.into(), code: None }
    }

    /// Nobody has said what this value stands for; it is kept if it can be nothing but a code.
    pub fn unmapped(self, value: &str) -> Self {
        Self { code: is_surely_code(value).then(|| value.to_owned()), ..self }
    }

    pub fn at(self, line: u64) -> Problem {
        Problem { code: self.code, ..Problem::new(line, self.caption, self.rule, self.fix) }
    }
}

/// A field bound to one file.
#[derive(Debug)]
pub struct Bound {
    caption: String,
    how: How,
}

#[derive(Debug)]
enum How {
    Column(usize),
    Constant(String),
    RowNumber(String),
    Values { column: usize, values: HashMap<String, String>, other: Option<String> },
    Days { column: usize, start: Start },
}

#[derive(Debug)]
enum Start {
    One(SchoolDate),
    By { column: usize, starts: HashMap<String, SchoolDate> },
}

impl Bound {
    /// A plain column.
    pub fn column(caption: &str, column: usize) -> Self {
        Self { caption: caption.to_owned(), how: How::Column(column) }
    }

    /// Binds a field. `find` gives the place of a caption; the error is a setting that can't be right.
    pub fn bind<E: From<String>>(
        name: &str,
        source: &Source,
        find: &mut dyn FnMut(&str) -> Result<usize, E>,
    ) -> Result<Self, E> {
        let how = if let Some(constant) = &source.constant {
            How::Constant(constant.clone())
        } else if let Some(prefix) = &source.row_number {
            How::RowNumber(prefix.clone())
        } else {
            let column = find(source.column.as_deref().unwrap_or_default())?;
            match (&source.values, &source.days_from) {
                (Some(values), _) => {
                    let values = values.iter().map(|(from, to)| (from.clone(), to.clone())).collect();
                    How::Values { column, values, other: source.other.clone() }
                }
                (None, Some(count)) => How::Days { column, start: Start::bind(name, count, find)? },
                (None, None) => How::Column(column),
            }
        };
        Ok(Self { caption: source.column.clone().unwrap_or_else(|| name.to_owned()), how })
    }

    /// True if it is the same in each row.
    pub const fn is_constant(&self) -> bool {
        matches!(self.how, How::Constant(_))
    }

    /// A value of it is bad.
    pub fn bad(&self, rule: &'static str, fix: impl Into<String>) -> Bad {
        Bad::new(&self.caption, rule, fix)
    }

    /// A rule of the words themselves is broken.
    pub fn invalid(&self, rule: &'static str, invalid: &Invalid) -> Bad {
        self.bad(rule, invalid.rule)
    }

    /// What stands in the file, before any table of values: for keys.
    pub fn raw<'r>(&'r self, row: &Row<'r>, number: u64) -> Cow<'r, str> {
        match &self.how {
            How::Column(column) | How::Values { column, .. } | How::Days { column, .. } => {
                row.cell(*column).into()
            }
            How::Constant(constant) => constant.as_str().into(),
            How::RowNumber(prefix) => format!("{prefix}{number}").into(),
        }
    }

    /// The value; empty if blank.
    pub fn text<'r>(&'r self, row: &Row<'r>, number: u64) -> Result<Cow<'r, str>, Bad> {
        match &self.how {
            How::Values { column, values, other } => {
                let cell = row.cell(*column);
                match values.get(cell).or(other.as_ref()) {
                    Some(value) => Ok(value.as_str().into()),
                    None => {
                        let fix = "the mapping doesn't say what this value stands for; add it to `values`";
                        Err(self.bad("CSV-VALUE", fix).unmapped(cell))
                    }
                }
            }
            How::Days { .. } => {
                Err(self.bad("CSV-VALUE", "`days_from` gives a date; use it for a date field"))
            }
            _ => Ok(self.raw(row, number)),
        }
    }

    /// A date; `None` if blank.
    pub fn date(&self, row: &Row<'_>, number: u64, format: DateFormat) -> Result<Option<SchoolDate>, Bad> {
        match &self.how {
            How::Days { column, start } => self.counted(row, *column, start),
            How::Constant(constant) => Ok(Some(self.known_date(constant, DateFormat::Iso)?)),
            How::Values { .. } => {
                let text = self.text(row, number)?;
                if text.is_empty() { Ok(None) } else { self.known_date(&text, DateFormat::Iso).map(Some) }
            }
            _ => {
                let text = self.raw(row, number);
                if text.is_empty() { Ok(None) } else { self.known_date(&text, format).map(Some) }
            }
        }
    }

    fn known_date(&self, text: &str, format: DateFormat) -> Result<SchoolDate, Bad> {
        parse::date(text, format).ok_or_else(|| {
            let shape = match format {
                DateFormat::Iso => "YYYY-MM-DD (or set `date_format` in the mapping)",
                DateFormat::British => "dd/mm/yyyy",
                DateFormat::BritishShort => "dd/mm/yy",
                DateFormat::DottedShort => "dd.mm.yy",
                DateFormat::Named => "14 Sep 2026",
                DateFormat::Dotted => "dd.mm.yyyy",
                DateFormat::Compact => "yyyymmdd",
                DateFormat::Dashed => "dd-mm-yyyy",
                DateFormat::American => "mm/dd/yyyy",
            };
            self.bad("CSV-DATE", format!("must be a real date written as {shape}"))
        })
    }

    fn counted(&self, row: &Row<'_>, column: usize, start: &Start) -> Result<Option<SchoolDate>, Bad> {
        let text = row.cell(column);
        if text.is_empty() {
            return Ok(None);
        }
        let start = match start {
            Start::One(date) => *date,
            Start::By { column, starts } => *starts.get(row.cell(*column)).ok_or_else(|| {
                self.bad("CSV-DATE", "the mapping names no start date for this row; add it to `starts`")
            })?,
        };
        // A workbook counts all days since 1900; any other start is near.
        let is_workbooks = start.civil().year() < 1900;
        text.parse::<i32>()
            .ok()
            .filter(
                |days| if is_workbooks { (1..=73_000).contains(days) } else { (-4000..=4000).contains(days) },
            )
            .and_then(|days| start.civil().checked_add(Span::new().days(days)).ok())
            .map(|date| Some(SchoolDate::from_civil(date)))
            .ok_or_else(|| {
                self.bad("CSV-DATE", "must be a whole number of days from the start date, at most 4000")
            })
    }

    /// A time of day; `None` if blank.
    pub fn time(&self, row: &Row<'_>, number: u64) -> Result<Option<Time>, Bad> {
        let text = self.text(row, number)?;
        if text.is_empty() {
            return Ok(None);
        }
        parse::time(&text)
            .map(Some)
            .ok_or_else(|| self.bad("CSV-TIME", "must be a time of day written as HH:MM"))
    }

    /// A whole number; `None` if blank.
    pub fn whole(&self, row: &Row<'_>, number: u64) -> Result<Option<u32>, Bad> {
        let text = self.text(row, number)?;
        if text.is_empty() {
            return Ok(None);
        }
        parse::whole(&text)
            .map(Some)
            .ok_or_else(|| self.bad("CSV-NUMBER", "must be a whole number, in digits alone"))
    }

    /// An id; `None` if blank.
    pub fn local_id(&self, row: &Row<'_>, number: u64) -> Result<Option<LocalId>, Bad> {
        let text = self.text(row, number)?;
        if text.is_empty() {
            return Ok(None);
        }
        LocalId::parse("local_id", &text).map(Some).map_err(|invalid| self.invalid("CSV-ID", &invalid))
    }

    /// Words of limited length.
    pub fn words(&self, row: &Row<'_>, number: u64, max_chars: usize) -> Result<Text, Bad> {
        Text::parse("text", &self.text(row, number)?, max_chars)
            .map_err(|invalid| self.invalid("CSV-TEXT", &invalid))
    }

    /// An instant; `None` if blank.
    pub fn instant(&self, row: &Row<'_>, number: u64, zone: &TimeZone) -> Result<Option<Timestamp>, Bad> {
        let text = self.text(row, number)?;
        if text.is_empty() {
            return Ok(None);
        }
        parse::instant(&text, zone)
            .map(Some)
            .ok_or_else(|| self.bad("CSV-INSTANT", "must be a date and time such as 2026-09-14T09:05:00Z"))
    }
}

/// The day from which workbooks count.
const WORKBOOK_START: &str = "1899-12-30";

impl Start {
    fn bind<E: From<String>>(
        name: &str,
        count: &DayCount,
        find: &mut dyn FnMut(&str) -> Result<usize, E>,
    ) -> Result<Self, E> {
        let date = |text: &str| {
            let workbooks =
                (text == WORKBOOK_START).then(|| SchoolDate::parse("days_from", text).ok()).flatten();
            parse::date(text, DateFormat::Iso).or(workbooks).ok_or_else(|| {
                E::from(format!("fields.{name}.days_from: start dates must be written as YYYY-MM-DD"))
            })
        };
        match count {
            DayCount::One(text) => Ok(Self::One(date(text)?)),
            DayCount::By { column, starts } => {
                let column = find(column)?;
                let starts = starts.iter().map(|(value, start)| Ok((value.clone(), date(start)?)));
                Ok(Self::By { column, starts: starts.collect::<Result<_, E>>()? })
            }
        }
    }
}
