"""Tells what a model thinks from what it answers, where it writes both into one text."""

import re
from enum import Enum, auto
from typing import Final

from backend.domains.csuite.providers.base import Piece, Thinking

_OPENING: Final = ("<think>", "<thinking>")
_CLOSING: Final = ("</think>", "</thinking>")
_TAG: Final = re.compile("|".join(_OPENING + _CLOSING))
_CLOSE: Final = re.compile("|".join(_CLOSING))


class _At(Enum):
    START = auto()
    """Nothing of the answer came yet: a thought may begin here."""
    THOUGHT = auto()
    TEXT = auto()
    """No thought was opened: the templates of some models open it themselves, so that the text only closes it."""
    ANSWER = auto()
    """Tags that come now are talked about."""


class ThoughtSplitter:
    """Takes text in pieces cut anywhere. What may be the beginning of a tag is held back until it is known."""

    def __init__(self) -> None:
        self._at = _At.START
        self._held = ""
        self._line = ""
        self._thought = False

    def feed(self, text: str) -> list[Piece]:
        """What ``text`` turns out to be, together with what was held back."""
        self._held += text
        pieces: list[Piece] = []
        while self._held:
            before = self._at, len(self._held)
            match self._at:
                case _At.START:
                    self._start(pieces)
                case _At.THOUGHT:
                    self._think(pieces)
                case _At.TEXT:
                    self._text(pieces)
                case _At.ANSWER:
                    pieces.append(self._take(len(self._held)))
            if (self._at, len(self._held)) == before:
                break
        return pieces

    def end(self) -> list[Piece]:
        """What was held back: no tag came of it."""
        held, self._held = self._held, ""
        if self._at is _At.THOUGHT:
            return [Thinking(held)] if held else []
        return [held] if held and not (self._at is _At.START and self._thought) else []

    def _start(self, pieces: list[Piece]) -> None:
        text = self._held.lstrip()
        if text.startswith(_CLOSING):
            self._held, self._thought = text.partition(">")[2], True
        elif text.startswith(_OPENING):
            self._held, self._thought, self._at = text.partition(">")[2], True, _At.THOUGHT
        elif text and not any(tag.startswith(text) for tag in _OPENING + _CLOSING):
            self._held, self._at = (text, _At.ANSWER) if self._thought else (self._held, _At.TEXT)

    def _think(self, pieces: list[Piece]) -> None:
        found = _CLOSE.search(self._held)
        thought = self._take(found.start() if found else _whole(self._held))
        if thought:
            pieces.append(Thinking(thought))
        if found:
            self._held, self._at = self._held[len(found[0]) :], _At.START

    def _text(self, pieces: list[Piece]) -> None:
        found = _TAG.search(self._held)
        text = self._take(found.start() if found else _whole(self._held))
        self._line = (self._line + text).rpartition("\n")[2][-200:]
        if found and found[0] in _CLOSING and not self._line.strip():
            pieces.append(Thinking(text, instead=True))
            self._held, self._thought, self._at = self._held[len(found[0]) :], True, _At.START
            return
        if text:
            pieces.append(text)
        if found:
            self._at = _At.ANSWER

    def _take(self, length: int) -> str:
        taken, self._held = self._held[:length], self._held[length:]
        return taken


def _whole(text: str) -> int:
    """How much of ``text`` cannot be the beginning of a tag that goes on later."""
    at = text.rfind("<")
    return at if at >= 0 and any(tag.startswith(text[at:]) for tag in _OPENING + _CLOSING) else len(text)
