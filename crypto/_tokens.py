"""Random tokens and the form in which they are stored."""

import hashlib
import secrets


def new_token() -> str:
    """A random token of 256 bits: 43 characters of base64url."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """SHA-256, 32 bytes, under which a token is stored and looked up.

    Only for tokens of `new_token`: a fast hash without salt is sound for 256 random bits, never for passwords.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
