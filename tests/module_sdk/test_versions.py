"""Versions against the text of semver.org 2.0.0, and the compatibility rule as a table."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from module_sdk.contract.capability import SemVer
from module_sdk.contract.versions import compare_versions, is_compatible, parse_version
from tests.module_sdk.patience import PATIENT

VALID = [
    "0.0.4", "1.2.3", "10.20.30", "1.1.2-prerelease+meta", "1.1.2+meta", "1.1.2+meta-valid", "1.0.0-alpha",
    "1.0.0-alpha.beta", "1.0.0-alpha0.valid", "1.0.0-alpha.0valid", "1.0.0-rc.1+build.1", "2.0.0+build.1848",
    "1.2.3----RC-SNAPSHOT.12.9.1--.12", "1.0.0+0.build.1-rc.10000aaa-kk-0.1", "1.0.0-0A.is.legal",
    "99999999999999999999.999999999.0",
]  # fmt: skip
INVALID = [
    "", "1", "1.2", "1.2.3.4", "01.1.1", "1.01.1", "1.1.01", "1.2.3-", "1.2.3+", "1.2.3-01", "1.2.3-a..b", "1.2.3+a+b",
    "v1.2.3", " 1.2.3", "1.2.3 ", "1.2.3\n", "-1.2.3", "1.2.-3", "1.2.3-a_b", "+invalid", "alpha", "1.2.3-ä",
    "1\u0662.0.0", "1.0.0-\u0661", "1." + "9" * 70 + ".0",
]  # fmt: skip


@pytest.mark.parametrize("text", VALID)
def test_versions(text: str) -> None:
    assert str(parse_version(text)) == text
    assert msgspec.convert(text, SemVer) == text


@pytest.mark.parametrize("text", INVALID)
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="not a semantic version"):
        parse_version(text)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, SemVer)


# Section 11 of the text, and what follows from it.
ASCENDING = [
    "0.0.1", "0.9.0", "1.0.0-0", "1.0.0-2", "1.0.0-10", "1.0.0-10.1", "1.0.0-A", "1.0.0-alpha", "1.0.0-alpha.1",
    "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.9.0",
    "1.10.0", "2.0.0", "2.1.0", "2.1.1",
]  # fmt: skip


def test_precedence() -> None:
    for low, high in pairwise(ASCENDING):
        assert compare_versions(low, high) == -1
        assert compare_versions(high, low) == 1
    assert sorted(set(ASCENDING), key=lambda text: parse_version(text).precedence) == ASCENDING
    assert compare_versions("1.0.0+a", "1.0.0+b") == 0
    assert parse_version("1.0.0+a") != parse_version("1.0.0+b")


@pytest.mark.parametrize(
    ("provided", "required", "expected"),
    [
        ("1.0.0", "1.0.0", True),
        ("1.0.1", "1.0.0", True),
        ("1.9.0", "1.0.5", True),
        ("1.10.0", "1.9.0", True),
        ("1.0.0", "1.0.1", False),
        ("2.0.0", "1.0.0", False),
        ("1.0.0", "2.0.0", False),
        ("1.2.3+build.7", "1.2.3+build.9", True),
        # Below 1.0.0 the minor version is the line.
        ("0.2.5", "0.2.1", True),
        ("0.3.0", "0.2.1", False),
        ("0.2.0", "0.2.1", False),
        ("1.0.0", "0.9.0", False),
        ("0.0.2", "0.0.1", True),
        # Prereleases.
        ("1.0.0", "1.0.0-rc.1", True),
        ("1.3.0", "1.0.0-rc.1", True),
        ("1.0.0-rc.2", "1.0.0-rc.1", True),
        ("1.0.0-rc.1", "1.0.0-rc.2", False),
        ("1.0.0-rc.1", "1.0.0", False),
        ("1.1.0-rc.1", "1.0.0", False),
        ("1.1.0-rc.1", "1.0.0-rc.1", False),
        ("2.0.0-rc.1", "1.0.0", False),
        ("0.2.0-a.2", "0.2.0-a.1", True),
    ],
)
def test_compatibility(provided: str, required: str, expected: bool) -> None:
    assert is_compatible(provided, required) is expected


@pytest.mark.parametrize(("provided", "required"), [("x", "1.0.0"), ("1.0.0", "x")])
def test_compatibility_of_nonsense(provided: str, required: str) -> None:
    with pytest.raises(ValueError, match="semantic version"):
        is_compatible(provided, required)


VERSIONS = st.from_regex(
    r"\A(0|[1-3])\.[0-3]\.[0-3](-(a|rc)(\.[0-9])?)?(\+b)?\Z", alphabet=st.characters(max_codepoint=127)
)


@PATIENT
@given(a=VERSIONS, b=VERSIONS, c=VERSIONS)
def test_compatibility_is_an_order(a: str, b: str, c: str) -> None:
    assert is_compatible(a, a)
    if is_compatible(a, b):
        assert compare_versions(a, b) >= 0
        assert not is_compatible(b, a) or compare_versions(a, b) == 0
        if is_compatible(b, c):
            assert is_compatible(a, c)
