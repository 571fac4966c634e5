//! What happened, newest first: on two lanes, home left and hosts right; and what was written of praise and concern.

use super::{Shape, Told, told::Kind};
use crate::console::{
    parts::{self, Standing, StateTag},
    times,
};
use commonroll_core::{
    SchoolDate, Slug, Timestamp,
    record::{
        assessment::{GradeKind, GradeValue},
        attendance::Physical,
        behaviour::{Behaviour, Polarity},
    },
};
use commonroll_exchange::MessageSeen;
use jiff::tz::TimeZone;

/// Moments that are shown at once; older ones are folded.
pub(super) const SHOWN: usize = 12;
/// Notes that are shown at once.
pub(super) const NOTES: usize = 6;

/// One moment of the timeline.
pub(super) struct Moment {
    pub day: String,
    pub time: String,
    pub shape: Shape,
    pub source: String,
    pub what: String,
    pub tag: Option<StateTag>,
    pub more: String,
    order: (i32, i64),
}

/// Praise or concern.
pub(super) struct Note {
    pub concern: bool,
    pub label: String,
    pub text: String,
    pub by: String,
    pub act: String,
    order: i64,
}

/// The moments and the notes, newest first.
pub(super) fn events(
    (told, messages): (&[Told], &[MessageSeen]),
    sources: &[(&Slug, &str)],
    (today, zone): (SchoolDate, &TimeZone),
) -> (Vec<Moment>, Vec<Note>) {
    let (mut moments, mut notes) = (Vec::new(), Vec::new());
    for one in told {
        let place = sources.iter().position(|(slug, _)| **slug == one.source);
        let (Some(place), source) = (place, place.map_or("", |place| sources[place].1)) else { continue };
        let mut moment = Moment {
            day: if one.date == today { "Today".to_owned() } else { times::short_day(one.date) },
            time: String::new(),
            shape: Shape::of(place),
            source: source.to_owned(),
            what: String::new(),
            tag: None,
            more: String::new(),
            order: (one.date.days(), one.accepted_at.micros()),
        };
        let shown = match &one.body {
            Kind::Mark(_) => mark(&mut moment, one, one.date == today, zone),
            Kind::Result(_) => result(&mut moment, one),
            Kind::Event(part) => {
                notes.push(note(part, one, source, (today, zone)));
                event(&mut moment, part, zone)
            }
        };
        if shown.is_some() {
            moments.push(moment);
        }
    }
    moments.extend(messages.iter().filter_map(|one| message(one, sources, (today, zone))));
    moments.sort_by_key(|moment| std::cmp::Reverse(moment.order));
    notes.sort_by_key(|note| std::cmp::Reverse(note.order));
    (moments, notes)
}

/// What a host told the home, on the host's lane.
fn message(
    seen: &MessageSeen,
    sources: &[(&Slug, &str)],
    (today, zone): (SchoolDate, &TimeZone),
) -> Option<Moment> {
    let place = sources.iter().position(|(slug, _)| **slug == seen.host.0)?;
    let date = seen.at.date_in(zone);
    let kind = if seen.praise { "Praise" } else { "Concern" };
    let group = if seen.group.is_empty() { String::new() } else { format!(", {}", seen.group) };
    let mut more = seen.words.clone().unwrap_or_default();
    if let Some(by) = seen.act_by {
        more = format!("{more} Home is asked to act by {}.", times::day(by)).trim().to_owned();
    }
    Some(Moment {
        day: if date == today { "Today".to_owned() } else { times::short_day(date) },
        time: times::hm(seen.at, zone),
        shape: Shape::of(place),
        source: seen.host.1.clone(),
        what: format!("{kind} told to the home{group}"),
        tag: None,
        more,
        order: (date.days(), seen.at.micros()),
    })
}

fn at(moment: &mut Moment, time: Timestamp, zone: &TimeZone) {
    moment.time = times::hm(time, zone);
    moment.order.1 = time.micros();
}

/// Today's marks, and of other days what was missed or late.
fn mark(moment: &mut Moment, one: &Told, today: bool, zone: &TimeZone) -> Option<()> {
    let presence = one.presence()?;
    if let Some(time) = presence.interval {
        at(moment, time.start(), zone);
    }
    let lesson = if one.group.is_empty() { "a lesson" } else { one.group.as_str() };
    let late =
        presence.minutes_late.map_or_else(|| "Late".to_owned(), |minutes| format!("Late {minutes} min"));
    let (words, tag) = match presence.physical {
        Physical::Present if !today => return None,
        Physical::Present => (format!("In {lesson}"), parts::state(Standing::Seen, "Seen".to_owned())),
        Physical::Late => (format!("Late to {lesson}"), parts::state(Standing::Late, late)),
        Physical::Absent => {
            (format!("Absent from {lesson}"), parts::state(Standing::NotSeen, "Absent".to_owned()))
        }
        Physical::Unknown => {
            (format!("{lesson}: not marked"), parts::state(Standing::NotMarked, "Not marked".to_owned()))
        }
        Physical::NotRequired if !today => return None,
        Physical::NotRequired => {
            (format!("{lesson}: not required"), parts::state(Standing::Excused, "Not required".to_owned()))
        }
    };
    moment.what = words;
    moment.tag = Some(tag);
    moment.more = format!("Came to the hub {}.", came(one.accepted_at, zone));
    Some(())
}

fn result(moment: &mut Moment, one: &Told) -> Option<()> {
    let Kind::Result(given) = &one.body else { return None };
    let result = given.result.as_ref()?;
    let value = match &result.value {
        GradeValue::Given(grade) => grade.as_str(),
        GradeValue::Ungraded => "ungraded",
        GradeValue::NoResult => "no result",
        GradeValue::Pending => "pending",
        GradeValue::Withheld => "withheld by the board",
        GradeValue::NotAssessed => "not assessed",
    };
    let kind = match result.kind {
        GradeKind::Prior => "prior attainment",
        GradeKind::MinimumTarget => "minimum target",
        GradeKind::TeacherTarget => "target",
        GradeKind::WorkingAt => "working at",
        GradeKind::Predicted => "predicted",
        GradeKind::Mock => "mock",
        GradeKind::Effort => "effort",
        GradeKind::Final => "final",
        GradeKind::Assignment => "assignment",
    };
    let subject =
        if result.subject.as_str().is_empty() { one.group.as_str() } else { result.subject.as_str() };
    moment.what = format!("{subject}: {kind} {value}");
    let mut more: Vec<&str> = vec![result.title.as_str(), result.scale_id.as_str()];
    let comment = given.comment.as_ref().map(|text| text.as_str());
    more.extend(comment);
    more.retain(|text| !text.is_empty());
    moment.more = more.join(". ");
    Some(())
}

fn event(moment: &mut Moment, part: &Behaviour, zone: &TimeZone) -> Option<()> {
    let event = part.event.as_ref()?;
    if let Some(time) = event.happened_at {
        at(moment, time, zone);
    }
    moment.what = label(part);
    moment.more = part.share_safe_text.as_ref().map_or_else(String::new, |text| text.as_str().to_owned());
    Some(())
}

fn label(part: &Behaviour) -> String {
    let Some(event) = &part.event else { return "An event".to_owned() };
    let polarity = match event.polarity {
        Polarity::Positive => "Praise",
        Polarity::Negative => "Concern",
        Polarity::Neutral => "Seen",
    };
    let category = serde_json::to_value(event.category).unwrap_or_default();
    let category = category.as_str().unwrap_or_default().replace('_', " ");
    let said = event.source_label.as_str();
    format!("{polarity}: {}", if said.is_empty() { category.as_str() } else { said })
}

fn note(part: &Behaviour, one: &Told, source: &str, (today, zone): (SchoolDate, &TimeZone)) -> Note {
    let concern = part.event.as_ref().is_some_and(|event| event.polarity == Polarity::Negative);
    let day = if one.date == today { "today".to_owned() } else { times::short_day(one.date) };
    let group = if one.group.is_empty() { String::new() } else { format!("{}, ", one.group) };
    let act = part.involvement.as_ref().and_then(|part| part.home_action_by);
    Note {
        concern,
        label: label(part),
        text: part.share_safe_text.as_ref().map_or_else(String::new, |text| text.as_str().to_owned()),
        by: format!("{group}{source} · {day}, came {}", came(one.accepted_at, zone)),
        act: act.map_or_else(String::new, |date| format!("Home is asked to act by {}", times::day(date))),
        order: one.accepted_at.micros(),
    }
}

/// When something came, as one says it.
fn came(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} {}", times::short_day(at.date_in(zone)), times::hm(at, zone))
}
