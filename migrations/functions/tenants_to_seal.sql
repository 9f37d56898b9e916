-- Tenants with entries of the audit log that wait for their seal.
CREATE OR REPLACE FUNCTION util.tenants_to_seal(most integer)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ SELECT DISTINCT p.tenant_id FROM public.audit_pending p LIMIT most $function$
