//! What a situation is made of: for each act about each thing, the facts that can differ and the values they can have.
//!
//! The first value of each is the usual one, so that the situations told as examples are ordinary ones.

use crate::{
    facts::HEAD,
    question::Action,
    scene::{Act, Person, Scene, Thing},
    situation::{Standing, Whose},
};
use commonroll_core::{Purpose, Role};

/// One fact of a situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Variable {
    Standing,
    Whose,
    Role,
    Purpose,
    Placed,
    Confidential,
    Agreement,
    Teaches,
    Own,
    Access,
    Emergency,
    Second,
    /// The field group in question. Not a part of the situation: each is asked about.
    Group,
}

/// An act about a thing, with what can differ in it.
#[derive(Debug, Clone)]
pub(super) struct Environment {
    pub act: Act,
    pub thing: Thing,
    /// Without the group, in the order in which they are walked: what decides most comes first.
    pub variables: Vec<Variable>,
    /// Numbers of the field groups; `None` alone for an office act.
    pub groups: Vec<Option<u32>>,
}

impl Environment {
    pub fn new(act: Act, thing: Thing) -> Self {
        use Variable::*;
        let people = [Role, Purpose];
        let variables = match (act, thing) {
            (Act::Institution(_), _) => vec![Standing, Placed, Confidential, Agreement],
            (Act::ReceiveCard, _) => vec![Whose, Placed, Agreement],
            (Act::Office(_), _) => [&people[..], &[Whose, Second]].concat(),
            (Act::Read | Act::ReadCard, Thing::Card) => {
                [&[Whose], &people[..], &[Placed, Teaches, Own, Access, Emergency, Agreement]].concat()
            }
            (Act::Read | Act::ReadCard, _) => {
                let more = [Placed, Confidential, Teaches, Own, Access, Emergency, Agreement];
                [&[Standing], &people[..], &more].concat()
            }
        };
        let groups: Vec<_> = thing.groups().map(|(number, _)| Some(number)).collect();
        Self { act, thing, variables, groups: if groups.is_empty() { vec![None] } else { groups } }
    }

    /// How many values a fact can have here.
    pub fn values(&self, variable: Variable) -> usize {
        match variable {
            Variable::Standing => Standing::ALL.len(),
            Variable::Whose => Whose::ALL.len(),
            Variable::Role => Role::ALL.len(),
            Variable::Purpose => Purpose::ALL.len(),
            Variable::Agreement => 1 + (1 << (self.groups.len() - 1)),
            Variable::Group => self.groups.len(),
            Variable::Placed
            | Variable::Confidential
            | Variable::Teaches
            | Variable::Own
            | Variable::Access
            | Variable::Emergency
            | Variable::Second => 2,
        }
    }

    /// How many situations there are from this place in the order of variables on.
    pub fn situations(&self, from: usize) -> u64 {
        self.variables[from..].iter().map(|variable| self.values(*variable) as u64).product()
    }

    /// The scene with these values; what isn't named has its usual value. And the group in question.
    pub fn scene(&self, values: &[(Variable, usize)]) -> (Scene<'static>, Option<u32>) {
        let at = |variable| values.iter().find(|(v, _)| *v == variable).map_or(0, |(_, value)| *value);
        // The usual value of a flag is that it is set, save for confidential.
        let flag = |variable| at(variable) == 0;
        let person = Person {
            role: Role::ALL[at(Variable::Role)],
            purpose: Purpose::ALL[at(Variable::Purpose)],
            teaches: flag(Variable::Teaches),
            own: flag(Variable::Own),
            access_on: flag(Variable::Access),
            emergency: flag(Variable::Emergency),
            second: flag(Variable::Second),
        };
        let institution = matches!(self.act, Act::Institution(_) | Act::ReceiveCard);
        let (source, home) = match self.thing {
            Thing::Record(_) => places(STANDINGS[at(Variable::Standing)]),
            Thing::Card | Thing::Office => ("asker", whose(WHOSE[at(Variable::Whose)])),
        };
        let agreement = self.listed(at(Variable::Agreement)).map(|groups| ("agreed/1".to_owned(), groups));
        let scene = Scene {
            act: self.act,
            thing: self.thing,
            actor: "asker",
            person: (!institution).then_some(person),
            source,
            home,
            placed: flag(Variable::Placed),
            confidential: !flag(Variable::Confidential),
            agreement: agreement.filter(|_| self.thing != Thing::Office),
        };
        (scene, self.groups[at(Variable::Group)])
    }

    /// The groups that an agreement lists; `None` for no agreement, which is the last value.
    fn listed(&self, value: usize) -> Option<u32> {
        let subsets = 1usize << (self.groups.len() - 1);
        // The usual agreement, value 0, lists everything.
        let subset = subsets.checked_sub(1 + value)?;
        let numbers = self.groups.iter().flatten().skip(1).enumerate();
        Some(
            numbers
                .filter(|(at, _)| subset >> at & 1 == 1)
                .fold(1 << HEAD, |set, (_, number)| set | 1 << number),
        )
    }

    /// A value in plain words.
    pub fn words(&self, variable: Variable, value: usize) -> String {
        let flag = |yes: &str, no: &str| if value == 0 { yes.to_owned() } else { no.to_owned() };
        let confidential = "not confidential";
        match variable {
            Variable::Standing => standing_words(STANDINGS[value]).to_owned(),
            Variable::Whose => self.whose_words(WHOSE[value]).to_owned(),
            Variable::Role => format!("in the role of {}", Role::ALL[value].as_str().replace('_', " ")),
            Variable::Purpose => format!("for {}", Purpose::ALL[value]),
            Variable::Placed => flag("placed", "not placed"),
            Variable::Confidential => flag(confidential, "confidential"),
            Variable::Agreement => self.agreement_words(value),
            Variable::Teaches => flag("teaches the learner", "doesn't teach the learner"),
            Variable::Own => flag("about oneself or one's child", "about somebody else"),
            Variable::Access => {
                flag("home lets learners and parents in", "home doesn't let learners and parents in")
            }
            Variable::Emergency => flag("an emergency access is open", "no emergency access is open"),
            Variable::Second => flag("somebody else proposed it", "nobody else proposed it"),
            Variable::Group => self.group_name(value).to_owned(),
        }
    }

    /// A field group's name, by its place.
    pub fn group_name(&self, place: usize) -> &'static str {
        self.thing.groups().nth(place).map_or("", |(_, name)| name)
    }

    fn agreement_words(&self, value: usize) -> String {
        let Some(listed) = self.listed(value) else { return "no agreement".to_owned() };
        let names = self.thing.groups().skip(1).filter(|(number, _)| listed >> number & 1 == 1);
        match names.map(|(_, name)| name).collect::<Vec<_>>().join(", ") {
            names if names.is_empty() => "an agreement lists none of its parts".to_owned(),
            names => format!("an agreement lists {names}"),
        }
    }

    fn whose_words(&self, whose: Whose) -> &'static str {
        match (self.thing, whose) {
            (Thing::Office, Whose::Own) => "for the own institution",
            (Thing::Office, Whose::Others) => "for another institution",
            (Thing::Office, Whose::Nobodys) => "for the consortium",
            (_, Whose::Own) => "at the learner's home",
            (_, Whose::Others) => "at an institution that is not the learner's home",
            (_, Whose::Nobodys) => "while the learner's home is not known or not settled",
        }
    }

    /// What it is about, in plain words.
    pub fn title(&self) -> String {
        let thing = self.thing.as_str();
        match self.act {
            Act::Institution(Action::Publish) => format!("an institution publishes {thing}"),
            Act::Institution(Action::Receive) => format!("an institution receives {thing}"),
            Act::ReceiveCard => "an institution is handed a card".to_owned(),
            Act::Read => format!("a person reads {thing}"),
            Act::ReadCard => "a person reads a card".to_owned(),
            Act::Office(act) => format!("a person does {act}"),
        }
    }
}

/// The most usual first.
const STANDINGS: [Standing; 7] = [
    Standing::OtherHome,
    Standing::MadeForOther,
    Standing::MadeAndHome,
    Standing::Outsider,
    Standing::OtherAtHome,
    Standing::OtherUnknown,
    Standing::MadeUnknown,
];
const WHOSE: [Whose; 3] = [Whose::Own, Whose::Others, Whose::Nobodys];

/// Who made the record, and who is home.
const fn places(standing: Standing) -> (&'static str, Option<&'static str>) {
    match standing {
        Standing::MadeUnknown => ("asker", None),
        Standing::MadeAndHome => ("asker", Some("asker")),
        Standing::MadeForOther => ("asker", Some("other")),
        Standing::OtherUnknown => ("other", None),
        Standing::OtherHome => ("other", Some("asker")),
        Standing::OtherAtHome => ("other", Some("other")),
        Standing::Outsider => ("other", Some("third")),
    }
}

const fn whose(whose: Whose) -> Option<&'static str> {
    match whose {
        Whose::Nobodys => None,
        Whose::Own => Some("asker"),
        Whose::Others => Some("other"),
    }
}

const fn standing_words(standing: Standing) -> &'static str {
    match standing {
        Standing::MadeUnknown => "at the host that made it, while the home is not known or not settled",
        Standing::MadeAndHome => "at the learner's home, which made it",
        Standing::MadeForOther => "at the host that made it",
        Standing::OtherUnknown => "elsewhere, while the home is not known or not settled",
        Standing::OtherHome => "at the learner's home, made by a partner",
        Standing::OtherAtHome => "at another institution, made by the learner's home",
        Standing::Outsider => "at a third institution, neither home nor the host that made it",
    }
}
