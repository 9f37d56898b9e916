-- The live session of a hash. That it was seen, and from where, is noted at most once a minute.
CREATE OR REPLACE FUNCTION util.use_session(hash bytea, network text)
 RETURNS TABLE(id uuid, user_id uuid, expires_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
      BEGIN
        UPDATE public.sessions s SET last_seen_at = pg_catalog.now(), address = network
        WHERE s.token_hash = hash AND s.ended_at IS NULL AND s.expires_at > pg_catalog.now()
          AND s.last_seen_at < pg_catalog.now() - interval '1 minute';
        RETURN QUERY SELECT s.id, s.user_id, s.expires_at FROM public.sessions s
          WHERE s.token_hash = hash AND s.ended_at IS NULL AND s.expires_at > pg_catalog.now();
      END $function$
