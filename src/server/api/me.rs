//! Who asks: the first thing that a program wants to know of its token.

use axum::Json;
use serde::Serialize;

use crate::{
    model::{
        id::{BusinessId, MemberId, UserId},
        permission::{Grants, Role},
        profile::Profile,
    },
    server::{
        caller::SignedIn,
        http::{AppError, Cx},
    },
};

/// The person behind a token, in the one business that it opens.
#[derive(Debug, Serialize)]
pub struct Me {
    user: User,
    member: Member,
    business: Business,
    /// The built-in role, or the one that theirs was copied from.
    role: Role,
    /// What the business calls a role of its own.
    custom_role: Option<String>,
    permissions: Vec<Held>,
}

#[derive(Debug, Serialize)]
struct User {
    id: UserId,
    email: String,
}

#[derive(Debug, Serialize)]
struct Member {
    id: MemberId,
    name: String,
}

#[derive(Debug, Serialize)]
struct Business {
    id: BusinessId,
    name: String,
    profile: Profile,
    zone: String,
}

/// What somebody may do, and how far it reaches. What is not listed is denied.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Held {
    code: &'static str,
    reach: &'static str,
}

/// `GET /api/v1/me`
///
/// # Errors
/// Nobody is signed in.
pub async fn me(cx: Cx) -> Result<Json<Me>, AppError> {
    Ok(Json(Me::of(cx.signed_in()?)))
}

impl Me {
    fn of(person: &SignedIn) -> Self {
        Self {
            user: User { id: person.user, email: person.email.reveal().to_owned() },
            member: Member { id: person.member, name: person.name.reveal().to_owned() },
            business: Business {
                id: person.caller.business,
                name: person.business_name.clone(),
                profile: person.profile,
                zone: person.zone.clone(),
            },
            role: person.base(),
            custom_role: person.held.role.custom().map(|_| person.held.label().to_owned()),
            permissions: held(person.grants),
        }
    }
}

fn held(grants: Grants) -> Vec<Held> {
    grants.held().map(|(row, reach)| Held { code: row.code, reach: reach.code() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::permission::TABLE;

    #[test]
    fn what_is_denied_is_not_listed() {
        assert_eq!(
            held(Role::Viewer.grants()),
            [Held { code: "leaderboard", reach: "all" }, Held { code: "analytics", reach: "all" }]
        );
        assert!(held(Role::Agent.grants()).contains(&Held { code: "recordings.play", reach: "own" }));
        // All but to send one's own position: owners drive nowhere.
        assert_eq!(held(Role::Owner.grants()).len(), TABLE.len() - 1);
    }
}
