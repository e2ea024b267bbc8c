//! Actions: every form's and island's write, as server functions. Each is a public address; its need stands in
//! `server::http::actions`, its body is one service call.
//!
//! To add one: the function in its area's file, with a fixed `endpoint` and all arguments as text, and a line there.

pub mod account;
pub mod audit;
pub mod audit_stream;
pub mod board;
pub mod calls;
pub mod device;
pub mod factor;
pub mod link;
pub mod masked_call;
pub mod oidc;
pub mod operator;
pub mod passkey;
pub mod policy;
pub mod position;
pub mod review;
pub mod role;
pub mod setup;
pub mod team;
pub mod texting;
pub mod token;
pub mod work_order;
