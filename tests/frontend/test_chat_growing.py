"""A block that grows is read in proportion to its length, and looks at every moment as if it were read whole."""

from collections.abc import Iterator

import pytest

from frontend.kit.markdown import Unfinished, render
from frontend.kit.markdown.growing import _closed
from frontend.kit.markdown.html import Renderer
from frontend.kit.markdown.parser import BLOCK_MAX_CHARS, parser

LISTS = {
    "items": "- Say **one** thing\n",
    "spaced items": "* Say `one` thing\n\n",
    "numbers": "3. a point of many words\n",
    "nested": "- one\n  - deeper\n    1. deepest\n",
    "tasks": "- [ ] to do\n- [x] done\n",
}
ROWS = "| **a** | b |\n"
TABLE = "| x | y |\n| --- | --: |\n"
PARAGRAPH = "Some words of a **long** paragraph, and so on. "


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many characters the parser was given at each call."""
    sizes: list[int] = []
    block = parser(Renderer).block
    parse = block.parse

    def counting(src: str, *rest: object) -> object:
        sizes.append(len(src))
        return parse(src, *rest)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(block, "parse", counting)
    return sizes


def arriving(source: str, step: int = 10) -> Iterator[Unfinished]:
    growing = Unfinished()
    for start in range(0, len(source), step):
        growing.add(source[start : start + step])
        if growing.due:
            growing.advance()
        yield growing


def cost(read: list[int], source: str) -> int:
    read.clear()
    for _ in arriving(source):
        pass
    return sum(read)


@pytest.mark.parametrize("source", [*(line * 400 for line in LISTS.values()), TABLE + ROWS * 600], ids=[*LISTS, "rows"])
def test_items_and_rows_of_a_long_block_are_parsed_a_few_times_each(read: list[int], source: str) -> None:
    short, long = cost(read, source[:4_000]), cost(read, source[:8_000])
    assert short < 40 * 4_000  # all of the list with each of the 400 pieces would be 400 * 2,000 at least
    assert long < 2.2 * short


def test_a_long_paragraph_is_parsed_in_proportion_to_its_length(read: list[int]) -> None:
    short, long = (cost(read, (PARAGRAPH * 400)[:length]) for length in (4_000, 16_000))
    assert long < 6 * short


@pytest.mark.parametrize("source", [*(line * 5 for line in LISTS.values()), TABLE + ROWS * 5], ids=[*LISTS, "rows"])
@pytest.mark.parametrize("step", [1, 7])
def test_a_block_that_grows_looks_like_one_that_is_read_whole(source: str, step: int) -> None:
    seen: list[str] = []
    for growing in arriving(source, step):
        whole = "".join(render(_closed(growing.rest), growing=True))
        assert "".join([*growing.parts, growing.tail]).strip() == whole
        assert growing.parts[: len(seen)] == seen
        seen = list(growing.parts)
    assert len(seen) > 1
    growing.add("\nThe end.\n\nReally")
    growing.advance()
    assert growing.parts == []
    assert [*growing.blocks, growing.tail] == render(f"{source}\nThe end.\n\nReally")


def test_a_list_too_large_to_be_read_closely_is_shown_as_it_was_written() -> None:
    line = LISTS["items"]
    count = BLOCK_MAX_CHARS // len(line) + 2
    *_, growing = arriving(line * count, 400)
    growing.advance()
    assert growing.parts == []
    assert growing.tail.startswith('<p class="md-verbatim"')
    assert growing.tail.count("**one**") == count
