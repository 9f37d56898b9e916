"""Whatever is wrong with what is stored, the answer is one and the same error."""

from collections.abc import Callable
from uuid import UUID

import pytest

from crypto import Binding, DecryptionError, Keyring, MasterKey, TenantKey

OTHER_TENANT = UUID("0198c0de-0000-7000-8000-00000000000b")


def assert_refused(attempt: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(DecryptionError) as caught:
        attempt(*arguments)
    error = caught.value
    assert type(error) is DecryptionError
    assert str(error) == "the value could not be decrypted"
    assert error.args == ()
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


class Sealed:
    """One stored value with the way to open it, for the three kinds that exist."""

    def __init__(self, stored: bytes, opener: Callable[[bytes], object]) -> None:
        self.stored = stored
        self.open = opener


@pytest.fixture(params=["value", "empty value", "tenant key", "system secret"])
def sealed(
    request: pytest.FixtureRequest, keyring: Keyring, tenant_key: TenantKey, tenant_id: UUID, binding: Binding
) -> Sealed:
    match request.param:
        case "value":
            return Sealed(tenant_key.seal(b"refresh-token", binding), lambda stored: tenant_key.open(stored, binding))
        case "empty value":
            return Sealed(tenant_key.seal(b"", binding), lambda stored: tenant_key.open(stored, binding))
        case "tenant key":
            return Sealed(keyring.new_tenant_key(tenant_id), lambda stored: keyring.unwrap(tenant_id, stored))
        case _:
            place = Binding(None, "signing_keys", "private_key", "1")
            return Sealed(keyring.seal_system(b"pem", place), lambda stored: keyring.open_system(stored, place))


def test_what_is_untouched_opens(sealed: Sealed) -> None:
    assert sealed.open(sealed.stored) is not None


def test_every_flipped_bit_is_refused(sealed: Sealed) -> None:
    for position in range(len(sealed.stored)):
        for bit in range(8):
            changed = bytearray(sealed.stored)
            changed[position] ^= 1 << bit
            assert_refused(sealed.open, bytes(changed))


def test_every_truncation_is_refused(sealed: Sealed) -> None:
    for cut in range(len(sealed.stored)):
        assert_refused(sealed.open, sealed.stored[:cut])
    for cut in range(1, len(sealed.stored) + 1):
        assert_refused(sealed.open, sealed.stored[cut:])


def test_every_missing_or_added_byte_is_refused(sealed: Sealed) -> None:
    stored = sealed.stored
    for position in range(len(stored)):
        assert_refused(sealed.open, stored[:position] + stored[position + 1 :])
    for position in range(len(stored) + 1):
        assert_refused(sealed.open, stored[:position] + b"\x00" + stored[position:])


def test_every_other_version_is_refused(sealed: Sealed) -> None:
    for version in range(256):
        if version != sealed.stored[0]:
            assert_refused(sealed.open, bytes([version]) + sealed.stored[1:])


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(lambda b: b._replace(tenant_id=OTHER_TENANT), id="another tenant"),
        pytest.param(lambda b: b._replace(tenant_id=None), id="no tenant"),
        pytest.param(lambda b: b._replace(table="integration_secret"), id="another table"),
        pytest.param(lambda b: b._replace(column="refresh_token"), id="another column"),
        pytest.param(lambda b: b._replace(row="row-2"), id="another row"),
        pytest.param(lambda b: b._replace(table=b.column, column=b.table), id="table and column swapped"),
        pytest.param(lambda b: b._replace(column=b.row, row=b.column), id="column and row swapped"),
        pytest.param(lambda b: b._replace(table=b.row, row=b.table), id="table and row swapped"),
        pytest.param(lambda b: b._replace(table=b.table + "a", column=b.column[1:]), id="table takes from column"),
        pytest.param(lambda b: b._replace(table=b.table[:-1], column="s" + b.column), id="column takes from table"),
        pytest.param(lambda b: b._replace(column=b.column + "r", row=b.row[1:]), id="column takes from row"),
        pytest.param(lambda b: b._replace(column=b.column[:-1], row="n" + b.row), id="row takes from column"),
        pytest.param(lambda b: b._replace(table="", column=b.table + b.column), id="table empty"),
        pytest.param(lambda b: b._replace(row="", column=b.column + b.row), id="row empty"),
        pytest.param(lambda b: b._replace(row=b.row + "\x00"), id="row padded"),
        pytest.param(lambda b: b._replace(table=b.table.upper()), id="case of table"),
        pytest.param(lambda b: b._replace(row=b.row + "\ud800"), id="lone surrogate"),
    ],
)
def test_every_foreign_place_is_refused(
    keyring: Keyring, tenant_key: TenantKey, binding: Binding, foreign: Callable[[Binding], Binding]
) -> None:
    elsewhere = foreign(binding)
    envelope = tenant_key.seal(b"refresh-token", binding)
    assert_refused(tenant_key.open, envelope, elsewhere)
    system = keyring.seal_system(b"pem", binding)
    assert_refused(keyring.open_system, system, elsewhere)


def test_another_tenants_key_is_refused_for_values_and_for_itself(
    keyring: Keyring, tenant_key: TenantKey, tenant_id: UUID, binding: Binding
) -> None:
    other = keyring.unwrap(OTHER_TENANT, keyring.new_tenant_key(OTHER_TENANT))
    envelope = tenant_key.seal(b"v", binding)
    assert_refused(other.open, envelope, binding)
    assert_refused(other.open, envelope, binding._replace(tenant_id=OTHER_TENANT))
    # The envelope relabelled with the other key's id does not help either.
    theirs = other.seal(b"v", binding._replace(tenant_id=OTHER_TENANT))
    assert_refused(other.open, theirs[:17] + envelope[17:], binding)
    wrapped = keyring.new_tenant_key(tenant_id)
    assert_refused(keyring.unwrap, OTHER_TENANT, wrapped)
    assert_refused(keyring.rewrap, OTHER_TENANT, wrapped)


def test_erasing_a_data_key_is_final(
    keyring: Keyring, tenant_key: TenantKey, tenant_id: UUID, binding: Binding
) -> None:
    """Master key and tenant id together do not bring the data key back: it is random, not derived."""
    envelope = tenant_key.seal(b"v", binding)
    successor = keyring.unwrap(tenant_id, keyring.new_tenant_key(tenant_id))
    assert successor.id != tenant_key.id
    assert_refused(successor.open, envelope, binding)


def test_unknown_and_wrong_master_keys_are_refused(keyring: Keyring, tenant_id: UUID) -> None:
    wrapped = keyring.new_tenant_key(tenant_id)
    for stranger in (MasterKey("gone", bytes(range(32))), MasterKey("old", bytes([7] * 32))):
        assert_refused(Keyring([stranger]).unwrap, tenant_id, wrapped)


def test_the_master_key_id_of_a_stored_value_cannot_be_exchanged(tenant_id: UUID) -> None:
    one, two = MasterKey("one", bytes([1] * 32)), MasterKey("two", bytes([2] * 32))
    keyring = Keyring([one, two])
    wrapped = keyring.new_tenant_key(tenant_id)
    assert_refused(keyring.unwrap, tenant_id, wrapped.replace(b"one", b"two", 1))


def test_one_kind_does_not_open_as_another(keyring: Keyring, tenant_key: TenantKey, tenant_id: UUID) -> None:
    binding = Binding(tenant_id, "", "", "")
    wrapped = keyring.new_tenant_key(tenant_id)
    assert_refused(keyring.open_system, wrapped, binding)
    assert_refused(tenant_key.open, wrapped, binding)
    assert_refused(keyring.unwrap, tenant_id, keyring.seal_system(bytes(48), binding))
    assert_refused(keyring.open_system, tenant_key.seal(b"v", binding), binding)


@pytest.mark.parametrize("garbage", [b"", b"\x01", b"\x01\xff", b"\x01\x03old", bytes(200), b"\xff" * 200])
def test_garbage_is_refused_everywhere(
    keyring: Keyring, tenant_key: TenantKey, tenant_id: UUID, binding: Binding, garbage: bytes
) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: tenant_key.open(garbage, binding),
        lambda: keyring.unwrap(tenant_id, garbage),
        lambda: keyring.rewrap(tenant_id, garbage),
        lambda: keyring.needs_rewrap(garbage),
        lambda: keyring.open_system(garbage, binding),
        lambda: keyring.reseal_system(garbage, binding),
        lambda: keyring.needs_reseal(garbage),
    ]
    for attempt in attempts:
        assert_refused(attempt)


def test_a_tenant_key_seals_for_no_other_tenant(tenant_key: TenantKey, binding: Binding) -> None:
    for foreign in (OTHER_TENANT, None):
        with pytest.raises(ValueError, match="another tenant"):
            tenant_key.seal(b"v", binding._replace(tenant_id=foreign))
