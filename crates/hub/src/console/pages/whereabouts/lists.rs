//! The board's lists in pages: which page of each is shown, and the ways to the others. A page keeps its address while it is
//! live, so what comes anew is the same part of the board.

use super::super::{
    super::fields::Fields,
    pager::{Pager, pages},
};
use commonroll_exchange::{BoardPart, Stretch};

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

impl List {
    const ALL: [Self; 5] = [Self::Find, Self::Misfits, Self::Found, Self::Conflicts, Self::Everybody];

    /// What the number of its page is called in an address.
    const fn key(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Misfits => "fit",
            Self::Found => "found",
            Self::Conflicts => "clash",
            Self::Everybody => "page",
        }
    }

    /// The part of the page that it stands in.
    const fn place(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Misfits => "misfits",
            Self::Found => "found",
            Self::Conflicts => "codes",
            Self::Everybody => "all",
        }
    }

    /// How many come to a page: all of them together, with long names and words, are no more than a page may weigh.
    const fn most(self) -> usize {
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

/// A board's address, with the page of each of its lists, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lists {
    path: &'static str,
    turns: [usize; List::ALL.len()],
}

impl Lists {
    /// As an address asks; what is no page is the first.
    pub fn of(path: &'static str, asked: &Fields) -> Self {
        let turn = |list: List| asked.get(list.key()).parse().ok().filter(|page| *page > 0).unwrap_or(1);
        Self { path, turns: List::ALL.map(turn) }
    }

    /// What they show.
    pub fn part(&self) -> BoardPart {
        let stretch = |list: List| -> Stretch {
            let most = list.most();
            ((self.turn(list) - 1).saturating_mul(most), most)
        };
        BoardPart {
            alarms: stretch(List::Find),
            misfits: stretch(List::Misfits),
            found: stretch(List::Found),
            conflicts: stretch(List::Conflicts),
            lines: stretch(List::Everybody),
        }
    }

    /// The address of the page as it is shown.
    pub fn address(&self) -> String {
        let later = List::ALL.into_iter().filter(|list| self.turn(*list) > 1);
        let asked: Vec<String> = later.map(|list| format!("{}={}", list.key(), self.turn(list))).collect();
        if asked.is_empty() { self.path.to_owned() } else { format!("{}?{}", self.path, asked.join("&")) }
    }

    /// The ways on in a list of so many.
    pub fn pager(&self, list: List, all: usize) -> Option<Pager> {
        let to = |page: usize| format!("{}#{}", self.at(list, page).address(), list.place());
        pages(all, list.most(), &self.turn(list).to_string(), to).0
    }

    /// The address of a place of a list, where something of this name stands.
    pub fn to(&self, list: List, place: usize, name: &str) -> String {
        format!("{}#{}-{name}", self.at(list, place / list.most() + 1).address(), list.place())
    }

    fn turn(&self, list: List) -> usize {
        let turns = List::ALL.into_iter().zip(self.turns);
        turns.into_iter().find_map(|(one, turn)| (one == list).then_some(turn)).unwrap_or(1)
    }

    /// The same with another page of one list.
    fn at(&self, list: List, page: usize) -> Self {
        let turns = List::ALL.map(|one| if one == list { page } else { self.turn(one) });
        Self { path: self.path, turns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Lists {
        Lists::of("/whereabouts", &Fields::read(query.as_bytes()).unwrap())
    }

    #[test]
    fn one_list_is_turned_and_the_others_stay_where_they_are() {
        let lists = asked("page=2&find=3");
        assert_eq!(lists.address(), "/whereabouts?find=3&page=2");
        assert_eq!((lists.part().alarms, lists.part().lines), ((40, 20), (60, 60)));
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
            asked(&format!("page={}", usize::MAX)).part().lines.0 > 1_000_000,
            "too far, and no overflow"
        );
    }
}
