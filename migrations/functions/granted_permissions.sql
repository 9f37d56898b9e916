-- What the context's member may do in a tenant, in order: NULL for whoever is not a member of the context's tenant,
-- and for a key that is not good any more. A key allows what it names of what its maker may do at this very moment,
-- and nothing that owners alone hold.
CREATE OR REPLACE FUNCTION util.granted_permissions(tenant uuid)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  DECLARE
    person pg_catalog.uuid := util.current_user();
    key pg_catalog.uuid := util.current_api_key();
    scope pg_catalog.text[];
  BEGIN
    IF tenant = util.current_tenant() AND person IS NOT NULL AND EXISTS (
         SELECT FROM public.tenant_members m WHERE m.tenant_id = tenant AND m.user_id = person) THEN
      IF key IS NOT NULL THEN
        SELECT ARRAY(SELECT p.key FROM public.permissions p
            WHERE p.key = ANY (k.permissions) AND p.roles <> ARRAY['owner']) INTO scope FROM public.api_keys k
        WHERE k.tenant_id = tenant AND k.id = key AND k.user_id = person
          AND k.revoked_at IS NULL AND k.expires_at > pg_catalog.now();
        IF scope IS NULL THEN
          RETURN NULL;
        END IF;
      END IF;
      RETURN ARRAY(
        SELECT DISTINCT p.permission FROM public.member_roles r
          JOIN public.role_permissions p ON p.tenant_id = r.tenant_id AND p.role_key = r.role_key
        WHERE r.tenant_id = tenant AND r.user_id = person AND (scope IS NULL OR p.permission = ANY (scope))
        ORDER BY p.permission);
    END IF;
    RETURN NULL;
  END $function$
