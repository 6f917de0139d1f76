//! From which field of a body each part of an alert came, and which fields nothing was made of. It is found by trying: each field is changed and
//! left out, and the body is read again. So it holds for every format, and cannot differ from what the format does.

use serde_json::Value;

use super::reading::Reading;
use super::vocabulary::ASSET_LABELS;
use crate::config::{Source, SourceKind};
use crate::domain::Signal;

/// The most fields of a body that are tried.
pub const TRIED_AT_MOST: usize = 1000;

/// A part of an alert, as `muster replay` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum Part {
    /// That there is an alert at all.
    Alert,
    Status,
    Title,
    Key,
    Asset,
    Pillar,
    Severity,
    Time,
    Owner,
    Link,
    Description,
    Labels,
}

impl Part {
    fn differs(self, one: &Signal, other: &Signal) -> bool {
        match self {
            Self::Alert => false,
            Self::Status => one.status != other.status,
            Self::Title => one.title != other.title,
            Self::Key => one.key != other.key,
            Self::Asset => one.asset != other.asset,
            Self::Pillar => one.pillar != other.pillar,
            Self::Severity => one.level != other.level,
            Self::Time => one.at != other.at,
            Self::Owner => one.owner != other.owner,
            Self::Link => one.url != other.url,
            Self::Description => one.description != other.description,
            Self::Labels => one.labels != other.labels,
        }
    }
}

/// What became of the fields of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// For each signal, the parts and the fields that they came from, as JSON pointers, in the order of the body.
    pub made_of: Vec<Vec<(Part, String)>>,
    /// The fields that the catalog, or the id of the delivery, came from.
    pub besides: Vec<String>,
    /// The fields that nothing was made of.
    pub unused: Vec<String>,
    /// How many fields were not tried, because there are too many.
    pub untried: usize,
}

/// Traces what was read. `read` reads a body in the same way each time.
pub fn trace(body: &Value, reading: &Reading, read: impl Fn(&Value) -> Option<Reading>) -> Trace {
    let mut fields = Vec::new();
    leaves(body, String::new(), &mut fields);
    let mut trace = Trace { made_of: vec![Vec::new(); reading.signals.len()], ..Trace::default() };
    trace.untried = fields.len().saturating_sub(TRIED_AT_MOST);
    let mut changed = body.clone();
    for field in fields.into_iter().take(TRIED_AT_MOST) {
        let Some(was) = body.pointer(&field) else { continue };
        let (mut used, mut settled) = (false, false);
        // Words are tried only if nothing else shows what the field says: `error` may be what Muster takes without it.
        for (place, other) in others(was).into_iter().enumerate() {
            if settled && place > 1 {
                break;
            }
            if let Some(at) = changed.pointer_mut(&field) {
                *at = other;
            }
            let of = trace.note(&field, reading, read(&changed));
            used |= of.is_some();
            settled |= of == Some(true);
        }
        if let Some(at) = changed.pointer_mut(&field) {
            at.clone_from(was);
        }
        if !used {
            trace.unused.push(field);
        }
    }
    trace
}

impl Trace {
    /// Notes what differs without this field: whether that is more than a label, or than that there is an alert. `None` if nothing does.
    fn note(&mut self, field: &str, reading: &Reading, other: Option<Reading>) -> Option<bool> {
        let other = other.unwrap_or_default();
        let (mut used, mut settled) = (false, false);
        let mut add = |made_of: &mut Vec<(Part, String)>, part| {
            used = true;
            settled |= !matches!(part, Part::Alert | Part::Labels);
            if !made_of.iter().any(|(known, of)| (*known, of.as_str()) == (part, field)) {
                made_of.push((part, field.to_owned()));
            }
        };
        if other.signals.len() == reading.signals.len() {
            for (made_of, (one, other)) in self.made_of.iter_mut().zip(reading.signals.iter().zip(&other.signals)) {
                for part in <Part as strum::IntoEnumIterator>::iter().filter(|part| part.differs(one, other)) {
                    add(made_of, part);
                }
            }
        } else {
            for (made_of, one) in self.made_of.iter_mut().zip(&reading.signals) {
                if !other.signals.iter().any(|other| other.key == one.key) {
                    add(made_of, Part::Alert);
                }
            }
            // Another value would have made another alert.
            used |= other.signals.len() > reading.signals.len();
        }
        if !used
            && (other.delivery != reading.delivery
                || other.import != reading.import
                || other.unusable != reading.unusable)
        {
            used = true;
            if !self.besides.iter().any(|known| known == field) {
                self.besides.push(field.to_owned());
            }
        }
        used.then_some(settled)
    }
}

/// The pointers to all values of a body that are neither lists nor objects nor null.
fn leaves(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                leaves(value, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), into);
            }
        }
        Value::Array(items) => {
            for (place, value) in items.iter().enumerate() {
                leaves(value, format!("{at}/{place}"), into);
            }
        }
        Value::Null => {}
        _ => into.push(at),
    }
}

/// What to put in the place of a value: nothing, something like it, and words that a format may know.
fn others(value: &Value) -> Vec<Value> {
    const WORDS: [&str; 10] =
        ["info", "critical", "resolved", "pass", "success", "fail", "COMPLETE", "ok", "freshness", "volume"];
    let mut others = vec![Value::Null];
    match value {
        Value::String(text) => {
            others.push(format!("{text}~").into());
            if text.len() < 40 {
                others.extend(WORDS.map(Value::from));
            }
        }
        Value::Number(number) => {
            others.push(number.as_i64().map_or(Value::from(0.5), |number| Value::from(number.wrapping_add(1))))
        }
        Value::Bool(truth) => others.push((!truth).into()),
        _ => {}
    }
    others
}

/// How to give the alerts of a source an asset, with lines of `muster.toml` if it is said there.
pub fn how_to_name_asset(source: &Source, signal: &Signal) -> (String, Option<String>) {
    let name = &source.name;
    // A label that looks like the name of a table, otherwise any.
    let labels = || signal.labels.iter().filter(|(key, _)| !key.starts_with("muster_"));
    let label = labels()
        .find(|(_, value)| value.contains('.') && !value.contains([' ', '/']))
        .or_else(|| labels().next())
        .map_or("dataset_name", |(key, _)| key.as_str());
    let known = ASSET_LABELS.map(|label| format!("`{label}`")).join(", ");
    let of_labels = |what: &str| {
        let words = format!(
            "Give the alert {what} that names its asset: {known}. If it has another one already, say so in muster.toml, for example"
        );
        (
            words,
            Some(format!(
                "# under the [[sources]] with name = \"{name}\"\n[sources.words]\nasset_labels = [{label:?}]"
            )),
        )
    };
    let plain = |words: &str| (words.to_owned(), None);
    match source.kind {
        SourceKind::Alertmanager | SourceKind::Grafana => of_labels("a label"),
        SourceKind::Datadog => of_labels("a tag (`table:shop.orders`)"),
        SourceKind::Gcp => of_labels("a user label of the policy"),
        SourceKind::GreatExpectations => of_labels("a key in the expectation's `meta`"),
        SourceKind::PagerdutyV2 => of_labels("a field in `payload.custom_details`"),
        SourceKind::Prefect | SourceKind::Sentry => of_labels("a tag"),
        SourceKind::Sns => of_labels("a dimension"),
        SourceKind::Soda => of_labels("an attribute of the check"),
        SourceKind::Generic => match &source.mapping {
            None => of_labels("the field `asset`, or a label"),
            Some(_) => (
                "Say in muster.toml where in the body its asset stands, for example".to_owned(),
                Some(format!("# under the [[sources]] with name = \"{name}\"\n[sources.mapping]\nasset = \"/table\"")),
            ),
        },
        SourceKind::Cloudevents => plain("Put it into the event's `subject`, or into `asset`, `dataset` or `table` of its data"),
        SourceKind::DbtArtifacts => plain(
            "Upload target/manifest.json to /api/v1/catalog/dbt after each run. It says what each test is about. A hook of a run has no asset",
        ),
        SourceKind::DbtCloud => (
            "dbt Cloud's webhook names a job, and no model. Let CI also post run_results.json, which says which model failed, to a source such as".to_owned(),
            Some("[[sources]]\nname = \"dbt\"\nkind = \"dbt_artifacts\"\ntoken_env = \"DBT_TOKEN\"".to_owned()),
        ),
        SourceKind::Openlineage => plain(
            "A job is an asset if it has `outputs`, or if the catalog knows it. Let the integration send them, or name the job in your YAML (PUT /api/v1/catalog/yaml)",
        ),
        SourceKind::Elementary => plain("Let the alert have `table_full_name` or `model_unique_id`"),
        SourceKind::Airflow => plain("Give the task an outlet, or send the field that docs/monitors.md shows"),
        SourceKind::Dagster => plain("Let the sensor send `asset_key`, as docs/monitors.md shows"),
        SourceKind::MonteCarlo => plain("Alerts of Monte Carlo name a table if they are about one"),
    }
}
