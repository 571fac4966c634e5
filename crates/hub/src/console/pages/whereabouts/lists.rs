//! The board's lists, each in pages of its own.

use super::super::{lists, pager::Pager};
use commonroll_exchange::BoardPart;

/// A list of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// Who and what needs somebody now.
    Find,
    /// What doesn't fit between timetables.
    Misfits,
    /// Who was found.
    Found,
    /// Session codes on which the two sides disagree.
    Conflicts,
    /// Everybody.
    Everybody,
}

impl lists::List for List {
    const ALL: &'static [Self] = &[Self::Find, Self::Misfits, Self::Found, Self::Conflicts, Self::Everybody];

    fn key(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Misfits => "fit",
            Self::Found => "found",
            Self::Conflicts => "clash",
            Self::Everybody => "page",
        }
    }

    fn place(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Misfits => "misfits",
            Self::Found => "found",
            Self::Conflicts => "codes",
            Self::Everybody => "all",
        }
    }

    fn most(self) -> usize {
        match self {
            Self::Find => 20,
            Self::Misfits | Self::Found => 10,
            Self::Conflicts => 5,
            Self::Everybody => 60,
        }
    }
}

/// The ways from one list to the next, for the template.
pub(super) struct Pagers {
    pub find: Option<Pager>,
    pub misfits: Option<Pager>,
    pub found: Option<Pager>,
    pub conflicts: Option<Pager>,
    pub everybody: Option<Pager>,
}

/// A board's address, with the page of each of its lists.
pub(super) type Lists = lists::Lists<List>;

/// What the lists show.
pub(super) fn part(lists: &Lists) -> BoardPart {
    BoardPart {
        alarms: lists.part(List::Find),
        misfits: lists.part(List::Misfits),
        found: lists.part(List::Found),
        conflicts: lists.part(List::Conflicts),
        lines: lists.part(List::Everybody),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::fields::Fields;

    fn asked(query: &str) -> Lists {
        Lists::of("/whereabouts", &Fields::read(query.as_bytes()).unwrap())
    }

    #[test]
    fn one_list_is_turned_and_the_others_stay_where_they_are() {
        let lists = asked("page=2&find=3");
        assert_eq!(lists.address(), "/whereabouts?find=3&page=2");
        assert_eq!((part(&lists).alarms, part(&lists).lines), ((40, 20), (60, 60)));
        let pager = lists.pager(List::Find, 65).unwrap();
        assert_eq!(pager.says, "41 to 60 of 65");
        assert_eq!(pager.before.as_deref(), Some("/whereabouts?find=2&page=2#find"));
        assert_eq!(pager.after.as_deref(), Some("/whereabouts?find=4&page=2#find"));
        assert!(lists.pager(List::Found, 10).is_none());
        assert_eq!(lists.to(List::Everybody, 119, "seen"), "/whereabouts?find=3&page=2#all-seen");
        assert_eq!(lists.to(List::Everybody, 59, "seen"), "/whereabouts?find=3#all-seen");
    }

    #[test]
    fn what_is_no_page_is_the_first() {
        for wrong in ["", "page=0", "page=-1", "page=x", "page=", "all=1", "page=99999999999999999999"] {
            assert_eq!(asked(wrong), asked("page=1"), "{wrong}");
        }
        assert_eq!(asked("").address(), "/whereabouts");
        assert!(
            part(&asked(&format!("page={}", usize::MAX))).lines.0 > 1_000_000,
            "too far, and no overflow"
        );
    }
}
