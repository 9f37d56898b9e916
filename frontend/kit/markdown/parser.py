"""What Markdown is here: CommonMark with tables, formulas, notes, tasks and bare addresses, in bounded nesting."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt, helpers
from markdown_it.parser_inline import ParserInline
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_block import StateBlock, blockquote, list_block
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline, image, link
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType
from mdit_py_plugins.footnote.index import footnote_def

from frontend.kit.markdown.addresses import link_bare_addresses
from frontend.kit.markdown.formulas import formula_block, formula_inline

_SCHEMES: Final = frozenset({"http", "https", "mailto"})
#: Lists and quotes in each other, counted as markdown-it does: a list with its item is two. Deeper marks stay text.
_DEEPEST_BLOCK: Final = 60
#: Brackets in each other that are tried as links: every further level would read the rest of the paragraph once more.
_DEEPEST_LINK: Final = 8
#: A paragraph, list or table beyond this is shown as it was written.
BLOCK_MAX_CHARS: Final = 32_000
_LONGEST_LABEL: Final = 1_000
_MOST_OPEN_BRACKETS: Final = 16
#: Never reached, for markdown-it drops what lies deeper than this.
_NEVER_DEEPER: Final = 1_000
_NOTE_MARK: Final = re.compile(r"\[\^([\w-]{1,32})\]")
_TASK: Final = re.compile(r"\[([ xX])\]\s+")
_BREAK: Final = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)


@cache
def parser(renderer: Callable[..., RendererProtocol]) -> MarkdownIt:
    """The parser, made once."""
    made = _Parser(
        "commonmark", {"html": False, "breaks": True, "maxNesting": _NEVER_DEEPER}, renderer_cls=renderer
    ).enable(["table", "strikethrough"])
    # Underlined headings would turn a paragraph into a heading for the moment in which a list begins below it.
    made.disable(["lheading", "html_block", "html_inline"])
    # Notes stay where they are written: moved to the end, they would wait for an end that a growing text does not have.
    made.block.ruler.before("reference", "note", _shallow(footnote_def), {"alt": ["paragraph", "reference"]})
    made.inline.ruler.after("image", "note_mark", _note_mark)
    made.block.ruler.at("blockquote", _shallow(blockquote), {"alt": ["paragraph", "reference", "blockquote", "list"]})
    made.block.ruler.at("list", _shallow(list_block), {"alt": ["paragraph", "reference", "blockquote"]})
    made.block.ruler.before("fence", "formula", formula_block, {"alt": ["paragraph", "reference", "blockquote"]})
    made.inline.ruler.at("link", _bounded(link))
    made.inline.ruler.at("image", _bounded(image))
    made.inline.ruler.before("escape", "formula", formula_inline)
    made.inline.ruler.before("autolink", "break", _break)
    made.core.ruler.after("block", "bounds", _leave_large_blocks)
    made.core.ruler.after("bounds", "tasks", _mark_tasks)
    made.core.ruler.after("inline", "boxes", _add_boxes)
    made.core.ruler.push("addresses", link_bare_addresses)
    return made


def top_level(tokens: list[Token]) -> list[list[Token]]:
    """``tokens`` cut into the blocks at the top of the document."""
    blocks: list[list[Token]] = []
    depth = 0
    for token in tokens:
        if depth == 0:
            blocks.append([])
        blocks[-1].append(token)
        depth += token.nesting
    return blocks


def _leave_large_blocks(state: StateCore) -> None:
    """Replace a block that is too large to be read closely by its source; code is not read, however large it is."""
    if len(state.src) <= BLOCK_MAX_CHARS:
        return
    lines = state.src.split("\n")
    tokens: list[Token] = []
    for block in top_level(state.tokens):
        first, last = block[0].map or (0, 0)
        source = "\n".join(lines[first:last])
        large = len(source) > BLOCK_MAX_CHARS and block[0].type not in ("fence", "code_block")
        tokens += [Token("verbatim", "", 0, content=source, map=[first, last])] if large else block
    state.tokens = tokens


class _Parser(MarkdownIt):
    """CommonMark without raw HTML, with few kinds of links."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known, self.inline = self.inline, _Inline()
        self.inline.ruler, self.inline.ruler2 = known.ruler, known.ruler2
        bounded = SimpleNamespace(**{name: getattr(helpers, name) for name in helpers.__all__})
        bounded.parseLinkLabel = _label_end
        self.helpers = bounded  # type: ignore[assignment]  # a module by its type, asked for functions alone

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the name that markdown-it gives to this choice
        """Whether a link may lead to ``url``."""
        try:
            return urlsplit(url.strip()).scheme.lower() in _SCHEMES
        except ValueError:
            return False


class _Inline(ParserInline):
    """Text within a block, where emphasis also begins and ends beside Chinese, Japanese and Korean letters."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class _State(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803 - markdown-it's own names
        """What marks at ``start`` can do. CommonMark asks for blanks where these scripts write none."""
        found = super().scanDelims(start, canSplitWord)
        if not canSplitWord:
            return found
        before = self.src[start - 1 : start] or " "
        after = self.src[start + found.length : start + found.length + 1] or " "
        if not (_unspaced(before) or _unspaced(after)):
            return found
        return Scanned(not after.isspace(), not before.isspace(), found.length)


def _unspaced(character: str) -> bool:
    """Whether it belongs to a script that puts no blanks between words, its punctuation included."""
    return unicodedata.east_asian_width(character) in ("W", "F")


def _label_end(state: StateInline, start: int, disableNested: bool = False) -> int:  # noqa: N803 - markdown-it's own name
    """Where the bracket opened at ``start`` is closed, -1 for nowhere near.

    Markdown-it's own looks as far as the paragraph goes, from every bracket again.
    """
    before, level, found = state.pos, 1, -1
    state.pos = start + 1
    while state.pos < min(state.posMax, start + _LONGEST_LABEL) and level < _MOST_OPEN_BRACKETS:
        at, character = state.pos, state.src[state.pos]
        level -= character == "]"
        if level == 0:
            found = at
            break
        state.md.inline.skipToken(state)
        if character == "[":
            if state.pos == at + 1:
                level += 1
            elif disableNested:
                break
    state.pos = before
    return found


def _shallow(rule: Callable[[StateBlock, int, int, bool], bool]) -> Callable[[StateBlock, int, int, bool], bool]:
    def bounded(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        return state.level < _DEEPEST_BLOCK and rule(state, start, end, silent)

    return bounded


def _bounded(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    def bounded(state: StateInline, silent: bool) -> bool:
        if state.src[state.pos] not in "![" or state.level >= _DEEPEST_LINK:
            return False
        near = state.pos + _LONGEST_LABEL
        leads = "](" in state.src[state.pos : near] or bool(state.env.get("references"))
        return leads and rule(state, silent)

    return bounded


def _mark_tasks(state: StateCore) -> None:
    """Put a box before the words of an item that begins with ``[ ]`` or ``[x]``."""
    tokens = state.tokens
    for item, words in zip(tokens, tokens[2:], strict=False):
        found = _TASK.match(words.content) if item.type == "list_item_open" and words.type == "inline" else None
        if found:
            item.meta["task"] = True
            words.content = words.content[found.end() :]
            words.meta["box"] = "done" if found[1].strip() else "open"


def _add_boxes(state: StateCore) -> None:
    for words in state.tokens:
        if box := words.meta.get("box"):
            words.children = [Token("box", "", 0, info=box), *(words.children or [])]


def _note_mark(state: StateInline, silent: bool) -> bool:
    """``[^1]``, the mark of a note; by a word only if there is such a note, for it may be a pattern, as in ``[^a]``."""
    found = _NOTE_MARK.match(state.src, state.pos) if state.src[state.pos] == "[" else None
    if found is None:
        return False
    label = found[1]
    if not label.isdecimal() and f":{label}" not in state.env.get("footnotes", {}).get("refs", {}):
        return False
    if not silent:
        state.push("note_mark", "", 0).content = label
    state.pos = found.end()
    return True


def _break(state: StateInline, silent: bool) -> bool:
    """``<br>``, the one way to break a line within a cell."""
    if state.src[state.pos] != "<" or not (found := _BREAK.match(state.src, state.pos)):
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = found.end()
    return True
