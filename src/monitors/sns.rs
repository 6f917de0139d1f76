//! Amazon SNS, which delivers `CloudWatch` alarms. A certificate of Amazon signs each message. The certificate's host and the topic are
//! checked before anything is fetched. `http` fetches the certificate, and `delivery` confirms a subscription.
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>

use base64::Engine as _;
use ring::signature::{RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;
use url::Url;
use x509_parser::pem::parse_x509_pem;

use super::{Context, Reading, Unreadable, labelled, time, word};
use crate::domain::{Level, Pillar, Signal, SignalStatus, Time};

/// A message with a configured topic and with addresses of Amazon. Its signature is not checked yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    pub certificate: Url,
    /// The address to confirm a subscription, if the message asks for that.
    pub confirm: Option<Url>,
    canonical: String,
    signature: Vec<u8>,
    version: u8,
}

/// Checks a message before anything is fetched.
///
/// # Errors
/// It is not a message of SNS, its topic is not configured, or it points outside Amazon.
pub fn envelope(body: &Value, topics: &[String]) -> Result<Envelope, Unreadable> {
    let wrong = |what: &str| Unreadable::shape(what);
    let get = |key: &str| body[key].as_str();
    let kind = get("Type").ok_or_else(|| {
        wrong("the body has no `Type`. Is raw message delivery on? It removes the signature, so turn it off")
    })?;
    let topic = get("TopicArn").unwrap_or_default();
    if !topics.iter().any(|known| known == topic) {
        return Err(wrong("the topic is not one of the source's `topics`"));
    }
    let fields: &[&str] = match kind {
        "Notification" => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        "SubscriptionConfirmation" | "UnsubscribeConfirmation" => {
            &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        }
        other => return Err(Unreadable::shape(format!("`Type` is {other:?}, which SNS does not send"))),
    };
    let canonical: String = fields.iter().filter_map(|field| Some(format!("{field}\n{}\n", get(field)?))).collect();
    let region = topic.split(':').nth(3).unwrap_or_default();
    let certificate = amazons(get("SigningCertURL"), region).filter(|url| url.path().ends_with(".pem"));
    let certificate =
        certificate.ok_or_else(|| wrong("`SigningCertURL` is not the address of a certificate of Amazon"))?;
    let confirm = match kind {
        "SubscriptionConfirmation" => Some(
            amazons(get("SubscribeURL"), region).ok_or_else(|| wrong("`SubscribeURL` is not an address of Amazon"))?,
        ),
        _ => None,
    };
    let version = match get("SignatureVersion") {
        Some("1") => 1,
        Some("2") => 2,
        _ => return Err(wrong("`SignatureVersion` is not 1 or 2")),
    };
    let signature = get("Signature").and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    let signature = signature.ok_or_else(|| wrong("`Signature` is not base64"))?;
    Ok(Envelope { certificate, confirm, canonical, signature, version })
}

/// An https address at SNS in the topic's own region, and nowhere else.
fn amazons(url: Option<&str>, region: &str) -> Option<Url> {
    let url = Url::parse(url?).ok()?;
    let is_region = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let host = url.host_str()?.to_ascii_lowercase();
    let known = ["amazonaws.com", "amazonaws.com.cn"].iter().any(|end| host == format!("sns.{region}.{end}"));
    let plain =
        url.scheme() == "https" && url.port().is_none() && url.username().is_empty() && url.password().is_none();
    (is_region && known && plain).then_some(url)
}

impl Envelope {
    /// Whether the message was signed with this certificate (PEM), and the certificate is valid now.
    pub fn is_signed_with(&self, pem: &[u8], now: Time) -> bool {
        let Ok((_, pem)) = parse_x509_pem(pem) else { return false };
        let Ok(certificate) = pem.parse_x509() else { return false };
        let from = certificate.validity().not_before.timestamp();
        let until = certificate.validity().not_after.timestamp();
        if !(from..=until).contains(&now.timestamp()) {
            return false;
        }
        let key = &certificate.public_key().subject_public_key.data;
        let algorithm = match self.version {
            1 => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
            _ => &RSA_PKCS1_2048_8192_SHA256,
        };
        UnparsedPublicKey::new(algorithm, key).verify(self.canonical.as_bytes(), &self.signature).is_ok()
    }
}

/// Reads a message whose signature was checked.
///
/// # Errors
/// It is an alarm in a state that `CloudWatch` does not have.
pub fn read(context: &Context<'_>, body: &Value) -> Result<Reading, Unreadable> {
    let delivery = word(body.get("MessageId"));
    if body["Type"] != "Notification" {
        return Ok(Reading { delivery, ..Reading::default() });
    }
    let words = context.words();
    let message = body["Message"].as_str().unwrap_or_default();
    let alarm: Value = serde_json::from_str(message).unwrap_or_default();
    let at = time(body.get("Timestamp"));
    let Some(name) = word(alarm.get("AlarmName")) else {
        let signal = super::aws_events::read(context, &alarm, body, at);
        return Ok(Reading { signals: signal.into_iter().collect(), delivery, ..Reading::default() });
    };
    let (status, unrecovered) = match alarm["NewStateValue"].as_str() {
        Some("OK") => (SignalStatus::Resolved, None),
        Some("ALARM") => (SignalStatus::Firing, None),
        Some("INSUFFICIENT_DATA") => (SignalStatus::Resolved, Some("there is too little data to judge".to_owned())),
        other => {
            return Err(Unreadable::shape(format!("`NewStateValue` is {other:?}, which CloudWatch does not send")));
        }
    };
    let trigger = &alarm["Trigger"];
    let mut labels = labelled([
        ("metric", word(trigger.get("MetricName"))),
        ("namespace", word(trigger.get("Namespace"))),
        ("region", word(alarm.get("Region"))),
        ("account", word(alarm.get("AWSAccountId"))),
    ]);
    for dimension in trigger["Dimensions"].as_array().into_iter().flatten().take(super::MAX_LABELS / 2) {
        let part = |key: &str, other: &str| word(dimension.get(key)).or_else(|| word(dimension.get(other)));
        if let (Some(name), Some(value)) = (part("name", "Name"), part("value", "Value")) {
            labels.insert(name.to_lowercase(), value);
        }
    }
    let key = word(alarm.get("AlarmArn")).unwrap_or_else(|| name.clone());
    let metric = labels.get("metric").cloned().unwrap_or_default();
    let signal = Signal {
        status,
        unrecovered,
        asset: words.asset(&labels),
        pillar: words.pillar_of(&labels, &[&metric, &name], Pillar::Other),
        level: Level::Error,
        description: word(alarm.get("NewStateReason")).or_else(|| word(alarm.get("AlarmDescription"))),
        ..context.labelled(&key, &name, time(alarm.get("StateChangeTime")).or(at), labels)
    };
    Ok(Reading { signals: vec![signal], delivery, ..Reading::default() })
}
