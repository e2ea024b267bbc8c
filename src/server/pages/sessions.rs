//! One's sessions and devices (ACC-5): where one is signed in, how past sessions ended, and the buttons that end one or
//! all others.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::{cells, text, tokens};
use crate::{
    model::{id::SessionId, permission::Need},
    server::{
        http::{AppError, Cx, render::Page},
        kit::At,
        services,
        store::{
            self,
            lobby::{Family, LiveSession, PAST_DAYS, PastSession},
        },
    },
    ui::{
        actions::device::{RevokeOtherSessions, RevokeSession},
        parts::{Badge, DataTable, Empty, Form, PageHead, Submit, Tone},
    },
};

/// Who may open it.
pub const NEED: Need = Need::SignedIn;

/// Somebody who asked for something this few seconds ago is there.
const ACTIVE_SECONDS: i64 = 180;
/// Past sessions that are shown.
const PAST_SHOWN: i32 = 50;

struct Model {
    zone: String,
    now: At,
    current: SessionId,
    /// The current one first, then the one used last.
    live: Vec<LiveSession>,
    past: Vec<PastSession>,
    programs: Vec<Family>,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let now = cx.visitor.now;
    let mut live = store::lobby::sessions_list(cx.app.db(), person.user, now).await?;
    // A stable sort: the order of the others stays.
    live.sort_by_key(|session| session.id != person.session_id);
    let past = store::lobby::past_sessions_list(cx.app.db(), person.user, PAST_SHOWN).await?;
    let programs = services::token::families(cx).await?;
    Ok(Model { zone: person.zone.clone(), now, current: person.session_id, live, past, programs })
}

/// `GET /account/sessions`
///
/// # Errors
/// Nobody is signed in.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Sessions and devices").under("Your account", "/account").show(&cx, || view(&model)))
}

fn view(m: &Model) -> AnyView {
    let others = m.live.iter().filter(|session| session.id != m.current).count();
    let lede = match others {
        0 => "You are signed in here and nowhere else.".to_owned(),
        1 => "You are signed in here and in one other place.".to_owned(),
        many => format!("You are signed in here and in {many} other places."),
    };
    let sessions = m.live.iter().map(|session| live(session, m)).collect_view();
    let others = (others > 0).then(|| {
        view! {
            <div class="stack-tight">
                <p class="subtle">
                    "Do you not know one of them? End all others, then "
                    <a class="link" href="/account/password">"change your password"</a>
                    "."
                </p>
                <Form action=RevokeOtherSessions::PATH.to_owned()>
                    <Submit label="End all other sessions" tone=Tone::Bad />
                </Form>
            </div>
        }
    });
    let programs = tokens::card(m.programs.clone(), &m.zone, m.now);
    view! {
        <PageHead title="Sessions and devices".to_owned() lede=lede />
        <div class="stack">
            <section class="stack-tight">
                <h2 class="section-title">"Signed in now"</h2>
                <ul class="stack-tight">{sessions}</ul>
                {others}
            </section>
            {programs}
            <section class="stack-tight">
                <h2 class="section-title">"Past sessions"</h2>
                {past(&m.past, &m.zone)}
            </section>
        </div>
    }
    .into_any()
}

/// A session that opens doors. A block of its own and not a row, so that its button is in view on a phone.
fn live(session: &LiveSession, m: &Model) -> AnyView {
    let is_current = session.id == m.current;
    let device = device(&session.agent).to_owned();
    let here = is_current.then(|| view! { <Badge tone=Tone::Accent icon="user" text="This session".to_owned() /> });
    let is_active = m.now.since(session.last_seen_at) < ACTIVE_SECONDS;
    let active = is_active.then(|| view! { <Badge tone=Tone::Good icon="check" text="Active now".to_owned() /> });
    let end = (!is_current).then(|| {
        let whose = format!(" of {device}, {}", place(&session.network));
        view! {
            <form method="post" action=RevokeSession::PATH>
                <input type="hidden" name="id" value=session.id.to_string() />
                <button class="btn btn-quiet btn-small" type="submit">
                    "End this session"
                    <span class="sr-only">{whose}</span>
                </button>
            </form>
        }
    });
    let means = means(&session.means);
    view! {
        <li class="card">
            <div class="toolbar">
                <div class="stack-tight">
                    <div class="row">
                        <span class="cell-main">{device.clone()}</span>
                        {here}
                        {active}
                    </div>
                    <div>
                        <span class="cell-note">{session.business_name.clone()} " · " {place(&session.network)}</span>
                        <span class="cell-note">"First seen " {text::when(session.created_at, &m.zone)}</span>
                        <span class="cell-note">
                            "Last seen " {cells::ago_or_dash(Some(session.last_seen_at), m.now, &m.zone)}
                        </span>
                        {means.map(|means| view! { <span class="cell-note">"Signed in with " {means}</span> })}
                    </div>
                </div>
                {end}
            </div>
        </li>
    }
    .into_any()
}

fn past(sessions: &[PastSession], zone: &str) -> AnyView {
    if sessions.is_empty() {
        return view! {
            <Empty
                icon="clock"
                title="No session has ended yet".to_owned()
                text=format!("Sessions that end stay on this list for {PAST_DAYS} days, with how they ended.")
            >
                <a class="btn btn-quiet" href="/account">"Back to your account"</a>
            </Empty>
        }
        .into_any();
    }
    let rows = sessions.iter().map(|session| past_row(session, zone)).collect_view();
    view! {
        <p class="subtle">{format!("The latest {PAST_SHOWN} of the last {PAST_DAYS} days.")}</p>
        <DataTable
            caption="Past sessions, the latest first".to_owned()
            head=vec![("Device", ""), ("How it ended", ""), ("Ended", ""), ("First seen", ""), ("Last seen", "")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn past_row(session: &PastSession, zone: &str) -> AnyView {
    let business = session.business_name.clone().unwrap_or_else(|| "A business that is gone".to_owned());
    view! {
        <tr>
            <td>
                <span class="cell-main">{device(&session.agent).to_owned()}</span>
                <span class="cell-note">{business} " · " {place(&session.network)}</span>
            </td>
            <td>{session.cause.label()}</td>
            <td class="nowrap">{text::when(session.ended_at, zone)}</td>
            <td class="nowrap">{text::when(session.started_at, zone)}</td>
            <td class="nowrap">{text::when(session.last_seen_at, zone)}</td>
        </tr>
    }
    .into_any()
}

fn device(agent: &str) -> &str {
    if agent.is_empty() { "An unknown device" } else { agent }
}

fn place(network: &str) -> String {
    if network.is_empty() { "network unknown".to_owned() } else { format!("from {network}") }
}

/// The proofs of a session in words: «password and authenticator app». Absent when none was noted.
fn means(codes: &str) -> Option<String> {
    let words: Vec<&str> = codes.split('+').filter_map(proof).collect();
    (!words.is_empty()).then(|| words.join(" and "))
}

fn proof(code: &str) -> Option<&'static str> {
    Some(match code {
        "password" => "password",
        "link" => "mailed link",
        "passkey" => "passkey",
        "google" => "linked account",
        "totp" => "authenticator app",
        "recovery" => "recovery code",
        "email_code" => "mailed code",
        "text_code" => "texted code",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::services::session::Proof;

    #[test]
    fn every_proof_has_a_word() {
        for code in [
            Proof::Password,
            Proof::Link,
            Proof::Passkey,
            Proof::Google,
            Proof::Totp,
            Proof::Recovery,
            Proof::EmailCode,
            Proof::TextCode,
        ] {
            assert!(proof(code.code()).is_some(), "{code:?}");
        }
        assert_eq!(means("password+totp").as_deref(), Some("password and authenticator app"));
        assert_eq!(means(""), None);
    }
}
