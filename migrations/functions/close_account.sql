-- Ends the account of the context's person: false, and nothing done, while they belong to a company that goes on.
-- Those whose companies wait to be erased stay as their nameless owner until util.purge_accounts.
CREATE OR REPLACE FUNCTION util.close_account()
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
      DECLARE
        person pg_catalog.uuid := util.current_user();
      BEGIN
        IF person IS NULL OR util.current_tenant() IS NOT NULL THEN
          RAISE insufficient_privilege USING MESSAGE = 'an account is closed by its person alone';
        END IF;
        PERFORM FROM public.users u WHERE u.id = person FOR UPDATE;
        IF EXISTS (SELECT FROM public.tenant_members m WHERE m.user_id = person AND NOT EXISTS (
             SELECT FROM public.tenant_deletions d WHERE d.tenant_id = m.tenant_id)) THEN
          RETURN false;
        END IF;
        UPDATE public.api_keys k SET revoked_at = pg_catalog.now() WHERE k.user_id = person AND k.revoked_at IS NULL;
        DELETE FROM public.user_credentials c WHERE c.user_id = person;
        DELETE FROM public.sessions s WHERE s.user_id = person;
        DELETE FROM public.account_links l WHERE l.user_id = person;
        UPDATE public.users u SET email = NULL, confirmed_email = NULL, full_name = 'Deleted account',
          closed_at = pg_catalog.now() WHERE u.id = person;
        DELETE FROM public.users u WHERE u.id = person
          AND NOT EXISTS (SELECT FROM public.tenant_members m WHERE m.user_id = person);
        RETURN true;
      END $function$
