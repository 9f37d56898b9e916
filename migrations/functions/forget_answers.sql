-- Trigger of an erased tenant: its kept answers of POSTs go with it, also those of people who had left by then.
CREATE OR REPLACE FUNCTION util.forget_answers()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
    BEGIN
      DELETE FROM public.idempotency_keys k WHERE k.acting_tenant = OLD.id AND k.status IS NOT NULL;
      RETURN NULL;
    END $function$
