//! Second factors (ACC-3): setting one up, taking it away, recovery codes. Answering with one is in [`answer`],
//! numbers and texts in `texting.rs` and `delivery.rs`.
//!
//! A factor belongs to the person, so each change is written down in every business of theirs, told to their mailbox,
//! and ends their other sessions. All of it stands behind doors that ask again who one is (ACC-8).

mod answer;
mod delivery;
pub mod passkey;
mod reset;
mod texting;

pub use answer::{EMAIL_SECONDS, check_code, check_email_code, send_email_code};
pub use delivery::{TEXT_JOB, TEXT_SECONDS, TextPayload, send_text};
pub use reset::{RESET_WORD, reset};
use serde_json::{Value, json};
pub use texting::{
    Texting, check_text_code, confirm_text, send_text_code, start_text, switch_text_off, text_again, text_setting_up,
    texting,
};
use uuid::Uuid;

use super::{audit, device};
use crate::{
    model::{
        audit::Action,
        factor::{self, Factor},
        field::Bad,
        session::EndCause,
    },
    server::{
        caller::{Actor, SignedIn},
        http::{AppError, Cx},
        mail::{self, Mail},
        store::{
            self,
            lobby::{FactorDates, TotpSeed},
        },
        vault::{Purpose, Secret, codes, totp::Seed},
    },
};

/// How long a seed waits for the code that confirms it.
pub const SET_UP_SECONDS: i64 = 900;

/// Which second factors the signed-in person has, since when.
///
/// # Errors
/// Nobody is signed in; the database cannot be reached.
pub async fn dates(cx: &Cx) -> Result<FactorDates, AppError> {
    Ok(store::lobby::factor_dates(cx.app.db(), cx.signed_in()?.user).await?)
}

/// Begins to set up an authenticator app, with a new seed. It counts for nothing until [`confirm`].
///
/// # Errors
/// Conflict when there is one already.
pub async fn start(cx: &Cx) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let (id, seed): (Uuid, Seed) = (cx.app.draw(), Seed::draw(cx.app.entropy()));
    let sealed = cx.app.vault().seal_own(Purpose::TotpSeed, id, seed.expose())?;
    let started = store::lobby::totp_start(cx.app.db(), person.user, id, &sealed, cx.visitor.now).await?;
    if started { Ok(()) } else { Err(AppError::Conflict) }
}

/// The seed that is being set up, to be shown until it is confirmed and never after.
///
/// # Errors
/// Missing when none is, or for too long.
pub async fn setting_up(cx: &Cx) -> Result<Seed, AppError> {
    pending(cx).await.map(|(_, seed)| seed)
}

async fn pending(cx: &Cx) -> Result<(Uuid, Seed), AppError> {
    let stored = store::lobby::totp_seed(cx.app.db(), cx.signed_in()?.user).await?;
    let is_open = |s: &TotpSeed| s.added_at.is_none() && cx.visitor.now.since(s.started_at) <= SET_UP_SECONDS;
    let stored = stored.filter(is_open).ok_or(AppError::Missing)?;
    let plain = cx.app.vault().open_own(Purpose::TotpSeed, stored.id, &stored.sealed)?;
    Ok((stored.id, Seed::read(&plain)?))
}

/// The app shows the right code: from now on signing in asks for one. Gives the recovery codes, to be shown once.
///
/// # Errors
/// Invalid when the code is wrong; missing when nothing is being set up, or for too long; conflict when another request
/// was faster.
pub async fn confirm(cx: &Cx, code: &str) -> Result<Vec<Secret>, AppError> {
    let person = cx.signed_in()?;
    let (id, seed) = pending(cx).await?;
    let step = seed.step_of(&factor::plain(code), cx.visitor.now);
    let step = step.ok_or_else(|| AppError::field("code", Bad::Code))?;
    let drawn = codes::draw_recovery(cx.app.entropy());
    let hashes = hashes(&drawn);
    let change = json!({ "kind": Factor::Totp.code(), "recovery_codes": drawn.len() });
    audit::audited(&cx.app, &person.caller, Action::FactorAdded, async |act| {
        act.on("member", person.member.0);
        act.after(change.clone());
        if !store::lobby::totp_confirm(&mut act.tx, person.user, id, step).await? {
            return Err(AppError::Conflict);
        }
        store::lobby::recovery_draw(&mut act.tx, person.user, &hashes).await?;
        let mail = Mail::factor_added(&cx.app, &person.email, Factor::Totp);
        mail::enqueue_in(&cx.app, &mut act.tx, &mail).await
    })
    .await?;
    changed(cx, person, Action::FactorAdded, &change).await?;
    Ok(drawn)
}

/// From now on this person may answer with codes that are mailed. Gives recovery codes, to be shown once, if they had
/// none.
///
/// # Errors
/// Conflict when they may already.
pub async fn switch_email_on(cx: &Cx) -> Result<Vec<Secret>, AppError> {
    let person = cx.signed_in()?;
    let has_codes = dates(cx).await?.recovery_left > 0;
    let drawn = if has_codes { Vec::new() } else { codes::draw_recovery(cx.app.entropy()) };
    let hashes = hashes(&drawn);
    let change = json!({ "kind": Factor::Email.code(), "recovery_codes": drawn.len() });
    audit::audited(&cx.app, &person.caller, Action::FactorAdded, async |act| {
        act.on("member", person.member.0);
        act.after(change.clone());
        if !store::lobby::email_factor_add(&mut act.tx, person.user).await? {
            return Err(AppError::Conflict);
        }
        if !hashes.is_empty() {
            store::lobby::recovery_draw(&mut act.tx, person.user, &hashes).await?;
        }
        let mail = Mail::factor_added(&cx.app, &person.email, Factor::Email);
        mail::enqueue_in(&cx.app, &mut act.tx, &mail).await
    })
    .await?;
    changed(cx, person, Action::FactorAdded, &change).await?;
    Ok(drawn)
}

/// Takes the authenticator app away. Nothing asks for its codes any more; with the last factor the recovery codes go
/// too.
///
/// # Errors
/// Invalid without the typed word; conflict when there is none.
pub async fn remove_totp(cx: &Cx, confirm: &str) -> Result<(), AppError> {
    remove(cx, Factor::Totp, confirm.trim() == "remove").await
}

/// From now on no codes are mailed to this person.
///
/// # Errors
/// Conflict when none were.
pub async fn switch_email_off(cx: &Cx) -> Result<(), AppError> {
    remove(cx, Factor::Email, true).await
}

async fn remove(cx: &Cx, kind: Factor, is_confirmed: bool) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let change = json!({ "kind": kind.code() });
    audit::audited(&cx.app, &person.caller, Action::FactorRemoved, async |act| {
        act.on("member", person.member.0);
        act.after(change.clone());
        if !is_confirmed {
            return Err(AppError::field("confirm", Bad::Confirm("remove".to_owned())));
        }
        if !store::lobby::factor_remove(&mut act.tx, person.user, kind).await? {
            return Err(AppError::Conflict);
        }
        let mail = Mail::factor_removed(&cx.app, &person.email, kind);
        mail::enqueue_in(&cx.app, &mut act.tx, &mail).await
    })
    .await?;
    changed(cx, person, Action::FactorRemoved, &change).await
}

/// Draws new recovery codes, to be shown once. The old ones die.
///
/// # Errors
/// Conflict when there is no factor that they could stand in for.
pub async fn draw_recovery(cx: &Cx) -> Result<Vec<Secret>, AppError> {
    let person = cx.signed_in()?;
    let factors = store::lobby::factors_of(cx.app.db(), person.user).await?;
    let drawn = codes::draw_recovery(cx.app.entropy());
    let hashes = hashes(&drawn);
    let change = json!({ "recovery_codes": drawn.len() });
    audit::audited(&cx.app, &person.caller, Action::FactorRecoveryDrawn, async |act| {
        act.on("member", person.member.0);
        act.after(change.clone());
        if !factors.any() {
            return Err(AppError::Conflict);
        }
        store::lobby::recovery_draw(&mut act.tx, person.user, &hashes).await?;
        let mail = Mail::recovery_drawn(&cx.app, &person.email);
        mail::enqueue_in(&cx.app, &mut act.tx, &mail).await
    })
    .await?;
    note_elsewhere(cx, person, Action::FactorRecoveryDrawn, &change).await?;
    Ok(drawn)
}

fn hashes(codes: &[Secret]) -> Vec<Vec<u8>> {
    codes.iter().map(|code| codes::recovery_hash(code.expose())).collect()
}

/// What follows when a factor came or went. The sessions first: they are what somebody else may hold.
async fn changed(cx: &Cx, person: &SignedIn, action: Action, change: &Value) -> Result<(), AppError> {
    device::end_others(cx, person.user, EndCause::Factor).await?;
    note_elsewhere(cx, person, action, change).await
}

/// Writes the act down in the person's other businesses too: the account is theirs everywhere.
async fn note_elsewhere(cx: &Cx, person: &SignedIn, action: Action, change: &Value) -> Result<(), AppError> {
    let memberships = store::lobby::memberships_of(cx.app.db(), person.user).await?;
    for m in memberships.iter().filter(|m| m.business != person.caller.business) {
        let actor = Actor::named(m.member, person.user);
        audit::audited(&cx.app, &cx.caller_for()(actor, m.business), action, async |act| {
            act.on("member", m.member.0);
            act.after(change.clone());
            Ok(())
        })
        .await?;
    }
    Ok(())
}
