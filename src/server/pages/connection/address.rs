//! The webhook address of a connection. Whoever has it can knock, so looking at it is written down.

use axum::{extract::Path, response::Response};
use leptos::prelude::*;

use crate::{
    model::id::ConnectionId,
    server::{
        http::{AppError, Cx, action::id_of, render::Page},
        pages::cells,
        services, store,
    },
    ui::parts::{Card, Empty, Notice, PageHead, Tone},
};

struct Model {
    back: String,
    label: String,
    /// Where the doors are; none where the provider has none.
    base: Option<String>,
    is_active: bool,
}

async fn load(cx: &Cx, id: ConnectionId) -> Result<Model, AppError> {
    let mut tx = cx.tx().await?;
    let connection = store::connection::get(&mut tx, id).await?;
    tx.commit().await?;
    let is_active = connection.state == "active";
    let base = if is_active && cells::has_webhooks(&connection.provider) {
        Some(services::connection::address(cx, id).await?.expose().to_owned())
    } else {
        None
    };
    Ok(Model { back: format!("/connections/{id}"), label: connection.label, base, is_active })
}

/// `GET /connections/{id}/address`
///
/// # Errors
/// Refused without `credentials`; missing when it is not this business's.
pub async fn address(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let model = load(&cx, id_of(&id)?).await?;
    let page = Page::new("Webhook address").under("Connections", "/connections").under(&model.label, &model.back);
    Ok(page.show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let back = m.back.clone();
    let content = match m.base {
        Some(base) => doors(&base),
        None => none(m.is_active, m.back),
    };
    view! {
        <PageHead title="Webhook address".to_owned() lede="Where the provider tells Ringfort about calls.">
            <a class="btn btn-quiet" href=back>"Back to the connection"</a>
        </PageHead>
        {content}
    }
}

fn none(is_active: bool, back: String) -> AnyView {
    let text = if is_active {
        "This system has no webhook address: Ringfort asks it, and it never calls Ringfort."
    } else {
        "The connection is revoked, and its address is closed for good."
    };
    view! {
        <Empty icon="plug" title="Nothing to enter".to_owned() text=text.to_owned()>
            <a class="btn btn-primary" href=back>"Back to the connection"</a>
        </Empty>
    }
    .into_any()
}

fn doors(base: &str) -> AnyView {
    let (voice, status, dial) = (format!("{base}/voice"), format!("{base}/status"), format!("{base}/dial"));
    view! {
        <div class="stack">
            <Notice tone=Tone::Info title="This look was written to the audit log">
                "Treat the addresses like a password: give them to your provider and to nobody else."
            </Notice>
            <Card title="When a call comes in">
                <div class="stack-tight">
                    <code class="secret">{voice}</code>
                    <p class="hint">
                        "In Twilio's console: Phone Numbers, Active numbers, your number, Voice Configuration. "
                        "At “A call comes in” choose Webhook, enter this address, and HTTP POST."
                    </p>
                </div>
            </Card>
            <Card title="When a call changes">
                <div class="stack-tight">
                    <code class="secret">{status}</code>
                    <p class="hint">
                        "On the same page, at “Call status changes”: enter this address, and HTTP POST."
                    </p>
                </div>
            </Card>
            <Card title="When the ringing is over">
                <div class="stack-tight">
                    <code class="secret">{dial}</code>
                    <p class="hint">
                        "Nothing to enter: Ringfort names this address to Twilio itself with every call. "
                        "It is here for a firewall or a proxy that must let it through."
                    </p>
                </div>
            </Card>
        </div>
    }
    .into_any()
}
