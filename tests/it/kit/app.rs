//! The installation under test.

use std::{
    collections::HashMap,
    fmt::Write,
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::Router;
use jiff::{SignedDuration, Timestamp};
use ringfort::{
    model::{
        id::{BusinessId, JobId},
        texting::{BUSINESS_A_DAY, Prefixes},
    },
    server::{
        boot::{
            App,
            app::Parts,
            config::{Checkpoints, Config, Database},
            database, router,
        },
        caller::{Actor, Caller, Origin},
        kit::{At, Clock, Entropy, clock::SharedClock, entropy::SharedEntropy, outbound::Outbound},
        live::{Hub, Nats, nats::NatsSettings},
        mail::{Mailer, smtp::SmtpSettings},
        providers::oidc::{Oidc, OidcSettings},
        services::{limits::Limits, position::intake::Intake},
        store::TenantTx,
        vault::{Purpose, Secret, Vault, keys::master_key, passkey::RelyingParty, password::Passwords},
    },
};
use sha2::{Digest, Sha256};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use super::sql;

/// Where the product believes it is. With TLS, so that every header of production is there.
pub const PUBLIC_URL: &str = "https://calls.example.com";

/// One test's installation. Its database goes when it is dropped.
pub struct TestApp {
    pub app: App,
    /// The superuser, for arranging and for looking: row security does not bind it.
    pub owner: PgPool,
    pub clock: TestClock,
    database: String,
    server: PgConnectOptions,
    folder: PathBuf,
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<Timestamp>>);

impl TestClock {
    /// Leases and some expiries follow the database's clock, so it starts at the present, at a whole second.
    fn new() -> Self {
        let now = Timestamp::from_second(Timestamp::now().as_second()).expect("the present is a valid time");
        Self(Arc::new(Mutex::new(now)))
    }

    pub fn advance(&self, seconds: i64) {
        let mut now = self.0.lock().expect("no test panics while it holds the clock");
        *now = now.checked_add(SignedDuration::from_secs(seconds)).expect("a valid time");
    }
}

impl Clock for TestClock {
    fn now(&self) -> At {
        At(*self.0.lock().expect("no test panics while it holds the clock"))
    }
}

/// Random bytes that are the same in every run: SHA-256 of a counter.
struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            let block = Sha256::digest(count.to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

fn passwords() -> Passwords {
    static SHARED: OnceLock<Passwords> = OnceLock::new();
    SHARED.get_or_init(|| Passwords::new(4).expect("hashes")).clone()
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_allowing(Vec::new()).await
    }

    /// With loopback `host:port`s that the product may call.
    pub async fn start_allowing(outbound_allow: Vec<String>) -> Self {
        Self::start_with(outbound_allow, HashMap::new()).await
    }

    /// With loopback `host:port`s that the product may call, and what stands in for which provider there.
    pub async fn start_with(outbound_allow: Vec<String>, stand_ins: HashMap<String, String>) -> Self {
        Self::start_as(outbound_allow, stand_ins, |_| {}).await
    }

    /// With a provider of identities that people may sign in with, which is at a loopback `host:port`.
    pub async fn start_with_oidc(address: String, oidc: OidcSettings) -> Self {
        Self::start_as(vec![address], HashMap::new(), |config| config.oidc = Some(oidc)).await
    }

    /// With a mail server.
    pub async fn start_with_smtp(smtp: SmtpSettings) -> Self {
        Self::start_as(Vec::new(), HashMap::new(), |config| config.smtp = Some(smtp)).await
    }

    /// With loopback `host:port`s that the product may call, and checkpoints of the audit log sent outside.
    pub async fn start_sending(outbound_allow: Vec<String>, checkpoints: Checkpoints) -> Self {
        Self::start_as(outbound_allow, HashMap::new(), |config| config.checkpoints = checkpoints).await
    }

    /// With NATS between its nodes ([`Self::node`]).
    pub async fn start_with_nats(nats: NatsSettings) -> Self {
        Self::start_as(Vec::new(), HashMap::new(), |config| config.nats = Some(nats)).await
    }

    /// With exports of the audit log that hold so many entries at most.
    pub async fn start_exporting(most: i64) -> Self {
        Self::start_as(Vec::new(), HashMap::new(), |config| config.audit_export_max = most).await
    }

    pub(super) async fn start_as(
        outbound_allow: Vec<String>,
        stand_ins: HashMap<String, String>,
        set: impl FnOnce(&mut Config),
    ) -> Self {
        let server = server();
        let (database, mark) = new_database(&server).await;
        let folder = std::env::temp_dir().join(&mark);
        for part in ["mail", "site/pkg", "site/static"] {
            std::fs::create_dir_all(folder.join(part)).expect("a temporary folder");
        }
        std::fs::write(folder.join("site/pkg/it.js"), "// a built file\n").expect("a temporary file");
        let pool = |role: &str, size: u32| {
            let options = server.clone().username(role).database(&database);
            PgPoolOptions::new()
                .max_connections(size)
                .acquire_timeout(Duration::from_secs(10))
                .connect_lazy_with(options)
        };
        let clock = TestClock::new();
        let shared: SharedClock = Arc::new(clock.clone());
        let entropy: SharedEntropy = Arc::new(Seeded(AtomicU64::new(0)));
        let (db, worker_db) = (pool("ringfort_app", 12), pool("ringfort_worker", 4));
        let owner = PgPoolOptions::new().max_connections(4).connect_lazy_with(server.clone().database(&database));
        let mut config = config(&folder, outbound_allow);
        set(&mut config);
        let app = assemble(config, stand_ins, &folder, shared, entropy, (db, worker_db)).await;
        Self { app, owner, clock, database, server, folder }
    }

    /// Another node of the same installation: the same database, key and clock, and a state of its own.
    pub async fn node(&self) -> App {
        let shared: SharedClock = Arc::new(self.clock.clone());
        // Ids of two nodes must differ.
        let entropy: SharedEntropy = Arc::new(Seeded(AtomicU64::new(1 << 40)));
        let pools = (self.pool_as("ringfort_app", 8), self.pool_as("ringfort_worker", 4));
        assemble(self.app.config().clone(), HashMap::new(), &self.folder, shared, entropy, pools).await
    }

    pub fn router(&self) -> Router {
        router::service(self.app.clone())
    }

    /// A pool of one of the product's roles, besides those that the product itself holds.
    pub fn pool_as(&self, role: &str, size: u32) -> PgPool {
        let options = self.server.clone().username(role).database(&self.database);
        PgPoolOptions::new().max_connections(size).acquire_timeout(Duration::from_secs(20)).connect_lazy_with(options)
    }

    pub fn now(&self) -> At {
        self.clock.now()
    }

    /// A machine's caller in a business.
    pub fn machine(&self, business: BusinessId) -> Caller {
        Caller {
            actor: Actor::Job(JobId(Uuid::nil())),
            business,
            origin: Origin { door: "test", network: None },
            trace: self.app.draw(),
        }
    }

    pub async fn tx(&self, business: BusinessId) -> TenantTx {
        TenantTx::open(self.app.db(), &self.machine(business), self.now()).await.expect("a transaction")
    }

    /// A value as the product stores it.
    pub async fn seal(&self, business: BusinessId, purpose: Purpose, row: Uuid, plain: &[u8]) -> Vec<u8> {
        let mut tx = self.tx(business).await;
        let sealed = self.app.vault().seal(&mut tx, purpose, row, plain).await.expect("seals");
        tx.commit().await.expect("commits");
        sealed
    }

    /// Runs jobs and mails until none is due. The clock of leases is the database's: what waits is made due.
    pub async fn run_jobs(&self) {
        for _ in 0..20 {
            sql::due_now(&self.owner).await;
            let taken = ringfort::server::jobs::worker::step(&self.app).await.expect("a step of the worker");
            if taken == 0 {
                return;
            }
        }
    }
}

/// The product, as `boot::lifecycle` puts it together.
async fn assemble(
    config: Config,
    stand_ins: HashMap<String, String>,
    folder: &std::path::Path,
    clock: SharedClock,
    entropy: SharedEntropy,
    (db, worker_db): (PgPool, PgPool),
) -> App {
    let key = master_key(&Secret::new("42".repeat(32))).expect("a key");
    let outbound = Outbound::new(config.outbound_allow.clone(), stand_ins);
    let vault = Vault::new(key, db.clone(), clock.clone(), entropy.clone());
    let nats = match &config.nats {
        Some(settings) => Some(Nats::connect(settings, vault.master_id()).await.expect("settings of NATS")),
        None => None,
    };
    App::new(Parts {
        vault,
        passwords: passwords(),
        passkeys: RelyingParty::of(&config.public_url),
        outbound: outbound.expect("a client"),
        oidc: config.oidc.as_ref().map(|to| Oidc::new(to, &config.public_url).expect("addresses")),
        mailer: Mailer::new(&config.mail_from, config.smtp.as_ref(), &folder.join("mail")).expect("a mailer"),
        hub: Hub::default(),
        nats,
        limits: Limits::default(),
        intake: Intake::default(),
        clock,
        entropy,
        config,
        db,
        worker_db,
    })
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        let (server, database) = (self.server.clone(), self.database.clone());
        // Its own thread, as a runtime cannot wait inside another.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                if let Ok(mut conn) = server.connect().await {
                    let statement = format!("drop database if exists {database} with (force)");
                    let _ = conn.execute(AssertSqlSafe(statement)).await;
                }
            });
        });
        let _ = dropping.join();
    }
}

fn config(folder: &std::path::Path, outbound_allow: Vec<String>) -> Config {
    Config {
        data_dir: folder.to_owned(),
        listen: "127.0.0.1:3000".parse().expect("an address"),
        metrics_listen: "127.0.0.1:3001".parse().expect("an address"),
        public_url: PUBLIC_URL.to_owned(),
        database: Database::Private,
        master_key: None,
        master_key_file: folder.join("unused.key"),
        smtp: None,
        mail_from: "Ringfort <ringfort@localhost>".to_owned(),
        outbound_allow,
        outbound_overrides: HashMap::new(),
        text_prefixes: Prefixes::default(),
        texts_per_day: BUSINESS_A_DAY,
        oidc: None,
        nats: None,
        trusted_proxies: Vec::new(),
        checkpoints: Checkpoints::default(),
        audit_export_max: 1_000,
        map_tiles: None,
        pgbouncer: false,
        demo: false,
        site_root: folder.join("site"),
    }
}

fn url() -> String {
    std::env::var("TEST_DATABASE_URL").expect(
        "TEST_DATABASE_URL is not set: run `scripts/test-postgres start` and export what it prints (a superuser's \
         address)",
    )
}

fn server() -> PgConnectOptions {
    PgConnectOptions::from_str(&url()).expect("TEST_DATABASE_URL is a PostgreSQL address").disable_statement_logging()
}

/// A database of this test's own, and its name as a mark for other things of this test.
async fn new_database(server: &PgConnectOptions) -> (String, String) {
    let mut conn = server.connect().await.expect("TEST_DATABASE_URL answers");
    // Tests run as processes of their own: one makes the template, the others wait.
    conn.execute("select pg_advisory_lock(82736450)").await.expect("a lock");
    let template = template(&mut conn, server).await;
    let number: i64 =
        sqlx::query_scalar("select (random() * 1e15)::bigint").fetch_one(&mut conn).await.expect("a number");
    let name = format!("it_{number}");
    let statement = format!("create database {name} template {template} owner ringfort_owner");
    conn.execute(AssertSqlSafe(statement)).await.expect("a database from the template");
    conn.close().await.expect("closes, and unlocks");
    (name.clone(), format!("ringfort-{name}"))
}

/// The migrated database that all others are cut from; one per state of the migrations.
async fn template(conn: &mut PgConnection, server: &PgConnectOptions) -> String {
    let mut digest = Sha256::new();
    for migration in database::MIGRATOR.iter() {
        digest.update(&migration.checksum);
    }
    let mut name = "ringfort_template_".to_owned();
    for byte in &digest.finalize()[..8] {
        write!(name, "{byte:02x}").expect("writing to a string");
    }
    let ready: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1 and datistemplate)")
            .bind(&name)
            .fetch_one(&mut *conn)
            .await
            .expect("the catalogue answers");
    if ready {
        return name;
    }
    conn.execute(AssertSqlSafe(format!("drop database if exists {name} with (force)")))
        .await
        .expect("drops half a one");
    conn.execute(include_str!("../../../src/server/boot/roles.sql")).await.expect("sets up roles");
    conn.execute(AssertSqlSafe(format!("create database {name} owner ringfort_owner"))).await.expect("creates");
    let there = Secret::new(server.clone().database(&name).to_url_lossy().to_string());
    // The road of production, with the login that may create roles.
    database::bootstrap_and_migrate(&there, None).await.expect("migrates");
    conn.execute(AssertSqlSafe(format!("alter database {name} is_template true"))).await.expect("marks it as ready");
    name
}
