-- Trigger: the row of the tenant is the lock, so that of two owners who go at once the second sees that the first
-- has gone. Its weaker mode lets everybody else go on writing rows that point at the tenant. A tenant that is being
-- erased has none.
CREATE OR REPLACE FUNCTION util.keep_an_owner()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
    BEGIN
      PERFORM FROM public.tenants t WHERE t.id = OLD.tenant_id FOR NO KEY UPDATE;
      IF FOUND AND NOT EXISTS (SELECT FROM public.member_roles r
           WHERE r.tenant_id = OLD.tenant_id AND r.role_key = 'owner') THEN
        RAISE EXCEPTION 'a company keeps at least one owner' USING ERRCODE = 'OC001';
      END IF;
      RETURN NULL;
    END $function$
