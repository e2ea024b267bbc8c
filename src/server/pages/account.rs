//! One's own account: who one is here, and what one may do.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::member_phone;
use crate::{
    model::permission::{Grants, Group, Need, Permission, Reach},
    server::{
        caller::SignedIn,
        http::{AppError, Cx, render::Page},
        services::identity,
        store::session::{ABSOLUTE_SECONDS, IDLE_SECONDS},
    },
    ui::{
        actions::account::SignOut,
        parts::{Card, Facts, Form, Icon, PageHead, Submit, Tone},
    },
};

/// Who may open it.
pub const NEED: Need = Need::SignedIn;

/// `GET /account`
///
/// # Errors
/// Nobody is signed in.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let person = cx.signed_in()?;
    let provider = identity::name(&cx);
    Ok(Page::new("Your account").show(&cx, || view(person, provider.as_deref())))
}

/// A group of the matrix, with the rows that somebody holds.
type Held = (Group, Vec<(&'static str, Reach)>);

/// What somebody holds, in the order of the matrix.
fn held(grants: Grants) -> Vec<Held> {
    let mut groups: Vec<Held> = Vec::new();
    for (row, reach) in grants.held() {
        match groups.last_mut() {
            Some((group, rows)) if *group == row.group => rows.push((row.label, reach)),
            _ => groups.push((row.group, vec![(row.label, reach)])),
        }
    }
    groups
}

fn view(person: &SignedIn, provider: Option<&str>) -> AnyView {
    let linked = provider.map(linked);
    let phone = phone(person);
    let facts = vec![
        ("Name".to_owned(), person.name.reveal().to_owned().into_any()),
        ("Email address".to_owned(), person.email.reveal().to_owned().into_any()),
        ("Business".to_owned(), person.business_name.clone().into_any()),
        ("Your role there".to_owned(), person.held.label().to_owned().into_any()),
        ("Its time zone".to_owned(), person.zone.clone().into_any()),
    ];
    let (idle, absolute) = (IDLE_SECONDS / 60, ABSOLUTE_SECONDS / 3600);
    let ends =
        format!("It ends by itself after {idle} minutes without a click, and after {absolute} hours in any case.");
    let groups = held(person.grants).into_iter().map(group).collect_view();
    view! {
        <PageHead title="Your account".to_owned() lede="Who you are here, and what your role may do.">
            <a class="btn btn-quiet" href="/account/sessions">"Sessions and devices"</a>
            <a class="btn btn-quiet" href="/switch">"Switch business"</a>
        </PageHead>
        <div class="stack">
            <Card title="You">
                <Facts items=facts />
            </Card>
            <Card title="Security">
                <ul class="stack-tight">
                    <li><a class="link" href="/account/two-factor">"Two-factor sign-in"</a></li>
                    <li><a class="link" href="/account/sessions">"Sessions and devices"</a></li>
                    <li><a class="link" href="/account/password">"Password"</a></li>
                    {linked}
                    {phone}
                </ul>
            </Card>
            <Card title="What your role may do">
                <div class="stack">
                    <p class="subtle">
                        "Everything that is not listed is denied. The owner of your business gives out roles."
                    </p>
                    <div class="grid-3">{groups}</div>
                </div>
            </Card>
            <Card title="This session">
                <div class="stack-tight">
                    <p class="subtle">{ends}</p>
                    <Form action=SignOut::PATH.to_owned()>
                        <Submit label="Sign out" tone=Tone::Neutral />
                    </Form>
                </div>
            </Card>
        </div>
    }
    .into_any()
}

/// The way to where masked calls reach them, for technicians.
fn phone(person: &SignedIn) -> Option<AnyView> {
    let has_one = person.passes(member_phone::NEED) && person.grants.holds(Permission::PositionsSend);
    has_one.then(|| view! { <li><a class="link" href="/account/phone">"Phone for masked calls"</a></li> }.into_any())
}

/// The way to the account of another provider.
fn linked(provider: &str) -> AnyView {
    let label = format!("{provider} account");
    view! { <li><a class="link" href=identity::PATH>{label}</a></li> }.into_any()
}

fn group((group, rows): Held) -> AnyView {
    let rows = rows
        .into_iter()
        .map(|(label, reach)| {
            let (class, icon, note) = match reach {
                Reach::All => ("mark mark-yes", "check", "Allowed"),
                Reach::Own => ("mark mark-own", "half", "Own only"),
                Reach::None => ("mark mark-no", "minus", "Denied"),
            };
            view! {
                <li class="toolbar">
                    <span>{label}</span>
                    <span class=class>
                        <Icon name=icon />
                        {note}
                    </span>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="stack-tight">
            <h3 class="section-title">{group.label()}</h3>
            <ul class="stack-tight">{rows}</ul>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::permission::{Role, TABLE};

    #[test]
    fn a_viewer_sees_insight_only_and_an_owner_everything() {
        let viewer = held(Role::Viewer.grants());
        assert_eq!(viewer.len(), 1);
        assert_eq!(viewer.first().map(|(group, _)| *group), Some(Group::Insight));
        // But to send one's own position: owners drive nowhere.
        let all = held(Role::Owner.grants()).iter().map(|(_, rows)| rows.len()).sum::<usize>();
        assert_eq!(all, TABLE.len() - 1);
    }
}
