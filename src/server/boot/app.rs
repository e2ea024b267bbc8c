//! The state that everything shares: one value, made at start, handed to every door and job.

use std::sync::Arc;

use sqlx::PgPool;
use uuid::Uuid;

use super::config::Config;
use crate::server::{
    kit::{
        At, Clock, Entropy,
        clock::SharedClock,
        entropy::{SharedEntropy, uuid7},
        outbound::Outbound,
    },
    live::{Hub, Nats},
    mail::Mailer,
    providers::oidc::Oidc,
    services::{limits::Limits, position::intake::Intake},
    vault::{Vault, passkey::RelyingParty, password::Passwords},
};

/// The installation, as a running process knows it. Clones share it.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What an [`App`] is made of.
pub struct Parts {
    pub config: Config,
    pub db: PgPool,
    pub worker_db: PgPool,
    pub clock: SharedClock,
    pub entropy: SharedEntropy,
    pub vault: Vault,
    pub passwords: Passwords,
    pub passkeys: Option<RelyingParty>,
    pub outbound: Outbound,
    /// Absent when nobody signs in with a provider of identities.
    pub oidc: Option<Oidc>,
    pub mailer: Mailer,
    pub hub: Hub,
    /// Absent where one node serves, or where several find each other's events by polling.
    pub nats: Option<Nats>,
    pub limits: Limits,
    /// Positions that wait to be stored.
    pub intake: Intake,
}

impl App {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The pool of the application role, for requests.
    #[must_use]
    pub fn db(&self) -> &PgPool {
        &self.0.db
    }

    /// The pool of the worker role, for jobs.
    #[must_use]
    pub fn worker_db(&self) -> &PgPool {
        &self.0.worker_db
    }

    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    #[must_use]
    pub fn shared_clock(&self) -> SharedClock {
        self.0.clock.clone()
    }

    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.0.vault
    }

    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// Absent where the product is reached by an IP address.
    #[must_use]
    pub fn passkeys(&self) -> Option<&RelyingParty> {
        self.0.passkeys.as_ref()
    }

    #[must_use]
    pub fn outbound(&self) -> &Outbound {
        &self.0.outbound
    }

    /// The provider of identities, when this installation has one.
    #[must_use]
    pub fn oidc(&self) -> Option<&Oidc> {
        self.0.oidc.as_ref()
    }

    #[must_use]
    pub fn mailer(&self) -> &Mailer {
        &self.0.mailer
    }

    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// What other nodes are told by, when this installation has one.
    #[must_use]
    pub fn nats(&self) -> Option<&Nats> {
        self.0.nats.as_ref()
    }

    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    #[must_use]
    pub fn intake(&self) -> &Intake {
        &self.0.intake
    }

    /// A new id of any kind.
    #[must_use]
    pub fn draw<T: From<Uuid>>(&self) -> T {
        uuid7(self.entropy(), self.clock().now()).into()
    }

    /// A new id whose time part is `at`: for what happened then.
    #[must_use]
    pub fn draw_at<T: From<Uuid>>(&self, at: At) -> T {
        uuid7(self.entropy(), at).into()
    }
}
