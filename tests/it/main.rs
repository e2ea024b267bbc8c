//! Everything at once, as it runs in production: the real router, the real database with its real roles, a clock and
//! a seed in the test's hand, mail in a folder, jobs run by hand. A database per test, cut from a template.
//!
//! Needs `TEST_DATABASE_URL`, a superuser's address: `scripts/test-postgres start` prints one. To add a family: a file
//! here, its tests named after what they promise, with the promise's id (product.md). To add a table: a row in
//! [`kit::fixture`]; the tenant test says so.
#![recursion_limit = "256"]
#![expect(clippy::disallowed_methods, reason = "tests arrange beside the walls, and make the clock and the seed")]

mod asvs;
mod attack;
mod audit;
mod audit_export;
mod audit_query;
mod audit_stream;
mod board;
mod catalogue;
mod device;
mod doors;
mod factor;
mod field;
mod flood;
mod headers;
mod kit;
mod link;
mod live_check;
mod lockout;
mod mail;
mod map;
mod masked_call;
mod network;
mod nodes;
mod offboard;
mod oidc;
mod operator;
mod passkey;
mod password;
mod policy;
mod pop;
mod position;
mod retention;
mod review;
mod role;
mod room;
mod seal;
mod session;
mod tenant;
mod tidy;
mod token;
mod webhook;
mod work_order;
