//! The directory: institutions, agents, learners, placements and agreements, as the log's entries have made them.
//!
//! It is kept in memory and altered only by [`Directory::apply`]. It answers what is so; what a new declaration leads
//! to is planned in `plan`, and who may have what is decided by policy.

pub mod agreements;
pub mod alerts;
pub mod approvals;
mod bytes;
pub mod change;
pub mod codes;
pub mod conventions;
pub mod copies;
pub mod doubts;
pub mod duties;
pub mod expected;
pub mod exports;
pub mod matches;
pub mod messages;
pub mod people;
pub mod plan;
mod plan_expected;
pub mod policies;
pub mod sending;
pub mod sources;
pub mod stands;
pub mod tokens;
pub mod unlocks;
pub mod warnings;
pub mod watches;

use crate::types::{AgentId, NotAllowed, Overview, SigningKeyInfo, Speaker};
use agreements::Agreements;
use alerts::Alerts;
use change::{Change, Emergency, Invited};
use codes::Codes;
use commonroll_core::{
    LocalId, PersonId, RecordId, RecordKind, Role, SchoolDate, Slug, Timestamp,
    agreement::ItemKind,
    directory::{Agreement, DateRange, Institution, Registration},
};
use conventions::Conventions;
use copies::{Copies, Notice};
use doubts::{Doubt, Doubts};
use duties::Duties;
use expected::{Called, Expected, NoticeHeld, Support};
use exports::Exports;
use jiff::tz::TimeZone;
use matches::Matches;
use messages::Messages;
pub use people::Person;
use policies::Policies;
use sending::Sendings;
use std::collections::{BTreeMap, HashMap};
use tokens::{Token, Tokens};
use warnings::Warnings;
use watches::Watches;

/// Everything that decisions are made from.
#[derive(Clone, Default)]
pub struct Directory {
    /// Grows with every change that can alter a decision.
    pub version: u64,
    institutions: Vec<InstitutionState>,
    by_slug: HashMap<Slug, u16>,
    agreements: Agreements,
    policies: Policies,
    agents: HashMap<AgentId, Agent>,
    people: HashMap<PersonId, Person>,
    /// Whose the accounts at institutions' sign-ins are.
    accounts: HashMap<[u8; 32], PersonId>,
    invitations: HashMap<[u8; 32], Invitation>,
    homes: HashMap<u32, (u16, LocalId)>,
    doubts: Doubts,
    by_number_token: HashMap<Token, Vec<(u16, LocalId)>>,
    by_birth: HashMap<Token, Vec<(u16, LocalId)>>,
    next_learner: u32,
    copies: Copies,
    /// Emergency accesses, by their ids.
    emergencies: BTreeMap<[u8; 16], Emergency>,
    /// Those that concern each institution: opened there, or about its learners.
    concerned: HashMap<u16, Vec<[u8; 16]>>,
    /// Those of each person that were still open when the person opened their last.
    opened_by: HashMap<PersonId, Vec<[u8; 16]>>,
    duties: Duties,
    expected: Expected,
    alerts: Alerts,
    sendings: Sendings,
    messages: Messages,
    codes: Codes,
    watches: Watches,
    conventions: Conventions,
    sources: sources::Sources,
    unlocks: unlocks::Unlocks,
    exports: Exports,
    matches: Matches,
    warnings: Warnings,
}

/// A partner and what it has declared.
#[derive(Clone)]
pub struct InstitutionState {
    /// Its own description.
    pub info: Institution,
    /// Its time zone.
    pub zone: TimeZone,
    /// Learners by its own ids.
    pub locals: HashMap<LocalId, Local>,
    /// Teaching groups by its own codes.
    pub groups: HashMap<LocalId, (String, String)>,
    /// Codes of the groups that each member of staff teaches, by the institution's own ids.
    pub staff: HashMap<LocalId, Vec<LocalId>>,
    /// True once it lets its learners and their parents see the learner's own record.
    pub access: bool,
    /// The number that its next batch must carry.
    pub next_batch: u64,
    /// How far it has acknowledged its feed; counted from 1.
    pub cursor: u64,
    /// When it left the consortium.
    pub left: Option<Timestamp>,
}

/// A learner as one institution knows them.
#[derive(Clone)]
pub struct Local {
    /// How the learner stands there.
    pub registration: Registration,
    /// The learner, once matched.
    pub learner: Option<u32>,
    /// True if another institution claimed the learner before.
    pub contested: bool,
    /// True if a person approved the link; it is then not re-matched.
    pub approved: bool,
    /// Since when a guest has been believed to be that learner.
    pub since: Option<Timestamp>,
    /// Whom this was believed to be before.
    pub was: Vec<u32>,
    /// Evidence.
    pub tokens: Tokens,
    /// This institution's sides of placements.
    pub sides: Vec<Side>,
    /// How this institution calls them.
    pub called: Option<Called>,
    /// What this institution told in advance about them.
    pub notices: Vec<NoticeHeld>,
    /// What they need elsewhere, if this institution is their home and wrote it.
    pub support: Option<Box<Support>>,
    /// That the id of a learner of its own stands for another child all at once, and nobody has said which it is.
    pub doubt: Option<Box<Doubt>>,
}

/// One side's word on a placement.
#[derive(Clone, PartialEq)]
pub struct Side {
    /// The other institution.
    pub other: u16,
    /// The host's group; `None` for every group.
    pub group: Option<LocalId>,
    /// True if the speaker is the host.
    pub hosting: bool,
    /// When.
    pub dates: DateRange,
    /// First instant that is no longer covered, if the speaker ended it.
    pub ended: Option<Timestamp>,
}

/// An enrolled agent.
#[derive(Clone)]
pub struct Agent {
    /// For whom it speaks.
    pub institution: u16,
    /// Its signing key.
    pub key: [u8; 32],
    /// When it joined.
    pub enrolled: Timestamp,
    /// When it last joined or renewed.
    pub used: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// An invitation that was issued.
#[derive(Clone)]
pub struct Invitation {
    /// For whom.
    pub institution: Slug,
    /// Until when.
    pub expires: Timestamp,
    /// True once used.
    pub used: bool,
    /// The person whom it is for; `None` for an agent.
    pub person: Option<Invited>,
}

/// Where a source's learner stands: who it is, who is home, and whether the two have placed the learner there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Placed {
    /// The learner, if matched.
    pub learner: Option<u32>,
    /// The uncontested home, if there is one.
    pub home: Option<u16>,
    /// True if a placement that both declared and accepted covers the moment and the group.
    pub in_force: bool,
}

impl Directory {
    /// Makes it so. Never fails: a change that names an unknown institution is left alone.
    pub fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::Institution { number, institution } => self.put_institution(number, institution),
            Change::Agreement { agreement } => self.agreements.put_unsigned(agreement),
            Change::AgreementSigned { hash, text, standing, signatures, ended, proposed_by } => {
                self.agreements.put((hash.0, &text), standing, signatures, ended, proposed_by);
            }
            Change::Invitation { hash, institution, expires, used, person } => {
                self.invitations.insert(hash.0, Invitation { institution, expires, used, person });
                return;
            }
            Change::Agent { agent, institution, key, enrolled, used, revoked } => {
                if let Some(&institution) = self.by_slug.get(&institution) {
                    self.agents.insert(agent.0, Agent { institution, key: key.0, enrolled, used, revoked });
                }
            }
            Change::Learner {
                institution,
                local,
                registration,
                learner,
                contested,
                approved,
                tokens,
                was,
                called,
                since,
                doubt,
            } => {
                self.expected.turn += 1;
                let rests = (contested, approved, doubt);
                self.put_learner(institution, &local, registration, learner, rests, tokens);
                if let Some(local) =
                    self.institutions.get_mut(usize::from(institution)).and_then(|s| s.locals.get_mut(&local))
                {
                    (local.was, local.called, local.since) = (was, called, since);
                }
            }
            Change::Day { institution, date, closed, week, lessons } => {
                return self.put_day(institution, date, closed, week, lessons);
            }
            Change::Told { institution, local, said } => return self.put_notice(institution, local, said),
            // It stands on cards: a page that was made before it was taken back must not leave after it.
            Change::Support { institution, local, said } => {
                self.put_support(institution, &local, said.as_ref());
            }
            Change::Group { institution, local, title, subject } => {
                if let Some(state) = self.institutions.get_mut(usize::from(institution)) {
                    state.groups.insert(local, (title, subject));
                }
                return;
            }
            Change::Side { by, local, other, group, hosting, dates, ended } => {
                self.expected.turn += 1;
                let Some(held) =
                    self.institutions.get_mut(usize::from(by)).and_then(|s| s.locals.get_mut(&local))
                else {
                    return;
                };
                if hosting {
                    self.expected.takes(by, group.as_ref(), &local);
                }
                let local = held;
                local.sides.retain(|s| !(s.other == other && s.group == group && s.hosting == hosting));
                local.sides.push(Side { other, group, hosting, dates, ended });
            }
            Change::Cursor { institution, cursor, .. } => {
                if let Some(state) = self.institutions.get_mut(usize::from(institution)) {
                    state.cursor = state.cursor.max(cursor);
                }
                return;
            }
            Change::Batch { institution, number, .. } => return self.saw_batch(institution, number),
            Change::Proposal { proposal } => return self.policies.put_proposal(*proposal),
            Change::Policy { hash, texts, approvals } => self.policies.put(hash.0, texts, approvals),
            Change::Person { .. } => self.put_person(change),
            Change::Account { account, person } => drop(self.accounts.insert(account.0, person.0)),
            Change::Staff { institution, local, groups } => {
                if let Some(state) = self.institutions.get_mut(usize::from(institution)) {
                    state.staff.insert(local, groups);
                }
            }
            Change::Access { institution, on } => {
                if let Some(state) = self.institutions.get_mut(usize::from(institution)) {
                    state.access = on;
                }
            }
            Change::Notice { recipient, number, reason, copies, issued, answered } => {
                let answered = answered.map(|answered| *answered);
                self.copies.put(recipient, number, Notice { reason, copies, issued, answered });
                return;
            }
            Change::Again { .. } => {
                self.copies.turn += 1;
                return;
            }
            Change::Hidden { record, below } => self.copies.hide(RecordId(record.0), below),
            Change::Emergency { emergency } => {
                self.put_emergency(*emergency);
            }
            Change::Erased { id, of, whole, done } => {
                self.duties.put_erased(id, &of, whole, done);
                return;
            }
            Change::Left { institution, at } => {
                self.expected.turn += 1;
                if let Some(state) = self.institutions.get_mut(usize::from(institution)) {
                    state.left = Some(at);
                }
            }
            Change::Kept { institution, record, rule, asked } => {
                self.duties.put_kept(institution, record, rule, asked);
                return;
            }
            Change::Export { export } => return self.exports.put(*export),
            Change::Match { case } => return self.matches.put(*case),
            Change::MatchGone { id } => return self.matches.forget(id.0),
            Change::Alert { alert } => return self.alerts.put(*alert),
            Change::Warning { warning } => return self.warnings.put(warning),
            Change::Watch { watch } => return self.watches.put(*watch),
            Change::Convention { convention } => {
                self.unlocks.agreed(&convention);
                self.conventions.put(*convention);
            }
            Change::Unlock { unlock } => self.unlocks.put(*unlock),
            Change::Sources { sources } => return self.sources.put(*sources),
            // A page that was made before a decision was erased must not leave after it.
            Change::Codes { session } => self.codes.put(*session),
            Change::Message { message } => {
                self.messages.put(*message);
                return;
            }
            // A page that was made before it went must not leave after it.
            Change::MessageGone { id, .. } => self.messages.forget(messages::MessageId(id.0)),
            Change::Remark { remark } => return self.alerts.put_remark(*remark),
            Change::Forgotten { alerts, remarks } => self.alerts.forget(&alerts, &remarks),
            Change::Sending { sending } => {
                self.sendings.put(*sending);
                // Boards show it.
                self.alerts.turn += 1;
                return;
            }
            Change::Swept { up_to, at } => {
                self.copies.swept = Some((up_to, at));
                return;
            }
        }
        self.version += 1;
    }

    fn put_institution(&mut self, number: u16, info: Institution) {
        self.expected.turn += 1;
        let zone = TimeZone::get(&info.time_zone).unwrap_or(TimeZone::UTC);
        self.by_slug.insert(info.slug.clone(), number);
        match self.institutions.get_mut(usize::from(number)) {
            Some(state) => (state.info, state.zone) = (info, zone),
            None => self.institutions.push(InstitutionState {
                info,
                zone,
                locals: HashMap::new(),
                groups: HashMap::new(),
                staff: HashMap::new(),
                access: false,
                next_batch: 1,
                cursor: 0,
                left: None,
            }),
        }
    }

    fn put_learner(
        &mut self,
        institution: u16,
        id: &LocalId,
        registration: Registration,
        learner: Option<u32>,
        (contested, approved, doubt): (bool, bool, Option<Box<Doubt>>),
        tokens: Tokens,
    ) {
        if usize::from(institution) >= self.institutions.len() {
            return;
        }
        self.forget_tokens(institution, id);
        for token in tokens.numbers() {
            self.by_number_token.entry(token).or_default().push((institution, id.clone()));
        }
        if let Some(birth) = tokens.birth {
            self.by_birth.entry(birth).or_default().push((institution, id.clone()));
        }
        let locals = &mut self.institutions[usize::from(institution)].locals;
        let (sides, notices, support, before) = locals
            .remove(id)
            .map_or((Vec::new(), Vec::new(), None, None), |l| (l.sides, l.notices, l.support, l.learner));
        let (was, called, is_doubted) = (Vec::new(), None, doubt.is_some() && !contested);
        locals.insert(
            id.clone(),
            Local {
                registration,
                learner,
                contested,
                approved,
                since: None,
                was,
                tokens,
                sides,
                called,
                notices,
                support,
                doubt,
            },
        );
        self.expected.links(institution, id, before, learner);
        if let Some(number) = before
            && self.homes.get(&number).is_some_and(|(home, local)| *home == institution && local == id)
        {
            self.homes.remove(&number);
        }
        self.doubts.put((institution, id), before, learner, is_doubted);
        if let Some(number) = learner {
            self.next_learner = self.next_learner.max(number + 1);
            if registration == Registration::Home && !contested && !is_doubted {
                self.homes.insert(number, (institution, id.clone()));
            }
        }
    }

    fn forget_tokens(&mut self, institution: u16, id: &LocalId) {
        let Some(old) = self.local(institution, id).map(|l| l.tokens.clone()) else { return };
        let is_it = |held: &(u16, LocalId)| held.0 == institution && held.1 == *id;
        for token in old.numbers() {
            if let Some(held) = self.by_number_token.get_mut(&token) {
                held.retain(|h| !is_it(h));
            }
        }
        if let Some(held) = old.birth.and_then(|birth| self.by_birth.get_mut(&birth)) {
            held.retain(|h| !is_it(h));
        }
    }

    /// Notes that a source's batch is in the log.
    pub fn saw_batch(&mut self, institution: u16, number: u64) {
        if let Some(state) = self.institutions.get_mut(usize::from(institution)) {
            state.next_batch = state.next_batch.max(number.saturating_add(1));
        }
    }

    /// The institution with this number.
    pub fn institution(&self, number: u16) -> Option<&InstitutionState> {
        self.institutions.get(usize::from(number))
    }

    /// Every institution, in the order of their numbers.
    pub fn institutions(&self) -> &[InstitutionState] {
        &self.institutions
    }

    /// Every agent.
    pub fn agents(&self) -> impl Iterator<Item = (&AgentId, &Agent)> {
        self.agents.iter()
    }

    /// The agent with this id.
    pub fn agent(&self, id: AgentId) -> Option<&Agent> {
        self.agents.get(&id)
    }

    /// The invitation with this hash.
    pub fn invitation(&self, hash: &[u8; 32]) -> Option<&Invitation> {
        self.invitations.get(hash)
    }

    /// The invitations that nobody has used, with their hashes, in the order of these.
    pub fn open_invitations(&self) -> Vec<([u8; 32], &Invitation)> {
        let open = self.invitations.iter().filter(|(_, i)| !i.used);
        let mut open: Vec<_> = open.map(|(hash, invitation)| (*hash, invitation)).collect();
        open.sort_unstable_by_key(|(hash, _)| *hash);
        open
    }

    /// The sharing agreements, signed and proposed.
    pub const fn agreements(&self) -> &Agreements {
        &self.agreements
    }

    /// The policy set in force, and the sets that were lately loaded.
    pub const fn policies(&self) -> &Policies {
        &self.policies
    }

    /// What recipients were asked to remove, and what may not leave any more.
    pub const fn copies(&self) -> &Copies {
        &self.copies
    }

    /// What is being erased, and how long payloads are kept.
    pub const fn duties(&self) -> &Duties {
        &self.duties
    }

    /// Whom people at homes watch.
    pub const fn watches(&self) -> &Watches {
        &self.watches
    }

    /// Which kinds need to be unlocked, and who is.
    pub const fn unlocks(&self) -> &unlocks::Unlocks {
        &self.unlocks
    }

    /// What agents told of their sources.
    pub const fn sources(&self) -> &sources::Sources {
        &self.sources
    }

    /// What partners agree on about their data.
    pub const fn conventions(&self) -> &Conventions {
        &self.conventions
    }

    /// What homes decided of session codes.
    pub const fn codes(&self) -> &Codes {
        &self.codes
    }

    /// What hosts told homes of visiting learners.
    pub const fn messages(&self) -> &Messages {
        &self.messages
    }

    /// What people said of matches.
    pub const fn matches(&self) -> &Matches {
        &self.matches
    }

    /// What was told about whereabouts.
    pub const fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// What data managers were warned of.
    pub const fn warnings(&self) -> &Warnings {
        &self.warnings
    }

    /// What goes to institutions by mail and webhook.
    pub const fn sendings(&self) -> &Sendings {
        &self.sendings
    }

    /// The learner's ids at an institution, by the hub's numbers: who is home there first, else any that is known so.
    pub fn local_ids(&self, institution: u16, learners: &[u32]) -> HashMap<u32, LocalId> {
        let mut found = HashMap::new();
        let Some(state) = self.institution(institution) else { return found };
        for learner in learners {
            if let Some((_, id)) = self.homes.get(learner).filter(|(home, _)| *home == institution) {
                found.insert(*learner, id.clone());
            }
        }
        if learners.iter().all(|learner| found.contains_key(learner)) {
            return found;
        }
        for (id, local) in &state.locals {
            for learner in local.learner.iter().chain(&local.was).filter(|l| learners.contains(l)) {
                found.entry(*learner).or_insert_with(|| id.clone());
            }
        }
        found
    }

    /// The number of the institution with this slug.
    pub fn number_of(&self, slug: &Slug) -> Option<u16> {
        self.by_slug.get(slug).copied()
    }

    /// A learner as an institution knows them.
    pub fn local(&self, institution: u16, id: &LocalId) -> Option<&Local> {
        self.institution(institution)?.locals.get(id)
    }

    /// The id by which the learner's home knows them.
    pub fn home_of(&self, learner: u32) -> Option<&(u16, LocalId)> {
        self.homes.get(&learner)
    }

    /// Learners whose home's id for them is in doubt.
    pub const fn doubts(&self) -> &Doubts {
        &self.doubts
    }

    /// Every learner's home, for readers that must not hold the directory while they wait.
    pub(crate) fn clone_homes(&self) -> HashMap<u32, u16> {
        self.homes.iter().map(|(learner, (home, _))| (*learner, *home)).collect()
    }

    /// Who speaks through this agent, if it still may.
    pub fn speaker(&self, id: AgentId) -> Result<Speaker, NotAllowed> {
        let agent = self.agents.get(&id).filter(|a| a.revoked.is_none()).ok_or(NotAllowed::Unknown)?;
        let state = self.institution(agent.institution).ok_or(NotAllowed::Unknown)?;
        Ok(Speaker { agent: id, institution: state.info.slug.clone(), number: agent.institution })
    }

    /// Where a source's learner stands on a date, at an instant if one is known, in a group if one is named.
    pub fn placed(
        &self,
        source: u16,
        id: &LocalId,
        date: SchoolDate,
        at: Option<Timestamp>,
        group: Option<&LocalId>,
    ) -> Placed {
        let Some(local) = self.local(source, id) else { return Placed::default() };
        let Some(learner) = local.learner else { return Placed::default() };
        let Some((home, home_id)) = self.homes.get(&learner) else {
            return Placed { learner: Some(learner), ..Placed::default() };
        };
        let moment =
            Moment { date, at: at.or_else(|| self.institution(source).map(|s| date.start(&s.zone))), group };
        let declared: &[Side] = self.local(*home, home_id).map_or(&[], |l| &l.sides);
        // Both must have said it of the same placement: two sides that name different groups agree on none.
        let in_force =
            local.sides.iter().filter(|ours| ours.hosting && ours.other == *home).any(|accepted| {
                moment.within(accepted)
                    && declared.iter().any(|side| {
                        !side.hosting
                            && side.other == source
                            && same_group(side, accepted)
                            && moment.within(side)
                    })
            });
        Placed { learner: Some(learner), home: Some(*home), in_force }
    }

    /// The agreement in force on a date that lets most field groups of a kind flow from a host, which makes records, to
    /// a home.
    pub fn agreement(
        &self,
        host: u16,
        home: u16,
        kind: RecordKind,
        date: SchoolDate,
    ) -> Option<(&Agreement, u32)> {
        self.granted(host, home, ItemKind::Record(kind), date)
    }

    /// The same for a placed learner's card, which flows from home to host.
    pub fn card_agreement(&self, host: u16, home: u16, date: SchoolDate) -> Option<(&Agreement, u32)> {
        self.granted(host, home, ItemKind::Card, date)
    }

    /// Of what flows between a host and a home, the field groups that somebody in a role may see where it is received.
    pub fn seen_by(
        &self,
        (host, home): (u16, u16),
        kind: ItemKind,
        role: Role,
        date: SchoolDate,
    ) -> Option<(&Agreement, u32)> {
        if self.left(host).or(self.left(home)).is_some() {
            return None;
        }
        let (host, home) = (&self.institution(host)?.info.slug, &self.institution(home)?.info.slug);
        self.agreements.showing((host, home), kind, role, date)
    }

    /// When an institution left, if it did.
    pub fn left(&self, institution: u16) -> Option<Timestamp> {
        self.institution(institution)?.left
    }

    fn granted(&self, host: u16, home: u16, kind: ItemKind, date: SchoolDate) -> Option<(&Agreement, u32)> {
        // Whoever has left is party to nothing any more, whatever the texts still say.
        if self.left(host).or(self.left(home)).is_some() {
            return None;
        }
        let (host, home) = (&self.institution(host)?.info.slug, &self.institution(home)?.info.slug);
        self.agreements.granting((host, home), kind, date)
    }

    /// An institution's signing keys, oldest first, for a partner under any agreement that was ever in force.
    pub fn signing_keys(&self, asker: u16, of: &Slug) -> Result<Vec<SigningKeyInfo>, NotAllowed> {
        let of_number = self.number_of(of).ok_or(NotAllowed::Denied)?;
        let asker = self.institution(asker).ok_or(NotAllowed::Denied)?;
        let partners = |a: &Agreement| a.parties.contains(of) && a.parties.contains(&asker.info.slug);
        if !(asker.info.slug == *of || self.agreements.whole().any(|signed| partners(&signed.terms))) {
            return Err(NotAllowed::Denied);
        }
        let mut keys: Vec<_> = self
            .agents
            .values()
            .filter(|agent| agent.institution == of_number)
            .map(|a| SigningKeyInfo { public_key: a.key, enrolled_at: a.enrolled, revoked_at: a.revoked })
            .collect();
        keys.sort_by_key(|key| (key.enrolled_at, key.public_key));
        Ok(keys)
    }

    /// The institution as the directory sees it on a date.
    pub fn overview(&self, number: u16, now: Timestamp) -> Overview {
        let mut overview = Overview::default();
        let Some(state) = self.institution(number) else { return overview };
        let today = now.date_in(&state.zone);
        for (id, local) in &state.locals {
            match local.registration {
                Registration::Home => overview.home_learners += 1,
                Registration::Guest if local.learner.is_none() => overview.unmatched.push(id.clone()),
                _ => {}
            }
            overview.guests += u64::from(local.registration == Registration::Guest);
            if local.contested {
                overview.contested.push(id.clone());
            }
            for side in &local.sides {
                match (self.other_side(number, local, side), side.hosting) {
                    (Some(other), _) => {
                        let live = |s: &Side| s.dates.contains(today) && s.ended.is_none_or(|end| end > now);
                        overview.placements_in_force += u64::from(live(side) && live(other));
                    }
                    (None, true) => overview.acceptances_waiting_for_home += 1,
                    (None, false) => overview.placements_waiting_for_host += 1,
                }
            }
        }
        overview.unmatched.sort();
        overview.contested.sort();
        overview
    }

    /// Placements of an institution's learners that no host has accepted, and guests whose home has declared nothing.
    pub(crate) fn waiting_sides(&self, number: u16) -> (u64, u64) {
        let mut waiting = (0, 0);
        let Some(state) = self.institution(number) else { return waiting };
        for local in state.locals.values() {
            for side in local.sides.iter().filter(|side| self.other_side(number, local, side).is_none()) {
                *(if side.hosting { &mut waiting.1 } else { &mut waiting.0 }) += 1;
            }
        }
        waiting
    }

    /// The other institution's word on the same placement, if it has spoken.
    fn other_side(&self, number: u16, local: &Local, side: &Side) -> Option<&Side> {
        let learner = local.learner?;
        let known = |l: &&Local| l.learner == Some(learner) && !l.contested;
        let matches = |s: &&Side| s.other == number && s.hosting != side.hosting && same_group(s, side);
        match self.homes.get(&learner) {
            Some((home, id)) if *home == side.other => {
                self.local(*home, id).filter(known)?.sides.iter().find(matches)
            }
            _ => {
                let others = self.known_at(learner).filter(|(at, _)| *at == side.other);
                let others = others.filter_map(|(at, id)| self.local(*at, id)).filter(known);
                others.flat_map(|l| &l.sides).find(matches)
            }
        }
    }

    /// A learner number that nobody has.
    pub(crate) const fn next_learner(&self) -> u32 {
        self.next_learner
    }

    /// Who shares an identifying number with this evidence.
    pub(crate) fn numbered_alike(&self, tokens: &Tokens) -> Vec<(u16, LocalId)> {
        let by_number = tokens.numbers().filter_map(|token| self.by_number_token.get(&token)).flatten();
        let mut found: Vec<_> = by_number.cloned().collect();
        found.sort();
        found.dedup();
        found
    }

    /// Who shares an identifying number or the date of birth with this evidence.
    pub(crate) fn candidates(&self, tokens: &Tokens) -> Vec<(u16, LocalId)> {
        let by_number = tokens.numbers().filter_map(|token| self.by_number_token.get(&token)).flatten();
        let by_birth = tokens.birth.and_then(|birth| self.by_birth.get(&birth)).into_iter().flatten();
        let mut found: Vec<_> = by_number.chain(by_birth).cloned().collect();
        found.sort();
        found.dedup();
        found
    }
}

/// True if both sides can speak of one placement: the same group, or one of them speaks of every group.
fn same_group(one: &Side, other: &Side) -> bool {
    one.group == other.group || one.group.is_none() || other.group.is_none()
}

/// A moment in a group that a placement may cover.
struct Moment<'a> {
    date: SchoolDate,
    at: Option<Timestamp>,
    group: Option<&'a LocalId>,
}

impl Moment<'_> {
    fn within(&self, side: &Side) -> bool {
        side.dates.contains(self.date)
            && (side.group.is_none() || self.group.is_none() || side.group.as_ref() == self.group)
            && side.ended.is_none_or(|end| self.at.is_some_and(|at| at < end))
    }
}
