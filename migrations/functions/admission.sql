-- What the gate asks for every request, in one trip that brings the context along: permissions, an empty text, and
-- roles, the highest first; NULL for whoever is no member.
CREATE OR REPLACE FUNCTION util.admission(context text)
 RETURNS text[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
      DECLARE
        tenant pg_catalog.uuid;
        person pg_catalog.uuid;
        granted pg_catalog.text[];
      BEGIN
        PERFORM pg_catalog.set_config('ocsuite.context', context, true);
        tenant := util.current_tenant();
        person := util.current_user();
        granted := util.granted_permissions(tenant);
        IF granted IS NULL THEN
          RETURN NULL;
        END IF;
        RETURN granted || ARRAY[''] || ARRAY(
          SELECT r.role_key FROM public.member_roles r
            JOIN public.roles o ON o.tenant_id = r.tenant_id AND o.key = r.role_key
          WHERE r.tenant_id = tenant AND r.user_id = person ORDER BY o.rank, o.key);
      END $function$
