-- The tenant wall (TEN-1): one policy text, put on every tenant table by one procedure, checked by the
-- catalogue test. A table that is missing here is a table that the application cannot read.
--
-- `app.business` is set per transaction by TenantTx. On a pooled connection it is '' after the first use, not
-- null: nullif maps both to null, and null equals nothing, so a transaction without a tenant sees no row.

create schema lobby;

grant usage, create on schema lobby to ringfort_lobby;

grant usage on schema lobby to ringfort_app, ringfort_worker;

grant usage on schema public to ringfort_app, ringfort_worker, ringfort_auditor, ringfort_lobby;

revoke create on schema public from public;

-- The sub-select makes the setting an init plan, evaluated once per query; the bare form in WITH CHECK costs
-- single-row inserts nothing.
create procedure public.tenant_wall(wall_table regclass, app_may text)
language plpgsql
as $$
begin
    execute format('alter table %s enable row level security', wall_table);
    execute format('alter table %s force row level security', wall_table);
    execute format(
        'create policy tenant on %s to ringfort_app, ringfort_worker, ringfort_auditor '
        'using (business_id = (select nullif(current_setting(''app.business'', true), '''')::uuid)) '
        'with check (business_id = nullif(current_setting(''app.business'', true), '''')::uuid)',
        wall_table
    );
    execute format('grant %s on %s to ringfort_app, ringfort_worker', app_may, wall_table);
end
$$;

-- What the lobby's definer functions may touch before a tenant is known. Each use is one line in a migration
-- and one line in the catalogue test's list.
create procedure public.lobby_may(wall_table regclass, verbs text)
language plpgsql
as $$
begin
    execute format('create policy lobby on %s to ringfort_lobby using (true) with check (true)', wall_table);
    execute format('grant %s on %s to ringfort_lobby', verbs, wall_table);
end
$$;

-- A table without a tenant: only the lobby's functions ever reach it.
create procedure public.lobby_only(wall_table regclass, verbs text)
language plpgsql
as $$
begin
    execute format('alter table %s enable row level security', wall_table);
    execute format('alter table %s force row level security', wall_table);
    call public.lobby_may(wall_table, verbs);
end
$$;

revoke all on procedure public.tenant_wall from public;

revoke all on procedure public.lobby_may from public;

revoke all on procedure public.lobby_only from public;
