"""Text that people typed or pasted: what of it can be seen, and what a name may keep of the rest.

A name is shown beside others and compared by eye, so that nothing invisible may be a part of it: no override of the
direction, no zero-width mark, no tag. What belongs to a script's spelling or to an emoji stays where it does so.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

#: Default-ignorable characters: they draw nothing of their own, or turn around what stands beside them. The braille
#: blank is among them, for it looks like one.
_INVISIBLE_RANGES: Final = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
_INVISIBLE: Final = frozenset(chr(number) for first, last in _INVISIBLE_RANGES for number in range(first, last + 1))
#: Those of the basic plane as the inside of a regular expression's class; not every language reads the others in one.
INVISIBLE: Final = "".join(rf"\u{first:04x}-\u{last:04x}" for first, last in _INVISIBLE_RANGES if last < 0x10000)
_NON_JOINER: Final = "\u200c"
_JOINER: Final = "\u200d"
_VIRAMA_CLASS: Final = 9
#: Breaks of lines and pages that only some programs write.
_BREAKS: Final = str.maketrans("\v\f\x85", "\n\n\n")


def visible(text: str) -> bool:
    """Whether ``text`` shows something: a character that is no blank, no invisible mark and no accent of its own."""
    return any(_draws(character) for character in text)


def invisible(text: str) -> bool:
    """Whether ``text`` holds a mark that cannot be seen."""
    return not _INVISIBLE.isdisjoint(text)


def clean_name(text: str) -> str:
    """``text`` as a name: one line with single blanks, composed, without controls and invisible marks.

    It is empty where nothing of ``text`` can be seen.
    """
    kept = " ".join("".join(_kept(text)).split())
    composed = unicodedata.normalize("NFC", kept)
    # A few letters of Indic scripts are longer when composed; a name that fits has to go on fitting.
    line = composed if len(composed) <= len(kept) else kept
    return line if visible(line) else ""


def clean_line(text: str) -> str:
    """Typed text for a field of one line: without controls, breaks and tabs as blanks, and none at its ends."""
    return " ".join("".join(one for one in text if one.isspace() or not _control(one)).split())


def clean_address(text: str) -> str:
    """A typed e-mail address, in the plain letters that an input method for Chinese or Japanese may have widened."""
    return unicodedata.normalize("NFKC", clean_line(text))


def clean_prose(text: str) -> str:
    """Typed text of several lines, without the controls that come along from a terminal or a PDF."""
    lines = text.translate(_BREAKS).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one for one in lines if one in "\t\n" or not _control(one))


def _kept(text: str) -> Iterator[str]:
    before = ""
    for at, character in enumerate(text):
        if character in _INVISIBLE:
            keep = _belongs(before, character, text[at + 1 : at + 2])
        else:
            keep = character.isspace() or not _control(character)
        if keep:
            before = character
            yield character


def _belongs(before: str, mark: str, after: str) -> bool:
    """Whether ``mark`` is spelling: joiners of Arabic and Indic words and of emoji, selectors of what they follow."""
    if not before:
        return False
    if mark in (_NON_JOINER, _JOINER):
        in_emoji = mark == _JOINER and _pictorial(before) and _pictorial(after)
        in_word = unicodedata.combining(before) == _VIRAMA_CLASS or (_arabic(before) and _arabic(after))
        return in_emoji or in_word
    if mark in "\ufe0e\ufe0f":
        return _pictorial(before) or after == "\u20e3"
    if mark in "\u180b\u180c\u180d\u180f":
        return "\u1820" <= before <= "\u18aa"
    return "\U000e0100" <= mark <= "\U000e01ef" and unicodedata.name(before, "").startswith("CJK UNIFIED")


def _pictorial(character: str) -> bool:
    return (
        character != ""
        and not character.isascii()
        and (unicodedata.category(character) in ("So", "Sm", "Sk", "Po") or character == "\ufe0f")
    )


def _arabic(character: str) -> bool:
    return character != "" and unicodedata.bidirectional(character) in ("AL", "NSM")


def _draws(character: str) -> bool:
    blank = character.isspace() or character in _INVISIBLE or _control(character)
    return not blank and not unicodedata.category(character).startswith("M")


def _control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs")
