//! The console's pages: how long each takes until its first byte while records arrive, and how soon a mark is on every open
//! whereabouts board.

mod boards;
mod client;
mod routes;
pub mod town;

use super::{
    Args, Figure, Report, load,
    rig::{Rig, Site, slug_of},
};
use crate::{commands::told, real::now};
use client::{Connection, Place};
use commonroll_core::{Revision, Role, directory::Declaration, record::attendance::Physical};
use commonroll_exchange::{DeclareResult, Speaker};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use town::{Cast, Town};

/// Times that each page is asked for.
const ASKED: usize = 200;
/// Times that a paper is asked for.
const ASKED_OF_PAPER: usize = 20;
/// Records a second that arrive meanwhile.
const RATE: u64 = 500;
/// The share of them that must have been taken for the figures to count.
const TAKEN: f64 = 0.98;
/// The largest that a page may be with its style sheets and scripts, in kB.
const LARGEST_KB: f64 = 200.0;
/// How long the boards may take to show a mark before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures the pages.
pub async fn run(args: &Args, report: &mut Report) -> Result<(), String> {
    let town = Town::new(args.pages, args.pages_records, args.pages_partners, now())?;
    // A few people open all the boards, from one address.
    let boards = args.boards.max(1).to_string();
    let more = [
        ("listen.console", "127.0.0.1:0"),
        ("limits.pages_per_second", "1000000"),
        ("limits.console_connections_per_address", "100000"),
        ("limits.live_pages_per_person", &boards),
    ];
    let more = more.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let postgres = args.postgres.as_deref();
    eprintln!("  {} learners at {} partners", args.pages, town.partners);
    let site = Site::found(town.files()?, town.partners, postgres, more).await?;
    let cast = Cast::enrol(&site.exchange, town.partners, args.boards).await?;
    std::fs::write(site.people(), &cast.list).map_err(told)?;
    let rig = site.open().await?;
    fill(&rig, town).await?;
    let place = Place::new(rig.console()?)?;
    eprintln!("  the boards are read in");
    ready(&place, &cast).await?;

    let arriving = arriving(&rig, town).await?;
    let (at, people) = (place.clone(), cast.people.clone());
    let (begun, before) = (Instant::now(), arriving.taken.load(Ordering::Relaxed));
    let pages = told_by(move || each_page(&at, &people)).await?;
    let taken = arriving.taken.load(Ordering::Relaxed) - before;
    let rate = taken as f64 / begun.elapsed().as_secs_f64();
    for Times { name, times, paper } in &pages.all {
        let p99 = times[(times.len() * 99).div_ceil(100) - 1];
        report.say(match paper {
            true => Figure::plain(format!("first byte, slowest of {ASKED_OF_PAPER}, {name}"), p99, "ms"),
            false => Figure::at_most(format!("first byte p99, {name}"), p99, "ms", 50.0, 20.0),
        });
    }
    for name in &pages.missing {
        eprintln!("not measured, since nothing leads there: {name}");
    }
    report.say(Figure::plain("pages that nothing leads to".to_owned(), pages.missing.len() as f64, "pages"));
    let bar = RATE as f64 * TAKEN;
    report.say(Figure::at_least("records taken meanwhile".to_owned(), rate, "records/s", bar));
    let (largest, name) = &pages.largest;
    report.say(Figure::at_most(
        format!("largest page, {name}"),
        *largest as f64 / 1e3,
        "kB",
        LARGEST_KB,
        LARGEST_KB,
    ));
    let (begun, before) = (Instant::now(), arriving.taken.load(Ordering::Relaxed));
    let shown = boards::run(&arriving, &place, town, (&cast.officers, args.boards)).await?;
    let taken = arriving.taken.load(Ordering::Relaxed) - before;
    let rate = taken as f64 / begun.elapsed().as_secs_f64();
    if let (Some(last), Some(half)) = (shown.last(), shown.get(shown.len() / 2)) {
        let name = |which: &str| format!("mark on {} boards after it was durable, {which}", shown.len());
        report.say(Figure::plain(name("half of them"), half.as_secs_f64(), "s"));
        report.say(Figure::at_most(name("the last"), last.as_secs_f64(), "s", 2.0, 1.0));
        let name = "records taken while boards were open".to_owned();
        report.say(Figure::at_least(name, rate, "records/s", bar));
    }
    if let Some(mib) = rig.hub_peak_mib() {
        report.say(Figure::plain("hub memory, peak".to_owned(), mib, "MiB"));
    }
    for task in arriving.tasks {
        if task.is_finished() {
            let why = task.await.map_err(told)?.err().unwrap_or_default();
            return Err(format!("records stopped arriving: {why}"));
        }
        task.abort();
    }
    Ok(())
}

/// Work that waits as threads do.
async fn told_by<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(told)?
}

/// Weeks of records, and today's marks.
pub async fn history(rig: &Rig, town: Town) -> Result<(), String> {
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for partner in 0..town.partners {
        let client = rig.client(partner).await?;
        tasks.spawn(async move {
            let slug = slug_of(partner)?;
            load::publish(&client, (0, town.history), 500, |n| town.past(&slug, n)).await?;
            let today = |n| {
                let at = (n % town.hosted, (n / town.hosted) as i64);
                town.mark(&slug, at, Revision::FIRST, Physical::Present)
            };
            load::publish(&client, (0, 2 * town.hosted), 500, today).await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(told)??;
    }
    let count = u64::from(town.partners) * (town.history + 2 * town.hosted);
    eprintln!("  {count} records in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Records; then names and today's lessons.
async fn fill(rig: &Rig, town: Town) -> Result<(), String> {
    history(rig, town).await?;
    let begun = Instant::now();
    let names = town.names()?;
    // The agents joined through the hub.
    rig.exchange().follow(Duration::from_secs(1)).await.map_err(told)?;
    for (agent, _, _, _) in rig.exchange().agents() {
        let speaker = rig.exchange().speaker(agent).map_err(told)?;
        for some in names.chunks(1_000) {
            declare(rig, &speaker, some.to_vec()).await?;
        }
        declare(rig, &speaker, vec![town.day()?]).await?;
    }
    eprintln!("  names and lessons after {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Declares what must be taken.
async fn declare(rig: &Rig, speaker: &Speaker, said: Vec<Declaration>) -> Result<(), String> {
    let said = said.into_iter().map(Ok).collect();
    let results = rig.exchange().declare(speaker, said, now()).await.map_err(told)?;
    let taken =
        |result: &&DeclareResult| !matches!(result, DeclareResult::Accepted | DeclareResult::Unchanged);
    let refused = results.iter().find(taken);
    refused.map_or(Ok(()), |result| Err(format!("a declaration was not taken: {result:?}")))
}

/// Waits until a board shows the day.
async fn ready(place: &Place, cast: &Cast) -> Result<(), String> {
    let officer = cast.people.iter().find(|(role, _)| *role == Role::AttendanceOfficer);
    let (place, (_, officer)) = (place.clone(), *officer.ok_or("no officer")?);
    told_by(move || {
        let begun = Instant::now();
        let mut connection = place.enter(officer)?;
        while !connection.get("/whereabouts")?.body.contains("Seen") {
            if begun.elapsed() > PATIENCE {
                let body = connection.get("/whereabouts")?.body;
                let lead = body.split("id=\"lead\"").nth(1).and_then(|rest| rest.split('<').next());
                return Err(format!("the board stayed empty for a minute: {}", lead.unwrap_or_default()));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    })
    .await
}

/// Records that arrive at a steady rate.
struct Arriving {
    tasks: Vec<tokio::task::JoinHandle<Result<(), String>>>,
    /// Records that the hub has acknowledged.
    taken: Arc<AtomicU64>,
    /// Becomes true for the partner whose next record marks its last learner absent.
    absent: Vec<Arc<AtomicBool>>,
    /// When each partner was told that this mark is durable.
    durable: Vec<Arc<OnceLock<Instant>>>,
}

/// Corrections of today's marks that arrive at a steady rate.
async fn arriving(rig: &Rig, town: Town) -> Result<Arriving, String> {
    let taken = Arc::new(AtomicU64::new(0));
    let mut all = Arriving { tasks: Vec::new(), taken, absent: Vec::new(), durable: Vec::new() };
    for partner in 0..town.partners {
        let client = rig.client(partner).await?;
        let (absent, durable) = (Arc::new(AtomicBool::new(false)), Arc::new(OnceLock::new()));
        all.absent.push(absent.clone());
        all.durable.push(durable.clone());
        let taken = all.taken.clone();
        all.tasks.push(tokio::spawn(async move {
            let slug = slug_of(partner)?;
            let sent = AtomicBool::new(false);
            // The last learner's mark is the boards' own.
            let make = |n: u64| {
                if absent.swap(false, Ordering::Relaxed) {
                    sent.store(true, Ordering::Relaxed);
                    let second = Revision::new(2).map_err(told)?;
                    return town.mark(&slug, (town.hosted - 1, 1), second, Physical::Absent);
                }
                let (learner, round) = (n % (town.hosted - 1), n / (town.hosted - 1));
                let physical = if round.is_multiple_of(2) { Physical::Late } else { Physical::Present };
                let revision = Revision::new(2 + u32::try_from(round).map_err(told)?).map_err(told)?;
                town.mark(&slug, (learner, 1), revision, physical)
            };
            let acknowledged = |count: u64| {
                taken.fetch_add(count, Ordering::Relaxed);
                if sent.swap(false, Ordering::Relaxed) {
                    let _ = durable.set(Instant::now());
                }
            };
            let pace = Duration::from_secs(u64::from(town.partners)) / u32::try_from(RATE).map_err(told)?;
            load::steadily(&client, pace, make, acknowledged).await
        }));
    }
    Ok(all)
}

/// Times to the first byte of each page in each role, in milliseconds, the shortest first.
struct Times {
    name: String,
    times: Vec<f64>,
    /// It is typeset anew each time.
    paper: bool,
}

/// What pages took.
#[derive(Default)]
struct Pages {
    all: Vec<Times>,
    /// The largest, with its style sheets and scripts: its bytes, and which it is.
    largest: (usize, String),
    /// Bytes of each style sheet and script.
    assets: HashMap<String, usize>,
    /// Pages to which nothing in this town leads.
    missing: Vec<String>,
}

impl Pages {
    /// Bytes of the style sheets and scripts of a page.
    fn beside(&mut self, connection: &mut Connection, page: &str) -> Result<usize, String> {
        let paths = page.split('"').filter(|path| {
            path.starts_with("/assets/") && [".css", ".js"].iter().any(|end| path.ends_with(end))
        });
        let mut bytes = 0;
        for path in paths.collect::<BTreeSet<_>>() {
            if !self.assets.contains_key(path) {
                let asset = connection.get(path)?;
                if asset.status != 200 {
                    return Err(format!("{path} was answered with {}", asset.status));
                }
                self.assets.insert(path.to_owned(), asset.body.len());
            }
            bytes += self.assets[path];
        }
        Ok(bytes)
    }
}

/// Opens every page that the table gives each of these people in their role.
fn each_page(place: &Place, people: &[(Role, usize)]) -> Result<Pages, String> {
    let mut pages = Pages::default();
    for (role, who) in people {
        let mut connection = place.enter(*who)?;
        for route in routes::of(*role) {
            let name = format!("{route}, {role}");
            match routes::address(route, &mut connection)? {
                Some(path) => one_page(&mut connection, name, &path, &mut pages)?,
                None => pages.missing.push(name),
            }
        }
    }
    Ok(pages)
}

fn one_page(connection: &mut Connection, name: String, path: &str, pages: &mut Pages) -> Result<(), String> {
    let paper = connection.get(path)?.body.starts_with("%PDF-");
    let asked = if paper { ASKED_OF_PAPER } else { ASKED };
    let (mut times, mut last) = (Vec::with_capacity(asked), String::new());
    for _ in 0..asked {
        let answer = connection.get(path)?;
        if answer.status != 200 {
            return Err(format!("{name} was answered with {}", answer.status));
        }
        times.push(answer.first.as_secs_f64() * 1e3);
        last = answer.body;
    }
    times.sort_by(f64::total_cmp);
    let bytes = last.len() + if paper { 0 } else { pages.beside(connection, &last)? };
    eprintln!("  {name}: p50 {:.1} ms, {:.0} kB", times[asked / 2], bytes as f64 / 1e3);
    if !paper && bytes > pages.largest.0 {
        pages.largest = (bytes, name.clone());
    }
    pages.all.push(Times { name, times, paper });
    Ok(())
}
