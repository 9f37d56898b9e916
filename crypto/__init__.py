"""Encryption at rest, key derivation, signatures and credential hashing.

`Keyring` (master keys) → `TenantKey` (one random data key per tenant, stored wrapped) → one envelope per value, bound
to where it is stored by a `Binding`. The package imports nothing else of the product, does no input or output, and
keeps no state between calls. Its submodules are private: import names from `crypto` itself.
"""

from crypto._binding import Binding
from crypto._errors import DecryptionError
from crypto._keyring import Keyring
from crypto._masters import MasterKey, generate_master_key, parse_master_keys
from crypto._passwords import hash_password, password_needs_rehash, verify_password
from crypto._signing import SealingKey, VerifyKey
from crypto._tenant_key import TenantKey
from crypto._tokens import hash_token, new_token

__all__ = [
    "Binding",
    "DecryptionError",
    "Keyring",
    "MasterKey",
    "SealingKey",
    "TenantKey",
    "VerifyKey",
    "generate_master_key",
    "hash_password",
    "hash_token",
    "new_token",
    "parse_master_keys",
    "password_needs_rehash",
    "verify_password",
]
