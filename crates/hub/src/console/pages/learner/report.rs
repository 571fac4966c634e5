//! A learner's report on paper, for those who answer for the learner at home: every subject wherever it is taught, on one
//! side of A4. It rests on one reading, as the page does, and each print has an entry of its own.
//!
//! It says what the records say and no more: nobody writes into it here, and what a reader may not see isn't on it.

use super::{super::print::Press, Told, attendance, events, subjects::subjects, told::Kind};
use crate::console::{Console, refusal::Refusal, signed::Signed, times};
use axum::{
    extract::{Path, State},
    response::Response,
};
use commonroll_core::{SchoolDate, Slug};
use commonroll_exchange::LearnerRead;
use commonroll_report::{LearnerReport, learner_report};

/// Weeks of attendance, praise and concerns that are counted.
const WEEKS: i32 = 15;
/// Grades are read from the first day of this month on, or for [`WEEKS`] where it is more: a target is given once in a school
/// year, at its start.
const YEAR_BEGINS: i8 = 9;
/// Subjects that fit one side.
const SUBJECTS: usize = 12;

/// The report as PDF.
pub async fn report(
    State(console): State<Console>,
    Path(number): Path<String>,
    signed: Signed,
) -> Result<Response, Refusal> {
    let press = Press::free().await?;
    // What is no number is a learner who isn't there, and is asked for and counted as one.
    let number: u32 = number.parse().unwrap_or(u32::MAX);
    let today = signed.now.date_in(signed.zone());
    let monday = today.days() - i32::from(today.civil().weekday().to_monday_zero_offset());
    let first = SchoolDate::from_days(monday - 7 * (WEEKS - 1)).unwrap_or(today);
    let asked = ((Some(school_year(today).min(first)), None), Vec::new());
    let read = console.exchange.print_learner(signed.acting(), number, asked, signed.now).await?;
    let made = made(&signed, &read, (first, monday));
    press.print("learner-report", move || learner_report(&made)).await
}

/// The day on which a date's school year began.
fn school_year(date: SchoolDate) -> SchoolDate {
    let day = date.civil();
    let year = if day.month() >= YEAR_BEGINS { day.year() } else { day.year() - 1 };
    jiff::civil::Date::new(year, YEAR_BEGINS, 1).map_or(date, SchoolDate::from_civil)
}

fn made(signed: &Signed, read: &LearnerRead, (first, monday): (SchoolDate, i32)) -> LearnerReport {
    let zone = signed.zone();
    let counts = |one: &Told| one.date >= first || matches!(one.body, Kind::Result(_));
    let told: Vec<Told> = read.reading.records.iter().filter_map(Told::of).filter(counts).collect();
    let sources: Vec<(&Slug, &str)> =
        read.sources.iter().map(|source| (&source.slug, source.name.as_str())).collect();
    let strip = attendance::strip(&told, &sources, monday, WEEKS);
    let (_, notes) = events::events((&told, &read.reading.messages), &sources, (read.today, zone));
    let words = |concern: bool| {
        let some = notes.iter().filter(move |note| note.concern == concern);
        // They stand in one sentence, which has its own end.
        some.map(|note| if note.text.is_empty() { &note.label } else { &note.text })
            .map(|text| text.trim_end_matches('.').to_owned())
            .collect()
    };
    let (mut subjects, lead) = subjects(&told, &sources);
    let lead = lead.words(subjects.len().saturating_sub(SUBJECTS));
    subjects.truncate(SUBJECTS);
    let home = read.home.as_ref().map_or("", |(_, name)| name.as_str());
    let partners: Vec<&str> =
        read.sources.iter().map(|source| source.name.as_str()).filter(|name| *name != home).collect();
    LearnerReport {
        report: format!("Report, {}", times::date(read.today)),
        name: read.name.clone(),
        sub: home.to_owned(),
        home: home.to_owned(),
        partners: listed("with ", &partners),
        lead,
        subjects,
        attendance: strip.map_or_else(
            || {
                format!(
                    "No lesson was marked since {}: that’s unknown, neither present nor absent.",
                    times::day(first)
                )
            },
            |strip| strip.summary,
        ),
        attendance_note: note(read),
        praise: words(false),
        concerns: words(true),
        next: String::new(),
        contact: None,
        made: format!(
            "Made {}, printed by {}.",
            times::day_hm(signed.now, zone),
            super::super::super::nav::role_words(signed.role())
        ),
    }
}

fn listed(before: &str, names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("{before}{one}"),
        [all @ .., last] => format!("{before}{} and {last}", all.join(", ")),
    }
}

/// What isn't counted or not shown.
fn note(read: &LearnerRead) -> String {
    let hidden: u64 = read.reading.not_shown.iter().filter_map(|said| said.records).sum();
    let hidden = match hidden {
        0 => String::new(),
        1 => " 1 record isn’t shown to you.".to_owned(),
        more => format!(" {more} records aren’t shown to you."),
    };
    format!("Lessons without a mark aren’t counted. It isn’t the statutory register.{hidden}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_of_the_start_of_the_school_year_is_still_read_in_summer() {
        let date = |text: &str| text.parse::<SchoolDate>().unwrap();
        assert_eq!(school_year(date("2027-07-20")), date("2026-09-01"));
        assert_eq!(school_year(date("2026-09-01")), date("2026-09-01"));
        assert_eq!(school_year(date("2026-12-31")), date("2026-09-01"));
    }
}
