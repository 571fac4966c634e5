//! Sign-in with an institution's own account: OpenID Connect, code flow with PKCE, one provider for each institution.
//!
//! Who somebody is, is (issuer, subject). A provider is asked for its own institution's people alone, at an address of its
//! own here, so that one can't be passed off as another. What is kept between the two halves of a sign-in travels in the
//! browser's cookie, sealed: any node can finish what another began. What renews a provider's word stays in this node's
//! memory: a node without it sends the browser round by the provider.

pub mod flow;
pub mod provider;
pub mod reach;
pub mod token;

use commonroll_core::{Slug, Timestamp};
use commonroll_exchange::SessionId;
use flow::Seal;
use provider::{Provider, ProviderSettings, Secret};
use reach::Unreached;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// A provider's word on somebody's roles holds so long.
const WORD_US: i64 = 45_000_000;
/// Sessions whose renewal is kept at most, and for how long.
const KEPT_MAX: usize = 100_000;
const KEPT_US: i64 = 12 * 3_600_000_000;

/// Every provider, and what is kept of the sign-ins through them.
#[derive(Debug)]
pub(crate) struct SignIn {
    providers: BTreeMap<Slug, Arc<Provider>>,
    /// Where the console is for browsers.
    base: String,
    pub seal: Seal,
    kept: Mutex<HashMap<SessionId, Kept>>,
}

/// What renews a provider's word: shared with whoever is asking just now, so that a session with a new id has it too.
pub(crate) type Held = Arc<Mutex<Option<Secret>>>;

#[derive(Debug, Clone)]
struct Kept {
    refresh: Held,
    opened: Timestamp,
    checked: Timestamp,
}

/// What has to be done before a provider's word is good again.
#[derive(Debug)]
pub(crate) enum Word {
    /// Nothing.
    Good,
    /// Ask the provider with this, and put in its place what comes back.
    Ask(Secret, Held),
    /// Send the browser there.
    Go,
}

impl SignIn {
    /// With the providers of the settings, and a key that all nodes have.
    ///
    /// # Errors
    /// The institution whose provider can't be used, and why.
    pub fn new(
        settings: &[ProviderSettings],
        base: Option<&str>,
        key: &[u8; 32],
    ) -> Result<Self, (Slug, Unreached)> {
        let made = settings.iter().map(|settings| {
            let institution = settings.institution.clone();
            match Provider::new(settings.clone()) {
                Ok(provider) => Ok((institution, Arc::new(provider))),
                Err(unreached) => Err((institution, unreached)),
            }
        });
        let providers = made.collect::<Result<_, _>>()?;
        let (base, kept) = (base.unwrap_or_default().to_owned(), Mutex::default());
        Ok(Self { providers, base, seal: Seal::new(key), kept })
    }

    /// The institutions whose people can sign in.
    pub fn institutions(&self) -> impl Iterator<Item = &Slug> {
        self.providers.keys()
    }

    /// An institution's provider.
    pub fn provider(&self, institution: &Slug) -> Option<&Arc<Provider>> {
        self.providers.get(institution)
    }

    /// Where a provider sends people back to: another address for each, so that answers can't be mixed up.
    pub fn redirect(&self, institution: &Slug) -> String {
        format!("{}/sign-in/{institution}/back", self.base)
    }

    /// Keeps what renews a provider's word, which it has just given for a session.
    pub fn keep(&self, session: SessionId, refresh: Option<Secret>, now: Timestamp) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| now.micros() - kept.opened.micros() < KEPT_US);
        if kept.len() < KEPT_MAX {
            let refresh = Arc::new(Mutex::new(refresh));
            kept.insert(session, Kept { refresh, opened: now, checked: now });
        }
    }

    /// A session has a new id.
    pub fn moved(&self, old: &SessionId, new: SessionId) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = kept.remove(old) {
            kept.insert(new, held);
        }
    }

    /// Forgets a session.
    pub fn forget(&self, session: &SessionId) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }

    /// Whether a provider's word has to be had anew. Of several who ask at once, one is told to.
    pub fn word(&self, session: &SessionId, now: Timestamp) -> Word {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = kept.get_mut(session) else { return Word::Go };
        if (0..WORD_US).contains(&(now.micros() - held.checked.micros())) {
            return Word::Good;
        }
        let refresh = held.refresh.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match refresh {
            Some(refresh) => {
                held.checked = now;
                Word::Ask(refresh, held.refresh.clone())
            }
            None => Word::Go,
        }
    }
}
