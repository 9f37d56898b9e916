"""The keyring: several master keys live at once, the first encrypts, all decrypt."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from nacl.exceptions import CryptoError
from nacl.secret import Aead
from nacl.utils import random

from crypto._binding import Binding
from crypto._errors import DecryptionError
from crypto._masters import MasterKey, check_distinct
from crypto._opaque import Opaque
from crypto._tenant_key import KEY_ID_BYTES, TenantKey

_VERSION: Final = 1
_PREFIX_BYTES: Final = 2
# The kinds of key that a master derives. Each has its own key space, so a purpose can never collide with a tenant.
_KIND_TENANT: Final = "tenant-kek"
_KIND_SYSTEM: Final = "system"
_KIND_PURPOSE: Final = "purpose"


class Keyring(Opaque):
    """Wraps tenant keys, seals product-wide secrets and derives subkeys.

    Everything it seals is `version (1 byte) · length of the master key id (1) · master key id · nonce (24) ·
    ciphertext · tag (16)`, version and id being authenticated too.
    """

    __slots__ = ("_by_id", "_primary")

    def __init__(self, masters: Sequence[MasterKey]) -> None:
        """Raises ValueError if `masters` is empty or two of them share an id or a secret."""
        check_distinct(masters)
        self._primary: Final = masters[0]
        self._by_id: Final = {key.id: key for key in masters}

    def __repr__(self) -> str:
        return f"<Keyring {', '.join(self.key_ids)}>"

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the master keys, the encrypting one first."""
        return tuple(self._by_id)

    def derive(self, purpose: str, key_id: str | None = None) -> bytes:
        """A 32-byte subkey for one purpose, from the first master key or from the named one.

        Costs two HMACs: derive once and keep it. Raises LookupError if there is no master key of that id.
        """
        if key_id is not None and key_id not in self._by_id:
            raise LookupError("there is no master key with this id")
        master = self._primary if key_id is None else self._by_id[key_id]
        return master.derive(_KIND_PURPOSE, purpose.encode())

    def new_tenant_key(self, tenant_id: UUID) -> bytes:
        """A fresh random data key for a tenant, wrapped for storage. Destroying every copy of it erases the tenant."""
        return self._seal(_KIND_TENANT, tenant_id.bytes, random(KEY_ID_BYTES + Aead.KEY_SIZE), b"")

    def unwrap(self, tenant_id: UUID, wrapped: bytes) -> TenantKey:
        """The usable data key; raises DecryptionError if `wrapped` is not this tenant's or its master key is gone."""
        payload = self._open(_KIND_TENANT, tenant_id.bytes, wrapped, b"")
        return TenantKey(tenant_id, payload[:KEY_ID_BYTES], payload[KEY_ID_BYTES:])

    def needs_rewrap(self, wrapped: bytes) -> bool:
        """Whether another master key than the first wrapped it; raises DecryptionError if it is malformed."""
        return self._is_stale(wrapped)

    def rewrap(self, tenant_id: UUID, wrapped: bytes) -> bytes:
        """The same data key wrapped by the first master key; unchanged if it already is, so a rerun is harmless.

        Values sealed with the data key stay valid. Raises DecryptionError like `unwrap`.
        """
        payload = self._open(_KIND_TENANT, tenant_id.bytes, wrapped, b"")
        return self._seal(_KIND_TENANT, tenant_id.bytes, payload, b"") if self._is_stale(wrapped) else wrapped

    def seal_system(self, plaintext: bytes, binding: Binding) -> bytes:
        """The envelope of a product-wide secret that belongs to no tenant, for this place only."""
        return self._seal(_KIND_SYSTEM, b"", plaintext, binding.encode())

    def open_system(self, envelope: bytes, binding: Binding) -> bytes:
        """The plaintext of an envelope of `seal_system`; raises DecryptionError otherwise."""
        return self._open(_KIND_SYSTEM, b"", envelope, binding.encode())

    def needs_reseal(self, envelope: bytes) -> bool:
        """Whether another master key than the first sealed it; raises DecryptionError if it is malformed."""
        return self._is_stale(envelope)

    def reseal_system(self, envelope: bytes, binding: Binding) -> bytes:
        """The same secret sealed by the first master key; unchanged if it already is. Raises DecryptionError."""
        plaintext = self.open_system(envelope, binding)
        return self.seal_system(plaintext, binding) if self._is_stale(envelope) else envelope

    def _seal(self, kind: str, subject: bytes, plaintext: bytes, place: bytes) -> bytes:
        key_id = self._primary.id.encode()
        header = bytes((_VERSION, len(key_id))) + key_id
        return header + Aead(self._primary.derive(kind, subject)).encrypt(plaintext, _associated(kind, header, place))

    def _open(self, kind: str, subject: bytes, envelope: bytes, place: bytes) -> bytes:
        header = _header(envelope)
        master = self._by_id.get(header[_PREFIX_BYTES:].decode("latin-1"))
        if master is None:
            raise DecryptionError
        try:
            return Aead(master.derive(kind, subject)).decrypt(envelope[len(header) :], _associated(kind, header, place))
        except CryptoError:
            raise DecryptionError from None

    def _is_stale(self, envelope: bytes) -> bool:
        return _header(envelope)[_PREFIX_BYTES:] != self._primary.id.encode()


def _header(envelope: bytes) -> bytes:
    """Version, length and master key id, checked to be whole and followed by at least a nonce and a tag."""
    if len(envelope) < _PREFIX_BYTES or envelope[0] != _VERSION:
        raise DecryptionError
    end = _PREFIX_BYTES + envelope[1]
    if len(envelope) < end + Aead.NONCE_SIZE + Aead.MACBYTES:
        raise DecryptionError
    return envelope[:end]


def _associated(kind: str, header: bytes, place: bytes) -> bytes:
    # The header carries its own length, and a kind is one of three constants of which none begins another.
    return kind.encode() + header + place
