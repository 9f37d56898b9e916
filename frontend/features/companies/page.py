"""``/companies``: one's companies, and where those end up who have none or have lost the one they were in."""

import reflex as rx

from frontend.kit.primitives import ButtonKind, avatar, given, icon, link, link_button, skeleton
from frontend.platform.session import ONBOARDING_PATH, Company, SessionState
from frontend.shell.brand import wordmark
from frontend.shell.sign_out import sign_out_button


def page() -> rx.Component:
    """What happened, and the ways on."""
    return rx.el.div(
        rx.el.header(
            link(wordmark(), href="/", aria_label="OCSuite, start page"),
            rx.el.div(sign_out_button("button button-quiet"), class_name="wizard-head-actions"),
            class_name="wizard-head",
        ),
        rx.el.main(
            rx.el.div(rx.cond(SessionState.entered, _box(), skeleton("100%", "180px")), class_name="wizard-card"),
            class_name="wizard-main",
        ),
        class_name="wizard",
    )


def _box() -> rx.Component:
    none = SessionState.company.id == ""
    lost = SessionState.lost_company
    return rx.el.div(
        rx.cond(
            lost != "",
            _words(
                rx.fragment("Your access to ", rx.el.bdi(lost), " ended"),
                "Somebody removed you from the company, or the company was deleted. "
                "If this was a mistake, ask one of its owners to invite you again.",
            ),
            rx.cond(
                none,
                _words("You are in no company", "Make one of your own, or join one that you were invited to."),
                _words("Your companies", "Choose where to go on."),
            ),
        ),
        rx.el.ul(rx.foreach(SessionState.companies, _company), class_name="companies-list"),
        rx.cond(none, _create("primary"), _create("secondary")),
        rx.el.p(
            icon("mail"),
            rx.el.span(
                "Were you invited? Open the link that you were sent. Signed in as ",
                rx.el.bdi(SessionState.person.email),
                ".",
            ),
            class_name="companies-hint",
        ),
        class_name="companies",
    )


def _create(kind: ButtonKind) -> rx.Component:
    return link_button("Create a company", f"{ONBOARDING_PATH}?new=1", kind=kind)


def _words(title: str | rx.Component, text: str) -> rx.Component:
    return rx.fragment(rx.el.h1(title, class_name="wizard-title"), rx.el.p(text, class_name="page-text"))


def _company(company: Company) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            avatar(company.initials, square=True),
            rx.el.span(
                rx.el.span("Open ", class_name="visually-hidden"),
                rx.el.bdi(company.name, class_name="menu-name", title=company.name),
                rx.el.span(company.role, class_name="menu-detail"),
                class_name="menu-words",
            ),
            icon("chevron-right"),
            type="button",
            class_name="menu-entry companies-entry",
            on_click=given(SessionState.choose_company, company.id),
        )
    )
