//! One row is one result, or several results side by side.
//!
//! A grade stays as it was given. U, X, Q, # and blank stand for their facts on every scale, unless the mapping says
//! otherwise; none of them is zero.

use super::{
    bound::{Bad, Bound},
    common::{At, Common, words},
    plan::{Captions, optional, required},
};
use crate::{
    connector::{FileFault, Settings},
    grades,
    item::Draft,
    mapping::{Columns, DateFormat, Special, WideResult},
    parse,
};
use commonroll_core::{
    Body, RecordKind, SchoolDate,
    record::{
        Assessment, Text,
        assessment::{GradeKind, PointsGiven, ResultGiven},
    },
};
use std::collections::BTreeMap;

/// Rows of results.
pub struct Results {
    common: Common,
    shape: Shape,
    subject: Option<Bound>,
    result_set: Option<Bound>,
    points: Option<Bound>,
    point_system: Option<Bound>,
    comment: Option<Bound>,
    special: BTreeMap<String, Special>,
}

enum Shape {
    /// One result in a row.
    Long(Box<Long>),
    /// Several results in a row.
    Wide(Vec<Wide>),
}

struct Long {
    grade: Bound,
    scale: Bound,
    version: Option<Bound>,
    kind: Bound,
    title: Option<Bound>,
}

struct Wide {
    grade: Bound,
    given: WideResult,
    title: Text,
    subject: Text,
    result_set: Text,
    date: Option<SchoolDate>,
}

impl Results {
    pub fn bind(mapping: &Columns, captions: &Captions, settings: &Settings) -> Result<Self, FileFault> {
        let field = |name| optional(name, mapping, captions);
        let common = Common::bind(RecordKind::Assessment, mapping, captions, settings)?;
        let (subject, result_set) = (field("subject")?, field("result_set")?);
        let (points, point_system, comment) = (field("points")?, field("point_system")?, field("comment")?);
        let is_wide = !mapping.result.is_empty() || mapping.wide.is_some();
        let shape = match is_wide {
            true => Shape::Wide(side_by_side(mapping, captions)?),
            false => Shape::Long(Box::new(Long {
                grade: required("grade", mapping, captions)?,
                scale: required("scale", mapping, captions)?,
                version: field("scale_version")?,
                kind: required("kind", mapping, captions)?,
                title: field("title")?,
            })),
        };
        let special = mapping.special.clone();
        Ok(Self { common, shape, subject, result_set, points, point_system, comment, special })
    }

    pub fn date(&self, at: At<'_, '_>) -> Result<Option<SchoolDate>, Bad> {
        if self.common.has_date() { self.common.date(at).map(Some) } else { Ok(None) }
    }

    /// Gives each result of the row. A bad result doesn't hold up the row's others.
    pub fn row(&self, at: At<'_, '_>, date: Option<SchoolDate>, give: &mut dyn FnMut(Result<Draft, Bad>)) {
        match &self.shape {
            Shape::Long(long) => give(self.long(at, date, long)),
            Shape::Wide(results) => results.iter().for_each(|wide| give(self.wide(at, date, wide))),
        }
    }

    fn long(&self, at: At<'_, '_>, date: Option<SchoolDate>, long: &Long) -> Result<Draft, Bad> {
        let Long { grade, scale, version, kind, title } = long;
        let kind_name = kind.text(at.row, at.number)?;
        let result = ResultGiven {
            kind: grades::kind(&kind_name)
                .ok_or_else(|| kind.bad("CSV-VALUE", "is no kind of grade; see `values` in the README"))?,
            scale_id: scale.text(at.row, at.number)?.into_owned(),
            scale_version: match version {
                Some(bound) => bound.text(at.row, at.number)?.into_owned(),
                None => "1".to_owned(),
            },
            value: grades::value(&grade.text(at.row, at.number)?, &self.special),
            subject: words(self.subject.as_ref(), at, 100)?,
            title: words(title.as_ref(), at, 200)?,
            result_set: words(self.result_set.as_ref(), at, 100)?,
            points: self.points(at)?,
        };
        self.draft(at, date, "", result, grade)
    }

    fn wide(&self, at: At<'_, '_>, date: Option<SchoolDate>, wide: &Wide) -> Result<Draft, Bad> {
        let subject = words(self.subject.as_ref(), at, 100)?;
        let result_set = words(self.result_set.as_ref(), at, 100)?;
        let kind: GradeKind = wide.given.kind;
        let result = ResultGiven {
            kind,
            scale_id: wide.given.scale.clone(),
            scale_version: wide.given.scale_version.clone(),
            value: grades::value(&wide.grade.text(at.row, at.number)?, &self.special),
            subject: if wide.subject.is_empty() { subject } else { wide.subject.clone() },
            title: wide.title.clone(),
            result_set: if wide.result_set.is_empty() { result_set } else { wide.result_set.clone() },
            points: None,
        };
        self.draft(at, wide.date.or(date), &wide.given.column, result, &wide.grade)
    }

    fn draft(
        &self,
        at: At<'_, '_>,
        date: Option<SchoolDate>,
        suffix: &str,
        result: ResultGiven,
        grade: &Bound,
    ) -> Result<Draft, Bad> {
        let date =
            date.ok_or_else(|| Bad::new("", "CSV-DATE", "the mapping must say where the date comes from"))?;
        let comment = words(self.comment.as_ref(), at, 1000)?;
        let body = Assessment {
            result: Some(result.check().map_err(|invalid| grade.invalid("CSV-GRADE", &invalid))?),
            comment: (!comment.is_empty()).then_some(comment),
        };
        self.common.draft(at, date, suffix, Body::Assessment(body))
    }

    fn points(&self, at: At<'_, '_>) -> Result<Option<PointsGiven>, Bad> {
        let (Some(points), Some(system)) = (&self.points, &self.point_system) else { return Ok(None) };
        let text = points.text(at.row, at.number)?;
        if text.is_empty() {
            return Ok(None);
        }
        Ok(Some(PointsGiven {
            points: text.into_owned(),
            system: system.text(at.row, at.number)?.into_owned(),
        }))
    }
}

/// The results of a row: those that the mapping names, and those whose captions look as it says. All other fields must
/// have their columns by now.
fn side_by_side(mapping: &Columns, captions: &Captions) -> Result<Vec<Wide>, FileFault> {
    let named = mapping.result.iter().map(|given| Wide::bind(given, captions));
    let mut results = named.collect::<Result<Vec<_>, _>>()?;
    let Some(wide) = &mapping.wide else { return Ok(results) };
    let alike = captions.unused(&mapping.ignore);
    for given in alike.iter().filter_map(|caption| wide.result(caption)) {
        results.push(Wide::bind(&given, captions)?);
    }
    if results.is_empty() {
        let fix =
            format!("no caption looks like `{}`; compare `wide.columns` with the captions", wide.columns);
        return Err(FileFault::content("CSV-CAPTION-MISSING", None, fix));
    }
    Ok(results)
}

impl Wide {
    fn bind(given: &WideResult, captions: &Captions) -> Result<Self, FileFault> {
        let column = captions.find(&given.column)?;
        let text = |text: Option<&str>, max| {
            Text::parse("result", text.unwrap_or_default(), max)
                .map_err(|invalid| FileFault::mapping("MAP-RESULT", format!("[[result]]: {invalid}")))
        };
        let date = match &given.date {
            None => None,
            Some(date) => Some(parse::date(date, DateFormat::Iso).ok_or_else(|| {
                FileFault::mapping("MAP-RESULT", "[[result]]: `date` must be written as YYYY-MM-DD")
            })?),
        };
        Ok(Self {
            grade: Bound::column(&given.column, column),
            title: text(given.title.as_deref().or(Some(&given.column)), 200)?,
            subject: text(given.subject.as_deref(), 100)?,
            result_set: text(given.result_set.as_deref(), 100)?,
            date,
            given: given.clone(),
        })
    }
}
