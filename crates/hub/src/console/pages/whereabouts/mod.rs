//! The whereabouts board: who is looked for now, everybody out at partners or visiting, how fresh that is, and session codes
//! with the rule that made them. Its lists come in pages, the worst first; every count is over everybody.

mod alarm;
mod everybody;
mod lists;

use super::super::{
    Console,
    fields::Fields,
    layout::Frame,
    live,
    parts::{self, Standing},
    refusal::{Refusal, page},
    routes::is_for,
    signed::{Form, Query, Signed},
    slip::{Label, Slip},
    times,
};
use alarm::{Alarm, Found, Tel, tel};
use askama::Template;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::Timestamp;
use commonroll_exchange::{BoardAsk, BoardSeen, HostSeen, LessonSeen, Looks};
use everybody::{Codes, Group, Tally, codes};
use jiff::tz::TimeZone;
use lists::{List, Lists, Pagers, part};

const AWAY: &str = "/whereabouts";
const VISITORS: &str = "/whereabouts/visitors";

struct Fresh {
    crest: String,
    name: String,
    silent: bool,
    heard: String,
    words: String,
    ring: Option<Tel>,
}

#[derive(Template)]
#[template(path = "whereabouts.html")]
struct Board {
    frame: Frame,
    /// Where one comes back to after a form: this page of each list.
    path: String,
    other: Option<(&'static str, &'static str)>,
    visitors: bool,
    eyebrow: String,
    title: String,
    lead: String,
    /// True if the list of alarms has learners alone, and no register or partner that somebody has to ring.
    only_learners: bool,
    /// What an empty list of alarms means.
    calm: String,
    complete: bool,
    pagers: Pagers,
    alarms: Vec<Alarm>,
    /// What doesn't fit between timetables, of today or up to the next school day.
    misfits: Vec<Alarm>,
    found: Vec<Found>,
    total: u32,
    tally_words: String,
    tally: Vec<Tally>,
    fresh: Vec<Fresh>,
    groups: Vec<Group>,
    codes: Option<Codes>,
    /// True if session codes are this role's to decide.
    decides: bool,
}

/// The institution's own learners, where partners teach them.
pub async fn away(
    State(console): State<Console>,
    signed: Signed,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    board(&console, &signed, BoardAsk::Away, &asked, &headers).await
}

/// Partners' learners who visit the institution.
pub async fn visitors(
    State(console): State<Console>,
    signed: Signed,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    board(&console, &signed, BoardAsk::Visitors, &asked, &headers).await
}

/// Says that there is something new. Nothing about anybody travels here.
pub async fn news(State(console): State<Console>, signed: Signed) -> Result<Response, Refusal> {
    let changes = console.exchange.board_changes().ok_or(Refusal::Unavailable)?;
    let alarms = console.exchange.board_alarms().ok_or(Refusal::Unavailable)?;
    Ok(live::news(console, signed, changes, live::Beat::Steady(alarms)).into_response())
}

/// Takes an alert in hand.
pub async fn take(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let alert = form.get("alert").parse().map_err(|_| Refusal::Missing)?;
    let taken = console.exchange.take_in_hand(signed.acting(), alert, form.get("remark"), signed.now).await;
    Ok(went(console, signed, headers, ("take", form, Vec::new()), taken.map_err(Into::into)).await)
}

/// Says where a learner was found.
pub async fn found(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let alert = form.get("alert").parse().map_err(|_| Refusal::Missing)?;
    let found = console.exchange.found(signed.acting(), alert, form.get("where"), signed.now).await;
    let labels = vec![Label::new("where", format!("where-{}", form.get("alert")), "Where?")];
    Ok(went(console, signed, headers, ("found", form, labels), found.map_err(Into::into)).await)
}

/// Takes back that a learner was found.
pub async fn not_found(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let alert = form.get("alert").parse().map_err(|_| Refusal::Missing)?;
    let undone = console.exchange.not_found(signed.acting(), alert, form.get("why"), signed.now).await;
    let labels = vec![Label::new("why", format!("why-{}", form.get("alert")), "What was wrong?")];
    Ok(went(console, signed, headers, ("not found", form, labels), undone.map_err(Into::into)).await)
}

/// Back to the page of the board from which a form came; with what was typed, if it was refused.
async fn went(
    console: Console,
    signed: Signed,
    headers: HeaderMap,
    (sort, form, labels): (&'static str, Fields, Vec<Label>),
    done: Result<(), Refusal>,
) -> Response {
    let to = back(form.get("to"));
    let Err(refusal) = done else { return Redirect::to(&to).into_response() };
    let (path, asked) = to.split_once('?').unwrap_or((to.as_str(), ""));
    let ask = if path == VISITORS { BoardAsk::Visitors } else { BoardAsk::Away };
    let asked = Fields::read(asked.as_bytes()).unwrap_or_default();
    let of = form.get("alert").to_owned();
    let page = |signed: Signed| async move { board(&console, &signed, ask, &asked, &headers).await };
    Slip::new(sort, &of, form, labels).again(refusal, &signed, page).await
}

/// The board from which a form came, with the page of each list.
fn back(to: &str) -> String {
    let (path, asked) = to.split_once('?').unwrap_or((to, ""));
    let path = if path == VISITORS { VISITORS } else { AWAY };
    Lists::of(path, &Fields::read(asked.as_bytes()).unwrap_or_default()).address()
}

async fn board(
    console: &Console,
    signed: &Signed,
    ask: BoardAsk,
    asked: &Fields,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let lists = Lists::of(if ask == BoardAsk::Visitors { VISITORS } else { AWAY }, asked);
    let seen = console.exchange.board(signed.acting(), (ask, part(&lists)), signed.now).await?;
    page(&Made { signed, zone: signed.zone(), seen: &seen, lists }.board(headers))
}

/// Puts the page together.
struct Made<'a> {
    signed: &'a Signed,
    zone: &'a TimeZone,
    seen: &'a BoardSeen,
    lists: Lists,
}

impl Made<'_> {
    fn board(&self, headers: &HeaderMap) -> Board {
        let seen = self.seen;
        let visitors = seen.ask == BoardAsk::Visitors;
        let title = title(seen.to_find(), seen.all.alarms);
        let other = if visitors { (AWAY, "Out at partners") } else { (VISITORS, "Visitors here") };
        let mut frame = Frame::new(self.signed, headers, title.clone(), AWAY).live("/whereabouts/news");
        if let Some(way) = frame.ways.iter_mut().find(|way| way.path == AWAY) {
            way.waiting = seen.all.alarms;
        }
        let (tally, tally_words) = self.tally();
        let pager = |list, all| self.lists.pager(list, all);
        Board {
            frame,
            path: self.lists.address(),
            other: Some(other).filter(|(path, _)| is_for(path, self.signed.role())),
            visitors,
            eyebrow: format!("{} · {}", seen.institution.1, seen.date.civil().strftime("%A %-d %B")),
            title,
            lead: self.lead(),
            only_learners: seen.to_find() == seen.all.alarms,
            calm: self.calm(),
            complete: seen.complete,
            pagers: Pagers {
                find: pager(List::Find, seen.all.alarms),
                misfits: pager(List::Misfits, seen.all.misfits),
                found: pager(List::Found, seen.all.found),
                conflicts: pager(List::Conflicts, seen.all.conflicts),
                everybody: pager(List::Everybody, seen.learners() as usize),
            },
            alarms: seen.alarms.iter().map(|alarm| self.alarm(alarm)).collect(),
            misfits: seen.misfits.iter().map(|misfit| self.alarm(misfit)).collect(),
            found: seen.found.iter().map(|found| self.found(found)).collect(),
            total: seen.learners(),
            tally_words,
            tally,
            fresh: seen.hosts.iter().map(|host| self.fresh(host)).collect(),
            groups: self.groups(),
            codes: seen.proposals.as_ref().map(|proposals| codes(proposals, seen.all.conflicts)),
            decides: is_for("/whereabouts/codes", self.signed.role()),
        }
    }

    fn count(&self, looks: &[Looks]) -> u32 {
        looks.iter().filter_map(|looks| self.seen.counts.get(looks)).sum()
    }

    /// Nobody to find is not the same as everybody accounted for.
    fn calm(&self) -> String {
        let open = self.count(&[Looks::NotSeen, Looks::Unknown, Looks::NotMarked]);
        match (self.seen.complete, open) {
            (false, _) => {
                "Today’s marks are still being read: who is accounted for can’t be told yet.".to_owned()
            }
            (true, 0) => "Everybody who is due is accounted for, or excused.".to_owned(),
            (true, 1) => {
                "Nobody has to be looked for now. Of 1 learner we can’t tell where they are.".to_owned()
            }
            (true, count) => {
                format!("Nobody has to be looked for now. Of {count} learners we can’t tell where they are.")
            }
        }
    }

    fn lead(&self) -> String {
        let total = self.seen.learners();
        let who = match (self.seen.ask, total) {
            (BoardAsk::Away, 0) => {
                return "Nobody is out at a partner today, as far as timetables say.".to_owned();
            }
            (BoardAsk::Visitors, 0) => {
                return "No visitors are expected today, as far as timetables say.".to_owned();
            }
            (BoardAsk::Away, 1) => "1 learner is out at a partner".to_owned(),
            (BoardAsk::Away, _) => format!("{total} are out at partners"),
            (BoardAsk::Visitors, 1) => "1 visitor is expected here".to_owned(),
            (BoardAsk::Visitors, _) => format!("{total} visitors are expected here"),
        };
        let safe = self.count(&[Looks::Seen, Looks::Late, Looks::Excused]);
        let ahead = self.count(&[Looks::Expected]);
        let blind = self.count(&[Looks::Unknown, Looks::NotMarked]);
        let absent = self.count(&[Looks::NotSeen]);
        let all = [
            (safe, "seen or excused"),
            (ahead, "not due yet"),
            (absent, "not there"),
            (blind, "we can’t tell: no mark"),
        ];
        let mut parts = Vec::new();
        for (count, words) in all {
            if count > 0 {
                parts.push(format!("{count} {words}"));
            }
        }
        format!("{who}: {}.", parts.join(", "))
    }

    /// The learner's page, where there is one for this role.
    fn learner(&self, learner: u32) -> Option<String> {
        is_for("/learners/{learner}", self.signed.role()).then(|| format!("/learners/{learner}"))
    }

    fn fresh(&self, host: &HostSeen) -> Fresh {
        let heard =
            host.heard.map_or_else(|| "nothing today".to_owned(), |at| ago(self.seen.at, at, self.zone));
        let registers = match host.registers_late {
            0 => "No register is overdue.".to_owned(),
            1 => "1 register is overdue.".to_owned(),
            count => format!("{count} registers are overdue."),
        };
        let words = match host.silent {
            true => format!(
                "No word from {}: learners without a mark show as unknown, not present and not absent.",
                host.name
            ),
            false => registers,
        };
        Fresh {
            crest: host.name.chars().next().unwrap_or('C').to_string(),
            name: host.name.clone(),
            silent: host.silent,
            heard,
            words,
            ring: tel(&host.ring).filter(|_| host.silent),
        }
    }
}

/// How many learners are looked for, and how many other alarms the list beneath it has: registers that are late, partners that
/// are silent.
fn title(to_find: usize, alarms: usize) -> String {
    let find = match to_find {
        0 => "Nobody to find".to_owned(),
        1 => "1 learner to find".to_owned(),
        count => format!("{count} learners to find"),
    };
    match alarms.saturating_sub(to_find) {
        0 => find,
        1 => format!("{find}, and 1 thing to see to"),
        more => format!("{find}, and {more} things to see to"),
    }
}

const fn standing(looks: Looks) -> Standing {
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

const fn looks_words(looks: Looks) -> &'static str {
    match looks {
        Looks::NotSeen => "Not seen",
        Looks::Unknown => "Unknown",
        Looks::NotMarked => "Not marked yet",
        Looks::Late => "Late or left early",
        Looks::Seen => "Seen",
        Looks::Expected => "Expected",
        Looks::Excused => "Excused",
    }
}

/// What a lesson is called: as its host titles it, else by the group's code.
fn course(lesson: &LessonSeen) -> String {
    match (lesson.course.0.as_str(), lesson.group.as_str()) {
        ("", "") => String::new(),
        ("", group) => format!("Group {group}"),
        (title, group) if title == group => format!("Group {group}"),
        (title, _) => title.to_owned(),
    }
}

/// True if that name holds the group's code already.
fn says_group(lesson: &LessonSeen) -> bool {
    lesson.course.0.is_empty() || lesson.course.0.contains(&lesson.group)
}

fn room(lesson: &LessonSeen) -> String {
    lesson.room.clone()
}

fn ago(now: Timestamp, at: Timestamp, zone: &TimeZone) -> String {
    match now.micros().saturating_sub(at.micros()).max(0) / 1_000_000 {
        seconds @ 0..60 => format!("{seconds} s ago"),
        seconds @ 60..3_600 => format!("{} min ago", seconds / 60),
        _ if at.date_in(zone) == now.date_in(zone) => format!("since {}", times::hm(at, zone)),
        _ => "nothing today".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_core::Interval;

    #[test]
    fn a_lesson_s_group_is_said_once() {
        let hour = |micros| Timestamp::from_micros("at", micros).unwrap();
        let time = Interval::new(hour(0), hour(3_600_000_000)).unwrap();
        let lesson = |title: &str, group: &str| LessonSeen {
            group: group.to_owned(),
            course: (title.to_owned(), String::new()),
            time,
            room: String::new(),
        };
        for (title, group, name, said) in [
            ("Biology 12B/Bi1", "12B/Bi1", "Biology 12B/Bi1", true),
            ("12B/Bi1", "12B/Bi1", "Group 12B/Bi1", true),
            ("", "12B/Bi1", "Group 12B/Bi1", true),
            ("Biology", "12B/Bi1", "Biology", false),
        ] {
            let lesson = lesson(title, group);
            assert_eq!((course(&lesson).as_str(), says_group(&lesson)), (name, said), "{title}");
        }
    }

    #[test]
    fn the_title_counts_what_the_list_beneath_it_shows() {
        assert_eq!(title(0, 0), "Nobody to find");
        assert_eq!(title(2, 2), "2 learners to find");
        assert_eq!(title(1, 3), "1 learner to find, and 2 things to see to");
        assert_eq!(title(0, 1), "Nobody to find, and 1 thing to see to");
    }

    #[test]
    fn a_form_comes_back_to_the_page_that_it_came_from_and_to_a_board_whatever_it_says() {
        for here in ["/whereabouts", "/whereabouts?find=3&page=2", "/whereabouts/visitors?fit=2"] {
            assert_eq!(back(here), here);
        }
        for elsewhere in ["", "https://evil.example/", "//evil.example?find=1", "/log?page=0"] {
            assert_eq!(back(elsewhere), AWAY, "{elsewhere}");
        }
        assert_eq!(back("/whereabouts?find=2&to=//evil.example#x"), "/whereabouts?find=2");
    }
}
