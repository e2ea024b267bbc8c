//! What a supervisor may do with a running call, on the call's page. Nothing is offered that the provider cannot do: then it
//! says why.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    model::{
        id::CallId,
        permission::{Need, Permission},
    },
    server::{
        http::{AppError, Cx, flash::FormState},
        providers::{Control, Telephony, telephony},
        store::{self, call::Desk, call_log::Line},
    },
    ui::{
        actions::calls::{HangUpCall, MuteCall, TransferCall},
        parts::{Card, ConfirmField, Form, SelectField, Submit, Tone},
    },
};

/// Who may.
const NEED: Need = Need::Holds(Permission::CallsSupervise);

/// What can be done, and with whom.
pub struct Controls {
    id: CallId,
    provider: &'static dyn Telephony,
    desks: Vec<Desk>,
    transfer: FormState,
    hang_up: FormState,
}

/// What the reader may do with this call; nothing when it is over, or not for them.
///
/// # Errors
/// The database cannot be reached.
pub async fn load(cx: &Cx, line: &Line) -> Result<Option<Controls>, AppError> {
    if !cx.signed_in()?.passes(NEED) || line.ended_at.is_some() {
        return Ok(None);
    }
    let mut tx = cx.tx().await?;
    let code = store::call::provider(&mut tx, line.id).await?;
    let desks = store::call::desks(&mut tx).await?;
    tx.commit().await?;
    Ok(code.as_deref().and_then(telephony).map(|provider| Controls {
        id: line.id,
        provider,
        desks,
        transfer: cx.form::<TransferCall>(),
        hang_up: cx.form::<HangUpCall>(),
    }))
}

/// Why something was not done, also when the call has ended by then and there is no card any more, and no field to lead to.
#[must_use]
pub fn problems(cx: &Cx, has_card: bool) -> Vec<(String, String)> {
    let forms = [cx.form::<TransferCall>(), cx.form::<MuteCall>(), cx.form::<HangUpCall>()];
    let all = forms.iter().flat_map(FormState::problems);
    all.map(|(field, text)| (if has_card { field } else { String::new() }, text)).collect()
}

/// The card.
#[must_use]
pub fn view(c: Controls) -> AnyView {
    let id = c.id.to_string();
    let transfer = match c.provider.can(Control::Transfer) {
        Ok(()) => transfer(id.clone(), c.desks, c.transfer),
        Err(why) => cannot("Nothing to transfer with.", why),
    };
    let mute = match c.provider.can(Control::Mute) {
        Ok(()) => mute(id.clone()),
        Err(why) => cannot("Muting is not possible here.", why),
    };
    let hang_up = match c.provider.can(Control::HangUp) {
        Ok(()) => hang_up(id, c.hang_up),
        Err(why) => cannot("Ending is not possible here.", why),
    };
    view! {
        <Card title="Take over">
            <div class="stack">{transfer} {mute} {hang_up}</div>
        </Card>
    }
    .into_any()
}

fn cannot(what: &'static str, why: &'static str) -> AnyView {
    view! { <p class="subtle">{what}" "{why}</p> }.into_any()
}

fn transfer(id: String, desks: Vec<Desk>, form: FormState) -> AnyView {
    if desks.is_empty() {
        return view! { <p class="subtle">"There is no desk to transfer to."</p> }.into_any();
    }
    let option = |desk: Desk| (desk.id.to_string(), format!("{} · {}", desk.member_name, desk.extension));
    let options: Vec<(String, String)> = desks.into_iter().map(option).collect();
    view! {
        <Form action=TransferCall::PATH.to_owned()>
            <input type="hidden" name="id" value=id />
            <SelectField
                name="target"
                label="Transfer to"
                options=options
                value=form.value("target", "")
                hint="Whoever has the call now leaves it; the customer hears the desk ring."
            />
            <Submit label="Transfer" tone=Tone::Neutral />
        </Form>
    }
    .into_any()
}

fn mute(id: String) -> AnyView {
    view! {
        <Form action=MuteCall::PATH.to_owned()>
            <input type="hidden" name="id" value=id />
            <Submit label="Mute our side" tone=Tone::Neutral />
        </Form>
    }
    .into_any()
}

fn hang_up(id: String, form: FormState) -> AnyView {
    view! {
        <Form action=HangUpCall::PATH.to_owned()>
            <input type="hidden" name="id" value=id />
            <ConfirmField word="end" value=form.value("confirm", "") problem=form.problem("confirm") />
            <Submit label="End the call for everybody" tone=Tone::Bad />
        </Form>
    }
    .into_any()
}
