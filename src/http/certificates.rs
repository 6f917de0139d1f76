//! Amazon's certificates, fetched once. Whether an address may be asked is decided before (`monitors::sns`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use url::Url;

/// How many are kept; Amazon uses a few.
const KEPT: usize = 16;
/// The largest that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Those known so far.
#[derive(Default)]
pub(crate) struct Certificates {
    known: Mutex<HashMap<Url, Arc<Vec<u8>>>>,
}

impl Certificates {
    /// The certificate at an address, as PEM.
    pub(crate) async fn get(&self, url: &Url) -> Result<Arc<Vec<u8>>, String> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(url) {
            return Ok(known.clone());
        }
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            // Somewhere else is not Amazon any more.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        let answer = client.get(url.clone()).send().await.map_err(|error| error.to_string())?;
        if !answer.status().is_success() {
            return Err(format!("answered with {}", answer.status()));
        }
        let bytes = answer.bytes().await.map_err(|error| error.to_string())?;
        if bytes.len() > MAX_BYTES {
            return Err("larger than any certificate".to_owned());
        }
        let pem = Arc::new(bytes.to_vec());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(url.clone(), pem.clone());
        Ok(pem)
    }
}
