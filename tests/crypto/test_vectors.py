"""Published vectors, an independent implementation, and golden bytes that every later version must still open."""

import hashlib
import hmac
import struct
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from nacl.secret import Aead

from crypto import Binding, Keyring, MasterKey, TenantKey
from crypto._kdf import derive_subkey, hkdf_sha256

RFC5869_SHA256 = [
    pytest.param(
        bytes([0x0B] * 22),
        bytes(range(0x0D)),
        bytes(range(0xF0, 0xFA)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        id="A.1",
    ),
    pytest.param(
        bytes(range(0x50)),
        bytes(range(0x60, 0xB0)),
        bytes(range(0xB0, 0x100)),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
        "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
        "cc30c58179ec3e87c14c01d5c1f3434f1d87",
        id="A.2",
    ),
    pytest.param(
        bytes([0x0B] * 22),
        b"",
        b"",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        id="A.3",
    ),
]

# draft-irtf-cfrg-xchacha-03, A.3.1
XCHACHA_KEY = bytes(range(0x80, 0xA0))
XCHACHA_NONCE = bytes(range(0x40, 0x58))
XCHACHA_AAD = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
XCHACHA_PLAINTEXT = (
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    b"sunscreen would be it."
)
XCHACHA_CIPHERTEXT = bytes.fromhex(
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
    "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
    "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
    "21f9664c97637da9768812f615c68b13b52e"
    "c0875924c1c7987947deafd8780acf49"
)


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> (32 - bits)) & 0xFFFFFFFF


def _quarter(state: list[int], a: int, b: int, c: int, d: int) -> None:
    for left, right, bits in ((a, b, 16), (c, d, 12), (a, b, 8), (c, d, 7)):
        state[left] = (state[left] + state[right]) & 0xFFFFFFFF
        other = d if left == a else b
        state[other] = _rotate(state[other] ^ state[left], bits)


def _hchacha20(key: bytes, nonce16: bytes) -> bytes:
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce16))
    for _ in range(10):
        for column in range(4):
            _quarter(state, column, 4 + column, 8 + column, 12 + column)
        for diagonal in range(4):
            _quarter(state, diagonal, 4 + (diagonal + 1) % 4, 8 + (diagonal + 2) % 4, 12 + (diagonal + 3) % 4)
    return struct.pack("<8I", *state[:4], *state[12:])


def _independent_open(key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    """XChaCha20-Poly1305 from the draft's text over OpenSSL's ChaCha20-Poly1305: shares no code with libsodium."""
    return ChaCha20Poly1305(_hchacha20(key, nonce[:16])).decrypt(bytes(4) + nonce[16:], ciphertext, aad)


def _independent_derive(secret: bytes, kind: bytes, subject: bytes) -> bytes:
    info = struct.pack(">I", len(kind)) + kind + struct.pack(">I", len(subject)) + subject
    extracted = hmac.digest(b"ocsuite/crypto/v1", secret, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


def _independent_place(tenant: bytes | None, *texts: bytes) -> bytes:
    head = (b"\x01" + tenant) if tenant else bytes(17)
    return head + b"".join(struct.pack(">I", len(text)) for text in texts) + b"".join(texts)


@pytest.mark.parametrize(("secret", "salt", "info", "expected"), RFC5869_SHA256)
def test_hkdf_gives_the_output_of_rfc_5869(secret: bytes, salt: bytes, info: bytes, expected: str) -> None:
    okm = bytes.fromhex(expected)
    assert hkdf_sha256(secret, salt=salt, info=info, length=len(okm)) == okm


def test_every_subkey_goes_through_the_function_that_the_vectors_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crypto._kdf.hkdf_sha256", lambda secret, **_: b"seen" + secret)
    assert derive_subkey(b"s", "kind", b"") == b"seens"
    assert Keyring([MasterKey("a", bytes(32))]).derive("context") == b"seen" + bytes(32)


def test_the_cipher_gives_the_output_of_the_draft() -> None:
    sealed = Aead(XCHACHA_KEY).encrypt(XCHACHA_PLAINTEXT, XCHACHA_AAD, nonce=XCHACHA_NONCE)
    assert sealed == XCHACHA_NONCE + XCHACHA_CIPHERTEXT
    assert Aead(XCHACHA_KEY).decrypt(XCHACHA_NONCE + XCHACHA_CIPHERTEXT, XCHACHA_AAD) == XCHACHA_PLAINTEXT


def test_the_independent_implementation_opens_the_vector_of_the_draft() -> None:
    assert _independent_open(XCHACHA_KEY, XCHACHA_NONCE, XCHACHA_CIPHERTEXT, XCHACHA_AAD) == XCHACHA_PLAINTEXT


def test_the_independent_implementation_opens_what_a_keyring_sealed(keyring: Keyring, tenant_id: UUID) -> None:
    """From the master key down to one value, by nothing but the layouts in the docstrings."""
    wrapped = keyring.new_tenant_key(tenant_id)
    header, nonce, sealed = wrapped[:5], wrapped[5:29], wrapped[29:]
    assert header == b"\x01\x03old"
    kek = _independent_derive(bytes(range(32)), b"tenant-kek", tenant_id.bytes)
    payload = _independent_open(kek, nonce, sealed, b"tenant-kek" + header)
    key_id, secret = payload[:16], payload[16:]

    tenant_key = keyring.unwrap(tenant_id, wrapped)
    assert tenant_key.id == key_id.hex()
    envelope = tenant_key.seal(b"value", Binding(tenant_id, "t", "col", "Zeile ä"))
    assert envelope[:17] == b"\x01" + key_id
    place = _independent_place(tenant_id.bytes, b"t", b"col", "Zeile ä".encode())
    aad = b"ocsuite/value" + envelope[:17] + place
    assert _independent_open(secret, envelope[17:41], envelope[41:], aad) == b"value"


def test_the_independent_implementation_opens_a_system_secret(keyring: Keyring) -> None:
    envelope = keyring.seal_system(b"pem", Binding(None, "signing_keys", "private", "1"))
    key = _independent_derive(bytes(range(32)), b"system", b"")
    aad = b"system" + envelope[:5] + _independent_place(None, b"signing_keys", b"private", b"1")
    assert _independent_open(key, envelope[5:29], envelope[29:], aad) == b"pem"


def test_a_purpose_key_is_the_documented_derivation(keyring: Keyring) -> None:
    assert keyring.derive("context") == _independent_derive(bytes(range(32)), b"purpose", b"context")


GOLDEN_WRAPPED = (
    "01036f6c64efd098671e5ae6a7b8451984e676a84abf2763a85ae815913c713c4598f24aac656cba765c5799ff50eaf4"
    "f861e5a1483fc589a80645e69e77f369b4a63f126edbe7a07e8341bdbbddb62ba43b254daf553c6136c06d457d"
)
GOLDEN_VALUE = (
    "01c98e21c7360d45053cdccd72d420e9a7eb9bfac032507dc7f672180db97574401168d5ea9e654cb5a44f0a9e05f426"
    "e6eeac8ab41924c9f873f988aab75e6621eb2ccdb7"
)
GOLDEN_SYSTEM = (
    "01036f6c64ceceef302bb57136c2070f30124818495a0cbd74149b59f70097dd900dcbddee2abbad9b85b1508a539acb"
    "dadfcad2a2ab20a2549c5e1e9f11a1c770"
)


def test_bytes_stored_by_the_first_version_still_open(keyring: Keyring, tenant_id: UUID) -> None:
    tenant_key = keyring.unwrap(tenant_id, bytes.fromhex(GOLDEN_WRAPPED))
    assert isinstance(tenant_key, TenantKey)
    assert tenant_key.open(bytes.fromhex(GOLDEN_VALUE), Binding(tenant_id, "t", "c", "r")) == b"golden value"
    assert keyring.open_system(bytes.fromhex(GOLDEN_SYSTEM), Binding(None, "t", "c", "r")) == b"golden system secret"
