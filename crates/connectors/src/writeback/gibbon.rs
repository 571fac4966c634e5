//! Gibbon: a row in `gibbonAttendanceLogPerson`, of context Class where the learner has a class for the lesson, else of context Person.
//!
//! The log is only added to and its newest row wins, so a row of ours behind somebody else's in the same place would overrule it:
//! where somebody else's row stands, nothing is written. That a register was taken is not said: one mark is no register.
//!
//! Gibbon has no sessions but the learner's day, which the newest row of context Person or Form Group is. So the code of the one
//! session that stands for the day is a row of context Person, and no lesson's mark may come behind it there.

mod events;
mod lines;
mod results;

use super::{
    BY_HAND, HOME, NO_PLACE, OURS, Tag, Target, Wanted, Writer, applied, comment, number, pattern, refused,
    talk::{Answer, Outcome, Step, Talk, Value, cell, text},
    wanted,
};
use crate::render::{AssessmentRow, BehaviourRow, MarkRow};
use jiff::civil::Time;

/// Characters of a comment.
const COMMENT_MAX: usize = 255;

const CLASSES_COUNT: &str = "this Gibbon counts marks of classes for the day too (its setting countClassAsSchool), so a later lesson's mark would \
     overrule the session's code; enter it by hand";

/// What a session's place is called here.
const DAY: &str = "day";

/// Writes into Gibbon.
pub struct Gibbon;

impl Writer for Gibbon {
    fn name(&self) -> &'static str {
        "gibbon"
    }

    fn check(&self, target: &Target) -> Result<(), String> {
        let sessions = &target.sessions;
        if [&sessions.am, &sessions.pm].into_iter().flatten().any(|place| place != DAY) {
            return Err(format!(
                "sessions: Gibbon has one mark for the whole day; write \"{DAY}\" for the session whose code it is"
            ));
        }
        if sessions.am.is_some() && sessions.pm.is_some() {
            let fix =
                "sessions: Gibbon has one mark for the whole day, so only one of `am` and `pm` can be it";
            return Err(fix.to_owned());
        }
        Ok(())
    }

    fn writes_alone(&self) -> bool {
        true
    }

    fn step(&self, target: &Target, row: &MarkRow, answers: &[Answer]) -> Step {
        match plan(target, row, &mut Talk::new(answers)) {
            Ok(step) | Err(step) => step,
        }
    }

    fn takes_results(&self) -> bool {
        true
    }

    fn result(&self, target: &Target, row: &AssessmentRow, answers: &[Answer]) -> Step {
        match results::plan(target, row, &mut Talk::new(answers)) {
            Ok(step) | Err(step) => step,
        }
    }

    fn takes_events(&self) -> bool {
        true
    }

    fn event(&self, target: &Target, row: &BehaviourRow, answers: &[Answer]) -> Step {
        match events::plan(target, row, &mut Talk::new(answers)) {
            Ok(step) | Err(step) => step,
        }
    }
}

/// Where a mark belongs.
struct Place {
    context: &'static str,
    class: Option<i64>,
    lesson: Option<i64>,
}

struct Code {
    id: i64,
    name: String,
    direction: String,
}

fn plan(target: &Target, row: &MarkRow, talk: &mut Talk<'_>) -> Result<Step, Step> {
    let taker = taker(target, talk)?;
    let learner = number(&row.head)?;
    let date = Value::from(row.head.date.to_string());
    let own = own(row, (learner, taker), &date, talk)?;
    if row.head.withdrawn {
        return withdraw(own, row, talk);
    }
    if let Some(own) = &own
        && own.is_of(row)
        && own.tag.revision > row.head.revision
    {
        return Ok(applied("it stands there already"));
    }
    lines::someone(learner, talk)?;
    if row.session.is_some() && classes_count(talk)? {
        return Ok(refused(CLASSES_COUNT));
    }
    let code = code(target, row, talk)?;
    let said = comment(row, code.id, COMMENT_MAX);
    // The same revision may come again with other fields, as after an agreement has changed.
    if own.as_ref().is_some_and(|own| own.comment == said) {
        return Ok(applied("it stands there already"));
    }
    let place = place(target, row, learner, talk)?;
    others(&place, row, (learner, taker), &date, talk)?;
    match own {
        Some(own) => talk.change(
            "update gibbonAttendanceLogPerson set gibbonAttendanceCodeID = ?, direction = ?, type = ?, comment = ?, \
             timestampTaken = current_timestamp where gibbonAttendanceLogPersonID = ? and gibbonPersonIDTaker = ? and comment = ?",
            &[
                code.id.into(),
                code.direction.as_str().into(),
                code.name.as_str().into(),
                said.as_str().into(),
                own.id.into(),
                taker.into(),
                own.comment.into(),
            ],
        )?,
        None => talk.change(
            "insert into gibbonAttendanceLogPerson (gibbonAttendanceCodeID, gibbonPersonID, direction, type, reason, context, \
             comment, date, gibbonPersonIDTaker, gibbonCourseClassID, gibbonTTDayRowClassID, timestampTaken) \
             values (?, ?, ?, ?, '', ?, ?, cast(? as date), ?, ?, ?, current_timestamp)",
            &[
                code.id.into(),
                learner.into(),
                code.direction.as_str().into(),
                code.name.as_str().into(),
                place.context.into(),
                said.as_str().into(),
                date.clone(),
                taker.into(),
                Value::Number(place.class),
                Value::Number(place.lesson),
            ],
        )?,
    }
    let stands = talk.ask(
        "select concat(gibbonAttendanceCodeID), concat(gibbonPersonIDTaker), direction from gibbonAttendanceLogPerson \
         where gibbonPersonID = ? and date = cast(? as date) and comment = ?",
        &[learner.into(), date, said.into()],
    )?;
    match stands {
        [one] if cell(one, 0) == code.id && cell(one, 1) == taker && text(one, 2) == code.direction => {
            Ok(applied(""))
        }
        _ => Ok(refused("what was written could not be read back, so nothing was written")),
    }
}

/// A row of ours that nobody has changed.
struct Own {
    id: i64,
    tag: Tag<i64>,
    comment: String,
}

impl Own {
    /// True if it was written for the row's own record.
    fn is_of(&self, row: &MarkRow) -> bool {
        self.tag.record == row.head.record
    }
}

/// The tag of a row with this comment, code and taker; `None` unless it is ours and nobody has changed it.
fn tag(comment: &str, code: i64, by: i64, taker: i64) -> Option<Tag<i64>> {
    Tag::read(comment).filter(|tag: &Tag<i64>| tag.code == code && by == taker)
}

/// Our row of this record, or, for what a person decided of a session, the one that was only proposed for it: a refusal if somebody
/// has made it theirs.
fn own(
    row: &MarkRow,
    (learner, taker): (i64, i64),
    date: &Value,
    talk: &mut Talk<'_>,
) -> Result<Option<Own>, Step> {
    let found = talk.ask(
        "select concat(gibbonAttendanceLogPersonID), concat(coalesce(gibbonAttendanceCodeID, 0)), comment, \
         concat(gibbonPersonIDTaker) from gibbonAttendanceLogPerson \
         where gibbonPersonID = ? and date = cast(? as date) and comment like ? for update",
        &[learner.into(), date.clone(), pattern(row).into()],
    )?;
    let read = |one: &Vec<String>| {
        let tag = tag(text(one, 2), cell(one, 1), cell(one, 3), taker)?;
        Some(Own { id: cell(one, 0), tag, comment: text(one, 2).to_owned() })
    };
    let record = row.head.record.to_string();
    let mut same = found.iter().filter(|one| text(one, 2).contains(&record));
    let one = match (same.next(), same.next(), found) {
        (None, _, []) => return Ok(None),
        (Some(one), None, _) | (None, _, [one]) => one,
        (None, ..) if row.head.withdrawn => return Ok(None),
        _ => return Err(refused(BY_HAND)),
    };
    match read(one) {
        Some(own) if own.is_of(row) || row.decided => Ok(Some(own)),
        _ if row.head.withdrawn && !text(one, 2).contains(&record) => Ok(None),
        Some(_) => Err(refused(OURS)),
        None => Err(refused(BY_HAND)),
    }
}

/// Our own row goes; nobody else's.
fn withdraw(own: Option<Own>, row: &MarkRow, talk: &mut Talk<'_>) -> Result<Step, Step> {
    let Some(own) = own.filter(|own| own.is_of(row)) else { return Ok(applied("nothing of it was there")) };
    if own.tag.revision > row.head.revision {
        return Ok(applied("a newer one stands there"));
    }
    talk.change(
        "delete from gibbonAttendanceLogPerson where gibbonAttendanceLogPersonID = ? and comment = ?",
        &[own.id.into(), own.comment.into()],
    )?;
    let left = talk.ask(
        "select concat(gibbonAttendanceLogPersonID) from gibbonAttendanceLogPerson where gibbonAttendanceLogPersonID = ?",
        &[own.id.into()],
    )?;
    Ok(if left.is_empty() { applied("taken out") } else { refused("it could not be taken out") })
}

/// True if marks of classes count for the day, too. Where the account may not look, Gibbon is taken to be as it is delivered.
fn classes_count(talk: &mut Talk<'_>) -> Result<bool, Step> {
    let seen = talk.ask(
        "select concat(count(*)) from information_schema.columns where table_schema = database() \
         and table_name in ('gibbonSetting', 'gibbonsetting') and column_name in ('scope', 'name', 'value') \
         and privileges like '%select%'",
        &[],
    )?;
    if seen.first().is_none_or(|one| cell(one, 0) != 3) {
        return Ok(false);
    }
    let said = talk.ask(
        "select value from gibbonSetting where scope = 'Attendance' and name = 'countClassAsSchool'",
        &[],
    )?;
    Ok(said.iter().any(|one| text(one, 0) == "Y"))
}

fn taker(target: &Target, talk: &mut Talk<'_>) -> Result<i64, Step> {
    let fault = |fix: &str| Step::Done(Outcome::Fault(fix.to_owned()));
    let Some(name) = &target.taker else {
        return Err(fault("Gibbon wants to know who took a mark: name a username with outbox.apply.taker"));
    };
    let found = talk.ask(
        "select concat(gibbonPersonID) from gibbonPerson where username = ? and status = 'Full'",
        &[name.as_str().into()],
    )?;
    match found {
        [one] => Ok(cell(one, 0)),
        _ => Err(fault("Gibbon has no current person with the username that outbox.apply.taker names")),
    }
}

fn code(target: &Target, row: &MarkRow, talk: &mut Talk<'_>) -> Result<Code, Step> {
    const COLUMNS: &str =
        "select concat(gibbonAttendanceCodeID), name, direction from gibbonAttendanceCode where active = 'Y'";
    let by_scope = |direction: &str, scope: &str| {
        (
            " and direction = ? and scope = ? order by sequenceNumber, gibbonAttendanceCodeID limit 1",
            vec![direction.into(), scope.into()],
        )
    };
    let (rest, values) = match wanted(target, row)? {
        Wanted::Named(name) => (" and nameShort = ?", vec![name.into()]),
        Wanted::Present => by_scope("In", "Onsite"),
        Wanted::Late => by_scope("In", "Onsite - Late"),
        Wanted::Absent => by_scope("Out", "Offsite"),
    };
    match talk.ask(format!("{COLUMNS}{rest}"), &values)? {
        [one] => {
            Ok(Code { id: cell(one, 0), name: text(one, 1).to_owned(), direction: text(one, 2).to_owned() })
        }
        _ => Err(refused(
            "Gibbon has no active attendance code for this mark; name one under outbox.apply.codes",
        )),
    }
}

/// The learner's own class for the lesson, if there is one; of a session, the day.
fn place(target: &Target, row: &MarkRow, learner: i64, talk: &mut Talk<'_>) -> Result<Place, Step> {
    const PERSON: Place = Place { context: "Person", class: None, lesson: None };
    if let Some(session) = row.session {
        return target.sessions.of(session).map(|_| PERSON).ok_or_else(|| refused(NO_PLACE));
    }
    let named = target.groups.get(&row.group);
    let name = named.unwrap_or(&row.group);
    if name.is_empty() {
        return Ok(PERSON);
    }
    let date = Value::from(row.head.date.to_string());
    let meetings = talk.ask(
        "select concat(k.gibbonCourseClassID), concat(coalesce(t.lesson, 0)), concat(coalesce(t.timeStart, '')), \
         concat(coalesce(t.timeEnd, '')) \
         from gibbonSchoolYear y \
         join gibbonCourse c on c.gibbonSchoolYearID = y.gibbonSchoolYearID \
         join gibbonCourseClass k on k.gibbonCourseID = c.gibbonCourseID \
         join gibbonCourseClassPerson m on m.gibbonCourseClassID = k.gibbonCourseClassID and m.gibbonPersonID = ? \
           and m.role = 'Student' \
         left join (select r.gibbonTTDayRowClassID as lesson, r.gibbonCourseClassID as class, w.timeStart, w.timeEnd \
           from gibbonTTDayDate d \
           join gibbonTTDayRowClass r on r.gibbonTTDayID = d.gibbonTTDayID \
           join gibbonTTColumnRow w on w.gibbonTTColumnRowID = r.gibbonTTColumnRowID \
           where d.date = cast(? as date)) t on t.class = k.gibbonCourseClassID \
         where concat(c.nameShort, '.', k.nameShort) = ? \
           and (cast(? as date) between y.firstDay and y.lastDay or y.firstDay is null and y.status = 'Current')",
        &[learner.into(), date.clone(), name.as_str().into(), date],
    )?;
    if meetings.is_empty() {
        return match named {
            None => Ok(PERSON),
            Some(_) => Err(refused(
                "the learner is not in the class that outbox.apply.groups names for the host's group, in that day's school year",
            )),
        };
    }
    let lessons: Vec<_> = meetings.iter().filter(|meeting| cell(meeting, 1) != 0).collect();
    let fits = |meeting: &&&Vec<String>| {
        row.start.is_none_or(|start| overlaps(start, row.end, text(meeting, 2), text(meeting, 3)))
    };
    match lessons.iter().filter(fits).collect::<Vec<_>>().as_slice() {
        [one] => Ok(Place { context: "Class", class: Some(cell(one, 0)), lesson: Some(cell(one, 1)) }),
        [] => Err(refused("the learner's class here has no lesson at that time of that day")),
        _ => Err(refused(
            "the learner's class here has several lessons at that time, and which one is meant can't be told",
        )),
    }
}

/// True if two lessons share time. A lesson of which no end is known lasts a minute.
pub(super) fn overlaps(start: Time, end: Option<Time>, from: &str, to: &str) -> bool {
    let (Some(from), Some(to)) = (crate::parse::time(from), crate::parse::time(to)) else { return false };
    let end = end.filter(|end| *end > start);
    start < to && end.map_or(from <= start, |end| from < end)
}

/// Refuses if somebody else's mark stands in the place, or, for a lesson, the day's code.
fn others(
    place: &Place,
    row: &MarkRow,
    (learner, taker): (i64, i64),
    date: &Value,
    talk: &mut Talk<'_>,
) -> Result<(), Step> {
    const FROM: &str = "select comment, concat(gibbonPersonIDTaker), concat(coalesce(gibbonAttendanceCodeID, 0)) \
        from gibbonAttendanceLogPerson where gibbonPersonID = ? and date = cast(? as date) and ";
    let mut values: Vec<Value> = vec![learner.into(), date.clone()];
    let is_class = place.context == "Class";
    let rest = if is_class {
        values.extend([Value::Number(place.class), Value::Number(place.lesson)]);
        "context = 'Class' and gibbonCourseClassID = ? and (gibbonTTDayRowClassID = ? or gibbonTTDayRowClassID is null) for update"
    } else {
        "context in ('Person', 'Form Group', 'Self Registration', 'Future') for update"
    };
    let there = talk.ask(format!("{FROM}{rest}"), &values)?;
    let tags: Option<Vec<_>> =
        there.iter().map(|one| tag(text(one, 0), cell(one, 2), cell(one, 1), taker)).collect();
    let Some(tags) = tags else { return Err(refused(HOME)) };
    match row.session.is_none() && !is_class && tags.iter().any(|tag| tag.session.is_some()) {
        true => Err(refused(OURS)),
        false => Ok(()),
    }
}
