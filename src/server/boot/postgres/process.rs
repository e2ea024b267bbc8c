//! The programs: finding them, making a cluster, starting and ending the server.

use std::{
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    os::unix::{
        ffi::OsStrExt,
        fs::{OpenOptionsExt, chown},
    },
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::{
    process::{Child, ChildStdin, Command},
    time::{Instant, sleep, timeout},
};

use super::layout::{Layout, PORT, RunAs, hand_over};
use crate::server::vault::Secret;

/// The oldest version we run: `security_invoker` views and the public schema's owner are of 15.
const OLDEST: u32 = 15;
const LOG_LIMIT: u64 = 10 * 1024 * 1024;
const FAST: Duration = Duration::from_secs(10);
const IMMEDIATE: Duration = Duration::from_secs(5);

/// Settings for a small machine; durability as `PostgreSQL` ships it, said aloud so that a test can read it.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "password_encryption=scram-sha-256",
    "max_connections=100",
    "shared_buffers=256MB",
    "max_wal_size=1GB",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "wal_compression=on",
    // Short queries by key gain nothing from workers, and containers give them too little shared memory.
    "max_parallel_workers_per_gather=0",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_destination=stderr",
    "logging_collector=off",
    "log_checkpoints=off",
];

/// Becomes `PostgreSQL`, and leaves a small reader of our pipe behind: when we are gone, even by kill -9, the pipe ends
/// and the reader asks `PostgreSQL` for a fast shutdown. `$$` is the shell, whose process `PostgreSQL` takes over.
const LEASH: &str = r#"exec 3<&0 </dev/null
{ read -r gone <&3; kill -INT $$; exit 0; } &
exec 3<&-
exec "$@""#;

/// A running server that we started.
pub struct Server {
    child: Child,
    /// Dropped, it ends the server: see [`LEASH`].
    leash: Option<ChildStdin>,
}

impl Server {
    /// The postmaster; none when it has ended.
    pub fn pid(&self) -> Option<Pid> {
        self.child.id().and_then(pid)
    }

    /// Waits until it ends, for whatever reason.
    pub async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        drop(self.leash.take());
        status.map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    /// Whether it has ended, and how.
    pub fn has_ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// Fast shutdown: sessions are cut, transactions rolled back, everything is on disk. When that takes too long,
    /// an immediate one, after which the next start recovers from the log.
    pub async fn shut_down(mut self) {
        for (signal, patience) in [(Signal::INT, FAST), (Signal::QUIT, IMMEDIATE)] {
            let Some(pid) = self.pid() else { return };
            if kill_process(pid, signal).is_err() || timeout(patience, self.child.wait()).await.is_ok() {
                return;
            }
        }
        tracing::error!("the private PostgreSQL did not stop; killing it");
        if let Err(error) = self.child.kill().await {
            tracing::error!(%error, "the private PostgreSQL could not be killed");
        }
    }
}

/// Starts the server. It is not ready yet when this returns.
///
/// # Errors
/// The programs are missing, or the log cannot be written.
pub fn launch(spot: &Layout) -> anyhow::Result<Server> {
    let postgres = programs(version(&spot.data)?)?.join("postgres");
    drop_stale_pid(&spot.data)?;
    let log = open_log(&spot.log)?;
    let mut command = command(Path::new("/bin/sh"), spot.user);
    command.args(["-c", LEASH, "ringfort-postgres"]).arg(postgres).arg("-D").arg(&spot.data);
    command.arg("-c").arg(format!("port={PORT}"));
    command.arg("-c").arg(format!("unix_socket_directories={}", quote(&spot.run)?));
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    // A group of its own: Ctrl-C in the terminal reaches us, and we end it when the last request is answered.
    command.process_group(0).stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
    let mut child = command.spawn().context("starting PostgreSQL")?;
    // Taken out, because waiting for a child closes the pipe that it still holds.
    let leash = child.stdin.take();
    Ok(Server { child, leash })
}

/// Makes a cluster, whole or not at all.
///
/// # Errors
/// `initdb` refuses; its words are in the error.
pub async fn make_cluster(spot: &Layout, admin: &Secret) -> anyhow::Result<()> {
    let initdb = programs(None)?.join("initdb");
    if spot.unborn.exists() {
        // An earlier attempt was cut off.
        fs::remove_dir_all(&spot.unborn).with_context(|| format!("removing {}", spot.unborn.display()))?;
    }
    hand_over(&spot.unborn, spot.user)?;
    let password = spot.run.join("password");
    write_private(&password, admin, spot.user)?;
    let made = command(&initdb, spot.user)
        .args(["--username=ringfort_admin", "--auth=scram-sha-256", "--data-checksums"])
        .args(["--encoding=UTF8", "--locale=C.UTF-8"])
        .arg("--pwfile")
        .arg(&password)
        .arg("--pgdata")
        .arg(&spot.unborn)
        .stdin(Stdio::null())
        .output()
        .await;
    fs::remove_file(&password)?;
    let made = made.context("running initdb")?;
    ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr).trim());
    fs::rename(&spot.unborn, &spot.data).with_context(|| format!("moving the cluster to {}", spot.data.display()))?;
    Ok(())
}

/// Ends a server whose owner is gone: it could not be watched, so we start one of our own.
///
/// # Errors
/// It does not end.
pub async fn end_orphan(data: &Path, orphan: Pid) -> anyhow::Result<()> {
    for (signal, patience) in [(Signal::INT, FAST * 3), (Signal::QUIT, IMMEDIATE)] {
        // Gone already is what we want; everything else shows below.
        let _ = kill_process(orphan, signal);
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if running(data) != Some(orphan) {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
    bail!("an earlier PostgreSQL (process {}) does not end: end it by hand", orphan.as_raw_nonzero())
}

/// The postmaster of this data folder, if one is running.
#[must_use]
pub fn running(data: &Path) -> Option<Pid> {
    let noted = noted_pid(data)?;
    is_postmaster(noted, data).then_some(noted)
}

/// The process that `postmaster.pid` names in its first line.
fn noted_pid(data: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    pid(text.lines().next()?.trim().parse().ok()?)
}

fn pid(raw: u32) -> Option<Pid> {
    i32::try_from(raw).ok().and_then(Pid::from_raw)
}

/// Whether the process is a `PostgreSQL` on this data folder. After a restart of the machine or container the number
/// may be another program's; a process that has ended and was not yet collected has no command line.
fn is_postmaster(pid: Pid, data: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) else { return false };
    let mut words = line.split(|byte| *byte == 0);
    let program = words.next().unwrap_or_default();
    program.ends_with(b"/postgres") && words.any(|word| word == data.as_os_str().as_bytes())
}

/// Removes a `postmaster.pid` whose number now belongs to another program: `PostgreSQL` would refuse to start. When
/// the number is nobody's, `PostgreSQL` replaces the file itself, after a check that no old session still writes.
fn drop_stale_pid(data: &Path) -> anyhow::Result<()> {
    if let Some(noted) = noted_pid(data)
        && !is_postmaster(noted, data)
        && !matches!(test_kill_process(noted), Err(rustix::io::Errno::SRCH))
    {
        tracing::warn!(pid = %noted.as_raw_nonzero(), "postmaster.pid names another program; removing it");
        fs::remove_file(data.join("postmaster.pid"))?;
    }
    Ok(())
}

/// The major version that a cluster was made with; none when there is no cluster.
fn version(data: &Path) -> anyhow::Result<Option<u32>> {
    let file = data.join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(text) => Ok(Some(text.trim().parse().with_context(|| format!("{} holds no version", file.display()))?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", file.display())),
    }
}

/// The folder of the programs: Debian's of that version, or its newest; else what PATH has.
fn programs(wanted: Option<u32>) -> anyhow::Result<PathBuf> {
    let debian = Path::new("/usr/lib/postgresql");
    let complete = |bin: &PathBuf| bin.join("initdb").is_file() && bin.join("postgres").is_file();
    let newest = fs::read_dir(debian)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|major| *major >= OLDEST && wanted.is_none_or(|wanted| wanted == *major))
        .filter(|major| complete(&debian.join(major.to_string()).join("bin")))
        .max();
    if let Some(major) = newest {
        return Ok(debian.join(major.to_string()).join("bin"));
    }
    #[expect(clippy::disallowed_methods, reason = "PATH is no setting of ours")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).find(complete).with_context(|| {
        let version = wanted.map_or_else(|| format!("{OLDEST} or newer"), |major| major.to_string());
        format!("PostgreSQL {version} is not installed: apt-get install postgresql, or set DATABASE_URL")
    })
}

/// A command with an empty environment, as the right user, in a folder that every user may enter.
#[expect(clippy::disallowed_methods, reason = "the room that starts PostgreSQL")]
fn command(program: &Path, user: Option<RunAs>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
    if let Some(RunAs { uid, gid }) = user {
        command.uid(uid).gid(gid);
    }
    command
}

/// Makes a system user without a home or a shell.
///
/// # Errors
/// `useradd` refuses.
pub async fn make_user(name: &str) -> anyhow::Result<()> {
    let made = command(Path::new("useradd"), None)
        .args(["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name])
        .stdin(Stdio::null())
        .output()
        .await
        .context("running useradd")?;
    ensure!(made.status.success(), "useradd failed: {}", String::from_utf8_lossy(&made.stderr).trim());
    Ok(())
}

/// A path as one entry of a list setting.
fn quote(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().context("the path of the data folder must be UTF-8")?;
    Ok(format!("\"{}\"", text.replace('"', "\"\"")))
}

fn open_log(path: &Path) -> anyhow::Result<File> {
    if fs::metadata(path).is_ok_and(|found| found.len() > LOG_LIMIT) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    let open = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    open.with_context(|| format!("writing {}", path.display()))
}

/// A file that the user of `PostgreSQL` may read and nobody else.
fn write_private(path: &Path, secret: &Secret, user: Option<RunAs>) -> anyhow::Result<()> {
    use std::io::Write;

    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(secret.expose().as_bytes())?;
    if let Some(user) = user {
        chown(path, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}
