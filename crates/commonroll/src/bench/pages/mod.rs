//! The console's pages: how long each takes until its first byte while records arrive, and how soon a mark is on every open
//! whereabouts board.

mod client;
mod town;

use super::{
    Args, Figure, Report, load,
    rig::{Rig, Site, slug_of},
};
use crate::{commands::told, real::now};
use client::{Connection, Place};
use commonroll_core::{Revision, Role, directory::Declaration, record::attendance::Physical};
use commonroll_exchange::{DeclareResult, Speaker};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use town::{PARTNERS, Town};

/// Times that each page is asked for.
const ASKED: usize = 200;
/// Records a second that arrive meanwhile.
const RATE: u64 = 500;
/// How long the boards may take to show a mark before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures the pages.
pub async fn run(args: &Args, report: &mut Report) -> Result<(), String> {
    let town = Town::new(args.pages, args.pages_records, now())?;
    let more = [("listen.console", "127.0.0.1:0"), ("limits.pages_per_second", "1000000")];
    let more = more.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let postgres = args.postgres.as_deref();
    eprintln!("  {} learners at {PARTNERS} partners", args.pages);
    let site = Site::found(town.files()?, PARTNERS, postgres, more).await?;
    let (list, roles) = town::people(&site.exchange).await?;
    std::fs::write(site.people(), list).map_err(told)?;
    let rig = site.open().await?;
    fill(&rig, town).await?;
    let place = Place::new(rig.console()?)?;
    eprintln!("  the boards are read in");
    ready(&place, &roles).await?;

    let arriving = arriving(&rig, town).await?;
    let at = place.clone();
    let (times, slowest) = told_by(move || each_page(&at, &roles)).await?;
    for (path, first) in times {
        report.say(Figure::at_most(format!("first byte p99, {path}"), first, "ms", 50.0, 20.0));
    }
    report.say(Figure::plain("largest page".to_owned(), slowest as f64 / 1e3, "kB"));
    let seen = boards(&arriving, &place, town, args.boards).await?;
    report.say(Figure::at_most(
        format!("mark sent to {} boards, the last", args.boards),
        seen.as_secs_f64(),
        "s",
        2.0,
        1.0,
    ));
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

/// Names, weeks of records, and today's marks; then today's lessons.
async fn fill(rig: &Rig, town: Town) -> Result<(), String> {
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for partner in 0..PARTNERS {
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
    eprintln!("  {} records in {:.0} s", rig.exchange().stats().log_entries, begun.elapsed().as_secs_f64());
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
async fn ready(place: &Place, roles: &[Role]) -> Result<(), String> {
    let officer = roles.iter().position(|role| *role == Role::AttendanceOfficer).ok_or("no officer")?;
    let place = place.clone();
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
    /// Becomes true for the partner whose next record marks its last learner absent.
    absent: Vec<Arc<AtomicBool>>,
}

/// Corrections of today's marks that arrive at a steady rate.
async fn arriving(rig: &Rig, town: Town) -> Result<Arriving, String> {
    let (mut tasks, mut all) = (Vec::new(), Vec::new());
    for partner in 0..PARTNERS {
        let client = rig.client(partner).await?;
        let absent = Arc::new(AtomicBool::new(false));
        all.push(absent.clone());
        tasks.push(tokio::spawn(async move {
            let slug = slug_of(partner)?;
            // The last learner's mark is the boards' own.
            let make = |n: u64| {
                if absent.swap(false, Ordering::Relaxed) {
                    let second = Revision::new(2).map_err(told)?;
                    return town.mark(&slug, (town.hosted - 1, 1), second, Physical::Absent);
                }
                let (learner, round) = (n % (town.hosted - 1), n / (town.hosted - 1));
                let physical = if round.is_multiple_of(2) { Physical::Late } else { Physical::Present };
                let revision = Revision::new(2 + u32::try_from(round).map_err(told)?).map_err(told)?;
                town.mark(&slug, (learner, 1), revision, physical)
            };
            load::steadily(&client, RATE / u64::from(PARTNERS), make).await
        }));
    }
    Ok(Arriving { tasks, absent: all })
}

/// Pages of each kind of user, and for some of them where their addresses are found.
fn pages(role: Role, connection: &mut Connection) -> Result<Vec<(String, String)>, String> {
    let fixed: &[&str] = match role {
        Role::AttendanceOfficer => &["/whereabouts", "/whereabouts/visitors", "/learners"],
        Role::HeadOfSixth => &["/learners", "/whereabouts"],
        Role::Teacher => &["/groups"],
        Role::DataManager => {
            &["/sharing", "/explain", "/agreements", "/log", "/unmatched", "/people", "/agents", "/progress"]
        }
        Role::ConsortiumLead => &["/progress"],
        _ => &[],
    };
    let mut all: Vec<(String, String)> =
        fixed.iter().map(|path| ((*path).to_owned(), (*path).to_owned())).collect();
    let linked: &[&str] = match role {
        Role::HeadOfSixth => &["/learners"],
        Role::Teacher => &["/groups"],
        Role::DataManager => &["/sharing", "/agreements"],
        _ => &[],
    };
    for list in linked {
        let body = connection.get(list)?.body;
        let link = format!("href=\"{list}/");
        let found = body.split(&link).skip(1).find_map(|rest| rest.split(['"', '?', '#']).next());
        let found = found.ok_or_else(|| format!("{list} links to nothing"))?;
        all.push((format!("{list}/.."), format!("{list}/{found}")));
    }
    Ok(all)
}

/// 99th percentile of the time to the first byte of each page, in milliseconds, and the largest page in bytes.
fn each_page(place: &Place, roles: &[Role]) -> Result<(Vec<(String, f64)>, usize), String> {
    let mut all = Vec::new();
    let mut largest = 0;
    let mut seen = std::collections::BTreeSet::new();
    for (who, role) in roles.iter().enumerate().filter(|(_, role)| seen.insert(**role)) {
        let mut connection = place.enter(who)?;
        for (name, path) in pages(*role, &mut connection)? {
            let mut times = Vec::with_capacity(ASKED);
            for _ in 0..ASKED {
                let answer = connection.get(&path)?;
                if answer.status != 200 {
                    return Err(format!("{name} was answered with {}", answer.status));
                }
                largest = largest.max(answer.body.len());
                times.push(answer.first.as_secs_f64() * 1e3);
            }
            times.sort_by(f64::total_cmp);
            eprintln!("  {role} {name}: p50 {:.1} ms", times[ASKED / 2]);
            all.push((format!("{name}, {role}"), times[ASKED * 99 / 100 - 1]));
        }
    }
    Ok((all, largest))
}

/// Opens the boards as pages do, marks a learner of every home absent, and gives the time until the last board shows it.
async fn boards(arriving: &Arriving, place: &Place, town: Town, count: usize) -> Result<Duration, String> {
    let stop = Arc::new(AtomicBool::new(false));
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let open = Arc::new(tokio::sync::Semaphore::new(0));
    let name = format!("Number{}", town.hosted - 1);
    // The officers come first in the list of every partner but the first, where two others do.
    let officers: Vec<usize> =
        (0..usize::from(PARTNERS)).map(|partner| partner + if partner == 0 { 2 } else { 4 }).collect();
    let mut cookies = BTreeMap::new();
    for officer in &officers {
        let (place, officer) = (place.clone(), *officer);
        let cookie = told_by(move || Ok(place.enter(officer)?.cookie)).await?;
        cookies.insert(officer, cookie);
    }
    for board in 0..count {
        let cookie = cookies[&officers[board % officers.len()]].clone();
        let (place, stop, told, open, name) =
            (place.clone(), stop.clone(), told.clone(), open.clone(), name.clone());
        std::thread::spawn(move || {
            let watch = || -> Result<Instant, String> {
                let mut live = place.open(cookie.clone())?;
                let mut page = place.open(cookie.clone())?;
                live.listen("/whereabouts/news")?;
                page.get("/whereabouts")?;
                open.add_permits(1);
                while !stop.load(Ordering::Relaxed) {
                    live.hear()?;
                    let body = page.get("/whereabouts")?.body;
                    let alarms = body.split("alarm-name").skip(1);
                    if alarms
                        .into_iter()
                        .any(|one| one.split("</p>").next().is_some_and(|one| one.contains(&name)))
                    {
                        return Ok(Instant::now());
                    }
                }
                Err("stopped".to_owned())
            };
            let _ = told.send(watch());
        });
    }
    let all = u32::try_from(count).map_err(crate::commands::told)?;
    let opened = tokio::time::timeout(PATIENCE, open.acquire_many(all)).await;
    opened.map_err(|_| "the boards could not all be opened")?.map_err(crate::commands::told)?.forget();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let said = Instant::now();
    arriving.absent.iter().for_each(|absent| absent.store(true, Ordering::Relaxed));
    let mut last = said;
    for _ in 0..count {
        match tokio::time::timeout(PATIENCE, heard.recv()).await {
            Ok(Some(Ok(at))) => last = last.max(at),
            Ok(Some(Err(error))) => return Err(error),
            _ => {
                stop.store(true, Ordering::Relaxed);
                return Err("a board did not show the mark within a minute".to_owned());
            }
        }
    }
    Ok(last - said)
}
