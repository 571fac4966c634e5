//! What an agent tells of its sources: which connector reads each with which mapping, and how many rows it keeps back, by rule.
//!
//! It is read by people who may not see what the rows say, so nothing of a row is in it but codes, and of these only what can
//! be nothing else: a letter, a letter or two with a digit, or words that registers use and nobody is called by, written in
//! several rows, in a column that has few of them and more of them than of anything else. `LEE` is counted and not told, though
//! it may be a code: a name that strayed into a column of codes looks the same. Agents tell no more, and the hub takes no more.

mod words;

pub use words::{is_code, is_surely_code};

use crate::ids::{Invalid, is_direction_mark};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sources of one agent at most, and sorts of rows that are told of one source.
pub const SOURCES_MAX: usize = 64;
/// See [`SOURCES_MAX`].
pub const SORTS_MAX: usize = 100;
/// Bytes of all that an agent tells at once, as it travels.
pub const TOLD_BYTES: usize = 64 * 1024;
/// Rows that must have a value before it is told.
pub const ROWS_LEAST: u64 = 5;
/// A column with more different values than this is no column of codes.
pub const CODES_MAX: usize = 30;
/// The rule under which the rest is counted where there are more sorts than are told.
pub const OTHERS: &str = "OTHERS";

/// One source as an agent tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTold {
    /// Its name in the agent's settings.
    pub name: String,
    /// Which connector reads it.
    pub connector: String,
    /// The first digits of the SHA-256 of its mapping file; empty where there is none.
    pub mapping: String,
    /// The rule by which its newest export was refused as a whole, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Rows that are kept back, those of which there are most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptBack>,
}

/// Rows of one sort that an agent keeps back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeptBack {
    /// The column's caption; empty if it is about the row as a whole, or may not be told.
    pub caption: String,
    /// Stable name of the rule that they break, such as `ATT-UNKNOWN-CODE`.
    pub rule: String,
    /// The code that they have, where the rule is about one and it may be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How many there are.
    pub rows: u64,
}

/// Rules about a file as a whole: what is told under them is a column or a file that nobody reads, and no row.
const OF_FILES: [&str; 3] = ["CSV-COLUMN-UNKNOWN", "OR-FILE-UNKNOWN", "OR-REFERENCE-FILE"];

impl KeptBack {
    /// How many rows are kept back: none where a file is all that is told of.
    pub fn rows_kept(&self) -> u64 {
        if OF_FILES.contains(&self.rule.as_str()) { 0 } else { self.rows }
    }
}

/// Rows that are kept back as they were counted: caption, rule and value, if that is surely a code.
pub type Counted = BTreeMap<CountedBy, u64>;

/// What they are counted by: caption, rule, value.
pub type CountedBy = (String, String, Option<String>);

/// Values of one column that break one rule, each with its rows.
type Values<'a> = Vec<(Option<&'a str>, u64)>;

/// What may be told of rows that are kept back: codes that many rows have, and the rest as counts.
///
/// Of a column in which more rows have something else than a code only the count is told: it may be a column of names.
pub fn may_be_told(counted: &Counted) -> Vec<KeptBack> {
    let mut columns: BTreeMap<(&str, &str), Values<'_>> = BTreeMap::new();
    for ((caption, rule, code), rows) in counted {
        columns.entry((caption, rule)).or_default().push((code.as_deref(), *rows));
    }
    let mut kept = Vec::new();
    for ((caption, rule), values) in columns {
        let coded = || values.iter().filter(|(code, _)| code.is_some_and(is_surely_code));
        let coded_rows: u64 = coded().map(|(_, rows)| rows).sum();
        let others: u64 = values.iter().map(|(_, rows)| rows).sum::<u64>() - coded_rows;
        let of_codes = coded().count() <= CODES_MAX && others <= coded_rows;
        let may = |code: &str, rows: u64| of_codes && rows >= ROWS_LEAST && is_surely_code(code);
        let mut rest = 0;
        let one = |code: Option<&str>, rows| KeptBack {
            caption: caption.to_owned(),
            rule: rule.to_owned(),
            code: code.map(ToOwned::to_owned),
            rows,
        };
        for (code, rows) in values {
            match code.filter(|code| may(code, rows)) {
                Some(code) => kept.push(one(Some(code), rows)),
                None => rest += rows,
            }
        }
        if rest > 0 {
            kept.push(one(None, rest));
        }
    }
    kept.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.cmp(b)));
    if kept.len() > SORTS_MAX {
        count_others(&mut kept, SORTS_MAX - 1);
    }
    kept
}

/// Leaves the first sorts of rows as they are, and counts those behind them as [`OTHERS`].
pub fn count_others(kept: &mut Vec<KeptBack>, first: usize) {
    let rows = kept.split_off(first.min(kept.len())).iter().map(|one| one.rows).sum();
    if rows > 0 {
        kept.push(KeptBack { caption: String::new(), rule: OTHERS.to_owned(), code: None, rows });
    }
}

impl SourceTold {
    /// The same without how many rows there are: as long as this stays, nobody has anything new to mend.
    #[must_use]
    pub fn without_rows(&self) -> Self {
        let mut told = self.clone();
        told.kept.iter_mut().for_each(|kept| kept.rows = 0);
        told.kept.sort();
        told
    }

    /// Checks that nothing is told that may not be.
    ///
    /// # Errors
    /// [`Invalid`] naming the field.
    pub fn check(&self) -> Result<(), Invalid> {
        line("name", &self.name, 64)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.connector.is_empty() || self.connector.len() > 32 || !self.connector.chars().all(plain) {
            return Err(Invalid::new("connector", "must be a connector's short name"));
        }
        if self.mapping.len() > 16 || !self.mapping.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Invalid::new("mapping", "must be at most 16 hexadecimal digits"));
        }
        self.refused.iter().try_for_each(|refused| rule("refused_rule", refused))?;
        if self.kept.len() > SORTS_MAX {
            return Err(Invalid::new("kept_back", "must be at most 100 sorts of rows"));
        }
        let mut codes: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for kept in &self.kept {
            let codes = codes.entry((&kept.caption, &kept.rule)).or_default();
            *codes += usize::from(kept.code.is_some());
            if *codes > CODES_MAX {
                return Err(Invalid::new("code", "must be of a column that has 30 of them at most"));
            }
            rule("rule", &kept.rule)?;
            if !kept.caption.is_empty() {
                line("caption", &kept.caption, 64)?;
            }
            if kept.rows == 0 {
                return Err(Invalid::new("rows", "must be 1 at least"));
            }
            if kept.code.as_deref().is_some_and(|code| kept.rows < ROWS_LEAST || !is_surely_code(code)) {
                return Err(Invalid::new(
                    "code",
                    "must be a code that 5 rows have at least; others are counted alone",
                ));
            }
        }
        Ok(())
    }
}

fn rule(field: &'static str, text: &str) -> Result<(), Invalid> {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    match (1..=32).contains(&text.len()) && text.bytes().all(plain) {
        true => Ok(()),
        false => Err(Invalid::new(field, "must be a rule’s name: capitals, digits and hyphens, at most 32")),
    }
}

fn line(field: &'static str, text: &str, most: usize) -> Result<(), Invalid> {
    let odd = |c: char| c.is_control() || is_direction_mark(c);
    match !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(odd) {
        true => Ok(()),
        false => {
            Err(Invalid::new(field, "must be one line of 1 to 64 characters, without control characters"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As connectors count them: whatever is surely no code is counted as one.
    fn counted(rows: &[(&str, u64)]) -> Counted {
        let mut counted = Counted::new();
        for (value, rows) in rows {
            let code = is_surely_code(value).then(|| (*value).to_owned());
            *counted.entry(("Mark".to_owned(), "ATT-UNKNOWN-CODE".to_owned(), code)).or_default() += rows;
        }
        counted
    }

    fn codes(told: &[KeptBack]) -> Vec<(Option<&str>, u64)> {
        told.iter().map(|one| (one.code.as_deref(), one.rows)).collect()
    }

    #[test]
    fn of_a_column_of_names_only_a_count_is_told_however_short_some_of_them_are() {
        let short = [
            "LI", "LEE", "ALI", "KIM", "LAW", "COX", "FOX", "NG", "WU", "XU", "RAY", "MAY", "DAY", "A1", "B",
        ];
        let long: Vec<String> = (0..580).map(|n| format!("WHITLOW{}", "A".repeat(n % 9))).collect();
        let rows: Vec<(&str, u64)> =
            short.into_iter().chain(long.iter().map(String::as_str)).map(|name| (name, 5)).collect();
        assert_eq!(codes(&may_be_told(&counted(&rows))), [(None, 2_975)]);
        // As an agent of before may have counted them.
        let named = |name: &str| ("Mark".to_owned(), "ATT-UNKNOWN-CODE".to_owned(), Some(name.to_owned()));
        let counted: Counted = short[..13].iter().map(|name| (named(name), 90)).collect();
        assert_eq!(codes(&may_be_told(&counted)), [(None, 1_170)]);
    }

    #[test]
    fn few_rows_are_counted_alone_and_so_is_a_column_with_many_values() {
        let told = may_be_told(&counted(&[("Z", 50), ("Q9", 2), ("Khan", 40)]));
        assert_eq!(
            codes(&told),
            [(Some("Z"), 50), (None, 42)],
            "of a name and of two rows only that there are some"
        );
        let told = may_be_told(&counted(&[("Z", 39), ("Khan", 40)]));
        assert_eq!(codes(&told), [(None, 79)], "most are no codes");
        let many: Counted = (0..31).flat_map(|n| counted(&[(&format!("X{n}"), 10)])).collect();
        let told = may_be_told(&many);
        assert_eq!(codes(&told), [(None, 310)]);
        let sorts: Counted = (0..150).map(|n| ((format!("C{n}"), "CSV-DATE".to_owned(), None), 1)).collect();
        let told = may_be_told(&sorts);
        assert_eq!((told.len(), told[SORTS_MAX - 1].rule.as_str()), (SORTS_MAX, OTHERS));
        assert_eq!(told.iter().map(|one| one.rows).sum::<u64>(), 150, "none is lost");
    }

    #[test]
    fn the_hub_takes_nothing_that_an_agent_may_not_tell() {
        let kept = |code: Option<&str>, rows| KeptBack {
            caption: "Mark".to_owned(),
            rule: "ATT-UNKNOWN-CODE".to_owned(),
            code: code.map(ToOwned::to_owned),
            rows,
        };
        let source = |kept: Vec<KeptBack>| SourceTold {
            name: "marks".to_owned(),
            connector: "delimited".to_owned(),
            mapping: "0123abcd".to_owned(),
            refused: None,
            kept,
        };
        assert_eq!(source(vec![kept(Some("Z"), 5), kept(None, 1)]).check(), Ok(()));
        let broken = |source: SourceTold| source.check().unwrap_err().field;
        assert_eq!(broken(source(vec![kept(Some("Z"), 4)])), "code");
        assert_eq!(broken(source(vec![kept(Some("Khan"), 50)])), "code");
        assert_eq!(broken(source(vec![kept(Some("LEE"), 50)])), "code");
        let many = (0..31).map(|n| kept(Some(&format!("X{n}")), 50)).collect();
        assert_eq!(broken(source(many)), "code");
        assert_eq!(broken(source(vec![kept(None, 0)])), "rows");
        assert_eq!(broken(SourceTold { mapping: "marks.toml".to_owned(), ..source(Vec::new()) }), "mapping");
        assert_eq!(broken(SourceTold { name: "a\nb".to_owned(), ..source(Vec::new()) }), "name");
        let text = KeptBack { rule: "no such rule".to_owned(), ..kept(None, 1) };
        assert_eq!(broken(source(vec![text])), "rule");
    }
}
