//! What each kind of certificate says: names, purposes and times. Pure; nothing is signed here.

use super::{AuthorityError, Caller, HUB_NAME};
use crate::clock::{Randomness, draw};
use commonroll_core::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType,
    SerialNumber,
};
use std::{net::IpAddr, time::Duration};

const DAY: Duration = Duration::from_secs(86_400);
/// How long the authority's own certificate lasts.
const AUTHORITY: Duration = Duration::from_secs(3_652 * 86_400);
/// How long a server certificate lasts; it is renewed in memory long before.
pub(super) const SERVER: Duration = Duration::from_secs(90 * 86_400);
/// How long one lasts that is made while the hub's clock can't be believed. It may be years later than the hub knows, and whoever
/// dials by a right clock must be told so; its key lies in memory alone, and another takes its place once the clock is believed.
pub(super) const SERVER_DOUBTED: Duration = AUTHORITY;
/// Certificates begin a little in the past, since clocks differ.
const BACKDATED: Duration = Duration::from_secs(300);

/// The authority's own certificate: may sign leaves, and no further authority.
pub(super) fn authority(
    consortium: &str,
    now: Timestamp,
    random: &dyn Randomness,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = basic(&format!("Commonroll authority of {consortium}"), AUTHORITY, now, random)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// The hub's server certificate.
pub(super) fn server(
    names: &[String],
    (now, lifetime): (Timestamp, Duration),
    random: &dyn Randomness,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = basic("Commonroll hub", lifetime, now, random)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.subject_alt_names.push(dns(HUB_NAME)?);
    for name in names.iter().filter(|name| *name != HUB_NAME) {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => dns(name)?,
        });
    }
    Ok(params)
}

/// The client certificate of an agent or a person: an id and nothing else.
pub(super) fn client(
    caller: Caller,
    lifetime: Duration,
    now: Timestamp,
    random: &dyn Randomness,
) -> Result<CertificateParams, AuthorityError> {
    let name = match caller {
        Caller::Agent(_) => "Commonroll agent",
        Caller::Person(_) => "Commonroll person",
    };
    let mut params = basic(name, lifetime.min(30 * DAY), now, random)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.subject_alt_names.push(SanType::URI(caller.uri().try_into()?));
    Ok(params)
}

fn basic(
    name: &str,
    lifetime: Duration,
    now: Timestamp,
    random: &dyn Randomness,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let seconds = Duration::from_secs(u64::try_from(now.micros() / 1_000_000).unwrap_or(0));
    params.not_before = epoch + seconds.saturating_sub(BACKDATED);
    params.not_after = epoch + seconds + lifetime;
    params.use_authority_key_identifier_extension = true;
    let mut serial: [u8; 16] = draw(random);
    serial[0] = (serial[0] & 0x3f) | 0x40; // positive, and always 16 bytes long
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn dns(name: &str) -> Result<SanType, AuthorityError> {
    let plain = !name.is_empty()
        && name.len() <= 253
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'*');
    if !plain {
        return Err(AuthorityError::Names);
    }
    Ok(SanType::DnsName(name.to_owned().try_into()?))
}
