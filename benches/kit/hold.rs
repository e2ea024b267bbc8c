//! Clients that hold streams and do nothing else, in a process of their own: so the memory of the process that serves is the
//! server's alone, and each of both has its own number of files.
//!
//! The program starts itself with `--hold <address>`. It is told cookies and how many streams, says when they are open, and
//! when its input ends, how many still are.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use ringfort::server::boot::router::SESSION_COOKIE;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
};

/// How long they are held before they are counted.
pub const SECONDS: u64 = 10;
/// That open at once.
const OPENING: usize = 32;
/// A browser that is refused comes back: so often, after such a pause.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(500);

/// What was found.
pub struct Held {
    pub before_kb: usize,
    pub after_kb: usize,
    pub left: usize,
}

/// The address to hold streams of, when this process was started for that.
pub fn is_holder() -> Option<SocketAddr> {
    let mut args = std::env::args().skip_while(|arg| arg != "--hold");
    args.nth(1).and_then(|address| address.parse().ok())
}

/// Memory of this process that is in use.
fn resident_kb() -> anyhow::Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// Has a process hold so many streams, and looks at our memory before and meanwhile.
pub async fn measure(
    address: SocketAddr,
    cookies: Vec<String>,
    per_session: usize,
    streams: usize,
) -> anyhow::Result<Held> {
    tokio::task::spawn_blocking(move || measure_all(address, &cookies, per_session, streams)).await?
}

fn start(address: SocketAddr) -> anyhow::Result<Child> {
    let child = Command::new(std::env::current_exe()?)
        .args(["--bench", "--hold", &address.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    Ok(child)
}

fn measure_all(address: SocketAddr, cookies: &[String], per_session: usize, streams: usize) -> anyhow::Result<Held> {
    let before_kb = resident_kb()?;
    let mut child = start(address)?;
    let (mut told, said) = (child.stdin.take().context("no input")?, child.stdout.take().context("no output")?);
    let all = cookies.iter().flat_map(|cookie| std::iter::repeat_n(cookie, per_session)).take(streams);
    for cookie in all {
        writeln!(told, "{cookie}")?;
    }
    writeln!(told)?;
    told.flush()?;
    let mut said = BufReader::new(said).lines();
    let opened = said.next().context("the holder ended")??;
    ensure!(opened == format!("open {streams}"), "{opened}, and not {streams}");
    sleep(Duration::from_secs(SECONDS));
    let after_kb = resident_kb()?;
    drop(told);
    let left = said.next().context("the holder ended")??;
    let left = left.strip_prefix("left ").context("no number")?.parse()?;
    child.wait()?;
    Ok(Held { before_kb, after_kb, left })
}

/// The other process.
pub fn run(address: SocketAddr) -> anyhow::Result<()> {
    let mut cookies = Vec::new();
    for line in std::io::stdin().lines() {
        match line?.trim() {
            "" => break,
            cookie => cookies.push(cookie.to_owned()),
        }
    }
    let runtime = super::client_runtime();
    let open = Arc::new(AtomicUsize::new(0));
    let held = runtime.block_on(open_all(address, cookies, &open));
    println!("open {}", open.load(Ordering::Relaxed));
    // The runtime of one thread only reads while somebody waits on it.
    let ended = runtime.spawn_blocking(|| std::io::stdin().lines().for_each(drop));
    runtime.block_on(ended)?;
    println!("left {}", open.load(Ordering::Relaxed));
    drop(held);
    Ok(())
}

async fn open_all(address: SocketAddr, cookies: Vec<String>, open: &Arc<AtomicUsize>) -> JoinSet<()> {
    let (turns, mut held) = (Arc::new(Semaphore::new(OPENING)), JoinSet::new());
    let mut opening = JoinSet::new();
    for cookie in cookies {
        let turns = turns.clone();
        opening.spawn(async move {
            let _turn = turns.acquire_owned().await?;
            let mut tries = 1;
            loop {
                match open_one(address, &cookie).await {
                    Err(error) if tries < TRIES => {
                        eprintln!("a stream comes back, for it did not open: {error:#}");
                        tokio::time::sleep(PAUSE * tries).await;
                        tries += 1;
                    }
                    opened => return opened,
                }
            }
        });
    }
    while let Some(opened) = opening.join_next().await {
        match opened {
            Ok(Ok(mut socket)) => {
                open.fetch_add(1, Ordering::Relaxed);
                let open = open.clone();
                held.spawn(async move {
                    let mut bytes = [0; 256];
                    while socket.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
                    open.fetch_sub(1, Ordering::Relaxed);
                });
            }
            Ok(Err(error)) => eprintln!("a stream did not open: {error:#}"),
            Err(error) => eprintln!("a stream did not open: {error}"),
        }
    }
    held
}

/// Opens a stream, and reads until it has begun.
async fn open_one(address: SocketAddr, cookie: &str) -> anyhow::Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!(
        "GET /live HTTP/1.1\r\nhost: calls.example.com\r\naccept: text/event-stream\r\n\
         cookie: {SESSION_COOKIE}={cookie}\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let (mut seen, mut bytes) = (Vec::new(), [0; 1024]);
    loop {
        let read = socket.read(&mut bytes).await?;
        if read == 0 {
            bail!("the server closed it: {}", String::from_utf8_lossy(&seen));
        }
        seen.extend_from_slice(&bytes[..read]);
        let text = String::from_utf8_lossy(&seen);
        if text.contains("event: hello") || text.contains("event:hello") {
            return Ok(socket);
        }
        ensure!(text.starts_with("HTTP/1.1 200"), "{}", text.lines().next().unwrap_or_default());
    }
}
