//! Invitations, joining, renewal and revocation: who may speak at all.
//!
//! A code is known to nobody but its holder: the log and the directory keep its hash. Every bad invitation gets the
//! same answer, and too many from one address are slowed down.

use crate::{
    Exchange,
    directory::{
        Invitation,
        change::{Bytes32, Change, Uuid},
        plan::still_good,
    },
    people::{revoke, used},
    submit_with,
    types::{AdminError, AgentId, JoinError, Revoke},
    writer::Work,
};
use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use commonroll_core::{Invalid, Slug, Timestamp};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Longest life of an invitation: 72 hours.
pub const INVITATION_MAX: Duration = Duration::from_secs(72 * 3600);
/// Failures from one address within a minute, after which it must wait.
const FAILURES_MAX: usize = 10;
const MINUTE_US: i64 = 60_000_000;
/// Addresses remembered at most.
const ADDRESSES_MAX: usize = 10_000;

/// Codes that the directory in memory doesn't know, looked for in the log within a second, by anybody.
const LOOKS_MAX: u32 = 20;
const SECOND_US: i64 = 1_000_000;

/// Failed attempts by address. Bounded in size and time: a stranger can't make it grow.
#[derive(Default)]
pub struct Failures {
    addresses: Mutex<HashMap<IpAddr, Vec<i64>>>,
    /// When the present second began, and how often a stranger has made the hub look in it.
    looks: Mutex<(i64, u32)>,
}

/// Who counts as one: an IPv4 address, or the network of an IPv6 address, since one caller has all of that.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V6(address) if address.to_ipv4_mapped().is_none() => {
            IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into())
        }
        other => other.to_canonical(),
    }
}

impl Failures {
    /// True if an unknown code may be looked for in the log just now: each look costs a read of the database.
    fn may_look(&self, now: Timestamp) -> bool {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if !(0..SECOND_US).contains(&(now.micros() - looks.0)) {
            *looks = (now.micros(), 0);
        }
        looks.1 += 1;
        looks.1 <= LOOKS_MAX
    }

    fn recent(&self, peer: IpAddr, now: Timestamp, add: bool) -> usize {
        let peer = network(peer);
        let mut held = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.micros() - MINUTE_US;
        if add && !held.contains_key(&peer) && held.len() >= ADDRESSES_MAX {
            held.retain(|_, times| times.last().is_some_and(|t| *t > since));
            let oldest = held.iter().min_by_key(|(_, times)| times.last()).map(|(peer, _)| *peer);
            if let Some(oldest) = oldest.filter(|_| held.len() >= ADDRESSES_MAX) {
                held.remove(&oldest);
            }
        }
        if add {
            let times = held.entry(peer).or_default();
            times.push(now.micros());
            // Ten are enough to be told to wait; several attempts at once may bring more.
            times.drain(..times.len().saturating_sub(FAILURES_MAX));
        }
        let Some(times) = held.get_mut(&peer) else { return 0 };
        times.retain(|t| *t > since);
        let count = times.len();
        if count == 0 {
            held.remove(&peer);
        }
        count
    }
}

/// What is kept of a code: its SHA-256.
pub fn hash(code: &str) -> Bytes32 {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, code.as_bytes()).as_ref());
    Bytes32(bytes)
}

/// A code as it is handed over.
pub fn encode(random: [u8; 32]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(random)
}

/// True if the bytes are an Ed25519 public key.
pub fn is_key(bytes: [u8; 32]) -> bool {
    commonroll_audit::keys::PublicKey::from_bytes(bytes).verify(b"", &[0; 64])
        != Err(commonroll_audit::keys::KeyError::Public)
}

impl Exchange {
    /// Refuses an address that has failed too often within a minute.
    pub(crate) fn not_too_many(&self, peer: IpAddr, code: &Bytes32, now: Timestamp) -> Result<(), JoinError> {
        if self.failures.recent(peer, now, false) >= FAILURES_MAX {
            return Err(JoinError::TooMany { retry: Duration::from_secs(60) });
        }
        // What this node doesn't know, another may have issued a moment ago: the log is read for it, so often a second.
        let is_known = self.shared.directory().invitation(&code.0).is_some();
        match is_known || self.failures.may_look(now) {
            true => Ok(()),
            false => Err(JoinError::TooMany { retry: Duration::from_secs(1) }),
        }
    }

    /// Counts a bad invitation; the one answer to every kind of it.
    pub(crate) fn no_entry(&self, peer: IpAddr, now: Timestamp) -> JoinError {
        self.failures.recent(peer, now, true);
        self.refused("stranger", "invitation.refused", "");
        JoinError::Refused
    }

    /// Issues a one-time invitation and gives its code, which nobody can read back. `random` must be fresh.
    pub async fn invite(
        &self,
        institution: &Slug,
        valid_for: Duration,
        by: &str,
        random: [u8; 32],
        now: Timestamp,
    ) -> Result<String, AdminError> {
        if valid_for > INVITATION_MAX || valid_for.is_zero() {
            return Err(Invalid::new("valid_for", "an invitation lasts between a second and 72 hours").into());
        }
        let is_here = |directory: &crate::directory::Directory| {
            directory.number_of(institution).is_some_and(|number| directory.left(number).is_none())
        };
        if !is_here(&self.shared.directory()) {
            return Err(AdminError::Missing("institution"));
        }
        let code = encode(random);
        let life = i64::try_from(valid_for.as_micros()).unwrap_or(i64::MAX);
        let change = Change::Invitation {
            hash: hash(&code),
            institution: institution.clone(),
            expires: now.plus_micros(life),
            used: false,
            person: None,
        };
        submit_with(&self.shared, by, now, move |work| work.planner.make(change.clone()))
            .await
            .map_err(|_| AdminError::Unavailable)?;
        Ok(code)
    }

    /// Uses up an invitation and enrols an agent's signing key.
    pub async fn join(
        &self,
        code: &str,
        agent: AgentId,
        signing_key: [u8; 32],
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<Slug, JoinError> {
        let (hash, key_ok) = (hash(code), is_key(signing_key));
        self.not_too_many(peer, &hash, now)?;
        let joined = submit_with(&self.shared, "agent", now, move |work: &mut Work<'_>| {
            let directory = &work.planner.directory;
            let good = |i: &&Invitation| key_ok && !i.used && i.expires > now && i.person.is_none();
            let invitation = directory.invitation(&hash.0).filter(good).cloned()?;
            let institution = invitation.institution;
            work.planner.make(used(hash, &institution, invitation.expires));
            work.planner.make(Change::Agent {
                agent: Uuid(agent),
                institution: institution.clone(),
                key: Bytes32(signing_key),
                enrolled: now,
                used: now,
                revoked: None,
            });
            Some(institution)
        })
        .await
        .map_err(|_| JoinError::Unavailable)?;
        joined.ok_or_else(|| self.no_entry(peer, now))
    }

    /// Lets an enrolled agent have a new certificate, if `proof` accepts its enrolled key, it is not revoked, and it was
    /// used within 90 days.
    pub async fn renewal(
        &self,
        agent: AgentId,
        proof: impl FnOnce(&[u8; 32]) -> bool,
        now: Timestamp,
    ) -> Result<Slug, JoinError> {
        let held = self.shared.directory().agent(agent).cloned();
        let good = held.filter(|a| a.revoked.is_none() && still_good(a.used, now)).filter(|a| proof(&a.key));
        if good.is_none() {
            // Whoever names no agent of ours is a stranger, and strangers can't make the log grow.
            if self.shared.directory().agent(agent).is_some() {
                self.refused("agent", "renewal.refused", "");
            }
            return Err(JoinError::Refused);
        }
        let renewed = submit_with(&self.shared, "agent", now, move |work: &mut Work<'_>| {
            let directory = &work.planner.directory;
            let held = directory.agent(agent).filter(|a| a.revoked.is_none()).cloned()?;
            let institution = directory.institution(held.institution)?.info.slug.clone();
            work.planner.make(Change::Agent {
                agent: Uuid(agent),
                institution: institution.clone(),
                key: Bytes32(held.key),
                enrolled: held.enrolled,
                used: held.used.max(now),
                revoked: None,
            });
            Some(institution)
        })
        .await
        .map_err(|_| JoinError::Unavailable)?;
        renewed.ok_or(JoinError::Refused)
    }

    /// Revokes one agent, one person, or all of an institution. In force on every stream when the call returns. Gives how many.
    pub async fn revoke(&self, what: Revoke, by: &str, now: Timestamp) -> Result<u32, AdminError> {
        let missing = match &what {
            Revoke::Agent(agent) => self.shared.directory().agent(*agent).is_none().then_some("agent"),
            Revoke::Person(person) => self.shared.directory().person(*person).is_none().then_some("person"),
            Revoke::Institution(slug) => {
                self.shared.directory().number_of(slug).is_none().then_some("institution")
            }
        };
        if let Some(missing) = missing {
            return Err(AdminError::Missing(missing));
        }
        submit_with(&self.shared, by, now, move |work: &mut Work<'_>| end_access(work, &what, now))
            .await
            .map_err(|_| AdminError::Unavailable)
    }
}

/// Plans the end of the access of one agent, one person, or all of an institution; gives how many it ended.
pub(crate) fn end_access(work: &mut Work<'_>, what: &Revoke, now: Timestamp) -> u32 {
    let directory = &work.planner.directory;
    let institution = match what {
        Revoke::Agent(_) | Revoke::Person(_) => None,
        Revoke::Institution(slug) => directory.number_of(slug),
    };
    let concerned: Vec<_> = directory
        .agents()
        .filter(|(id, agent)| {
            agent.revoked.is_none()
                && (*what == Revoke::Agent(**id) || Some(agent.institution) == institution)
        })
        .filter_map(|(id, agent)| {
            Some((*id, agent.clone(), directory.institution(agent.institution)?.info.slug.clone()))
        })
        .collect();
    let mut people: Vec<_> = directory
        .active_people()
        .filter(|(id, p)| *what == Revoke::Person(**id) || Some(p.institution) == institution)
        .map(|(id, _)| *id)
        .collect();
    people.sort_unstable();
    let mut count = concerned.len() as u32;
    if let Revoke::Institution(slug) = what {
        // Nobody comes back in with a code that was handed out before.
        let open = directory.open_invitations().into_iter().filter(|(_, i)| i.institution == *slug);
        let void: Vec<_> = open.map(|(hash, i)| used(Bytes32(hash), slug, i.expires)).collect();
        void.into_iter().for_each(|change| work.planner.make(change));
    }
    for person in people {
        count += u32::from(revoke(work, person, now));
    }
    for (id, agent, institution) in concerned {
        work.planner.make(Change::Agent {
            agent: Uuid(id),
            institution,
            key: Bytes32(agent.key),
            enrolled: agent.enrolled,
            used: agent.used,
            revoked: Some(now),
        });
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros("now", 1_789_372_800_000_000 + micros).unwrap()
    }

    #[test]
    fn the_table_of_failures_is_bounded_whoever_fails() {
        let failures = Failures::default();
        for number in 0..ADDRESSES_MAX as u32 + 500 {
            failures.recent(IpAddr::V4(number.into()), at(i64::from(number)), true);
        }
        assert_eq!(failures.addresses.lock().unwrap().len(), ADDRESSES_MAX);
        let newest = IpAddr::V4((ADDRESSES_MAX as u32 + 499).into());
        assert_eq!(failures.recent(newest, at(20_000), false), 1, "the newest are kept");
        for _ in 0..100 {
            failures.recent(newest, at(20_000), true);
        }
        assert_eq!(failures.recent(newest, at(20_000), false), FAILURES_MAX);
        assert_eq!(failures.recent(newest, at(20_001 + MINUTE_US), false), 0, "forgotten after a minute");
        let (one, other) = ("2001:db8::1".parse().unwrap(), "2001:db8::ffff:2".parse().unwrap());
        failures.recent(one, at(0), true);
        assert_eq!(failures.recent(other, at(0), true), 2, "one caller has a whole network");
    }

    #[test]
    fn strangers_make_the_hub_look_only_so_often_a_second() {
        let failures = Failures::default();
        let looked = (0..1_000).filter(|n| failures.may_look(at(n * 100))).count();
        assert_eq!(looked, LOOKS_MAX as usize);
        assert!(failures.may_look(at(SECOND_US + 1)), "and again in the next one");
    }
}
