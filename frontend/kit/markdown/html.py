"""The HTML of parsed Markdown: only what is written here can come out."""

import unicodedata
from collections.abc import Sequence
from html import escape
from typing import Final

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from frontend.kit.markdown.code import code_block
from frontend.kit.markdown.formulas import mathml

_LINK_ATTRIBUTES: Final = 'target="_blank" rel="noopener noreferrer nofollow"'
#: As far as is looked for a letter that has a direction.
_DIRECTION_WITHIN: Final = 500


class Renderer(RendererHTML):
    """HTML with the parts that the chat's style sheet and behaviour know.

    Each block of words finds its own direction. Lists, quotes and tables are given one, that of their first letter:
    the browser would skip the words of elements that have a direction of their own.
    """

    def paragraph_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A paragraph, which a tight list hides."""
        return "" if tokens[idx].hidden else '<p dir="auto">'

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Below the heading of its message. One rank for all: models skip levels, and a page may not."""
        return f'<h3 data-level="{tokens[idx].tag[1:]}" dir="auto">'

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """The end of a heading."""
        return "</h3>"

    def blockquote_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A quote."""
        return f"<blockquote{_direction(tokens, idx)}>"

    def bullet_list_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A list with its marks on the side where its words begin."""
        return f"<ul{_direction(tokens, idx)}>"

    def ordered_list_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A numbered one; models go on counting after a block in between."""
        start = tokens[idx].attrGet("start")
        first = "" if start is None else f' start="{int(start)}"'
        return f"<ol{_direction(tokens, idx)}{first}>"

    def list_item_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """An item, which is a task if a box was put before its words."""
        return '<li class="md-task">' if tokens[idx].meta.get("task") else "<li>"

    def box(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """The box of a task."""
        state = 'aria-label="Done" checked' if tokens[idx].info == "done" else 'aria-label="To do"'
        return f'<input type="checkbox" disabled {state}>'

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A code block with its language and a button to copy it."""
        info = tokens[idx].info.split(maxsplit=1)
        return code_block(tokens[idx].content, info[0] if info else "", highlight=not env.get("growing"))

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Indented code, shown like any other."""
        return code_block(tokens[idx].content, "", highlight=False)

    def code_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Code within a line; it runs from left to right in any script."""
        return f'<code dir="ltr">{escape(tokens[idx].content)}</code>'

    def formula(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A formula, or its source where that cannot be shown as one."""
        token = tokens[idx]
        display = bool(token.meta["display"])
        made = mathml(token.content, display=display) if token.content else None
        if made is None:
            return f'<code class="md-formula" dir="ltr">{escape(token.markup)}</code>'
        return (
            f'<span class="md-display" tabindex="0" role="group" aria-label="Formula">{made}</span>'
            if display
            else made
        )

    def verbatim(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """What is too large to be read as Markdown, as it was written."""
        return f'<p class="md-verbatim" dir="auto">{escape(tokens[idx].content)}</p>'

    def note_mark(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """The mark that leads to a note."""
        return f"<sup>[{escape(tokens[idx].content)}]</sup>"

    def footnote_reference_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A note, where it was written."""
        label = escape(tokens[idx].meta["label"])
        return f'<div class="md-note"{_direction(tokens, idx)}><sup>[{label}]</sup><div>'

    def footnote_reference_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """The end of a note."""
        return "</div></div>"

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A table in a frame that scrolls sideways, also by keyboard."""
        return f'<div class="md-table" role="group" aria-label="Table" tabindex="0"><table{_direction(tokens, idx)}>'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """The end of both."""
        return "</table></div>"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A column's heading."""
        return f'<th scope="col" dir="auto"{_alignment(tokens[idx])}>'

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A cell."""
        return f'<td dir="auto"{_alignment(tokens[idx])}>'

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A link that opens beside the conversation and tells the other side nothing."""
        return f'<a href="{escape(str(tokens[idx].attrGet("href") or ""))}" {_LINK_ATTRIBUTES}>'

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A link to the picture, named by its description."""
        token = tokens[idx]
        address = str(token.attrGet("src") or "")
        return f'<a href="{escape(address)}" {_LINK_ATTRIBUTES}>{escape(token.content or address)}</a>'


def _alignment(token: Token) -> str:
    style = str(token.attrGet("style") or "").removeprefix("text-align:")
    return f' data-align="{style}"' if style in ("right", "center") else ""


def _direction(tokens: Sequence[Token], idx: int) -> str:
    """The direction of the first letter within the element that is opened at ``idx``."""
    for token in tokens[idx + 1 :]:
        if token.level <= tokens[idx].level:
            break
        for character in token.content[:_DIRECTION_WITHIN] if token.type == "inline" else "":
            side = unicodedata.bidirectional(character)
            if side in ("L", "R", "AL"):
                return ' dir="ltr"' if side == "L" else ' dir="rtl"'
    return ""
