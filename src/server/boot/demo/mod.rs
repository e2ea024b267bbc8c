//! The demo: four fictional businesses, one per profile, with people in every role and weeks of calls.
//!
//! What it holds goes by the product's own walls: accounts are made in the lobby's role ([`people`]), everything else
//! inside a `TenantTx` of the business's owner or of a machine. All secrets are drawn first and kept in a draft; the
//! draft becomes `demo.json` when the database holds everything, so that a first start that was cut off goes on at the
//! next one, and a second start reuses what is there.

pub mod file;

mod board;
mod desks;
mod history;
mod masked_calls;
mod people;
mod positions;
mod sketch;
mod trail;
mod work_orders;

use std::{fs, path::Path};

use anyhow::{Context, bail};
use sqlx::{ConnectOptions, PgConnection};
use url::Url;

use self::{
    file::{Addresses, Business, Demo},
    people::Person,
    sketch::{SKETCHES, Sketch},
};
use crate::{
    model::{
        id::{BusinessId, JobId},
        permission::Role,
        profile::Profile,
    },
    server::{
        boot::{App, config::Database},
        caller::{Actor, Caller, Origin},
        vault::Secret,
    },
};

/// The businesses were founded this long ago.
const FOUNDED_SECONDS: i64 = 40 * 24 * 3600;

/// Fills the database with the demo, unless it is there, and writes `demo.json` into the data folder.
///
/// # Errors
/// The database cannot be reached or refused, the data folder cannot be written, or the database holds a demo whose
/// file is lost.
pub async fn fill(app: &App, owner_url: &Secret) -> anyhow::Result<()> {
    let folder = &app.config().data_dir;
    let (place, draft) = (file::place(folder), file::draft_place(folder));
    let addresses = addresses(app, owner_url)?;
    let mut owner = people::connect(owner_url).await?;
    if let Some(mut demo) = file::read(&place)?
        && people::are_founded(&mut owner, &demo.businesses).await?
    {
        if demo.move_to(addresses) {
            file::write(&place, &demo)?;
        }
        return Ok(());
    }
    tracing::info!("filling the demo: this first start takes some seconds");
    let demo = if let Some(mut begun) = file::read(&draft)? {
        begun.move_to(addresses);
        begun
    } else {
        if people::are_known(&mut owner).await? {
            bail!(
                "the database holds a demo already, and {} with its passwords is missing or of another one: put it \
                 back, or set RINGFORT_DATA to an empty folder (and use an empty database)",
                place.display()
            );
        }
        let drawn = draw(app, addresses);
        file::write(&draft, &drawn)?;
        drawn
    };
    for ((index, sketch), business) in (0..).zip(&SKETCHES).zip(&demo.businesses) {
        fill_one(app, &mut owner, sketch, business, index).await?;
    }
    file::write(&place, &demo)?;
    fs::remove_file(&draft).with_context(|| format!("removing {}", draft.display()))?;
    Ok(())
}

/// Every step looks first whether it was done.
async fn fill_one(
    app: &App,
    owner: &mut PgConnection,
    sketch: &Sketch,
    business: &Business,
    seed: u64,
) -> anyhow::Result<()> {
    let id = BusinessId(business.id);
    people::found(app, owner, business, sketch.zone, app.clock().now().plus(-FOUNDED_SECONDS)).await?;
    let people = people::of(owner, id).await?;
    let founder = people.iter().find(|person| person.role == Role::Owner).context("the business has no owner")?;
    let founder = person(app, id, founder);
    desks::furnish(app, &founder, business, &people).await?;
    if sketch.profile == Profile::FieldService {
        let crew = crew(app, business, &people);
        masked_calls::fill(app, &founder, crew.first().context("nobody goes to customers")?).await?;
        for (technician, way) in crew.iter().zip(&positions::WAYS) {
            positions::fill(app, technician, way).await?;
        }
        work_orders::fill(app, &founder, &crew).await?;
    }
    board::furnish(app, &founder, business, &people).await?;
    trail::promote(app, &founder, &people).await?;
    if history::write(app, &founder, sketch, seed).await? {
        trail::leave(app, id, &people::of(owner, id).await?).await?;
    }
    Ok(())
}

/// Who goes to customers, in the order of the file.
fn crew(app: &App, business: &Business, people: &[Person]) -> Vec<Caller> {
    let technicians = business.users.iter().filter(|user| user.role == Role::Technician);
    let found = technicians.filter_map(|user| people.iter().find(|person| person.email == user.email));
    found.map(|one| person(app, BusinessId(business.id), one)).collect()
}

fn draw(app: &App, addresses: Addresses) -> Demo {
    let one = |(index, sketch): (u16, &Sketch)| Business {
        id: app.draw(),
        name: sketch.name.to_owned(),
        profile: sketch.profile,
        users: people::draw(app.entropy(), sketch),
        connections: desks::draw_connections(app, &addresses.base_url, sketch, index),
        extensions: desks::extensions(sketch, index),
        api_clients: Vec::new(),
    };
    let businesses = (0..).zip(&SKETCHES).map(one).collect();
    Demo { addresses, businesses }
}

fn addresses(app: &App, owner_url: &Secret) -> anyhow::Result<Addresses> {
    let config = app.config();
    let mail_dir = std::path::absolute(config.data_dir.join("mail")).context("where is the data folder?")?;
    Ok(Addresses {
        base_url: config.public_url.clone(),
        metrics_url: format!("http://{}/metrics", config.metrics_listen),
        database_url: database_url(app, owner_url)?,
        owner_database_url: owner_url.expose().to_owned(),
        mail_dir,
    })
}

/// The application's login. For the private database it is the owner's address with the name and password that the
/// pool uses.
fn database_url(app: &App, owner_url: &Secret) -> anyhow::Result<String> {
    if let Database::External { app: url, .. } = &app.config().database {
        return Ok(url.expose().to_owned());
    }
    let login = app.db().connect_options().to_url_lossy();
    let mut url = Url::parse(owner_url.expose()).context("the owner's database address is no URL")?;
    let is_set = url.set_username(login.username()).is_ok() && url.set_password(login.password()).is_ok();
    if !is_set {
        bail!("the owner's database address cannot hold another login");
    }
    Ok(url.into())
}

/// A person as the actor of what the demo does in their name. The origin says that it was the demo.
fn person(app: &App, business: BusinessId, person: &Person) -> Caller {
    caller(app, business, Actor::Member { member: person.member, user: person.user, grants: person.role.grants() })
}

/// A machine as the actor.
fn machine(app: &App, business: BusinessId) -> Caller {
    caller(app, business, Actor::Job(app.draw::<JobId>()))
}

fn caller(app: &App, business: BusinessId, actor: Actor) -> Caller {
    Caller { actor, business, origin: Origin { door: "demo", network: None }, trace: app.draw() }
}

/// Prints where the demo is and everybody's sign-in, for the person who started it.
///
/// # Errors
/// `demo.json` is missing or cannot be read.
pub fn print_sign_ins(data_dir: &Path) -> anyhow::Result<()> {
    let place = file::place(data_dir);
    let demo = file::read(&place)?.with_context(|| format!("{} is missing", place.display()))?;
    println!("\nSign in at {}/sign-in", demo.addresses.base_url);
    for business in &demo.businesses {
        println!("\n  {} ({})", business.name, business.profile.label());
        for user in &business.users {
            println!("    {:<11} {:<34} {}", user.role.label(), user.email, user.password);
            if let Some(secret) = &user.totp_secret {
                println!("                and a code: type {secret} into an authenticator app, or run");
                println!("                oathtool --totp --base32 {secret}");
            }
        }
    }
    println!("\nThe same for programs: {}", place.display());
    println!("Calls come in with `ringfort simulate` in a second terminal.\n");
    Ok(())
}
