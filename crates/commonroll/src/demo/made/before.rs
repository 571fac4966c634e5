//! Marks of the weeks before the played day, as the hosts' systems still hold them: what a consortium that joins in the
//! middle of a term sends first, and what charts of a term are drawn from.

use super::{
    registers::{self, Row, Seen, Sitting},
    world::{GROUPS, Lesson, World},
};
use crate::chance::Chance;
use jiff::{ToSpan, civil::Date};

/// Weeks that are sent.
const WEEKS: i32 = 8;
/// Of so many visits one goes badly in the last weeks.
const FADING: usize = 29;

/// A host's export of all of it; `None` if it has no visitors.
pub fn bytes(world: &World, host: usize, played: &str) -> Option<(String, Vec<u8>)> {
    let played: Date = played.parse().ok()?;
    let mut held: Vec<(usize, Lesson, Vec<Row>, String)> = Vec::new();
    for (group, of) in GROUPS.iter().enumerate().filter(|(_, of)| of.host == host) {
        let Some(lesson) = of.lessons.first() else { continue };
        for date in days(played, group) {
            let weeks = (played - date).get_days() / 7;
            let rows = rows(world, group, date, weeks);
            held.push((group, *lesson, rows, date.to_string()));
        }
    }
    let sittings =
        held.iter().map(|(group, lesson, rows, day)| Sitting { group: *group, lesson: *lesson, rows, day });
    let sittings: Vec<Sitting<'_>> = sittings.collect();
    (!sittings.is_empty()).then(|| (registers::path_before(host), registers::many(world, host, &sittings)))
}

/// The two weekdays of a group, in each of the weeks.
fn days(played: Date, group: usize) -> Vec<Date> {
    let monday = played.saturating_sub(i64::from(played.weekday().to_monday_zero_offset()).days());
    let of_week = [group % 5, (group + 2) % 5];
    let weeks = (1..=WEEKS).rev().flat_map(|week| {
        of_week.map(|day| monday.saturating_sub((7 * week).days()).saturating_add((day as i64).days()))
    });
    weeks.collect()
}

fn rows(world: &World, group: usize, date: Date, weeks: i32) -> Vec<Row> {
    let visits = world.visits.iter().enumerate();
    let visits = visits.filter(|(_, visit)| visit.group == group && visit.declared && !visit.ends_at_noon);
    let row = |(place, _)| {
        let day = u64::from(date.day_of_year().unsigned_abs());
        let mut chance = Chance::new((place as u64) << 32 | day << 8 | group as u64);
        let absent = if place % FADING == FADING / 2 && weeks < 3 { 55 } else { 4 };
        let seen = match chance.below(100) {
            of if of < absent => Seen::Absent,
            of if of < absent + 6 => Seen::Late(2 + u32::try_from(chance.below(14)).unwrap_or(0)),
            _ => Seen::Present,
        };
        (place, seen)
    };
    visits.map(row).collect()
}
