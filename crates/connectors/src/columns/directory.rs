//! One row is one declaration: a learner, a group, a placement, an acceptance, an end.
//!
//! Identifiers are passed on as they stand: a wrong check letter must not lose a learner.

use super::{
    bound::{Bad, Bound},
    common::{At, learner, words},
    plan::{Captions, optional, required},
};
use crate::{
    connector::{FileFault, Settings},
    item::Item,
    mapping::{Columns, DateFormat, Rows},
    parse::former_upns,
};
use commonroll_core::{
    Slug,
    directory::{
        DateRange, FORMER_UPNS_MAX, GroupDeclaration, LearnerDeclaration, PlacementAcceptance,
        PlacementDeclaration, PlacementEnd, Registration,
    },
};
use jiff::tz::TimeZone;
use std::collections::HashMap;

/// Rows of declarations.
pub struct Declarations {
    rows: Rows,
    fields: HashMap<&'static str, Bound>,
    format: DateFormat,
    zone: TimeZone,
}

impl Declarations {
    pub fn bind(mapping: &Columns, captions: &Captions, settings: &Settings) -> Result<Self, FileFault> {
        let (must, may) = mapping.rows.fields();
        let mut fields = HashMap::new();
        for name in must {
            fields.insert(*name, required(name, mapping, captions)?);
        }
        for name in may {
            if let Some(bound) = optional(name, mapping, captions)? {
                fields.insert(name, bound);
            }
        }
        Ok(Self { rows: mapping.rows, fields, format: mapping.date_format, zone: settings.zone.clone() })
    }

    pub fn row(&self, at: At<'_, '_>) -> Result<Item, Bad> {
        Ok(match self.rows {
            Rows::Learners => Item::Learner(self.learner(at)?),
            Rows::Groups => Item::Group(GroupDeclaration {
                local_id: learner(self.must("group")?, at)?,
                course_title: words(self.may("course_title"), at, 200)?,
                subject: words(self.may("subject"), at, 100)?,
            }),
            Rows::Acceptances => Item::Acceptance(PlacementAcceptance {
                learner: learner(self.must("learner")?, at)?,
                home: self.institution("home", at)?,
                group: self.group(at)?,
                dates: self.dates(at)?,
            }),
            Rows::Ends => Item::End(PlacementEnd {
                learner: learner(self.must("learner")?, at)?,
                other: self.institution("other", at)?,
                group: self.group(at)?,
                from: self.ends(at)?,
            }),
            Rows::Placements
            | Rows::Attendance
            | Rows::Assessment
            | Rows::Behaviour
            | Rows::Staff
            | Rows::Timetable
            | Rows::Notices
            | Rows::Support => Item::Placement(PlacementDeclaration {
                learner: learner(self.must("learner")?, at)?,
                host: self.institution("host", at)?,
                group: self.group(at)?,
                dates: self.dates(at)?,
            }),
        })
    }

    fn learner(&self, at: At<'_, '_>) -> Result<LearnerDeclaration, Bad> {
        let identifier = |name| match self.may(name) {
            Some(bound) => {
                let text = bound.text(at.row, at.number)?;
                if text.len() > 32 || text.chars().any(char::is_control) {
                    return Err(bound.bad("CSV-TEXT", "is longer than any identifier of its sort"));
                }
                Ok(text.into_owned())
            }
            None => Ok(String::new()),
        };
        let (upn, former_upns) = self.upns(identifier("upn")?, identifier("temporary_upn")?, at)?;
        Ok(LearnerDeclaration {
            local_id: learner(self.must("learner")?, at)?,
            registration: self.registration(at)?,
            upn,
            uln: identifier("uln")?,
            uci: identifier("uci")?,
            birth_date: self
                .may("birth_date")
                .map_or(Ok(None), |bound| bound.date(at.row, at.number, self.format))?,
            surname: words(self.may("surname"), at, 100)?,
            forename: words(self.may("forename"), at, 100)?,
            known_as: words(self.may("known_as"), at, 100)?,
            former_upns,
        })
    }

    /// The UPN, and those that the learner had before. A temporary one that stands beside a permanent one is a former one.
    fn upns(&self, upn: String, temporary: String, at: At<'_, '_>) -> Result<(String, Vec<String>), Bad> {
        let cell =
            self.may("former_upn").map_or(Ok(Default::default()), |bound| bound.text(at.row, at.number))?;
        let mut former = former_upns(&cell);
        match upn.is_empty() {
            true => Ok((temporary, former)),
            false => {
                let is_new = !temporary.is_empty() && temporary != upn && !former.contains(&temporary);
                if is_new && former.len() < FORMER_UPNS_MAX {
                    former.push(temporary);
                }
                Ok((upn, former))
            }
        }
    }

    /// Enrolment statuses of the DfE, or our own words. No column means that the file lists the institution's own.
    fn registration(&self, at: At<'_, '_>) -> Result<Registration, Bad> {
        let Some(bound) = self.may("registration") else { return Ok(Registration::Home) };
        match bound.text(at.row, at.number)?.as_ref() {
            "C" | "M" | "home" => Ok(Registration::Home),
            "S" | "subsidiary" => Ok(Registration::Subsidiary),
            "G" | "F" | "O" | "guest" => Ok(Registration::Guest),
            "P" | "previous" => Ok(Registration::Previous),
            _ => Err(bound
                .bad("CSV-VALUE", "must be C, M, S, G, F, O or P; say what others stand for under `values`")),
        }
    }

    fn dates(&self, at: At<'_, '_>) -> Result<DateRange, Bad> {
        let last = self.must("last_date")?;
        DateRange::new(self.date("first_date", at)?, self.date("last_date", at)?)
            .map_err(|invalid| last.invalid("CSV-DATE", &invalid))
    }

    fn ends(&self, at: At<'_, '_>) -> Result<commonroll_core::Timestamp, Bad> {
        let date = self.date("from_date", at)?;
        let time = self.may("from_time").map_or(Ok(None), |bound| bound.time(at.row, at.number))?;
        Ok(date.at(time.unwrap_or_else(jiff::civil::Time::midnight), &self.zone))
    }

    fn date(&self, name: &'static str, at: At<'_, '_>) -> Result<commonroll_core::SchoolDate, Bad> {
        let bound = self.must(name)?;
        bound.date(at.row, at.number, self.format)?.ok_or_else(|| bound.bad("CSV-DATE", "must not be blank"))
    }

    fn group(&self, at: At<'_, '_>) -> Result<Option<commonroll_core::LocalId>, Bad> {
        self.may("group").map_or(Ok(None), |bound| bound.local_id(at.row, at.number))
    }

    fn institution(&self, name: &'static str, at: At<'_, '_>) -> Result<Slug, Bad> {
        let bound = self.must(name)?;
        bound.text(at.row, at.number)?.parse().map_err(|invalid| bound.invalid("CSV-INSTITUTION", &invalid))
    }

    fn must(&self, name: &'static str) -> Result<&Bound, Bad> {
        self.fields
            .get(name)
            .ok_or_else(|| Bad::new(name, "MAP-FIELD", "the mapping must say where it comes from"))
    }

    fn may(&self, name: &str) -> Option<&Bound> {
        self.fields.get(name)
    }
}
