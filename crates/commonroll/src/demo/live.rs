//! The demo goes on: today, in real time, with somebody who goes missing every few minutes and is found.
//!
//! No clock tricks: the hub's day is today, and so are the lessons. What partners export at each second is `made`'s to say;
//! here it is written when its second comes, and what the hub told of it is read from the log and said in a few lines. The
//! watcher is told where to look; what the console shows then is the hub's own doing.

use super::{
    made::{Day, FAILS, Live, Missed},
    play::Play,
    screen::{Screen, Tone, shown},
};
use crate::real::now;
use commonroll_core::Timestamp;
use commonroll_exchange::{AlertId, AlertTold, Answered, Exchange};
use jiff::{
    civil::{DateTime, Weekday},
    tz::TimeZone,
};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Time between two looks at the clock and into the log.
const LOOK: Duration = Duration::from_millis(250);
/// An alert that has not come after this time is told of.
const PATIENCE_US: i64 = 15_000_000;
/// A register that is late by this is left out of the story.
const STALE: u32 = 30;

/// Goes on until it is stopped, day after day.
pub async fn go_on(play: &mut Play, live: &Live, screen: &Screen) -> Result<(), String> {
    let log = play.stage.log().await?;
    play.pace.slow_down();
    for export in live.first() {
        play.put(export.slug, &export.file).await?;
    }
    let mut met = false;
    loop {
        let at = local(now());
        let mut day = live.day(&at.date().to_string(), second(at));
        open(play, &mut day, screen).await?;
        if !met {
            greet(play, &day, screen);
            for export in live.before() {
                play.put(export.slug, &export.file).await?;
            }
            met = true;
        }
        Story::of(&day, log.clone()).tell(play, &mut day, screen).await?;
        screen.say(Tone::Event, "  Midnight: the next day begins");
        // What is still on its way is sent before its export goes, also by who is cut off.
        play.line(FAILS, false).await?;
        play.arrived(screen).await?;
        for (slug, path) in day.written() {
            play.clear_away(slug, &path)?;
        }
    }
}

/// The moment on the partners' clocks.
fn local(at: Timestamp) -> DateTime {
    let zone = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
    zone.to_datetime(jiff::Timestamp::from_microsecond(at.micros()).unwrap_or_default())
}

/// The second of its day.
fn second(at: DateTime) -> u32 {
    let part = |part: i8| u32::from(part.unsigned_abs());
    let [hour, minute, second] = [at.hour(), at.minute(), at.second()].map(part);
    hour * 3600 + minute * 60 + second
}

fn clock(second: u32) -> String {
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// Today as it stands: periods, who goes where, lessons, absences; and the registers up to now.
async fn open(play: &mut Play, day: &mut Day<'_>, screen: &Screen) -> Result<(), String> {
    for (slug, text) in day.mappings() {
        play.map_registers(slug, &text).await?;
    }
    let at = second(local(now()));
    for export in day.frame(at) {
        play.put(export.slug, &export.file).await?;
    }
    play.arrived(screen).await?;
    // Whoever is cut off is so before today's first register: nobody has heard of it then.
    play.line(FAILS, day.fails(at)).await?;
    for export in day.registers(at) {
        play.put(export.slug, &export.file).await?;
    }
    play.arrived(screen).await
}

fn greet(play: &Play, day: &Day<'_>, screen: &Screen) {
    let at = local(now());
    let say = |line: &str| screen.say(Tone::Plain, line);
    let console = &play.stage.console;
    screen
        .say(Tone::Heading, &format!("\nLive now: {}, in real time, until Ctrl-C", at.strftime("%A %-d %B")));
    if matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday) {
        say("  a weekend, which counts as a school day here");
    }
    let (learners, lessons) = day.running(second(at));
    say(&format!(
        "  {learners} visitors are expected in {lessons} lessons now; registers come in as they would"
    ));
    say(&format!("  open {console}/demo, press a name, and watch; pages change by themselves"));
    let home = day.missed().first().map_or("", |missed| missed.home);
    let host = day.missed().first().map_or("", |missed| missed.host);
    for (who, page, what) in [
        (format!("Attendance officer, {}", play.name(home)), "/whereabouts", "who is where, worst first"),
        (format!("Host teacher, {}", play.name(host)), "/groups", "who visits my group, and who isn’t there"),
        (format!("Head of sixth form, {}", play.name(home)), "/learners", "home and hosts together"),
        ("Data manager".to_owned(), "/sharing", "who sees what, and why; the log"),
        ("Consortium lead".to_owned(), "/progress", "figures without names; new ones come on the hour"),
    ] {
        say(&format!("    {who:<44} {page:<14} {what}"));
    }
    match day.missed().first() {
        Some(missed) => say(&format!("  the first learner goes missing at {}\n", clock(missed.at))),
        None => say(
            "  it is too near midnight for anybody to go from one site to another; that begins an hour after it\n",
        ),
    }
}

/// What goes on between two midnights.
struct Story {
    log: Exchange,
    missed: Vec<Missed>,
    /// The next of them.
    next: usize,
    now: Option<Search>,
}

/// Somebody is looked for.
struct Search {
    missed: Missed,
    /// When the register that misses them was in place, and when the one that has them.
    gone: Timestamp,
    back: Option<Timestamp>,
    alert: Option<AlertId>,
    /// What has been told.
    told: BTreeSet<&'static str>,
}

impl Story {
    fn of(day: &Day<'_>, log: Exchange) -> Self {
        Self { log, missed: day.missed(), next: 0, now: None }
    }

    /// Writes what comes and tells what happens, until midnight.
    async fn tell(&mut self, play: &mut Play, day: &mut Day<'_>, screen: &Screen) -> Result<(), String> {
        loop {
            let local = local(now());
            if local.date().to_string() != day.date() {
                return Ok(());
            }
            let at = second(local);
            let fails = day.fails(at);
            if play.line(FAILS, fails).await? {
                let what = if fails {
                    "is cut off: its learners become unknown, not absent"
                } else {
                    "is back, and sends what it kept"
                };
                screen.say(Tone::Event, &format!("  {}  {} {what}", clock(at), play.name(FAILS)));
            }
            for export in day.frame(at).into_iter().chain(day.registers(at)) {
                play.put(export.slug, &export.file).await?;
            }
            self.happens(play, at, screen);
            self.hears(play, at, screen).await;
            play.watch(Instant::now() + LOOK, screen).await?;
        }
    }

    /// Tells of registers that have just been written.
    fn happens(&mut self, play: &Play, at: u32, screen: &Screen) {
        while self.missed.get(self.next).is_some_and(|missed| missed.at + STALE < at) {
            self.next += 1;
        }
        if self.now.is_none() && self.missed.get(self.next).is_some_and(|missed| missed.at <= at) {
            let missed = self.missed.remove(self.next);
            screen.say(
                Tone::Refused,
                &format!(
                    "  {}  A learner of {}, seen in {},\n            is marked absent in {}.\n            Open {}/whereabouts as the attendance officer of {}",
                    clock(at),
                    play.name(missed.home),
                    missed.seen,
                    missed.missed,
                    play.stage.console,
                    play.name(missed.home)
                ),
            );
            self.now = Some(Search { missed, gone: now(), back: None, alert: None, told: BTreeSet::new() });
        }
        if let Some(search) = &mut self.now
            && search.back.is_none()
            && search.missed.back <= at
        {
            search.back = Some(now());
            let host = play.name(search.missed.host);
            let line = format!(
                "  {}  They come in, and {host} corrects the mark: late, {} minutes",
                clock(at),
                search.missed.late
            );
            screen.say(Tone::Event, &line);
        }
    }

    /// Tells of what the log says of whoever is looked for.
    async fn hears(&mut self, play: &Play, at: u32, screen: &Screen) {
        let Some(search) = &mut self.now else { return };
        // What can't be read at this look is read at the next.
        let _ = self.log.follow(Duration::ZERO).await;
        let alerts = self.log.alerts_told();
        if let Some(alert) = search.find(&alerts) {
            for (tone, line) in search.lines(alert, play) {
                screen.say(tone, &format!("  {}  {line}", clock(at)));
            }
            if alert.over.is_some() || (search.back.is_some() && alert.found.is_some()) {
                self.now = None;
                self.say_next(screen);
            }
        } else if now().micros() - search.gone.micros() > PATIENCE_US && search.told.insert("late") {
            screen.say(Tone::Refused, &format!("  {}  The hub has told nobody of it yet", clock(at)));
        }
        if self.now.as_ref().is_some_and(|search| at > search.missed.back + STALE) {
            screen
                .say(Tone::Refused, &format!("  {}  The alert is not over yet; the day goes on", clock(at)));
            self.now = None;
        }
    }

    fn say_next(&self, screen: &Screen) {
        if let Some(next) = self.missed.get(self.next) {
            screen.say(
                Tone::Plain,
                &format!("            the next learner goes missing at {}", clock(next.at)),
            );
        }
    }
}

impl Search {
    /// The alert that the absent mark led to.
    fn find<'a>(&mut self, alerts: &'a [AlertTold]) -> Option<&'a AlertTold> {
        let is = |alert: &&AlertTold| match self.alert {
            Some(id) => alert.id == id,
            None => {
                let told = |slug: &str| {
                    let told = alert.told.iter().find(|(who, _)| who.as_str() == slug);
                    told.is_some_and(|(_, at)| *at >= self.gone.plus_micros(-1_000_000))
                };
                alert.id.sort() == "unaccounted" && told(self.missed.home) && told(self.missed.host)
            }
        };
        let found = alerts.iter().find(is)?;
        self.alert = Some(found.id);
        Some(found)
    }

    /// What is new about the alert, in lines.
    fn lines(&mut self, alert: &AlertTold, play: &Play) -> Vec<(Tone, String)> {
        let mut lines = Vec::new();
        let after = |at: Timestamp, from: Timestamp| {
            shown(Duration::from_micros(at.micros().saturating_sub(from.micros()).max(0).unsigned_abs()))
        };
        let who = |said: &Answered| {
            format!("{}, {}", said.role.as_str().replace('_', " "), play.name(said.institution.as_str()))
        };
        if self.told.insert("told") {
            let told: Vec<&str> = alert.told.iter().map(|(slug, _)| play.name(slug.as_str())).collect();
            let last = alert.told.iter().map(|(_, at)| *at).max().unwrap_or(self.gone);
            let text = format!(
                "{} are told, {} after the register was in place: “1 learner to find”",
                told.join(" and "),
                after(last, self.gone)
            );
            lines.push((Tone::Refused, text));
        }
        if let Some(said) = &alert.in_hand
            && self.told.insert("in hand")
        {
            lines.push((Tone::Event, format!("In hand: {}", who(said))));
        }
        if let Some(said) = &alert.found
            && self.told.insert("found")
        {
            let text =
                format!("Found by {}, {} after they were missed", who(said), after(said.at, self.gone));
            lines.push((Tone::Good, text));
        }
        if let (Some(over), Some(back)) = (alert.over, self.back)
            && self.told.insert("over")
            && alert.found.is_none()
        {
            let text =
                format!("Found: the alert is over, {} after the register was in place", after(over, back));
            lines.push((Tone::Good, text));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_the_day_is_shown_as_a_clock_shows_it() {
        let at: DateTime = "2026-11-22T15:04:09".parse().expect("a time");
        assert_eq!((second(at), clock(second(at)).as_str()), (54_249, "15:04:09"));
    }
}
