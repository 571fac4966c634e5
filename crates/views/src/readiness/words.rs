//! What each part means, what its numbers say, and what to do: the words that stand wherever readiness is shown.

use super::report::{All, ON_TIME_MINUTES, tens, within};
use commonroll_core::LocalId;
use std::collections::BTreeMap;

/// What a part measures, in the order in which parts are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// Marks that were due came.
    Complete,
    /// Registers came soon.
    OnTime,
    /// As home, takes what is for it.
    TakenIn,
    /// Rows could be carried.
    Mapped,
    /// Records were taken.
    Valid,
    /// Guests are matched.
    Matched,
    /// Grades are on a scale.
    Grades,
    /// It was heard in lesson time.
    Fresh,
    /// No gaps, nothing that went back.
    Stable,
}

/// A part's name and what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// As headings say it.
    pub name: &'static str,
    /// In one or two sentences.
    pub means: &'static str,
}

/// What isn't measured, and why: said wherever readiness is shown.
pub const NOT_MEASURED: &str = "Whether a code, a grade or a group has the right meaning isn’t measured: a mapping can know \
     them all, and be wrong. What each came to is on the page Mapping; look there before you trust a figure.";

impl What {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Complete,
        Self::OnTime,
        Self::TakenIn,
        Self::Mapped,
        Self::Valid,
        Self::Matched,
        Self::Grades,
        Self::Fresh,
        Self::Stable,
    ];

    /// In a word, for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::OnTime => "on_time",
            Self::TakenIn => "taken_in",
            Self::Mapped => "mapped",
            Self::Valid => "valid",
            Self::Matched => "matched",
            Self::Grades => "grades",
            Self::Fresh => "fresh",
            Self::Stable => "stable",
        }
    }

    /// How often it counts in the score.
    pub const fn weight(self) -> u32 {
        match self {
            Self::Matched => 2,
            _ => 1,
        }
    }

    /// Name and meaning.
    pub const fn definition(self) -> Definition {
        let (name, means) = match self {
            Self::Complete => (
                "Complete",
                "Of the marks that were due (a lesson that you declared and that is over, times the visiting learners placed in its group), those that have come by now.",
            ),
            Self::OnTime => (
                "Registers back in time",
                "Of the registers that came of lessons that you declared, those whose first mark was here within 10 minutes of the lesson’s end. The progress page has another figure, “Registers begun in time”: it counts from the lesson’s start.",
            ),
            Self::TakenIn => (
                "Taken in",
                "Of the records about your own learners, those for which your agent gave its receipt within 5 minutes.",
            ),
            Self::Mapped => (
                "Mapping coverage",
                "Of the rows that your agents could send, those whose values the mapping knows: the records that came in these days, against the rows that agents keep back by what they told last. Such rows never reach the hub.",
            ),
            Self::Valid => (
                "Valid",
                "Of the records that you sent, those that broke no rule. A refused record that is sent again as it was counts once.",
            ),
            Self::Matched => (
                "Right learner",
                "Of the guests you host, those who are matched with a learner of their home, as it stands now. Own learners whom somebody else claims too count as not matched.",
            ),
            Self::Grades => (
                "Grades on a known scale",
                "Of the grades that you sent, those on a scale whose order the hub knows; free text is on none. Facts that are no grade (absent, pending) aren’t counted.",
            ),
            Self::Fresh => (
                "Fresh",
                "Of the time from your first lesson’s start to your last lesson’s end, the part in which your newest word (records, a day’s timetable, a receipt, or your agent’s word that all is sent) was 15 minutes old at most.",
            ),
            Self::Stable => (
                "Stable",
                "Of the days on which you sent something, those without a batch out of step and without a record whose number went back.",
            ),
        };
        Definition { name, means }
    }

    /// Why there is nothing to measure.
    pub(super) const fn nothing(self) -> &'static str {
        match self {
            Self::Complete => "Not measured: no lesson with a visiting learner was declared.",
            Self::OnTime => "Not measured: no register of a declared lesson came.",
            Self::TakenIn => "Not measured: no record was for you.",
            Self::Mapped => "Not measured: no agent has told of its sources, or nothing came of them.",
            Self::Valid => "Not measured: no record was sent.",
            Self::Matched => "Not measured: no guest is declared.",
            Self::Grades => "Not measured: no grade was sent.",
            Self::Fresh => "Not measured: no lesson was declared.",
            Self::Stable => "Not measured: nothing was sent.",
        }
    }

    /// Who can mend it.
    pub const fn owner(self) -> &'static str {
        match self {
            Self::Complete | Self::OnTime => "Head and teachers",
            Self::Valid | Self::Matched | Self::Grades => "Data manager",
            Self::TakenIn | Self::Mapped | Self::Fresh | Self::Stable => "Technician",
        }
    }

    /// Days to do it in.
    pub(super) const fn days(self) -> i32 {
        match self {
            Self::Matched => 2,
            Self::TakenIn | Self::Mapped | Self::Valid | Self::Fresh | Self::Stable => 4,
            Self::Complete | Self::OnTime => 7,
            Self::Grades => 14,
        }
    }
}

/// What a rule's refusals ask for, and the role that can do it.
pub fn advice(rule: &str) -> (&'static str, &'static str) {
    match rule {
        "no_placement" => (
            "The learner isn’t placed with you for that date and group. The home declares the placement and you accept it; then the agent sends again by itself.",
            "Data manager",
        ),
        "no_agreement" => (
            "No agreement in force with the learner’s home lists this kind of record. Agree it, or don’t send it.",
            "Head",
        ),
        "not_unlocked" => (
            "Partners agreed that this kind flows from you once your attendance is tight. Look at Readiness: what is missing, and who proposes it.",
            "Data manager",
        ),
        "confidential" => (
            "The record is marked confidential, and no policy lets such records travel. It stays with you.",
            "Data manager",
        ),
        "invalid_field" => (
            "A field breaks a rule of the schema. Look at the row in the agent’s status, and mend the export or its mapping.",
            "Technician",
        ),
        "conflict" => (
            "The same revision came with other content. The agent’s memory is older than the hub’s: look whether it was restored from a copy.",
            "Technician",
        ),
        "stale_revision" => (
            "An older revision came after a newer one. The agent’s memory is older than the hub’s: look whether it was restored from a copy.",
            "Technician",
        ),
        "not_yours" => (
            "The record’s id belongs to another institution. Look whether two agents use the same settings.",
            "Technician",
        ),
        "learner_changed" => (
            "A correction is about another learner than its record. Withdraw the record and send a new one.",
            "Data manager",
        ),
        "repeated_in_batch" => ("One batch held the same record twice. Update the agent.", "Technician"),
        "policy_error" => (
            "The hub’s own rules failed on these records, so they were refused. The hub’s operator must look.",
            "The hub’s operator",
        ),
        _ => ("Look at the rows in the agent’s status: commonroll agent status.", "Technician"),
    }
}

/// What a rule refused, in a few words.
pub fn refused_title(rule: &str) -> &'static str {
    match rule {
        "no_placement" => "Records of learners who aren’t placed",
        "no_agreement" => "Records that no agreement covers",
        "not_unlocked" => "Records of a kind that isn’t unlocked yet",
        "confidential" => "Confidential records",
        "invalid_field" => "Records with a field that breaks a rule",
        "conflict" => "Revisions that came with other content",
        "stale_revision" => "Revisions older than what the hub has",
        "not_yours" => "Records of somebody else",
        "learner_changed" => "Corrections about another learner",
        "repeated_in_batch" => "Records twice in one batch",
        "policy_error" => "Records on which the hub’s rules failed",
        _ => "Records refused",
    }
}

/// Below this a rounded number says nothing.
const FEW: u64 = 20;

/// 48213 as 48,213.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut said = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            said.push(',');
        }
        said.push(digit);
    }
    said
}

fn minutes(minutes: u32) -> String {
    match minutes {
        0 => "before the lesson’s end".to_owned(),
        1 => "within 1 minute of it".to_owned(),
        2..=90 => format!("within {minutes} minutes of it"),
        _ => format!("within {} hours of it", minutes.div_ceil(60)),
    }
}

/// The two groups with most, by their codes.
fn worst(of: &BTreeMap<LocalId, u64>) -> String {
    let mut sorted: Vec<_> = of.iter().collect();
    sorted.sort_by_key(|(group, count)| (std::cmp::Reverse(**count), group.as_str()));
    let named: Vec<&str> = sorted.iter().take(2).map(|(group, _)| group.as_str()).collect();
    named.join(" and ")
}

/// The numbers of a part in a sentence or two.
pub(super) fn said(all: &All, what: What, rounded: bool) -> String {
    let (good, of) = all.of(what);
    if rounded && of < FEW && !matches!(what, What::Stable | What::Matched | What::Fresh) {
        return "Of fewer than 20, so only the share is shown.".to_owned();
    }
    let rounded = rounded && what != What::Stable;
    let (wrong, about) = (of - good.min(of), if rounded { "About " } else { "" });
    let count = |number: u64| count(if rounded { tens(number) } else { number });
    let (good, of) = (count(good), count(of));
    match what {
        What::Complete => format!("{about}{good} of {of} marks that were due have come."),
        What::OnTime => {
            let half = within(&all.delays, 50).map(|half| format!(" Half came {}.", minutes(half)));
            format!(
                "{about}{good} of {of} registers were here within {ON_TIME_MINUTES} minutes of the lesson’s end.{}",
                half.unwrap_or_default()
            )
        }
        What::TakenIn => format!("{about}{good} of {of} records had a receipt within 5 minutes."),
        What::Mapped => {
            let exports = match all.mapping.refused {
                0 => "",
                1 => " One export is refused as a whole.",
                _ => " Some exports are refused as a whole.",
            };
            format!("{about}{good} of {of} rows could be sent.{exports}")
        }
        What::Valid => format!("{about}{good} of {of} records were taken."),
        What::Matched if rounded => "How many learners that is isn’t shown to others.".to_owned(),
        What::Matched => {
            let waits = match wrong {
                0 => String::new(),
                1 => " 1 waits for a person.".to_owned(),
                more => format!(" {more} wait for a person."),
            };
            format!("{good} of {of} learners are matched.{waits}")
        }
        What::Grades => format!("{about}{good} of {of} grades."),
        What::Fresh => {
            let hours = |slots: u64| count((slots * 5).div_ceil(60));
            let (fresh, all) = all.slots;
            format!("{about}{} of {} hours of lesson time.", hours(fresh), hours(all))
        }
        What::Stable => format!("{good} of {of} days with data had no gap and nothing that went back."),
    }
}

/// A fix's title and text.
pub(super) fn fix(all: &All, what: What, rounded: bool) -> (String, String) {
    let (good, of) = all.of(what);
    let wrong = of - good.min(of);
    let groups = |of: &BTreeMap<LocalId, u64>| match rounded || of.is_empty() {
        true => String::new(),
        false => format!(" Look first at {}.", worst(of)),
    };
    let some = |one: &str, many: &str| match (rounded, wrong) {
        (true, _) => format!("Some {many}"),
        (false, 1) => format!("1 {one}"),
        (false, _) => format!("{} {many}", count(wrong)),
    };
    let (title, text) = match what {
        What::Complete => (
            "Get the missing marks in",
            format!(
                "{} due and never came.{} Visiting learners show as unknown until then.",
                some("mark was", "marks were"),
                groups(&all.missing)
            ),
        ),
        What::OnTime => (
            "Get registers in before the lesson ends",
            format!(
                "{} later than {ON_TIME_MINUTES} minutes after the lesson.{} Their homes can’t tell who is missing.",
                some("register came", "registers came"),
                groups(&all.late)
            ),
        ),
        What::TakenIn => (
            "Let the agent take what waits",
            format!(
                "{} more than 5 minutes for a receipt. See that the agent runs all day and that its outbox can be written.",
                some("record waited", "records waited")
            ),
        ),
        What::Mapped => (
            "Say what every value means",
            format!(
                "{} kept back by your agents{}. The page Mapping lists them by column and code; the technician adds each once.",
                some("row is", "rows are"),
                match (rounded, all.mapping.sorts) {
                    (true, _) | (_, 0) => String::new(),
                    (_, 1) => ", all of one sort".to_owned(),
                    (_, sorts) => format!(", of {sorts} sorts"),
                }
            ),
        ),
        What::Valid => {
            let most = all.refused.iter().max_by_key(|(rule, count)| (**count, std::cmp::Reverse(*rule)));
            let told = most.map_or("", |(rule, _)| advice(rule).0);
            ("Send nothing that is refused", format!("{} refused. {told}", some("record was", "records were")))
        }
        What::Matched => (
            "Match learners by hand",
            format!("{} with nobody. Nothing is sent for them until a person decides.", match (rounded, wrong) {
                (true, _) => "Some learners are matched".to_owned(),
                (false, 1) => "1 learner is matched".to_owned(),
                (false, _) => format!("{wrong} learners are matched"),
            }),
        ),
        What::Grades => (
            "Give grades on an agreed scale",
            format!("{} on no known scale, so nobody can compare them. Map each wording once.", some("grade is", "grades are")),
        ),
        What::Fresh => (
            "Let the agent speak all day",
            "In lesson time the hub often knew nothing newer than 15 minutes. See that exports are written every few minutes and that the agent runs.".to_owned(),
        ),
        What::Stable => (
            "Find out why numbers went back",
            "Batches came out of step, or records with numbers that had been used. Look whether the agent’s folder was restored from a copy, or two agents share one.".to_owned(),
        ),
    };
    (title.to_owned(), text)
}
