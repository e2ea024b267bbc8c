//! Events as syslog messages (RFC 5424) over TLS, with their length in front (RFC 5425).
//!
//! Nobody answers in this protocol. What tells that a collector has read everything is how the connection ends: we say
//! that we are done (`close_notify`, then the end of our half), and it does the same. Some daemons only close; but so can
//! somebody in between. An end without a word counts where the stream's owner has said so. Neither counts when the system hears afterwards that bytes of ours came too late. Any
//! other end, and none within ten seconds, means that all is sent again. What a collector has read and loses itself, it
//! alone knows: that is what «Send again» on the stream's page is for.

use std::{
    io::{self, ErrorKind},
    net::IpAddr,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream, rustls::pki_types::ServerName};
use url::Host;

use super::{Event, Failure, Receiver, Severity};
use crate::{
    model::audit_stream::Problem,
    server::kit::{outbound::Outbound, tls},
};

/// The port of syslog over TLS.
pub const PORT: u16 = 6514;
/// Facility «log audit».
const FACILITY: u8 = 13;
/// For everything: the handshake, sending, and the other side's end.
const WITHIN: Duration = Duration::from_secs(10);
/// By then the system has heard when the other side had closed before our last bytes came.
const SETTLE: Duration = Duration::from_millis(300);

/// A receiver's host and port: `logs.example.com`, `logs.example.com:6514`, `[2001:db8::1]:6514`.
#[must_use]
pub fn address(text: &str) -> Option<(Host, u16)> {
    let text = text.trim();
    let (host, port) = match text.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(port))) if port > 0 => (host, port),
        _ => (text, PORT),
    };
    let host = Host::parse(host).ok()?;
    let is_name = match &host {
        Host::Domain(name) => !name.is_empty() && !name.ends_with('.'),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    };
    is_name.then_some((host, port))
}

/// Sends them and waits until the other side has read them.
///
/// # Errors
/// See [`super::deliver`].
pub async fn send(outbound: &Outbound, to: &Receiver, us: &str, events: &[(Event, String)]) -> Result<(), Failure> {
    let Some((host, port)) = address(&to.address) else { return Err(Problem::Forbidden.into()) };
    let config = tls::client(to.ca.as_deref()).map_err(|_| Problem::Broken)?;
    let name = match &host {
        Host::Domain(name) => ServerName::try_from(name.clone()).map_err(|_| Problem::Forbidden)?,
        Host::Ipv4(ip) => ServerName::from(IpAddr::V4(*ip)),
        Host::Ipv6(ip) => ServerName::from(IpAddr::V6(*ip)),
    };
    let mut bytes = Vec::new();
    for (event, text) in events {
        frame(&mut bytes, event, us, text);
    }
    let stream = outbound.connect(&host, port).await?;
    let work = async {
        let mut stream = TlsConnector::from(config).connect(name, stream).await?;
        stream.write_all(&bytes).await?;
        stream.shutdown().await?;
        end(&mut stream, to.silent_end).await
    };
    match timeout(WITHIN, work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if tls::is_untrusted(&error) => Err(Problem::Untrusted.into()),
        Ok(Err(_)) | Err(_) => Err(Problem::Unreachable.into()),
    }
}

/// Waits until the other side ends; `may_be_silent`, also by closing alone.
async fn end(stream: &mut TlsStream<TcpStream>, may_be_silent: bool) -> io::Result<()> {
    let mut heard = [0; 512];
    loop {
        match stream.read(&mut heard).await {
            Ok(0) => break,
            // Nobody has anything to say here.
            Ok(_) => {}
            Err(error) if may_be_silent && error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    settled(stream.get_ref().0).await
}

/// Whether the other side had read everything before it closed: otherwise the system hears of it a moment later.
async fn settled(socket: &TcpStream) -> io::Result<()> {
    sleep(SETTLE).await;
    match socket.take_error()? {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

/// Appends one message. The text has no byte order mark while it is ASCII, which readers of JSON and CEF thank for; beyond
/// that the mark is what says UTF-8.
fn frame(out: &mut Vec<u8>, event: &Event, us: &str, text: &str) {
    let priority = FACILITY * 8 + severity(event);
    let (time, host, id) = (event.time(), word(us, 255), word(&event.entry.action, 32));
    let mark = if text.is_ascii() { "" } else { "\u{feff}" };
    let message = format!("<{priority}>1 {time} {host} ringfort - {id} - {mark}{text}");
    out.extend_from_slice(message.len().to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(message.as_bytes());
}

/// A header's field: printable ASCII without spaces.
fn word(text: &str, most: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

fn severity(event: &Event) -> u8 {
    match event.severity() {
        // Notice: somebody is to look.
        _ if event.is_test => 5,
        Severity::Low => 6,
        Severity::Medium => 4,
        Severity::High => 3,
        Severity::Critical => 2,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::{
        model::{audit::Action, audit_stream::Format},
        server::providers::siem::tests::event,
    };

    fn framed(event: &Event, format: Format) -> String {
        let mut out = Vec::new();
        frame(&mut out, event, "calls.example.com", &event.text(format));
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_message_is_framed_by_its_length_in_bytes() {
        for format in Format::ALL {
            let framed = framed(&event("call.viewed", "refused"), *format);
            let (length, message) = framed.split_once(' ').expect("a length");
            assert_eq!(length.parse(), Ok(message.len()));
            let head = "<108>1 2026-01-02T03:04:05.000006Z calls.example.com ringfort - call.viewed - ";
            assert!(message.starts_with(head), "{message}");
        }
    }

    #[tokio::test]
    async fn bytes_that_come_too_late_are_noticed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut socket = TcpStream::connect(address).await.expect("a connection");
        let (other, _) = listener.accept().await.expect("a connection");
        drop(other);
        assert_eq!(socket.read(&mut [0; 8]).await.expect("an end"), 0);
        socket.write_all(b"late").await.expect("nobody knows yet");
        assert!(settled(&socket).await.is_err());
        // One that reads to the end, and closes then.
        let mut socket = TcpStream::connect(address).await.expect("a connection");
        let (mut other, _) = listener.accept().await.expect("a connection");
        socket.write_all(b"in time").await.expect("is written");
        socket.shutdown().await.expect("ends");
        let mut read = Vec::new();
        other.read_to_end(&mut read).await.expect("reads");
        drop(other);
        assert_eq!(socket.read(&mut [0; 8]).await.expect("an end"), 0);
        assert!(settled(&socket).await.is_ok());
    }

    #[test]
    fn only_what_is_not_ascii_has_a_mark() {
        let has_mark = |text: &str| text.contains('\u{feff}');
        let event = event("call.viewed", "done");
        assert!(has_mark(&framed(&event, Format::Cef)), "the reason has an umlaut");
        assert!(!has_mark(&framed(&event, Format::Json)) && !has_mark(&framed(&event, Format::Ocsf)));
        let mut plain = event;
        plain.entry.reason = None;
        assert!(!has_mark(&framed(&plain, Format::Cef)));
    }

    #[test]
    fn fields_of_the_header_hold_no_spaces() {
        assert_eq!(word("a b\nc", 32), "abc");
        assert_eq!(word("ü", 32), "-");
        assert_eq!(word(&"x".repeat(40), 32).len(), 32);
        assert!(Action::ALL.iter().all(|action| action.code().len() <= 32), "an action is cut as a message's id");
    }

    #[test]
    fn addresses_are_a_host_and_perhaps_a_port() {
        let told = |text: &str| address(text).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(told(" logs.example.com ").as_deref(), Some("logs.example.com 6514"));
        assert_eq!(told("Logs.Example.com:443").as_deref(), Some("logs.example.com 443"));
        assert_eq!(told("[2606:4700::1111]:601").as_deref(), Some("[2606:4700::1111] 601"));
        assert_eq!(told("[2606:4700::1111]").as_deref(), Some("[2606:4700::1111] 6514"));
        assert_eq!(told("0x7f.1:1").as_deref(), Some("127.0.0.1 1"), "what it is, however it is written");
        for bad in ["", ":6514", "a b", "https://logs.example.com", "logs.example.com/path", "user@logs.example.com"] {
            assert_eq!(told(bad), None, "{bad}");
        }
    }
}
