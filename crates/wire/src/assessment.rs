//! Assessment: its field groups to and from the schema.

use crate::{pb::assessment::v1 as pb, read};
use commonroll_core::{
    Invalid,
    record::{
        Text,
        assessment::{GradeKind, GradeValue, PointsGiven, ResultGiven},
    },
};

/// Most characters of a comment.
const COMMENT_MAX: usize = 1_000;

/// Group 2 as the schema writes it.
pub fn write_result(result: &ResultGiven) -> pb::Result {
    let (grade, special) = write_value(&result.value);
    let points = result.points.as_ref();
    pb::Result {
        kind: write_kind(result.kind) as i32,
        scale_id: result.scale_id.clone(),
        scale_version: result.scale_version.clone(),
        grade,
        special_value: special as i32,
        subject: result.subject.as_str().to_owned(),
        title: result.title.as_str().to_owned(),
        result_set: result.result_set.as_str().to_owned(),
        points_as_given: points.map(|p| p.points.clone()).unwrap_or_default(),
        point_system: points.map(|p| p.system.clone()).unwrap_or_default(),
    }
}

/// Reads group 2.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_result(result: pb::Result) -> Result<ResultGiven, Invalid> {
    ResultGiven {
        kind: read_kind(result.kind)?,
        subject: Text::parse("subject", &result.subject, 100)?,
        title: Text::parse("title", &result.title, 200)?,
        result_set: Text::parse("result_set", &result.result_set, 100)?,
        value: read_value(result.special_value, result.grade)?,
        points: read_points(result.points_as_given, result.point_system)?,
        scale_id: result.scale_id,
        scale_version: result.scale_version,
    }
    .check()
}

/// Group 3 as the schema writes it.
pub fn write_comment(comment: &Text) -> pb::AssessmentComment {
    pb::AssessmentComment { text: comment.as_str().to_owned() }
}

/// Reads group 3.
///
/// # Errors
/// [`Invalid`] naming `text`.
pub fn read_comment(comment: &pb::AssessmentComment) -> Result<Text, Invalid> {
    Text::parse("text", &comment.text, COMMENT_MAX)
}

fn read_points(points: String, system: String) -> Result<Option<PointsGiven>, Invalid> {
    match (points.is_empty(), system.is_empty()) {
        (true, true) => Ok(None),
        (false, false) => Ok(Some(PointsGiven { points, system })),
        (true, false) => Err(Invalid::new("points_as_given", "must be given together with point_system")),
        (false, true) => Err(Invalid::new("point_system", "must be given together with points_as_given")),
    }
}

fn write_value(value: &GradeValue) -> (String, pb::SpecialValue) {
    let special = match value {
        GradeValue::Given(grade) => return (grade.clone(), pb::SpecialValue::Unspecified),
        GradeValue::Ungraded => pb::SpecialValue::Ungraded,
        GradeValue::NoResult => pb::SpecialValue::NoResult,
        GradeValue::Pending => pb::SpecialValue::Pending,
        GradeValue::Withheld => pb::SpecialValue::Withheld,
        GradeValue::NotAssessed => pb::SpecialValue::NotAssessed,
    };
    (String::new(), special)
}

fn read_value(special: i32, grade: String) -> Result<GradeValue, Invalid> {
    let special = match read::known("special_value", special)? {
        pb::SpecialValue::Unspecified => return Ok(GradeValue::Given(grade)),
        pb::SpecialValue::Ungraded => GradeValue::Ungraded,
        pb::SpecialValue::NoResult => GradeValue::NoResult,
        pb::SpecialValue::Pending => GradeValue::Pending,
        pb::SpecialValue::Withheld => GradeValue::Withheld,
        pb::SpecialValue::NotAssessed => GradeValue::NotAssessed,
    };
    if grade.is_empty() {
        Ok(special)
    } else {
        Err(Invalid::new("grade", "must be empty where a special value stands in its place"))
    }
}

fn write_kind(kind: GradeKind) -> pb::GradeKind {
    match kind {
        GradeKind::Prior => pb::GradeKind::Prior,
        GradeKind::MinimumTarget => pb::GradeKind::MinimumTarget,
        GradeKind::TeacherTarget => pb::GradeKind::TeacherTarget,
        GradeKind::WorkingAt => pb::GradeKind::WorkingAt,
        GradeKind::Predicted => pb::GradeKind::Predicted,
        GradeKind::Mock => pb::GradeKind::Mock,
        GradeKind::Effort => pb::GradeKind::Effort,
        GradeKind::Final => pb::GradeKind::Final,
        GradeKind::Assignment => pb::GradeKind::Assignment,
    }
}

fn read_kind(number: i32) -> Result<GradeKind, Invalid> {
    let kind = match read::known("kind", number)? {
        pb::GradeKind::Unspecified => None,
        pb::GradeKind::Prior => Some(GradeKind::Prior),
        pb::GradeKind::MinimumTarget => Some(GradeKind::MinimumTarget),
        pb::GradeKind::TeacherTarget => Some(GradeKind::TeacherTarget),
        pb::GradeKind::WorkingAt => Some(GradeKind::WorkingAt),
        pb::GradeKind::Predicted => Some(GradeKind::Predicted),
        pb::GradeKind::Mock => Some(GradeKind::Mock),
        pb::GradeKind::Effort => Some(GradeKind::Effort),
        pb::GradeKind::Final => Some(GradeKind::Final),
        pb::GradeKind::Assignment => Some(GradeKind::Assignment),
    };
    read::required("kind", kind)
}
