//! A host teacher's groups, and who visits one of them today.

use super::{
    super::{
        Console,
        layout::Frame,
        parts::{self, Standing, StateTag},
        refusal::{Refusal, page},
        signed::{Query, Signed},
        times,
    },
    messages,
    pager::{Pager, pages},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use commonroll_exchange::{GroupKey, GroupLine, LessonTime, Looks, RuleSeen, VisitorSeen};
use jiff::tz::TimeZone;

/// Where groups are.
const PATH: &str = "/groups";
/// Cards on a page.
const CARDS: usize = 48;

#[derive(Template)]
#[template(path = "groups.html")]
struct Groups {
    frame: Frame,
    title: String,
    date: String,
    closed: bool,
    groups: Vec<Room>,
}

/// One group on the way to it.
struct Room {
    address: String,
    title: String,
    when: String,
    visitors: String,
}

/// My groups today. Who has one group is taken to it.
pub async fn groups(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mine = console.exchange.my_groups(signed.acting(), signed.now).await?;
    if let [only] = mine.groups.as_slice() {
        return Ok(Redirect::to(&address(only.key)).into_response());
    }
    let visited = mine.groups.iter().filter(|group| group.visitors > 0).count();
    let title = match (mine.groups.len(), visited) {
        (0, _) => "No group is yours here yet".to_owned(),
        (_, 0) => "Nobody visits your groups today".to_owned(),
        (_, 1) => "Learners of other schools visit 1 of your groups".to_owned(),
        (_, more) => format!("Learners of other schools visit {more} of your groups"),
    };
    let room = |line: &GroupLine| Room {
        address: address(line.key),
        title: line.title.clone(),
        when: when(&line.lessons, signed.zone()),
        visitors: match line.visitors {
            0 => "Nobody visits it".to_owned(),
            1 => "1 visits".to_owned(),
            more => format!("{more} visit"),
        },
    };
    page(&Groups {
        frame: Frame::new(&signed, &headers, "My groups today", PATH).roomy(),
        title,
        date: times::weekday(mine.date),
        closed: mine.closed,
        groups: mine.groups.iter().map(room).collect(),
    })
}

#[derive(Template)]
#[template(path = "group.html")]
struct Group {
    frame: Frame,
    title: String,
    eyebrow: String,
    lead: String,
    institution: String,
    notice: Option<Notice>,
    visitors: Vec<Card>,
    /// Where there are more than a page has.
    pager: Option<Pager>,
    without_card: usize,
    /// False until all of the day has been read after a start.
    known: bool,
    rules: Vec<RuleSeen>,
    agreements: Vec<String>,
    policy: String,
}

/// What the teacher is told first.
struct Notice {
    class: &'static str,
    icon: &'static str,
    strong: String,
    says: &'static str,
}

/// A visiting learner.
struct Card {
    learner: u32,
    known_as: String,
    name: String,
    home: String,
    today: Option<StateTag>,
    joins: bool,
    needs: String,
    emergency: String,
    desk: String,
    phone: Option<(String, String)>,
    /// What was told the home, with what came of it.
    told: Vec<messages::Line>,
}

/// One group, and who visits it.
pub async fn group(
    State(console): State<Console>,
    Path(key): Path<String>,
    signed: Signed,
    Query(query): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    // What is no key is a group that is not there, and is counted as one.
    // In the order of exchange, which says in the log whose card is on the page.
    let first = query.get("page").parse::<usize>().unwrap_or(1).saturating_sub(1).saturating_mul(CARDS);
    let asked = (read(&key), (first, CARDS));
    let seen = console.exchange.group_shown(signed.acting(), asked, signed.now).await?;
    let zone = signed.zone();
    let lead = match (seen.all, seen.homes) {
        (0, _) => "Nobody visits this group today.".to_owned(),
        (1, _) => "1 visits from another school.".to_owned(),
        (visitors, 1) => format!("{visitors} visit from 1 school."),
        (visitors, homes) => format!("{visitors} visit from {homes} schools."),
    };
    let mut eyebrow = format!("Today, {}", times::weekday(seen.date));
    if let Some(lesson) = counts(&seen.line.lessons, signed.now) {
        let (start, end) = (times::hm(lesson.time.start(), zone), times::hm(lesson.time.end(), zone));
        eyebrow.push_str(&format!(" · {start} to {end}"));
        if !lesson.room.is_empty() {
            eyebrow.push_str(&format!(" · Room {}", lesson.room));
        }
    }
    let notice = match seen.known {
        true => notice(&seen.line.lessons, seen.register, (signed.now, zone)),
        false => Some(Notice {
            class: "is-unknown",
            icon: "unknown",
            strong: "The hub is still reading today’s marks.".to_owned(),
            says: "What isn’t here yet is unknown: neither present nor absent.",
        }),
    };
    let to = |page: usize| format!("{}?page={page}#vis", address(seen.line.key));
    let (pager, _) = pages(seen.all, CARDS, query.get("page"), to);
    page(&Group {
        frame: Frame::new(&signed, &headers, seen.line.title.clone(), PATH).roomy().why("#why"),
        title: seen.line.title,
        eyebrow,
        lead,
        institution: seen.institution.1,
        notice,
        visitors: seen.visitors.into_iter().map(|visitor| card(visitor, seen.date, zone)).collect(),
        pager,
        without_card: seen.without_card,
        known: seen.known,
        rules: seen.rules,
        agreements: seen.agreements,
        policy: seen.policy.chars().take(12).collect(),
    })
}

fn address(key: GroupKey) -> String {
    let hex: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{PATH}/{hex}")
}

/// The key in an address; what is none is a key that no group has.
fn read(text: &str) -> GroupKey {
    let mut key = [0; 8];
    let right = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if right {
        for (place, byte) in key.iter_mut().enumerate() {
            *byte = text
                .get(2 * place..2 * place + 2)
                .and_then(|hex| u8::from_str_radix(hex, 16).ok())
                .unwrap_or(0);
        }
    }
    GroupKey(key)
}

/// The lesson that is on, or the next, or the last.
fn counts(lessons: &[LessonTime], now: commonroll_core::Timestamp) -> Option<&LessonTime> {
    lessons.iter().find(|lesson| lesson.time.end() > now).or(lessons.last())
}

fn when(lessons: &[LessonTime], zone: &TimeZone) -> String {
    if lessons.is_empty() {
        return "No lesson today".to_owned();
    }
    let one = |lesson: &LessonTime| {
        let (start, end) = (times::hm(lesson.time.start(), zone), times::hm(lesson.time.end(), zone));
        let room = if lesson.room.is_empty() { String::new() } else { format!(", room {}", lesson.room) };
        let off = if lesson.cancelled { ", cancelled" } else { "" };
        format!("{start} to {end}{room}{off}")
    };
    lessons.iter().map(one).collect::<Vec<_>>().join(" · ")
}

fn notice(
    lessons: &[LessonTime],
    register: Option<commonroll_core::Timestamp>,
    (now, zone): (commonroll_core::Timestamp, &TimeZone),
) -> Option<Notice> {
    let lesson = counts(lessons, now)?;
    let start = times::hm(lesson.time.start(), zone);
    Some(if lesson.cancelled {
        Notice {
            class: "is-unknown",
            icon: "unknown",
            strong: format!("The lesson at {start} is cancelled."),
            says: "The homes were told. Nobody is counted absent.",
        }
    } else if let Some(at) = register.filter(|at| *at >= lesson.time.start().plus_micros(-1_800_000_000)) {
        Notice {
            class: "is-seen",
            icon: "seen",
            strong: format!("Your register came in at {}.", times::hm(at, zone)),
            says: "Everything here follows it. There’s nothing to mark on this page.",
        }
    } else if lesson.time.start() <= now {
        Notice {
            class: "is-late",
            icon: "notmarked",
            strong: "Your register isn’t in yet.".to_owned(),
            says: "Take it where you always do. This page follows it; there’s nothing to mark here.",
        }
    } else {
        Notice {
            class: "is-expected",
            icon: "expected",
            strong: format!("The next lesson starts at {start}."),
            says: "Your own register is enough: this page follows it.",
        }
    })
}

fn card(seen: VisitorSeen, today: commonroll_core::SchoolDate, zone: &TimeZone) -> Card {
    let shared = |text: Option<String>, none: &str, hidden: &str| match text {
        Some(text) if text.is_empty() => none.to_owned(),
        Some(text) if text.ends_with(['.', '!', '?']) => text,
        Some(text) => format!("{text}."),
        None => hidden.to_owned(),
    };
    let dial = seen.ring.1.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect::<String>();
    Card {
        learner: seen.learner,
        told: seen.told.iter().map(|one| messages::line(one, zone, String::new())).collect(),
        name: if seen.name == seen.known_as { String::new() } else { seen.name },
        known_as: seen.known_as,
        home: seen.home.1,
        today: seen.today.map(|(looks, words)| parts::state(standing(looks), words)),
        joins: seen.since == today,
        needs: shared(seen.needs, "No needs shared.", "The agreement with their home doesn’t share needs."),
        emergency: shared(
            seen.emergency,
            "First aid, then ring the home.",
            "First aid. The agreement shares no contact.",
        ),
        desk: seen.ring.0,
        phone: (!dial.is_empty()).then(|| (format!("tel:{dial}"), seen.ring.1)),
    }
}

/// How the board's colours look on pages.
pub(super) const fn standing(looks: Looks) -> Standing {
    match looks {
        Looks::NotSeen => Standing::NotSeen,
        Looks::Unknown => Standing::Unknown,
        Looks::NotMarked => Standing::NotMarked,
        Looks::Late => Standing::Late,
        Looks::Seen => Standing::Seen,
        Looks::Expected => Standing::Expected,
        Looks::Excused => Standing::Excused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_no_group() {
        assert_eq!(read("00ff10203040506a"), GroupKey([0, 255, 16, 32, 48, 64, 80, 106]));
        assert_eq!(address(GroupKey([0, 255, 16, 32, 48, 64, 80, 106])), "/groups/00ff10203040506a");
        for wrong in ["", "1", "00FF10203040506A", "00ff10203040506", "00ff10203040506é", "../../etc/passwd"]
        {
            assert_eq!(read(wrong), GroupKey([0; 8]), "{wrong}");
        }
    }
}
