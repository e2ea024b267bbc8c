//! Where the private cluster lies and as whom it runs.
//!
//! `PostgreSQL` refuses to run as root. Started as root, we give its folders to another user, who must then be able to
//! reach them: below a folder closed to that user (`/root`), the cluster moves to `/var/lib/ringfort`.

use std::{
    fs::{self, DirBuilder, Permissions},
    io::ErrorKind,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    },
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};

use super::process;

/// The port names the socket file; nothing listens on it.
pub const PORT: u16 = 54321;
/// `sockaddr_un` holds 108 bytes with the final zero.
const LONGEST_SOCKET: usize = 107;
/// Where a cluster goes that may not lie in the data folder.
const ELSEWHERE: &str = "/var/lib/ringfort";

/// The user that `PostgreSQL` runs as, when that is not ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunAs {
    pub uid: u32,
    pub gid: u32,
}

/// The places of one private cluster. All paths are absolute.
#[derive(Debug, Clone)]
pub struct Layout {
    /// None when we are not root: then it runs as we do.
    pub user: Option<RunAs>,
    /// The cluster's data folder.
    pub data: PathBuf,
    /// Where a new cluster is made before it is complete.
    pub unborn: PathBuf,
    /// The folder of the socket.
    pub run: PathBuf,
    /// What `PostgreSQL` says.
    pub log: PathBuf,
    /// Held by the process that owns the cluster.
    pub lock: PathBuf,
    /// See [`super::Passwords`].
    pub passwords: PathBuf,
}

impl Layout {
    /// Finds or makes the folders under the product's data folder `dir`. Changes nothing the second time.
    ///
    /// # Errors
    /// A folder cannot be made, or somebody else's stands in its place.
    pub async fn prepare(dir: &Path) -> anyhow::Result<Self> {
        let user = if rustix::process::geteuid().is_root() { Some(find_user().await?) } else { None };
        // Others may pass through (the database's user must), but see nothing.
        let passable = if user.is_some() { 0o711 } else { 0o700 };
        make_folder(dir, passable)?;
        let dir = fs::canonicalize(dir).with_context(|| format!("resolving {}", dir.display()))?;
        let ours = dir.join("postgres");
        make_folder(&ours, passable)?;
        fs::set_permissions(&ours, Permissions::from_mode(passable))?;
        make_folder(&dir.join("log"), 0o700)?;
        let root = locate(&ours, user)?;
        let run = socket_folder(&root);
        hand_over(&run, user)?;
        Ok(Self {
            user,
            data: root.join("data"),
            unborn: root.join("data.new"),
            run,
            log: dir.join("log/postgres.log"),
            lock: ours.join("lock"),
            passwords: ours.join("passwords.json"),
        })
    }
}

/// The folder that holds the cluster: ours, or the place that an earlier start or this one has to move it to.
fn locate(ours: &Path, user: Option<RunAs>) -> anyhow::Result<PathBuf> {
    let note = ours.join("location");
    match fs::read_to_string(&note) {
        Ok(text) => {
            let root = PathBuf::from(text.trim_end_matches('\n'));
            ensure!(root.is_dir(), "{} names {}, which is gone: restore it", note.display(), root.display());
            return Ok(root);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("reading {}", note.display())),
    }
    match user {
        Some(user) if !can_enter(ours, user) => {
            let root = Path::new(ELSEWHERE).join(short_hash(ours));
            make_folder(&root, 0o711)?;
            for folder in [Path::new(ELSEWHERE), root.as_path()] {
                fs::set_permissions(folder, Permissions::from_mode(0o711))?;
            }
            ensure!(can_enter(&root, user), "the user of PostgreSQL cannot enter {}: open it", root.display());
            fs::write(&note, format!("{}\n", root.display()))?;
            Ok(root)
        }
        _ => Ok(ours.to_owned()),
    }
}

/// Whether this user may pass through every folder of the path, by the mode bits alone.
fn can_enter(path: &Path, user: RunAs) -> bool {
    path.ancestors().all(|folder| {
        fs::metadata(folder).is_ok_and(|found| {
            let bit = match (found.uid() == user.uid, found.gid() == user.gid) {
                (true, _) => 0o100,
                (false, true) => 0o010,
                (false, false) => 0o001,
            };
            found.mode() & bit != 0
        })
    })
}

/// A socket's path is short: under a deep data folder it goes to the system's temporary folder.
fn socket_folder(root: &Path) -> PathBuf {
    let near = root.join("run");
    let socket = near.join(format!(".s.PGSQL.{PORT}.lock"));
    if socket.as_os_str().len() <= LONGEST_SOCKET {
        return near;
    }
    std::env::temp_dir().join(format!("ringfort-{}", short_hash(root)))
}

fn short_hash(path: &Path) -> String {
    hex::encode(&Sha256::digest(path.as_os_str().as_bytes())[..8])
}

/// Makes a folder and its parents, if missing.
fn make_folder(path: &Path, mode: u32) -> anyhow::Result<()> {
    DirBuilder::new().recursive(true).mode(mode).create(path).with_context(|| format!("making {}", path.display()))
}

/// Makes a folder that only the user of `PostgreSQL` may read, if missing. In a temporary folder somebody else may have
/// been there first: what is not ours is refused.
///
/// # Errors
/// The folder cannot be made, or is another user's.
pub fn hand_over(path: &Path, user: Option<RunAs>) -> anyhow::Result<()> {
    let owner = user.map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid);
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {
            if let Some(user) = user {
                chown(path, Some(user.uid), Some(user.gid))?;
            }
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("making {}", path.display())),
    }
    let found = fs::symlink_metadata(path)?;
    if !found.is_dir() || found.uid() != owner {
        bail!("{} is not a folder of the user that runs PostgreSQL: remove it", path.display());
    }
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    Ok(())
}

/// Debian's `postgres`, else our own `ringfort`, which is made when it is missing.
async fn find_user() -> anyhow::Result<RunAs> {
    if let Some(user) = listed_user()? {
        return Ok(user);
    }
    process::make_user("ringfort").await?;
    listed_user()?.context("the user ringfort was made, but /etc/passwd does not show it")
}

fn listed_user() -> anyhow::Result<Option<RunAs>> {
    let list = fs::read_to_string("/etc/passwd").context("reading /etc/passwd")?;
    Ok(["postgres", "ringfort"].iter().find_map(|name| parse_user(&list, name)))
}

fn parse_user(list: &str, name: &str) -> Option<RunAs> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(RunAs { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_whole_name() {
        let list = "root:x:0:0:root:/root:/bin/sh\npostgresql:x:7:7::/:\npostgres:x:101:104:PG,,,:/var/lib:/bin/bash\n";
        assert_eq!(parse_user(list, "postgres"), Some(RunAs { uid: 101, gid: 104 }));
        assert_eq!(parse_user(list, "ringfort"), None);
    }

    #[test]
    fn a_deep_folder_gets_a_short_socket() {
        assert_eq!(socket_folder(Path::new("/srv/ringfort")), Path::new("/srv/ringfort/run"));
        let deep = PathBuf::from(format!("/{}", "d".repeat(100)));
        let folder = socket_folder(&deep);
        assert!(!folder.starts_with(&deep));
        assert_eq!(folder, socket_folder(&deep));
    }

    #[test]
    fn a_closed_folder_cannot_be_entered_by_others() {
        let folder = std::env::temp_dir().join(format!("ringfort-layout-{}", std::process::id()));
        make_folder(&folder, 0o700).expect("a folder");
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).expect("ours");
        let own = fs::metadata(&folder).expect("is there");
        assert!(can_enter(&folder, RunAs { uid: own.uid(), gid: own.gid() }));
        assert!(!can_enter(&folder, RunAs { uid: own.uid() + 1, gid: own.gid() + 1 }));
        fs::remove_dir(&folder).expect("cleans up");
    }
}
