//! dbt Cloud's job webhooks. A failed run sends both `job.run.errored` and `job.run.completed`: that is one alert. The artifacts
//! (`dbt_artifacts`) say what failed in it. <https://docs.getdbt.com/docs/deploy/webhooks>

use serde_json::Value;

use super::{Context, Reading, Unreadable, Unusable, labelled, time, word};
use crate::domain::{Pillar, Signal, SignalStatus};

pub(super) fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let data = &body["data"];
    let (Some(event), Some(job)) = (body["eventType"].as_str(), word(data.get("jobId"))) else {
        return Err(Unreadable::shape(
            "the body has no `eventType` and `data.jobId`, so it is not a webhook of dbt Cloud",
        ));
    };
    let delivery = word(body.get("eventId"));
    let status = data["runStatus"].as_str().unwrap_or_default().to_lowercase();
    let code = data["runStatusCode"].as_i64();
    let status = match event {
        "job.run.errored" => SignalStatus::Firing,
        "job.run.completed" if status == "success" || code == Some(10) => SignalStatus::Resolved,
        "job.run.completed" if status.starts_with("error") || code == Some(20) => SignalStatus::Firing,
        // Cancelled: this says nothing about the data.
        "job.run.completed" if !(status.is_empty() || status.starts_with("cancel") || code == Some(30)) => {
            let why = format!("`runStatus` is {status:?}. It must be success, errored or cancelled");
            let unusable = vec![Unusable { at: "/data/runStatus".to_owned(), why }];
            return Ok(Reading { delivery, unusable, ..Reading::default() });
        }
        // Only started, or an event of a later version.
        _ => return Ok(Reading { delivery, ..Reading::default() }),
    };
    let name = word(data.get("jobName")).unwrap_or_else(|| format!("job {job}"));
    let message = word(data.get("runStatusMessage")).filter(|text| text != "None");
    let labels = labelled([
        ("run", word(data.get("runId"))),
        ("job", word(data.get("jobName"))),
        ("environment", word(data.get("environmentName"))),
        ("project", word(data.get("projectName"))),
        ("reason", word(data.get("runReason"))),
    ]);
    let at = ["runErroredAt", "runFinishedAt"].into_iter().find_map(|field| time(data.get(field)));
    let signal = Signal {
        status,
        pillar: Pillar::Pipeline,
        url: word(data.get("runUrl")),
        description: message,
        ..context.labelled(
            &format!("{}/{job}", word(body.get("accountId")).unwrap_or_default()),
            &format!("dbt job failed: {name}"),
            at.or_else(|| time(body.get("timestamp"))),
            labels,
        )
    };
    Ok(Reading { signals: vec![signal], delivery, ..Reading::default() })
}
