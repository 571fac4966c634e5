//! What Prometheus sees: counts and times, never a person and nothing per learner.
//!
//! Each hub has a registry of its own, so that several run in one process (tests do). Numbers that the exchange keeps
//! itself are copied in when somebody asks; see `local`.

use crate::grpc::outlet::Gone;
use commonroll_exchange::Stats;
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, SharedString};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::{fmt, time::Duration};

const ABOUT: Metadata<'static> = Metadata::new("commonroll", Level::INFO, None);
const LATENCY_SECONDS: &[f64] =
    &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// The hub's instruments.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// Time from a batch's arrival to its durable answer, seconds.
    pub publish_seconds: Histogram,
    /// Batches answered.
    pub batches: Counter,
    /// Records handed to receivers.
    pub delivered: Counter,
    /// Open connections of agents.
    pub connections: Gauge,
    /// Open publish streams.
    pub publishing: Gauge,
    /// Open receive streams.
    pub receiving: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    pub fn new() -> Self {
        let builder = PrometheusBuilder::new().set_buckets(LATENCY_SECONDS).expect("there are buckets");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        describe(&recorder);
        let gauge = |name: &'static str| recorder.register_gauge(&Key::from_static_name(name), &ABOUT);
        let counter = |name: &'static str| recorder.register_counter(&Key::from_static_name(name), &ABOUT);
        Self {
            publish_seconds: recorder
                .register_histogram(&Key::from_static_name("commonroll_publish_seconds"), &ABOUT),
            batches: counter("commonroll_batches_total"),
            delivered: counter("commonroll_delivered_records_total"),
            connections: gauge("commonroll_agent_connections"),
            publishing: gauge("commonroll_publish_streams"),
            receiving: gauge("commonroll_receive_streams"),
            recorder,
            handle,
        }
    }

    /// A counter with labels, made at its first use. Labels come from closed sets only.
    pub fn counter(&self, name: &'static str, labels: &[(&'static str, &'static str)]) -> Counter {
        self.recorder.register_counter(&key(name, labels), &ABOUT)
    }

    /// Sets a gauge without labels.
    pub fn set(&self, name: &'static str, value: f64) {
        self.recorder.register_gauge(&Key::from_static_name(name), &ABOUT).set(value);
    }

    /// Takes over what the exchange counts itself.
    pub fn take(&self, stats: &Stats) {
        self.set("commonroll_log_entries", stats.log_entries as f64);
        self.recorder
            .register_counter(&Key::from_static_name("commonroll_commits_total"), &ABOUT)
            .absolute(stats.commits);
        for (kind, count) in &stats.accepted {
            self.counter("commonroll_records_total", &[("outcome", "accepted"), ("kind", kind)])
                .absolute(*count);
        }
        self.set("commonroll_disk_full", f64::from(u8::from(stats.disk_full)));
        self.set("commonroll_policy_broken", if stats.policy_broken { 1.0 } else { 0.0 });
        self.recorder
            .register_counter(&Key::from_static_name("commonroll_policy_rejected_total"), &ABOUT)
            .absolute(stats.policy_rejected);
        for institution in &stats.institutions {
            let label = || vec![Label::new("institution", institution.slug.clone())];
            let gauge = |name| self.recorder.register_gauge(&Key::from_parts(name, label()), &ABOUT);
            gauge("commonroll_enrolled_agents").set(institution.agents as f64);
            gauge("commonroll_acknowledged_sequence").set(institution.acknowledged as f64);
            gauge("commonroll_withdrawals_unanswered").set(institution.withdrawals_unanswered as f64);
        }
    }

    /// Counts a stranger who was not let in.
    pub fn stranger(&self, why: &'static str) {
        self.counter("commonroll_strangers_total", &[("why", why)]).increment(1);
    }

    /// Counts a call that ended in an error.
    pub fn refused_call(&self, code: tonic::Code) {
        self.counter("commonroll_refused_calls_total", &[("code", crate::status::word(code))]).increment(1);
    }

    /// Counts a reader who was cut because it took nothing.
    pub fn gone(&self, gone: Gone) {
        if gone == Gone::Stalled {
            self.refused_call(tonic::Code::DeadlineExceeded);
        }
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Folds samples together; the hub's timer calls this.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// Notes how long a batch took.
    pub fn published(&self, took: Duration) {
        self.publish_seconds.record(took.as_secs_f64());
        self.batches.increment(1);
    }
}

/// Raises a gauge for as long as it lives.
pub(crate) struct Raised(Gauge);

impl Raised {
    pub fn new(gauge: &Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge.clone())
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn key(name: &'static str, labels: &[(&'static str, &'static str)]) -> Key {
    Key::from_parts(
        name,
        labels.iter().map(|(name, value)| Label::from_static_parts(name, value)).collect::<Vec<_>>(),
    )
}

fn describe(recorder: &PrometheusRecorder) {
    let say = |text: &'static str| SharedString::const_str(text);
    for (name, text) in [
        ("commonroll_records_total", "Records by outcome and kind."),
        ("commonroll_refusals_total", "Records refused, by code."),
        ("commonroll_batches_total", "Batches answered."),
        ("commonroll_delivered_records_total", "Records handed to receivers."),
        ("commonroll_refused_calls_total", "Calls that ended in an error, by status code."),
        (
            "commonroll_commits_total",
            "Durable transactions of this node; entries per commit is the group size.",
        ),
        (
            "commonroll_policy_rejected_total",
            "Policy sets that were refused or could not be put in force; alert on any increase.",
        ),
        ("commonroll_strangers_total", "Strangers who were not let in, by reason."),
    ] {
        recorder.describe_counter(name.into(), None, say(text));
    }
    for (name, text) in [
        ("commonroll_agent_connections", "Open connections of agents."),
        ("commonroll_publish_streams", "Open publish streams."),
        ("commonroll_receive_streams", "Open receive streams."),
        ("commonroll_log_entries", "Entries in the log."),
        (
            "commonroll_disk_full",
            "1 while the disk of the database is full and no records are taken: free some space.",
        ),
        ("commonroll_policy_broken", "1 if the policy set in force can't be loaded: everything is denied."),
        ("commonroll_enrolled_agents", "Agents that may speak, by institution."),
        ("commonroll_acknowledged_sequence", "Highest sequence number acknowledged, by institution."),
        (
            "commonroll_withdrawals_unanswered",
            "Withdrawal notices without a deletion receipt, by institution.",
        ),
        ("commonroll_ready", "1 if the hub takes records, else 0."),
    ] {
        recorder.describe_gauge(name.into(), None, say(text));
    }
    let about = "Time from a batch's arrival to its durable answer, seconds.";
    recorder.describe_histogram("commonroll_publish_seconds".into(), None, say(about));
}
