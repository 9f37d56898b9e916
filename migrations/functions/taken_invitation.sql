-- The company that the context's person joined by an invitation's hash.
CREATE OR REPLACE FUNCTION util.taken_invitation(hash bytea)
 RETURNS uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
    SELECT m.tenant_id FROM public.tenant_members m
    WHERE m.user_id = util.current_user() AND m.invitation_hash = hash $function$
