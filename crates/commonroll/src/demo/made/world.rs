//! Who there is: eight partners, some 1,200 learners, the groups that hosts offer, and who visits whom.

use super::people::{People, Person};
use crate::chance::Chance;
use std::collections::BTreeSet;

/// Place of a partner among [`PARTNERS`].
pub type Who = usize;

/// One partner.
pub struct Spec {
    pub slug: &'static str,
    pub name: &'static str,
    pub kind: &'static str,
    pub urn: &'static str,
    pub ukprn: &'static str,
    /// Establishment number, as its learners' UPNs carry it.
    pub number: u32,
    pub learners: usize,
}

pub const KINGSMEAD: Who = 0;
pub const ASHDOWN: Who = 1;
pub const ST_BRIDES: Who = 2;
pub const HOLLINS: Who = 3;
pub const THORNHILL: Who = 4;
pub const RIVERSIDE: Who = 5;
pub const NORTHGATE: Who = 6;
pub const WYVERN: Who = 7;

const fn spec(
    slug: &'static str,
    name: &'static str,
    kind: &'static str,
    ids: (&'static str, &'static str, u32),
    learners: usize,
) -> Spec {
    Spec { slug, name, kind, urn: ids.0, ukprn: ids.1, number: ids.2, learners }
}

/// Six schools, a college and a sixth-form centre.
pub const PARTNERS: [Spec; 8] = [
    spec("kingsmead", "Kingsmead School", "school", ("999101", "10990101", 4101), 138),
    spec("ashdown", "Ashdown High School", "school", ("999102", "10990102", 4102), 126),
    spec("st-brides", "St Bride's School", "school", ("999103", "10990103", 4103), 118),
    spec("hollins", "Hollins School", "school", ("999104", "10990104", 4104), 122),
    spec("thornhill", "Thornhill Academy", "academy", ("999105", "10990105", 4105), 131),
    spec("riverside", "Riverside Academy", "academy", ("999106", "10990106", 4106), 127),
    spec("northgate", "Northgate College", "fe_college", ("999107", "10990107", 8107), 286),
    spec("wyvern", "Wyvern Sixth Form Centre", "sixth_form", ("999108", "10990108", 6108), 156),
];

/// A lesson of a group: name of the period, and its start and end in minutes of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lesson {
    /// Empty for a lesson of the live part, whose period is called by its start.
    pub period: &'static str,
    pub start: u32,
    pub end: u32,
}

impl Lesson {
    /// What its period is called in the host's system.
    pub fn name(&self) -> String {
        if self.period.is_empty() {
            format!("T{}", clock(self.start).replace(':', ""))
        } else {
            self.period.to_owned()
        }
    }
}

const fn lesson(period: &'static str, start: u32, end: u32) -> Lesson {
    Lesson { period, start, end }
}

const P1: Lesson = lesson("P1", 555, 645);
const P2: Lesson = lesson("P2", 660, 750);
const P3: Lesson = lesson("P3", 810, 900);
const A: Lesson = lesson("A", 540, 600);
const B: Lesson = lesson("B", 620, 680);
const C: Lesson = lesson("C", 780, 840);

/// A teaching group that takes visitors.
pub struct Group {
    pub host: Who,
    pub code: &'static str,
    pub title: &'static str,
    pub subject: &'static str,
    pub lessons: &'static [Lesson],
}

const fn group(
    host: Who,
    code: &'static str,
    title: &'static str,
    subject: &'static str,
    lessons: &'static [Lesson],
) -> Group {
    Group { host, code, title, subject, lessons }
}

/// All groups: by host, and last one that meets in the live part alone.
pub const GROUPS: [Group; 19] = [
    group(KINGSMEAD, "12PH1", "Physics A level", "Physics", &[lesson("3", 670, 730)]),
    group(HOLLINS, "12MU1", "Music A level", "Music", &[lesson("5", 850, 910)]),
    group(NORTHGATE, "ENG-2A", "Engineering Level 3", "Engineering", &[P1, P3]),
    group(NORTHGATE, "ENG-2B", "Engineering Level 3", "Engineering", &[P1, P2]),
    group(NORTHGATE, "MOT-1A", "Motor Vehicle Level 2", "Motor vehicle", &[P2, P3]),
    group(NORTHGATE, "HSC-1A", "Health and Social Care Level 3", "Health and social care", &[P1, P3]),
    group(NORTHGATE, "HSC-1B", "Health and Social Care Level 3", "Health and social care", &[P1, P2]),
    group(NORTHGATE, "CON-1A", "Construction Level 2", "Construction", &[P2, P3]),
    group(NORTHGATE, "CAT-1A", "Professional Cookery Level 2", "Catering", &[P1, P3]),
    group(NORTHGATE, "BEA-1A", "Beauty Therapy Level 2", "Beauty therapy", &[P1, P2]),
    group(NORTHGATE, "DIG-1A", "Digital T Level", "Digital", &[P2, P3]),
    group(NORTHGATE, "ART-1A", "Art and Design Level 3", "Art and design", &[P1, P3]),
    group(NORTHGATE, "SPO-1A", "Sport Level 3", "Sport", &[P1, P2]),
    group(WYVERN, "FM12", "Further Mathematics A level", "Further mathematics", &[A, B]),
    group(WYVERN, "LAT12", "Latin A level", "Latin", &[A, C]),
    group(WYVERN, "LAW12", "Law A level", "Law", &[B, C]),
    group(WYVERN, "RUS12", "Russian A level", "Russian", &[A, B]),
    group(WYVERN, "ECO12", "Economics A level", "Economics", &[B, C]),
    group(KINGSMEAD, "12PH2", "Physics A level", "Physics", &[]),
];

/// Places of two groups among [`GROUPS`]: Physics at Kingsmead, and Latin at the centre around it.
pub const PHYSICS: usize = 0;
const LATIN: usize = 14;
/// Groups of the live part, by place: of each three the first is at a school, and Ashdown's learners go on from there to the
/// second, at the college, where one of them is missed.
pub const WAYS: [(usize, usize); 3] = [(PHYSICS, 3), (1, 4), (18, 7)];
/// Learners of one way at most.
const ON_A_WAY: usize = 5;

/// A learner of a home who attends a group of a host.
pub struct Visit {
    pub home: Who,
    /// Place among the home's learners.
    pub person: usize,
    pub host: Who,
    /// The host's own id for the visitor.
    pub at_host: String,
    /// Place among [`GROUPS`].
    pub group: usize,
    /// False for a visitor whom the host made up: the home placed nobody.
    pub declared: bool,
    /// The home ends it at noon of the day.
    pub ends_at_noon: bool,
}

impl Visit {
    /// True if this home has declared it.
    pub fn is_sent_by(&self, home: Who) -> bool {
        self.home == home && self.declared
    }
}

/// The consortium.
pub struct World {
    /// Year in which the school year began.
    pub year: i16,
    pub people: Vec<Vec<Person>>,
    pub visits: Vec<Visit>,
    /// Visits of learners who are known to be away for the day, by place.
    pub excused: BTreeSet<usize>,
    /// Two visits of one learner, who is seen at the first and is then missed at the second, until found.
    pub missing: (usize, usize),
}

impl World {
    /// The consortium of a seed.
    pub fn new(year: i16, chance: &mut Chance) -> Self {
        let mut people = People::new(year);
        let people: Vec<_> =
            PARTNERS.iter().map(|partner| people.cohort(partner.learners, partner.number, chance)).collect();
        let mut world = Self { year, people, visits: Vec::new(), excused: BTreeSet::new(), missing: (0, 0) };
        for home in KINGSMEAD..=RIVERSIDE {
            world.send(home, chance);
        }
        world.special();
        world.goes_missing();
        world.are_excused();
        world
    }

    /// The first learners of a school go out: most to the college, some to the centre, some to another school.
    fn send(&mut self, home: Who, chance: &mut Chance) {
        let of = |host: Who| -> Vec<usize> {
            (0..GROUPS.len()).filter(|group| GROUPS[*group].host == host).collect()
        };
        let (college, centre) = (of(NORTHGATE), of(WYVERN));
        let to_college = 36 + chance.below(8);
        let to_centre = 13 + chance.below(5);
        for person in 0..to_college {
            // Twins stand beside each other, and attend together.
            let group = college[(person / 2 + home) % college.len()];
            self.visit(home, person, group);
        }
        for person in to_college..to_college + to_centre {
            let group = *chance.pick(&centre);
            self.visit(home, person, group);
        }
        let next = to_college + to_centre;
        if matches!(home, ASHDOWN | ST_BRIDES) {
            (next..next + 9).for_each(|person| self.visit(home, person, 0));
        }
        if matches!(home, THORNHILL | KINGSMEAD) {
            (next..next + 6).for_each(|person| self.visit(home, person, 1));
        }
    }

    fn visit(&mut self, home: Who, person: usize, group: usize) {
        let host = GROUPS[group].host;
        let at_host = self.guest_id(host);
        self.visits.push(Visit { home, person, host, at_host, group, declared: true, ends_at_noon: false });
    }

    fn guest_id(&self, host: Who) -> String {
        let n = self.visits.len();
        match host {
            NORTHGATE => format!("NG{:06}", 204_100 + n * 3),
            WYVERN => format!("wy-{}", 5200 + n),
            KINGSMEAD => format!("{}", 9000 + n),
            _ => format!("G-{n:04}"),
        }
    }

    /// The placement that ends at noon, and the one that a host makes up.
    fn special(&mut self) {
        let ends = self.visits.iter().position(|visit| {
            visit.home == ASHDOWN && GROUPS[visit.group].lessons.last().is_some_and(|l| l.start > 720)
        });
        if let Some(ends) = ends {
            self.visits[ends].ends_at_noon = true;
        }
        let (group, person) = (13, PARTNERS[ASHDOWN].learners - 1);
        let at_host = self.guest_id(WYVERN);
        let made_up = Visit {
            home: ASHDOWN,
            person,
            host: WYVERN,
            at_host,
            group,
            declared: false,
            ends_at_noon: false,
        };
        self.visits.push(made_up);
    }

    /// Somebody of Ashdown's who has Latin at the centre, then Physics at Kingsmead, then Latin again.
    fn goes_missing(&mut self) {
        let to_physics = |visit: &&(usize, &Visit)| visit.1.home == ASHDOWN && visit.1.group == PHYSICS;
        let visits = self.visits.iter().enumerate();
        if let Some((second, visit)) = visits.collect::<Vec<_>>().iter().filter(to_physics).nth(4) {
            let (second, person) = (*second, visit.person);
            self.visit(ASHDOWN, person, LATIN);
            self.missing = (self.visits.len() - 1, second);
        }
    }

    /// A few of each school are away for the day, and their school knows it.
    fn are_excused(&mut self) {
        for home in KINGSMEAD..=RIVERSIDE {
            let is_plain = |place: &usize| {
                let visit = &self.visits[*place];
                visit.home == home && visit.declared && !visit.ends_at_noon
            };
            let plain = (0..self.visits.len()).filter(is_plain).skip(5).step_by(23).take(2);
            let (first, second) = self.missing;
            let excused: Vec<usize> = plain.filter(|place| *place != first && *place != second).collect();
            self.excused.extend(excused);
        }
    }

    /// True for a visit whose marks the day fixes: chance has no part in them.
    pub fn is_fixed(&self, visit: usize) -> bool {
        self.excused.contains(&visit) || visit == self.missing.0 || visit == self.missing.1
    }

    /// For the live part: Ashdown's learners in the second group of each of [`WAYS`] are placed in the first one, too. Gives
    /// the two visits of each of them, by way.
    pub fn pair_up(&mut self) -> [Vec<(usize, usize)>; WAYS.len()] {
        WAYS.map(|(first, second)| {
            let goes = |(place, visit): (usize, &Visit)| {
                let goes = visit.home == ASHDOWN && visit.group == second && visit.declared;
                (goes && !visit.ends_at_noon && !self.is_fixed(place)).then_some((place, visit.person))
            };
            let going: Vec<_> = self.visits.iter().enumerate().filter_map(goes).take(ON_A_WAY).collect();
            let pair = |(place, person): (usize, usize)| {
                self.visit(ASHDOWN, person, first);
                (self.visits.len() - 1, place)
            };
            going.into_iter().map(pair).collect()
        })
    }

    /// Id by which a home knows its own learner.
    pub fn local_id(home: Who, person: usize) -> String {
        match home {
            KINGSMEAD => format!("{}", 6400 + person * 2),
            ASHDOWN => format!("ASH{person:05}"),
            ST_BRIDES => format!("{:08}", 71_000 + person),
            HOLLINS => format!("H/{person}"),
            THORNHILL => format!("th-{person:04}-{:02x}", person % 251),
            RIVERSIDE => format!("{}", 100_000_000 + person * 17),
            NORTHGATE => format!("NG{:06}", 100_000 + person),
            _ => format!("wy-{}", 1000 + person),
        }
    }

    /// The person of a visit.
    pub fn person(&self, visit: &Visit) -> &Person {
        &self.people[visit.home][visit.person]
    }

    /// Visits of a host, with their places.
    pub fn guests(&self, host: Who) -> impl Iterator<Item = (usize, &Visit)> {
        self.visits.iter().enumerate().filter(move |(_, visit)| visit.host == host)
    }

    /// Visits that a home has declared.
    pub fn sent(&self, home: Who) -> impl Iterator<Item = &Visit> {
        self.visits.iter().filter(move |visit| visit.is_sent_by(home))
    }

    /// First and last date of the school year's placements.
    pub fn dates(&self) -> (String, String) {
        (format!("{}-08-01", self.year), format!("{}-08-31", self.year + 1))
    }
}

/// Minutes of the day as HH:MM.
pub fn clock(minutes: u32) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
