//! Adding and removing passkeys (ACC-3). One makes a second factor of itself, and signs in with nothing else as well.

use serde_json::{Value, json};

use super::{changed, dates, hashes};
use crate::{
    model::{
        audit::Action,
        factor::Factor,
        field::{Bad, Fields, text},
        id::PasskeyId,
    },
    server::{
        http::{AppError, Cx},
        mail::{self, Mail},
        services::{
            audit,
            passkey::{self, Started},
        },
        store::lobby::{self, CeremonyKind, NewPasskey, Passkey},
        vault::{Secret, codes, passkey::Holder},
    },
};

/// How many passkeys a person may have: one per device of theirs, and some on sticks.
pub const MOST: u32 = 20;
/// How long a passkey's name may be.
pub const NAME_LETTERS: u32 = 60;
/// What is typed to remove one.
const WORD: &str = "remove";

/// The passkeys of the signed-in person, the oldest first.
///
/// # Errors
/// Nobody is signed in; the database cannot be reached.
pub async fn list(cx: &Cx) -> Result<Vec<Passkey>, AppError> {
    Ok(lobby::passkeys_of(cx.app.db(), cx.signed_in()?.user).await?)
}

/// Asks this browser for a new passkey. Nothing counts before [`add`].
///
/// # Errors
/// Missing where the product is reached by an IP address.
pub async fn start(cx: &Cx) -> Result<Started, AppError> {
    let person = cx.signed_in()?;
    let stored: Vec<Value> = list(cx).await?.into_iter().map(|passkey| passkey.credential).collect();
    let holder = Holder { user: person.user, email: person.email.reveal(), name: person.name.reveal() };
    let question = passkey::relying_party(cx)?.ask_new(&holder, &stored)?;
    passkey::begin(cx, CeremonyKind::Register, Some(person.user), question).await
}

/// The authenticator has made one: from now on it signs in. Gives recovery codes, to be shown once, if the person had
/// none.
///
/// # Errors
/// Invalid without a name, when the answer is not good, when it is registered already, or when there are [`MOST`].
pub async fn add(cx: &Cx, name: &str, answer: &str) -> Result<Vec<Secret>, AppError> {
    let person = cx.signed_in()?;
    let party = passkey::relying_party(cx)?;
    let mut fields = Fields::default();
    let Some(name) = fields.take("name", text(name, NAME_LETTERS)) else { return Err(fields.into()) };
    let ceremony = passkey::take(cx, CeremonyKind::Register).await?;
    if ceremony.user != Some(person.user) {
        return Err(passkey::refused());
    }
    let made = party.made(answer, ceremony.state)?;
    let has_codes = dates(cx).await?.recovery_left > 0;
    let drawn = if has_codes { Vec::new() } else { codes::draw_recovery(cx.app.entropy()) };
    let hashes = hashes(&drawn);
    let new = NewPasskey {
        id: cx.app.draw(),
        user: person.user,
        credential_id: &made.credential_id,
        credential: &made.credential,
        name: &name,
        most: i32::try_from(MOST).unwrap_or(i32::MAX),
    };
    let change = json!({
        "kind": Factor::Passkey.code(), "passkey": new.id.to_string(), "recovery_codes": drawn.len(),
    });
    audit::audited(&cx.app, &person.caller, Action::FactorAdded, async |act| {
        act.on("member", person.member.0);
        act.after(change.clone());
        if !lobby::passkey_add(&mut act.tx, &new).await? {
            return Err(AppError::field("name", Bad::Most(MOST)));
        }
        if !hashes.is_empty() {
            lobby::recovery_draw(&mut act.tx, person.user, &hashes).await?;
        }
        let mail = Mail::factor_added(&cx.app, &person.email, Factor::Passkey);
        mail::enqueue_in(&cx.app, &mut act.tx, &mail).await
    })
    .await?;
    changed(cx, person, Action::FactorAdded, &change).await?;
    Ok(drawn)
}

/// Takes a passkey away: it signs in no more. With the last factor the recovery codes go too.
///
/// # Errors
/// Invalid without the typed word; missing when it is not this person's.
pub async fn remove(cx: &Cx, id: PasskeyId, word: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let is_confirmed = word.trim() == WORD;
    let change = json!({ "kind": Factor::Passkey.code(), "passkey": id.to_string() });
    audit::audited(&cx.app, &person.caller, Action::FactorRemoved, async |act| {
        act.on("member", person.member.0);
        act.after(change.clone());
        if !is_confirmed {
            return Err(AppError::field("word", Bad::Confirm(WORD.to_owned())));
        }
        if !lobby::passkey_remove(&mut act.tx, person.user, id).await? {
            return Err(AppError::Missing);
        }
        let mail = Mail::factor_removed(&cx.app, &person.email, Factor::Passkey);
        mail::enqueue_in(&cx.app, &mut act.tx, &mail).await
    })
    .await?;
    changed(cx, person, Action::FactorRemoved, &change).await
}
