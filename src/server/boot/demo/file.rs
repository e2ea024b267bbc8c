//! `demo.json`: with it black-box programs drive the product, so its keys are a stable contract (architecture.md,
//! «The command line and the demo»). The one place where secrets are written down in clear: they open a demo on this
//! machine and nothing else.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::model::{permission::Role, profile::Profile};

/// The whole file.
#[derive(Serialize, Deserialize)]
pub struct Demo {
    #[serde(flatten)]
    pub addresses: Addresses,
    pub businesses: Vec<Business>,
}

/// Where the installation is. May differ at the next start, unlike the rest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    pub base_url: String,
    pub metrics_url: String,
    /// As the application's role.
    pub database_url: String,
    pub owner_database_url: String,
    pub mail_dir: PathBuf,
}

/// One of the four.
#[derive(Serialize, Deserialize)]
pub struct Business {
    /// Bare, as the database has it.
    pub id: Uuid,
    pub name: String,
    pub profile: Profile,
    pub users: Vec<User>,
    pub connections: Vec<Connection>,
    pub extensions: Vec<Extension>,
    pub api_clients: Vec<ApiClient>,
}

/// Somebody who can sign in.
#[derive(Serialize, Deserialize)]
pub struct User {
    pub email: String,
    pub password: String,
    pub role: Role,
    pub name: String,
    pub totp_secret: Option<String>,
}

/// A provider or an agency system.
#[derive(Serialize, Deserialize)]
pub struct Connection {
    pub provider: String,
    /// Where a new call is announced. None for a system that we ask and that never calls us.
    pub webhook_url: Option<String>,
    pub status_url: Option<String>,
    pub dial_url: Option<String>,
    pub secret: String,
    pub account: String,
    pub number: Option<String>,
}

/// A desk.
#[derive(Serialize, Deserialize)]
pub struct Extension {
    pub extension: String,
    pub user_email: String,
    pub target: String,
    /// A number that rings this desk alone.
    pub number: Option<String>,
}

/// A program with a key of its own.
#[derive(Serialize, Deserialize)]
pub struct ApiClient {
    pub name: String,
    pub key: String,
}

/// Where the file is.
#[must_use]
pub fn place(data_dir: &Path) -> PathBuf {
    data_dir.join("demo.json")
}

/// What was drawn for a demo that is not filled yet.
#[must_use]
pub fn draft_place(data_dir: &Path) -> PathBuf {
    data_dir.join("demo.draft.json")
}

/// Reads a file of this kind; none when there is none.
///
/// # Errors
/// It cannot be read, or is something else.
pub fn read(path: &Path) -> anyhow::Result<Option<Demo>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    serde_json::from_str(&text).map(Some).with_context(|| format!("{} is not a demo's file", path.display()))
}

/// Writes it whole or not at all, readable by its owner only.
///
/// # Errors
/// The folder cannot be written.
pub fn write(path: &Path, demo: &Demo) -> anyhow::Result<()> {
    let text = Zeroizing::new(serde_json::to_string_pretty(demo)?);
    let folder = path.parent().context("the demo's file needs a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let fresh = path.with_extension("new");
    // What an interrupted start left may have any mode; a new file has ours.
    if let Err(error) = fs::remove_file(&fresh)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error).with_context(|| format!("removing {}", fresh.display()));
    }
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .with_context(|| format!("writing {}", fresh.display()))?;
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.sync_all()?;
    fs::rename(&fresh, path).with_context(|| format!("writing {}", path.display()))?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

impl Demo {
    /// Takes the addresses of this start, in every place that holds one; true when they are others than before.
    pub fn move_to(&mut self, now: Addresses) -> bool {
        if self.addresses == now {
            return false;
        }
        let before = std::mem::replace(&mut self.addresses, now);
        for connection in self.businesses.iter_mut().flat_map(|b| &mut b.connections) {
            for url in [&mut connection.webhook_url, &mut connection.status_url, &mut connection.dial_url] {
                let rest = url.as_deref().and_then(|url| url.strip_prefix(before.base_url.as_str()));
                if let Some(moved) = rest.map(|rest| format!("{}{rest}", self.addresses.base_url)) {
                    *url = Some(moved);
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn demo(base_url: &str) -> Demo {
        let connection = Connection {
            provider: "twilio".into(),
            webhook_url: Some(format!("{base_url}/webhooks/twilio/t/voice")),
            status_url: None,
            dial_url: None,
            secret: "s".into(),
            account: "AC".into(),
            number: None,
        };
        let business = Business {
            id: Uuid::from_u128(1),
            name: "Brightwater Plumbing".into(),
            profile: Profile::FieldService,
            users: vec![User {
                email: "owner@brightwater.example".into(),
                password: "p".into(),
                role: Role::Owner,
                name: "Ada".into(),
                totp_secret: None,
            }],
            connections: vec![connection],
            extensions: Vec::new(),
            api_clients: Vec::new(),
        };
        Demo { addresses: addresses(base_url), businesses: vec![business] }
    }

    fn addresses(base_url: &str) -> Addresses {
        Addresses {
            base_url: base_url.into(),
            metrics_url: "http://127.0.0.1:3001/metrics".into(),
            database_url: "postgres://a".into(),
            owner_database_url: "postgres://o".into(),
            mail_dir: "var/mail".into(),
        }
    }

    #[test]
    fn the_keys_are_the_contract() {
        let json = serde_json::to_value(demo("http://127.0.0.1:3000")).expect("JSON");
        for key in ["base_url", "metrics_url", "database_url", "owner_database_url", "mail_dir", "businesses"] {
            assert!(json.get(key).is_some(), "{key}");
        }
        let business = &json["businesses"][0];
        assert_eq!(business["id"], "00000000-0000-0000-0000-000000000001");
        assert_eq!(business["profile"], "field_service");
        assert_eq!(business["users"][0]["role"], "owner");
        assert!(business["users"][0]["totp_secret"].is_null());
    }

    #[test]
    fn what_is_written_is_read_private_and_moves_along() {
        let folder = std::env::temp_dir().join(format!("ringfort-demo-{}", std::process::id()));
        let path = place(&folder);
        assert!(read(&path).expect("no file is no fault").is_none());
        write(&path, &demo("http://127.0.0.1:3000")).expect("writes");
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
        let mut read = read(&path).expect("reads").expect("is there");
        assert!(!read.move_to(addresses("http://127.0.0.1:3000")));
        assert!(read.move_to(addresses("https://demo.example.com")));
        let url = read.businesses[0].connections[0].webhook_url.as_deref();
        assert_eq!(url, Some("https://demo.example.com/webhooks/twilio/t/voice"));
        fs::remove_dir_all(&folder).expect("cleans up");
    }
}
