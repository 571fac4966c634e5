//! `commonroll simulate`: a school day of a consortium of any size, with everything that ordinarily goes wrong, and holes
//! through which learners fall. Were they found, and how soon?
//!
//! `world` says who there is, `day` what happens, `exports` how partners' systems write it down, `partner` runs an agent over
//! the files, `stage` lets the day go by on a clock of its own, and `score` holds what was told against what was true. From the
//! exports on everything is the real thing: connectors, spools, publishing, the exchange, its log and its board. Left out are
//! the sockets, and what homes receive and write back, which no alert leans on.

mod day;
mod dice;
mod exports;
mod partner;
mod report;
mod score;
mod stage;
mod truth;
mod world;

#[cfg(test)]
mod tests;

use commonroll_core::SchoolDate;
use commonroll_views::whereabouts::{Detector, Detectors};
use dice::Dice;
use std::process::ExitCode;
use world::World;

/// Flags of the simulator.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "A day is its seed's: the same flags give the same output. Hosts export their registers every 30 seconds \
while lessons are on; agents read them as they would anywhere, and the exchange tells whom it tells. The scorer is given \
alerts alone.\n\n\
Exit code 0 only if every injected hole was told to all whom it concerns within 60 seconds of the moment that the rules set, at \
most 1 alert in 1,000 expectations named a learner who was where they were expected, or excused, and no \
alert about a learner ended before anybody had seen them.\n\n\
  commonroll simulate                            5,000 learners, one day\n  \
commonroll simulate --seed 7 --learners 300    a small consortium, another day\n  \
commonroll simulate --without source-silent    the same day without one way of finding: holes stay open\n  \
commonroll simulate --long                     50,000 learners"
)]
pub struct Args {
    /// Another seed makes another consortium and another day
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many learners visit partners
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(60..=100_000))]
    learners: u32,
    /// 50,000 learners
    #[arg(long, conflicts_with = "learners")]
    long: bool,
    /// The school date
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-09-15")]
    day: SchoolDate,
    /// Leave out one way of finding, to see what it is worth
    #[arg(long, value_name = "DETECTOR", value_parser = detector)]
    without: Option<Detector>,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
}

fn detector(text: &str) -> Result<Detector, String> {
    let names: Vec<&str> = Detector::ALL.iter().map(|one| one.as_str()).collect();
    let found = Detector::ALL.into_iter().find(|one| one.as_str() == text);
    found.ok_or_else(|| format!("must be one of: {}", names.join(", ")))
}

/// Plays the day and says what came of it.
pub async fn run(args: Args) -> Result<ExitCode, String> {
    let learners = if args.long { 50_000 } else { args.learners };
    let result = simulate(args.seed, learners, args.day, args.without).await?;
    match args.json {
        true => println!("{}", report::json(&result)),
        false => print!("{}", report::table(&result)),
    }
    Ok(if result.score.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a simulated day came to.
pub struct Simulated {
    pub seed: u64,
    pub day: SchoolDate,
    pub without: Option<Detector>,
    pub homes: usize,
    pub hosts: usize,
    pub learners: usize,
    pub lessons: usize,
    pub marks: u64,
    pub entries: u64,
    pub alerts: usize,
    pub mess: std::collections::BTreeMap<&'static str, usize>,
    pub score: score::Score,
}

/// Plays a day.
pub async fn simulate(
    seed: u64,
    learners: u32,
    date: SchoolDate,
    without: Option<Detector>,
) -> Result<Simulated, String> {
    let world = World::new(learners as usize, &mut Dice::new(seed, 1));
    let day = day::make(&world, seed);
    let detectors = without.map_or(Detectors::ALL, |one| Detectors::ALL.without(one));
    let played = stage::play(&world, &day, date, detectors).await?;
    let score = score::score(&world, &day.truth, &played);
    Ok(Simulated {
        seed,
        day: date,
        without,
        homes: world.homes,
        hosts: world.institutions.len() - world.homes,
        learners: world.learners.len(),
        lessons: world.lessons.len(),
        marks: played.marks,
        entries: played.entries,
        alerts: played.lines.len(),
        mess: day.truth.mess,
        score,
    })
}
