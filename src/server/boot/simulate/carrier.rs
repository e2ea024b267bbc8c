//! The carrier: posts signed webhooks, and waits as telephones do.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::signer::{Fields, sign};
use crate::server::{kit::tls, vault::Secret};

const FORM: &str = "application/x-www-form-urlencoded";
/// Twilio waits this long for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// One per simulation, shared by its calls.
pub struct Carrier {
    client: reqwest::Client,
    /// Once cancelled, nobody waits any more: calls that run come to their end at once.
    hurry: CancellationToken,
    speed: u32,
}

impl Carrier {
    /// Everything takes its natural time, divided by `speed`.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(hurry: CancellationToken, speed: u32) -> anyhow::Result<Self> {
        // Not `Outbound`: what is called is our own server, on whatever address it has.
        let client = tls::http().user_agent("TwilioProxy/1.1").no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { client, hurry, speed: speed.max(1) })
    }

    /// Waits, unless the simulation ends.
    pub async fn pause(&self, seconds: u32) {
        let wait = Duration::from_secs(seconds.into()) / self.speed;
        tokio::select! {
            () = self.hurry.cancelled() => {}
            () = sleep(wait) => {}
        }
    }

    /// Posts a form and returns the answer. A connection that fails is tried once more.
    ///
    /// # Errors
    /// No answer, or one that is no success.
    pub async fn post(&self, url: &str, fields: &Fields, secret: &Secret) -> anyhow::Result<String> {
        let signature = sign(url, fields, secret);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = || {
            self.client
                .post(url)
                .header("content-type", FORM)
                .header("x-twilio-signature", signature.as_str())
                .body(body.clone())
                .send()
        };
        let answer = match request().await {
            Err(error) if error.is_connect() || error.is_request() => {
                self.pause(1).await;
                request().await
            }
            other => other,
        };
        // The address holds the connection's token: not for a log.
        let answer = answer.map_err(reqwest::Error::without_url).context("posting a webhook")?;
        let status = answer.status();
        if !status.is_success() {
            bail!("a webhook was answered with {status}");
        }
        answer.text().await.map_err(reqwest::Error::without_url).context("reading the answer to a webhook")
    }
}
