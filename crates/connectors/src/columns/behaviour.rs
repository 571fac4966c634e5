//! One row is one learner's part in an event or achievement.
//!
//! An internal comment is carried as such: the agent withholds it at the source. Other learners are not read at all.

use super::{
    bound::{Bad, Bound},
    common::{At, Common, words},
    plan::{Captions, optional, required},
};
use crate::{
    connector::{FileFault, Settings},
    item::Draft,
    mapping::Columns,
};
use commonroll_core::{
    Body, RecordKind, SchoolDate,
    record::{
        Behaviour, Text,
        behaviour::{Category, Event, Involvement, Severity},
    },
};
use serde::{Deserialize, de::value::StrDeserializer};

/// Rows of behaviour.
pub struct Parts {
    common: Common,
    label: Bound,
    polarity: Bound,
    event: Option<Bound>,
    time: Option<Bound>,
    category: Option<Bound>,
    severity: Option<Bound>,
    location: Option<Bound>,
    role: Option<Bound>,
    points: Option<Bound>,
    action: Option<Bound>,
    status: Option<Bound>,
    home_action_by: Option<Bound>,
    share_text: Option<Bound>,
    internal: Option<Bound>,
}

impl Parts {
    pub fn bind(mapping: &Columns, captions: &Captions, settings: &Settings) -> Result<Self, FileFault> {
        let field = |name| optional(name, mapping, captions);
        Ok(Self {
            common: Common::bind(RecordKind::Behaviour, mapping, captions, settings)?,
            label: required("label", mapping, captions)?,
            polarity: required("polarity", mapping, captions)?,
            event: field("event")?,
            time: field("time")?,
            category: field("category")?,
            severity: field("severity")?,
            location: field("location")?,
            role: field("role")?,
            points: field("points")?,
            action: field("action")?,
            status: field("status")?,
            home_action_by: field("home_action_by")?,
            share_text: field("share_text")?,
            internal: field("internal_comment")?,
        })
    }

    pub fn date(&self, at: At<'_, '_>) -> Result<SchoolDate, Bad> {
        self.common.date(at)
    }

    pub fn row(&self, at: At<'_, '_>, date: SchoolDate) -> Result<Draft, Bad> {
        let body = Behaviour {
            event: Some(self.event(at, date)?),
            involvement: Some(self.involvement(at)?),
            share_safe_text: some(words(self.share_text.as_ref(), at, 2000)?),
            internal_comment: some(words(self.internal.as_ref(), at, 8000)?),
        };
        self.common.draft(at, date, "", Body::Behaviour(body))
    }

    fn event(&self, at: At<'_, '_>, date: SchoolDate) -> Result<Event, Bad> {
        let time = self.time.as_ref().map_or(Ok(None), |bound| bound.time(at.row, at.number))?;
        let severity = match &self.severity {
            Some(bound) => match bound.whole(at.row, at.number)? {
                Some(level) => {
                    Some(Severity::new(level).map_err(|invalid| bound.invalid("CSV-SEVERITY", &invalid))?)
                }
                None => None,
            },
            None => None,
        };
        Ok(Event {
            polarity: named(&self.polarity, at)?
                .ok_or_else(|| self.polarity.bad("CSV-VALUE", "must be positive, negative or neutral"))?,
            category: self
                .category
                .as_ref()
                .map_or(Ok(None), |bound| named(bound, at))?
                .unwrap_or(Category::Other),
            severity,
            source_label: self.label.words(at.row, at.number, 200)?,
            happened_at: time.map(|time| date.at(time, self.common.zone())),
            location: words(self.location.as_ref(), at, 100)?,
            event_id: self.event.as_ref().map_or(Ok(None), |bound| bound.local_id(at.row, at.number))?,
        })
    }

    fn involvement(&self, at: At<'_, '_>) -> Result<Involvement, Bad> {
        Ok(Involvement {
            role: self.role.as_ref().map_or(Ok(None), |bound| named(bound, at))?,
            points: self.points.as_ref().map_or(Ok(None), |bound| signed(bound, at))?,
            action: words(self.action.as_ref(), at, 200)?,
            status: words(self.status.as_ref(), at, 100)?,
            home_action_by: match &self.home_action_by {
                Some(bound) => bound.date(at.row, at.number, self.common.format())?,
                None => None,
            },
        })
    }
}

fn some(text: Text) -> Option<Text> {
    (!text.is_empty()).then_some(text)
}

/// A value that must be one of a small list; `None` if blank.
fn named<'de, T: Deserialize<'de>>(bound: &Bound, at: At<'_, '_>) -> Result<Option<T>, Bad> {
    let text = bound.text(at.row, at.number)?;
    if text.is_empty() {
        return Ok(None);
    }
    let name = text.to_lowercase();
    T::deserialize(StrDeserializer::<serde::de::value::Error>::new(&name)).map(Some).map_err(|_| {
        bound.bad("CSV-VALUE", "is none of the shared names; say what it stands for under `values`")
    })
}

fn signed(bound: &Bound, at: At<'_, '_>) -> Result<Option<i32>, Bad> {
    let text = bound.text(at.row, at.number)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| bound.bad("CSV-NUMBER", "must be a whole number"))
}
