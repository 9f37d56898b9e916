-- Whether the context's member holds a permission in a tenant.
CREATE OR REPLACE FUNCTION util.user_has_permission(tenant uuid, permission text)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ SELECT COALESCE(permission = ANY (util.granted_permissions(tenant)), false) $function$
