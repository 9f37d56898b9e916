-- The live link of a hash and a purpose.
CREATE OR REPLACE FUNCTION util.find_account_link(hash bytea, wanted text)
 RETURNS TABLE(id uuid, user_id uuid, email text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
        SELECT l.id, l.user_id, l.email FROM public.account_links l
        WHERE l.token_hash = hash AND l.purpose = wanted AND l.used_at IS NULL
          AND l.expires_at > pg_catalog.now() $function$
