//! One audit entry: who, what, why, and what it changed, field by field. Looking at it is itself an entry. The log shows the
//! same beside its list (`audit/panel.rs`).

use std::collections::{BTreeMap, BTreeSet};

use axum::{extract::Path, response::Response};
use leptos::prelude::*;
use serde_json::{Value, json};

use super::{
    audit::{self, May},
    audit_seals::signature,
    cells::{fact, mono},
    text,
};
use crate::{
    model::{
        id::{AuditId, TraceId},
        permission::Need,
    },
    server::{
        http::{AppError, Cx, action::id_of, render::Page},
        kit::At,
        services::{
            self,
            seal::proof::{self, Proof, Standing},
        },
        store::audit::Entry,
    },
    ui::parts::{Badge, Card, DataTable, Facts, PageHead, Tone},
};

/// Who may open an entry.
pub const NEED: Need = audit::NEED;

/// An entry, with everything that is shown of it.
pub struct Whole {
    pub entry: Entry,
    /// The whole address of its page, to be copied.
    pub link: String,
    /// Where it stands in the sealed chain.
    standing: Standing,
}

impl Whole {
    /// Reads it, and writes down that somebody looked at it.
    ///
    /// # Errors
    /// Refused without `audit.read`; missing when it is not this business's.
    pub async fn load(cx: &Cx, id: AuditId) -> Result<Self, AppError> {
        let person = cx.signed_in()?;
        let entry = services::audit::view(&cx.app, &person.caller, id).await?;
        let link = format!("{}/audit/{id}", cx.app.config().public_url);
        let standing = proof::of(&cx.app, &person.caller, id).await?;
        Ok(Self { entry, link, standing })
    }

    /// The address of everything that its actor did on its day.
    #[must_use]
    pub fn same_day(&self, zone: &str) -> Option<String> {
        let e = &self.entry;
        let actor = audit::id_text(&e.actor_kind, e.actor_id?);
        Some(audit::of_actor_on(&actor, e.at.0.to_zoned(text::zone(zone)).date()))
    }

    /// Who, what, when, from where.
    #[must_use]
    pub fn facts(&self, zone: &str, may: May) -> Vec<(String, AnyView)> {
        facts(&self.entry, zone, may)
    }

    /// What it changed.
    #[must_use]
    pub fn diff(&self) -> AnyView {
        diff(changes(self.entry.before.as_ref(), self.entry.after.as_ref()))
    }

    /// Its place in the sealed chain.
    #[must_use]
    pub fn chain(&self, zone: &str) -> AnyView {
        chain(&self.standing, zone)
    }

    /// It as JSON.
    #[must_use]
    pub fn raw(&self) -> String {
        raw(&self.entry)
    }
}

struct Model {
    whole: Whole,
    zone: String,
    may: May,
}

async fn load(cx: &Cx, id: AuditId) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    Ok(Model { whole: Whole::load(cx, id).await?, zone: person.zone.clone(), may: May::of(person) })
}

/// `GET /audit/{id}`
///
/// # Errors
/// Refused without `audit.read`; missing when it is not this business's.
pub async fn page(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let model = load(&cx, id_of(&id)?).await?;
    Ok(Page::new("Entry").under("Audit log", "/audit").with_audit().show(&cx, || view(&model)))
}

fn view(m: &Model) -> AnyView {
    let (whole, zone) = (&m.whole, m.zone.as_str());
    let (title, code) = (whole.entry.action.label().to_owned(), whole.entry.action.code());
    let same = whole.same_day(zone);
    let trace = audit::of_trace(&TraceId(whole.entry.trace_id).to_string());
    let items = whole.facts(zone, m.may);
    let (changes, chain, raw, link) = (whole.diff(), whole.chain(zone), whole.raw(), whole.link.clone());
    view! {
        <PageHead title=title lede=code>
            {same.map(|href| view! { <a class="btn btn-quiet" href=href>"This actor that day"</a> })}
            <a class="btn btn-quiet" href=trace>"All of this trace"</a>
        </PageHead>
        <div class="grid-2">
            <Card title="The entry">
                <Facts items=items />
            </Card>
            <div class="stack">
                <Card title="What it changed">{changes}</Card>
                <Card title="Its place in the chain">{chain}</Card>
                <Card title="Link to this entry">
                    <code class="secret" data-copy="">{link}</code>
                </Card>
                <Card>
                    <details>
                        <summary><span class="link">"The entry as JSON"</span></summary>
                        <pre class="secret">{raw}</pre>
                    </details>
                </Card>
            </div>
        </div>
    }
    .into_any()
}

/// What shows that the entry is what was written.
fn chain(standing: &Standing, zone: &str) -> AnyView {
    match standing {
        Standing::Waiting => view! {
            <p>
                <Badge tone=Tone::Neutral icon="clock" text="Not sealed yet".to_owned() />
            </p>
            <p class="subtle">"An entry is sealed about a second after it was written."</p>
        }
        .into_any(),
        Standing::Unsealed => view! {
            <p>
                <Badge tone=Tone::Bad icon="warn" text="In no seal, though it should be".to_owned() />
            </p>
            <p>
                <a class="link" href="/audit/seals">"Verify the log"</a>
            </p>
        }
        .into_any(),
        Standing::Sealed(proof) => {
            let items = proven(proof, zone);
            view! { <Facts items=items /> }.into_any()
        }
    }
}

fn proven(proof: &Proof, zone: &str) -> Vec<(String, AnyView)> {
    let seal = &proof.seal;
    let same = if proof.is_same {
        view! { <Badge tone=Tone::Good icon="check" text="It is what was sealed".to_owned() /> }.into_any()
    } else {
        view! { <Badge tone=Tone::Bad icon="warn" text="It is not what was sealed".to_owned() /> }.into_any()
    };
    vec![
        fact("Checked just now", same),
        fact("Seal", seal.seq.to_string()),
        fact("Place in it", format!("{} of {}", proof.position, seal.count)),
        fact("Sealed", text::when(At::from_micros(seal.at), zone)),
        fact("Hash of the seal", mono(seal.hash.to_string())),
        fact("Key", mono(seal.key.clone())),
        fact("Signature", signature(proof.is_signed)),
    ]
}

fn facts(e: &Entry, zone: &str, may: May) -> Vec<(String, AnyView)> {
    let actor_id = e.actor_id.map(|id| audit::id_text(&e.actor_kind, id));
    let mut items = vec![
        fact("Time", text::when(e.at, zone)),
        fact("Time in UTC", mono(e.at.0.to_string())),
        fact("Actor", audit::actor(e)),
        fact("Actor's id", mono(actor_id.unwrap_or_else(|| "–".to_owned()))),
        fact("Target", audit::target(e, may)),
        fact("Result", audit::outcome(e.outcome)),
        fact("Origin", e.origin.clone()),
        fact("Trace", mono(TraceId(e.trace_id).to_string())),
        fact("Id", mono(e.id.to_string())),
    ];
    if let Some(reason) = e.reason.clone() {
        items.insert(6, fact("Reason", reason));
    }
    items
}

/// A field of what changed: its name, how it was and how it is.
type Change = (String, Option<String>, Option<String>);

fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let (mut before, mut after) = (fields(before), fields(after));
    let names: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
    names
        .into_iter()
        .map(|name| {
            let (was, is) = (before.remove(&name), after.remove(&name));
            (name, was, is)
        })
        .collect()
}

fn fields(value: Option<&Value>) -> BTreeMap<String, String> {
    match value {
        None => BTreeMap::new(),
        Some(Value::Object(map)) => map.iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
        Some(other) => BTreeMap::from([("value".to_owned(), shown(other))]),
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn diff(changes: Vec<Change>) -> AnyView {
    if changes.is_empty() {
        return view! { <p class="subtle">"Nothing that an entry records."</p> }.into_any();
    }
    let rows: Vec<AnyView> = changes.into_iter().map(diff_row).collect();
    view! {
        <DataTable
            caption="Before and after, field by field".to_owned()
            head=vec![("Field", ""), ("Before", ""), ("After", ""), ("Change", "")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn diff_row((name, was, is): Change) -> AnyView {
    let word = match (&was, &is) {
        (Some(was), Some(is)) if was == is => "same",
        (Some(_), Some(_)) => "changed",
        (None, _) => "new",
        (_, None) => "gone",
    };
    let level = (word == "changed").then_some("warn");
    let dash = || "–".to_owned();
    view! {
        <tr data-level=level>
            <th scope="row">{name}</th>
            <td class="mono wide">{was.unwrap_or_else(dash)}</td>
            <td class="mono wide">{is.unwrap_or_else(dash)}</td>
            <td>{word}</td>
        </tr>
    }
    .into_any()
}

/// The entry as it stands, without the name that the page adds.
fn raw(e: &Entry) -> String {
    let target = e
        .target_kind
        .as_deref()
        .map(|kind| json!({ "kind": kind, "id": e.target_id.map(|id| audit::id_text(kind, id)) }));
    let entry = json!({
        "id": e.id.to_string(),
        "at": e.at.0.to_string(),
        "actor": { "kind": e.actor_kind, "id": e.actor_id.map(|id| audit::id_text(&e.actor_kind, id)) },
        "action": e.action.code(),
        "target": target,
        "result": e.outcome.code(),
        "reason": e.reason,
        "origin": e.origin,
        "trace_id": TraceId(e.trace_id).to_string(),
        "before": e.before,
        "after": e.after,
    });
    format!("{entry:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_field_by_field() {
        let (before, after) = (json!({ "days": 30, "kind": "calls" }), json!({ "days": 20, "why": null }));
        let text = |t: &str| Some(t.to_owned());
        let told = changes(Some(&before), Some(&after));
        assert_eq!(told[0], ("days".to_owned(), text("30"), text("20")));
        assert_eq!(told[1], ("kind".to_owned(), text("calls"), None));
        assert_eq!(told[2], ("why".to_owned(), None, text("null")));
        assert!(changes(None, None).is_empty());
    }
}
