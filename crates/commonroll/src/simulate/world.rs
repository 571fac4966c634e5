//! Who there is: homes, hosts, the groups that hosts offer and when they meet, and which learners go where.
//!
//! The partners lie in areas of about 2,500 visiting learners with an agreement each, so that a consortium of any size is made of
//! neighbours; every other agreement sets its own times. Every learner visits somebody: one in four goes from one site to another on the same day.

use super::{dice::Dice, truth::At};
use std::fmt::Write as _;

/// Place among [`World::institutions`].
pub type Who = usize;

/// Minutes of the day at which lessons begin and end.
pub const PERIODS: [(i64, i64); 5] = [(540, 600), (615, 675), (690, 750), (790, 850), (865, 925)];
/// Two lessons of a group: places among [`PERIODS`].
const SHAPES: [[usize; 2]; 5] = [[0, 2], [1, 3], [2, 4], [0, 3], [1, 4]];
/// What the agreements of areas set, by turns: minutes until a register is due, and that the host then has to itself. The first
/// are what holds where an agreement says nothing, and those agreements say nothing.
const AGREED: [(i64, i64); 2] = [(15, 5), (12, 3)];
/// Visiting learners of an area, of a home and of a host, about.
const AREA: usize = 2_500;
const HOME: usize = 250;
const HOST: usize = 450;
/// Visitors of a group.
const GROUP: usize = 14;

/// A partner.
pub struct Institution {
    pub slug: String,
    kind: &'static str,
    area: usize,
    /// Guests' session registers are exported beside the lessons' ones.
    pub keeps_sessions: bool,
}

/// A learner of a home.
pub struct Learner {
    pub home: Who,
    pub local: String,
    pub uln: String,
    /// Places among [`World::groups`].
    pub groups: Vec<usize>,
}

/// A teaching group.
pub struct Group {
    pub host: Who,
    pub code: String,
    pub visitors: Vec<usize>,
    /// Places among [`World::lessons`].
    pub lessons: Vec<usize>,
}

/// A meeting of a group on the day.
pub struct Lesson {
    pub host: Who,
    pub group: usize,
    pub period: usize,
    pub id: String,
}

impl Lesson {
    /// When it begins, in seconds of the day.
    pub const fn start(&self) -> i64 {
        PERIODS[self.period].0 * 60
    }

    /// When it ends.
    pub const fn end(&self) -> i64 {
        PERIODS[self.period].1 * 60
    }
}

/// The consortium.
pub struct World {
    pub institutions: Vec<Institution>,
    pub learners: Vec<Learner>,
    pub groups: Vec<Group>,
    pub lessons: Vec<Lesson>,
    /// Homes, then hosts.
    pub homes: usize,
}

impl World {
    /// The consortium of a seed with so many visiting learners.
    pub fn new(learners: usize, dice: &mut Dice) -> Self {
        let areas = learners.div_ceil(AREA).max(1);
        let mut world = Self {
            institutions: Vec::new(),
            learners: Vec::new(),
            groups: Vec::new(),
            lessons: Vec::new(),
            homes: 0,
        };
        let of_area = learners.div_ceil(areas);
        let (homes, hosts) = (of_area.div_ceil(HOME).max(2), of_area.div_ceil(HOST).max(3));
        for place in 0..areas * homes {
            world.add(format!("school-{:03}", place + 1), "school", place / homes, false);
        }
        world.homes = world.institutions.len();
        for place in 0..areas * hosts {
            let (name, kind) = match place % 3 {
                2 => ("centre", "sixth_form"),
                _ => ("college", "fe_college"),
            };
            world.add(format!("{name}-{:03}", place + 1), kind, place / hosts, place % 3 == 2);
        }
        for area in 0..areas {
            let size = of_area.min(learners - of_area * area);
            world.fill(area, size, (homes, hosts), dice);
        }
        world
    }

    fn add(&mut self, slug: String, kind: &'static str, area: usize, keeps_sessions: bool) {
        self.institutions.push(Institution { slug, kind, area, keeps_sessions });
    }

    fn fill(&mut self, area: usize, size: usize, (homes, hosts): (usize, usize), dice: &mut Dice) {
        let first_host = self.homes + area * hosts;
        let first_group = self.groups.len();
        // About 1.4 groups a learner.
        let of_host = (size * 14 / 10 / GROUP).div_ceil(hosts).max(5);
        for host in first_host..first_host + hosts {
            (0..of_host).for_each(|number| self.group(host, number));
        }
        for number in 0..size {
            let home = area * homes + number % homes;
            let host = first_host + dice.below(hosts);
            let shape = dice.below(SHAPES.len());
            let mut groups = vec![self.pick(first_group, host - first_host, of_host, shape, dice)];
            match dice.below(100) {
                // From one site to another, in a period between or behind.
                0..25 => {
                    let other = (host - first_host + 1 + dice.below(hosts - 1)) % hosts;
                    let shape = apart(shape, dice);
                    groups.push(self.pick(first_group, other, of_host, shape, dice));
                }
                25..40 => {
                    let shape = apart(shape, dice);
                    groups.push(self.pick(first_group, host - first_host, of_host, shape, dice));
                }
                _ => {}
            }
            let learner = self.learners.len();
            groups.iter().for_each(|group| self.groups[*group].visitors.push(learner));
            let local = format!("L{learner:06}");
            self.learners.push(Learner { home, local, uln: uln(learner), groups });
        }
    }

    fn group(&mut self, host: Who, number: usize) {
        let (group, code) = (self.groups.len(), format!("G{number:03}"));
        let first = self.lessons.len();
        for (place, period) in SHAPES[number % SHAPES.len()].into_iter().enumerate() {
            let id = format!("{code}-{}", place + 1);
            self.lessons.push(Lesson { host, group, period, id });
        }
        let lessons = (first..self.lessons.len()).collect();
        self.groups.push(Group { host, code, visitors: Vec::new(), lessons });
    }

    /// A group of a host with this shape of the day.
    fn pick(&self, first: usize, host: usize, of_host: usize, shape: usize, dice: &mut Dice) -> usize {
        let alike = (of_host - shape).div_ceil(SHAPES.len());
        first + host * of_host + shape + SHAPES.len() * dice.below(alike)
    }

    /// Id by which a host knows its guest.
    pub fn guest(learner: usize) -> String {
        format!("V{learner:06}")
    }

    /// The guests of a host, each once.
    pub fn guests(&self, host: Who) -> impl Iterator<Item = usize> + '_ {
        let visits = move |learner: &usize| {
            self.learners[*learner].groups.iter().any(|group| self.groups[*group].host == host)
        };
        (0..self.learners.len()).filter(visits)
    }

    /// The lessons of a host.
    pub fn lessons_of(&self, host: Who) -> impl Iterator<Item = usize> + '_ {
        (0..self.lessons.len()).filter(move |lesson| self.lessons[*lesson].host == host)
    }

    /// The learners of a lesson.
    pub fn visitors(&self, lesson: usize) -> &[usize] {
        &self.groups[self.lessons[lesson].group].visitors
    }

    /// A learner's lessons of the day, in their order.
    pub fn day_of(&self, learner: usize) -> Vec<usize> {
        let groups = self.learners[learner].groups.iter();
        let mut lessons: Vec<usize> =
            groups.flat_map(|group| self.groups[*group].lessons.iter().copied()).collect();
        lessons.sort_by_key(|lesson| self.lessons[*lesson].period);
        lessons
    }

    /// Seconds from a lesson's start until its register is due, and from then on until its learners' homes are told.
    pub fn agreed(&self, lesson: usize) -> (At, At) {
        let area = self.institutions[self.lessons[lesson].host].area;
        let (register, host_first) = AGREED[area % AGREED.len()];
        (register * 60, host_first * 60)
    }

    /// The partners and what they agreed, as a consortium file.
    pub fn consortium(&self, year: (&str, &str)) -> String {
        let mut text = String::new();
        for one in &self.institutions {
            let (slug, kind) = (&one.slug, one.kind);
            let _ = write!(text, "[[institution]]\nslug = {slug:?}\nname = {slug:?}\ntype = {kind:?}\n\n");
        }
        let areas = self.institutions.iter().map(|one| one.area).max().map_or(0, |last| last + 1);
        for area in 0..areas {
            let parties = self.institutions.iter().filter(|one| one.area == area);
            let parties: Vec<&str> = parties.map(|one| one.slug.as_str()).collect();
            let (first, last) = year;
            let (register, host_first) = AGREED[area % AGREED.len()];
            let times = match area % AGREED.len() {
                0 => String::new(),
                _ => format!(
                    "[agreement.whereabouts]\nregister_minutes = {register}\nhost_first_minutes = {host_first}\n"
                ),
            };
            let _ = write!(
                text,
                "[[agreement]]\nid = \"area-{area}\"\nversion = 1\nparties = {parties:?}\npurpose = \"Teaching learners at two sites\"\n\
                 first_date = {first:?}\nlast_date = {last:?}\ncard = [\"identity\", \"presence_today\"]\n\n[agreement.kinds]\n\
                 attendance = [\"presence\", \"source_code\", \"note\"]\n{times}\n"
            );
        }
        text
    }
}

/// Another shape of the day that shares no period with this one.
fn apart(shape: usize, dice: &mut Dice) -> usize {
    let free = |other: &usize| SHAPES[*other].iter().all(|period| !SHAPES[shape].contains(period));
    let others: Vec<usize> = (0..SHAPES.len()).filter(free).collect();
    others[dice.below(others.len())]
}

/// A Unique Learner Number whose check digit fits, another for each learner.
fn uln(learner: usize) -> String {
    let base = 600_000_000 + learner * 11;
    // Of eleven numbers in a row at least one has a check digit.
    (base..base + 11).find_map(with_check_digit).unwrap_or_default()
}

fn with_check_digit(number: usize) -> Option<String> {
    let text = number.to_string();
    let sum: usize =
        text.bytes().zip((2..=10).rev()).map(|(digit, weight)| usize::from(digit - b'0') * weight).sum();
    match sum % 11 {
        0 => None,
        rest => Some(format!("{text}{}", 10 - rest)),
    }
}
