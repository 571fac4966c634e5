//! The live part: what partners export today, second by second, and who goes missing meanwhile, in words for the watcher.
//!
//! The same people as on the played day; a few of Ashdown's are placed at a school besides, so that they go from site to
//! site. Nothing here writes, waits or knows the clock: whoever runs it says which second it is.

use super::{
    before, expected, registers,
    registers::Row,
    rosters, staff,
    today::{Miss, Today},
    world::{
        GROUPS, HOLLINS, KINGSMEAD, Lesson, NORTHGATE, PARTNERS, RIVERSIDE, WAYS, WYVERN, Who, World, clock,
    },
};
use crate::demo::setup::{Content, FileToWrite};
use std::collections::{BTreeMap, BTreeSet};

/// The partner whose line fails now and then.
pub const FAILS: &str = PARTNERS[WYVERN].slug;

/// Everybody, and who goes from site to site.
pub struct Live {
    world: World,
    pairs: [Vec<(usize, usize)>; WAYS.len()],
    /// The date that was played.
    played: String,
    /// Visits from this place on are those that the live part adds.
    from: usize,
}

/// A file of a partner.
pub struct Export {
    /// Whose.
    pub slug: &'static str,
    /// What appears.
    pub file: FileToWrite,
}

/// Somebody who is missed today.
pub struct Missed {
    /// Seconds of the day: when the register says absent, and when late.
    pub at: u32,
    /// See `at`.
    pub back: u32,
    /// Their school, and where they are missed.
    pub home: &'static str,
    /// See `home`.
    pub host: &'static str,
    /// Where they were seen before, in words.
    pub seen: String,
    /// Where they are missed, in words.
    pub missed: String,
    /// Minutes late in the end.
    pub late: u32,
}

impl Live {
    /// The live part of a made consortium.
    pub fn new(mut world: World, played: String) -> Self {
        let from = world.visits.len();
        let pairs = world.pair_up();
        Self { world, pairs, played, from }
    }

    /// The day of a date, as it looks from this second of it on.
    pub fn day(&self, date: &str, second: u32) -> Day<'_> {
        let today = Today::plan(&self.pairs, date, second);
        let rows = vec![None; today.meetings.len()];
        Day { live: self, today, rows, files: BTreeMap::new() }
    }

    /// What hosts still hold of the weeks before the played day.
    pub fn before(&self) -> Vec<Export> {
        let of = |host: Who| {
            let (path, bytes) = before::bytes(&self.world, host, &self.played)?;
            Some(export(host, path, "marks of the weeks before", bytes))
        };
        (0..PARTNERS.len()).filter_map(of).collect()
    }

    /// What partners say once, before anything else: who goes to two sites, and whose groups these are.
    pub fn first(&self) -> Vec<Export> {
        let of = |who: Who| {
            let files = rosters::more_files(&self.world, who, self.from);
            files.into_iter().map(move |file| Export { slug: PARTNERS[who].slug, file })
        };
        let mut exports: Vec<Export> = (0..PARTNERS.len()).flat_map(of).collect();
        exports.push(Export { slug: PARTNERS[NORTHGATE].slug, file: staff::live() });
        exports
    }
}

/// A day of the live part, and what was exported of it.
pub struct Day<'a> {
    live: &'a Live,
    today: Today,
    rows: Vec<Option<Vec<Row>>>,
    files: BTreeMap<(Who, &'static str), Vec<u8>>,
}

impl Day<'_> {
    /// Its date as YYYY-MM-DD.
    pub fn date(&self) -> &str {
        &self.today.date
    }

    /// Mappings of registers that must know today's periods, by partner.
    pub fn mappings(&self) -> Vec<(&'static str, String)> {
        let of = |host: Who| {
            let lessons = self.today.meetings.iter().map(|meeting| meeting.meets);
            let lessons: Vec<Lesson> =
                lessons.filter(|meets| GROUPS[meets.group].host == host).map(|meets| meets.lesson).collect();
            (PARTNERS[host].slug, registers::mapping(host, &lessons))
        };
        [KINGSMEAD, HOLLINS, WYVERN].map(of).to_vec()
    }

    /// What hosts and homes say of the day itself at a second of it, as far as that is new: lessons, absences known in
    /// advance, learners who are home again.
    pub fn frame(&mut self, second: u32) -> Vec<Export> {
        let (world, date) = (&self.live.world, self.today.date.as_str());
        let (told, back) = (self.today.told(second), self.today.taken_back(second));
        let numbers = format!("AB-{date}-");
        let mut files: Vec<(Who, &'static str, Vec<u8>)> = Vec::new();
        for who in 0..PARTNERS.len() {
            if GROUPS.iter().any(|group| group.host == who) {
                files.push((who, "timetable", expected::timetable(who, date, &told)));
            }
            if who <= RIVERSIDE {
                files.push((who, "absences", expected::absences(world, who, date, &numbers)));
            }
            if who <= RIVERSIDE && !back.is_empty() {
                files.push((who, "notices", expected::taken_back(world, who, date, &back)));
            }
        }
        let mut exports = Vec::new();
        for (who, source, bytes) in files {
            if self.files.get(&(who, source)) != Some(&bytes) {
                self.files.insert((who, source), bytes.clone());
                exports.push(export(who, format!("{source}/{date}.csv"), source, bytes));
            }
        }
        exports
    }

    /// Registers that say something new at a second of the day.
    pub fn registers(&mut self, second: u32) -> Vec<Export> {
        let mut exports = Vec::new();
        for place in 0..self.rows.len() {
            let rows = self.today.rows(&self.live.world, place, second);
            if rows == self.rows[place] {
                continue;
            }
            let meets = self.today.meetings[place].meets;
            let (group, lesson) = (meets.group, meets.lesson);
            let said = rows.as_deref().unwrap_or_default();
            let bytes = registers::bytes(&self.live.world, group, lesson, said, &self.today.date);
            let (path, what) = (registers::path(group, lesson), registers::what(group, lesson));
            exports.push(export(GROUPS[group].host, path, &what, bytes));
            self.rows[place] = rows;
        }
        exports
    }

    /// The registers that were exported: whose, and where. A host's system clears them away when the day is over, since
    /// the next day has other periods.
    pub fn written(&self) -> Vec<(&'static str, String)> {
        let taken = (0..self.rows.len()).filter(|place| self.rows[*place].is_some());
        let path = |place: usize| {
            let meets = self.today.meetings[place].meets;
            (PARTNERS[GROUPS[meets.group].host].slug, registers::path(meets.group, meets.lesson))
        };
        taken.map(path).collect()
    }

    /// True while the line of [`FAILS`] is down.
    pub fn fails(&self, second: u32) -> bool {
        self.today.is_cut_off(second)
    }

    /// Everybody who is missed, in order.
    pub fn missed(&self) -> Vec<Missed> {
        self.today.misses.iter().map(|miss| self.told(miss)).collect()
    }

    fn told(&self, miss: &Miss) -> Missed {
        let of = |place: usize| self.today.meetings[place].meets;
        let (before, after) = (of(miss.before), of(miss.meeting));
        let words = |group: usize| {
            let group = &GROUPS[group];
            format!("{} ({}) at {}", group.title, group.code, PARTNERS[group.host].name)
        };
        Missed {
            at: miss.at,
            back: miss.back,
            home: PARTNERS[self.live.world.visits[miss.visit].home].slug,
            host: PARTNERS[GROUPS[after.group].host].slug,
            seen: format!("{} until {}", words(before.group), clock(before.lesson.end)),
            missed: words(after.group),
            late: (miss.back - after.lesson.start * 60).div_ceil(60),
        }
    }

    /// How many learners are expected in how many lessons at a second of the day.
    pub fn running(&self, second: u32) -> (usize, usize) {
        let runs = |lesson: &Lesson| (lesson.start * 60..lesson.end * 60).contains(&second);
        let now = self.today.meetings.iter().map(|meeting| meeting.meets);
        let now: Vec<_> = now.filter(|meets| !meets.cancelled && runs(&meets.lesson)).collect();
        let groups: BTreeSet<usize> = now.iter().map(|meets| meets.group).collect();
        let visits = &self.live.world.visits;
        let learners = visits.iter().filter(|visit| visit.declared && groups.contains(&visit.group));
        (learners.count(), now.len())
    }
}

fn export(who: Who, path: String, what: &str, bytes: Vec<u8>) -> Export {
    let file = FileToWrite { path, content: Content::Bytes(bytes), what: what.to_owned() };
    Export { slug: PARTNERS[who].slug, file }
}
