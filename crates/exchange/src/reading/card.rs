//! A learner's card as the hub can say it: who is home, where the learner is placed now, where they were seen today, and
//! what the home wrote for sharing.
//!
//! Where the home wrote nothing of needs or of emergencies, it says which of them the caller may ask the home for.

use super::{CardSeen, Judge, Loaded, PlacementSeen, PresenceSeen};
use crate::{
    decide::{self, Subject},
    directory::{Directory, stands::Stands},
    types::GroupState,
};
use commonroll_core::{RecordKind, Role, Timestamp, agreement::ItemKind, record::Text};
use commonroll_policy::{AgreementInForce, CARD_GROUPS, CardFacts, Denied, Matter, PersonPermit};

/// Number of the part that says where the learner was seen today.
pub(crate) const PRESENCE: u32 = 4;
/// Number of the part that says who the learner is.
pub(crate) const IDENTITY: u32 = 1;
/// Number of the part that says whom to call.
const CONTACT: u32 = 2;
/// Number of the part that says what the learner needs.
const NEEDS: u32 = 3;
/// The presence field group of an attendance record.
const MARK: u32 = 2;

/// Parts of the card that were handed out, as bits: what the home keeps was not.
pub(super) fn handed_out(card: &CardSeen) -> u32 {
    let kept = CARD_GROUPS.iter().filter(|(_, name)| card.not_held.contains(name));
    kept.fold(card.groups, |groups, (number, _)| groups & !(1 << number))
}

/// What a decision about the card of a learner is made from, for somebody who stands to them so, in a role.
pub(crate) fn facts_of<'d>(directory: &'d Directory, role: Role, stands: &Stands) -> CardFacts<'d> {
    let slug = |number: u16| directory.institution(number).map(|state| &state.info.slug);
    let agreement = stands
        .home
        .and_then(|home| directory.seen_by((stands.institution, home), ItemKind::Card, role, stands.today));
    CardFacts {
        home: stands.home.and_then(slug),
        host_placed: stands.placed_here,
        teaches: !stands.teaches.is_empty(),
        own: stands.own,
        access_on: stands.access_on,
        emergency: stands.emergency,
        agreement: agreement.map(|(terms, groups)| AgreementInForce {
            id: &terms.id,
            version: terms.version,
            groups,
        }),
    }
}

impl Judge<'_> {
    /// What a decision about the card is made from.
    pub fn card_facts(&self) -> CardFacts<'_> {
        facts_of(self.directory, self.acting.role, &self.stands)
    }

    /// Whether the card may be seen, and which parts.
    pub fn card(&self) -> Result<PersonPermit, Option<Denied>> {
        self.policy.decide_person(&self.question(Matter::Card(self.card_facts()))).map_err(Some)
    }

    /// The card, as far as a permit goes.
    pub fn show_card(&self, loaded: &[Loaded], permit: &PersonPermit, now: Timestamp) -> CardSeen {
        let stands = &self.stands;
        let home = stands.home.and_then(|home| self.directory.institution(home));
        let support = self.directory.support(stands.learner).filter(|s| stands.today <= s.last_date);
        let said = |part: u32, text: Option<&Text>| {
            let text = text.filter(|text| permit.lets_out(part) && !text.is_empty());
            text.map(|text| text.as_str().to_owned())
        };
        let needs = said(NEEDS, support.map(|support| &support.needs));
        let emergency = said(CONTACT, support.map(|support| &support.emergency));
        let lacks = |number: u32| match number {
            CONTACT => emergency.is_none(),
            NEEDS => needs.is_none(),
            _ => false,
        };
        let not_held: Vec<&str> = CARD_GROUPS
            .iter()
            .filter(|(number, _)| permit.lets_out(*number) && lacks(*number))
            .map(|(_, name)| *name)
            .collect();
        CardSeen {
            groups: permit.groups(),
            home: home.map(|state| (state.info.slug.clone(), state.info.name.clone())),
            learner: stands.local.clone(),
            placements: self.placements(now),
            presence: permit.lets_out(PRESENCE).then(|| self.presence(loaded, permit, now)),
            needs,
            emergency,
            not_held,
            reason: permit.reason().to_owned(),
            agreement: permit.agreement().map(|(id, version)| format!("{id} v{version}")),
        }
    }

    /// Placements in force now: for the home all of them, for a host its own.
    fn placements(&self, now: Timestamp) -> Vec<PlacementSeen> {
        let stands = &self.stands;
        let known = self.directory.known_at(stands.learner);
        let hosts = known.filter(|(number, _)| stands.is_home() || *number == stands.institution);
        let mut seen = Vec::new();
        for (number, id) in hosts {
            let held = self.directory.institution(*number).zip(self.directory.local(*number, id));
            let Some((state, local)) = held else { continue };
            let in_force = local.sides.iter().filter(|side| {
                let group = side.group.as_ref();
                side.hosting && self.directory.placed(*number, id, stands.today, Some(now), group).in_force
            });
            seen.extend(in_force.map(|side| PlacementSeen {
                host: state.info.slug.clone(),
                group: side.group.clone(),
                dates: side.dates,
            }));
        }
        seen.sort_by(|a, b| (&a.host, &a.group).cmp(&(&b.host, &b.group)));
        seen
    }

    /// Where the learner was seen today: whether they were there, of each mark that may go to the home now, and nothing
    /// else of it.
    fn presence(&self, loaded: &[Loaded], permit: &PersonPermit, now: Timestamp) -> Vec<PresenceSeen> {
        let stands = &self.stands;
        debug_assert!(permit.lets_out(PRESENCE));
        let (Some(home), Some(_)) = (stands.home, permit.lets_out(PRESENCE).then_some(())) else {
            return Vec::new();
        };
        let today = loaded.iter().filter(|one| {
            one.entry.kind == RecordKind::Attendance
                && one.date == stands.today
                && one.newest
                && !one.entry.withdrawn
                && !self.directory.copies().is_hidden(one.entry.id, one.entry.revision)
        });
        let mark = |one: &Loaded| {
            let record = one.payload.as_ref()?;
            let subject = Subject {
                source: one.entry.source,
                kind: one.entry.kind,
                confidential: one.entry.confidential,
                corrects: one.entry.corrects(),
                circumstances: &record.circumstances,
            };
            let placed = decide::place(self.directory, &subject);
            let (to_home, _) = decide::leave(self.directory, &subject, placed, home, now).ok()?;
            if placed.learner != Some(stands.learner) || !to_home.lets_out(MARK) {
                return None;
            }
            let group = record.groups.iter().find(|group| group.number == MARK)?;
            let GroupState::Open { content, .. } = &group.state else { return None };
            Some(PresenceSeen {
                source: self.slug(one.entry.source)?.clone(),
                content: content.clone(),
                accepted_at: one.entry.accepted_at,
            })
        };
        today.filter_map(mark).collect()
    }
}
