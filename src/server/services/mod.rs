//! Use cases: what people and machines do here, one file per noun. A use case joins store, vault and outside systems
//! into one act, inside [`audit::audited`]. Doors call one service function and nothing below it.
//!
//! To add one: its word in `model::audit`, a function here that takes the [`crate::server::http::Cx`] (people) or the
//! `App` and a `Caller` (machines), and its door.

pub mod agent;
pub mod audit;
pub mod audit_export;
pub mod audit_filter;
pub mod audit_news;
pub mod audit_stream;
pub mod board;
pub mod business;
pub mod call;
pub mod call_control;
pub mod challenge;
pub mod connection;
pub mod device;
pub mod extension;
pub mod factor;
pub mod field;
pub mod identity;
pub mod invitation;
pub mod invitation_batch;
pub mod limits;
pub mod link;
pub mod lockout;
pub mod map;
pub mod masked_call;
pub mod member;
pub mod member_phone;
pub mod network;
pub mod operator;
pub mod passkey;
pub mod password;
pub mod policy;
pub mod pop;
pub mod position;
pub mod proxy_number;
pub mod retention;
pub mod review;
pub mod role;
pub mod seal;
pub mod session;
pub mod sign_up;
pub mod token;
pub mod tracking_link;
pub mod wallboard;
pub mod webhook;
pub mod work_order;
