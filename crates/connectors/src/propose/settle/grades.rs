//! Grades: their scale and what they claim.

use super::{Making, OFFERED, text};
use crate::propose::{Candidate, Value, scales, values};

impl Making<'_> {
    pub(super) fn grades(&mut self) {
        let Some(at) = self.settled("grade") else { return };
        if !self.answered("fields.scale") {
            let shape = &self.columns[at].shape;
            let gcse = scales::is_gcse(shape);
            let fitting = scales::fitting(shape);
            let list = shape
                .list
                .iter()
                .take(12)
                .map(|(grade, n)| format!("{grade} {n}x"))
                .collect::<Vec<_>>()
                .join(", ");
            match fitting.as_slice() {
                [one] => self.choose(
                    "fields.scale",
                    text(one),
                    0.85,
                    vec![format!("no other scale has all its grades ({list})")],
                ),
                _ if gcse => self.choose(
                    "fields.scale",
                    text("gcse-9-1@2024"),
                    0.85,
                    vec!["9 to 1 with U beside them".to_owned()],
                ),
                many => {
                    let candidates = many.iter().take(OFFERED).map(|scale| scale_candidate(scale)).collect();
                    let caption = &self.columns[at].caption;
                    let question =
                        format!("Which scale are the grades in column `{caption}` on? The file has {list}.");
                    self.ask("fields.scale", question, true, candidates, "a scale, such as raw-0-100@1");
                }
            }
        }
        if self.settled("kind").is_none()
            && !self.answered("fields.kind")
            && !self.doubts.iter().any(|d| d.setting.starts_with("fields.kind"))
        {
            let caption = self.columns[at].caption.clone();
            match self.kind_said(&caption) {
                Some((kind, why)) => self.choose("fields.kind", text(kind), 0.8, vec![why]),
                None => self.ask_kind("fields.kind"),
            }
        }
    }

    /// The kind of grade that a caption or the file's name says.
    pub(super) fn kind_said(&self, caption: &str) -> Option<(&'static str, String)> {
        // "Awarded" and "target" stand in too many captions that mean something else; a single word decides only if it is plain.
        let plain = |kind: &&'static str| !matches!(*kind, "final" | "assignment");
        if let Some(kind) = values::known("kind", caption).filter(plain) {
            return Some((kind, "its caption says so".to_owned()));
        }
        values::known("kind", self.file_name)
            .filter(plain)
            .map(|kind| (kind, "the file's name says so".to_owned()))
    }

    pub(super) fn ask_kind(&mut self, setting: &str) {
        let words = [
            ("working_at", "what the learner works at now"),
            ("minimum_target", "a computed minimum target"),
            ("teacher_target", "a teacher's target"),
            ("predicted", "a prediction"),
            ("mock", "a mock examination"),
            ("final", "an award"),
            ("effort", "effort or attitude"),
            ("assignment", "a piece of work"),
            ("prior", "prior attainment"),
        ];
        let offer = |(name, words): (&str, &str)| Candidate {
            value: text(name),
            confidence: 0,
            words: words.to_owned(),
        };
        self.ask(
            setting,
            "What do these grades claim? The same letter means different things.".to_owned(),
            true,
            words.map(offer).to_vec(),
            "",
        );
    }

    pub(super) fn grades_side_by_side(&mut self) {
        let wide = self.plan.wide.clone();
        let (mut unknown_scale, mut unknown_kind, mut offered) = (Vec::new(), false, Vec::new());
        for at in wide {
            let caption = self.columns[at].caption.clone();
            let setting = format!("result.{caption}");
            if self.answers.contains_key(&setting) {
                self.answered(&setting);
                continue;
            }
            let shape = &self.columns[at].shape;
            let fitting = scales::fitting(shape);
            let scale = match (self.answers.get("result.scale"), fitting.as_slice()) {
                (Some(Value::Text(scale)), _) => Some((scale.clone(), 1.0)),
                _ if scales::is_gcse(shape) => Some(("gcse-9-1@2024".to_owned(), 0.88)),
                (_, [one]) => Some((one.clone(), 0.82)),
                _ => None,
            };
            let kind = match self.answers.get("result.kind") {
                Some(Value::Text(kind)) => Some((kind.clone(), "you said so".to_owned())),
                _ => self.kind_said(&caption).map(|(kind, why)| (kind.to_owned(), why)),
            };
            if offered.is_empty() {
                offered = fitting;
            }
            unknown_kind |= kind.is_none();
            match (scale, kind) {
                (Some((scale, sure)), Some((kind, why))) => {
                    let (id, version) = scale.split_once('@').unwrap_or((&scale, "1"));
                    let reasons = vec![format!("all its values are grades of {id}"), why];
                    self.choose(
                        &setting,
                        Value::Grades(id.to_owned(), version.to_owned(), kind),
                        sure,
                        reasons,
                    );
                }
                (None, _) => unknown_scale.push(caption),
                _ => {}
            }
        }
        if !unknown_scale.is_empty() {
            let candidates = offered.iter().take(OFFERED).map(|scale| scale_candidate(scale)).collect();
            let question = format!("Which scale are the grades in {} on?", quoted(&unknown_scale));
            self.ask("result.scale", question, true, candidates, "a scale, such as raw-0-20@1");
        }
        if unknown_kind {
            self.ask_kind("result.kind");
        }
        if self.settled("date").is_none() && !self.answers.contains_key("fields.date") {
            self.doubts.retain(|doubt| doubt.setting != "fields.date");
            let question = "From which date are these grades? No column says.".to_owned();
            if !self.answered("result.date") {
                self.ask("result.date", question, true, Vec::new(), "YYYY-MM-DD");
            }
        }
    }
}

fn scale_candidate(scale: &str) -> Candidate {
    Candidate { value: text(scale), confidence: 0, words: scale.replace('@', ", version ") }
}

fn quoted(captions: &[String]) -> String {
    let shown = captions.iter().take(6).map(|caption| format!("`{caption}`")).collect::<Vec<_>>().join(", ");
    if captions.len() > 6 { format!("{shown} and {} more", captions.len() - 6) } else { shown }
}
