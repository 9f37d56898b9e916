-- Whoever manages somebody must hold everything that their roles bring.
CREATE OR REPLACE FUNCTION util.may_manage_member(tenant uuid, person uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ SELECT util.granted_permissions(tenant) IS NOT NULL AND NOT EXISTS (
           SELECT FROM public.member_roles r
             JOIN public.role_permissions p ON p.tenant_id = r.tenant_id AND p.role_key = r.role_key
           WHERE r.tenant_id = tenant AND r.user_id = person
             AND p.permission <> ALL (util.granted_permissions(tenant))) $function$
