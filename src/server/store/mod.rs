//! All SQL. One file per noun; [`tx`] is the only way to a tenant table, [`lobby`] what runs before a tenant is
//! known. The store never sees HTTP.
//!
//! To add a noun: a migration with `call tenant_wall(..)`, a file here whose functions take `&mut TenantTx` first
//! and ask `tx.may(..)` (people) or `tx.machine()` (webhooks, jobs) in their first line.

pub mod agent;
pub mod audit;
pub mod audit_export;
pub mod audit_filter;
pub mod audit_stream;
pub mod board;
pub mod business;
pub mod call;
pub mod call_log;
pub mod connection;
pub mod data_key;
pub mod demo;
pub mod error;
pub mod extension;
pub mod invitation;
pub mod invitation_batch;
pub mod job;
pub mod leadership;
pub mod live;
pub mod lobby;
pub mod map;
pub mod masked_call;
pub mod member;
pub mod member_phone;
pub mod network;
pub mod operator;
pub mod outbox;
pub mod password_policy;
pub mod policy;
pub mod position;
pub mod proxy_number;
pub mod receipt;
pub mod retention;
pub mod review;
pub mod role;
pub mod screen_pop;
pub mod seal;
pub mod session;
pub mod shift;
pub mod tracking_link;
pub mod tx;
pub mod types;
pub mod wallboard;
pub mod work_order;

pub use error::StoreError;
pub use tx::TenantTx;
