//! What can be done with a role: copying it, changing the copy, and viewing the product as it.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{Model, Shown};
use crate::{
    model::role::HeldRole,
    ui::{
        actions::role::{CopyRole, ViewAsRole},
        parts::{Card, Form, SelectField, Submit, TextField, Tone},
    },
};

/// The forms under the table, for who may use them.
pub(super) fn forms(m: &Model) -> Option<AnyView> {
    match &m.shown {
        Shown::All if m.may_make => Some(make(m)),
        Shown::One(role) => Some(of(m, role)),
        _ => None,
    }
}

/// A copy of whichever role one chooses. Nobody copies who holds more than they do.
fn make(m: &Model) -> AnyView {
    let copied = m.roles.iter().filter(|role| m.mine.covers(role.grants));
    let options: Vec<_> = copied.map(|role| (role.code(), role.label().to_owned())).collect();
    let (value, problem, name) = (m.copy.value("of", "agent"), m.copy.problem("of"), name(m));
    view! {
        <Card title="Make a role of your own">
            <Form action=CopyRole::PATH.to_owned()>
                <SelectField
                    name="of"
                    label="Copy"
                    options=options
                    hint="The copy may do the same, until you change it. It goes on following the rule for a second factor."
                    value=value
                    problem=problem
                />
                {name}
                <Submit label="Copy to a custom role" />
            </Form>
        </Card>
    }
    .into_any()
}

fn name(m: &Model) -> AnyView {
    view! {
        <TextField
            name="name"
            label="Name of the copy"
            autocomplete="off"
            maxlength=40
            value=m.copy.value("name", "")
            problem=m.copy.problem("name")
        />
    }
    .into_any()
}

/// What can be done with one role.
fn of(m: &Model, role: &HeldRole) -> AnyView {
    let (id, label) = (role.role.custom(), role.label().to_owned());
    let base = id.map(|_| {
        let text =
            format!("A role of this business. For a second factor it follows the rule of {}.", role.base.label());
        view! { <p class="subtle">{text}</p> }
    });
    let change = id.filter(|_| m.may_make).map(|id| {
        view! { <p><a class="link" href=format!("/roles/{id}")>"Change or delete this role"</a></p> }
    });
    let look = m.may_view.then(|| look(role));
    let copy = (m.may_make && m.mine.covers(role.grants)).then(|| {
        let (code, name) = (role.code(), name(m));
        view! {
            <Form action=CopyRole::PATH.to_owned()>
                <input type="hidden" name="of" value=code />
                {name}
                <Submit label="Copy to a custom role" tone=Tone::Neutral />
            </Form>
        }
    });
    view! {
        <Card title=label>
            <div class="stack">
                {base}
                {change}
                {look}
                {copy}
            </div>
        </Card>
    }
    .into_any()
}

fn look(role: &HeldRole) -> AnyView {
    let button = format!("View as {}", role.label());
    view! {
        <form class="stack-tight" method="post" action=ViewAsRole::PATH>
            <input type="hidden" name="role" value=role.code() />
            <p class="subtle">
                "You see and do what this role may, as far as you may do it yourself, until you stop. It is written to the audit log."
            </p>
            <p><button class="btn btn-quiet" type="submit">{button}</button></p>
        </form>
    }
    .into_any()
}
