-- The person of the signed context, NULL unless the signature and the time hold.
CREATE OR REPLACE FUNCTION util."current_user"()
 RETURNS uuid
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
  setting pg_catalog.text := pg_catalog.current_setting('ocsuite.context', true);
  parts pg_catalog.text[];
  mac pg_catalog.text;
BEGIN
  -- Conditions say what has to hold, so that one that comes out as NULL opens nothing.
  SELECT pg_catalog.encode(pg_catalog.sha256(k.outer_pad || pg_catalog.sha256(k.inner_pad ||
           pg_catalog.convert_to(pg_catalog.left(setting, -64), 'UTF8'))), 'hex')
    INTO mac FROM util.context_keys k WHERE k.id = pg_catalog.split_part(setting, '.', 2);
  IF mac = pg_catalog.right(setting, 64) THEN
    -- Only a signed text gets here, so that its parts are known to be well formed.
    parts := pg_catalog.string_to_array(setting, '.');
    IF parts[1] = 'v2' AND parts[6]::double precision >= pg_catalog.date_part('epoch', pg_catalog.now())
       AND parts[7]::integer = pg_catalog.pg_backend_pid() THEN
      RETURN NULLIF(parts[4], '')::pg_catalog.uuid;
    END IF;
  END IF;
  RETURN NULL;
END $function$
