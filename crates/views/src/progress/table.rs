//! What is shown: rows of published sums, for the whole consortium or for one partner, with what is hidden said.

use super::{ApartSums, GapSums, KeptSums, Key, Progress, Punctual, key::CourseNumber};
use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

/// Of what figures are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scope {
    /// One host alone; `None` for all.
    pub host: Option<u16>,
}

/// Lessons due, attended, and begun late of those attended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attended {
    /// Due.
    pub due: u64,
    /// Attended.
    pub attended: u64,
    /// Attended and begun late.
    pub late: u64,
}

impl Attended {
    /// Share attended, in percent.
    pub fn attendance(&self) -> Option<f64> {
        share(self.attended, self.due)
    }

    /// Share begun in time of those attended, in percent.
    pub fn punctuality(&self) -> Option<f64> {
        share(self.attended - self.late, self.attended)
    }
}

fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 * 100.0 / of as f64)
}

/// Gaps to target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gap {
    /// Learners on courses compared.
    pub compared: u64,
    /// Sum of their gaps, in grades.
    pub grades: i64,
    /// Below target.
    pub below: u64,
    /// On target.
    pub on: u64,
    /// Above target.
    pub above: u64,
}

impl Gap {
    /// The mean gap, in grades.
    pub fn mean(&self) -> Option<f64> {
        (self.compared > 0).then(|| self.grades as f64 / self.compared as f64)
    }
}

/// Placements begun and ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Begun.
    pub begun: u64,
    /// Ended early.
    pub left: u64,
}

impl Kept {
    /// Share not ended early, in percent.
    pub fn kept(&self) -> Option<f64> {
        share(self.begun - self.left, self.begun)
    }
}

/// The figures of one row. `None` is hidden: too few learners stand behind it, or nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Attendance and punctuality.
    pub lessons: Option<Attended>,
    /// Gap to target.
    pub gap: Option<Gap>,
    /// Learners on courses who can't be compared, by reason ([`super::Apart`]).
    pub apart: Option<[u64; 4]>,
    /// Retention.
    pub kept: Option<Kept>,
    /// Registers; known by host only.
    pub registers: Option<Punctual>,
}

/// What is shown of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// All of it.
    pub total: Figures,
    /// By host.
    pub sites: Vec<(u16, Figures)>,
    /// By course, with its host.
    pub courses: Vec<(u16, CourseNumber, Figures)>,
    /// By home.
    pub homes: Vec<(u16, Figures)>,
    /// By week.
    pub weeks: Vec<(i32, Option<Attended>)>,
    /// By host and week.
    pub site_weeks: Vec<(u16, i32, Option<Attended>)>,
    /// By course: travel days, other days.
    pub travel: Vec<(u16, CourseNumber, Option<Attended>, Option<Attended>)>,
    /// All courses: travel days, other days.
    pub travelling: (Option<Attended>, Option<Attended>),
}

/// A host's own lesson marks, line by line, from what it has sent to what the shown figure of its site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bridge {
    /// Attendance records that the hub holds of the host, in their newest revision.
    pub records: i64,
    /// Taken back by the host since.
    pub withdrawn: i64,
    /// Marks of sessions or days, not of lessons.
    pub sessions: i64,
    /// Not required, cancelled or closed.
    pub not_due: i64,
    /// No mark yet, or not shared.
    pub unknown: i64,
    /// Lessons due: what is left. The partner's own figure.
    pub due: i64,
    /// Attended, of these. The partner's own figure.
    pub attended: i64,
    /// Lessons due that wait: their day isn't over, or fewer than 5 learners stand behind them.
    pub waiting: i64,
    /// Lessons due that were pooled beyond the site, and are in the total only.
    pub pooled: i64,
    /// Lessons due in the figure that is shown for the site.
    pub shown: i64,
}

impl Progress {
    /// What is shown of a scope.
    pub fn seen(&self, scope: Scope) -> Seen {
        let mine = |key: &Key| scope.host.is_none_or(|host| key.host == Some(host));
        let lessons = self.lessons().ledger();
        let mut hosts = lessons.known(mine, |key| key.host);
        let teaches = |host: &u16| scope.host.is_none_or(|of| of == *host);
        hosts.extend(self.registers().hosts().into_iter().filter(teaches));
        hosts.extend(self.places().ledger().known(mine, |key| key.host));
        hosts.sort_unstable();
        hosts.dedup();
        let weeks = lessons.known(mine, |key| key.week);
        let mut courses = lessons.known(mine, |key| Some((key.host?, key.course?)));
        courses.extend(self.gaps().compared().known(mine, |key| Some((key.host?, key.course?))));
        courses.extend(self.places().ledger().known(mine, |key| Some((key.host?, key.course?))));
        courses.sort_unstable();
        courses.dedup();
        let homes = lessons.known(mine, |key| key.home);
        let site = self.by(|key| key.host);
        let course = self.by(|key| Some((key.host?, key.course?)));
        let home = self.by(|key| key.home.filter(|_| mine(key)));
        let week = lessons.shown_by(|key| key.week.filter(|_| mine(key)));
        let site_week = lessons.shown_by(|key| Some((key.host?, key.week?)));
        let travel = lessons.shown_by(|key| Some((key.host?, key.course?, key.travel?)));
        Seen {
            total: self.figures(mine, Some(&|host| teaches(&host))),
            sites: hosts
                .iter()
                .map(|host| {
                    let registers = Some(self.registers().of_host(*host));
                    (*host, Figures { registers, ..site.of(host) })
                })
                .collect(),
            courses: courses.iter().map(|at| (at.0, at.1, course.of(at))).collect(),
            homes: homes.iter().map(|at| (*at, home.of(at))).collect(),
            weeks: weeks.iter().map(|at| (*at, attended(week.get(at)))).collect(),
            site_weeks: hosts
                .iter()
                .flat_map(|host| weeks.iter().map(move |week| (*host, *week)))
                .map(|(host, week)| (host, week, attended(site_week.get(&(host, week)))))
                .collect(),
            travel: courses
                .iter()
                .map(|&(host, course)| {
                    let on = |travels| attended(travel.get(&(host, course, travels)));
                    (host, course, on(true), on(false))
                })
                .collect(),
            travelling: (
                self.attended(|key| mine(key) && key.travel == Some(true)),
                self.attended(|key| mine(key) && key.travel == Some(false)),
            ),
        }
    }

    /// What is shown of a home's own learners, at all hosts; `None` if nothing was ever said of them.
    pub fn seen_of_home(&self, home: u16) -> Option<Figures> {
        let fits = |key: &Key| key.home == Some(home);
        let known = self.lessons().ledger().known(fits, |key| key.home);
        (!known.is_empty()).then(|| self.figures(fits, None))
    }

    /// Hosts of whose lessons something waits, or was pooled beyond the site: what is shown of them is not all.
    pub fn in_part(&self) -> HashSet<u16> {
        let lessons = self.lessons().ledger();
        let (due, shown) = (lessons.whole_by(|key| key.host), lessons.shown_by(|key| key.host));
        let waiting = lessons.waiting_by(|key| key.host);
        let first = |of: &HashMap<u16, [i64; 3]>, host: &u16| of.get(host).map_or(0, |sums| sums[0]);
        let hosts = due.keys().chain(shown.keys()).chain(waiting.keys());
        let parted = |host: &&u16| first(&waiting, host) != 0 || first(&due, host) != first(&shown, host);
        hosts.filter(parted).copied().collect()
    }

    /// A host's own figures and how they lead to what is shown. Only for the host itself.
    pub fn bridge(&self, host: u16) -> Bridge {
        let own = |key: &Key| key.host == Some(host);
        let ledger = self.lessons().ledger();
        let aside = self.lessons().aside(host);
        let [due, attended, _] = ledger.whole(own);
        let waiting = ledger.waiting(own)[0];
        let shown = ledger.shown(own).map_or(0, |sums| sums[0]);
        let records = due + aside.sessions + aside.not_due + aside.unknown + aside.withdrawn;
        let pooled = due - waiting - shown;
        let super::lessons::Aside { sessions, not_due, unknown, withdrawn } = aside;
        Bridge { records, withdrawn, sessions, not_due, unknown, due, attended, waiting, pooled, shown }
    }

    fn attended(&self, fits: impl Fn(&Key) -> bool) -> Option<Attended> {
        attended(self.lessons().ledger().shown(fits).as_ref())
    }

    /// The figures of every row of a table at once.
    fn by<T: Eq + Hash>(&self, part: impl Fn(&Key) -> Option<T>) -> Rows<T> {
        Rows {
            lessons: self.lessons().ledger().shown_by(&part),
            gaps: self.gaps().compared().shown_by(&part),
            apart: self.gaps().apart().shown_by(&part),
            kept: self.places().ledger().shown_by(&part),
        }
    }

    fn figures(&self, fits: impl Fn(&Key) -> bool, hosts: Option<&dyn Fn(u16) -> bool>) -> Figures {
        Figures {
            lessons: self.attended(&fits),
            gap: self.gaps().compared().shown(&fits).and_then(gap),
            apart: self.gaps().apart().shown(&fits).and_then(apart),
            kept: self.places().ledger().shown(&fits).and_then(kept),
            registers: hosts.map(|fits| self.registers().of(|host, _| fits(host))),
        }
    }
}

/// Published sums, by what rows are of.
struct Rows<T> {
    lessons: HashMap<T, [i64; 3]>,
    gaps: HashMap<T, GapSums>,
    apart: HashMap<T, ApartSums>,
    kept: HashMap<T, KeptSums>,
}

impl<T: Eq + Hash> Rows<T> {
    fn of(&self, row: &T) -> Figures {
        Figures {
            lessons: attended(self.lessons.get(row)),
            gap: self.gaps.get(row).copied().and_then(gap),
            apart: self.apart.get(row).copied().and_then(apart),
            kept: self.kept.get(row).copied().and_then(kept),
            registers: None,
        }
    }
}

/// Sums that later changes, pooled elsewhere, have left below nothing are no figures.
fn attended(sums: Option<&[i64; 3]>) -> Option<Attended> {
    let [due, attended, late] = sums?.map(|sum| u64::try_from(sum).ok());
    let (due, attended, late) = (due?, attended?, late?);
    (due > 0 && attended <= due && late <= attended).then_some(Attended { due, attended, late })
}

fn gap([compared, grades, below, on, above]: GapSums) -> Option<Gap> {
    let whole = |count: i64| u64::try_from(count).ok();
    let gap = Gap {
        compared: whole(compared)?,
        grades,
        below: whole(below)?,
        on: whole(on)?,
        above: whole(above)?,
    };
    (gap.compared > 0).then_some(gap)
}

fn apart(sums: ApartSums) -> Option<[u64; 4]> {
    let mut counts = [0; 4];
    for (count, sum) in counts.iter_mut().zip(sums) {
        *count = u64::try_from(sum).ok()?;
    }
    counts.iter().any(|count| *count > 0).then_some(counts)
}

fn kept([begun, left]: KeptSums) -> Option<Kept> {
    let (begun, left) = (u64::try_from(begun).ok()?, u64::try_from(left).ok()?);
    (begun > 0 && left <= begun).then_some(Kept { begun, left })
}
