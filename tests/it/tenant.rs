//! The tenant wall (TEN-1, TEN-2, TEN-3), from the catalogue: a table that nobody thought of here is tested too.

use std::time::Duration;

use ringfort::{
    model::{permission::Role, profile::Profile, retention::DataKind},
    server::store::{self, TenantTx},
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, PgPool};
use tokio::{task::JoinSet, time::timeout};
use uuid::Uuid;

use crate::kit::{Business, TestApp, sql, until};

/// SQLSTATE of a refusal by rights or by row security.
const REFUSED: &str = "42501";
const NO_SUCH_PARENT: &str = "23503";

struct Two {
    app: TestApp,
    a: Uuid,
    b: Uuid,
    /// As the role that serves requests.
    served: PgPool,
    tables: Vec<String>,
}

async fn two() -> Two {
    let app = TestApp::start().await;
    let a = app.business("a", Profile::FieldService).await;
    let b = app.business("b", Profile::InsuranceAgency).await;
    app.fill(&a).await;
    app.fill(&b).await;
    let served = app.pool_as("ringfort_app", 2);
    let tables = sql::tenant_tables(&app.owner).await;
    Two { a: a.id.0, b: b.id.0, served, tables, app }
}

/// Columns of a table that the application may use in this way.
async fn columns(db: &PgPool, table: &str, privilege: &str) -> Vec<String> {
    sql::texts(
        db,
        format!(
            "select attname::text from pg_attribute
             where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped and attidentity = ''
                 and has_column_privilege('ringfort_app', attrelid, attnum, '{privilege}')
             order by attnum"
        ),
    )
    .await
}

#[tokio::test]
async fn ten_1_the_fixture_fills_every_tenant_table_for_both_businesses() {
    let two = two().await;
    for table in &two.tables {
        for business in [two.a, two.b] {
            let rows =
                sql::count(&two.app.owner, format!("select count(*) from {table} where business_id = '{business}'"))
                    .await;
            assert!(rows > 0, "{table} has no row for a business: add one to tests/it/kit/fixture.rs");
        }
    }
}

#[tokio::test]
async fn ten_1_inside_a_business_only_its_rows_are_seen() {
    let two = two().await;
    for table in &two.tables {
        let own =
            sql::count(&two.app.owner, format!("select count(*) from {table} where business_id = '{}'", two.a)).await;
        let seen = sql::count_within(&two.served, two.a, format!("select count(*) from {table}")).await;
        assert_eq!(seen, own, "{table}");
        let foreign = format!("select count(*) from {table} where business_id = '{}'", two.b);
        assert_eq!(sql::count_within(&two.served, two.a, foreign).await, 0, "{table}");
    }
}

#[tokio::test]
async fn ten_1_foreign_rows_are_neither_changed_nor_deleted() {
    let two = two().await;
    let before = sql::fingerprint(&two.app.owner, two.b).await;
    for table in &two.tables {
        let update = columns(&two.app.owner, table, "UPDATE").await;
        if let Some(column) = update.first() {
            let change = format!("update {table} set {column} = {column} where business_id = '{}'", two.b);
            let touched = sql::try_within(&two.served, two.a, change).await.expect("passes");
            assert_eq!(touched, 0, "{table}");
        } else {
            let change = format!("update {table} set business_id = business_id");
            assert_eq!(sql::code(sql::try_within(&two.served, two.a, change).await), REFUSED, "{table}");
        }
        // A row of one's own cannot be given away.
        let give = format!("update {table} set business_id = '{}' where business_id = '{}'", two.b, two.a);
        assert_eq!(sql::code(sql::try_within(&two.served, two.a, give).await), REFUSED, "{table}");
        let deletion =
            sql::try_within(&two.served, two.a, format!("delete from {table} where business_id = '{}'", two.b)).await;
        match deletion {
            Ok(touched) => assert_eq!(touched, 0, "{table}"),
            refused => assert_eq!(sql::code(refused), REFUSED, "{table}"),
        }
    }
    assert_eq!(sql::fingerprint(&two.app.owner, two.b).await, before);
}

/// B's row of a table, put in again by the application inside A, with an ending of the statement.
async fn put_foreign_row(two: &Two, table: &str, ending: &str) -> Result<u64, sqlx::Error> {
    let row: Value = sqlx::query_scalar(AssertSqlSafe(format!(
        "select to_jsonb(t) from {table} t where business_id = '{}' limit 1",
        two.b
    )))
    .fetch_one(&two.app.owner)
    .await
    .expect("a row");
    let insertable = columns(&two.app.owner, table, "INSERT").await;
    // Without any right to insert, the statement still has to name something to be refused for.
    let names = if insertable.is_empty() { "business_id".to_owned() } else { insertable.join(", ") };
    let row = row.to_string().replace('\'', "''");
    let statement = format!(
        "insert into {table} ({names}) select {names} from jsonb_populate_record(null::{table}, '{row}') {ending}"
    );
    sql::try_within(&two.served, two.a, statement).await
}

#[tokio::test]
async fn ten_1_rows_of_another_business_can_be_neither_inserted_nor_upserted() {
    let two = two().await;
    let before = sql::fingerprint(&two.app.owner, two.b).await;
    for table in &two.tables {
        for ending in ["", "on conflict do nothing"] {
            assert_eq!(sql::code(put_foreign_row(&two, table, ending).await), REFUSED, "{table} {ending}");
        }
        let keys = sql::text(
            &two.app.owner,
            format!(
                "select string_agg(a.attname, ', ') from pg_index i
                 join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
                 where i.indrelid = '{table}'::regclass and i.indisprimary"
            ),
        )
        .await;
        if let Some(column) = columns(&two.app.owner, table, "UPDATE").await.first() {
            let ending = format!("on conflict ({keys}) do update set {column} = excluded.{column}");
            assert_eq!(sql::code(put_foreign_row(&two, table, &ending).await), REFUSED, "{table} upsert");
        }
    }
    assert_eq!(sql::fingerprint(&two.app.owner, two.b).await, before);
}

#[tokio::test]
async fn ten_1_without_a_tenant_nothing_is_seen() {
    let two = two().await;
    let fresh = two.app.pool_as("ringfort_app", 1);
    for table in &two.tables {
        let seen = sql::count(&fresh, format!("select count(*) from {table}")).await;
        assert_eq!(seen, 0, "{table} without the setting");
    }
    sql::run(&fresh, "select set_config('app.business', '', false)").await;
    for table in &two.tables {
        let seen = sql::count(&fresh, format!("select count(*) from {table}")).await;
        assert_eq!(seen, 0, "{table} with an empty setting");
    }
}

#[tokio::test]
async fn ten_2_a_pooled_connection_keeps_no_tenant() {
    let two = two().await;
    let single = two.app.pool_as("ringfort_app", 1);
    let caller = two.app.machine(two.a.into());
    let mut tx = TenantTx::open(&single, &caller, two.app.now()).await.expect("a transaction");
    store::business::profile(&mut tx).await.expect("is seen inside");
    tx.commit().await.expect("commits");
    assert_eq!(sql::count(&single, "select count(*) from businesses").await, 0);
    assert_eq!(sql::text(&single, "select coalesce(current_setting('app.business', true), '')").await, "");

    let tx = TenantTx::open(&single, &caller, two.app.now()).await.expect("a transaction");
    drop(tx);
    assert_eq!(sql::count(&single, "select count(*) from businesses").await, 0);
    assert_eq!(sql::text(&single, "select coalesce(current_setting('app.actor', true), '')").await, "");
}

#[tokio::test]
async fn ten_3_nothing_can_refer_to_another_businesss_row() {
    let two = two().await;
    // Every foreign key between tenant tables, with its first column that is not the business, and where it leads.
    let keys: Vec<(String, String, String, String)> = sqlx::query_as(
        "select con.conrelid::regclass::text, con.confrelid::regclass::text, a.attname::text, f.attname::text
         from pg_constraint con
         join lateral unnest(con.conkey, con.confkey) as k (here, there) on true
         join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.here and a.attname <> 'business_id'
         join pg_attribute f on f.attrelid = con.confrelid and f.attnum = k.there
         where con.contype = 'f' and con.conparentid = 0 and con.connamespace = 'public'::regnamespace
             and con.confrelid::regclass::text not like 'lobby.%'
         order by 1, 3",
    )
    .fetch_all(&two.app.owner)
    .await
    .expect("the catalogue answers");
    assert!(keys.len() >= 15, "too few foreign keys found: {keys:?}");
    // So is what guards an ending; and only one that the business ended names who did.
    sql::run(&two.app.owner, "alter table operator_grants disable trigger user").await;
    let ended = "update operator_grants g set ended_at = now(), ending = 'business',
        ended_by = (select m.id from members m where m.business_id = g.business_id limit 1)";
    sql::run(&two.app.owner, ended).await;
    for (table, target, column, key) in keys {
        // By the superuser: row security is not what is tried here, the key is.
        // An owner's role is built in: that is another wall.
        let some = if table == "members" { "and role = 'viewer'" } else { "" };
        let link = format!(
            "update {table} set {column} = (select {key} from {target} where business_id = '{}' limit 1)
             where business_id = '{}' {some}",
            two.b, two.a
        );
        let result = sql::try_within(&two.app.owner, two.a, link).await;
        assert_eq!(sql::code(result), NO_SUCH_PARENT, "{table}.{column} -> {target}");
    }
}

#[tokio::test]
async fn ten_1_a_key_that_another_business_uses_is_free() {
    // Nobody learns by a refused insert what others have: the fixture gave both businesses the same extension,
    // target, provider's call id, event key and invited address.
    let two = two().await;
    for (table, column) in [
        ("extensions", "extension"),
        ("extensions", "target"),
        ("calls", "provider_call_id"),
        ("webhook_receipts", "event_key"),
        ("jobs", "dedup_key"),
        ("invitations", "email"),
        ("roles", "name"),
    ] {
        let shared = sql::count(
            &two.app.owner,
            format!(
                "select count(*) from {table} x join {table} y using ({column}) where x.business_id <> y.business_id"
            ),
        )
        .await;
        assert!(shared > 0, "{table}.{column}");
    }
}

#[tokio::test]
async fn ten_2_two_connections_under_sixty_four_tasks_and_cancellations_never_mix_tenants() {
    let app = TestApp::start().await;
    let a = app.business("a", Profile::FieldService).await;
    let b = app.business("b", Profile::FieldService).await;
    canary(&app, &a, 31).await;
    canary(&app, &b, 32).await;
    let pool = app.pool_as("ringfort_app", 2);
    let mut tasks = JoinSet::new();
    for number in 0..64_u64 {
        let (business, days) = if number % 2 == 0 { (a.id, 31) } else { (b.id, 32) };
        let (pool, caller, now) = (pool.clone(), app.machine(business), app.now());
        tasks.spawn(async move {
            let work = async {
                let mut tx = TenantTx::open(&pool, &caller, now).await.expect("a transaction");
                let seen = store::retention::rules(&mut tx).await.expect("reads");
                tokio::task::yield_now().await;
                tx.commit().await.expect("commits");
                seen
            };
            // Every third gives up in the middle, wherever that is.
            let patience = if number % 3 == 0 { Duration::from_micros(200 * number) } else { Duration::from_secs(20) };
            match timeout(patience, work).await {
                Ok(seen) => {
                    assert_eq!(seen.len(), 1);
                    assert_eq!(seen.get(&DataKind::Calls), Some(&days));
                    true
                }
                Err(_) => false,
            }
        });
    }
    let mut finished = 0;
    while let Some(done) = tasks.join_next().await {
        finished += usize::from(done.expect("no task saw a stranger's canary"));
    }
    assert!(finished >= 42, "only {finished} of 64 finished");
    assert_eq!(sql::count(&pool, "select count(*) from retention_rules").await, 0, "a setting stayed behind");
}

async fn canary(app: &TestApp, business: &Business, days: i32) {
    let statement = format!(
        "insert into retention_rules (business_id, kind, days, changed_at) values ('{}', 'calls', {days}, now())",
        business.id.0
    );
    (&app.owner).execute(AssertSqlSafe(statement)).await.expect("a canary");
}

/// Who hangs up while BEGIN is under way must not leave a transaction, with its tenant, to whoever gets the connection next.
#[tokio::test(flavor = "multi_thread")]
async fn ten_2_a_client_that_hangs_up_leaves_no_transaction_open() {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    let browser = app.browser(business.member(Role::Owner)).await;
    for micros in (0..6_000).step_by(150) {
        let _ = timeout(Duration::from_micros(micros), browser.get("/calls")).await;
    }
    let open = "select count(*) from pg_stat_activity
                where datname = current_database() and state like 'idle in transaction%'";
    until("none is open", async || sql::count(&app.owner, open).await == 0).await;
}
