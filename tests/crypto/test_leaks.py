"""Objects that hold keys cannot be copied out of the process by accident."""

import base64
import copy
import json
import pickle
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

from crypto import DecryptionError, Keyring, MasterKey, TenantKey

SECRET = bytes(range(100, 132))
HOLDERS = [
    pytest.param(lambda: MasterKey("main", SECRET), "<MasterKey main>", id="master key"),
    pytest.param(lambda: Keyring([MasterKey("main", SECRET)]), "<Keyring main>", id="keyring"),
    pytest.param(lambda: TenantKey(UUID(int=1), bytes(16), SECRET), "<TenantKey>", id="tenant key"),
]


def _forms(secret: bytes) -> list[str]:
    return [
        repr(secret)[2:-1],
        secret.hex(),
        base64.b64encode(secret).decode().rstrip("="),
        base64.urlsafe_b64encode(secret).decode().rstrip("="),
        str(list(secret)),
    ]


@pytest.mark.parametrize(("make", "shown"), HOLDERS)
def test_text_forms_show_no_secret(make: Callable[[], object], shown: str) -> None:
    holder = make()
    texts = [repr(holder), str(holder), f"{holder}", f"{holder!a}", f"{[holder]}", json.dumps(holder, default=repr)]
    assert texts[:3] == [shown] * 3
    assert not [form for form in _forms(SECRET) for text in texts if form in text]


@pytest.mark.parametrize(("make", "shown"), HOLDERS)
@pytest.mark.parametrize(
    "take",
    [
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(lambda holder: copy.deepcopy({"nested": [holder]}), id="nested deepcopy"),
        *(
            pytest.param(lambda holder, p=protocol: pickle.dumps(holder, protocol=p), id=f"pickle {protocol}")
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        ),
        pytest.param(lambda holder: pickle.dumps({"nested": [holder]}), id="nested pickle"),
        pytest.param(lambda holder: holder.__getstate__(), id="getstate"),
        pytest.param(lambda holder: holder.__reduce__(), id="reduce"),
        pytest.param(vars, id="vars"),
        pytest.param(bytes, id="bytes"),
        pytest.param(json.dumps, id="json"),
        pytest.param(msgspec.json.encode, id="msgspec json"),
        pytest.param(msgspec.msgpack.encode, id="msgspec msgpack"),
        pytest.param(msgspec.to_builtins, id="msgspec builtins"),
    ],
)
def test_every_way_of_taking_a_copy_is_refused(
    make: Callable[[], object], shown: str, take: Callable[[Any], object]
) -> None:
    with pytest.raises(TypeError) as caught:
        take(make())
    assert not [form for form in _forms(SECRET) if form in str(caught.value)]


@pytest.mark.parametrize(("make", "shown"), HOLDERS)
def test_public_attributes_hold_no_secret(make: Callable[[], object], shown: str) -> None:
    holder = make()
    for name in dir(holder):
        if not name.startswith("_"):
            value = getattr(holder, name)
            assert callable(value) or SECRET not in (value, bytes(str(value), "utf-8")), name
            assert not [form for form in _forms(SECRET) if form in repr(value)], name


def test_the_error_carries_nothing_but_its_sentence() -> None:
    error = DecryptionError()
    assert (str(error), repr(error), error.args) == ("the value could not be decrypted", "DecryptionError()", ())
    # The error itself may cross a process boundary, as errors of jobs do.
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
