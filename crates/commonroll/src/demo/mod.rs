//! `commonroll demo`: a consortium's day, live, with a hub and eight agents as processes of their own.
//!
//! The generator (`made`) or a folder (`from`) says what happens and what must arrive; `stage` runs the processes;
//! `play` lets the day happen; `watch` and `readback` see what came of it; `tally` holds it against the truth. Then `live` goes
//! on with today, in real time, for whoever watches the console.

mod from;
mod live;
mod made;
pub mod people;
mod play;
mod readback;
mod screen;
mod setup;
mod stage;
mod summary;
mod tally;
mod watch;

use crate::{commands::told_to_stop, real::now};
use jiff::{ToSpan, civil::Weekday, tz::TimeZone};
use made::Made;
use play::Play;
use screen::{Screen, Tone};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

/// Flags of the demo.
#[derive(clap::Args)]
#[command(
    after_help = "The demo ends with Ctrl-C. With --once it ends by itself: exit code 0 only if every expected record \
                        arrived once and nothing else did. With --dir, look into DIR/partners/<slug> afterwards: exports, \
                        mappings, agent.toml, outbox; and try `commonroll agent status --settings .../agent.toml`."
)]
pub struct Args {
    /// Keep everything in this folder, which must be empty or not exist [default: a temporary folder]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// How fast the day goes: 1 is about a minute
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// End when the day is over, and say by the exit code whether everything arrived
    #[arg(long)]
    once: bool,
    /// Another seed makes other people and another day
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Take partners' real files from this folder, which holds a consortium.toml, instead of making them up
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// First of four ports on loopback [default: any that are free]
    #[arg(long)]
    port: Option<u16>,
}

/// Plays the day.
pub async fn run(args: Args) -> Result<ExitCode, String> {
    let started = Instant::now();
    let mut screen = Screen::new();
    screen.say(Tone::Heading, "Commonroll: a consortium's day");
    if !(0.05..=1000.0).contains(&args.speed) {
        return Err("--speed must lie between 0.05 and 1000".to_owned());
    }
    let mut made = match &args.from {
        Some(folder) => Made { setup: from::setup(folder)?, brings: Vec::new(), live: None },
        None => made::make(args.seed, school_day())?,
    };
    let live = made.live.take().filter(|_| !args.once);
    let (root, _kept) = place(args.dir.as_deref())?;
    screen.say(Tone::Plain, &format!("  {}; school day {}", made.setup.title, made.setup.date));
    screen.say(Tone::Plain, &format!("  in {}", root.display()));
    screen.say(
        Tone::Plain,
        "  the demo plays the partners' heads: the agreements are signed by people who don't exist",
    );
    // The folder must outlive the processes: `_kept` is dropped last, since it was made before the play.
    let mut play = Play::raise(&root, made, started, args.port, &screen).await?;
    let played = tokio::select! {
        played = play.day(args.speed, &mut screen) => played,
        () = told_to_stop() => Err("stopped before the day was over".to_owned()),
    };
    screen.down();
    let ended = match played {
        Ok(()) => summary::tell(&mut play, &screen).await,
        Err(error) => Err(error),
    };
    let lived = match (&ended, &live) {
        (Ok(_), Some(live)) => tokio::select! {
            lived = live::go_on(&mut play, live, &screen) => lived,
            () = told_to_stop() => Ok(()),
        },
        (Ok(_), None) if !args.once => {
            let line =
                "\nThe hub and the agents go on: drop a file into an exports folder and see. Ctrl-C ends.";
            screen.say(Tone::Plain, line);
            told_to_stop().await;
            Ok(())
        }
        _ => Ok(()),
    };
    play.stage.clear().await;
    let complete = ended?;
    lived?;
    Ok(if complete || !args.once { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The last weekday before today, so that the whole day lies in the past.
fn school_day() -> (i16, i8, i8) {
    let zone = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
    let instant = jiff::Timestamp::from_microsecond(now().micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let mut date = zone.to_datetime(instant).date();
    loop {
        date = date.saturating_sub(1.day());
        if !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return (date.year(), date.month(), date.day());
        }
    }
}

/// The folder of the demo, and what deletes it in the end unless it is to be kept.
fn place(dir: Option<&Path>) -> Result<(PathBuf, Option<tempfile::TempDir>), String> {
    let Some(dir) = dir else {
        let made = tempfile::Builder::new().prefix("commonroll-demo-").tempdir();
        let made = made.map_err(|error| format!("no temporary folder: {error}"))?;
        return Ok((made.path().to_owned(), Some(made)));
    };
    std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let dir = dir.canonicalize().map_err(|error| format!("{}: {error}", dir.display()))?;
    let mut entries = std::fs::read_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    match entries.next() {
        None => Ok((dir, None)),
        Some(_) => Err(format!("{} is not empty; name a new folder", dir.display())),
    }
}
