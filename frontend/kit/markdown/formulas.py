"""Formulas in LaTeX: where a text has them, and what they are in MathML."""

import re
from functools import lru_cache
from html import escape, unescape
from typing import Final
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_LONGEST: Final = 2_000
_MOST_LINES: Final = 60
_INLINE_ENDS: Final = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_BLOCK_ENDS: Final = {"\\[": "\\]", "$$": "$$"}
#: One line between dollars: no blank inside of either, nothing that is joined to them from outside.
_DOLLARS: Final = re.compile(r"\$(?![\s$])((?:[^$\\`\n]|\\[^\n]){1,1000}?)(?<!\s)\$(?![\w$])")
_TEX: Final = re.compile(r"\\[A-Za-z]|[\^_{}=<>]")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_NAMED_FUNCTIONS: Final = frozenset({"log", "ln", "exp", "sin", "cos", "tan", "min", "max", "mod", "gcd", "lim"})
#: Environments which the converter does not know, by ones that look the same.
_ALIGNED: Final = re.compile(
    r"\\(begin|end)\{(?:aligned|align\*?|alignedat|eqnarray\*?|gathered|gather\*?|multline\*?)\}"
)
_COMMENT: Final = re.compile(r"(?<!\\)%")
_ELEMENTS: Final = frozenset({
    "math", "mrow", "mi", "mo", "mn", "mtext", "ms", "msup", "msub", "msubsup", "mfrac", "msqrt", "mroot", "mtable",
    "mtr", "mtd", "mover", "munder", "munderover", "mstyle", "mspace", "mpadded", "mphantom", "menclose",
    "mmultiscripts", "mprescripts", "none",
})  # fmt: skip
_ATTRIBUTES: Final = frozenset({
    "display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "fence", "form", "accent", "accentunder",
    "largeop", "movablelimits", "separator", "linethickness", "columnalign", "notation", "minsize", "maxsize",
})  # fmt: skip
_VALUE: Final = re.compile(r"[\w .%-]{1,40}")


def formula_inline(state: StateInline, silent: bool) -> bool:
    """A formula within a line."""
    pos = state.pos
    if state.src[pos] not in "\\$":
        return False
    mark = state.src[pos : pos + 2]
    if mark in _INLINE_ENDS:
        end = state.src.find(_INLINE_ENDS[mark], pos + 2, min(pos + _LONGEST, state.posMax))
        content = state.src[pos + 2 : end] if end > 0 else ""
        after = end + 2
    else:
        found = _DOLLARS.match(state.src, pos, state.posMax) if not _joined(state.src, pos) else None
        content = found[1] if found and _is_formula(found[1]) else ""
        after = found.end() if found else pos
    if not content.strip():
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content, token.markup = content, state.src[pos:after]
        token.meta = {"display": mark in _BLOCK_ENDS}
    state.pos = after
    return True


def formula_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    r"""A formula on lines of its own, from ``$$`` or ``\[`` to where that ends a line; open until then."""
    first = _line(state, start)
    closing = _BLOCK_ENDS.get(first[:2])
    if closing is None or state.is_code_block(start):
        return False
    last = _last_line(state, start, end, closing)
    if last is None:
        return False
    if silent:
        return True
    lines = [_line(state, number) for number in range(start, min(last + 1, end))]
    source = "\n".join(lines).rstrip()
    token = state.push("formula", "", 0)
    token.block, token.map, token.markup, token.meta = True, [start, last + 1], source, {"display": True}
    token.content = source[2:-2] if _closes(source, closing) else ""
    state.line = min(last + 1, end)
    return True


def _last_line(state: StateBlock, start: int, end: int, closing: str) -> int | None:
    """The line with the end of the formula, or the last one of a text that goes on; ``None`` for no formula."""
    for number in range(start, min(start + _MOST_LINES, end)):
        line = _line(state, number)
        if not line.strip() or state.sCount[number] < state.blkIndent:
            return None
        if _closes(line, closing, opened_before=number > start):
            return number
        if number == start and closing in line[2:]:
            return None  # it ends within its line, and words follow
    return end - 1 if end - start < _MOST_LINES and end == state.lineMax else None


def _closes(line: str, closing: str, *, opened_before: bool = False) -> bool:
    line = line.rstrip().rstrip(".,")
    return line.endswith(closing) and (opened_before or len(line) >= 4)


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _joined(text: str, pos: int) -> bool:
    """Whether the dollar at ``pos`` belongs to what stands before it, as in ``US$``."""
    return pos > 0 and (text[pos - 1].isalnum() or text[pos - 1] == "$")


def _is_formula(content: str) -> bool:
    """Whether what stands between two dollars is one, and not what stands between two prices."""
    words = _WORD.findall(re.sub(r"\\[A-Za-z]+(?:\{[^{}]*\})?", " ", content))
    plain = [word for word in words if word not in _NAMED_FUNCTIONS]
    if content[0].isdigit() and plain:
        return False
    return bool(_TEX.search(content)) or not any(len(word) > 2 for word in plain)


@lru_cache(maxsize=1_024)
def mathml(latex: str, *, display: bool) -> str | None:
    """``latex`` in MathML; ``None`` for what cannot be converted."""
    if len(latex) > _LONGEST:
        return None
    source = _ALIGNED.sub(r"\\\1{split}", _COMMENT.sub(r"\\%", latex.strip()))
    try:
        made = convert_to_element(source, display="block" if display else "inline")
        return _markup(made, ' dir="ltr"')
    except Exception:  # The converter raises whatever it stumbles upon; verbatim is always right.
        return None


def _markup(element: Element, more: str = "") -> str:
    r"""``element`` as text, of known names only. Its own serializer would let tags in ``\text`` through."""
    if element.tag not in _ELEMENTS:
        raise ValueError(element.tag)
    kept = {name: value for name, value in element.attrib.items() if name in _ATTRIBUTES and _VALUE.fullmatch(value)}
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
    parts = list(map(_markup, element))
    if element.tag == "msqrt":
        return _root(parts)
    if element.tag == "mroot":
        return _root(parts[:1], parts[1])
    inside = escape(unescape(element.text or "")) + "".join(parts)
    return f"<{element.tag}{attributes}{more}>{inside}</{element.tag}>"


def _root(parts: list[str], degree: str = "") -> str:
    """A root made of its sign and a line above: where no font for formulas is installed, Chromium draws none."""
    sign = f"<msup><mrow></mrow>{degree}</msup><mo>√</mo>" if degree else "<mo>√</mo>"
    return f'<mrow>{sign}<mrow class="md-radicand">{"".join(parts)}</mrow></mrow>'
