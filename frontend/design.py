"""The build step that turns the theme and the style sheets into one file, and makes the pages independent of a host."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reflex_base.plugins import Plugin

from frontend import theme

#: Each lies in the room of what it is for; the numbers of their names are the order of the cascade.
STYLES = sorted(Path(__file__).parent.rglob("*.css"), key=lambda path: path.name)
#: What the pages are compiled with in place of the address that they are served from.
BUILD_ORIGIN = "http://ocsuite.invalid"
_BAKED = re.compile(r"`(?P<scheme>ws|http)://ocsuite\.invalid(?P<path>/[^`]*)`")
_GROUPS = "groups: ["
_ICONS = '{ test: /lucide-react/, name: "icons" },'
_AT_RUN_TIME = {
    "ws": 'globalThis.location?.origin.replace(/^http/,"ws")+',
    "http": "globalThis.location?.origin+",
}


class DesignPlugin(Plugin):
    """Adds the app's one style sheet, and lets the built pages find their server by the address they came from."""

    def get_static_assets(self, **context: Any) -> Sequence[tuple[Path, str | bytes]]:
        """The compiled style sheet: the theme first, then the style sheets of all rooms."""
        sheets = [theme.stylesheet(), *(path.read_text("utf-8") for path in STYLES)]
        return [(Path("styles/ocsuite.css"), "\n".join(sheets))]

    def get_stylesheet_paths(self, **context: Any) -> Sequence[str]:
        """Where the style sheet lies, seen from Reflex's folder of styles."""
        return ["./ocsuite.css"]

    def pre_compile(self, **context: Any) -> None:
        """Have the bundler put all icons into one file: by itself it makes one of 200 bytes for each."""
        context["add_modify_task"]("vite.config.js", _with_icons_together)

    def post_build(self, **context: Any) -> None:
        """Replace the compiled-in origin, so that one build serves every host and port.

        Raises:
            RuntimeError: The address was not found, which a new version of Reflex may cause.
        """
        static_dir: Path = context["static_dir"]
        replaced = 0
        for script in (static_dir / "assets").glob("*.js"):
            text = script.read_text("utf-8")
            if BUILD_ORIGIN.partition("//")[2] in text:
                text, count = _BAKED.subn(lambda hit: f"{_AT_RUN_TIME[hit['scheme']]}`{hit['path']}`", text)
                script.write_text(text, "utf-8")
                replaced += count
        if not replaced:
            raise RuntimeError("the built pages do not hold the address that Reflex compiles into them")


def _with_icons_together(vite_config: str) -> str:
    if _GROUPS not in vite_config:
        raise RuntimeError("the bundler's configuration has no groups of chunks any more")
    return vite_config.replace(_GROUPS, f"{_GROUPS}{_ICONS}", 1)
