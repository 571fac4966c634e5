//! What is settled and what has to be asked, under the plan that makes the most sense.

use super::{
    Answers, Candidate, Choice, Doubt, Proposal, Value, caption,
    fields::{Column, Fit, can_hold},
    judge::is_personal,
    percent,
    plan::{MARGIN, Plan, SORTS, SURE, WORTH_ASKING, fields_of, sort_name},
    rules::said,
    sample::Sample,
    values,
};
use crate::mapping::{Container, Rows};
use std::collections::{BTreeMap, BTreeSet};

mod conduct;
mod dates;
mod grades;
mod groups;
mod marks;
mod notes;
mod sheets;
mod words;

use notes::notes;
use words::meaning;

/// Candidates that one question offers.
const OFFERED: usize = 5;

/// A proposal in the making.
struct Making<'a> {
    columns: &'a [Column],
    sample: &'a Sample,
    plan: Plan,
    answers: &'a Answers,
    file_name: &'a str,
    choices: Vec<Choice>,
    doubts: Vec<Doubt>,
}

pub fn settle(
    container: Container,
    sample: &Sample,
    file_name: &str,
    columns: &[Column],
    plan: Plan,
    answers: &Answers,
) -> Proposal {
    let notes = notes(sample);
    let (choices, doubts) = (Vec::new(), Vec::new());
    let mut making = Making { columns, sample, plan, answers, file_name, choices, doubts };
    making.sheet(&container);
    making.rows();
    if making.doubts.iter().any(|doubt| doubt.setting == "rows") {
        // Everything else follows from what the rows are: it is looked for once that is known.
        let (choices, doubts) = (making.choices, making.doubts);
        return Proposal { container, choices, doubts, unused: Vec::new(), notes };
    }
    making.fields();
    making.dates();
    match making.plan.rows {
        Rows::Attendance => making.marks(),
        Rows::Assessment if making.plan.wide.is_empty() => making.grades(),
        Rows::Assessment => making.grades_side_by_side(),
        Rows::Behaviour => making.behaviour(),
        Rows::Timetable => making.periods(true),
        _ => {}
    }
    making.groups();
    making.key();
    let unused = making.unused();
    Proposal { container, choices: making.choices, doubts: making.doubts, unused, notes }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

impl Making<'_> {
    fn choose(&mut self, setting: &str, value: Value, confidence: f64, reasons: Vec<String>) {
        self.choices.push(Choice {
            setting: setting.to_owned(),
            value,
            confidence: percent(confidence),
            reasons,
        });
    }

    fn ask(
        &mut self,
        setting: &str,
        question: String,
        must: bool,
        candidates: Vec<Candidate>,
        free: &'static str,
    ) {
        self.doubts.push(Doubt { setting: setting.to_owned(), question, must, candidates, free });
    }

    /// True if it was answered; an answer that is a value is a choice.
    fn answered(&mut self, setting: &str) -> bool {
        let Some(value) = self.answers.get(setting) else { return false };
        let known = self.choices.iter().any(|choice| choice.setting == setting);
        if *value != Value::Nothing && !known {
            let reasons = vec!["you said so".to_owned()];
            self.choices.push(Choice {
                setting: setting.to_owned(),
                value: value.clone(),
                confidence: 100,
                reasons,
            });
        }
        true
    }

    fn rows(&mut self) {
        if self.answered("rows") {
            return;
        }
        let best = self.plan.sense;
        let next = self.plan.others.get(1).map_or(0.0, |(_, sense)| *sense);
        let must_hold = self.required_least();
        if best >= 0.55 && best - next >= 0.06 && must_hold >= 0.3 && !self.leaves_out_what_matters() {
            let words =
                SORTS.iter().find(|(rows, ..)| *rows == self.plan.rows).map_or("", |(.., words)| words);
            let reasons = vec![format!("{words}; no other reading explains as many of its columns")];
            // Sense is a mean over columns, most of which a sort leaves out by right.
            self.choose("rows", text(sort_name(self.plan.rows)), 0.72 + 0.27 * best, reasons);
        } else {
            let candidates = self.plan.others.iter().take(OFFERED).map(|(rows, sense)| {
                let (_, name, words) = SORTS.iter().find(|(sort, ..)| sort == rows).unwrap_or(&SORTS[0]);
                Candidate { value: text(name), confidence: percent(*sense), words: (*words).to_owned() }
            });
            let candidates = candidates.collect();
            self.ask("rows", "What is one row of this file?".to_owned(), true, candidates, "");
        }
    }

    /// A column that would do very well as a mark or a grade is left over: then the rows may be something else.
    fn leaves_out_what_matters(&self) -> bool {
        let used =
            |at: usize| self.plan.wide.contains(&at) || self.plan.fields.values().any(|(of, _)| *of == at);
        let others = if matches!(self.plan.rows, Rows::Attendance | Rows::Assessment | Rows::Behaviour) {
            &[][..]
        } else {
            &["mark", "grade"][..]
        };
        self.columns
            .iter()
            .enumerate()
            .filter(|(at, _)| !used(*at))
            .any(|(_, column)| others.iter().any(|field| super::fields::fit(field, column).score >= SURE))
    }

    /// How well the worst of the fields does that rows of this sort need.
    fn required_least(&self) -> f64 {
        let (must, _) = fields_of(self.plan.rows, !self.plan.wide.is_empty());
        let score = |field: &&str| self.plan.fields.get(*field).map_or(0.0, |(_, fit)| fit.score);
        must.iter()
            .filter(|field| **field != "date" || self.plan.wide.is_empty())
            .map(score)
            .fold(1.0, f64::min)
    }

    fn fields(&mut self) {
        let (must, may) = fields_of(self.plan.rows, !self.plan.wide.is_empty());
        for field in &must {
            self.field(field, true);
        }
        for field in &may {
            self.field(field, false);
        }
    }

    fn field(&mut self, field: &'static str, must: bool) {
        let setting = format!("fields.{field}");
        // A timetable has a time by its periods too.
        let must = must && !(field == "start" && self.plan.fields.contains_key("period"));
        if let Some(value) = self.answers.get(&setting) {
            match value {
                Value::Column(caption) => {
                    let at = self.columns.iter().position(|column| column.caption == *caption);
                    let fit = Fit { score: 1.0, reasons: vec!["you said so".to_owned()] };
                    if let Some(at) = at {
                        self.take(field, at, fit);
                    }
                }
                _ => _ = self.answered(&setting),
            }
            return;
        }
        let found = self.plan.fields.get(field).cloned();
        let (at, fit) = match found {
            Some((at, fit)) if fit.score >= if must { 0.0 } else { WORTH_ASKING } => (at, fit),
            _ if must => return self.which(field, true),
            _ => return,
        };
        if fit.score >= SURE && !self.has_rival(field, at, fit.score) {
            self.take(field, at, fit);
        } else if must || !(self.is_spoken_for(field, at) || self.is_idle(field)) {
            self.which(field, must);
        }
    }

    /// Another column, that no other field can claim, does nearly as well.
    fn has_rival(&self, field: &str, at: usize, score: f64) -> bool {
        let Some(fits) = self.plan.fits.get(field) else { return false };
        // Of two numbers that name a learner equally well, only people know which one all exports have.
        let names =
            |column: &Column| (column.decides_names > 0.97 || column.names_a_learner) && !column.counts_rows;
        let unsaid = field == "learner" && said(field, &self.columns[at].about) < 0.85;
        let free = |other: usize| {
            !self.plan.wide.contains(&other)
                && !self.plan.fields.values().any(|(of, fit)| *of == other && fit.score >= SURE)
        };
        fits.iter().enumerate().filter(|(other, _)| *other != at && free(*other)).any(|(other, fit)| {
            let near = fit.score > score - MARGIN && fit.score > 0.5;
            near || unsaid && fit.score > 0.68 && names(&self.columns[other])
        })
    }

    /// A period says nothing more where each row has its time.
    fn is_idle(&self, field: &str) -> bool {
        field == "period" && self.plan.fields.get("start").is_some_and(|(_, fit)| fit.score >= SURE)
    }

    /// A column that is asked for as a field that must be there isn't asked for again.
    fn is_spoken_for(&self, field: &str, at: usize) -> bool {
        let caption = &self.columns[at].caption;
        let says = |candidate: &Candidate| matches!(&candidate.value, Value::Column(of) if of == caption);
        self.doubts.iter().any(|doubt| {
            doubt.must
                && doubt.setting != format!("fields.{field}")
                && doubt.candidates.first().is_some_and(says)
        })
    }

    fn which(&mut self, field: &'static str, must: bool) {
        let mut found: Vec<(usize, &Fit)> = self.plan.fits.get(field).map_or(Vec::new(), |fits| {
            fits.iter().enumerate().filter(|(_, fit)| fit.score >= 0.25).collect()
        });
        let mine = self.plan.fields.get(field).map(|(at, _)| *at);
        let taken = |at: usize| {
            mine != Some(at) && self.plan.fields.values().any(|(of, fit)| *of == at && fit.score >= SURE)
        };
        found.retain(|(at, _)| !taken(*at));
        // Without any that looks like it, all that can be it are offered.
        if found.is_empty() && must {
            let all = self.plan.fits.get(field).into_iter().flatten().enumerate();
            found = all.filter(|(at, _)| can_hold(field, &self.columns[*at]) && !taken(*at)).collect();
        }
        found.sort_by(|a, b| {
            (mine == Some(b.0)).cmp(&(mine == Some(a.0))).then(b.1.score.total_cmp(&a.1.score))
        });
        let candidates = found
            .into_iter()
            .take(OFFERED)
            .map(|(at, fit)| Candidate {
                value: Value::Column(self.columns[at].caption.clone()),
                confidence: percent(fit.score),
                words: format!("column `{}`: {}", self.columns[at].caption, because(&fit.reasons)),
            })
            .collect();
        self.ask(
            &format!("fields.{field}"),
            format!("Which column has {}?", meaning(field)),
            must,
            candidates,
            "",
        );
    }

    /// A column becomes a field; what its values stand for may still be a doubt.
    fn take(&mut self, field: &'static str, at: usize, fit: Fit) {
        let column = &self.columns[at];
        let setting = format!("fields.{field}");
        let caption = column.caption.clone();
        let shape = &column.shape;
        if shape.may_be_serial() && matches!(field, "date" | "birth_date" | "first_date" | "last_date") {
            let days = Value::Days(caption, "1899-12-30".to_owned());
            return self.choose(&setting, days, fit.score, fit.reasons);
        }
        let own_words = match field {
            "registration" => {
                !shape.list.iter().all(|(v, _)| matches!(v.as_str(), "C" | "M" | "S" | "G" | "F" | "O" | "P"))
            }
            "cancelled" | "closed" | "withdrawn" => {
                shape.list.iter().any(|(value, _)| crate::parse::truth(value).is_none())
            }
            "role" | "polarity" | "kind" => {
                shape.list.is_empty()
                    || shape.list.iter().any(|(value, _)| !values::names(field).contains(&value.as_str()))
            }
            _ => false,
        };
        if !own_words {
            return self.choose(&setting, Value::Column(caption), fit.score, fit.reasons);
        }
        let counts = shape.list.clone();
        let mut known = BTreeMap::new();
        for (value, count) in counts {
            let asked = format!("{setting}.{value}");
            let said = match self.answers.get(&asked) {
                Some(Value::Text(said)) => Some(said.clone()),
                _ => values::known(field, &value).map(str::to_owned),
            };
            match said {
                Some(said) => _ = known.insert(value, said),
                None => {
                    let names = values::names(field).iter();
                    let offer = |name: &&str| Candidate {
                        value: text(name),
                        confidence: 0,
                        words: (*name).to_owned(),
                    };
                    let candidates = names.map(offer).collect();
                    let question = format!(
                        "What does \"{value}\" in column `{caption}` stand for? {count} of the rows looked at have it."
                    );
                    self.ask(&asked, question, true, candidates, "");
                }
            }
        }
        if known.is_empty() && self.columns[at].shape.list.is_empty() {
            return self.which(field, false);
        }
        self.choose(&setting, Value::Values(caption, known), fit.score, fit.reasons);
    }

    /// The column of a field that is settled.
    fn settled(&self, field: &str) -> Option<usize> {
        let setting = format!("fields.{field}");
        let choice = self.choices.iter().find(|choice| choice.setting == setting)?;
        match &choice.value {
            Value::Column(caption) | Value::Values(caption, _) | Value::Days(caption, _) => {
                self.columns.iter().position(|c| c.caption == *caption)
            }
            Value::Text(_) | Value::Grades(..) | Value::Nothing => None,
        }
    }

    /// Rows that nothing tells apart are a fault of the report, or want another key.
    fn key(&mut self) {
        let usual: &[&str] = match self.plan.rows {
            Rows::Attendance => &["date", "learner", "group", "period", "start"],
            Rows::Assessment if self.plan.wide.is_empty() => {
                &["date", "learner", "group", "subject", "title", "result_set", "kind"]
            }
            Rows::Behaviour if self.settled("event").is_some() => &["event", "learner"],
            Rows::Behaviour => &["date", "time", "learner", "label"],
            _ => return,
        };
        let parts: Vec<usize> = usual.iter().filter_map(|field| self.settled(field)).collect();
        if self.settled("learner").is_none() || self.answered("key") || self.sample.rows.is_empty() {
            return;
        }
        let mut seen = BTreeSet::new();
        let twice = self.sample.rows.iter().filter(|row| {
            let key: Vec<&str> = parts.iter().map(|at| row.cell(*at)).collect();
            !seen.insert(key)
        });
        let twice = twice.count();
        if twice * 100 > self.sample.rows.len() {
            let unique =
                self.columns.iter().filter(|c| c.shape.distinct == c.shape.rows && c.shape.longest <= 40);
            let candidates = unique.take(3).map(|c| Candidate {
                value: Value::Column(c.caption.clone()),
                confidence: 50,
                words: format!("column `{}` has another value in each row", c.caption),
            });
            let candidates = candidates.collect();
            let question = format!(
                "{twice} rows have the same {} as another row. What tells them apart?",
                usual.join(", ")
            );
            self.ask("key", question, false, candidates, "");
        }
    }

    /// Captions that no setting uses, each with why.
    fn unused(&self) -> Vec<(String, &'static str)> {
        let used = |caption: &str| {
            self.choices.iter().any(|choice| match &choice.value {
                Value::Column(of) | Value::Values(of, _) | Value::Days(of, _) => of == caption,
                Value::Grades(..) => choice.setting.strip_prefix("result.") == Some(caption),
                Value::Text(_) | Value::Nothing => false,
            })
        };
        let free = self.columns.iter().filter(|column| !column.caption.is_empty() && !used(&column.caption));
        free.map(|column| {
            let why = if column.shape.is_blank() {
                "is empty"
            } else if is_personal(column) {
                "is about the learner, and these rows don't need it"
            } else if caption::about(&column.caption).is_empty() {
                "nothing says what it is"
            } else {
                "fits no field of these rows"
            };
            (column.caption.clone(), why)
        })
        .collect()
    }
}

fn because(reasons: &[String]) -> String {
    if reasons.is_empty() { "nothing speaks against it".to_owned() } else { reasons.join(", ") }
}
