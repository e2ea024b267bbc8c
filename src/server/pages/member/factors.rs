//! Taking somebody's second factors away (ACC-3), for who has lost the phone and the recovery codes.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    server::{
        http::flash::FormState,
        services::factor::RESET_WORD,
        store::{lobby::FactorStanding, member::Member},
    },
    ui::{
        actions::team::ResetFactors,
        parts::{Card, ConfirmField, ErrorSummary, Form, Submit, Tone},
    },
};

/// The section of the page. For who has no second factor nothing but what was wrong with a form that came too late.
pub(super) fn section(member: &Member, standing: FactorStanding, form: FormState) -> AnyView {
    match standing {
        FactorStanding { has_factor: false, .. } => view! { <ErrorSummary problems=form.problems() /> }.into_any(),
        FactorStanding { is_elsewhere: true, .. } => out_of_reach(form),
        _ => reset(member, form),
    }
}

fn reset(member: &Member, form: FormState) -> AnyView {
    let id = member.id.to_string();
    view! {
        <Card title="Reset the second step of their sign-in">
            <div class="stack">
                <p>
                    "For somebody who has lost the phone and the recovery codes. Everything that their second step \
                     knows goes: apps, passkeys, numbers, codes by email, recovery codes. They are signed out on every \
                     device, their programs too, and are told by mail. Until they set a new one up, their password \
                     alone signs them in."
                </p>
                <p>
                    "First make sure that it is them who ask, by a call to a number that you know: a message can be \
                     anybody's."
                </p>
                <ErrorSummary problems=form.problems() />
                <Form action=ResetFactors::PATH.to_owned()>
                    <input type="hidden" name="id" value=id />
                    <ConfirmField
                        name="reset"
                        word=RESET_WORD
                        value=form.value("reset", "")
                        problem=form.problem("reset")
                    />
                    <Submit label="Reset the second step" tone=Tone::Bad />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}

/// Their account is theirs elsewhere too.
fn out_of_reach(form: FormState) -> AnyView {
    view! {
        <Card title="Reset the second step of their sign-in">
            <div class="stack">
                <ErrorSummary problems=form.problems() />
                <p>
                    "They belong to another business too, and their account is theirs there as well: no business alone \
                     can reset it."
                </p>
                <p>
                    "They can sign in with one of their recovery codes, or with another second step that they have set \
                     up. Without any of these, remove them here and invite another address of theirs."
                </p>
            </div>
        </Card>
    }
    .into_any()
}
