//! Marks of attendance: the national table or one of their own, and when periods are.

use super::{Making, text};
use crate::propose::{Candidate, Value, codes, percent};

impl Making<'_> {
    pub(super) fn marks(&mut self) {
        let Some(at) = self.settled("mark") else { return };
        let shape = &self.columns[at].shape;
        let caption = self.columns[at].caption.clone();
        let list = shape.list.clone();
        let blank = shape.rows - shape.filled;
        let halves = self.settled("period").is_some_and(|at| {
            let list = &self.columns[at].shape.list;
            !list.is_empty()
                && list.iter().all(|(value, _)| matches!(value.to_uppercase().as_str(), "AM" | "PM"))
        });
        let english = codes::english(shape, halves);
        let counts = |limit: usize| {
            list.iter().take(limit).map(|(mark, n)| format!("{mark} {n}x")).collect::<Vec<_>>().join(", ")
        };
        if !self.answered("codes") {
            let why = format!("its marks are {}", counts(12));
            if english >= 0.75 {
                self.choose(
                    "codes",
                    text("ENG-2024"),
                    english,
                    vec![format!(
                        "{why}: all of them session codes of England, present by far the most frequent"
                    )],
                );
            } else if english > 0.0 {
                let national = Candidate {
                    value: text("ENG-2024"),
                    confidence: percent(english),
                    words: "the session codes of England".to_owned(),
                };
                let own = Candidate {
                    value: text("own"),
                    confidence: percent(0.9 - english),
                    words: "codes of our own".to_owned(),
                };
                let both = if english >= 0.5 { vec![national, own] } else { vec![own, national] };
                self.ask(
                    "codes",
                    format!(
                        "Which table are the marks in column `{caption}` from? The file has {}.",
                        counts(20)
                    ),
                    true,
                    both,
                    "",
                );
            } else {
                self.choose(
                    "codes",
                    text("own"),
                    0.95,
                    vec![format!("{why}: not the session codes of England")],
                );
            }
        }
        let own = self.choices.iter().any(|choice| choice.setting == "codes" && choice.value == text("own"));
        if own {
            list.iter().for_each(|(mark, count)| self.own_mark(at, mark, *count));
        }
        if blank > 0 && !self.answered("skip_if_blank") {
            let why = format!("{blank} of {} rows have no mark yet", self.sample.rows.len());
            self.choose("skip_if_blank", Value::Column(caption), 0.85, vec![why]);
        }
        self.periods(false);
    }

    /// What one mark of an institution's own means.
    pub(super) fn own_mark(&mut self, at: usize, mark: &str, count: usize) {
        let setting = format!("codes.{mark}");
        if self.answered(&setting) {
            return;
        }
        let all = self.columns[at].shape.filled.max(1);
        let share = count * 100 / all;
        let late = self.settled("minutes_late").is_some_and(|minutes| {
            let (mut beside, mut rows) = (0, 0);
            for row in self.sample.rows.iter().filter(|row| row.cell(at) == mark) {
                rows += 1;
                beside +=
                    usize::from(crate::parse::whole(row.cell(minutes)).is_some_and(|minutes| minutes > 0));
            }
            rows > 0 && beside * 2 > rows
        });
        let guess = codes::meaning(mark);
        if let Some((physical, sure)) = guess
            && sure > 0.8
        {
            return self.choose(
                &setting,
                text(codes::name(physical)),
                sure,
                vec![format!("{count} rows; the word says so")],
            );
        }
        let first = if late {
            Some(("late", "minutes late stand beside it"))
        } else if let Some((physical, _)) = guess {
            Some((codes::name(physical), "many colleges use it so"))
        } else if share >= 60 {
            Some(("present", "by far the most frequent mark"))
        } else {
            None
        };
        let mut names = vec!["present", "late", "absent", "not_required", "unknown"];
        if let Some((name, _)) = first {
            names.sort_by_key(|other| *other != name);
        }
        let candidates = names.into_iter().map(|name| {
            let (confidence, words) = match first {
                Some((first, why)) if first == name => (55, format!("{}: {why}", said_of(name))),
                _ => (0, said_of(name).to_owned()),
            };
            Candidate { value: text(name), confidence, words }
        });
        let candidates = candidates.collect();
        let question = format!(
            "What does the mark \"{mark}\" mean? {count} of {all} rows looked at have it ({share} %)."
        );
        self.ask(&setting, question, true, candidates, "");
    }

    /// Times of periods, which a name alone doesn't say.
    pub(super) fn periods(&mut self, must: bool) {
        if self.settled("start").is_some() {
            return;
        }
        let Some(at) = self.settled("period") else { return };
        let mut names: Vec<String> =
            self.columns[at].shape.list.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        for name in names.into_iter().take(24) {
            let setting = format!("periods.{name}");
            if !self.answered(&setting) {
                let why = if must {
                    "a lesson needs its times"
                } else {
                    "without times a mark is known for the day alone"
                };
                let question =
                    format!("When is \"{name}\" of column `{}`? ({why})", self.columns[at].caption);
                self.ask(&setting, question, must, Vec::new(), "HH:MM-HH:MM");
            }
        }
    }
}

const fn said_of(meaning: &str) -> &'static str {
    match meaning.as_bytes() {
        b"present" => "was there",
        b"late" => "was there, and came late",
        b"absent" => "was not there",
        b"not_required" => "did not have to be there",
        _ => "says nothing about the room",
    }
}
