"""Markdown that arrives in pieces, at a cost that grows with its length and not with the number of pieces."""

import re
from collections.abc import Sequence
from typing import Final

from markdown_it.token import Token

from frontend.kit.markdown.documents import render
from frontend.kit.markdown.html import Renderer
from frontend.kit.markdown.parser import BLOCK_MAX_CHARS, parser, top_level

#: A tail of up to so many characters is rendered with every batch; a longer one once it grew by a 32nd of itself, so
#: that however long it becomes, each of its characters is read 33 times at most.
EVERY_TIME_CHARS: Final = 1_024
_SHARE: Final = 32
#: The blocks that have parts, with the tokens that open these, and their level.
_PARTS: Final = {
    "bullet_list_open": ("list_item_open", 1),
    "ordered_list_open": ("list_item_open", 1),
    "table_open": ("tr_open", 2),
}
#: What an unfinished line may end with and what it would look like once finished.
_HALF_LINK: Final = re.compile(r"(?<!\\)!?\[([^\[\]\n]*)(?:\](?:\([^()\s]*)?)?\Z")
_HALF_TABLE: Final = re.compile(r"(?:\A|\n\n)\|[^\n]*(?:\n[ :|-]*)?\Z")
_HALF_MARKS: Final = "*~`"
_FENCE: Final = re.compile(r"^ {0,3}(```|~~~)", re.MULTILINE)
#: The beginning of a line that may yet turn out to be the next item of the list before it.
_HALF_ITEM: Final = re.compile(r"[ \t]*(?:\d{1,9}[.)]?|[-+*])?[ \t]*")


class Unfinished:
    """Blocks that are complete are rendered once, and so are items and rows of the last one; its end again and again.

    An item counts as complete once the next but one has begun: two items show how the list is spaced.
    """

    def __init__(self) -> None:
        #: The finished blocks as HTML.
        self.blocks: list[str] = []
        #: The beginning of the block still being written as HTML: what opens it, and its finished items or rows.
        self.parts: list[str] = []
        #: The rest of that block, with marks that are open closed for the moment.
        self.tail = ""
        #: The source of ``parts``, and of a table's header, without which a row is none.
        self._finished = ""
        self._header = ""
        self._rest = ""
        self._pieces: list[str] = []
        self._waiting = 0

    @property
    def rest(self) -> str:
        """The source of what is not finished."""
        return self._finished + self._rest + "".join(self._pieces)

    @property
    def due(self) -> bool:
        """Whether enough has come to be worth rendering."""
        known = len(self._rest)
        return self._waiting > (known // _SHARE if known > EVERY_TIME_CHARS else 0)

    @property
    def size(self) -> int:
        """How many characters :meth:`advance` has to read at most."""
        return len(self._finished) + len(self._rest) + self._waiting

    def add(self, piece: str) -> None:
        """Note ``piece``; nothing is rendered yet."""
        piece = piece.replace("\r", "")
        self._pieces.append(piece)
        self._waiting += len(piece)

    def advance(self) -> None:
        """Bring blocks, parts and tail up to what has come."""
        self._rest, self._pieces, self._waiting = self._rest + "".join(self._pieces), [], 0
        source = self._header + self._rest
        made = parser(Renderer)
        tokens: list[Token] = []
        made.block.parse(source, made, {}, tokens)
        blocks = top_level(tokens)
        if start := _last_block(source, blocks):
            self.blocks += render(self._finished + source[len(self._header) : start])
            self._begin(source[start:])
        elif self.size > BLOCK_MAX_CHARS:
            self._begin(self.rest)
        elif len(blocks) == 1 and len(_parts(blocks[0])) > 2:
            self._finish_parts(source)
        self.tail = self._rendered(_closed(self._header + self._rest))

    def _begin(self, block: str) -> None:
        """Have nothing finished of the last block."""
        self.parts, self._finished, self._header, self._rest = [], "", "", block

    def _finish_parts(self, source: str) -> None:
        """Render the items or rows of the block, which is all of ``source``, but for the last two."""
        tokens = parser(Renderer).parse(source.rstrip(_HALF_MARKS), {"growing": True})
        parts = _parts(tokens)
        if len(parts) < 3:
            return
        first, last = parts[0], parts[-2]
        self.parts.append(_html(tokens[first if self.parts else 0 : last]))
        begin = _offset(source, _line(tokens[last]))
        self._finished += source[len(self._header) : begin]
        if tokens[0].type == "table_open":
            self._header = source[: _offset(source, _line(tokens[first]))]
        self._rest = source[begin:]

    def _rendered(self, source: str) -> str:
        """What of ``source`` is not in ``parts``, as HTML."""
        if not self.parts:
            return "".join(render(source, growing=True))
        tokens = parser(Renderer).parse(source, {"growing": True})
        # A mark that closes can make the block too large to have parts.
        return _html(tokens[next(iter(_parts(tokens)), 0) :])


def _html(tokens: Sequence[Token]) -> str:
    made, env = parser(Renderer), {"growing": True}
    return str(made.renderer.render(tokens, made.options, env))


def _parts(block: Sequence[Token]) -> list[int]:
    """Where among a list's tokens its items are opened, or among a table's its rows; nowhere in another block."""
    kind, level = _PARTS.get(block[0].type, ("", 0)) if block else ("", 0)
    found = [index for index, token in enumerate(block) if token.type == kind and token.level == level]
    return found[1:] if kind == "tr_open" else found


def _line(token: Token) -> int:
    """The line on which a block begins."""
    assert token.map is not None
    return token.map[0]


def _offset(text: str, line: int) -> int:
    """Where the line of that number begins."""
    return sum(len(one) + 1 for one in text.split("\n")[:line])


def _last_block(text: str, blocks: list[list[Token]]) -> int:
    """Where the last of its ``blocks`` begins in ``text``, if everything before it is complete; 0 if not."""
    if len(blocks) < 2:
        return 0
    start = _offset(text, _line(blocks[-1][0]))
    last = text[start:]
    # A block ends where the next one begins, but half a line may only look like a beginning ("#" of "#1").
    complete = "\n" in last or (text[:start].endswith("\n\n") and not _HALF_ITEM.fullmatch(last))
    return start if complete else 0


def _closed(text: str) -> str:
    """``text`` as it would stand if what is open at its end were closed: nobody likes to see marks come and go."""
    if len(_FENCE.findall(text)) % 2:
        return text
    text = _HALF_LINK.sub(r"\1", _HALF_TABLE.sub("", text)).rstrip(_HALF_MARKS)
    last = text.rpartition("\n\n")[2]
    if last.count("`") % 2:
        return text + "`"
    words = re.sub(r"`[^`]*`", "", last)
    for mark in ("**", "~~"):
        if words.count(mark) % 2:
            open_at = text.rindex(mark)
            return text[:open_at] if not text[open_at + 2 :].strip() else text.rstrip() + mark
    return text
