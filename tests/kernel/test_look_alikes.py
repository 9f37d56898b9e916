"""What looks alike has one key, and addresses that mislead the eye are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.kernel.addresses import accepted, fold
from backend.kernel.errors import ValidationFailed
from backend.kernel.look_alikes import look_alike_key, look_alikes, mixes_scripts

PROPER = [
    "Ada@Example.com", "ada+x_1@mail.example.co.uk", "josé@exämple.de", "иван.петров@пример.рф", "山田たろう@例え.jp",
    "علی@example.com", "आशा@उदाहरण.भारत", "지훈@example.com", "ılgın@example.com", "o'brien@example.ie",
]  # fmt: skip
MISLEADING = {
    "cyrillic а": "\u0430da@example.com", "in the domain": "ada@ex\u0430mple.com", "greek ο": "b\u03bfb@example.com",
    "wide letters": "ａda@example.com", "wide @ of a domain": "ada@example．com", "a styled letter": "𝐚da@example.com",
    "a dot of its own": "İlk@example.com", "zero width": "a\u200bda@example.com", "soft hyphen": "a\xadda@example.com",
    "override": "ada\u202e@example.com", "tag": "ada\U000e0041@example.com", "byte order mark": "\ufeffada@example.com",
}  # fmt: skip


@pytest.mark.parametrize("email", PROPER)
def test_addresses_in_one_script_are_accepted_as_they_are_compared(email: str) -> None:
    assert accepted(email) == fold(email)


@pytest.mark.parametrize("email", MISLEADING.values(), ids=MISLEADING)
def test_addresses_that_mislead_are_refused_in_words(email: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        accepted(email)
    ((error,),) = (refused.value.errors,)
    assert error.path == "$.email"
    assert error.message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Admin", "аdmin"),
        ("admin", "ａｄｍｉｎ"),
        ("ilgin", "ılgın"),
        ("ace", "асе"),
        ("علي", "علی"),
        ("по", "πο"),
        ("ẋ", "×\u0307"),
    ],
)
def test_what_looks_alike_has_one_key(one: str, other: str) -> None:
    assert look_alike_key(one) == look_alike_key(other)


@pytest.mark.parametrize(("one", "other"), [("1l", "ll"), ("ada", "adа́m"), ("é", "e"), ("иван", "ivan"), ("王", "玉")])
def test_what_can_be_told_apart_has_keys_of_its_own(one: str, other: str) -> None:
    assert look_alike_key(one) != look_alike_key(other)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_stands_for_itself(text: str) -> None:
    assert look_alike_key(text) == text.lower()


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from([chr(letter) for letter in look_alikes()]))))
def test_a_key_is_its_own_key(text: str) -> None:
    key = look_alike_key(text)
    assert look_alike_key(key) == key


def test_scripts_that_are_written_together() -> None:
    assert not any(mixes_scripts(word) for word in ("株式会社カナえ", "한국漢字", "ada-1_x+y", "श्रीमान", "ไทย", "٣علي"))
    assert all(mixes_scripts(word) for word in ("аda", "smith王", "i\u0307", "aא"))
