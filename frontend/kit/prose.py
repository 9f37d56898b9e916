"""An answer's blocks, which :mod:`frontend.kit.markdown` made, in the page."""

from typing import Any

import reflex as rx


def prose(blocks: Any, tail: Any = None) -> rx.Component:
    """The finished ``blocks`` of an answer, then the ``tail`` that is still being written."""
    growing = [] if tail is None else [rx.cond(tail != "", _block(tail), rx.fragment())]
    return rx.el.div(rx.foreach(blocks, _block), *growing, class_name="md")


def _block(html: Any) -> rx.Component:
    return rx.html(html, class_name="md-block")
