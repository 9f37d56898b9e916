"""The gate before every socket: how many, how large, how often, and only what a page of ours sends.

It reads the first characters of a message, before Engine.IO, Socket.IO or Reflex see it. Without it a visitor can send
Socket.IO's own ``connect`` with a made-up address and cookie, attachments without end, or namespaces by the thousand.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from time import monotonic
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from frontend.platform.logs import Oddities

#: The largest message that a page sends is a question of 16,000 characters of four bytes.
MESSAGE_BYTES: Final = 128 * 1024
CONNECT: Final = "40/_event,"
#: Engine.IO's pong and close, Socket.IO's disconnect.
_CONTROL: Final = frozenset({"3", "1", "41/_event,"})
_EVENTS: Final = ('42/_event,["event",', '42/_event,["client_error",')
_REFUSED: Final = 1008
_BUSY: Final = 1013


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of the process one visitor and all of them may take."""

    per_address: int = 256
    in_all: int = 4096
    message_bytes: int = MESSAGE_BYTES
    events_per_second: float = 30.0
    burst: float = 150.0
    #: From the handshake to the message that says which tab this is.
    connect_seconds: float = 10.0


class Sockets:
    """An ASGI layer. A socket that breaks a rule is closed, and the page of an honest visitor connects anew."""

    def __init__(
        self, app: ASGIApp, odd: Oddities, bounds: Bounds | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._app, self._odd, self._bounds, self._clock = app, odd, bounds or Bounds(), clock
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a socket on within the bounds; everything else as it is."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        address = network_of(scope)
        if self._open[address] >= self._bounds.per_address or self._open.total() >= self._bounds.in_all:
            self._odd.count("socket beyond the bounds")
            await receive()
            await send({"type": "websocket.close", "code": _BUSY})
            return
        self._open[address] += 1
        try:
            socket = _Socket(receive, send, self._odd, self._bounds, self._clock)
            await self._app(scope, socket.receive, socket.send)
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]


class _Socket:
    """One socket's side of the gate."""

    def __init__(self, receive: Receive, send: Send, odd: Oddities, bounds: Bounds, clock: Callable[[], float]) -> None:
        self._receive, self._send, self._odd, self._bounds, self._clock = receive, send, odd, bounds, clock
        self._named = self._closed = self._accepted = False
        self._allowance, self._counted_at = bounds.burst, clock()

    async def receive(self) -> Message:
        """The next message that a page could have sent."""
        if self._closed:
            return {"type": "websocket.disconnect", "code": _REFUSED}
        message = await self._next()
        if message["type"] != "websocket.receive":
            return message
        if fault := self._fault(message):
            return await self._close(fault)
        return message

    async def send(self, message: Message) -> None:
        """What the app answers, until the gate closed the socket."""
        if not self._closed:
            self._accepted = self._accepted or message["type"] == "websocket.accept"
            await self._send(message)

    async def _next(self) -> Message:
        if self._named or not self._accepted:
            return await self._receive()
        try:
            return await asyncio.wait_for(self._receive(), self._bounds.connect_seconds)
        except TimeoutError:
            return await self._close("socket without a tab")

    def _fault(self, message: Message) -> str:
        """Why this message is refused, ``""`` if it is not."""
        text = message.get("text")
        if not isinstance(text, str):
            return "binary message"
        if len(text) > self._bounds.message_bytes or len(text.encode()) > self._bounds.message_bytes:
            return "large message"
        if not self._is_within_rate():
            return "messages too often"
        if text in _CONTROL:
            return ""
        if text.startswith(CONNECT) and not self._named:
            self._named = True
            return ""
        return "" if self._named and text.startswith(_EVENTS) else "unknown message"

    def _is_within_rate(self) -> bool:
        now = self._clock()
        gained = (now - self._counted_at) * self._bounds.events_per_second
        self._allowance = min(self._bounds.burst, self._allowance + gained) - 1
        self._counted_at = now
        return self._allowance >= 0

    async def _close(self, fault: str) -> Message:
        self._odd.count(fault)
        self._closed = True
        await self._send({"type": "websocket.close", "code": _REFUSED})
        return {"type": "websocket.disconnect", "code": _REFUSED}


def network_of(scope: Scope) -> str:
    """Whom a socket counts for: an address, or for IPv6 the 64 bits that one household or server has to itself."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    return address.exploded[:19] if isinstance(address, IPv6Address) else host
