//! The accounts of the demo's people, made as the lobby makes them: through the owner's login, in the role
//! `ringfort_lobby`, which may insert into these five tables and do little else. Passwords are drawn, and so is what one
//! person's authenticator app knows.

use std::str::FromStr;

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, Transaction, postgres::PgConnectOptions};
use uuid::Uuid;

use super::{
    file::{Business, User},
    sketch::{PROMOTED, SEATS, SKETCHES, Sketch, WITH_APP},
};
use crate::{
    model::{
        id::{BusinessId, MemberId, UserId},
        permission::Role,
    },
    server::{
        boot::App,
        kit::{At, Entropy, entropy::bytes},
        vault::{Purpose, Secret, totp::Seed},
    },
};

/// A member of a business, as the database has them.
pub struct Person {
    pub user: UserId,
    pub member: MemberId,
    pub email: String,
    pub role: Role,
}

/// Draws everybody of a business.
#[must_use]
pub fn draw(entropy: &dyn Entropy, sketch: &Sketch) -> Vec<User> {
    let one = |role: Role, mailbox: &str, name: &str| User {
        email: format!("{mailbox}@{}", sketch.domain),
        password: password(entropy),
        role,
        name: name.to_owned(),
        totp_secret: (mailbox == WITH_APP).then(|| Seed::draw(entropy).text().expose().to_owned()),
    };
    let seats = SEATS.iter().zip(&sketch.people).map(|((role, mailbox), name)| one(*role, mailbox, name));
    let crew = (2..).zip(sketch.crew).map(|(number, name)| one(Role::Technician, &format!("technician{number}"), name));
    seats.chain(crew).collect()
}

/// A password of 100 random bits that can be read aloud: `k7m2q-x9d4r-…`.
#[must_use]
pub fn password(entropy: &dyn Entropy) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let letters: Vec<String> = bytes::<20>(entropy)
        .chunks(5)
        .map(|part| part.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
        .collect();
    letters.join("-")
}

/// Connects with the owner's login.
///
/// # Errors
/// The address is no `PostgreSQL` URL, or nobody answers there.
pub async fn connect(owner_url: &Secret) -> anyhow::Result<PgConnection> {
    let options = PgConnectOptions::from_str(owner_url.expose())
        .context("the owner's database address is no PostgreSQL URL")?
        .application_name("ringfort demo")
        .disable_statement_logging();
    options.connect().await.context("connecting to the database as its owner")
}

/// A transaction in the role that may make accounts, for its length only.
async fn as_lobby(owner: &mut PgConnection) -> anyhow::Result<Transaction<'_, Postgres>> {
    let mut tx = owner.begin().await?;
    sqlx::query("set local role ringfort_lobby")
        .execute(&mut *tx)
        .await
        .context("the owner's login must be a member of ringfort_lobby")?;
    Ok(tx)
}

/// Whether all of these businesses are in the database.
///
/// # Errors
/// The database cannot be reached.
pub async fn are_founded(owner: &mut PgConnection, businesses: &[Business]) -> anyhow::Result<bool> {
    let ids: Vec<Uuid> = businesses.iter().map(|b| b.id).collect();
    let mut tx = as_lobby(owner).await?;
    let found: i64 = sqlx::query_scalar("select count(*) from businesses where business_id = any($1)")
        .bind(&ids)
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(usize::try_from(found).is_ok_and(|found| found == ids.len()))
}

/// Whether the database has accounts of a demo.
///
/// # Errors
/// The database cannot be reached.
pub async fn are_known(owner: &mut PgConnection) -> anyhow::Result<bool> {
    let owners: Vec<String> = SKETCHES.iter().map(|sketch| format!("owner@{}", sketch.domain)).collect();
    let mut tx = as_lobby(owner).await?;
    let known: bool = sqlx::query_scalar("select exists (select from lobby.users where email = any($1))")
        .bind(&owners)
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(known)
}

/// Founds a business with everybody in it, all or nothing; at `at`, which lies in the past.
///
/// # Errors
/// The database refused, or hashing took too long.
pub async fn found(app: &App, owner: &mut PgConnection, business: &Business, zone: &str, at: At) -> anyhow::Result<()> {
    if are_founded(owner, std::slice::from_ref(business)).await? {
        return Ok(());
    }
    let hashes = hash_all(app, &business.users).await?;
    let id = BusinessId(business.id);
    let key = app.vault().new_data_key(id)?;
    let mut tx = as_lobby(owner).await?;
    sqlx::query("insert into businesses (business_id, name, profile, zone, created_at) values ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(&business.name)
        .bind(business.profile.code())
        .bind(zone)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    for (user, hash) in business.users.iter().zip(&hashes) {
        join(app, &mut tx, id, user, hash, at).await?;
    }
    sqlx::query("insert into data_keys (business_id, id, wrapped, master_key, created_at) values ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(key.id)
        .bind(&key.wrapped)
        .bind(&key.master_key)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

async fn join(
    app: &App,
    tx: &mut PgConnection,
    business: BusinessId,
    user: &User,
    password_hash: &str,
    at: At,
) -> anyhow::Result<()> {
    let (id, member): (UserId, MemberId) = (app.draw_at(at), app.draw_at(at));
    let is_promoted = user.email.split('@').next() == Some(PROMOTED);
    let role = if is_promoted { Role::Agent } else { user.role };
    sqlx::query("insert into lobby.users (id, email, password_hash, created_at) values ($1, $2, $3, $4)")
        .bind(id)
        .bind(&user.email)
        .bind(password_hash)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "insert into members (business_id, id, user_id, email, name, role, joined_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(business)
    .bind(member)
    .bind(id)
    .bind(&user.email)
    .bind(&user.name)
    .bind(role.code())
    .bind(at)
    .execute(&mut *tx)
    .await?;
    match &user.totp_secret {
        Some(secret) => add_app(app, tx, id, secret, at).await,
        None => Ok(()),
    }
}

/// An authenticator app that counts, with the secret of the demo's file.
async fn add_app(app: &App, tx: &mut PgConnection, user: UserId, secret: &str, at: At) -> anyhow::Result<()> {
    let seed = Seed::parse(secret).context("the demo's file has a secret that is none of an authenticator app")?;
    let id: Uuid = app.draw_at(at);
    let sealed = app.vault().seal_own(Purpose::TotpSeed, id, seed.expose())?;
    sqlx::query("insert into lobby.totp (user_id, id, sealed, started_at, added_at) values ($1, $2, $3, $4, $4)")
        .bind(user)
        .bind(id)
        .bind(sealed)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Several at once, but no more than the machine computes at once: who waits too long is turned away.
async fn hash_all(app: &App, users: &[User]) -> anyhow::Result<Vec<String>> {
    let slots = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(4);
    let jobs: Vec<_> = users.iter().map(|user| app.passwords().hash(Secret::new(user.password.clone()))).collect();
    stream::iter(jobs).buffered(slots).try_collect().await.context("hashing the demo's passwords")
}

/// Everybody of a business.
///
/// # Errors
/// The database cannot be reached.
pub async fn of(owner: &mut PgConnection, business: BusinessId) -> anyhow::Result<Vec<Person>> {
    let mut tx = as_lobby(owner).await?;
    let rows: Vec<(Uuid, Uuid, String, String)> =
        sqlx::query_as("select user_id, id, email, role from members where business_id = $1 order by email")
            .bind(business)
            .fetch_all(&mut *tx)
            .await?;
    tx.commit().await?;
    rows.into_iter()
        .map(|(user, member, email, role)| {
            let role = role.parse().map_err(|_| anyhow::anyhow!("a member has the unknown role {role}"))?;
            Ok(Person { user: UserId(user), member: MemberId(member), email, role })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::password::check, server::kit::entropy::SystemEntropy};

    #[test]
    fn every_role_has_a_seat_and_every_password_is_good() {
        for sketch in &SKETCHES {
            let users = draw(&SystemEntropy, sketch);
            assert!(Role::ALL.into_iter().all(|role| users.iter().any(|user| user.role == role)));
            let with_app: Vec<_> = users.iter().filter_map(|user| Some((user, user.totp_secret.as_deref()?))).collect();
            let [(person, secret)] = with_app[..] else { panic!("one person has an authenticator app") };
            assert!(person.role == Role::Admin && Seed::parse(secret).is_some());
            assert!(users.iter().any(|user| user.role == Role::Admin && user.totp_secret.is_none()));
            for user in users {
                assert_eq!(check(&user.password, &[&user.email, &user.name, sketch.name]), Ok(()));
                assert!(user.email.parse::<crate::model::personal::Email>().is_ok());
            }
        }
    }
}
