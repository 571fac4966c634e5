//! Behaviour: which of its sorts are praise or blame, and which category of the shared list each is. What no word says is asked with
//! its count; what nobody answers is shared as "other", and named.

use super::{Making, text};
use crate::propose::{Candidate, Value, conduct, values};
use std::collections::{BTreeMap, BTreeSet};

/// Sorts whose category is asked for. The rest, which stand in fewer rows, are "other" until somebody says more.
const ASKED: usize = 12;

impl Making<'_> {
    pub(super) fn behaviour(&mut self) {
        self.polarity();
        self.categories();
    }

    /// Whether it is good or bad, where no column of its own says it.
    fn polarity(&mut self) {
        let asked = self.doubts.iter().any(|doubt| doubt.setting.starts_with("fields.polarity"));
        if self.settled("polarity").is_some() || asked || self.answers.get("fields.polarity").is_some() {
            return;
        }
        let sorts = self.sorts();
        let said = |sort: &str| conduct::category(sort, None).and_then(conduct::polarity);
        let known: BTreeSet<&str> = sorts.iter().filter_map(|(sort, _)| said(sort)).collect();
        if known.len() > 1 {
            return self.polarity_by_sort(&sorts);
        }
        let named = values::known("polarity", self.file_name).or(known.first().copied());
        let words = [("negative", "incidents"), ("positive", "achievements"), ("neutral", "observations")];
        let mut candidates: Vec<Candidate> = words
            .map(|(name, words)| Candidate {
                value: text(name),
                confidence: if named == Some(name) { 60 } else { 0 },
                words: words.to_owned(),
            })
            .to_vec();
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.confidence));
        self.ask(
            "fields.polarity",
            "Are all rows of this file incidents, or achievements? No column says.".to_owned(),
            true,
            candidates,
            "",
        );
    }

    /// Praise and blame stand in one file, and only their sorts tell them apart.
    fn polarity_by_sort(&mut self, sorts: &[(String, usize)]) {
        let Some(at) = self.settled("label") else { return };
        let caption = self.columns[at].caption.clone();
        let mut known = BTreeMap::new();
        for (sort, count) in sorts {
            let setting = format!("fields.polarity.{sort}");
            let said = match self.answers.get(&setting) {
                Some(Value::Text(said)) => Some(said.as_str()),
                _ => conduct::category(sort, None).and_then(conduct::polarity),
            };
            let Some(said) = said else {
                let offer =
                    |name: &&str| Candidate { value: text(name), confidence: 0, words: (*name).to_owned() };
                let candidates = values::names("polarity").iter().map(offer).collect();
                let question = format!(
                    "Is \"{sort}\" in column `{caption}` praise or blame? {count} of the rows looked at have it, and the file has both."
                );
                self.ask(&setting, question, true, candidates, "");
                continue;
            };
            known.insert(sort.clone(), said.to_owned());
        }
        let reasons = vec![
            "praise and blame stand side by side, and the words of their sorts say which is which".to_owned(),
        ];
        self.choose("fields.polarity", Value::Values(caption, known), 0.8, reasons);
    }

    /// The category of each sort.
    fn categories(&mut self) {
        let Some(at) = self.settled("label") else { return };
        if self.answered("fields.category") {
            return;
        }
        let caption = self.columns[at].caption.clone();
        let sorts = self.sorts();
        if sorts.is_empty() {
            let why = "column has too many sorts to tell their categories; all are shared as \"other\" until somebody says more";
            return self.choose("fields.category", text("other"), 0.9, vec![why.to_owned()]);
        }
        let polarities = self.polarities(&sorts);
        let (mut known, mut left, mut asked) = (BTreeMap::new(), Vec::new(), 0);
        for (sort, count) in &sorts {
            let setting = format!("fields.category.{sort}");
            let polarity = polarities.get(sort.as_str()).map(String::as_str);
            match (self.answers.get(&setting), conduct::category(sort, polarity)) {
                (Some(Value::Text(said)), _) => _ = known.insert(sort.clone(), said.clone()),
                (Some(_), _) => left.push(format!("{sort} {count}x")),
                (None, Some(category)) => _ = known.insert(sort.clone(), category.to_owned()),
                (None, None) => {
                    left.push(format!("{sort} {count}x"));
                    asked += 1;
                    if asked <= ASKED {
                        self.ask_category(&setting, &caption, (sort, *count), polarity);
                    }
                }
            }
        }
        let mut reasons = Vec::new();
        if !known.is_empty() {
            reasons.push("the words of these sorts say their category".to_owned());
        }
        if !left.is_empty() {
            reasons.push(format!("shared as \"other\": {}", left.join(", ")));
        }
        let value = if known.is_empty() { text("other") } else { Value::Values(caption, known) };
        self.choose("fields.category", value, 0.85, reasons);
    }

    fn ask_category(
        &mut self,
        setting: &str,
        caption: &str,
        (sort, count): (&str, usize),
        polarity: Option<&str>,
    ) {
        let fits = |name: &&&str| {
            polarity.is_none() || conduct::polarity(name).is_none_or(|of| Some(of) == polarity)
        };
        let offer =
            |name: &&str| Candidate { value: text(name), confidence: 0, words: name.replace('_', " ") };
        let candidates = values::names("category").iter().filter(fits).map(offer).collect();
        let question = format!(
            "Which category is \"{sort}\" in column `{caption}`? {count} of the rows looked at have it; left out, partners see it \
             as \"other\"."
        );
        self.ask(setting, question, false, candidates, "");
    }

    /// The sorts that the label's column has, the most frequent first; empty if there are too many.
    fn sorts(&self) -> Vec<(String, usize)> {
        self.settled("label").map_or_else(Vec::new, |at| self.columns[at].shape.list.clone())
    }

    /// The polarity of the rows of each sort, where all of them have the same.
    fn polarities(&self, sorts: &[(String, usize)]) -> BTreeMap<String, String> {
        let choice = self.choices.iter().find(|choice| choice.setting == "fields.polarity");
        let all = |said: &str| sorts.iter().map(|(sort, _)| (sort.clone(), said.to_owned())).collect();
        let (caption, values) = match choice.map(|choice| &choice.value) {
            Some(Value::Text(said)) => return all(said),
            Some(Value::Values(caption, values)) => (caption, Some(values)),
            Some(Value::Column(caption) | Value::Days(caption, _)) => (caption, None),
            _ => return BTreeMap::new(),
        };
        let place = |of: &str| self.columns.iter().position(|column| column.caption == of);
        let (Some(from), Some(label)) = (place(caption), self.settled("label")) else {
            return BTreeMap::new();
        };
        let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in &self.sample.rows {
            let cell = row.cell(from);
            let said = values.map_or(Some(cell.to_owned()), |values| values.get(cell).cloned());
            seen.entry(row.cell(label).to_owned()).or_default().insert(said.unwrap_or_default());
        }
        let one = |(sort, said): (String, BTreeSet<String>)| {
            (said.len() == 1).then(|| (sort, said.into_iter().next().unwrap_or_default()))
        };
        seen.into_iter().filter_map(one).collect()
    }
}
