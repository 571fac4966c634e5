//! Behaviour and achievement: its field groups to and from the schema.

use crate::{pb::behaviour::v1 as pb, read};
use commonroll_core::{
    Invalid,
    record::{
        Text,
        behaviour::{Category, Event, Involvement, Polarity, Role, Severity},
    },
};

/// Most characters of a summary written to be shared.
const SHARED_MAX: usize = 2_000;
/// Most characters of an internal comment.
const INTERNAL_MAX: usize = 8_000;

/// Group 2 as the schema writes it.
pub fn write_event(event: &Event) -> pb::Event {
    pb::Event {
        polarity: write_polarity(event.polarity) as i32,
        category: write_category(event.category) as i32,
        severity: event.severity.map_or(0, |s| u32::from(s.get())),
        source_label: event.source_label.as_str().to_owned(),
        happened_at_us: event.happened_at.map(|at| at.micros()),
        location: event.location.as_str().to_owned(),
        event_local_id: read::id_text(event.event_id.as_ref()),
    }
}

/// Reads group 2.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_event(event: &pb::Event) -> Result<Event, Invalid> {
    Ok(Event {
        polarity: read_polarity(event.polarity)?,
        category: read_category(event.category)?,
        severity: if event.severity == 0 { None } else { Some(Severity::new(event.severity)?) },
        source_label: Text::parse("source_label", &event.source_label, 200)?,
        happened_at: read::optional_time("happened_at_us", event.happened_at_us)?,
        location: Text::parse("location", &event.location, 100)?,
        event_id: read::optional_id("event_local_id", &event.event_local_id)?,
    })
}

/// Group 3 as the schema writes it.
pub fn write_involvement(involvement: &Involvement) -> pb::Involvement {
    pb::Involvement {
        role: involvement.role.map_or(pb::Role::Unspecified, write_role) as i32,
        points: involvement.points,
        action: involvement.action.as_str().to_owned(),
        status: involvement.status.as_str().to_owned(),
        home_action_by: involvement.home_action_by.map(|date| date.to_string()).unwrap_or_default(),
    }
}

/// Reads group 3.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_involvement(involvement: &pb::Involvement) -> Result<Involvement, Invalid> {
    Ok(Involvement {
        role: read_role(involvement.role)?,
        points: involvement.points,
        action: Text::parse("action", &involvement.action, 200)?,
        status: Text::parse("status", &involvement.status, 100)?,
        home_action_by: read::optional_date("home_action_by", &involvement.home_action_by)?,
    })
}

/// Group 4 as the schema writes it.
pub fn write_share_safe_text(text: &Text) -> pb::ShareSafeText {
    pb::ShareSafeText { text: text.as_str().to_owned() }
}

/// Reads group 4.
///
/// # Errors
/// [`Invalid`] naming `text`.
pub fn read_share_safe_text(text: &pb::ShareSafeText) -> Result<Text, Invalid> {
    Text::parse("text", &text.text, SHARED_MAX)
}

/// Group 5 as the schema writes it.
pub fn write_internal_comment(text: &Text) -> pb::InternalComment {
    pb::InternalComment { text: text.as_str().to_owned() }
}

/// Reads group 5.
///
/// # Errors
/// [`Invalid`] naming `text`.
pub fn read_internal_comment(text: &pb::InternalComment) -> Result<Text, Invalid> {
    Text::parse("text", &text.text, INTERNAL_MAX)
}

fn write_polarity(polarity: Polarity) -> pb::Polarity {
    match polarity {
        Polarity::Positive => pb::Polarity::Positive,
        Polarity::Negative => pb::Polarity::Negative,
        Polarity::Neutral => pb::Polarity::Neutral,
    }
}

fn read_polarity(number: i32) -> Result<Polarity, Invalid> {
    let polarity = match read::known("polarity", number)? {
        pb::Polarity::Unspecified => None,
        pb::Polarity::Positive => Some(Polarity::Positive),
        pb::Polarity::Negative => Some(Polarity::Negative),
        pb::Polarity::Neutral => Some(Polarity::Neutral),
    };
    read::required("polarity", polarity)
}

fn write_category(category: Category) -> pb::Category {
    match category {
        Category::EngagementPositive => pb::Category::EngagementPositive,
        Category::Achievement => pb::Category::Achievement,
        Category::AttendanceLateness => pb::Category::AttendanceLateness,
        Category::Truancy => pb::Category::Truancy,
        Category::WorkMissing => pb::Category::WorkMissing,
        Category::LowLevelDisruption => pb::Category::LowLevelDisruption,
        Category::Defiance => pb::Category::Defiance,
        Category::VerbalAbuse => pb::Category::VerbalAbuse,
        Category::Physical => pb::Category::Physical,
        Category::BullyingOrPrejudice => pb::Category::BullyingOrPrejudice,
        Category::PropertyOrTheft => pb::Category::PropertyOrTheft,
        Category::SubstancesOrProhibitedItem => pb::Category::SubstancesOrProhibitedItem,
        Category::Other => pb::Category::Other,
    }
}

fn read_category(number: i32) -> Result<Category, Invalid> {
    let category = match read::known("category", number)? {
        pb::Category::Unspecified => None,
        pb::Category::EngagementPositive => Some(Category::EngagementPositive),
        pb::Category::Achievement => Some(Category::Achievement),
        pb::Category::AttendanceLateness => Some(Category::AttendanceLateness),
        pb::Category::Truancy => Some(Category::Truancy),
        pb::Category::WorkMissing => Some(Category::WorkMissing),
        pb::Category::LowLevelDisruption => Some(Category::LowLevelDisruption),
        pb::Category::Defiance => Some(Category::Defiance),
        pb::Category::VerbalAbuse => Some(Category::VerbalAbuse),
        pb::Category::Physical => Some(Category::Physical),
        pb::Category::BullyingOrPrejudice => Some(Category::BullyingOrPrejudice),
        pb::Category::PropertyOrTheft => Some(Category::PropertyOrTheft),
        pb::Category::SubstancesOrProhibitedItem => Some(Category::SubstancesOrProhibitedItem),
        pb::Category::Other => Some(Category::Other),
    };
    read::required("category", category)
}

fn write_role(role: Role) -> pb::Role {
    match role {
        Role::Perpetrator => pb::Role::Perpetrator,
        Role::Victim => pb::Role::Victim,
        Role::Witness => pb::Role::Witness,
        Role::Reporter => pb::Role::Reporter,
        Role::Participant => pb::Role::Participant,
    }
}

fn read_role(number: i32) -> Result<Option<Role>, Invalid> {
    Ok(match read::known("role", number)? {
        pb::Role::Unspecified => None,
        pb::Role::Perpetrator => Some(Role::Perpetrator),
        pb::Role::Victim => Some(Role::Victim),
        pb::Role::Witness => Some(Role::Witness),
        pb::Role::Reporter => Some(Role::Reporter),
        pb::Role::Participant => Some(Role::Participant),
    })
}
