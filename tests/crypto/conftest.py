"""Keys with fixed bytes, so that a failing example can be repeated."""

from uuid import UUID

import pytest

from crypto import Binding, Keyring, MasterKey, TenantKey

TENANT = UUID("0198c0de-0000-7000-8000-00000000000a")


@pytest.fixture
def cheap_passwords() -> None:
    """They cost here what they cost in the product."""


@pytest.fixture
def tenant_id() -> UUID:
    return TENANT


@pytest.fixture
def old_master() -> MasterKey:
    return MasterKey("old", bytes(range(32)))


@pytest.fixture
def new_master() -> MasterKey:
    return MasterKey("new", bytes(range(32, 64)))


@pytest.fixture
def keyring(old_master: MasterKey) -> Keyring:
    return Keyring([old_master])


@pytest.fixture
def tenant_key(keyring: Keyring, tenant_id: UUID) -> TenantKey:
    return keyring.unwrap(tenant_id, keyring.new_tenant_key(tenant_id))


@pytest.fixture
def binding(tenant_id: UUID) -> Binding:
    return Binding(tenant_id, "integration_secrets", "access_token", "row-1")
