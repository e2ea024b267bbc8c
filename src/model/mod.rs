//! What is true without a world or a clock: ids, the call state machine, who may do what, how long data lives.
//!
//! Compiled for the server and for the browser. No I/O, no time of day, no randomness, no SQL, no HTML: such a
//! line belongs to `server::store`, `server::kit` or `ui`. To add a noun: one file named after it, with the
//! tests of its rules beside them.

pub mod agent;
pub mod audit;
pub mod audit_export;
pub mod audit_query;
pub mod audit_stream;
pub mod board;
pub mod call;
pub mod extension;
pub mod factor;
pub mod field;
pub mod geo;
pub mod grants;
pub mod id;
pub mod invitation;
pub mod lockout;
pub mod map;
pub mod masked_call;
pub mod network;
pub mod operator;
pub mod password;
pub mod permission;
pub mod personal;
pub mod phone;
pub mod position;
pub mod profile;
pub mod retention;
pub mod review;
pub mod role;
pub mod seal;
pub mod session;
pub mod texting;
pub mod work_order;
