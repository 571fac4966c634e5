//! One row is one attendance mark.
//!
//! A time is only known if the row or the mapping says it: a mark without one gets no interval.

use super::{
    bound::{Bad, Bound},
    common::{At, Common, words},
    plan::{Captions, optional, required},
};
use crate::{
    connector::{FileFault, Settings},
    item::Draft,
    mapping::Columns,
    parse,
};
use commonroll_core::{
    Body, Interval, RecordKind, SchoolDate,
    attendance::{CodeProblem, CodeTable},
    record::{
        Attendance,
        attendance::{Physical, Presence, Register},
    },
};
use jiff::{civil::Time, tz::TimeZone};
use serde::{Deserialize, de::value::StrDeserializer};
use std::collections::HashMap;

/// Rows of attendance.
pub struct Marks {
    common: Common,
    mark: Bound,
    /// What the source itself says of the mark, in the place of a table.
    presence: Option<Bound>,
    late: Option<Bound>,
    left_early: Option<Bound>,
    note: Option<Bound>,
    when: When,
    codes: CodeTable,
    register: bool,
}

/// Where the time of a mark, a lesson or a notice comes from.
pub struct When {
    period: Option<Bound>,
    periods: HashMap<String, (Time, Time)>,
    start: Option<Bound>,
    end: Option<Bound>,
    minutes: Option<Bound>,
    /// The last interval that was worked out: rows of one lesson stand together.
    last: Option<(SchoolDate, Time, Time, Interval)>,
}

impl Marks {
    pub fn bind(mapping: &Columns, captions: &Captions, settings: &Settings) -> Result<Self, FileFault> {
        let field = |name| optional(name, mapping, captions);
        Ok(Self {
            common: Common::bind(RecordKind::Attendance, mapping, captions, settings)?,
            mark: required("mark", mapping, captions)?,
            presence: field("presence")?,
            late: field("minutes_late")?,
            left_early: field("minutes_left_early")?,
            note: field("note")?,
            when: When::bind(mapping, captions)?,
            codes: table(mapping, settings)?,
            register: mapping.codes.as_ref().is_some_and(|codes| codes.register),
        })
    }

    pub fn date(&self, at: At<'_, '_>) -> Result<SchoolDate, Bad> {
        self.common.date(at)
    }

    pub fn row(&mut self, at: At<'_, '_>, date: SchoolDate) -> Result<Draft, Bad> {
        let code = self.mark.text(at.row, at.number)?;
        let (physical, register) = match &self.presence {
            Some(presence) => (said(presence, at)?, None),
            None => self.meaning(&code, date)?,
        };
        let minutes = |bound: &Option<Bound>| match bound {
            Some(bound) => bound.whole(at.row, at.number),
            None => Ok(None),
        };
        let presence = Presence {
            physical,
            interval: self.when.interval(at, date, self.common.zone())?,
            minutes_late: minutes(&self.late)?,
            minutes_left_early: minutes(&self.left_early)?,
        };
        let note = words(self.note.as_ref(), at, 500)?;
        let body = Attendance {
            presence: Some(presence.check().map_err(|invalid| self.late_or(&invalid))?),
            source_code: Some(
                self.codes.source_code(&code).map_err(|invalid| self.mark.invalid("ATT-CODE", &invalid))?,
            ),
            note: (!note.is_empty()).then_some(note),
            register: if self.register { register } else { None },
        };
        self.common.draft(at, date, "", Body::Attendance(body))
    }

    fn meaning(&self, code: &str, date: SchoolDate) -> Result<(Physical, Option<Register>), Bad> {
        let meaning = self.codes.read(code, date).map_err(|problem| match problem {
            CodeProblem::Blank => self
                .mark
                .bad(problem.rule(), "has no mark; list the column under `skip_if_blank` if that is usual"),
            other => self.mark.bad(other.rule(), other.to_string()).unmapped(code),
        })?;
        Ok((meaning.physical, meaning.register()))
    }

    fn late_or(&self, invalid: &commonroll_core::Invalid) -> Bad {
        self.late.as_ref().unwrap_or(&self.mark).invalid("ATT-MINUTES", invalid)
    }
}

impl When {
    pub fn bind(mapping: &Columns, captions: &Captions) -> Result<Self, FileFault> {
        let field = |name| optional(name, mapping, captions);
        Ok(Self {
            period: field("period")?,
            periods: periods(&mapping.periods)?,
            start: field("start")?,
            end: field("end")?,
            minutes: field("minutes")?,
            last: None,
        })
    }

    /// The time of a row on a date; `None` if it has none.
    pub fn interval(
        &mut self,
        at: At<'_, '_>,
        date: SchoolDate,
        zone: &TimeZone,
    ) -> Result<Option<Interval>, Bad> {
        let Some((start, end)) = self.times(at)? else { return Ok(None) };
        if let Some((of, from, to, interval)) = &self.last
            && (*of, *from, *to) == (date, start, end)
        {
            return Ok(Some(*interval));
        }
        let interval = Interval::new(date.at(start, zone), date.at(end, zone))
            .map_err(|invalid| Bad::new("", "CSV-TIME", invalid.rule))?;
        self.last = Some((date, start, end, interval));
        Ok(Some(interval))
    }

    fn times(&self, at: At<'_, '_>) -> Result<Option<(Time, Time)>, Bad> {
        let time = |bound: &Option<Bound>| match bound {
            Some(bound) => bound.time(at.row, at.number),
            None => Ok(None),
        };
        if let Some(start) = &self.start
            && let Some(from) = start.time(at.row, at.number)?
        {
            if let Some(to) = time(&self.end)? {
                return Ok(Some((from, to)));
            }
            let minutes = self.minutes.as_ref().map_or(Ok(None), |bound| bound.whole(at.row, at.number))?;
            let to = minutes
                .and_then(|minutes| from.checked_add(jiff::Span::new().minutes(i64::from(minutes))).ok());
            return match to {
                Some(to) => Ok(Some((from, to))),
                None => {
                    Err(start
                        .bad("CSV-TIME", "needs an end, or a length in minutes that ends on the same day"))
                }
            };
        }
        let Some(period) = self.period.as_ref().filter(|_| !self.periods.is_empty()) else { return Ok(None) };
        let name = period.text(at.row, at.number)?;
        if name.is_empty() {
            return Ok(None);
        }
        let times = self.periods.get(name.as_ref());
        times.copied().map(Some).ok_or_else(|| {
            period.bad("CSV-PERIOD", "is no period of the mapping; add it to [periods]").unmapped(&name)
        })
    }
}

fn periods(
    given: &std::collections::BTreeMap<String, (String, String)>,
) -> Result<HashMap<String, (Time, Time)>, FileFault> {
    let time = |name: &str, text: &str| {
        parse::time(text).ok_or_else(|| {
            FileFault::mapping("MAP-PERIOD", format!("periods.{name}: must be two times written as HH:MM"))
        })
    };
    given
        .iter()
        .map(|(name, (start, end))| Ok((name.clone(), (time(name, start)?, time(name, end)?))))
        .collect()
}

/// What the row itself says of the room.
fn said(presence: &Bound, at: At<'_, '_>) -> Result<Physical, Bad> {
    let text = presence.text(at.row, at.number)?;
    Physical::deserialize(StrDeserializer::<serde::de::value::Error>::new(&text.to_lowercase())).map_err(|_| {
        let fix = "must be present, late, absent, not_required or unknown; say what others stand for under `values`";
        presence.bad("CSV-VALUE", fix).unmapped(&text)
    })
}

fn table(mapping: &Columns, settings: &Settings) -> Result<CodeTable, FileFault> {
    let Some(codes) = &mapping.codes else {
        return Err(FileFault::mapping(
            "MAP-CODES",
            "the mapping must name the table of marks under [codes]",
        ));
    };
    let is_said = mapping.fields.contains_key("presence");
    codes
        .table(&settings.institution, is_said)
        .map_err(|error| FileFault::mapping("MAP-CODES", error.to_string()))
}
