//! What the audit viewer's filters cost over many entries (AUD-4): a page of fifty, as the product reads it, against the plain SQL
//! that somebody would type into psql for the same question, on a plain connection, in the same run. Goal: the plain time and
//! 10 ms. The count beside it has half a second of patience and no goal.
//!
//! `RINGFORT_BENCH_ROWS` entries (a million; ten million is what the promise is about), a fifth of them one business's, over thirty
//! days. Warm: each question is asked some times before it is measured. Sides in turn.
#![recursion_limit = "256"]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the environment and opens transactions")]

mod kit;

use std::time::Instant;

use anyhow::{Context, ensure};
use ringfort::{
    model::{
        audit_query::AuditFilter,
        id::{AuditId, TraceId},
        permission::Role,
    },
    server::{
        caller::{Actor, Caller, Origin},
        store::{
            TenantTx,
            audit::{self, Place},
        },
    },
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use uuid::Uuid;

use kit::{Bench, figures::median, provider};

const BUSINESSES: usize = 5;
const ROUNDS: usize = 15;
const PAGE: i64 = 51;
const GOAL_MS: f64 = 10.0;

fn main() -> anyhow::Result<()> {
    if !kit::is_asked() {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

/// How many entries there are.
fn rows() -> i64 {
    std::env::var("RINGFORT_BENCH_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000)
}

async fn run() -> anyhow::Result<()> {
    let bench = Bench::start("audit_view").await?;
    let mut lines = Vec::new();
    for number in 1..=BUSINESSES {
        lines.push(provider::found(&bench, number).await?);
    }
    let businesses: Vec<Uuid> = lines.iter().map(|line| line.business.0).collect();
    bench.settle().await?;
    fill(&bench, &businesses).await?;
    let Some(hot) = lines.first() else { anyhow::bail!("no business was founded") };
    let caller = Caller {
        actor: Actor::Member { member: hot.owner, user: kit::new_id(), grants: Role::Owner.grants() },
        business: hot.business,
        origin: Origin { door: "bench", network: None },
        trace: kit::new_id::<TraceId>(),
    };
    let mut plain = bench.connect_as("ringfort_app").await?;
    plain.execute(AssertSqlSafe(format!("set app.business = '{}'", hot.business.0))).await?;
    let deep = deep(&mut plain, hot.business.0).await?;
    println!("{} entries, a page of {PAGE}, medians of {ROUNDS}; goal: plain and {GOAL_MS} ms\n", rows());
    for question in questions(hot.business.0, deep) {
        compare(&bench, &caller, &mut plain, &question).await?;
    }
    plain.close().await?;
    bench.finish().await
}

/// One thing that is asked, as the query bar says it and as plain SQL does.
struct Question {
    name: &'static str,
    filter: String,
    place: Place,
    sql: String,
    /// As the superuser: without row security, for what the product asks a definer function.
    is_wide: bool,
}

fn questions(business: Uuid, deep: Uuid) -> Vec<Question> {
    let head = format!("select * from audit_entries e where e.business_id = '{business}'");
    let tail = format!("order by e.id desc limit {PAGE}");
    let words = "audit_words(e.action, e.target_kind, e.result, e.origin, e.reason, e.before, e.after)";
    let ask = |name, filter: &str, place, condition: &str, is_wide| Question {
        name,
        filter: filter.to_owned(),
        place,
        sql: format!("{head} {condition} {tail}"),
        is_wide,
    };
    let actor = actor(7);
    vec![
        ask("the newest", "at:all", Place::Newest, "", false),
        ask("deep in the log", "at:all", Place::Before(AuditId(deep)), &format!("and e.id < '{deep}'"), false),
        ask("an actor", &format!("actor:{actor} at:all"), Place::Newest, &format!("and e.actor_id = '{actor}'"), false),
        ask("a rare act", "action:role.changed at:all", Place::Newest, "and e.action = 'role.changed'", false),
        ask("what was refused", "result:refused at:all", Place::Newest, "and e.result = 'refused'", false),
        ask("a rare word", "marble at:all", Place::Newest, &format!("and {words} @@ '''marble'':*'"), true),
        ask("a common word", "received at:all", Place::Newest, &format!("and {words} @@ '''received'':*'"), true),
        ask(
            "a network",
            "ip:198.51.7.0/24 at:all",
            Place::Newest,
            &format!("and {words} @@ '''@198.51.7.0/24'''"),
            true,
        ),
        ask("nothing", "action:role.deleted at:all", Place::Newest, "and e.action = 'role.deleted'", false),
    ]
}

fn actor(number: i64) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 | u128::from(number.unsigned_abs()))
}

/// The entry behind which a page far from the newest begins.
async fn deep(plain: &mut PgConnection, business: Uuid) -> anyhow::Result<Uuid> {
    let id =
        sqlx::query_scalar("select id from audit_entries where business_id = $1 order by id desc offset $2 limit 1")
            .bind(business)
            .bind(rows() / 20)
            .fetch_one(plain)
            .await?;
    Ok(id)
}

async fn compare(bench: &Bench, caller: &Caller, plain: &mut PgConnection, question: &Question) -> anyhow::Result<()> {
    let filter = question.filter.parse::<AuditFilter>().map_err(|bad| anyhow::anyhow!("{bad:?}"))?;
    let mut wide = bench.owner.acquire().await?;
    let (mut with, mut without, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS + 3 {
        let begin = Instant::now();
        let mut tx = TenantTx::open(bench.app.db(), caller, kit::now()).await?;
        let found = audit::page(&mut tx, &filter, question.place, PAGE).await?;
        let found = found.with_context(|| format!("{}: too slow", question.name))?;
        tx.commit().await?;
        let product = milliseconds(begin);
        let begin = Instant::now();
        let mut tx = TenantTx::open(bench.app.db(), caller, kit::now()).await?;
        audit::count(&mut tx, &filter).await?;
        tx.commit().await?;
        let count = milliseconds(begin);
        let begin = Instant::now();
        let text = AssertSqlSafe(question.sql.clone());
        let same = if question.is_wide {
            sqlx::raw_sql(text).fetch_all(&mut *wide).await?
        } else {
            sqlx::raw_sql(text).fetch_all(&mut *plain).await?
        };
        let psql = milliseconds(begin);
        let ids: Vec<Uuid> = same.iter().map(|row| row.try_get("id")).collect::<Result<_, sqlx::Error>>()?;
        ensure!(ids == found.iter().map(|e| e.id.0).collect::<Vec<_>>(), "{}: not the same entries", question.name);
        // The first few warm both sides up.
        if round >= 3 {
            with.push(product);
            without.push(psql);
            counts.push(count);
        }
    }
    let (with, without) = (median(&with), median(&without));
    println!(
        "{:<18} {with:8.2} ms, plain {without:8.2} ms, more by {:6.2} ms ({}); counted in {:.2} ms",
        question.name,
        with - without,
        if with - without <= GOAL_MS { "as promised" } else { "NOT as promised" },
        median(&counts)
    );
    Ok(())
}

fn milliseconds(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1000.0
}

/// Entries at even distances over thirty days, the businesses in turn. Their times are set here, so the triggers that set them
/// are off from here on, and the index over words is made at the end.
async fn fill(bench: &Bench, businesses: &[Uuid]) -> anyhow::Result<()> {
    let begin = Instant::now();
    let index: String =
        sqlx::query_scalar("select pg_get_indexdef('audit_entries_words'::regclass)").fetch_one(&bench.owner).await?;
    bench.owner.execute(UNGUARD).await?;
    let list = businesses.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
    let text = FILL.replace("{businesses}", &list).replace("{rows}", &rows().to_string());
    bench.owner.execute(AssertSqlSafe(text)).await?;
    // The definition of a partitioned table's index says ONLY.
    let index = index.replace(" ON ONLY ", " ON ");
    bench.owner.execute(AssertSqlSafe(index)).await?;
    bench.owner.execute("vacuum analyze audit_entries").await?;
    println!("filled in {:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}

const UNGUARD: &str = "
    drop index audit_entries_words;
    do $$ declare part regclass; begin
        for part in select 'audit_entries'::regclass union all
            select inhrelid::regclass from pg_inherits where inhparent = 'audit_entries'::regclass loop
            execute format('alter table %s disable trigger user', part);
        end loop;
    end $$;
";

const FILL: &str = "
    insert into audit_entries (business_id, id, at, xid, actor_kind, actor_id, action, target_kind, target_id, result, origin,
        trace_id, after)
    select ('{{businesses}}'::uuid[])[1 + i % 5],
        (lpad(to_hex(ms), 12, '0') || '7' || substr(md5(i::text), 1, 3) || '8' || substr(md5('x' || i), 1, 15))::uuid,
        to_timestamp(ms / 1000.0), '1'::xid8, 'member',
        ('01990000-0000-7000-8000-' || lpad(to_hex(i / 5 % 50), 12, '0'))::uuid,
        case when i / 5 % 1000 = 0 then 'role.changed' else 'webhook.received' end,
        'call', md5('t' || i % 100000)::uuid,
        case when i / 5 % 500 = 0 then 'refused' else 'done' end,
        'web 198.51.' || (i / 5 % 200) || '.0/24', md5('r' || i)::uuid,
        jsonb_build_object('receipt', md5('a' || i), 'note', case when i / 5 % 20000 = 7 then 'marble' else 'plain' end)
    from (
        select i, (extract(epoch from now()) * 1000)::bigint - i * (30::bigint * 86400000 / {rows}) - 1 as ms
        from generate_series(0, {rows}::bigint - 1) as i
    ) n
";
