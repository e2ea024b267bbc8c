//! `ringfort simulate`: plays a telephone provider and an agency system for the demo.
//!
//! It knows `demo.json` and speaks HTTP, nothing else: every call takes the road that a real one takes, signature
//! included. To play another provider: a file that tells a call in its words, beside [`call`].

mod agency;
mod call;
mod carrier;
mod drive;
mod jobs;
mod person;
mod signer;
mod twiml;

use std::{path::PathBuf, pin::pin, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use rand::{SeedableRng, rngs::StdRng, seq::IndexedRandom};
use tokio::{
    task::{JoinError, JoinSet},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

pub use self::agency::{AGENCY, agency_standin};
use self::{call::Line, carrier::Carrier, drive::Driver, jobs::Crew, person::Login};
use super::demo::file::{self, Business, Demo, User};
use crate::{
    model::{permission::Role, profile::Profile},
    server::{
        kit::entropy::{SystemEntropy, bytes},
        vault::Secret,
    },
};

/// What shall be played.
#[derive(Debug, Clone)]
pub struct Options {
    /// The demo's file, from which addresses and secrets come.
    pub demo_json: PathBuf,
    /// Calls that begin in a minute, over all businesses.
    pub rate_per_minute: u32,
    /// Stop after so many calls; none: at Ctrl-C.
    pub calls: Option<u32>,
    /// Only the businesses whose name contains this; none: all.
    pub business: Option<String>,
}

/// Calls that run when the end comes get this long to come to theirs.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Plays calls in their natural time until Ctrl-C, or until as many as asked for have ended.
///
/// # Errors
/// There is no demo, or calls could not be played to their end.
pub async fn run(options: Options) -> anyhow::Result<()> {
    run_at(&options, 1).await
}

/// As [`run`], with every pause divided by `speed`.
///
/// # Errors
/// As [`run`].
pub async fn run_at(options: &Options, speed: u32) -> anyhow::Result<()> {
    let place = options.demo_json.display();
    let demo = file::read(&options.demo_json)?
        .with_context(|| format!("{place} is missing: start `ringfort demo` first, with the same RINGFORT_DATA"))?;
    let lines = lines(&demo, options.business.as_deref())?;
    if options.rate_per_minute == 0 {
        bail!("the rate must be at least one call a minute");
    }
    let stop = CancellationToken::new();
    let _stops_with_us = stop.clone().drop_guard();
    let standin = tokio::spawn(agency_standin(AGENCY, stop.clone()));
    let mut show = Show {
        carrier: Arc::new(Carrier::new(stop.clone(), speed)?),
        lines,
        rng: StdRng::seed_from_u64(draw_seed()),
        running: JoinSet::new(),
        begun: 0,
        failed: 0,
    };
    let driving = set_off(&demo, options.business.as_deref(), &show.carrier, &stop);
    println!("Calling {} at {} calls a minute. Ctrl-C ends it.", demo.addresses.base_url, options.rate_per_minute);
    show.play(options, &stop).await;
    stop.cancel();
    if timeout(LAST_WORDS, driving.join_all()).await.is_err() {
        tracing::warn!("a technician was stopped on the way");
    }
    if let Ok(Ok(Err(error))) = timeout(LAST_WORDS, standin).await {
        tracing::warn!(error = format!("{error:#}"), "no agency system was played: screen pops show nobody");
    }
    show.verdict()
}

/// Calls that run at the same time.
struct Show {
    carrier: Arc<Carrier>,
    lines: Vec<Arc<Line>>,
    rng: StdRng,
    running: JoinSet<anyhow::Result<()>>,
    begun: u32,
    failed: u32,
}

impl Show {
    async fn play(&mut self, options: &Options, stop: &CancellationToken) {
        let mut beat = interval(Duration::from_mins(1) / options.rate_per_minute);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut interrupted = pin!(tokio::signal::ctrl_c());
        loop {
            let is_full = options.calls.is_some_and(|calls| self.begun >= calls);
            if is_full && self.running.is_empty() {
                return;
            }
            tokio::select! {
                _ = &mut interrupted => break,
                _ = beat.tick(), if !is_full => self.begin(),
                Some(ended) = self.running.join_next() => self.count(ended),
            }
        }
        // Nobody waits any more: every call comes to its end, so that none stays on the board.
        println!("Hanging up.");
        stop.cancel();
        let hang_up = async {
            while let Some(ended) = self.running.join_next().await {
                self.count(ended);
            }
        };
        if timeout(LAST_WORDS, hang_up).await.is_err() {
            tracing::warn!("some calls were cut off in the middle");
        }
    }

    fn begin(&mut self) {
        let Some(line) = self.lines.choose(&mut self.rng).cloned() else { return };
        let carrier = self.carrier.clone();
        let rng = StdRng::seed_from_u64(draw_seed());
        self.begun += 1;
        self.running.spawn(async move { call::play(&carrier, &line, rng).await });
    }

    fn count(&mut self, ended: Result<anyhow::Result<()>, JoinError>) {
        let problem = match ended {
            Ok(Ok(())) => return,
            Ok(Err(error)) => format!("{error:#}"),
            Err(error) => error.to_string(),
        };
        self.failed += 1;
        tracing::warn!(error = problem, "a call could not be played to its end");
    }

    fn verdict(&self) -> anyhow::Result<()> {
        if self.failed > 0 {
            bail!("{} of {} calls could not be played to their end", self.failed, self.begun);
        }
        println!("{} calls were played.", self.begun);
        Ok(())
    }
}

/// No two simulations are alike.
fn draw_seed() -> u64 {
    u64::from_le_bytes(bytes(&SystemEntropy))
}

/// Technicians of one business who drive. The others stay as the demo made them: one has arrived, one is not heard of. And all sign in
/// from one address, which may do so only so often.
const DRIVERS: usize = 2;

/// The technicians of the businesses that were asked for, on their way, and what they are on their way to.
fn set_off(demo: &Demo, only: Option<&str>, carrier: &Arc<Carrier>, stop: &CancellationToken) -> JoinSet<()> {
    let wanted = only.unwrap_or_default().to_lowercase();
    let base_url = &demo.addresses.base_url;
    let login = |user: &User| Login { email: user.email.clone(), password: Secret::new(user.password.clone()) };
    let mut driving = JoinSet::new();
    let chosen = demo.businesses.iter().filter(|business| business.name.to_lowercase().contains(&wanted));
    for business in chosen.filter(|business| business.profile == Profile::FieldService) {
        let of = |role: Role| business.users.iter().filter(move |user| user.role == role && user.totp_secret.is_none());
        for user in of(Role::Technician).take(DRIVERS) {
            let (driver, stop) = (Driver { base_url: base_url.clone(), login: login(user) }, stop.clone());
            driving.spawn(async move {
                if let Err(error) = drive::drive(driver, draw_seed(), stop).await {
                    tracing::warn!(error = format!("{error:#}"), "a technician does not drive");
                }
            });
        }
        let Some(dispatcher) = of(Role::Dispatcher).next() else { continue };
        for user in of(Role::Technician).take(DRIVERS) {
            let crew = Crew { base_url: base_url.clone(), dispatcher: login(dispatcher), technician: login(user) };
            let (carrier, stop) = (carrier.clone(), stop.clone());
            driving.spawn(async move {
                if let Err(error) = jobs::work(crew, carrier, draw_seed(), stop).await {
                    tracing::warn!(error = format!("{error:#}"), "a technician's jobs are not played");
                }
            });
        }
    }
    driving
}

/// The telephone lines of the businesses that were asked for.
fn lines(demo: &Demo, only: Option<&str>) -> anyhow::Result<Vec<Arc<Line>>> {
    let wanted = only.unwrap_or_default().to_lowercase();
    let chosen = demo.businesses.iter().filter(|business| business.name.to_lowercase().contains(&wanted));
    let lines: Vec<Arc<Line>> = chosen.filter_map(line).map(Arc::new).collect();
    if lines.is_empty() {
        let names: Vec<&str> = demo.businesses.iter().map(|business| business.name.as_str()).collect();
        bail!("no business of the demo is called like that; there are: {}", names.join(", "));
    }
    Ok(lines)
}

fn line(business: &Business) -> Option<Line> {
    let connection = business.connections.iter().find(|connection| connection.provider == "twilio")?;
    Some(Line {
        business: business.name.clone(),
        account: connection.account.clone(),
        secret: Secret::new(connection.secret.clone()),
        voice_url: connection.webhook_url.clone()?,
        status_url: connection.status_url.clone()?,
        number: connection.number.clone()?,
        direct: business.extensions.iter().filter_map(|extension| extension.number.clone()).collect(),
        outbound: match business.profile {
            Profile::Outbound => 65,
            Profile::VoiceAgents => 30,
            Profile::FieldService | Profile::InsuranceAgency => 12,
        },
    })
}
