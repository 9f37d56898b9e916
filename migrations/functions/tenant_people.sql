-- Names and addresses of the people of the context's tenant, which the wall around users hides from one another.
CREATE OR REPLACE FUNCTION util.tenant_people()
 RETURNS TABLE(user_id uuid, email text, full_name text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
        SELECT u.id, u.email, u.full_name FROM public.tenant_members m JOIN public.users u ON u.id = m.user_id
        WHERE m.tenant_id = (SELECT util.current_tenant()) $function$
