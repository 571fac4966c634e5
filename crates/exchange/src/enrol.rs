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

/// Failed attempts by address.
#[derive(Default)]
pub struct Failures(Mutex<HashMap<IpAddr, Vec<i64>>>);

impl Failures {
    fn recent(&self, peer: IpAddr, now: Timestamp, add: bool) -> usize {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.micros() - MINUTE_US;
        if held.len() >= ADDRESSES_MAX {
            held.retain(|_, times| times.last().is_some_and(|t| *t > since));
        }
        if add {
            held.entry(peer).or_default().push(now.micros());
        }
        let Some(times) = held.get_mut(&peer) else { return 0 };
        times.retain(|t| *t > since);
        times.len()
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
    pub(crate) fn not_too_many(&self, peer: IpAddr, now: Timestamp) -> Result<(), JoinError> {
        match self.failures.recent(peer, now, false) >= FAILURES_MAX {
            true => Err(JoinError::TooMany { retry: Duration::from_secs(60) }),
            false => Ok(()),
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
        if self.shared.directory().number_of(institution).is_none() {
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
        self.not_too_many(peer, now)?;
        let (hash, key_ok) = (hash(code), is_key(signing_key));
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
        submit_with(&self.shared, by, now, move |work: &mut Work<'_>| {
            let directory = &work.planner.directory;
            let institution = match &what {
                Revoke::Agent(_) | Revoke::Person(_) => None,
                Revoke::Institution(slug) => directory.number_of(slug),
            };
            let concerned: Vec<_> = directory
                .agents()
                .filter(|(id, agent)| {
                    agent.revoked.is_none()
                        && (what == Revoke::Agent(**id) || Some(agent.institution) == institution)
                })
                .filter_map(|(id, agent)| {
                    Some((*id, agent.clone(), directory.institution(agent.institution)?.info.slug.clone()))
                })
                .collect();
            let mut people: Vec<_> = directory
                .active_people()
                .filter(|(id, p)| what == Revoke::Person(**id) || Some(p.institution) == institution)
                .map(|(id, _)| *id)
                .collect();
            people.sort_unstable();
            let mut count = concerned.len() as u32;
            if let Revoke::Institution(slug) = &what {
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
        })
        .await
        .map_err(|_| AdminError::Unavailable)
    }
}
