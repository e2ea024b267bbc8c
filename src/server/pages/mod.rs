//! Pages: what people see. Each has a `NEED`, loads once (`load`: a model of the page, through services or one
//! `TenantTx`), then draws it (`view`: a pure function). Pages never write; forms post to `ui::actions`.
//!
//! To add one: its file here, in the shape of [`calls`]; its door in [`doors`]; its line in [`nav`] if it belongs
//! there. Words for values are in [`text`], small pieces that pages share in [`cells`], all other parts in `ui::parts`.

pub mod account;
pub mod audit;
pub mod audit_entry;
pub mod audit_exports;
pub mod audit_seals;
pub mod audit_stream;
pub mod audit_streams;
pub mod board;
pub mod board_settings;
pub mod call;
mod call_control;
pub mod calls;
mod cells;
pub mod confirm;
pub mod connection;
pub mod connections;
pub mod dispatch;
pub mod extensions;
pub mod factor;
pub mod field;
pub mod forgot;
pub mod home;
pub mod join;
pub mod link;
pub mod linked;
mod live_link;
mod mailed;
pub mod mails;
pub mod map;
pub mod masked_call;
pub mod member;
pub mod member_phone;
pub mod nav;
pub mod networks;
pub mod oidc;
pub mod open;
pub mod operators;
mod own_state;
pub mod password;
pub mod pops;
pub mod proxy_numbers;
pub mod retention;
pub mod review;
pub mod reviews;
pub mod rights;
pub mod role;
pub mod roles;
pub mod security;
pub mod sessions;
pub mod settings;
pub mod sign_in;
pub mod sign_up;
pub mod switch;
pub mod team;
pub mod team_import;
pub mod text;
pub mod tokens;
pub mod track;
pub mod two_factor;
pub mod wallboard;
pub mod wallboards;
pub mod work_order;
pub mod work_orders;

use axum::response::Response;

use crate::{
    model::permission::Need,
    server::{
        http::{action::see_other, doors::Doors},
        providers::oidc::CALLBACK,
    },
};

/// `GET /`: the home page, which sends strangers to the sign-in.
pub async fn root() -> Response {
    see_other("/home")
}

/// Every page with its need.
#[must_use]
pub fn doors(doors: Doors) -> Doors {
    dispatch_doors(board_doors(doors))
        .page("/", Need::Public, root)
        .page("/sign-in", sign_in::NEED, sign_in::page)
        .page("/sign-in/factor", factor::NEED, factor::page)
        .page("/confirm", confirm::NEED, confirm::page)
        .page("/sign-in/oidc", oidc::NEED, oidc::page)
        .page(CALLBACK, oidc::NEED, oidc::callback)
        .page("/sign-in/oidc/over", oidc::NEED, oidc::over)
        .page("/sign-in/link", link::NEED, link::ask)
        .page("/sign-in/link/sent", link::NEED, link::sent)
        .page("/sign-in/link/open", link::NEED, link::open)
        .page("/forgot", forgot::NEED, forgot::ask)
        .page("/forgot/sent", forgot::NEED, forgot::sent)
        .page("/reset", forgot::NEED, forgot::reset)
        .page("/sign-up", sign_up::NEED, sign_up::start)
        .page("/sign-up/sent", sign_up::NEED, sign_up::sent)
        .page("/sign-up/finish", sign_up::NEED, sign_up::finish)
        .page("/join", join::NEED, join::page)
        .page("/open/{purpose}/{token}", open::NEED, open::page)
        .page("/dev/mail", mails::NEED, mails::page)
        .page("/switch", switch::NEED, switch::page)
        .page("/account", account::NEED, account::page)
        .page("/account/password", password::NEED, password::page)
        .page("/account/sessions", sessions::NEED, sessions::page)
        .page("/account/two-factor/codes", two_factor::NEED, two_factor::codes)
        .page("/home", home::NEED, home::page)
        .page("/board", board::NEED, board::page)
        .page("/pops", pops::NEED, pops::page)
        .page("/calls", calls::NEED, calls::page)
        .page("/calls/{id}", call::NEED, call::page)
        .page("/calls/{id}/numbers", call::NUMBERS_NEED, call::numbers)
        .page("/team", team::NEED, team::page)
        .page("/team/import", team_import::NEED, team_import::page)
        .page("/team/import/{id}", team_import::NEED, team_import::result)
        .page("/roles", roles::NEED, roles::page)
        .page("/team/{id}/rights", rights::NEED, rights::page)
        .page("/connections", connections::NEED, connections::page)
        .page("/extensions", extensions::NEED, extensions::page)
        .page("/settings", settings::NEED, settings::page)
        .page("/settings/retention", retention::NEED, retention::page)
        .page("/reviews", reviews::NEED, reviews::page)
        .page("/reviews/{id}", review::NEED, review::page)
        .page("/security/operators", operators::NEED, operators::page)
        .page("/audit", audit::NEED, audit::page)
        .page("/audit/seals", audit_seals::NEED, audit_seals::page)
        .page("/audit/streams", audit_streams::NEED, audit_streams::page)
        .page("/audit/{id}", audit_entry::NEED, audit_entry::page)
        .asking_again(sensitive)
}

/// The wall, and what the live board measures by.
fn board_doors(doors: Doors) -> Doors {
    doors
        .page("/wallboard/{token}", wallboard::NEED, wallboard::page)
        .page("/wallboards", wallboards::NEED, wallboards::page)
        .page("/settings/board", board_settings::NEED, board_settings::page)
}

/// Technicians, their jobs, and how customers reach them.
fn dispatch_doors(doors: Doors) -> Doors {
    doors
        .page("/field", field::NEED, field::page)
        .page("/field/offline", field::OFFLINE_NEED, field::offline)
        .page("/map", map::NEED, map::page)
        .page("/work-orders", work_orders::NEED, work_orders::page)
        .page("/work-orders/new", work_orders::ALL_NEED, work_orders::new::page)
        .page("/work-orders/{id}", work_order::NEED, work_order::page)
        .page("/work-orders/{id}/edit", work_orders::ALL_NEED, work_order::edit::page)
        .page("/dispatch", dispatch::NEED, dispatch::page)
        .page("/track/{token}", track::NEED, track::page)
        .page("/proxy-numbers", proxy_numbers::NEED, proxy_numbers::page)
        .page("/work-orders/{id}/call", masked_call::NEED, masked_call::page)
        .page("/account/phone", member_phone::NEED, member_phone::page)
}

/// Credentials, roles, retention and exports ask again who one is before they open (ACC-8).
fn sensitive(doors: Doors) -> Doors {
    doors
        .page("/account/two-factor", two_factor::NEED, two_factor::page)
        .page("/account/linked", linked::NEED, linked::page)
        .page("/account/two-factor/app", two_factor::NEED, two_factor::app)
        .page("/account/two-factor/text", two_factor::NEED, two_factor::text_codes)
        .page("/team/{id}", member::NEED, member::page)
        .page("/roles/{id}", role::NEED, role::page)
        .page("/audit/exports", audit_exports::NEED, audit_exports::page)
        .page("/audit/exports/new", audit_exports::NEED, audit_exports::ask)
        .page("/audit/exports/{id}/file", audit_exports::NEED, audit_exports::file)
        .page("/audit/exports/{id}/manifest", audit_exports::NEED, audit_exports::manifest)
        .page("/audit/streams/new", audit_streams::NEED, audit_streams::create)
        .page("/audit/streams/{id}", audit_stream::NEED, audit_stream::page)
        .page("/connections/new", connections::NEED, connections::create)
        .page("/connections/{id}", connection::NEED, connection::page)
        .page("/connections/{id}/address", connection::NEED, connection::address)
        .page("/settings/retention/{kind}", retention::EDIT_NEED, retention::edit)
        .page("/settings/security", security::NEED, security::page)
        .page("/settings/networks", networks::NEED, networks::page)
}
