//! Line items and results: assessment records.
//!
//! A letter comes before a number. Its scale is the mapping's, or the one that the package links it to; a number's is
//! the range of its line item.

use super::{people::People, read::Reader, table::Line};
use crate::{
    grades,
    item::{Draft, Item, Problem},
    mapping::{DateFormat, RawScale},
    parse,
};
use commonroll_core::{
    Body, Invalid, LocalId, RecordKind,
    record::{
        Assessment, Text,
        assessment::{GradeKind, GradeValue, ResultGiven},
    },
};
use std::collections::HashMap;

/// What results must look up.
#[derive(Default)]
pub struct Gradebook {
    sessions: HashMap<String, String>,
    categories: HashMap<String, String>,
    items: HashMap<String, LineItem>,
    item_scales: HashMap<String, String>,
    result_scales: HashMap<String, String>,
}

struct LineItem {
    title: String,
    class: String,
    kind: GradeKind,
    range: Option<(String, String)>,
    result_set: String,
}

impl Gradebook {
    pub fn is_full(&self, most: usize) -> bool {
        [self.items.len(), self.result_scales.len(), self.item_scales.len(), self.categories.len()]
            .iter()
            .any(|count| *count > most)
    }

    pub fn session(&mut self, line: &Line<'_, '_>) {
        self.sessions.insert(line.id().to_owned(), line.get("title").to_owned());
    }

    pub fn category(&mut self, line: &Line<'_, '_>) {
        self.categories.insert(line.id().to_owned(), line.get("title").to_owned());
    }

    pub fn item_scale(&mut self, line: &Line<'_, '_>) {
        self.item_scales
            .insert(line.get("lineItemSourcedId").to_owned(), line.get("scoreScaleSourcedId").to_owned());
    }

    pub fn result_scale(&mut self, line: &Line<'_, '_>) {
        self.result_scales
            .insert(line.get("resultSourcedId").to_owned(), line.get("scoreScaleSourcedId").to_owned());
    }

    pub fn line_item(&mut self, line: &Line<'_, '_>, reader: &Reader<'_>) {
        let category = self.categories.get(line.get("categorySourcedId"));
        let kind =
            category.and_then(|title| reader.mapping.kinds.get(title)).or(reader.mapping.kind.as_ref());
        let session = [line.get("academicSessionSourcedId"), line.get("gradingPeriodSourcedId")];
        let (min, max) = (line.get("resultValueMin"), line.get("resultValueMax"));
        let item = LineItem {
            title: line.get("title").to_owned(),
            class: line.get("classSourcedId").to_owned(),
            kind: kind.copied().unwrap_or(GradeKind::Assignment),
            range: (!min.is_empty() && !max.is_empty()).then(|| (min.to_owned(), max.to_owned())),
            result_set: session.iter().find_map(|id| self.sessions.get(*id)).cloned().unwrap_or_default(),
        };
        self.items.insert(line.id().to_owned(), item);
    }

    pub fn result(&self, line: &Line<'_, '_>, people: &People, reader: &mut Reader<'_>) {
        let item = self.items.get(line.get("lineItemSourcedId"));
        let class = match line.get("classSourcedId") {
            "" => item.map_or("", |item| item.class.as_str()),
            class => class,
        };
        if people.class(class).is_some_and(|class| !reader.is_school(&class.school)) {
            return;
        }
        let Some(item) = item else {
            let fix =
                "names a line item that the package doesn't hold; export lineItems together with results";
            reader.lost("results");
            reader.out.problem(Problem::new(line.line, "results.csv lineItemSourcedId", "OR-LINE-ITEM", fix));
            return;
        };
        match self.draft(line, item, class, people, reader) {
            Ok(draft) => reader.give(Item::Record(draft), line.line),
            Err(invalid) => reader.invalid("results", line.line, &invalid),
        }
    }

    fn draft(
        &self,
        line: &Line<'_, '_>,
        item: &LineItem,
        class: &str,
        people: &People,
        reader: &Reader<'_>,
    ) -> Result<Draft, Invalid> {
        let date = parse::date(line.get("scoreDate"), DateFormat::Iso)
            .ok_or(Invalid::new("scoreDate", "must be a real date written as YYYY-MM-DD"))?;
        let body = match line.is_gone() {
            true => Body::Withdrawn(RecordKind::Assessment),
            false => {
                let comment = Text::parse("comment", line.get("comment"), 1000)?;
                let subject = people.class(class).map_or("", |class| class.subjects.as_str());
                Body::Assessment(Assessment {
                    result: Some(self.given(line, item, subject, reader)?),
                    comment: (!comment.is_empty()).then_some(comment),
                })
            }
        };
        Ok(Draft {
            kind: RecordKind::Assessment,
            local_key: line.id().to_owned(),
            learner: LocalId::parse("studentSourcedId", line.get("studentSourcedId"))?,
            group: if class.is_empty() { None } else { Some(LocalId::parse("classSourcedId", class)?) },
            date,
            recorded_at: parse::instant(line.get("dateLastModified"), reader.zone),
            confidential: false,
            body,
        })
    }

    fn given(
        &self,
        line: &Line<'_, '_>,
        item: &LineItem,
        subject: &str,
        reader: &Reader<'_>,
    ) -> Result<ResultGiven, Invalid> {
        let (letter, score) = (line.get("textScore"), line.get("score"));
        let letter_scale = self.letter_scale(line, reader);
        let raw = || match &item.range {
            Some((min, max)) => RawScale { id: format!("raw-{min}-{max}"), version: "1".to_owned() },
            None => RawScale { id: "raw".to_owned(), version: "1".to_owned() },
        };
        let (text, scale) = match (letter.is_empty(), letter_scale) {
            (false, Some(scale)) => (letter, scale),
            (false, None) if score.is_empty() => {
                return Err(Invalid::new(
                    "textScore",
                    "needs a scale: name it as `text_scale` in the mapping",
                ));
            }
            _ => (score, raw()),
        };
        let value = match (text, line.get("scoreStatus")) {
            (_, "exempt") => GradeValue::NotAssessed,
            ("", "not submitted") => GradeValue::NoResult,
            ("", "submitted" | "partially graded") => GradeValue::Pending,
            (text, _) => grades::value(text, &reader.mapping.special),
        };
        ResultGiven {
            kind: item.kind,
            scale_id: scale.id,
            scale_version: scale.version,
            value,
            subject: Text::parse("subjects", subject, 100)?,
            title: Text::parse("title", &item.title, 200)?,
            result_set: Text::parse("title", &item.result_set, 100)?,
            points: None,
        }
        .check()
    }

    fn letter_scale(&self, line: &Line<'_, '_>, reader: &Reader<'_>) -> Option<RawScale> {
        if let Some(scale) = &reader.mapping.text_scale {
            return Some(scale.clone());
        }
        let linked = self
            .result_scales
            .get(line.id())
            .or_else(|| self.item_scales.get(line.get("lineItemSourcedId")))?;
        let id: String = format!("{}/{linked}", reader.institution).chars().take(64).collect();
        Some(RawScale { id, version: "1".to_owned() })
    }
}
