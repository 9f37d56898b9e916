"""Start a server of the local stack so that it never outlives its parent."""

import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple

_LAUNCHER = Path(__file__).with_name("launch.py")


class Account(NamedTuple):
    """The system user that a server runs as; -1 keeps the present one."""

    uid: int = -1
    gid: int = -1


SAME: Final = Account()


def account_for(folder: Path) -> Account:
    """Who must run a server that refuses root and keeps its data in `folder`: its owner, or else `nobody`."""
    if os.geteuid() != 0:
        return SAME
    if folder.exists() and (owner := folder.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def command_line(
    program: Sequence[str | Path], *, account: Account = SAME, ending: signal.Signals = signal.SIGTERM
) -> list[str]:
    """The arguments that start `program` as `account`, sending it `ending` when this process goes away."""
    prefix = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(int(ending))]
    return [*prefix, str(account.uid), str(account.gid), *map(str, program)]


def start(
    program: Sequence[str | Path],
    *,
    log: IO[bytes] | int,
    account: Account = SAME,
    ending: signal.Signals = signal.SIGTERM,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    cwd: Path = Path("/"),
) -> subprocess.Popen[bytes]:
    """Start `program` in a session of its own (Ctrl-C reaches the supervisor alone), its output going to `log`."""
    process = subprocess.Popen(
        command_line(program, account=account, ending=ending),
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=cwd,
        start_new_session=True,
    )
    if stdin is not None:
        assert process.stdin is not None
        with process.stdin as pipe:
            pipe.write(stdin)
    return process


def stop(process: subprocess.Popen[bytes], ending: signal.Signals, patience: float) -> None:
    """Ask `process` to end with `ending`; after `patience` seconds kill it and its session."""
    if process.poll() is not None:
        return
    process.send_signal(ending)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port(preferred: int = 0) -> int:
    """`preferred` if nothing listens there on loopback, else a free port."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("port 0 always binds")
