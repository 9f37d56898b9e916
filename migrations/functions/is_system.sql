-- Whether the context is a tenant's without a person: the product's own upkeep.
CREATE OR REPLACE FUNCTION util.is_system()
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ SELECT util.current_tenant() IS NOT NULL AND util.current_user() IS NULL $function$
