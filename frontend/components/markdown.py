"""Markdown of answers as safe HTML, whole or while it is still being written.

Rendered here and not in the browser: no Markdown bundle is loaded, and one place decides what HTML can come out. Raw
HTML in the source is shown as text, images become links (a picture's address would tell its owner who reads the
answer), and a link leads to http, https or mailto or stays text.
"""

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_SCHEMES: Final = frozenset({"http", "https", "mailto"})
_LINK_ATTRIBUTES: Final = 'target="_blank" rel="noopener noreferrer nofollow"'
_LANGUAGE: Final = re.compile(r"[\w+#.-]{1,24}")
#: What an unfinished line may end with and what it would look like once finished.
_HALF_LINK: Final = re.compile(r"!?\[([^\[\]\n]*)(?:\](?:\([^()\s]*)?)?\Z")
_HALF_TABLE: Final = re.compile(r"(?:\A|\n\n)\|[^\n]*(?:\n[ :|-]*)?\Z")
_FENCE: Final = re.compile(r"^ {0,3}(```|~~~)", re.MULTILINE)

_COPY: Final = (
    '<svg width="14" height="14" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
    'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
    '<rect width="14" height="14" x="8" y="8" rx="2"/>'
    '<path d="M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2"/></svg>'
)


def render(text: str) -> list[str]:
    """The top-level blocks of ``text`` as HTML, in order; they belong next to each other in one element."""
    parser = _parser()
    env: EnvType = {}
    return [_html(parser, block, env) for block in _top_level(parser.parse(text, env))]


def plain(text: str) -> str:
    """``text`` without its marks, for reading aloud."""
    words: list[str] = []
    for token in _parser().parse(text, {}):
        if token.type == "inline":
            words.append("".join(_spoken(child) for child in token.children or []))
        elif token.type in ("fence", "code_block"):
            words.append("Code.")
    return " ".join(" ".join(words).split())


class Unfinished:
    """Markdown that arrives in pieces: blocks that are complete are rendered once, the last one with every piece."""

    def __init__(self) -> None:
        self.text = ""
        self.blocks: list[str] = []
        self._settled = 0

    def add(self, piece: str) -> None:
        """Append ``piece`` and settle the blocks that it completes."""
        self.text += piece
        parser = _parser()
        env: EnvType = {}
        rest = self.text[self._settled :]
        blocks = _top_level(parser.parse(rest, env))
        if len(blocks) < 2:
            return
        begins = blocks[-1][0].map
        assert begins is not None  # every top-level block knows its lines
        start = sum(len(line) for line in rest.split("\n")[: begins[0]]) + begins[0]
        # A block ends where the next one begins, but half a line may only look like a beginning ("#" of "#1").
        if rest[:start].endswith("\n\n") or "\n" in rest[start:]:
            self.blocks += [_html(parser, block, env) for block in blocks[:-1]]
            self._settled += start

    @property
    def tail(self) -> str:
        """The block still being written as HTML, with marks that are open closed for the moment."""
        return "".join(render(_closed(self.text[self._settled :])))


class _Renderer(RendererHTML):
    """HTML with the parts that the chat's style sheet and behaviour know."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A code block with its language and a button to copy it."""
        info = tokens[idx].info.split(maxsplit=1)
        language = info[0] if info and _LANGUAGE.fullmatch(info[0]) else ""
        return _code(tokens[idx].content, language)

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Indented code, shown like any other."""
        return _code(tokens[idx].content, "")

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A table in a frame that scrolls sideways, also by keyboard."""
        return '<div class="md-table" role="group" aria-label="Table" tabindex="0"><table>'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """The end of both."""
        return "</table></div>"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A column's heading."""
        return f'<th scope="col"{_alignment(tokens[idx])}>'

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A cell."""
        return f"<td{_alignment(tokens[idx])}>"

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Below the heading of its message. One rank for all: models skip levels, and a page may not."""
        return f'<h3 data-level="{tokens[idx].tag[1:]}">'

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """The end of a heading."""
        return "</h3>"

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A link that opens beside the conversation and tells the other side nothing."""
        return f'<a href="{escape(str(tokens[idx].attrGet("href") or ""))}" {_LINK_ATTRIBUTES}>'

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A link to the picture, named by its description."""
        token = tokens[idx]
        address = str(token.attrGet("src") or "")
        return f'<a href="{escape(address)}" {_LINK_ATTRIBUTES}>{escape(token.content or address)}</a>'


class _Parser(MarkdownIt):
    """CommonMark with tables, without raw HTML, with few kinds of links."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the name that markdown-it gives to this choice
        """Whether a link may lead to ``url``."""
        try:
            return urlsplit(url.strip()).scheme.lower() in _SCHEMES
        except ValueError:
            return False


@cache
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False, "breaks": False, "maxNesting": 20}, renderer_cls=_Renderer)
    # Underlined headings would turn a paragraph into a heading for the moment in which a list begins below it.
    return parser.enable(["table", "strikethrough"]).disable(["lheading", "html_block", "html_inline"])


def _top_level(tokens: list[Token]) -> list[list[Token]]:
    """``tokens`` cut into the blocks at the top of the document."""
    blocks: list[list[Token]] = []
    depth = 0
    for token in tokens:
        if depth == 0:
            blocks.append([])
        blocks[-1].append(token)
        depth += token.nesting
    return blocks


def _html(parser: MarkdownIt, tokens: list[Token], env: EnvType) -> str:
    return str(parser.renderer.render(tokens, parser.options, env)).strip("\n")


def _code(content: str, language: str) -> str:
    name = escape(language)
    return (
        f'<figure class="md-code"><figcaption><span>{name or "Code"}</span>'
        f'<button type="button" data-copy="code">{_COPY}<span>Copy</span></button></figcaption>'
        f'<pre tabindex="0" role="group" aria-label="Code{f", {name}" if name else ""}">'
        f"<code>{escape(content)}</code></pre>"
        "</figure>"
    )


def _alignment(token: Token) -> str:
    style = str(token.attrGet("style") or "").removeprefix("text-align:")
    return f' data-align="{style}"' if style in ("right", "center") else ""


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


def _spoken(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return token.content
