-- Whether the address of the context's person, or of a member of the context's company, was proven to be theirs.
CREATE OR REPLACE FUNCTION util.address_is_proven(person uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
        SELECT EXISTS (SELECT FROM public.users u WHERE u.id = person AND u.confirmed_email = u.email
          AND (u.id = util.current_user() OR EXISTS (SELECT FROM public.tenant_members m
            WHERE m.tenant_id = util.current_tenant() AND m.user_id = u.id))) $function$
