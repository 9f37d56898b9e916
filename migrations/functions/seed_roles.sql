-- Brings the built-in roles of one tenant, or of all for NULL, in line with the catalogue. For the owner role
-- alone.
CREATE OR REPLACE FUNCTION util.seed_roles(which uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
    INSERT INTO public.roles AS r (tenant_id, key, name, description, built_in, rank)
      SELECT t.id, b.key, b.name, b.description, true, b.rank FROM public.tenants t, util.built_in_roles b
      WHERE which IS NULL OR t.id = which
      ON CONFLICT (tenant_id, key) DO UPDATE
        SET name = excluded.name, description = excluded.description, rank = excluded.rank, built_in = true
        WHERE (r.name, r.description, r.rank, r.built_in)
          IS DISTINCT FROM (excluded.name, excluded.description, excluded.rank, true);
    DELETE FROM public.role_permissions g USING public.roles r, public.permissions p
      WHERE r.tenant_id = g.tenant_id AND r.key = g.role_key AND r.built_in AND p.key = g.permission
        AND g.role_key <> ALL (p.roles) AND (which IS NULL OR g.tenant_id = which);
    INSERT INTO public.role_permissions (tenant_id, role_key, permission)
      SELECT t.id, b.key, p.key FROM public.tenants t, util.built_in_roles b JOIN public.permissions p
        ON b.key = ANY (p.roles)
      WHERE which IS NULL OR t.id = which
      ON CONFLICT DO NOTHING $function$
