-- The companies of the context's person, with what depends on them: members, whether they are the only owner, and
-- when it is erased.
CREATE OR REPLACE FUNCTION util.my_holdings()
 RETURNS TABLE(tenant_id uuid, name text, slug text, members bigint, only_owner boolean, erase_after timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
        SELECT t.id, t.name, t.slug,
          (SELECT pg_catalog.count(*) FROM public.tenant_members c WHERE c.tenant_id = t.id),
          NOT EXISTS (SELECT FROM public.member_roles r
            WHERE r.tenant_id = t.id AND r.role_key = 'owner' AND r.user_id <> m.user_id),
          d.erase_after
        FROM public.tenant_members m JOIN public.tenants t ON t.id = m.tenant_id
          LEFT JOIN public.tenant_deletions d ON d.tenant_id = t.id
        WHERE m.user_id = (SELECT util.current_user()) AND (SELECT util.current_tenant()) IS NULL
        ORDER BY t.id $function$
