"""The one way out: HTTP requests to named hosts, bounded in time and size, never into a private network."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class OutboundError(Exception):
    """A request was refused before it left or got no usable answer; the message names no secret and no address."""


@dataclass(frozen=True, slots=True)
class OutboundReply:
    """What came back; redirects are returned, never followed."""

    status: int
    body: bytes


class OutboundStream:
    """An answer while it arrives, to be left by ``async with``. Nothing of it is bounded but by who reads it."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self, most: int | None = None) -> bytes:
        """What has arrived by now, at least a byte and at most ``most``; nothing at the end.

        Raises :class:`OutboundError` if the connection breaks.
        """
        try:
            content = self._response.content
            return await (content.readany() if most is None else content.read(most))
        except (aiohttp.ClientError, OSError) as error:
            raise OutboundError(f"broke off: {type(error).__name__}") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Keep the connection if the answer was read to its end, else close it."""
        self._response.release()


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public Internet, also when one version is wrapped in the other."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


class _PublicResolver(AbstractResolver):
    """Resolves to public addresses only. The connection uses what was checked, so a second answer cannot replace it."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        if not all(is_public(str(sockaddr[0])) for _, _, _, _, sockaddr in found):
            raise OSError("the host resolves to an address that is not public")
        return [
            ResolveResult(hostname=host, host=str(sockaddr[0]), port=port, family=kind, proto=proto, flags=0)
            for kind, _, proto, _, sockaddr in found
        ]

    async def close(self) -> None:
        """Nothing is held."""


class GuardedClient:
    """Requests to an allow-list of hosts (``host`` or ``host:port`` as in the URL).

    ``private`` allows plain HTTP and addresses that are not public: for local mode, and for hosts that the operator
    named. ``connections`` is how many are open at a time, 0 for any number.
    """

    def __init__(
        self,
        hosts: Iterable[str],
        *,
        private: bool,
        total_seconds: float = 5.0,
        connect_seconds: float = 2.0,
        max_bytes: int = 65_536,
        connections: int = 8,
    ) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._private = private
        self._connect_seconds = min(connect_seconds, total_seconds)
        self._timeout = aiohttp.ClientTimeout(total=total_seconds, connect=self._connect_seconds)
        self._max_bytes = max_bytes
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str) -> OutboundReply:
        """Send a GET; raises :class:`OutboundError` if it may not leave, or gets no answer within the bounds."""
        self._check(url)
        try:
            async with self._open().get(url, allow_redirects=False) as response:
                return OutboundReply(response.status, await self._read(response))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise OutboundError(f"no answer: {type(error).__name__}") from error

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> OutboundStream:
        """Send a POST and give its answer once the head is there; raises :class:`OutboundError` as :meth:`get` does.

        Only connecting is bounded in time, by ``TimeoutError``: whoever asks waits as long as they see fit.
        """
        self._check(url)
        waits = aiohttp.ClientTimeout(total=None, sock_connect=self._connect_seconds)
        try:
            response = await self._open().post(url, data=body, headers=headers, allow_redirects=False, timeout=waits)
        except TimeoutError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            raise OutboundError(f"no answer: {type(error).__name__}") from error
        return OutboundStream(response)

    async def close(self) -> None:
        """Close kept connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.netloc.lower() not in self._hosts:
            raise OutboundError("the host is not on the list")
        if parts.scheme != "https" and not (self._private and parts.scheme == "http"):
            raise OutboundError("only https may leave")
        try:
            public = is_public(parts.hostname or "")
        except ValueError:
            return  # a name: its addresses are checked as they are resolved
        if not (public or self._private):
            raise OutboundError("the address is not public")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=None if self._private else _PublicResolver(), limit=self._connections, keepalive_timeout=60
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Compressed bodies would make the bound one of the wire, not of memory.
                headers={"Accept-Encoding": "identity", "User-Agent": "ocsuite"},
                auto_decompress=False,
                timeout=self._timeout,
                trust_env=False,
            )
        return self._session

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(16_384):
            body += chunk
            if len(body) > self._max_bytes:
                response.close()
                raise OutboundError(f"the answer exceeds {self._max_bytes} bytes")
        return bytes(body)
