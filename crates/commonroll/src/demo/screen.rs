//! What the watcher of the demo sees: lines that stay, and below them, on a terminal, a table that lives.
//!
//! Partners are shown by their slugs, learners as counts; no name and no id of a learner is ever shown.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{io::IsTerminal, time::Duration};

/// A screen, live or plain.
pub struct Screen {
    live: Option<Live>,
    colours: bool,
}

struct Live {
    all: MultiProgress,
    day: ProgressBar,
    lines: Vec<ProgressBar>,
}

/// What a line is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    /// Something arrived.
    Good,
    /// Something was refused, or went wrong on purpose.
    Refused,
    /// Something changed among the partners.
    Event,
    Heading,
}

impl Screen {
    /// A live screen if standard output is a terminal.
    pub fn new() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let colours = is_terminal && std::env::var_os("NO_COLOR").is_none();
        let live = is_terminal.then(|| Live {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stdout_with_hz(8)),
            day: ProgressBar::hidden(),
            lines: Vec::new(),
        });
        Self { live, colours }
    }

    /// A line that stays.
    pub fn say(&self, tone: Tone, line: &str) {
        let line = self.toned(tone, line);
        match &self.live {
            Some(live) => drop(live.all.println(line)),
            None => println!("{line}"),
        }
    }

    /// A line in its colour, where there are colours.
    pub fn toned(&self, tone: Tone, line: &str) -> String {
        let colour = match tone {
            Tone::Plain => return line.to_owned(),
            Tone::Good => 32,
            Tone::Refused => 31,
            Tone::Event => 33,
            Tone::Heading => 1,
        };
        if self.colours { format!("\u{1b}[{colour}m{line}\u{1b}[0m") } else { line.to_owned() }
    }

    /// A long step with progress, on a terminal.
    pub fn step(&self, what: &'static str, length: usize) -> ProgressBar {
        let style = ProgressStyle::with_template("  {msg} {bar:24.cyan/dim} {pos}/{len}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─");
        match &self.live {
            Some(live) => live.all.add(ProgressBar::new(length as u64)).with_style(style).with_message(what),
            None => ProgressBar::hidden(),
        }
    }

    /// Puts the table up: a line for the day, a head and a line for each partner.
    pub fn table(&mut self, partners: usize, steps: usize) {
        let Some(live) = &mut self.live else { return };
        let style = |template| {
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
        };
        let line = || live.all.add(ProgressBar::new(1)).with_style(style("{msg}"));
        live.lines = (0..partners + 2).map(|_| line()).collect();
        let day = style("  {msg} {bar:52.cyan/dim} {pos}/{len} exports").progress_chars("━━─");
        live.day = live.all.add(ProgressBar::new(steps as u64)).with_style(day);
    }

    /// Writes line `place` of the table.
    pub fn line(&self, place: usize, text: String) {
        if let Some(line) = self.live.as_ref().and_then(|live| live.lines.get(place)) {
            line.set_message(text);
        }
    }

    /// Moves the day on.
    pub fn day(&self, clock: &str, done: usize) {
        if let Some(live) = &self.live {
            live.day.set_message(clock.to_owned());
            live.day.set_position(done as u64);
        }
    }

    /// Takes the table down.
    pub fn down(&mut self) {
        let Some(live) = &mut self.live else { return };
        for line in live
            .lines
            .drain(..)
            .chain(std::iter::once(std::mem::replace(&mut live.day, ProgressBar::hidden())))
        {
            line.finish_and_clear();
        }
    }

    /// True if there is a terminal.
    pub const fn is_live(&self) -> bool {
        self.live.is_some()
    }
}

/// A time for people.
pub fn shown(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// Words in front of counts, such as `ashdown 4, thornhill 2`.
pub fn listed<'a>(counts: impl IntoIterator<Item = (&'a String, &'a u64)>) -> String {
    counts.into_iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ")
}
