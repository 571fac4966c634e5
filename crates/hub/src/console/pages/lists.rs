//! Several lists of one page, each in pages of its own: which page of each is shown, and the ways to the others. A page keeps
//! its address while it is live, and after a form: what comes anew is the same part of it.

use super::{
    super::fields::Fields,
    pager::{Pager, pages},
};
use commonroll_exchange::Stretch;

/// A list of a page.
pub(super) trait List: Copy + Eq + 'static {
    /// Every list of the page.
    const ALL: &'static [Self];

    /// What the number of its page is called in an address.
    fn key(self) -> &'static str;

    /// The part of the page that it stands in.
    fn place(self) -> &'static str;

    /// How many come to a page: all lists together, with long names and words, are no more than a page may weigh.
    fn most(self) -> usize;
}

/// A page's address, with the page of each of its lists, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lists<L> {
    /// The address without them; it may ask for something else already.
    path: String,
    /// Those that stand on a later page than the first.
    later: Vec<(L, usize)>,
}

impl<L: List> Lists<L> {
    /// As an address asks; what is no page is the first.
    pub fn of(path: impl Into<String>, asked: &Fields) -> Self {
        let turn = |list: &L| Some((*list, asked.get(list.key()).parse().ok().filter(|page| *page > 1)?));
        Self { path: path.into(), later: L::ALL.iter().filter_map(turn).collect() }
    }

    /// What is shown of a list.
    pub fn part(&self, list: L) -> Stretch {
        ((self.turn(list) - 1).saturating_mul(list.most()), list.most())
    }

    /// The address of the page as it is shown.
    pub fn address(&self) -> String {
        let mut to = self.path.clone();
        for (list, page) in &self.later {
            let and = if to.contains('?') { '&' } else { '?' };
            to.push_str(&format!("{and}{}={page}", list.key()));
        }
        to
    }

    /// The ways on in a list of so many.
    pub fn pager(&self, list: L, all: usize) -> Option<Pager> {
        let to = |page: usize| format!("{}#{}", self.at(list, page).address(), list.place());
        pages(all, list.most(), &self.turn(list).to_string(), to).0
    }

    /// The address of a place of a list, where something of this name stands.
    pub fn to(&self, list: L, place: usize, name: &str) -> String {
        format!("{}#{}-{name}", self.turned_to(list, place).address(), list.place())
    }

    /// The same with the page of one list on which this place stands.
    pub fn turned_to(&self, list: L, place: usize) -> Self {
        self.at(list, place / list.most() + 1)
    }

    fn turn(&self, list: L) -> usize {
        self.later.iter().find_map(|(one, turn)| (*one == list).then_some(*turn)).unwrap_or(1)
    }

    /// The same with another page of one list.
    fn at(&self, list: L, page: usize) -> Self {
        let turn = |one: &L| (*one, if *one == list { page } else { self.turn(*one) });
        let later = L::ALL.iter().map(turn).filter(|(_, page)| *page > 1).collect();
        Self { path: self.path.clone(), later }
    }
}
