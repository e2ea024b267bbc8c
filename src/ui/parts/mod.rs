//! The design system: dumb parts (props in, markup out) that pages and islands are built from.
//!
//! Their looks live in `style/app.css`, as component classes over one set of tokens. To add a part: one small
//! file here, its classes there, and a `pub use` below. Parts know no server types and no router, they never
//! write `style=` (the content policy forbids it), and every class name stands literally in the source, because
//! Tailwind finds classes by reading it.
//!
//! Classes that pages may use without a part: `stack`, `stack-tight`, `row`, `toolbar`, `grid-2`, `grid-3`,
//! `grid-side`, `tiles`, `section-title`, `link`, `subtle`, `hint`, `mono`, `kbd`, `chip`, `tabs`, `segmented`,
//! `timeline`, `secret`, `codes`, `progress`, `form-actions`, `check`, `input-code`, `cell-main`, `cell-note`, `num`,
//! `actions`, `matrix` with `mark-yes`, `mark-own` and `mark-no`, `board` with `board-rows` and `board-empty`, `dialog`,
//! `pop`, `wallboard` with `wall-list`, `agents`, `queues`; on the audit log's page `query-bar`, `audit-row`, `audit-roles`, `audit-split` with `audit-panel`.

#![allow(clippy::must_use_candidate, clippy::needless_pass_by_value, reason = "components are called by `view!`")]

mod brand;
mod error;
mod form;
mod frame;
mod icon;
mod nav;
mod page;
mod passkey;
mod select;
mod table;
mod text;
mod time;
mod tone;

pub use brand::Wordmark;
pub use error::ErrorPage;
pub use form::{ConfirmField, ErrorSummary, Form, SecretField, Submit, TextField};
pub use frame::{Frame, Plain};
pub use icon::Icon;
pub use nav::NavItem;
pub use page::{Card, Crumbs, Empty, Facts, Notice, PageHead, Tile};
pub use passkey::{Asks, PasskeyForm};
pub use select::{RadioCards, SelectField};
pub use table::{DataTable, FilterBar, Pager};
pub use text::MaybeText;
pub use time::{When, duration};
pub use tone::{AgentStateBadge, Badge, CallStateBadge, Tone};
