"""Attaches ``behaviour.js`` to the chat page.

JavaScript, because these things have to happen within the frame in which they are seen: keeping a growing answer in
view without moving what someone is reading (Reflex's ``rx.auto_scroll`` knows the first half only), sending by Enter
but not while an input method is composing, and copying code out of rendered Markdown.
"""

from pathlib import Path
from typing import Any

import reflex as rx
from reflex_base.vars import VarData

from frontend.states.chat_thread import ThreadState

_SOURCE = Path(__file__).with_name("behaviour.js")


class Behaviour(rx.Fragment):  # type: ignore[misc]  # Reflex's elements carry no types
    """Renders nothing; belongs once onto a page, after the elements that it works on."""

    def add_custom_code(self) -> list[str]:
        """The functions, as part of the page's module."""
        return [_SOURCE.read_text("utf-8").replace("export function", "function")]

    def add_hooks(self) -> list[str | rx.Var[Any]]:
        """One effect for the page, and one for every conversation that is opened.

        Layout effects: what is typed between the change of the address and an ordinary effect would reach no field.
        """
        opened: Any = ThreadState.open_id
        return [
            rx.Var(
                "useLayoutEffect(() => chatBehaviour(), [])",
                _var_data=VarData(imports={"react": "useLayoutEffect"}),
            ),
            rx.Var(
                f"useLayoutEffect(() => chatOpened(), [{opened!s}])",
                _var_data=VarData.merge(opened._get_all_var_data(), VarData(imports={"react": "useLayoutEffect"})),
            ),
        ]
