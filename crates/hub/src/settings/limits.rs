//! How much the hub takes from anybody, with generous defaults. Every door is bounded by one of these.

use super::SettingsError;
use std::time::Duration;

/// Bounds on what is taken in.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Open connections of agents in all.
    pub connections: u32,
    /// Open connections of one institution.
    pub connections_per_institution: u32,
    /// Open connections of the join listener.
    pub join_connections: u32,
    /// Open connections of the console.
    pub console_connections: u32,
    /// Of these, from one address: a whole school may stand behind one.
    pub console_connections_per_address: u32,
    /// Pages with live updates that one person may have open; with one more, the oldest is told to wait.
    pub live_pages_per_person: u32,
    /// Pages a second that one signed-in person may ask for, sustained; as many again at once.
    pub pages_per_second: u32,
    /// Streams at a time on one connection.
    pub streams_per_connection: u32,
    /// Open publish and receive streams of one institution.
    pub streams_per_institution: u32,
    /// Records a second that one institution may publish, sustained.
    pub records_per_second: u32,
    /// Records that one institution may publish at once after a pause.
    pub records_burst: u32,
    /// Calls a second that one institution may make, sustained; as many again at once.
    pub calls_per_second: u32,
    /// Batches of one stream on their way at a time.
    pub batches_in_flight: u32,
    /// Bytes of one message.
    pub message_bytes: u32,
    /// Seconds for a TLS handshake, and again for the first bytes after it.
    pub handshake_seconds: f64,
    /// Seconds in which the head of a request must come to the console.
    pub console_head_seconds: f64,
    /// Seconds after which a console connection on which nobody asks for anything is ended.
    pub console_idle_seconds: f64,
    /// Seconds after which a reader who takes nothing is cut.
    pub stalled_seconds: f64,
    /// Seconds that open streams get at a stop.
    pub drain_seconds: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2_048,
            connections_per_institution: 16,
            join_connections: 256,
            console_connections: 2_048,
            console_connections_per_address: 512,
            live_pages_per_person: 8,
            pages_per_second: 20,
            streams_per_connection: 32,
            streams_per_institution: 32,
            records_per_second: 50_000,
            records_burst: 100_000,
            calls_per_second: 200,
            batches_in_flight: 16,
            message_bytes: 4 * 1024 * 1024,
            handshake_seconds: 10.0,
            console_head_seconds: 10.0,
            console_idle_seconds: 120.0,
            stalled_seconds: 60.0,
            drain_seconds: 30.0,
        }
    }
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let counts = [
            ("limits.connections", self.connections),
            ("limits.connections_per_institution", self.connections_per_institution),
            ("limits.join_connections", self.join_connections),
            ("limits.console_connections", self.console_connections),
            ("limits.console_connections_per_address", self.console_connections_per_address),
            ("limits.live_pages_per_person", self.live_pages_per_person),
            ("limits.pages_per_second", self.pages_per_second),
            ("limits.streams_per_connection", self.streams_per_connection),
            ("limits.streams_per_institution", self.streams_per_institution),
            ("limits.records_per_second", self.records_per_second),
            ("limits.records_burst", self.records_burst),
            ("limits.calls_per_second", self.calls_per_second),
            ("limits.batches_in_flight", self.batches_in_flight),
            ("limits.message_bytes", self.message_bytes),
        ];
        if let Some((key, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(SettingsError::rule(key, "must be at least 1"));
        }
        let times = [
            ("limits.handshake_seconds", self.handshake_seconds),
            ("limits.console_head_seconds", self.console_head_seconds),
            ("limits.console_idle_seconds", self.console_idle_seconds),
            ("limits.stalled_seconds", self.stalled_seconds),
            ("limits.drain_seconds", self.drain_seconds),
        ];
        match times.iter().find(|(_, seconds)| !(0.01..=3_600.0).contains(seconds)) {
            Some((key, _)) => Err(SettingsError::rule(key, "must lie between 0.01 and 3600 seconds")),
            None => Ok(()),
        }
    }

    /// Time for a TLS handshake.
    pub fn handshake(&self) -> Duration {
        Duration::from_secs_f64(self.handshake_seconds)
    }

    /// Time for the head of a request to the console, and for a console connection on which nobody asks for anything.
    pub fn console(&self) -> (Duration, Duration) {
        let of = Duration::from_secs_f64;
        (of(self.console_head_seconds), of(self.console_idle_seconds))
    }

    /// Time after which a reader who takes nothing is cut.
    pub fn stalled(&self) -> Duration {
        Duration::from_secs_f64(self.stalled_seconds)
    }

    /// Time that open streams get at a stop.
    pub fn drain(&self) -> Duration {
        Duration::from_secs_f64(self.drain_seconds)
    }
}
