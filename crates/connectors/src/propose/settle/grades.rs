//! Grades: their scale and what they claim.

use super::{Making, OFFERED, text};
use crate::propose::{Candidate, Value, scales, shape::Shape, values};
use std::collections::BTreeMap;

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
            let said = raw_scale(&self.columns[at].caption, shape);
            match fitting.as_slice() {
                _ if said.is_some() => {
                    let scale = said.unwrap_or_default();
                    self.choose("fields.scale", text(&scale), 0.85, vec!["its caption says so".to_owned()]);
                }
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

    /// The scale that somebody said for a column, or for all of those on which its values can be read.
    fn scale_said(&self, caption: &str, fitting: &[String]) -> Option<String> {
        let said = |setting: &str| match self.answers.get(setting) {
            Some(Value::Text(scale)) => Some(scale.clone()),
            _ => None,
        };
        // One answer about several columns stands under the first of them.
        let own = || {
            let with = |at: &usize| {
                let other = &self.columns[*at];
                if scales::fitting(&other.shape) == fitting {
                    said(&format!("result.scale.{}", other.caption))
                } else {
                    None
                }
            };
            said(&format!("result.scale.{caption}")).or_else(|| self.plan.wide.iter().find_map(with))
        };
        let all = said("result.scale").filter(|scale| {
            let numbers = fitting.iter().any(|name| name.starts_with("raw-"));
            fitting.is_empty() || fitting.contains(scale) || scale.starts_with("raw-") && numbers
        });
        own().or(all)
    }

    pub(super) fn ask_kind(&mut self, setting: &str) {
        self.ask_kind_of(setting, "these grades");
    }

    fn ask_kind_of(&mut self, setting: &str, which: &str) {
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
            format!("What do {which} claim? The same letter means different things."),
            true,
            words.map(offer).to_vec(),
            "",
        );
    }

    pub(super) fn grades_side_by_side(&mut self) {
        let wide = self.plan.wide.clone();
        // Where each row has its subject, what stands side by side are different claims about it.
        let apart = self.settled("subject").is_some() || self.plan.fields.contains_key("subject");
        let (mut unknown_scale, mut unknown_kind) = (BTreeMap::<Vec<String>, Vec<String>>::new(), Vec::new());
        for at in wide {
            let caption = self.columns[at].caption.clone();
            let setting = format!("result.{caption}");
            if self.answers.contains_key(&setting) {
                self.answered(&setting);
                continue;
            }
            let shape = &self.columns[at].shape;
            let fitting = scales::fitting(shape);
            let scale = match (self.scale_said(&caption, &fitting), fitting.as_slice()) {
                (Some(scale), _) => Some((scale, 1.0)),
                _ if scales::is_gcse(shape) => Some(("gcse-9-1@2024".to_owned(), 0.88)),
                (_, [one]) => Some((one.clone(), 0.82)),
                _ => raw_scale(&caption, shape).map(|scale| (scale, 0.85)),
            };
            let own = format!("result.kind.{caption}");
            let kind = match self.answers.get(&own).or_else(|| self.answers.get("result.kind")) {
                Some(Value::Text(kind)) => Some((kind.clone(), "you said so".to_owned())),
                _ => self.kind_said(&caption).map(|(kind, why)| (kind.to_owned(), why)),
            };
            if kind.is_none() {
                unknown_kind.push(caption.clone());
            }
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
                (None, _) => unknown_scale.entry(fitting).or_default().push(caption),
                _ => {}
            }
        }
        let one_scale = unknown_scale.len() == 1 && !self.answers.contains_key("result.scale");
        for (fitting, captions) in unknown_scale {
            let setting =
                if one_scale { "result.scale".to_owned() } else { format!("result.scale.{}", captions[0]) };
            let candidates = fitting.iter().take(OFFERED).map(|scale| scale_candidate(scale)).collect();
            let question = format!("Which scale are the grades in {} on?", quoted(&captions));
            self.ask(&setting, question, true, candidates, "a scale, such as raw-0-20@1");
        }
        match unknown_kind.as_slice() {
            [] => {}
            captions if apart => {
                for caption in captions {
                    let which = format!("the grades in column `{caption}`");
                    self.ask_kind_of(&format!("result.kind.{caption}"), &which);
                }
            }
            captions => {
                let which = format!("the grades in {}", quoted(captions));
                self.ask_kind_of("result.kind", &which);
            }
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

/// The scale of raw marks that a caption names by their maximum: `Note /20`, `Score (out of 50)`.
fn raw_scale(caption: &str, shape: &Shape) -> Option<String> {
    let folded = caption.to_lowercase();
    let behind = ["/", "out of ", "max "].iter().find_map(|before| folded.rsplit_once(before))?.1;
    let digits: String = behind.trim().chars().take_while(char::is_ascii_digit).collect();
    let rest = behind.trim()[digits.len()..].trim_matches([')', ']', ' ']);
    let most: i64 = digits.parse().ok().filter(|most| (5..=500).contains(most) && *most >= shape.largest)?;
    (rest.is_empty() && shape.share(shape.decimal) > 0.97).then(|| format!("raw-0-{most}@1"))
}

fn scale_candidate(scale: &str) -> Candidate {
    Candidate { value: text(scale), confidence: 0, words: scale.replace('@', ", version ") }
}

fn quoted(captions: &[String]) -> String {
    let shown = captions.iter().take(6).map(|caption| format!("`{caption}`")).collect::<Vec<_>>().join(", ");
    if captions.len() > 6 { format!("{shown} and {} more", captions.len() - 6) } else { shown }
}
