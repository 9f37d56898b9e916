"""Addresses as people type them, in words."""

import pytest

from backend.kernel.http.validation import _PATTERNS
from frontend.kit.addresses import NO_ADDRESS, odd_address, suggestion
from frontend.platform.settings import account_portal


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("zoe@gmial.com", "zoe@gmail.com"),
        ("zoe@gmail.con", "zoe@gmail.com"),
        ("zoe@gmail.co", "zoe@gmail.com"),
        ("zoe@gmaill.com", "zoe@gmail.com"),
        ("zoe@GMIAL.com", "zoe@gmail.com"),
        ("a.b+c@hotmial.com", "a.b+c@hotmail.com"),
        ("zoe@outlok.com", "zoe@outlook.com"),
        ("zoe@gmail.com", ""),
        ("zoe@mail.com", ""),
        ("zoe@gmx.net", ""),
        ("zoe@acme.com", ""),
        ("zoe@", ""),
        ("gmial.com", ""),
        ("", ""),
    ],
)
def test_what_was_probably_meant(typed: str, meant: str) -> None:
    assert suggestion(typed) == meant


@pytest.mark.parametrize("typed", ["zoe", "@gmail.com", "zoe@", "zoe@nowhere", "a b@example.com", "zoe@.com"])
def test_what_is_no_address(typed: str) -> None:
    assert odd_address(typed) == NO_ADDRESS


def test_the_page_says_it_in_the_words_of_the_api() -> None:
    assert NO_ADDRESS.removesuffix(".") in _PATTERNS.values()


@pytest.mark.parametrize(
    ("key", "portal"),
    [
        ("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", "https://accounts.example.com/user"),
        ("pk_test_YnJhdmUtb3dsLTEyLmNsZXJrLmFjY291bnRzLmRldiQ", "https://brave-owl-12.accounts.dev/user"),
    ],
)
def test_where_clerk_keeps_accounts(key: str, portal: str) -> None:
    assert account_portal(key) == portal
