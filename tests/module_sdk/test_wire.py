"""Text in the API's bodies: what passes and what does not, down to the last line feed."""

import re
import time
from typing import Any

import msgspec
import pytest

from module_sdk.api.base import FILLED_LINE, FILLED_PROSE, Name
from module_sdk.api.csuite import ChatRequest
from module_sdk.api.identity import Email
from module_sdk.api.tenants import Profile, Slug
from module_sdk.api.text import invisible
from module_sdk.contract.capability import CapabilityName, SemVer
from module_sdk.contract.text import LINE, PROSE


@pytest.mark.parametrize(
    ("kind", "proper"),
    [
        (Name, "Zoë 株式会社 🚀"),
        (Email, "ada@example.com"),
        (Slug, "acme-robotics"),
        (CapabilityName, "csuite.ceo.chat"),
        (SemVer, "1.0.0"),
    ],
)
def test_one_line_is_one_line(kind: Any, proper: str) -> None:
    assert msgspec.convert(proper, kind) == proper
    for bad in (proper + "\n", "\n" + proper, proper + "\0", proper + "\x85"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(bad, kind)


@pytest.mark.parametrize("field", ["country", "currency"])
def test_codes_end_where_they_end(field: str) -> None:
    code = {"country": "DE", "currency": "EUR"}[field]
    assert getattr(msgspec.convert({field: code}, Profile), field) == code
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({field: code + "\n"}, Profile)


def test_prose_has_lines_and_no_control_characters() -> None:
    text = "One\n\ttwo\r\nthree 🚀\n"
    assert msgspec.convert({"message": text}, ChatRequest).message == text
    for bad in ("\0", "\x1b", "\x0b", "\x9f"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"message": "a" + bad}, ChatRequest)


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"message": "a", "mesage": "b"}, ChatRequest)


@pytest.mark.parametrize("body", [rb'"\udc00 half"', rb'"\ud800\u0041 half"', b'"\xed\xa0\x80"'])
def test_half_a_surrogate_pair_is_no_json(body: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        msgspec.json.decode(body, type=str)


@pytest.mark.parametrize("pattern", [LINE, PROSE, FILLED_LINE, FILLED_PROSE])
def test_patterns_are_ones_that_other_languages_read(pattern: str) -> None:
    # A range of surrogates is no pattern in most of them, and one that refuses every emoji in the rest.
    assert "\\ud" not in pattern
    assert re.search(pattern, "🚀")


@pytest.mark.parametrize(("plain", "filled"), [(LINE, FILLED_LINE), (PROSE, FILLED_PROSE)])
def test_filled_text_is_more_than_blanks_and_hidden_marks(plain: str, filled: str) -> None:
    for number in (*range(0xD800), *range(0xE000, 0x11000)):
        character = chr(number)
        expected = bool(re.search(plain, character)) and not character.isspace() and not invisible(character)
        assert bool(re.search(filled, character)) == expected, hex(number)
    for text in ("", " \u2003", "a\x00", "\x00a", " a\x85"):
        assert not re.search(filled, text), text
    assert re.search(filled, " a b ")


@pytest.mark.parametrize("pattern", [FILLED_LINE, FILLED_PROSE])
def test_filled_text_is_checked_in_linear_time(pattern: str) -> None:
    hostile = [("a " * 500_000) + "\x00", " " * 1_000_000 + "\x00"]
    began = time.process_time()
    assert not any(re.search(pattern, text) for text in hostile)
    assert time.process_time() - began < 2, "twice the text would take four times as long"
