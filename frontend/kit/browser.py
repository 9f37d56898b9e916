"""Attaches ``browser.js`` to every page; what it does stands there."""

from pathlib import Path
from typing import Any, Final

import reflex as rx
from reflex_base.vars import VarData

_SOURCE: Final = Path(__file__).with_name("browser.js")


class PageBehaviour(rx.Fragment):  # type: ignore[misc]  # Reflex's elements carry no types
    """Renders nothing; belongs once above all pages, beside :func:`announcer`."""

    def add_custom_code(self) -> list[str]:
        """The functions, as part of the page's module."""
        return [_SOURCE.read_text("utf-8").replace("export function", "function")]

    def add_hooks(self) -> list[str | rx.Var[Any]]:
        """Listen for good, and look at every address."""
        needed = VarData(imports={"react": ["useEffect", "useRef"], "react-router": ["useLocation"]})
        code = (
            "useEffect(() => pageBehaviour(), []); "
            "const { pathname: pagePath } = useLocation(); const pageBefore = useRef(null); "
            "useEffect(() => { pageEntered(pageBefore.current, pagePath); pageBefore.current = pagePath; }, [pagePath])"
        )
        return [rx.Var(code, _var_data=needed)]


def announcer() -> rx.Component:
    """Where the title of a page that was navigated to is said to screen readers."""
    return rx.el.p(id="page-announcer", role="status", class_name="visually-hidden")
