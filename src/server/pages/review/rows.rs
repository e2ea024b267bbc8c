//! The rows of an access review: with forms while it is open, with what was decided when it is closed.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    model::{
        id::{MemberId, ReviewId},
        permission::Grants,
        review::Decision,
        role::RoleRef,
    },
    server::{
        kit::At,
        pages::{
            cells::{ago_or_dash, dash},
            text,
        },
        store::{
            lobby::Seen,
            review::{Item, Outcome},
        },
    },
    ui::{
        actions::review::DecideReview,
        parts::{Badge, Tone},
    },
};

/// Somebody who may decide.
pub(super) struct Decider {
    pub member: MemberId,
    pub grants: Grants,
    /// The roles that they can hand out.
    pub roles: Vec<(String, String)>,
    /// Whether nobody else could decide about them.
    pub alone: bool,
}

/// A person of an open review.
pub(super) fn open(
    item: &Item,
    review: ReviewId,
    seen: Option<&Seen>,
    decider: Option<&Decider>,
    now: At,
    zone: &str,
) -> AnyView {
    let factor = seen.map(|seen| {
        let (tone, icon, word) =
            if seen.has_factor { (Tone::Good, "check", "Yes") } else { (Tone::Warn, "warn", "No") };
        view! { <Badge tone=tone icon=icon text=word.to_owned() /> }
    });
    let forms = decider.filter(|d| item.is_active && (d.alone || d.member != item.member));
    let forms = forms.map(|decider| forms_of(item, review, decider));
    view! {
        <tr>
            <td><span class="cell-main">{item.name.reveal().to_owned()}</span></td>
            <td>{decision(item.outcome.as_ref())}</td>
            <td>{item.role_now.label().to_owned()}</td>
            <td class="nowrap">{ago_or_dash(seen.and_then(|seen| seen.last), now, zone)}</td>
            <td>{factor}</td>
            <td class="nowrap">{text::day(item.joined_at, zone)}</td>
            <td class="actions">{forms}</td>
        </tr>
    }
    .into_any()
}

/// A person of a closed review.
pub(super) fn closed(item: &Item, zone: &str) -> AnyView {
    let by = item.outcome.as_ref().map(|outcome| outcome.by_name.clone());
    let at = text::when_or_dash(item.outcome.as_ref().map(|outcome| outcome.at), zone);
    view! {
        <tr>
            <td><span class="cell-main">{item.name.reveal().to_owned()}</span></td>
            <td>{decision(item.outcome.as_ref())}</td>
            <td>{label(item.role_then, item.role_then_name.as_deref())}</td>
            <td class="nowrap">{text::day(item.joined_at, zone)}</td>
            <td>{by}</td>
            <td class="nowrap">{at}</td>
        </tr>
    }
    .into_any()
}

/// What a role is called: one of the business by its name of today.
fn label(role: RoleRef, name: Option<&str>) -> String {
    match role {
        RoleRef::BuiltIn(role) => role.label().to_owned(),
        RoleRef::Custom(id) => name.map_or_else(|| id.to_string(), str::to_owned),
    }
}

fn decision(outcome: Option<&Outcome>) -> AnyView {
    let Some(outcome) = outcome else { return dash() };
    let (tone, icon) = match outcome.decision {
        Decision::Keep => (Tone::Good, "check"),
        Decision::Change => (Tone::Info, "refresh"),
        Decision::Remove => (Tone::Neutral, "cross"),
    };
    let word = match outcome.new_role {
        Some(role) => format!("{}: {}", outcome.decision.label(), label(role, outcome.new_role_name.as_deref())),
        None => outcome.decision.label().to_owned(),
    };
    view! { <Badge tone=tone icon=icon text=word /> }.into_any()
}

/// Keeping is one button; the rest is folded away, and for people who hold more than the decider, not there.
fn forms_of(item: &Item, review: ReviewId, decider: &Decider) -> AnyView {
    let name = item.name.reveal().to_owned();
    let more = decider.grants.covers(item.role_now.grants).then(|| more(item, review, decider));
    view! {
        <div class="stack-tight">
            <form method="post" action=DecideReview::PATH>
                <input type="hidden" name="id" value=review.to_string() />
                <input type="hidden" name="member" value=item.member.to_string() />
                <input type="hidden" name="decision" value="keep" />
                <button class="btn btn-quiet btn-small" type="submit">
                    "Keep"
                    <span class="sr-only">{format!(" the access of {name}")}</span>
                </button>
            </form>
            {more}
        </div>
    }
    .into_any()
}

/// Two forms, so that Enter in the one never sends the other.
fn more(item: &Item, review: ReviewId, decider: &Decider) -> AnyView {
    let name = item.name.reveal().to_owned();
    let (role_label, whom) = (format!("New role of {name}"), format!(", of {name}"));
    let (id, member) = (review.to_string(), item.member.to_string());
    let now = item.role_now.code();
    let options = decider
        .roles
        .iter()
        .filter(|(code, _)| *code != now)
        .map(|(code, label)| view! { <option value=code.clone()>{label.clone()}</option> })
        .collect_view();
    view! {
        <details>
            <summary>
                "Change or remove"
                <span class="sr-only">{format!(" {name}")}</span>
            </summary>
            <div class="stack-tight">
                <form class="stack-tight" method="post" action=DecideReview::PATH>
                    <input type="hidden" name="id" value=id.clone() />
                    <input type="hidden" name="member" value=member.clone() />
                    <input type="hidden" name="decision" value="change" />
                    <select class="input select" name="role" aria-label=role_label>
                        {options}
                    </select>
                    <button class="btn btn-quiet btn-small" type="submit">"Change the role"</button>
                </form>
                <form class="stack-tight" method="post" action=DecideReview::PATH>
                    <input type="hidden" name="id" value=id />
                    <input type="hidden" name="member" value=member />
                    <input type="hidden" name="decision" value="remove" />
                    <label class="field">
                        <span class="hint">"Type remove to confirm"<span class="sr-only">{whom}</span></span>
                        <input class="input" type="text" name="confirm" autocomplete="off" maxlength="40" />
                    </label>
                    <button class="btn btn-danger btn-small" type="submit">"Remove"</button>
                </form>
            </div>
        </details>
    }
    .into_any()
}
