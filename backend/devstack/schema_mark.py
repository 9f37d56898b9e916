"""Remembers that the embedded database was migrated by exactly this code, so that starting again is quick."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from backend.devstack.local import LocalStack
from backend.devstack.postgres import DATABASE

_ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = (
    "migrations/**/*.py",
    "migrations/**/*.sql",
    "backend/migrate.py",
    "backend/registry.py",
    "backend/kernel/db/database.py",
    "backend/kernel/auth/permissions.py",
    "backend/kernel/db/tenancy.py",
    "backend/domains/access/catalogue.py",
    "backend/domains/audit/keys.py",
    "backend/domains/identity/signing.py",
    "backend/domains/*/permissions.py",
    "crypto/*.py",
)
"""What decides what `ocsuite migrate` writes."""
_VERSION: Final = "SELECT version_num FROM public.alembic_version;"


class SchemaMark:
    """Kept beside the database; says nothing about a server that is not ours, which is migrated every time."""

    def __init__(self, stack: LocalStack, environ: Mapping[str, str]) -> None:
        self._postgres = stack.postgres
        self._path = stack.data_dir / "schema"
        self._keys = environ.get("OCSUITE_MASTER_KEYS", "")

    def is_current(self) -> bool:
        """Whether the same code with the same keys migrated this database and nobody has changed its version since."""
        if self._postgres is None or not self._path.exists():
            return False
        return self._path.read_text(encoding="ascii") == self._state()

    def remember(self) -> None:
        """The database was migrated just now."""
        if self._postgres is not None:
            self._path.write_text(self._state(), encoding="ascii")

    def _state(self) -> str:
        """What migrates, the keys that it hands to the database, and the version the database is at."""
        assert self._postgres is not None
        digest = hashlib.sha256(self._keys.encode())
        for path in sorted(path for pattern in SOURCES for path in _ROOT.glob(pattern)):
            digest.update(path.read_bytes())
        return f"{digest.hexdigest()} {self._postgres.psql(_VERSION, DATABASE).strip()}\n"
