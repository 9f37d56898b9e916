"""Contrast of every text colour on every ground that it is used on, computed as WCAG 2 says."""

import re

import pytest

from frontend import theme

GROUNDS = ("canvas", "surface", "surface-raised", "surface-sunken", "surface-hover")
TEXTS = ("text", "text-muted", "text-subtle", "accent-text", "bad")
PAIRS = [(text, ground) for text in TEXTS for ground in GROUNDS]
PAIRS += [(tone, f"{tone}-soft") for tone in ("good", "warning", "bad", "info")]
PAIRS += [("accent-text", "accent-soft"), ("on-accent", "accent"), ("on-accent", "accent-hover")]
PAIRS += [(tone, "surface-sunken") for tone in ("good", "warning", "info")]  # the words of code
PAIRS += [("text", "surface-active"), ("text-muted", "surface-active"), ("good", "surface"), ("bad", "surface")]


def luminance(colour: str) -> float:
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_reaches_aa(colours: dict[str, str], text: str, ground: str) -> None:
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_edges_of_controls_can_be_seen(colours: dict[str, str]) -> None:
    assert contrast(colours["border-control"], colours["surface"]) >= 3
    assert contrast(colours["accent-text"], colours["canvas"]) >= 3


def test_both_themes_name_the_same_things() -> None:
    assert theme.LIGHT.keys() == theme.DARK.keys()


def test_style_sheets_use_only_names_of_the_theme() -> None:
    from frontend.design import STYLES

    known = set(re.findall(r"(--[a-z0-9-]+):", theme.stylesheet()))
    for sheet in STYLES:
        text = sheet.read_text("utf-8")
        used = set(re.findall(r"var\((--[a-z0-9-]+)", text))
        own = set(re.findall(r"(--[a-z0-9-]+):", text))
        assert used <= known | own, sheet.name
        assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", text), f"{sheet.name} holds a raw colour"
