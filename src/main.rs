//! The `ringfort` command.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use ringfort::server::boot::{self, config::Config, lifecycle, simulate, telemetry};

/// A self-hosted workspace in which a business runs its phone lines.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve, with the private database or the one in `DATABASE_URL`.
    Serve,
    /// Serve a demo: four businesses with people in every role and weeks of calls.
    Demo,
    /// Bring the database to this version, and stop.
    Migrate,
    /// Play a phone provider: send signed webhooks to a running demo.
    Simulate {
        /// Calls a minute, over all businesses.
        #[arg(long, default_value_t = 12)]
        rate: u32,
        /// Stop after this many calls.
        #[arg(long)]
        calls: Option<u32>,
        /// Only this business, by name.
        #[arg(long)]
        business: Option<String>,
    },
    /// Look for what is wrong with this installation, and say how to mend it.
    Doctor,
    /// The sealed audit log.
    Audit {
        #[command(subcommand)]
        act: Audit,
    },
    /// The networks that a business lets its people in from.
    Networks {
        #[command(subcommand)]
        act: Networks,
    },
    /// Looking into a business as who runs this installation. Its owners are told, and it stands in its audit log.
    Operator {
        #[command(subcommand)]
        act: Operator,
    },
}

#[derive(Subcommand)]
enum Operator {
    /// Open access to a business, for some hours. Its owners get a mail, and can end it.
    Grant {
        /// The business's id, like `biz_0199…`.
        #[arg(long)]
        business: String,
        /// Why, in a few words that name nobody. The business reads it.
        #[arg(long)]
        reason: String,
        /// The number of the ticket that it is about.
        #[arg(long)]
        ticket: String,
        /// For how long, from 1 to 8.
        #[arg(long, default_value_t = 1)]
        hours: i32,
    },
    /// Give the access back before its time is over.
    End {
        /// The business's id.
        #[arg(long)]
        business: String,
    },
    /// Print what is open, and what was.
    List {
        /// Only this business, by its id.
        #[arg(long)]
        business: Option<String>,
    },
    /// Print the states of a business's connections, events, jobs and deletion. Needs open access.
    Show {
        /// The business's id.
        #[arg(long)]
        business: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// The same whenever it changes, until the access ends.
    Watch {
        /// The business's id.
        #[arg(long)]
        business: String,
    },
}

#[derive(Subcommand)]
enum Networks {
    /// Let a business's people in from everywhere again, when all of them are shut out.
    Clear {
        /// The business's id, like `biz_0199…`.
        #[arg(long)]
        business: String,
        /// Why. It stands in the business's audit log.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Subcommand)]
enum Audit {
    /// Go through the seals and all that they hold. Status 0: as it was sealed; 2: not; 1: could not be looked at.
    Verify {
        /// Only this business, by its id.
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        span: Span,
        /// Checkpoints that were kept outside: a file of lines.
        #[arg(long)]
        checkpoints: Option<PathBuf>,
        /// Verify an export instead, without a database.
        #[arg(long, requires = "key", conflicts_with_all = ["business", "from", "to"])]
        file: Option<PathBuf>,
        /// The public key that has signed, as `ringfort audit keys` prints its `x`; several where it was renewed.
        #[arg(long)]
        key: Vec<String>,
        /// The export is a choice of entries: what it leaves out is no fault.
        #[arg(long, requires = "file")]
        part: bool,
    },
    /// Verify an export that was downloaded, by its manifest and without a database. Status 0: as it was signed; 2: not.
    VerifyExport {
        /// The file.
        file: PathBuf,
        /// Its manifest.
        #[arg(long)]
        manifest: PathBuf,
        /// The public key that has signed, as `ringfort audit keys` prints its `x`; several where it was renewed.
        #[arg(long, required = true)]
        key: Vec<String>,
    },
    /// Write seals and entries as lines of JSON, which can be verified without a database.
    Export {
        /// The business's id, like `biz_0199…`.
        #[arg(long)]
        business: String,
        #[command(flatten)]
        span: Span,
        /// The new file; else the terminal.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Print the public keys that have signed.
    Keys,
}

#[derive(Args)]
struct Span {
    /// From here on, by when it was sealed: a day (in UTC), or a time like `2026-01-02T03:04:05Z`.
    #[arg(long)]
    from: Option<String>,
    /// Until before this.
    #[arg(long)]
    to: Option<String>,
}

impl Span {
    fn asked(&self) -> boot::audit::Span<'_> {
        boot::audit::Span { from: self.from.as_deref(), until: self.to.as_deref() }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start();
    let cli = Cli::parse();
    let mut config = Config::from_env()?;
    match cli.command {
        Command::Serve => Box::pin(run(config, false)).await,
        Command::Demo => {
            config.demo = true;
            // The simulator's stand-in for an agency system, which the demo's connection names.
            config.outbound_allow.push(simulate::AGENCY.to_string());
            Box::pin(run(config, true)).await
        }
        Command::Migrate => {
            let ready = lifecycle::prepare_database(&config).await?;
            if ready.owner_url.is_none() {
                bail!("nothing was migrated: set OWNER_DATABASE_URL to a login that may create roles and tables");
            }
            if let Some(private) = ready.private {
                private.stop().await;
            }
            println!("The database is up to date.");
            Ok(())
        }
        Command::Simulate { rate, calls, business } => {
            let demo_json = config.data_dir.join("demo.json");
            simulate::run(simulate::Options { demo_json, rate_per_minute: rate, calls, business }).await
        }
        Command::Doctor => {
            let healthy = boot::doctor::run(&config).await?;
            if healthy { Ok(()) } else { std::process::exit(1) }
        }
        Command::Audit { act } => {
            let is_sound = Box::pin(audit(config, &act)).await?;
            if is_sound { Ok(()) } else { std::process::exit(2) }
        }
        Command::Networks { act: Networks::Clear { business, reason } } => {
            let ready = lifecycle::prepare_database(&config).await?;
            let outcome = clear_networks(config, &ready, &business, &reason).await;
            if let Some(private) = ready.private {
                private.stop().await;
            }
            outcome
        }
        Command::Operator { act } => Box::pin(operator(config, &act)).await,
    }
}

/// False: something is wrong with the log.
async fn audit(config: Config, act: &Audit) -> anyhow::Result<bool> {
    if let Audit::Verify { file: Some(file), key, part, checkpoints, .. } = act {
        return boot::audit::verify_file(file, key, *part, checkpoints.as_deref());
    }
    if let Audit::VerifyExport { file, manifest, key } = act {
        return boot::audit::verify_export(file, manifest, key);
    }
    let ready = lifecycle::prepare_database(&config).await?;
    let outcome = audit_in_database(config, &ready, act).await;
    if let Some(private) = ready.private {
        private.stop().await;
    }
    outcome
}

async fn audit_in_database(config: Config, ready: &lifecycle::Ready, act: &Audit) -> anyhow::Result<bool> {
    let app = lifecycle::assemble(config, ready).await?;
    match act {
        Audit::Verify { business, span, checkpoints, .. } => {
            boot::audit::verify(&app, business.as_deref(), span.asked(), checkpoints.as_deref()).await
        }
        Audit::VerifyExport { file, manifest, key } => boot::audit::verify_export(file, manifest, key),
        Audit::Export { business, span, out } => {
            boot::audit::export(&app, business, span.asked(), out.as_deref()).await?;
            Ok(true)
        }
        Audit::Keys => {
            boot::audit::keys(&app).await?;
            Ok(true)
        }
    }
}

async fn run(config: Config, is_demo: bool) -> anyhow::Result<()> {
    let ready = lifecycle::prepare_database(&config).await?;
    let outcome = Box::pin(serve(config, is_demo, &ready)).await;
    if let Some(private) = ready.private {
        private.stop().await;
    }
    outcome
}

async fn serve(config: Config, is_demo: bool, ready: &lifecycle::Ready) -> anyhow::Result<()> {
    let public_url = config.public_url.clone();
    let data_dir = config.data_dir.clone();
    let app = lifecycle::assemble(config, ready).await?;
    if is_demo {
        let owner = ready.owner_url.as_ref().context("the demo needs the owner's database login")?;
        boot::demo::fill(&app, owner).await?;
        boot::demo::print_sign_ins(&data_dir)?;
    }
    println!("Ringfort is at {public_url}");
    lifecycle::serve(app).await
}

async fn clear_networks(config: Config, ready: &lifecycle::Ready, business: &str, reason: &str) -> anyhow::Result<()> {
    let app = lifecycle::assemble(config, ready).await?;
    let cleared = boot::networks::clear(&app, business, reason).await?;
    println!("{cleared} networks were taken away: the business's people come in from everywhere.");
    Ok(())
}

async fn operator(config: Config, act: &Operator) -> anyhow::Result<()> {
    let ready = lifecycle::prepare_database(&config).await?;
    let outcome = operate(config, &ready, act).await;
    if let Some(private) = ready.private {
        private.stop().await;
    }
    outcome
}

async fn operate(config: Config, ready: &lifecycle::Ready, act: &Operator) -> anyhow::Result<()> {
    use boot::operator::{Ask, database, end, grant, list, show, watch};

    match act {
        Operator::Show { business, json } => show(&database(&config, ready).await?, business, *json).await,
        Operator::Watch { business } => watch(&database(&config, ready).await?, business).await,
        Operator::Grant { business, reason, ticket, hours } => {
            let app = lifecycle::assemble(config, ready).await?;
            grant(&app, business, Ask { reason, ticket, hours: *hours }).await
        }
        Operator::End { business } => end(&lifecycle::assemble(config, ready).await?, business).await,
        Operator::List { business } => list(&lifecycle::assemble(config, ready).await?, business.as_deref()).await,
    }
}
