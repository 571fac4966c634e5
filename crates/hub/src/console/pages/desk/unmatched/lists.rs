//! The page's lists, each in pages of its own, and where on it somebody stands.

use super::{PATH, words};
use crate::console::{
    fields::Fields,
    pages::{
        lists::{self, Lists},
        pager::Pager,
    },
    refusal::Refusal,
};
use commonroll_core::LocalId;
use commonroll_exchange::UnmatchedPart;

/// A list of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// What hosts ask.
    Questions,
    /// Guests whom nobody has matched.
    Guests,
    /// Learners whom two claim.
    Claims,
    /// Those of whom two have agreed.
    Agreed,
    /// Ids that stand for another child.
    Reused,
    /// Numbers that stand for two.
    Doubles,
    /// Those who have moved.
    Moved,
    /// Placements that the host hasn't accepted.
    ForHost,
    /// Guests whose home has declared no placement.
    ForHome,
    /// Matches.
    Matched,
    /// Questions that were answered with no.
    Declined,
}

impl lists::List for List {
    const ALL: &'static [Self] = &[
        Self::Questions,
        Self::Guests,
        Self::Claims,
        Self::Agreed,
        Self::Reused,
        Self::Doubles,
        Self::Moved,
        Self::ForHost,
        Self::ForHome,
        Self::Matched,
        Self::Declined,
    ];

    fn key(self) -> &'static str {
        self.place()
    }

    fn place(self) -> &'static str {
        match self {
            Self::Questions => "questions",
            Self::Guests => "guests",
            Self::Claims => "claims",
            Self::Agreed => "agreed",
            Self::Reused => "reused",
            Self::Doubles => "doubles",
            Self::Moved => "moved",
            Self::ForHost => "hosts",
            Self::ForHome => "homes",
            Self::Matched => "matched",
            Self::Declined => "declined",
        }
    }

    /// Fewer of what comes with forms than of what is only told.
    fn most(self) -> usize {
        match self {
            Self::Questions | Self::Guests | Self::Claims | Self::Agreed | Self::Reused | Self::Declined => {
                12
            }
            Self::Matched => 25,
            Self::Doubles | Self::Moved | Self::ForHost | Self::ForHome => 40,
        }
    }
}

/// A list, as far as the page shows it.
pub(super) struct Part<T> {
    pub lines: Vec<T>,
    /// How many it has in all.
    pub all: String,
    pub pager: Option<Pager>,
}

/// Where on the page somebody stands: whose matches are looked for, and which page of each list is shown.
pub(super) struct At {
    pub of: Option<LocalId>,
    pub lists: Lists<List>,
}

impl Default for At {
    fn default() -> Self {
        Self { of: None, lists: Lists::of(PATH, &Fields::default()) }
    }
}

impl At {
    /// As an address asks.
    pub fn asked(asked: &Fields) -> Result<Self, Refusal> {
        let (of, path) = match asked.get("of") {
            "" => (None, PATH.to_owned()),
            text => {
                let of: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
                (Some(LocalId::parse("of", text).map_err(Refusal::Field)?), format!("{PATH}?of={of}"))
            }
        };
        Ok(Self { of, lists: Lists::of(path, asked) })
    }

    /// Where a form came from; the beginning if it doesn't say.
    pub fn back(form: &Fields) -> Result<Self, Refusal> {
        let asked = form.get("to").split_once('?').map_or("", |(_, asked)| asked);
        Self::asked(&Fields::read(asked.as_bytes()).unwrap_or_default())
    }

    /// The address of the page as it is shown.
    pub fn address(&self) -> String {
        self.lists.address()
    }

    /// The address of a page about one of the matches, from which one comes back to where one stands.
    pub fn of_match(&self, id: &str) -> String {
        format!("{PATH}/{id}{}", self.address().trim_start_matches(PATH))
    }

    /// What the lists show.
    pub fn part(&self) -> UnmatchedPart {
        let part = |list| self.lists.part(list);
        UnmatchedPart {
            questions: part(List::Questions),
            declined: part(List::Declined),
            guests: part(List::Guests),
            claims: part(List::Claims),
            agreed: part(List::Agreed),
            reused: part(List::Reused),
            doubles: part(List::Doubles),
            moved: part(List::Moved),
            for_host: part(List::ForHost),
            for_home: part(List::ForHome),
            links: part(List::Matched),
        }
    }

    /// A list of so many, with the lines that are shown.
    pub fn list<T>(&self, list: List, all: usize, lines: impl Iterator<Item = T>) -> Part<T> {
        Part { lines: lines.collect(), all: words::number(all as u64), pager: self.lists.pager(list, all) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_back_to_the_pages_from_which_it_came() {
        let to = |to: &str| {
            let sent: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
            let form = Fields::read(format!("to={sent}").as_bytes()).unwrap();
            At::back(&form).map(|at| (at.address(), at.of_match("7f")))
        };
        let there = "/unmatched?of=R+2%26x&guests=3&declined=2";
        let (address, of_match) = to(there).unwrap();
        assert_eq!(address, there);
        assert_eq!(of_match, "/unmatched/7f?of=R+2%26x&guests=3&declined=2");
        for elsewhere in ["", "/unmatched", "https://evil.example/unmatched", "//evil.example?guest=3"] {
            assert_eq!(to(elsewhere).unwrap().0, "/unmatched", "{elsewhere}");
        }
        assert_eq!(to("https://evil.example/?guests=2").unwrap().0, "/unmatched?guests=2");
    }
}
