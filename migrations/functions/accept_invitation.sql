-- Takes an invitation for the context's person and tells what came of it: accepted, invalid, another_address,
-- already_member or full. The row lock lets one of two at once win, and the tenant's lets only as many in as there
-- is room for. Raises nothing, so that a refusal can be recorded.
CREATE OR REPLACE FUNCTION util.accept_invitation(hash bytea)
 RETURNS TABLE(outcome text, tenant_id uuid, invitation_id uuid, members_max integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
      DECLARE
        person pg_catalog.uuid := util.current_user();
        found_one public.invitations;
        room pg_catalog.int4;
      BEGIN
        SELECT i.* INTO found_one FROM public.invitations i
          WHERE i.token_hash = hash AND i.expires_at > pg_catalog.now() FOR UPDATE;
        IF person IS NULL OR found_one.id IS NULL THEN
          RETURN QUERY SELECT 'invalid'::text, NULL::pg_catalog.uuid, NULL::pg_catalog.uuid, NULL::pg_catalog.int4;
          RETURN;
        END IF;
        SELECT t.members_max INTO room FROM public.tenants t WHERE t.id = found_one.tenant_id FOR NO KEY UPDATE;
        IF NOT EXISTS (SELECT FROM public.users u WHERE u.id = person
             AND pg_catalog.normalize(pg_catalog.lower(
               pg_catalog.normalize(pg_catalog.btrim(u.email), 'NFC')), 'NFC') = found_one.email) THEN
          RETURN QUERY SELECT 'another_address'::text, found_one.tenant_id, found_one.id, room;
        ELSIF EXISTS (SELECT FROM public.tenant_members m
             WHERE m.tenant_id = found_one.tenant_id AND m.user_id = person) THEN
          RETURN QUERY SELECT 'already_member'::text, found_one.tenant_id, found_one.id, room;
        ELSIF room <= (SELECT pg_catalog.count(*) FROM public.tenant_members m
             WHERE m.tenant_id = found_one.tenant_id) THEN
          RETURN QUERY SELECT 'full'::text, found_one.tenant_id, found_one.id, room;
        ELSE
          INSERT INTO public.tenant_members (tenant_id, user_id, invitation_hash)
            VALUES (found_one.tenant_id, person, hash);
          INSERT INTO public.member_roles (tenant_id, user_id, role_key)
            SELECT r.tenant_id, person, r.role_key FROM public.invitation_roles r
            WHERE r.tenant_id = found_one.tenant_id AND r.invitation_id = found_one.id;
          DELETE FROM public.invitations i WHERE i.tenant_id = found_one.tenant_id AND i.id = found_one.id;
          RETURN QUERY SELECT 'accepted'::text, found_one.tenant_id, found_one.id, room;
        END IF;
      END $function$
