"""A tenant's data key: seals and opens single values."""

from typing import Final
from uuid import UUID

from nacl.exceptions import CryptoError
from nacl.secret import Aead

from crypto._binding import Binding
from crypto._errors import DecryptionError
from crypto._opaque import Opaque

KEY_ID_BYTES: Final = 16
_VERSION: Final = b"\x01"
_LABEL: Final = b"ocsuite/value"
_HEADER_BYTES: Final = len(_VERSION) + KEY_ID_BYTES
_SHORTEST: Final = _HEADER_BYTES + Aead.NONCE_SIZE + Aead.MACBYTES


class TenantKey(Opaque):
    """The unwrapped data key of one tenant; made by `Keyring.unwrap`, kept in memory only.

    An envelope is `version (1 byte) · key id (16) · nonce (24) · ciphertext · tag (16)`: 57 bytes more than the value.
    """

    __slots__ = ("_aad_prefix", "_aead", "_header", "id", "tenant_id")

    def __init__(self, tenant_id: UUID, key_id: bytes, secret: bytes) -> None:
        self.tenant_id: Final = tenant_id
        self.id: Final = key_id.hex()
        self._header: Final = _VERSION + key_id
        self._aad_prefix: Final = _LABEL + self._header
        self._aead: Final = Aead(secret)

    def seal(self, plaintext: bytes, binding: Binding) -> bytes:
        """The envelope of `plaintext`, for this place only.

        Raises ValueError if `binding` names another tenant than the key's.
        """
        if binding.tenant_id != self.tenant_id:
            raise ValueError("the binding names another tenant than the key")
        return self._header + self._aead.encrypt(plaintext, self._aad_prefix + binding.encode())

    def open(self, envelope: bytes, binding: Binding) -> bytes:
        """The plaintext of an envelope sealed by this key for `binding`; raises DecryptionError otherwise."""
        if len(envelope) < _SHORTEST or envelope[:_HEADER_BYTES] != self._header:
            raise DecryptionError
        try:
            return self._aead.decrypt(envelope[_HEADER_BYTES:], self._aad_prefix + binding.encode())
        except CryptoError:
            raise DecryptionError from None
