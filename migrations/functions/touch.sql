-- Trigger: created_at stays, updated_at is now.
CREATE OR REPLACE FUNCTION util.touch()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
    BEGIN
      NEW.created_at := OLD.created_at;
      NEW.updated_at := pg_catalog.now();
      RETURN NEW;
    END $function$
