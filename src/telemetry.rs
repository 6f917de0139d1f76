//! Logs and metrics: how logs are written, and what is counted. Each place decides by itself what to log.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};
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
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let is_usable = is_about_muster(&asked);
    let filter = Some(asked.as_str()).filter(|_| is_usable).and_then(|asked| EnvFilter::try_new(asked).ok());
    let is_ignored = filter.is_none() && !asked.is_empty();
    let filter = filter.unwrap_or_else(|| EnvFilter::new(DEFAULT_LOG));
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
    if is_ignored {
        tracing::warn!(
            "RUST_LOG is `{asked}`, which says nothing of Muster's own lines, so it is ignored. Write for example RUST_LOG=debug or RUST_LOG=warn,muster=debug"
        );
    }
}

/// What is logged by default.
const DEFAULT_LOG: &str = "warn,muster=info,deadpool=off";

/// Whether a filter says what is logged of Muster: a level for everything, or something for `muster`. Without either, a slip such as
/// `loud` would be taken for the name of a library, and silence everything else.
fn is_about_muster(filter: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_about = |part: &str| LEVELS.contains(&part.to_lowercase().as_str()) || part.starts_with("muster");
    filter.split(',').any(|part| is_about(part.trim()))
}

/// Chooses the cryptography for TLS, once per process. Ring needs no C++ build.
pub fn install_crypto() {
    // An error means that it was chosen already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Labels, each with its value.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The metrics. All names start with `muster_`.
pub struct Metrics {
    registry: Registry,
    /// By `route` and `status`. The route is never the path with its ids.
    pub requests: Family<[(&'static str, String); 2], Counter>,
    pub answer_seconds: Histogram,
    pub alerts: Counter,
    pub incidents: Counter,
    /// Bodies of monitors that were not kept, because too many were waiting.
    pub bodies_dropped: Counter,
    /// By `lane` and `outcome`.
    pub deliveries: Family<Labels<2>, Counter>,
    /// Requests that were refused because of their signature or token, by the `kind` of who asked.
    pub rejected: Family<Labels<1>, Counter>,
    /// Requests of monitors that were refused, by `status`.
    pub refused: Family<[(&'static str, String); 1], Counter>,
    /// How often Slack was asked who somebody is who came in, by `outcome`.
    pub lookups: Family<Labels<1>, Counter>,
    /// Figures of the store, by `figure`. `blobs` must be 0.
    pub store: Family<Labels<1>, Gauge>,
    /// By `lane`.
    pub outbox_pending: Family<Labels<1>, Gauge>,
    /// How long the oldest entry is overdue, in seconds, by `lane`.
    pub outbox_oldest_seconds: Family<Labels<1>, Gauge<f64, AtomicU64>>,
}

fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("muster");
        let to = &mut registry;
        let seconds = Histogram::new(exponential_buckets(0.001, 2.0, 13));
        let dropped = "Bodies of monitors that were not kept for looking at them later";
        Self {
            requests: add(to, "http_requests", "Requests answered", Family::default()),
            answer_seconds: add(to, "http_answer_seconds", "Time to answer a request", seconds),
            alerts: add(to, "alerts_received", "Alerts taken in", Counter::default()),
            incidents: add(to, "incidents_opened", "Incidents opened", Counter::default()),
            bodies_dropped: add(to, "bodies_dropped", dropped, Counter::default()),
            deliveries: add(to, "deliveries", "Outbox deliveries by lane and outcome", Family::default()),
            rejected: add(to, "requests_rejected", "Requests with a bad signature or token", Family::default()),
            refused: add(to, "monitor_requests_refused", "Requests of monitors that were refused", Family::default()),
            lookups: add(to, "people_lookups", "Questions to Slack who somebody is, by outcome", Family::default()),
            store: add(to, "store", "Figures of the store; blobs must be 0", Family::default()),
            outbox_pending: add(to, "outbox_pending", "Outbox entries that wait", Family::default()),
            outbox_oldest_seconds: add(
                to,
                "outbox_oldest_seconds",
                "How long the oldest entry is overdue",
                Family::default(),
            ),
            registry,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_does_not_silence_the_log() {
        for filter in ["info", "WARN", "warn,muster=debug", "muster", "muster::store=trace,h2=off"] {
            assert!(is_about_muster(filter), "{filter}");
        }
        for filter in ["", "loud!!", "inof", "h2=debug"] {
            assert!(!is_about_muster(filter), "{filter}");
        }
    }
}
