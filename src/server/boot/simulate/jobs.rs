//! A technician's jobs, one after the other: the demo's dispatcher makes them and gives them out, the technician moves them along,
//! each in a browser of their own and by the forms of the pages. Some are canceled.

use std::{ops::Range, sync::Arc};

use anyhow::{Context, bail};
use jiff::tz::TimeZone;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use reqwest::StatusCode;
use tokio_util::sync::CancellationToken;

use super::{
    carrier::Carrier,
    person::{Login, Person},
};
use crate::server::kit::{Clock, clock::SystemClock};

/// Where the demo's field service is.
const ZONE: &str = "America/Chicago";

/// All are made up.
const CUSTOMERS: [&str; 8] = [
    "Nadia Ferrow",
    "Curtis Vane",
    "Lucille Harmon",
    "Ivo Brandt",
    "Dalia Moss",
    "Reuben Stroud",
    "Tessa Quill",
    "Amos Kettering",
];
const STREETS: [&str; 5] = ["Sycamore Row", "Quarry Bend", "Harbor Lane", "Mill Street", "Juniper Way"];
const ERRANDS: [&str; 5] =
    ["A tap drips", "No hot water", "The drain is blocked", "Yearly service", "The thermostat shows nothing"];

/// Who makes jobs, and who goes.
pub struct Crew {
    pub base_url: String,
    pub dispatcher: Login,
    pub technician: Login,
}

/// Plays one job after the other until `stop`; the one that is under way then comes to its end at once.
///
/// # Errors
/// They cannot sign in, nothing answers, or a job is refused.
pub async fn work(crew: Crew, carrier: Arc<Carrier>, seed: u64, stop: CancellationToken) -> anyhow::Result<()> {
    let dispatcher = Person::sign_in(&crew.base_url, &crew.dispatcher).await?;
    let technician = Person::sign_in(&crew.base_url, &crew.technician).await?;
    let member = member(&technician.page("/field").await?).context("the technician's page names nobody")?.to_owned();
    let (zone, rng) = (TimeZone::get(ZONE)?, StdRng::seed_from_u64(seed));
    let mut day = Day { dispatcher, technician, member, carrier, zone, rng };
    while !stop.is_cancelled() {
        day.job().await?;
        day.rest(15..45).await;
    }
    Ok(())
}

/// Whose page it is: what its script sends positions as.
fn member(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("data-field=\"")?;
    rest.split('"').next().filter(|id| id.starts_with("mem_"))
}

struct Day {
    dispatcher: Person,
    technician: Person,
    /// The technician's id.
    member: String,
    carrier: Arc<Carrier>,
    zone: TimeZone,
    rng: StdRng,
}

impl Day {
    async fn rest(&mut self, seconds: Range<u32>) {
        let seconds = self.rng.random_range(seconds);
        self.carrier.pause(seconds).await;
    }

    /// From being typed in to being done, unless somebody else at the demo takes it in hand.
    async fn job(&mut self) -> anyhow::Result<()> {
        let id = self.make().await?;
        self.rest(10..40).await;
        if self.rng.random_ratio(1, 8) {
            let canceled = [("id", id.as_str()), ("version", "1"), ("confirm", "cancel")];
            is_done(self.dispatcher.act("/api/work-orders/cancel", &canceled).await?)?;
            return Ok(());
        }
        let given = [("id", id.as_str()), ("version", "1"), ("member", self.member.as_str())];
        if !is_done(self.dispatcher.act("/api/work-orders/assign", &given).await?)? {
            return Ok(());
        }
        for (version, to, before) in [("2", "en_route", 10..30), ("3", "on_site", 40..120), ("4", "done", 60..180)] {
            self.rest(before).await;
            let moved = [("id", id.as_str()), ("version", version), ("to", to)];
            if !is_done(self.technician.act("/api/work-orders/move", &moved).await?)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Types one in, for today: its id.
    async fn make(&mut self) -> anyhow::Result<String> {
        let customer = CUSTOMERS.choose(&mut self.rng).copied().unwrap_or("Nadia Ferrow");
        let street = STREETS.choose(&mut self.rng).copied().unwrap_or("Mill Street");
        let note = ERRANDS.choose(&mut self.rng).copied().unwrap_or("Yearly service");
        let address = format!("{} {street}, Dallas", self.rng.random_range(1..990));
        let lat: f64 = 32.78 + self.rng.random_range(-0.15..0.15);
        let lon: f64 = -96.80 + self.rng.random_range(-0.2..0.2);
        let coordinate = format!("{lat:.4}, {lon:.4}");
        let now = SystemClock.now().0.to_zoned(self.zone.clone());
        let (day, (from, to)) = (now.date().to_string(), window(now.hour()));
        let fields = [
            ("customer", customer),
            ("address", address.as_str()),
            ("coordinate", coordinate.as_str()),
            ("day", day.as_str()),
            ("from", from.as_str()),
            ("to", to.as_str()),
            ("note", note),
        ];
        let place = self.dispatcher.go("/api/work-orders/create", &fields).await?;
        let id = place.strip_prefix("/work-orders/").filter(|id| id.starts_with("wo_"));
        Ok(id.context("a job was not made")?.to_owned())
    }
}

/// Whether it was done. Somebody at the demo may have been faster: then the job is theirs.
fn is_done(answer: StatusCode) -> anyhow::Result<bool> {
    match answer.as_u16() {
        200..300 => Ok(true),
        404 | 409 | 422 | 429 | 503 => Ok(false),
        status => bail!("a job's form was answered with {status}"),
    }
}

/// Two hours of today from this one on, or what is left of it.
fn window(hour: i8) -> (String, String) {
    let to = if hour < 22 { format!("{:02}:00", hour + 2) } else { "23:59".to_owned() };
    (format!("{hour:02}:00"), to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_stays_in_its_day() {
        assert_eq!(window(8), ("08:00".to_owned(), "10:00".to_owned()));
        assert_eq!(window(21), ("21:00".to_owned(), "23:00".to_owned()));
        assert_eq!(window(23), ("23:00".to_owned(), "23:59".to_owned()));
    }

    #[test]
    fn a_page_says_whose_it_is() {
        assert_eq!(member("<div data-field=\"mem_1\" data-positions=\"/field/positions\">"), Some("mem_1"));
        assert_eq!(member("<div data-field=\"\">"), None);
        assert_eq!(member("Sign in"), None);
    }
}
