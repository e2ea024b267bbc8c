//! The schema's promises, read from the catalogue (TEN-1, TEN-3, PER-3): what a migration forgets shows here.

use crate::kit::{TestApp, matches_snapshot, sql};

const ROLES: [&str; 7] = [
    "ringfort_owner",
    "ringfort_lobby",
    "ringfort_search",
    "ringfort_app",
    "ringfort_worker",
    "ringfort_auditor",
    "ringfort_operator",
];

/// The policy, as the catalogue writes it, for reading and for writing.
const POLICY: &str = "(business_id = (NULLIF(current_setting('app.business'::text, true), ''::text))::uuid)";

/// Every function that runs with more rights than its caller: the whole list of holes in the tenant wall.
const DEFINERS: &[&str] = &[
    "lobby.address_allowed",
    "lobby.audit_backlog",
    "lobby.audit_exports_over",
    "lobby.audit_key_add",
    "lobby.audit_key_rotate",
    "lobby.audit_keys_known",
    "lobby.audit_partition",
    "lobby.audit_search",
    "lobby.audit_streams_claim",
    "lobby.audit_streams_failing",
    "lobby.audit_waiting",
    "lobby.backlog",
    "lobby.businesses_active",
    "lobby.challenge_begin",
    "lobby.challenge_finish",
    "lobby.challenge_peek",
    "lobby.challenge_try",
    "lobby.checkpoints_due",
    "lobby.data_key",
    "lobby.email_code_put",
    "lobby.email_code_use",
    "lobby.email_factor_add",
    "lobby.factor_dates",
    "lobby.factor_due",
    "lobby.factor_remove",
    "lobby.factor_standing",
    "lobby.factors_of",
    "lobby.factors_reset",
    "lobby.has_factor",
    "lobby.identity_add",
    "lobby.identity_of",
    "lobby.identity_remove",
    "lobby.identity_use",
    "lobby.invitation_accept",
    "lobby.invitation_batches_trim",
    "lobby.invitation_peek",
    "lobby.invitation_role",
    "lobby.jobs_claim",
    "lobby.link_ask",
    "lobby.link_code",
    "lobby.link_peek",
    "lobby.link_show",
    "lobby.link_use",
    "lobby.lock_state",
    "lobby.lockout_clear",
    "lobby.lockout_failed",
    "lobby.lockout_passed",
    "lobby.lockout_remind",
    "lobby.lockout_standing",
    "lobby.lockouts_trim",
    "lobby.mail_done",
    "lobby.mail_enqueue",
    "lobby.mail_failed",
    "lobby.mails_claim",
    "lobby.members_seen",
    "lobby.members_without_factor",
    "lobby.memberships_of",
    "lobby.oidc_begin",
    "lobby.oidc_peek",
    "lobby.oidc_take",
    "lobby.operator_business",
    "lobby.operator_cut",
    "lobby.operator_grants_over",
    "lobby.operator_look",
    "lobby.outbox_after",
    "lobby.outbox_head",
    "lobby.outbox_trim",
    "lobby.passkey_add",
    "lobby.passkey_by_credential",
    "lobby.passkey_ceremony_begin",
    "lobby.passkey_ceremony_take",
    "lobby.passkey_remove",
    "lobby.passkey_used",
    "lobby.passkeys_of",
    "lobby.password_change",
    "lobby.password_context_of",
    "lobby.password_policies_of",
    "lobby.password_policy_in",
    "lobby.password_rehash",
    "lobby.password_reset",
    "lobby.past_sessions_list",
    "lobby.past_sessions_trim",
    "lobby.pops_expire",
    "lobby.positions_days",
    "lobby.positions_drop",
    "lobby.positions_partition",
    "lobby.proofs_trim",
    "lobby.proxy_sessions_expire",
    "lobby.recovery_draw",
    "lobby.recovery_use",
    "lobby.refresh_rotate",
    "lobby.retention_due",
    "lobby.reviews_due",
    "lobby.role_of",
    "lobby.session_caller",
    "lobby.session_create",
    "lobby.session_delete",
    "lobby.session_end",
    "lobby.session_end_by_id",
    "lobby.session_forget",
    "lobby.session_load",
    "lobby.session_save",
    "lobby.session_seen",
    "lobby.session_standing",
    "lobby.session_touch",
    "lobby.session_view",
    "lobby.sessions_end_member",
    "lobby.sessions_end_of",
    "lobby.sessions_end_over",
    "lobby.sessions_list",
    "lobby.sessions_trim",
    "lobby.shifts_over",
    "lobby.sign_in_lookup",
    "lobby.sign_up_finish",
    "lobby.sign_up_peek",
    "lobby.sign_up_start",
    "lobby.signing_key_add",
    "lobby.signing_key_rotate",
    "lobby.signing_keys_known",
    "lobby.text_code_put",
    "lobby.text_code_use",
    "lobby.text_confirm",
    "lobby.text_done",
    "lobby.text_due",
    "lobby.text_factor",
    "lobby.text_start",
    "lobby.token_caller",
    "lobby.token_families_of",
    "lobby.token_families_revoke_member",
    "lobby.token_issue",
    "lobby.token_logout",
    "lobby.token_revoke",
    "lobby.tokens_trim",
    "lobby.totp_confirm",
    "lobby.totp_seed",
    "lobby.totp_start",
    "lobby.totp_step",
    "lobby.tracking_find",
    "lobby.wallboard_open",
    "lobby.webhook_target",
];

async fn nothing(app: &TestApp, what: &str, query: &str) {
    let found = sql::texts(&app.owner, query.to_owned()).await;
    assert!(found.is_empty(), "{what}: {found:#?}");
}

#[tokio::test]
async fn ten_1_every_table_has_forced_row_security() {
    let app = TestApp::start().await;
    nothing(
        &app,
        "tables without forced row security (partitions too)",
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname in ('public', 'lobby') and c.relkind in ('r', 'p') and c.relname <> '_sqlx_migrations'
             and not (c.relrowsecurity and c.relforcerowsecurity)",
    )
    .await;
    nothing(
        &app,
        "views and foreign tables, which have no row security of their own",
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname in ('public', 'lobby') and c.relkind in ('v', 'm', 'f')",
    )
    .await;
}

#[tokio::test]
async fn ten_1_every_tenant_table_has_the_one_policy_and_no_other() {
    let app = TestApp::start().await;
    for table in sql::tenant_tables(&app.owner).await {
        let policies: Vec<(String, String, String, String, bool)> = sqlx::query_as(
            "select polname::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid),
                 (select string_agg(rolname, ',' order by rolname) from pg_roles where oid = any(polroles)),
                 polcmd = '*' and polpermissive
             from pg_policy where polrelid = $1::regclass and polname not in ('lobby', 'search', 'operator')",
        )
        .bind(&table)
        .fetch_all(&app.owner)
        .await
        .expect("the catalogue answers");
        let wanted = (
            "tenant".to_owned(),
            POLICY.to_owned(),
            POLICY.to_owned(),
            "ringfort_app,ringfort_auditor,ringfort_worker".to_owned(),
            true,
        );
        assert_eq!(policies, [wanted], "{table}");
    }
    nothing(
        &app,
        "what the search sees beside the audit log, and search policies for anybody but the search",
        "select polrelid::regclass::text from pg_policy
         where polname = 'search' and (
             polroles <> array['ringfort_search'::regrole::oid] or polrelid <> 'audit_entries'::regclass or polcmd <> 'r'
         )",
    )
    .await;
    nothing(
        &app,
        "operator policies for anybody else, for more than reading, or without an open grant",
        "select polrelid::regclass::text from pg_policy
         where polname = 'operator' and (
             polroles <> array['ringfort_operator'::regrole::oid] or polcmd <> 'r' or not polpermissive
             or pg_get_expr(polqual, polrelid)
                 !~ '^\\(business_id = \\( SELECT lobby\\.operator_business\\(\\)( AS operator_business)?\\)\\)$'
         )",
    )
    .await;
    nothing(
        &app,
        "lobby policies for anybody but the lobby",
        "select polrelid::regclass::text from pg_policy
         where polname = 'lobby' and polroles <> array['ringfort_lobby'::regrole::oid]",
    )
    .await;
}

#[tokio::test]
async fn ten_1_keys_lead_with_the_business_and_unique_keys_contain_it() {
    let app = TestApp::start().await;
    nothing(
        &app,
        "primary keys that do not lead with business_id",
        "select i.indrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid
         join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
         where c.relnamespace = 'public'::regnamespace and c.relname <> '_sqlx_migrations' and i.indisprimary
             and a.attname <> 'business_id'",
    )
    .await;
    nothing(
        &app,
        "unique keys over businesses: an insert would tell what others have",
        "select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid
         where c.relnamespace = 'public'::regnamespace and c.relname <> '_sqlx_migrations' and i.indisunique
             and not exists (
                 select from pg_attribute a
                 where a.attrelid = i.indrelid and a.attnum = any(i.indkey) and a.attname = 'business_id'
             )",
    )
    .await;
    nothing(
        &app,
        "tenant tables without a primary key",
        "select c.oid::regclass::text from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
             and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)",
    )
    .await;
    nothing(
        &app,
        "tables in public without a business_id",
        "select c.oid::regclass::text from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> '_sqlx_migrations'
             and not exists (
                 select from pg_attribute a
                 where a.attrelid = c.oid and a.attname = 'business_id' and a.attnotnull
                     and a.atttypid = 'uuid'::regtype
             )",
    )
    .await;
}

#[tokio::test]
async fn ten_3_every_foreign_key_between_tenant_tables_carries_the_business() {
    let app = TestApp::start().await;
    nothing(
        &app,
        "foreign keys that do not pair business_id with business_id",
        "select con.conrelid::regclass || ' ' || con.conname from pg_constraint con
         join pg_class t on t.oid = con.confrelid and t.relnamespace = 'public'::regnamespace
         where con.contype = 'f' and con.connamespace = 'public'::regnamespace
             and not exists (
                 select from unnest(con.conkey, con.confkey) as k (here, there)
                 join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.here and a.attname = 'business_id'
                 join pg_attribute b on b.attrelid = con.confrelid and b.attnum = k.there and b.attname = 'business_id'
             )",
    )
    .await;
    let outward = sql::texts(
        &app.owner,
        "select con.conrelid::regclass || ' -> ' || con.confrelid::regclass from pg_constraint con
         join pg_class t on t.oid = con.confrelid
         where con.contype = 'f' and con.connamespace = 'public'::regnamespace
             and t.relnamespace <> 'public'::regnamespace
         order by 1",
    )
    .await;
    assert_eq!(outward, ["members -> lobby.users"], "foreign keys that leave the tenant's tables");
}

#[tokio::test]
async fn ten_1_the_products_roles_have_no_powers() {
    let app = TestApp::start().await;
    for role in ROLES {
        let powers = sql::count(
            &app.owner,
            format!(
                "select count(*) from pg_roles where rolname = '{role}'
                 and not (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)"
            ),
        )
        .await;
        assert_eq!(powers, 1, "{role} is missing or may too much");
    }
    nothing(
        &app,
        "things that a serving role owns",
        "select c.oid::regclass::text from pg_class c join pg_roles r on r.oid = c.relowner
         where r.rolname in ('ringfort_app', 'ringfort_worker', 'ringfort_auditor', 'ringfort_operator')",
    )
    .await;
    nothing(
        &app,
        "roles that a serving role belongs to",
        "select r.rolname || ' in ' || g.rolname from pg_auth_members m
         join pg_roles r on r.oid = m.member join pg_roles g on g.oid = m.roleid
         where r.rolname in ('ringfort_app', 'ringfort_worker', 'ringfort_auditor', 'ringfort_operator')",
    )
    .await;
    nothing(
        &app,
        "grants to everybody",
        "select c.oid::regclass || ' ' || a.privilege_type from pg_class c, aclexplode(c.relacl) a
         where c.relnamespace in ('public'::regnamespace, 'lobby'::regnamespace) and a.grantee = 0",
    )
    .await;
    for role in ["ringfort_app", "ringfort_worker", "ringfort_auditor", "ringfort_operator"] {
        for schema in ["public", "lobby"] {
            let may = sql::count(
                &app.owner,
                format!("select has_schema_privilege('{role}', '{schema}', 'CREATE')::int::bigint"),
            )
            .await;
            assert_eq!(may, 0, "{role} may create in {schema}");
        }
    }
}

#[tokio::test]
async fn per_3_grants_are_exactly_these() {
    let app = TestApp::start().await;
    let grants = sql::texts(
        &app.owner,
        "select r.rolname || ' ' || lower(a.privilege_type) || ' on ' || n.nspname || '.' || c.relname as line
         from pg_class c join pg_namespace n on n.oid = c.relnamespace,
             aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
         where n.nspname in ('public', 'lobby') and r.rolname <> 'ringfort_owner'
         union all
         select r.rolname || ' ' || lower(a.privilege_type) || ' ('
             || string_agg(t.attname, ', ' order by t.attname) || ') on ' || n.nspname || '.' || c.relname
         from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute t on t.attrelid = c.oid,
             aclexplode(t.attacl) a join pg_roles r on r.oid = a.grantee
         where n.nspname in ('public', 'lobby') and r.rolname <> 'ringfort_owner'
         group by r.rolname, a.privilege_type, n.nspname, c.relname
         order by 1",
    )
    .await;
    for forbidden in ["truncate", "references", "trigger"] {
        assert!(grants.iter().all(|g| g.split(' ').nth(1) != Some(forbidden)), "somebody may {forbidden}");
    }
    let lobby = |g: &&String| g.contains(" on lobby.") && !g.starts_with("ringfort_lobby ");
    assert_eq!(grants.iter().filter(lobby).count(), 0, "only the lobby reaches its own tables");
    matches_snapshot("grants", &grants.join("\n"));
}

#[tokio::test]
async fn ten_1_definer_functions_are_exactly_these() {
    let app = TestApp::start().await;
    let found = sql::pairs(
        &app.owner,
        "select n.nspname || '.' || p.proname, r.rolname::text from pg_proc p
         join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
         where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema') order by 1",
    )
    .await;
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, DEFINERS);
    for (name, owner) in &found {
        let wanted = match name.as_str() {
            "lobby.audit_partition" | "lobby.operator_cut" | "lobby.positions_drop" | "lobby.positions_partition" => {
                "ringfort_owner"
            }
            "lobby.audit_search" => "ringfort_search",
            _ => "ringfort_lobby",
        };
        assert_eq!(owner, wanted, "{name}");
    }
    nothing(
        &app,
        "definer functions that everybody may call",
        "select p.oid::regprocedure::text from pg_proc p
         where p.prosecdef and (p.proacl is null or exists (
             select from aclexplode(p.proacl) a where a.grantee = 0
         ))",
    )
    .await;
}

#[tokio::test]
async fn ten_1_definer_functions_look_nowhere_else() {
    let app = TestApp::start().await;
    // Without `pg_temp` at the end, a caller's own temporary table is found before the real one.
    nothing(
        &app,
        "definer functions whose search_path is not fixed, or does not end in pg_temp",
        "select p.oid::regprocedure::text from pg_proc p
         where p.prosecdef and not exists (
             select from unnest(p.proconfig) s where s like 'search_path=%pg_temp'
         )",
    )
    .await;
}

#[tokio::test]
async fn ten_1_the_application_cannot_read_the_lobbys_tables() {
    let app = TestApp::start().await;
    let tables = sql::texts(
        &app.owner,
        "select c.relname::text from pg_class c where c.relnamespace = 'lobby'::regnamespace and c.relkind = 'r'",
    )
    .await;
    assert!(tables.contains(&"sessions".to_owned()));
    for role in ["ringfort_app", "ringfort_worker", "ringfort_auditor", "ringfort_operator"] {
        let pool = app.pool_as(role, 1);
        for table in &tables {
            let statement = format!("select 1 from lobby.{table}");
            let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&pool).await;
            assert_eq!(sql::code(refused.map(|done| done.rows_affected())), "42501", "{role} {table}");
        }
    }
}
