//! The facts that a person's question, or a question about a card, depends on, without any name: the memo's key.
//!
//! As [`crate::facts`] does for institutions: policies see only relations, so every situation there is has a number
//! below [`Situation::COUNT`], and is judged once.

use crate::{
    facts::{has, place},
    person::{CARD_GROUPS, CardFacts, Matter, OfficeAct, PersonQuestion},
    question::AgreementInForce,
};
use commonroll_core::{Purpose, RecordKind, Role, Slug};

/// How the learner's home, or the institution that an act concerns, stands to the one who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    /// Not known, contested, or the consortium's.
    Nobodys,
    /// The asker's own institution's.
    Own,
    /// Another institution's.
    Others,
}

/// Who made a record and who is home, told by how they stand to the one who asks. There are no more ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Standing {
    /// The asker made it; the home is not known.
    MadeUnknown,
    /// The asker made it and is home.
    MadeAndHome,
    /// The asker made it; another is home.
    MadeForOther,
    /// Another made it; the home is not known.
    OtherUnknown,
    /// Another made it; the asker is home.
    OtherHome,
    /// Another made it and is home itself.
    OtherAtHome,
    /// Another made it, and a third is home.
    Outsider,
}

impl Standing {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::MadeUnknown,
        Self::MadeAndHome,
        Self::MadeForOther,
        Self::OtherUnknown,
        Self::OtherHome,
        Self::OtherAtHome,
        Self::Outsider,
    ];

    fn of(asker: &Slug, source: &Slug, home: Option<&Slug>) -> Self {
        match (asker == source, home) {
            (true, None) => Self::MadeUnknown,
            (true, Some(home)) if home == asker => Self::MadeAndHome,
            (true, Some(_)) => Self::MadeForOther,
            (false, None) => Self::OtherUnknown,
            (false, Some(home)) if home == asker => Self::OtherHome,
            (false, Some(home)) if home == source => Self::OtherAtHome,
            (false, Some(_)) => Self::Outsider,
        }
    }
}

impl Whose {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Nobodys, Self::Own, Self::Others];

    fn of(asker: &Slug, whose: Option<&Slug>) -> Self {
        match whose {
            None => Self::Nobodys,
            Some(whose) if whose == asker => Self::Own,
            Some(_) => Self::Others,
        }
    }
}

/// Agreements of a record's kind: none, or one that lists any subset of at most four groups.
const RECORD_AGREEMENTS: usize = 1 + (1 << 4);
/// The same for a card, whose first part every agreement about cards lists.
const CARD_AGREEMENTS: usize = 1 + (1 << (CARD_GROUPS.len() - 1));
/// Roles with purposes.
const HATS: usize = Role::ALL.len() * Purpose::ALL.len();
/// Teaches, own, access on, emergency.
const FLAGS: usize = 16;
const RECORDS: usize = HATS * RecordKind::ALL.len() * Standing::ALL.len() * 2 * 2 * FLAGS * RECORD_AGREEMENTS;
const CARDS: usize = HATS * Whose::ALL.len() * 2 * FLAGS * CARD_AGREEMENTS;
const OFFICES: usize = HATS * OfficeAct::ALL.len() * Whose::ALL.len() * 2;
const RECEIVED_CARDS: usize = Whose::ALL.len() * 2 * CARD_AGREEMENTS;

/// A situation's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Situation(usize);

impl Situation {
    /// How many there are, which bounds the memo.
    pub const COUNT: usize = RECORDS + CARDS + OFFICES + RECEIVED_CARDS;

    /// The situation of a person's question.
    #[inline]
    pub fn of(question: &PersonQuestion<'_>) -> Self {
        let asker = question.institution;
        let hat = question.role as usize * Purpose::ALL.len() + question.purpose as usize;
        Self(match &question.matter {
            Matter::Record(r) => {
                let mut at = hat * RecordKind::ALL.len() + place(r.kind);
                at = at * Standing::ALL.len() + Standing::of(asker, r.source, r.home) as usize;
                at = (at * 2 + usize::from(r.placed)) * 2 + usize::from(r.confidential);
                at = at * FLAGS + flags([r.teaches, r.own, r.access_on, r.emergency]);
                at * RECORD_AGREEMENTS + listing(r.kind.groups(), r.agreement)
            }
            Matter::Card(c) => {
                let mut at = (hat * Whose::ALL.len() + Whose::of(asker, c.home) as usize) * 2;
                at = (at + usize::from(c.host_placed)) * FLAGS;
                at += flags([c.teaches, c.own, c.access_on, c.emergency]);
                RECORDS + at * CARD_AGREEMENTS + listing(&CARD_GROUPS[1..], c.agreement)
            }
            Matter::Office(o) => {
                let at = hat * OfficeAct::ALL.len() + o.act as usize;
                let at = (at * Whose::ALL.len() + Whose::of(asker, o.of) as usize) * 2;
                RECORDS + CARDS + at + usize::from(o.second)
            }
        })
    }

    /// The situation of an institution that would be handed a card.
    #[inline]
    pub fn of_card(recipient: &Slug, card: &CardFacts<'_>) -> Self {
        let at = Whose::of(recipient, card.home) as usize * 2 + usize::from(card.host_placed);
        let at = at * CARD_AGREEMENTS + listing(&CARD_GROUPS[1..], card.agreement);
        Self(RECORDS + CARDS + OFFICES + at)
    }

    /// Its number, below [`Situation::COUNT`].
    pub const fn index(self) -> usize {
        self.0
    }
}

fn flags(flags: [bool; 4]) -> usize {
    flags.into_iter().fold(0, |all, flag| all * 2 + usize::from(flag))
}

/// 0 for no agreement, or 1 and the listed groups, packed in their order.
fn listing(groups: &[(u32, &str)], agreement: Option<AgreementInForce<'_>>) -> usize {
    agreement.map_or(0, |agreement| {
        let packed =
            |(at, (number, _)): (usize, &(u32, &str))| usize::from(has(agreement.groups, *number)) << at;
        1 + groups.iter().enumerate().map(packed).sum::<usize>()
    })
}
