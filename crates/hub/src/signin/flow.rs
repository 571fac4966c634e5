//! What a sign-in keeps in the browser between its two halves, and where it leads afterwards.
//!
//! Sealed with a key that all nodes have, so that nobody writes one of their own; of use for ten minutes, and once on each
//! node. What is in it is no secret from the browser that began it.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use commonroll_core::{Slug, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};

/// Longest cookie that is looked at.
const COOKIE_MAX: usize = 2_048;
/// Sign-ins that are remembered as used.
const USED_MAX: usize = 100_000;
const REMEMBERED_US: i64 = 12 * 60_000_000;
/// A sign-in takes no longer.
const FLOW_MAX_US: i64 = 10 * 60_000_000;

/// One sign-in that was begun.
#[derive(Clone, Serialize, Deserialize)]
pub struct Flow {
    /// Whose provider.
    pub institution: Slug,
    /// What the answer must carry.
    pub state: String,
    /// What the token must carry.
    pub nonce: String,
    /// What proves that the same browser asks for the token.
    pub verifier: String,
    /// Where to go then; judged again before anybody is sent there.
    pub to: String,
    /// When it was begun, in microseconds.
    pub begun_us: i64,
    /// True if nobody is asked anything: is the person still there, and what are they?
    pub quiet: bool,
    /// The session whose holder is asked after, as its id; empty unless nobody is asked anything.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of: String,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flow({}, ..)", self.institution)
    }
}

/// Seals and opens what is kept in browsers.
pub struct Seal {
    key: hmac::Key,
    used: Mutex<Used>,
}

/// The sign-ins that were finished lately, oldest first.
#[derive(Default)]
struct Used {
    states: HashSet<String>,
    order: VecDeque<(i64, String)>,
}

impl Used {
    /// False if it was used before. What is too old to be of use, or too much, is forgotten.
    fn first(&mut self, state: &str, now: Timestamp) -> bool {
        let old = |at: i64| now.micros() - at >= REMEMBERED_US;
        while self.order.front().is_some_and(|(at, _)| old(*at)) || self.order.len() >= USED_MAX {
            if let Some((_, state)) = self.order.pop_front() {
                self.states.remove(&state);
            }
        }
        let first = self.states.insert(state.to_owned());
        if first {
            self.order.push_back((now.micros(), state.to_owned()));
        }
        first
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// With a key that all nodes have.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), used: Mutex::default() }
    }

    /// As a cookie's value.
    pub fn close<T: Serialize>(&self, what: &T) -> String {
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(what).unwrap_or_default());
        let tag = hmac::sign(&self.key, body.as_bytes());
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// What a cookie's value says, if this seal is on it.
    pub fn read<T: DeserializeOwned>(&self, cookie: &str) -> Option<T> {
        let (body, tag) = Some(cookie).filter(|c| c.len() <= COOKIE_MAX)?.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.key, body.as_bytes(), &tag).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()
    }

    /// Opens a begun sign-in for the answer that belongs to it, once and within ten minutes; else it is nothing.
    pub fn open(&self, cookie: &str, state: Option<&str>, now: Timestamp) -> Option<Flow> {
        let flow: Flow = self.read(cookie)?;
        let age = now.micros() - flow.begun_us;
        // Only what could be finished is remembered, so that strangers can't fill the memory with what they never finish.
        if state != Some(flow.state.as_str()) || !(-60_000_000..=FLOW_MAX_US).contains(&age) {
            return None;
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.first(&flow.state, now).then_some(flow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros("at", micros).unwrap()
    }

    fn flow() -> Flow {
        Flow {
            institution: "kingsmead".parse().unwrap(),
            state: "s".repeat(43),
            nonce: "n".repeat(43),
            verifier: "v".repeat(43),
            to: "/whereabouts?show=all".to_owned(),
            begun_us: 1_000,
            quiet: false,
            of: String::new(),
        }
    }

    #[test]
    fn case_41_a_begun_sign_in_can_be_finished_once_and_not_made_up() {
        let (seal, other) = (Seal::new(&[1; 32]), Seal::new(&[2; 32]));
        let (begun, cookie) = (flow(), seal.close(&flow()));
        let state = Some(begun.state.as_str());
        assert!(other.open(&cookie, state, at(2_000)).is_none(), "sealed by somebody else");
        let (body, tag) = cookie.split_once('.').unwrap();
        assert!(seal.open(&format!("{}A.{tag}", &body[..body.len() - 1]), state, at(2_000)).is_none());
        assert!(seal.open(body, state, at(2_000)).is_none());
        assert!(seal.open(&cookie, None, at(2_000)).is_none(), "an answer without a state");
        assert!(seal.open(&cookie, Some("x"), at(2_000)).is_none(), "another sign-in's answer");
        assert!(seal.open(&cookie, state, at(601_000_000)).is_none(), "begun too long ago");
        let opened = seal.open(&cookie, state, at(2_000)).unwrap();
        assert_eq!(opened.to, "/whereabouts?show=all");
        assert!(seal.open(&cookie, state, at(3_000)).is_none(), "a state is good once");
        let mut used = Used::default();
        for number in 0..USED_MAX + 10 {
            assert!(used.first(&number.to_string(), at(1)));
        }
        assert!(used.order.len() <= USED_MAX && !used.first(&USED_MAX.to_string(), at(1)));
        assert!(used.first("later", at(2 * REMEMBERED_US)) && used.order.len() == 1);
    }
}
