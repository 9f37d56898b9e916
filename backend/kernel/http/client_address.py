"""The address that a request really comes from, behind proxies that are trusted and none that are not."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from litestar.types import Scope

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ClientAddress:
    """Reads ``X-Forwarded-For`` from right to left, as long as the next hop is one of ``trusted``.

    The server in front (uvicorn) must leave the peer's address alone: ``proxy_headers=False``.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._is_trusted = lru_cache(maxsize=4096)(self._look_up)

    def is_ours(self, scope: Scope) -> bool:
        """Whether the request began on this machine or on a trusted one, and was not merely passed on by it."""
        client = scope.get("client")
        forwarded = any(name in {b"x-forwarded-for", b"forwarded"} for name, _ in scope["headers"])
        peer = _parsed(client[0]) if client else None
        return peer is not None and not forwarded and (peer.is_loopback or self._is_trusted(str(peer)))

    def of(self, scope: Scope) -> str:
        """The client's address; IPv6 as its /64, which is what one subscriber holds. ``unknown`` without a peer."""
        client = scope.get("client")
        address = client[0] if client else "unknown"
        if self._is_trusted(address):
            hops = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
            for hop in reversed(hops.decode("latin-1").split(",")):
                if _parsed(hop.strip()) is None:
                    break
                address = hop.strip()
                if not self._is_trusted(address):
                    break
        return _canonical(address)

    def of_peer(self, address: str) -> str | None:
        """The other end of a connection as :meth:`of` writes it; ``None`` for a trusted proxy."""
        return None if self._is_trusted(address) else _canonical(address)

    def _look_up(self, text: str) -> bool:
        address = _parsed(text)
        return address is not None and any(address in network for network in self._trusted)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    address = _parsed(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return "unknown" if address is None else str(address)
