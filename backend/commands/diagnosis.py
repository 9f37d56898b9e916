"""The checks of `ocsuite doctor`: each looks at one thing and says what to mend."""

import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from backend.domains.audit.keys import open_keys
from backend.kernel.db.database import DATABASE_AWAY, SETTING, driver_url
from backend.kernel.db.rls_walk import find_faults
from backend.kernel.db.tenancy import ContextSigner, TenantContext
from backend.migrate import head
from backend.registry import declarations
from backend.settings import Settings
from crypto import DecryptionError, Keyring

OLDEST_POSTGRES: Final = 160_000
OLDEST_REDIS: Final = (7, 0)
SEALED_WITHIN: Final = timedelta(seconds=30)
"""Age from which an entry should have been sealed: the worker looks every second."""
_BACKLOG: Final = """
    SELECT count(*) AS waiting, count(DISTINCT p.tenant_id) AS companies
    FROM audit_pending p JOIN audit_logs l ON l.tenant_id = p.tenant_id AND l.id = p.audit_log_id
    WHERE l.created_at < now() - CAST(:late AS interval)"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `mend` says what to do about a warning or a failure."""

    status: Literal["ok", "warn", "fail"]
    subject: str
    detail: str
    mend: str = ""


Check = Callable[[Settings], Awaitable[Finding]]


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(driver_url(url), connect_args={"timeout": 5})
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


def _why(error: BaseException) -> str:
    """The reason without statement, parameters or address."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0].removeprefix(f"{type(cause)}: ")


async def database(settings: Settings) -> Finding:
    """Reachable as the application role, and new enough."""
    try:
        async with _connected(settings.database_url) as connection:
            number = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
    except DATABASE_AWAY as error:
        return Finding("fail", "database", _why(error), "start the database, or correct DATABASE_URL")
    if number < OLDEST_POSTGRES:
        return Finding("fail", "database", f"Postgres {number // 10_000}", "move to Postgres 16 or newer")
    return Finding("ok", "database", f"Postgres {number // 10_000}.{number % 10_000} answers")


async def extension(settings: Settings) -> Finding:
    """The vector extension, new enough for HNSW indexes."""
    query = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    async with _connected(settings.database_url) as connection:
        version = (await connection.execute(text(query))).scalar()
    if version is None:
        return Finding(
            "fail", "extension", "vector is missing", "as a superuser, in this database: CREATE EXTENSION vector"
        )
    if tuple(map(int, version.split(".")[:2])) < (0, 5):
        return Finding("fail", "extension", f"vector {version} has no HNSW", "upgrade pgvector to 0.5 or newer")
    return Finding("ok", "extension", f"vector {version}")


async def app_role(settings: Settings) -> Finding:
    """The application role must not be able to pass the walls."""
    query = """
        SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolreplication,
               EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) AS owns,
               (SELECT count(*) FROM pg_auth_members WHERE member = r.oid) AS memberships
        FROM pg_roles r WHERE rolname = current_user"""
    async with _connected(settings.database_url) as connection:
        role = (await connection.execute(text(query))).mappings().one()
    powers = {
        "is a superuser": role["rolsuper"],
        "may bypass row-level security": role["rolbypassrls"],
        "may create roles": role["rolcreaterole"],
        "may replicate": role["rolreplication"],
        "owns tables": role["owns"],
        "is a member of other roles": role["memberships"],
    }
    wrong = [power for power, held in powers.items() if held]
    if wrong:
        return Finding(
            "fail", "application role", f"{role['rolname']} {', '.join(wrong)}",
            "let DATABASE_URL use a role that owns nothing: NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION",
        )  # fmt: skip
    return Finding("ok", "application role", f"{role['rolname']} owns nothing and cannot bypass the policies")


async def owner_role(settings: Settings) -> Finding:
    """The owner role's functions look across tenants, so it has to be able to."""
    if not settings.database_owner_url:
        return Finding("warn", "owner role", "not checked", "set DATABASE_OWNER_URL for doctor and migrate")
    query = "SELECT rolname, rolbypassrls OR rolsuper AS passes FROM pg_roles WHERE rolname = current_user"
    try:
        async with _connected(settings.database_owner_url) as connection:
            role = (await connection.execute(text(query))).mappings().one()
    except DATABASE_AWAY as error:
        return Finding("fail", "owner role", _why(error), "correct DATABASE_OWNER_URL")
    if not role["passes"]:
        return Finding(
            "fail", "owner role", f"{role['rolname']} lacks BYPASSRLS", f"ALTER ROLE {role['rolname']} BYPASSRLS"
        )
    return Finding("ok", "owner role", role["rolname"])


async def schema(settings: Settings) -> Finding:
    """The database is at the version that this code expects."""
    try:
        async with _connected(settings.database_url) as connection:
            found = (await connection.execute(text("SELECT util.schema_version()"))).scalar()
    except DBAPIError:
        found = None
    if found != head():
        return Finding("fail", "schema", f"at {found or 'nothing'}, this code needs {head()}", "run `ocsuite migrate`")
    return Finding("ok", "schema", f"at {found}")


async def policies(settings: Settings) -> Finding:
    """Every tenant table stands behind its walls."""
    async with _connected(settings.database_owner_url or settings.database_url) as connection:
        faults = await find_faults(connection, declarations().guarded_tables)
    if faults:
        mend = "; ".join(dict.fromkeys(fault.mend for fault in faults))
        return Finding("fail", "policies", "; ".join(map(str, faults)), mend)
    return Finding("ok", "policies", "every tenant table is walled in")


async def context_keys(settings: Settings) -> Finding:
    """The database verifies contexts that this process signs, and no forged ones."""
    tenant = uuid4()
    signer = ContextSigner(Keyring(settings.master_keys), time.time)
    answers = []
    async with _connected(settings.database_url) as connection:
        backend = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        signed = signer.sign(TenantContext(tenant, None), backend)
        forged = signed[:-1] + ("0" if signed[-1] != "0" else "1")
        for value in (signed, forged):
            await connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": SETTING, "value": value})
            answers.append((await connection.execute(text("SELECT util.current_tenant()"))).scalar())
    if answers[1] is not None:
        return Finding(
            "fail",
            "signed context",
            "a forged one is believed",
            "run `ocsuite migrate`; stop the API until this passes",
        )
    if answers[0] != tenant:
        return Finding(
            "fail", "signed context", "the database does not know the first of OCSUITE_MASTER_KEYS",
            "run `ocsuite migrate`, which hands the database the keys in use",
        )  # fmt: skip
    return Finding("ok", "signed context", "verified; a forged one is refused")


async def tenant_keys(settings: Settings) -> Finding:
    """Every tenant's key can be unwrapped by a master key that is still there."""
    count = len(settings.master_keys)
    if not settings.database_owner_url:
        return Finding("warn", "master keys", f"{count} in use, tenants' keys not checked", "set DATABASE_OWNER_URL")
    keyring = Keyring(settings.master_keys)
    lost = old = 0
    async with _connected(settings.database_owner_url) as connection:
        rows = await connection.stream(text("SELECT tenant_id, wrapped FROM tenant_keys"))
        async for tenant_id, wrapped in rows:
            try:
                keyring.unwrap(tenant_id, wrapped)
                old += keyring.needs_rewrap(wrapped)
            except DecryptionError:
                lost += 1
    if lost:
        return Finding(
            "fail",
            "master keys",
            f"{lost} tenants' keys cannot be unwrapped",
            "put the missing key back into OCSUITE_MASTER_KEYS",
        )
    if old:
        return Finding(
            "warn", "master keys", f"{old} tenants' keys use an older one", "run `ocsuite rotate-master-key`"
        )
    more = "; the older ones can be removed" if count > 1 else ""
    return Finding("ok", "master keys", f"every tenant's key uses the first of {count}{more}")


async def audit_log(settings: Settings) -> Finding:
    """The key that seals audit logs opens, and the worker keeps up with sealing."""
    async with _connected(settings.database_url) as connection:
        keys = await open_keys(connection, Keyring(settings.master_keys))
    if keys.newest is None:
        return Finding(
            "fail", "audit log", "the key that seals it is missing or cannot be opened",
            "put the missing key back into OCSUITE_MASTER_KEYS, or run `ocsuite migrate` if there never was one",
        )  # fmt: skip
    if not settings.database_owner_url:
        return Finding("warn", "audit log", "its key opens, the backlog is not checked", "set DATABASE_OWNER_URL")
    async with _connected(settings.database_owner_url) as connection:
        row = (await connection.execute(text(_BACKLOG), {"late": SEALED_WITHIN})).one()
    if row.waiting:
        return Finding(
            "warn", "audit log", f"{row.waiting} entries of {row.companies} companies wait to be sealed",
            "start `ocsuite worker`; if it runs, its log says why under audit_sealing_halted",
        )  # fmt: skip
    return Finding("ok", "audit log", "its key opens, nothing waits to be sealed")


async def queue(settings: Settings) -> Finding:
    """Redis is reachable, new enough, and drops nothing when it is full."""
    redis = Redis.from_url(settings.redis_url, socket_connect_timeout=5, socket_timeout=5, decode_responses=True)
    try:
        info = await redis.info()
    except (RedisError, OSError) as error:
        return Finding("fail", "queue", str(error).splitlines()[0], "start Redis or Valkey, or correct REDIS_URL")
    finally:
        await redis.aclose()
    version = str(info.get("valkey_version") or info["redis_version"])
    if tuple(map(int, version.split(".")[:2])) < OLDEST_REDIS:
        return Finding("fail", "queue", f"version {version}", "move to Redis 7, Valkey, or newer")
    if (policy := info.get("maxmemory_policy", "noeviction")) != "noeviction":
        return Finding(
            "fail", "queue", f"maxmemory-policy is {policy}, so that jobs can vanish", "set maxmemory-policy noeviction"
        )
    if not info.get("aof_enabled") and not settings.is_local:
        return Finding("warn", "queue", f"version {version}, without append-only file", "switch appendonly on")
    return Finding("ok", "queue", f"version {version} answers")


async def secrets_file(settings: Settings) -> Finding:
    """The generated secrets are for their owner's eyes."""
    path = settings.data_dir / "stack.json"
    if not path.exists():
        return Finding("ok", "data folder", "no generated secrets here")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding("fail", "data folder", f"{path} can be read by others (mode {mode:o})", f"chmod 600 '{path}'")
    return Finding("ok", "data folder", str(settings.data_dir))


#: In order; those behind the first two need a database that answers and has its schema.
CHECKS: Final[tuple[Check, ...]] = (
    secrets_file, queue, database, schema, extension, app_role, owner_role, policies, context_keys, tenant_keys,
    audit_log,
)  # fmt: skip
_GATES: Final = (database, schema)


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Run the checks; those that need what already failed are left out."""
    closed = False
    for check in CHECKS:
        if closed and check in _NEED_DATABASE:
            continue
        try:
            finding = await check(settings)
        except DATABASE_AWAY as error:
            finding = Finding("fail", check.__name__.replace("_", " "), _why(error), "see the database's log")
        closed = closed or (check in _GATES and finding.status == "fail")
        yield finding


_NEED_DATABASE: Final = CHECKS[CHECKS.index(database) + 1 :]
