//! What can go wrong in the store, and which constraint means what to a person.

use crate::model::field::{Bad, BadField};

/// A failure of the store. `Refused` and `Missing` are answers, the rest are faults.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("no such row in this business")]
    Missing,
    #[error("the actor may not do this")]
    Refused,
    #[error("{} is taken", .0.field)]
    Taken(BadField),
    #[error("the row was changed by somebody else meanwhile")]
    Stale,
    #[error("the audit entry was not written")]
    Unwritten,
    #[error("column {column} holds a word that the model does not know")]
    Unreadable { column: &'static str },
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    #[error("the database refused a statement")]
    Database(#[source] sqlx::Error),
}

/// Unique constraints that a person can run into, the form field they belong to, and nothing else.
const TAKEN: &[(&str, &str)] = &[
    ("users_email_key", "email"),
    ("members_email_key", "email"),
    ("members_user_key", "email"),
    ("audit_filters_name_key", "name"),
    ("extensions_extension_key", "extension"),
    ("extensions_target_key", "target"),
    ("networks_range_key", "range"),
    ("queues_name_key", "name"),
    ("queues_number_key", "number"),
    ("agent_reasons_label_key", "label"),
    ("proxy_numbers_number_key", "number"),
    ("roles_name_key", "name"),
    // Of a passkey there is no field that one could look at.
    ("passkeys_credential_id_key", ""),
];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::Missing,
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => {
                Self::Unavailable(error)
            }
            sqlx::Error::Database(db) => {
                let taken = db.constraint().and_then(|c| TAKEN.iter().find(|(name, _)| *name == c));
                if let Some((_, field)) = taken {
                    return Self::Taken(BadField { field: (*field).to_owned(), problem: Bad::Taken });
                }
                // 57P0x: shutting down, crashed, starting up. 53xxx: out of connections, memory, disk.
                // 08xxx: the connection broke.
                match db.code().as_deref() {
                    Some(code) if ["57P", "53", "08"].iter().any(|class| code.starts_with(class)) => {
                        Self::Unavailable(error)
                    }
                    _ => Self::Database(error),
                }
            }
            _ => Self::Database(error),
        }
    }
}
