"""An answer's blocks, which :mod:`frontend.kit.markdown` made, in the page."""

from typing import Any

import reflex as rx


def prose(blocks: Any) -> rx.Component:
    """The ``blocks`` of an answer."""
    return rx.el.div(rx.foreach(blocks, _block), class_name="md")


def growing_prose(blocks: Any, parts: Any, tail: Any) -> rx.Component:
    """The finished ``blocks`` of an answer, then the one being written: its finished ``parts`` and its ``tail``.

    One element from its beginning to its end, so that a list is one list.
    """
    begun = rx.Var(f"{parts!s}.map((part) => part.html).join('')", _var_data=parts._get_all_var_data()).to(str)
    last = begun + tail
    return rx.el.div(
        rx.foreach(blocks, lambda block: _block(block.html)),
        rx.cond(last != "", _block(last), rx.fragment()),
        class_name="md",
    )


def _block(html: Any) -> rx.Component:
    return rx.html(html, class_name="md-block")
