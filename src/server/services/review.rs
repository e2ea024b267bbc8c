//! Access reviews (ACC-10): every quarter somebody says of each person whether they keep their access. The clock opens them,
//! people with `team.manage` decide, and closing leaves a signed record.

use jiff::{civil::Date, tz::TimeZone};
use serde_json::json;

use super::{
    audit::{self, Act},
    device, member, role,
};
use crate::{
    model::{
        audit::{Action, Outcome},
        field::{Bad, Fields},
        id::{MemberId, ReviewId},
        review::{DUE_DAYS, Decision},
        role::RoleRef,
    },
    server::{
        boot::App,
        caller::{Caller, SessionHash, SignedIn},
        http::{AppError, Cx},
        kit::At,
        mail::{self, Mail},
        store::{
            self, TenantTx,
            audit::{NewEntry, Target},
        },
    },
};

pub mod record;

const DAY: i64 = 24 * 3600;

fn due(now: At) -> At {
    now.plus(DUE_DAYS * DAY)
}

/// When the quarter of an instant began, in UTC.
#[must_use]
pub fn quarter(now: At) -> At {
    let date = now.0.to_zoned(TimeZone::UTC).date();
    let month = (date.month() - 1) / 3 * 3 + 1;
    let first = Date::new(date.year(), month, 1).and_then(|first| first.to_zoned(TimeZone::UTC));
    first.map_or(now, |first| At(first.timestamp()))
}

/// Opens a review by hand, beside those of the clock.
///
/// # Errors
/// Conflict while one is open; refused without `team.manage`.
pub async fn open(cx: &Cx) -> Result<ReviewId, AppError> {
    let id: ReviewId = cx.app.draw();
    audit::audited(&cx.app, cx.caller()?, Action::ReviewOpened, async |act| {
        act.on("review", id.0);
        act.after(json!({ "due": due(cx.visitor.now).0.to_string() }));
        if !store::review::open(&mut act.tx, id, due(cx.visitor.now), None).await? {
            return Err(AppError::Conflict);
        }
        remind(&cx.app, &mut act.tx).await
    })
    .await?;
    Ok(id)
}

/// What the clock does for a business: opens this quarter's review, and reminds of the open one. The job's body; run twice, it
/// does nothing the second time.
///
/// # Errors
/// The database cannot be reached.
pub async fn run(app: &App, caller: &Caller) -> Result<(), AppError> {
    let now = app.clock().now();
    let mut tx = TenantTx::open(app.worker_db(), caller, now).await?;
    let id: ReviewId = app.draw();
    if store::review::open(&mut tx, id, due(now), Some(quarter(now))).await? {
        let after = json!({ "due": due(now).0.to_string() });
        append(app, &mut tx, Action::ReviewOpened, Target { kind: "review", id: Some(id.0) }, after).await?;
    }
    remind(app, &mut tx).await?;
    tx.commit().await?;
    app.hub().wake_worker();
    Ok(())
}

/// Writes to everybody who can decide, when a reminder is due. Mails and mark are one transaction: none goes out twice.
async fn remind(app: &App, tx: &mut TenantTx) -> Result<(), AppError> {
    let Some((id, reminder)) = store::review::take_reminder(tx).await? else { return Ok(()) };
    let people = store::review::deciders(tx).await?;
    for (email, business) in &people {
        mail::enqueue_in(app, tx, &Mail::review(app, email, business, id, reminder)).await?;
    }
    let after = json!({ "reminder": reminder.code(), "people": people.len() });
    append(app, tx, Action::ReviewReminded, Target { kind: "review", id: Some(id.0) }, after).await
}

async fn append(
    app: &App,
    tx: &mut TenantTx,
    action: Action,
    target: Target,
    after: serde_json::Value,
) -> Result<(), AppError> {
    let entry = NewEntry {
        id: app.draw(),
        action,
        target: Some(target),
        outcome: Outcome::Done,
        reason: None,
        before: None,
        after: Some(after),
    };
    Ok(store::audit::append(tx, entry).await?)
}

/// What the form says about one person.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    pub decision: &'a str,
    pub role: &'a str,
    pub confirm: &'a str,
}

/// A decision that was read.
#[derive(Debug, Clone, Copy)]
enum Chosen {
    Keep,
    Change(RoleRef),
    Remove,
}

impl Chosen {
    fn read(draft: Draft<'_>) -> Result<Self, AppError> {
        let mut fields = Fields::default();
        let chosen = match fields.take("decision", draft.decision.parse::<Decision>()) {
            Some(Decision::Keep) => Some(Self::Keep),
            Some(Decision::Change) => fields.take("role", draft.role.parse::<RoleRef>()).map(Self::Change),
            Some(Decision::Remove) if draft.confirm.trim() == "remove" => Some(Self::Remove),
            Some(Decision::Remove) => {
                fields.note("confirm", Bad::Confirm("remove".to_owned()));
                None
            }
            None => None,
        };
        chosen.ok_or_else(|| fields.into())
    }

    fn stored(self) -> (Decision, Option<RoleRef>) {
        match self {
            Self::Keep => (Decision::Keep, None),
            Self::Change(role) => (Decision::Change, Some(role)),
            Self::Remove => (Decision::Remove, None),
        }
    }
}

/// Decides about one person of an open review, and does what was decided in the same transaction. Nobody decides about
/// themselves while somebody else could.
///
/// # Errors
/// Invalid fields; refused for oneself, for who holds more than one does (keeping them is allowed), and without `team.manage`;
/// conflict when the review is closed or the person has left; missing when they are not in it.
pub async fn decide(cx: &Cx, id: ReviewId, about: MemberId, draft: Draft<'_>) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let chosen = Chosen::read(draft)?;
    let (decision, role) = chosen.stored();
    let ended = audit::audited(&cx.app, &person.caller, Action::ReviewDecided, async |act| {
        act.on("review", id.0);
        act.after(json!({ "member": about, "decision": decision.code(), "role": role.map(|role| role.to_string()) }));
        store::review::lock(&mut act.tx, id).await?;
        let items = store::review::items(&mut act.tx, id).await?;
        let item = items.iter().find(|item| item.member == about).ok_or(AppError::Missing)?;
        if !item.is_active {
            return Err(AppError::Conflict);
        }
        if about == person.member && store::review::deciders(&mut act.tx).await?.len() > 1 {
            return Err(AppError::Refused);
        }
        let ended = carry_out(&cx.app, act, person, about, chosen).await?;
        store::review::decide(&mut act.tx, id, about, decision, role).await?;
        Ok(ended)
    })
    .await?;
    device::end_streams(&cx.app, &ended);
    Ok(())
}

/// Does what was decided, with an entry of its own: who looks for removed people must not have to look in two places.
async fn carry_out(
    app: &App,
    act: &mut Act,
    person: &SignedIn,
    about: MemberId,
    chosen: Chosen,
) -> Result<Vec<SessionHash>, AppError> {
    let target = Target { kind: "member", id: Some(about.0) };
    match chosen {
        Chosen::Keep => Ok(Vec::new()),
        Chosen::Change(to) => {
            let now = store::member::get(&mut act.tx, about).await?;
            let to = role::give(&mut act.tx, person, to).await?;
            member::change_role(app, &mut act.tx, person, &now, &to).await?;
            append(app, &mut act.tx, Action::MemberRoleChanged, target, to.told()).await?;
            Ok(Vec::new())
        }
        Chosen::Remove => {
            let now = store::member::get(&mut act.tx, about).await?;
            let ended = member::end_membership(app, &mut act.tx, person, &now, "confirm").await?;
            append(app, &mut act.tx, Action::MemberRemoved, target, ended.counts()).await?;
            Ok(ended.sessions)
        }
    }
}

/// Closes a review when everybody is decided: from then on nobody changes it, and its record can be checked.
///
/// # Errors
/// Invalid while somebody is undecided; conflict when it is closed; missing when it is not this business's; refused without
/// `team.manage`.
pub async fn close(cx: &Cx, id: ReviewId) -> Result<(), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::ReviewClosed, async |act| {
        act.on("review", id.0);
        store::review::lock(&mut act.tx, id).await?;
        let items = store::review::items(&mut act.tx, id).await?;
        let waiting = items.iter().filter(|item| item.outcome.is_none()).count();
        if waiting > 0 {
            return Err(AppError::field("", Bad::Undecided(u32::try_from(waiting).unwrap_or(u32::MAX))));
        }
        let record = record::of(cx.app.vault(), act.tx.business(), id, &items)?;
        store::review::close(&mut act.tx, id, &record.hash, &record.mac).await?;
        let how_many =
            |decision| items.iter().filter(|i| i.outcome.as_ref().is_some_and(|o| o.decision == decision)).count();
        act.after(json!({
            "kept": how_many(Decision::Keep),
            "changed": how_many(Decision::Change),
            "removed": how_many(Decision::Remove),
            "record": hex::encode(record.hash),
        }));
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::permission::Role;

    fn at(text: &str) -> At {
        At(text.parse().expect("an instant"))
    }

    #[test]
    fn quarters_begin_in_january_april_july_and_october() {
        for (now, first) in [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("2026-03-31T23:59:59Z", "2026-01-01T00:00:00Z"),
            ("2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z"),
            ("2026-11-23T02:00:00Z", "2026-10-01T00:00:00Z"),
        ] {
            assert_eq!(quarter(at(now)), at(first), "{now}");
        }
    }

    #[test]
    fn removing_somebody_is_typed() {
        let draft = |decision, role, confirm| Chosen::read(Draft { decision, role, confirm });
        assert!(matches!(draft("keep", "", ""), Ok(Chosen::Keep)));
        assert!(matches!(draft("change", "agent", ""), Ok(Chosen::Change(RoleRef::BuiltIn(Role::Agent)))));
        assert!(matches!(draft("remove", "", " remove "), Ok(Chosen::Remove)));
        for (decision, role, confirm, field) in
            [("", "", "", "decision"), ("change", "boss", "", "role"), ("remove", "", "yes", "confirm")]
        {
            let Err(AppError::Invalid(fields)) = draft(decision, role, confirm) else { panic!("{decision} passed") };
            assert_eq!(fields[0].field, field);
        }
    }
}
