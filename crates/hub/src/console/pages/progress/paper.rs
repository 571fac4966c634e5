//! The same figures on one side of A4, for the partner heads' meeting.

use super::{
    super::{
        super::{
            Console,
            refusal::Refusal,
            signed::{Query, Signed},
        },
        print::Press,
    },
    Courses, Reader, asked, columns, eyebrow, finding, measures, name, printed, rows, share, week, weeks_of,
};
use axum::{extract::State, response::Response};
use commonroll_exchange::ProgressSeen;
use commonroll_report::{
    GapRow, Line, Measure, ProgressSheet, SiteRow, SiteTrend, TravelRow, progress_sheet,
};
use commonroll_views::progress::{Gap, definitions};

/// Rows of each table for which the sheet has room.
const ROOM: usize = 12;

/// The sheet.
pub async fn paper(
    State(console): State<Console>,
    signed: Signed,
    Query(query): Query,
) -> Result<Response, Refusal> {
    let ask = asked(&signed, query.get("of"))?;
    let press = Press::free().await?;
    let seen = console.exchange.progress(signed.acting(), &ask, signed.now).await?;
    let sheet = sheet(&Reader::of(&signed), &seen);
    press.print("progress", move || progress_sheet(&sheet)).await
}

fn sheet(reader: &Reader, seen: &ProgressSeen) -> ProgressSheet {
    let (title, lead) = finding(seen);
    let all = &seen.seen;
    let courses = Courses::of(seen);
    let measure = |of: super::Measure| Measure {
        name: of.name.to_owned(),
        figure: of.figure,
        unit: String::new(),
        note: of.note,
    };
    let more = all.sites.len().saturating_sub(ROOM).max(all.courses.len().saturating_sub(ROOM));
    ProgressSheet {
        eyebrow: eyebrow(reader, seen),
        title,
        lead,
        measures: measures(seen).into_iter().map(measure).collect(),
        weeks: all.weeks.iter().map(|row| week(row.0)).collect(),
        partnership: all.weeks.iter().map(|row| share(row.1)).collect(),
        trends: all
            .sites
            .iter()
            .map(|row| SiteTrend { name: name(seen, row.0), weeks: weeks_of(seen, row.0) })
            .collect(),
        travel: all
            .travel
            .iter()
            .map(|row| TravelRow {
                course: courses.name(row.0, row.1),
                travel: share(row.2),
                other: share(row.3),
            })
            .collect(),
        gaps: all
            .courses
            .iter()
            .map(|row| GapRow {
                course: courses.name(row.0, row.1),
                mean: row.2.gap.as_ref().and_then(Gap::mean),
                note: super::words::apart(row.2.apart),
            })
            .collect(),
        columns: columns("site").iter().map(|column| column.name.to_owned()).collect(),
        sites: rows(reader, seen, &courses, "site")
            .into_iter()
            .map(|row| SiteRow { name: row.name, cells: row.cells })
            .collect(),
        definitions: definitions::ALL
            .iter()
            .map(|of| Line { name: of.name.to_owned(), text: of.means.to_owned() })
            .collect(),
        left_off: match more {
            0 => String::new(),
            _ => {
                format!("There is room for {ROOM} rows of each sort; all of them are on the console’s page.")
            }
        },
        printed: printed(reader),
    }
}
