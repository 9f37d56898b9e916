"""Markdown that arrives in pieces, at a cost that grows with its length and not with the number of pieces."""

import re
from typing import Final

from markdown_it.token import Token

from frontend.kit.markdown.documents import render
from frontend.kit.markdown.html import Renderer
from frontend.kit.markdown.parser import parser, top_level

#: A tail of up to so many characters is rendered with every batch; a longer one once it grew by a 64th of itself, so
#: that however long it becomes, each of its characters is read 65 times at most.
EVERY_TIME_CHARS: Final = 2_048
_PART: Final = 64
#: What an unfinished line may end with and what it would look like once finished.
_HALF_LINK: Final = re.compile(r"(?<!\\)!?\[([^\[\]\n]*)(?:\](?:\([^()\s]*)?)?\Z")
_HALF_TABLE: Final = re.compile(r"(?:\A|\n\n)\|[^\n]*(?:\n[ :|-]*)?\Z")
_FENCE: Final = re.compile(r"^ {0,3}(```|~~~)", re.MULTILINE)
#: The beginning of a line that may yet turn out to be the next item of the list before it.
_HALF_ITEM: Final = re.compile(r"[ \t]*(?:\d{1,9}[.)]?|[-+*])?[ \t]*")


class Unfinished:
    """Blocks that are complete are rendered once, the last one again and again."""

    def __init__(self) -> None:
        #: The finished blocks as HTML.
        self.blocks: list[str] = []
        #: The block still being written as HTML, with marks that are open closed for the moment.
        self.tail = ""
        self._rest = ""
        self._pieces: list[str] = []
        self._waiting = 0

    @property
    def rest(self) -> str:
        """The source of what is not finished."""
        return self._rest + "".join(self._pieces)

    @property
    def due(self) -> bool:
        """Whether enough has come to be worth rendering."""
        known = len(self._rest)
        return self._waiting > (known // _PART if known > EVERY_TIME_CHARS else 0)

    @property
    def size(self) -> int:
        """How many characters :meth:`advance` has to read."""
        return len(self._rest) + self._waiting

    def add(self, piece: str) -> None:
        """Note ``piece``; nothing is rendered yet."""
        piece = piece.replace("\r", "")
        self._pieces.append(piece)
        self._waiting += len(piece)

    def advance(self) -> None:
        """Bring blocks and tail up to what has come."""
        rest, self._pieces, self._waiting = self.rest, [], 0
        start = _last_block(rest)
        if start:
            self.blocks += render(rest[:start])
        self._rest = rest[start:]
        self.tail = "".join(render(_closed(self._rest), growing=True))


def _last_block(text: str) -> int:
    """Where the last top-level block of ``text`` begins, if everything before it is complete; 0 if not."""
    made = parser(Renderer)
    tokens: list[Token] = []
    made.block.parse(text, made, {}, tokens)
    blocks = top_level(tokens)
    if len(blocks) < 2 or (begins := blocks[-1][0].map) is None:
        return 0
    start = sum(len(line) + 1 for line in text.split("\n")[: begins[0]])
    last = text[start:]
    # A block ends where the next one begins, but half a line may only look like a beginning ("#" of "#1").
    complete = "\n" in last or (text[:start].endswith("\n\n") and not _HALF_ITEM.fullmatch(last))
    return start if complete else 0


def _closed(text: str) -> str:
    """``text`` as it would stand if what is open at its end were closed: nobody likes to see marks come and go."""
    if len(_FENCE.findall(text)) % 2:
        return text
    text = _HALF_LINK.sub(r"\1", _HALF_TABLE.sub("", text)).rstrip("*~`")
    last = text.rpartition("\n\n")[2]
    if last.count("`") % 2:
        return text + "`"
    words = re.sub(r"`[^`]*`", "", last)
    for mark in ("**", "~~"):
        if words.count(mark) % 2:
            open_at = text.rindex(mark)
            return text[:open_at] if not text[open_at + 2 :].strip() else text.rstrip() + mark
    return text
