-- The live key of a hash. Its use is noted at most once a minute, so that a busy key does not always write.
CREATE OR REPLACE FUNCTION util.use_api_key(hash bytea)
 RETURNS TABLE(id uuid, tenant_id uuid, user_id uuid, expires_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
      BEGIN
        UPDATE public.api_keys k SET last_used_at = pg_catalog.now()
        WHERE k.token_hash = hash AND k.revoked_at IS NULL AND k.expires_at > pg_catalog.now()
          AND (k.last_used_at IS NULL OR k.last_used_at < pg_catalog.now() - interval '1 minute');
        RETURN QUERY SELECT k.id, k.tenant_id, k.user_id, k.expires_at FROM public.api_keys k
          WHERE k.token_hash = hash AND k.revoked_at IS NULL AND k.expires_at > pg_catalog.now();
      END $function$
