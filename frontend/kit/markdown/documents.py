"""Whole documents: their blocks as HTML, and as words for the ear."""

from markdown_it.token import Token
from markdown_it.utils import EnvType

from frontend.kit.markdown.html import Renderer
from frontend.kit.markdown.parser import parser, top_level


def render(text: str, *, growing: bool = False) -> list[str]:
    """The top-level blocks of ``text`` as HTML, in order; they belong next to each other in one element.

    ``growing`` leaves out what is only worth its while in a block that is complete: the colours of code.
    """
    made = parser(Renderer)
    env: EnvType = {"growing": growing}
    blocks = top_level(made.parse(text, env))
    return [str(made.renderer.render(block, made.options, env)).strip("\n") for block in blocks]


def plain(text: str) -> str:
    """``text`` without its marks, for reading aloud."""
    words: list[str] = []
    for token in parser(Renderer).parse(text, {}):
        if token.type == "inline":
            words.append("".join(map(_spoken, token.children or [])))
        elif token.type in ("fence", "code_block"):
            words.append("Code.")
        elif token.type == "formula":
            words.append("Formula.")
    return " ".join(" ".join(words).split())


def _spoken(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return token.content
