"""Buttons, cards, badges and the other small parts of pages. Looks live in the style sheets beside them."""

from typing import Any, Literal

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

Tone = Literal["neutral", "accent", "good", "warning", "bad", "info"]
ButtonKind = Literal["primary", "secondary", "quiet", "danger"]
ICON_SIZE = 16


def icon(name: str, **props: Any) -> rx.Component:
    """A lucide icon at the one size; decoration only, so hidden from screen readers."""
    return rx.icon(name, size=props.pop("size", ICON_SIZE), aria_hidden=True, **props)


def given(handler: Any, *arguments: Any) -> Any:
    """``handler`` with arguments; Reflex's decorator hides from type checkers that a handler can be given any."""
    return handler(*arguments)


def button(
    label: str | rx.Var[str],
    *,
    kind: ButtonKind = "secondary",
    icon_name: str = "",
    busy: rx.Var[bool] | bool = False,
    class_name: str = "",
    **props: Any,
) -> rx.Component:
    """A button with a verb on it. ``busy`` shows a spinner and refuses further clicks."""
    content: list[rx.Component] = [rx.el.span(label)]
    if icon_name:
        content.insert(0, icon(icon_name))
    if busy is not False:
        content.insert(0, rx.cond(busy, rx.el.span(class_name="spinner", aria_hidden=True), rx.fragment()))
        # A form sent before the page's script runs would put its fields, passwords too, into the address.
        props |= {"aria_busy": busy, "disabled": rx.cond(rx.State.is_hydrated, busy, True)}
    return rx.el.button(
        *content, type=props.pop("type", "button"), class_name=f"button button-{kind} {class_name}".strip(), **props
    )


def icon_button(name: str, label: str, **props: Any) -> rx.Component:
    """A square button with an icon and a name for screen readers, shown as the browser's own hint."""
    class_name = f"icon-button {props.pop('class_name', '')}".strip()
    return rx.el.button(
        icon(name), type=props.pop("type", "button"), aria_label=label, title=label, class_name=class_name, **props
    )


def link_button(
    label: str, href: str | rx.Var[str], *, kind: ButtonKind = "secondary", icon_name: str = ""
) -> rx.Component:
    """A link that looks like a button."""
    parts = [icon(icon_name)] if icon_name else []
    return link(*parts, rx.el.span(label), href=href, class_name=f"button button-{kind}")


def link(*children: Any, href: str | rx.Var[str], **props: Any) -> rx.Component:
    """A link inside the app, followed without loading the page anew."""
    # React Router's own link: `rx.link` would bring Radix Themes and its whole style sheet along.
    return ReactRouterLink.create(*children, to=href, **props)


def card(*children: Any, title: str = "", actions: rx.Component | None = None, **props: Any) -> rx.Component:
    """A surface with an optional title and actions beside it."""
    class_name = f"card {props.pop('class_name', '')}".strip()
    head = (
        [
            rx.el.header(
                rx.el.h2(title, class_name="card-title"), *([actions] if actions else []), class_name="card-head"
            )
        ]
        if title
        else []
    )
    return rx.el.section(*head, *children, class_name=class_name, **props)


def badge(text: Any, tone: Tone = "neutral", icon_name: str = "") -> rx.Component:
    """A short word on a coloured ground."""
    parts = [icon(icon_name, size=12)] if icon_name else []
    return rx.el.span(*parts, text, class_name=f"badge tone-{tone}")


def badges(names: Any) -> rx.Component:
    """What people have called something, such as somebody's roles."""
    return rx.el.div(rx.foreach(names, lambda name: badge(named(name))), class_name="chips")


def skeleton(width: str = "100%", height: str = "var(--space-4)", **props: Any) -> rx.Component:
    """A grey block in the shape of what is being loaded; hidden from screen readers."""
    return rx.el.span(class_name="skeleton", aria_hidden=True, style={"width": width, "height": height}, **props)


def named(text: Any, **props: Any) -> rx.Component:
    """Words of people, in their own direction: cut off where there is no room, and whole on hover and for readers."""
    class_name = f"named {props.pop('class_name', '')}".strip()
    return rx.el.span(text, title=props.pop("title", text), dir="auto", class_name=class_name, **props)


def avatar(text: Any, *, square: bool = False) -> rx.Component:
    """Initials on a ground; decoration beside a name."""
    return rx.el.span(text, class_name="avatar avatar-square" if square else "avatar", aria_hidden=True)


def empty_state(
    title: str, text: str, *, icon_name: str, action: rx.Component | None = None, level: Literal["h2", "h3"] = "h2"
) -> rx.Component:
    """What a place is for and the one thing to do there."""
    heading = rx.el.h2 if level == "h2" else rx.el.h3
    return rx.el.div(
        rx.el.div(icon(icon_name, size=20), class_name="empty-icon"),
        heading(title, class_name="empty-title"),
        rx.el.p(text, class_name="empty-text"),
        *([action] if action else []),
        class_name="empty",
    )


def page_header(title: str, text: Any = None, actions: rx.Component | None = None) -> rx.Component:
    """The heading inside a page, with a sentence and actions."""
    return rx.el.header(
        rx.el.div(
            rx.el.h2(title, class_name="page-title"),
            *([rx.el.p(text, class_name="page-text")] if text is not None else []),
        ),
        *([actions] if actions else []),
        class_name="page-header",
    )


def time_ago(text: Any, *, iso: Any, exact: Any) -> rx.Component:
    """A relative time with the exact one on hover, which ages in the browser (``frontend/kit/browser.js``)."""
    return rx.el.time(text, date_time=iso, title=exact, custom_attrs={"data-ages": "true"})


def progress(label: str | rx.Var[str], *, value: Any, maximum: Any, tone: Any = "accent") -> rx.Component:
    """A bar for how much of ``maximum`` is used."""
    return rx.el.progress(
        value=value, max=maximum, aria_label=label, class_name="progress", custom_attrs={"data-tone": tone}
    )
