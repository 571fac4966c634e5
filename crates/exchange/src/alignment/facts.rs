//! What partners declared, as far as it is held against each other: subjects, bells, calendars.

use crate::directory::Directory;
use commonroll_core::{SchoolDate, Timestamp, directory::InstitutionType};
use commonroll_views::alignment::SiteFacts;

/// Days ahead whose calendars are held against each other: what is declared reaches no further. And those of which the bells are
/// read: a week has them all.
const AHEAD: i32 = 21;
const BELLS: i32 = 7;

/// Every partner that hasn't left.
pub(super) fn sites(directory: &Directory, today: SchoolDate) -> Vec<SiteFacts> {
    let mut all = Vec::new();
    for (number, state) in (0u16..).zip(directory.institutions()).filter(|(_, state)| state.left.is_none()) {
        let registers = matches!(state.info.kind, InstitutionType::School | InstitutionType::Academy);
        let mut site = SiteFacts { site: number, registers, ..SiteFacts::default() };
        for (_, subject) in state.groups.values().filter(|(_, subject)| !subject.trim().is_empty()) {
            *site.subjects.entry(subject.trim().to_owned()).or_default() += 1;
        }
        for date in (0..=AHEAD).filter_map(|by| SchoolDate::from_days(today.days() + by)) {
            let Some(day) = directory.day(number, date) else { continue };
            let mut lessons = day.lessons.iter().filter(|lesson| !day.closed && !lesson.cancelled).peekable();
            if day.closed || lessons.peek().is_some() {
                site.days.insert(date, (day.closed, day.week.as_ref().map(ToString::to_string)));
            }
            if date.days() - today.days() >= BELLS {
                continue;
            }
            let midnight = date.start(&state.zone).micros();
            let minute = |at: Timestamp| u32::try_from((at.micros() - midnight) / 60_000_000).unwrap_or(0);
            for lesson in lessons {
                let time = (minute(lesson.time.start()), minute(lesson.time.end()));
                *site.lessons.entry(time).or_default() += 1;
            }
        }
        all.push(site);
    }
    all.sort_by_key(|site| directory.institution(site.site).map(|s| s.info.name.clone()));
    all
}
