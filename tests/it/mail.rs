//! Mail on its way out, by SMTP: never in clear to a server that should speak TLS, why it waits is a closed word, and
//! it is tried again. The other end here speaks no TLS; one that does, with certificates good and bad, is asked by
//! `end2end/smtp.test.mjs`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use ringfort::server::{
    jobs::worker,
    mail::{
        self, Letter, Mail,
        smtp::{Security, SmtpSettings},
    },
    vault::Secret,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::kit::{TestApp, sql};

const TO: &str = "ada@a.example";
const CANARY: &str = "canary-in-the-mail";

/// A mail server without TLS, which notes what it is told.
#[derive(Clone, Default)]
struct Server {
    heard: Arc<Mutex<Vec<String>>>,
    /// What the next recipients are answered with; then they are taken.
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

impl Server {
    async fn open(answers: &[&'static str]) -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = Self { answers: Arc::new(Mutex::new(answers.iter().copied().collect())), ..Self::default() };
        let there = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(there.clone().serve(stream));
            }
        });
        (server, port)
    }

    async fn serve(self, stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut is_content = false;
        write.write_all(b"220 here\r\n").await?;
        while let Some(line) = lines.next_line().await? {
            self.note(&line);
            if is_content && line != "." {
                continue;
            }
            is_content = line == "DATA";
            let answer = self.answer(&line);
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }

    fn note(&self, line: &str) {
        self.heard.lock().expect("no panics").push(line.to_owned());
    }

    fn answer(&self, line: &str) -> &'static str {
        match line.get(..4) {
            Some("EHLO") => "250-here\r\n250 8BITMIME",
            Some("RCPT") => self.answers.lock().expect("no panics").pop_front().unwrap_or("250 OK"),
            Some("DATA") => "354 Go on",
            Some("QUIT") => "221 Bye",
            _ => "250 OK",
        }
    }

    fn heard(&self) -> String {
        self.heard.lock().expect("no panics").join("\n")
    }
}

/// An installation whose mail server is there.
async fn start(port: u16, security: Security) -> TestApp {
    let url = match security {
        Security::Implicit => format!("smtps://ada:{CANARY}@127.0.0.1:{port}"),
        Security::StartTls => format!("smtp://ada:{CANARY}@127.0.0.1:{port}?tls=required"),
        Security::Plain => format!("smtp://127.0.0.1:{port}"),
    };
    let smtp = SmtpSettings { url: Secret::new(url), host: "127.0.0.1".to_owned(), port, security, authority: None };
    TestApp::start_with_smtp(smtp).await
}

async fn write(app: &TestApp) {
    let to = TO.parse().expect("an address");
    let mail = Mail::new(&to, "Hello", &Letter::hello().say(CANARY));
    mail::enqueue(&app.app, &mail).await.expect("queues");
}

/// One round of the worker, with every mail due.
async fn step(app: &TestApp) {
    sql::run(&app.owner, "update lobby.mails set due_at = now() - interval '1 second'").await;
    worker::step(&app.app).await.expect("a step of the worker");
}

/// How often each mail was tried, and why it was not taken.
async fn waiting(app: &TestApp) -> Vec<String> {
    let query = "select attempts || ' ' || coalesce(problem, '-') from lobby.mails order by attempts desc";
    sql::texts(&app.owner, query).await
}

#[tokio::test]
async fn acc_2_mail_that_is_to_be_encrypted_never_goes_in_clear() {
    for (security, problem) in [(Security::StartTls, "no_tls"), (Security::Implicit, "bad_tls")] {
        let (server, port) = Server::open(&[]).await;
        let app = start(port, security).await;
        write(&app).await;
        for tries in 1..=2 {
            step(&app).await;
            assert_eq!(waiting(&app).await, [format!("{tries} {problem}")]);
        }
        let heard = server.heard();
        for word in ["MAIL", "RCPT", "DATA", "AUTH", TO, CANARY] {
            assert!(!heard.contains(word), "{security:?} told it {word}: {heard}");
        }
    }
}

#[tokio::test]
async fn acc_2_a_mail_that_is_turned_away_says_why_and_is_taken_later() {
    let says = ["451 4.7.1 <ada@a.example>: please try again later", "550 5.1.1 <ada@a.example> is unknown"];
    let (server, port) = Server::open(&says).await;
    let app = start(port, Security::Plain).await;
    write(&app).await;
    step(&app).await;
    assert_eq!(waiting(&app).await, ["1 turned_away"]);
    step(&app).await;
    assert_eq!(waiting(&app).await, ["2 refused"]);
    assert!(!server.heard().contains(CANARY));
    step(&app).await;
    assert_eq!(waiting(&app).await, Vec::<String>::new());
    assert!(server.heard().contains(&format!("RCPT TO:<{TO}>")) && server.heard().contains(CANARY));
}

#[tokio::test]
async fn acc_2_while_the_mail_server_is_away_one_mail_asks_for_all() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = gone.local_addr().expect("an address").port();
    drop(gone);
    let app = start(port, Security::Plain).await;
    write(&app).await;
    write(&app).await;
    step(&app).await;
    assert_eq!(waiting(&app).await, ["1 unreachable", "0 -"], "the other one has not used up a try");
}
