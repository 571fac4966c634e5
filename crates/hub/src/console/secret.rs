//! The secret that a browser holds: 256 bits in a cookie that no script and no other site can use. Only its hash is kept.

use crate::clock::{Randomness, draw};
use aws_lc_rs::{constant_time, digest, hmac};
use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use commonroll_exchange::SessionId;

/// The session's cookie. `__Host-`: this host alone, over HTTPS alone, for every page.
const SESSION: &str = "__Host-commonroll";
/// The reader's own choice of theme.
const THEME: &str = "__Host-theme";
/// What a sign-in keeps between its two halves.
const FLOW: &str = "__Host-sign-in";
/// Bytes of a request's cookies that are looked at.
const COOKIES_MAX: usize = 8_192;

/// A browser's secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    pub fn fresh(random: &dyn Randomness) -> Self {
        Self(draw(random))
    }

    /// The secret in a request's cookie.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut bytes = [0; 32];
        let read = BASE64_URL_SAFE_NO_PAD.decode_slice(cookie(headers, SESSION)?, &mut bytes);
        (read == Ok(32)).then_some(Self(bytes))
    }

    /// What names the session without giving it away.
    pub fn id(&self) -> SessionId {
        let mut id = [0; 32];
        id.copy_from_slice(digest::digest(&digest::SHA256, &self.0).as_ref());
        id
    }

    /// What forms of this session carry, so that no other site can send one.
    pub fn form_token(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"commonroll/console/form/v1"))
    }

    /// Whether a form is of this session.
    pub fn sent(&self, token: &str) -> bool {
        constant_time::verify_slices_are_equal(self.form_token().as_bytes(), token.as_bytes()).is_ok()
    }

    /// The header that gives the cookie to the browser.
    pub fn set(&self) -> (header::HeaderName, HeaderValue) {
        put(SESSION, &BASE64_URL_SAFE_NO_PAD.encode(self.0), "")
    }
}

/// The header that takes the session's cookie away.
pub(super) fn forget() -> (header::HeaderName, HeaderValue) {
    put(SESSION, "", "; Max-Age=0")
}

/// The header that keeps a sealed half of a sign-in in the browser, for ten minutes.
pub(super) fn keep_flow(sealed: &str) -> (header::HeaderName, HeaderValue) {
    put(FLOW, sealed, "; Max-Age=600")
}

/// The sealed half of a sign-in.
pub(super) fn flow(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, FLOW)
}

/// The header that takes it away.
pub(super) fn forget_flow() -> (header::HeaderName, HeaderValue) {
    put(FLOW, "", "; Max-Age=0")
}

/// The chosen theme, if it is one of ours.
pub(super) fn theme(headers: &HeaderMap) -> Option<&'static str> {
    ["light", "dark"].into_iter().find(|theme| cookie(headers, THEME) == Some(theme))
}

/// The header that keeps a choice of theme; anything but light and dark is the device's.
pub(super) fn keep_theme(theme: &str) -> (header::HeaderName, HeaderValue) {
    match theme {
        "light" | "dark" => put(THEME, theme, "; Max-Age=31536000"),
        _ => put(THEME, "", "; Max-Age=0"),
    }
}

fn put(name: &str, value: &str, more: &str) -> (header::HeaderName, HeaderValue) {
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{more}");
    (header::SET_COOKIE, HeaderValue::from_str(&text).expect("letters, digits, - and . alone"))
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter(|value| value.len() <= COOKIES_MAX);
    let mut pairs = all.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProviderRandomness;

    #[test]
    fn a_secret_comes_back_from_its_cookie_and_from_nothing_else() {
        let secret = Secret::fresh(&ProviderRandomness);
        let set = secret.set().1;
        let set = set.to_str().unwrap();
        assert!(set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{set}");
        let pair = set.split(';').next().unwrap();
        let asked = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_str(text).unwrap());
            Secret::of(&headers)
        };
        assert_eq!(asked(&format!("a=b; {pair}; c=d")), Some(secret.clone()));
        for wrong in
            ["", "commonroll=AAAA", "__Host-commonroll=", "__Host-commonroll=AAAA", &pair[..pair.len() - 1]]
        {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
        assert!(secret.sent(&secret.form_token()));
        let other = Secret::fresh(&ProviderRandomness);
        assert!(!other.sent(&secret.form_token()) && !secret.sent("") && other.id() != secret.id());
    }
}
