"""Answers become HTML that can do nothing, and look the same whether they arrive whole or in pieces."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontend.components.markdown import Unfinished, plain, render

HARMLESS_TAGS = {
    "a", "blockquote", "br", "button", "code", "div", "em", "figcaption", "figure", "h3", "hr", "li", "ol", "p", "path",
    "pre", "rect", "s", "span", "strong", "svg", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
HARMLESS_ATTRIBUTES = {
    "aria-hidden", "aria-label", "d", "data-align", "data-copy", "data-level", "fill", "height", "href", "rel", "role",
    "rx", "scope", "start", "stroke", "stroke-linecap", "stroke-linejoin", "stroke-width", "tabindex", "target", "type",
    "viewbox", "width", "x", "y",
}  # fmt: skip
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
            assert values["class"] in {"md-code", "md-table"}
            names.remove("class")
        assert names <= HARMLESS_ATTRIBUTES, names
        if tag == "a":
            assert values["rel"] == "noopener noreferrer nofollow"
            assert values["target"] == "_blank"
            self.links.append(values["href"] or "")
            assert re.match(r"(?i)(https?|mailto):", self.links[-1]), self.links
        if tag not in ("br", "hr", "path", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("br", "hr", "path", "rect"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


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
    growing = Unfinished()
    for character in source:
        growing.add(character)
        inspect([*growing.blocks, growing.tail])
    assert html.words.strip() or html.links


@given(st.text(alphabet="<>&\"'`*_~[]()!#|-:/.\\\n abjsript1", max_size=80))
@settings(max_examples=200, deadline=None)
def test_nothing_dangerous_comes_out_of_anything(source: str) -> None:
    inspect(render(source))
    growing = Unfinished()
    growing.add(source[: len(source) // 2])
    inspect([*growing.blocks, growing.tail])


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
    assert inspect([block]).words.endswith('if a < b:\n\treturn "&amp;"\n')
    assert "<span>Code</span>" in render("```\nplain\n```")[0]
    assert "<span>Code</span>" in render('```a"b\nplain\n```')[0]


def test_headings_never_skip_a_rank() -> None:
    assert re.findall(r"<h\d", "".join(render("#### deep\n\n# top\n\n###### deepest"))) == ["<h3"] * 3


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50, 1000])
def test_pieces_end_as_the_whole(step: int) -> None:
    growing = Unfinished()
    for start in range(0, len(ANSWER), step):
        growing.add(ANSWER[start : start + step])
    assert [*growing.blocks, *render(growing.text[growing._settled :])] == render(ANSWER)


def test_finished_blocks_are_never_touched_again() -> None:
    growing = Unfinished()
    seen: list[list[str]] = []
    for character in ANSWER:
        growing.add(character)
        seen.append(list(growing.blocks))
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
    growing = Unfinished()
    growing.add(source)
    html = "".join([*growing.blocks, growing.tail])
    assert " ".join(re.sub(r"<[^>]+>", " ", html).split()) == shown


def test_words_for_the_ear_carry_no_marks() -> None:
    assert plain("**Do** it [now](https://a.b).\n\n- one\n- two\n\n```py\nx\n```") == "Do it now. one two Code."
