//! The rows of what is done: forms, what scripts ask before them, what programs and providers post.

use super::{First, Leaves, Row, Thing, begun, done, later, row};
use crate::attack::canary::{BUSINESS, NAME, NOTE, NUMBER, SECRET};

/// What a passkey's ceremony keeps between its two halves.
const CEREMONY: &[&str] = &["lobby.passkey_ceremonies"];
/// What is kept of somebody who was sent to a provider of identities.
const SENT: &[&str] = &["lobby.oidc_requests"];

/// One row per door that does something.
pub const ACTIONS: &[Row] = &[
    done("/api/agent/state", &["agent.state_changed"]).with(&[("says", "break")]),
    done("/api/agent/state/set", &["agent.state_changed"])
        .of(&[("member", Thing::Member)])
        .with(&[("their_state", "offline")]),
    done("/api/account/phone/remove", &["member_phone.removed"]).after(First::OwnPhone),
    done("/api/account/phone/save", &["member_phone.set"]).with(&[("own_phone", NUMBER)]),
    done("/api/audit/export", &["audit.export_asked"]).with(&[
        ("filter", "zyxabella at:all"),
        ("format", "csv"),
        ("zone", "utc"),
    ]),
    done("/api/audit/export/cancel", &["audit.export_cancelled"]).of(&[("id", Thing::Export)]),
    done("/api/audit/filter/remove", &["audit.filter_removed"]).of(&[("id", Thing::Filter)]),
    done("/api/audit/filter/save", &["audit.filter_saved"]).with(&[("name", "{email}"), ("query", "zyxabella at:all")]),
    // Looking at the page was the entry; an entry for asking whether there is a new one would be a new one.
    begun("/api/audit/news", &[]).with(&[("*", "{answer}")]).after(First::AuditOpen),
    done("/api/audit/streams/create", &["audit_stream.created"]).with(&[
        ("label", BUSINESS),
        ("address", "https://quomptrix.example/in"),
        ("format", "json"),
        ("start", "now"),
        ("secret", SECRET),
    ]),
    done("/api/audit/streams/delete", &["audit_stream.deleted"])
        .of(&[("id", Thing::Stream)])
        .with(&[("confirm", "delete")]),
    done("/api/audit/streams/pause", &["audit_stream.paused"]).of(&[("id", Thing::Stream)]),
    done("/api/audit/streams/replay", &["audit_stream.replayed"]).of(&[("id", Thing::Stream)]),
    done("/api/audit/streams/resume", &["audit_stream.resumed"]).of(&[("id", Thing::StreamHeld)]),
    done("/api/audit/streams/rotate", &["audit_stream.rotated"])
        .of(&[("id", Thing::Stream)])
        .with(&[("secret", SECRET)]),
    done("/api/audit/streams/test", &["audit_stream.tested"]).of(&[("id", Thing::Stream)]),
    done("/api/audit/verify", &["audit.verified"]),
    done("/api/board/queue/add", &["queue.added"]).with(&[("name", "{email}"), ("number", "+1415555{number}")]),
    done("/api/board/queue/remove", &["queue.removed"]).of(&[("id", Thing::Queue)]),
    done("/api/board/reason/add", &["agent_reason.added"]).with(&[("state", "break"), ("label", "{email}")]),
    done("/api/board/reason/remove", &["agent_reason.removed"]).of(&[("id", Thing::Reason)]),
    done("/api/board/save", &["board.changed"]).with(&[
        ("warn_seconds", "60"),
        ("bad_seconds", "120"),
        ("answer_seconds", "30"),
        ("target_percent", "90"),
    ]),
    done("/api/calls/hang-up", &["call.hung_up"]).of(&[("id", Thing::Call)]).with(&[("confirm", "end")]),
    done("/api/calls/mute", &["call.muted"]).of(&[("id", Thing::Call)]),
    done("/api/calls/transfer", &["call.transferred"]).of(&[("id", Thing::Call), ("target", Thing::Extension)]),
    done("/api/confirm", &["session.proved"]).with(&[("password", "{password}")]).after(First::Password),
    done("/api/confirm/passkey", &["session.proved"]).with(&[("credential", "{answer}")]).after(First::PasskeyConfirm),
    begun("/api/confirm/passkey/start", CEREMONY).after(First::Passkey),
    done("/api/connections/create", &["connection.created"])
        .with(&[
            ("provider", "twilio"),
            ("label", BUSINESS),
            ("account", "AC00000000000000000000000000000042"),
            ("secret", SECRET),
            ("number", NUMBER),
        ])
        // In a world of its own: it would be the one that texts are sent by, with a secret that is none.
        .after(First::Password),
    done("/api/connections/revoke", &["connection.revoked"])
        .of(&[("id", Thing::Connection)])
        .with(&[("confirm", "revoke")]),
    done("/api/connections/rotate", &["connection.rotated"])
        .of(&[("id", Thing::Connection)])
        .with(&[("secret", SECRET)]),
    done("/api/connections/test", &["connection.tested"]).of(&[("id", Thing::Connection)]),
    done("/api/device/end-member", &["member.sessions_ended"]).of(&[("id", Thing::Member)]),
    done("/api/device/revoke", &["session.revoked"]).of(&[("id", Thing::Session)]),
    done("/api/device/revoke-others", &["sessions.revoked_others"]),
    done("/api/extensions/create", &["extension.created"]).of(&[("member", Thing::Member)]).with(&[
        ("extension", "{number}"),
        ("target", "client:zyxabella_{number}"),
        ("number", NUMBER),
    ]),
    done("/api/extensions/delete", &["extension.removed"]).of(&[("id", Thing::Extension)]),
    done("/api/join", &["member.joined", "session.started"])
        .with(&[("name", NAME), ("password", "{another}")])
        .after(First::Invited),
    done("/api/link/ask", &["session.link_asked"]).with(&[("email", "{me}")]),
    done("/api/link/code", &["session.started"]).with(&[("code", "{answer}")]).after(First::LinkCode),
    done("/api/link/enter", &["session.started"]).after(First::Link),
    done("/api/masked-calls/open", &["masked_call.opened"])
        .of(&[("work_order", Thing::WorkOrder)])
        .after(First::MaskedCalls),
    done("/api/network/add", &["network.added"]).with(&[("range", "10.200.0.0/16"), ("note", NOTE)]),
    done("/api/network/remove", &["network.removed"]).of(&[("id", Thing::Network)]),
    done("/api/oidc/enter", &["session.started"]).after(First::IdentityBack),
    begun("/api/oidc/join", SENT).after(First::Invited),
    done("/api/oidc/join/finish", &["member.joined"]).with(&[("name", NAME)]).after(First::IdentityInvited),
    begun("/api/oidc/link", SENT),
    done("/api/oidc/link/finish", &["identity.linked"]).after(First::IdentityToLink),
    begun("/api/oidc/start", SENT),
    done("/api/operator/end", &["operator.ended"]).of(&[("id", Thing::OperatorGrant)]),
    done("/api/oidc/unlink", &["identity.unlinked"]).after(First::Identity),
    done("/api/password/change", &["password.changed"])
        .with(&[("password", "{password}"), ("new_password", "{another}")])
        .after(First::Password),
    done("/api/password/forgot", &["password.reset_asked"]).with(&[("email", "{me}")]),
    done("/api/password/reset", &["password.reset"]).with(&[("password", "{another}")]).after(First::ResetLink),
    done("/api/pops/acknowledge", &["pop.acknowledged"]).of(&[("id", Thing::Pop)]).so_already(),
    done("/api/proxy-numbers/add", &["proxy_number.added"])
        .of(&[("connection", Thing::Connection)])
        .with(&[("number", "+1500556{number}")]),
    done("/api/proxy-numbers/remove", &["proxy_number.removed"]).of(&[("id", Thing::ProxyNumber)]),
    // The reason is kept as it was typed, and the page says so.
    done("/api/retention/save", &["retention.changed"]).with(&[
        ("kind", "calls"),
        ("days", "60"),
        ("reason", "The law"),
        ("confirm", "calls"),
    ]),
    done("/api/review/close", &["review.closed"]).of(&[("id", Thing::Review)]),
    done("/api/review/decide", &["review.decided"])
        .of(&[("id", Thing::Review), ("member", Thing::Reviewed)])
        .with(&[("decision", "keep")]),
    done("/api/review/open", &["review.opened"]).after(First::NoReview),
    done("/api/roles/copy", &["role.created"]).of(&[("of", Thing::Role)]).with(&[("name", "{email}")]),
    done("/api/roles/delete", &["role.deleted"]).of(&[("id", Thing::Role)]),
    done("/api/roles/save", &["role.changed"]).of(&[("id", Thing::Role)]).with(&[
        ("version", "1"),
        ("name", "{email}"),
        ("grants", "calls.own all, leaderboard all"),
    ]),
    done("/api/roles/view", &["role.view_started"]).of(&[("role", Thing::Role)]),
    done("/api/roles/view/stop", &["role.view_ended"]).after(First::Viewing),
    done("/api/security/factor", &["factor_policy.changed"]).with(&[
        ("role", "viewer"),
        ("required", "yes"),
        ("grace_days", "14"),
    ]),
    done("/api/settings/save", &["business.changed"]).with(&[("name", BUSINESS), ("zone", "Europe/Berlin")]),
    done("/api/setup/save-password-policy", &["password_policy.changed"]).with(&[("policy", "complexity")]),
    done("/api/shift/begin", &["shift.begun"]),
    done("/api/shift/end", &["shift.ended"]).of(&[("member", Thing::OnShift)]),
    done("/api/sign-in", &["session.started"])
        .with(&[("email", "{me}"), ("password", "{password}")])
        .after(First::Password),
    done("/api/sign-in/factor", &["factor.recovery_used", "session.started"])
        .with(&[("code", "{answer}")])
        .after(First::Waiting),
    begun("/api/sign-in/factor/mail", &["lobby.challenges", "lobby.email_codes", "lobby.email_factors", "lobby.mails"])
        .after(First::Waiting),
    done("/api/sign-in/factor/passkey", &["session.started"])
        .with(&[("credential", "{answer}")])
        .after(First::PasskeyAnswer),
    begun("/api/sign-in/factor/passkey/start", CEREMONY).after(First::WaitingForPasskey),
    later("/api/sign-in/factor/text", &["factor.text_sent"]).after(First::WaitingForText),
    done("/api/sign-in/passkey", &["session.started"]).with(&[("credential", "{answer}")]).after(First::PasskeySignIn),
    begun("/api/sign-in/passkey/start", CEREMONY),
    done("/api/sign-out", &["session.ended"]),
    // There is no business yet that could write it down.
    begun("/api/sign-up", &["lobby.mails", "lobby.sign_ups"]).with(&[
        ("email", "{email}"),
        ("business", BUSINESS),
        ("profile", "field_service"),
        ("zone", "Europe/Berlin"),
    ]),
    done("/api/sign-up/finish", &["business.created", "session.started"])
        .with(&[("name", NAME), ("password", "{another}")])
        .after(First::SignUpLink),
    done("/api/switch", &["session.switched"]).of(&[("business", Thing::Business)]),
    done("/api/team/hand-over", &["member.handed_over"])
        .of(&[("id", Thing::Member)])
        .with(&[("word", "owner")])
        .for_owners(),
    done("/api/team/import", &["invitation.imported", "member.invited"]).with(&[("list", "{email},agent")]),
    done("/api/team/invitation/resend", &["invitation.resent"]).of(&[("id", Thing::Invitation)]),
    done("/api/team/invitation/revoke", &["invitation.revoked"]).of(&[("id", Thing::Invitation)]),
    done("/api/team/invite", &["member.invited"]).with(&[("email", "{email}"), ("role", "agent")]),
    done("/api/team/remove", &["member.removed"]).of(&[("id", Thing::Member)]).with(&[("confirm", "remove")]),
    done("/api/team/reset-factors", &["factor.reset"]).of(&[("id", Thing::Member)]).with(&[("reset", "reset")]),
    done("/api/team/role", &["member.role_changed"]).of(&[("id", Thing::Member)]).with(&[("role", "technician")]),
    done("/api/team/unlock", &["account.unlocked"]).of(&[("id", Thing::Member)]),
    begun("/api/theme", &[]).with(&[("theme", "dark")]),
    done("/api/token/revoke", &["token.revoked"]).of(&[("id", Thing::Program)]),
    done("/api/two-factor/confirm", &["factor.added"]).with(&[("code", "{answer}")]).after(First::AppBegun),
    done("/api/two-factor/email/off", &["factor.removed"]).after(First::MailedCodes),
    done("/api/two-factor/email/on", &["factor.added"]),
    done("/api/two-factor/passkey/add", &["factor.added"])
        .with(&[("name", NAME), ("credential", "{answer}")])
        .after(First::PasskeyMade),
    done("/api/two-factor/passkey/remove", &["factor.removed"])
        .of(&[("id", Thing::Passkey)])
        .with(&[("word", "remove")]),
    begun("/api/two-factor/passkey/start", CEREMONY),
    done("/api/two-factor/recovery", &["factor.recovery_drawn"]).after(First::MailedCodes),
    done("/api/two-factor/remove", &["factor.removed"]).with(&[("confirm", "remove")]).after(First::App),
    begun("/api/two-factor/start", &["lobby.totp"]),
    later("/api/two-factor/text/again", &["factor.text_sent"]).after(First::TextBegun),
    done("/api/two-factor/text/confirm", &["factor.added"]).with(&[("code", "{answer}")]).after(First::TextBegun),
    done("/api/two-factor/text/off", &["factor.removed"]).after(First::Text),
    later("/api/two-factor/text/start", &["factor.text_sent"]).with(&[("number", NUMBER)]),
    // As on the technician's page, below.
    begun("/api/v1/positions", &["position_refusals"])
        .with(&[("*", r#"{"points":[{"at":"2020-01-01T00:00:00Z","lat":1.5,"lon":1.5,"accuracy_m":5}]}"#)]),
    done("/api/v1/token", &["token.issued"])
        .with(&[
            ("grant_type", "password"),
            ("email", "{me}"),
            ("password", "{password}"),
            ("device", "Zyxabella's phone"),
        ])
        .after(First::Password),
    done("/api/v1/token/revoke", &["token.revoked"]).with(&[("refresh_token", "{answer}")]).after(First::Program),
    begun("/csp", &[]),
    // Points leave no entry: that would be a log of where people are. This one is too old, and is counted.
    begun("/field/positions", &["position_refusals"])
        .with(&[("*", r#"{"points":[{"at":"2020-01-01T00:00:00Z","lat":1.5,"lon":1.5,"accuracy_m":5}]}"#)]),
    done("/api/tracking/create", &["tracking_link.created"]).of(&[("id", Thing::WorkOrder)]).with(&[("way", "show")]),
    done("/api/tracking/revoke", &["tracking_link.revoked"]).of(&[("id", Thing::TrackingLink)]),
    done("/api/work-orders/assign", &["work_order.assigned"]).of(&[("id", Thing::WorkOrder)]).with(&[("version", "1")]),
    done("/api/work-orders/cancel", &["work_order.canceled"])
        .of(&[("id", Thing::WorkOrder)])
        .with(&[("version", "1"), ("confirm", "cancel")]),
    done("/api/work-orders/change", &["work_order.changed"]).of(&[("id", Thing::WorkOrder)]).with(&[
        ("version", "1"),
        ("customer", NAME),
        ("phone", NUMBER),
        ("address", BUSINESS),
        ("day", "{soon}"),
        ("from", "08:00"),
        ("to", "10:00"),
        ("note", NOTE),
    ]),
    done("/api/work-orders/create", &["work_order.created"]).with(&[
        ("customer", NAME),
        ("phone", NUMBER),
        ("address", BUSINESS),
        ("day", "{soon}"),
        ("from", "08:00"),
        ("to", "10:00"),
        ("note", NOTE),
    ]),
    done("/api/work-orders/move", &["work_order.moved"])
        .of(&[("id", Thing::WorkOrder)])
        .with(&[("version", "1"), ("to", "en_route")]),
    done("/api/wallboard/revoke", &["wallboard.revoked"]).of(&[("id", Thing::Wallboard)]),
    done("/api/wallboard/share", &["wallboard.shared"]).with(&[("label", BUSINESS), ("days", "7")]),
    row("POST", "/webhooks/{provider}/{token}/{door}", Leaves::Entries(&["webhook.received"]))
        .with(&[("{provider}", "twilio"), ("{token}", "nobody-has-this"), ("{door}", "voice")])
        .after(First::Webhook),
];
