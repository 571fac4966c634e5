//! Times as pages say them: 09:41.

use commonroll_core::Timestamp;
use jiff::{Zoned, tz::TimeZone};

fn local(at: Timestamp, zone: &TimeZone) -> Zoned {
    let at = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone())
}

/// 09:24:30
pub(super) fn hms(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).strftime("%H:%M:%S").to_string()
}

/// 09:24
pub(super) fn hm(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).strftime("%H:%M").to_string()
}
