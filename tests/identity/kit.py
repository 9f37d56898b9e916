"""Keys, tokens and a JWKS server for tests of identity."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://clerk.example.com"
PARTY = "https://app.example.com"


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same key for the same name within one run."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims of Clerk's version 2; a value of ``...`` leaves one out."""
    now = int(time.time())
    good = {
        "iss": ISSUER, "azp": PARTY, "sub": "user_2abc", "sid": "sess_2abc",
        "iat": now, "nbf": now, "exp": now + 60, "v": 2,
    }  # fmt: skip
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def header(**changes: Any) -> dict[str, Any]:
    good = {"alg": "RS256", "typ": "JWT", "kid": "one", "cat": "cl_B7d4PD111AAA"}
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def rs256(key: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    return lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    def sign(data: bytes) -> bytes:
        mac = hmac.HMAC(secret, hashes.SHA256())
        mac.update(data)
        return mac.finalize()

    return sign


def token(
    payload: Mapping[str, Any] | bytes | None = None,
    head: Mapping[str, Any] | bytes | None = None,
    sign: Callable[[bytes], bytes] | None = None,
) -> str:
    """A token made by hand, so that every part of it can be wrong."""
    head_bytes = head if isinstance(head, bytes) else json.dumps(header() if head is None else head).encode()
    payload_bytes = payload if isinstance(payload, bytes) else json.dumps(payload or claims()).encode()
    signing = f"{b64(head_bytes)}.{b64(payload_bytes)}"
    return f"{signing}.{b64((sign or rs256(rsa_key('one')))(signing.encode()))}"


def pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(kid: str, key: rsa.RSAPrivateKey | None = None, **changes: Any) -> dict[str, Any]:
    public = RSAAlgorithm.to_jwk((key or rsa_key(kid)).public_key(), as_dict=True)
    return {"use": "sig", "alg": "RS256", "kid": kid, "kty": "RSA", "n": public["n"], "e": public["e"], **changes}


class JwksServer:
    """A provider that can rotate, be slow, fail, or answer too much."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [jwk("one")]
        self.hits = 0
        self.status = 200
        self.body: bytes | None = None
        self.headers: dict[str, str] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.port = 0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.issuer}/.well-known/jwks.json"

    async def _answer(self, request: web.Request) -> web.Response:
        self.hits += 1
        self.asked.set()
        await self.gate.wait()
        body = self.body if self.body is not None else json.dumps({"keys": self.keys}).encode()
        return web.Response(status=self.status, body=body, headers=self.headers)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["JwksServer"]:
        """Serve until the block ends; the second time on the same port."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        assert site._server is not None
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()


class Clock:
    """Seconds that pass when told to."""

    def __init__(self, start: float = 0.0) -> None:
        self.seconds = start

    def __call__(self) -> float:
        return self.seconds
