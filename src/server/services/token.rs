//! Tokens for programs (ACC-7): by password once, then each for the next. Signing in goes through the same walls as in
//! a browser, and answers alike for known and unknown accounts.
//!
//! Refreshing writes nothing to the audit log: it is the program's breath, every five minutes. That a token was issued,
//! revoked or used twice is written down. What a person sees of their programs stands in [`family`].

mod family;

pub use family::{end_all, families, revoke};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::{
    audit, factor,
    lockout::{self, Standing},
    session::{self, Proof, REFUSAL},
};
use crate::{
    model::{
        audit::Action,
        field::text,
        id::{BusinessId, SessionId, UserId},
        personal::Email,
        session::EndCause,
    },
    server::{
        boot::App,
        caller::{Actor, Caller},
        http::{AppError, Cx, error::chain},
        kit::entropy::{Token, token_hash},
        mail::{self, Mail},
        store::{
            StoreError,
            lobby::{self, Membership, NewFamily, Rotation},
        },
        vault::{
            Secret, VaultError,
            jwt::{Claims, KEPT_SECONDS},
            password::Verdict,
        },
    },
};

/// However much it is used, a program signs in anew after this.
pub const FAMILY_SECONDS: i64 = 30 * 24 * 3600;

const WRONG: &str = "these credentials are not accepted";
const FACTOR_NEEDED: &str = "a second factor is needed";
const RECOVERY_NEEDED: &str = "a second factor is needed: a passkey cannot be shown here, but a recovery code can";
const NOT_HERE: &str = "this account gets no tokens for this business, or only after it has a second factor";
const OVER: &str = "this token is not good, or no longer";

/// Why there is no token, in the words of RFC 6749, 5.2.
#[derive(Debug)]
pub enum Denied {
    /// `invalid_request`
    Request(&'static str),
    /// `invalid_grant`
    Grant(&'static str),
    /// Not a matter of the grant: too many tries, or a fault of ours.
    Other(AppError),
}

impl From<AppError> for Denied {
    fn from(error: AppError) -> Self {
        Self::Other(error)
    }
}

impl From<StoreError> for Denied {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

impl From<VaultError> for Denied {
    fn from(error: VaultError) -> Self {
        Self::Other(error.into())
    }
}

/// A program's sign-in, as its person typed it.
pub struct PasswordGrant {
    pub email: String,
    pub password: Secret,
    /// Of the authenticator app, or a recovery code.
    pub code: Option<String>,
    /// What the person calls the device.
    pub device: String,
    /// For people with several; else the one that they joined first.
    pub business: Option<String>,
}

/// What a program gets.
pub struct Issued {
    pub access: Secret,
    pub refresh: Token,
    /// Seconds until a refresh token of this family is good for nothing.
    pub refresh_seconds: i64,
}

/// Signs a program in.
///
/// # Errors
/// Denied, in the same words and the same time, for an unknown address, a wrong password, a wrong code and a locked
/// account; in other words only to who has shown the right password.
pub async fn by_password(cx: &Cx, grant: PasswordGrant) -> Result<Issued, Denied> {
    let answer_at = Instant::now() + REFUSAL;
    let result = try_password(cx, grant).await;
    if matches!(result, Err(Denied::Grant(_))) {
        sleep_until(answer_at).await;
    }
    result
}

async fn try_password(cx: &Cx, grant: PasswordGrant) -> Result<Issued, Denied> {
    let device = text(&grant.device, 60).map_err(|_| Denied::Request("device must have 1 to 60 characters"))?;
    let business = grant.business.as_deref().map(str::parse::<BusinessId>).transpose();
    let business = business.map_err(|_| Denied::Request("business must be the id of one"))?;
    let user = prove_password(cx, &grant.email, grant.password).await?;
    let proofs = prove_factor(cx, user, grant.code.as_deref()).await?;
    let memberships = lobby::memberships_of(cx.app.db(), user).await?;
    // One that is not theirs cannot be told from one that is not there.
    let member = memberships.iter().find(|m| business.is_none_or(|wanted| m.business == wanted));
    let member = member.ok_or(Denied::Grant(NOT_HERE))?;
    let issued = issue(cx, user, member, &device, &proofs).await?;
    lockout::passed(cx, user).await?;
    Ok(issued)
}

/// As `session::sign_in`, up to the point where a session would begin.
async fn prove_password(cx: &Cx, email: &str, password: Secret) -> Result<UserId, Denied> {
    if !cx.app.limits().may_try_sign_in(cx.visitor.address) {
        return Err(AppError::Limited { retry_after: 60 }.into());
    }
    let account = match email.parse::<Email>() {
        Ok(email) => lobby::sign_in_lookup(cx.app.db(), email.reveal()).await?,
        Err(_) => None,
    };
    let stored = account.as_ref().map(|a| a.password_hash.clone());
    let verdict = cx.app.passwords().verify(password.clone(), stored).await?;
    let Some(account) = account else { return Err(Denied::Grant(WRONG)) };
    let is_open = lockout::standing(cx, account.user).await? == Standing::Open;
    if !is_open || verdict == Verdict::Wrong {
        if is_open {
            lockout::failed(cx, account.user).await?;
        }
        session::note_refused(cx, account.user).await?;
        return Err(Denied::Grant(WRONG));
    }
    if verdict == Verdict::RightButOld {
        let hash = cx.app.passwords().hash(password).await?;
        lobby::password_rehash(cx.app.db(), account.user, &hash).await?;
    }
    Ok(account.user)
}

/// The second factor of who has one. Says by what the person has shown who they are.
async fn prove_factor(cx: &Cx, user: UserId, code: Option<&str>) -> Result<String, Denied> {
    let first = Proof::Password.code();
    let factors = lobby::factors_of(cx.app.db(), user).await?;
    if !factors.any() {
        return Ok(first.to_owned());
    }
    let needed = if factors.passkeys > 0 && !factors.totp { RECOVERY_NEEDED } else { FACTOR_NEEDED };
    let code = code.filter(|code| !code.trim().is_empty()).ok_or(Denied::Grant(needed))?;
    if let Some(proof) = factor::check_code(&cx.app, user, code, cx.visitor.now).await? {
        return Ok(format!("{first}+{}", proof.code()));
    }
    lockout::failed(cx, user).await?;
    session::note_refused(cx, user).await?;
    Err(Denied::Grant(WRONG))
}

async fn issue(cx: &Cx, user: UserId, member: &Membership, device: &str, proofs: &str) -> Result<Issued, Denied> {
    let (family, refresh): (SessionId, Token) = (cx.app.draw(), Token::draw(cx.app.entropy()));
    let caller = caller_in(cx, user, member);
    let issued = audit::audited(&cx.app, &caller, Action::TokenIssued, async |act| {
        act.on("token_family", family.0);
        act.after(json!({ "means": proofs }));
        let new = NewFamily {
            id: family,
            user,
            device,
            agent: &cx.visitor.agent,
            means: proofs,
            hash: &refresh.hash(),
            expires: act.tx.now().plus(FAMILY_SECONDS),
        };
        if lobby::token_issue(&mut act.tx, new).await? { Ok(()) } else { Err(AppError::Refused) }
    })
    .await;
    match issued {
        Ok(()) => {
            let access = access(cx, user, family, member.business).await?;
            Ok(Issued { access, refresh, refresh_seconds: FAMILY_SECONDS })
        }
        Err(AppError::Refused) => Err(Denied::Grant(NOT_HERE)),
        Err(other) => Err(other.into()),
    }
}

/// A new access token, and the refresh token that follows the presented one.
///
/// # Errors
/// Denied when it is nobody's, its family is over or its person may not come in any more, and when it was used before:
/// then its family ends.
pub async fn refresh(cx: &Cx, presented: &Secret) -> Result<Issued, Denied> {
    let refresh = Token::draw(cx.app.entropy());
    let (now, agent) = (cx.visitor.now, &cx.visitor.agent);
    let presented = token_hash(presented.expose());
    match lobby::refresh_rotate(cx.app.db(), &presented, &refresh.hash(), agent, cx.caller_for(), now).await? {
        Rotation::Unknown => Err(Denied::Grant(OVER)),
        Rotation::Rotated(holder, expires) => {
            let access = access(cx, holder.user, holder.family, holder.business).await?;
            Ok(Issued { access, refresh, refresh_seconds: expires.since(now) })
        }
        Rotation::Reused(tx, holder, email) => {
            // The family's end, its entry and the mail are one act.
            audit::audited_in(&cx.app, *tx, Action::TokenReused, async |act| {
                act.on("token_family", holder.family.0);
                act.after(json!({ "revoked": true }));
                mail::enqueue_in(&cx.app, &mut act.tx, &Mail::token_reused(&cx.app, &email, now)).await
            })
            .await?;
            Err(Denied::Grant(OVER))
        }
    }
}

/// Signs a program out, by any refresh token of its family. One that is nobody's is as well signed out (RFC 7009, 2.2).
///
/// # Errors
/// The database cannot be reached.
pub async fn sign_out(cx: &Cx, presented: &Secret) -> Result<(), AppError> {
    let presented = token_hash(presented.expose());
    let ended = lobby::token_logout(cx.app.db(), &presented, cx.caller_for(), cx.visitor.now).await?;
    let Some((tx, holder)) = ended else { return Ok(()) };
    audit::audited_in(&cx.app, tx, Action::TokenRevoked, async |act| {
        act.on("token_family", holder.family.0);
        act.after(json!({ "cause": EndCause::SignedOut.code() }));
        Ok(())
    })
    .await
}

/// What the worker does each minute: a new signing key when it is time, and away with what is over.
///
/// # Errors
/// The database cannot be reached.
pub async fn housekeeping(app: &App) -> Result<(), StoreError> {
    let now = app.clock().now();
    match app.vault().rotate_signing_key(app.worker_db()).await {
        Ok(_) => {}
        Err(VaultError::Store(error)) => return Err(error),
        // The old key goes on signing, and the rest of the minute's work must not wait for it.
        Err(error) => tracing::error!(error.chain = %chain(&error), "the key that signs tokens was not renewed"),
    }
    lobby::tokens_trim(app.worker_db(), now, now.plus(-KEPT_SECONDS)).await?;
    Ok(())
}

async fn access(cx: &Cx, user: UserId, family: SessionId, business: BusinessId) -> Result<Secret, AppError> {
    let issuer = &cx.app.config().public_url;
    let claims = Claims::new(issuer, user, family, business, cx.app.draw(), cx.visitor.now);
    Ok(Secret::new(cx.app.vault().sign_access(&claims).await?))
}

fn caller_in(cx: &Cx, user: UserId, m: &Membership) -> Caller {
    cx.caller_for()(Actor::named(m.member, user), m.business)
}
