"""What tells people that something happened or went wrong: notices, banners, errors in place of content, dialogs."""

from typing import Any

import reflex as rx
from reflex_base.event import EventHandler, no_args_event_spec
from reflex_base.vars import VarData
from reflex_components_core.core.banner import has_too_many_connection_errors

from frontend.kit.primitives import button, given, icon, icon_button, skeleton
from frontend.kit.problems import DeniedView
from frontend.platform.session import Notice, SessionState


class _Clock(rx.el.Span):  # type: ignore[misc]  # Reflex's elements carry no types
    """An element whose animation says when time is up."""

    on_animation_end: EventHandler[no_args_event_spec]  # type: ignore[type-arg, valid-type]  # Reflex's way
    on_animation_iteration: EventHandler[no_args_event_spec]  # type: ignore[type-arg, valid-type]  # as above


def notices() -> rx.Component:
    """The stack of notices at the edge of every page, read out as they appear."""
    return rx.el.div(
        rx.foreach(SessionState.notices, _notice),
        class_name="notices",
        role="region",
        aria_label="Notices",
        aria_live="polite",
    )


def _notice(notice: Notice) -> rx.Component:
    return rx.el.div(
        rx.match(
            notice.kind,
            ("success", icon("circle-check")),
            ("info", icon("info")),
            icon("circle-alert"),
        ),
        rx.el.div(
            rx.el.p(notice.title, class_name="notice-title"),
            rx.cond(notice.detail != "", rx.el.p(notice.detail, class_name="notice-detail"), rx.fragment()),
            _reference(notice.request_id),
            class_name="notice-body",
        ),
        icon_button("x", "Dismiss", on_click=given(SessionState.dismiss, notice.id)),
        # The animation's end takes the notice away; hovering or focusing it holds the animation.
        _Clock.create(
            class_name="notice-clock", aria_hidden=True, on_animation_end=given(SessionState.dismiss, notice.id)
        ),
        key=notice.id,
        class_name="notice",
        custom_attrs={"data-kind": notice.kind},
    )


def _reference(request_id: rx.Var[str] | str) -> rx.Component:
    return rx.cond(
        request_id != "", rx.el.p("Request ", rx.el.code(request_id), class_name="notice-reference"), rx.fragment()
    )


def banners() -> rx.Component:
    """Lost connection and stopped API; both go away by themselves."""
    return rx.el.div(
        rx.cond(
            has_too_many_connection_errors,
            rx.el.p(
                icon("wifi-off"),
                "Connection lost. Trying to reconnect.",
                class_name="banner",
            ),
            rx.cond(
                SessionState.api_down,
                rx.el.p(
                    icon("plug-zap"),
                    "OCSuite's service is not answering. This page carries on as soon as it does.",
                    _Clock.create(
                        class_name="poll-clock", aria_hidden=True, on_animation_iteration=SessionState.check_api
                    ),
                    class_name="banner",
                ),
                rx.fragment(),
            ),
        ),
        role="status",
        class_name="banners",
    )


def problem_panel(notice: Notice, retry: Any) -> rx.Component:
    """An error where content would have been: the problem's words, the request id, a retry; a lock for a refusal."""
    failed = rx.el.div(
        rx.el.div(icon("circle-alert", size=20), class_name="empty-icon tone-bad"),
        rx.el.h2(notice.title, class_name="empty-title"),
        rx.el.p(notice.detail, class_name="empty-text"),
        _reference(notice.request_id),
        button("Try again", icon_name="rotate-cw", on_click=retry),
        class_name="empty",
        role="alert",
    )
    return rx.cond(notice.denied, _locked(notice.title, notice.detail), failed)


def lock_page(denied: DeniedView) -> rx.Component:
    """In place of content that may not be seen: the permission that it takes, and who can help."""
    return _locked(denied.title, denied.text)


def _locked(title: Any, text: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(icon("lock", size=20), class_name="empty-icon"),
        rx.el.h2(title, class_name="empty-title"),
        rx.el.p(text, class_name="empty-text"),
        class_name="empty",
    )


class _Dialog(rx.el.Dialog):  # type: ignore[misc]  # Reflex's elements carry no types
    """A native modal dialog: `showModal` alone makes the rest of the page inert."""

    on_close: EventHandler[no_args_event_spec]  # type: ignore[type-arg, valid-type]  # Reflex's way


class _ServersDialog(_Dialog):
    """One that follows a variable."""

    shown: rx.Var[bool]

    def _exclude_props(self) -> list[str]:
        return ["shown"]

    def add_hooks(self) -> list[str | rx.Var[Any]]:
        """Open and close the element as the variable changes."""
        effect = (
            f"useEffect(() => {{ const it = {self.get_ref()}.current; if (!it) return; "
            f"if ({self.shown!s}) {{ if (!it.open) it.showModal(); }} else if (it.open) it.close(); "
            f"}}, [{self.shown!s}])"
        )
        return [_effect(effect, self.shown)]


def dialog(
    *children: Any,
    id: str,  # noqa: A002 - what elements call it
    title: str | rx.Var[str],
    shown: rx.Var[bool] | bool | None = None,
    about: rx.Var[str] | str = "",
    on_close: Any = None,
    **props: Any,
) -> rx.Component:
    """A modal dialog, which closes in the browser and tells ``on_close`` afterwards.

    It is opened in the browser by what has the marks of :func:`opens`, without waiting for the server. ``about`` is
    what ``children`` are about at present: until it is what the dialog was opened for, a skeleton stands in their
    place. A form of :func:`frontend.kit.form.once_form` in it closes it once its work is done. With ``shown``, the
    server opens and closes it instead. What was typed is not lost: closing asks first.
    """
    kind, more = (_Dialog, {}) if shown is None else (_ServersDialog, {"shown": shown})
    return kind.create(
        rx.el.header(
            rx.el.h2(title, id=f"{id}-title", class_name="card-title"),
            closer("x", label="Close"),
            class_name="card-head",
        ),
        rx.el.div(*children, class_name="dialog-content", custom_attrs={"data-about": about}),
        rx.el.div(
            *(skeleton(width, "14px") for width in ("80%", "100%", "60%")),
            rx.el.span("Loading", class_name="visually-hidden", role="status"),
            class_name="dialog-skeleton",
        ),
        _ask_first(),
        id=id,
        on_close=rx.noop() if on_close is None else on_close,
        class_name="dialog",
        aria_labelledby=f"{id}-title",
        **more,
        **props,
    )


def opens(dialog_id: str, about: rx.Var[str] | str = "") -> dict[str, Any]:
    """Marks for a button that opens a dialog, ``about`` something; what the server has to know goes to ``on_click``."""
    return {
        "aria_haspopup": "dialog",
        "custom_attrs": {"data-opens": dialog_id, "data-opens-about": about},
    }


def closer(icon_name: str = "", *, label: str = "Cancel") -> rx.Component:
    """A button that closes the dialog around it."""
    marks = {"data-close": "true"}
    return icon_button(icon_name, label, custom_attrs=marks) if icon_name else button(label, custom_attrs=marks)


def _ask_first() -> rx.Component:
    return rx.el.div(
        rx.el.p("Discard what you typed?", class_name="dialog-question"),
        button("Keep editing", custom_attrs={"data-keep": "true"}),
        button("Discard", kind="danger", custom_attrs={"data-close": "true"}),
        role="alert",
        class_name="dialog-ask",
    )


class Leave(rx.Fragment):  # type: ignore[misc]  # Reflex's elements carry no types
    """Loads another address in full when the session says so.

    A redirect of Reflex stays inside the page, where no cookie can be set. Each order carries a random word, kept in
    the tab, so that the order is not obeyed again when the page's state comes back with it.
    """

    def add_hooks(self) -> list[str | rx.Var[Any]]:
        """The effect that obeys."""
        order: Any = SessionState.leave
        effect = (
            f"useEffect(() => {{ const order = {order!s}; "
            'if (!order || sessionStorage.getItem("ocsuite_left") === order) return; '
            'sessionStorage.setItem("ocsuite_left", order); '
            'window.location.assign(order.slice(order.indexOf(" ") + 1)); '
            f"}}, [{order!s}])"
        )
        return [_effect(effect, order)]


def _effect(code: str, watched: Any) -> rx.Var[Any]:
    """A React effect with what it needs of ``watched``."""
    needed = VarData.merge(watched._get_all_var_data(), VarData(imports={"react": "useEffect"}))
    return rx.Var(code, _var_data=needed)
