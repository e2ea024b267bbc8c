//! Screen pops (POP-1, POP-2): the agency system is asked at the moment a desk rings; the answer is sealed, shown to
//! that desk's person, and gone after five minutes.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::audit;
use crate::{
    model::{
        audit::Action,
        id::{ConnectionId, JobId, LegId, PopId},
        phone::{MaskedPhone, Phone},
    },
    server::{
        boot::App,
        caller::{Caller, SignedIn},
        http::AppError,
        providers::agency::{AgencyConnection, AgencyError, ClientCard, agency},
        store::{
            self, TenantTx,
            audit::{NewEntry, Target},
            outbox::Topic,
            screen_pop::SealedPop,
        },
        vault::Purpose,
    },
    ui::wire::live::{PopCard, PopMatch},
};

/// What is sealed in a pop.
#[derive(Serialize, Deserialize)]
struct Content {
    party: Option<MaskedPhone>,
    matches: Vec<PopMatch>,
    problem: Option<String>,
}

/// Looks a caller up and pops: the job's body. No transaction is open while the agency system answers.
///
/// # Errors
/// The database cannot be reached. That the agency system cannot be is no error: the pop says so.
pub async fn look_up(app: &App, caller: &Caller, leg: LegId, job: JobId) -> Result<(), AppError> {
    let now = app.clock().now();
    let mut tx = TenantTx::open(app.worker_db(), caller, now).await?;
    let (call, member, state) = store::call::desk_of_leg(&mut tx, leg).await?;
    let Some(member) = member.filter(|_| !state.is_end()) else {
        store::job::finish(&mut tx, job).await?;
        return Ok(tx.commit().await?);
    };
    let party = store::call::party(&mut tx, call).await?;
    let system = store::connection::agency(&mut tx, &["nowcerts".to_owned()]).await?;
    let secret = match &system {
        Some(connection) => Some(store::connection::newest_secret(&mut tx, connection.id).await?),
        None => None,
    };
    tx.commit().await?;

    let asked = system.as_ref().map(|c| c.id);
    let answer = match (system, secret, &party) {
        (Some(connection), Some((id, sealed)), Some(phone)) => {
            let secret = app.vault().open_text(caller.business, Purpose::ConnectionSecret, id.0, &sealed).await?;
            let target = AgencyConnection { account: connection.account, secret, base_url: connection.base_url };
            match agency(&connection.provider) {
                Some(system) => system.find_by_phone(app.outbound(), &target, phone).await,
                None => Ok(Vec::new()),
            }
        }
        _ => Ok(Vec::new()),
    };
    let content = content(party.as_ref(), asked.is_some(), answer);

    let mut tx = TenantTx::open(app.worker_db(), caller, app.clock().now()).await?;
    let pop: PopId = app.draw();
    let plain = serde_json::to_vec(&content).map_err(|e| AppError::Internal(Box::new(e)))?;
    let sealed = app.vault().seal(&mut tx, Purpose::ScreenPop, pop.0, &plain).await?;
    // While the agency system was asked, the ringing may have ended, and nobody would take this away then.
    let is_on = store::call::is_on(&mut tx, leg).await?;
    if is_on && store::screen_pop::insert(&mut tx, pop, call, member, &sealed).await? {
        store::outbox::put(&mut tx, Topic::Pop(pop, member)).await?;
    }
    write_down(app, &mut tx, call.0, asked, content.matches.len()).await?;
    store::job::finish(&mut tx, job).await?;
    tx.commit().await?;
    app.hub().wake();
    Ok(())
}

async fn write_down(
    app: &App,
    tx: &mut TenantTx,
    call: uuid::Uuid,
    asked: Option<ConnectionId>,
    matches: usize,
) -> Result<(), AppError> {
    let entry = NewEntry {
        id: app.draw(),
        action: Action::PopLookedUp,
        target: Some(Target { kind: "call", id: Some(call) }),
        outcome: crate::model::audit::Outcome::Done,
        reason: None,
        before: None,
        after: Some(json!({ "connection": asked, "matches": matches })),
    };
    Ok(store::audit::append(tx, entry).await?)
}

fn content(party: Option<&Phone>, has_system: bool, answer: Result<Vec<ClientCard>, AgencyError>) -> Content {
    let party_shown = party.map(Phone::masked);
    let (cards, problem) = match answer {
        _ if party.is_none() => (Vec::new(), Some("The caller's number is withheld.")),
        _ if !has_system => (Vec::new(), Some("No agency system is connected.")),
        Ok(cards) if cards.is_empty() => (cards, Some("The agency system knows nobody with this number.")),
        Ok(cards) => (cards, None),
        Err(AgencyError::Auth) => (Vec::new(), Some("The agency system refused our credentials. Tell your owner.")),
        Err(AgencyError::RateLimited { .. }) => (Vec::new(), Some("The agency system asks us to slow down.")),
        Err(AgencyError::Transient | AgencyError::Permanent) => {
            (Vec::new(), Some("The agency system did not answer in time."))
        }
    };
    let matches = cards.into_iter().map(|card| PopMatch {
        name: card.name.reveal().to_owned(),
        company: card.company,
        policies: card.policies,
        last_contact: card.last_contact.map(in_words),
        open_tasks: card.open_tasks,
    });
    Content { party: party_shown, matches: matches.collect(), problem: problem.map(str::to_owned) }
}

/// The day of a date as agency systems write it («2026-05-04T10:00:00»), for people; what is no such date stays as it is.
/// The time is left out: such systems say midnight when they know the day only, and do not say whose.
fn in_words(date: String) -> String {
    let day = date.get(..10).and_then(|day| day.parse::<jiff::civil::Date>().ok());
    day.map_or(date, |day| day.strftime("%-d %b %Y").to_string())
}

/// The pops that are open for this person. Showing them is written down.
///
/// # Errors
/// Refused without `screen_pop`; the database cannot be reached.
pub async fn open(app: &App, person: &SignedIn) -> Result<Vec<PopCard>, AppError> {
    let mut tx = TenantTx::open(app.db(), &person.caller, app.clock().now()).await?;
    let sealed = store::screen_pop::open(&mut tx).await?;
    tx.commit().await?;
    let mut cards = Vec::with_capacity(sealed.len());
    for pop in sealed {
        cards.push(unseal(app, person, pop).await?);
    }
    if !cards.is_empty() {
        audit::audited(app, &person.caller, Action::PopShown, async |act| {
            act.after(json!({ "pops": cards.iter().map(|c| c.id).collect::<Vec<_>>() }));
            Ok(())
        })
        .await?;
    }
    Ok(cards)
}

async fn unseal(app: &App, person: &SignedIn, pop: SealedPop) -> Result<PopCard, AppError> {
    let plain = app.vault().open(person.caller.business, Purpose::ScreenPop, pop.id.0, &pop.sealed).await?;
    let content: Content = serde_json::from_slice(&plain).map_err(|e| AppError::Internal(Box::new(e)))?;
    Ok(PopCard {
        id: pop.id,
        call: pop.call,
        party: content.party,
        matches: content.matches,
        problem: content.problem,
        expires_at: pop.expires_at.millis(),
    })
}

/// Closes a pop in every tab of its person. One that is not open for them (another tab was faster, the desk stopped ringing,
/// its time is over, it is somebody else's) is as closed as they ask for: nothing happens, and nothing is said of it.
///
/// # Errors
/// Refused without `screen_pop`; the database cannot be reached.
pub async fn acknowledge(app: &App, person: &SignedIn, id: PopId) -> Result<(), AppError> {
    let mut tx = TenantTx::open(app.db(), &person.caller, app.clock().now()).await?;
    let closed = store::screen_pop::acknowledge(&mut tx, id).await;
    if let Ok(None) = closed {
        return Ok(());
    }
    // What was refused or failed leaves its entry too.
    audit::audited_in(app, tx, Action::PopAcknowledged, async |act| {
        act.on("pop", id.0);
        let member = closed?.ok_or(AppError::Missing)?;
        Ok(store::outbox::put(&mut act.tx, Topic::PopGone(id, member)).await?)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn a_date_reads_like_one() {
        assert_eq!(in_words("2026-05-04T10:00:00".to_owned()), "4 May 2026");
        assert_eq!(in_words("2026-11-23".to_owned()), "23 Nov 2026");
        for other in ["", "last week", "05/04/2026", "2026-13-40T00:00:00", "über Ostern"] {
            assert_eq!(in_words(other.to_owned()), other);
        }
    }
}
