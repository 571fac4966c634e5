//! What of much is shown: a plot of two thousand courses is read by nobody, and is no page any more.

use commonroll_exchange::ProgressSeen;
use std::collections::HashMap;

/// Some of many, in the order of all.
pub(super) struct Few<T> {
    pub shown: Vec<T>,
    /// How many there are.
    pub of: usize,
}

impl<T> Few<T> {
    /// True if that isn't all.
    pub fn is_cut(&self) -> bool {
        self.shown.len() < self.of
    }

    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Few<U> {
        Few { shown: self.shown.into_iter().map(make).collect(), of: self.of }
    }
}

/// At most so many: those with the lowest values. Where that isn't all, those without one are left out, if any has one.
pub(super) fn few<T>(all: Vec<T>, most: usize, value: impl Fn(&T) -> Option<f64>) -> Few<T> {
    let of = all.len();
    if of <= most {
        return Few { shown: all, of };
    }
    let mut order: Vec<(f64, usize)> =
        all.iter().enumerate().map(|(at, one)| (value(one).unwrap_or(f64::INFINITY), at)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    if order.first().is_some_and(|(lowest, _)| lowest.is_finite()) {
        order.retain(|(value, _)| value.is_finite());
    }
    let mut stays = vec![false; of];
    order.iter().take(most).for_each(|(_, at)| stays[*at] = true);
    let shown = all.into_iter().zip(stays).filter(|(_, stays)| *stays).map(|(one, _)| one);
    Few { shown: shown.collect(), of }
}

/// Names of courses.
pub(super) struct Courses<'a> {
    seen: &'a ProgressSeen,
    /// How many shown courses have a title.
    times: HashMap<&'a str, usize>,
}

impl<'a> Courses<'a> {
    pub fn of(seen: &'a ProgressSeen) -> Self {
        let mut times = HashMap::new();
        for title in seen.seen.courses.iter().filter_map(|row| seen.courses.get(&row.1)) {
            *times.entry(title.as_str()).or_default() += 1;
        }
        Self { seen, times }
    }

    /// A course with its host, where several have its title.
    pub fn name(&self, host: u16, course: u32) -> String {
        let title = self.seen.courses.get(&course).map_or("", String::as_str);
        match self.times.get(title) {
            Some(2..) => format!("{title}, {}", super::name(self.seen, host)),
            _ => title.to_owned(),
        }
    }
}
