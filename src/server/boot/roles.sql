-- The roles of one PostgreSQL cluster. Run by `ringfort migrate` with a login that may create roles; migrations
-- themselves only grant. Nobody here has BYPASSRLS, and nobody who serves a request owns anything.
--
--   ringfort_owner    owns every table; no login; migrations run as it
--   ringfort_lobby    owns the definer functions of schema lobby; no login
--   ringfort_search   owns the one function that looks for words in the audit log; no login
--   ringfort_app      what serves requests
--   ringfort_worker   what runs jobs; as the app, and may claim jobs and read the outbox through the lobby
--   ringfort_auditor  reads audit entries of one business, nothing else
--   ringfort_operator reads what support needs of one business, while that business has an open grant
do $$
declare
    name text;
begin
    foreach name in array array['ringfort_owner', 'ringfort_lobby', 'ringfort_search'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I nologin nobypassrls', name);
        end if;
    end loop;
    foreach name in array array['ringfort_app', 'ringfort_worker', 'ringfort_auditor', 'ringfort_operator'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I login noinherit nobypassrls', name);
        end if;
    end loop;
exception
    -- Two installations on one cluster may start at the same moment.
    when duplicate_object or unique_violation then null;
end
$$;
grant ringfort_owner to current_user;
grant ringfort_lobby to ringfort_owner;
grant ringfort_search to ringfort_owner;
-- So that the owner's function may end the operator's sessions.
grant ringfort_operator to ringfort_owner;
