//! Progress: one page of sums for the consortium's lead, and for a partner's head and data manager about their own site.
//!
//! It names nobody, and drills to a partner and no further. Each figure has its definition beside it, each plot its table.

mod charts;
mod few;
#[cfg(feature = "pdf")]
mod paper;
#[cfg(test)]
mod tests;
mod words;

#[cfg(feature = "pdf")]
pub use paper::paper;

use super::super::{
    Console,
    layout::Frame,
    nav, parts,
    refusal::{Refusal, page},
    signed::{Query, Signed},
    times,
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use charts::Svg;
use commonroll_core::{Role, Slug, Timestamp};
use commonroll_exchange::{ProgressAsk, ProgressSeen};
use commonroll_views::progress::{Attended, Bridge, Gap, Kept, definitions, monday};
use few::{Courses, Few, few};
use jiff::tz::TimeZone;

/// Rows of a plot and of its table at most: those that stand out are shown, and the page says so.
const PLOTTED: usize = 40;
/// Rows of the last table at most, where it isn't one site's own.
const LISTED: usize = 200;

/// A figure at the top.
struct Measure {
    name: &'static str,
    means: &'static str,
    figure: String,
    note: String,
}

/// A column of the table.
struct Column {
    name: &'static str,
    means: &'static str,
}

/// A row of a table: its name, where it leads if anywhere, and its cells.
struct Row {
    name: String,
    link: String,
    cells: Vec<String>,
}

/// One site's line.
struct Multiple {
    name: String,
    plot: Svg,
}

#[derive(Template)]
#[template(path = "progress.html")]
struct Progress {
    frame: Frame,
    /// The question mark and what follows, to stay with the same partner.
    of: String,
    by: &'static str,
    partner: String,
    eyebrow: String,
    title: String,
    lead: String,
    reading: bool,
    measures: Vec<Measure>,
    multiples: Few<Multiple>,
    scale: (f64, f64),
    week_names: Vec<String>,
    week_rows: Vec<Row>,
    travel: Svg,
    travel_rows: Few<Row>,
    gaps: Svg,
    gap_rows: Few<Row>,
    columns: Vec<Column>,
    rows: Few<Row>,
    matches: String,
    bridge: Vec<(&'static str, String)>,
    definitions: &'static [definitions::Definition],
    reason: String,
    printed: String,
    paper: bool,
}

/// Whose figures somebody asks for: a head and others of one institution begin with their own.
fn asked(signed: &Signed, of: &str) -> Result<ProgressAsk, Refusal> {
    let of = match of {
        "" if matches!(signed.role(), Role::ConsortiumLead) => None,
        "" => Some(signed.seen.speaker.institution().clone()),
        slug => Some(slug.parse::<Slug>().map_err(|_| Refusal::Missing)?),
    };
    Ok(ProgressAsk { of })
}

/// The page.
pub async fn progress(
    State(console): State<Console>,
    signed: Signed,
    Query(query): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let ask = asked(&signed, query.get("of"))?;
    let seen = console.exchange.progress(signed.acting(), &ask, signed.now).await?;
    let by = match query.get("by") {
        "course" => "course",
        "home" => "home",
        "week" => "week",
        _ => "site",
    };
    let frame = Frame::new(&signed, &headers, "Progress", "/progress").why("#why");
    page(&compose(frame, &Reader::of(&signed), &ask, &seen, by))
}

/// Who looks, as far as the page depends on it.
struct Reader {
    name: String,
    role: Role,
    institution: Slug,
    now: Timestamp,
    zone: TimeZone,
}

impl Reader {
    fn of(signed: &Signed) -> Self {
        Self {
            name: signed.seen.name.clone(),
            role: signed.role(),
            institution: signed.seen.speaker.institution().clone(),
            now: signed.now,
            zone: signed.zone().clone(),
        }
    }
}

fn compose(
    frame: Frame,
    reader: &Reader,
    ask: &ProgressAsk,
    seen: &ProgressSeen,
    by: &'static str,
) -> Progress {
    let (title, lead) = finding(seen);
    let scale = charts::around(seen.seen.site_weeks.iter().filter_map(|row| row.2?.attendance()));
    let courses = Courses::of(seen);
    let (travel, travel_rows) = travel(seen, &courses);
    let (gaps, gap_rows) = gaps(seen, &courses);
    let sites = few(seen.seen.sites.iter().map(|row| row.0).collect(), PLOTTED, |site| newest(seen, *site));
    let site = ask.of.as_ref().map_or_else(String::new, |slug| format!("of={slug}&"));
    Progress {
        frame,
        of: format!("?{site}"),
        by,
        partner: seen.of.map_or_else(String::new, |of| name(seen, of)),
        eyebrow: eyebrow(reader, seen),
        title,
        lead,
        reading: !seen.complete,
        measures: measures(seen),
        week_rows: week_rows(seen, &sites.shown),
        multiples: multiples(seen, sites, scale),
        scale,
        week_names: seen.seen.weeks.iter().map(|row| week(row.0)).collect(),
        travel,
        travel_rows,
        gaps,
        gap_rows,
        columns: columns(by),
        rows: few(
            rows(reader, seen, &courses, by),
            if seen.of.is_some() { usize::MAX } else { LISTED },
            |_| None,
        ),
        matches: matches(seen),
        bridge: seen.bridge.as_ref().map(bridge).unwrap_or_default(),
        definitions: &definitions::ALL,
        reason: seen.reason.clone(),
        printed: printed(reader),
        paper: cfg!(feature = "pdf"),
    }
}

fn name(seen: &ProgressSeen, institution: u16) -> String {
    seen.institutions.get(&institution).map_or_else(String::new, |(_, name)| name.clone())
}

/// 7 September
fn week(week: i32) -> String {
    monday(week).map_or_else(String::new, |date| date.civil().strftime("%-d %B").to_string())
}

fn eyebrow(reader: &Reader, seen: &ProgressSeen) -> String {
    let mut parts = vec![seen.of.map_or_else(|| "Whole partnership".to_owned(), |of| name(seen, of))];
    if let (Some(first), Some(last)) = (seen.seen.weeks.first(), seen.seen.weeks.last()) {
        parts.push(if first == last {
            format!("week of {}", week(last.0))
        } else {
            format!("weeks of {} to {}", week(first.0), week(last.0))
        });
    }
    if let Some(learners) = seen.learners {
        parts.push(format!("{} learners or a few more", words::count(learners)));
    }
    parts.push(match seen.seen.sites.len() {
        1 => "1 site".to_owned(),
        sites => format!("{sites} sites"),
    });
    if let Some(at) = seen.as_of {
        parts.push(format!("counted to {}", times::hm(at, &reader.zone)));
    }
    parts.join(" · ")
}

/// Courses whose travel days are lower by two points or more, lowest first.
fn falling(seen: &ProgressSeen) -> Vec<(String, f64)> {
    let gap =
        |of: &(u16, u32, Option<Attended>, Option<Attended>)| Some(of.3?.attendance()? - of.2?.attendance()?);
    let course = |number: u32| seen.courses.get(&number).cloned().unwrap_or_default();
    let mut falling: Vec<(String, f64)> = seen
        .seen
        .travel
        .iter()
        .filter_map(|row| Some((course(row.1), gap(row)?)))
        .filter(|row| row.1 >= 2.0)
        .collect();
    falling.sort_by(|a, b| b.1.total_cmp(&a.1));
    falling
}

/// What stands out, as the page's title and a sentence.
fn finding(seen: &ProgressSeen) -> (String, String) {
    let Some(all) = seen.seen.total.lessons else {
        let lead = "Figures are summed once a day is over and five learners or more stand behind them. Registers are counted at once.";
        let all = &seen.seen.total;
        let other = all.registers.is_some_and(|of| of.registers > 0)
            || all.gap.as_ref().and_then(Gap::mean).is_some()
            || all.kept.as_ref().and_then(Kept::kept).is_some();
        let title = if other { "No attendance to show yet" } else { "No figures to show yet" };
        return (title.to_owned(), lead.to_owned());
    };
    let share = words::percent(all.attendance());
    match falling(seen).as_slice() {
        [] => (
            format!("Attendance is {share}"),
            "No course is 2 points or more lower on days learners travel.".to_owned(),
        ),
        [(course, by)] => (
            "Attendance is lower on travel days".to_owned(),
            format!(
                "{course}: {} points lower on days learners travel. Attendance is {share} in all.",
                words::one(*by)
            ),
        ),
        [(course, by), rest @ ..] => (
            "Attendance is lower on travel days".to_owned(),
            format!(
                "{course} most: {} points lower on days learners travel. {} more by 2 or more.",
                words::one(*by),
                match rest.len() {
                    1 => "1 course".to_owned(),
                    more => format!("{more} courses"),
                },
            ),
        ),
    }
}

fn measures(seen: &ProgressSeen) -> Vec<Measure> {
    let all = &seen.seen.total;
    let measure =
        |of: definitions::Definition, figure, note| Measure { name: of.name, means: of.means, figure, note };
    let lessons = all.lessons.as_ref();
    let registers = all.registers.filter(|of| of.registers > 0);
    let none = || "none yet".to_owned();
    vec![
        measure(
            definitions::ATTENDANCE,
            words::percent(lessons.and_then(Attended::attendance)),
            lessons.map_or_else(String::new, |of| {
                format!("{} of {} lessons", words::count(of.attended), words::count(of.due))
            }),
        ),
        measure(
            definitions::PUNCTUALITY,
            words::percent(lessons.and_then(Attended::punctuality)),
            "of lessons attended, in time".to_owned(),
        ),
        measure(
            definitions::GAP,
            words::gap(all.gap.as_ref().and_then(Gap::mean)),
            all.gap.map_or_else(
                || words::apart(all.apart),
                |of| format!("grades; {} compared. {}", words::count(of.compared), words::apart(all.apart)),
            ),
        ),
        measure(
            definitions::RETENTION,
            words::percent(all.kept.as_ref().and_then(Kept::kept)),
            all.kept.map_or_else(String::new, |of| format!("of {} placements begun", words::count(of.begun))),
        ),
        measure(
            definitions::REGISTERS,
            registers.map_or_else(none, |of| words::in_time(&of)),
            "within 10 minutes of the start".to_owned(),
        ),
        measure(
            definitions::FRESHNESS,
            registers.map_or_else(none, |of| words::delay(of.within(50))),
            registers.map_or_else(String::new, |of| match (of.within(50), of.within(95)) {
                (_, Some(0)) => "of the lesson, for 19 registers in 20".to_owned(),
                (None, _) => "after the lesson, for half the registers or more".to_owned(),
                (Some(_), None) => "half are sooner; 1 in 20 later than a week".to_owned(),
                (Some(_), later) => {
                    format!("half are sooner; 1 in 20 later than {}", words::delay(later))
                }
            }),
        ),
    ]
}

fn share(of: Option<Attended>) -> Option<f64> {
    of.as_ref().and_then(Attended::attendance)
}

fn weeks_of(seen: &ProgressSeen, host: u16) -> Vec<Option<f64>> {
    let mine = seen.seen.site_weeks.iter().filter(|row| row.0 == host);
    mine.map(|row| share(row.2)).collect()
}

/// A site's share in the latest week that is shown of it.
fn newest(seen: &ProgressSeen, host: u16) -> Option<f64> {
    weeks_of(seen, host).into_iter().rev().flatten().next()
}

fn multiples(seen: &ProgressSeen, sites: Few<u16>, scale: (f64, f64)) -> Few<Multiple> {
    let all: Vec<Option<f64>> = seen.seen.weeks.iter().map(|row| share(row.1)).collect();
    sites.map(|site| {
        let (name, weeks) = (name(seen, site), weeks_of(seen, site));
        let newest = newest(seen, site);
        let title = match newest {
            Some(_) => format!("{name}: {} in the latest week shown", words::percent(newest)),
            None => format!("{name}: nothing to show, fewer than 5 learners or no day that is over"),
        };
        Multiple { plot: charts::weeks(&title, &weeks, &all, scale), name }
    })
}

fn week_rows(seen: &ProgressSeen, sites: &[u16]) -> Vec<Row> {
    let site = |site: &u16| Row {
        name: name(seen, *site),
        link: String::new(),
        cells: weeks_of(seen, *site).into_iter().map(words::percent).collect(),
    };
    sites.iter().map(site).collect()
}

fn travel(seen: &ProgressSeen, courses: &Courses<'_>) -> (Svg, Few<Row>) {
    let shares = seen.seen.travel.iter().map(|row| (courses.name(row.0, row.1), share(row.2), share(row.3)));
    // Those that fall most.
    let shares =
        few(shares.collect(), PLOTTED, |row: &(String, Option<f64>, Option<f64>)| Some(row.1? - row.2?));
    let scale = charts::around(shares.shown.iter().flat_map(|row| [row.1, row.2]).flatten());
    let title = match falling(seen).first() {
        Some((course, by)) => format!(
            "Attendance on travel days against other days by course. {course} is {} points lower.",
            words::one(*by)
        ),
        None => "Attendance on travel days against other days by course. None is 2 points lower.".to_owned(),
    };
    let plotted = shares.shown.iter().map(|(name, now, before)| charts::Row {
        name: name.clone(),
        now: *now,
        before: *before,
        note: now
            .zip(*before)
            .map(|(now, before)| before - now)
            .filter(|by| *by >= 2.0)
            .map_or_else(String::new, words::one),
    });
    let plotted: Vec<charts::Row> = plotted.collect();
    let rows = shares.map(|(name, now, before)| Row {
        name,
        link: String::new(),
        cells: vec![words::percent(now), words::percent(before)],
    });
    (charts::rows(&title, &plotted, scale, None, |value| format!("{value:.0}%")), rows)
}

fn gaps(seen: &ProgressSeen, courses: &Courses<'_>) -> (Svg, Few<Row>) {
    let mean = |gap: &Option<Gap>| gap.as_ref().and_then(Gap::mean);
    let of = seen.seen.courses.iter().map(|row| (courses.name(row.0, row.1), row.2.gap, row.2.apart));
    let of = few(of.collect(), PLOTTED, |row| mean(&row.1));
    let plotted: Vec<charts::Row> = of
        .shown
        .iter()
        .map(|(name, gap, _)| charts::Row {
            name: name.clone(),
            now: mean(gap).map(|mean| mean.clamp(-2.0, 2.0)),
            before: None,
            note: String::new(),
        })
        .collect();
    let lowest = of
        .shown
        .iter()
        .filter_map(|(name, gap, _)| Some((name, mean(gap)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let title = lowest.map_or_else(
        || "Mean gap to target by course: nothing to show yet.".to_owned(),
        |(name, mean)| {
            format!("Mean gap to target by course, in grades. Lowest: {name}, {}.", words::gap(Some(mean)))
        },
    );
    let rows = of.map(|(name, gap, apart)| Row {
        name,
        link: String::new(),
        cells: vec![
            words::gap(mean(&gap)),
            gap.map_or_else(
                || words::HIDDEN.to_owned(),
                |gap| format!("{} / {} / {}", gap.below, gap.on, gap.above),
            ),
            words::apart(apart),
        ],
    });
    (
        charts::rows(&title, &plotted, (-2.0, 2.0), Some(0.0), |value| {
            if value == 0.0 { "on target".to_owned() } else { words::gap(Some(value)) }
        }),
        rows,
    )
}

fn columns(by: &str) -> Vec<Column> {
    let of = |of: definitions::Definition| Column { name: of.name, means: of.means };
    let mut columns = vec![
        of(definitions::ATTENDANCE),
        of(definitions::PUNCTUALITY),
        of(definitions::GAP),
        of(definitions::RETENTION),
    ];
    match by {
        "site" => columns.extend([of(definitions::REGISTERS), of(definitions::FRESHNESS)]),
        "week" => columns.truncate(2),
        _ => {}
    }
    columns
}

fn rows(reader: &Reader, seen: &ProgressSeen, courses: &Courses<'_>, by: &str) -> Vec<Row> {
    let link = |institution: u16| {
        let slug = seen.institutions.get(&institution).map(|(slug, _)| slug);
        let may = reader.role == Role::ConsortiumLead || slug == Some(&reader.institution);
        slug.filter(|_| may && seen.of != Some(institution))
            .map_or_else(String::new, |slug| format!("/progress?of={slug}"))
    };
    let all = &seen.seen;
    match by {
        "course" => all
            .courses
            .iter()
            .map(|row| Row {
                name: courses.name(row.0, row.1),
                link: String::new(),
                cells: words::cells(&row.2, false),
            })
            .collect(),
        "home" => all
            .homes
            .iter()
            .map(|row| Row {
                name: name(seen, row.0),
                link: String::new(),
                cells: words::cells(&row.1, false),
            })
            .collect(),
        "week" => all
            .weeks
            .iter()
            .map(|row| Row {
                name: format!("week of {}", week(row.0)),
                link: String::new(),
                cells: vec![
                    words::percent(row.1.as_ref().and_then(Attended::attendance)),
                    words::percent(row.1.as_ref().and_then(Attended::punctuality)),
                ],
            })
            .collect(),
        _ => all
            .sites
            .iter()
            .map(|row| Row { name: name(seen, row.0), link: link(row.0), cells: words::cells(&row.1, true) })
            .collect(),
    }
}

/// Whether shown totals are the partners' own.
fn matches(seen: &ProgressSeen) -> String {
    let whole = seen.whole.values().filter(|whole| **whole).count();
    let part: Vec<String> =
        seen.whole.iter().filter(|(_, whole)| !**whole).map(|(site, _)| name(seen, *site)).collect();
    match part.len() {
        0 if whole == 0 => String::new(),
        0 => "match partners’ own at every site, to the mark.".to_owned(),
        _ => format!(
            "match partners’ own at {whole} of {} sites. At {} some lessons wait: their day isn’t over, or fewer than 5 learners stand behind them. The partner’s own people see it line by line.",
            seen.whole.len(),
            part.join(", "),
        ),
    }
}

fn bridge(of: &Bridge) -> Vec<(&'static str, String)> {
    let whole = |value: i64| words::count(value.unsigned_abs());
    vec![
        ("Marks that you sent and the hub holds", whole(of.records)),
        ("less taken back by you", whole(of.withdrawn)),
        ("less marks of sessions or days, not of lessons", whole(of.sessions)),
        ("less not required, cancelled or closed", whole(of.not_due)),
        ("less without a mark, or not shared", whole(of.unknown)),
        ("Lessons due: your own figure", whole(of.due)),
        ("of these attended", whole(of.attended)),
        ("less waiting: the day isn’t over, or fewer than 5 learners", whole(of.waiting)),
        ("less summed with other sites’, in the total only", whole(of.pooled)),
        ("Lessons in the figure shown for your site", whole(of.shown)),
    ]
}

fn printed(reader: &Reader) -> String {
    format!(
        "Printed by {}, {}, {}",
        reader.name,
        nav::role_words(reader.role),
        times::day_hm(reader.now, &reader.zone)
    )
}
