//! Links to the wallboard (TEL-2): who made them, until when they open it, and the form that makes one.

use axum::{http::HeaderMap, response::Response};
use leptos::{prelude::*, server_fn::ServerFn};

use super::{cells, text};
use crate::{
    model::{
        board::{LINK_DAYS, MOST_LINKS},
        permission::{Need, Permission},
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page, reveal},
        kit::At,
        store::{self, wallboard::Link},
        vault::Secret,
    },
    ui::{
        actions::board::{RevokeWallboard, ShareWallboard},
        parts::{Badge, Card, DataTable, Empty, ErrorSummary, Form, Notice, PageHead, Submit, TextField, Tone},
    },
};

/// Who may make and revoke links.
pub const NEED: Need = Need::Holds(Permission::Wallboard);

struct Model {
    links: Vec<Link>,
    zone: String,
    now: At,
    share: FormState,
    revoke: FormState,
    /// The address of the link that was just made.
    made: Option<String>,
}

async fn load(cx: &Cx, made: Option<&[Secret]>) -> Result<Model, AppError> {
    let zone = cx.signed_in()?.zone.clone();
    let mut tx = cx.tx().await?;
    let links = store::wallboard::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Model {
        links,
        zone,
        now: cx.visitor.now,
        share: cx.form::<ShareWallboard>(),
        revoke: cx.form::<RevokeWallboard>(),
        made: made.and_then(<[Secret]>::first).map(|link| link.expose().to_owned()),
    })
}

/// `GET /wallboards`
///
/// # Errors
/// Refused without `wallboard`.
pub async fn page(cx: Cx, headers: HeaderMap) -> Result<Response, AppError> {
    let revealed = reveal::take(&cx, &headers);
    let model = load(&cx, revealed.as_deref()).await?;
    let page = Page::new("Wallboards").under("Live board", "/board").show(&cx, || view(model));
    Ok(if revealed.is_some() { reveal::shown(page) } else { page })
}

fn view(m: Model) -> AnyView {
    let made = m.made.map(made);
    let share = share(m.share);
    let problems = m.revoke.problems();
    let list = if m.links.is_empty() { empty() } else { table(m.links, m.now, &m.zone) };
    view! {
        <PageHead
            title="Wallboards".to_owned()
            lede="A link shows the live board on a screen that nobody is signed in at: no numbers, first names only, nothing to press."
        />
        <div class="grid-side">
            <div class="stack">
                {made}
                <ErrorSummary problems=problems />
                {list}
            </div>
            <Card title="Make a link">{share}</Card>
        </div>
    }
    .into_any()
}

fn made(link: String) -> AnyView {
    view! {
        <Notice tone=Tone::Warn title="This address is shown once">
            <p>"Open it on the screen now. Whoever has it sees the wallboard until it expires or you revoke it."</p>
            <code class="secret">{link}</code>
        </Notice>
    }
    .into_any()
}

fn table(links: Vec<Link>, now: At, zone: &str) -> AnyView {
    let rows: Vec<AnyView> = links.into_iter().map(|link| row(link, now, zone)).collect();
    view! {
        <DataTable
            caption="Links to the wallboard, newest first".to_owned()
            head=vec![("Screen", ""), ("State", ""), ("Made by", ""), ("Expires", ""), ("Last seen", ""), ("", "actions")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn row(link: Link, now: At, zone: &str) -> AnyView {
    let (tone, icon, word) = match link.revoked_at {
        Some(_) => (Tone::Neutral, "cross", "Revoked"),
        None if link.expires_at <= now => (Tone::Neutral, "clock", "Expired"),
        None => (Tone::Good, "check", "Open"),
    };
    let is_open = link.revoked_at.is_none() && link.expires_at > now;
    let whose = format!(" the link for {}", link.label);
    let id = link.id.to_string();
    let revoke = is_open.then(|| {
        view! {
            <form method="post" action=RevokeWallboard::PATH>
                <input type="hidden" name="id" value=id />
                <button class="btn btn-quiet btn-small" type="submit">
                    "Revoke"
                    <span class="sr-only">{whose}</span>
                </button>
            </form>
        }
    });
    view! {
        <tr>
            <td class="wide">{link.label}</td>
            <td><Badge tone=tone icon=icon text=word.to_owned() /></td>
            <td>{link.created_by}</td>
            <td class="nowrap">{text::when(link.expires_at, zone)}</td>
            <td class="nowrap">{cells::ago_or_dash(link.seen_at, now, zone)}</td>
            <td class="actions">{revoke}</td>
        </tr>
    }
    .into_any()
}

fn empty() -> AnyView {
    view! {
        <Empty
            icon="board"
            title="No screen shows the board".to_owned()
            text="Make a link and open it on the screen on the wall.".to_owned()
        >
            <a class="btn btn-primary" href="#f-label">"Make the first one"</a>
        </Empty>
    }
    .into_any()
}

fn share(form: FormState) -> AnyView {
    let hint = format!("1 to {LINK_DAYS}. At most {MOST_LINKS} links are open at a time.");
    view! {
        <Form action=ShareWallboard::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <TextField
                name="label"
                label="Which screen?"
                value=form.value("label", "")
                problem=form.problem("label")
                hint="Like «Front office»."
                autocomplete="off"
                maxlength=60
            />
            <TextField
                name="days"
                label="Days until it expires"
                value=form.value("days", "7")
                problem=form.problem("days")
                hint=hint
                inputmode="numeric"
                autocomplete="off"
                maxlength=2
            />
            <Submit label="Make a link" />
        </Form>
    }
    .into_any()
}
