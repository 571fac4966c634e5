//! Days, notices and support notes, to and from the schema.

use crate::{
    pb::{notice::v1 as notice, support::v1 as support, timetable::v1 as timetable},
    read,
};
use commonroll_core::{
    Invalid, LocalId, SchoolDate, Timestamp,
    directory::{
        DayDeclaration, LessonDeclaration, NoticeDeclaration, NoticeKind, SupportDeclaration,
        expected::{EMERGENCY_CHARS, LESSONS_MAX, NEEDS_CHARS, ROOM_CHARS},
    },
    record::Text,
    time::Interval,
};

pub(crate) fn write_day(day: &DayDeclaration) -> timetable::Day {
    let lesson = |lesson: &LessonDeclaration| timetable::Lesson {
        local_id: lesson.local_id.as_str().to_owned(),
        group_local_id: lesson.group.as_str().to_owned(),
        start_us: lesson.time.start().micros(),
        end_us: lesson.time.end().micros(),
        room: lesson.room.as_str().to_owned(),
        cancelled: lesson.cancelled,
    };
    timetable::Day {
        school_date: day.date.to_string(),
        closed: day.closed,
        week: day.week.as_ref().map(|week| week.as_str().to_owned()).unwrap_or_default(),
        lessons: day.lessons().iter().map(lesson).collect(),
    }
}

pub(crate) fn read_day(day: &timetable::Day) -> Result<DayDeclaration, Invalid> {
    if day.lessons.len() > LESSONS_MAX {
        return Err(Invalid::new("lessons", "must be at most 2,000 on one day"));
    }
    let week = if day.week.is_empty() { None } else { Some(day.week.parse()?) };
    let lesson = |lesson: &timetable::Lesson| {
        Ok(LessonDeclaration {
            local_id: LocalId::parse("local_id", &lesson.local_id)?,
            group: LocalId::parse("group_local_id", &lesson.group_local_id)?,
            time: time(lesson.start_us, lesson.end_us)?,
            room: Text::parse("room", &lesson.room, ROOM_CHARS)?,
            cancelled: lesson.cancelled,
        })
    };
    let lessons = day.lessons.iter().map(lesson).collect::<Result<_, Invalid>>()?;
    DayDeclaration::new(SchoolDate::parse("school_date", &day.school_date)?, day.closed, week, lessons)
}

pub(crate) fn write_notice(said: &NoticeDeclaration) -> notice::Notice {
    notice::Notice {
        local_id: said.local_id.as_str().to_owned(),
        kind: match said.kind {
            NoticeKind::ExpectedAbsence => notice::NoticeKind::ExpectedAbsence,
            NoticeKind::NotAttending => notice::NoticeKind::NotAttending,
            NoticeKind::TakenBack => notice::NoticeKind::TakenBack,
            NoticeKind::AtPartner => notice::NoticeKind::AtPartner,
            NoticeKind::OwnLesson => notice::NoticeKind::OwnLesson,
        } as i32,
        learner_local_id: said.learner.as_str().to_owned(),
        group_local_id: String::new(),
        start_us: said.time.start().micros(),
        end_us: said.time.end().micros(),
        withdrawn: said.withdrawn,
    }
}

pub(crate) fn read_notice(said: &notice::Notice) -> Result<NoticeDeclaration, Invalid> {
    let kind = match read::known("kind", said.kind)? {
        notice::NoticeKind::ExpectedAbsence => NoticeKind::ExpectedAbsence,
        notice::NoticeKind::NotAttending => NoticeKind::NotAttending,
        notice::NoticeKind::TakenBack => NoticeKind::TakenBack,
        notice::NoticeKind::AtPartner => NoticeKind::AtPartner,
        notice::NoticeKind::OwnLesson => NoticeKind::OwnLesson,
        notice::NoticeKind::Unspecified | notice::NoticeKind::Closure | notice::NoticeKind::Cancellation => {
            let rule = "must be about a learner; closures and cancellations are part of a declared day";
            return Err(Invalid::new("kind", rule));
        }
    };
    if !said.group_local_id.is_empty() {
        return Err(Invalid::new("group_local_id", "must be empty in a notice about a learner"));
    }
    Ok(NoticeDeclaration {
        local_id: LocalId::parse("local_id", &said.local_id)?,
        learner: LocalId::parse("learner_local_id", &said.learner_local_id)?,
        kind,
        time: time(said.start_us, said.end_us)?,
        withdrawn: said.withdrawn,
    })
}

pub(crate) fn write_support(said: &SupportDeclaration) -> support::SupportNote {
    support::SupportNote {
        learner_local_id: said.learner.as_str().to_owned(),
        text: said.needs.as_str().to_owned(),
        last_date: said.last_date.to_string(),
        emergency: said.emergency.as_str().to_owned(),
    }
}

pub(crate) fn read_support(said: &support::SupportNote) -> Result<SupportDeclaration, Invalid> {
    Ok(SupportDeclaration {
        learner: LocalId::parse("learner_local_id", &said.learner_local_id)?,
        needs: Text::parse("text", &said.text, NEEDS_CHARS)?,
        emergency: Text::parse("emergency", &said.emergency, EMERGENCY_CHARS)?,
        last_date: SchoolDate::parse("last_date", &said.last_date)?,
    })
}

fn time(start: i64, end: i64) -> Result<Interval, Invalid> {
    let (start, end) = (Timestamp::from_micros("start_us", start)?, Timestamp::from_micros("end_us", end)?);
    Interval::new(start, end).map_err(|invalid| Invalid::new("end_us", invalid.rule))
}
