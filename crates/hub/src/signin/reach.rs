//! How the hub reaches a provider, and nothing else: HTTPS, to addresses that a provider can have, with bounds.
//!
//! An address is judged when it is saved and again after its name was resolved, at each connection; redirects are not
//! followed and no proxy is asked. So a setting, or a name that changes its mind, can't turn the hub against its own
//! network. An institution whose provider does stand inside says so in the settings (`inside = true`).

use reqwest::{
    Client, ClientBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use serde::de::DeserializeOwned;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use url::{Host, Url};

/// Longest answer that is read.
const ANSWER_MAX: usize = 512 * 1024;
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);

/// Why a provider could not be reached, or said nothing useful. Holds nothing that it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// An address that the hub doesn't go to.
    #[error("the address is not one that the hub goes to: use https and a public address, or set `inside`")]
    Address,
    /// No answer.
    #[error("the provider does not answer")]
    Silent,
    /// An answer that says no.
    #[error("the provider refused")]
    Refused,
    /// An answer that is no answer.
    #[error("the provider's answer has the wrong shape")]
    Shape,
}

/// What became of handing something over. Nothing is read but the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Posted {
    /// It was taken.
    Taken,
    /// The address, or what its name resolves to, is not one that the hub goes to.
    Address,
    /// No answer in time, or no connection that can be trusted.
    Silent,
    /// The answer was no.
    Refused,
    /// The answer points elsewhere, which is not followed.
    Elsewhere,
}

/// A name resolves to nothing but addresses that the hub doesn't go to.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no address that the hub goes to")]
struct Inside;

/// A client for one provider.
#[derive(Debug, Clone)]
pub struct Reach {
    client: Client,
    inside: bool,
}

impl Reach {
    /// `inside` lets addresses of private networks through; `authorities` are PEM certificates trusted besides the system's.
    ///
    /// # Errors
    /// If a certificate can't be read.
    pub fn new(inside: bool, authorities: Option<&[u8]>) -> Result<Self, reqwest::Error> {
        let mut builder = ClientBuilder::new()
            .https_only(true)
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .user_agent("commonroll")
            .dns_resolver(Arc::new(Checked { inside }));
        if let Some(pem) = authorities {
            let certificates = reqwest::Certificate::from_pem_bundle(pem)?;
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Self { client: builder.build()?, inside })
    }

    /// Takes an address if the hub may go there at all. A name is judged again when it is resolved.
    ///
    /// # Errors
    /// [`Unreached::Address`].
    pub fn address(&self, text: &str) -> Result<Url, Unreached> {
        address(text, self.inside)
    }

    /// Reads a JSON document.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, Unreached> {
        let url = self.address(url)?;
        read(self.client.get(url).header("accept", "application/json").send().await).await
    }

    /// Posts a form with the client's own proof, and reads the answer.
    ///
    /// # Errors
    /// [`Unreached`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        url: &str,
        form: &[(&str, &str)],
        proof: Option<(&str, &str)>,
    ) -> Result<T, Unreached> {
        let url = self.address(url)?;
        let request = self.client.post(url).header("accept", "application/json").form(form);
        let request = match proof {
            Some((name, secret)) => request.basic_auth(name, Some(secret)),
            None => request,
        };
        read(request.send().await).await
    }
}

impl Reach {
    /// Hands a JSON document over, with one header that proves who sends it.
    pub(crate) async fn hand_over(&self, url: &str, proof: (&str, &str), body: Vec<u8>) -> Posted {
        let Ok(url) = self.address(url) else { return Posted::Address };
        let request = self.client.post(url).header("content-type", "application/json");
        match request.header(proof.0, proof.1).body(body).send().await {
            Ok(answer) if answer.status().is_success() => Posted::Taken,
            Ok(answer) if answer.status().is_redirection() => Posted::Elsewhere,
            Ok(_) => Posted::Refused,
            Err(error) if leads_inside(&error) => Posted::Address,
            Err(_) => Posted::Silent,
        }
    }
}

fn leads_inside(error: &reqwest::Error) -> bool {
    let first: Option<&(dyn std::error::Error + 'static)> = Some(error);
    std::iter::successors(first, |error| error.source()).any(<dyn std::error::Error>::is::<Inside>)
}

async fn read<T: DeserializeOwned>(
    answer: Result<reqwest::Response, reqwest::Error>,
) -> Result<T, Unreached> {
    let mut answer = answer.map_err(|_| Unreached::Silent)?;
    // Only these say no. Whatever else is in the way (too many requests, an address that moved) may be gone in a minute.
    if matches!(answer.status().as_u16(), 400 | 401) {
        return Err(Unreached::Refused);
    }
    if !answer.status().is_success() {
        return Err(Unreached::Silent);
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| Unreached::Silent)? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(Unreached::Shape);
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_| Unreached::Shape)
}

/// Judges what a name resolves to, at every connection.
struct Checked {
    inside: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let inside = self.inside;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let good: Vec<SocketAddr> = found.filter(|at| inside || is_public(at.ip())).collect();
            if good.is_empty() {
                return Err(Inside.into());
            }
            Ok(Box::new(good.into_iter()) as Addrs)
        })
    }
}

/// Takes an address if the hub may go there: https, a host, nothing hidden in it.
///
/// # Errors
/// [`Unreached::Address`].
pub fn address(text: &str, inside: bool) -> Result<Url, Unreached> {
    let url = Url::parse(text).map_err(|_| Unreached::Address)?;
    let plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    let host = match url.host() {
        Some(Host::Ipv4(ip)) => inside || is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => inside || is_public(IpAddr::V6(ip)),
        Some(Host::Domain(name)) => inside || !is_local(name),
        None => false,
    };
    if plain && host && text.len() <= 2_000 { Ok(url) } else { Err(Unreached::Address) }
}

fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.ends_with(".local")
        || name.ends_with(".internal")
}

/// True for an address of the open internet.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    // An IPv4 address in IPv6 clothes is judged as what it is.
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let parts = ip.segments();
    let translated = parts[0] == 0x64 && parts[1] == 0xff9b;
    let six_to_four = parts[0] == 0x2002;
    // Only 2000::/3 is given out; of it, documentation and the ways to tunnel IPv4 are no provider's.
    (parts[0] & 0xe000) == 0x2000
        && !translated
        && !six_to_four
        && !(parts[0] == 0x2001 && (parts[1] == 0 || parts[1] == 0xdb8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_45_an_address_inside_is_refused_when_it_is_saved() {
        for text in [
            "http://sign-in.example.org/",
            "https://169.254.169.254/latest/meta-data",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://10.1.2.3/",
            "https://192.168.4.4:8443/",
            "https://100.64.0.1/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://localhost/",
            "https://hub.internal./",
            "https://user:secret@sign-in.example.org/",
            "file:///etc/passwd",
            "gopher://example.org/",
            "https:///",
            "",
        ] {
            assert_eq!(address(text, false), Err(Unreached::Address), "{text}");
        }
        assert!(address("https://login.microsoftonline.com/tenant/v2.0", false).is_ok());
        assert!(
            address("https://10.1.2.3/adfs", true).is_ok(),
            "an institution may say that its provider is inside"
        );
        assert!(address("http://10.1.2.3/adfs", true).is_err());
    }

    #[tokio::test]
    async fn case_45_nothing_is_handed_over_to_a_name_that_leads_inside() {
        let reach = Reach::new(false, None).unwrap();
        let url = "https://localhost/hook";
        assert_eq!(reach.hand_over(url, ("x", "y"), Vec::new()).await, Posted::Address);
        // As for a name that could be anybody's as text: only resolving it tells.
        let open = Reach { inside: true, ..Reach::new(false, None).unwrap() };
        assert_eq!(open.hand_over(url, ("x", "y"), Vec::new()).await, Posted::Address, "at connect, too");
    }

    #[tokio::test]
    async fn case_45_a_name_that_leads_inside_is_refused_when_it_is_resolved() {
        let checked = Checked { inside: false };
        let name = "localhost".parse::<Name>().unwrap();
        assert!(checked.resolve(name).await.is_err());
        let inside = Checked { inside: true };
        let name = "localhost".parse::<Name>().unwrap();
        assert!(inside.resolve(name).await.is_ok());
    }
}
