//! Providers and desks: what rings, and where the events come from. Made by the business's owner, as on the page.

use anyhow::Context;
use serde_json::json;

use super::{
    file::{self, Business},
    people::{Person, password},
    sketch::{SEATS, Sketch},
};
use crate::{
    model::{
        audit::Action,
        id::{ConnectionId, ExtensionId, MemberId, SecretId},
        permission::Role,
        profile::Profile,
    },
    server::{
        boot::{App, simulate::AGENCY},
        caller::Caller,
        kit::entropy::{Token, bytes, token_hash},
        services::{
            audit,
            connection::{OVERLAP_SECONDS, webhook_base},
        },
        store::{self, TenantTx, connection::NewConnection, extension::NewExtension},
        vault::Purpose,
    },
};

/// +1 555 555 01xx: numbers that belong to nobody. Ten per business; the first is its main line.
fn number(index: u16, line: u16) -> String {
    format!("+1555555{:04}", 100 + 10 * index + line)
}

/// The telephony provider, and for an agency its management system, which the simulator stands in for.
#[must_use]
pub fn draw_connections(app: &App, base_url: &str, sketch: &Sketch, index: u16) -> Vec<file::Connection> {
    let hex = || hex::encode(bytes::<16>(app.entropy()));
    let base = webhook_base(base_url, "twilio", Token::draw(app.entropy()).reveal());
    let mut connections = vec![file::Connection {
        provider: "twilio".to_owned(),
        webhook_url: Some(format!("{base}/voice")),
        status_url: Some(format!("{base}/status")),
        dial_url: Some(format!("{base}/dial")),
        secret: hex(),
        account: format!("AC{}", hex()),
        number: Some(number(index, 0)),
    }];
    if sketch.profile == Profile::InsuranceAgency {
        connections.push(file::Connection {
            provider: "nowcerts".to_owned(),
            webhook_url: None,
            status_url: None,
            dial_url: None,
            secret: password(app.entropy()),
            account: format!("api@{}", sketch.domain),
            number: None,
        });
    }
    connections
}

/// A desk for everybody who answers calls, agents first; the first two have a number of their own.
#[must_use]
pub fn extensions(sketch: &Sketch, index: u16) -> Vec<file::Extension> {
    let seats = || SEATS.iter().zip(&sketch.people);
    let agents = seats().filter(|((role, _), _)| *role == Role::Agent);
    let dispatchers = seats().filter(|((role, _), _)| *role == Role::Dispatcher);
    let one = |(line, ((_, mailbox), name)): (u16, (&(Role, &str), &&str))| {
        let first = name.split(' ').next().unwrap_or_default().to_lowercase();
        let extension = 100 + line;
        file::Extension {
            extension: extension.to_string(),
            user_email: format!("{mailbox}@{}", sketch.domain),
            target: format!("client:{first}_{extension}"),
            number: (line <= 2).then(|| number(index, line)),
        }
    };
    (1..).zip(agents.chain(dispatchers)).map(one).collect()
}

/// Connects and adds what is not there yet.
///
/// # Errors
/// The database cannot be reached or refused.
pub async fn furnish(app: &App, owner: &Caller, business: &Business, people: &[Person]) -> anyhow::Result<()> {
    let mut tx = TenantTx::open(app.db(), owner, app.clock().now()).await?;
    let connections = store::connection::list(&mut tx).await?;
    let extensions = store::extension::list(&mut tx).await?;
    tx.commit().await?;
    if connections.is_empty() {
        audit::audited(app, owner, Action::BusinessCreated, async |act| {
            act.on("business", business.id);
            act.after(json!({ "profile": business.profile.code() }));
            Ok(())
        })
        .await?;
    }
    for wanted in &business.connections {
        if !connections.iter().any(|there| there.account == wanted.account) {
            connect(app, owner, wanted).await?;
        }
    }
    for wanted in &business.extensions {
        if !extensions.iter().any(|there| there.extension == wanted.extension) {
            let person = people.iter().find(|person| person.email == wanted.user_email);
            add_desk(app, owner, wanted, person.context("a desk without a person")?.member).await?;
        }
    }
    Ok(())
}

async fn connect(app: &App, owner: &Caller, wanted: &file::Connection) -> anyhow::Result<()> {
    let (id, secret_id): (ConnectionId, SecretId) = (app.draw(), app.draw());
    let is_agency = wanted.webhook_url.is_none();
    // An agency system never calls us: nobody needs to know its token.
    let token = match wanted.webhook_url.as_deref().and_then(|url| url.rsplit('/').nth(1)) {
        Some(token) => token.to_owned(),
        None => Token::draw(app.entropy()).reveal().to_owned(),
    };
    let base_url = is_agency.then(|| format!("http://{AGENCY}"));
    let created_by = owner.actor.uuid().context("an owner has an id")?;
    audit::audited(app, owner, Action::ConnectionCreated, async |act| {
        act.on("connection", id.0);
        act.after(json!({ "provider": wanted.provider }));
        let vault = app.vault();
        let token_sealed = vault.seal(&mut act.tx, Purpose::ConnectionToken, id.0, token.as_bytes()).await?;
        let new = NewConnection {
            id,
            provider: &wanted.provider,
            label: if is_agency { "Agency system" } else { "Main line" },
            account: &wanted.account,
            number: wanted.number.as_deref(),
            base_url: base_url.as_deref(),
            token_hash: &token_hash(&token),
            token_sealed: &token_sealed,
            created_by,
        };
        store::connection::insert(&mut act.tx, new).await?;
        let plain = wanted.secret.as_bytes();
        let sealed = vault.seal(&mut act.tx, Purpose::ConnectionSecret, secret_id.0, plain).await?;
        let old_until = act.tx.now().plus(OVERLAP_SECONDS);
        Ok(store::connection::put_secret(&mut act.tx, id, secret_id, &sealed, old_until).await?)
    })
    .await?;
    Ok(())
}

async fn add_desk(app: &App, owner: &Caller, wanted: &file::Extension, member: MemberId) -> anyhow::Result<()> {
    let id: ExtensionId = app.draw();
    audit::audited(app, owner, Action::ExtensionCreated, async |act| {
        act.on("extension", id.0);
        act.after(json!({ "extension": wanted.extension, "member": member }));
        let new = NewExtension {
            id,
            extension: &wanted.extension,
            member,
            target: &wanted.target,
            number: wanted.number.as_deref(),
        };
        Ok(store::extension::insert(&mut act.tx, new).await?)
    })
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::sketch::SKETCHES, *};
    use crate::model::{extension, phone::Phone};

    #[test]
    fn desks_and_numbers_are_good_and_distinct() {
        let mut numbers = Vec::new();
        for (index, sketch) in (0..).zip(&SKETCHES) {
            let desks = extensions(sketch, index);
            assert_eq!(desks.len(), 5);
            numbers.push(number(index, 0));
            for desk in desks {
                assert!(extension::number(&desk.extension).is_ok() && extension::Target::parse(&desk.target).is_ok());
                numbers.extend(desk.number);
            }
        }
        assert!(numbers.iter().all(|number| number.parse::<Phone>().is_ok()));
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!((numbers.len(), count), (12, 12));
    }
}
