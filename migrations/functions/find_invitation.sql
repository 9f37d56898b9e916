-- The open invitation of a hash, with what its page shows.
CREATE OR REPLACE FUNCTION util.find_invitation(hash bytea)
 RETURNS TABLE(id uuid, tenant_id uuid, name text, slug text, email text, roles jsonb, invited_by text, expires_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
        SELECT i.id, t.id, t.name, t.slug, i.email,
          (SELECT pg_catalog.jsonb_agg(
               pg_catalog.jsonb_build_object('key', o.key, 'name', o.name) ORDER BY o.rank, o.key)
             FROM public.invitation_roles r JOIN public.roles o ON o.tenant_id = r.tenant_id AND o.key = r.role_key
             WHERE r.tenant_id = i.tenant_id AND r.invitation_id = i.id),
          u.full_name, i.expires_at
        FROM public.invitations i JOIN public.tenants t ON t.id = i.tenant_id
          LEFT JOIN public.users u ON u.id = i.invited_by
        WHERE i.token_hash = hash AND i.expires_at > pg_catalog.now() $function$
