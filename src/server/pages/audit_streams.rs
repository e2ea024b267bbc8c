//! Streams of the audit log to collectors (AUD-5): the list, and the form that makes one.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::{cells, text};
use crate::{
    model::{
        audit_stream::{Format, HEADER, MOST, State},
        permission::{Need, Permission},
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        kit::At,
        store::{self, audit_stream::Stream},
    },
    ui::{
        actions::audit_stream::CreateStream,
        parts::{
            Badge, DataTable, Empty, ErrorSummary, Form, Icon, PageHead, RadioCards, SecretField, Submit, TextField,
            Tone,
        },
    },
};

/// Who may see and make streams.
pub const NEED: Need = Need::Holds(Permission::AuditStream);

struct Model {
    streams: Vec<Stream>,
    zone: String,
    now: At,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let zone = cx.signed_in()?.zone.clone();
    let mut tx = cx.tx().await?;
    let streams = store::audit_stream::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Model { streams, zone, now: cx.visitor.now })
}

/// `GET /audit/streams`
///
/// # Errors
/// Refused without `audit.stream`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Audit streams").under("Audit log", "/audit").show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let list = if m.streams.is_empty() { empty() } else { table(m) };
    view! {
        <PageHead
            title="Audit streams".to_owned()
            lede="The audit log, sent on to your collector of security events about a second after it is sealed."
        >
            <a class="btn btn-primary" href="/audit/streams/new">
                <Icon name="plus" />
                "Add a stream"
            </a>
        </PageHead>
        {list}
    }
}

fn table(m: Model) -> AnyView {
    let (zone, now) = (m.zone, m.now);
    let rows: Vec<AnyView> = m.streams.into_iter().map(|stream| row(stream, &zone, now)).collect();
    view! {
        <DataTable
            caption="Streams of the audit log".to_owned()
            head=vec![
                ("Name", ""),
                ("State", ""),
                ("Way", ""),
                ("Format", ""),
                ("Behind", "num"),
                ("Last taken", ""),
            ]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn row(s: Stream, zone: &str, now: At) -> AnyView {
    let href = format!("/audit/streams/{}", s.id);
    let (state, behind) = (state(&s), behind(&s, now));
    view! {
        <tr>
            <td><a class="link" href=href>{s.label}</a></td>
            <td>{state}</td>
            <td>{s.kind.label()}</td>
            <td>{s.format.label()}</td>
            <td class="num">{behind}</td>
            <td class="nowrap">{cells::ago_or_dash(s.sent_at, now, zone)}</td>
        </tr>
    }
    .into_any()
}

/// Whether it gets through, as word, shape and colour.
#[must_use]
pub fn state(s: &Stream) -> AnyView {
    let (tone, icon, word) = match (s.state, s.problem) {
        (State::Paused, _) => (Tone::Neutral, "minus", "Paused"),
        (State::Active, Some(_)) => (Tone::Bad, "warn", "Does not get through"),
        (State::Active, None) if s.behind > 0 => (Tone::Info, "refresh", "Catching up"),
        (State::Active, None) => (Tone::Good, "check", "Up to date"),
    };
    view! { <Badge tone=tone icon=icon text=word.to_owned() /> }.into_any()
}

/// How much waits to be sent, and for how long: «12, 40 s».
#[must_use]
pub fn behind(s: &Stream, now: At) -> String {
    match s.behind_since.filter(|_| s.behind > 0) {
        Some(since) => format!("{}, {}", s.behind, text::duration(now.since(since))),
        None => s.behind.to_string(),
    }
}

fn empty() -> AnyView {
    view! {
        <Empty
            icon="external"
            title="The log goes nowhere else".to_owned()
            text="Send it to a collector of your own, and it is there even if this installation is lost.".to_owned()
        >
            <a class="btn btn-primary" href="/audit/streams/new">"Add a stream"</a>
        </Empty>
    }
    .into_any()
}

/// `GET /audit/streams/new`
///
/// # Errors
/// Nobody is signed in.
pub async fn create(cx: Cx) -> Result<Response, AppError> {
    let form = cx.form::<CreateStream>();
    let page = Page::new("Add a stream").under("Audit log", "/audit").under("Audit streams", "/audit/streams");
    Ok(page.show(&cx, || create_view(form)))
}

fn create_view(form: FormState) -> impl IntoView {
    let lede = format!("What you enter is sealed before it is stored. A business has at most {MOST} streams.");
    let (target, advanced) = (target(&form), advanced(&form));
    view! {
        <PageHead title="Add a stream".to_owned() lede=lede />
        <Form action=CreateStream::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            {target}
            <RadioCards
                name="format"
                legend="As what?"
                options=formats()
                value=form.value("format", "json")
                problem=form.problem("format")
            />
            <RadioCards
                name="start"
                legend="From when on?"
                options=starts()
                value=form.value("start", "now")
                problem=form.problem("start")
            />
            {advanced}
            <div class="form-actions">
                <Submit label="Add" />
                <a class="btn btn-ghost" href="/audit/streams">"Cancel"</a>
            </div>
        </Form>
    }
}

fn target(form: &FormState) -> AnyView {
    view! {
        <TextField
            name="label"
            label="Name"
            value=form.value("label", "")
            problem=form.problem("label")
            hint="How your team will know it, like “SIEM”."
            maxlength=80
        />
        <TextField
            name="address"
            label="Address"
            value=form.value("address", "")
            problem=form.problem("address")
            hint="Syslog over TLS: host:port, like logs.example.com:6514. HTTPS: the whole address, like https://logs.example.com/in."
            autocomplete="off"
            maxlength=300
        />
    }
    .into_any()
}

fn advanced(form: &FormState) -> AnyView {
    let secret = credentials(form);
    let certificates = certificates(&form.value("ca", ""), form.problem("ca"));
    let silent = silent_end(form);
    // What was typed and what is wrong must be seen.
    let is_used = |field: &str| !form.value(field, "").is_empty() || form.problem(field).is_some();
    let is_open = ["header", "secret", "ca", "silent_end"].into_iter().any(is_used);
    view! {
        <details class="w-full" open=is_open>
            <summary><span class="link">"Secret and certificates"</span></summary>
            <div class="stack-tight">{secret} {certificates} {silent}</div>
        </details>
    }
    .into_any()
}

/// For collectors that do not end TLS as it wants to be ended.
fn silent_end(form: &FormState) -> AnyView {
    let is_chosen = !form.value("silent_end", "").is_empty();
    view! {
        <label class="check">
            <input type="checkbox" name="silent_end" value="yes" checked=is_chosen />
            <span>
                "Syslog only: this collector closes without TLS’s close_notify. Somebody between us could end a connection in the \
                 same way, and what was sent last would be lost."
            </span>
        </label>
    }
    .into_any()
}

/// What opens the door over HTTPS.
#[must_use]
pub fn credentials(form: &FormState) -> AnyView {
    let hint = format!("HTTPS only. The header that carries the secret; {HEADER}, when this is empty.");
    view! {
        <TextField
            name="header"
            label="Header"
            value=form.value("header", "")
            problem=form.problem("header")
            hint=hint
            autocomplete="off"
            required=false
            maxlength=60
        />
        <SecretField
            name="secret"
            label="Secret"
            problem=form.problem("secret")
            hint="The whole value of the header, like “Bearer 3f…” or “Splunk 3f…”. You will not see it here again."
            autocomplete="off"
            required=false
            maxlength=1000
        />
    }
    .into_any()
}

/// A field of several lines. Leptos 0.8 writes what stands in a `textarea` as it is, so it is escaped here; a test holds it
/// to that. The line break at the beginning is the one that a browser takes away.
fn certificates(value: &str, problem: Option<String>) -> AnyView {
    let escaped = format!("\n{}", html_escape::encode_text(value));
    let (described, invalid) = if problem.is_some() { ("h-ca p-ca", Some("true")) } else { ("h-ca", None) };
    let problem = problem.map(|problem| view! { <p class="problem" id="p-ca">{problem}</p> });
    view! {
        <div class="field">
            <label class="label" for="f-ca">
                "Certificates of your authority"
                <span class="label-note">"optional"</span>
            </label>
            <p class="hint" id="h-ca">
                "PEM. Only if your collector's certificate is from an authority of your own; then no other is trusted."
            </p>
            <textarea
                class="input mono"
                id="f-ca"
                name="ca"
                rows="6"
                autocomplete="off"
                spellcheck="false"
                aria-describedby=described
                aria-invalid=invalid
            >
                {escaped}
            </textarea>
            {problem}
        </div>
    }
    .into_any()
}

fn formats() -> Vec<(String, String, String)> {
    let explains = |format: Format| match format {
        Format::Json => "Everything that was sealed, with its place in the chain: can be verified later.",
        Format::Cef => "Common Event Format 0, as ArcSight and many others read it.",
        Format::Ocsf => "Open Cybersecurity Schema Framework 1.3.0: authentication, account change, API activity.",
    };
    Format::ALL
        .iter()
        .map(|format| (format.code().to_owned(), format.label().to_owned(), explains(*format).to_owned()))
        .collect()
}

fn starts() -> Vec<(String, String, String)> {
    [
        ("now", "From now on", "What is sealed after this moment."),
        ("beginning", "From the beginning", "All that is kept, the oldest first."),
    ]
    .map(|(code, label, explains)| (code.to_owned(), label.to_owned(), explains.to_owned()))
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::http::render::to_html;

    #[test]
    fn what_stands_in_the_field_is_no_markup() {
        let html = to_html(|| certificates("</textarea><b>&amp;", None));
        assert!(html.contains("\n&lt;/textarea&gt;&lt;b&gt;&amp;amp;"), "{html}");
        assert!(!html.contains("<b>"), "{html}");
    }
}
