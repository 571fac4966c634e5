//! What each figure means, in the words that stand beside it wherever it is shown.

/// A figure's name and what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// As headings say it.
    pub name: &'static str,
    /// In one or two sentences.
    pub means: &'static str,
}

/// Attendance.
pub const ATTENDANCE: Definition = Definition {
    name: "Attendance",
    means: "Lessons attended out of lessons due, as hosts marked visiting learners. Late counts as attended. Not required, cancelled and closed leave the count; lessons without a mark are in neither number. This school year and the last one, from 1 August.",
};
/// Punctuality.
pub const PUNCTUALITY: Definition = Definition {
    name: "Punctuality",
    means: "Of lessons attended, those that the learner began in time by the host's mark.",
};
/// Gap to target.
pub const GAP: Definition = Definition {
    name: "Gap to target",
    means: "Newest working-at grade less newest minimum target of a learner on a course, in grades of their own scale; the middle is the mean. Only whole grades of one scale and version whose points are known from a source; all others are counted as not comparable.",
};
/// Retention.
pub const RETENTION: Definition = Definition {
    name: "Still there",
    means: "Of the placements that have begun, those that weren't ended before the last day that the home declared.",
};
/// Register punctuality.
pub const REGISTERS: Definition = Definition {
    name: "Registers begun in time",
    means: "Registers of which the first mark was here within 10 minutes of the lesson's start. It counts registers, not learners, so none are hidden. Readiness has another figure, “Registers back in time”: it counts from the lesson's end.",
};
/// Freshness.
pub const FRESHNESS: Definition = Definition {
    name: "Freshness",
    means: "How long after a lesson's end the first mark of its register was here. 0 means before the end.",
};
/// Travel days.
pub const TRAVEL: Definition = Definition {
    name: "Travel days",
    means: "Days on which a learner had lessons due at two sites or more. All other days are days at one site.",
};
/// Hidden.
pub const HIDDEN: Definition = Definition {
    name: "Hidden",
    means: "Fewer than 5 learners. Figures grow by steps behind each of which stand 5 learners or more; what waits for such a step is in no total, so subtracting can't find it, neither between tables nor between days.",
};

/// All of them.
pub const ALL: [Definition; 8] =
    [ATTENDANCE, PUNCTUALITY, GAP, RETENTION, REGISTERS, FRESHNESS, TRAVEL, HIDDEN];
