//! Start and stop: database, keys, state, background tasks, listeners; and back in the other order.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Router, extract::ConnectInfo};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    App,
    app::Parts,
    config::{Config, Database},
    database::{self, Pools},
    postgres::PrivatePostgres,
    router, telemetry,
};
use crate::server::{
    jobs::{sealer, streamer, worker},
    kit::{
        clock::{SharedClock, SystemClock},
        entropy::{SharedEntropy, SystemEntropy, bytes},
        outbound::Outbound,
    },
    live::{Hub, Nats, relay},
    mail::Mailer,
    providers::oidc::Oidc,
    services::{limits::Limits, position::intake::Intake},
    store,
    vault::{Secret, Vault, keys::master_key, passkey::RelyingParty, password::Passwords},
};

/// Connections served at once; more wait in the kernel's queue.
const CONNECTIONS: usize = 12_000;
/// A client that has not sent its headers by then is gone (slowloris).
const HEADERS: Duration = Duration::from_secs(10);
/// What runs when the stop comes may take this long.
const DRAIN: Duration = Duration::from_secs(10);

/// A database that is ready, and where it is.
pub struct Ready {
    pub private: Option<PrivatePostgres>,
    pub app_url: Secret,
    pub worker_url: Secret,
    pub owner_url: Option<Secret>,
    /// For `ringfort operator show`; absent where nobody has set it.
    pub operator_url: Option<Secret>,
}

/// Starts the private database, or takes the configured one, and migrates it where there is a login that may.
///
/// # Errors
/// It cannot be started, reached or migrated.
pub async fn prepare_database(config: &Config) -> anyhow::Result<Ready> {
    match &config.database {
        Database::Private => {
            let private = PrivatePostgres::start(&config.data_dir).await?;
            database::bootstrap_and_migrate(&private.owner_url(), Some(private.passwords())).await?;
            Ok(Ready {
                app_url: private.app_url(),
                worker_url: private.worker_url(),
                owner_url: Some(private.owner_url()),
                operator_url: private.operator_url(),
                private: Some(private),
            })
        }
        Database::External { app, worker, owner, operator } => {
            if let Some(owner) = owner {
                database::bootstrap_and_migrate(owner, None).await?;
            }
            Ok(Ready {
                private: None,
                app_url: app.clone(),
                worker_url: worker.clone(),
                owner_url: owner.clone(),
                operator_url: operator.clone(),
            })
        }
    }
}

/// Makes the state: keys, pools, vault, mail.
///
/// # Errors
/// A key that cannot be read, a database that cannot be reached, settings that cannot be used.
pub async fn assemble(config: Config, ready: &Ready) -> anyhow::Result<App> {
    let clock: SharedClock = Arc::new(SystemClock);
    let entropy: SharedEntropy = Arc::new(SystemEntropy);
    let Pools { app: db, worker: worker_db, .. } =
        database::pools(&ready.app_url, &ready.worker_url, config.pgbouncer).await?;
    let master = if let Some(key) = &config.master_key {
        key.clone()
    } else {
        let is_new = store::lobby::businesses_active(&worker_db).await?.is_empty();
        key_file(&config.master_key_file, &entropy, is_new)?
    };
    let vault = Vault::new(master_key(&master)?, db.clone(), clock.clone(), entropy.clone());
    let mailer = Mailer::new(&config.mail_from, config.smtp.as_ref(), &config.data_dir.join("mail"))?;
    let outbound = Outbound::new(config.outbound_allow.clone(), config.outbound_overrides.clone())?;
    let oidc = config.oidc.as_ref().map(|settings| Oidc::new(settings, &config.public_url)).transpose()?;
    // Away is no error: it comes back by itself, and nothing depends on it.
    let nats = match &config.nats {
        Some(settings) => Some(Nats::connect(settings, vault.master_id()).await?),
        None => None,
    };
    let slots = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    Ok(App::new(Parts {
        passkeys: RelyingParty::of(&config.public_url),
        config,
        db,
        worker_db,
        clock,
        entropy,
        vault,
        passwords: Passwords::new(slots)?,
        outbound,
        oidc,
        mailer,
        hub: Hub::default(),
        nats,
        limits: Limits::default(),
        intake: Intake::default(),
    }))
}

/// The master key's file; made at the first start, readable by its owner only. Never made anew beside a database that
/// has businesses: what they sealed needs the key that was.
fn key_file(path: &Path, entropy: &SharedEntropy, is_new: bool) -> anyhow::Result<Secret> {
    use std::{
        fs,
        io::{ErrorKind, Write},
        os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    };
    match fs::read_to_string(path) {
        Ok(text) => return Ok(Secret::new(text)),
        Err(e) if e.kind() == ErrorKind::NotFound && is_new => {}
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return Err(e).with_context(|| {
                let path = path.display();
                format!("the master key {path} is gone, but the database has businesses: restore it from its backup")
            });
        }
        Err(e) => return Err(e).with_context(|| format!("the master key {} cannot be read", path.display())),
    }
    let folder = path.parent().context("the master key needs a folder")?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let key = Secret::new(hex::encode(bytes::<32>(&**entropy)));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key.expose().as_bytes())?;
    // Lost keys are lost data: it must be on disk before anything is sealed with it.
    file.sync_all()?;
    fs::File::open(folder)?.sync_all()?;
    Ok(key)
}

/// Serves until Ctrl-C or SIGTERM, then ends streams, drains, and returns.
///
/// # Errors
/// A port that is taken.
pub async fn serve(app: App) -> anyhow::Result<()> {
    let listener = bind(app.config().listen).await?;
    let metrics = bind(app.config().metrics_listen).await?;
    let stop = CancellationToken::new();
    let mut tasks = background(&app, &stop);
    let metrics_app = app.clone();
    tasks.spawn(accept(metrics, metrics_router(metrics_app), stop.clone()));
    tasks.spawn(accept(listener, router::service(app.clone()), stop.clone()));
    wait_for_stop().await;
    tracing::info!("stopping");
    app.hub().close();
    stop.cancel();
    let drained = timeout(DRAIN + Duration::from_secs(2), async { while tasks.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!("some work did not end in time and was cut off");
    }
    app.db().close().await;
    app.worker_db().close().await;
    Ok(())
}

/// The tasks beside the doors: live relay, session watch, worker, clock, sealer, streamer.
#[must_use]
pub fn background(app: &App, stop: &CancellationToken) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(relay::run(app.clone(), stop.clone()));
    tasks.spawn(relay::watch_sessions(app.clone(), stop.clone()));
    tasks.spawn(worker::run(app.clone(), stop.clone()));
    tasks.spawn(worker::run_clock(app.clone(), stop.clone()));
    tasks.spawn(sealer::run(app.clone(), stop.clone()));
    tasks.spawn(streamer::run(app.clone(), stop.clone()));
    tasks
}

#[expect(clippy::disallowed_methods, reason = "not a door of the product: a port of its own for the operator")]
fn metrics_router(app: App) -> Router {
    let route = axum::routing::get(async move || telemetry::metrics(&app).await);
    Router::new().route("/metrics", route)
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened on; is it taken?"))
}

/// Our own accept loop: `axum::serve` sets no timer, so a client could hold a connection without ever asking.
pub async fn accept(listener: TcpListener, service: Router, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else { break };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = connection(stream, peer, service.clone(), &graceful);
                connections.spawn(async move {
                    let _slot = slot;
                    connection.await;
                });
            }
            // Out of file descriptors, most likely: those who are here will leave.
            Err(error) => {
                tracing::warn!(error.message = %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    let _ = timeout(DRAIN, graceful.shutdown()).await;
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    service: Router,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    let service = tower::ServiceBuilder::new().layer(axum::Extension(ConnectInfo(peer))).service(service);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(64 << 10);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(20)).max_concurrent_streams(100);
    let _ = stream.set_nodelay(true);
    let served = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned();
    let watched = graceful.watch(served);
    async move {
        // A client that went away in the middle is no fault of ours.
        if let Err(error) = watched.await {
            tracing::debug!(error.message = %error, "a connection ended early");
        }
    }
}

async fn wait_for_stop() {
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
}
