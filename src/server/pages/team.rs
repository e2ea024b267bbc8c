//! The people of a business, and who is invited (ACC-6, PER-5).

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::text;
use crate::{
    model::{
        permission::{Grants, Need, Permission, Reach, Role},
        profile::Profile,
        role::HeldRole,
    },
    server::{
        caller::SignedIn,
        http::{AppError, Cx, flash::FormState, render::Page},
        store::{self, invitation::Invitation, member::Member, role::CustomRole},
    },
    ui::{
        actions::team::{Invite, ResendInvitation, RevokeInvitation},
        parts::{Card, DataTable, ErrorSummary, Form, PageHead, SelectField, Submit, TextField},
    },
};

/// Who may open it.
pub const NEED: Need = Need::Holds(Permission::TeamRead);

/// Where a person's name leads: nowhere that would refuse who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    ToThem,
    ToTheirRights,
    Nowhere,
}

impl Leads {
    fn of(person: &SignedIn) -> Self {
        if person.passes(super::member::NEED) {
            Self::ToThem
        } else if person.passes(super::rights::NEED) {
            Self::ToTheirRights
        } else {
            Self::Nowhere
        }
    }
}

struct Model {
    zone: String,
    members: Vec<Member>,
    /// Whether rows lead to the person's page, or to what they may do.
    leads: Leads,
    /// For people who may invite.
    inviting: Option<Inviting>,
}

/// The open invitations, and the form for one more with the roles that it offers.
struct Inviting {
    open: Vec<Invitation>,
    form: FormState,
    /// What is wrong with the forms that are one button each.
    problems: Vec<(String, String)>,
    roles: Vec<(String, String)>,
}

/// The roles that somebody may hand out: the business's usual ones first, then the other built-in ones, then its own. Nobody
/// hands out what they lack.
pub(super) fn role_choices(mine: Grants, profile: Profile, own: &[CustomRole]) -> Vec<(String, String)> {
    let first = profile.roles_first();
    let others = Role::ALL.into_iter().filter(|role| !first.contains(role));
    let built_in = first.iter().copied().chain(others).map(HeldRole::built_in);
    built_in
        .chain(own.iter().map(CustomRole::held))
        .filter(|role| mine.covers(role.grants))
        .map(|role| (role.code(), role.label().to_owned()))
        .collect()
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let invites = person.grants.reach(Permission::TeamInvite) == Reach::All;
    let mut tx = cx.tx().await?;
    let members = store::member::list(&mut tx).await?;
    let inviting = if invites {
        let open = store::invitation::open(&mut tx).await?;
        let own = store::role::list(&mut tx).await?;
        let roles = role_choices(person.grants, person.profile, &own);
        let buttons = [cx.form::<ResendInvitation>(), cx.form::<RevokeInvitation>()];
        let problems = buttons.iter().flat_map(FormState::problems).collect();
        Some(Inviting { open, form: cx.form::<Invite>(), problems, roles })
    } else {
        None
    };
    tx.commit().await?;
    Ok(Model { zone: person.zone.clone(), members, leads: Leads::of(person), inviting })
}

/// `GET /team`
///
/// # Errors
/// Refused without the right.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Team").show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    let lede = match m.members.len() {
        1 => "One person works here.".to_owned(),
        many => format!("{many} people work here."),
    };
    let rows = m.members.iter().map(|member| row(member, m.leads, &m.zone)).collect_view();
    let inviting = m.inviting.map(|inviting| {
        view! {
            <ErrorSummary problems=inviting.problems />
            {invitations(&inviting.open, &m.zone)}
            {invite(inviting.form, inviting.roles)}
        }
    });
    view! {
        <PageHead title="Team".to_owned() lede=lede />
        <div class="stack">
            <DataTable
                caption="People, by name".to_owned()
                head=vec![("Name", ""), ("Email address", ""), ("Role", ""), ("Joined", "")]
            >
                {rows}
            </DataTable>
            {inviting}
        </div>
    }
    .into_any()
}

fn row(member: &Member, leads: Leads, zone: &str) -> AnyView {
    let name = member.name.reveal().to_owned();
    let href = match leads {
        Leads::ToThem => Some(format!("/team/{}", member.id)),
        Leads::ToTheirRights => Some(format!("/team/{}/rights", member.id)),
        Leads::Nowhere => None,
    };
    let name = match href {
        Some(href) => view! { <a class="link" href=href>{name}</a> }.into_any(),
        None => name.into_any(),
    };
    view! {
        <tr>
            <td>{name}</td>
            <td>{member.email.reveal().to_owned()}</td>
            <td>{member.role.label().to_owned()}</td>
            <td class="nowrap">{text::day(member.joined_at, zone)}</td>
        </tr>
    }
    .into_any()
}

/// The open invitations; nothing when there are none.
fn invitations(open: &[Invitation], zone: &str) -> Option<AnyView> {
    if open.is_empty() {
        return None;
    }
    let rows = open.iter().map(|invitation| invitation_row(invitation, zone)).collect_view();
    let table = view! {
        <section class="stack-tight">
            <h2 class="section-title">"Open invitations"</h2>
            <DataTable
                caption="Open invitations, newest first".to_owned()
                head=vec![("Email address", ""), ("Role", ""), ("Sent", ""), ("Good until", ""), ("", "actions")]
            >
                {rows}
            </DataTable>
        </section>
    };
    Some(table.into_any())
}

fn invitation_row(invitation: &Invitation, zone: &str) -> AnyView {
    let email = invitation.email.reveal().to_owned();
    let whose = format!(" the invitation of {email}");
    view! {
        <tr>
            <td>{email}</td>
            <td>{invitation.role.label().to_owned()}</td>
            <td class="nowrap">{text::when(invitation.created_at, zone)}</td>
            <td class="nowrap">{text::when(invitation.expires_at, zone)}</td>
            <td class="actions">
                <div class="row">
                    <form method="post" action=ResendInvitation::PATH>
                        <input type="hidden" name="id" value=invitation.id.to_string() />
                        <button class="btn btn-quiet btn-small" type="submit">
                            "Send again"
                            <span class="sr-only">{whose.clone()}</span>
                        </button>
                    </form>
                    <form method="post" action=RevokeInvitation::PATH>
                        <input type="hidden" name="id" value=invitation.id.to_string() />
                        <button class="btn btn-quiet btn-small" type="submit">
                            "Withdraw"
                            <span class="sr-only">{whose}</span>
                        </button>
                    </form>
                </div>
            </td>
        </tr>
    }
    .into_any()
}

fn invite(form: FormState, roles: Vec<(String, String)>) -> AnyView {
    view! {
        <Card title="Invite somebody">
            <div class="stack">
                <ErrorSummary problems=form.problems() />
                <Form action=Invite::PATH.to_owned()>
                    <TextField
                        name="email"
                        label="Email address"
                        kind="email"
                        hint="They get a link that is good for seven days."
                        autocomplete="off"
                        maxlength=254
                        value=form.value("email", "")
                        problem=form.problem("email")
                    />
                    <SelectField
                        name="role"
                        label="Role"
                        options=roles
                        hint="You can hand out what you hold yourself."
                        value=form.value("role", "")
                        problem=form.problem("role")
                    />
                    <Submit label="Send the invitation" />
                </Form>
                <p>
                    <a class="link" href="/team/import">"Invite many from a list"</a>
                </p>
            </div>
        </Card>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_roles_come_first_and_none_is_above_ones_own() {
        let codes = |mine: Role, profile| {
            role_choices(mine.grants(), profile, &[]).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
        };
        let owner = codes(Role::Owner, Profile::FieldService);
        assert_eq!(owner.len(), Role::ALL.len());
        assert_eq!(owner.first().map(String::as_str), Some("dispatcher"));
        let manager = codes(Role::Manager, Profile::FieldService);
        assert!(!manager.iter().any(|code| code == "owner" || code == "admin" || code == "auditor"));
    }
}
