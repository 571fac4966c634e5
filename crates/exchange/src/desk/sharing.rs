//! Who may see what: what may flow between the asker's institution and each partner today, field by field, and which link
//! is missing where it may not. Nobody's record is looked at.

use super::super::trial::sees;
use crate::{
    Exchange,
    directory::{Directory, Side},
    office::Acting,
    types::NotAllowed,
};
use commonroll_core::{
    LocalId, RecordKind, Role, Slug, Timestamp, agreement::ItemKind, directory::Agreement,
};
use commonroll_policy::{Action, AgreementInForce, CardFacts, OfficeAct, Policy, Question};
use std::collections::{HashMap, HashSet};

/// Which way something goes, seen from the asker's institution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The partner may have it from the asker's institution.
    Given,
    /// The asker's institution may have it from the partner.
    Taken,
}

/// Why a field doesn't flow: the first link that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// One of the two has left the consortium.
    Left,
    /// No agreement in force between the two lists the kind.
    Agreement,
    /// The agreement lists the kind and not this field.
    Listed,
    /// No rule lets it out, whatever an agreement lists.
    Policy,
}

/// One field of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSeen {
    /// Its number.
    pub number: u32,
    /// Its name, as in the policies.
    pub name: &'static str,
    /// Why it doesn't flow; `None`: it does.
    pub gap: Option<Gap>,
}

/// What may flow of one kind, one way.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Which kind.
    pub kind: ItemKind,
    /// Which way.
    pub way: Way,
    /// Every field of the kind.
    pub fields: Vec<FieldSeen>,
    /// The agreement that it rests on.
    pub agreement: Option<Agreement>,
    /// The agreement's hash, by which its page is found.
    pub hash: Option<[u8; 32]>,
    /// When its last party signed.
    pub signed: Option<Timestamp>,
    /// The rules that let it out: id, and what it says. Empty where all kinds are asked for at once.
    pub rules: Vec<(String, String)>,
}

/// A partner, with what may flow.
#[derive(Debug, Clone)]
pub struct PartnerSeen {
    /// Short name.
    pub slug: Slug,
    /// Name.
    pub name: String,
    /// True if it has left the consortium.
    pub left: bool,
    /// How many of the asker's learners are placed there now.
    pub ours_there: u64,
    /// How many of its learners are placed with the asker's institution now.
    pub theirs_here: u64,
    /// What it may have, by kind.
    pub given: Vec<Cell>,
    /// What the asker's institution may have of it, by kind.
    pub taken: Vec<Cell>,
}

/// Everything that may flow between an institution and its partners.
#[derive(Debug, Clone)]
pub struct SharingSeen {
    /// Hash of the policy set in force, in hexadecimal.
    pub policy: String,
    /// The partners, by name.
    pub partners: Vec<PartnerSeen>,
}

/// What somebody in a role sees of a kind where it is received.
#[derive(Debug, Clone)]
pub struct RoleSees {
    /// The role; `None` for the institution's own system.
    pub role: Option<Role>,
    /// Which fields, as bits of their numbers.
    pub groups: u32,
    /// How many people hold the role there; told of the asker's own institution alone.
    pub people: Option<u64>,
}

/// One kind between the asker's institution and one partner, both ways.
#[derive(Debug, Clone)]
pub struct Cells {
    /// The partner, with both cells of the kind and no others.
    pub partner: PartnerSeen,
    /// Who sees what of that which the partner may have.
    pub given_to: Vec<RoleSees>,
    /// Who sees what of that which the asker's institution may have.
    pub taken_by: Vec<RoleSees>,
    /// Hash of the policy set in force, in hexadecimal.
    pub policy: String,
}

/// Every kind that can flow.
const KINDS: [ItemKind; 4] = [
    ItemKind::Card,
    ItemKind::Record(RecordKind::Attendance),
    ItemKind::Record(RecordKind::Assessment),
    ItemKind::Record(RecordKind::Behaviour),
];

impl Exchange {
    /// What may flow between the asker's institution and each partner today. Nobody is named.
    ///
    /// # Errors
    /// [`NotAllowed`], which is counted in the log.
    pub fn who_may_see(&self, acting: Acting<'_>, now: Timestamp) -> Result<SharingSeen, NotAllowed> {
        self.at_desk(acting, OfficeAct::SeeSharing)?;
        let directory = self.shared.directory();
        let policy = directory.policies().set().ok_or(NotAllowed::Denied)?;
        let own = acting.speaker.number;
        let desk = Desk { directory: &directory, policy, own, now, rules: false };
        let placed = desk.placed();
        let mut partners: Vec<PartnerSeen> = (0u16..)
            .zip(directory.institutions())
            .filter(|(number, _)| *number != own)
            .filter_map(|(number, _)| desk.partner(number, &KINDS, &placed))
            .collect();
        partners.sort_by(|a, b| (a.left, &a.name).cmp(&(b.left, &b.name)));
        Ok(SharingSeen { policy: crate::directory::change::hex(&policy.hash()), partners })
    }

    /// The same of one kind and one partner, with the roles that see it.
    ///
    /// # Errors
    /// [`NotAllowed`]: alike for no such partner and for who may not ask.
    pub fn who_may_see_of(
        &self,
        acting: Acting<'_>,
        (partner, kind): (&Slug, ItemKind),
        now: Timestamp,
    ) -> Result<Cells, NotAllowed> {
        self.at_desk(acting, OfficeAct::SeeSharing)?;
        let directory = self.shared.directory();
        let policy = directory.policies().set().ok_or(NotAllowed::Denied)?;
        let own = acting.speaker.number;
        let number =
            directory.number_of(partner).filter(|number| *number != own).ok_or(NotAllowed::Denied)?;
        let desk = Desk { directory: &directory, policy, own, now, rules: true };
        let partner = desk.partner(number, &[kind], &desk.placed()).ok_or(NotAllowed::Denied)?;
        let roles = |recipient: u16, other: u16| {
            // A card goes to the host, a record to the home.
            let (source, home) = if kind == ItemKind::Card { (recipient, other) } else { (other, recipient) };
            let seen = sees(&directory, now, (source, home), kind, recipient);
            let own = recipient == own;
            let told = seen.into_iter().map(|(role, groups, people)| RoleSees {
                role,
                groups,
                people: own.then_some(people),
            });
            told.collect::<Vec<_>>()
        };
        let (given_to, taken_by) = (roles(number, own), roles(own, number));
        Ok(Cells { partner, given_to, taken_by, policy: crate::directory::change::hex(&policy.hash()) })
    }
}

/// What cells are made from.
struct Desk<'a> {
    directory: &'a Directory,
    policy: &'a Policy,
    own: u16,
    now: Timestamp,
    /// Whether the rules behind it are told.
    rules: bool,
}

impl Desk<'_> {
    /// How many learners are placed now, by host and home, of which the asker's institution is one. Read off its own learners
    /// and guests: what partners have between them costs nothing here.
    fn placed(&self) -> HashMap<(u16, u16), u64> {
        let mut all = HashSet::new();
        let own = self.directory.institution(self.own);
        for (id, local) in own.into_iter().flat_map(|state| &state.locals) {
            self.placed_at((self.own, id), &mut all);
            let Some(learner) = local.learner else { continue };
            if self.directory.home_of(learner).is_some_and(|(home, held)| *home == self.own && held == id) {
                let elsewhere = self.directory.known_at(learner).filter(|(host, _)| *host != self.own);
                elsewhere.for_each(|(host, theirs)| self.placed_at((*host, theirs), &mut all));
            }
        }
        let mut counts = HashMap::new();
        all.into_iter().for_each(|(host, home, _)| *counts.entry((host, home)).or_default() += 1);
        counts
    }

    /// Where a host's learner is placed now.
    fn placed_at(&self, (host, id): (u16, &LocalId), all: &mut HashSet<(u16, u16, u32)>) {
        let Some((state, local)) = self.directory.institution(host).zip(self.directory.local(host, id))
        else {
            return;
        };
        let today = self.now.date_in(&state.zone);
        let concerns = |side: &&Side| side.hosting && (host == self.own || side.other == self.own);
        for side in local.sides.iter().filter(concerns) {
            let placed = self.directory.placed(host, id, today, Some(self.now), side.group.as_ref());
            if let (Some(learner), Some(home), true) = (placed.learner, placed.home, placed.in_force) {
                all.insert((host, home, learner));
            }
        }
    }

    fn partner(
        &self,
        number: u16,
        kinds: &[ItemKind],
        placed: &HashMap<(u16, u16), u64>,
    ) -> Option<PartnerSeen> {
        let state = self.directory.institution(number)?;
        let count = |pair: (u16, u16)| placed.get(&pair).copied().unwrap_or(0);
        let cells = |way| kinds.iter().filter_map(|kind| self.cell(number, *kind, way)).collect();
        Some(PartnerSeen {
            slug: state.info.slug.clone(),
            name: state.info.name.clone(),
            left: state.left.is_some(),
            ours_there: count((number, self.own)),
            theirs_here: count((self.own, number)),
            given: cells(Way::Given),
            taken: cells(Way::Taken),
        })
    }

    /// What may flow of a kind between the two, one way, for a learner who is placed.
    fn cell(&self, partner: u16, kind: ItemKind, way: Way) -> Option<Cell> {
        // Records go from host to home, cards from home to host.
        let ours_go = way == Way::Given;
        let own_is_host = ours_go != (kind == ItemKind::Card);
        let (host, home) = if own_is_host { (self.own, partner) } else { (partner, self.own) };
        let today = self.now.date_in(&self.directory.institution(home)?.zone);
        let held = match kind {
            ItemKind::Record(kind) => self.directory.agreement(host, home, kind, today),
            ItemKind::Card => self.directory.card_agreement(host, home, today),
        };
        let agreed =
            held.map(|(terms, groups)| AgreementInForce { id: &terms.id, version: terms.version, groups });
        // Would the rules let it out, if an agreement listed everything?
        let everything = self.any_agreement(host, agreed);
        let flows = self.decided((host, home), kind, agreed);
        let ceiling = self.decided((host, home), kind, Some(everything?));
        let left = self.directory.left(host).or(self.directory.left(home)).is_some();
        let has = |mask: u32, number: u32| number < 32 && mask & 1 << number != 0;
        let gap = |number: u32| match () {
            () if has(flows, number) => None,
            () if !has(ceiling, number) => Some(Gap::Policy),
            () if left => Some(Gap::Left),
            () if agreed.is_none() => Some(Gap::Agreement),
            () => Some(Gap::Listed),
        };
        let fields =
            kind.groups().iter().map(|(number, name)| FieldSeen { number: *number, name, gap: gap(*number) });
        let named = held.and_then(|(terms, _)| self.directory.agreements().named(&terms.id, today));
        Some(Cell {
            kind,
            way,
            fields: fields.collect(),
            agreement: held.map(|(terms, _)| terms.clone()),
            hash: named.map(|signed| signed.hash),
            signed: named.and_then(|signed| signed.since()),
            rules: if self.rules && flows != 0 { self.rules((host, home), kind, agreed) } else { Vec::new() },
        })
    }

    fn any_agreement<'a>(
        &'a self,
        host: u16,
        agreed: Option<AgreementInForce<'a>>,
    ) -> Option<AgreementInForce<'a>> {
        let id = &self.directory.institution(host)?.info.slug;
        Some(AgreementInForce {
            groups: u32::MAX,
            ..agreed.unwrap_or(AgreementInForce { id, version: 0, groups: 0 })
        })
    }

    /// The fields that may flow.
    fn decided(
        &self,
        (host, home): (u16, u16),
        kind: ItemKind,
        agreement: Option<AgreementInForce<'_>>,
    ) -> u32 {
        let asked = self.asked((host, home), kind, agreement);
        let decided = asked.map(|asked| match asked {
            Asked::Card(source, card) => self.policy.decide_card(source, &card).map_or(0, |p| p.groups()),
            Asked::Record(both) => both
                .iter()
                .fold(u32::MAX, |mask, one| mask & self.policy.decide(one).map_or(0, |p| p.groups())),
        });
        decided.unwrap_or(0)
    }

    /// The rules that let it out.
    fn rules(
        &self,
        (host, home): (u16, u16),
        kind: ItemKind,
        agreement: Option<AgreementInForce<'_>>,
    ) -> Vec<(String, String)> {
        let permits = match self.asked((host, home), kind, agreement) {
            Some(Asked::Card(source, card)) => {
                let permit = self.policy.decide_card(source, &card).ok();
                Vec::from_iter(permit.map(|permit| permit.reason().to_owned()))
            }
            Some(Asked::Record(both)) => {
                let permits = both.iter().filter_map(|one| self.policy.decide(one).ok());
                permits.map(|permit| permit.reason().to_owned()).collect()
            }
            None => Vec::new(),
        };
        let says = |id: &str| (id.to_owned(), self.policy.says(id).unwrap_or_default().to_owned());
        permits.iter().flat_map(|reason| reason.split(',')).map(says).collect()
    }

    fn asked<'a>(
        &'a self,
        (host, home): (u16, u16),
        kind: ItemKind,
        agreement: Option<AgreementInForce<'a>>,
    ) -> Option<Asked<'a>> {
        let slug = |number| self.directory.institution(number).map(|state| &state.info.slug);
        let (source, home) = (slug(host)?, slug(home)?);
        let ItemKind::Record(kind) = kind else {
            let card = CardFacts {
                home: Some(home),
                host_placed: true,
                teaches: false,
                own: false,
                access_on: false,
                emergency: false,
                agreement,
            };
            return Some(Asked::Card(source, card));
        };
        let ask = |action| Question {
            action,
            actor: if action == Action::Publish { source } else { home },
            source,
            kind,
            home: Some(home),
            placed: true,
            agreement,
            confidential: false,
        };
        Some(Asked::Record([ask(Action::Publish), ask(Action::Receive)]))
    }
}

/// What the policies are asked about a cell.
enum Asked<'a> {
    /// The card, for its host.
    Card(&'a Slug, CardFacts<'a>),
    /// May it be published, and received?
    Record([Question<'a>; 2]),
}
