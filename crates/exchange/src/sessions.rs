//! Who is signed in to the console: sessions by the hash of what a browser holds, checked against the directory each time.
//!
//! They are no part of the log: a row is gone when the session ends. That somebody came in, changed role or went is in
//! the log, and coming in is there before the session is good. Who somebody is was found out before, by the door.

use crate::{
    Exchange,
    emergency::{self, EmergencyNews},
    office::Acting,
    shared::Shared,
    submit,
    types::PersonSpeaker,
    warnings::{self, WarningSeen},
    writer::Work,
};
use commonroll_core::{PersonId, Role, Slug, Timestamp};
use commonroll_store::{SessionRow, StoreError};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicI64, Ordering},
};

/// A session that nobody has used for so long is over.
pub const SESSION_IDLE_US: i64 = 30 * 60 * 1_000_000;
/// A session is over so long after the sign-in, used or not.
pub const SESSION_LIFE_US: i64 = 12 * 3600 * 1_000_000;
/// That a session is used is written so often at most.
const TOUCH_US: i64 = 60 * 1_000_000;
/// Sessions that are over are taken out so often.
const TIDY_US: i64 = 10 * 60 * 1_000_000;

/// SHA-256 of the secret in a browser's cookie.
pub type SessionId = [u8; 32];

/// What an institution's sign-in said of how somebody signed in there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInProof {
    /// When they did.
    pub at: Timestamp,
    /// True if they showed more than a password.
    pub second_factor: bool,
}

/// A session that is good now.
#[derive(Clone)]
pub struct SessionSeen {
    /// Who.
    pub speaker: PersonSpeaker,
    /// The role in use.
    pub role: Role,
    /// Every role that they hold.
    pub roles: BTreeSet<Role>,
    /// Their name. Personal.
    pub name: String,
    /// What their institution is called.
    pub institution_name: String,
    /// Its time zone.
    pub zone: jiff::tz::TimeZone,
    /// When they signed in.
    pub opened: Timestamp,
    /// How they signed in, if their institution's sign-in said it.
    pub proof: Option<SignInProof>,
    /// True if their institution's sign-in says what they are: it has to be asked again and again.
    pub provided: bool,
    /// Emergency accesses that concern their institution and that it has not reviewed, where the role answers for it.
    pub emergencies: EmergencyNews,
    /// Warnings of the last day, where the role may read the log of its institution.
    pub warnings: Vec<WarningSeen>,
}

impl std::fmt::Debug for SessionSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionSeen({}, {})", self.speaker.id(), self.role)
    }
}

/// Why there is no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// There is none, or it is over.
    #[error("nobody is signed in here; sign in again")]
    None,
    /// The person is not enrolled, or doesn't hold this role.
    #[error("this person can't sign in with this role")]
    NotAllowed,
    /// It could not be read or made durable.
    #[error("the hub can't use its log just now; try again")]
    Unavailable,
}

/// What a session's row holds.
#[derive(Serialize, Deserialize)]
struct Value {
    person: [u8; 16],
    role: Role,
    /// When they signed in there, in microseconds, and whether with a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<(i64, bool)>,
}

impl Value {
    fn row(&self, id: SessionId, opened: Timestamp, seen: Timestamp) -> SessionRow {
        let value = serde_json::to_vec(self).unwrap_or_default();
        SessionRow { id, opened_us: opened.micros(), seen_us: seen.micros(), value }
    }
}

/// When sessions that are over were last taken out.
#[derive(Default)]
pub(crate) struct Tidied(AtomicI64);

impl Exchange {
    /// Opens a session for a person whom the door has recognised, in one role. `how` says by what, in a word. The entry is
    /// durable before the session is good. `id` must be the hash of fresh randomness.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn open_session(
        &self,
        id: SessionId,
        (person, role): (PersonId, Role),
        how: &'static str,
        now: Timestamp,
    ) -> Result<(), SessionError> {
        self.current().await?;
        let speaker = self.may_be(person, role);
        let speaker = speaker.inspect_err(|_| self.refuse_sign_in(None, "unknown_person"))?;
        self.enter(&speaker, (role, how), now).await?;
        self.put_session(&Value { person: person.0, role, proof: None }.row(id, now, now)).await
    }

    /// The session with this id, if it is good: neither idle nor old, of a person who is enrolled and still holds the role.
    /// `used` is true where somebody did something, and false where a page that lies open asks by itself.
    ///
    /// # Errors
    /// [`SessionError::None`] for one that was never there, is over or ended; its row is gone then.
    pub async fn session(
        &self,
        id: &SessionId,
        used: bool,
        now: Timestamp,
    ) -> Result<SessionSeen, SessionError> {
        self.current().await?;
        let Some((row, value)) = self.held(id).await? else { return Err(SessionError::None) };
        let over = now.micros() - row.seen_us >= SESSION_IDLE_US
            || now.micros() - row.opened_us >= SESSION_LIFE_US
            || now.micros() < row.opened_us.saturating_sub(TOUCH_US);
        let seen = if over { Err(SessionError::None) } else { self.seen(&value, &row, now) };
        let Ok(seen) = seen else {
            let _ = self.shared.store.drop_session(id).await; // it is good for nothing, there or not
            return Err(SessionError::None);
        };
        if used && now.micros() - row.seen_us >= TOUCH_US {
            // If this fails the session ends sooner than it might, and nothing else.
            let touch = || self.shared.store.touch_session(id, now.micros());
            let _ = self.shared.write(touch).await;
        }
        Ok(seen)
    }

    /// Puts another role of the same person in use, in a session with a new id; the old one is over.
    ///
    /// # Errors
    /// [`SessionError`]; the old session stays as it was then.
    pub async fn change_role(
        &self,
        (old, new): (&SessionId, SessionId),
        role: Role,
        now: Timestamp,
    ) -> Result<(), SessionError> {
        let seen = self.session(old, true, now).await?;
        let speaker = self.may_be(seen.speaker.id(), role)?;
        self.enter(&speaker, (role, "change of role"), now).await?;
        let row = Value { person: speaker.id().0, role, proof: kept(seen.proof) }.row(new, seen.opened, now);
        self.put_session(&row).await?;
        self.drop_session(old).await.map(drop)
    }

    /// Keeps with a session how its person signed in at their institution, as they have just done, under a new id if one is
    /// given: the old one is over then. The session gets no younger by it.
    ///
    /// # Errors
    /// [`SessionError`]; the session stays as it was then.
    pub async fn prove_session(
        &self,
        (old, new): (&SessionId, Option<SessionId>),
        proof: SignInProof,
        now: Timestamp,
    ) -> Result<(), SessionError> {
        let seen = self.session(old, true, now).await?;
        if new.is_some() {
            let how = if proof.second_factor { "own account, second factor" } else { "own account, again" };
            self.enter(&seen.speaker, (seen.role, how), now).await?;
        }
        let value = Value { person: seen.speaker.id().0, role: seen.role, proof: kept(Some(proof)) };
        let row = value.row(new.unwrap_or(*old), seen.opened, now);
        self.put_session(&row).await?;
        if new.is_some_and(|new| new != *old) {
            self.drop_session(old).await?;
        }
        Ok(())
    }

    /// Ends a session. It is over when this returns; its entry follows, if the log can't be written just now.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] if the session could not be ended.
    pub async fn end_session(&self, id: &SessionId, now: Timestamp) -> Result<(), SessionError> {
        let held = self.held(id).await?;
        let ended = self.drop_session(id).await?;
        let Some((_, value)) = held.filter(|_| ended) else { return Ok(()) };
        let by = format!("person:{}", PersonId(value.person));
        let more = serde_json::json!({ "role": value.role });
        let note = move |work: &mut Work<'_>| work.notes.push(("signin.ended".to_owned(), more.clone()));
        if submit(&self.shared, &by, now, note).await.is_err() {
            self.refused(&by, "signin.ended", "");
        }
        Ok(())
    }

    /// Counts a sign-in that was refused, with the class of its reason: a word of ours, nothing that was claimed. `at` is the
    /// institution whose provider it was, if that is known.
    pub fn refuse_sign_in(&self, at: Option<&Slug>, why: &'static str) {
        self.refused(at.map_or("console", Slug::as_str), "signin.refused", why);
    }

    /// A key for what this hub leaves in browsers: the same on every node, another for each purpose.
    pub fn browser_key(&self, purpose: &str) -> [u8; 32] {
        self.shared.key.derived(purpose)
    }

    /// What an institution is called, for whoever wants to sign in: partners are no secret.
    pub fn institution_name(&self, slug: &Slug) -> Option<String> {
        let directory = self.shared.directory();
        let state = directory.number_of(slug).and_then(|number| directory.institution(number))?;
        Some(state.info.name.clone())
    }

    /// Counts a page that was refused to a person before the exchange was asked.
    pub fn refuse_page(&self, by: &str) {
        self.refused(by, "page.refused", "");
    }

    async fn put_session(&self, row: &SessionRow) -> Result<(), SessionError> {
        let put = || self.shared.store.put_session(row);
        self.shared.write(put).await.map_err(|_| SessionError::Unavailable)
    }

    /// False if there was none.
    async fn drop_session(&self, id: &SessionId) -> Result<bool, SessionError> {
        let gone = || self.shared.store.drop_session(id);
        self.shared.write(gone).await.map_err(|_| SessionError::Unavailable)
    }

    async fn current(&self) -> Result<(), SessionError> {
        if self.shared.is_current() {
            return Ok(());
        }
        self.shared.follow().await.map_err(|_| SessionError::Unavailable)
    }

    async fn held(&self, id: &SessionId) -> Result<Option<(SessionRow, Value)>, SessionError> {
        let row = self.shared.store.session(id).await.map_err(|_| SessionError::Unavailable)?;
        Ok(row.and_then(|row| Some((row.clone(), serde_json::from_slice(&row.value).ok()?))))
    }

    fn may_be(&self, person: PersonId, role: Role) -> Result<PersonSpeaker, SessionError> {
        let directory = self.shared.directory();
        directory.in_role(person, role).map_err(|_| SessionError::NotAllowed)?;
        directory.person_speaker(person).map_err(|_| SessionError::NotAllowed)
    }

    fn seen(&self, value: &Value, row: &SessionRow, now: Timestamp) -> Result<SessionSeen, SessionError> {
        let speaker = self.may_be(PersonId(value.person), value.role)?;
        let directory = self.shared.directory();
        let person = directory.person(speaker.id()).ok_or(SessionError::None)?;
        let state = directory.institution(speaker.number).ok_or(SessionError::None)?;
        let opened = Timestamp::from_micros("opened", row.opened_us).map_err(|_| SessionError::None)?;
        let acting = Acting { speaker: &speaker, role: value.role };
        let emergencies = emergency::news(&directory, acting, now);
        let warnings = warnings::seen(&directory, acting, now);
        Ok(SessionSeen {
            emergencies,
            warnings,
            role: value.role,
            roles: person.roles.clone(),
            name: person.name.clone(),
            institution_name: state.info.name.clone(),
            zone: state.zone.clone(),
            opened,
            proof: value.proof.and_then(|(at, second_factor)| {
                Some(SignInProof { at: Timestamp::from_micros("at", at).ok()?, second_factor })
            }),
            provided: person.provided,
            speaker,
        })
    }

    /// The entry of a sign-in or a change of role.
    async fn enter(
        &self,
        speaker: &PersonSpeaker,
        (role, how): (Role, &'static str),
        now: Timestamp,
    ) -> Result<(), SessionError> {
        let mut more = speaker.more(role);
        more["how"] = how.into();
        let note = move |work: &mut Work<'_>| work.notes.push(("signin.opened".to_owned(), more.clone()));
        submit(&self.shared, &speaker.by(), now, note).await.map_err(|_| SessionError::Unavailable)
    }
}

/// As the row has it.
fn kept(proof: Option<SignInProof>) -> Option<(i64, bool)> {
    proof.map(|proof| (proof.at.micros(), proof.second_factor))
}

/// Takes out what is over, now and then.
pub(crate) async fn tick(shared: &Shared, now: Timestamp) {
    let last = shared.tidied.0.load(Ordering::Relaxed);
    if (last..last.saturating_add(TIDY_US)).contains(&now.micros()) {
        return;
    }
    shared.tidied.0.store(now.micros(), Ordering::Relaxed);
    let (idle, old) = (now.micros() - SESSION_IDLE_US, now.micros() - SESSION_LIFE_US);
    match shared.store.drop_sessions(idle, old).await {
        Ok(0) => {}
        Ok(count) => tracing::debug!(count, "sessions that were over were taken out"),
        Err(StoreError::Flush(_)) => {} // the next commit says so
        Err(error) => tracing::warn!(%error, "sessions that are over could not be taken out"),
    }
}
