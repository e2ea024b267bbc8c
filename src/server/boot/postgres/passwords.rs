//! The passwords of the private cluster: drawn once, kept beside it, readable by nobody else.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context;
use zeroize::Zeroizing;

use crate::server::{
    kit::{Entropy, entropy::Token},
    vault::Secret,
};

/// One password per role that logs in.
#[derive(Debug, Clone)]
pub struct Passwords {
    pub admin: Secret,
    pub app: Secret,
    pub worker: Secret,
    pub auditor: Secret,
    /// Absent in a file of before there was this role.
    pub operator: Option<Secret>,
}

impl Passwords {
    /// Draws new ones.
    #[must_use]
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let one = || Secret::new(Token::draw(entropy).reveal().to_owned());
        Self { admin: one(), app: one(), worker: one(), auditor: one(), operator: Some(one()) }
    }

    /// Reads the file; none when there is no file yet.
    ///
    /// # Errors
    /// The file cannot be read, or is not ours.
    pub fn read(file: &Path) -> anyhow::Result<Option<Self>> {
        let text = match fs::read_to_string(file) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
        };
        let mut found: BTreeMap<String, String> =
            serde_json::from_str(&text).with_context(|| format!("{} is not a list of passwords", file.display()))?;
        let mut take = |role: &str| {
            found.remove(role).map(Secret::new).with_context(|| format!("{} lacks {role}", file.display()))
        };
        Ok(Some(Self {
            admin: take("ringfort_admin")?,
            app: take("ringfort_app")?,
            worker: take("ringfort_worker")?,
            auditor: take("ringfort_auditor")?,
            operator: take("ringfort_operator").ok(),
        }))
    }

    /// Draws what a file of an older version lacks, and writes it.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn completed(self, entropy: &dyn Entropy, file: &Path) -> anyhow::Result<Self> {
        if self.operator.is_some() {
            return Ok(self);
        }
        let whole = Self { operator: Some(Secret::new(Token::draw(entropy).reveal().to_owned())), ..self };
        whole.write(file)?;
        Ok(whole)
    }

    /// Writes the file whole or not at all: a torn one would lock the owner out of the database.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let mut all = BTreeMap::from([
            ("ringfort_admin", self.admin.expose()),
            ("ringfort_app", self.app.expose()),
            ("ringfort_worker", self.worker.expose()),
            ("ringfort_auditor", self.auditor.expose()),
        ]);
        all.extend(self.operator.iter().map(|operator| ("ringfort_operator", operator.expose())));
        let text = Zeroizing::new(serde_json::to_string(&all)?);
        let fresh = file.with_extension("new");
        let mut out = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .with_context(|| format!("writing {}", fresh.display()))?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&fresh, file).with_context(|| format!("writing {}", file.display()))?;
        if let Some(folder) = file.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::server::kit::entropy::SystemEntropy;

    #[test]
    fn what_is_written_is_read_and_private() {
        let folder = std::env::temp_dir().join(format!("ringfort-passwords-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("passwords.json");
        assert!(Passwords::read(&file).expect("no file is no fault").is_none());
        let drawn = Passwords::draw(&SystemEntropy);
        drawn.write(&file).expect("writes");
        let read = Passwords::read(&file).expect("reads").expect("is there");
        assert_eq!(read.worker.expose(), drawn.worker.expose());
        assert_ne!(read.worker.expose(), read.app.expose());
        assert_eq!(fs::metadata(&file).expect("is there").permissions().mode() & 0o777, 0o600);
        assert!(!format!("{read:?}").contains(read.admin.expose()));
        // A file of before there was an operator's role gets one, and keeps the others.
        Passwords { operator: None, ..drawn.clone() }.write(&file).expect("writes");
        let older = Passwords::read(&file).expect("reads").expect("is there");
        assert!(older.operator.is_none());
        older.completed(&SystemEntropy, &file).expect("completes");
        let whole = Passwords::read(&file).expect("reads").expect("is there");
        assert!(whole.operator.is_some());
        assert_eq!(whole.admin.expose(), drawn.admin.expose());
        fs::write(&file, "{}").expect("writes");
        assert!(Passwords::read(&file).is_err());
        fs::remove_dir_all(&folder).expect("cleans up");
    }
}
