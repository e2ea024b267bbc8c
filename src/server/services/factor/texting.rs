//! Codes by text message (ACC-3): setting a number up, and asking for a code where one signs in. The weakest of the
//! factors, and the pages say so: numbers are taken over (NIST SP 800-63B calls them restricted).
//!
//! A number counts once its person has typed a code that was texted there. It is sealed, and shown masked alone. The
//! provider is that of the business in which it was set up, as long as its person is a member there.

use serde_json::json;
use uuid::Uuid;

use super::{
    SET_UP_SECONDS, answer, changed, dates,
    delivery::{self, Recipient},
    hashes, remove,
};
use crate::{
    model::{
        audit::Action,
        factor::{self, Factor},
        field::Bad,
        id::{BusinessId, MemberId, UserId},
        phone::{BadPhone, Phone},
    },
    server::{
        boot::App,
        caller::{Actor, Caller},
        http::{AppError, Cx},
        kit::At,
        mail::{self, Mail},
        services::audit,
        store::{
            self, TenantTx,
            lobby::{NewTextFactor, TextFactor},
        },
        vault::{Purpose, Secret, codes},
    },
};

/// How it stands with somebody's texted codes.
#[derive(Debug, Clone)]
pub struct Texting {
    /// The number that counts, masked.
    pub number: Option<String>,
    /// Whether the business that sends, or would, has a provider that can.
    pub can_send: bool,
}

/// How it stands with the signed-in person's texted codes.
///
/// # Errors
/// Nobody is signed in; the database cannot be reached.
pub async fn texting(cx: &Cx) -> Result<Texting, AppError> {
    let person = cx.signed_in()?;
    let counting = store::lobby::text_factor(cx.app.db(), person.user).await?.filter(|f| f.added_at.is_some());
    let sending = match &counting {
        Some(factor) => member_of(cx, person.user, factor.business).await?.map(|(caller, _)| caller),
        None => Some(person.caller.clone()),
    };
    let can_send = match sending {
        Some(caller) => can_send(cx, &caller).await?,
        None => false,
    };
    Ok(Texting { number: counting.map(|factor| masked(&factor)), can_send })
}

async fn can_send(cx: &Cx, caller: &Caller) -> Result<bool, AppError> {
    let mut tx = TenantTx::open(cx.app.db(), caller, cx.visitor.now).await?;
    let can = delivery::can_send(&cx.app, &mut tx).await?;
    tx.commit().await?;
    Ok(can)
}

/// The person as a member of that business, if they are one.
async fn member_of(cx: &Cx, user: UserId, business: BusinessId) -> Result<Option<(Caller, MemberId)>, AppError> {
    let memberships = store::lobby::memberships_of(cx.app.db(), user).await?;
    Ok(memberships.iter().find(|m| m.business == business).map(|m| {
        let actor = Actor::named(m.member, user);
        (cx.caller_for()(actor, m.business), m.member)
    }))
}

/// As every number is shown.
fn masked(factor: &TextFactor) -> String {
    format!("***-***-{}", factor.last4)
}

/// Begins to set a number up, and texts a code there. It counts for nothing until [`confirm_text`].
///
/// # Errors
/// Invalid for a number that is none or in no allowed place; conflict when there is one already, or the business has no
/// provider that can text; limited.
pub async fn start_text(cx: &Cx, number: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let phone = allowed(&cx.app, number).map_err(|bad| AppError::field("number", bad))?;
    let id: Uuid = cx.app.draw();
    let sealed = cx.app.vault().seal_own(Purpose::FactorPhone, id, phone.reveal().as_bytes())?;
    let mut tx = cx.tx().await?;
    let new = NewTextFactor { user: person.user, id, sealed: &sealed, last4: phone.last4() };
    if !store::lobby::text_start(&mut tx, new).await? {
        return Err(AppError::Conflict);
    }
    let to = Recipient { user: person.user, member: person.member, phone };
    if !delivery::queue(&cx.app, &mut tx, &to, id).await? {
        return Err(AppError::Conflict);
    }
    tx.commit().await?;
    cx.app.hub().wake_worker();
    Ok(())
}

fn allowed(app: &App, number: &str) -> Result<Phone, Bad> {
    let phone: Phone = number.parse().map_err(|_: BadPhone| Bad::Phone)?;
    let prefixes = &app.config().text_prefixes;
    if prefixes.allow(&phone) { Ok(phone) } else { Err(Bad::Prefix(prefixes.to_string())) }
}

/// Texts another code to the number that is being set up.
///
/// # Errors
/// Missing when none is, for too long, or in another business; limited.
pub async fn text_again(cx: &Cx) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let factor = pending(cx).await?;
    let to = Recipient { user: person.user, member: person.member, phone: number_of(&cx.app, &factor)? };
    let mut tx = cx.tx().await?;
    if !delivery::queue(&cx.app, &mut tx, &to, factor.id).await? {
        return Err(AppError::Missing);
    }
    tx.commit().await?;
    cx.app.hub().wake_worker();
    Ok(())
}

/// The number that is being set up, masked.
///
/// # Errors
/// Missing when none is, or for too long.
pub async fn text_setting_up(cx: &Cx) -> Result<String, AppError> {
    pending(cx).await.map(|factor| masked(&factor))
}

async fn pending(cx: &Cx) -> Result<TextFactor, AppError> {
    let stored = store::lobby::text_factor(cx.app.db(), cx.signed_in()?.user).await?;
    let is_open = |f: &TextFactor| f.added_at.is_none() && cx.visitor.now.since(f.started_at) <= SET_UP_SECONDS;
    stored.filter(is_open).ok_or(AppError::Missing)
}

fn number_of(app: &App, factor: &TextFactor) -> Result<Phone, AppError> {
    let plain = app.vault().open_own(Purpose::FactorPhone, factor.id, &factor.sealed)?;
    let text = std::str::from_utf8(&plain).map_err(|e| AppError::Internal(Box::new(e)))?;
    text.parse().map_err(|e: BadPhone| AppError::Internal(Box::new(e)))
}

/// The texted code is right: from now on this person may answer with such codes. Gives recovery codes, to be shown
/// once, if they had none.
///
/// # Errors
/// Invalid when the code is wrong; missing when no number is being set up, or for too long; limited per address of the
/// network.
pub async fn confirm_text(cx: &Cx, code: &str) -> Result<Vec<Secret>, AppError> {
    let person = cx.signed_in()?;
    // A number that is not theirs must not be guessed into theirs.
    if !cx.app.limits().may_try_sign_in(cx.visitor.address) {
        return Err(AppError::Limited { retry_after: 60 });
    }
    let id = pending(cx).await?.id;
    let hash = codes::email_hash(id, &factor::plain(code));
    let has_codes = dates(cx).await?.recovery_left > 0;
    let drawn = if has_codes { Vec::new() } else { codes::draw_recovery(cx.app.entropy()) };
    let recovery = hashes(&drawn);
    let change = json!({ "kind": Factor::Sms.code(), "recovery_codes": drawn.len() });
    audit::audited(&cx.app, &person.caller, Action::FactorAdded, async |act| {
        act.on("member", person.member.0);
        act.after(change.clone());
        if !store::lobby::text_confirm(&mut act.tx, person.user, id, &hash).await? {
            return Err(AppError::field("code", Bad::Code));
        }
        if !recovery.is_empty() {
            store::lobby::recovery_draw(&mut act.tx, person.user, &recovery).await?;
        }
        let mail = Mail::factor_added(&cx.app, &person.email, Factor::Sms);
        mail::enqueue_in(&cx.app, &mut act.tx, &mail).await
    })
    .await?;
    changed(cx, person, Action::FactorAdded, &change).await?;
    Ok(drawn)
}

/// From now on no codes are texted to this person, and their number is forgotten.
///
/// # Errors
/// Conflict when none were.
pub async fn switch_text_off(cx: &Cx) -> Result<(), AppError> {
    remove(cx, Factor::Sms, true).await
}

/// Texts a code that answers `challenge_id`, in place of an older one. False when the business that sends has no
/// provider that can, or the person is no member there any more.
///
/// # Errors
/// Missing when the person has not chosen texted codes; limited to one a minute, and to so many a day.
pub async fn send_text_code(cx: &Cx, user: UserId, challenge_id: Uuid) -> Result<bool, AppError> {
    let stored = store::lobby::text_factor(cx.app.db(), user).await?;
    let factor = stored.filter(|f| f.added_at.is_some()).ok_or(AppError::Missing)?;
    let Some((caller, member)) = member_of(cx, user, factor.business).await? else { return Ok(false) };
    let to = Recipient { user, member, phone: number_of(&cx.app, &factor)? };
    let mut tx = TenantTx::open(cx.app.db(), &caller, cx.visitor.now).await?;
    let is_queued = delivery::queue(&cx.app, &mut tx, &to, challenge_id).await?;
    tx.commit().await?;
    cx.app.hub().wake_worker();
    Ok(is_queued)
}

/// Whether `code` is the one that was texted for this challenge. It is used up by this.
///
/// # Errors
/// The database cannot be reached.
pub async fn check_text_code(
    app: &App,
    challenge_id: Uuid,
    user: UserId,
    code: &str,
    now: At,
) -> Result<bool, AppError> {
    let Some(hash) = answer::sent_hash(challenge_id, code) else { return Ok(false) };
    Ok(store::lobby::text_code_use(app.db(), challenge_id, user, &hash, now).await?)
}
