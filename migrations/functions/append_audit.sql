-- Writes an entry of the audit log. Tenant, actor and time are the context's and the database's own: no statement
-- can speak for somebody else.
CREATE OR REPLACE FUNCTION util.append_audit(entry uuid, action text, resource text, outcome text, meta jsonb, request_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
      DECLARE
        tenant pg_catalog.uuid := util.current_tenant();
        person pg_catalog.uuid := util.current_user();
        key pg_catalog.uuid := util.current_api_key();
      BEGIN
        INSERT INTO public.audit_logs VALUES (tenant, entry,
          CASE WHEN person IS NULL THEN 'system' WHEN key IS NULL THEN 'user' ELSE 'api_key' END, person, key,
          COALESCE((SELECT u.full_name FROM public.users u WHERE u.id = person), 'OCSuite'),
          action, resource, outcome, meta, request_id, pg_catalog.clock_timestamp());
        INSERT INTO public.audit_pending VALUES (tenant, entry);
      END $function$
