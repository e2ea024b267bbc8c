//! Which node tells the others by NATS (OPS-3): whoever holds a lock of the database, on a connection of its own. The lock
//! ends with the connection, so a node that was killed holds nothing up.
//!
//! Behind a `PgBouncer` in transaction mode a lock belongs to a connection that is not ours. There every node tells the
//! others, which is more talk and no fault: nothing is shown twice because of it.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection, PgConnection, PgPool, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::StoreError;

/// One per database.
const LOCK: i64 = 0x0072_696e_6772_656c;
/// A database that is silent for so long is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// The leadership, held or not.
pub struct Leadership {
    options: Arc<PgConnectOptions>,
    is_shared: bool,
    connection: Option<PgConnection>,
    is_held: bool,
}

impl Leadership {
    /// Not held yet. With `pgbouncer` it is held by every node, without a lock.
    #[must_use]
    pub fn new(db: &PgPool, pgbouncer: bool) -> Self {
        Self { options: db.connect_options(), is_shared: pgbouncer, connection: None, is_held: pgbouncer }
    }

    /// Whether this node had it when it was renewed last.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.is_held
    }

    /// Takes it when nobody has it, and makes sure of it when this node has it.
    ///
    /// # Errors
    /// The database cannot be reached: then it is held no more.
    pub async fn renew(&mut self) -> Result<(), StoreError> {
        if self.is_shared {
            return Ok(());
        }
        match timeout(PATIENCE, self.ask()).await {
            Ok(Ok(is_held)) => {
                self.is_held = is_held;
                Ok(())
            }
            Ok(Err(error)) => {
                self.let_go();
                Err(error)
            }
            Err(_) => {
                self.let_go();
                Err(StoreError::Unavailable(sqlx::Error::PoolTimedOut))
            }
        }
    }

    /// A connection in an unknown state is not used again.
    fn let_go(&mut self) {
        self.connection = None;
        self.is_held = false;
    }

    async fn ask(&mut self) -> Result<bool, StoreError> {
        if self.connection.is_none() {
            self.connection = Some(PgConnection::connect_with(&self.options).await?);
        }
        let Some(connection) = &mut self.connection else { return Ok(false) };
        if self.is_held {
            connection.ping().await?;
            return Ok(true);
        }
        let is_free = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "free!""#, LOCK)
            .fetch_one(&mut *connection)
            .await?;
        Ok(is_free)
    }
}
