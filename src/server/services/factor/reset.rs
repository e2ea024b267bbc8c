//! Taking all second factors of somebody else away (ACC-3): for who has lost the phone and the recovery codes, and
//! asks whoever manages the team. Their password alone signs them in again, so whoever does this must know whom they speak to;
//! the mailbox learns of it in any case.
//!
//! Nobody does it to who holds more than they do, or to themselves. A person's account is theirs in every business: who
//! belongs to several is out of reach of each of them.

use serde_json::{Value, json};

use crate::{
    model::{audit::Action, field::Bad, id::MemberId, session::EndCause},
    server::{
        http::{AppError, Cx},
        mail::{self, Mail},
        services::{audit, device},
        store::{self, lobby::FactorsReset},
    },
};

/// What is typed to confirm it.
pub const RESET_WORD: &str = "reset";

/// Takes all second factors and recovery codes of a member away, ends their sessions and signs their programs out, and
/// tells them by mail.
///
/// # Errors
/// Refused for oneself and for somebody who holds more; invalid without the typed word; conflict when there is no
/// factor, or they belong to another business too; missing when it is nobody of this business.
pub async fn reset(cx: &Cx, id: MemberId, word: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let ended = audit::audited(&cx.app, &person.caller, Action::FactorReset, async |act| {
        act.on("member", id.0);
        let member = store::member::get(&mut act.tx, id).await?;
        if member.id == person.member || !person.grants.covers(member.role.grants) {
            return Err(AppError::Refused);
        }
        if word.trim() != RESET_WORD {
            return Err(AppError::field("reset", Bad::Confirm(RESET_WORD.to_owned())));
        }
        let taken = store::lobby::factors_reset(&mut act.tx, id).await?.ok_or(AppError::Conflict)?;
        if taken.kinds.is_empty() {
            return Err(AppError::Conflict);
        }
        let ended = store::lobby::sessions_end_member(&mut act.tx, id, EndCause::Factor).await?;
        act.after(counts(&taken, ended.len()));
        mail::enqueue_in(&cx.app, &mut act.tx, &Mail::factors_reset(&cx.app, &member.email)).await?;
        Ok(ended)
    })
    .await?;
    // Only now: a stream that is cut before the commit would come back.
    device::end_streams(&cx.app, &ended);
    Ok(())
}

/// As audit entries say it.
fn counts(taken: &FactorsReset, sessions: usize) -> Value {
    let kinds: Vec<&str> = taken.kinds.iter().map(|kind| kind.code()).collect();
    json!({ "kinds": kinds.join(", "), "programs_signed_out": taken.programs, "sessions_ended": sessions })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::factor::Factor;

    #[test]
    fn an_entry_names_kinds_and_counts_only() {
        let taken = FactorsReset { kinds: vec![Factor::Totp, Factor::Email], programs: 1 };
        let wanted = json!({ "kinds": "totp, email", "programs_signed_out": 1, "sessions_ended": 2 });
        assert_eq!(counts(&taken, 2), wanted);
    }
}
