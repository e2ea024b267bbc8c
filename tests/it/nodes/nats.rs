//! Debian's `nats-server`, one per test, on a free port. Killed as with -9 when it is dropped.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use ringfort::server::live::nats::{Login, NatsSettings};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::kit::{PATIENCE, root};

/// Who signed the certificates of the vectors.
pub const CA: &str = include_str!("../../vectors/tls/ca.pem");
pub struct NatsServer {
    child: Child,
    port: u16,
}

impl NatsServer {
    pub async fn start(arguments: &[&str]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        Self::start_on(port, arguments).await
    }

    /// It speaks by TLS alone, as `localhost`.
    pub async fn start_tls() -> Self {
        let folder = root().join("tests/vectors/tls");
        let file = |name: &str| folder.join(name).display().to_string();
        Self::start(&["--tls", "--tlscert", &file("here.pem"), "--tlskey", &file("here.key")]).await
    }

    pub async fn start_on(port: u16, arguments: &[&str]) -> Self {
        let tools = std::env::var("RINGFORT_TOOLS").unwrap_or_else(|_| ".tools".to_owned());
        let program = std::path::Path::new(&tools).join("nats/usr/sbin/nats-server");
        let child = Command::new(program)
            .args(["--addr", "127.0.0.1", "--port", &port.to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server is there: run scripts/bootstrap test");
        let server = Self { child, port };
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(Instant::now() < end, "nats-server does not listen on {port}");
            sleep(Duration::from_millis(20)).await;
        }
        server
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn settings(&self) -> NatsSettings {
        NatsSettings { servers: vec![self.url()], login: Login::Nobody, is_tls: false, authority: None }
    }

    /// As `kill -9`; says where it was.
    pub fn kill(self) -> u16 {
        self.port
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
