"""Two tenants with a row in every tenant table, and a raw connection of the application role to attack them with."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from backend.kernel.db.database import SETTING
from backend.kernel.db.orm import new_id
from backend.kernel.db.tenancy import CONTEXT_SECONDS, Context, ContextSigner, TenantContext
from crypto import Keyring

#: One row of every tenant table, parents first: {t} tenant, {u} user, {c} conversation, {m} message,
#: {i} invitation, {l} entry of the audit log, {x} a new id.
ROWS = {
    "tenants": "(id, name, slug, messages_per_day, tasks_per_day, members_max) "
    "VALUES ('{t}', '{mark}', '{slug}', 9, 9, 9)",
    "roles": "(tenant_id, key, name) VALUES ('{t}', '{mark}', '{mark}')",
    "role_permissions": "(tenant_id, role_key, permission) VALUES ('{t}', '{mark}', 'chat.read')",
    "tenant_members": "(tenant_id, user_id) VALUES ('{t}', '{u}')",
    "member_roles": "(tenant_id, user_id, role_key) VALUES ('{t}', '{u}', 'owner')",
    "api_keys": "(tenant_id, id, user_id, name, prefix, token_hash, permissions, expires_at) "
    "VALUES ('{t}', '{x}', '{u}', '{mark}', 'ocs_', sha256('{mark}'), '{{chat.read}}', now() + interval '1 day')",
    "invitations": "(tenant_id, id, email, token_hash, invited_by, expires_at) "
    "VALUES ('{t}', '{i}', '{mark}@example.com', sha256('{mark}'), '{u}', now() + interval '1 day')",
    "invitation_roles": "(tenant_id, invitation_id, role_key) VALUES ('{t}', '{i}', '{mark}')",
    "tenant_deletions": "(tenant_id, requested_by, erase_after) VALUES ('{t}', '{u}', now() + interval '7 days')",
    "tenant_profiles": "(tenant_id, industry, currency, time_zone, goals, description) "
    "VALUES ('{t}', '{mark}', 'EUR', 'UTC', '{{}}', '{mark}')",
    "tenant_onboarding": "(tenant_id, step) VALUES ('{t}', 'profile')",
    "tenant_keys": "(tenant_id, wrapped) VALUES ('{t}', '{mark}')",
    "usage_snapshots": "(tenant_id, metric, day, used) VALUES ('{t}', 'tasks_per_day', '2026-01-01', 3)",
    "conversations": "(tenant_id, id, user_id, executive, title) VALUES ('{t}', '{c}', '{u}', 'ceo', '{mark}')",
    "messages": "(tenant_id, id, conversation_id, role, status, content) "
    "VALUES ('{t}', '{m}', '{c}', 'user', 'completed', '{mark}')",
    "connectors": "(tenant_id, id, provider, status) VALUES ('{t}', '{x}', '{mark}', 'connected')",
    "tasks": "(tenant_id, id, requested_by, capability, capability_version, status) "
    "VALUES ('{t}', '{x}', '{u}', '{mark}', '1.0.0', 'queued')",
    "tenant_embeddings": "(tenant_id, id, source, source_id, position, content, model, embedding) "
    "VALUES ('{t}', '{x}', 's', '{x}', 0, '{mark}', 'm', array_fill(0.1::real, '{{1536}}')::public.vector)",
    "company_embeddings": "(tenant_id, id, source, source_id, position, content, model, embedding) "
    "VALUES ('{t}', '{x}', 's', '{x}', 0, '{mark}', 'm', array_fill(0.1::real, '{{1536}}')::public.vector)",
    "audit_logs": "(tenant_id, id, actor_kind, actor_user_id, actor_name, action, resource, outcome, meta, request_id, "
    "created_at) VALUES ('{t}', '{l}', 'user', '{u}', '{mark}', 'a.b', '{mark}', 'succeeded', '{{}}', '', now())",
    "audit_pending": "(tenant_id, audit_log_id) VALUES ('{t}', '{l}')",
    "audit_seals": "(tenant_id, seq, audit_log_id, hash, sealed_at, key_id, signature, checkpoint) "
    "VALUES ('{t}', 1, '{l}', sha256('{mark}'), now(), 'k', '', true)",
    "audit_verifications": "(tenant_id, verified_at, entries, sealed_seq, waiting) VALUES ('{t}', now(), 1, 1, 0)",
}  # fmt: skip
TABLES = sorted(ROWS)

ALL = "INSERT UPDATE DELETE"
#: What the application role may do to a table besides reading it.
WRITES = {
    **dict.fromkeys(ROWS, ALL),
    "tenants": "INSERT",
    "tenant_members": "DELETE",
    "tenant_keys": "INSERT",
    "role_permissions": "INSERT DELETE",
    "member_roles": "INSERT DELETE",
    "api_keys": "INSERT",  # and UPDATE of revoked_at alone
    "invitation_roles": "INSERT DELETE",
    "tenant_deletions": "DELETE",  # and INSERT of what it may choose
    "audit_logs": "",
    "audit_pending": "DELETE",
    "audit_seals": "INSERT",
    "audit_verifications": "INSERT UPDATE",
}
#: Written by the system alone, whoever the member is.
SYSTEM_WRITTEN = {"audit_pending", "audit_seals", "audit_verifications"}
Errors = type[Exception] | tuple[type[Exception], ...]


def key_of(table: str) -> str:
    """The column that names the tenant."""
    return "id" if table == "tenants" else "tenant_id"


@dataclass(frozen=True, slots=True)
class Tenant:
    """The ids of a tenant's rows. ``mark`` stands in each of their texts."""

    id: UUID = field(default_factory=new_id)
    user: UUID = field(default_factory=new_id)
    conversation: UUID = field(default_factory=new_id)
    message: UUID = field(default_factory=new_id)
    invitation: UUID = field(default_factory=new_id)
    entry: UUID = field(default_factory=new_id)

    @property
    def mark(self) -> str:
        """A text that is found in this tenant's rows alone."""
        return f"marker{self.id.hex}"

    def insert(self, table: str) -> str:
        """The statement that inserts this tenant's row."""
        values = ROWS[table].format(
            t=self.id,
            u=self.user,
            c=self.conversation,
            m=self.message,
            i=self.invitation,
            l=self.entry,
            x=new_id(),
            mark=self.mark,
            slug=f"s-{self.id.hex}",
        )
        return f"INSERT INTO {table} {values}"

    async def store(self, owner: asyncpg.Connection) -> None:
        """Insert a row in every tenant table."""
        await owner.execute(
            "INSERT INTO users (id, issuer, subject, full_name) VALUES ($1, 'test', $2, $3)",
            self.user,
            str(self.user),
            self.mark,
        )
        for table in ROWS:
            await owner.execute(self.insert(table))
            if table == "tenants":
                await owner.execute("SELECT util.seed_roles($1)", self.id)


@dataclass(frozen=True, slots=True)
class App:
    """A connection of the application role, and what signs contexts for its backend."""

    sql: asyncpg.Connection
    keyring: Keyring

    def sign(self, context: Context, *, age: float = 0, backend: int | None = None) -> str:
        """A context as the application would sign it ``age`` seconds ago."""
        signer = ContextSigner(self.keyring, lambda: time.time() - age)
        return signer.sign(context, self.sql.get_server_pid() if backend is None else backend)

    def expired(self, context: Context) -> str:
        """A context that ran out a moment ago."""
        return self.sign(context, age=CONTEXT_SECONDS + 2)

    @asynccontextmanager
    async def acting(self, context: Context | str | None) -> AsyncIterator[asyncpg.Connection]:
        """A transaction in a context, in a given text as context, or without one; rolled back at the end."""
        transaction = self.sql.transaction()
        await transaction.start()
        try:
            if context is not None:
                await self.use(context)
            yield self.sql
        finally:
            await transaction.rollback()

    async def use(self, context: Context | str) -> None:
        """Change the running transaction's context."""
        text = context if isinstance(context, str) else self.sign(context)
        await self.sql.execute("SELECT set_config($1, $2, true)", SETTING, text)

    async def refused(
        self, statement: str, wanted: type[Exception] | tuple[type[Exception], ...] = asyncpg.InsufficientPrivilegeError
    ) -> Exception:
        """Assert that a statement fails with an error; leaves the transaction usable."""
        savepoint = self.sql.transaction()
        await savepoint.start()
        try:
            await self.sql.execute(statement)
        except wanted as error:
            return error
        finally:
            await savepoint.rollback()
        raise AssertionError(f"was not refused: {statement}")


def of(tenant: Tenant) -> TenantContext:
    """The context of a tenant's owner."""
    return TenantContext(tenant.id, tenant.user, ("owner",))
