//! Incidents of the British model: one record for each learner who did something. Those to whom it was done, and those who saw it, are
//! not read, and of several learners neither are those of whom it is not said. Comments become the internal comment, which never leaves its source.

use super::{Reading, behaviour, ref_id};
use crate::{
    entities::{Bad, id},
    item::{Draft, Item},
    mapping::DateFormat,
    parse,
    xml::Node,
};
use commonroll_core::{
    LocalId, RecordKind, SchoolDate, Timestamp,
    record::{
        Behaviour, Text,
        behaviour::{Category, Event, Involvement, Polarity, Role},
    },
};

pub fn incident(node: &Node, reading: &mut Reading<'_>) {
    let when = node.at("Incident/Date");
    let happened_at = parse::instant(when, reading.zone);
    let date = happened_at.map(|at| at.date_in(reading.zone)).or_else(|| parse::date(when, DateFormat::Iso));
    let Some(date) = date else {
        let fix = "must begin with a real date written as YYYY-MM-DD";
        return reading.entities.give(node.line, None, Err(Bad::new("Incident/Date", "SIF-DATE", fix)));
    };
    let learners = node.find("Participants/Learners");
    let learners: Vec<&Node> = learners.into_iter().flat_map(|learners| learners.all("Learner")).collect();
    for &learner in &learners {
        let draft = match part(learner, learners.len() == 1) {
            Part::None => continue,
            Part::Unsaid => Err(Bad::new(
                "ParticipationTypes",
                "SIF-VALUE",
                "must say who of several learners did it: no record is made of one to whom it may have been done",
            )),
            Part::Did(role) => draft(node, (learner, role), (date, happened_at), reading),
        };
        reading.entities.give(learner.line, Some((RecordKind::Behaviour, date)), draft.map(Item::Record));
    }
}

/// What a learner had to do with an incident.
enum Part {
    Did(Role),
    /// Saw it, or had it done to them.
    None,
    Unsaid,
}

fn part(learner: &Node, is_alone: bool) -> Part {
    let types = learner.find("ParticipationTypes");
    let types: Vec<&Node> = types.into_iter().flat_map(|types| types.all("ParticipationType")).collect();
    match types.as_slice() {
        [] if is_alone => Part::Did(Role::Participant),
        [] => Part::Unsaid,
        types if types.iter().any(|one| one.text.trim() == "Perpetrator") => Part::Did(Role::Perpetrator),
        _ => Part::None,
    }
}

fn draft(
    node: &Node,
    (part, role): (&Node, Role),
    (date, happened_at): (SchoolDate, Option<Timestamp>),
    reading: &Reading<'_>,
) -> Result<Draft, Bad> {
    let text = |element: &'static str, said: &str, max: usize| {
        Text::parse(element, &said.split_whitespace().collect::<Vec<_>>().join(" "), max)
    };
    let said = part.attribute("LearnerPersonalRefId").unwrap_or_default().trim();
    let learner = id("LearnerPersonalRefId", said, "SIF-STUDENT")?;
    let event_id = id("RefId", ref_id(node), "SIF-EVENT")?;
    let classification = node.at("BehaviourType/Classification");
    let label = match node.at("BehaviourType/SubClassification") {
        "" => classification,
        words => words,
    };
    if label.is_empty() {
        return Err(Bad::new("Classification", "SIF-VALUE", "must say what sort of event it was"));
    }
    let weighting = |node: &Node, path: &str| node.at(path).parse::<i32>().ok();
    let weight = weighting(part, "Weighting").or_else(|| weighting(node, "BehaviourType/Weighting"));
    let polarity = reading.mapping.polarity.unwrap_or(match weight {
        Some(1..) => Polarity::Positive,
        Some(..=-1) => Polarity::Negative,
        Some(0) | None => Polarity::Neutral,
    });
    let categories = &reading.mapping.categories;
    let category = [label, classification].iter().find_map(|word| categories.get(*word).copied());
    let internal = [node.at("Incident/Comments"), part.at("ParticipationComment")].join(" ");
    let internal = text("Comments", &internal, 8000)?;
    let action = part.find("Actions/Action");
    let action = action.map_or("", |action| match action.at("SubClassification") {
        "" => action.at("Classification"),
        words => words,
    });
    let body = Behaviour {
        event: Some(Event {
            polarity,
            category: category.unwrap_or_else(|| usual(classification)),
            severity: None,
            source_label: text("SubClassification", label, 200)?,
            happened_at,
            location: text("Location", node.at("Incident/Location"), 100)?,
            event_id: Some(LocalId::parse("RefId", event_id.as_str())?),
        }),
        involvement: Some(Involvement {
            role: Some(role),
            points: weighting(part, "Weighting"),
            action: text("Action", action, 200)?,
            status: Text::default(),
            home_action_by: None,
        }),
        share_safe_text: None,
        internal_comment: (!internal.is_empty()).then_some(internal),
    };
    behaviour((&event_id, learner, date), node.at("Incident/Confidentiality") == "High", body)
}

/// What the model's own words for sorts of behaviour come to.
fn usual(classification: &str) -> Category {
    match classification {
        "Physical Abuse" => Category::Physical,
        "Verbal Abuse" => Category::VerbalAbuse,
        "Substance Abuse" => Category::SubstancesOrProhibitedItem,
        "Bullying" => Category::BullyingOrPrejudice,
        "Property Abuse" => Category::PropertyOrTheft,
        "Disruption" => Category::LowLevelDisruption,
        "Compliance" => Category::Defiance,
        _ => Category::Other,
    }
}
