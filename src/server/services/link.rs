//! Signing in by a mailed link (ACC-2; security.md, rule 18). A link signs in the browser that asked for it and no
//! other: opened elsewhere it shows a code to be typed there. So a mail scanner that presses buttons signs nobody in.
//! Known and unknown addresses get the same answer in the same time.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::time::{Instant, sleep_until};
use tower_sessions::Session;

use super::{
    audit,
    session::{self, Proof},
};
use crate::{
    model::{
        audit::{Action, Outcome},
        field::Bad,
        id::UserId,
        personal::Email,
    },
    server::{
        caller::{Actor, Caller},
        http::{
            AppError, Cx,
            action::{local, set_cookie},
            layers::LINK_COOKIE,
        },
        kit::entropy::{Token, token_hash},
        mail::Mail,
        store::lobby::{self, LinkPurpose, Membership, NewLink},
    },
};

/// The cookie by which the browser that asked is known, and with it where to go on.
pub const COOKIE: &str = "__Host-asked";
/// How long a mailed link is good, to sign in and to choose a new password.
pub const SECONDS: i64 = 15 * 60;
/// How many links of a purpose a person gets within an hour, whoever asks for them.
const PER_HOUR: i32 = 10;
/// How many codes a link takes.
const TRIES: i32 = 5;
/// An answer comes no sooner than this. What is done for a known address alone (writing it down) disappears in it.
const ANSWER: Duration = Duration::from_millis(200);
/// The longest path to go on at that the cookie carries.
const LONGEST_NEXT: usize = 1_000;
/// The page that an opened link leads to.
pub const OPEN_PATH: &str = "/sign-in/link/open";
/// The letters of codes: none looks like another (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LETTERS: usize = 8;

/// Mails a link to sign in with to `email`, when it is somebody's, and lets this browser be known by a cookie in any
/// case.
///
/// # Errors
/// Invalid for what is no address; limited per address of the network. Never whether it is known.
pub async fn ask(cx: &Cx, email: &str, next: &str) -> Result<(), AppError> {
    let browser = Token::draw(cx.app.entropy());
    send(cx, email, LinkPurpose::SignIn, Some(&browser)).await?;
    let next = local(next).filter(|next| next.len() <= LONGEST_NEXT).unwrap_or("/home");
    let value = format!("{}.{}", browser.reveal(), URL_SAFE_NO_PAD.encode(next));
    set_cookie(&format!("{COOKIE}={value}; Path=/; Max-Age={SECONDS}; HttpOnly; Secure; SameSite=Lax"))
}

/// Mails a link for a purpose, when the address is somebody's. Neither the answer nor its time says whether it is.
///
/// # Errors
/// As [`ask`].
pub(super) async fn send(cx: &Cx, email: &str, purpose: LinkPurpose, browser: Option<&Token>) -> Result<(), AppError> {
    let answer_at = Instant::now() + ANSWER;
    let result = try_send(cx, email, purpose, browser).await;
    sleep_until(answer_at).await;
    result
}

async fn try_send(cx: &Cx, email: &str, purpose: LinkPurpose, browser: Option<&Token>) -> Result<(), AppError> {
    limited(cx)?;
    let email = email.parse::<Email>().map_err(|bad| AppError::field("email", bad))?;
    let token = Token::draw(cx.app.entropy());
    let (mail, action) = match purpose {
        LinkPurpose::SignIn => (Mail::sign_in_link(&cx.app, &email, &token), Action::SessionLinkAsked),
        LinkPurpose::Reset => (Mail::password_reset(&cx.app, &email, &token), Action::PasswordResetAsked),
    };
    // Sealed for every address, and thrown away for an unknown one.
    let (mail, sealed) = mail.sealed(&cx.app)?;
    let (token_hash, browser_hash) = (token.hash(), browser.map(Token::hash));
    let link = NewLink {
        id: cx.app.draw(),
        email: email.reveal(),
        purpose,
        token_hash: &token_hash,
        browser_hash: browser_hash.as_deref(),
        now: cx.visitor.now,
        expires: cx.visitor.now.plus(SECONDS),
        most: PER_HOUR,
        mail,
        sealed: &sealed,
    };
    let user = lobby::link_ask(cx.app.db(), link).await?;
    cx.app.hub().wake_worker();
    let Some(user) = user else { return Ok(()) };
    for membership in lobby::memberships_of(cx.app.db(), user).await? {
        let caller = caller_of(cx, user, &membership);
        audit::note(&cx.app, &caller, action, None, Outcome::Done, None).await?;
    }
    Ok(())
}

/// What an opened link offers in this browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// To sign in here, where it was asked for.
    SignIn,
    /// To show the code for the browser that asked.
    ShowCode,
    /// The code, which was asked to be shown.
    Code(String),
}

/// What the link offers that this browser has opened. Looking consumes nothing.
///
/// # Errors
/// Missing when it is used, superseded, over, or never was.
pub async fn peek(cx: &Cx, token: &str) -> Result<Offer, AppError> {
    let found = lobby::link_peek(cx.app.db(), &token_hash(token), LinkPurpose::SignIn, cx.visitor.now).await?;
    let link = found.ok_or(AppError::Missing)?;
    let is_here = asked(cx).is_some_and(|asked| link.browser_hash.as_ref() == Some(&asked.browser_hash));
    Ok(match (is_here, link.is_shown) {
        (true, _) => Offer::SignIn,
        (false, false) => Offer::ShowCode,
        (false, true) => Offer::Code(grouped(&code_of(token))),
    })
}

/// Somebody presses the link's button. In the browser that asked it signs in, as one factor; in any other it shows a
/// code and consumes nothing. Says where to go on.
///
/// # Errors
/// Missing when the link is used, superseded or over; limited per address of the network.
pub async fn enter(cx: &Cx, session: &Session, token: &str) -> Result<String, AppError> {
    limited(cx)?;
    let (hash, now) = (token_hash(token), cx.visitor.now);
    if let Some(asked) = asked(cx)
        && let Some(user) = lobby::link_use(cx.app.db(), &hash, &asked.browser_hash, now).await?
    {
        forget(LINK_COOKIE)?;
        return admit(cx, session, user, &asked.next).await;
    }
    let shown = lobby::link_show(cx.app.db(), &hash, &token_hash(&code_of(token)), now).await?;
    if shown { Ok(OPEN_PATH.to_owned()) } else { Err(AppError::Missing) }
}

/// Somebody types the code in the browser that asked, which signs in as the link would. Says where to go on.
///
/// # Errors
/// Invalid, with one and the same message in the same time, for a wrong code, after five of them, and where no link was
/// mailed; limited per address of the network.
pub async fn enter_code(cx: &Cx, session: &Session, code: &str) -> Result<String, AppError> {
    let answer_at = Instant::now() + ANSWER;
    let result = try_code(cx, session, code).await;
    if matches!(result, Err(AppError::Invalid(_))) {
        sleep_until(answer_at).await;
    }
    result
}

async fn try_code(cx: &Cx, session: &Session, code: &str) -> Result<String, AppError> {
    limited(cx)?;
    let wrong = || AppError::field("code", Bad::Code);
    let code = typed(code).ok_or_else(wrong)?;
    let asked = asked(cx).ok_or_else(wrong)?;
    let hash = token_hash(&code);
    match lobby::link_code(cx.app.db(), &asked.browser_hash, &hash, cx.visitor.now, TRIES).await? {
        Some((user, true)) => admit(cx, session, user, &asked.next).await,
        Some((user, false)) => {
            session::note_refused(cx, user).await?;
            Err(wrong())
        }
        None => Err(wrong()),
    }
}

async fn admit(cx: &Cx, session: &Session, user: UserId, next: &str) -> Result<String, AppError> {
    forget(COOKIE)?;
    session::admit(cx, session, user, Proof::Link, next).await
}

/// What this browser has from asking.
struct Asked {
    browser_hash: Vec<u8>,
    next: String,
}

fn asked(cx: &Cx) -> Option<Asked> {
    let (token, next) = cx.visitor.asked.as_deref()?.split_once('.')?;
    let next = URL_SAFE_NO_PAD.decode(next).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Some(Asked { browser_hash: token_hash(token), next: next.unwrap_or_default() })
}

/// Takes a cookie away from this browser.
///
/// # Errors
/// Never in practice: the name is ours.
pub(super) fn forget(cookie: &str) -> Result<(), AppError> {
    set_cookie(&format!("{cookie}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"))
}

/// # Errors
/// Limited per address of the network.
pub(super) fn limited(cx: &Cx) -> Result<(), AppError> {
    if cx.app.limits().may_try_sign_in(cx.visitor.address) {
        Ok(())
    } else {
        Err(AppError::Limited { retry_after: 60 })
    }
}

/// The person as a member of one of their businesses, for what is written down there.
pub(super) fn caller_of(cx: &Cx, user: UserId, m: &Membership) -> Caller {
    cx.caller_for()(Actor::named(m.member, user), m.business)
}

/// The code that stands for a link: the same however often it is shown, and known to nobody without the link.
fn code_of(token: &str) -> String {
    let hash = token_hash(&format!("link-code/{token}"));
    hash.iter().take(CODE_LETTERS).map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

/// In two halves, to be read aloud.
fn grouped(code: &str) -> String {
    let (one, two) = code.split_at(CODE_LETTERS / 2);
    format!("{one}-{two}")
}

/// A code as somebody typed it: in any case, with blanks and hyphens, with letters that look like digits.
fn typed(code: &str) -> Option<String> {
    let letter = |c: char| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').map(letter).collect();
    let is_code = code.len() == CODE_LETTERS && code.bytes().all(|byte| LETTERS.contains(&byte));
    is_code.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = code_of("abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE");
        assert_eq!(typed(&grouped(&code)), Some(code.clone()));
        assert_eq!(typed(&format!(" {} ", code.to_lowercase())), Some(code));
        assert_eq!(typed("oOiI-lL12").as_deref(), Some("00111112"));
        for bad in ["", "ABCDEFG", "ABCDEFGHJ", "ABCDEFGU", "ABCD_EFG", "ÄBCDEFGH"] {
            assert_eq!(typed(bad), None, "{bad}");
        }
        assert_ne!(code_of("a"), code_of("b"));
    }
}
