-- Removes links that expired and closed accounts that no company needs any more; how many.
CREATE OR REPLACE FUNCTION util.purge_accounts()
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
        WITH links AS (DELETE FROM public.account_links l WHERE l.expires_at < pg_catalog.now() RETURNING 1),
          gone AS (DELETE FROM public.users u WHERE u.closed_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM public.tenant_members m WHERE m.user_id = u.id) RETURNING 1)
        SELECT (SELECT pg_catalog.count(*) FROM links) + (SELECT pg_catalog.count(*) FROM gone) $function$
