//! One's own phone for masked calls (TEL-7): a technician says where customers reach them, and may take it back.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    model::{
        permission::{Need, Permission},
        phone::Phone,
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        store,
    },
    ui::{
        actions::masked_call::{RemoveOwnPhone, SaveOwnPhone},
        parts::{Card, ErrorSummary, Form, PageHead, Submit, TextField, Tone},
    },
};

/// Who may open it: who works on jobs, and so may have one of their own.
pub const NEED: Need = Need::Holds(Permission::WorkOrders);

struct Model {
    phone: Option<Phone>,
    form: FormState,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let mut tx = cx.tx().await?;
    let phone = store::member_phone::own(&mut tx).await?;
    tx.commit().await?;
    Ok(Model { phone, form: cx.form::<SaveOwnPhone>() })
}

/// `GET /account/phone`
///
/// # Errors
/// Refused without `work_orders`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Phone for masked calls").under("Your account", "/account").show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let now = m.phone.as_ref().map(present);
    let label = if m.phone.is_some() { "Change" } else { "Save" };
    let form = m.form;
    view! {
        <PageHead
            title="Phone for masked calls".to_owned()
            lede="Customers call a number of your business, and it rings here. Neither of you sees the other's number."
        />
        <div class="stack">
            {now}
            <Card title="Your phone">
                <Form action=SaveOwnPhone::PATH.to_owned()>
                    <ErrorSummary problems=form.problems() />
                    <TextField
                        name="own_phone"
                        label="Your phone"
                        kind="tel"
                        value=form.value("own_phone", "")
                        problem=form.problem("own_phone")
                        hint="With its country code, like +14155550100. Call customers from this phone: it is how you are known."
                        autocomplete="tel"
                        maxlength=24
                    />
                    <Submit label=label />
                </Form>
            </Card>
        </div>
    }
}

fn present(phone: &Phone) -> AnyView {
    let masked = phone.masked().to_string();
    view! {
        <Card title="In use">
            <div class="stack">
                <p>
                    "Calls reach you at "
                    <span class="mono">{masked}</span>
                    ". Nobody in your business is shown more of it on any page."
                </p>
                <Form action=RemoveOwnPhone::PATH.to_owned()>
                    <Submit label="Forget this number" tone=Tone::Neutral />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}
