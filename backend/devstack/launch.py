"""Become another program that ends with its parent and, when started by root, runs as an unprivileged user.

Run as ``python -I -S launch.py PARENT_PID SIGNAL UID GID PROGRAM [ARGUMENT…]``; UID -1 changes nobody. It imports the
standard library alone and is no module of the package, so that it starts in milliseconds.

Postgres refuses to run as root. Giving it another user would normally mean opening every folder above the data folder
to everybody; instead the process keeps one capability of root's, the one to pass folders that it does not own.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x20080522


def _drop_root(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    """Change user, keeping the weakest capability at hand that lets it walk through closed folders."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the same for capabilities above 31
    kept = None
    if libc.capget(header, sets) == 0:
        kept = next((bit for bit in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if sets[1] & 1 << bit), None)
    # access(2), by which initdb looks for postgres, forgets capabilities of anyone but root unless told otherwise.
    libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if kept is not None:
        mask = 1 << kept
        libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0))
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept, 0, 0)


def main() -> None:
    """Entry point; never returns."""
    parent, ending, uid, gid = (int(word) for word in sys.argv[1:5])
    program = sys.argv[5:]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if uid >= 0:
            _drop_root(libc, uid, gid)
        libc.prctl(PR_SET_PDEATHSIG, ending, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os.kill(os.getpid(), signal.SIGKILL)
    elif uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    try:
        os.execv(program[0], program)  # noqa: S606 - replacing this process is the purpose of the file
    except OSError as error:
        sys.stderr.write(f"{program[0]}: {error.strerror}\n")
        raise SystemExit(126) from None


main()
