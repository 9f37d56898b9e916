-- Tenants with an audit log, after an id, so that all can be walked.
CREATE OR REPLACE FUNCTION util.tenants_with_log(after uuid, most integer)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ SELECT t.id FROM public.tenants t
     WHERE t.id > after AND (EXISTS (SELECT FROM public.audit_logs l WHERE l.tenant_id = t.id)
       OR EXISTS (SELECT FROM public.audit_seals s WHERE s.tenant_id = t.id))
     ORDER BY t.id LIMIT most $function$
