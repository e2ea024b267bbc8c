//! One's account of another provider, which signs one in (ACC-6): linking it and taking the link away. Linking needs a
//! proof of both: the page asks again who one is, and the provider is asked who one is there.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::{cells::fact, text};
use crate::{
    model::permission::Need,
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        services::identity,
        store::lobby::Identity,
    },
    ui::{
        actions::oidc::{StartOidcLink, UnlinkOidc},
        parts::{Badge, Card, ErrorSummary, Facts, Form, PageHead, Submit, Tone},
    },
};

/// Who may open it: everybody has an account.
pub const NEED: Need = Need::SignedIn;

struct Model {
    provider: String,
    zone: String,
    linked: Option<Identity>,
    problems: Vec<(String, String)>,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let forms = [cx.form::<StartOidcLink>(), cx.form::<UnlinkOidc>()];
    Ok(Model {
        provider: identity::name(cx).ok_or(AppError::Missing)?,
        zone: cx.signed_in()?.zone.clone(),
        linked: identity::linked(cx).await?,
        problems: forms.iter().flat_map(FormState::problems).collect(),
    })
}

/// `GET /account/linked`
///
/// # Errors
/// Missing when there is no provider; nobody is signed in; the database cannot be reached.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Linked account").under("Your account", "/account").show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    let lede = format!("With a linked {} account you sign in here without your password.", m.provider);
    let content = match m.linked {
        Some(identity) => linked(identity, &m.zone, &m.provider),
        None => unlinked(&m.provider),
    };
    view! {
        <PageHead title="Linked account".to_owned() lede=lede />
        <div class="stack">
            <ErrorSummary problems=m.problems />
            <Card title=m.provider>{content}</Card>
        </div>
    }
    .into_any()
}

fn linked(identity: Identity, zone: &str, provider: &str) -> AnyView {
    let state = view! { <Badge tone=Tone::Good icon="check" text="Linked".to_owned() /> };
    let items = vec![
        fact("State", state),
        fact("Linked since", text::when(identity.added, zone)),
        fact("Last used", text::when_or_dash(identity.used, zone)),
    ];
    let without = format!(
        "Without the link you sign in with your password or a mailed link. Your {provider} account itself stays as it is."
    );
    view! {
        <div class="stack">
            <Facts items=items />
            <Form action=UnlinkOidc::PATH.to_owned()>
                <Submit label="Unlink" tone=Tone::Bad />
                <p class="hint">{without} " Your other sessions end."</p>
            </Form>
        </div>
    }
    .into_any()
}

fn unlinked(provider: &str) -> AnyView {
    let state = view! { <Badge tone=Tone::Neutral icon="minus" text="Not linked".to_owned() /> };
    let explains = format!(
        "{provider} asks you there who you are, and tells us. A second factor is asked for as with your password. Whoever \
         gets into your {provider} account gets as far here: protect it well."
    );
    let label = format!("Link a {provider} account");
    view! {
        <div class="stack">
            <Facts items=vec![fact("State", state)] />
            <p>{explains}</p>
            <Form action=StartOidcLink::PATH.to_owned()>
                <button class=Tone::Accent.button() type="submit">{label}</button>
                <p class="hint">"Your other sessions end."</p>
            </Form>
        </div>
    }
    .into_any()
}
