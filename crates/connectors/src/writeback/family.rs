//! RosarioSIS and openSIS, which share a shape: one row of `attendance_period` for each learner, date and period.
//!
//! The mark is the office's (`admin`), the teacher's stays empty: it is what somebody else saw. The row is ours only as long as
//! its code is the one we wrote and no teacher has marked it. `attendance_day` is left to the MIS, which knows its own rules for
//! it.
//!
//! A session is the period that the school registers it in, by its name, where the learner's own schedule has it that day.

use super::{
    BY_HAND, HOME, NO_PLACE, OURS, Tag, Target, Wanted, Writer, applied, comment,
    gibbon::overlaps,
    number, pattern, refused,
    talk::{Answer, Step, Talk, Value, cell, text},
    wanted,
};
use crate::render::MarkRow;

/// Characters of a comment.
const COMMENT_MAX: usize = 100;
/// Days of the week as both write them, Monday first.
const DAYS: [&str; 7] = ["M", "T", "W", "H", "F", "S", "U"];

/// What differs between the two.
pub struct Family {
    name: &'static str,
    /// The periods of a learner's schedule on a day: takes the learner, three times the date, and the letter of its weekday. A row of
    /// the schedule is in force with its marking period: most have no end of their own.
    meets: &'static str,
    /// Its marking period: takes year, school, date and date.
    marking_period: &'static str,
    /// When a row was last changed.
    changed: &'static str,
}

/// RosarioSIS.
pub const ROSARIOSIS: Family = Family {
    name: "rosariosis",
    meets: "select concat(cp.course_period_id), concat(p.period_id), concat(coalesce(p.start_time, '')), \
            concat(coalesce(p.end_time, '')), concat(cp.short_name), concat(cp.syear), concat(cp.school_id), \
            concat(coalesce(p.short_name, '')), concat(coalesce(p.title, '')) \
            from schedule s \
            join course_periods cp on cp.course_period_id = s.course_period_id \
            join course_period_school_periods m on m.course_period_id = cp.course_period_id \
            join school_periods p on p.period_id = m.period_id \
            left join school_marking_periods k on k.marking_period_id = coalesce(s.marking_period_id, cp.marking_period_id) \
            where s.student_id = ? and s.start_date <= cast(? as date) and (s.end_date is null or s.end_date >= cast(? as date)) \
              and cast(? as date) between coalesce(k.start_date, s.start_date) and coalesce(k.end_date, cast('9999-12-31' as date)) \
              and m.days like ?",
    marking_period: "select concat(marking_period_id) from school_marking_periods where mp = 'QTR' and syear = ? and school_id = ? \
                     and start_date <= cast(? as date) and end_date >= cast(? as date) order by start_date desc limit 1",
    changed: "updated_at",
};

/// openSIS.
pub const OPENSIS: Family = Family {
    name: "opensis",
    meets: "select concat(cp.course_period_id), concat(p.period_id), concat(coalesce(m.start_time, p.start_time)), \
            concat(coalesce(m.end_time, p.end_time)), concat(coalesce(cp.short_name, '')), concat(cp.syear), concat(cp.school_id), \
            concat(coalesce(p.short_name, '')), concat(coalesce(p.title, '')) \
            from schedule s \
            join course_periods cp on cp.course_period_id = s.course_period_id \
            join course_period_var m on m.course_period_id = cp.course_period_id \
            join school_periods p on p.period_id = m.period_id \
            left join marking_periods k on k.marking_period_id = coalesce(s.marking_period_id, cp.marking_period_id) \
            where s.student_id = ? and cast(? as date) between s.start_date and coalesce(s.end_date, cast('9999-12-31' as date)) \
              and cast(? as date) between coalesce(k.start_date, cp.begin_date, s.start_date) \
                and coalesce(k.end_date, cp.end_date, cast('9999-12-31' as date)) \
              and (m.course_period_date = cast(? as date) or m.course_period_date is null and m.days like ?)",
    marking_period: "select concat(marking_period_id) from marking_periods where mp_type = 'quarter' and syear = ? and school_id = ? \
                     and start_date <= cast(? as date) and end_date >= cast(? as date) order by start_date desc limit 1",
    changed: "last_updated",
};

impl Writer for Family {
    fn name(&self) -> &'static str {
        self.name
    }

    fn check(&self, target: &Target) -> Result<(), String> {
        let sessions = &target.sessions;
        if [&sessions.am, &sessions.pm].into_iter().flatten().any(|name| name.trim().is_empty()) {
            return Err("sessions: must be the short name or the title of a period".to_owned());
        }
        if sessions.am.is_some() && sessions.am == sessions.pm {
            return Err(
                "sessions: `am` and `pm` are the same period, which can have one mark a day".to_owned()
            );
        }
        Ok(())
    }

    fn step(&self, target: &Target, row: &MarkRow, answers: &[Answer]) -> Step {
        match self.plan(target, row, &mut Talk::new(answers)) {
            Ok(step) | Err(step) => step,
        }
    }
}

/// A row that is ours.
struct Own {
    period: i64,
    tag: Tag<i64>,
    comment: String,
}

/// A period of the learner's own schedule.
struct Place {
    course_period: i64,
    period: i64,
    year: i64,
    school: i64,
}

impl Place {
    /// Of a row of `meets`.
    fn of(meeting: &[String]) -> Self {
        Self {
            course_period: cell(meeting, 0),
            period: cell(meeting, 1),
            year: cell(meeting, 5),
            school: cell(meeting, 6),
        }
    }
}

impl Own {
    /// Reads period, code, comment and teacher's code of a row; `None` unless it is ours and nobody has changed it.
    fn read(row: &[String]) -> Option<Self> {
        let tag =
            Tag::<i64>::read(text(row, 2)).filter(|tag| tag.code == cell(row, 1) && cell(row, 3) == 0)?;
        Some(Self { period: cell(row, 0), tag, comment: text(row, 2).to_owned() })
    }
}

impl Family {
    fn plan(&self, target: &Target, row: &MarkRow, talk: &mut Talk<'_>) -> Result<Step, Step> {
        let learner = number(&row.head)?;
        let date = Value::from(row.head.date.to_string());
        let own = own(row, learner, &date, talk)?;
        if row.head.withdrawn {
            return withdraw(own, row, learner, &date, talk);
        }
        if let Some(own) = &own
            && own.tag.record == row.head.record
            && own.tag.revision > row.head.revision
        {
            return Ok(applied("it stands there already"));
        }
        let place = self.place(target, row, learner, &date, talk)?;
        let code = code(target, row, &place, talk)?;
        let said = comment(row, code, COMMENT_MAX);
        // The same revision may come again with other fields, as after an agreement has changed.
        if own.as_ref().is_some_and(|own| own.comment == said && own.period == place.period) {
            return Ok(applied("it stands there already"));
        }
        let key: [Value; 3] = [learner.into(), date.clone(), place.period.into()];
        let there = talk.ask(
            "select concat(period_id), concat(coalesce(attendance_code, 0)), coalesce(comment, ''), \
             concat(coalesce(attendance_teacher_code, 0)) from attendance_period \
             where student_id = ? and school_date = cast(? as date) and period_id = ? for update",
            &key,
        )?;
        let own = match there {
            [one] if own.as_ref().is_none_or(|own| own.period != place.period) => match Own::read(one) {
                // What a person decided of a session takes the place of what was only proposed for it: a lesson's mark or the
                // other session's would be lost for good once it is taken back.
                Some(before) if row.decided && own.is_none() && before.tag.is_session(row) => Some(before),
                Some(_) => return Ok(refused(OURS)),
                None => return Ok(refused(HOME)),
            },
            _ => own,
        };
        let is_ours = own.as_ref().is_some_and(|own| own.period == place.period);
        match own {
            Some(own) if is_ours => talk.change(
                format!(
                    "update attendance_period set attendance_code = ?, comment = ?, {} = current_timestamp \
                     where student_id = ? and school_date = cast(? as date) and period_id = ? and comment = ? \
                     and attendance_code = ? and coalesce(attendance_teacher_code, 0) = 0",
                    self.changed
                ),
                &[
                    code.into(),
                    said.as_str().into(),
                    learner.into(),
                    date.clone(),
                    place.period.into(),
                    own.comment.into(),
                    own.tag.code.into(),
                ],
            )?,
            Some(own) => {
                // The lesson was moved to another period: the old place is given back first.
                take_out(&own, learner, &date, talk)?;
                self.insert(row, &place, code, (learner, &date, &said), talk)?;
            }
            None => self.insert(row, &place, code, (learner, &date, &said), talk)?,
        }
        let stands = talk.ask(
            "select concat(attendance_code), coalesce(comment, ''), coalesce(admin, '') from attendance_period \
             where student_id = ? and school_date = cast(? as date) and period_id = ?",
            &key,
        )?;
        match stands {
            [one] if cell(one, 0) == code && text(one, 1) == said && text(one, 2) == "Y" => Ok(applied("")),
            _ => Ok(refused("what was written could not be read back, so nothing was written")),
        }
    }

    /// The period of the learner's own schedule that the lesson is in.
    fn place(
        &self,
        target: &Target,
        row: &MarkRow,
        learner: i64,
        date: &Value,
        talk: &mut Talk<'_>,
    ) -> Result<Place, Step> {
        let weekday = row.head.date.civil().weekday().to_monday_zero_offset();
        let letter = DAYS[usize::try_from(weekday).unwrap_or(0).min(6)];
        let values =
            [learner.into(), date.clone(), date.clone(), date.clone(), Value::from(format!("%{letter}%"))];
        let meetings = talk.ask(self.meets, &values)?;
        if let Some(session) = row.session {
            let name = target.sessions.of(session).ok_or_else(|| refused(NO_PLACE))?;
            let is_period = |meeting: &&Vec<String>| text(meeting, 7) == name || text(meeting, 8) == name;
            return match meetings.iter().filter(is_period).collect::<Vec<_>>().as_slice() {
                [one] => Ok(Place::of(one)),
                [] => Err(refused(
                    "the learner's schedule of that day has no period of the name that outbox.apply.sessions gives for the session",
                )),
                _ => Err(refused(
                    "the learner's schedule has several courses in the period that outbox.apply.sessions names, and which one is \
                     meant can't be told",
                )),
            };
        }
        let named = target.groups.get(&row.group);
        let is_meant = |meeting: &&Vec<String>| match named {
            Some(name) => text(meeting, 0) == name || text(meeting, 4) == name,
            None => row.start.is_some_and(|start| crate::parse::time(text(meeting, 2)) == Some(start)),
        };
        let meant: Vec<&Vec<String>> = meetings.iter().filter(is_meant).collect();
        let at_that_time: Vec<&Vec<String>> = match row.start {
            Some(start) if meant.len() > 1 => meant
                .iter()
                .filter(|one| overlaps(start, row.end, text(one, 2), text(one, 3)))
                .copied()
                .collect(),
            _ => meant,
        };
        match at_that_time.as_slice() {
            [one] => Ok(Place::of(one)),
            [] => Err(refused(
                "the learner's schedule has no period for this lesson: none that begins when it began, and none for the host's group \
                 under outbox.apply.groups",
            )),
            _ => Err(refused(
                "the learner's schedule has several periods for this lesson, and which one is meant can't be told",
            )),
        }
    }

    fn insert(
        &self,
        row: &MarkRow,
        place: &Place,
        code: i64,
        (learner, date, said): (i64, &Value, &str),
        talk: &mut Talk<'_>,
    ) -> Result<(), Step> {
        debug_assert!(!row.head.withdrawn);
        let marking = talk.ask(
            self.marking_period,
            &[place.year.into(), place.school.into(), date.clone(), date.clone()],
        )?;
        talk.change(
            format!(
                "insert into attendance_period (student_id, school_date, period_id, attendance_code, admin, course_period_id, \
                 marking_period_id, comment, {}) values (?, cast(? as date), ?, ?, 'Y', ?, ?, ?, current_timestamp)",
                self.changed
            ),
            &[
                learner.into(),
                date.clone(),
                place.period.into(),
                code.into(),
                place.course_period.into(),
                Value::Number(marking.first().map(|one| cell(one, 0))),
                said.into(),
            ],
        )
    }
}

/// Our row of this record, wherever it is; a refusal if somebody has made it theirs.
fn own(row: &MarkRow, learner: i64, date: &Value, talk: &mut Talk<'_>) -> Result<Option<Own>, Step> {
    let found = talk.ask(
        "select concat(period_id), concat(coalesce(attendance_code, 0)), coalesce(comment, ''), \
         concat(coalesce(attendance_teacher_code, 0)) from attendance_period \
         where student_id = ? and school_date = cast(? as date) and comment like ? for update",
        &[learner.into(), date.clone(), Value::from(pattern(row))],
    )?;
    let is_same = |one: &&Vec<String>| text(one, 2).contains(&row.head.record.to_string());
    match found.iter().filter(is_same).collect::<Vec<_>>().as_slice() {
        [] => Ok(None),
        [one] => Own::read(one).map(Some).ok_or_else(|| refused(BY_HAND)),
        _ => Err(refused(BY_HAND)),
    }
}

/// Our own row goes; nobody else's.
fn withdraw(
    own: Option<Own>,
    row: &MarkRow,
    learner: i64,
    date: &Value,
    talk: &mut Talk<'_>,
) -> Result<Step, Step> {
    let Some(own) = own else { return Ok(applied("nothing of it was there")) };
    if own.tag.revision > row.head.revision {
        return Ok(applied("a newer one stands there"));
    }
    take_out(&own, learner, date, talk)?;
    let left = talk.ask(
        "select concat(period_id) from attendance_period where student_id = ? and school_date = cast(? as date) and period_id = ?",
        &[learner.into(), date.clone(), own.period.into()],
    )?;
    Ok(if left.is_empty() { applied("taken out") } else { refused("it could not be taken out") })
}

fn take_out(own: &Own, learner: i64, date: &Value, talk: &mut Talk<'_>) -> Result<(), Step> {
    talk.change(
        "delete from attendance_period where student_id = ? and school_date = cast(? as date) and period_id = ? and comment = ? \
         and attendance_code = ? and coalesce(attendance_teacher_code, 0) = 0",
        &[learner.into(), date.clone(), own.period.into(), own.comment.as_str().into(), own.tag.code.into()],
    )
}

/// The MIS's code for a mark, of the year and school of the place. A teacher's before the office's: why somebody is absent is
/// the home's to say.
fn code(target: &Target, row: &MarkRow, place: &Place, talk: &mut Talk<'_>) -> Result<i64, Step> {
    const LATE: &str = "(lower(title) like '%tard%' or lower(title) like '%late%')";
    let mut values: Vec<Value> = vec![place.year.into(), place.school.into()];
    let means = match wanted(target, row)? {
        Wanted::Named(name) => {
            values.push(name.into());
            "short_name = ?".to_owned()
        }
        Wanted::Present => format!("state_code = 'P' and not {LATE}"),
        Wanted::Late => format!("state_code = 'P' and {LATE}"),
        Wanted::Absent => "state_code = 'A'".to_owned(),
    };
    let found = talk.ask(
        format!(
            "select concat(id) from attendance_codes where syear = ? and school_id = ? and coalesce(table_name, 0) = 0 and {means} \
             order by case type when 'teacher' then 0 else 1 end, case default_code when 'Y' then 0 else 1 end, sort_order, id limit 1"
        ),
        &values,
    )?;
    found.first().map(|one| cell(one, 0)).ok_or_else(|| {
        refused("the MIS has no attendance code for this mark; name one under outbox.apply.codes")
    })
}
