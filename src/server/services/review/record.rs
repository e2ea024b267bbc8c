//! The signed record of a closed review (ACC-10): SHA-256 over all decisions as JSON with sorted keys and nothing between them
//! (RFC 8785), authenticated with a key of the vault. Who can write to the database but has no master key cannot make one.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    model::id::{BusinessId, MemberId, ReviewId},
    server::{
        http::AppError,
        store::review::Item,
        vault::{Purpose, Vault},
    },
};

/// What a closed review is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub hash: [u8; 32],
    pub mac: [u8; 32],
}

// The fields stand in the order of their names: that is what makes the JSON canonical.

#[derive(Serialize)]
struct Whole {
    business: BusinessId,
    items: Vec<Line>,
    review: ReviewId,
}

#[derive(Serialize)]
struct Line {
    at: String,
    by: MemberId,
    decision: &'static str,
    member: MemberId,
    new_role: Option<String>,
    role: String,
}

/// All decisions as text, in the order of people's ids. Names are not in it: they may change, the record may not.
///
/// # Errors
/// Never in practice.
pub fn text(business: BusinessId, id: ReviewId, items: &[Item]) -> Result<String, AppError> {
    let mut lines: Vec<Line> = items
        .iter()
        .filter_map(|item| {
            let outcome = item.outcome.as_ref()?;
            Some(Line {
                at: outcome.at.0.to_string(),
                by: outcome.by,
                decision: outcome.decision.code(),
                member: item.member,
                new_role: outcome.new_role.map(|role| role.to_string()),
                role: item.role_then.to_string(),
            })
        })
        .collect();
    lines.sort_by_key(|line| line.member);
    serde_json::to_string(&Whole { business, items: lines, review: id }).map_err(|e| AppError::Internal(Box::new(e)))
}

/// Makes the record.
///
/// # Errors
/// Never in practice.
pub fn of(vault: &Vault, business: BusinessId, id: ReviewId, items: &[Item]) -> Result<Record, AppError> {
    let hash: [u8; 32] = Sha256::digest(text(business, id, items)?.as_bytes()).into();
    let parts: [&[u8]; 3] = [business.0.as_bytes(), id.0.as_bytes(), &hash];
    Ok(Record { hash, mac: vault.mac_own(Purpose::ReviewRecord, &parts) })
}

/// Whether the decisions are the ones that were signed when the review was closed.
///
/// # Errors
/// Never in practice.
pub fn is_genuine(
    vault: &Vault,
    business: BusinessId,
    id: ReviewId,
    items: &[Item],
    (hash, mac): &(Vec<u8>, Vec<u8>),
) -> Result<bool, AppError> {
    let now = of(vault, business, id, items)?;
    let parts: [&[u8]; 3] = [business.0.as_bytes(), id.0.as_bytes(), hash];
    Ok(now.hash.as_slice() == hash.as_slice() && vault.is_mac_own(Purpose::ReviewRecord, &parts, mac))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        model::{
            permission::Role,
            review::Decision,
            role::{HeldRole, RoleRef},
        },
        server::{kit::At, store::review::Outcome},
    };

    #[test]
    fn the_text_does_not_depend_on_names_or_their_order() {
        let at = At("2026-03-09T15:00:00Z".parse().expect("an instant"));
        let item = |id: u128, name: &str, decision| Item {
            member: MemberId(Uuid::from_u128(id)),
            name: name.parse().expect("a name"),
            role_then: RoleRef::BuiltIn(Role::Agent),
            role_then_name: None,
            role_now: HeldRole::built_in(Role::Viewer),
            is_active: true,
            joined_at: at,
            outcome: Some(Outcome {
                decision,
                new_role: None,
                new_role_name: None,
                by: MemberId(Uuid::from_u128(9)),
                by_name: "Ada".into(),
                at,
            }),
        };
        let (business, review) = (BusinessId(Uuid::from_u128(1)), ReviewId(Uuid::from_u128(2)));
        let one = [item(3, "Bo", Decision::Keep), item(4, "Al", Decision::Remove)];
        let other = [item(4, "Zoe", Decision::Remove), item(3, "Bo", Decision::Keep)];
        let written = text(business, review, &one).expect("text");
        assert_eq!(text(business, review, &other).expect("text"), written);
        assert!(written.starts_with(
            r#"{"business":"biz_00000000000000000000000000000001","items":[{"at":"2026-03-09T15:00:00Z","by":"mem_"#
        ));
        let changed = [item(3, "Bo", Decision::Remove), item(4, "Al", Decision::Remove)];
        assert_ne!(text(business, review, &changed).expect("text"), written);
    }
}
