"""Text as the eye reads it: what looks alike has one key, whatever letters it is made of."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Final

from confusable_homoglyphs import categories, confusables

#: Scripts that people write within one word; everything else of two scripts is meant to be misread.
_WRITTEN_TOGETHER: Final = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "HANGUL"}),
    frozenset({"HAN", "BOPOMOFO"}),
)
_NO_SCRIPT: Final = "COMMON"
#: What Unicode's table has around letters that are written from right to left.
_ISOLATING: Final = "\u200e"


def look_alike_key(text: str) -> str:
    """The same for texts that look alike, whatever the case of their letters, and different for others.

    ASCII stands for itself: who reads ``l`` for ``1`` reads it so in their own addresses too.
    """
    return unicodedata.normalize("NFKC", _lower(text).translate(look_alikes()))


def mixes_scripts(word: str) -> bool:
    """Whether ``word`` has letters, or marks on them, of scripts that nobody writes together."""
    scripts = {categories.alias(letter) for letter in word} - {_NO_SCRIPT}
    return len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER)


@cache
def look_alikes() -> dict[int, str]:
    """Each small letter beyond ASCII that looks like another one, with the one that stands for all of those.

    That is the one in ASCII if there is one. Migration 0014 builds the index of addresses from this.
    """
    ascii_twin: dict[str, str] = {}
    beside: dict[str, set[str]] = defaultdict(set)
    for letter, twin in _pairs():
        if twin.isascii():
            ascii_twin.setdefault(letter, twin.lower())
        elif _lower(twin) == twin:
            beside[letter].add(twin)
            beside[twin].add(letter)
    table = {ord(letter): twin for letter, twin in ascii_twin.items()}
    for letter in sorted(beside):
        if ord(letter) in table:
            continue
        group = _reached(letter, beside)
        first = min([ascii_twin[one] for one in group if one in ascii_twin] or group)
        table |= {ord(one): first for one in group if one != first and ord(one) not in table}
    return table


def _pairs() -> Iterator[tuple[str, str]]:
    """Single characters that look alike, the first of each a letter as :func:`_lower` leaves it, beyond ASCII."""
    for entry, twins in confusables.confusables_data.items():
        letter = entry.strip(_ISOLATING)
        for twin in (found["c"].strip(_ISOLATING) for found in twins):
            if len(letter) == len(twin) == 1 and not letter.isascii() and _lower(letter) == letter:
                yield letter, twin


def _reached(start: str, beside: dict[str, set[str]]) -> set[str]:
    reached, waiting = {start}, [start]
    while waiting:
        fresh = beside[waiting.pop()] - reached
        reached |= fresh
        waiting += fresh
    return reached


def _lower(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
