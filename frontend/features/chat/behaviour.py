"""Attaches ``outbox.js`` and ``behaviour.js`` to the chat page.

JavaScript, because these things have to happen within the frame in which they are seen, or without a server: showing a
question and keeping it until it arrived, keeping a growing answer in view without moving what someone is reading
(Reflex's ``rx.auto_scroll`` knows the first half only), sending by Enter but not while an input method is composing,
and copying code out of rendered Markdown.
"""

from pathlib import Path
from typing import Any

import reflex as rx
from reflex_base.vars import VarData
from reflex_components_core.core.banner import has_connection_errors

from frontend.features.chat.composer import barred
from frontend.features.chat.state import ChatState
from frontend.features.chat.thread_state import ThreadState

_SOURCES = [Path(__file__).with_name(name) for name in ("outbox.js", "behaviour.js")]


def _page() -> rx.Var[Any]:
    """What the browser has to know of the page."""
    ready = ThreadState.entered & ~ThreadState.loading & ~ThreadState.missing & ~ThreadState.failed & ~barred()
    return rx.Var.create(
        {
            "user": ThreadState.person.id,
            "company": ThreadState.company.id,
            "conversation": ThreadState.open_id,
            "ready": ready,
            "busy": ChatState.busy,
            "barred": barred(),
            "missing": ThreadState.missing,
            "connected": ~has_connection_errors,
            "acknowledged": ChatState.acknowledged,
            "refused": ChatState.refused.key,
            "until": ChatState.refused.until,
            "left": ThreadState.left,
        }
    )


class Behaviour(rx.Fragment):  # type: ignore[misc]  # Reflex's elements carry no types
    """Renders nothing; belongs once onto a page, after the elements that it works on."""

    def add_custom_code(self) -> list[str]:
        """The functions, as part of the page's module."""
        return ["\n".join(source.read_text("utf-8") for source in _SOURCES).replace("export function", "function")]

    def add_hooks(self) -> list[str | rx.Var[Any]]:
        """One effect for the page, then one for each thing that it has to be told of.

        Layout effects: what is typed between the change of the address and an ordinary effect would reach no field.
        """
        return [
            _effect("chatBehaviour()", "[]"),
            _effect("chatChanged(JSON.parse({0}))", "[{0}]", _page().to_string()),
            _effect("chatOpened()", "[{0}]", ThreadState.open_id),
            _effect("chatFound({0})", "[{0}]", ThreadState.found),
            _effect("chatSearched({0})", "[{0}]", ThreadState.query),
            _effect("chatTitle(...{0})", "{0}", rx.Var.create([ThreadState.tab_title, ThreadState.open_id])),
        ]


def _effect(call: str, depends: str, watched: Any = None) -> rx.Var[Any]:
    """``call`` whenever ``watched`` changes."""
    own = None if watched is None else watched._get_all_var_data()
    needed = VarData.merge(own, VarData(imports={"react": "useLayoutEffect"}))
    return rx.Var(f"useLayoutEffect(() => {call}, {depends})".format(str(watched)), _var_data=needed)
