-- The companies of the context's person with roles and permissions; a key sees its own alone.
CREATE OR REPLACE FUNCTION util.my_memberships()
 RETURNS TABLE(tenant_id uuid, name text, slug text, roles text[], permissions text[], created_at timestamp with time zone, updated_at timestamp with time zone, erase_after timestamp with time zone, joined_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
        SELECT t.id, t.name, t.slug,
          ARRAY(SELECT r.role_key FROM public.member_roles r
              JOIN public.roles o ON o.tenant_id = r.tenant_id AND o.key = r.role_key
            WHERE r.tenant_id = t.id AND r.user_id = m.user_id ORDER BY o.rank, o.key),
          CASE WHEN util.current_api_key() IS NOT NULL THEN util.granted_permissions(t.id) ELSE ARRAY(
            SELECT DISTINCT p.permission FROM public.member_roles r
              JOIN public.role_permissions p ON p.tenant_id = r.tenant_id AND p.role_key = r.role_key
            WHERE r.tenant_id = t.id AND r.user_id = m.user_id ORDER BY p.permission) END,
          t.created_at, t.updated_at, d.erase_after, m.created_at
        FROM public.tenant_members m JOIN public.tenants t ON t.id = m.tenant_id
          LEFT JOIN public.tenant_deletions d ON d.tenant_id = t.id
        WHERE m.user_id = (SELECT util.current_user())
          AND ((SELECT util.current_api_key()) IS NULL OR t.id = (SELECT util.current_tenant())) $function$
