//! Things that ids name, made new beside the walls, each in a state in which something can be done with it.

use ringfort::{
    model::{
        id::{ConnectionId, MemberId, PopId},
        permission::Role,
    },
    server::{kit::entropy::Token, store::session::hash, vault::Purpose},
};
use tower_sessions::session::Id;
use uuid::Uuid;

use super::{
    canary::{NAME, NOTE, NUMBER},
    plan::Thing,
    world::World,
};
use crate::{
    kit::{
        Member, sql,
        twilio::{AUTH_TOKEN, sid},
    },
    passkey,
};

/// Things that are one row, or two: the prefix of the id, and the statement. `{words}` are put in.
const ROWS: &[(Thing, &str, &str)] = &[
    (
        Thing::Audit,
        "aud",
        "insert into audit_entries (business_id, id, actor_kind, actor_id, action, result, origin, trace_id)
         values ('{business}', '{id}', 'member', '{member}', 'session.started', 'done', 'web', gen_random_uuid())",
    ),
    (
        Thing::Batch,
        "bat",
        "with batch as (
             insert into invitation_batches (business_id, id, created_by, created_at)
             values ('{business}', '{id}', '{member}', '{now}') returning business_id, id
         )
         insert into invitation_batch_rows (business_id, batch_id, line, email, role, result)
         select business_id, id, 1, '{email}', 'agent', 'invited' from batch",
    ),
    (
        Thing::Call,
        "call",
        "insert into calls (business_id, id, connection_id, provider_call_id, direction, party_number, own_number,
             member_id, state, state_seq, started_at, state_at)
         values ('{business}', '{id}', '{connection}', '{sid}', 'inbound', '{number}', '+15005550006', '{member}',
             'ringing', -1, '{now}', '{now}')",
    ),
    (
        Thing::Extension,
        "ext",
        "insert into extensions (business_id, id, extension, member_id, target, created_at)
         values ('{business}', '{id}', '{n}', '{member}', 'client:zyxabella_{n}', '{now}')",
    ),
    (
        Thing::Export,
        "exp",
        "insert into audit_exports (business_id, id, asked_by, format, filter, zone)
         values ('{business}', '{id}', '{member}', 'csv', 'at:all', 'UTC')",
    ),
    (
        Thing::Filter,
        "flt",
        "insert into audit_filters (business_id, id, owner_id, name, query, created_at)
         values ('{business}', '{id}', '{member}', '{email}', 'zyxabella at:all', '{now}')",
    ),
    (
        Thing::Role,
        "rol",
        "insert into roles (business_id, id, name, base, created_at, created_by, changed_at, changed_by)
         values ('{business}', '{id}', '{email}', 'agent', '{now}', '{member}', '{now}', '{member}');
         insert into role_grants (business_id, role_id, permission, reach)
         values ('{business}', '{id}', 'calls.own', 'all')",
    ),
    // It leads nowhere: private addresses are refused.
    (
        Thing::Stream,
        "str",
        "insert into audit_streams (business_id, id, label, kind, address, format, created_by, created_at, sent_seq,
             sent_total)
         values ('{business}', '{id}', '{name}', 'https', 'https://10.0.0.1/in', 'json', '{member}', '{now}', 0, 0)",
    ),
    (
        Thing::StreamHeld,
        "str",
        "insert into audit_streams (business_id, id, label, kind, address, format, state, created_by, created_at,
             sent_seq, sent_total)
         values ('{business}', '{id}', '{name}', 'https', 'https://10.0.0.1/in', 'json', 'paused', '{member}',
             '{now}', 0, 0)",
    ),
    (
        Thing::Invitation,
        "inv",
        "insert into invitations (business_id, id, email, role, token_hash, invited_by, created_at, expires_at)
         values ('{business}', '{id}', '{email}', 'agent', decode(md5('{id}'), 'hex'), '{member}',
             timestamptz '{now}' - interval '1 hour', timestamptz '{now}' + interval '6 days')",
    ),
    (
        Thing::Queue,
        "que",
        "insert into queues (business_id, id, name, number, created_at)
         values ('{business}', '{id}', '{email}', '+1415555' || lpad('{n}', 4, '0'), '{now}')",
    ),
    (
        Thing::Reason,
        "rsn",
        "insert into agent_reasons (business_id, id, state, label, created_at)
         values ('{business}', '{id}', 'break', 'Zyxabella {n}', '{now}')",
    ),
    (
        Thing::Wallboard,
        "wall",
        "insert into wallboard_links (business_id, id, label, token_hash, created_by, created_at, expires_at)
         values ('{business}', '{id}', '{name}', decode(md5('{id}'), 'hex'), '{member}', '{now}',
             timestamptz '{now}' + interval '7 days')",
    ),
    (
        Thing::WorkOrder,
        "wo",
        "insert into work_orders (business_id, id, number, customer_name, customer_phone, address, window_from, window_to,
             member_id, state, note, created_by, created_at, changed_at)
         values ('{business}', '{id}', 100000 + {n}, '{name}', '{number}', '{email}', '{now}',
             timestamptz '{now}' + interval '2 hours', '{member}', 'assigned', '{note}', '{member}', '{now}', '{now}')",
    ),
    (
        Thing::TrackingLink,
        "trk",
        "with job as (
             insert into work_orders (business_id, id, number, customer_name, address, window_from, window_to, member_id,
                 state, created_by, created_at, changed_at)
             values ('{business}', gen_random_uuid(), 100000 + {n}, '{name}', '{email}', '{now}',
                 timestamptz '{now}' + interval '2 hours', '{member}', 'assigned', '{member}', '{now}', '{now}')
             returning business_id, id
         )
         insert into tracking_links (business_id, id, work_order_id, token_hash, created_by, created_at, expires_at)
         select business_id, '{id}', id, decode(md5('{id}'), 'hex'), '{member}', '{now}',
             timestamptz '{now}' + interval '6 hours'
         from job",
    ),
    (
        Thing::Network,
        "net",
        "insert into networks (business_id, id, range, note, created_by, created_at)
         values ('{business}', '{id}', ('10.' || {n} / 256 || '.' || {n} % 256 || '.0/24')::cidr, '{note}',
             '{member}', '{now}')",
    ),
    (
        Thing::ProxyNumber,
        "pxn",
        "insert into proxy_numbers (business_id, id, connection_id, number, created_by, created_at)
         values ('{business}', '{id}', '{connection}', '+1500557{n}', '{member}', '{now}')",
    ),
    (
        Thing::Program,
        "ses",
        "insert into lobby.token_families
             (id, user_id, business_id, device_name, agent, means, created_at, last_used_at, expires_at)
         values ('{id}', '{user}', '{business}', '{name}', '', 'password', now(), now(), now() + interval '30 days')",
    ),
];

fn row(thing: Thing) -> (&'static str, &'static str) {
    let found = ROWS.iter().find(|(other, ..)| *other == thing);
    found.map(|(_, prefix, statement)| (*prefix, *statement)).expect("a thing that is a row")
}

impl World {
    /// Makes a thing of a member's, or of their business: its id, as pages show it.
    pub async fn make(&self, thing: Thing, owner: &Member) -> String {
        match thing {
            Thing::Business => owner.business.to_string(),
            Thing::Connection => self.connection(owner).await.to_string(),
            // Downloading takes nothing away.
            Thing::Exported => self.filled(owner.business).export.to_string(),
            Thing::Member => self.colleague(owner).await.to_string(),
            Thing::OnShift => self.on_shift(owner).await.to_string(),
            Thing::OperatorGrant => self.operator_grant(owner).await,
            Thing::Passkey => passkey::stored(&self.app, owner.user).await,
            Thing::Pop => self.pop(owner).await.to_string(),
            Thing::Review => self.review(owner).await,
            Thing::Reviewed => self.reviewed(owner).await,
            Thing::Session => self.session(owner).await,
            _ => {
                let (prefix, statement) = row(thing);
                let id: Uuid = self.app.app.draw();
                sql::run(&self.app.owner, self.filled_in(statement, id, owner)).await;
                format!("{prefix}_{}", id.simple())
            }
        }
    }

    fn filled_in(&self, statement: &str, id: Uuid, owner: &Member) -> String {
        let n = self.next();
        statement
            .replace("{business}", &owner.business.0.to_string())
            .replace("{id}", &id.to_string())
            .replace("{member}", &owner.id.0.to_string())
            .replace("{user}", &owner.user.0.to_string())
            .replace("{connection}", &self.filled(owner.business).twilio.connection.0.to_string())
            .replace("{sid}", &sid(n))
            .replace("{n}", &n.to_string())
            .replace("{email}", &self.email())
            .replace("{name}", NAME)
            .replace("{note}", &NOTE.replace('\'', "''"))
            .replace("{number}", NUMBER)
            .replace("{now}", &self.app.now().0.to_string())
    }

    async fn connection(&self, owner: &Member) -> ConnectionId {
        let token = Token::draw(self.app.app.entropy());
        let account = format!("AC{:032x}", self.next());
        self.app.connect(self.business(owner.business), "twilio", &account, None, AUTH_TOKEN, &token).await
    }

    /// An agent who has a second factor, so that it can be reset.
    async fn colleague(&self, owner: &Member) -> MemberId {
        let member = self.person(self.business(owner.business), Role::Agent).await.member;
        let factor = format!("insert into lobby.email_factors (user_id, added_at) values ('{}', now())", member.user.0);
        sql::run(&self.app.owner, factor).await;
        member.id
    }

    /// A technician whose shift is open.
    async fn on_shift(&self, owner: &Member) -> MemberId {
        let member = self.person(self.business(owner.business), Role::Technician).await.member;
        let shift = "insert into shifts (business_id, id, member_id, began_at)
             values ('{business}', '{id}', '{member}', '{now}')";
        sql::run(&self.app.owner, self.filled_in(shift, self.app.app.draw(), &member)).await;
        member.id
    }

    async fn pop(&self, owner: &Member) -> PopId {
        let (call, pop): (Uuid, PopId) = (self.app.app.draw(), self.app.app.draw());
        sql::run(&self.app.owner, self.filled_in(row(Thing::Call).1, call, owner)).await;
        let plain = format!(r#"{{"party":null,"matches":[],"problem":"{NAME} is not known."}}"#);
        let sealed = self.app.seal(owner.business, Purpose::ScreenPop, pop.0, plain.as_bytes()).await;
        let statement = format!(
            "insert into screen_pops (business_id, id, call_id, member_id, sealed, created_at, expires_at)
             values ('{{business}}', '{{id}}', '{call}', '{{member}}', '\\x{}', '{{now}}',
                 timestamptz '{{now}}' + interval '5 minutes')",
            hex::encode(sealed)
        );
        sql::run(&self.app.owner, self.filled_in(&statement, pop.0, owner)).await;
        pop
    }

    /// The open review, in which everybody is decided, so that it can be closed.
    async fn review(&self, owner: &Member) -> String {
        let opened = "insert into reviews (business_id, id, opened_at, due_at, opened_by, reminded)
             select '{business}', '{id}', '{now}', timestamptz '{now}' + interval '21 days', '{member}', 3
             where not exists (select from reviews where business_id = '{business}' and closed_at is null)";
        let decided = "update review_items i set decision = 'keep', decided_by = '{member}', decided_at = '{now}'
             from reviews r
             where i.business_id = '{business}' and i.decision is null
                 and r.business_id = i.business_id and r.id = i.review_id and r.closed_at is null";
        for statement in [opened, decided] {
            sql::run(&self.app.owner, self.filled_in(statement, self.app.app.draw(), owner)).await;
        }
        let open = "select 'rev_' || replace(id::text, '-', '') from reviews
             where business_id = '{business}' and closed_at is null";
        sql::text(&self.app.owner, self.filled_in(open, Uuid::nil(), owner)).await
    }

    /// Somebody whom the open review asks about.
    async fn reviewed(&self, owner: &Member) -> String {
        self.review(owner).await;
        let member = self.colleague(owner).await;
        let item = format!(
            "insert into review_items (business_id, review_id, member_id, role_then)
             select business_id, id, '{}', 'agent' from reviews
             where business_id = '{{business}}' and closed_at is null",
            member.0
        );
        sql::run(&self.app.owner, self.filled_in(&item, Uuid::nil(), owner)).await;
        member.to_string()
    }

    /// The operator's access that is open now.
    async fn operator_grant(&self, owner: &Member) -> String {
        let opened = "insert into operator_grants (business_id, id, reason, ticket, trace_id, expires_at)
             values ('{business}', '{id}', 'Webhooks fail', 'OPS-12', gen_random_uuid(), now() + interval '8 hours')
             on conflict (business_id) where ended_at is null do nothing";
        sql::run(&self.app.owner, self.filled_in(opened, self.app.app.draw(), owner)).await;
        let open = "select 'grt_' || replace(id::text, '-', '') from operator_grants
             where business_id = '{business}' and ended_at is null";
        sql::text(&self.app.owner, self.filled_in(open, Uuid::nil(), owner)).await
    }

    async fn session(&self, owner: &Member) -> String {
        let cookie = self.app.session(owner).await;
        let id = cookie.split_once('=').expect("a cookie with a value").1;
        let known = hex::encode(hash(id.parse::<Id>().expect("an id")));
        let named = format!(
            "select 'ses_' || replace(id::text, '-', '') from lobby.sessions where id_hash = decode('{known}', 'hex')"
        );
        sql::text(&self.app.owner, named).await
    }
}
