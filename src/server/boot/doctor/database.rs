//! The checks of the database: reachable, new enough, walled, migrated.

use std::{collections::HashMap, str::FromStr};

use anyhow::Context;
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use super::{Report, has_cluster};
use crate::server::{
    boot::{
        config::{Config, Database},
        database::MIGRATOR,
        postgres::PrivatePostgres,
    },
    kit::{Clock, clock::SystemClock},
    vault::Secret,
};

const OLDEST: i32 = 150_000;
const SKEW_MILLIS: i64 = 2_000;
const ROLES: [&str; 7] = [
    "ringfort_owner",
    "ringfort_lobby",
    "ringfort_search",
    "ringfort_app",
    "ringfort_worker",
    "ringfort_auditor",
    "ringfort_operator",
];

/// Every check of the database. True when another process already runs the private one.
pub(super) async fn check(config: &Config, report: &mut Report) -> bool {
    let what = "database";
    match &config.database {
        Database::Private if !has_cluster(config) => {
            report.warning(what, "there is none yet", "nothing, the first start makes it");
            false
        }
        Database::Private => match PrivatePostgres::start(&config.data_dir).await {
            Ok(private) => {
                look(&private.owner_url(), true, report).await;
                let joined = !private.owned();
                private.stop().await;
                joined
            }
            Err(error) => {
                report.problem(what, &format!("{error:#}"), "see log/postgres.log in the data folder");
                false
            }
        },
        Database::External { app, worker, owner, operator } => {
            let operator = operator.iter().map(|url| ("as ringfort_operator", url));
            for (role, url) in [("as ringfort_app", app), ("as ringfort_worker", worker)].into_iter().chain(operator) {
                if let Err(error) = connect(url).await {
                    report.problem(what, &format!("{role}: {error:#}"), "check address, password and firewall");
                }
            }
            look(owner.as_ref().unwrap_or(app), owner.is_some(), report).await;
            false
        }
    }
}

async fn connect(url: &Secret) -> anyhow::Result<PgConnection> {
    Ok(PgConnectOptions::from_str(url.expose())?.application_name("ringfort doctor").connect().await?)
}

async fn look(url: &Secret, as_owner: bool, report: &mut Report) {
    let mut conn = match connect(url).await {
        Ok(conn) => conn,
        Err(error) => {
            return report.problem("database", &format!("{error:#}"), "start it, or run `ringfort migrate` once");
        }
    };
    let outcome = catalogue(&mut conn, report).await;
    if let Err(error) = outcome {
        report.problem("database", &format!("{error:#}"), "see the log of the database");
    }
    if as_owner {
        migrations(&mut conn, report).await;
    } else {
        report.warning("migrations", "cannot be seen by ringfort_app", "set OWNER_DATABASE_URL for this check");
    }
    // Said goodbye or not: the server drops the session either way.
    let _ = conn.close().await;
}

async fn catalogue(conn: &mut PgConnection, report: &mut Report) -> anyhow::Result<()> {
    version(conn, report).await.context("reading the version")?;
    clock(conn, report).await.context("reading the clock")?;
    roles(conn, report).await.context("reading the roles")?;
    walls(conn, report).await.context("reading row security")?;
    seals(conn, report).await.context("reading how far the audit log is sealed")
}

async fn version(conn: &mut PgConnection, report: &mut Report) -> Result<(), sqlx::Error> {
    let number: i32 = sqlx::query_scalar("select current_setting('server_version_num')::int4").fetch_one(conn).await?;
    let found = format!("answers, PostgreSQL {}.{}", number / 10_000, number % 10_000);
    if number >= OLDEST {
        report.ok("database", &found);
    } else {
        report.problem("database", &found, "PostgreSQL 15 is the oldest that works");
    }
    Ok(())
}

async fn clock(conn: &mut PgConnection, report: &mut Report) -> Result<(), sqlx::Error> {
    let before = SystemClock.now().millis();
    let theirs: i64 =
        sqlx::query_scalar("select (extract(epoch from clock_timestamp()) * 1000)::int8").fetch_one(conn).await?;
    // Their reading lies between our two, so only what sticks out is skew.
    let after = SystemClock.now().millis();
    let skew = (before - theirs).max(theirs - after).max(0);
    let found = format!("{skew} ms between product and database");
    if skew < SKEW_MILLIS {
        report.ok("clock", &found);
    } else {
        report.problem("clock", &found, "run a time service (NTP) on both machines");
    }
    Ok(())
}

async fn roles(conn: &mut PgConnection, report: &mut Report) -> Result<(), sqlx::Error> {
    let rows: Vec<(String, bool, bool, i64)> = sqlx::query_as(
        "select r.rolname::text, r.rolsuper, r.rolbypassrls, \
         (select count(*) from pg_class c where c.relowner = r.oid) \
         from pg_roles r where r.rolname like 'ringfort\\_%'",
    )
    .fetch_all(conn)
    .await?;
    let before = report.problems;
    for role in ROLES {
        let Some((_, superuser, bypasses, owned)) = rows.iter().find(|(name, ..)| name == role) else {
            report.problem("roles", &format!("{role} is missing"), "run `ringfort migrate`");
            continue;
        };
        if *superuser || *bypasses {
            let mend = format!("alter role {role} nosuperuser nobypassrls");
            report.problem("roles", &format!("{role} is not bound by row security"), &mend);
        }
        if role != "ringfort_owner" && role != "ringfort_lobby" && *owned > 0 {
            let mend = format!("reassign owned by {role} to ringfort_owner");
            report.problem("roles", &format!("{role} owns {owned} relations and could open their walls"), &mend);
        }
    }
    if report.problems == before {
        report.ok("roles", "all there; none that serves requests owns anything or passes row security");
    }
    Ok(())
}

async fn walls(conn: &mut PgConnection, report: &mut Report) -> Result<(), sqlx::Error> {
    let rows: Vec<(String, bool)> = sqlx::query_as(
        "select c.relname::text, c.relrowsecurity and c.relforcerowsecurity \
         from pg_class c join pg_attribute a on a.attrelid = c.oid \
         where a.attname = 'business_id' and not a.attisdropped and c.relkind in ('r', 'p') \
         and c.relnamespace = 'public'::regnamespace order by 1",
    )
    .fetch_all(conn)
    .await?;
    let open: Vec<&str> = rows.iter().filter(|(_, walled)| !walled).map(|(name, _)| name.as_str()).collect();
    if open.is_empty() {
        report.ok("tenant wall", &format!("row security is forced on all {} tenant tables", rows.len()));
    } else {
        let found = format!("row security is not forced on {}", open.join(", "));
        report.problem("tenant wall", &found, "stop serving; alter table … enable, and force, row level security");
    }
    Ok(())
}

/// A minute's worth of entries that nobody has sealed is more than a busy moment.
const UNSEALED_SECONDS: f64 = 60.0;

async fn seals(conn: &mut PgConnection, report: &mut Report) -> Result<(), sqlx::Error> {
    let what = "seals of the audit log";
    let is_there: bool =
        sqlx::query_scalar("select to_regprocedure('lobby.audit_backlog()') is not null").fetch_one(&mut *conn).await?;
    if !is_there {
        report.warning(what, "this database has none yet", "run `ringfort migrate`");
        return Ok(());
    }
    let (waiting, seconds): (i64, f64) =
        sqlx::query_as("select waiting, oldest_seconds from lobby.audit_backlog()").fetch_one(conn).await?;
    let found = format!("{waiting} entries wait, the oldest for {seconds:.0} s");
    if seconds < UNSEALED_SECONDS {
        report.ok(what, &found);
    } else {
        let mend = "start `ringfort serve` if it does not run; else look for a transaction that is open for long \
                    (pg_stat_activity), and for «was not sealed» in the log";
        report.warning(what, &found, mend);
    }
    Ok(())
}

async fn migrations(conn: &mut PgConnection, report: &mut Report) {
    let what = "migrations";
    let rows: Result<Vec<(i64, Vec<u8>)>, _> =
        sqlx::query_as("select version, checksum from _sqlx_migrations where success").fetch_all(conn).await;
    let applied: HashMap<i64, Vec<u8>> = match rows {
        Ok(rows) => rows.into_iter().collect(),
        Err(error) => return report.problem(what, &error.to_string(), "run `ringfort migrate`"),
    };
    let mut missing = 0;
    let mut known = 0;
    for migration in MIGRATOR.iter() {
        known += 1;
        match applied.get(&migration.version) {
            None => missing += 1,
            Some(checksum) if checksum[..] == migration.checksum[..] => {}
            Some(_) => {
                let found = format!("{:04} was applied in another wording", migration.version);
                return report.problem(what, &found, "use the release that made this database, or a newer one");
            }
        }
    }
    if missing > 0 {
        report.problem(what, &format!("{missing} of {known} are missing"), "run `ringfort migrate`");
    } else if applied.len() > known {
        report.problem(what, "the database is newer than this program", "install the newer release again");
    } else {
        report.ok(what, &format!("all {known} applied"));
    }
}
