//! Fair shares: token buckets and connection counts per institution, so that a flooder slows nobody else.
//!
//! Time here is monotonic: it measures waiting, and no order of records depends on it.

use crate::settings::Limits;
use commonroll_core::{PersonId, Slug};
use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A bucket that refills steadily. It may be overdrawn by one request, so that a request larger than the bucket is
/// still served, and paid for afterwards.
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    burst: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        Self { per_second: f64::from(per_second), burst: f64::from(burst), level: f64::from(burst), at: now }
    }

    /// Takes `amount`, or says how long to wait.
    fn take(&mut self, amount: f64, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + passed * self.per_second).min(self.burst);
        self.at = now;
        if self.level > 0.0 {
            self.level -= amount;
            return Ok(());
        }
        Err(Duration::from_secs_f64(((1.0 - self.level) / self.per_second).clamp(0.05, 60.0)))
    }
}

#[derive(Debug)]
struct Share {
    records: Bucket,
    calls: Bucket,
    connections: u32,
    streams: u32,
}

/// What an institution has a limited number of.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Connection,
    Stream,
}

impl Share {
    fn count(&mut self, kind: Kind) -> &mut u32 {
        match kind {
            Kind::Connection => &mut self.connections,
            Kind::Stream => &mut self.streams,
        }
    }
}

/// The shares of all institutions.
#[derive(Debug)]
pub(crate) struct Shares {
    limits: Limits,
    held: Mutex<HashMap<Slug, Share>>,
}

impl Shares {
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, held: Mutex::default() })
    }

    fn with<T>(&self, institution: &Slug, act: impl FnOnce(&mut Share, Instant) -> T) -> T {
        let now = Instant::now();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let limits = &self.limits;
        let share = held.entry(institution.clone()).or_insert_with(|| Share {
            records: Bucket::new(limits.records_per_second, limits.records_burst, now),
            calls: Bucket::new(limits.calls_per_second, limits.calls_per_second, now),
            connections: 0,
            streams: 0,
        });
        act(share, now)
    }

    /// Takes records out of the institution's share, or says how long to wait.
    pub fn records(&self, institution: &Slug, count: usize) -> Result<(), Duration> {
        // An empty batch costs work too.
        let amount = u32::try_from(count.max(1)).map_or(f64::MAX, f64::from);
        self.with(institution, |share, now| share.records.take(amount, now))
    }

    /// Takes one call out of the institution's share.
    pub fn call(&self, institution: &Slug) -> Result<(), Duration> {
        self.with(institution, |share, now| share.calls.take(1.0, now))
    }

    /// A place for one more connection; given back when the place is dropped. `None` if the institution has enough.
    pub fn connection(self: &Arc<Self>, institution: &Slug) -> Option<Place> {
        self.place(institution, Kind::Connection, self.limits.connections_per_institution)
    }

    /// A place for one more publish or receive stream; as with connections.
    pub fn stream(self: &Arc<Self>, institution: &Slug) -> Option<Place> {
        self.place(institution, Kind::Stream, self.limits.streams_per_institution)
    }

    fn place(self: &Arc<Self>, institution: &Slug, kind: Kind, most: u32) -> Option<Place> {
        let free = self.with(institution, |share, _| {
            let count = share.count(kind);
            let free = *count < most;
            *count += u32::from(free);
            free
        });
        free.then(|| Place { shares: self.clone(), institution: institution.clone(), kind })
    }
}

/// How fast each person asks for pages, and how often an address shows cookies that are nobody's.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: u32,
    people: Mutex<HashMap<PersonId, Bucket>>,
    guesses: Mutex<HashMap<IpAddr, Bucket>>,
}

/// People or addresses that are remembered at a time; whoever has a full share again is forgotten first.
const PACED: usize = 20_000;
/// Guesses that an address may make at once; it gets one more a second.
const GUESSES: u32 = 60;

impl Pace {
    pub fn new(limits: &Limits) -> Arc<Self> {
        let per_second = limits.pages_per_second;
        Arc::new(Self { per_second, people: Mutex::default(), guesses: Mutex::default() })
    }

    /// Takes one page out of a person's share, or says how long to wait.
    pub fn person(&self, person: PersonId) -> Result<(), Duration> {
        take(&self.people, person, (self.per_second, self.per_second.saturating_mul(2)))
    }

    /// Counts a cookie that is nobody's, or says how long its address has to wait.
    pub fn guess(&self, address: IpAddr) -> Result<(), Duration> {
        take(&self.guesses, address, (1, GUESSES))
    }
}

fn take<K: Hash + Eq>(
    held: &Mutex<HashMap<K, Bucket>>,
    key: K,
    (per_second, burst): (u32, u32),
) -> Result<(), Duration> {
    let now = Instant::now();
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    if held.len() >= PACED && !held.contains_key(&key) {
        held.retain(|_, bucket| {
            let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
            bucket.level + passed * bucket.per_second < bucket.burst
        });
        if held.len() >= PACED {
            return Err(Duration::from_secs(1));
        }
    }
    held.entry(key).or_insert_with(|| Bucket::new(per_second, burst, now)).take(1.0, now)
}

/// One place in an institution's count of connections or streams.
#[derive(Debug)]
pub(crate) struct Place {
    shares: Arc<Shares>,
    institution: Slug,
    kind: Kind,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shares.with(&self.institution, |share, _| {
            let count = share.count(self.kind);
            *count = count.saturating_sub(1);
        });
    }
}

/// How many connections each address has: so many and no more.
#[derive(Debug)]
pub(crate) struct Crowd {
    most: u32,
    held: Mutex<HashMap<IpAddr, u32>>,
}

impl Crowd {
    pub fn new(most: u32) -> Arc<Self> {
        Arc::new(Self { most, held: Mutex::default() })
    }

    /// A place for one more connection from an address, given back when it is dropped. `None` if it has enough.
    pub fn place(self: &Arc<Self>, address: IpAddr) -> Option<CrowdPlace> {
        let address = neighbours(address);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(address).or_default();
        let free = *count < self.most;
        *count += u32::from(free);
        free.then(|| CrowdPlace { crowd: self.clone(), address })
    }
}

/// One address stands for all that one line is given: with IPv6 that is a /64.
fn neighbours(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6((six.to_bits() >> 64 << 64).into()),
        four => four,
    }
}

/// One place in an address's count of connections.
#[derive(Debug)]
pub(crate) struct CrowdPlace {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Drop for CrowdPlace {
    fn drop(&mut self) {
        let mut held = self.crowd.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_refuses_when_empty_and_says_how_long_to_wait() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100, 200, start);
        assert_eq!(bucket.take(150.0, start), Ok(()));
        assert_eq!(bucket.take(150.0, start), Ok(()), "one overdraft is served, so that any batch can pass");
        let wait = bucket.take(1.0, start).unwrap_err();
        assert!((0.9..=1.2).contains(&wait.as_secs_f64()), "{wait:?}");
        assert_eq!(bucket.take(1.0, start + wait), Ok(()), "who waits as told is served");
    }

    #[test]
    fn a_flooder_alone_is_refused() {
        let limits = Limits { records_per_second: 10, records_burst: 10, ..Limits::default() };
        let shares = Shares::new(limits);
        let (flooder, neighbour): (Slug, Slug) = ("ridgeway".parse().unwrap(), "northgate".parse().unwrap());
        while shares.records(&flooder, 5).is_ok() {}
        assert!(shares.records(&flooder, 1).is_err());
        assert!(shares.records(&neighbour, 5).is_ok());
    }

    #[test]
    fn an_address_has_so_many_connections_whatever_its_last_bits_are() {
        let crowd = Crowd::new(1);
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let place = crowd.place(at("2001:db8:0:1::1")).unwrap();
        assert!(crowd.place(at("2001:db8:0:1:ffff::2")).is_none(), "the same line");
        assert!(crowd.place(at("2001:db8:0:2::1")).is_some() && crowd.place(at("192.0.2.1")).is_some());
        drop(place);
        assert_eq!(crowd.held.lock().unwrap().len(), 0, "whoever has none is forgotten");
        assert!(crowd.place(at("2001:db8:0:1::9")).is_some());
    }

    #[test]
    fn a_closed_connection_gives_its_place_back() {
        let shares = Shares::new(Limits { connections_per_institution: 1, ..Limits::default() });
        let school: Slug = "ridgeway".parse().unwrap();
        let place = shares.connection(&school).unwrap();
        assert!(shares.connection(&school).is_none());
        drop(place);
        assert!(shares.connection(&school).is_some());
    }
}
