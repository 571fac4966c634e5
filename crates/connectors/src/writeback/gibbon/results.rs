//! Gibbon: a partner's result as a line of `gibbonInternalAssessmentEntry`, where its screens of internal assessments show it.
//!
//! Gibbon has one line for each learner in a column, and a column belongs to a class. So the school makes the columns, by the name that
//! it gave to what a grade claims, and says which class the host's group is and which of its scales a partner's is: neither is
//! guessed, and no grade is turned into another. Where a line stands that is not ours, nothing is written, blank or not.
//!
//! The line names our account as its last editor and bears a tag at the end of its comment, whose code is a sum over all that we
//! wrote: a line that somebody has saved anew is theirs and stays. Effort and response are the school's own to fill in.

use super::{
    Outcome, Step, Talk, Target, Value, applied, cell,
    lines::{Lines, Own, plain, someone, sum, tag},
    refused, taker, text,
};
use crate::{
    render::AssessmentRow,
    writeback::{Tag, number, tagged},
};

/// Characters of our words in a comment, and of all of it.
const WORDS_MAX: usize = 3_900;
const COMMENT_MAX: usize = 4_000;

const CHANGED: &str = "somebody has saved this result anew in the MIS; what a person made stays";
const HOME: &str = "the learner has a line of the school's own in that column; what a person made stays";
const OTHER: &str = "another of the partners' results stands in that column; make one more column, named by the aspect, a space and the \
                     result set";
const OLDER: &str = "what an older revision said still stands there: correct it, or take it out";
const NOTHING: &str = "the grade is withheld, so there is nothing to enter";
const NO_GROUP: &str =
    "the partner doesn't say in which group it was given, so no class here is known; enter it by hand";
const NO_CLASS: &str = "the learner is in no class here that is the host's group in that day's school year; name the class under \
                        outbox.apply.groups, or enter it by hand";
const NO_COLUMN: &str = "the learner's class has no internal assessment of the name that outbox.names.aspects gives, with attainment on a \
                         scale and with comments; make one (Assess > Manage Internal Assessments)";
const COLUMNS: &str =
    "the learner's class has several internal assessments of that name, and which one is meant can't be told";
const NO_SCALE: &str = "the column's scale is not said to be the partner's; name its short name under outbox.apply.scales, or give the \
                        column the scale that is named there";
const NO_GRADE: &str =
    "the column's scale has no such grade, and no other is put in its place; enter it by hand";

/// Grade, its descriptor, effort, its descriptor, comment and response are the parts of a line, and behind them stands its column.
const LINES: Lines = Lines {
    table: "gibbonInternalAssessmentEntry",
    key: "gibbonInternalAssessmentEntryID",
    learner: "gibbonPersonIDStudent",
    says: "concat(gibbonInternalAssessmentEntryID), concat(gibbonPersonIDLastEdit), coalesce(attainmentValue, ''), \
           coalesce(attainmentDescriptor, ''), coalesce(effortValue, ''), coalesce(effortDescriptor, ''), coalesce(comment, ''), \
           coalesce(response, ''), concat(gibbonInternalAssessmentColumnID)",
    changed: CHANGED,
};

/// What is to be done next for a row, after what was answered.
pub(super) fn plan(target: &Target, row: &AssessmentRow, talk: &mut Talk<'_>) -> Result<Step, Step> {
    let editor = taker(target, talk)?;
    let learner = number(&row.head)?;
    let own = LINES.own(&row.head, (learner, editor), talk)?;
    if row.head.withdrawn || (row.kind.is_empty() && own.is_some()) {
        return LINES.withdraw(own, &row.head, talk);
    }
    if own.as_ref().is_some_and(|own| own.revision > row.head.revision) {
        return Ok(applied("it stands there already"));
    }
    if row.kind.is_empty() {
        return Ok(refused(NOTHING));
    }
    let own_line = own.as_ref();
    let (column, entry) =
        place(target, row, (learner, editor), own_line, talk).map_err(|step| match step {
            Step::Done(Outcome::Refused(why)) if own_line.is_some() => refused(&format!("{why}; {OLDER}")),
            step => step,
        })?;
    let said = entry.comment(row);
    // The same revision may come again with other fields, as after an agreement has changed.
    if own.as_ref().is_some_and(|own| own.comment == said && own.number == column.id) {
        return Ok(applied("it stands there already"));
    }
    match own {
        Some(own) => talk.change(
            "update gibbonInternalAssessmentEntry set gibbonInternalAssessmentColumnID = ?, attainmentValue = ?, \
             attainmentDescriptor = ?, comment = ? where gibbonInternalAssessmentEntryID = ? and gibbonPersonIDLastEdit = ? \
             and comment = ?",
            &[
                column.id.into(),
                entry.value.as_str().into(),
                entry.descriptor.as_str().into(),
                said.as_str().into(),
                own.id.into(),
                editor.into(),
                own.comment.into(),
            ],
        )?,
        None => talk.change(
            "insert into gibbonInternalAssessmentEntry (gibbonInternalAssessmentColumnID, gibbonPersonIDStudent, attainmentValue, \
             attainmentDescriptor, comment, gibbonPersonIDLastEdit) values (?, ?, ?, ?, ?, ?)",
            &[
                column.id.into(),
                learner.into(),
                entry.value.as_str().into(),
                entry.descriptor.as_str().into(),
                said.as_str().into(),
                editor.into(),
            ],
        )?,
    }
    let stands = talk.ask(
        "select concat(gibbonPersonIDLastEdit), coalesce(attainmentValue, ''), coalesce(attainmentDescriptor, '') \
         from gibbonInternalAssessmentEntry where gibbonInternalAssessmentColumnID = ? and gibbonPersonIDStudent = ? and comment = ?",
        &[column.id.into(), learner.into(), said.into()],
    )?;
    match stands {
        [one]
            if cell(one, 0) == editor && text(one, 1) == entry.value && text(one, 2) == entry.descriptor =>
        {
            Ok(applied(""))
        }
        _ => Ok(refused("what was written could not be read back, so nothing was written")),
    }
}

/// In which column it belongs, and what is written there.
fn place(
    target: &Target,
    row: &AssessmentRow,
    (learner, editor): (i64, i64),
    own: Option<&Own>,
    talk: &mut Talk<'_>,
) -> Result<(Column, Entry), Step> {
    someone(learner, talk)?;
    let class = class(target, row, learner, talk)?;
    let column = column(row, class, talk)?;
    let entry = Entry::of(target, row, &column, talk)?;
    is_free(&column, (learner, editor), own, talk)?;
    Ok((column, entry))
}

/// What is written of a result.
struct Entry {
    value: String,
    descriptor: String,
    words: String,
}

impl Entry {
    /// The grade as the column's own scale has it, to the letter; words where the column has comments.
    fn of(target: &Target, row: &AssessmentRow, column: &Column, talk: &mut Talk<'_>) -> Result<Self, Step> {
        // Behind the last blank stands the version.
        let scale = row.scale.rsplit_once(' ').map_or(row.scale.as_str(), |(id, _)| id);
        if target.scales.get(scale).is_none_or(|named| *named != column.scale_name) {
            return Err(refused(NO_SCALE));
        }
        let grades = talk.ask(
            "select value, descriptor from gibbonScaleGrade where gibbonScaleID = ?",
            &[column.scale.into()],
        )?;
        let mut same = grades.iter().filter(|grade| text(grade, 0) == row.grade);
        let (Some(grade), None) = (same.next(), same.next()) else { return Err(refused(NO_GRADE)) };
        let from: [&str; 4] = [row.head.source.as_str(), &row.subject, &row.title, &row.comment];
        let words: Vec<&str> = from.into_iter().filter(|part| !part.is_empty()).collect();
        Ok(Self {
            value: text(grade, 0).to_owned(),
            descriptor: text(grade, 1).to_owned(),
            words: plain(&words.join("; "), WORDS_MAX),
        })
    }

    /// The comment with its tag.
    fn comment(&self, row: &AssessmentRow) -> String {
        let code = sum([&self.value, &self.descriptor, "", "", &self.words, ""]);
        let tag = Tag { session: None, record: row.head.record, revision: row.head.revision, code };
        tagged(&self.words, &tag, COMMENT_MAX)
    }
}

/// The learner's own class that the host's group is, or that has its name.
fn class(target: &Target, row: &AssessmentRow, learner: i64, talk: &mut Talk<'_>) -> Result<i64, Step> {
    let name = target.groups.get(&row.group).unwrap_or(&row.group);
    if name.is_empty() {
        return Err(refused(NO_GROUP));
    }
    let date = Value::from(row.head.date.to_string());
    let classes = talk.ask(
        "select concat(k.gibbonCourseClassID) from gibbonSchoolYear y \
         join gibbonCourse c on c.gibbonSchoolYearID = y.gibbonSchoolYearID \
         join gibbonCourseClass k on k.gibbonCourseID = c.gibbonCourseID \
         join gibbonCourseClassPerson m on m.gibbonCourseClassID = k.gibbonCourseClassID and m.gibbonPersonID = ? \
           and m.role = 'Student' \
         where concat(c.nameShort, '.', k.nameShort) = ? \
           and (cast(? as date) between y.firstDay and y.lastDay or y.firstDay is null and y.status = 'Current')",
        &[learner.into(), name.as_str().into(), date],
    )?;
    match classes {
        [one] => Ok(cell(one, 0)),
        _ => Err(refused(NO_CLASS)),
    }
}

/// A column of internal assessments.
struct Column {
    id: i64,
    scale: i64,
    scale_name: String,
}

/// The class's column for what the grade claims: the one of its result set, where there is such, else the one for all.
fn column(row: &AssessmentRow, class: i64, talk: &mut Talk<'_>) -> Result<Column, Step> {
    let columns = talk.ask(
        "select m.name, concat(m.gibbonInternalAssessmentColumnID), concat(s.gibbonScaleID), s.nameShort \
         from gibbonInternalAssessmentColumn m join gibbonScale s on s.gibbonScaleID = m.gibbonScaleIDAttainment \
         where m.gibbonCourseClassID = ? and m.attainment = 'Y' and m.comment = 'Y'",
        &[class.into()],
    )?;
    let of_set = format!("{} {}", row.aspect, row.result_set);
    let named = |name: &str| columns.iter().filter(|one| text(one, 0) == name).collect::<Vec<_>>();
    let found = Some(named(&of_set)).filter(|found| !found.is_empty()).unwrap_or_else(|| named(&row.aspect));
    match found.as_slice() {
        [one] => Ok(Column { id: cell(one, 1), scale: cell(one, 2), scale_name: text(one, 3).to_owned() }),
        [] => Err(refused(NO_COLUMN)),
        _ => Err(refused(COLUMNS)),
    }
}

/// Refuses if the learner has another line than our own in the column. Nothing is locked for it: there is no index to find such a line
/// by, and Gibbon's own page looks without a lock before it saves, so none of ours would keep a second line away.
fn is_free(
    column: &Column,
    (learner, editor): (i64, i64),
    own: Option<&Own>,
    talk: &mut Talk<'_>,
) -> Result<(), Step> {
    let there = talk.ask(
        format!(
            "select {} from {} where gibbonInternalAssessmentColumnID = ? and gibbonPersonIDStudent = ?",
            LINES.says, LINES.table
        ),
        &[column.id.into(), learner.into()],
    )?;
    let mut others = there.iter().filter(|line| own.is_none_or(|own| own.id != cell(line, 0))).peekable();
    if others.peek().is_none() {
        return Ok(());
    }
    let all_ours = others.all(|line| tag(line, editor).is_some());
    Err(refused(if all_ours { OTHER } else { HOME }))
}
