"""What a connection may cost before it has sent a whole request: uvicorn's protocols with bounds of their own.

uvicorn waits without end for the rest of a head or of a body, and takes whatever number of connections. Here a request
that is not complete in time is answered 408 and closed, and an address that holds enough connections already, web
sockets included, gets 429 at once. The connections of trusted proxies are not counted, since they are everybody's.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from backend.kernel.http.client_address import ClientAddress
from backend.settings import ConnectionSettings


class OpenConnections:
    """The connections of one process by the address at their other end."""

    def __init__(self, bounds: ConnectionSettings) -> None:
        self.bounds = bounds
        self._addresses = ClientAddress(bounds.trusted_proxies)
        self._open: dict[asyncio.BaseTransport, str] = {}
        self._counts: Counter[str] = Counter()

    def is_strange(self, transport: asyncio.BaseTransport) -> bool:
        """Whether it comes from neither a trusted proxy nor this machine's file system."""
        return self._peer(transport) is not None

    def enter(self, transport: asyncio.BaseTransport) -> bool:
        """Count a connection; ``False``, and nothing counted, if its address has too many."""
        peer = self._peer(transport)
        if peer is None:
            return True
        if self._counts[peer] >= self.bounds.per_address:
            return False
        self._counts[peer] += 1
        self._open[transport] = peer
        return True

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """Count it no more; once is enough."""
        peer = self._open.pop(transport, None)
        if peer is not None:
            self._counts[peer] -= 1
            if not self._counts[peer]:
                del self._counts[peer]

    def _peer(self, transport: asyncio.BaseTransport) -> str | None:
        name = transport.get_extra_info("peername")
        return self._addresses.of_peer(name[0]) if isinstance(name, tuple) else None


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 with a bound on how long a request may take to arrive."""

    open: OpenConnections
    _timer: asyncio.TimerHandle | None = None
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a connection, or turn it away."""
        super().connection_made(transport)
        if not self.open.enter(transport):
            self._refuse(b"429 Too Many Requests")
        elif self.open.is_strange(transport):
            self._wait(self.open.bounds.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._wait(None)
        self.open.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A part of a request. Bytes that begin none, such as empty lines, do not stop the clock."""
        if self._refused:
            return
        cycle = self._latest
        if self._timer is None and (cycle is None or cycle.response_complete):
            self._wait(self.open.bounds.head_seconds)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """The first byte of a head."""
        super().on_message_begin()
        if self._timer is None:
            self._wait(self.open.bounds.head_seconds)

    def on_headers_complete(self) -> None:
        """The head is here."""
        self._wait(self.open.bounds.body_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is here."""
        self._wait(None)
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """From here on the connection is a web socket's, which gives it back."""
        self._wait(None)
        super().handle_websocket_upgrade()

    @property
    def _latest(self) -> RequestResponseCycle | None:
        """The last request whose head has come."""
        return cast("RequestResponseCycle | None", self.cycle)  # uvicorn's type leaves out that there may be none

    def _wait(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        self._timer = None
        cycle = self._latest
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self._refuse(b"408 Request Timeout")
        else:
            self.transport.close()

    def _refuse(self, status: bytes) -> None:
        self._refused = True
        if self._latest is not None:
            self._latest.disconnected = True
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A web socket that is counted until it ends."""

    open: OpenConnections

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.open.leave(self.transport)
        super().connection_lost(exc)


def bounded(settings: ConnectionSettings) -> Mapping[str, Any]:
    """Uvicorn's options for one server: protocols of its own, which count its connections."""
    counted = {"open": OpenConnections(settings)}
    return {"http": type("Http", (BoundedHttp,), counted), "ws": type("WebSocket", (BoundedWebSocket,), counted)}
