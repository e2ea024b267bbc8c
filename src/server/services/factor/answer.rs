//! Answering the second factor's question (ACC-3). Nobody is signed in yet, or somebody shows again who they are. Each
//! answer counts once: the database decides, by conditional updates. Wrong ones are counted by whoever asked.

use serde_json::json;
use uuid::Uuid;

use crate::{
    model::{audit::Action, factor, id::UserId, personal::Email},
    server::{
        boot::App,
        caller::{Actor, Caller, Origin},
        http::AppError,
        kit::At,
        mail::{self, Mail},
        services::{audit, session::Proof},
        store::{
            self,
            lobby::{NewEmailCode, RecoveryUsed},
        },
        vault::{Purpose, codes, totp::Seed},
    },
};

/// How long a mailed code is good.
pub const EMAIL_SECONDS: i64 = 600;
/// Seconds between two mailed codes of one person, as `lobby.email_code_put` holds them.
const PAUSE_SECONDS: u32 = 60;

/// A code of the authenticator app, or a recovery code, which is used up by this. `None`: it is wrong, or was used
/// before.
///
/// # Errors
/// The database cannot be reached; the seed cannot be opened.
pub async fn check_code(app: &App, user: UserId, code: &str, now: At) -> Result<Option<Proof>, AppError> {
    let plain = factor::plain(code);
    if factor::is_totp(&plain) {
        return Ok(check_totp(app, user, &plain, now).await?.then_some(Proof::Totp));
    }
    let Some(plain) = factor::recovery(&plain) else { return Ok(None) };
    let hash = codes::recovery_hash(&plain);
    let Some(recovery) = store::lobby::recovery_use(app.db(), user, &hash, now).await? else { return Ok(None) };
    tell_of_recovery(app, user, &recovery).await?;
    Ok(Some(Proof::Recovery))
}

async fn check_totp(app: &App, user: UserId, plain: &str, now: At) -> Result<bool, AppError> {
    let stored = store::lobby::totp_seed(app.db(), user).await?;
    let Some(stored) = stored.filter(|seed| seed.added_at.is_some()) else { return Ok(false) };
    let seed = Seed::read(&app.vault().open_own(Purpose::TotpSeed, stored.id, &stored.sealed)?)?;
    let Some(step) = seed.step_of(plain, now) else { return Ok(false) };
    Ok(store::lobby::totp_step(app.db(), user, stored.id, step).await?)
}

/// To the log of each business of theirs, and to their mailbox: a code that they did not use themselves must not go
/// unnoticed.
async fn tell_of_recovery(app: &App, user: UserId, recovery: &RecoveryUsed) -> Result<(), AppError> {
    for m in store::lobby::memberships_of(app.db(), user).await? {
        let caller = Caller {
            actor: Actor::named(m.member, user),
            business: m.business,
            origin: Origin { door: "web", network: None },
            trace: app.draw(),
        };
        audit::audited(app, &caller, Action::FactorRecoveryUsed, async |act| {
            act.on("member", m.member.0);
            act.after(json!({ "recovery_codes_left": recovery.left }));
            Ok(())
        })
        .await?;
    }
    mail::enqueue(app, &Mail::recovery_used(app, &recovery.email, recovery.left)).await
}

/// Mails a code that answers `challenge_id`, in place of an older one.
///
/// # Errors
/// Missing when the person has not chosen mailed codes; limited to one a minute.
pub async fn send_email_code(
    app: &App,
    user: UserId,
    email: &Email,
    challenge_id: Uuid,
    now: At,
) -> Result<(), AppError> {
    if !store::lobby::factors_of(app.db(), user).await?.email_codes {
        return Err(AppError::Missing);
    }
    let code = codes::draw_email(app.entropy());
    let stored = NewEmailCode {
        challenge: challenge_id,
        user,
        hash: &codes::email_hash(challenge_id, code.expose()),
        now,
        expires: now.plus(EMAIL_SECONDS),
    };
    if !store::lobby::email_code_put(app.db(), stored).await? {
        return Err(AppError::Limited { retry_after: PAUSE_SECONDS });
    }
    mail::enqueue(app, &Mail::email_code(email, &code)).await
}

/// Whether `code` is the one that was mailed for this challenge. It is used up by this.
///
/// # Errors
/// The database cannot be reached.
pub async fn check_email_code(
    app: &App,
    challenge_id: Uuid,
    user: UserId,
    code: &str,
    now: At,
) -> Result<bool, AppError> {
    let Some(hash) = sent_hash(challenge_id, code) else { return Ok(false) };
    Ok(store::lobby::email_code_use(app.db(), challenge_id, user, &hash, now).await?)
}

/// By what a sent code is found, whatever carried it; `None` when it cannot be one, by its looks.
pub(super) fn sent_hash(challenge_id: Uuid, code: &str) -> Option<Vec<u8>> {
    let plain = factor::plain(code);
    factor::is_sent(&plain).then(|| codes::email_hash(challenge_id, &plain))
}
