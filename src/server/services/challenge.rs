//! Between the first proof and the second (ACC-3): a challenge, bound to the browser by a cookie, good for ten minutes and
//! five answers.

use tower_sessions::Session;

use super::{
    factor,
    lockout::{self, Standing},
    passkey::{self, Verdict},
    session::{self, Proof},
};
use crate::{
    model::{field::Bad, id::UserId},
    server::{
        http::{
            AppError, Cx,
            action::{local, set_cookie},
        },
        kit::entropy::{Token, token_hash},
        store::lobby::{self, CeremonyKind, Challenge, Factors, NewChallenge},
    },
};

/// The cookie that holds a challenge's token.
pub const COOKIE: &str = "__Host-challenge";
/// How long the second proof is waited for.
const SECONDS: i64 = 600;
/// How many answers a challenge takes.
const TRIES: i32 = 5;

/// Asks this browser for the second proof.
///
/// # Errors
/// The database cannot be reached.
pub async fn begin(cx: &Cx, user: UserId, proof: Proof, next: &str) -> Result<(), AppError> {
    let token = Token::draw(cx.app.entropy());
    let now = cx.visitor.now;
    let challenge = NewChallenge {
        id: cx.app.draw(),
        token_hash: &token.hash(),
        user,
        proof: proof.code(),
        next,
        now,
        expires: now.plus(SECONDS),
    };
    lobby::challenge_begin(cx.app.db(), challenge).await?;
    set_cookie(&format!("{COOKIE}={}; Path=/; Max-Age={SECONDS}; HttpOnly; Secure; SameSite=Lax", token.reveal()))
}

/// The challenge of this browser, and what could answer it.
///
/// # Errors
/// Missing when there is none (any more).
pub async fn current(cx: &Cx) -> Result<(Challenge, Factors), AppError> {
    let challenge = lobby::challenge_peek(cx.app.db(), &hash(cx)?, cx.visitor.now).await?.ok_or(AppError::Missing)?;
    let mut factors = lobby::factors_of(cx.app.db(), challenge.user).await?;
    factors.email_codes &= !by_mailbox(&challenge);
    Ok((challenge, factors))
}

/// Answers with a code: of the authenticator app, a recovery code, or one that was mailed or texted. Says where to go on.
///
/// # Errors
/// Invalid when it is wrong; missing when the challenge is over; limited per address of the network.
pub async fn answer(cx: &Cx, session: &Session, code: &str) -> Result<String, AppError> {
    if !cx.app.limits().may_try_sign_in(cx.visitor.address) {
        return Err(AppError::Limited { retry_after: 60 });
    }
    let (challenge, _) = current(cx).await?;
    let (token, now) = (hash(cx)?, cx.visitor.now);
    if !lobby::challenge_try(cx.app.db(), &token, now, TRIES).await? {
        // Five wrong answers: back to the first proof.
        lobby::challenge_finish(cx.app.db(), &token).await?;
        return Err(AppError::Missing);
    }
    // A lock holds for sign-ins that wait already. Whoever came by a mailed link is let through it, as promised (ACC-4):
    // links are few an hour. Whoever came from a provider is not: they could guess codes without an end.
    let by_link = challenge.proof == Proof::Link.code();
    if !by_link && lockout::standing(cx, challenge.user).await? != Standing::Open {
        session::note_refused(cx, challenge.user).await?;
        return Err(AppError::field("code", Bad::Code));
    }
    let proof = match factor::check_code(&cx.app, challenge.user, code, now).await? {
        Some(proof) => Some(proof),
        None => check_sent(cx, &challenge, code).await?,
    };
    let Some(proof) = proof else {
        lockout::failed(cx, challenge.user).await?;
        session::note_refused(cx, challenge.user).await?;
        return Err(AppError::field("code", Bad::Code));
    };
    finish(cx, session, &challenge, &token, proof).await
}

/// By what a code was sent for this challenge; `None` when it was not.
async fn check_sent(cx: &Cx, challenge: &Challenge, code: &str) -> Result<Option<Proof>, AppError> {
    let (app, now) = (&cx.app, cx.visitor.now);
    if factor::check_text_code(app, challenge.id, challenge.user, code, now).await? {
        return Ok(Some(Proof::TextCode));
    }
    // The mailbox has spoken once: it is no second factor to itself.
    if by_mailbox(challenge) {
        return Ok(None);
    }
    let is_mailed = factor::check_email_code(app, challenge.id, challenge.user, code, now).await?;
    Ok(is_mailed.then_some(Proof::EmailCode))
}

/// Answers with a passkey, which no lock holds up: it cannot be guessed. Says where to go on.
///
/// # Errors
/// Invalid when it is no passkey of this person; missing when the challenge is over; limited per address of the network.
pub async fn answer_by_passkey(cx: &Cx, session: &Session, answer: &str) -> Result<String, AppError> {
    if !cx.app.limits().may_try_sign_in(cx.visitor.address) {
        return Err(AppError::Limited { retry_after: 60 });
    }
    let (challenge, _) = current(cx).await?;
    let token = hash(cx)?;
    match passkey::verify(cx, CeremonyKind::Answer, Some(challenge.user), answer).await? {
        Verdict::Good(_) => finish(cx, session, &challenge, &token, Proof::Passkey).await,
        Verdict::Bad(_) => {
            session::note_refused(cx, challenge.user).await?;
            Err(passkey::refused())
        }
    }
}

/// Both proofs were good.
async fn finish(
    cx: &Cx,
    session: &Session,
    challenge: &Challenge,
    token: &[u8],
    proof: Proof,
) -> Result<String, AppError> {
    lobby::challenge_finish(cx.app.db(), token).await?.ok_or(AppError::Missing)?;
    session::enter(cx, session, challenge.user, &format!("{}+{}", challenge.proof, proof.code())).await?;
    set_cookie(&format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"))?;
    Ok(local(&challenge.next).unwrap_or("/home").to_owned())
}

/// Mails a code, to a person who has chosen that.
///
/// # Errors
/// Missing when the challenge is over, or the person has not; limited to one a minute.
pub async fn send_code(cx: &Cx) -> Result<(), AppError> {
    let (challenge, factors) = current(cx).await?;
    if !factors.email_codes {
        return Err(AppError::Missing);
    }
    let email = challenge.email.parse().map_err(|_| AppError::Missing)?;
    factor::send_email_code(&cx.app, challenge.user, &email, challenge.id, cx.visitor.now).await
}

/// Texts a code, to a person who has chosen that. A phone is another channel than the mailbox, so it answers mailed links
/// too. False when nobody can send it now.
///
/// # Errors
/// Missing when the challenge is over, or the person has not; limited to one a minute, and to so many a day.
pub async fn text_code(cx: &Cx) -> Result<bool, AppError> {
    let (challenge, _) = current(cx).await?;
    factor::send_text_code(cx, challenge.user, challenge.id).await
}

/// Whether the first proof was a mailed link, or an account of a provider, which opens its mailbox as a rule: a code by mail
/// would prove the same once more.
fn by_mailbox(challenge: &Challenge) -> bool {
    [Proof::Link.code(), Proof::Google.code()].contains(&challenge.proof.as_str())
}

fn hash(cx: &Cx) -> Result<Vec<u8>, AppError> {
    cx.visitor.challenge.as_deref().map(token_hash).ok_or(AppError::Missing)
}
