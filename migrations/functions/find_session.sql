-- The live session of a hash.
CREATE OR REPLACE FUNCTION util.find_session(hash bytea)
 RETURNS TABLE(id uuid, user_id uuid, expires_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ SELECT s.id, s.user_id, s.expires_at FROM public.sessions s
         WHERE s.token_hash = hash AND s.ended_at IS NULL AND s.expires_at > pg_catalog.now() $function$
