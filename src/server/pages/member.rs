//! One person of the team: another role, the end of their sessions (ACC-5), locks (ACC-4) or second factors (ACC-3), or
//! of their membership (PER-5, ACC-10).

use axum::{extract::Path, response::Response};
use leptos::{prelude::*, server_fn::ServerFn};

use super::{team::role_choices, text};
use crate::{
    model::{
        id::MemberId,
        permission::{Need, Permission, Role},
    },
    server::{
        http::{AppError, Cx, action::id_of, flash::FormState, render::Page},
        services::lockout,
        store::{
            self,
            lobby::{FactorStanding, LockState},
            member::Member,
        },
    },
    ui::{
        actions::{
            device::EndMemberSessions,
            team::{HandOver, RemoveMember, ResetFactors, SetRole},
        },
        parts::{Card, ErrorSummary, Facts, Form, Notice, PageHead, SelectField, Submit, Tone},
    },
};

mod factors;
mod leave;
mod lock;

/// Who may open it.
pub const NEED: Need = Need::Holds(Permission::TeamManage);

#[expect(clippy::struct_excessive_bools, reason = "what is drawn, each on its own")]
struct Model {
    zone: String,
    member: Member,
    is_me: bool,
    lock: LockState,
    factors: FactorStanding,
    /// The roles to choose from; absent when the person holds more than who looks.
    roles: Option<Vec<(String, String)>>,
    is_last_owner: bool,
    /// Whether who looks may see what they may do, and why.
    sees_rights: bool,
    /// Whether who looks may hand the business over to them.
    may_hand_over: bool,
    role_form: FormState,
    remove_form: FormState,
    factors_form: FormState,
    hand_over_form: FormState,
}

async fn load(cx: &Cx, id: &str) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let id: MemberId = id_of(id)?;
    let mut tx = cx.tx().await?;
    let member = store::member::get(&mut tx, id).await?;
    let factors = store::lobby::factor_standing(&mut tx, id).await?;
    let owners = store::member::list(&mut tx).await?.iter().filter(|other| other.role.is(Role::Owner)).count();
    let own = store::role::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Model {
        zone: person.zone.clone(),
        is_me: person.member == id,
        lock: lockout::state_of(cx, id).await?,
        factors,
        roles: person.grants.covers(member.role.grants).then(|| role_choices(person.grants, person.profile, &own)),
        is_last_owner: member.role.is(Role::Owner) && owners == 1,
        sees_rights: person.passes(super::rights::NEED),
        may_hand_over: person.is_owner() && !member.role.is(Role::Owner),
        role_form: cx.form::<SetRole>(),
        remove_form: cx.form::<RemoveMember>(),
        factors_form: cx.form::<ResetFactors>(),
        hand_over_form: cx.form::<HandOver>(),
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
        ("Role".to_owned(), m.member.role.label().to_owned().into_any()),
        ("Joined".to_owned(), text::day(m.member.joined_at, &m.zone)),
    ];
    let me = m.is_me.then(|| {
        view! { <Notice tone=Tone::Info>"This is you. Another role, or leaving, counts from your next click."</Notice> }
    });
    let rights = m.sees_rights.then(|| {
        let href = format!("/team/{}/rights", m.member.id);
        view! { <a class="btn btn-quiet" href=href>"What they may do, and why"</a> }
    });
    let locked = lock::section(m.member.id, m.lock, m.roles.is_some(), &m.zone);
    let forms = if let Some(roles) = m.roles {
        // One's own have a page of their own, which leaves the one in use alone.
        let sessions = (!m.is_me).then(|| end_sessions(&m.member));
        let factors = (!m.is_me).then(|| factors::section(&m.member, m.factors, m.factors_form));
        let hand_over = m.may_hand_over.then(|| leave::hand_over(&m.member, m.hand_over_form));
        view! {
            {change(&m.member, m.role_form, roles)}
            {sessions}
            {factors}
            {hand_over}
            {leave::remove(&m.member, m.is_last_owner, m.remove_form)}
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
        <PageHead title=name>{rights}</PageHead>
        <div class="stack">
            {me}
            <Card>
                <Facts items=facts />
            </Card>
            {locked}
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
                        value=form.value("role", &now)
                        problem=form.problem("role")
                    />
                    <Submit label="Change the role" />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}

fn end_sessions(member: &Member) -> AnyView {
    let id = member.id.to_string();
    view! {
        <Card title="Sessions">
            <div class="stack">
                <p>
                    "Signs them out of this business on every device, at once: for a lost phone, or a device that \
                     nobody knows. They can sign in again. Where they belong to another business too, they stay signed \
                     in there."
                </p>
                <Form action=EndMemberSessions::PATH.to_owned()>
                    <input type="hidden" name="id" value=id />
                    <Submit label="End all sessions of this person" tone=Tone::Neutral />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}
