"""Erasing a company: when it is due, in one transaction, with a receipt for whoever asked for it."""

from typing import Final

from migrations import rls

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

FUNCTIONS: Final = {
    "util.due_erasures()": f"""
      CREATE FUNCTION util.due_erasures() RETURNS SETOF uuid LANGUAGE sql STABLE {rls.DEFINER} AS
      $$ SELECT d.tenant_id FROM public.tenant_deletions d WHERE d.erase_after <= pg_catalog.now()
         ORDER BY d.erase_after LIMIT 100 $$""",
    # The lock on the request comes before the one on the tenant, as in whoever calls it off; nobody can add rows to a
    # tenant that is locked. The second of two workers finds no request any more. Kept answers of POSTs tell no company,
    # so that those of all its members go.
    "util.erase_tenant(uuid, uuid)": f"""
      CREATE FUNCTION util.erase_tenant(tenant uuid, receipt uuid) RETURNS boolean LANGUAGE plpgsql {rls.DEFINER} AS $$
      DECLARE
        asked public.tenant_deletions;
        title pg_catalog.text;
        place record;
        found_rows pg_catalog.int8;
        left_over pg_catalog.bool;
        counts pg_catalog.jsonb := '{{}}';
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
      END $$""",
}

# Every table that holds rows of tenants, from the catalogue, so that none can be forgotten. For the owner role alone.
TABLES_OF_TENANTS = """
  CREATE FUNCTION util.tenant_tables() RETURNS TABLE (area text, name text)
  LANGUAGE sql STABLE SET search_path = '' AS $$
    SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE n.nspname IN ('public', 'util') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY c.relname $$"""

OWN_NAME = "requested_by = (SELECT util.current_user())"


def upgrade() -> None:
    rls.execute(TABLES_OF_TENANTS, "REVOKE ALL ON FUNCTION util.tenant_tables() FROM PUBLIC")
    for signature, function in FUNCTIONS.items():
        rls.execute(function)
        rls.allow_function(signature)
    # Whatever statement asks, it does so in its person's name, now, and leaves a day to call it off.
    rls.drop_restrictions("tenant_deletions", "INSERT")
    rls.restrict("tenant_deletions", "INSERT", f"{rls.permitted('company.delete')} AND {OWN_NAME}")
    rls.execute(
        f"REVOKE INSERT ON tenant_deletions FROM {rls.APP_ROLE}",
        f"GRANT INSERT (tenant_id, requested_by, erase_after) ON tenant_deletions TO {rls.APP_ROLE}",
        """ALTER TABLE tenant_deletions ADD CONSTRAINT ck_tenant_deletions_erase_after
          CHECK (erase_after >= requested_at + interval '24 hours')""",
    )


def downgrade() -> None:
    rls.execute(
        "ALTER TABLE tenant_deletions DROP CONSTRAINT ck_tenant_deletions_erase_after",
        f"REVOKE INSERT (tenant_id, requested_by, erase_after) ON tenant_deletions FROM {rls.APP_ROLE}",
        f"GRANT INSERT ON tenant_deletions TO {rls.APP_ROLE}",
    )
    rls.drop_restrictions("tenant_deletions", "INSERT")
    rls.restrict("tenant_deletions", "INSERT", rls.permitted("company.delete"))
    rls.execute(
        *(f"DROP FUNCTION {signature}" for signature in reversed(FUNCTIONS)), "DROP FUNCTION util.tenant_tables()"
    )
