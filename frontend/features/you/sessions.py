"""Where one is signed in."""

from typing import Any

import reflex as rx

from frontend.features.you.sessions_state import SessionView, YouSessionsState
from frontend.kit.feedback import problem_panel
from frontend.kit.primitives import badge, button, given, icon, skeleton, time_ago


def sessions() -> rx.Component:
    """The list, and what ends all of it."""
    state = YouSessionsState
    listed = rx.el.div(
        rx.el.ul(rx.foreach(state.sessions, _session), class_name="you-sessions"),
        rx.el.div(
            button(
                "Sign out everywhere else",
                busy=state.ending == "others",
                on_click=state.end_others,
            ),
            button("Sign out everywhere", kind="quiet", busy=state.ending == "all", on_click=state.end_all),
            class_name="form-actions",
        ),
        class_name="form-stack",
    )
    return rx.cond(state.loaded, listed, rx.cond(state.failed, problem_panel(state.problem, state.load), _loading()))


def _session(session: SessionView) -> rx.Component:
    return rx.el.li(
        rx.el.span(
            rx.cond(session.mobile, icon("smartphone"), icon("monitor")),
            class_name="you-session-icon",
            aria_hidden=True,
        ),
        rx.el.div(
            rx.el.p(
                rx.el.span(session.device, class_name="menu-name"),
                rx.cond(session.current, badge("This browser", tone="good"), rx.fragment()),
                class_name="you-session-name",
            ),
            rx.el.p(
                session.place,
                " · last seen ",
                time_ago(session.seen, iso=session.seen_iso, exact=session.seen_exact),
                class_name="menu-detail",
            ),
            rx.el.p("Signed in ", session.since, class_name="menu-detail"),
            class_name="menu-words",
        ),
        rx.cond(session.current, rx.fragment(), _end(session)),
        key=session.id,
    )


def _end(session: SessionView) -> Any:
    return button(
        "Sign out",
        busy=YouSessionsState.ending == session.id,
        on_click=given(YouSessionsState.end, session.id),
        aria_label="Sign out " + session.device,
    )


def _loading() -> rx.Component:
    return rx.el.div(
        skeleton("60%", "16px"),
        skeleton("40%", "14px"),
        rx.el.span("Loading where you are signed in", class_name="visually-hidden", role="status"),
        class_name="metric-loading",
    )
