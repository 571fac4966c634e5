//! `commonroll bench`: figures of this machine beside its own ceilings, measured in the same run.
//!
//! The hub is a process of its own; the clients seal, sign, verify and acknowledge with the agents' own code. A ceiling
//! is what the bare engine, or the bare wire, does here and now: compare ratios, not machines.

mod connectors;
mod decide;
mod law;
mod load;
mod one_row;
mod pages;
mod rig;
mod wire;

use crate::real::now;
use commonroll_core::SchoolDate;
use load::{Flow, Load};
use rig::{ENGINE_SQLITE, Rig};
use std::{process::ExitCode, time::Duration};

/// Flags of the bench.
#[derive(clap::Args)]
pub struct Args {
    /// Records of the throughput run
    #[arg(long, default_value_t = 100_000)]
    records: u64,
    /// Agents, each a source and a recipient
    #[arg(long, default_value_t = 8)]
    agents: u16,
    /// Records in a batch
    #[arg(long, default_value_t = 100)]
    batch: u32,
    /// Also measure on PostgreSQL: URL of an empty database that the bench may fill
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Seconds of the latency run at 1,000 records a second, one record a call; 0 leaves it out
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Also publish this many records and compare the cost of the last with that of the first 50,000 (5000000 for the
    /// full run)
    #[arg(long, default_value_t = 0)]
    flat: u64,
    /// Rows of the exports that are translated; 0 leaves them out
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Measure only the connectors: each container, its rows a second and its memory
    #[arg(long)]
    connectors: bool,
    /// Measure only an agent that is given an export of so many rows once more, in which one row changed
    #[arg(long)]
    one_row: bool,
    /// With --one-row: all lessons of a learner stand together, a school year of them, so that each piece of the export has all days
    #[arg(long)]
    by_learner: bool,
    /// Seed of the exports that are made
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Measure the console's pages instead, with so many learners (50000 for the full run)
    #[arg(long, default_value_t = 0, value_name = "LEARNERS")]
    pages: u64,
    /// With --pages: records in the log before the pages are asked for
    #[arg(long, default_value_t = 1_000_000, value_name = "RECORDS")]
    pages_records: u64,
    /// With --pages: partners, each of whom teaches the next one's learners; 0 for one to each 500 learners, 8 at least
    #[arg(long, default_value_t = 0, value_name = "PARTNERS")]
    pages_partners: u16,
    /// With --pages: whereabouts boards that are open at once, each a session of its own
    #[arg(long, default_value_t = 200)]
    boards: usize,
    /// Measure changes of the rules, explaining, trying and proving instead, with so many learners (50000 for the full run; trials
    /// have a fifth of them)
    #[arg(long, default_value_t = 0, value_name = "LEARNERS")]
    law: u64,
    /// With --law: partners; 0 for one to each 500 learners, 8 at least
    #[arg(long, default_value_t = 0, value_name = "PARTNERS")]
    law_partners: u16,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// One measured figure.
#[derive(serde::Serialize)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    ceiling: Option<f64>,
    ratio: Option<f64>,
    bar: Option<f64>,
    aim: Option<f64>,
    met: &'static str,
}

impl Figure {
    /// More is better; bar and aim are shares of the ceiling.
    fn rate(name: String, value: f64, unit: &'static str, ceiling: f64, bar: f64, aim: f64) -> Self {
        let ratio = value / ceiling;
        let met = if ratio >= aim {
            "aim"
        } else if ratio >= bar {
            "bar"
        } else {
            "no"
        };
        Self {
            name,
            value,
            unit,
            ceiling: Some(ceiling),
            ratio: Some(ratio),
            bar: Some(bar),
            aim: Some(aim),
            met,
        }
    }

    /// Less is better; bar and aim are in the figure's unit.
    fn at_most(name: String, value: f64, unit: &'static str, bar: f64, aim: f64) -> Self {
        let met = if value <= aim {
            "aim"
        } else if value <= bar {
            "bar"
        } else {
            "no"
        };
        Self { name, value, unit, ceiling: None, ratio: None, bar: Some(bar), aim: Some(aim), met }
    }

    /// More is better; bar in the figure's unit.
    fn at_least(name: String, value: f64, unit: &'static str, bar: f64) -> Self {
        let met = if value >= bar { "bar" } else { "no" };
        Self { name, value, unit, ceiling: None, ratio: None, bar: Some(bar), aim: None, met }
    }

    /// For information.
    fn plain(name: String, value: f64, unit: &'static str) -> Self {
        Self { name, value, unit, ceiling: None, ratio: None, bar: None, aim: None, met: "-" }
    }
}

/// Prints figures as they come.
struct Report {
    json: bool,
    missed: bool,
}

impl Report {
    fn begin(json: bool) -> Self {
        if !json {
            println!(
                "{:<44} {:>12} {:<10} {:>12} {:>6} {:>8} {:>8}  met",
                "", "value", "unit", "ceiling", "ratio", "bar", "aim"
            );
        }
        Self { json, missed: false }
    }

    fn ended(&self) -> ExitCode {
        if self.missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    fn say(&mut self, figure: Figure) {
        self.missed |= figure.met == "no";
        if self.json {
            if let Ok(line) = serde_json::to_string(&figure) {
                println!("{line}");
            }
            return;
        }
        let short = |n: f64| if n.abs() >= 1000.0 { format!("{n:.0}") } else { format!("{n:.2}") };
        let cell = |n: Option<f64>| n.map_or_else(|| "-".to_owned(), short);
        println!(
            "{:<44} {:>12} {:<10} {:>12} {:>6} {:>8} {:>8}  {}",
            figure.name,
            short(figure.value),
            figure.unit,
            cell(figure.ceiling),
            cell(figure.ratio),
            cell(figure.bar),
            cell(figure.aim),
            figure.met
        );
    }
}

/// Measures. The exit code is 1 if a bar was missed.
pub async fn run(args: Args) -> Result<ExitCode, String> {
    if cfg!(debug_assertions) {
        eprintln!(
            "note: this is a build for developing; for figures run `cargo run --release -p commonroll -- bench`"
        );
    }
    let mut report = Report::begin(args.json);
    if args.connectors {
        translated(&args, None, &mut report)?;
        return Ok(report.ended());
    }
    if args.one_row {
        changed(&args, &mut report).await?;
        return Ok(report.ended());
    }
    if args.pages > 0 {
        pages::run(&args, &mut report).await?;
        return Ok(report.ended());
    }
    if args.law > 0 {
        law::run(&args, &mut report).await?;
        return Ok(report.ended());
    }
    decide::run(&mut report)?;
    wire_ceiling(&args, &mut report).await?;
    engine(&args, ENGINE_SQLITE, None, &mut report).await?;
    if let Some(url) = &args.postgres {
        engine(&args, "postgres", Some(url), &mut report).await?;
    } else {
        eprintln!("PostgreSQL was not measured: give --postgres URL");
    }
    if args.rows > 0 {
        translated(&args, Some("delimited"), &mut report)?;
    }
    Ok(report.ended())
}

/// The connectors' figures. The ratio is that of the rate to its bar.
fn translated(args: &Args, only: Option<&str>, report: &mut Report) -> Result<(), String> {
    connectors::run(args.rows, args.seed, only, &mut |measured| {
        let connectors::Measured { name, file_mib, rate, bar, peak_mib } = measured;
        let what = format!("{name}, {file_mib:.0} MiB, translated");
        report.say(match bar {
            Some(bar) => Figure { ratio: Some(rate / bar), ..Figure::at_least(what, rate, "rows/s", bar) },
            None => Figure::plain(what, rate, "rows/s"),
        });
        if let Some(peak) = peak_mib {
            let bar = connectors::MEMORY_BAR;
            report.say(Figure::at_most(format!("{name}: memory, peak"), peak, "MiB", bar, bar));
        }
    })
}

/// The figures of exports that changed a little. Exports that are read as a whole have no bar for their time.
async fn changed(args: &Args, report: &mut Report) -> Result<(), String> {
    let order = if args.by_learner { connectors::Order::Learners } else { connectors::Order::Lessons };
    one_row::run(args.rows, args.seed, order, &mut |measured| {
        let one_row::Measured { name, found, published, peak_mib, bar } = measured;
        let name = format!("{} rows, {name}", args.rows);
        report.say(Figure::plain(format!("{name}: found"), found, "s"));
        let what = format!("{name}: published");
        report.say(match bar {
            Some(bar) => Figure::at_most(what, published, "s", bar, bar / 3.0),
            None => Figure::plain(what, published, "s"),
        });
        if let Some(peak) = peak_mib {
            let bar = connectors::MEMORY_BAR;
            report.say(Figure::at_most(format!("{name}: memory, peak"), peak, "MiB", bar, bar));
        }
    })
    .await
}

fn today() -> SchoolDate {
    now().date_in(&jiff::tz::TimeZone::UTC)
}

async fn wire_ceiling(args: &Args, report: &mut Report) -> Result<(), String> {
    let load = Load::new(args.agents, args.records, args.batch, 0, today())?;
    let took = wire::raw(load).await?;
    report.say(Figure::plain(
        "raw gRPC over mTLS, no storage".to_owned(),
        args.records as f64 / took.as_secs_f64(),
        "records/s",
    ));
    Ok(())
}

async fn engine(args: &Args, name: &str, postgres: Option<&str>, report: &mut Report) -> Result<(), String> {
    let mut rig = Rig::start(args.agents, postgres).await?;
    // Before and after the load, since a machine that others share is faster at one moment than at the next. The
    // faster of the two is the ceiling.
    let earlier = rig.raw_append(args.records, 0).await?;
    let later = args.flat + args.seconds * 1_000;
    let mut load = Load::new(args.agents, args.records, args.batch, later, today())?;
    let before = rig.cpu_seconds();
    let took = Flow::run(&rig, &mut load).await?;
    let after = rig.cpu_seconds();
    let raw = rig.raw_append(args.records, 1).await?.min(earlier);
    let ceiling = args.records as f64 / raw.as_secs_f64();
    report.say(Figure::plain(format!("{name}: raw durable append"), ceiling, "records/s"));
    let rate = args.records as f64 / took.as_secs_f64();
    let name_of = |what: &str| format!("{name}: {what}");
    report.say(Figure::rate(name_of("publish to acknowledged"), rate, "records/s", ceiling, 0.3, 0.75));
    if let (Some(before), Some(after)) = (before, after) {
        let each = |seconds: f64| seconds * 1e6 / args.records as f64;
        report.say(Figure::plain(name_of("processor time, hub"), each(after.0 - before.0), "us/record"));
        report.say(Figure::plain(name_of("processor time, clients"), each(after.1 - before.1), "us/record"));
    }

    if args.seconds > 0 {
        let flush = rig.flush_ms()?;
        report.say(Figure::plain(name_of("the disk's own flush"), flush, "ms"));
        let latency = load::latency(&rig, &mut load, Duration::from_secs(args.seconds), 1_000).await?;
        report.say(Figure::at_most(
            name_of("due to received p50, 1,000/s"),
            latency.p50_ms,
            "ms",
            f64::max(5.0, 3.0 * flush),
            2.0,
        ));
        report.say(Figure::at_most(
            name_of("due to received p99, 1,000/s"),
            latency.p99_ms,
            "ms",
            f64::max(20.0, 3.0 * flush),
            5.0,
        ));
    }
    if args.flat > 0 {
        let (first, last) = load::flatness(&rig, &mut load, args.flat).await?;
        report.say(Figure::plain(name_of("cost of the first 50,000"), first, "us/record"));
        report.say(Figure::at_most(
            name_of(&format!("cost at {} over that", args.flat)),
            last / first,
            "times",
            1.25,
            1.0,
        ));
    }
    if let Some(mib) = rig.hub_peak_mib() {
        report.say(Figure::at_most(name_of("hub memory, peak"), mib, "MiB", 256.0, 256.0));
    }
    let (ready, entries) = rig.restart().await?;
    report.say(Figure::at_most(
        name_of(&format!("ready with {entries} entries")),
        ready.as_secs_f64(),
        "s",
        1.0,
        1.0,
    ));
    let verified = rig.stop_and_verify().await?;
    report.say(Figure::at_least(name_of("audit verify"), verified.rate, "entries/s", 300_000.0));
    report.say(Figure::at_most(
        name_of("proof that an entry is in the log, p99"),
        verified.proof_ms,
        "ms",
        5.0,
        1.0,
    ));
    Ok(())
}
