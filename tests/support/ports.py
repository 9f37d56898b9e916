"""Ports that nobody else is given meanwhile."""

import socket


def reserved_port() -> int:
    """A port of loopback for a server that this test process starts, and may start again.

    A socket that is bound and never listens keeps it until the process ends: the kernel gives it to nobody who asks for
    any port, and lets a server that names it have it.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    holder.detach()
    return port
