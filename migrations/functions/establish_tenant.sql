-- Gives a new tenant its roles and its founder as their first holder: as long as nobody is a member, nobody could
-- grant.
CREATE OR REPLACE FUNCTION util.establish_tenant()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
      DECLARE
        tenant pg_catalog.uuid := util.current_tenant();
      BEGIN
        PERFORM FROM public.tenants t WHERE t.id = tenant FOR NO KEY UPDATE;
        IF NOT FOUND OR util.current_user() IS NULL
           OR EXISTS (SELECT FROM public.tenant_members m WHERE m.tenant_id = tenant) THEN
          RAISE insufficient_privilege USING MESSAGE = 'only a person without a company around them founds one';
        END IF;
        PERFORM util.seed_roles(tenant);
        INSERT INTO public.tenant_members (tenant_id, user_id) VALUES (tenant, util.current_user());
        INSERT INTO public.member_roles (tenant_id, user_id, role_key) VALUES (tenant, util.current_user(), 'owner');
      END $function$
