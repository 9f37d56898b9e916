"""Code in an answer: its language named, its words coloured, a button to copy it."""

import re
from functools import cache
from html import escape
from itertools import groupby
from typing import Any, Final

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Literal, Name, Number, Operator, String
from pygments.util import ClassNotFound

_LANGUAGE: Final = re.compile(r"[\w+#.-]{1,24}")
#: The languages that models write, and no others: a lexer is made of other people's patterns, and while one is at work
#: nothing else runs.
_COLOURED: Final = frozenset({
    "bash", "c", "c++", "cpp", "cs", "csharp", "css", "diff", "dockerfile", "go", "golang", "graphql", "html", "ini",
    "java", "javascript", "js", "json", "kotlin", "lua", "makefile", "php", "powershell", "py", "python", "r", "rb",
    "ruby", "rs", "rust", "scala", "sh", "shell", "sql", "swift", "toml", "ts", "typescript", "xml", "yaml", "yml",
    "zsh",
})  # fmt: skip
_MOST_CHARS: Final = 20_000
_LONGEST_LINE: Final = 500
#: Kinds of words by the class that ``frontend/kit/71-prose.css`` gives a colour; the first that fits counts.
_KINDS: Final = (
    (Comment, "comment"), (String, "string"), (Number, "number"), (Literal, "string"), (Keyword, "keyword"),
    (Operator.Word, "keyword"), (Name.Tag, "keyword"), (Name.Function, "name"), (Name.Class, "name"),
    (Name.Decorator, "name"), (Name.Attribute, "name"), (Name.Builtin, "name"),
)  # fmt: skip

_COPY: Final = (
    '<svg width="14" height="14" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
    'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
    '<rect width="14" height="14" x="8" y="8" rx="2"/>'
    '<path d="M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2"/></svg>'
)


def code_block(content: str, language: str, *, highlight: bool) -> str:
    """``content`` in a frame; coloured if ``highlight`` and if its language is a common one."""
    name = escape(language) if _LANGUAGE.fullmatch(language) else ""
    inside = _coloured(content, name) if highlight else escape(content)
    return (
        f'<figure class="md-code" dir="ltr"><figcaption><span>{name or "Code"}</span>'
        f'<button type="button" data-copy="code">{_COPY}<span>Copy</span></button></figcaption>'
        f'<pre tabindex="0" role="group" aria-label="Code{f", {name}" if name else ""}">'
        f"<code>{inside}</code></pre>"
        "</figure>"
    )


def _coloured(content: str, language: str) -> str:
    small = len(content) <= _MOST_CHARS and max(map(len, content.split("\n"))) <= _LONGEST_LINE
    lexer = _lexer(language.lower()) if small else None
    if lexer is None:
        return escape(content)
    made: list[str] = []
    for kind, tokens in groupby(lexer.get_tokens(content), key=lambda token: _kind(token[0])):
        words = escape("".join(word for _, word in tokens))
        made.append(f'<span class="code-{kind}">{words}</span>' if kind else words)
    return "".join(made)


def _kind(token: Any) -> str:
    return next((name for above, name in _KINDS if token in above), "")


@cache
def _lexer(language: str) -> Lexer | None:
    if language not in _COLOURED:
        return None
    try:
        # As it is: stripping or adding a line would change what is copied.
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
