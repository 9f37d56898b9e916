-- Answers whose lease has run out, ids alone, so that any process may ask without a context which to settle.
CREATE OR REPLACE FUNCTION util.abandoned_messages(most integer)
 RETURNS TABLE(tenant_id uuid, message_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
    SELECT m.tenant_id, m.id FROM public.messages m
    WHERE m.status = 'streaming' AND m.lease_expires_at < pg_catalog.now()
    ORDER BY m.lease_expires_at LIMIT most $function$
