"""Ed25519 signatures (RFC 8032)."""

import base64
import binascii
from typing import Final

from nacl import signing
from nacl.exceptions import BadSignatureError

from crypto._binding import Binding
from crypto._keyring import Keyring
from crypto._opaque import Opaque

_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64


class VerifyKey:
    """A public key, 32 bytes. Equal keys have equal bytes."""

    __slots__ = ("_key",)

    def __init__(self, raw: bytes) -> None:
        """Raises ValueError unless `raw` has 32 bytes."""
        if len(raw) != _KEY_BYTES:
            raise ValueError(f"a public key has {_KEY_BYTES} bytes")
        self._key: Final = signing.VerifyKey(bytes(raw))

    @classmethod
    def from_base64(cls, text: str) -> "VerifyKey":
        """Reads what `base64` writes; raises ValueError for anything else."""
        try:
            raw = base64.b64decode(text.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise ValueError("a public key is 32 bytes in base64") from None
        key = cls(raw)
        if key.base64 != text:
            # Its last character holds two bits more than the key: two texts must not stand for one key.
            raise ValueError("the base64 of the public key is not canonical")
        return key

    def __bytes__(self) -> bytes:
        return bytes(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyKey) and bytes(self) == bytes(other)

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __repr__(self) -> str:
        return f"<VerifyKey {self.base64}>"

    @property
    def base64(self) -> str:
        """The key in standard base64 with padding, 44 characters."""
        return base64.b64encode(bytes(self)).decode()

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether the private half of this key signed `message`; False also for a signature of another length."""
        if len(signature) != _SIGNATURE_BYTES:
            return False
        try:
            self._key.verify(message, signature)
        except BadSignatureError:
            return False
        return True


class SealingKey(Opaque):
    """A private signing key; it leaves the process only sealed by a keyring."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        """Raises ValueError unless `seed`, the private key of RFC 8032, has 32 bytes."""
        if len(seed) != _KEY_BYTES:
            raise ValueError(f"the seed of a signing key has {_KEY_BYTES} bytes")
        self._key: Final = signing.SigningKey(bytes(seed))
        self.public: Final = VerifyKey(bytes(self._key.verify_key))

    @classmethod
    def generate(cls) -> "SealingKey":
        """A new random key."""
        return cls(bytes(signing.SigningKey.generate()))

    @classmethod
    def open(cls, keyring: Keyring, envelope: bytes, binding: Binding) -> "SealingKey":
        """The key that `sealed` stored at this place; raises DecryptionError otherwise."""
        return cls(keyring.open_system(envelope, binding))

    def sealed(self, keyring: Keyring, binding: Binding) -> bytes:
        """The envelope to store at this place; `Keyring.reseal_system` moves it under another master key."""
        return keyring.seal_system(bytes(self._key), binding)

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes, always the same for the same message."""
        return self._key.sign(message).signature
