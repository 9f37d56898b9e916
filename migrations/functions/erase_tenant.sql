-- Erases the context's company and writes the receipt: false if nobody asks for it any more. The lock on the
-- request comes before the one on the tenant, as in whoever calls it off; the second of two workers finds no
-- request. Raises if any table kept a row.
CREATE OR REPLACE FUNCTION util.erase_tenant(tenant uuid, receipt uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
      DECLARE
        asked public.tenant_deletions;
        title pg_catalog.text;
        place record;
        found_rows pg_catalog.int8;
        left_over pg_catalog.bool;
        counts pg_catalog.jsonb := '{}';
        last_seq pg_catalog.int8;
        last_hash pg_catalog.bytea;
      BEGIN
        IF NOT util.is_system() OR tenant IS DISTINCT FROM util.current_tenant() THEN
          RAISE insufficient_privilege USING MESSAGE = 'only the system erases a company, in its context';
        END IF;
        SELECT d.* INTO asked FROM public.tenant_deletions d
          WHERE d.tenant_id = tenant AND d.erase_after <= pg_catalog.now() FOR UPDATE;
        IF asked.tenant_id IS NULL THEN
          RETURN false;
        END IF;
        SELECT t.name INTO title FROM public.tenants t WHERE t.id = tenant FOR UPDATE;
        SELECT s.seq, s.hash INTO last_seq, last_hash FROM public.audit_seals s
          WHERE s.tenant_id = tenant ORDER BY s.seq DESC LIMIT 1;
        FOR place IN SELECT * FROM util.tenant_tables() LOOP
          EXECUTE pg_catalog.format('SELECT pg_catalog.count(*) FROM %I.%I WHERE tenant_id = $1',
            place.area, place.name) INTO found_rows USING tenant;
          counts := counts || pg_catalog.jsonb_build_object(place.name, found_rows);
        END LOOP;
        DELETE FROM public.idempotency_keys k USING public.tenant_members m
          WHERE m.tenant_id = tenant AND k.user_id = m.user_id AND k.status IS NOT NULL;
        DELETE FROM public.tenants t WHERE t.id = tenant;
        FOR place IN SELECT * FROM util.tenant_tables() LOOP
          EXECUTE pg_catalog.format('SELECT EXISTS (SELECT FROM %I.%I WHERE tenant_id = $1)',
            place.area, place.name) INTO left_over USING tenant;
          IF left_over THEN
            RAISE 'rows of % would be left', place.name;
          END IF;
        END LOOP;
        INSERT INTO public.erasure_receipts
          (id, user_id, erased_tenant_id, erased_tenant_name, requested_at, erased_at, rows, audit_seq, audit_hash)
          VALUES (receipt, asked.requested_by, tenant, title, asked.requested_at, pg_catalog.clock_timestamp(),
            counts, COALESCE(last_seq, 0), COALESCE(last_hash, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex')));
        RETURN true;
      END $function$
