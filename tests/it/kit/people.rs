//! Businesses with somebody in every role.

use ringfort::{
    model::{
        id::{BusinessId, MemberId, UserId},
        permission::Role,
        profile::Profile,
    },
    server::{
        boot::router::SESSION_COOKIE,
        store::session::{ABSOLUTE_SECONDS, BUSINESS, ENDS, MEANS, PROVED, USER, hash},
        vault::Secret,
    },
};
use serde_json::json;
use tower_sessions::session::Id;

use super::{Browser, TestApp};

/// A business, with its people.
#[derive(Clone)]
pub struct Business {
    pub id: BusinessId,
    pub members: Vec<Member>,
}

/// A person in a business.
#[derive(Clone)]
pub struct Member {
    pub business: BusinessId,
    pub id: MemberId,
    pub user: UserId,
    pub role: Role,
    pub email: String,
}

impl Business {
    pub fn member(&self, role: Role) -> &Member {
        self.members.iter().find(|m| m.role == role).expect("somebody in every role")
    }
}

impl TestApp {
    /// A new business with one person per role. `tag` is part of its name and of its people's addresses.
    pub async fn business(&self, tag: &str, profile: Profile) -> Business {
        let id: BusinessId = self.app.draw();
        sqlx::query(
            "insert into businesses (business_id, name, profile, zone, created_at)
             values ($1, $2, $3, 'America/New_York', $4)",
        )
        .bind(id)
        .bind(format!("Business {tag}"))
        .bind(profile.code())
        .bind(self.now())
        .execute(&self.owner)
        .await
        .expect("a business");
        let key = self.app.vault().new_data_key(id).expect("a data key");
        sqlx::query(
            "insert into data_keys (business_id, id, wrapped, master_key, created_at) values ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(key.id)
        .bind(key.wrapped)
        .bind(key.master_key)
        .bind(self.now())
        .execute(&self.owner)
        .await
        .expect("a data key");
        let mut business = Business { id, members: Vec::new() };
        for role in Role::ALL {
            let email = format!("{}@{tag}.example", role.code());
            business.members.push(self.join(id, role, &email).await);
        }
        business
    }

    /// A new person in a business. They have no password until [`Self::give_password`].
    pub async fn join(&self, business: BusinessId, role: Role, email: &str) -> Member {
        let (user, id): (UserId, MemberId) = (self.app.draw(), self.app.draw());
        sqlx::query("insert into lobby.users (id, email, password_hash, created_at) values ($1, $2, '$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlz$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', $3)")
            .bind(user)
            .bind(email)
            .bind(self.now())
            .execute(&self.owner)
            .await
            .expect("a user");
        sqlx::query(
            "insert into members (business_id, id, user_id, email, name, role, joined_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(business)
        .bind(id)
        .bind(user)
        .bind(email)
        .bind(format!("The {}", role.label()))
        .bind(role.code())
        .bind(self.now())
        .execute(&self.owner)
        .await
        .expect("a member");
        Member { business, id, user, role, email: email.to_owned() }
    }

    pub async fn give_password(&self, member: &Member, password: &str) {
        let hash = self.app.passwords().hash(Secret::new(password.to_owned())).await.expect("a hash");
        sqlx::query("update lobby.users set password_hash = $2 where id = $1")
            .bind(member.user)
            .bind(hash)
            .execute(&self.owner)
            .await
            .expect("a password");
    }

    /// A session as signing in leaves it: the cookie.
    pub async fn session(&self, member: &Member) -> String {
        let id = Id::default();
        let now = self.now();
        sqlx::query(
            "insert into lobby.sessions (id_hash, user_id, business_id, created_at, last_seen_at, expires_at, data)
             values ($1, $2, $3, $4, $4, $5, $6)",
        )
        .bind(hash(id))
        .bind(member.user)
        .bind(member.business)
        .bind(now)
        .bind(now.plus(ABSOLUTE_SECONDS))
        .bind(json!({
            USER: member.user,
            BUSINESS: member.business,
            PROVED: now.as_second(),
            MEANS: "password",
            ENDS: now.plus(ABSOLUTE_SECONDS).as_second(),
        }))
        .execute(&self.owner)
        .await
        .expect("a session");
        format!("{SESSION_COOKIE}={id}")
    }

    /// A browser in which this person is signed in.
    pub async fn browser(&self, member: &Member) -> Browser {
        Browser::new(self, Some(self.session(member).await))
    }

    pub fn stranger(&self) -> Browser {
        Browser::new(self, None)
    }
}
