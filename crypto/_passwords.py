"""Password hashing with argon2id.

Every function here is slow on purpose and releases the interpreter lock: call them in a worker thread.
"""

import base64
import unicodedata
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

# RFC 9106's second recommended option: 64 MiB, 3 passes, 4 lanes; OWASP's minimum is 19 MiB, 2 passes, 1 lane.
_HASHER: Final = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_MALFORMED: Final = "the stored password hash is malformed"


def _prepare(password: str) -> bytes:
    # NFKC: the same password typed on another keyboard or system. surrogatepass: no text makes this fail.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _dummy_hash() -> str:
    """A hash that no password has, with the current parameters.

    Assembled rather than computed, so that the first sign-in for an unknown address is not twice as slow as later ones.
    """
    salt, digest = (base64.b64encode(bytes(size)).decode().rstrip("=") for size in (_HASHER.salt_len, _HASHER.hash_len))
    cost = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"


def hash_password(password: str) -> str:
    """The argon2id hash in its standard textual form, with a random salt."""
    return _HASHER.hash(_prepare(password))


def verify_password(stored_hash: str | None, password: str) -> bool:
    """Whether the password fits. With `stored_hash` None (no such account) it does the same work and returns False.

    Raises ValueError if `stored_hash` is not an argon2 hash.
    """
    try:
        _HASHER.verify(_dummy_hash() if stored_hash is None else stored_hash, _prepare(password))
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError):
        raise ValueError(_MALFORMED) from None
    return stored_hash is not None


def password_needs_rehash(stored_hash: str) -> bool:
    """Whether a stored hash was made with other parameters than today's; ask after a successful sign-in.

    Raises ValueError if `stored_hash` is not an argon2 hash.
    """
    try:
        return _HASHER.check_needs_rehash(stored_hash)
    except InvalidHashError:
        raise ValueError(_MALFORMED) from None
