//! The scorer: it sees alerts alone, what was told to whom and when, and holds them against the truth.

use super::{
    stage::{Line, Played},
    truth::{About, At, Kind, Must, Truth},
    world::{Who, World},
};
use commonroll_exchange::AlertId;
use commonroll_views::whereabouts::{AlertKey, Finding};
use std::collections::{BTreeMap, HashMap};

/// Seconds within which a hole must be told.
pub const IN_TIME: f64 = 60.0;
/// False alarms in a thousand expectations at most.
pub const FALSE_PER_1000: f64 = 1.0;

/// An alert from when it was told until it was over.
struct Told {
    /// To whom, and when first.
    to: HashMap<Who, f64>,
    first: f64,
    over: Option<f64>,
}

/// What became of holes of one kind.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Row {
    pub holes: usize,
    pub found: usize,
    /// Seconds from the moment that the rules set until all concerned were told: half of them, 99 of a hundred, all.
    pub p50: f64,
    pub p99: f64,
    pub most: f64,
    #[serde(skip)]
    times: Vec<f64>,
}

/// The score of a day.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Score {
    pub kinds: BTreeMap<&'static str, Row>,
    pub expectations: usize,
    /// Alerts about learners who were where they were expected, or excused.
    pub false_alarms: usize,
    pub false_per_1000: f64,
    /// Alerts about learners who were not there.
    pub true_alarms: usize,
    /// Alerts that were over though nobody had seen the learner since.
    pub ended_in_silence: usize,
    /// Everything that the bars want.
    pub passed: bool,
}

/// Scores a day.
pub fn score(world: &World, truth: &Truth, played: &Played) -> Score {
    let told = read(played);
    let mut kinds: BTreeMap<Kind, Row> = Kind::ALL.into_iter().map(|kind| (kind, Row::default())).collect();
    for hole in &truth.holes {
        let row = kinds.entry(hole.kind).or_default();
        row.holes += 1;
        let times: Option<Vec<f64>> = hole.must.iter().map(|must| time_to_find(&told, must)).collect();
        if let Some(times) = times {
            row.found += 1;
            row.times.push(times.into_iter().fold(0.0, f64::max));
        }
    }
    kinds.values_mut().for_each(Row::sum_up);
    let (mut false_alarms, mut true_alarms, mut ended) = (0, 0, 0);
    for (about, told) in &told {
        if matches!(about, About::Timetables { .. }) {
            match truth.holes.iter().any(|hole| hole.must.iter().any(|must| must.about == *about)) {
                true => true_alarms += told.len(),
                false => false_alarms += told.len(),
            }
        }
        let Some((lesson, learner)) = about.learner() else { continue };
        for one in told {
            match truth.is_well(lesson, learner, whole(one.first)) {
                true => false_alarms += 1,
                false => true_alarms += 1,
            }
            let begun = world.lessons[lesson].start();
            if one
                .over
                .is_some_and(|over| !truth.turned_up(&world.day_of(learner), learner, begun, whole(over)))
            {
                ended += 1;
            }
        }
    }
    let expectations = truth.lines.len();
    let false_per_1000 = false_alarms as f64 * 1e3 / expectations.max(1) as f64;
    let all = kinds.values().all(|row| row.found == row.holes && row.most <= IN_TIME);
    let passed = all && false_per_1000 <= FALSE_PER_1000 && ended == 0;
    let kinds =
        kinds.into_iter().filter(|(_, row)| row.holes > 0).map(|(kind, row)| (kind.as_str(), row)).collect();
    Score { kinds, expectations, false_alarms, false_per_1000, true_alarms, ended_in_silence: ended, passed }
}

impl Row {
    fn sum_up(&mut self) {
        self.times.sort_by(f64::total_cmp);
        let at = |of_100: usize| {
            let place = (self.times.len() * of_100).div_ceil(100).saturating_sub(1);
            self.times.get(place).copied().unwrap_or(0.0)
        };
        (self.p50, self.p99, self.most) = (at(50), at(99), at(100));
    }
}

/// Seconds from the moment until the last of those concerned was told; `None` if one never was, or it was over before.
fn time_to_find(told: &HashMap<About, Vec<Told>>, must: &Must) -> Option<f64> {
    let moment = must.moment as f64;
    let holds = |one: &&Told| one.over.is_none_or(|over| over > moment);
    told.get(&must.about)?.iter().filter(holds).find_map(|one| {
        let times: Option<Vec<f64>> = must.to.iter().map(|who| one.to.get(who).copied()).collect();
        times.map(|times| times.into_iter().fold(0.0, |most, at| f64::max(most, at - moment)))
    })
}

/// Alerts by what they are about, each from its first telling to its end.
fn read(played: &Played) -> HashMap<About, Vec<Told>> {
    let mut told: HashMap<About, Vec<Told>> = HashMap::new();
    for Line { at, entry } in &played.lines {
        let Some(about) = about(played, entry) else { continue };
        let all = told.entry(about).or_default();
        match entry["what"].as_str() {
            Some("alert.told") => {
                if all.last().is_none_or(|one| one.over.is_some()) {
                    all.push(Told { to: HashMap::new(), first: *at, over: None });
                }
                let to = entry["more"]["told"].as_array().into_iter().flatten();
                let to = to.filter_map(|slug| played.sites.get(slug.as_str()?).copied());
                if let Some(one) = all.last_mut() {
                    to.for_each(|who| {
                        one.to.entry(who).or_insert(*at);
                    });
                }
            }
            Some("alert.over") => {
                if let Some(one) = all.last_mut() {
                    one.over = Some(*at);
                }
            }
            _ => {}
        }
    }
    told
}

/// What an alert is about, by the names that it uses itself.
fn about(played: &Played, entry: &serde_json::Value) -> Option<About> {
    let id: AlertId = entry["more"]["alert"].as_str()?.parse().ok()?;
    let lesson = |site: u16, lesson: u64| played.lessons.get(&(site, lesson)).copied();
    Some(match id.key()? {
        AlertKey::Unaccounted(id) => About::Unaccounted {
            lesson: lesson(id.site, id.lesson)?,
            learner: *played.learners.get(&id.learner)?,
        },
        AlertKey::LeftEarly(id) => About::LeftEarly {
            lesson: lesson(id.site, id.lesson)?,
            learner: *played.learners.get(&id.learner)?,
        },
        AlertKey::Register { site, lesson: number } => About::Register { lesson: lesson(site, number)? },
        AlertKey::ClassCancelled { site, lesson: number, home } => {
            About::Class { lesson: lesson(site, number)?, home: *played.numbers.get(&home)? }
        }
        AlertKey::SourceSilent { site } => About::Source { host: *played.numbers.get(&site)? },
        AlertKey::Misfit { finding, .. } => About::Timetables {
            learner: *played.learners.get(&finding.learner()?)?,
            both: !matches!(finding, Finding::NobodyExpects { .. }),
        },
    })
}

fn whole(seconds: f64) -> At {
    seconds as At
}
