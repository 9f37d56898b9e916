"""Bare addresses in text as links, found by one pattern that looks at no character more often than a few times."""

import re
from typing import Final

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_ADDRESS: Final = re.compile(
    # Up to a blank, a bracket that opens, or the punctuation of a script that puts no blank behind an address.
    r"(?<![A-Za-z0-9/])(?:https?://|www\.)[^\s<>\"'`()\[\]{}|\\^，。、；：！？（）「」『』【】《》“”‘’]+"  # noqa: RUF001 - they are meant
    r"(?:\([^\s<>()]{0,200}\)[^\s<>\"'`()\[\]{}|\\^，。、；：！？（）「」『』【】《》“”‘’]*)?"  # noqa: RUF001
    r"|(?<![\w.+/@-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,4}[A-Za-z]{2,24}(?![\w@-])"
)
_AT_THE_END: Final = ".,;:!?*_~"


def link_bare_addresses(state: StateCore) -> None:
    """Replace addresses in text that is no link yet."""
    for block in state.tokens:
        if block.type == "inline" and block.children:
            block.children = _linked(block.children, state)


def _linked(tokens: list[Token], state: StateCore) -> list[Token]:
    made: list[Token] = []
    in_link = 0
    for token in tokens:
        in_link += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if (
            token.type == "text"
            and not in_link
            and ("@" in token.content or "://" in token.content or "www." in token.content)
        ):
            made += _parts(token, state)
        else:
            made.append(token)
    return made


def _parts(token: Token, state: StateCore) -> list[Token]:
    parts: list[Token] = []
    done = 0
    for found in _ADDRESS.finditer(token.content):
        shown = found[0].rstrip(_AT_THE_END)
        address = shown if "://" in shown else f"https://{shown}" if shown.startswith("www.") else f"mailto:{shown}"
        address = state.md.normalizeLink(address)
        if shown in ("www", "http", "https") or not state.md.validateLink(address):
            continue
        parts += [_text(token.content[done : found.start()]), *_link(address, shown)]
        done = found.start() + len(shown)
    return [*parts, _text(token.content[done:])]


def _link(address: str, shown: str) -> list[Token]:
    return [Token("link_open", "a", 1, attrs={"href": address}), _text(shown), Token("link_close", "a", -1)]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
