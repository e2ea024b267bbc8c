//! The card of one's passkeys (ACC-3): which there are, a form to add one, a form to remove one.

use leptos::{prelude::*, server_fn::ServerFn};

use super::super::text;
use crate::{
    model::factor::Factor,
    server::{
        http::{AppError, Cx, flash::FormState, passkey::REGISTER},
        services::factor::passkey::{self, NAME_LETTERS},
        store::lobby::Passkey,
    },
    ui::{
        actions::passkey::{AddPasskey, RemovePasskey},
        parts::{
            Asks, Card, ConfirmField, ErrorSummary, Form, Notice, PasskeyForm, SelectField, Submit, TextField, Tone,
        },
    },
};

/// What the card shows.
pub(super) struct Model {
    passkeys: Vec<Passkey>,
    zone: String,
    /// Whether this installation has a name that passkeys can belong to.
    pub(super) has_name: bool,
    add: FormState,
    remove: FormState,
}

pub(super) async fn load_card(cx: &Cx) -> Result<Model, AppError> {
    Ok(Model {
        passkeys: passkey::list(cx).await?,
        zone: cx.signed_in()?.zone.clone(),
        has_name: cx.app.passkeys().is_some(),
        add: cx.form::<AddPasskey>(),
        remove: cx.form::<RemovePasskey>(),
    })
}

/// What stands where passkeys would, on an installation without a name.
pub fn no_name() -> AnyView {
    view! {
        <Notice tone=Tone::Info title="Passkeys need a host name">
            "This installation is reached by an IP address, and browsers make and use no passkeys for one."
        </Notice>
    }
    .into_any()
}

pub(super) fn card(m: &Model) -> AnyView {
    let rows = m.passkeys.iter().map(|passkey| row(passkey, &m.zone)).collect_view();
    let list = (!m.passkeys.is_empty()).then(|| view! { <ul class="stack-tight">{rows}</ul> });
    let add = if m.has_name { add_form(&m.add) } else { no_name() };
    let remove = (!m.passkeys.is_empty()).then(|| remove_form(&m.passkeys, &m.remove));
    view! {
        <Card title=Factor::Passkey.label()>
            <div class="stack">
                <p>
                    "Your phone, your computer or a security key signs you in, after a look at your finger, your face or \
                     your PIN. It works at this address alone, so no false page can ask for it: the best choice there is."
                </p>
                {list}
                {add}
                {remove}
            </div>
        </Card>
    }
    .into_any()
}

fn row(passkey: &Passkey, zone: &str) -> AnyView {
    let (added, used) = (text::when(passkey.added_at, zone), text::when_or_dash(passkey.used_at, zone));
    view! {
        <li>
            <span class="cell-main">{passkey.name.clone()}</span>
            <span class="cell-note">"Added " {added}</span>
            <span class="cell-note">"Last used " {used}</span>
        </li>
    }
    .into_any()
}

fn add_form(form: &FormState) -> AnyView {
    let (problems, value, problem) = (form.problems(), form.value("name", ""), form.problem("name"));
    view! {
        <ErrorSummary problems=problems />
        <PasskeyForm
            action=AddPasskey::PATH.to_owned()
            asks=Asks::Register
            start=REGISTER
            label="Add a passkey"
        >
            <TextField
                name="name"
                label="Name of the passkey"
                hint="So that you know it later, like: work laptop. Your other sessions will end."
                autocomplete="off"
                maxlength=NAME_LETTERS
                value=value
                problem=problem
            />
        </PasskeyForm>
    }
    .into_any()
}

fn remove_form(passkeys: &[Passkey], form: &FormState) -> AnyView {
    let options: Vec<_> = passkeys.iter().map(|passkey| (passkey.id.to_string(), passkey.name.clone())).collect();
    let (problems, problem) = (form.problems(), form.problem("word"));
    let (chosen, typed) = (form.value("id", ""), form.value("word", ""));
    view! {
        <ErrorSummary problems=problems />
        <Form action=RemovePasskey::PATH.to_owned()>
            <SelectField
                name="id"
                label="Passkey to remove"
                options=options
                value=chosen
                hint="Delete it on your device too, or that goes on offering it. Your other sessions end."
            />
            <ConfirmField word="remove" name="word" value=typed problem=problem />
            <Submit label="Remove the passkey" tone=Tone::Bad />
        </Form>
    }
    .into_any()
}
