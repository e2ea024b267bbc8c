//! The seals of the audit log (AUD-3): how far it is sealed, verifying it, and what was found.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};
use serde_json::Value;

use super::{
    audit,
    cells::{fact, mono},
    text,
};
use crate::{
    model::{id::AuditId, permission::Need, seal::Flaw},
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        kit::At,
        services::seal::overview::{self, Overview},
        store::{audit::Entry, seal::Sent},
    },
    ui::{
        actions::audit::VerifyAudit,
        parts::{Badge, Card, DataTable, ErrorSummary, Facts, Form, Notice, PageHead, Submit, TextField, Tone},
    },
};

/// Who may look at them, and verify.
pub const NEED: Need = audit::NEED;

struct Model {
    zone: String,
    overview: Overview,
    form: FormState,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    Ok(Model {
        zone: person.zone.clone(),
        overview: overview::overview(&cx.app, &person.caller).await?,
        form: cx.form::<VerifyAudit>(),
    })
}

/// `GET /audit/seals`
///
/// # Errors
/// Refused without `audit.read`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Seals").under("Audit log", "/audit").show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    let lede = "Every second, what was written is chained to all before it and signed. What is changed, taken away or \
                slipped in afterwards shows here, and which entry it was.";
    let o = m.overview;
    let state = state(&o, &m.zone);
    let newest = o.verified.first().and_then(|entry| newest(entry, &m.zone));
    let form = form(&m.form, &m.zone);
    let sent = sent(&o.sent, &m.zone);
    let before = before(&o.verified, &m.zone);
    let keys = keys(&o.keys);
    view! {
        <PageHead title="Seals".to_owned() lede=lede />
        <div class="grid-side">
            <div class="stack">
                {newest}
                <Card title="The chain now">
                    <Facts items=state />
                </Card>
                {before}
            </div>
            <div class="stack">
                <Card title="Verify">{form}</Card>
                {sent}
                {keys}
            </div>
        </div>
    }
    .into_any()
}

fn state(o: &Overview, zone: &str) -> Vec<(String, AnyView)> {
    let waiting = fact("Not sealed yet", o.waiting.to_string());
    let Some((seal, is_signed)) = &o.head else {
        return vec![fact("Seals", "None yet: the first is made about a second after the first entry"), waiting];
    };
    vec![
        fact("Newest seal", seal.seq.to_string()),
        fact("Sealed entries", seal.total.to_string()),
        waiting,
        fact("Sealed", text::when(At::from_micros(seal.at), zone)),
        fact("Hash", mono(seal.hash.to_string())),
        fact("Key", mono(seal.key.clone())),
        fact("Signature", signature(*is_signed)),
    ]
}

/// Whether a key of this installation has signed it, as word, shape and colour.
#[must_use]
pub fn signature(is_signed: bool) -> AnyView {
    if is_signed {
        view! { <Badge tone=Tone::Good icon="check" text="Signed by this installation".to_owned() /> }.into_any()
    } else {
        view! { <Badge tone=Tone::Bad icon="warn" text="Not signed by a key of this installation".to_owned() /> }
            .into_any()
    }
}

fn form(form: &FormState, zone: &str) -> AnyView {
    let hint = format!("Days of {zone}, by when they were sealed. Leave both empty for all.");
    let (problems, from, until) = (form.problems(), form.value("from", ""), form.value("until", ""));
    view! {
        <Form action=VerifyAudit::PATH.to_owned()>
            <ErrorSummary problems=problems />
            <TextField name="from" label="From" kind="date" value=from required=false hint=hint />
            <TextField name="until" label="Until" kind="date" value=until required=false />
            <Submit label="Verify" />
        </Form>
    }
    .into_any()
}

/// What a verification found, from its entry. Absent where it ended otherwise than by finding something.
struct Outcome<'a> {
    after: &'a Value,
}

impl<'a> Outcome<'a> {
    fn of(entry: &'a Entry) -> Option<Self> {
        entry.after.as_ref().map(|after| Self { after })
    }

    fn text(&self, path: &str) -> String {
        match self.after.pointer(path) {
            None | Some(Value::Null) => "–".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    fn flaw(&self) -> Option<Flaw> {
        self.after.pointer("/flaw/what")?.as_str()?.parse().ok()
    }

    fn entry(&self) -> Option<AuditId> {
        self.after.pointer("/flaw/entry")?.as_str()?.parse().ok()
    }

    fn badge(&self) -> AnyView {
        match self.flaw() {
            None => view! { <Badge tone=Tone::Good icon="check" text="As it was sealed".to_owned() /> }.into_any(),
            Some(_) => view! { <Badge tone=Tone::Bad icon="warn" text="Not as it was sealed".to_owned() /> }.into_any(),
        }
    }

    fn seals(&self) -> String {
        format!("{} to {}", self.text("/seals/first"), self.text("/seals/last"))
    }
}

fn newest(entry: &Entry, zone: &str) -> Option<AnyView> {
    let outcome = Outcome::of(entry)?;
    let when = text::when(entry.at, zone);
    let mut items = vec![
        fact("Verified", when),
        fact("Result", outcome.badge()),
        fact("Seals", outcome.seals()),
        fact("Entries", outcome.text("/entries")),
        fact("From", outcome.text("/from")),
        fact("Until", outcome.text("/until")),
        fact("Last hash", mono(outcome.text("/hash"))),
        fact("Key", mono(outcome.text("/key"))),
        fact("Sealed", mono(outcome.text("/sealed"))),
        fact("Checkpoints that agree", outcome.text("/checkpoints")),
    ];
    if outcome.text("/dropped") != "0" {
        items.push(fact("Dropped, their time being over", outcome.text("/dropped")));
    }
    let partial = (outcome.text("/cut") == "true").then(|| {
        view! {
            <p class="hint">
                "There was more than one click looks at. Ask for a later span, or have the operator run "
                <code>"ringfort audit verify"</code>"."
            </p>
        }
    });
    let wrong = outcome.flaw().map(|flaw| wrong(&outcome, flaw));
    let card = view! {
        <div class="stack">
            {wrong}
            <Card title="The last verification">
                <Facts items=items />
                {partial}
            </Card>
        </div>
    };
    Some(card.into_any())
}

fn wrong(outcome: &Outcome<'_>, flaw: Flaw) -> AnyView {
    let entry = outcome.entry().map(|id| {
        view! {
            <p>
                "The first entry that it touches: " <a class="link" href=format!("/audit/{id}")>{id.to_string()}</a>
            </p>
        }
    });
    let (seal, flaws) = (outcome.text("/flaw/seal"), outcome.text("/flaws"));
    let seal = format!("It shows at seal {seal}. In all, things that are wrong: {flaws}.");
    view! {
        <Notice tone=Tone::Bad title=flaw.label()>
            {entry}
            <p>{seal}</p>
        </Notice>
    }
    .into_any()
}

fn before(verified: &[Entry], zone: &str) -> AnyView {
    let rows: Vec<AnyView> = verified
        .iter()
        .filter_map(|entry| {
            let outcome = Outcome::of(entry)?;
            let href = format!("/audit/{}", entry.id);
            Some(
                view! {
                    <tr>
                        <td class="nowrap"><a class="link" href=href>{text::when(entry.at, zone)}</a></td>
                        <td>{audit::actor(entry)}</td>
                        <td>{outcome.seals()}</td>
                        <td class="num">{outcome.text("/entries")}</td>
                        <td>{outcome.badge()}</td>
                    </tr>
                }
                .into_any(),
            )
        })
        .collect();
    if rows.is_empty() {
        return view! { <p class="subtle">"Nobody has verified the log yet."</p> }.into_any();
    }
    view! {
        <DataTable
            caption="The last verifications, newest first".to_owned()
            head=vec![("Time", ""), ("By", ""), ("Seals", ""), ("Entries", "num"), ("Result", "")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn sent(sent: &[Sent], zone: &str) -> AnyView {
    if sent.is_empty() {
        return view! {
            <Card title="Sent outside">
                <p class="subtle">
                    "Nothing yet. Whoever operates this installation can have signed checkpoints kept in a folder, mailed "
                    "to the owners, or posted to a server: with one of them, not even an old state that is brought back "
                    "goes unseen."
                </p>
            </Card>
        }
        .into_any();
    }
    let items = sent
        .iter()
        .map(|s| {
            let (what, when) = (format!("Seal {}, ", s.seq), text::when(s.sent_at, zone));
            let place = s.place.clone();
            fact(way(&s.way), view! { <span>{what} {when} " · " {place}</span> })
        })
        .collect::<Vec<_>>();
    view! {
        <Card title="Sent outside">
            <Facts items=items />
        </Card>
    }
    .into_any()
}

fn way(code: &str) -> &'static str {
    match code {
        "file" => "To a file",
        "mail" => "By mail",
        _ => "By HTTP",
    }
}

fn keys(keys: &[Value]) -> AnyView {
    let text = keys.iter().map(|key| format!("{key:#}")).collect::<Vec<_>>().join("\n");
    view! {
        <Card title="Public keys">
            <details>
                <summary><span class="link">"What verifies the signatures"</span></summary>
                <pre class="secret">{text}</pre>
            </details>
        </Card>
    }
    .into_any()
}
