"""The TLS options of ``REDIS_URL`` count for both clients alike."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.asyncio.connection import parse_url
from redis.exceptions import RedisError

from backend.kernel.db.redis import RedisBatcher, create_redis
from backend.settings import Settings


def certificate(folder: Path, name: str, *names: x509.GeneralName) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    written, secret = folder / f"{name}.pem", folder / f"{name}.key"
    written.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return written, secret


@asynccontextmanager
async def tls_in_front(redis_url: str, context: ssl.SSLContext) -> AsyncIterator[int]:
    """The port of a server that takes TLS off and passes everything on to the real one."""
    place = parse_url(redis_url)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if path := place.get("path"):
            inner, outer = await asyncio.open_unix_connection(path)
        else:
            inner, outer = await asyncio.open_connection(place["host"], place["port"])
        await asyncio.gather(pump(reader, outer), pump(inner, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def address(settings: Settings, port: int, query: str) -> str:
    """The tests' Redis through TLS."""
    password = parse_url(settings.redis_url)["password"]
    return f"rediss://:{password}@127.0.0.1:{port}/0?{query}"


async def answers(url: str) -> tuple[bool, bool]:
    """Whether the general client and the batcher reach Redis."""
    client, batcher = create_redis(url), RedisBatcher(url)
    try:
        await client.get("a key")
        first = True
    except (RedisError, OSError):
        first = False
    finally:
        await client.aclose()
    await batcher.start()
    second = batcher.available
    await batcher.close()
    return first, second


@pytest.mark.parametrize(
    ("options", "reached"),
    [
        ("", False),
        ("ssl_ca_certs={ca}", True),
        ("ssl_ca_certs={other}", False),
        ("ssl_cert_reqs=none", True),
        ("ssl_cert_reqs=none&ssl_check_hostname=false", True),
        ("ssl_ca_certs={named}&ssl_check_hostname=false", False),
        ("ssl_ca_certs={folder}/absent.pem", False),
    ],
)
async def test_whom_to_trust(settings: Settings, tmp_path: Path, options: str, reached: bool) -> None:
    here = x509.IPAddress(ip_address("127.0.0.1"))
    ca, key = certificate(tmp_path, "server", here)
    other, _ = certificate(tmp_path, "other", here)
    named, _ = certificate(tmp_path, "named", x509.DNSName("redis.example.com"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, key)
    async with tls_in_front(settings.redis_url, context) as port:
        query = options.format(ca=ca, other=other, named=named, folder=tmp_path)
        assert await answers(address(settings, port, query)) == (reached, reached)


async def test_a_name_that_is_not_the_servers(settings: Settings, tmp_path: Path) -> None:
    ca, key = certificate(tmp_path, "server", x509.DNSName("redis.example.com"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, key)
    async with tls_in_front(settings.redis_url, context) as port:
        url = address(settings, port, f"ssl_ca_certs={ca}")
        assert await answers(url) == (False, False)
        assert await answers(f"{url}&ssl_check_hostname=false") == (True, True)


async def test_a_certificate_of_our_own(settings: Settings, tmp_path: Path) -> None:
    here = x509.IPAddress(ip_address("127.0.0.1"))
    (ca, key), (mine, my_key) = certificate(tmp_path, "server", here), certificate(tmp_path, "client", here)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, key)
    context.load_verify_locations(mine)
    context.verify_mode = ssl.CERT_REQUIRED
    async with tls_in_front(settings.redis_url, context) as port:
        url = address(settings, port, f"ssl_ca_certs={ca}")
        assert await answers(url) == (False, False)
        assert await answers(f"{url}&ssl_certfile={mine}&ssl_keyfile={my_key}") == (True, True)
