"""Every visual decision of the web app: colours of both themes, type, spacing, shape and motion.

The names become CSS custom properties (``--space-4``, ``--text-muted``); style sheets and pages use those and never a
raw value. All text colours reach WCAG AA on every surface that they are used on, in both themes;
``tests/frontend/test_theme.py`` computes it.
"""

from collections.abc import Mapping
from typing import Final

#: Cool neutrals, lightest first. Semantic colours below pick from them.
NEUTRAL: Final[Mapping[str, str]] = {
    "0": "#ffffff",
    "25": "#fbfbfc",
    "50": "#f6f7f8",
    "100": "#eeeff2",
    "200": "#e2e4e9",
    "300": "#cdd0d8",
    "400": "#8b909e",
    "500": "#646a79",
    "600": "#4d5261",
    "700": "#383c49",
    "800": "#262932",
    "850": "#1d2027",
    "900": "#16181e",
    "925": "#111318",
    "950": "#0b0d11",
}

LIGHT: Final[Mapping[str, str]] = {
    "canvas": NEUTRAL["50"],
    "surface": NEUTRAL["0"],
    "surface-raised": NEUTRAL["0"],
    "surface-sunken": NEUTRAL["50"],
    "surface-hover": NEUTRAL["100"],
    "surface-active": NEUTRAL["200"],
    "border": NEUTRAL["200"],
    "border-strong": NEUTRAL["300"],
    "border-control": NEUTRAL["400"],
    "text": NEUTRAL["900"],
    "text-muted": NEUTRAL["600"],
    "text-subtle": NEUTRAL["500"],
    "accent": "#2f4fd8",
    "accent-hover": "#2743bb",
    "accent-soft": "#edf0fd",
    "accent-text": "#2b49c9",
    "on-accent": NEUTRAL["0"],
    "good": "#0f7a43",
    "good-soft": "#e5f5ec",
    "warning": "#8f5400",
    "warning-soft": "#fdf2dd",
    "bad": "#c02631",
    "bad-soft": "#fdecec",
    "info": "#1c62b9",
    "info-soft": "#e8f1fc",
    "scrim": "rgb(11 13 17 / 0.45)",
    "shadow-low": "0 1px 2px rgb(22 24 30 / 0.06)",
    "shadow-high": "0 12px 32px rgb(22 24 30 / 0.14), 0 2px 6px rgb(22 24 30 / 0.08)",
}

DARK: Final[Mapping[str, str]] = {
    "canvas": NEUTRAL["950"],
    "surface": NEUTRAL["925"],
    "surface-raised": NEUTRAL["900"],
    "surface-sunken": NEUTRAL["950"],
    "surface-hover": NEUTRAL["850"],
    "surface-active": NEUTRAL["800"],
    "border": "#23262e",
    "border-strong": "#343844",
    "border-control": "#6b7181",
    "text": "#eceef2",
    "text-muted": "#b1b6c2",
    "text-subtle": "#8f95a4",
    "accent": "#4464ea",
    "accent-hover": "#3a59dc",
    "accent-soft": "#1a2140",
    "accent-text": "#9db1ff",
    "on-accent": NEUTRAL["0"],
    "good": "#4ccb86",
    "good-soft": "#0f2a1c",
    "warning": "#e5ad4f",
    "warning-soft": "#2e2310",
    "bad": "#ff8a8f",
    "bad-soft": "#341619",
    "info": "#79b4f7",
    "info-soft": "#11243b",
    "scrim": "rgb(0 0 0 / 0.6)",
    "shadow-low": "0 1px 2px rgb(0 0 0 / 0.4)",
    "shadow-high": "0 16px 40px rgb(0 0 0 / 0.55), 0 0 0 1px rgb(255 255 255 / 0.04)",
}

#: Multiples of 4 px, named by the multiple.
SPACE_STEPS: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20)
#: Font sizes in px with the line height that belongs to each.
TYPE_SCALE: Final[Mapping[int, int]] = {12: 16, 13: 20, 14: 20, 16: 24, 20: 28, 28: 36}
RADII: Final[Mapping[str, str]] = {"radius-control": "6px", "radius-card": "10px"}
MOTION: Final[Mapping[str, str]] = {
    "motion-fast": "120ms",
    "motion-slow": "200ms",
    "ease": "cubic-bezier(0.2, 0, 0, 1)",
}
LAYOUT: Final[Mapping[str, str]] = {
    "sidebar-width": "248px",
    "topbar-height": "56px",
    "content-width": "1120px",
    "reading-width": "70ch",
    "icon": "16px",
}
FONTS: Final[Mapping[str, str]] = {
    "font-sans": '"Geist Variable", system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
    "font-mono": '"Geist Mono Variable", ui-monospace, "SF Mono", Menlo, Consolas, monospace',
}

_LATIN: Final = (
    "U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+0304, U+0308, U+0329, U+2000-206F, "
    "U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215, U+FEFF, U+FFFD"
)
_LATIN_EXTENDED: Final = (
    "U+0100-02BA, U+02BD-02C5, U+02C7-02CC, U+02CE-02D7, U+02DD-02FF, U+0304, U+0308, U+0329, U+1D00-1DBF, "
    "U+1E00-1E9F, U+1EF2-1EFF, U+2020, U+20A0-20AB, U+20AD-20C0, U+2113, U+2C60-2C7F, U+A720-A7FF"
)
FONT_FACES: Final = (
    ("Geist Variable", "/fonts/geist-latin-wght-normal.woff2", _LATIN),
    ("Geist Variable", "/fonts/geist-latin-ext-wght-normal.woff2", _LATIN_EXTENDED),
    ("Geist Mono Variable", "/fonts/geist-mono-latin-wght-normal.woff2", _LATIN),
)
#: Fetched with the page instead of after its style sheet.
PRELOADED_FONT: Final = FONT_FACES[0][1]


def stylesheet() -> str:
    """The tokens as CSS: font faces, the shared properties and the colours of both themes."""
    shared = {f"space-{step}": f"{step * 4}px" for step in SPACE_STEPS}
    for size, line in TYPE_SCALE.items():
        shared[f"text-{size}"] = f"{size}px"
        shared[f"line-{size}"] = f"{line}px"
    shared.update({**RADII, **MOTION, **LAYOUT, **FONTS})
    return "\n".join(
        [
            *(_font_face(*face) for face in FONT_FACES),
            _rule(":root", shared),
            _rule(":root, .light", {**LIGHT, "color-scheme": "light"}),
            _rule(".dark", {**DARK, "color-scheme": "dark"}),
            "@media (prefers-reduced-motion: reduce) { :root { --motion-fast: 0.01ms; --motion-slow: 0.01ms } }",
        ]
    )


def _rule(selector: str, properties: Mapping[str, str]) -> str:
    lines = (
        f"  {name}: {value};" if name == "color-scheme" else f"  --{name}: {value};"
        for name, value in properties.items()
    )
    return "\n".join([f"{selector} {{", *lines, "}"])


def _font_face(family: str, path: str, characters: str) -> str:
    return (
        f'@font-face {{ font-family: "{family}"; src: url("{path}") format("woff2"); font-weight: 100 900; '
        f"font-style: normal; font-display: swap; unicode-range: {characters}; }}"
    )
