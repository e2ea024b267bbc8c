//! One person of the team: another role, or the end of their membership (PER-5).

use axum::{extract::Path, response::Response};
use leptos::{prelude::*, server_fn::ServerFn};

use super::{team::role_choices, text};
use crate::{
    model::{
        id::MemberId,
        permission::{Need, Permission},
    },
    server::{
        http::{AppError, Cx, action::id_of, flash::FormState, render::Page},
        store::{self, member::Member},
    },
    ui::{
        actions::team::{RemoveMember, SetRole},
        parts::{Card, ErrorSummary, Facts, Form, Notice, PageHead, SelectField, Submit, TextField, Tone},
    },
};

/// Who may open it.
pub const NEED: Need = Need::Holds(Permission::TeamManage);

struct Model {
    zone: String,
    member: Member,
    is_me: bool,
    /// The roles to choose from; absent when the person holds more than who looks.
    roles: Option<Vec<(String, String)>>,
    role_form: FormState,
    remove_form: FormState,
}

async fn load(cx: &Cx, id: &str) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let id: MemberId = id_of(id)?;
    let mut tx = cx.tx().await?;
    let member = store::member::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Model {
        zone: person.zone.clone(),
        is_me: person.member == id,
        roles: person.role.covers(member.role).then(|| role_choices(person.role, person.profile)),
        role_form: cx.form::<SetRole>(),
        remove_form: cx.form::<RemoveMember>(),
        member,
    })
}

/// `GET /team/{id}`
///
/// # Errors
/// Missing when it is nobody of this business; refused without the right.
pub async fn page(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let model = load(&cx, &id).await?;
    let title = model.member.name.reveal().to_owned();
    Ok(Page::new(title).under("Team", "/team").show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    let name = m.member.name.reveal().to_owned();
    let facts = vec![
        ("Email address".to_owned(), m.member.email.reveal().to_owned().into_any()),
        ("Role".to_owned(), m.member.role.label().into_any()),
        ("Joined".to_owned(), text::when(m.member.joined_at, &m.zone)),
    ];
    let me = m.is_me.then(|| {
        view! { <Notice tone=Tone::Info>"This is you. Another role, or leaving, counts from your next click."</Notice> }
    });
    let forms = if let Some(roles) = m.roles {
        view! {
            {change(&m.member, m.role_form, roles)}
            {remove(&m.member, m.remove_form)}
        }
        .into_any()
    } else {
        view! {
            <Notice tone=Tone::Info title="This person holds more than you do">
                "An owner can change their role or remove them."
            </Notice>
        }
        .into_any()
    };
    view! {
        <PageHead title=name />
        <div class="stack">
            {me}
            <Card>
                <Facts items=facts />
            </Card>
            {forms}
        </div>
    }
    .into_any()
}

fn change(member: &Member, form: FormState, roles: Vec<(String, String)>) -> AnyView {
    let (id, now) = (member.id.to_string(), member.role.code());
    view! {
        <Card title="Role">
            <div class="stack">
                <ErrorSummary problems=form.problems() />
                <Form action=SetRole::PATH.to_owned()>
                    <input type="hidden" name="id" value=id />
                    <SelectField
                        name="role"
                        label="New role"
                        options=roles
                        hint="It counts from their next click."
                        value=form.value("role", now)
                        problem=form.problem("role")
                    />
                    <Submit label="Change the role" />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}

fn remove(member: &Member, form: FormState) -> AnyView {
    let id = member.id.to_string();
    view! {
        <Card title="Remove from the business">
            <div class="stack">
                <p>
                    "Their extensions go and they are signed out here. What they did keeps their name. It cannot be \
                     undone: a removed address cannot be invited again."
                </p>
                <ErrorSummary problems=form.problems() />
                <Form action=RemoveMember::PATH.to_owned()>
                    <input type="hidden" name="id" value=id />
                    <TextField
                        name="confirm"
                        label="Type remove to confirm"
                        autocomplete="off"
                        maxlength=20
                        problem=form.problem("confirm")
                    />
                    <Submit label="Remove" tone=Tone::Bad />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}
