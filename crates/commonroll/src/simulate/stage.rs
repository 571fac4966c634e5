//! The day goes by: exports are written, agents look and publish, the exchange accepts, decides and tells. The clock is a number.

use super::{
    day::{Day, EVENING_BEFORE, Event, Off},
    exports,
    partner::Partner,
    truth::At,
    world::{PERIODS, Who, World},
};
use crate::commands::told;
use commonroll_core::{LocalId, SchoolDate, Timestamp};
use commonroll_exchange::{ConsortiumFile, Exchange, Keys, Options, number_of_lesson};
use commonroll_hub::inside;
use commonroll_views::whereabouts::Detectors;
use jiff::tz::TimeZone;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

/// Seconds between two looks of the board. A hub looks four times a second.
const TICK: At = 5;
/// Seconds between two exports of a host's registers.
const EXPORT: At = 30;
/// When the partners' agents start, when registers are no longer exported, and when everybody has gone home.
const MORNING: At = 6 * 3600;
const LESSONS: At = 8 * 3600 + 3000;
const EVENING: At = 15 * 3600 + 2400;
/// The seed of those who sign for the partners.
const PEOPLE: [u8; 32] = [0x51; 32];

/// An entry of the log about an alert: what the scorer is given.
pub struct Line {
    /// When, in seconds of the day.
    pub at: f64,
    pub entry: serde_json::Value,
}

/// A day that was played.
pub struct Played {
    pub lines: Vec<Line>,
    /// Marks that the hub accepted.
    pub marks: u64,
    /// Entries of the log.
    pub entries: u64,
    /// Number of each institution, lesson and learner in the hub, for reading alerts.
    pub sites: HashMap<String, Who>,
    pub numbers: HashMap<u16, Who>,
    pub lessons: HashMap<(u16, u64), usize>,
    pub learners: HashMap<u32, usize>,
}

struct Stage<'a> {
    world: &'a World,
    day: &'a Day,
    date: SchoolDate,
    zone: TimeZone,
    exchange: Exchange,
    partners: Vec<Partner>,
    /// Registers saved at each host, by lesson, and which periods are to be exported.
    saved: Vec<BTreeMap<usize, At>>,
    fresh: Vec<BTreeSet<usize>>,
    marks: u64,
}

/// Plays a day.
pub async fn play(
    world: &World,
    day: &Day,
    date: SchoolDate,
    detectors: Detectors,
) -> Result<Played, String> {
    let zone = TimeZone::get("Europe/London").map_err(told)?;
    let folder = tempfile::Builder::new().prefix("commonroll-simulate-").tempdir().map_err(told)?;
    let mut stage = Stage::raise(world, day, date, zone, detectors, folder.path()).await?;
    stage.evening_before().await?;
    stage.lessons().await?;
    stage.evening().await;
    stage.ended().await
}

impl<'a> Stage<'a> {
    async fn raise(
        world: &'a World,
        day: &'a Day,
        date: SchoolDate,
        zone: TimeZone,
        detectors: Detectors,
        folder: &std::path::Path,
    ) -> Result<Self, String> {
        let now = date.start(&zone).plus_micros(EVENING_BEFORE * 1_000_000);
        let options = Options {
            database: "sqlite::memory:".to_owned(),
            keys: Keys { log_seed: [7; 32], matching: [9; 32] },
            consortium: "simulated".to_owned(),
            seed: [3; 32],
        };
        let exchange = Exchange::open(options, now).await.map_err(told)?;
        let (first, last) = year(date);
        let file =
            ConsortiumFile::parse(&world.consortium((&first, &last))).map_err(told)?.signed_by(&PEOPLE);
        exchange.import(&file, "simulated", now).await.map_err(told)?;
        let mut partners = Vec::new();
        for (number, one) in (0u16..).zip(&world.institutions) {
            let is_host = usize::from(number) >= world.homes;
            let partner = Partner::open(&folder.join(&one.slug), &one.slug, number, is_host).await?;
            let mut seed = [0x33; 32];
            seed[..2].copy_from_slice(&number.to_be_bytes());
            let hour = Duration::from_secs(3600);
            let code = exchange.invite(&partner.slug, hour, "simulated", seed, now).await.map_err(told)?;
            let peer = [127, 0, 0, 1].into();
            exchange.join(&code, partner.agent, partner.public_key(), peer, now).await.map_err(told)?;
            partners.push(partner);
        }
        inside::open_views(&exchange, detectors, now);
        let count = world.institutions.len();
        let (saved, fresh) = (vec![BTreeMap::new(); count], vec![BTreeSet::new(); count]);
        Ok(Self { world, day, date, zone, exchange, partners, saved, fresh, marks: 0 })
    }

    fn moment(&self, at: At) -> Timestamp {
        self.date.start(&self.zone).plus_micros(at * 1_000_000)
    }

    fn hosts(&self) -> std::ops::Range<Who> {
        self.world.homes..self.world.institutions.len()
    }

    /// Everybody says who they are, who goes where, and what the next day has.
    async fn evening_before(&mut self) -> Result<(), String> {
        let (first, last) = year(self.date);
        let now = self.moment(EVENING_BEFORE);
        for who in 0..self.partners.len() {
            let (world, partner) = (self.world, &self.partners[who]);
            partner.write("learners", "learners.csv", &exports::learners(world, who), now)?;
            let name = if who < world.homes { "placements" } else { "acceptances" };
            partner.write(
                name,
                &format!("{name}.csv"),
                &exports::placements(world, who, (&first, &last)),
                now,
            )?;
            if who >= world.homes {
                self.timetable(who, EVENING_BEFORE)?;
            } else if who % 2 == 0 {
                self.notices(who, EVENING_BEFORE)?;
            }
            self.work(who, "", EVENING_BEFORE).await?;
        }
        self.exchange.tick(self.moment(EVENING_BEFORE + TICK)).await;
        Ok(())
    }

    fn timetable(&self, who: Who, at: At) -> Result<(), String> {
        let text = exports::timetable(self.world, self.day, who, &self.date.to_string(), at);
        self.partners[who].write("timetable", "timetable.csv", &text, self.moment(at))
    }

    fn notices(&self, who: Who, at: At) -> Result<(), String> {
        let text = exports::notices(self.world, self.day, who, &self.date.to_string(), at);
        self.partners[who].write("notices", "notices.csv", &text, self.moment(at))
    }

    async fn work(&mut self, who: Who, folder: &str, at: At) -> Result<(), String> {
        let now = self.moment(at);
        self.marks += self.partners[who].work(&self.exchange, folder, now).await?.accepted;
        Ok(())
    }

    fn is_off(&self, who: Who, at: At, dead_export: bool) -> bool {
        let holds =
            |off: &Off| off.who == who && off.from <= at && at < off.until && off.dead_export == dead_export;
        self.day.off.iter().any(holds)
    }

    async fn lessons(&mut self) -> Result<(), String> {
        let mut events = self.day.events.iter().peekable();
        let mut at = MORNING;
        while at < EVENING {
            at += if at < LESSONS { 60 } else { TICK };
            let mut quiet = true;
            while let Some((_, event)) = events.next_if(|(moment, _)| *moment <= at) {
                quiet &= self.happens(*event, at).await?;
            }
            if at >= LESSONS {
                for who in self.hosts() {
                    // Each host's system has its own moments.
                    if (at + TICK * At::try_from(who).unwrap_or(0)) % EXPORT == 0 {
                        self.export(who, at).await?;
                        quiet = false;
                    }
                }
            }
            // A hub looks all the time; where nobody said anything the clock alone is looked at less often.
            if !quiet || at % (2 * TICK) == 0 {
                self.exchange.tick(self.moment(at)).await;
            }
        }
        Ok(())
    }

    /// True if nothing of it has reached the hub.
    async fn happens(&mut self, event: Event, at: At) -> Result<bool, String> {
        match event {
            Event::Save(lesson) => {
                let of = &self.world.lessons[lesson];
                self.saved[of.host].insert(lesson, at);
                self.fresh[of.host].insert(of.period);
                return Ok(true);
            }
            Event::Timetable(who) => {
                self.timetable(who, at)?;
                if self.is_off(who, at, false) {
                    return Ok(true);
                }
                self.work(who, "timetable", at).await?;
            }
            Event::Notices(who) => {
                self.notices(who, at)?;
                self.work(who, "notices", at).await?;
            }
        }
        Ok(false)
    }

    /// The host's system writes its registers: those that changed, or the newest once more.
    async fn export(&mut self, who: Who, at: At) -> Result<(), String> {
        let (now, date) = (self.moment(at), self.date.to_string());
        if !self.is_off(who, at, true) {
            let fresh = std::mem::take(&mut self.fresh[who]);
            for period in &fresh {
                let text = exports::marks(self.world, self.day, *period, &self.saved[who], &date);
                self.partners[who].write("marks", &format!("lessons-{period}.csv"), &text, now)?;
            }
            let begun = self.saved[who].keys().map(|lesson| self.world.lessons[*lesson].period).max();
            if let (true, Some(period)) = (fresh.is_empty(), begun) {
                self.partners[who].write_again("marks", &format!("lessons-{period}.csv"), now)?;
            }
            self.sessions(who, at, &date)?;
        }
        if self.is_off(who, at, false) {
            return Ok(());
        }
        // An agent that is back looks everywhere.
        let was_off = self.day.off.iter().any(|off| off.who == who);
        self.work(who, if was_off { "" } else { "marks" }, at).await
    }

    fn sessions(&self, who: Who, at: At, date: &str) -> Result<(), String> {
        let due = [(false, PERIODS[0].0 * 60 + 600), (true, PERIODS[3].0 * 60 + 600)];
        for (afternoon, _) in due.into_iter().filter(|(_, due)| (*due..*due + EXPORT).contains(&at)) {
            if self.world.institutions[who].keeps_sessions {
                let text = exports::sessions(self.world, self.day, who, afternoon, date);
                let name = if afternoon { "session-pm.csv" } else { "session-am.csv" };
                self.partners[who].write("marks", name, &text, self.moment(at))?;
            }
        }
        Ok(())
    }

    /// Until after midnight: what nobody has answered must not end by itself.
    async fn evening(&mut self) {
        for at in (EVENING..=24 * 3600 + 1200).step_by(600) {
            self.exchange.tick(self.moment(at)).await;
        }
    }

    async fn ended(self) -> Result<Played, String> {
        let problems: u64 = self.partners.iter().map(|partner| partner.problems).sum();
        if problems > 0 {
            return Err(format!("the agents could not read {problems} rows of the made exports"));
        }
        let (mut lines, mut entries) = (Vec::new(), 0);
        let start = self.date.start(&self.zone).micros();
        loop {
            let shown = self.exchange.show(entries + 1, 5_000).await.map_err(told)?;
            if shown.is_empty() {
                break;
            }
            entries += shown.len() as u64;
            for entry in shown.into_iter().filter(is_alert) {
                let at: jiff::Timestamp = entry["at"].as_str().unwrap_or_default().parse().map_err(told)?;
                lines.push(Line { at: (at.as_microsecond() - start) as f64 / 1e6, entry });
            }
        }
        let stats = self.exchange.stats();
        let place = |slug: &str| self.world.institutions.iter().position(|one| one.slug == slug);
        let numbers: HashMap<u16, Who> = (0u16..)
            .zip(&stats.institutions)
            .filter_map(|(number, one)| Some((number, place(&one.slug)?)))
            .collect();
        let number_of: HashMap<Who, u16> = numbers.iter().map(|(number, who)| (*who, *number)).collect();
        let mut lessons = HashMap::new();
        for (lesson, of) in self.world.lessons.iter().enumerate() {
            let id = LocalId::parse("lesson", &of.id).map_err(told)?;
            let site = number_of.get(&of.host).copied().unwrap_or_default();
            lessons.insert((site, number_of_lesson(site, self.date, &id)), lesson);
        }
        let mut learners = HashMap::new();
        for (learner, one) in self.world.learners.iter().enumerate() {
            let speaker = self.exchange.speaker(self.partners[one.home].agent).map_err(told)?;
            let id = LocalId::parse("learner", &one.local).map_err(told)?;
            if let Some(number) = self.exchange.number_of_learner(&speaker, &id) {
                learners.insert(number, learner);
            }
        }
        let sites =
            self.world.institutions.iter().enumerate().map(|(who, one)| (one.slug.clone(), who)).collect();
        Ok(Played { lines, marks: self.marks, entries, sites, numbers, lessons, learners })
    }
}

fn is_alert(entry: &serde_json::Value) -> bool {
    entry["what"].as_str().is_some_and(|what| what.starts_with("alert."))
}

/// First and last date of the school year of a date.
fn year(date: SchoolDate) -> (String, String) {
    let text = date.to_string();
    let (year, rest) = text.split_at(4);
    let year: i32 = year.parse().unwrap_or(2026);
    let first = if rest < "-08-01" { year - 1 } else { year };
    (format!("{first}-08-01"), format!("{}-07-31", first + 1))
}
