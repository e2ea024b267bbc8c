-- The tenant's policy, in the form that costs a query nothing (TEN-1). Every query names `business_id = $1` as well; from
-- the two equalities the planner concludes `$1 = <the setting>` and holds the policy once per execution, as a one-time
-- filter. The sub-select of before was an init plan per table, planned anew with each custom plan: 40 to 100 us more for a
-- page of the call log. Measured by benches/rls.rs.

create or replace procedure public.tenant_wall(wall_table regclass, app_may text)
language plpgsql
as $$
begin
    execute format('alter table %s enable row level security', wall_table);
    execute format('alter table %s force row level security', wall_table);
    execute format(
        'create policy tenant on %s to ringfort_app, ringfort_worker, ringfort_auditor '
        'using (business_id = nullif(current_setting(''app.business'', true), '''')::uuid) '
        'with check (business_id = nullif(current_setting(''app.business'', true), '''')::uuid)',
        wall_table
    );
    execute format('grant %s on %s to ringfort_app, ringfort_worker', app_may, wall_table);
end
$$;

do $$
declare
    wall_table regclass;
begin
    for wall_table in select polrelid::regclass from pg_policy where polname = 'tenant' loop
        execute format(
            'alter policy tenant on %s using (business_id = nullif(current_setting(''app.business'', true), '''')::uuid)',
            wall_table
        );
    end loop;
end
$$;

-- Whose daily deletion has neither run nor waits: asked once a minute, instead of each business in turn.
call lobby_may('retention_runs', 'select');

create function lobby.retention_due(in_kind text, in_day text) returns table (business_id uuid)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select b.business_id
    from businesses b
    where b.state = 'active'
        and not exists (
            select from jobs j where j.business_id = b.business_id and j.kind = in_kind and j.dedup_key = in_day
        )
        and not exists (
            select from retention_runs r
            where r.business_id = b.business_id and r.state = 'finished' and r.finished_at >= in_day::date
        )
    order by b.business_id
$$;

call lobby_function('lobby.retention_due(text, text)', 'ringfort_worker');
