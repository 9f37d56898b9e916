"""What a name keeps, what of it is seen, and what typed text loses on its way."""

import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from module_sdk.api.access import ApiKeyCreate, RoleCreate, RolePatch
from module_sdk.api.csuite import ChatRequest, ConversationPatch
from module_sdk.api.identity import SignUp
from module_sdk.api.tenants import TenantCreate, TenantPatch
from module_sdk.api.text import clean_address, clean_line, clean_name, clean_prose, invisible, visible

HIDDEN = "\u200b\u202e\u2066\u2060\ufeff\xad\u3164\u115f\u034f\u200e\U000e0041\U000e007f\u180e\u2800"
#: Names, and names' characters, in which an invisible mark is spelling.
PROPER = [
    "Zoë Ødegård", "株式会社", "محمد علی", "می\u200cخواهم", "क्\u200dष", "श्रीमान\u094d\u200cको", "葛\U000e0100城",
    "👩\u200d💻", "👨\u200d👩\u200d👧", "❤\ufe0f", "1\ufe0f\u20e3", "ᠠ\u180b", "O'Brien & Söhne (Köln) – 50 %",
]  # fmt: skip
ANYTHING = st.text(alphabet=st.one_of(st.characters(), st.sampled_from(HIDDEN + "\u200c\u200d\ufe0f aé\u0301👩علیक्")))


@given(ANYTHING)
def test_a_cleaned_name_is_clean(text: str) -> None:
    name = clean_name(text)
    assert clean_name(name) == name
    assert name == "" or visible(name)
    assert name == " ".join(name.split())
    assert not any(unicodedata.category(one) in ("Cc", "Cs") for one in name)
    assert len(name) <= len(text)
    assert not set(name) & set(HIDDEN)


@given(ANYTHING)
def test_something_seen_is_never_cleaned_away(text: str) -> None:
    assert (clean_name(text) != "") == visible(text)


@pytest.mark.parametrize("name", PROPER)
def test_what_is_spelling_stays(name: str) -> None:
    assert clean_name(name) == name


@pytest.mark.parametrize("mark", HIDDEN)
def test_what_hides_goes(mark: str) -> None:
    assert clean_name(f"{mark}Ac{mark}{mark}me{mark}") == "Acme"
    assert clean_name(mark * 3) == ""
    assert (invisible(f"a{mark}"), invisible("Acme 👩")) == (True, False)


def test_joiners_between_latin_letters_are_no_spelling() -> None:
    assert clean_name("Ac\u200dm\u200ce\ufe0f") == "Acme"


@pytest.mark.parametrize("text", ["", " \u2003", "\u200b", "\u0301", "\u3164\u3164", "\u2800", "\U000e0041", "\x00"])
def test_nothing_to_see(text: str) -> None:
    assert not visible(text)


@pytest.mark.parametrize(
    ("kind", "rest"),
    [
        (TenantCreate, {}), (TenantPatch, {}), (RoleCreate, {}), (RolePatch, {}), (ConversationPatch, {}),
        (ApiKeyCreate, {"permissions": ["chat.use"]}), (SignUp, {"email": "a@b.cd", "password": "x" * 12}),
    ],
)  # fmt: skip
def test_every_name_of_a_body_is_cleaned_however_it_is_built(kind: Any, rest: dict[str, Any]) -> None:
    field = {ConversationPatch: "title", SignUp: "full_name"}.get(kind, "name")
    for body in (
        msgspec.convert({field: " Ac\u200bme\u202e \u00a0X", **rest}, kind),
        kind(**{field: "Acme X"}, **rest),
    ):
        assert getattr(body, field) == "Acme X"
    for nothing in ("\u200b", "\u3164 \u2800", "\u0301", "\U000e0041"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({field: nothing, **rest}, kind)


def test_a_message_needs_something_to_see() -> None:
    for nothing in ("\u200b", "\n\ufeff\n"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"message": nothing}, ChatRequest)
    assert msgspec.convert({"message": "\u200fשלום"}, ChatRequest).message == "\u200fשלום"


def test_typed_text_loses_controls_and_nothing_else() -> None:
    assert clean_prose("a\x00\x1b[31mb\r\nc\rd\x0ce\tf\u200f\ud800") == "a[31mb\nc\nd\ne\tf\u200f"
    assert clean_address(" \x00ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ\n") == "ada@example.com"
    assert clean_line(" a\x07b\t\nc\x7f\x85d ") == "ab c d"


@given(st.text())
def test_what_the_page_sends_passes_the_contract(text: str) -> None:
    prose = clean_prose(text)
    assert clean_prose(prose) == prose
    if visible(prose):
        msgspec.convert({"message": prose}, ChatRequest)
