"""The two servers of one data folder, with their secrets, their lock and their logs."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Self

import msgspec

from backend.devstack import leftovers, secrets
from backend.devstack.errors import StackError
from backend.devstack.postgres import APP_ROLE, DATABASE, OWNER_ROLE, EmbeddedPostgres
from backend.devstack.valkey import EmbeddedValkey

_LOG_BYTES: Final = 5_000_000  # a longer log is put aside when the stack starts; one old log is kept


class LocalStack:
    """Embedded Postgres and Valkey under `data_dir`. Use as a context manager, or call `start` and `stop`."""

    def __init__(
        self, data_dir: Path, *, throwaway: bool = False, with_postgres: bool = True, with_valkey: bool = True
    ) -> None:
        """`throwaway` trades durability for speed; `with_…` leaves out a server that runs elsewhere."""
        self.data_dir = data_dir.absolute()
        self.logs = self.data_dir / "logs"
        self.secrets_path = self.data_dir / "stack.json"
        self._throwaway = throwaway
        self._wanted = (with_postgres, with_valkey)
        self._lock: IO[str] | None = None
        self._secrets: secrets.Secrets | None = None
        self.postgres: EmbeddedPostgres | None = None
        self.valkey: EmbeddedValkey | None = None

    @classmethod
    @contextmanager
    def temporary(cls) -> Iterator[Self]:
        """A started throwaway stack in a new temporary folder, which is removed afterwards."""
        folder = Path(tempfile.mkdtemp(prefix="ocsuite-"))
        try:
            with cls(folder, throwaway=True) as stack:
                yield stack
        finally:
            shutil.rmtree(folder)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Prepare the folder and start what is wanted; on failure nothing is left running. Raises `StackError`."""
        try:
            self.prepare()
            self.start_postgres()
            self.start_valkey()
        except BaseException:
            self.stop()
            raise

    @property
    def locked(self) -> bool:
        """Whether the folder is ours at the moment."""
        return self._lock is not None

    def prepare(self) -> None:
        """Take the folder: create it, lock it, end what a killed stack left behind, read or write its secrets."""
        try:
            self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.data_dir.chmod(0o700)
            self._lock = _locked(self.data_dir / "lock")
            leftovers.end(self.data_dir)
            found = secrets.read(self.secrets_path)
            if found is None:
                if (self.data_dir / "postgres").exists():
                    raise StackError(
                        f"{self.secrets_path} is missing but its database exists; "
                        "restore the file, or move the folder away to start afresh"
                    )
                found = secrets.generate()
                secrets.write(self.secrets_path, found)
            self._secrets = found
            for log in self.logs.glob("*.log"):
                if log.stat().st_size > _LOG_BYTES:
                    log.replace(log.with_suffix(".log.1"))
        except OSError as error:
            raise StackError(
                f"the data folder {self.data_dir} cannot be used ({error.strerror}); "
                "make it writable, or set OCSUITE_DATA_DIR to another"
            ) from None

    def start_postgres(self) -> None:
        """Start Postgres with its roles and database in place."""
        if not self._wanted[0]:
            return
        known = self._known()
        postgres = EmbeddedPostgres(
            self.data_dir / "postgres", known, log=self.logs / "postgres.log", throwaway=self._throwaway
        )
        fresh = postgres.initialise()
        self.postgres = postgres
        postgres.start()
        self._remember(postgres.pid, postgres_port=postgres.port)
        provisioned = self.data_dir / "postgres" / "ocsuite.provisioned"
        if fresh or not provisioned.exists():
            postgres.provision()
            provisioned.touch()

    def start_valkey(self) -> None:
        """Start Valkey."""
        if not self._wanted[1]:
            return
        self.valkey = EmbeddedValkey(
            self.data_dir / "valkey", self._known(), log=self.logs / "valkey.log", throwaway=self._throwaway
        )
        self.valkey.start()
        self._remember(self.valkey.pid, valkey_port=self.valkey.port)

    def stop(self) -> None:
        """Stop both servers and give the folder free; safe to repeat."""
        if self.valkey:
            self.valkey.stop()
        if self.postgres:
            self.postgres.stop()
        self.postgres = self.valkey = None
        if self._lock:
            leftovers.forget(self.data_dir)
            self._lock.close()
            self._lock = None

    def environment(self, database: str = DATABASE, *, redis_database: int = 0) -> dict[str, str]:
        """The variables that lead a process to this stack."""
        return environment(self._known(), database, redis_database=redis_database, wanted=self._wanted)

    def _known(self) -> secrets.Secrets:
        if self._secrets is None:
            raise RuntimeError("prepare() comes first")
        return self._secrets

    def _remember(self, pid: int | None, **ports: int) -> None:
        """Keep a server's port for the next start, and its process id for whoever has to clean up after a crash."""
        known = self._known()
        changed = msgspec.structs.replace(known, **ports)
        if changed != known:
            secrets.write(self.secrets_path, changed)
            self._secrets = changed
        if pid is not None:
            leftovers.note(self.data_dir, pid)


def environment(
    known: secrets.Secrets,
    database: str = DATABASE,
    *,
    redis_database: int = 0,
    wanted: tuple[bool, bool] = (True, True),
) -> dict[str, str]:
    """The variables that lead a process to the servers which `known` belongs to."""
    found = {"OCSUITE_MASTER_KEYS": known.master_keys}
    at = f"127.0.0.1:{known.postgres_port}/{database}"
    if wanted[0] and known.postgres_port:
        found["DATABASE_URL"] = f"postgresql://{APP_ROLE}:{known.app_password}@{at}"
        found["DATABASE_OWNER_URL"] = f"postgresql://{OWNER_ROLE}:{known.owner_password}@{at}"
    if wanted[1] and known.valkey_port:
        found["REDIS_URL"] = f"redis://:{known.valkey_password}@127.0.0.1:{known.valkey_port}/{redis_database}"
    return found


def left_to_us(environ: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether `environ` leaves Postgres and the queue to the local stack; one that it names is used instead."""
    own_postgres = any(environ.get(name, "").strip() for name in ("DATABASE_URL", "DATABASE_OWNER_URL"))
    return not own_postgres, not environ.get("REDIS_URL", "").strip()


def overlay(environ: Mapping[str, str], data_dir: Path) -> dict[str, str]:
    """`environ` with what it leaves unset filled from the stack in `data_dir`, if one was ever started there."""
    known = secrets.read(data_dir / "stack.json")
    missing = environment(known, wanted=left_to_us(environ)) if known else {}
    return missing | {name: value for name, value in environ.items() if value.strip() or name not in missing}


def _locked(path: Path) -> IO[str]:
    """An exclusive lock on a data folder, held until the file is closed or the process ends."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = file.read().strip() or "another process"
        file.close()
        raise StackError(
            f"OCSuite is already running on {path.parent} (process {holder}); "
            "stop it, or set OCSUITE_DATA_DIR to another folder"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
