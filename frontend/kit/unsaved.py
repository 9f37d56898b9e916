"""Typing that was not saved is asked about before the page is left, by a link or by the browser itself."""

from typing import Any

import reflex as rx
from reflex_base.event import EventHandler, no_args_event_spec
from reflex_base.vars import VarData

from frontend.kit.primitives import button


class TouchedForm(rx.el.Form):  # type: ignore[misc]  # Reflex's elements carry no types
    """A form that tells when something in it is typed or chosen, and is marked in the browser at that very moment."""

    on_input: EventHandler[no_args_event_spec]  # type: ignore[type-arg, valid-type]  # Reflex's way

    @classmethod
    def create(cls, *children: Any, **props: Any) -> "TouchedForm":
        """A form that :func:`unsaved_guard` looks at."""
        return super().create(*children, custom_attrs={"data-guarded": "true"}, **props)


class _Answers(rx.el.Div):  # type: ignore[misc]  # as above
    """A form of the dialog's own: its buttons close the dialog, which then knows the one that was pressed."""

    tag = "form"


class _Guard(rx.el.Dialog):  # type: ignore[misc]  # as above
    """Holds the router, and the browser, back while ``unsaved``, or while the server has not yet heard of typing.

    A native dialog, opened in the browser without asking the server. The server's own redirects pass: they follow a
    state that is saved or cleared.
    """

    unsaved: rx.Var[bool]

    def _exclude_props(self) -> list[str]:
        return ["unsaved"]

    def add_hooks(self) -> list[str | rx.Var[Any]]:
        """The router's blocker, and what asks."""
        needed = VarData.merge(
            self.unsaved._get_all_var_data(),
            VarData(imports={"react": "useEffect", "react-router": "useBlocker"}),
        )
        unsaved, typed = str(self.unsaved), 'document.querySelectorAll("form[data-guarded][data-typed]")'
        blocker = (
            f"const leaving = useBlocker(({{ currentLocation, nextLocation }}) => ({unsaved} || {typed}.length > 0) && "
            "currentLocation.pathname !== nextLocation.pathname)"
        )
        ask = (
            f"useEffect(() => {{ const it = {self.get_ref()}.current; "
            'if (!it || leaving.state !== "blocked") return; '
            'it.returnValue = ""; '
            'it.onclose = () => (it.returnValue === "leave" ? leaving.proceed() : leaving.reset()); '
            "if (!it.open) it.showModal(); }, [leaving])"
        )
        unload = (
            "useEffect(() => { "
            f"const ask = (event) => {{ if ({unsaved} || {typed}.length > 0) event.preventDefault(); }}; "
            f"if (!{unsaved}) for (const form of {typed}) delete form.dataset.typed; "
            'window.addEventListener("beforeunload", ask); '
            f'return () => window.removeEventListener("beforeunload", ask); }}, [{unsaved}])'
        )
        return [rx.Var(code, _var_data=needed) for code in (blocker, ask, unload)]


def unsaved_guard(unsaved: rx.Var[bool] | bool) -> rx.Component:
    """Asks before a page with typing that is not saved is left; one for each page."""
    return _Guard.create(
        rx.el.h2("Leave without saving?", id="unsaved-title", class_name="card-title"),
        rx.el.p("What you typed here has not been saved.", class_name="card-text"),
        _Answers.create(
            button("Leave", type="submit", value="leave"),
            button("Stay here", kind="primary", type="submit", value="stay", auto_focus=True),
            class_name="form-actions",
            custom_attrs={"method": "dialog"},
        ),
        unsaved=unsaved,
        id="unsaved",
        class_name="dialog",
        aria_labelledby="unsaved-title",
        custom_attrs={"data-unsaved": unsaved},
    )
