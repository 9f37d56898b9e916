-- Every table that holds rows of tenants, from the catalogue, so that none can be forgotten. For the owner role
-- alone.
CREATE OR REPLACE FUNCTION util.tenant_tables()
 RETURNS TABLE(area text, name text)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
    SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE n.nspname IN ('public', 'util') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY c.relname $function$
