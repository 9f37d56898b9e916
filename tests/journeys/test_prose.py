"""How a browser shows an answer: formulas are formulas, every block keeps its direction, wide tables say so."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from frontend import theme
from frontend.design import STYLES
from frontend.kit.markdown import render

pytestmark = pytest.mark.journey
ANSWER = """# שלום

مرحبا بالعالم.

- النقطة الأولى.
- English in between.

An English paragraph with שלום inside.

The root $\\sqrt{x}$ is here.

| One | Two | Three | Four | Five | Six |
| --- | --- | --- | --- | --- | --- |
| a few words | a few words | a few words | a few words | a few words | a few words that go on |
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """The answer under the app's own rule for what a page may load."""
    sheets = [theme.stylesheet(), *(path.read_text("utf-8") for path in STYLES)]
    blocks = "".join(f'<div class="md-block">{block}</div>' for block in render(ANSWER))
    policy = "default-src 'none'; style-src 'self' 'unsafe-inline'"
    page = browser.new_page(viewport={"width": 375, "height": 800})
    page.set_content(
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{policy}"><meta charset="utf-8">'
        f'<style>{"".join(sheets)}</style><div class="md" style="width: 340px">{blocks}</div>'
    )
    yield page
    page.close()


def test_formulas_are_drawn_by_the_browser(page: Page) -> None:
    assert page.evaluate("document.querySelector('math') instanceof MathMLElement")
    assert page.evaluate("getComputedStyle(document.querySelector('.md-radicand')).borderTopWidth") == "1px"


def test_every_block_runs_in_its_own_direction(page: Page) -> None:
    def direction(selector: str) -> str:
        return str(page.eval_on_selector(selector, "one => getComputedStyle(one).direction"))

    assert (direction("h3"), direction("p"), direction("ul")) == ("rtl", "rtl", "rtl")
    assert direction("p >> text=An English") == "ltr"
    assert page.eval_on_selector("ul", "one => getComputedStyle(one).paddingRight") == "24px", "the bullets' side"
    first, second = page.eval_on_selector_all(
        "li",
        """items => items.map((item) => {
            const words = document.createRange();
            words.selectNodeContents(item);
            const [box, own] = [words.getBoundingClientRect(), item.getBoundingClientRect()];
            return own.right - box.right < 2 ? "right" : box.left - own.left < 2 ? "left" : "nowhere";
        })""",
    )
    assert (first, second) == ("right", "left")


def test_a_wide_table_scrolls_by_keyboard_and_breaks_no_words(page: Page) -> None:
    table = page.get_by_role("group", name="Table")
    assert table.evaluate("one => one.scrollWidth > one.clientWidth")
    assert table.evaluate("one => getComputedStyle(one).backgroundAttachment") == "local, local, scroll, scroll"
    table.evaluate("one => one.addEventListener('scroll', () => { one.title = 'moved' })")
    table.focus()
    page.keyboard.press("ArrowRight")
    expect(table).to_have_attribute("title", "moved")
    heights = page.eval_on_selector_all("tbody td", "cells => cells.map(one => one.clientHeight)")
    assert max(heights) < 80
