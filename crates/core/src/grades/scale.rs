//! A grade scale, as data: ours come from `scales`, a consortium may load its own.
//!
//! Rows stand best first; a grade's rank is its distance from the last row. An own scale is checked when it is read.

use super::clean::{clean, compact};
use crate::{confidence::Confidence, ids::Invalid, time::SchoolDate};
use serde::Deserialize;

/// More grades than any scale has; bounds what a hostile file can cost.
const MAX_GRADES: usize = 200;

/// A scale in one version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ScaleFile")]
pub struct Scale {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) source: String,
    pub(super) dates: (Option<SchoolDate>, Option<SchoolDate>),
    pub(super) size_hundredths: Option<u16>,
    pub(super) form: Form,
    pub(super) fine: Fine,
    pub(super) words: bool,
    pub(super) ordered: bool,
    pub(super) grades: Vec<GradeRow>,
    pub(super) aliases: Vec<Alias>,
}

/// How a scale's grades are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One of a list.
    List,
    /// One of a list, each grade made of so many block grades out of D*, D, M and P.
    Blocks(u8),
    /// A number of hundredths up to this maximum.
    Number {
        /// Highest mark, in hundredths.
        max_hundredths: u32,
    },
}

/// Which finer steps a grade of the scale may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fine {
    /// None.
    #[default]
    None,
    /// `+` and `-`.
    Signs,
    /// Signs, and also `B1` `B2` `B3` or `4a` `4b` `4c`, the first of them the best (our knowledge of the field).
    Steps,
}

/// One grade.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradeRow {
    /// As written in canonical form, 1 to 32 characters.
    pub code: String,
    /// DfE performance points, if known.
    #[serde(default)]
    pub points_dfe: Option<Points>,
    /// UCAS Tariff points, if known.
    #[serde(default)]
    pub points_ucas: Option<Points>,
    /// May be awarded for the whole qualification. False for a grade that only a unit can have.
    #[serde(default = "yes")]
    pub terminal: bool,
}

/// Points of a grade, and how well they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Points {
    /// Points in hundredths.
    pub hundredths: u32,
    /// How well they are known.
    pub confidence: Confidence,
}

impl Points {
    /// The points.
    pub fn value(self) -> f64 {
        f64::from(self.hundredths) / 100.0
    }
}

/// Another way to write a grade, or a name for a range of grades.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// As written, in upper case without spaces.
    pub text: &'static str,
    /// The worse end, a code of the scale.
    pub low: &'static str,
    /// The better end; the same as `low` for one grade.
    pub high: &'static str,
}

impl Scale {
    /// Raw marks from 0 to a maximum of at most 100,000, such as `raw-0-100`.
    pub fn raw(max: u32, version: &str) -> Result<Self, Invalid> {
        if max == 0 || max > 100_000 {
            return Err(Invalid::new("scale_id", "a raw scale must end between 1 and 100000"));
        }
        check_text("scale_version", version, 32)?;
        Ok(Self {
            id: format!("raw-0-{max}"),
            version: version.to_owned(),
            source: "marks".to_owned(),
            form: Form::Number { max_hundredths: max * 100 },
            ..Self::empty()
        })
    }

    /// A scale without grades, to be filled.
    pub(super) fn empty() -> Self {
        Self {
            id: String::new(),
            version: String::new(),
            source: String::new(),
            dates: (None, None),
            size_hundredths: None,
            form: Form::List,
            fine: Fine::None,
            words: false,
            ordered: true,
            grades: Vec::new(),
            aliases: Vec::new(),
        }
    }

    /// Short name, such as `gce-a-level`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Version, such as `2024`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where it comes from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// True on the dates for which the version is meant; open ends are `None` in the data.
    pub fn is_valid_on(&self, date: SchoolDate) -> bool {
        self.dates.0.is_none_or(|first| first <= date) && self.dates.1.is_none_or(|last| date <= last)
    }

    /// Size in hundredths of an A level, if the scale belongs to one size of qualification.
    pub const fn size_hundredths(&self) -> Option<u16> {
        self.size_hundredths
    }

    /// How grades are written.
    pub const fn form(&self) -> Form {
        self.form
    }

    /// False if it isn't known which end is the better one, as with effort grades. Then ranks can't be compared.
    pub const fn ordered(&self) -> bool {
        self.ordered
    }

    /// The grades, best first.
    pub fn grades(&self) -> &[GradeRow] {
        &self.grades
    }

    /// The row of a canonical code.
    pub fn grade(&self, code: &str) -> Option<&GradeRow> {
        self.grades.iter().find(|row| row.code == code)
    }

    /// Distance of a canonical code from the last row.
    pub(super) fn rank(&self, code: &str) -> Option<f64> {
        let at = self.grades.iter().rev().position(|row| row.code == code)?;
        u16::try_from(at).ok().map(f64::from)
    }
}

const fn yes() -> bool {
    true
}

fn check_text(field: &'static str, text: &str, max: usize) -> Result<(), Invalid> {
    if text.is_empty() || text.len() > max || text.chars().any(char::is_control) {
        return Err(Invalid::new(
            field,
            "must have visible characters: a scale's id up to 64, all else up to 32",
        ));
    }
    Ok(())
}

/// A consortium's own scale as it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaleFile {
    id: String,
    version: String,
    source: String,
    #[serde(default)]
    valid_from: Option<SchoolDate>,
    #[serde(default)]
    valid_to: Option<SchoolDate>,
    #[serde(default)]
    size_hundredths: Option<u16>,
    #[serde(default)]
    fine: Fine,
    #[serde(default = "yes")]
    ordered: bool,
    /// Best first.
    grades: Vec<GradeRow>,
}

impl TryFrom<ScaleFile> for Scale {
    type Error = Invalid;
    fn try_from(file: ScaleFile) -> Result<Self, Invalid> {
        check_text("scale_id", &file.id, 64)?;
        check_text("scale_version", &file.version, 32)?;
        if file.grades.is_empty() || file.grades.len() > MAX_GRADES {
            return Err(Invalid::new("grades", "must list 1 to 200 grades, best first"));
        }
        let mut keys = std::collections::BTreeSet::new();
        for row in &file.grades {
            check_text("code", &row.code, 32)?;
            let key =
                clean(&row.code).map_err(|_| Invalid::new("code", "must not hold invisible characters"))?;
            if key.is_empty() || key != row.code.to_ascii_uppercase() {
                return Err(Invalid::new("code", "must be written with a plain * and - and without padding"));
            }
            if !keys.insert(compact(&key)) {
                return Err(Invalid::new("code", "must not stand twice; case and spaces make no difference"));
            }
        }
        Ok(Self {
            id: file.id,
            version: file.version,
            source: file.source,
            dates: (file.valid_from, file.valid_to),
            size_hundredths: file.size_hundredths,
            fine: file.fine,
            ordered: file.ordered,
            grades: file.grades,
            ..Self::empty()
        })
    }
}
