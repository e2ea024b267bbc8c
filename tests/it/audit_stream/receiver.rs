//! Collectors in a test's hand, over real sockets with real TLS: one for syslog, one for HTTPS. They can be away, come back at
//! the same port, and end in the ways in which such programs end.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
    server::TlsStream,
};

/// The authority of the tests, for the form.
pub const CA: &str = include_str!("../../vectors/tls/ca.pem");
/// A certificate of it for `localhost` and 127.0.0.1, with its key.
pub const HERE: (&str, &str) = (include_str!("../../vectors/tls/here.pem"), include_str!("../../vectors/tls/here.key"));
/// One of it for somebody else.
pub const ELSEWHERE: (&str, &str) =
    (include_str!("../../vectors/tls/elsewhere.pem"), include_str!("../../vectors/tls/elsewhere.key"));

/// How a collector of syslog ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// As TLS wants it.
    Politely,
    /// When it has read everything, without a word.
    Silently,
    /// At once, as one that is killed.
    Abruptly,
}

/// What came with one request.
#[derive(Debug, Clone)]
pub struct Post {
    pub head: String,
    pub body: String,
}

#[derive(Default)]
struct State {
    /// Messages, or lines, in the order in which they came.
    got: Vec<String>,
    posts: Vec<Post>,
    /// What the next requests are answered; then 200.
    answers: Vec<String>,
    connections: usize,
}

/// A collector that runs, or is away.
pub struct Collector {
    pub port: u16,
    state: Arc<Mutex<State>>,
    task: Option<JoinHandle<()>>,
}

fn acceptor((certificate, key): (&str, &str)) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a server");
    TlsAcceptor::from(Arc::new(config))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no panics")
}

impl Collector {
    /// One that is away. It has a port already, so that the product can be told of it.
    pub async fn away() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        Self { port, state: Arc::default(), task: None }
    }

    /// How a tenant names it, and how the operator allows it.
    pub fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// Comes (back) as a collector of syslog.
    pub async fn syslog(&mut self, certificate: (&'static str, &'static str), ends: Ends) {
        let state = self.state.clone();
        self.serve(certificate, move |stream| {
            let state = state.clone();
            async move { syslog(stream, &state, ends).await }
        })
        .await;
    }

    /// Comes (back) as a collector by HTTPS.
    pub async fn https(&mut self, certificate: (&'static str, &'static str)) {
        let state = self.state.clone();
        self.serve(certificate, move |stream| {
            let state = state.clone();
            async move { https(stream, &state).await }
        })
        .await;
    }

    async fn serve<F, W>(&mut self, certificate: (&'static str, &'static str), work: F)
    where
        F: Fn(TlsStream<TcpStream>) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        self.stop().await;
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("the same port");
        let (acceptor, state) = (acceptor(certificate), self.state.clone());
        self.task = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                lock(&state).connections += 1;
                // One who does not trust us breaks off here.
                if let Ok(stream) = acceptor.accept(stream).await {
                    work(stream).await;
                }
            }
        }));
    }

    /// Goes away, in the middle of whatever it does.
    pub async fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }

    /// What the next requests are answered: a status, and headers if there are any.
    pub fn answer(&self, answers: &[&str]) {
        lock(&self.state).answers = answers.iter().map(|answer| (*answer).to_owned()).collect();
    }

    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    pub fn posts(&self) -> Vec<Post> {
        lock(&self.state).posts.clone()
    }

    /// Everything that came, as it came; and forgets it.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state).got)
    }

    /// The JSON of everything that came; and forgets it.
    pub fn take_json(&self) -> Vec<Value> {
        let body = |text: String| {
            let json = text.find('{').map_or("", |at| &text[at..]).to_owned();
            serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {text}"))
        };
        self.take().into_iter().map(body).collect()
    }
}

async fn syslog(mut stream: TlsStream<TcpStream>, state: &Mutex<State>, ends: Ends) {
    if ends == Ends::Abruptly {
        // A reset, and nothing is said before.
        stream.get_ref().0.set_zero_linger().expect("a socket");
        return;
    }
    let mut bytes = Vec::new();
    if stream.read_to_end(&mut bytes).await.is_err() {
        return;
    }
    lock(state).got.extend(messages(&bytes));
    if ends == Ends::Politely {
        let _ = stream.shutdown().await;
    }
}

/// RFC 5425: each with its length in front, and nothing between them.
fn messages(mut bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|b| *b == b' ').expect("a length and a space");
        let length: usize = str::from_utf8(&bytes[..space]).expect("digits").parse().expect("a length");
        let (message, rest) = bytes[space + 1..].split_at(length);
        all.push(String::from_utf8(message.to_vec()).expect("UTF-8"));
        bytes = rest;
    }
    all
}

async fn https(mut stream: TlsStream<TcpStream>, state: &Mutex<State>) {
    let mut bytes = Vec::new();
    let end = loop {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
        if bytes.len() >= end + 4 + length.expect("a length") {
            break end;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
    let answer = {
        let mut state = lock(state);
        let answer = if state.answers.is_empty() { "200 OK".to_owned() } else { state.answers.remove(0) };
        if answer.starts_with('2') {
            state.got.extend(body.lines().map(str::to_owned));
        }
        state.posts.push(Post { head, body });
        answer
    };
    let reply = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
}
