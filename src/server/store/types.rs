//! How the model's types stand in columns. The query macros know these by `sqlx.toml`.

use std::{error::Error, str::FromStr};

use jiff_sqlx::Timestamp as SqlTimestamp;
use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef},
};
use uuid::Uuid;

use super::StoreError;
use crate::{model::id, server::kit::At};

/// The beginning of year 1. The database knows no instant of five thousand years before, which an address may name: it is asked
/// for what is older than this as for this, and nothing is. In microseconds since 1970.
const OLDEST: i64 = -62_135_596_800_000_000;

type Boxed = Box<dyn Error + Send + Sync>;

/// The year 2000, from which `PostgreSQL` counts, in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

impl Type<Postgres> for At {
    fn type_info() -> PgTypeInfo {
        <SqlTimestamp as Type<Postgres>>::type_info()
    }
}

impl PgHasArrayType for At {
    fn array_type_info() -> PgTypeInfo {
        <SqlTimestamp as PgHasArrayType>::array_type_info()
    }
}

/// As `jiff_sqlx`, without its way over a calendar: positions bind thousands at once.
impl Encode<'_, Postgres> for At {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, Boxed> {
        Encode::<Postgres>::encode_by_ref(&(self.micros().max(OLDEST) - EPOCH), buf)
    }
}

impl<'r> Decode<'r, Postgres> for At {
    fn decode(value: PgValueRef<'r>) -> Result<Self, Boxed> {
        SqlTimestamp::decode(value).map(|t| Self(t.to_jiff()))
    }
}

macro_rules! id_columns {
    ($($name:ident),+) => {$(
        impl Type<Postgres> for id::$name {
            fn type_info() -> PgTypeInfo {
                <Uuid as Type<Postgres>>::type_info()
            }
        }

        impl PgHasArrayType for id::$name {
            fn array_type_info() -> PgTypeInfo {
                <Uuid as PgHasArrayType>::array_type_info()
            }
        }

        impl Encode<'_, Postgres> for id::$name {
            fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, Boxed> {
                Encode::<Postgres>::encode_by_ref(&self.0, buf)
            }
        }

        impl<'r> Decode<'r, Postgres> for id::$name {
            fn decode(value: PgValueRef<'r>) -> Result<Self, Boxed> {
                Uuid::decode(value).map(Self)
            }
        }
    )+};
}

id_columns!(
    BusinessId,
    UserId,
    MemberId,
    InvitationId,
    ConnectionId,
    SecretId,
    DataKeyId,
    ExtensionId,
    CallId,
    LegId,
    CallEventId,
    ReceiptId,
    PopId,
    JobId,
    AuditId,
    RunId,
    RoleId,
    TraceId
);

/// Reads a closed word of a column.
///
/// # Errors
/// A word that the model does not know: names the column, so that the row can be found and mended.
pub fn read<T: FromStr>(column: &'static str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable { column })
}
