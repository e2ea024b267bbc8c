//! Browsers that an account has signed in with (ACC-4; security.md, rule 17): a cookie that says so and that nobody can
//! make up. It admits nobody; it decides which failures count against whom (`services::lockout`).
//!
//! Its value is `<id>.<mac>`, one per account, the newest first, joined by `_`. The MAC covers account and id: a value
//! is worth nothing for another account, and does not tell whose it is.

use std::iter;

use uuid::Uuid;

use super::layers::DEVICE_COOKIE;
use crate::{
    model::id::{DeviceId, UserId},
    server::vault::{Purpose, Vault},
};

/// A year: who comes back after longer is a stranger until they have signed in.
const SECONDS: i64 = 365 * 24 * 3600;
/// How many accounts a browser is known to. One more, and the oldest is forgotten.
const MOST: usize = 5;

/// What a browser says of one account. Whether it is true, [`Claim::is_of`] tells.
struct Claim {
    id: DeviceId,
    mac: [u8; 32],
}

impl Claim {
    fn read(text: &str) -> Option<Self> {
        let (id, presented) = text.split_once('.')?;
        let id = Uuid::try_parse(id).ok().filter(|_| id.len() == 32)?;
        let mut mac = [0; 32];
        hex::decode_to_slice(presented, &mut mac).ok()?;
        Some(Self { id: DeviceId(id), mac })
    }

    fn text(&self) -> String {
        format!("{}.{}", self.id.0.simple(), hex::encode(self.mac))
    }

    fn is_of(&self, vault: &Vault, user: UserId) -> bool {
        vault.is_mac_own(Purpose::Device, &[user.0.as_bytes(), self.id.0.as_bytes()], &self.mac)
    }
}

fn claims(cookie: Option<&str>) -> impl Iterator<Item = Claim> {
    cookie.unwrap_or_default().split('_').take(MOST).filter_map(Claim::read)
}

/// As whom `user`'s account knows this browser, by the cookie's value as it came; `None` for a stranger's.
#[must_use]
pub fn known(vault: &Vault, user: UserId, cookie: Option<&str>) -> Option<DeviceId> {
    claims(cookie).find(|claim| claim.is_of(vault, user)).map(|claim| claim.id)
}

/// The `Set-Cookie` value that makes this browser known to `user`'s account as `id`, and keeps what it was known to
/// before.
#[must_use]
pub fn remember(vault: &Vault, user: UserId, id: DeviceId, cookie: Option<&str>) -> String {
    let mac = vault.mac_own(Purpose::Device, &[user.0.as_bytes(), id.0.as_bytes()]);
    let others = claims(cookie).filter(|claim| !claim.is_of(vault, user));
    let all = iter::once(Claim { id, mac }).chain(others).take(MOST);
    let value = all.map(|claim| claim.text()).collect::<Vec<_>>().join("_");
    format!("{DEVICE_COOKIE}={value}; Path=/; Max-Age={SECONDS}; HttpOnly; Secure; SameSite=Lax")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_claim_is_left_out() {
        let good = format!("{}.{}", "7".repeat(32), "a".repeat(64));
        assert_eq!(claims(Some(good.as_str())).map(|claim| claim.text()).collect::<Vec<_>>(), [good.as_str()]);
        let bad = [
            String::new(),
            ".".to_owned(),
            "7".repeat(32),
            format!("{}.{}", "7".repeat(32), "a".repeat(62)),
            format!("{}.{}", "7".repeat(32), "z".repeat(64)),
            format!("{}.{}", "7".repeat(31), "a".repeat(64)),
            format!("00000000-0000-0000-0000-000000000000.{}", "a".repeat(64)),
        ];
        for text in &bad {
            assert_eq!(claims(Some(text.as_str())).count(), 0, "{text}");
        }
        assert_eq!(claims(None).count(), 0);
        let many = [good.as_str(); 9].join("_");
        assert_eq!(claims(Some(many.as_str())).count(), MOST, "nobody makes us check more");
    }
}
