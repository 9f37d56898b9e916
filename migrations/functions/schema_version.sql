-- The migration that the database is at, for readiness.
CREATE OR REPLACE FUNCTION util.schema_version()
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ SELECT v.version_num FROM public.alembic_version v $function$
