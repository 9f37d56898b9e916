"""Round trips and encodings over generated input."""

import base64
from uuid import UUID

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crypto import Binding, Keyring, MasterKey, parse_master_keys

KEYRING = Keyring([MasterKey("a", bytes(32)), MasterKey("b", bytes([1] * 32))])
any_text = st.text(st.characters(), max_size=40)
# Two letters and short fields, so that generated pairs often differ only in where a field ends.
crowded = st.builds(
    Binding,
    st.none() | st.sampled_from([UUID(int=0), UUID(int=1)]),
    st.text("ab\x00", max_size=3),
    st.text("ab\x00", max_size=3),
    st.text("ab\x00", max_size=3),
)
quick = settings(deadline=None, max_examples=150)


@quick
@given(tenant=st.uuids(), plaintext=st.binary(max_size=5000), table=any_text, column=any_text, row=any_text)
def test_values_come_back(tenant: UUID, plaintext: bytes, table: str, column: str, row: str) -> None:
    key = KEYRING.unwrap(tenant, KEYRING.new_tenant_key(tenant))
    binding = Binding(tenant, table, column, row)
    envelope = key.seal(plaintext, binding)
    assert key.open(envelope, binding) == plaintext
    assert len(envelope) == len(plaintext) + 57
    assert type(envelope) is bytes
    assert len(plaintext) < 8 or plaintext not in envelope


@quick
@given(plaintext=st.binary(max_size=5000), table=any_text, column=any_text, row=any_text, tenant=st.none() | st.uuids())
def test_system_secrets_come_back(plaintext: bytes, table: str, column: str, row: str, tenant: UUID | None) -> None:
    binding = Binding(tenant, table, column, row)
    assert KEYRING.open_system(KEYRING.seal_system(plaintext, binding), binding) == plaintext


@settings(deadline=None, max_examples=500)
@given(one=crowded, other=crowded)
def test_different_places_never_share_an_encoding(one: Binding, other: Binding) -> None:
    assume(one != other)
    assert one.encode() != other.encode()


@quick
@given(secrets=st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=4, unique=True))
def test_any_32_bytes_survive_the_textual_form(secrets: list[bytes]) -> None:
    text = ",".join(
        f"k{index}:{base64.urlsafe_b64encode(secret).decode().rstrip('=')}" for index, secret in enumerate(secrets)
    )
    for master, secret in zip(parse_master_keys(text), secrets, strict=True):
        assert master.same_secret(MasterKey("x", secret))
