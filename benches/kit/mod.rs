//! What the benchmarks stand on: a database of their own, the product as `ringfort serve` assembles it (its pools, its
//! clock, its background tasks) on a real socket, and businesses with a provider that signs.
#![allow(dead_code, reason = "each program uses a part")]

pub mod client;
pub mod figures;
pub mod hold;
pub mod paint;
pub mod provider;
pub mod source;

use std::{collections::HashMap, net::SocketAddr, path::PathBuf, str::FromStr};

use anyhow::Context;
use ringfort::{
    model::texting::{BUSINESS_A_DAY, Prefixes},
    server::{
        boot::{
            App,
            config::{Checkpoints, Config, Database},
            database,
            lifecycle::{self, Ready},
            router,
        },
        kit::{
            At, Clock,
            clock::SystemClock,
            entropy::{SystemEntropy, bytes, uuid7},
        },
        vault::Secret,
    },
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What providers and browsers call. Signatures cover it; the socket is elsewhere, as behind a proxy.
pub const PUBLIC_URL: &str = "https://calls.example.com";

/// `cargo bench` says `--bench`; a test runner that happens to start the program does not, and gets nothing.
pub fn is_asked() -> bool {
    let asked = std::env::args().any(|arg| arg == "--bench");
    if !asked {
        println!("a benchmark: run it with scripts/bench");
    }
    asked
}

/// How long one measurement takes: `RINGFORT_BENCH_SECONDS`, or `default`.
pub fn seconds(default: u32) -> u32 {
    std::env::var("RINGFORT_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A runtime of one thread, for clients: they take no thread of the server's.
pub fn client_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

pub fn now() -> At {
    SystemClock.now()
}

pub fn new_id<T: From<Uuid>>() -> T {
    uuid7(&SystemEntropy, now()).into()
}

pub fn random<const N: usize>() -> [u8; N] {
    bytes(&SystemEntropy)
}

/// The installation that is measured.
pub struct Bench {
    pub app: App,
    /// The superuser, for arranging and counting: row security does not bind it.
    pub owner: PgPool,
    pub server: PgConnectOptions,
    pub database: String,
    pub folder: PathBuf,
}

/// The product on a socket.
pub struct Serving {
    pub address: SocketAddr,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Bench {
    /// Makes the database anew and assembles the product on it.
    pub async fn start(name: &str) -> anyhow::Result<Self> {
        let url = std::env::var("TEST_DATABASE_URL").context("TEST_DATABASE_URL is not set: use scripts/bench")?;
        let server = PgConnectOptions::from_str(&url)?.disable_statement_logging();
        let database = format!("ringfort_bench_{name}");
        make_database(&server, &database).await?;
        let folder = std::env::temp_dir().join(format!("{database}-{}", std::process::id()));
        for part in ["mail", "site/pkg", "site/static"] {
            std::fs::create_dir_all(folder.join(part))?;
        }
        // The browser half's name is looked for when pages are drawn, and none are drawn where none was built.
        std::fs::write(folder.join("site/pkg/bench.js"), "// a built file\n")?;
        // Pages name the built files by the hashes that the build left beside the product; this program lies one folder deeper.
        let program = std::env::current_exe()?;
        if let Some((deps, release)) = program.parent().and_then(|deps| Some((deps, deps.parent()?)))
            && release.join("hash.txt").is_file()
        {
            std::fs::copy(release.join("hash.txt"), deps.join("hash.txt"))?;
        }
        let url_of = |role: &str| address(&server.clone().username(role).database(&database));
        let (app_url, worker_url) = (url_of("ringfort_app"), url_of("ringfort_worker"));
        let ready = Ready { private: None, app_url, worker_url, owner_url: None, operator_url: None };
        let app = lifecycle::assemble(config(folder.clone()), &ready).await?;
        let owner = PgPoolOptions::new().max_connections(4).connect_lazy_with(server.clone().database(&database));
        let bench = Self { app, owner, server, database, folder };
        bench.owner.execute(HELPERS).await?;
        Ok(bench)
    }

    /// A connection of its own, as a role.
    pub async fn connect_as(&self, role: &str) -> anyhow::Result<PgConnection> {
        Ok(self.server.clone().username(role).database(&self.database).connect().await?)
    }

    /// Serves, with everything that runs beside the doors in production.
    pub async fn serve(&self) -> anyhow::Result<Serving> {
        let stop = CancellationToken::new();
        let tasks = lifecycle::background(&self.app, &stop);
        self.open(tasks, stop).await
    }

    /// Serves, with nothing beside the doors.
    pub async fn serve_bare(&self) -> anyhow::Result<Serving> {
        self.open(JoinSet::new(), CancellationToken::new()).await
    }

    async fn open(&self, mut tasks: JoinSet<()>, stop: CancellationToken) -> anyhow::Result<Serving> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tasks.spawn(lifecycle::accept(listener, router::service(self.app.clone()), stop.clone()));
        Ok(Serving { address, stop, tasks })
    }

    /// Fresh statistics, nothing of the arranging left to be written, and the day's own jobs done: what runs once a day
    /// for every business would else run beside whichever round comes first.
    pub async fn settle(&self) -> anyhow::Result<()> {
        let serving = self.serve().await?;
        let waits = "select count(*) from (
                select from businesses b where not exists (
                    select from retention_runs r where r.business_id = b.business_id and r.state = 'finished'
                )
                union all select from jobs where state = 'queued' and run_at <= now()
            ) w";
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&self.owner).await? > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        serving.stop().await;
        self.owner.execute("vacuum analyze").await?;
        self.owner.execute("checkpoint").await?;
        Ok(())
    }

    /// Whether commits are durable here: without it, figures of writes say little about production.
    pub async fn durability(&self) -> anyhow::Result<String> {
        let fsync: String = sqlx::query_scalar("show fsync").fetch_one(&self.owner).await?;
        let commit: String = sqlx::query_scalar("show synchronous_commit").fetch_one(&self.owner).await?;
        Ok(format!("fsync {fsync}, synchronous_commit {commit}"))
    }

    /// Closes everything and takes the database away.
    pub async fn finish(self) -> anyhow::Result<()> {
        self.app.db().close().await;
        self.app.worker_db().close().await;
        self.owner.close().await;
        let mut conn = self.server.connect().await?;
        conn.execute(AssertSqlSafe(format!("drop database if exists {} with (force)", self.database))).await?;
        conn.close().await?;
        std::fs::remove_dir_all(&self.folder)?;
        Ok(())
    }
}

impl Serving {
    /// Stops, after the clients have gone.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// An id as the product draws them: 48 bits of milliseconds, then random.
const HELPERS: &str = "
    create schema bench;
    create function bench.id7() returns uuid language sql volatile as $$
        select (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
            || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid
    $$;
    grant usage on schema bench to ringfort_app;
";

async fn make_database(server: &PgConnectOptions, name: &str) -> anyhow::Result<()> {
    let mut conn = server.connect().await.context("connecting to TEST_DATABASE_URL")?;
    conn.execute(AssertSqlSafe(format!("drop database if exists {name} with (force)"))).await?;
    conn.execute(include_str!("../../src/server/boot/roles.sql")).await?;
    conn.execute(AssertSqlSafe(format!("create database {name} owner ringfort_owner"))).await?;
    conn.close().await?;
    // The road of production, with the login that may create roles.
    database::bootstrap_and_migrate(&address(&server.clone().database(name)), None).await
}

fn address(options: &PgConnectOptions) -> Secret {
    Secret::new(options.to_url_lossy().to_string())
}

fn config(folder: PathBuf) -> Config {
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
        metrics_listen: SocketAddr::from(([127, 0, 0, 1], 3001)),
        public_url: PUBLIC_URL.to_owned(),
        database: Database::Private,
        master_key: Some(Secret::new("42".repeat(32))),
        master_key_file: folder.join("unused.key"),
        smtp: None,
        mail_from: "Ringfort <ringfort@localhost>".to_owned(),
        outbound_allow: Vec::new(),
        outbound_overrides: HashMap::new(),
        text_prefixes: Prefixes::default(),
        texts_per_day: BUSINESS_A_DAY,
        oidc: None,
        nats: None,
        trusted_proxies: Vec::new(),
        checkpoints: Checkpoints::default(),
        audit_export_max: 1_000_000,
        map_tiles: None,
        pgbouncer: false,
        demo: false,
        site_root: Some(PathBuf::from("target/site"))
            .filter(|site| site.join("pkg").is_dir())
            .unwrap_or(folder.join("site")),
        data_dir: folder,
    }
}
