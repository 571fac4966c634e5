//! A question in the words of the schema: what the engine makes a request of.
//!
//! Names are real where the question has them, and roles ("(the learner's home)") where it asks "what if".

use crate::{
    facts::HEAD,
    person::{CARD_GROUPS, CardFacts, Matter, OfficeAct, PersonQuestion},
    question::{Action, AgreementInForce, Question},
};
use commonroll_core::{Purpose, RecordKind, Role};

/// What somebody wants to do: the actions of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Act {
    /// An institution publishes or receives a record.
    Institution(Action),
    /// An institution receives a card.
    ReceiveCard,
    /// A person reads a record.
    Read,
    /// A person reads a card.
    ReadCard,
    /// A person does an office act.
    Office(OfficeAct),
}

impl Act {
    /// The action's name in the schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Institution(action) => action.as_str(),
            Self::ReceiveCard => "receive_card",
            Self::Read => "read",
            Self::ReadCard => "read_card",
            Self::Office(act) => act.as_str(),
        }
    }
}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Thing {
    /// A record of a kind.
    Record(RecordKind),
    /// A card.
    Card,
    /// An institution, or the consortium.
    Office,
}

impl Thing {
    /// Its name in plain words, and before the dot of its field groups.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Record(kind) => kind.as_str(),
            Self::Card => "card",
            Self::Office => "office",
        }
    }

    /// Its entity type in the schema.
    pub const fn entity_type(self) -> &'static str {
        match self {
            Self::Record(RecordKind::Attendance) => "Attendance",
            Self::Record(RecordKind::Assessment) => "Assessment",
            Self::Record(RecordKind::Behaviour) => "Behaviour",
            Self::Card => "Card",
            Self::Office => "Office",
        }
    }

    /// Its field groups, the first one included: number and name. An office act has none.
    pub fn groups(self) -> impl Iterator<Item = (u32, &'static str)> + Clone {
        let (head, more): (&[_], &[_]) = match self {
            Self::Record(kind) => (&[(HEAD, "head")], kind.groups()),
            Self::Card => (&[], CARD_GROUPS),
            Self::Office => (&[], &[]),
        };
        head.iter().chain(more).copied()
    }
}

/// Every act with every thing that it can be about: the schema's environments.
pub(crate) fn environments() -> impl Iterator<Item = (Act, Thing)> {
    let records = [Act::Institution(Action::Publish), Act::Institution(Action::Receive), Act::Read];
    let records = records.into_iter().flat_map(|act| RecordKind::ALL.map(|kind| (act, Thing::Record(kind))));
    let cards = [(Act::ReceiveCard, Thing::Card), (Act::ReadCard, Thing::Card)];
    records.chain(cards).chain(OfficeAct::ALL.map(|act| (Act::Office(act), Thing::Office)))
}

/// A person's side of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Person {
    pub role: Role,
    pub purpose: Purpose,
    pub teaches: bool,
    pub own: bool,
    pub access_on: bool,
    pub emergency: bool,
    pub second: bool,
}

impl Person {
    /// A person of whom nothing holds yet.
    pub const fn new(role: Role, purpose: Purpose) -> Self {
        Self { role, purpose, teaches: false, own: false, access_on: false, emergency: false, second: false }
    }
}

/// A question in the words of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scene<'a> {
    pub act: Act,
    pub thing: Thing,
    /// The institution that asks, or whose person asks.
    pub actor: &'a str,
    /// The person, if it isn't the institution itself.
    pub person: Option<Person>,
    /// Who made the record.
    pub source: &'a str,
    /// The learner's home; for an office act, whom it concerns.
    pub home: Option<&'a str>,
    /// A record's placement, or a card's placement here.
    pub placed: bool,
    pub confidential: bool,
    /// Name, and the group numbers that it lists.
    pub agreement: Option<(String, u32)>,
}

impl<'a> Scene<'a> {
    /// The scene that an institution's question describes.
    pub fn of(question: &Question<'a>) -> Self {
        Self {
            act: Act::Institution(question.action),
            thing: Thing::Record(question.kind),
            actor: question.actor.as_str(),
            person: None,
            source: question.source.as_str(),
            home: question.home.map(|home| home.as_str()),
            placed: question.placed,
            confidential: question.confidential,
            agreement: question.agreement.map(named),
        }
    }

    /// The scene of an institution that would be handed a card.
    pub fn of_card(recipient: &'a str, card: &CardFacts<'a>) -> Self {
        Self {
            act: Act::ReceiveCard,
            thing: Thing::Card,
            actor: recipient,
            person: None,
            source: recipient,
            home: card.home.map(|home| home.as_str()),
            placed: card.host_placed,
            confidential: false,
            agreement: card.agreement.map(named),
        }
    }

    /// The scene that a person's question describes.
    pub fn of_person(question: &PersonQuestion<'a>) -> Self {
        let actor = question.institution.as_str();
        let person = Person::new(question.role, question.purpose);
        match &question.matter {
            Matter::Record(r) => Self {
                act: Act::Read,
                thing: Thing::Record(r.kind),
                actor,
                person: Some(Person {
                    teaches: r.teaches,
                    own: r.own,
                    access_on: r.access_on,
                    emergency: r.emergency,
                    ..person
                }),
                source: r.source.as_str(),
                home: r.home.map(|home| home.as_str()),
                placed: r.placed,
                confidential: r.confidential,
                agreement: r.agreement.map(named),
            },
            Matter::Card(c) => Self {
                act: Act::ReadCard,
                person: Some(Person {
                    teaches: c.teaches,
                    own: c.own,
                    access_on: c.access_on,
                    emergency: c.emergency,
                    ..person
                }),
                ..Self::of_card(actor, c)
            },
            Matter::Office(o) => Self {
                act: Act::Office(o.act),
                thing: Thing::Office,
                actor,
                person: Some(Person { second: o.second, ..person }),
                source: actor,
                home: o.of.map(|of| of.as_str()),
                placed: false,
                confidential: false,
                agreement: None,
            },
        }
    }
}

fn named(agreement: AgreementInForce<'_>) -> (String, u32) {
    (format!("{}/{}", agreement.id, agreement.version), agreement.groups)
}
