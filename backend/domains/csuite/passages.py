"""Where the words of a search stand in a text, as ``util.searchable`` in the database compares both."""

import re
import unicodedata
from typing import Final

from module_sdk.api.csuite import PassagePart

BEFORE_CHARS: Final = 40
PASSAGE_CHARS: Final = 160

#: What the comparison passes over: Latin accents, characters that nobody sees, marks of Markdown.
_PASSED_OVER: Final = re.compile("[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff*_`~\\\\]")


def words_of(search: str) -> list[str]:
    """The words of a search, eight at most, each with something to compare."""
    return [word for word in search.split() if folded(word)][:8]


def folded(text: str) -> str:
    """The text as it is compared."""
    return _PASSED_OVER.sub("", unicodedata.normalize("NFKD", text)).lower()


def passage(text: str, words: list[str]) -> list[PassagePart]:
    """The beginning of a text, or what surrounds the first of ``words`` in it, with all of them marked."""
    line = re.sub(r"[*`~]+|^[#>|\s]+", "", " ".join(text.split()))
    hits = _hits(line, words)
    start = _start(line, hits[0][0] if hits else 0)
    end = _end(line, start + PASSAGE_CHARS)
    pieces, at = [("…" if start else "", False)], start
    for first, last in hits:
        if first < end:
            pieces += [(line[at:first], False), (line[first : min(last, end)], True)]
            at = min(last, end)
    pieces += [(line[at:end], False), ("…" if end < len(line) else "", False)]
    return [PassagePart(text=piece, hit=hit) for piece, hit in pieces if piece]


def _hits(line: str, words: list[str]) -> list[tuple[int, int]]:
    """Where any of the words stands, in order and without overlaps."""
    letters = [folded(letter) for letter in line]
    # The letter of the line that each letter of the comparison comes from.
    places = [place for place, letter in enumerate(letters) for _ in letter]
    compared = "".join(letters)
    found = sorted(
        (places[match.start()], places[match.end() - 1] + 1)
        for word in {folded(word) for word in words}
        for match in re.finditer(re.escape(word), compared)
    )
    kept: list[tuple[int, int]] = []
    for first, last in found:
        if kept and first <= kept[-1][1]:
            kept[-1] = (kept[-1][0], max(kept[-1][1], last))
        else:
            kept.append((first, last))
    return kept


def _start(line: str, hit: int) -> int:
    """Where to begin, so that ``hit`` is in sight: between words, if there is a gap at hand."""
    if hit <= BEFORE_CHARS:
        return 0
    gap = line.find(" ", hit - BEFORE_CHARS, hit)
    return gap + 1 if gap >= 0 else hit


def _end(line: str, wanted: int) -> int:
    if wanted >= len(line):
        return len(line)
    gap = line.rfind(" ", wanted - BEFORE_CHARS, wanted)
    return gap if gap > 0 else wanted
