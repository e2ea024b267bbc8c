//! Answering with a passkey (ACC-3): to sign in with nothing else, as the second proof (`challenge.rs`), and to show again
//! who one is. Adding and removing one stands in `factor/passkey.rs`.
//!
//! A ceremony has two halves. A script of our page asks for the first ([`Started`]), which leaves a challenge with us and a
//! cookie with the browser; the page's form brings the authenticator's answer as any other form brings a code. Whatever
//! the answer is, the ceremony is over with it.
//!
//! A passkey cannot be guessed: it answers with a signature. So a lock after wrong passwords (ACC-4) does not hold it up,
//! as it does not hold up a mailed link, and a wrong answer counts towards none.

use serde_json::{Value, json};
use tower_sessions::Session;

use super::{
    audit, challenge,
    link::{caller_of, forget, limited},
    session::{self, Proof},
};
use crate::{
    model::{
        audit::{Action, Outcome},
        field::Bad,
        id::UserId,
    },
    server::{
        http::{AppError, Cx},
        kit::entropy::{Token, token_hash},
        mail::{self, Mail},
        store::lobby::{self, Ceremony, CeremonyKind, KnownPasskey, NewCeremony},
        vault::passkey::{Answer, PasskeyError, Question, RelyingParty},
    },
};

/// The cookie that holds a ceremony's token.
pub const COOKIE: &str = "__Host-passkey";
/// How long an answer is waited for: as long as authenticators are told that they may take.
pub const SECONDS: i64 = 300;

/// The first half of a ceremony, for the browser.
pub struct Started {
    /// For `navigator.credentials`.
    pub options: Value,
    /// The whole `Set-Cookie` value.
    pub cookie: String,
}

impl From<PasskeyError> for AppError {
    fn from(error: PasskeyError) -> Self {
        match error {
            PasskeyError::Unreadable(_) => Self::Internal(Box::new(error)),
            PasskeyError::Refused(_) | PasskeyError::Foreign | PasskeyError::WentBack => refused(),
        }
    }
}

/// The one answer to everything that is no good passkey. It is about no field that one could look at.
#[must_use]
pub fn refused() -> AppError {
    AppError::field("", Bad::Passkey)
}

/// # Errors
/// Missing where there are no passkeys, because the product is reached by an IP address.
pub(super) fn relying_party(cx: &Cx) -> Result<&RelyingParty, AppError> {
    cx.app.passkeys().ok_or(AppError::Missing)
}

/// Keeps a question until its answer comes.
///
/// # Errors
/// The database cannot be reached.
pub(super) async fn begin(
    cx: &Cx,
    kind: CeremonyKind,
    user: Option<UserId>,
    question: Question,
) -> Result<Started, AppError> {
    let (token, now) = (Token::draw(cx.app.entropy()), cx.visitor.now);
    let ceremony =
        NewCeremony { token_hash: &token.hash(), kind, user, state: &question.state, now, expires: now.plus(SECONDS) };
    lobby::passkey_ceremony_begin(cx.app.db(), ceremony).await?;
    let cookie = format!("{COOKIE}={}; Path=/; Max-Age={SECONDS}; HttpOnly; Secure; SameSite=Lax", token.reveal());
    Ok(Started { options: question.options, cookie })
}

/// The ceremony that this browser began, which is over with this.
///
/// # Errors
/// Invalid when there is none of this kind (any more).
pub(super) async fn take(cx: &Cx, kind: CeremonyKind) -> Result<Ceremony, AppError> {
    let token = cx.visitor.passkey.as_deref().ok_or_else(refused)?;
    let ceremony = lobby::passkey_ceremony_take(cx.app.db(), &token_hash(token), kind, cx.visitor.now).await?;
    forget(COOKIE)?;
    ceremony.ok_or_else(refused)
}

/// Asks for any passkey of this installation.
///
/// # Errors
/// Missing where there are none; limited per address of the network.
pub async fn start_sign_in(cx: &Cx) -> Result<Started, AppError> {
    limited(cx)?;
    let question = relying_party(cx)?.ask_any()?;
    begin(cx, CeremonyKind::SignIn, None, question).await
}

/// Asks for a passkey as the second proof of the sign-in that waits in this browser.
///
/// # Errors
/// Missing when none waits (any more), or its person has no passkey; limited per address of the network.
pub async fn start_answer(cx: &Cx) -> Result<Started, AppError> {
    limited(cx)?;
    let (challenge, _) = challenge::current(cx).await?;
    start_for(cx, CeremonyKind::Answer, challenge.user).await
}

/// Asks for a passkey of the signed-in person, to show again who they are.
///
/// # Errors
/// Missing when they have none.
pub async fn start_confirm(cx: &Cx) -> Result<Started, AppError> {
    start_for(cx, CeremonyKind::Confirm, cx.signed_in()?.user).await
}

async fn start_for(cx: &Cx, kind: CeremonyKind, user: UserId) -> Result<Started, AppError> {
    let stored = lobby::passkeys_of(cx.app.db(), user).await?;
    if stored.is_empty() {
        return Err(AppError::Missing);
    }
    let stored: Vec<Value> = stored.into_iter().map(|passkey| passkey.credential).collect();
    let question = relying_party(cx)?.ask_one_of(&stored)?;
    begin(cx, kind, Some(user), question).await
}

/// Whether an answer was good, and whose passkey gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good(UserId),
    /// Of a passkey that is known, where it is one.
    Bad(Option<UserId>),
}

/// Looks at the answer to this browser's ceremony, and stores what its use leaves. `owner` is whose it must be; without
/// one, the authenticator must say whose it is.
///
/// # Errors
/// Invalid when there is no ceremony (any more); the database cannot be reached.
pub(super) async fn verify(
    cx: &Cx,
    kind: CeremonyKind,
    owner: Option<UserId>,
    answer: &str,
) -> Result<Verdict, AppError> {
    let party = relying_party(cx)?;
    let ceremony = take(cx, kind).await?;
    let Ok(answer) = Answer::read(answer) else { return Ok(Verdict::Bad(None)) };
    let Some(stored) = lobby::passkey_by_credential(cx.app.db(), answer.credential_id()).await? else {
        return Ok(Verdict::Bad(None));
    };
    let is_asked = ceremony.user == owner && owner.is_none_or(|owner| owner == stored.user);
    if !is_asked || !answer.is_of(stored.user, owner.is_some()) {
        return Ok(Verdict::Bad(None));
    }
    match party.check(&answer, ceremony.state, &stored.credential) {
        Ok(new) => {
            let now = cx.visitor.now;
            let is_first = lobby::passkey_used(cx.app.db(), stored.id, &stored.credential, &new, now).await?;
            Ok(if is_first { Verdict::Good(stored.user) } else { Verdict::Bad(Some(stored.user)) })
        }
        Err(PasskeyError::WentBack) => {
            tell_of_copy(cx, &stored).await?;
            Ok(Verdict::Bad(Some(stored.user)))
        }
        Err(error @ PasskeyError::Unreadable(_)) => Err(error.into()),
        Err(PasskeyError::Refused(_) | PasskeyError::Foreign) => Ok(Verdict::Bad(Some(stored.user))),
    }
}

/// To the log of each business of theirs, and to their mailbox: somebody else may hold what answered.
async fn tell_of_copy(cx: &Cx, passkey: &KnownPasskey) -> Result<(), AppError> {
    for m in lobby::memberships_of(cx.app.db(), passkey.user).await? {
        let caller = caller_of(cx, passkey.user, &m);
        audit::audited(&cx.app, &caller, Action::FactorSuspect, async |act| {
            act.on("member", m.member.0);
            act.after(json!({ "passkey": passkey.id.to_string() }));
            Ok(())
        })
        .await?;
    }
    mail::enqueue(&cx.app, &Mail::passkey_suspect(&cx.app, &passkey.email)).await
}

/// Signs in with a passkey and nothing else: it is held, and it has asked for a finger, a face or a PIN. Says where to go
/// on.
///
/// # Errors
/// Invalid, in the same words whatever was wrong; limited per address of the network.
pub async fn sign_in(cx: &Cx, session: &Session, answer: &str, next: &str) -> Result<String, AppError> {
    limited(cx)?;
    match verify(cx, CeremonyKind::SignIn, None, answer).await? {
        Verdict::Good(user) => match session::admit(cx, session, user, Proof::Passkey, next).await {
            // Somebody without a business is told no more than a stranger.
            Err(AppError::Missing) => Err(refused()),
            other => other,
        },
        Verdict::Bad(whose) => {
            if let Some(user) = whose {
                session::note_refused(cx, user).await?;
            }
            Err(refused())
        }
    }
}

/// Shows again who the signed-in person is (ACC-8).
///
/// # Errors
/// Invalid when it is no passkey of theirs; limited per address of the network.
pub async fn confirm(cx: &Cx, session: &Session, answer: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    limited(cx)?;
    match verify(cx, CeremonyKind::Confirm, Some(person.user), answer).await? {
        Verdict::Good(_) => session::prove(cx, session, Proof::Passkey).await,
        Verdict::Bad(_) => {
            audit::note(&cx.app, &person.caller, Action::SessionProved, None, Outcome::Refused, None).await?;
            Err(refused())
        }
    }
}
