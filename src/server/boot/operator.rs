//! `ringfort operator`: looking into a business as who runs this installation (TEN-6). Granting tells the business's owners and
//! stands in their audit log; showing and watching go by the role `ringfort_operator`, to which the database shows a business
//! while its grant is open.

mod show;

use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use self::show::Sections;
use super::{App, config::Config, database::operator_pool, lifecycle::Ready};
pub use crate::server::services::operator::Ask;
use crate::{
    model::{id::BusinessId, operator::MOST_HOURS},
    server::{
        http::AppError,
        kit::{Clock, clock::SystemClock},
        services::operator,
        store::{self, lobby::OpenGrant, operator::Grant},
    },
};

/// How often `watch` says in the business's log that it still looks. The database counts a look for half a minute.
const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// How often `watch` reads: an ended grant is noticed as fast.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// The database as the role that sees a business while access is open, and nothing else.
///
/// # Errors
/// Nobody has said how to log in as that role; the database cannot be reached.
pub async fn database(config: &Config, ready: &Ready) -> anyhow::Result<PgPool> {
    let url = ready.operator_url.as_ref().context(
        "set OPERATOR_DATABASE_URL to the database, with the role ringfort_operator (a private database has a login for it \
         from the next start of `ringfort serve`)",
    )?;
    operator_pool(url, config.pgbouncer).await
}

/// Opens access to a business.
///
/// # Errors
/// An id that is none, or nobody's; a reason, a ticket or hours that cannot be used; a grant that is open already.
pub async fn grant(app: &App, business: &str, ask: Ask<'_>) -> anyhow::Result<()> {
    let business = known(app, business).await?;
    match operator::grant(app, business, ask).await {
        Ok(granted) => {
            let (id, until, trace) = (granted.id, granted.until.0, granted.trace);
            println!("{id} is open until {until}, {} of its owners get a mail. Trace: {trace}", granted.told);
            println!("Now: ringfort operator show --business {business}");
            Ok(())
        }
        Err(AppError::Invalid(fields)) => bail!("{}", wanted(fields.first().map_or("", |bad| bad.field.as_str()))),
        Err(AppError::Conflict) => bail!("access to this business is open already: `ringfort operator list`"),
        Err(error) => Err(error).context("nothing was opened"),
    }
}

/// What an option wants, by its field.
fn wanted(field: &str) -> String {
    match field {
        "reason" => {
            "--reason wants a few words, at most 200 characters, without anybody's address or number: they go to the \
                     business's owners and into its audit log"
                .to_owned()
        }
        "ticket" => "--ticket wants the number of a ticket, like OPS-12".to_owned(),
        _ => format!("--hours wants a number from 1 to {MOST_HOURS}"),
    }
}

/// Gives the open access to a business back.
///
/// # Errors
/// An id that is none, or nobody's; nothing is open; the database cannot be reached.
pub async fn end(app: &App, business: &str) -> anyhow::Result<()> {
    let business = known(app, business).await?;
    match operator::give_back(app, business).await {
        Ok(Some(id)) => {
            println!("{id} has ended.");
            Ok(())
        }
        // Somebody of the business was faster.
        Ok(None) | Err(AppError::Conflict) => bail!("no access to this business is open"),
        Err(error) => Err(error).context("nothing was ended"),
    }
}

/// Prints the accesses of one business, or of all, newest first.
///
/// # Errors
/// An id that is none, or nobody's; the database cannot be reached.
pub async fn list(app: &App, business: Option<&str>) -> anyhow::Result<()> {
    let businesses = match business {
        Some(one) => vec![known(app, one).await?],
        None => store::lobby::businesses_active(app.worker_db()).await?,
    };
    for business in businesses {
        for grant in operator::list(app, business).await? {
            println!("{}", line(business, &grant));
        }
    }
    Ok(())
}

fn line(business: BusinessId, g: &Grant) -> String {
    let (state, at) = match &g.end {
        None if g.is_open => ("open ", g.expires_at),
        None => ("ended", g.expires_at),
        Some(end) => ("ended", end.at),
    };
    let ending = g.end.as_ref().map_or("time", |end| end.ending.code());
    let how = if g.is_open { "until" } else { ending };
    let (ticket, reason) = (&g.ticket, &g.reason);
    format!("{state}  {}  {business}  {}  {how} {}  {} looks  {ticket}: {reason}", g.id, g.granted_at.0, at.0, g.looks)
}

/// Prints what support sees of a business, for people or as JSON.
///
/// # Errors
/// No access is open; the database cannot be reached.
pub async fn show(db: &PgPool, business: &str, as_json: bool) -> anyhow::Result<()> {
    let business = read_id(business)?;
    let open = look(db, business, "show").await?;
    let sections = sections(db, business, open).await?.context(CLOSED)?;
    if as_json {
        println!("{:#}", sections.json());
    } else {
        println!("Access is open until {}. Trace: {}\n\n{}", open.expires_at.0, open.trace, sections.text());
    }
    Ok(())
}

/// Prints what support sees of a business whenever it has changed, until the access ends.
///
/// # Errors
/// No access is open at the beginning; the database cannot be reached.
pub async fn watch(db: &PgPool, business: &str) -> anyhow::Result<()> {
    let business = read_id(business)?;
    let mut open = look(db, business, "watch").await?;
    let mut looked = Instant::now();
    let mut shown = String::new();
    println!("Access is open until {}. Trace: {}\n", open.expires_at.0, open.trace);
    loop {
        if looked.elapsed() >= LOOK_AGAIN {
            looked = Instant::now();
            match operator::look(db, business, "watch").await {
                Ok(again) => open = again,
                Err(AppError::Refused) => break,
                Err(error) => return Err(error).context("looking again"),
            }
        }
        let Some(sections) = sections(db, business, open).await? else { break };
        let text = sections.text();
        if text != shown {
            println!("{}\n{text}", SystemClock.now().0);
            shown = text;
        }
        sleep(READ_AGAIN).await;
    }
    println!("The access has ended.");
    Ok(())
}

const CLOSED: &str = "no access to this business is open: `ringfort operator grant` opens it, with a reason. The try stands in its audit log";

async fn look(db: &PgPool, business: BusinessId, what: &str) -> anyhow::Result<OpenGrant> {
    match operator::look(db, business, what).await {
        Ok(open) => Ok(open),
        Err(AppError::Refused) => bail!("{CLOSED}"),
        Err(error) => Err(error).context("looking into the business"),
    }
}

/// Nothing once the database shows nothing any more. A reading that was cut, because a grant has ended just then, is tried once
/// more: it may have been another business's.
async fn sections(db: &PgPool, business: BusinessId, open: OpenGrant) -> anyhow::Result<Option<Sections>> {
    let mut tries = 0;
    loop {
        tries += 1;
        match operator::overview(db, business, open, SystemClock.now()).await {
            Ok(overview) => return Ok(Some(Sections::of(&overview))),
            Err(AppError::Missing) => return Ok(None),
            Err(AppError::Unavailable(_)) if tries < 3 => sleep(READ_AGAIN).await,
            Err(error) => return Err(error).context("looking into the business"),
        }
    }
}

fn read_id(business: &str) -> anyhow::Result<BusinessId> {
    business.parse::<BusinessId>().context("--business wants the id of a business, like biz_0199…")
}

async fn known(app: &App, business: &str) -> anyhow::Result<BusinessId> {
    let business = read_id(business)?;
    if !store::lobby::businesses_active(app.worker_db()).await?.contains(&business) {
        bail!("no business has this id");
    }
    Ok(business)
}
