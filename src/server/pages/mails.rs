//! The mails that a demo has not sent: written to a folder, shown here, and nowhere outside a demo.

use std::{io, path::Path};

use axum::response::Response;
use base64::{Engine, engine::general_purpose::STANDARD};
use leptos::prelude::*;

use super::text;
use crate::{
    model::permission::Need,
    server::{
        http::{AppError, Cx, render::Page},
        kit::At,
    },
    ui::parts::{Card, Empty, Facts, PageHead},
};

/// Who may open it: anybody, in a demo; outside of one there is nothing here.
pub const NEED: Need = Need::Public;

/// How many mails the page shows.
const SHOWN: usize = 50;

/// A mail, as far as the page shows it.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    to: String,
    subject: String,
    text: String,
}

/// `GET /dev/mail`
///
/// # Errors
/// Missing outside a demo; a folder that cannot be read.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    if !cx.app.config().demo {
        return Err(AppError::Missing);
    }
    let mails = match cx.app.mailer().folder() {
        Some(folder) => newest(folder).await.map_err(|e| AppError::Internal(Box::new(e)))?,
        None => Vec::new(),
    };
    let (public_url, now) = (&cx.app.config().public_url, cx.visitor.now);
    Ok(Page::new("Mails").show(&cx, || view(mails, public_url, now)))
}

/// The mails of a folder, the newest first, each with when it was written.
async fn newest(folder: &Path) -> io::Result<Vec<(Option<At>, Shown)>> {
    let mut entries = tokio::fs::read_dir(folder).await?;
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "eml") {
            files.push((entry.metadata().await?.modified()?, path));
        }
    }
    files.sort();
    files.reverse();
    files.truncate(SHOWN);
    let mut mails = Vec::with_capacity(files.len());
    for (modified, path) in files {
        let raw = tokio::fs::read(path).await?;
        let at = jiff::Timestamp::try_from(modified).ok().map(At);
        mails.push((at, parse(&String::from_utf8_lossy(&raw))));
    }
    Ok(mails)
}

/// Reads what our own writer writes: plain text, alone or as the first of several parts that say the same.
fn parse(raw: &str) -> Shown {
    let raw = raw.replace("\r\n", "\n");
    let (head, body) = split(&raw);
    let text = match boundary(header(&head, "content-type")) {
        Some(boundary) => {
            let first = body.split(&format!("--{boundary}\n")).nth(1).unwrap_or_default();
            let (head, body) = split(first.split(&format!("\n--{boundary}")).next().unwrap_or_default());
            decoded(&head, body)
        }
        None => decoded(&head, body),
    };
    Shown { to: header(&head, "to").to_owned(), subject: header(&head, "subject").to_owned(), text }
}

/// The header, unfolded, and the body of a mail or of one of its parts.
fn split(raw: &str) -> (String, &str) {
    let (head, body) = raw.split_once("\n\n").unwrap_or((raw, ""));
    (head.replace("\n ", " ").replace("\n\t", " "), body)
}

/// What stands between the parts, where there are several.
fn boundary(content_type: &str) -> Option<&str> {
    let (_, value) = content_type.strip_prefix("multipart/")?.split_once("boundary=")?;
    value.split(';').next().map(|value| value.trim().trim_matches('"'))
}

fn decoded(head: &str, body: &str) -> String {
    match header(head, "content-transfer-encoding").to_ascii_lowercase().as_str() {
        "quoted-printable" => quoted_printable(body),
        "base64" => base64_text(body),
        _ => body.to_owned(),
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map_or("", |(_, value)| value.trim())
}

fn base64_text(body: &str) -> String {
    let joined: String = body.split_whitespace().collect();
    STANDARD.decode(joined).map_or_else(|_| body.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// RFC 2045, 6.7. What is not valid stays as it is.
fn quoted_printable(body: &str) -> String {
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'=' {
            bytes.push(*byte);
        } else if let Some(after) = after.strip_prefix(b"\n") {
            rest = after;
        } else if let Some(decoded) = after.get(..2).and_then(|pair| hex::decode(pair).ok()) {
            bytes.extend(decoded);
            rest = &after[2..];
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The text, with links to our own pages that can be clicked.
fn linked(text: &str, public_url: &str) -> Vec<AnyView> {
    let is_ours = |word: &str| word.strip_prefix(public_url).is_some_and(|path| path.starts_with('/'));
    let mut out = Vec::new();
    let mut plain = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        if is_ours(bare) {
            out.push(std::mem::take(&mut plain).into_any());
            let (href, shown) = (bare.to_owned(), bare.to_owned());
            out.push(view! { <a class="link" href=href>{shown}</a> }.into_any());
            plain.push_str(&word[bare.len()..]);
        } else {
            plain.push_str(word);
        }
    }
    out.push(plain.into_any());
    out
}

fn view(mails: Vec<(Option<At>, Shown)>, public_url: &str, now: At) -> AnyView {
    let list = if mails.is_empty() {
        view! {
            <Empty
                icon="mail"
                title="No mails yet".to_owned()
                text="Sign up, or invite somebody: the mail appears here.".to_owned()
            >
                <a class="btn btn-primary" href="/sign-up">"Sign up"</a>
            </Empty>
        }
        .into_any()
    } else {
        mails.into_iter().map(|(at, mail)| card(at, mail, public_url, now)).collect_view().into_any()
    };
    view! {
        <PageHead
            title="Mails".to_owned()
            lede="This is a demo: mails are written to a folder and shown here, newest first."
        />
        <div class="stack">{list}</div>
    }
    .into_any()
}

fn card(at: Option<At>, mail: Shown, public_url: &str, now: At) -> AnyView {
    let facts = vec![
        ("To".to_owned(), mail.to.into_any()),
        ("Written".to_owned(), at.map_or_else(String::new, |at| text::ago(at, now)).into_any()),
    ];
    let body = linked(mail.text.trim(), public_url);
    view! {
        <Card title=mail.subject>
            <div class="stack-tight">
                <Facts items=facts />
                <div class="whitespace-pre-wrap">{body}</div>
            </div>
        </Card>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_encoded_mails_are_read() {
        let plain = parse("To: ada@example.com\r\nSubject: Your\r\n sign-up\r\n\r\nHello,\r\nlink\r\n");
        assert_eq!(plain.to, "ada@example.com");
        assert_eq!(plain.subject, "Your sign-up");
        assert_eq!(plain.text, "Hello,\nlink\n");
        let quoted = parse("Content-Transfer-Encoding: quoted-printable\r\n\r\n=C2=ABRing=\r\nfort=C2=BB a=3Db");
        assert_eq!(quoted.text, "«Ringfort» a=b");
        let base64 = parse("Content-Transfer-Encoding: base64\r\n\r\nwqtSaW5n\r\nZm9ydMK7\r\n");
        assert_eq!(base64.text, "«Ringfort»");
    }

    #[test]
    fn of_two_forms_the_plain_one_is_read() {
        let mail = parse(
            "To: ada@example.com\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n \
             boundary=\"aB3\"\r\n\r\n--aB3\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\r\n=C2=ABRing=\r\nfort=C2=BB\r\n\r\n--aB3\r\n\
             Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
             <p>Ringfort</p>\r\n--aB3--\r\n",
        );
        assert_eq!((mail.to.as_str(), mail.text.trim_end()), ("ada@example.com", "«Ringfort»"));
        assert!(!mail.text.contains("--aB3") && !mail.text.contains("<p>"), "{}", mail.text);
    }

    #[test]
    fn only_our_own_links_can_be_clicked() {
        let html = crate::server::http::render::to_html(|| {
            linked("see\n\nhttp://a.test/open/1\n\nnot http://a.test.evil/x <b>", "http://a.test")
        });
        assert!(html.contains(r#"href="http://a.test/open/1""#), "{html}");
        assert!(!html.contains(r#"href="http://a.test.evil"#) && !html.contains("<b>"), "{html}");
    }
}
