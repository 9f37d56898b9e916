"""Brings a database to a schema version as the owner role, and hands it the keys that verify signed contexts."""

import hmac
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

import migrations
from backend.domains.access.catalogue import synchronise_permissions
from backend.domains.audit.keys import ensure_audit_key
from backend.domains.identity.signing import ensure_signing_key
from backend.kernel.db.database import driver_url
from backend.kernel.db.tenancy import context_key
from backend.registry import declarations
from crypto import Keyring

_BLOCK: Final = 64  # SHA-256 works on blocks of 64 bytes (RFC 2104).
_LOCK: Final = 0x0C5017E  # Two migrators at once: the second waits.


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


def head() -> str:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


async def migrate(owner_url: str, keyring: Keyring, revision: str = "head", *, down: bool = False) -> None:
    """Move to ``revision`` in one transaction; going up, hand over keys and declare permissions."""
    engine = create_async_engine(driver_url(owner_url))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(_run, revision, down)
            if not down:
                await synchronise_context_keys(connection, keyring)
                await ensure_signing_key(connection, keyring)
                await ensure_audit_key(connection, keyring)
                await synchronise_permissions(connection, declarations().permissions)
    finally:
        await engine.dispose()


def _run(connection: Connection, revision: str, down: bool) -> None:
    config = _config()
    config.attributes["connection"] = connection
    (command.downgrade if down else command.upgrade)(config, revision)


async def synchronise_context_keys(connection: AsyncConnection, keyring: Keyring) -> None:
    """Let the database verify contexts of every live master key and of no other."""
    for key_id in keyring.key_ids:
        inner, outer = hmac_pads(context_key(keyring, key_id))
        await connection.execute(
            text(
                "INSERT INTO util.context_keys (id, inner_pad, outer_pad) VALUES (:id, :inner, :outer) "
                "ON CONFLICT (id) DO UPDATE SET inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad"
            ),
            {"id": key_id, "inner": inner, "outer": outer},
        )
    await connection.execute(
        text("DELETE FROM util.context_keys WHERE id <> ALL (:live)"), {"live": list(keyring.key_ids)}
    )


def hmac_pads(key: bytes) -> tuple[bytes, bytes]:
    """The two key blocks of HMAC-SHA256: key XOR 0x36… and key XOR 0x5c… (RFC 2104)."""
    block = key.ljust(_BLOCK, b"\0")
    return block.translate(hmac.trans_36), block.translate(hmac.trans_5C)
