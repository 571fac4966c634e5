//! Words that several of these pages use: kinds, fields, numbers, hashes.

use crate::{authority::hex, console::nav};
use commonroll_core::{
    Role,
    agreement::{ItemKind, group_words},
};
pub(in crate::console::pages) use commonroll_views::readiness::count as number;

/// What people call a kind.
pub(super) const fn kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Card => "Learner’s card",
        ItemKind::Record(kind) => record(kind),
    }
}

pub(in crate::console::pages) use crate::conventions::record;

/// The kind of this name.
pub(super) fn kind_named(name: &str) -> Option<ItemKind> {
    if name == "card" { Some(ItemKind::Card) } else { name.parse().ok().map(ItemKind::Record) }
}

/// What people call a field.
pub(super) fn field(name: &str) -> String {
    let said = match name {
        "identity" => "Who the learner is",
        "emergency_contact" => "Emergency contact",
        "needs" => "Needs and support",
        "presence_today" => "Whereabouts today",
        "presence" => "Present or not",
        "source_code" => "Register code",
        "note" => "Remark on the mark",
        "register" => "How it counts in the register",
        "result" => "Grades and targets",
        "comment" => "Teacher’s comment",
        "event" => "What sort of event",
        "involvement" => "The learner’s own part",
        "share_safe_text" => "Account written to be shared",
        "internal_comment" => "Internal comment",
        "head" => "That there is a record",
        other => return other.replace('_', " "),
    };
    said.to_owned()
}

/// What a field holds.
pub(super) fn holds(kind: ItemKind, number: u32) -> &'static str {
    group_words(kind, number).map_or("", |words| words.adult)
}

/// The fields of a mask, in words.
pub(super) fn fields(kind: ItemKind, mask: u32) -> String {
    let has = |number: &u32| *number < 32 && mask & 1 << number != 0;
    let named: Vec<String> = kind
        .groups()
        .iter()
        .filter(|(number, _)| has(number))
        .map(|(_, name)| field(name).to_lowercase())
        .collect();
    if named.is_empty() { "that there is one, and nothing more".to_owned() } else { named.join(", ") }
}

/// A role, in words, with a capital.
pub(super) fn role(role: Role) -> String {
    match role {
        Role::AttendanceOfficer => "Attendance officer".to_owned(),
        other => capital(nav::role_words(other)),
    }
}

/// With a capital.
pub(in crate::console::pages) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `1 learner`, `2 learners`.
pub(in crate::console::pages) fn count(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// 9c41…e07a
pub(super) fn short(hash: &[u8]) -> String {
    let hex = hex(hash);
    match (hex.get(..4), hex.get(hex.len().saturating_sub(4)..)) {
        (Some(first), Some(last)) if hex.len() > 8 => format!("{first}…{last}"),
        _ => hex,
    }
}

/// In groups of four digits.
pub(super) fn spaced(hash: &[u8]) -> String {
    let hex = hex(hash);
    hex.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_core::RecordKind;

    #[test]
    fn figures_dates_and_hashes_are_said_as_people_read_them() {
        assert_eq!(
            [0, 999, 1_000, 48_213, 1_000_000].map(number),
            ["0", "999", "1,000", "48,213", "1,000,000"]
        );
        assert_eq!(
            (short(&[0x9c, 0x41, 1, 0xe0, 0x7a]), short(&[1])),
            ("9c41…e07a".to_owned(), "01".to_owned())
        );
        assert_eq!(count(1, "learner", "learners"), "1 learner");
    }

    #[test]
    fn every_field_of_every_kind_has_words() {
        for kind in [ItemKind::Card].into_iter().chain(RecordKind::ALL.map(ItemKind::Record)) {
            assert_eq!(kind_named(kind.as_str()), Some(kind));
            for (number, name) in kind.groups() {
                assert!(!field(name).contains('_') && field(name).starts_with(char::is_uppercase), "{name}");
                assert!(!holds(kind, *number).is_empty(), "{name}");
            }
        }
    }
}
