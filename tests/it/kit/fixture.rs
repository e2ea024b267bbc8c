//! One row in every tenant table, for as many businesses as a test wants. Everything that is unique only within a
//! business has the same value in all of them. A new table needs its row here: the tenant test says so.

use ringfort::{
    model::{
        audit_export::{Document, Format, Manifest, csv},
        id::{
            AuditId, BatchId, CallId, ExportId, ExtensionId, FilterId, InvitationId, NetworkId, OperatorGrantId, PopId,
            ProxyNumberId, QueueId, ReasonId, ReviewId, RoleId, StreamId, TrackingLinkId, WallboardId, WorkOrderId,
        },
        permission::Role,
        seal::Bytes,
    },
    server::{store::audit_export::bound_to, vault::Purpose},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    Business, TestApp, sql,
    twilio::{Twilio, sid},
};

pub const TARGET: &str = "client:desk_101";
pub const PARTY: &str = "+14155550100";

/// What was filled in, for tests that walk into it.
#[derive(Clone)]
pub struct Filled {
    pub twilio: Twilio,
    pub invitation: InvitationId,
    pub extension: ExtensionId,
    pub call: CallId,
    pub pop: PopId,
    pub audit: AuditId,
    pub filter: FilterId,
    /// Ready, of no entry.
    pub export: ExportId,
    pub network: NetworkId,
    /// Paused: it goes nowhere.
    pub stream: StreamId,
    /// Of a grant that has ended.
    pub operator_grant: OperatorGrantId,
    pub review: ReviewId,
    pub batch: BatchId,
    pub role: RoleId,
    /// The queue of the number that the call came in by.
    pub queue: QueueId,
    pub reason: ReasonId,
    pub wallboard: WallboardId,
    pub proxy_number: ProxyNumberId,
    /// The technician's, and begun two hours from its end.
    pub work_order: WorkOrderId,
    pub tracking_link: TrackingLinkId,
}

impl TestApp {
    #[expect(clippy::too_many_lines, reason = "a list")]
    pub async fn fill(&self, business: &Business) -> Filled {
        let filled = Filled {
            twilio: self.twilio(business).await,
            invitation: self.app.draw(),
            extension: self.app.draw(),
            call: self.app.draw(),
            pop: self.app.draw(),
            audit: self.app.draw(),
            filter: self.app.draw(),
            export: self.app.draw(),
            network: self.app.draw(),
            stream: self.app.draw(),
            operator_grant: self.app.draw(),
            review: self.app.draw(),
            batch: self.app.draw(),
            role: self.app.draw(),
            queue: self.app.draw(),
            reason: self.app.draw(),
            wallboard: self.app.draw(),
            proxy_number: self.app.draw(),
            work_order: self.app.draw(),
            tracking_link: self.app.draw(),
        };
        let plain = br#"{"party":null,"matches":[],"problem":"No agency system is connected."}"#;
        let pop = self.seal(business.id, Purpose::ScreenPop, filled.pop.0, plain).await;
        let statement = SQL
            .replace("{business}", &business.id.0.to_string())
            .replace("{owner}", &business.member(Role::Owner).id.0.to_string())
            .replace("{agent}", &business.member(Role::Agent).id.0.to_string())
            .replace("{connection}", &filled.twilio.connection.0.to_string())
            .replace("{invitation}", &filled.invitation.0.to_string())
            .replace("{extension}", &filled.extension.0.to_string())
            .replace("{call}", &filled.call.0.to_string())
            .replace("{pop}", &filled.pop.0.to_string())
            .replace("{audit}", &filled.audit.0.to_string())
            .replace("{filter}", &filled.filter.0.to_string())
            .replace("{network}", &filled.network.0.to_string())
            .replace("{stream}", &filled.stream.0.to_string())
            .replace("{operator_grant}", &filled.operator_grant.0.to_string())
            .replace("{review}", &filled.review.0.to_string())
            .replace("{batch}", &filled.batch.0.to_string())
            .replace("{role}", &filled.role.0.to_string())
            .replace("{queue}", &filled.queue.0.to_string())
            .replace("{reason}", &filled.reason.0.to_string())
            .replace("{wallboard}", &filled.wallboard.0.to_string())
            .replace("{leg}", &self.app.draw::<Uuid>().to_string())
            .replace("{sealed}", &hex::encode(pop))
            .replace("{sid}", &sid(0xf1))
            .replace("{leg_sid}", &sid(0xf2))
            .replace("{target}", TARGET)
            .replace("{party}", PARTY)
            .replace("{now}", &self.now().0.to_string());
        sql::run(&self.owner, statement).await;
        self.fill_export(business, filled.export).await;
        self.fill_work_orders(business, &filled).await;
        self.fill_masked_calls(business, &filled).await;
        self.fill_positions(business).await;
        filled
    }

    /// A shift that has ended, what was sent in it, and who looked.
    async fn fill_positions(&self, business: &Business) {
        let statement = POSITIONS
            .replace("{business}", &business.id.0.to_string())
            .replace("{owner}", &business.member(Role::Owner).id.0.to_string())
            .replace("{technician}", &business.member(Role::Technician).id.0.to_string())
            .replace("{now}", &self.now().0.to_string());
        sql::run(&self.owner, statement).await;
    }

    /// A job that the technician is assigned to, and a link to follow them by.
    async fn fill_work_orders(&self, business: &Business, filled: &Filled) {
        let statement = WORK_ORDERS
            .replace("{business}", &business.id.0.to_string())
            .replace("{owner}", &business.member(Role::Owner).id.0.to_string())
            .replace("{technician}", &business.member(Role::Technician).id.0.to_string())
            .replace("{work_order}", &filled.work_order.0.to_string())
            .replace("{tracking_link}", &filled.tracking_link.0.to_string())
            .replace("{call}", &filled.call.0.to_string())
            .replace("{party}", PARTY)
            .replace("{now}", &self.now().0.to_string());
        sql::run(&self.owner, statement).await;
    }

    /// A session of the fixture's job, through which its call went.
    async fn fill_masked_calls(&self, business: &Business, filled: &Filled) {
        let statement = MASKED_CALLS
            .replace("{business}", &business.id.0.to_string())
            .replace("{owner}", &business.member(Role::Owner).id.0.to_string())
            .replace("{technician}", &business.member(Role::Technician).id.0.to_string())
            .replace("{connection}", &filled.twilio.connection.0.to_string())
            .replace("{proxy_number}", &filled.proxy_number.0.to_string())
            .replace("{session}", &self.app.draw::<Uuid>().to_string())
            .replace("{call}", &filled.call.0.to_string())
            .replace("{party}", PARTY)
            .replace("{now}", &self.now().0.to_string());
        sql::run(&self.owner, statement).await;
    }

    /// A file that opens, and a manifest that names it and nobody has signed.
    async fn fill_export(&self, business: &Business, id: ExportId) {
        let file = csv::HEADER.as_bytes();
        let sealed = self.seal(business.id, Purpose::AuditExport, bound_to(id, 1), file).await;
        let manifest = Manifest {
            business: business.id,
            export: id,
            format: Format::Csv,
            filter: "at:all".to_owned(),
            zone: "UTC".to_owned(),
            asked: 0,
            count: 0,
            first: None,
            last: None,
            seal: None,
            bytes: i64::try_from(file.len()).expect("a short file"),
            sha256: Bytes(Sha256::digest(file).into()),
            at: 0,
            key: "fixture".to_owned(),
            hash: Bytes::ZERO,
            signature: Bytes::ZERO,
        };
        let bytes = manifest.bytes;
        let manifest = serde_json::to_string(&Document::Export(manifest)).expect("plain data");
        let (business, owner) = (business.id.0, business.member(Role::Owner).id.0);
        let (export, now, sealed) = (id.0, self.now().0, hex::encode(sealed));
        let statement = format!(
            "insert into audit_exports (business_id, id, asked_by, format, filter, zone, state, parts, bytes, manifest,
                 finished_at, expires_at)
             values ('{business}', '{export}', '{owner}', 'csv', 'at:all', 'UTC', 'ready', 1, {bytes}, '{manifest}',
                 '{now}', timestamptz '{now}' + interval '7 days');
             insert into audit_export_parts (business_id, export_id, part, sealed)
             values ('{business}', '{export}', 1, '\\x{sealed}')"
        );
        sql::run(&self.owner, statement).await;
    }
}

const POSITIONS: &str = "
insert into shifts (business_id, id, member_id, began_at, ended_at, ended_how, ended_by)
values ('{business}', gen_random_uuid(), '{technician}', timestamptz '{now}' - interval '2 hours',
    timestamptz '{now}' - interval '1 hour', 'self', '{technician}');

insert into positions (business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, is_coarse, is_fast)
values ('{business}', '{technician}', timestamptz '{now}' - interval '90 minutes',
    timestamptz '{now}' - interval '90 minutes', 302672000, -977431000, 12, false, false);

insert into latest_positions (business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, is_coarse, is_fast,
    recent_fixes, recent_arrivals)
select business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, is_coarse, is_fast, array[fix_at],
    array[received_at]
from positions where business_id = '{business}';

insert into position_refusals (business_id, member_id, day, reason, count)
values ('{business}', '{technician}', current_date, 'off_shift', 2);

insert into location_looks (business_id, id, viewer_id, member_id, what, span_at, looked_at)
values ('{business}', gen_random_uuid(), '{owner}', '{technician}', 'trail', timestamptz '{now}' - interval '95 minutes',
    timestamptz '{now}' - interval '95 minutes');
";

const WORK_ORDERS: &str = "
insert into work_order_numbers (business_id, last) values ('{business}', 1);

insert into work_orders (business_id, id, number, customer_name, customer_phone, address, lat_e7, lon_e7, window_from,
    window_to, member_id, state, call_id, note, created_by, created_at, changed_at)
values ('{business}', '{work_order}', 1, 'Ada Customer', '{party}', '12 Elm Street', 302700000, -977400000, '{now}',
    timestamptz '{now}' + interval '2 hours', '{technician}', 'assigned', '{call}', 'Ring twice', '{owner}', '{now}', '{now}');

insert into work_order_events (business_id, id, work_order_id, step, state, by_member, member_id, at)
values ('{business}', gen_random_uuid(), '{work_order}', 'created', 'assigned', '{owner}', '{technician}', '{now}');

insert into tracking_links (business_id, id, work_order_id, token_hash, created_by, created_at, expires_at)
values ('{business}', '{tracking_link}', '{work_order}', '\\x01', '{owner}', '{now}',
    timestamptz '{now}' + interval '6 hours');
";

const MASKED_CALLS: &str = "
insert into proxy_numbers (business_id, id, connection_id, number, created_by, created_at)
values ('{business}', '{proxy_number}', '{connection}', '+15005550030', '{owner}', '{now}');

insert into member_phones (business_id, member_id, phone, changed_at)
values ('{business}', '{technician}', '+14155550122', '{now}');

insert into proxy_sessions (business_id, id, work_order_id, proxy_number_id, member_id, opened_by, opened_at, starts_at,
    expires_at)
select '{business}', '{session}', w.id, '{proxy_number}', '{technician}', '{owner}', '{now}', '{now}',
    timestamptz '{now}' + interval '2 hours'
from work_orders w where w.business_id = '{business}' limit 1;

insert into proxy_parties (business_id, proxy_number_id, phone, session_id, side)
values ('{business}', '{proxy_number}', '{party}', '{session}', 'customer'),
    ('{business}', '{proxy_number}', '+14155550122', '{session}', 'technician');

insert into masked_calls (business_id, call_id, session_id, side)
values ('{business}', '{call}', '{session}', 'customer');
";

const SQL: &str = "
insert into roles (business_id, id, name, base, created_at, created_by, changed_at, changed_by)
values ('{business}', '{role}', 'Front desk', 'agent', '{now}', '{owner}', '{now}', '{owner}');

insert into role_grants (business_id, role_id, permission, reach)
values ('{business}', '{role}', 'calls.own', 'all'), ('{business}', '{role}', 'live_board', 'own');

insert into invitations (business_id, id, email, role, token_hash, invited_by, created_at, expires_at)
values ('{business}', '{invitation}', 'new@example.com', 'agent', '\\x01', '{owner}', '{now}',
    timestamptz '{now}' + interval '7 days');

insert into audit_entries (business_id, id, actor_kind, actor_id, action, result, origin, trace_id)
values ('{business}', '{audit}', 'member', '{owner}', 'session.started', 'done', 'web', gen_random_uuid());

insert into audit_filters (business_id, id, owner_id, name, query, created_at)
values ('{business}', '{filter}', '{owner}', 'Refusals', 'result:refused at:30d', '{now}');

insert into audit_filter_roles (business_id, filter_id, role) values ('{business}', '{filter}', 'auditor');

insert into audit_seals (business_id, seq, prev_hash, root, hash, count, total, first_xid, first_id, last_xid, last_id, at,
    key_id, signature, leaves)
values ('{business}', 1, decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'),
    1, 1, '1', '{audit}', '1', '{audit}', '{now}', 'fixture', decode(repeat('00', 64), 'hex'),
    decode(repeat('00', 48), 'hex'));

insert into audit_checkpoints (business_id, id, way, place, seq, hash, sent_at)
values ('{business}', gen_random_uuid(), 'file', 'fixture', 1, decode(repeat('00', 32), 'hex'), '{now}');

insert into webhook_refusals (business_id, connection_id, hour, reason, count)
values ('{business}', '{connection}', date_trunc('hour', timestamptz '{now}'), 'signature', 3);

insert into extensions (business_id, id, extension, member_id, target, created_at)
values ('{business}', '{extension}', '101', '{agent}', '{target}', '{now}');

insert into calls (business_id, id, connection_id, provider_call_id, direction, party_number, own_number, member_id,
    state, state_seq, started_at, state_at)
values ('{business}', '{call}', '{connection}', '{sid}', 'inbound', '{party}', '+15005550006', '{agent}', 'ringing',
    -1, '{now}', '{now}');

insert into call_legs (business_id, id, call_id, provider_leg_id, extension_id, member_id, state, state_seq, state_at)
values ('{business}', '{leg}', '{call}', '{leg_sid}', '{extension}', '{agent}', 'ringing', 1, '{now}');

insert into call_events (business_id, id, call_id, leg_id, state, seq, at, received_at)
values ('{business}', gen_random_uuid(), '{call}', '{leg}', 'ringing', 1, '{now}', '{now}');

insert into webhook_receipts (business_id, id, connection_id, event_key, state, received_at, applied_at)
values ('{business}', gen_random_uuid(), '{connection}', 'fixture', 'applied', '{now}', '{now}');

insert into queues (business_id, id, name, number, created_at)
values ('{business}', '{queue}', 'Front desk', '+15005550006', '{now}');

insert into agent_reasons (business_id, id, state, label, created_at)
values ('{business}', '{reason}', 'break', 'Lunch', '{now}');

insert into agent_states (business_id, member_id, state, reason_id, since, set_by)
values ('{business}', '{agent}', 'break', '{reason}', '{now}', '{agent}');

insert into agent_state_events (business_id, id, member_id, state, reason_id, at, set_by)
values ('{business}', gen_random_uuid(), '{agent}', 'break', '{reason}', '{now}', '{agent}');

insert into board_settings (business_id, warn_seconds, bad_seconds, answer_seconds, target_percent, changed_by, changed_at)
values ('{business}', 180, 300, 20, 80, '{owner}', '{now}');

insert into wallboard_links (business_id, id, label, token_hash, created_by, created_at, expires_at)
values ('{business}', '{wallboard}', 'Front office', '\\x02', '{owner}', '{now}', timestamptz '{now}' + interval '7 days');

insert into screen_pops (business_id, id, call_id, member_id, sealed, created_at, expires_at)
values ('{business}', '{pop}', '{call}', '{agent}', '\\x{sealed}', '{now}', timestamptz '{now}' + interval '5 minutes');

insert into outbox (business_id, topic, subject_id) values ('{business}', 'call', '{call}');

insert into jobs (business_id, id, kind, dedup_key, payload, run_at)
values ('{business}', gen_random_uuid(), 'fixture', 'fixture', '{}', now() + interval '10 years');

insert into retention_rules (business_id, kind, days, changed_by, changed_at)
values ('{business}', 'calls', 20, '{owner}', '{now}');

insert into password_policies (business_id, policy, changed_by, changed_at)
values ('{business}', 'length', '{owner}', '{now}');

insert into factor_rules (business_id, role, required_from, grace_days, changed_by, changed_at)
values ('{business}', 'viewer', timestamptz '{now}' + interval '30 days', 14, '{owner}', '{now}');

-- Tests come from 127.0.0.1.
insert into networks (business_id, id, range, note, created_by, created_at)
values ('{business}', '{network}', '127.0.0.0/8', 'This machine', '{owner}', '{now}');

insert into operator_grants (business_id, id, reason, ticket, trace_id, granted_at, expires_at, ended_at, ending)
values ('{business}', '{operator_grant}', 'A fixture', 'OPS-1', gen_random_uuid(), now() - interval '3 days',
    now() - interval '71 hours', now() - interval '71 hours', 'time');

insert into audit_streams (business_id, id, label, kind, address, format, state, created_by, created_at, sent_seq, sent_total)
values ('{business}', '{stream}', 'SIEM', 'syslog', 'logs.example.com:6514', 'json', 'paused', '{owner}', '{now}', 0, 0);

insert into reviews (business_id, id, opened_at, due_at, opened_by, reminded)
values ('{business}', '{review}', '{now}', timestamptz '{now}' + interval '21 days', '{owner}', 3);

insert into review_items (business_id, review_id, member_id, role_then)
values ('{business}', '{review}', '{agent}', 'agent');

insert into invitation_batches (business_id, id, created_by, created_at)
values ('{business}', '{batch}', '{owner}', '{now}');

insert into invitation_batch_rows (business_id, batch_id, line, email, role, result)
values ('{business}', '{batch}', 1, 'new@example.com', 'agent', 'invited');

insert into retention_runs (business_id, id, kind, cutoff, state, started_at, finished_at)
values ('{business}', gen_random_uuid(), 'calls', '{now}', 'finished', '{now}', '{now}');
";
