"""`ocsuite doctor` on a healthy database and on planted faults, each of which it has to name with what mends it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from backend.commands.diagnosis import CHECKS, Finding, examine
from backend.devstack import LocalStack
from backend.settings import Settings
from crypto import Keyring, generate_master_key
from tests.conftest import Migrated


async def findings(settings: Settings) -> list[Finding]:
    """Everything that the doctor says."""
    return [finding async for finding in examine(settings)]


def failed(found: list[Finding]) -> dict[str, str]:
    """What failed, each with its detail; every failure says what mends it."""
    assert all(finding.mend for finding in found if finding.status != "ok")
    return {finding.subject: finding.detail for finding in found if finding.status == "fail"}


@pytest.fixture
def environ(stack: LocalStack, migrated: Migrated) -> Iterator[dict[str, str]]:
    """The variables of a migrated database of the test's own."""
    with migrated() as variables:
        yield variables | {"OCSUITE_DATA_DIR": str(stack.data_dir)}


def database(environ: dict[str, str]) -> str:
    """Its name."""
    return environ["DATABASE_URL"].rpartition("/")[2]


async def test_healthy(environ: dict[str, str]) -> None:
    found = await findings(Settings.load(environ))
    assert len(found) == len(CHECKS)
    assert {finding.status for finding in found} == {"ok"}, found


@pytest.mark.parametrize(
    ("plant", "subject", "detail"),
    [
        (
            "ALTER TABLE conversations NO FORCE ROW LEVEL SECURITY",
            "policies",
            "conversations: row-level security is not forced",
        ),
        (
            "CREATE TABLE secrets_of_tenants (tenant_id uuid)",
            "policies",
            "secrets_of_tenants: ",
        ),
        (
            "UPDATE alembic_version SET version_num = '0001'",
            "schema",
            "at 0001, this code needs ",
        ),
        ("DROP EXTENSION vector CASCADE", "extension", "vector is missing"),
        (
            "UPDATE audit_keys SET sealed_private = sha256(sealed_private)",
            "audit log",
            "the key that seals it is missing or cannot be opened",
        ),
    ],
)
async def test_planted_fault_is_named(
    environ: dict[str, str], stack: LocalStack, plant: str, subject: str, detail: str
) -> None:
    assert stack.postgres is not None
    stack.postgres.psql(f"{plant};", database(environ))
    assert detail in failed(await findings(Settings.load(environ)))[subject]


async def test_entries_that_nobody_seals_are_counted(environ: dict[str, str], stack: LocalStack) -> None:
    assert stack.postgres is not None
    tenant = uuid4()
    entries = "', now() - interval '1 minute'), ('".join(f"{tenant}', '{uuid4()}" for _ in range(2))
    stack.postgres.psql(
        "INSERT INTO tenants (id, name, slug, messages_per_day, tasks_per_day, members_max) "
        f"VALUES ('{tenant}', 'Unsealed', '{tenant.hex}', 1, 1, 1);"
        "INSERT INTO audit_logs SELECT tenant_id::uuid, id::uuid, 'system', NULL, NULL, 'OCSuite', 'a.b', 'c:d', "
        "'succeeded', '{}', '', created_at FROM (VALUES ('" + entries + "', now())) v (tenant_id, id, created_at);"
        "INSERT INTO audit_pending SELECT tenant_id, id FROM audit_logs;",
        database(environ),
    )
    warned = [finding for finding in await findings(Settings.load(environ)) if finding.status != "ok"]
    assert [(it.status, it.detail) for it in warned] == [("warn", "1 entries of 1 companies wait to be sealed")]


async def test_powerful_application_role_is_named(environ: dict[str, str]) -> None:
    as_owner = environ | {"DATABASE_URL": environ["DATABASE_OWNER_URL"]}
    said = failed(await findings(Settings.load(as_owner)))["application role"]
    assert said == "ocsuite_owner may bypass row-level security, owns tables"


async def test_unknown_master_key_is_named(environ: dict[str, str], stack: LocalStack) -> None:
    assert stack.postgres is not None
    tenant = uuid4()
    wrapped = Keyring(Settings.load(environ).master_keys).new_tenant_key(tenant).hex()
    stack.postgres.psql(
        "INSERT INTO tenants (id, name, slug, messages_per_day, tasks_per_day, members_max) "
        f"VALUES ('{tenant}', 'Doctored', '{tenant.hex}', 1, 1, 1);"
        f"INSERT INTO tenant_keys (tenant_id, wrapped) VALUES ('{tenant}', '\\x{wrapped}');",
        database(environ),
    )
    other = Settings.load(environ | {"OCSUITE_MASTER_KEYS": generate_master_key("other")})
    said = failed(await findings(other))
    assert said["master keys"] == "1 tenants' keys cannot be unwrapped"
    assert "does not know the first of OCSUITE_MASTER_KEYS" in said["signed context"]
    both = Settings.load(
        environ | {"OCSUITE_MASTER_KEYS": f"{generate_master_key('new')},{environ['OCSUITE_MASTER_KEYS']}"}
    )
    warned = [finding for finding in await findings(both) if finding.status == "warn"]
    assert [(it.subject, it.mend) for it in warned] == [("master keys", "run `ocsuite rotate-master-key`")]


async def test_servers_that_are_away(environ: dict[str, str]) -> None:
    away = environ | {
        "REDIS_URL": "redis://:hidden@127.0.0.1:9/0",
        "DATABASE_URL": "postgresql://a:hidden@127.0.0.1:9/b",
    }
    found = await findings(Settings.load(away))
    assert set(failed(found)) == {"queue", "database"}
    assert "hidden" not in repr(found)


async def test_secrets_that_others_can_read(environ: dict[str, str], stack: LocalStack) -> None:
    stack.secrets_path.chmod(0o644)
    try:
        found = await findings(Settings.load(environ))
    finally:
        stack.secrets_path.chmod(0o600)
    assert "mode 644" in failed(found)["data folder"]
