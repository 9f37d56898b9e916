"""Master keys, rotation and derived keys."""

from uuid import UUID, uuid4

import pytest

from crypto import (
    Binding,
    DecryptionError,
    Keyring,
    MasterKey,
    TenantKey,
    generate_master_key,
    parse_master_keys,
)

GOOD = "A" * 43
OTHER = "B" * 42 + "A"


def test_generated_keys_parse_in_order() -> None:
    text = ",".join(generate_master_key(key_id) for key_id in ("b-2", "a-1"))
    masters = parse_master_keys(text)
    assert [key.id for key in masters] == ["b-2", "a-1"]
    assert Keyring(masters).key_ids == ("b-2", "a-1")


def test_generated_keys_differ_and_carry_32_bytes() -> None:
    first, second = generate_master_key("k"), generate_master_key("k")
    assert first != second
    assert len(first.removeprefix("k:")) == 43


def test_padding_and_surrounding_space_are_accepted() -> None:
    masters = parse_master_keys(f" a:{GOOD}= , b:{OTHER}\n")
    assert [key.id for key in masters] == ["a", "b"]
    assert masters[0].same_secret(MasterKey("x", bytes(32)))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "master key 1"),
        ("   ", "master key 1"),
        (GOOD, "master key 1"),
        (f"a:{GOOD},", "master key 2"),
        (f",a:{GOOD}", "master key 1"),
        (f":{GOOD}", "master key 1"),
        (f"Upper:{GOOD}", "master key 1"),
        (f"{'x' * 33}:{GOOD}", "master key 1"),
        (f"under_score:{GOOD}", "master key 1"),
        (f"ä:{GOOD}", "master key 1"),
        (f"{GOOD}:a", "master key 1"),
        ("a:", "master key 1 (a)"),
        (f"a:{GOOD[:-1]}", "master key 1 (a)"),
        (f"a:{GOOD}A", "master key 1 (a)"),
        (f"a:{GOOD}==", "master key 1 (a)"),
        (f"a:{GOOD[:-1]}+", "master key 1 (a)"),
        (f"a:{GOOD[:-1]}\n", "master key 1 (a)"),
        (f"a:{GOOD[:-1]}B", "not canonical"),
        (f"a:b:{GOOD}", "master key 1 (a)"),
        (f"a:{GOOD},b:short", "master key 2 (b)"),
        (f"a:{GOOD},a:{OTHER}", "'a' occurs twice"),
        (f"a:{GOOD},b:{GOOD}", "'a' and 'b' have the same secret"),
    ],
)
def test_bad_text_is_refused_with_its_place_and_without_the_secret(text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_master_keys(text)
    assert complaint in str(caught.value)
    seen: BaseException | None = caught.value
    while seen is not None:
        assert not any(fragment in repr(seen) for fragment in (GOOD[:20], OTHER[:20], "short"))
        seen = seen.__context__


@pytest.mark.parametrize("bad", ["", "A", "a b", "a\n", "x" * 33, "ä", "a_b"])
def test_bad_ids_are_refused_without_being_repeated(bad: str) -> None:
    with pytest.raises(ValueError, match="a master key id consists of"):
        MasterKey(bad, bytes(32))
    with pytest.raises(ValueError, match="a master key id consists of"):
        generate_master_key(bad)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_secrets_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="must have 32 bytes"):
        MasterKey("a", bytes(length))


def test_a_keyring_checks_its_keys_itself() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Keyring([])
    with pytest.raises(ValueError, match="occurs twice"):
        Keyring([MasterKey("a", bytes(32)), MasterKey("a", bytes([1] * 32))])
    with pytest.raises(ValueError, match="same secret"):
        Keyring([MasterKey("a", bytes(32)), MasterKey("b", bytes(32))])


def test_the_first_master_key_encrypts_and_all_decrypt(
    old_master: MasterKey, new_master: MasterKey, tenant_id: UUID
) -> None:
    before, both = Keyring([old_master]), Keyring([new_master, old_master])
    wrapped_old, wrapped_new = before.new_tenant_key(tenant_id), both.new_tenant_key(tenant_id)
    assert both.unwrap(tenant_id, wrapped_old).id == before.unwrap(tenant_id, wrapped_old).id
    assert (both.needs_rewrap(wrapped_old), both.needs_rewrap(wrapped_new)) == (True, False)
    assert Keyring([new_master]).unwrap(tenant_id, wrapped_new).id == both.unwrap(tenant_id, wrapped_new).id
    with pytest.raises(DecryptionError):
        before.unwrap(tenant_id, wrapped_new)


def test_rewrapping_keeps_the_data_key_and_frees_the_old_master(
    old_master: MasterKey, new_master: MasterKey, tenant_id: UUID, binding: Binding
) -> None:
    before, both, after = Keyring([old_master]), Keyring([new_master, old_master]), Keyring([new_master])
    wrapped = before.new_tenant_key(tenant_id)
    envelope = before.unwrap(tenant_id, wrapped).seal(b"token", binding)
    rewrapped = both.rewrap(tenant_id, wrapped)
    assert after.unwrap(tenant_id, rewrapped).open(envelope, binding) == b"token"
    with pytest.raises(DecryptionError):
        after.unwrap(tenant_id, wrapped)


def test_an_interrupted_rotation_leaves_every_tenant_readable_and_can_be_resumed(
    old_master: MasterKey, new_master: MasterKey
) -> None:
    before, both, after = Keyring([old_master]), Keyring([new_master, old_master]), Keyring([new_master])
    tenants = [uuid4() for _ in range(6)]
    rows = {tenant: before.new_tenant_key(tenant) for tenant in tenants}
    places = {tenant: Binding(tenant, "t", "c", "r") for tenant in tenants}
    values = {tenant: before.unwrap(tenant, rows[tenant]).seal(b"v", places[tenant]) for tenant in tenants}

    for done in range(len(tenants) + 1):
        killed_here = dict(rows)
        for tenant in tenants[:done]:
            killed_here[tenant] = both.rewrap(tenant, killed_here[tenant])
        assert [both.needs_rewrap(killed_here[tenant]) for tenant in tenants].count(True) == len(tenants) - done
        for tenant in tenants:
            assert both.unwrap(tenant, killed_here[tenant]).open(values[tenant], places[tenant]) == b"v"

        resumed = {tenant: both.rewrap(tenant, wrapped) for tenant, wrapped in killed_here.items()}
        assert not any(both.needs_rewrap(wrapped) for wrapped in resumed.values())
        # What had been rewrapped before the kill is left exactly as it was.
        assert all(resumed[tenant] == killed_here[tenant] for tenant in tenants[:done])
        for tenant in tenants:
            assert after.unwrap(tenant, resumed[tenant]).open(values[tenant], places[tenant]) == b"v"


def test_a_system_secret_is_resealed_once(old_master: MasterKey, new_master: MasterKey) -> None:
    before, both, after = Keyring([old_master]), Keyring([new_master, old_master]), Keyring([new_master])
    place = Binding(None, "signing_keys", "private_key", "kid-1")
    envelope = before.seal_system(b"pem", place)
    assert (before.needs_reseal(envelope), both.needs_reseal(envelope)) == (False, True)
    resealed = both.reseal_system(envelope, place)
    assert after.open_system(resealed, place) == b"pem"
    assert both.reseal_system(resealed, place) == resealed
    assert not both.needs_reseal(resealed)


def test_resealing_and_rewrapping_authenticate_first(keyring: Keyring, tenant_id: UUID) -> None:
    place = Binding(None, "signing_keys", "private_key", "kid-1")
    envelope = keyring.seal_system(b"pem", place)
    with pytest.raises(DecryptionError):
        keyring.reseal_system(envelope, place._replace(row="kid-2"))
    wrapped = keyring.new_tenant_key(tenant_id)
    with pytest.raises(DecryptionError):
        keyring.rewrap(tenant_id, wrapped[:-1] + bytes([wrapped[-1] ^ 1]))


def test_derived_keys_are_stable_and_separate(old_master: MasterKey, new_master: MasterKey, tenant_id: UUID) -> None:
    both = Keyring([new_master, old_master])
    keys = [
        both.derive("context"),
        both.derive("jobs"),
        both.derive(""),
        both.derive("context", "old"),
        # What the package derives for itself is out of reach, even for a purpose of the same name.
        both.derive("system"),
        both.derive("tenant-kek"),
        new_master.derive("system", b""),
        new_master.derive("tenant-kek", tenant_id.bytes),
        new_master.derive("tenant-kek", uuid4().bytes),
    ]
    assert all(len(key) == 32 for key in keys)
    assert len(set(keys)) == len(keys)
    assert both.derive("context", "new") == both.derive("context")
    assert both.derive("context", "old") == Keyring([old_master]).derive("context")


def test_deriving_from_an_unknown_key_is_a_lookup_error(keyring: Keyring) -> None:
    with pytest.raises(LookupError, match="no master key"):
        keyring.derive("context", "gone")


def test_no_two_data_keys_and_no_two_nonces_are_equal(
    keyring: Keyring, tenant_key: TenantKey, tenant_id: UUID, binding: Binding
) -> None:
    ids = {keyring.unwrap(tenant_id, keyring.new_tenant_key(tenant_id)).id for _ in range(200)}
    nonces = {tenant_key.seal(b"same", binding)[17:41] for _ in range(2000)}
    assert (len(ids), len(nonces)) == (200, 2000)
