//! How dates are written, as far as the dates themselves say it.

use super::{Making, text};
use crate::propose::{Candidate, shape::Shape};

impl Making<'_> {
    pub(super) fn dates(&mut self) {
        const FIELDS: &[&str] =
            &["date", "first_date", "last_date", "from_date", "birth_date", "home_action_by"];
        let of_plan = |field: &&'static str| {
            let field = *field;
            self.plan.fields.get(field).map(move |(at, _)| (field, *at))
        };
        let found: Vec<(&str, usize)> =
            FIELDS.iter().filter_map(of_plan).filter(|(_, at)| self.columns[*at].shape.filled > 0).collect();
        if found.is_empty() || self.answered("date_format") {
            return;
        }
        let sum =
            |of: fn(&Shape) -> usize| found.iter().map(|(_, at)| of(&self.columns[*at].shape)).sum::<usize>();
        let styles = [
            ("iso", sum(|s| s.iso)),
            ("slash", sum(|s| s.slash)),
            ("dd.mm.yyyy", sum(|s| s.dot)),
            ("dash", sum(|s| s.dashed)),
            ("yyyymmdd", sum(|s| s.compact)),
        ];
        let (style, most) = styles.into_iter().max_by_key(|(_, count)| *count).unwrap_or(("iso", 0));
        let (day_first, month_first) = (sum(|s| s.first_above_12), sum(|s| s.second_above_12));
        let all = sum(|s| s.filled);
        let said = |why: &str| vec![why.to_owned()];
        if most == 0 {
            let question = "The dates are written in a way that isn't read; export them as 2026-09-14 or 14/09/2026. How are they written?";
            return self.ask("date_format", question.to_owned(), true, Vec::new(), "");
        }
        if most < all {
            let question =
                format!("{} of {all} dates aren't written as the others are. Which way counts?", all - most);
            let candidates = vec![Candidate {
                value: text(format_of(style, true)),
                confidence: 60,
                words: "as most are".to_owned(),
            }];
            return self.ask("date_format", question, true, candidates, "");
        }
        match style {
            "iso" => self.choose(
                "date_format",
                text("iso"),
                0.99,
                said("year, month and day in this order can't be mistaken"),
            ),
            "yyyymmdd" => self.choose(
                "date_format",
                text("yyyymmdd"),
                0.97,
                said("eight digits, and all of them are dates"),
            ),
            "dd.mm.yyyy" if month_first == 0 => self.choose(
                "date_format",
                text("dd.mm.yyyy"),
                0.95,
                said("nobody writes the month first between full stops"),
            ),
            _ if day_first > 0 && month_first == 0 => {
                let why = format!("in {day_first} rows the first number is above 12, so it is the day");
                self.choose("date_format", text(format_of(style, true)), 0.98, vec![why]);
            }
            _ if month_first > 0 && day_first == 0 => {
                let why =
                    format!("in {month_first} rows the second number is above 12, so the month stands first");
                self.choose("date_format", text(format_of(style, false)), 0.98, vec![why]);
            }
            _ => {
                let words = [
                    ("the day stands first (14/09)", true, 60),
                    ("the month stands first (09/14)", false, 40),
                ];
                let offer = words.map(|(words, day, confidence)| Candidate {
                    value: text(format_of(style, day)),
                    confidence,
                    words: words.to_owned(),
                });
                let question =
                    "Does the day or the month stand first in its dates? None of them says.".to_owned();
                self.ask("date_format", question, true, offer.to_vec(), "");
            }
        }
    }
}

const fn format_of(style: &str, day_first: bool) -> &'static str {
    match (style.as_bytes(), day_first) {
        (b"slash", true) => "dd/mm/yyyy",
        (b"slash", false) => "mm/dd/yyyy",
        (b"dash", true) => "dd-mm-yyyy",
        (b"dash", false) => "mm-dd-yyyy (not read)",
        (b"dd.mm.yyyy", _) => "dd.mm.yyyy",
        (b"yyyymmdd", _) => "yyyymmdd",
        _ => "iso",
    }
}
