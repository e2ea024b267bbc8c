//! Roles, migrations, pools.

use std::{str::FromStr, time::Duration};

use anyhow::Context;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use super::postgres::Passwords;
use crate::server::vault::Secret;

/// The migrations of this build.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Two processes that start at once (a demo and its simulator) set up roles one after the other.
const ROLES_LOCK: i64 = 0x0072_696e_6766_6f72;

/// No statement outlives the patience of who waits for it, and no forgotten transaction holds a lock. Ours are short: to compile
/// one, as the planner would by a wrong guess, takes longer than to run it.
const LIMITS: [(&str, &str); 4] = [
    ("statement_timeout", "10s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "15s"),
    ("jit", "off"),
];

const APP_CONNECTIONS: u32 = 16;
const WORKER_CONNECTIONS: u32 = 6;
const OPERATOR_CONNECTIONS: u32 = 1;
const ACQUIRE: Duration = Duration::from_secs(3);
/// A connection is trusted for this long after its last use.
const FRESH: Duration = Duration::from_millis(500);
/// How long a start waits for a database that is away.
const PATIENCE: Duration = Duration::from_mins(1);

/// Makes roles and the database, as far as they are missing, and runs the migrations as `ringfort_owner`.
///
/// `owner_url` is a login that may create roles. With `passwords` the cluster is our own: the passwords are set and
/// the database is made. Without, the database must exist and belong to `ringfort_owner`. Safe to repeat.
///
/// # Errors
/// The database cannot be reached, the login may not do this, or an applied migration differs from this build's.
pub async fn bootstrap_and_migrate(owner_url: &Secret, passwords: Option<&Passwords>) -> anyhow::Result<()> {
    let options = PgConnectOptions::from_str(owner_url.expose())
        .context("the owner's database address is no PostgreSQL URL")?
        .application_name("ringfort migrate");
    set_up_roles(&options, passwords).await?;
    migrate(options).await
}

async fn set_up_roles(options: &PgConnectOptions, passwords: Option<&Passwords>) -> anyhow::Result<()> {
    // Statements are not logged here: some hold passwords.
    let maintenance = options.clone().database("postgres").disable_statement_logging();
    let mut conn = maintenance.connect().await.context("connecting to the maintenance database `postgres`")?;
    // Held until the connection closes.
    sqlx::query("select pg_advisory_lock($1)").bind(ROLES_LOCK).execute(&mut conn).await?;
    conn.execute(include_str!("roles.sql"))
        .await
        .context("setting up roles: the login of OWNER_DATABASE_URL must be allowed to create and grant them")?;
    if let Some(passwords) = passwords {
        set_password(&mut conn, "ringfort_app", &passwords.app).await?;
        set_password(&mut conn, "ringfort_worker", &passwords.worker).await?;
        set_password(&mut conn, "ringfort_auditor", &passwords.auditor).await?;
        if let Some(operator) = &passwords.operator {
            set_password(&mut conn, "ringfort_operator", operator).await?;
        }
        create_database(&mut conn).await?;
    }
    for role in ["ringfort_app", "ringfort_worker", "ringfort_operator"] {
        limit_role(&mut conn, role).await;
    }
    conn.close().await?;
    Ok(())
}

async fn set_password(conn: &mut PgConnection, role: &str, password: &Secret) -> anyhow::Result<()> {
    let statement: String = sqlx::query_scalar("select format('alter role %I password %L', $1::text, $2::text)")
        .bind(role)
        .bind(password.expose())
        .fetch_one(&mut *conn)
        .await?;
    let statement = Zeroizing::new(statement);
    // The server itself quoted both parts.
    conn.execute(AssertSqlSafe(statement.as_str())).await.context("setting a role's password")?;
    Ok(())
}

async fn create_database(conn: &mut PgConnection) -> anyhow::Result<()> {
    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = 'ringfort')")
        .fetch_one(&mut *conn)
        .await?;
    if !exists {
        conn.execute("create database ringfort owner ringfort_owner").await.context("creating the database")?;
    }
    conn.execute(
        "revoke all on database ringfort from public; \
         grant connect on database ringfort to ringfort_app, ringfort_worker, ringfort_auditor, ringfort_operator",
    )
    .await
    .context("closing the database to other roles")?;
    Ok(())
}

/// The limits again as defaults of the role: behind `PgBouncer` they cannot come with the connection.
async fn limit_role(conn: &mut PgConnection, role: &str) {
    for (setting, value) in LIMITS {
        let statement = format!("alter role {role} set {setting} = '{value}'");
        if let Err(error) = conn.execute(AssertSqlSafe(statement)).await {
            tracing::warn!(%error, role, setting, "the role's limit could not be set; connections set their own");
        }
    }
}

async fn migrate(options: PgConnectOptions) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .after_connect(|conn, _| {
            Box::pin(async move {
                // What migrations make belongs to the role without a login.
                conn.execute("set role ringfort_owner").await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await
        .context("connecting to the database for migrations")?;
    MIGRATOR.run(&pool).await.context("running migrations: the database must belong to the role ringfort_owner")?;
    pool.close().await;
    Ok(())
}

/// The pools of a running server.
#[derive(Debug, Clone)]
pub struct Pools {
    /// For requests, as `ringfort_app`.
    pub app: PgPool,
    /// For jobs, as `ringfort_worker`: a flood of requests does not starve them, nor they the requests.
    pub worker: PgPool,
}

impl Pools {
    /// Waits until every connection has come back, and closes them.
    pub async fn close(&self) {
        self.app.close().await;
        self.worker.close().await;
    }
}

/// Opens both pools.
///
/// Behind `PgBouncer` in transaction mode (1.21 or newer, `max_prepared_statements` at 100 or more) connections carry
/// no startup settings, which it would refuse; the limits are then those of the roles, which
/// [`bootstrap_and_migrate`] sets. Statements stay prepared by name, and `PgBouncer` follows them between servers.
/// Turning sqlx's cache off is no way out: with a capacity of 0, sqlx 0.9 still names every statement, reuses none
/// and closes none.
///
/// # Errors
/// An address is no `PostgreSQL` URL, or the database cannot be reached.
pub async fn pools(app_url: &Secret, worker_url: &Secret, pgbouncer: bool) -> anyhow::Result<Pools> {
    let app = pool(app_url, "ringfort", APP_CONNECTIONS, pgbouncer).await.context("connecting as ringfort_app")?;
    let worker = pool(worker_url, "ringfort work", WORKER_CONNECTIONS, pgbouncer)
        .await
        .context("connecting as ringfort_worker")?;
    Ok(Pools { app, worker })
}

/// A pool for support, as `ringfort_operator`: the database shows it a business while its grant is open.
///
/// # Errors
/// The address is no `PostgreSQL` URL, or the database cannot be reached.
pub async fn operator_pool(url: &Secret, pgbouncer: bool) -> anyhow::Result<PgPool> {
    pool(url, "ringfort operator", OPERATOR_CONNECTIONS, pgbouncer).await.context("connecting as ringfort_operator")
}

async fn pool(url: &Secret, name: &str, largest: u32, pgbouncer: bool) -> Result<PgPool, sqlx::Error> {
    let options = connection(url, name, pgbouncer)?;
    let pool = PgPoolOptions::new()
        .max_connections(largest)
        .acquire_timeout(ACQUIRE)
        // A connection that died with a restarted server is noticed here and not in a request; one that answered a
        // moment ago is not asked again.
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if meta.idle_for > FRESH {
                    conn.ping().await?;
                }
                Ok(true)
            })
        });
    let deadline = Instant::now() + PATIENCE;
    loop {
        match pool.clone().connect_with(options.clone()).await {
            // A database that is away comes back; one that refuses us will go on to.
            Err(error) if Instant::now() < deadline && is_away(&error) => sleep(Duration::from_millis(500)).await,
            other => return other,
        }
    }
}

fn is_away(error: &sqlx::Error) -> bool {
    let starting = |code: &str| code.starts_with("57P") || code.starts_with("53");
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(db) => db.code().is_some_and(|code| starting(&code)),
        _ => false,
    }
}

fn connection(url: &Secret, name: &str, pgbouncer: bool) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(url.expose())?.application_name(name);
    Ok(if pgbouncer { options.extra_float_digits(None) } else { options.options(LIMITS) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_travel_with_a_direct_connection_only() {
        let url = Secret::new("postgres://a:b@localhost/ringfort".to_owned());
        let direct = connection(&url, "test", false).expect("a URL");
        let limits = direct.get_options().expect("has options");
        assert!(LIMITS.iter().all(|(setting, value)| limits.contains(&format!("-c {setting}={value}"))), "{limits}");
        let bounced = connection(&url, "test", true).expect("a URL");
        assert!(!bounced.get_options().unwrap_or_default().contains("statement_timeout"));
    }
}
