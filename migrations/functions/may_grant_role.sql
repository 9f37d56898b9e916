-- Whoever gives or takes a role must hold everything that comes with it; no key makes owners.
CREATE OR REPLACE FUNCTION util.may_grant_role(tenant uuid, role text)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ SELECT util.granted_permissions(tenant) IS NOT NULL AND (role <> 'owner' OR util.current_api_key() IS NULL) AND NOT EXISTS (
           SELECT FROM public.role_permissions p WHERE p.tenant_id = tenant AND p.role_key = role
             AND p.permission <> ALL (util.granted_permissions(tenant))) $function$
