"""Answers become HTML that can do nothing, and look the same whether they arrive whole or in pieces."""

import gc
import re
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontend.kit.markdown import Unfinished, plain, render

HARMLESS_TAGS = {
    "a", "blockquote", "br", "button", "code", "div", "em", "figcaption", "figure", "h3", "hr", "input", "li", "math",
    "mfrac", "mi", "mn", "mo", "mrow", "mspace", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr",
    "ol", "p", "path", "pre", "rect", "s", "span", "strong", "sup", "svg", "table", "tbody", "td", "th", "thead", "tr",
    "ul",
}  # fmt: skip
HARMLESS_ATTRIBUTES = {
    "aria-hidden", "aria-label", "checked", "columnalign", "d", "data-align", "data-copy", "data-level", "dir",
    "disabled", "display", "displaystyle", "fill", "height", "href", "mathvariant", "rel", "role", "rx", "scope",
    "start", "stretchy", "stroke", "stroke-linecap", "stroke-linejoin", "stroke-width", "tabindex", "target", "type",
    "viewbox", "width", "x", "y",
}  # fmt: skip
CLASSES = {
    "md-code", "md-table", "md-task", "md-note", "md-formula", "md-display", "md-radicand", "md-verbatim",
    "code-comment", "code-keyword", "code-name", "code-number", "code-string",
}  # fmt: skip
EMPTY = ("br", "hr", "path", "rect", "input")
ANSWER = """**Short** answer with `code` and [a link](https://example.com/a?b=1&c=2).

# One
### Three

- one
- two **bold words**
  - deeper

1. first
2. second

| a | b |
| :-- | --: |
| 1 | 2 |

```python
x = 1 < 2

y = "`"
```

> said
> twice

End
#1 is ~~not~~ a heading. 2 * 3 * 4 = 24
"""


class Inspector(HTMLParser):
    """Fails for everything that a browser could act upon."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ""
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in HARMLESS_TAGS, tag
        values = dict(attrs)
        names = set(values)
        if "class" in names:
            assert values["class"] in CLASSES
            names.remove("class")
        assert names <= HARMLESS_ATTRIBUTES, names
        if tag == "a":
            assert values["rel"] == "noopener noreferrer nofollow"
            assert values["target"] == "_blank"
            self.links.append(values["href"] or "")
            assert re.match(r"(?i)(https?|mailto):", self.links[-1]), self.links
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def grown(source: str, step: int = 1) -> Iterator[Unfinished]:
    """A text after each of its pieces."""
    growing = Unfinished()
    for start in range(0, len(source), step) or [0]:
        growing.add(source[start : start + step])
        growing.advance()
        yield growing


def html_of(growing: Unfinished) -> list[str]:
    return [*growing.blocks, *growing.parts, growing.tail]


def inspect(blocks: list[str]) -> Inspector:
    inspector = Inspector()
    inspector.feed("".join(blocks))
    inspector.close()
    assert inspector.open == []
    return inspector


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "text <b onclick=alert(1)>bold</b>",
        "<svg/onload=alert(1)>",
        "<!-- --><style>*{}</style>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x]( javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](file:///etc/passwd)",
        "[x](//example.com/x)",
        "[x](/settings)",
        "[x](#transcript)",
        "[x][r]\n\n[r]: javascript:alert(1)",
        "<javascript:alert(1)>",
        '[x](https://a.b "onmouseover=alert(1)")',
        '[x](https://a.b/"onmouseover="alert(1))',
        "![x](javascript:alert(1))",
        "![x](https://a.b/p.png)",
        '![" onerror="alert(1)](https://a.b/p.png)',
        '```"><script>alert(1)</script>\nx\n```',
        "```html\n<script>alert(1)</script>\n```",
        "    <script>alert(1)</script>",
        "| <img src=x onerror=alert(1)> |\n| --- |\n| <script>x</script> |",
        "`<script>`",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<a href='https://a.b' onclick=x>y</a>",
        "[x](https://[::1)",
    ],
)
def test_what_comes_out_can_do_nothing(source: str) -> None:
    html = inspect(render(source))
    for growing in grown(source):
        inspect(html_of(growing))
    assert html.words.strip() or html.links


@given(st.text(alphabet="<>&\"'`*_~[]()!#|-:/.\\\n $^{}@wabjsript1م", max_size=80))
@settings(max_examples=200, deadline=None)
def test_nothing_dangerous_comes_out_of_anything(source: str) -> None:
    inspect(render(source))
    (growing,) = grown(source[: len(source) // 2], 80)
    inspect(html_of(growing))


def test_raw_html_is_shown_as_it_was_written() -> None:
    assert "<b>bold</b> & <script>x</script>" in inspect(render("<b>bold</b> & <script>x</script>")).words


def test_links_lead_out_and_pictures_become_links() -> None:
    html = inspect(render("[a](https://a.b/?x=1&y=2) <mailto:ada@example.com> ![chart](http://c.d/e.png)"))
    assert html.links == ["https://a.b/?x=1&y=2", "mailto:ada@example.com", "http://c.d/e.png"]
    assert "chart" in html.words
    assert "<img" not in "".join(render("![chart](http://c.d/e.png)"))


def test_code_has_its_language_a_button_and_its_exact_text() -> None:
    (block,) = render('```python title="x"\nif a < b:\n\treturn "&amp;"\n```')
    assert "<span>python</span>" in block
    assert 'data-copy="code"' in block
    assert "return" in block
    assert inspect([block]).words.endswith('if a < b:\n\treturn "&amp;"\n')
    assert inspect(render("```python\n\n  x = 1\n\n\n```")).words.endswith("Copy\n  x = 1\n\n\n")
    assert "<span>Code</span>" in render("```\nplain\n```")[0]
    assert "<span>Code</span>" in render('```a"b\nplain\n```')[0]


def test_headings_never_skip_a_rank() -> None:
    assert re.findall(r"<h\d", "".join(render("#### deep\n\n# top\n\n###### deepest"))) == ["<h3"] * 3


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50, 1000])
def test_pieces_end_as_the_whole(step: int) -> None:
    *_, growing = grown(ANSWER, step)
    assert [*growing.blocks, *render(growing.rest)] == render(ANSWER)


def test_finished_blocks_are_never_touched_again() -> None:
    seen = [list(growing.blocks) for growing in grown(ANSWER)]
    assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(seen))
    assert len(seen[-1]) == len(render(ANSWER)) - 1


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("This is **bo", "This is bo"),
        ("This is **bold*", "This is bold"),
        ("This is **", "This is"),
        ("See `co", "See co"),
        ("See [the stu", "See the stu"),
        ("See [the study](https://exa", "See the study"),
        ("| a | b |\n| --", ""),
        ("Before.\n\n| a |", "Before."),
        ("```", "Code Copy"),
    ],
)
def test_marks_that_are_still_open_are_not_shown(source: str, shown: str) -> None:
    (growing,) = grown(source, 80)
    html = "".join(html_of(growing))
    assert " ".join(re.sub(r"<[^>]+>", " ", html).split()) == shown


def test_words_for_the_ear_carry_no_marks() -> None:
    assert plain("**Do** it [now](https://a.b).\n\n- one\n- two\n\n```py\nx\n```") == "Do it now. one two Code."


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("这是**重要**的", "这是<strong>重要</strong>的"),
        ("**「引用」**は", "<strong>「引用」</strong>は"),
        ("**한국어(Korean)**은", "<strong>한국어(Korean)</strong>은"),
        ("**“重要”**的，*斜体。*后", "<strong>“重要”</strong>的，<em>斜体。</em>后"),
        ("2 * 3 * 4, snake_case_name", "2 * 3 * 4, snake_case_name"),
        ("one\ntwo", "one<br />\ntwo"),
        ("one<br>two<BR/>three", "one<br />\ntwo<br />\nthree"),
        ("note[^1], pattern [^a]", "note<sup>[1]</sup>, pattern [^a]"),
    ],
)
def test_words_as_models_write_them(source: str, html: str) -> None:
    assert render(source) == [f'<p dir="auto">{html}</p>']


@pytest.mark.parametrize(
    "source",
    [
        "It costs $5 and $10.", "from $5 to $10, or US$7 (CA$9)", "5$ and 10$", "$HOME/bin and $PATH",
        "$5/$10 or $1,000",
        "`$a$` and \\$a\\$", "$ a $", "between $5–10 and 15$", "a $ b", "$$", "$$$",
        "profit of $3 million and loss of 2$",
    ],
)  # fmt: skip
def test_prices_and_variables_are_no_formulas(source: str) -> None:
    assert "<math" not in "".join(render(source))


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("$E = mc^2$ and $x$, $n+1$, $O(n \\log n)$", 4), (r"\(a_1\) and \[x^2\] here", 2), ("so $$y = 1$$ holds", 1),
        ("so\n$$\n\\frac{a}{b}\n$$\nthen", 1), ("\\[\na\n- b\n+ c\n\\]", 1), ("- item\n\n  $$\n  x\n  $$", 1),
        ("$50\\%$", 1),
        ("| a |\n|---|\n| $x^2$ |", 1), (r"$$\begin{aligned}a &= b\\ c &= d\end{aligned}$$", 1),
    ],
)  # fmt: skip
def test_formulas_are_mathml(source: str, count: int) -> None:
    html = "".join(render(source))
    inspect([html])
    assert html.count("<math") == count


@pytest.mark.parametrize(
    "formula", [r"\text{<b onclick=x>}", r"\href{javascript:alert(1)}{x}", r"\class{a}{x}", r"\style{color:red}{x}"]
)
def test_a_formula_brings_no_markup_of_its_own(formula: str) -> None:
    html = "".join(render(f"${formula}$"))
    assert "<math" in html
    inspect([html])


def test_roots_have_their_sign_wherever_they_are_shown() -> None:
    """Chromium leaves it out where no font for formulas is installed."""
    html = "".join(render(r"$\sqrt{x}$ $\sqrt[3]{y}$"))
    assert html.count("√") == 2
    assert "msqrt" not in html
    assert "mroot" not in html
    inspect([html])


def test_what_is_no_formula_stays_as_it_was_written() -> None:
    assert inspect(render(r"$\begin{evil}$ x")).words == r"$\begin{evil}$ x"
    assert inspect(render("$$\na = b")).words == "$$\na = b"


def test_bare_addresses_are_links() -> None:
    source = (
        "See https://a.b/c_d_(e)?x=1. www.a.org, ada@b.co.uk; 请看https://a.b/c。好 (http://c.d) [x](https://e.f) "
        "main.py README.md `https://no.no` a@b"
    )
    html = inspect(render(source))
    assert html.links == [
        "https://a.b/c_d_(e)?x=1", "https://www.a.org", "mailto:ada@b.co.uk", "https://a.b/c", "http://c.d",
        "https://e.f",
    ]  # fmt: skip


def test_tasks_and_notes() -> None:
    tasks = render("- [ ] one\n- [x] **two**\n- [y] three")[0]
    assert tasks.count("<input") == 2
    assert tasks.count(" checked") == 1
    assert '"Done" checked><strong>two' in tasks
    note = render("Said[^src].\n\n[^src]: By *me*\n[^2]: also")
    assert "<sup>[src]</sup>." in note[0]
    assert [inspect([block]).words.strip() for block in note[1:]] == ["[src]By me", "[2]also"]


@pytest.mark.parametrize("mark", ["> ", "- ", "1. ", "[", "*", "![", "[^1]: "])
@pytest.mark.parametrize("depth", [5, 25, 200])
def test_nesting_loses_no_text(mark: str, depth: int) -> None:
    assert "innermost" in inspect(render(mark * depth + "innermost")).words


def test_nested_lists_keep_every_item() -> None:
    source = "\n".join(f"{'  ' * depth}- item{depth}" for depth in range(50))
    words = inspect(render(source)).words
    assert [f"item{depth}" in words for depth in range(50)] == [True] * 50


def test_each_block_has_its_own_direction() -> None:
    source = (
        "# שלום\n\nمرحبا\n\n- שלום\n- two\n\n> سلام\n\n| שם | b |\n|---|---|\n| 1 | 2 |\n\n"
        "Between\n\n- one\n\n`שלום`\n\n```\nש\n```"
    )
    html = "".join(render(source))
    for piece in (
        '<h3 data-level="1" dir="auto">', '<p dir="auto">', '<ul dir="rtl">', '<blockquote dir="rtl">',
        '<table dir="rtl">', '<td dir="auto">', '<ul dir="ltr">', '<code dir="ltr">',
        '<figure class="md-code" dir="ltr">',
    ):  # fmt: skip
        assert piece in html


FLOODS = {
    "open brackets": "[", "pictures": "![", "brackets": "[]", "half links": "[a](", "links": "[a](b)",
    "marks": "*a _b ",
    "stars": "*", "lines": "_", "half strong": "**a", "ticks": "`a``", "fences": "```\n", "quotes": "> ",
    "bullets": "- ", "items": "- [ ] a\n", "numbers": "1. a\n   - b\n", "cells": "|a|b|\n", "rows": "|a" * 20 + "\n",
    "references": "[a]: b\n", "notes": "[^1]: ", "note marks": "[^1]", "addresses": "http://", "mail": "a.b@",
    "www": "www.",
    "dollars": "$a ", "formulas": "$x_{1}$ ", "open formulas": "\\[\n", "round formulas": "\\(a", "escapes": "\\",
    "entities": "&amp;", "angles": "<br", "words": "word ", "one line": "x", "paragraphs": "a\n\n", "cjk": "**重",
}  # fmt: skip


def cost(work: Callable[[], object]) -> float:
    gc.disable()
    try:
        runs = []
        for _ in range(2):
            began = time.process_time()
            work()
            runs.append(time.process_time() - began)
        return min(runs)
    finally:
        gc.enable()


def stream(source: str) -> None:
    growing = Unfinished()
    for start in range(0, len(source), 40):
        growing.add(source[start : start + 40])
        if growing.due:
            growing.advance()


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_whatever_a_model_writes_costs_in_proportion_to_its_length(flood: str) -> None:
    """CPU and not wall time, of one text and of one four times as long; by the square it would be sixteen times."""
    short, long = ((flood * length)[:length] for length in (2_500, 10_000))
    assert cost(lambda: render(long)) < 9 * cost(lambda: render(short)) + 0.05


@pytest.mark.parametrize("flood", ["[", "> a\n", "|a|b|\n", "*a ", "word ", "a\n\n"])
def test_pieces_cost_in_proportion_to_the_length_of_the_whole(flood: str) -> None:
    source = (flood * 12_000)[:12_000]
    assert cost(lambda: stream(source)) < 9 * cost(lambda: stream(source[:3_000])) + 0.2


def test_long_tails_are_rendered_when_they_have_grown() -> None:
    growing = Unfinished()
    read = 0
    for _ in range(10_000):
        growing.add("[ 1234567")
        if growing.due:
            read += growing.size
            growing.advance()
    assert growing.size == 90_000
    assert read < 66 * 90_000
    assert growing.tail.startswith('<p class="md-verbatim"')
    assert growing.rest == "[ 1234567" * 10_000


def test_a_large_table_is_shown_as_it_was_written_and_large_code_is_code() -> None:
    rows = "| a | b |\n|---|---|\n" + "| cell | cell |\n" * 4_000
    before, table, after = render(f"Before\n\n{rows}\nAfter")
    assert (before, after) == ('<p dir="auto">Before</p>', '<p dir="auto">After</p>')
    assert table.startswith('<p class="md-verbatim"')
    assert inspect([table]).words.count("cell") == 8_000
    code = "x = 1\n" * 20_000
    assert inspect(render(f"```python\n{code}```")).words.endswith(code)
