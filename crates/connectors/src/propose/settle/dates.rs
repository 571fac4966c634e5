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
        let dated = |shape: &Shape| shape.filled > 0 && !shape.may_be_serial();
        let all = FIELDS.iter().filter_map(of_plan);
        let found: Vec<(&str, usize)> = all.filter(|(_, at)| dated(&self.columns[*at].shape)).collect();
        if found.is_empty() || self.answered("date_format") {
            return;
        }
        let sum =
            |of: fn(&Shape) -> usize| found.iter().map(|(_, at)| of(&self.columns[*at].shape)).sum::<usize>();
        let styles = [
            ("iso", sum(|s| s.iso)),
            ("slash", sum(|s| s.slash)),
            ("dd/mm/yy", sum(|s| s.slash_short)),
            ("dd.mm.yyyy", sum(|s| s.dot)),
            ("dd.mm.yy", sum(|s| s.dot_short)),
            ("dd mmm yyyy", sum(|s| s.named)),
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
            "dd/mm/yy" | "dd.mm.yy"
                if found.iter().any(|(_, at)| self.columns[*at].shape.spans_decades()) =>
            {
                let question = "Years have two digits. Does the day stand first in its dates? Read so, they are of many years.";
                let first = Candidate {
                    value: text(style),
                    confidence: 40,
                    words: "the day stands first and the year last (14/09/26)".to_owned(),
                };
                self.ask("date_format", question.to_owned(), true, vec![first], "");
            }
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
            "dd mmm yyyy" => {
                self.choose(
                    "date_format",
                    text(style),
                    0.97,
                    said("months are words, so nothing can be mistaken"),
                );
            }
            "dd.mm.yyyy" | "dd.mm.yy" if month_first == 0 => self.choose(
                "date_format",
                text(style),
                0.95,
                said("nobody writes the month first between full stops"),
            ),
            _ if day_first > 0 && month_first == 0 => {
                let why = format!("in {day_first} rows the first number is above 12, so it is the day");
                self.choose("date_format", text(format_of(style, true)), 0.98, vec![why]);
            }
            "slash" if month_first > 0 && day_first == 0 => {
                let why =
                    format!("in {month_first} rows the second number is above 12, so the month stands first");
                self.choose("date_format", text(format_of(style, false)), 0.98, vec![why]);
            }
            _ if self.only_school_days(&found, true) => {
                let why = "read so, none is on a weekend; the other way round several are";
                self.choose("date_format", text(format_of(style, true)), 0.88, said(why));
            }
            "slash" if self.only_school_days(&found, false) => {
                let why = "read so, none is on a weekend; the other way round several are";
                self.choose("date_format", text(format_of(style, false)), 0.88, said(why));
            }
            _ => {
                let words = [
                    ("the day stands first (14/09)", true, 60),
                    ("the month stands first (09/14)", false, 40),
                ];
                // Of the other styles none is read in which the month stands first.
                let read = words.into_iter().filter(|(_, day, _)| *day || style == "slash");
                let offer = read.map(|(words, day, confidence)| Candidate {
                    value: text(format_of(style, day)),
                    confidence,
                    words: words.to_owned(),
                });
                let offer: Vec<Candidate> = offer.collect();
                let question =
                    "Does the day or the month stand first in its dates? None of them says.".to_owned();
                self.ask("date_format", question, true, offer, "");
            }
        }
    }

    /// Days of school don't lie on weekends: true if so read none does, and the other way round at least two do. Birth dates say
    /// nothing.
    fn only_school_days(&self, found: &[(&str, usize)], day_first: bool) -> bool {
        let shapes = || {
            found.iter().filter(|(field, _)| *field != "birth_date").map(|(_, at)| &self.columns[*at].shape)
        };
        let so: usize =
            shapes().map(|s| if day_first { s.weekends_day_first } else { s.weekends_month_first }).sum();
        let other: usize =
            shapes().map(|s| if day_first { s.weekends_month_first } else { s.weekends_day_first }).sum();
        so == 0 && other >= 2 && shapes().all(|s| s.distinct >= 5) && shapes().count() > 0
    }
}

const fn format_of(style: &str, day_first: bool) -> &'static str {
    match (style.as_bytes(), day_first) {
        (b"slash", true) => "dd/mm/yyyy",
        (b"slash", false) => "mm/dd/yyyy",
        (b"dash", _) => "dd-mm-yyyy",
        (b"dd/mm/yy", _) => "dd/mm/yy",
        (b"dd.mm.yy", _) => "dd.mm.yy",
        (b"dd mmm yyyy", _) => "dd mmm yyyy",
        (b"dd.mm.yyyy", _) => "dd.mm.yyyy",
        (b"yyyymmdd", _) => "yyyymmdd",
        _ => "iso",
    }
}
