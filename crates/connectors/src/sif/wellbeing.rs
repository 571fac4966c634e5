//! Wellbeing events: one student's part in an event. Notes become the internal comment, which never leaves its source.

use super::{Reading, behaviour, date, ref_id, student};
use crate::{
    entities::{Bad, id},
    item::{Draft, Item},
    xml::Node,
};
use commonroll_core::{
    LocalId, RecordKind, SchoolDate,
    record::{
        Behaviour, Text,
        behaviour::{Category, Event, Involvement, Polarity},
    },
};

pub fn event(node: &Node, reading: &mut Reading<'_>) {
    if node.at("GroupIndicator") == "true" && student(node).is_err() {
        let why = "events of a group name nobody; their links to persons are not read";
        return reading.entities.unread(node.line, "GroupIndicator", why);
    }
    let date = date(node, &["WellbeingEventDate"]);
    let about = date.as_ref().ok().map(|date| (RecordKind::Behaviour, *date));
    let draft = date.and_then(|date| draft(node, date, reading));
    reading.entities.give(node.line, about, draft.map(Item::Record));
}

fn draft(node: &Node, date: SchoolDate, reading: &Reading<'_>) -> Result<Draft, Bad> {
    let learner = student(node)?;
    let event_id = match node.at("EventId") {
        "" => ref_id(node),
        id => id,
    };
    let event_id = id("EventId", event_id, "SIF-EVENT")?;
    let category = node.at("WellbeingEventCategoryList/WellbeingEventCategory/EventCategory");
    let class = node.at("WellbeingEventCategoryClass");
    let label = if category.is_empty() { class } else { category };
    if label.is_empty() {
        return Err(Bad::new(
            "WellbeingEventCategoryClass",
            "SIF-VALUE",
            "must say what sort of event it was",
        ));
    }
    let polarity = match (reading.mapping.polarity, class) {
        (Some(polarity), _) => polarity,
        (None, "P") => Polarity::Positive,
        (None, "D") => Polarity::Negative,
        (None, _) => Polarity::Neutral,
    };
    let notes = Text::parse("WellbeingEventNotes", node.at("WellbeingEventNotes"), 8000)?;
    let location = match node.at("WellbeingEventLocationDetails/EventLocation") {
        "" => node.at("WellbeingEventLocationDetails"),
        place => place,
    };
    let body = Behaviour {
        event: Some(Event {
            polarity,
            category: reading.mapping.categories.get(label).copied().unwrap_or(Category::Other),
            severity: None,
            source_label: Text::parse("EventCategory", label, 200)?,
            happened_at: None,
            location: Text::parse("EventLocation", location.trim(), 100)?,
            event_id: Some(LocalId::parse("EventId", event_id.as_str())?),
        }),
        involvement: Some(Involvement {
            role: None,
            points: None,
            action: Text::default(),
            status: Text::default(),
            home_action_by: None,
        }),
        share_safe_text: None,
        internal_comment: (!notes.is_empty()).then_some(notes),
    };
    behaviour((&event_id, learner, date), false, body)
}
