//! Sharing agreements in the directory: each exact text with the signatures under it, and which of them is in force.
//!
//! A text is in force when every party has signed it, between its dates, until a party ends it or a later version that
//! all have signed begins. Who may sign, and what a signature must cover, is planned in the exchange's `agreements`.

use super::approvals::Approval;
use commonroll_core::{
    PersonId, Role, SchoolDate, Slug, Timestamp,
    agreement::{AgreementText, ItemKind, Times},
    directory::Agreement,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// How far a text has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nobody has signed.
    Proposed,
    /// Some parties have signed.
    Signed,
    /// Every party has signed: in force between its dates.
    Complete,
    /// A party has ended it. It never comes back; a new version can be signed.
    Ended,
}

/// Who ended an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The person's signature over the text's hash with `end`: see the exchange's `agreements`.
    pub by: Approval,
    /// The day on which it ended, or the first day on which it will not hold any more.
    pub on: SchoolDate,
}

/// A text and what people did with it.
#[derive(Clone, PartialEq)]
pub struct Signed {
    /// SHA-256 of the text.
    pub hash: [u8; 32],
    /// The exact text.
    pub text: String,
    /// Its terms: what is enforced.
    pub terms: Agreement,
    /// How far it has come.
    pub standing: Standing,
    /// One signature for each party that has signed.
    pub signatures: Vec<Approval>,
    /// Who ended it.
    pub ended: Option<Ending>,
    /// The institution that proposed it, if the log says so.
    pub proposed_by: Option<Slug>,
}

/// Every text that was ever proposed.
#[derive(Clone, Default)]
pub struct Agreements {
    texts: BTreeMap<[u8; 32], Arc<Signed>>,
    /// Those that every party has signed, ended or not, by name, newest version first.
    whole: BTreeMap<Slug, Vec<Arc<Signed>>>,
    /// Terms that a log of the first kind was told by its operator. Nobody signed them, so they are not in force.
    unsigned: BTreeMap<Slug, Agreement>,
}

impl Agreements {
    /// Takes a text as a change says it. One that this program can't read is not in force.
    pub(super) fn put(
        &mut self,
        (hash, text): ([u8; 32], &str),
        standing: Standing,
        signatures: Vec<Approval>,
        ended: Option<Ending>,
        proposed_by: Option<Slug>,
    ) {
        let Ok(read) = AgreementText::parse(text) else {
            tracing::error!("an agreement of the log can't be read by this program; it is not in force");
            return;
        };
        let terms = read.terms();
        let id = terms.id.clone();
        let text = text.to_owned();
        let signed = Arc::new(Signed { hash, text, terms, standing, signatures, ended, proposed_by });
        self.texts.insert(hash, signed.clone());
        let all_signed = |one: &Signed| one.terms.parties.iter().all(|party| one.has_signed(party));
        let whole = self.whole.entry(id).or_default();
        whole.retain(|held| held.hash != hash);
        if all_signed(&signed) {
            whole.push(signed);
            whole.sort_by_key(|held| std::cmp::Reverse((held.terms.version, held.hash)));
        }
    }

    pub(super) fn put_unsigned(&mut self, agreement: Agreement) {
        self.unsigned.insert(agreement.id.clone(), agreement);
    }

    /// Every text, by hash.
    pub fn texts(&self) -> impl Iterator<Item = &Arc<Signed>> {
        self.texts.values()
    }

    /// The text with this hash.
    pub fn text(&self, hash: &[u8; 32]) -> Option<&Arc<Signed>> {
        self.texts.get(hash)
    }

    /// How many texts that an institution proposed can still be signed on a date.
    pub fn open_of(&self, institution: &Slug, date: SchoolDate) -> usize {
        let open = |one: &&Arc<Signed>| {
            matches!(one.standing, Standing::Proposed | Standing::Signed)
                && one.proposed_by.as_ref() == Some(institution)
                && one.terms.last_date >= date
                && self.newest_version(&one.terms.id).is_none_or(|newest| newest < one.terms.version)
        };
        self.texts.values().filter(open).count()
    }

    /// Terms that nobody has signed, from a log of the first kind.
    pub fn unsigned(&self) -> impl Iterator<Item = &Agreement> {
        self.unsigned.values()
    }

    /// The highest version of a name that every party has signed.
    pub fn newest_version(&self, id: &Slug) -> Option<u32> {
        self.whole.get(id)?.first().map(|held| held.terms.version)
    }

    /// What is in force on a date: for each name the newest version that has begun, unless it has lapsed or was ended.
    pub fn in_force(&self, date: SchoolDate) -> impl Iterator<Item = &Arc<Signed>> {
        self.whole.values().filter_map(move |versions| rules(versions, date))
    }

    /// The text of a name that is in force on a date.
    pub fn named(&self, id: &Slug, date: SchoolDate) -> Option<&Arc<Signed>> {
        rules(self.whole.get(id)?, date)
    }

    /// Of what is in force on a date, the terms that let most field groups of a kind flow between a host and a home.
    pub fn granting<'a>(
        &'a self,
        (host, home): (&'a Slug, &'a Slug),
        kind: ItemKind,
        date: SchoolDate,
    ) -> Option<(&'a Agreement, u32)> {
        self.between(host, home, kind, date)
            .map(move |terms| (terms, terms.groups(kind)))
            .max_by_key(|(_, mask)| mask.count_ones())
    }

    /// The same for what somebody in a role may see where it is received.
    pub fn showing<'a>(
        &'a self,
        (host, home): (&'a Slug, &'a Slug),
        kind: ItemKind,
        role: Role,
        date: SchoolDate,
    ) -> Option<(&'a Agreement, u32)> {
        // An agreement that shows a role nothing of a kind doesn't show it either that there is something.
        let seen =
            self.between(host, home, kind, date).map(move |terms| (terms, terms.groups_seen_by(kind, role)));
        seen.filter(|(_, mask)| *mask != 0).max_by_key(|(_, mask)| mask.count_ones())
    }

    /// When people are told that a learner of a home is missed at a host, on a date: the earliest of what the agreements in force
    /// between the two say, whatever they let flow.
    pub fn times(&self, (host, home): (&Slug, &Slug), date: SchoolDate) -> Times {
        let all = self.in_force(date).map(|signed| &signed.terms);
        Times::strictest(all.filter(|terms| terms.covers(host, home, date)).map(|terms| &terms.limits.times))
    }

    /// The same for what concerns a home and all its hosts.
    pub fn times_of_home(&self, home: &Slug, date: SchoolDate) -> Times {
        let all = self.in_force(date).map(|signed| &signed.terms);
        let own = all.filter(|terms| terms.parties.iter().any(|host| terms.covers(host, home, date)));
        Times::strictest(own.map(|terms| &terms.limits.times))
    }

    fn between<'a>(
        &'a self,
        host: &'a Slug,
        home: &'a Slug,
        kind: ItemKind,
        date: SchoolDate,
    ) -> impl Iterator<Item = &'a Agreement> {
        let lists = move |terms: &Agreement| match kind {
            ItemKind::Record(kind) => terms.kinds.contains_key(&kind),
            ItemKind::Card => !terms.limits.card.is_empty(),
        };
        let all = self.in_force(date).map(|signed| &signed.terms);
        all.filter(move |terms| lists(terms) && terms.covers(host, home, date))
    }

    /// As things would be if all parties had signed a text, from a date on, and if others were ended. For a trial: nothing
    /// that decides for real is made from it.
    pub fn tried(&self, signed: Option<(&AgreementText, SchoolDate)>, dropped: &[Slug]) -> Self {
        let mut tried = self.clone();
        for id in dropped {
            tried.whole.remove(id);
        }
        if let Some((text, from)) = signed {
            let mut terms = text.terms();
            terms.first_date = terms.first_date.min(from);
            let (id, hash, text, standing) = (terms.id.clone(), [0; 32], String::new(), Standing::Complete);
            let (signatures, ended, proposed_by) = (Vec::new(), None, None);
            let one = Signed { hash, text, terms, standing, signatures, ended, proposed_by };
            tried.whole.entry(id).or_default().insert(0, Arc::new(one));
        }
        tried
    }

    /// The newest version of a name that has begun by a date, also if it has lapsed or was ended since.
    pub fn newest_begun(&self, id: &Slug, date: SchoolDate) -> Option<&Arc<Signed>> {
        self.whole.get(id)?.iter().find(|held| held.terms.first_date <= date)
    }

    /// Every text that all its parties have signed, also those that have lapsed or ended.
    pub fn whole(&self) -> impl Iterator<Item = &Arc<Signed>> {
        self.whole.values().flatten()
    }
}

/// Of the versions of one name, newest first, the one that rules on a date. An older version never comes back because
/// a newer one was ended or has lapsed, or ending the newer one would widen what flows.
fn rules(versions: &[Arc<Signed>], date: SchoolDate) -> Option<&Arc<Signed>> {
    let begun = versions.iter().find(|held| {
        let unborn = held.ended.as_ref().is_some_and(|ending| ending.on < held.terms.first_date);
        held.terms.first_date <= date && !unborn
    })?;
    (!begun.is_ended(date) && date <= begun.terms.last_date).then_some(begun)
}

impl Signed {
    /// True if somebody has signed for this party.
    pub fn has_signed(&self, party: &Slug) -> bool {
        self.signatures.iter().any(|signature| signature.institution == *party)
    }

    /// Who has not signed yet.
    pub fn waits_for(&self) -> Vec<&Slug> {
        self.terms.parties.iter().filter(|party| !self.has_signed(party)).collect()
    }

    /// True if this person has signed it.
    pub fn signed_by(&self, person: PersonId) -> bool {
        self.signatures.iter().any(|signature| signature.person == person)
    }

    /// True if a party has ended it, at once or by this date.
    pub fn is_ended(&self, date: SchoolDate) -> bool {
        self.standing == Standing::Ended || self.ended.as_ref().is_some_and(|ending| ending.on <= date)
    }

    /// When the last party signed.
    pub fn since(&self) -> Option<Timestamp> {
        self.signatures.iter().map(|signature| signature.at).max()
    }
}
