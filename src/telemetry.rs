//! Logs and metrics: how logs are written, and what is counted. Each place decides by itself what to log.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people. It is coloured only on a terminal.
    #[default]
    Human,
    /// One JSON object on each line.
    Json,
}

/// Starts logging to standard error. `RUST_LOG` chooses what; by default Muster's own lines, and warnings of libraries.
/// Lines of the database pool are off, because the store says the same better. Slack's client never logs below `info`, because its debug
/// lines contain URLs and bodies.
pub fn start_logging(format: LogFormat) {
    use std::io::IsTerminal as _;
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,muster=info,deadpool=off"));
    let filter = match "slack_morphism=info".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // If logging was started before (by a test that runs commands in its own process), that one stays.
    let _ = match format {
        LogFormat::Human => builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Chooses the cryptography for TLS, once per process. Ring needs no C++ build.
pub fn install_crypto() {
    // An error means that it was chosen already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The route, never the path with its ids.
    pub route: String,
    pub status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DeliveryLabels {
    /// `page`, `slack` or `timer`.
    pub lane: &'static str,
    /// `done`, `retry` or `dead`.
    pub outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RejectedLabels {
    /// `slack`, `pagerduty` or `source`.
    pub kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LaneLabels {
    /// `page`, `slack` or `timer`.
    pub lane: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StoreLabels {
    /// `bytes` or `blobs`.
    pub figure: &'static str,
}

/// The metrics. All names start with `muster_`.
pub struct Metrics {
    registry: Registry,
    pub requests: Family<RequestLabels, Counter>,
    pub answer_seconds: Histogram,
    pub alerts: Counter,
    pub incidents: Counter,
    /// Bodies of monitors that were not kept, because too many were waiting.
    pub bodies_dropped: Counter,
    pub deliveries: Family<DeliveryLabels, Counter>,
    /// Requests that were refused because of their signature or token.
    pub rejected: Family<RejectedLabels, Counter>,
    /// Figures of the store. `blobs` must be 0.
    pub store: Family<StoreLabels, Gauge>,
    pub outbox_pending: Family<LaneLabels, Gauge>,
    /// How long the oldest entry is overdue, in seconds.
    pub outbox_oldest_seconds: Family<LaneLabels, Gauge<f64, AtomicU64>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("muster");
        let metrics = Self {
            requests: Family::default(),
            answer_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 13)),
            alerts: Counter::default(),
            incidents: Counter::default(),
            bodies_dropped: Counter::default(),
            deliveries: Family::default(),
            rejected: Family::default(),
            store: Family::default(),
            outbox_pending: Family::default(),
            outbox_oldest_seconds: Family::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "Requests answered", metrics.requests.clone());
        registry.register("http_answer_seconds", "Time to answer a request", metrics.answer_seconds.clone());
        registry.register("alerts_received", "Alerts taken in", metrics.alerts.clone());
        registry.register("incidents_opened", "Incidents opened", metrics.incidents.clone());
        registry.register(
            "bodies_dropped",
            "Bodies of monitors that were not kept for looking at them later",
            metrics.bodies_dropped.clone(),
        );
        registry.register("deliveries", "Outbox deliveries by lane and outcome", metrics.deliveries.clone());
        registry.register("requests_rejected", "Requests with a bad signature or token", metrics.rejected.clone());
        registry.register("store", "Figures of the store; blobs must be 0", metrics.store.clone());
        registry.register("outbox_pending", "Outbox entries that wait", metrics.outbox_pending.clone());
        registry.register(
            "outbox_oldest_seconds",
            "How long the oldest entry is overdue",
            metrics.outbox_oldest_seconds.clone(),
        );
        Self { registry, ..metrics }
    }
}

impl Metrics {
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
