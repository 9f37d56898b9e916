"""Key derivation: HKDF-SHA256 (RFC 5869) with domain separation."""

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SUBKEY_BYTES: Final = 32
# Part of every derivation: a master key that leaks into another product's HKDF yields none of our keys.
_SALT: Final = b"ocsuite/crypto/v1"


def hkdf_sha256(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF extract and expand; `length` bytes, at most 8160."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def derive_subkey(secret: bytes, kind: str, subject: bytes) -> bytes:
    """A 32-byte key for one `kind` of use and one `subject`, independent of all others."""
    label = kind.encode()
    info = len(label).to_bytes(4, "big") + label + len(subject).to_bytes(4, "big") + subject
    return hkdf_sha256(secret, salt=_SALT, info=info, length=SUBKEY_BYTES)
