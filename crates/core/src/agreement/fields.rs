//! What each field group holds, in plain words, and what it can give away.
//!
//! This is where the documents get their words and their risks from, and where the parser learns which items need a
//! condition of their own. The descriptions are of this product's schema; which law fits is for the parties to say.

use super::words::ItemKind;
use crate::{people::Role, record::RecordKind};

/// One field group as people should know it.
#[derive(Debug, Clone, Copy)]
pub struct GroupWords {
    /// For an adult who has never seen the system.
    pub adult: &'static str,
    /// For a reader of 14, spoken to as "you".
    pub young: &'static str,
    /// Special categories of personal data (UK GDPR Article 9) that it can reveal; empty if none is to be expected.
    pub special: &'static str,
    /// Criminal-offence data, allegations included, that it can hold; empty if none is to be expected.
    pub offences: &'static str,
    /// Text that people write freely, so that it can hold anything.
    pub free_text: bool,
}

const PLAIN: GroupWords = GroupWords { adult: "", young: "", special: "", offences: "", free_text: false };

/// The words for a field group; `None` if the kind has no such group.
pub const fn group_words(kind: ItemKind, group: u32) -> Option<GroupWords> {
    match kind {
        ItemKind::Record(RecordKind::Attendance) => attendance(group),
        ItemKind::Record(RecordKind::Assessment) => assessment(group),
        ItemKind::Record(RecordKind::Behaviour) => behaviour(group),
        ItemKind::Card => card(group),
    }
}

const fn attendance(group: u32) -> Option<GroupWords> {
    Some(match group {
        2 => GroupWords {
            adult: "whether the learner was in the lesson, when it was, and minutes late or left early",
            young: "if you were in the lesson, and if you were late",
            ..PLAIN
        },
        3 => GroupWords {
            adult: "the code that the teacher's register shows, such as the reason for an absence",
            young: "the code in the class register, which can show why you were away",
            special: "health (illness, appointments), religion (days of observance), Gypsy, Roma or Traveller origin",
            offences: "detention by a court",
            free_text: false,
        },
        4 => GroupWords {
            adult: "a remark on the mark, written to be shared",
            young: "a short note about your mark",
            special: "whatever the writer mentions, most often health",
            free_text: true,
            ..PLAIN
        },
        5 => GroupWords {
            adult: "how the mark counts in the statutory register",
            young: "how the mark counts in the official register",
            ..PLAIN
        },
        _ => return None,
    })
}

const fn assessment(group: u32) -> Option<GroupWords> {
    Some(match group {
        2 => GroupWords {
            adult: "grades, targets and predictions, each with its scale",
            young: "your grades, targets and predicted grades",
            ..PLAIN
        },
        3 => GroupWords {
            adult: "a teacher's comment on the result, written to be shared",
            young: "what your teacher says about your work",
            free_text: true,
            ..PLAIN
        },
        _ => return None,
    })
}

const fn behaviour(group: u32) -> Option<GroupWords> {
    Some(match group {
        2 => GroupWords {
            adult: "what sort of event it was, how grave, when and where; praise as well as incidents",
            young: "what happened, when and where. This can be praise too",
            special: "race, religion, sexual orientation or disability, where prejudice is recorded",
            offences: "alleged theft, drugs, weapons or violence",
            free_text: false,
        },
        3 => GroupWords {
            adult: "the learner's own part in the event, points, and what was done about it",
            young: "your own part in it, and what was done next",
            offences: "who did it, who saw it and who suffered it",
            ..PLAIN
        },
        4 => GroupWords {
            adult: "a summary of the event, written to be shared and naming no other child",
            young: "a short account that names no other student",
            special: "whatever the writer mentions",
            offences: "whatever the writer mentions",
            free_text: true,
        },
        5 => GroupWords {
            adult: "the host's internal comment, which never leaves the host",
            young: "notes that staff keep for themselves",
            free_text: true,
            ..PLAIN
        },
        _ => return None,
    })
}

const fn card(group: u32) -> Option<GroupWords> {
    Some(match group {
        1 => GroupWords {
            adult: "who the visiting learner is: name, known-as name and date of birth",
            young: "your name and date of birth",
            ..PLAIN
        },
        2 => GroupWords {
            adult: "whom to ring in an emergency, with their relationship and telephone number",
            young: "who to ring for you in an emergency",
            ..PLAIN
        },
        3 => GroupWords {
            adult: "support needs and arrangements that the home has written for sharing",
            young: "what helps you learn and stay safe",
            special: "health and disability",
            free_text: true,
            ..PLAIN
        },
        4 => GroupWords {
            adult: "whether the learner is expected or has been seen elsewhere today, without a reason",
            young: "if you are in today. It does not say why not",
            ..PLAIN
        },
        _ => return None,
    })
}

/// Why the policies let no agreement list this group; `None` if an agreement may.
pub(super) fn beyond_ceiling(kind: ItemKind, group: u32) -> Option<&'static str> {
    (kind == ItemKind::Record(RecordKind::Behaviour) && group == 5)
        .then_some("never leaves the institution that wrote it, whatever an agreement says")
}

/// True if the policies let somebody in this role see this group of what another institution shares. Whether they let
/// this person see this record is decided when it is shown.
const fn may_see(kind: ItemKind, group: u32, role: Role) -> bool {
    match (role, kind) {
        (Role::Teacher, _) => true,
        (
            Role::Head | Role::Tutor | Role::HeadOfSixth | Role::Learner | Role::Parent,
            ItemKind::Record(_),
        ) => true,
        (Role::AttendanceOfficer, ItemKind::Record(RecordKind::Attendance)) => true,
        (Role::AttendanceOfficer, ItemKind::Record(RecordKind::Behaviour)) => matches!(group, 2 | 3),
        (Role::AttendanceOfficer, ItemKind::Card) => matches!(group, 1 | 4),
        (Role::Program, ItemKind::Record(RecordKind::Attendance)) => group == 2,
        _ => false,
    }
}

/// Why the policies let this role see not all of these groups; `None` if an agreement may name it.
pub(super) fn role_beyond_ceiling(kind: ItemKind, groups: &[u32], role: Role) -> Option<&'static str> {
    if groups.iter().all(|group| may_see(kind, *group, role)) {
        return None;
    }
    Some(match role {
        Role::ConsortiumLead => "a consortium lead sees totals, never a named learner",
        Role::DataManager | Role::Dpo => {
            "a data manager or DPO runs the sharing and answers for it, and reads no learner's record"
        }
        Role::Technician => "a technician looks after programs, and reads no learner's record",
        Role::AttendanceOfficer => {
            "an attendance officer sees attendance, that there was a behaviour event but no account of it, and of a \
             visitor's card identity and presence_today"
        }
        Role::Program => "a program sees attendance presence and nothing else",
        Role::Learner | Role::Parent => {
            "learners and parents are let in by the home, so a host shows them no card"
        }
        Role::Head | Role::Tutor | Role::HeadOfSixth | Role::Teacher => {
            "tutors and heads look after the own institution's learners, not visitors"
        }
    })
}

/// A role as people say it.
pub const fn role_words(role: Role) -> &'static str {
    match role {
        Role::Head => "the head",
        Role::Teacher => "teachers of the learner's groups",
        Role::Tutor => "tutors",
        Role::HeadOfSixth => "the head of sixth form",
        Role::AttendanceOfficer => "attendance officers",
        Role::DataManager => "the data manager",
        Role::Dpo => "the data protection officer",
        Role::ConsortiumLead => "the consortium lead",
        Role::Technician => "technicians",
        Role::Learner => "the learner",
        Role::Parent => "the learner's parents or carers",
        Role::Program => "programs that the institution has let in",
    }
}
