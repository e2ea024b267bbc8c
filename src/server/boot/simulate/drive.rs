//! A technician who drives: their browser begins the shift, their phone signs in as a program and says every twenty seconds
//! where it is. Only HTTP, as a real one.

use std::time::Duration;

use anyhow::{Context, bail};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::person::{Login, Person};
use crate::server::kit::{Clock, clock::SystemClock, tls};

/// Three a minute are taken.
const EVERY: Duration = Duration::from_secs(20);
/// An access token lives five minutes.
const REFRESH_AFTER: u32 = 12;
const PATIENCE: Duration = Duration::from_secs(15);

/// Who drives, as the demo's file names them.
pub struct Driver {
    pub base_url: String,
    pub login: Login,
}

/// Drives until `stop`.
///
/// # Errors
/// They cannot sign in, or nothing answers.
pub async fn drive(driver: Driver, seed: u64, stop: CancellationToken) -> anyhow::Result<()> {
    let client = tls::http().no_proxy().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()?;
    begin_shift(&driver).await?;
    let mut car = Car::new(seed);
    let mut asked = json!({
        "grant_type": "password", "email": driver.login.email, "password": driver.login.password.expose(),
        "device": "Simulated phone",
    });
    while !stop.is_cancelled() {
        let answer = client.post(format!("{}/api/v1/token", driver.base_url)).json(&asked).send().await?;
        let tokens: Value = good(answer)?.json().await?;
        let access = tokens["access_token"].as_str().context("a token")?;
        asked = json!({ "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"] });
        for _ in 0..REFRESH_AFTER {
            let point = car.step();
            let sent = client.post(format!("{}/api/v1/positions", driver.base_url)).bearer_auth(access);
            let answer = sent.json(&point).send().await?;
            // Off shift, or too often when two simulations run: the next one may do better.
            if !answer.status().is_success() && ![409, 429, 503].contains(&answer.status().as_u16()) {
                bail!("a position was answered with {}", answer.status());
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(EVERY) => {}
            }
        }
    }
    Ok(())
}

/// By the page's own form, in a browser of theirs. One that is open is left open.
async fn begin_shift(driver: &Driver) -> anyhow::Result<()> {
    let begun = Person::sign_in(&driver.base_url, &driver.login).await?.act("/api/shift/begin", &[]).await?;
    if !begun.is_success() && begun != StatusCode::CONFLICT {
        bail!("a shift's beginning was answered with {begun}");
    }
    Ok(())
}

fn good(answer: Response) -> anyhow::Result<Response> {
    let status = answer.status();
    if !status.is_success() {
        bail!("{} was answered with {status}", answer.url().path());
    }
    Ok(answer)
}

/// Where they are, and where they go.
struct Car {
    lat: f64,
    lon: f64,
    heading: f64,
    speed: f64,
    rng: StdRng,
}

impl Car {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        // Around Dallas, where the demo's field service is.
        let (lat, lon) = (32.78 + rng.random_range(-0.15..0.15), -96.80 + rng.random_range(-0.2..0.2));
        let heading = rng.random_range(0.0..360.0);
        Self { lat, lon, heading, speed: 11.0, rng }
    }

    /// On for one step; a turn now and then, and a stop.
    fn step(&mut self) -> Value {
        self.heading = (self.heading + self.rng.random_range(-30.0..30.0)).rem_euclid(360.0);
        self.speed = if self.rng.random_ratio(1, 6) { 0.0 } else { self.rng.random_range(6.0..22.0) };
        let metres = self.speed * EVERY.as_secs_f64();
        let (sin, cos) = self.heading.to_radians().sin_cos();
        self.lat += metres * cos / 111_320.0;
        self.lon += metres * sin / (111_320.0 * self.lat.to_radians().cos());
        json!({
            "at": SystemClock.now().0.to_string(), "lat": self.lat, "lon": self.lon,
            "accuracy_m": self.rng.random_range(4.0..25.0), "speed_mps": self.speed, "heading_deg": self.heading,
        })
    }
}
