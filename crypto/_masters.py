"""Master keys and their textual form."""

import base64
import re
import secrets
from collections.abc import Sequence
from typing import Final

from crypto._kdf import derive_subkey
from crypto._opaque import Opaque

SECRET_BYTES: Final = 32
_ID: Final = re.compile(r"[a-z0-9-]{1,32}")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}=?")
_HOW: Final = "expected id:secret, the secret being 32 bytes in base64url"


class MasterKey(Opaque):
    """A named 32-byte secret at the root of all others. It only derives keys; it never encrypts anything itself."""

    __slots__ = ("_secret", "id")

    def __init__(self, id: str, secret: bytes) -> None:  # noqa: A002 - named like the attribute it sets
        """Raises ValueError unless `id` matches `[a-z0-9-]{1,32}` and `secret` has 32 bytes."""
        if not _ID.fullmatch(id):
            # The id is not repeated: whoever mixes up the two fields has put the secret there.
            raise ValueError("a master key id consists of 1 to 32 characters out of a-z, 0-9 and '-'")
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"master key {id!r}: the secret must have {SECRET_BYTES} bytes")
        self.id: Final = id
        self._secret: Final = bytes(secret)

    def __repr__(self) -> str:
        return f"<MasterKey {self.id}>"

    def derive(self, kind: str, subject: bytes) -> bytes:
        """A 32-byte key for this `kind` and `subject`."""
        return derive_subkey(self._secret, kind, subject)

    def same_secret(self, other: "MasterKey") -> bool:
        """Whether both hold the same secret, compared in constant time."""
        return secrets.compare_digest(self._secret, other._secret)


def check_distinct(masters: Sequence[MasterKey]) -> None:
    """Raises ValueError if there is no key, or two share an id or a secret."""
    if not masters:
        raise ValueError("at least one master key is needed")
    for index, key in enumerate(masters):
        for earlier in masters[:index]:
            if key.id == earlier.id:
                raise ValueError(f"the master key id {key.id!r} occurs twice")
            if key.same_secret(earlier):
                # Rotating to the same secret under a new name would look like a rotation and be none.
                raise ValueError(f"the master keys {earlier.id!r} and {key.id!r} have the same secret")


def _parse_entry(entry: str, position: int) -> MasterKey:
    key_id, colon, text = entry.strip().partition(":")
    if not colon or not _ID.fullmatch(key_id):
        raise ValueError(f"master key {position}: {_HOW}, the id 1 to 32 characters out of a-z, 0-9 and '-'")
    if not _SECRET.fullmatch(text):
        raise ValueError(f"master key {position} ({key_id}): {_HOW}")
    unpadded = text.rstrip("=")
    secret = base64.urlsafe_b64decode(unpadded + "=")
    if _encode(secret) != unpadded:
        # 43 characters hold two bits more than 32 bytes: set, they mean a mistyped or cut key.
        raise ValueError(
            f"master key {position} ({key_id}): the last character of the secret is not canonical base64url"
        )
    return MasterKey(key_id, secret)


def _encode(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


def parse_master_keys(text: str) -> tuple[MasterKey, ...]:
    """Reads `id1:secret1,id2:secret2`, the first being the one that encrypts.

    Raises ValueError, saying which entry is wrong but never repeating any part of a secret.
    """
    masters = tuple(_parse_entry(entry, position) for position, entry in enumerate(text.split(","), start=1))
    check_distinct(masters)
    return masters


def generate_master_key(key_id: str) -> str:
    """A new random master key in the textual form that `parse_master_keys` reads. Raises ValueError for a bad id."""
    secret = secrets.token_bytes(SECRET_BYTES)
    return f"{MasterKey(key_id, secret).id}:{_encode(secret)}"
