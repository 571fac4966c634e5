//! The whereabouts board: who is looked for now, everybody out at partners or visiting, how fresh that is, and session codes
//! with the rule that made them.

use super::super::{
    Console,
    layout::Frame,
    live, nav,
    parts::{self, Standing, StateTag},
    refusal::{Refusal, page},
    routes::is_for,
    signed::{Form, Query, Signed},
    times,
};
use askama::Template;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::{SchoolDate, Timestamp};
use commonroll_exchange::{
    AlarmSeen, BoardAsk, BoardSeen, Channel, ConflictSeen, FoundSeen, HostSeen, LessonSeen, LineSeen, Looks,
    ProposalSeen, Proposals, Ring, SaidSeen, SendFault, SentSeen, SentState, Session,
};
use jiff::tz::TimeZone;

/// Width of the bar of states, in units of the drawing.
const BAR: u32 = 360;
const AWAY: &str = "/whereabouts";
const VISITORS: &str = "/whereabouts/visitors";
/// So many of those who need nobody are on the page at first.
const FOLDED: usize = 25;

/// Someone or something to see to.
struct Alarm {
    id: String,
    state: Standing,
    since: String,
    minutes: String,
    name: String,
    address: Option<String>,
    home: Option<String>,
    tag: Option<StateTag>,
    expected: String,
    known: String,
    told: String,
    sent: Option<String>,
    ring: Option<Tel>,
    taken: Vec<String>,
    ours: bool,
    findable: bool,
    /// That the learner was found, and was not.
    undone: Vec<String>,
}

/// Who was looked for and found.
struct Found {
    id: String,
    name: String,
    address: Option<String>,
    words: String,
    by: String,
    undoable: bool,
}

/// A number to ring.
struct Tel {
    number: String,
    link: String,
    desk: String,
}

struct Tally {
    state: Standing,
    count: u32,
    words: &'static str,
    x: u32,
    width: u32,
}

struct Fresh {
    crest: String,
    name: String,
    silent: bool,
    heard: String,
    words: String,
    ring: Option<Tel>,
}

struct Group {
    words: String,
    lines: Vec<Line>,
    folded: usize,
}

struct Line {
    learner: u32,
    name: String,
    address: Option<String>,
    tag: StateTag,
    course: String,
    lesson: String,
    place: String,
    ring: Option<Tel>,
    code: Option<Code>,
}

struct Code {
    mark: String,
    class: &'static str,
    words: String,
}

struct Codes {
    session: &'static str,
    clear: u32,
    clear_words: String,
    conflicts: Vec<Conflict>,
    rules: &'static [(u8, &'static str)],
}

struct Conflict {
    name: String,
    home: &'static str,
    host: &'static str,
    host_name: String,
    code: String,
    because: &'static str,
}

#[derive(Template)]
#[template(path = "whereabouts.html")]
struct Board {
    frame: Frame,
    path: &'static str,
    other: Option<(&'static str, &'static str)>,
    visitors: bool,
    eyebrow: String,
    title: String,
    lead: String,
    /// What an empty list of alarms means.
    calm: String,
    complete: bool,
    more: bool,
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
    folded: bool,
}

/// The institution's own learners, where partners teach them.
pub async fn away(
    State(console): State<Console>,
    signed: Signed,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    board(&console, &signed, BoardAsk::Away, asked.get("all") == "1", &headers).await
}

/// Partners' learners who visit the institution.
pub async fn visitors(
    State(console): State<Console>,
    signed: Signed,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    board(&console, &signed, BoardAsk::Visitors, asked.get("all") == "1", &headers).await
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
    Form(form): Form,
) -> Result<Response, Refusal> {
    let alert = form.get("alert").parse().map_err(|_| Refusal::Missing)?;
    console.exchange.take_in_hand(signed.acting(), alert, form.get("remark"), signed.now).await?;
    Ok(Redirect::to(back(form.get("to"))).into_response())
}

/// Says where a learner was found.
pub async fn found(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let alert = form.get("alert").parse().map_err(|_| Refusal::Missing)?;
    console.exchange.found(signed.acting(), alert, form.get("where"), signed.now).await?;
    Ok(Redirect::to(back(form.get("to"))).into_response())
}

/// Takes back that a learner was found.
pub async fn not_found(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let alert = form.get("alert").parse().map_err(|_| Refusal::Missing)?;
    console.exchange.not_found(signed.acting(), alert, form.get("why"), signed.now).await?;
    Ok(Redirect::to(back(form.get("to"))).into_response())
}

fn back(to: &str) -> &'static str {
    if to == VISITORS { VISITORS } else { AWAY }
}

async fn board(
    console: &Console,
    signed: &Signed,
    ask: BoardAsk,
    all: bool,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let seen = console.exchange.board(signed.acting(), ask, signed.now).await?;
    page(&Made { signed, zone: signed.zone(), seen: &seen, all }.board(headers))
}

/// Puts the page together.
struct Made<'a> {
    signed: &'a Signed,
    zone: &'a TimeZone,
    seen: &'a BoardSeen,
    all: bool,
}

impl Made<'_> {
    fn board(&self, headers: &HeaderMap) -> Board {
        let seen = self.seen;
        let visitors = seen.ask == BoardAsk::Visitors;
        let path = if visitors { VISITORS } else { AWAY };
        let title = match seen.to_find() {
            0 => "Nobody to find".to_owned(),
            1 => "1 learner to find".to_owned(),
            count => format!("{count} learners to find"),
        };
        let other = if visitors { (AWAY, "Out at partners") } else { (VISITORS, "Visitors here") };
        let mut frame = Frame::new(self.signed, headers, title.clone(), AWAY).live("/whereabouts/news");
        if let Some(way) = frame.ways.iter_mut().find(|way| way.path == AWAY) {
            way.waiting = seen.to_find();
        }
        let (tally, tally_words) = self.tally();
        let groups = self.groups();
        Board {
            frame,
            path,
            other: Some(other).filter(|(path, _)| is_for(path, self.signed.role())),
            visitors,
            eyebrow: format!("{} · {}", seen.institution.1, seen.date.civil().strftime("%A %-d %B")),
            title,
            lead: self.lead(),
            calm: self.calm(),
            complete: seen.complete,
            more: seen.more,
            alarms: seen.alarms.iter().map(|alarm| self.alarm(alarm)).collect(),
            misfits: seen.misfits.iter().map(|misfit| self.alarm(misfit)).collect(),
            found: seen.found.iter().map(|found| self.found(found)).collect(),
            total: seen.learners(),
            tally_words,
            tally,
            fresh: seen.hosts.iter().map(|host| self.fresh(host)).collect(),
            folded: groups.iter().any(|group| group.folded > 0),
            groups,
            codes: seen.proposals.as_ref().map(codes),
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

    fn alarm(&self, alarm: &AlarmSeen) -> Alarm {
        let state = standing(alarm.looks);
        let day = |day: SchoolDate| day.civil().strftime("%A %-d %B").to_string();
        let expected = alarm.lesson.as_ref().map_or_else(
            || alarm.day.map_or_else(String::new, day),
            |lesson| {
                let place = [when(lesson, self.zone), room(lesson), alarm.host.1.clone()];
                let place: Vec<String> = place.into_iter().filter(|part| !part.is_empty()).collect();
                format!("{}, {}", course(lesson), place.join(", "))
            },
        );
        let told: Vec<String> = alarm
            .told
            .iter()
            .map(|told| {
                let name = if told.own { "You" } else { told.name.as_str() };
                format!("{name} {}", times::hm(told.at, self.zone))
            })
            .collect();
        let again = match alarm.repeated {
            0 => String::new(),
            1 => ", once more since".to_owned(),
            count => format!(", {count} times more since"),
        };
        Alarm {
            id: alarm.id.to_string(),
            state,
            since: times::hm(alarm.since, self.zone),
            minutes: minutes(self.seen.at, alarm.since),
            name: alarm.name.clone(),
            address: alarm.learner.and_then(|learner| self.learner(learner)),
            home: alarm
                .home
                .as_ref()
                .filter(|_| self.seen.ask == BoardAsk::Visitors)
                .map(|home| home.1.clone()),
            tag: alarm
                .learner
                .filter(|_| alarm.day.is_none())
                .map(|_| parts::state(state, looks_words(alarm.looks).to_owned())),
            expected,
            known: format!("{}.", alarm.known),
            told: format!("{}{again}.", told.join(", ")),
            sent: self.sent(alarm),
            ring: alarm.ring.as_ref().and_then(tel),
            taken: alarm.in_hand.iter().map(|said| self.taken(said)).collect(),
            ours: alarm.is_ours(),
            findable: alarm.findable,
            undone: alarm.undone.iter().map(|(found, back)| self.undone(found, back)).collect(),
        }
    }

    /// That somebody was mistaken about finding a learner.
    fn undone(&self, found: &SaidSeen, back: &SaidSeen) -> String {
        let who = |said: &SaidSeen| match (&said.name, said.own) {
            (_, true) => "You".to_owned(),
            (Some(name), false) => name.clone(),
            (None, false) => said.institution.clone(),
        };
        let words = |said: &SaidSeen| match said.words.as_str() {
            "" => String::new(),
            words => format!(" “{words}”"),
        };
        let hm = |said: &SaidSeen| times::hm(said.at, self.zone);
        format!(
            "{} said found at {}.{} {} took that back at {}.{}",
            who(found),
            hm(found),
            words(found),
            who(back),
            hm(back),
            words(back)
        )
    }

    /// What became of the mail and the webhook to the own institution.
    fn sent(&self, alarm: &AlarmSeen) -> Option<String> {
        let hm = |at| times::hm(at, self.zone);
        let one = |sent: &SentSeen| {
            let what = match sent.channel {
                Channel::Mail => "Mail",
                Channel::Webhook => "Webhook",
                Channel::ManagersMail => "Mail to data managers",
            };
            match sent.state {
                SentState::Sent(at) => format!("{what} sent {}.", hm(at)),
                SentState::Trying(0 | 1) => format!("{what} on its way."),
                SentState::Trying(tries) => format!("{what} couldn’t be sent yet, tried {tries} times."),
                SentState::Unsent(at, why) => {
                    format!("{what} couldn’t be sent, given up {}: {}.", hm(at), fault_words(why))
                }
            }
        };
        let said: Vec<String> = alarm.sent.iter().map(one).collect();
        (!said.is_empty()).then(|| said.join(" "))
    }

    fn taken(&self, said: &SaidSeen) -> String {
        let who = match (&said.name, said.own) {
            (_, true) => "You".to_owned(),
            (Some(name), false) => name.clone(),
            (None, false) => said.institution.clone(),
        };
        let at = times::hm(said.at, self.zone);
        match said.words.as_str() {
            "" => format!("{who} took this at {at}."),
            words => format!("{who} took this at {at}. “{words}”"),
        }
    }

    /// Where, for whoever may read it, and who says so.
    fn found(&self, found: &FoundSeen) -> Found {
        let (by, at) = (&found.by, times::hm(found.by.at, self.zone));
        let words = match by.words.as_str() {
            "" => format!("Found {at}, says {}", by.institution),
            place => format!("Found {at} at {}: {place}", by.institution),
        };
        let role = nav::role_words(by.role);
        let by = match (&by.name, by.own) {
            (_, true) => "You".to_owned(),
            (Some(name), false) => format!("{name}, {role}"),
            (None, false) => format!("{role}, {}", by.institution),
        };
        Found {
            id: found.id.to_string(),
            name: found.name.clone(),
            address: self.learner(found.learner),
            words,
            by,
            undoable: found.undoable,
        }
    }

    /// The learner's page, where there is one for this role.
    fn learner(&self, learner: u32) -> Option<String> {
        is_for("/learners/{learner}", self.signed.role()).then(|| format!("/learners/{learner}"))
    }

    fn tally(&self) -> (Vec<Tally>, String) {
        let total = self.seen.learners().max(1);
        let mut tally = Vec::new();
        let mut before = 0;
        for looks in Looks::ALL {
            let count = self.count(&[looks]);
            if count > 0 {
                // To the edge behind the last, a gap behind every other.
                let (x, end) = (before * BAR / total, (before + count) * BAR / total);
                let width = (end - x).saturating_sub(if end == BAR { 0 } else { 2 }).max(2);
                before += count;
                tally.push(Tally { state: standing(looks), count, words: looks_words(looks), x, width });
            }
        }
        let words: Vec<String> =
            tally.iter().map(|one| format!("{} {}", one.count, one.words.to_lowercase())).collect();
        (tally, format!("Of {}: {}", self.seen.learners(), words.join(", ")))
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

    fn groups(&self) -> Vec<Group> {
        let lines =
            || self.seen.hosts.iter().flat_map(|host| host.lines.iter().map(move |line| (host, line)));
        let group = |looks: Looks| {
            let mine: Vec<_> = lines().filter(|(_, line)| line.looks == looks).collect();
            let calm = matches!(looks, Looks::Seen | Looks::Expected | Looks::Excused);
            let shown = if self.all || !calm { mine.len() } else { mine.len().min(FOLDED) };
            (!mine.is_empty()).then(|| Group {
                words: format!("{}, {}", looks_words(looks), mine.len()),
                folded: mine.len() - shown,
                lines: mine.into_iter().take(shown).map(|(host, line)| self.line(host, line)).collect(),
            })
        };
        Looks::ALL.into_iter().filter_map(group).collect()
    }

    fn line(&self, host: &HostSeen, line: &LineSeen) -> Line {
        let room = room(&line.lesson);
        let place = [line.lesson.group.clone(), times::hm(line.lesson.time.start(), self.zone), room];
        let place: Vec<String> = place.into_iter().filter(|part| !part.is_empty()).collect();
        let (whose, ring) = match &line.home {
            Some(home) => (home.1.clone(), None),
            None => (host.name.clone(), tel(&host.ring)),
        };
        Line {
            learner: line.learner,
            name: line.name.clone(),
            address: self.learner(line.learner),
            tag: parts::state(standing(line.looks), line.words.clone()),
            course: course(&line.lesson),
            lesson: place.join(", "),
            place: whose,
            ring,
            code: line.proposal.as_ref().map(code),
        }
    }
}

const fn fault_words(why: SendFault) -> &'static str {
    match why {
        SendFault::Address => "its address is none that the hub goes to",
        SendFault::Silent => "no answer",
        SendFault::Refused => "refused at the other end",
        SendFault::Redirected => "the other end points elsewhere",
        SendFault::Interrupted => "the hub was stopped; it may have arrived",
        SendFault::Over => "somebody had it in hand before",
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

fn course(lesson: &LessonSeen) -> String {
    if lesson.course.0.is_empty() { lesson.group.clone() } else { lesson.course.0.clone() }
}

fn room(lesson: &LessonSeen) -> String {
    lesson.room.clone()
}

fn when(lesson: &LessonSeen, zone: &TimeZone) -> String {
    format!("{} to {}", times::hm(lesson.time.start(), zone), times::hm(lesson.time.end(), zone))
}

fn tel(ring: &Ring) -> Option<Tel> {
    let digits: String = ring.phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    let desk = if ring.desk.is_empty() { ring.name.clone() } else { format!("{}, {}", ring.name, ring.desk) };
    (!digits.is_empty()).then(|| Tel { number: ring.phone.clone(), link: format!("tel:{digits}"), desk })
}

fn minutes(now: Timestamp, since: Timestamp) -> String {
    (now.micros().saturating_sub(since.micros()).max(0) / 60_000_000).to_string()
}

fn ago(now: Timestamp, at: Timestamp, zone: &TimeZone) -> String {
    match now.micros().saturating_sub(at.micros()).max(0) / 1_000_000 {
        seconds @ 0..60 => format!("{seconds} s ago"),
        seconds @ 60..3_600 => format!("{} min ago", seconds / 60),
        _ if at.date_in(zone) == now.date_in(zone) => format!("since {}", times::hm(at, zone)),
        _ => "nothing today".to_owned(),
    }
}

fn code(proposal: &ProposalSeen) -> Code {
    let late = proposal.minutes_late.map_or_else(String::new, |minutes| format!(", {minutes} min"));
    let words = format!("Rule {}: {}{late}.", proposal.rule, proposal.because);
    let (mark, class) = match proposal.code {
        Some(code) => (code.to_owned(), "mark--proposed"),
        None => ("?".to_owned(), "mark--held"),
    };
    Code { mark, class, words }
}

fn codes(proposals: &Proposals) -> Codes {
    let clear: u32 = proposals.clear.values().sum();
    let by_rule: Vec<String> =
        proposals.clear.iter().map(|(rule, count)| format!("{count} by rule {rule}")).collect();
    let conflict = |one: &ConflictSeen| Conflict {
        name: one.name.clone(),
        home: one.home,
        host: one.host,
        host_name: one.at.1.clone(),
        code: one.proposal.code.unwrap_or("?").to_owned(),
        because: one.proposal.because,
    };
    Codes {
        session: match proposals.session {
            Session::Morning => "morning",
            Session::Afternoon => "afternoon",
        },
        clear,
        clear_words: by_rule.join(", "),
        conflicts: proposals.conflicts.iter().map(conflict).collect(),
        rules: proposals.rules,
    }
}
