//! The day as it happens: files appear at their moments, agents do their work, and what arrives is told.

mod flights;
mod live;
mod table;

use super::{
    made::{Brings, Made},
    readback::Outbox,
    screen::{Screen, Tone, shown},
    setup::{Action, Arrived, Setup},
    stage::{self, Counted, Stage},
    watch::{self, Seen},
};
use commonroll_agent::status::Status;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How long the play waits for something that must arrive.
const SETTLING: Duration = Duration::from_secs(30);
/// How long nothing must happen at the end, so that nothing can come behind.
const QUIET: Duration = Duration::from_millis(900);

/// A day being played.
pub struct Play {
    pub setup: Setup,
    pub stage: Stage,
    brings: Vec<Brings>,
    root: PathBuf,
    seen: mpsc::Receiver<Seen>,
    /// How often it is looked.
    pub pace: watch::Pace,
    started: Instant,
    flights: Vec<flights::Flight>,
    /// Records on their way, and in which flight.
    under_way: HashMap<Arrived, usize>,
    /// Last file of each partner: its source, and when it was written, in microseconds since the epoch.
    written: Vec<BTreeMap<String, i64>>,
    pub partners: Vec<Seat>,
    told: BTreeSet<String>,
    /// From the moment at which the export was in place to the moment at which its row was seen in the home's outbox.
    pub times: Vec<Duration>,
    /// The same, for records that had to wait for a partner that was cut off.
    pub caught_up: Vec<Duration>,
    /// From the start of the program to the first mark in an outbox.
    pub first: Option<Duration>,
    last_arrival: Instant,
    pub counted: Counted,
    clock: String,
    /// Formats of each partner's exports, for people.
    writes: Vec<String>,
}

/// What is known of a partner while the day goes on.
#[derive(Default)]
pub struct Seat {
    pub outbox: Outbox,
    pub status: Option<Status>,
    pub exports: u64,
    /// Records of this partner that were seen in homes' outboxes.
    pub sent: u64,
    pub received: u64,
    away: bool,
    back_at: Option<Instant>,
    /// Records that waited for it, until that is told.
    catching_up: u64,
    recent: Vec<Duration>,
}

impl Play {
    /// Starts the hub and every agent, and waits until the directory stands.
    pub async fn raise(
        root: &Path,
        made: Made,
        started: Instant,
        port: Option<u16>,
        screen: &Screen,
    ) -> Result<Self, String> {
        let Made { setup, brings, .. } = made;
        let bar = screen.step("hub and agents start", setup.partners.len() + 1);
        let (mut stage, invitations) = Stage::raise(root, &setup, port).await?;
        bar.inc(1);
        screen.say(
            Tone::Heading,
            &format!("  open {}: your browser will warn; the certificate is the demo's own", stage.console),
        );
        let joined = {
            let join = |place: usize| {
                let (stage, partner, invitation) = (&stage, &setup.partners[place], &invitations[place]);
                let bar = bar.clone();
                async move {
                    let agent = stage.join(partner, invitation).await;
                    bar.inc(1);
                    agent.map(|agent| (place, agent))
                }
            };
            futures_util::future::try_join_all((0..setup.partners.len()).map(join)).await?
        };
        joined.into_iter().for_each(|(place, agent)| stage.take_in(place, agent));
        bar.finish_and_clear();
        screen.say(
            Tone::Plain,
            &format!(
                "  hub on SQLite and {} agents run, joined by invitation over mTLS, after {}",
                setup.partners.len(),
                shown(started.elapsed())
            ),
        );
        let (seen, pace) = watch::start(root, &setup);
        let count = setup.partners.len();
        let mut play = Self {
            stage,
            brings,
            root: root.to_owned(),
            seen,
            pace,
            started,
            flights: Vec::new(),
            under_way: HashMap::new(),
            written: vec![BTreeMap::new(); count],
            partners: (0..count).map(|_| Seat::default()).collect(),
            told: BTreeSet::new(),
            times: Vec::new(),
            caught_up: Vec::new(),
            first: None,
            last_arrival: started,
            counted: Counted::default(),
            clock: String::new(),
            writes: setup.partners.iter().map(table::writes).collect(),
            setup,
        };
        for place in 0..count {
            let paths: Vec<String> =
                play.setup.partners[place].files.iter().map(|file| file.path.clone()).collect();
            paths.iter().for_each(|path| play.note_written(place, path, 0));
        }
        Ok(play)
    }

    /// Plays every step, and waits until what was written has arrived.
    pub async fn day(&mut self, speed: f64, screen: &mut Screen) -> Result<(), String> {
        self.settle(screen).await?;
        screen.say(
            Tone::Plain,
            &format!(
                "  learners, placements and acceptances stand in the directory after {}\n",
                shown(self.started.elapsed())
            ),
        );
        screen.table(self.setup.partners.len(), self.setup.steps.len());
        let mut began = Instant::now();
        for number in 0..self.setup.steps.len() {
            let due = began + self.setup.steps[number].at.div_f64(speed);
            self.until(due, screen).await?;
            if matches!(self.setup.steps[number].action, Action::Settle) {
                let stalled = Instant::now();
                self.settle(screen).await?;
                began += stalled.elapsed();
            } else {
                self.act(number, screen).await?;
            }
            screen.day(&self.clock, number + 1);
        }
        self.settle(screen).await?;
        self.rest(screen).await
    }

    async fn act(&mut self, number: usize, screen: &Screen) -> Result<(), String> {
        let step = &self.setup.steps[number];
        let place = self.place(&step.partner)?;
        self.clock.clone_from(&step.clock);
        let slug = step.partner.clone();
        match &step.action {
            Action::Write(file) => {
                let written_us = crate::real::now().micros();
                stage::write(&self.root, &slug, file)?;
                let written = Instant::now();
                let (path, what) = (file.path.clone(), file.what.clone());
                self.note_written(place, &path, written_us);
                self.partners[place].exports += 1;
                self.take_off(number, place, what, written);
            }
            Action::CutOff => {
                self.event(screen, &slug, "is cut off: its agent is stopped in its tracks");
                self.partners[place].away = true;
                self.stage.cut_off(place).await;
            }
            Action::CutWhileSending => {
                // A part of what it wrote last: some of it is in the log, and the agent doesn't know yet.
                let last = self.flights.iter().rfind(|flight| flight.partner == place);
                self.stage.wait_for_more(last.map_or(1, |flight| flight.left as u64 / 5).max(1)).await;
                self.partners[place].away = true;
                self.stage.cut_off(place).await;
                self.event(screen, &slug, "loses power while it sends");
            }
            Action::Back => {
                self.event(screen, &slug, "is back, and goes on where it was");
                let agent = self.stage.spawn_agent(&slug)?;
                self.stage.take_in(place, agent);
                self.partners[place].away = false;
                self.partners[place].back_at = Some(Instant::now());
            }
            Action::Say(text) => {
                let text = text.clone();
                self.event(screen, &slug, &text);
            }
            Action::Settle => {}
        }
        Ok(())
    }

    fn event(&self, screen: &Screen, slug: &str, text: &str) {
        let width = self.width();
        let name = self
            .setup
            .partners
            .iter()
            .find(|partner| partner.slug == slug)
            .map_or("", |partner| &partner.name);
        screen.say(Tone::Event, &format!("  {:<5}  {slug:<width$} {name} {text}", self.clock));
    }

    /// Watches until a moment.
    async fn until(&mut self, due: Instant, screen: &Screen) -> Result<(), String> {
        loop {
            let wait = due.saturating_duration_since(Instant::now());
            let tick = wait.min(Duration::from_millis(100));
            match tokio::time::timeout(tick, self.seen.recv()).await {
                Ok(Some(seen)) => self.take(seen, screen),
                Ok(None) => return Err("the watchers ended".to_owned()),
                Err(_) => self.tell_flights(screen, false),
            }
            if let Some(fallen) = self.stage.fallen() {
                return Err(format!("a process ended by itself; see {fallen} in {}", self.root.display()));
            }
            if due <= Instant::now() {
                return Ok(());
            }
        }
    }

    /// Watches until every export was taken, everything was sent, and what is under way has landed.
    async fn settle(&mut self, screen: &Screen) -> Result<(), String> {
        let deadline = Instant::now() + SETTLING;
        while !self.is_settled() {
            self.until(Instant::now() + Duration::from_millis(20), screen).await?;
            if Instant::now() > deadline {
                self.tell_flights(screen, true);
                screen.say(Tone::Refused, "  something does not arrive; the day goes on without it");
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_settled(&self) -> bool {
        let all_taken = self.partners.iter().enumerate().all(|(place, seat)| {
            seat.away || seat.status.as_ref().is_some_and(|status| self.has_taken(place, status))
        });
        let away = |home: &String| self.place(home).is_ok_and(|place| self.partners[place].away);
        all_taken && self.under_way.keys().all(|record| away(&record.home))
    }

    fn has_taken(&self, place: usize, status: &Status) -> bool {
        let looked_at = |(source, written): (&String, &i64)| {
            status.exports_taken.iter().any(|(name, at)| name == source && at >= written)
                || status
                    .exports_refused
                    .iter()
                    .any(|refused| refused.source == *source && refused.at_us >= *written)
        };
        status.declarations_unsent == 0 && status.unsent == 0 && self.written[place].iter().all(looked_at)
    }

    /// Nothing happens for a while, and nothing is still awaited.
    async fn rest(&mut self, screen: &Screen) -> Result<(), String> {
        let deadline = Instant::now() + SETTLING;
        let began = Instant::now();
        while Instant::now() < deadline
            && (self.last_arrival.max(began).elapsed() < QUIET || self.is_behind().await)
        {
            self.until(Instant::now() + Duration::from_millis(50), screen).await?;
        }
        if let Some(counted) = self.stage.counted().await {
            self.counted = counted;
        }
        self.tell_flights(screen, true);
        Ok(())
    }

    /// True while homes have yet to write what the hub handed out, on a day of which nobody knows what it brings: a busy machine is
    /// quiet for a while, too.
    async fn is_behind(&self) -> bool {
        let received: u64 = self.partners.iter().map(|seat| seat.received).sum();
        self.brings.is_empty() && self.stage.counted().await.is_some_and(|hub| hub.delivered > received)
    }

    fn take(&mut self, seen: Seen, screen: &Screen) {
        match seen {
            Seen::Rows(place, outbox, at) => {
                self.last_arrival = Instant::now();
                for row in &outbox.rows {
                    self.land(place, row, at, screen);
                }
                self.partners[place].outbox.add(outbox);
                self.tell_flights(screen, false);
            }
            Seen::Status(place, status) => {
                self.tell_status(place, &status, screen);
                self.partners[place].status = Some(*status);
            }
        }
        self.show(screen);
    }

    /// Width of the widest slug.
    fn width(&self) -> usize {
        self.setup.partners.iter().map(|partner| partner.slug.len()).max().unwrap_or(0).max(10)
    }

    fn note_written(&mut self, place: usize, path: &str, at_us: i64) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let name = path.rsplit('/').next().unwrap_or_default();
        let sources = &self.setup.partners[place].sources;
        let reads = |source: &&super::setup::Source| {
            source.folder == folder && commonroll_agent::settings::matches(&source.pattern, name)
        };
        if let Some(source) = sources.iter().find(reads) {
            self.written[place].insert(source.name.clone(), at_us);
        }
    }

    /// The demo's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn place(&self, slug: &str) -> Result<usize, String> {
        let place = self.setup.partners.iter().position(|partner| partner.slug == slug);
        place.ok_or_else(|| format!("{slug} is no partner of this day"))
    }
}
