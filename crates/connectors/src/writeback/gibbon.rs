//! Gibbon: a row in `gibbonAttendanceLogPerson`, of context Class where the learner has a class for the lesson, else of context Person.
//!
//! The log is only added to and its newest row wins, so a row of ours behind somebody else's in the same place would overrule it:
//! where somebody else's row stands, nothing is written. That a register was taken is not said: one mark is no register.

use super::{
    BY_HAND, HOME, Tag, Target, Wanted, Writer, applied, comment, number, pattern, refused,
    talk::{Answer, Outcome, Step, Talk, Value, cell, text},
    wanted,
};
use crate::render::MarkRow;
use jiff::civil::Time;

/// Characters of a comment.
const COMMENT_MAX: usize = 255;

/// Writes into Gibbon.
pub struct Gibbon;

impl Writer for Gibbon {
    fn name(&self) -> &'static str {
        "gibbon"
    }

    fn step(&self, target: &Target, row: &MarkRow, answers: &[Answer]) -> Step {
        match plan(target, row, &mut Talk::new(answers)) {
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
    let learner = number(row)?;
    let date = Value::from(row.head.date.to_string());
    let own = talk.ask(
        "select concat(gibbonAttendanceLogPersonID), concat(coalesce(gibbonAttendanceCodeID, 0)), comment, \
         concat(gibbonPersonIDTaker) from gibbonAttendanceLogPerson \
         where gibbonPersonID = ? and date = cast(? as date) and comment like ? for update",
        &[learner.into(), date.clone(), pattern(row.head.record).into()],
    )?;
    let own = match own {
        [] => None,
        [one] => {
            let tag = Tag::<i64>::read(text(one, 2))
                .filter(|tag| tag.code == cell(one, 1) && cell(one, 3) == taker);
            Some((cell(one, 0), tag.ok_or_else(|| refused(BY_HAND))?, text(one, 2).to_owned()))
        }
        _ => return Ok(refused(BY_HAND)),
    };
    if row.head.withdrawn {
        return withdraw(own, row, talk);
    }
    if let Some((_, tag, _)) = &own
        && tag.revision >= row.head.revision
    {
        return Ok(applied("it stands there already"));
    }
    let someone = talk.ask(
        "select concat(gibbonPersonID) from gibbonPerson where gibbonPersonID = ? and status = 'Full'",
        &[learner.into()],
    )?;
    if someone.is_empty() {
        return Ok(refused(
            "Gibbon has no current person of this learner's number; look at the learner's match",
        ));
    }
    let code = code(target, row, talk)?;
    let place = place(target, row, learner, talk)?;
    if others(&place, learner, taker, &date, talk)? {
        return Ok(refused(HOME));
    }
    let said = comment(row, code.id, COMMENT_MAX);
    match own {
        Some((id, _, before)) => talk.change(
            "update gibbonAttendanceLogPerson set gibbonAttendanceCodeID = ?, direction = ?, type = ?, comment = ?, \
             timestampTaken = current_timestamp where gibbonAttendanceLogPersonID = ? and gibbonPersonIDTaker = ? and comment = ?",
            &[
                code.id.into(),
                code.direction.as_str().into(),
                code.name.as_str().into(),
                said.as_str().into(),
                id.into(),
                taker.into(),
                before.into(),
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

/// Our own row goes; nobody else's.
fn withdraw(own: Option<(i64, Tag<i64>, String)>, row: &MarkRow, talk: &mut Talk<'_>) -> Result<Step, Step> {
    let Some((id, tag, before)) = own else { return Ok(applied("nothing of it was there")) };
    if tag.revision > row.head.revision {
        return Ok(applied("a newer one stands there"));
    }
    talk.change(
        "delete from gibbonAttendanceLogPerson where gibbonAttendanceLogPersonID = ? and comment = ?",
        &[id.into(), before.into()],
    )?;
    let left = talk.ask(
        "select concat(gibbonAttendanceLogPersonID) from gibbonAttendanceLogPerson where gibbonAttendanceLogPersonID = ?",
        &[id.into()],
    )?;
    Ok(if left.is_empty() { applied("taken out") } else { refused("it could not be taken out") })
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

/// The learner's own class for the lesson, if there is one.
fn place(target: &Target, row: &MarkRow, learner: i64, talk: &mut Talk<'_>) -> Result<Place, Step> {
    const PERSON: Place = Place { context: "Person", class: None, lesson: None };
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

/// True if somebody else's mark stands in the place.
fn others(place: &Place, learner: i64, taker: i64, date: &Value, talk: &mut Talk<'_>) -> Result<bool, Step> {
    const FROM: &str = "select concat(gibbonAttendanceLogPersonID) from gibbonAttendanceLogPerson \
        where gibbonPersonID = ? and date = cast(? as date) and not (gibbonPersonIDTaker = ? and comment like '%[cr:%') and ";
    let mut values: Vec<Value> = vec![learner.into(), date.clone(), taker.into()];
    let rest = if place.context == "Class" {
        values.extend([Value::Number(place.class), Value::Number(place.lesson)]);
        "context = 'Class' and gibbonCourseClassID = ? and (gibbonTTDayRowClassID = ? or gibbonTTDayRowClassID is null) for update"
    } else {
        "context in ('Person', 'Form Group', 'Self Registration', 'Future') for update"
    };
    Ok(!talk.ask(format!("{FROM}{rest}"), &values)?.is_empty())
}
