//! The unit of work (TEN-2): a transaction that belongs to one business and one actor.
//!
//! `TenantTx` is the only way to a tenant table. It opens from a [`Caller`], which only a door can make, and sets
//! tenant and actor for exactly this transaction, in the statement that begins it: no extra round trip, nothing
//! left behind on a pooled connection. Dropped without `commit`, it rolls back.

use std::fmt::Write;

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};

use super::StoreError;
use crate::{
    model::{
        id::{BusinessId, OperatorGrantId, TrackingLinkId},
        permission::{Permission, Reach},
    },
    server::{
        caller::{Actor, Caller},
        kit::At,
    },
};

/// A transaction inside one business.
pub struct TenantTx {
    tx: Transaction<'static, Postgres>,
    caller: Caller,
    now: At,
}

/// Whose rows a permission reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's in the business.
    Everybodys,
    /// Only this member's.
    Only(crate::model::id::MemberId),
}

impl TenantTx {
    /// Opens a transaction for `caller`.
    ///
    /// # Errors
    /// The database cannot be reached.
    #[expect(clippy::disallowed_methods, reason = "the one door to tenant tables")]
    pub async fn open(db: &PgPool, caller: &Caller, now: At) -> Result<Self, StoreError> {
        let mut begin = String::from("BEGIN");
        // Both values are UUIDs of our own types: nothing here can be written by a stranger.
        write!(begin, "; SET LOCAL app.business = '{}'", caller.business.0).expect("writing to a string");
        write!(begin, "; SET LOCAL app.actor = '{}'", caller.actor.uuid().unwrap_or_default())
            .expect("writing to a string");
        let tx = db.begin_with(AssertSqlSafe(begin)).await?;
        Ok(Self { tx, caller: caller.clone(), now })
    }

    /// Goes on inside a business that a lobby function has just created or joined in this transaction, so that
    /// the founding and its audit entry commit together.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub(in crate::server::store) async fn adopt(
        mut tx: Transaction<'static, Postgres>,
        caller: Caller,
        now: At,
    ) -> Result<Self, StoreError> {
        sqlx::query!(
            "select set_config('app.business', $1, true) as business, set_config('app.actor', $2, true) as actor",
            caller.business.0.to_string(),
            caller.actor.uuid().unwrap_or_default().to_string(),
        )
        .fetch_one(&mut *tx)
        .await?;
        Ok(Self { tx, caller, now })
    }

    /// The connection, for the queries of this room.
    pub(in crate::server::store) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// The business this transaction belongs to. Every query names it as well, so that the planner can use the key.
    #[must_use]
    pub fn business(&self) -> BusinessId {
        self.caller.business
    }

    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The instant at which the unit of work began.
    #[must_use]
    pub fn now(&self) -> At {
        self.now
    }

    /// The second permission check, beside the SQL: how far the actor may reach.
    ///
    /// # Errors
    /// Refused when they may not at all. Machines hold no permission of people.
    pub fn may(&self, permission: Permission) -> Result<Whose, StoreError> {
        match self.caller.actor {
            Actor::Member { member, grants, .. } => match grants.reach(permission) {
                Reach::All => Ok(Whose::Everybodys),
                Reach::Own => Ok(Whose::Only(member)),
                Reach::None => Err(StoreError::Refused),
            },
            Actor::Webhook(_) | Actor::Job(_) | Actor::Operator(_) | Actor::Link(_) => Err(StoreError::Refused),
        }
    }

    /// As [`Self::may`], for what has no owner: reaching one's own is not enough.
    ///
    /// # Errors
    /// Refused when they may not.
    pub fn may_all(&self, permission: Permission) -> Result<(), StoreError> {
        match self.may(permission)? {
            Whose::Everybodys => Ok(()),
            Whose::Only(_) => Err(StoreError::Refused),
        }
    }

    /// For what only webhooks and jobs do: applying provider events, deleting what is over.
    ///
    /// # Errors
    /// Refused for people, whatever their role.
    pub fn machine(&self) -> Result<(), StoreError> {
        match self.caller.actor {
            Actor::Webhook(_) | Actor::Job(_) => Ok(()),
            Actor::Member { .. } | Actor::Operator(_) | Actor::Link(_) => Err(StoreError::Refused),
        }
    }

    /// For what only the installation's operator does, by a command: which grant they act under.
    ///
    /// # Errors
    /// Refused for everybody else.
    pub fn operator(&self) -> Result<OperatorGrantId, StoreError> {
        match self.caller.actor {
            Actor::Operator(grant) => Ok(grant),
            Actor::Member { .. } | Actor::Webhook(_) | Actor::Job(_) | Actor::Link(_) => Err(StoreError::Refused),
        }
    }

    /// For what only a customer does who follows their technician: by which link.
    ///
    /// # Errors
    /// Refused for everybody else.
    pub fn link(&self) -> Result<TrackingLinkId, StoreError> {
        match self.caller.actor {
            Actor::Link(link) => Ok(link),
            Actor::Member { .. } | Actor::Webhook(_) | Actor::Job(_) | Actor::Operator(_) => Err(StoreError::Refused),
        }
    }

    /// A mark to return to, so that a failed step does not lose what came before it.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn savepoint(&mut self) -> Result<(), StoreError> {
        sqlx::query!("savepoint step").execute(self.conn()).await?;
        Ok(())
    }

    /// Undoes everything since the mark.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn rollback_to_savepoint(&mut self) -> Result<(), StoreError> {
        sqlx::query!("rollback to savepoint step").execute(self.conn()).await?;
        Ok(())
    }

    /// Makes it so. An error here does not mean that it was not committed: who retries must hit the same keys.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await?;
        Ok(())
    }
}
