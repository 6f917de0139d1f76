//! Amazon's certificates. Each is fetched once. `monitors::sns` decides before which addresses are allowed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use url::Url;

/// How many are kept. Amazon uses only a few.
const KEPT: usize = 16;
/// The largest certificate, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// The certificates that were fetched.
#[derive(Default)]
pub(crate) struct Certificates {
    known: Mutex<HashMap<Url, Arc<Vec<u8>>>>,
}

impl Certificates {
    /// The certificate at an address, as PEM.
    pub(crate) async fn get(&self, url: &Url) -> Result<Arc<Vec<u8>>, String> {
        if let Some(known) = self.known.lock().get(url) {
            return Ok(known.clone());
        }
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            // A redirect may lead away from Amazon.
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
        let mut known = self.known.lock();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(url.clone(), pem.clone());
        Ok(pem)
    }
}
