//! One access review (ACC-10): person by person while it is open, and its signed record when it is closed.

use std::collections::HashMap;

use axum::{extract::Path, response::Response};
use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    cells::{fact, mono},
    reviews::{self, DECIDE_NEED},
    team::role_choices,
    text,
};
use crate::{
    model::{
        id::{MemberId, ReviewId},
        permission::{Need, Permission, Reach},
    },
    server::{
        http::{AppError, Cx, action::id_of, flash::FormState, render::Page},
        kit::At,
        services::review::record,
        store::{
            self,
            lobby::Seen,
            review::{Item, Review},
        },
    },
    ui::{
        actions::review::{CloseReview, DecideReview},
        parts::{Badge, Card, DataTable, ErrorSummary, Facts, Form, PageHead, Submit, Tone},
    },
};

mod rows;

/// Who may open it.
pub const NEED: Need = reviews::NEED;

struct Model {
    zone: String,
    now: At,
    review: Review,
    items: Vec<Item>,
    seen: HashMap<MemberId, Seen>,
    /// Who looks, and the roles that they can hand out, when they may decide.
    decider: Option<rows::Decider>,
    /// Of a closed one: all decisions as they were signed, and whether they still are.
    record: Option<(String, bool)>,
    decide: FormState,
    close: FormState,
}

async fn load(cx: &Cx, id: ReviewId) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let mut tx = cx.tx().await?;
    let review = store::review::get(&mut tx, id).await?;
    let items = store::review::items(&mut tx, id).await?;
    let seen = store::lobby::members_seen(&mut tx).await?;
    let decides = person.passes(DECIDE_NEED) && review.closed_at.is_none();
    // Who only keeps the evidence may not see roles.
    let own = if decides { store::role::list(&mut tx).await? } else { Vec::new() };
    tx.commit().await?;
    let business = person.caller.business;
    let record = match &review.record {
        Some(stored) => {
            let genuine = record::is_genuine(cx.app.vault(), business, id, &items, stored)?;
            Some((record::text(business, id, &items)?, genuine))
        }
        None => None,
    };
    let others =
        items.iter().filter(|i| i.is_active && i.role_now.grants.reach(Permission::TeamManage) == Reach::All).count();
    Ok(Model {
        zone: person.zone.clone(),
        now: cx.visitor.now,
        decider: decides.then(|| rows::Decider {
            member: person.member,
            grants: person.grants,
            roles: role_choices(person.grants, person.profile, &own),
            alone: others <= 1,
        }),
        review,
        items,
        seen,
        record,
        decide: cx.form::<DecideReview>(),
        close: cx.form::<CloseReview>(),
    })
}

/// `GET /reviews/{id}`
///
/// # Errors
/// Missing when it is not this business's; refused without `team.manage` or `audit.read`.
pub async fn page(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let model = load(&cx, id_of(&id)?).await?;
    Ok(Page::new("Access review").under("Access reviews", "/reviews").show(&cx, || view(&model)))
}

fn view(m: &Model) -> AnyView {
    let lede = if m.review.closed_at.is_some() {
        "Who had access, and what was decided. Nobody can change it any more."
    } else {
        "Say of each person whether they keep their access. What you decide is done at once."
    };
    // The fields stand in the rows, many times over: a problem leads to none of them.
    let problems = m.decide.problems().into_iter().chain(m.close.problems()).map(|(_, text)| (String::new(), text));
    let people = people(m);
    let facts = facts(&m.review, m.now, &m.zone);
    let problems: Vec<_> = problems.collect();
    let close = (m.decider.is_some() && m.review.decided == m.review.people).then(|| close(m.review.id));
    let record = m.record.as_ref().map(|(text, genuine)| record_card(&m.review, text, *genuine));
    view! {
        <PageHead title="Access review".to_owned() lede=lede />
        <div class="stack">
            <ErrorSummary problems=problems />
            <Card>
                <Facts items=facts />
            </Card>
            {people}
            {close}
            {record}
        </div>
    }
    .into_any()
}

fn facts(r: &Review, now: At, zone: &str) -> Vec<(String, AnyView)> {
    let mut items = vec![
        fact("State", reviews::state(r, now)),
        fact("Opened", text::when(r.opened_at, zone)),
        fact("Opened by", r.opened_by.clone().unwrap_or_else(|| "The clock".to_owned())),
        fact("Due", text::when(r.due_at, zone)),
        fact("Decided", format!("{} of {}", r.decided, r.people)),
    ];
    if let Some(at) = r.closed_at {
        items.push(fact("Closed", text::when(at, zone)));
        items.push(fact("Closed by", r.closed_by.clone().unwrap_or_default()));
    }
    items
}

fn people(m: &Model) -> AnyView {
    let rows: Vec<AnyView> = if m.review.closed_at.is_some() {
        m.items.iter().map(|item| rows::closed(item, &m.zone)).collect()
    } else {
        let row =
            |item: &Item| rows::open(item, m.review.id, m.seen.get(&item.member), m.decider.as_ref(), m.now, &m.zone);
        m.items.iter().map(row).collect()
    };
    let head = if m.review.closed_at.is_some() {
        vec![("Name", ""), ("Decision", ""), ("Role then", ""), ("Joined", ""), ("By", ""), ("When", "")]
    } else {
        vec![
            ("Name", ""),
            ("Decision", ""),
            ("Role", ""),
            ("Last seen", ""),
            ("Second factor", ""),
            ("Joined", ""),
            ("", "actions"),
        ]
    };
    view! {
        <DataTable caption="People of this review, by name".to_owned() head=head>
            {rows}
        </DataTable>
    }
    .into_any()
}

fn close(id: ReviewId) -> AnyView {
    view! {
        <Card title="Close the review">
            <div class="stack">
                <p>"Everybody is decided. Closing signs the decisions: nobody can change them afterwards."</p>
                <Form action=CloseReview::PATH.to_owned()>
                    <input type="hidden" name="id" value=id.to_string() />
                    <Submit label="Close it" />
                </Form>
            </div>
        </Card>
    }
    .into_any()
}

fn record_card(r: &Review, text: &str, is_genuine: bool) -> AnyView {
    let (hash, mac) = r.record.clone().unwrap_or_default();
    let (tone, icon, word) = if is_genuine {
        (Tone::Good, "check", "The decisions are the ones that were signed")
    } else {
        (Tone::Bad, "warn", "The decisions are not the ones that were signed")
    };
    let items = vec![
        fact("Checked just now", view! { <Badge tone=tone icon=icon text=word.to_owned() /> }),
        fact("SHA-256 of the decisions", mono(hex::encode(hash))),
        fact("Signed by this installation", mono(hex::encode(mac))),
    ];
    let text = text.to_owned();
    view! {
        <Card title="The record">
            <div class="stack">
                <Facts items=items />
                <details>
                    <summary><span class="link">"The decisions as they were signed"</span></summary>
                    <pre class="secret">{text}</pre>
                </details>
            </div>
        </Card>
    }
    .into_any()
}
