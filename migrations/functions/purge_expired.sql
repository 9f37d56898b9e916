-- Removes idempotency keys, sessions and invitations whose time is over; how many.
CREATE OR REPLACE FUNCTION util.purge_expired()
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$ WITH keys AS (DELETE FROM public.idempotency_keys WHERE expires_at < pg_catalog.now() RETURNING 1),
         ended AS (DELETE FROM public.sessions WHERE expires_at < pg_catalog.now() RETURNING 1),
         open AS (DELETE FROM public.invitations
           WHERE expires_at < pg_catalog.now() - interval '30 days' RETURNING 1)
         SELECT (SELECT pg_catalog.count(*) FROM keys) + (SELECT pg_catalog.count(*) FROM ended) + (SELECT pg_catalog.count(*) FROM open) $function$
