//! The one HTTP client for talking to outside systems (security.md, "HTTP out").
//!
//! Only `https`, only public addresses, no redirects, no proxy, short deadlines, small answers. The address is
//! checked when the connection is made, so a name that resolves to an inner address later does not get through.
//! What is not HTTP (syslog) gets a connection that was checked in the same way ([`Outbound::connect`]).
//! The exception is a list of loopback `host:port`s in the configuration, for simulators and tests; tenants can
//! name these too, so a production installation leaves it empty.

use std::{
    collections::{HashMap, HashSet},
    error::Error,
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::http::Request;
use reqwest::{
    Certificate, Client, RequestBuilder, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use serde::de::DeserializeOwned;
use tokio::{net::TcpStream, time::timeout};
use url::Host;

use super::{address, tls};

const CONNECT: Duration = Duration::from_secs(3);
const TOTAL: Duration = Duration::from_secs(10);
const LARGEST: usize = 1024 * 1024;

/// Why an outside system did not answer. Says nothing about the address, which may hold personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    #[error("this address may not be called")]
    Forbidden,
    #[error("the other side did not answer")]
    Unreachable,
    #[error("the other side's certificate is not trusted")]
    Untrusted,
    #[error("the answer is too large")]
    TooLarge,
}

/// Who we say we are.
#[derive(Clone, Copy)]
pub enum Login<'a> {
    Nobody,
    Basic { user: &'a str, password: &'a str },
    Bearer(&'a str),
}

/// A post to somebody whom a tenant has named with all that it takes.
pub struct Post<'a> {
    pub url: &'a str,
    pub content_type: &'a str,
    /// The header that shows who we are, and its value.
    pub header: Option<(&'a str, &'a str)>,
    pub body: Vec<u8>,
    /// Certificates (PEM) that are trusted instead of the public ones.
    pub ca: Option<&'a str>,
}

/// What the other side said, with any status.
pub struct Reply {
    pub status: u16,
    /// The `Retry-After` header, when it is a number of seconds.
    pub retry_after_seconds: Option<u32>,
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not JSON of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bodies hold people's data and tokens.
        write!(f, "Reply({}, {} bytes)", self.status, self.body.len())
    }
}

/// The client. One per process, shared.
pub struct Outbound {
    public: Client,
    loopback: Client,
    allow: HashSet<String>,
    overrides: HashMap<String, String>,
}

impl Outbound {
    /// A client that may call public addresses, and the loopback `host:port`s in `allow`. `overrides` maps a
    /// provider's code to the base address that stands in for it.
    ///
    /// # Errors
    /// When TLS cannot be set up, for instance because the machine has no root certificates.
    pub fn new(
        allow: Vec<String>,
        overrides: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            public: client(Reach::Public, None)?,
            loopback: client(Reach::Loopback, None)?,
            allow: allow.into_iter().map(|entry| entry.trim().to_ascii_lowercase()).collect(),
            overrides: overrides.into_iter().collect(),
        })
    }

    /// The base address that the configuration sets for this provider, without a slash at its end.
    #[must_use]
    pub fn override_for(&self, provider: &str) -> Option<&str> {
        self.overrides.get(provider).map(|base| base.trim_end_matches('/'))
    }

    /// GET.
    ///
    /// # Errors
    /// Forbidden for an address that may not be called, Unreachable when there was no complete answer in time,
    /// `TooLarge` for more than 1 MiB.
    pub async fn get_json(&self, url: &str, login: Login<'_>) -> Result<Reply, OutboundError> {
        let (client, url) = self.admit(url)?;
        send(client.get(url), login).await
    }

    /// POST of a form.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn post_form(
        &self,
        url: &str,
        login: Login<'_>,
        fields: &[(&str, &str)],
    ) -> Result<Reply, OutboundError> {
        let (client, url) = self.admit(url)?;
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = client.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        send(request, login).await
    }

    /// POST of JSON that was written before.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn post_json(&self, url: &str, login: Login<'_>, body: String) -> Result<Reply, OutboundError> {
        let (client, url) = self.admit(url)?;
        send(client.post(url).header("content-type", "application/json").body(body), login).await
    }

    /// A whole request, that somebody else's library has made. The answer is asked for as JSON, whatever it says.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn forward(&self, request: Request<Vec<u8>>) -> Result<Reply, OutboundError> {
        let (mut parts, body) = request.into_parts();
        let (client, url) = self.admit(&parts.uri.to_string())?;
        parts.headers.remove(ACCEPT);
        send(client.request(parts.method, url).headers(parts.headers).body(body), Login::Nobody).await
    }

    /// A post with a header and certificates of the tenant's own.
    ///
    /// # Errors
    /// As [`Self::get_json`]; forbidden for a header or certificates that cannot be used.
    pub async fn post(&self, post: Post<'_>) -> Result<Reply, OutboundError> {
        let (reach, url) = self.reach(post.url)?;
        let own;
        let client = match post.ca {
            Some(pem) => {
                own = client(reach, Some(pem)).map_err(|_| OutboundError::Forbidden)?;
                &own
            }
            None => self.client(reach),
        };
        let mut request = client.post(url).header("content-type", post.content_type).body(post.body);
        if let Some((name, value)) = post.header {
            let mut value = HeaderValue::from_str(value).map_err(|_| OutboundError::Forbidden)?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        send(request, Login::Nobody).await
    }

    /// A connection to `host:port`, checked as every call is. What goes over it, TLS first of all, is the caller's.
    ///
    /// # Errors
    /// Forbidden for an address that may not be called, Unreachable when there was no connection in time.
    pub async fn connect(&self, host: &Host, port: u16) -> Result<TcpStream, OutboundError> {
        let is_listed = self.allow.contains(&format!("{host}:{port}"));
        let reach = if is_listed { Reach::Loopback } else { Reach::Public };
        let found: Vec<SocketAddr> = match host {
            Host::Ipv4(ip) => vec![SocketAddr::new(IpAddr::V4(*ip), port)],
            Host::Ipv6(ip) => vec![SocketAddr::new(IpAddr::V6(*ip), port)],
            Host::Domain(name) => match timeout(CONNECT, tokio::net::lookup_host((name.as_str(), port))).await {
                Ok(Ok(found)) => found.collect(),
                Ok(Err(_)) | Err(_) => return Err(OutboundError::Unreachable),
            },
        };
        let admitted: Vec<SocketAddr> = found.into_iter().filter(|found| reach.admits(found.ip())).collect();
        if admitted.is_empty() {
            return Err(OutboundError::Forbidden);
        }
        match timeout(CONNECT, TcpStream::connect(admitted.as_slice())).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(_)) | Err(_) => Err(OutboundError::Unreachable),
        }
    }

    fn client(&self, reach: Reach) -> &Client {
        if reach == Reach::Loopback { &self.loopback } else { &self.public }
    }

    /// The client that may call `url`.
    fn admit(&self, url: &str) -> Result<(&Client, Url), OutboundError> {
        let (reach, url) = self.reach(url)?;
        Ok((self.client(reach), url))
    }

    /// Decides how far a call of `url` may reach, before anything is resolved.
    fn reach(&self, url: &str) -> Result<(Reach, Url), OutboundError> {
        let url = Url::parse(url).map_err(|_| OutboundError::Forbidden)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Forbidden);
        }
        let host = url.host_str().ok_or(OutboundError::Forbidden)?;
        let port = url.port_or_known_default().ok_or(OutboundError::Forbidden)?;
        let reach = if self.allow.contains(&format!("{host}:{port}")) { Reach::Loopback } else { Reach::Public };
        let scheme = match reach {
            Reach::Public => url.scheme() == "https",
            Reach::Loopback => matches!(url.scheme(), "https" | "http"),
        };
        // The resolver never sees an address written as a number, in whatever notation: `Url` has normalised it.
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => reach.admits(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => reach.admits(IpAddr::V6(ip)),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        if !scheme || !literal {
            return Err(OutboundError::Forbidden);
        }
        Ok((reach, url))
    }
}

/// With `ca`, these certificates are trusted and no others.
fn client(reach: Reach, ca: Option<&str>) -> Result<Client, reqwest::Error> {
    let builder = match ca {
        Some(pem) => tls::http().tls_certs_only(Certificate::from_pem_bundle(pem.as_bytes())?),
        None => tls::http(),
    };
    builder
        .user_agent("Ringfort")
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .https_only(reach == Reach::Public)
        .connect_timeout(CONNECT)
        .timeout(TOTAL)
        .dns_resolver(Guard(reach))
        .build()
}

async fn send(request: RequestBuilder, login: Login<'_>) -> Result<Reply, OutboundError> {
    let request = match login {
        Login::Nobody => request,
        Login::Basic { user, password } => request.basic_auth(user, Some(password)),
        Login::Bearer(token) => request.bearer_auth(token),
    };
    let response = request.header("accept", "application/json").send().await.map_err(|error| reason(&error))?;
    let status = response.status().as_u16();
    let retry_after_seconds: Option<u32> =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let body = read(response).await?;
    Ok(Reply { status, retry_after_seconds, body })
}

/// Reads piece by piece, so that an endless answer costs no more than the cap.
async fn read(mut response: Response) -> Result<Vec<u8>, OutboundError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| OutboundError::Unreachable)? {
        if body.len() + piece.len() > LARGEST {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// Finds our own refusal, or that of a certificate, under the layers of the client.
fn reason(error: &reqwest::Error) -> OutboundError {
    if tls::is_untrusted(error) {
        return OutboundError::Untrusted;
    }
    let mut next = error.source();
    while let Some(cause) = next {
        if cause.is::<Refused>() {
            return OutboundError::Forbidden;
        }
        next = cause.source();
    }
    OutboundError::Unreachable
}

/// Which addresses a client may connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Public,
    Loopback,
}

impl Reach {
    fn admits(self, ip: IpAddr) -> bool {
        match self {
            Self::Public => address::is_public(ip),
            Self::Loopback => ip.is_loopback(),
        }
    }
}

/// A name that has no address within reach.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to an address that may not be called")]
struct Refused;

/// The resolver: what it leaves out cannot be connected to.
struct Guard(Reach);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let admitted: Vec<SocketAddr> = found.filter(|found| reach.admits(found.ip())).collect();
            if admitted.is_empty() {
                return Err(Box::new(Refused) as Box<dyn Error + Send + Sync>);
            }
            let addresses: Addrs = Box::new(admitted.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests;
