//! Which words of a caption speak for a field, and which against it.

use super::caption::About::{self, *};
use std::collections::BTreeMap;

/// Words that speak for a field, the most telling ones first, and words that speak against it.
type Rule = (&'static str, &'static [(&'static [About], f64)], &'static [About]);

const RULES: &[Rule] = &[
    (
        "learner",
        &[
            (&[Learner, Id], 0.92),
            (&[Learner], 0.6),
            (&[Candidate, Id], 0.5),
            (&[Candidate], 0.4),
            (&[Id], 0.35),
        ],
        &[
            Surname, Forename, Name, Birth, Event, Staff, Upn, Uln, Group, Date, Time, Late, Mark, Lesson,
            Status, Enrolment, Title,
        ],
    ),
    ("staff", &[(&[Staff, Id], 0.92), (&[Staff], 0.85)], &[Surname, Forename, Note, Learner, Date, Internal]),
    ("date", &[(&[Date], 0.85), (&[Start], 0.3), (&[Entered], 0.3)], &[Birth, Due, Enrolment, End, Action]),
    ("birth_date", &[(&[Birth, Date], 0.95), (&[Birth], 0.92), (&[Date], 0.3)], &[Start, End, Entered]),
    ("first_date", &[(&[Start, Date], 0.93), (&[Start], 0.9), (&[Date], 0.3)], &[Birth, End]),
    ("last_date", &[(&[End, Date], 0.93), (&[End], 0.9), (&[Date], 0.3)], &[Birth, Start]),
    ("from_date", &[(&[End, Date], 0.9), (&[Start, Date], 0.8), (&[Date], 0.6)], &[Birth]),
    (
        "mark",
        &[(&[Mark, Presence], 0.95), (&[Presence], 0.8), (&[Mark], 0.75)],
        &[Date, Time, Grade, Late, Group, Learner, Kind, Staff],
    ),
    ("minutes_late", &[(&[Minutes, Late], 0.96), (&[Late], 0.85), (&[Minutes], 0.35)], &[Early]),
    ("minutes_left_early", &[(&[Minutes, Early], 0.9), (&[Early], 0.8)], &[Late]),
    ("minutes", &[(&[Minutes], 0.85)], &[Late, Early]),
    ("start", &[(&[Start, Time], 0.95), (&[Start], 0.9), (&[Time], 0.5)], &[End, Entered]),
    ("end", &[(&[End, Time], 0.95), (&[End], 0.9)], &[Start, Entered]),
    ("time", &[(&[Time], 0.9), (&[Period], 0.3)], &[End, Entered]),
    (
        "group",
        &[(&[Group, Id], 0.9), (&[Group], 0.86), (&[Subject, Id], 0.6)],
        &[Learner, Staff, Date, Time, Enrolment, Title, Surname, Forename],
    ),
    ("period", &[(&[Period], 0.9), (&[Lesson], 0.7)], &[Date, Start, End, Minutes]),
    ("note", &[(&[Note], 0.88)], &[Id, Grade]),
    ("comment", &[(&[Note], 0.88)], &[Id]),
    (
        "recorded_at",
        &[(&[Entered, Time], 0.95), (&[Entered], 0.92), (&[Date, Time], 0.4)],
        &[Birth, Start, End],
    ),
    (
        "grade",
        &[(&[Grade], 0.9), (&[Points], 0.4)],
        &[Date, Kind, Scale, Note, Points, Learner, Round, Entered, Presence],
    ),
    ("scale", &[(&[Scale], 0.92)], &[]),
    ("kind", &[(&[Kind, Grade], 0.92), (&[Kind], 0.8)], &[Date]),
    ("subject", &[(&[Subject], 0.9)], &[Id]),
    ("title", &[(&[Title], 0.88)], &[Grade, Date, Learner, Round]),
    ("result_set", &[(&[Round], 0.88)], &[Points]),
    ("points", &[(&[Points], 0.9)], &[Round, Date]),
    (
        "event",
        &[(&[Event, Id], 0.95), (&[Event], 0.5), (&[Id], 0.3)],
        &[Learner, Kind, Date, Time, Staff, Status],
    ),
    (
        "label",
        &[(&[Conduct, Kind], 0.95), (&[Kind], 0.8), (&[Conduct], 0.8)],
        &[Id, Polarity, Date, Status, Severity],
    ),
    ("polarity", &[(&[Polarity], 0.9), (&[Kind], 0.4)], &[]),
    ("category", &[(&[Conduct], 0.3)], &[Kind, Id]),
    ("severity", &[(&[Severity], 0.88)], &[]),
    ("location", &[(&[Place], 0.9), (&[Room], 0.6)], &[]),
    ("role", &[(&[Role], 0.9)], &[Action]),
    ("action", &[(&[Action], 0.88)], &[Date, Due, Status]),
    ("status", &[(&[Status], 0.88)], &[Enrolment, Presence]),
    ("home_action_by", &[(&[Due, Date], 0.9), (&[Due], 0.7)], &[]),
    ("share_text", &[(&[Share], 0.8), (&[Share, Note], 0.92)], &[Internal]),
    ("internal_comment", &[(&[Internal, Note], 0.95), (&[Internal], 0.88), (&[Note], 0.55)], &[Share]),
    (
        "surname",
        &[(&[Surname], 0.95), (&[Last, Name], 0.95), (&[Last], 0.75)],
        &[Staff, First, Forename, Known, Former],
    ),
    (
        "forename",
        &[(&[Forename], 0.93), (&[First, Name], 0.95), (&[Name], 0.6), (&[First], 0.6)],
        &[Staff, Last, Surname, Known, Former],
    ),
    ("known_as", &[(&[Known, Forename], 0.95), (&[Known], 0.85), (&[Known, Name], 0.93)], &[Staff, Surname]),
    ("upn", &[(&[Upn], 0.9)], &[Former, Temporary]),
    ("former_upn", &[(&[Former, Upn], 0.96)], &[]),
    ("temporary_upn", &[(&[Temporary, Upn], 0.96)], &[Former]),
    ("uln", &[(&[Uln], 0.9)], &[]),
    ("uci", &[(&[Uci], 0.9)], &[]),
    ("registration", &[(&[Enrolment, Status], 0.93), (&[Enrolment], 0.6)], &[Date, Id]),
    (
        "course_title",
        &[(&[Group, Name], 0.93), (&[Title], 0.8), (&[Name], 0.6), (&[Group, Title], 0.93)],
        &[Id, Staff, Subject],
    ),
    (
        "host",
        &[(&[Host, Institution], 0.95), (&[Host], 0.85), (&[Institution], 0.7)],
        &[Home, Learner, Group, Date],
    ),
    (
        "home",
        &[(&[Home, Institution], 0.95), (&[Home], 0.85), (&[Institution], 0.7)],
        &[Host, Learner, Group, Date],
    ),
    ("other", &[(&[Institution], 0.8), (&[Host], 0.7), (&[Home], 0.7)], &[Learner, Group, Date]),
    ("lesson", &[(&[Lesson, Id], 0.93), (&[Event, Id], 0.85), (&[Id], 0.4)], &[Learner, Date, Staff]),
    ("room", &[(&[Room], 0.92), (&[Place], 0.7)], &[]),
    ("cancelled", &[(&[Cancelled], 0.9), (&[Status], 0.4)], &[]),
    ("closed", &[(&[Closed], 0.9)], &[]),
    ("week", &[(&[Week], 0.9)], &[Date]),
    ("needs", &[(&[Needs], 0.9), (&[Note], 0.4)], &[]),
    ("emergency", &[(&[Emergency], 0.95)], &[]),
    ("notice", &[(&[Event, Id], 0.8), (&[Id], 0.35)], &[Learner]),
    ("withdrawn", &[(&[Cancelled], 0.8)], &[]),
];

/// How well the words of a caption speak for a field, from 0 to 1.
pub fn said(field: &str, about: &BTreeMap<About, f64>) -> f64 {
    let Some((_, fors, againsts)) = RULES.iter().find(|(name, ..)| *name == field) else { return 0.0 };
    let mut best: f64 = 0.0;
    for (all, weight) in *fors {
        let least = all.iter().map(|word| about.get(word).copied().unwrap_or(0.0)).fold(1.0, f64::min);
        let mut here = weight * least;
        for against in againsts.iter().filter(|against| !all.contains(against)) {
            here *= 1.0 - 0.45 * about.get(against).copied().unwrap_or(0.0);
        }
        best = best.max(here);
    }
    best
}
