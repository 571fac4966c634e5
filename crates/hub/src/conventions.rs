//! What a convention says, in a sentence, for pages and programs alike.

use commonroll_core::{RecordKind, convention::Says};
use commonroll_views::alignment::{Kind, Means};

/// What people call a kind of record.
pub(crate) const fn record(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Attendance => "Attendance",
        RecordKind::Assessment => "Grades",
        RecordKind::Behaviour => "Behaviour",
    }
}

/// What a convention says.
pub(crate) fn told(says: &Says) -> String {
    match says {
        Says::Code { code, means } => {
            format!("Code {code} means {} at every partner.", Means::from(*means).words())
        }
        Says::Subject { word, also } => {
            let also: Vec<String> = also.iter().map(|name| format!("“{name}”")).collect();
            format!("{} is shown as “{word}”.", also.join(" and "))
        }
        Says::Scale { kind, subject, scale, version } => {
            format!("Grades of {subject} that are {} stand on {scale} {version}.", Kind(*kind).words())
        }
        Says::Answer { question, text } => format!("{} {text}", question.words()),
        Says::Unlock { kind, points: 0, .. } => {
            format!("{}: flows without a condition on attendance.", record(*kind))
        }
        Says::Unlock { kind, points, days } => format!(
            "{}: flows from a partner only once its marks were at least {points}% complete and on time on each of {days} {}, \
             and two people of two partners have unlocked it.",
            record(*kind),
            if *days == 1 { "school day" } else { "school days" }
        ),
    }
}
