//! dbt Cloud's job webhooks. A failed run sends both `job.run.errored` and `job.run.completed`: that is one alert. The artifacts
//! (`dbt_artifacts`) say what failed in it. <https://docs.getdbt.com/docs/deploy/webhooks>

use serde_json::Value;

use super::{Context, Reading, Unreadable, time, word};
use crate::domain::{Pillar, Signal, SignalStatus};

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let data = &body["data"];
    let (Some(event), Some(job)) = (body["eventType"].as_str(), word(data.get("jobId"))) else {
        return Err(Unreadable::WrongShape(
            "the body has no `eventType` and `data.jobId`, so it is not a webhook of dbt Cloud".to_owned(),
        ));
    };
    let delivery = word(body.get("eventId"));
    let status = data["runStatus"].as_str().unwrap_or_default().to_lowercase();
    let code = data["runStatusCode"].as_i64();
    let status = match event {
        "job.run.errored" => Some(SignalStatus::Firing),
        "job.run.completed" if status == "success" || code == Some(10) => Some(SignalStatus::Resolved),
        "job.run.completed" if status.starts_with("error") || code == Some(20) => Some(SignalStatus::Firing),
        // Started or cancelled: this says nothing about the data.
        _ => None,
    };
    let Some(status) = status else {
        return Ok(Reading { delivery, ..Reading::default() });
    };
    let name = word(data.get("jobName")).unwrap_or_else(|| format!("job {job}"));
    let message = word(data.get("runStatusMessage")).filter(|text| text != "None");
    let mut labels = std::collections::BTreeMap::new();
    for (label, field) in [
        ("run", "runId"),
        ("job", "jobName"),
        ("environment", "environmentName"),
        ("project", "projectName"),
        ("reason", "runReason"),
    ] {
        if let Some(value) = word(data.get(field)) {
            labels.insert(label.to_owned(), value);
        }
    }
    let at = ["runErroredAt", "runFinishedAt"].into_iter().find_map(|field| time(data.get(field)));
    let signal = Signal {
        status,
        pillar: Pillar::Pipeline,
        owner: context.words().owner(&labels),
        url: word(data.get("runUrl")),
        description: message,
        labels,
        ..context.signal(
            &format!("{}/{job}", word(body.get("accountId")).unwrap_or_default()),
            &format!("dbt job failed: {name}"),
            at.or_else(|| time(body.get("timestamp"))),
        )
    };
    Ok(Reading { signals: vec![signal], delivery, ..Reading::default() })
}
