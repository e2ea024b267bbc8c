//! Leaving a business (ACC-10): everything that ends with a membership, in one button; and handing the business over, because
//! the last owner cannot leave.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    server::{http::flash::FormState, store::member::Member},
    ui::{
        actions::team::{HandOver, RemoveMember},
        parts::{Card, ConfirmField, ErrorSummary, Form, Notice, Submit, Tone},
    },
};

/// The button that ends a membership; for the last owner, what to do first.
pub(super) fn remove(member: &Member, is_last_owner: bool, form: FormState) -> AnyView {
    if is_last_owner {
        return view! {
            <Notice tone=Tone::Info title="The last owner cannot leave">
                "A business needs an owner. Open the page of somebody who works here and hand over to them first."
            </Notice>
        }
        .into_any();
    }
    let id = member.id.to_string();
    view! {
        <Card title="Remove from the business">
            <div class="stack">
                <p>
                    "At once: they are signed out here on every device, their programs too; their extensions go; \
                     invitations that they sent and nobody has used are withdrawn; wallboards that they shared end. What \
                     they did keeps their name. It cannot be undone: a removed address cannot be invited again."
                </p>
                <ErrorSummary problems=form.problems() />
                <Form action=RemoveMember::PATH.to_owned()>
                    <input type="hidden" name="id" value=id />
                    <ConfirmField word="remove" value=form.value("confirm", "") problem=form.problem("confirm") />
                    <Submit label="Remove" tone=Tone::Bad />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}

/// For an owner who looks at somebody who is none.
pub(super) fn hand_over(member: &Member, form: FormState) -> AnyView {
    let id = member.id.to_string();
    view! {
        <Card title="Hand over">
            <div class="stack">
                <p>
                    "Makes them an owner, with everything that you may do. You stay one too, until you take another role \
                     or leave."
                </p>
                <ErrorSummary problems=form.problems() />
                <Form action=HandOver::PATH.to_owned()>
                    <input type="hidden" name="id" value=id />
                    <ConfirmField
                        name="word"
                        word="owner"
                        value=form.value("word", "")
                        problem=form.problem("word")
                    />
                    <Submit label="Make them an owner" tone=Tone::Neutral />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}
