-- Companies whose days of grace are over, longest ago first.
CREATE OR REPLACE FUNCTION util.due_erasures()
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ SELECT d.tenant_id FROM public.tenant_deletions d WHERE d.erase_after <= pg_catalog.now()
         ORDER BY d.erase_after LIMIT 100 $function$
