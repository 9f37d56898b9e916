"""The one frame of every signed-in page: sidebar, top bar, content."""

from typing import Final, NamedTuple

import reflex as rx
from reflex_base.style import LiteralColorMode, color_mode, set_color_mode

from frontend.features.account.confirmation import confirmation_banner
from frontend.features.company.danger_zone import erasure_banner
from frontend.kit.primitives import avatar, given, icon, icon_button, link, skeleton
from frontend.platform.session import Company, SessionState
from frontend.shell.sign_out import sign_out_button

SIDEBAR_ID: Final = "sidebar"
COMPANY_MENU_ID: Final = "company-menu"
ACCOUNT_MENU_ID: Final = "account-menu"
CONTENT_ID: Final = "content"


class Entry(NamedTuple):
    """A place in the sidebar; without a path it is announced and not built yet."""

    title: str
    icon_name: str
    path: str = ""


ENTRIES: Final = (
    Entry("Dashboard", "layout-dashboard", "/dashboard"),
    Entry("Chat", "message-square", "/chat"),
    Entry("Board", "presentation", "/board"),
    Entry("Tasks", "list-checks"),
    Entry("Connectors", "plug"),
    Entry("Knowledge", "book-open"),
    Entry("Team", "users", "/team"),
    Entry("Audit", "scroll-text", "/audit"),
    Entry("Settings", "settings", "/settings"),
)


def shell(
    title: str, content: rx.Component, actions: rx.Component | None = None, *, fill: bool = False
) -> rx.Component:
    """A page in the frame. ``actions`` stand in the top bar; ``fill`` gives the content the whole height and width."""
    return rx.el.div(
        rx.el.nav(rx.el.a("Skip to content", href=f"#{CONTENT_ID}", class_name="skip-link"), aria_label="Shortcuts"),
        _sidebar(title),
        rx.el.div(
            erasure_banner(),
            confirmation_banner(),
            rx.el.header(
                icon_button(
                    "menu",
                    "Open navigation",
                    class_name="sidebar-opener",
                    custom_attrs={"popoverTarget": SIDEBAR_ID},
                ),
                rx.el.h1(title, class_name="topbar-title"),
                rx.el.div(*([actions] if actions else []), class_name="topbar-actions"),
                class_name="topbar",
            ),
            rx.el.main(content, id=CONTENT_ID, tab_index=-1, class_name="content content-fill" if fill else "content"),
            class_name="frame-main",
        ),
        class_name="frame",
    )


def _sidebar(current: str) -> rx.Component:
    return rx.el.aside(
        _company_switcher(),
        rx.el.nav(
            rx.el.ul(*(rx.el.li(_entry(entry, current == entry.title)) for entry in ENTRIES), class_name="nav-list"),
            aria_label="Main",
            class_name="nav",
        ),
        _account(),
        id=SIDEBAR_ID,
        class_name="sidebar",
        aria_label="Sidebar",
        custom_attrs={"popover": "auto"},
    )


def _entry(entry: Entry, current: bool) -> rx.Component:
    if not entry.path:
        return rx.el.span(
            icon(entry.icon_name),
            entry.title,
            rx.el.span("Soon", class_name="nav-soon"),
            class_name="nav-entry nav-entry-soon",
        )
    marks = {"aria_current": "page"} if current else {}
    return link(icon(entry.icon_name), entry.title, href=entry.path, class_name="nav-entry", **marks)


def _company_switcher() -> rx.Component:
    return rx.el.div(
        rx.el.button(
            rx.cond(
                SessionState.company.id != "",
                rx.fragment(
                    avatar(SessionState.company.initials, square=True),
                    rx.el.span(
                        rx.el.span("Company: ", class_name="visually-hidden"),
                        SessionState.company.name,
                        title=SessionState.company.name + " (" + SessionState.company.slug + ")",
                        dir="auto",
                        class_name="switcher-name",
                    ),
                ),
                rx.fragment(
                    skeleton("24px", "24px"),
                    skeleton("120px", "14px"),
                    rx.el.span("Choose a company", class_name="visually-hidden"),
                ),
            ),
            icon("chevrons-up-down", class_name="switcher-arrow"),
            type="button",
            class_name="switcher",
            custom_attrs={"popoverTarget": COMPANY_MENU_ID},
        ),
        rx.el.div(
            rx.el.p("Companies", class_name="menu-label"),
            rx.foreach(SessionState.companies, _company_choice),
            rx.el.div(class_name="menu-line"),
            link(icon("plus"), "Create a company", href="/onboarding?new=1", class_name="menu-entry"),
            id=COMPANY_MENU_ID,
            class_name="menu menu-company",
            custom_attrs={"popover": "auto"},
        ),
        class_name="sidebar-top",
    )


def _company_choice(company: Company) -> rx.Component:
    chosen = company.id == SessionState.company.id
    return rx.el.button(
        avatar(company.initials, square=True),
        rx.el.span(
            rx.el.span(company.name, dir="auto", class_name="menu-name"),
            rx.el.span(company.slug, " · ", company.role, class_name="menu-detail"),
            class_name="menu-words",
        ),
        rx.cond(chosen, icon("check"), rx.fragment()),
        type="button",
        title=company.name + " (" + company.slug + ")",
        class_name="menu-entry",
        aria_current=rx.cond(chosen, "true", "false"),
        on_click=given(SessionState.choose_company, company.id),
        custom_attrs={"popoverTarget": COMPANY_MENU_ID, "popoverTargetAction": "hide"},
    )


def _account() -> rx.Component:
    return rx.el.div(
        rx.el.button(
            rx.cond(
                SessionState.person.name != "",
                rx.fragment(
                    avatar(SessionState.person.initials),
                    rx.el.span(
                        rx.el.span("Account: ", class_name="visually-hidden"),
                        rx.el.span(SessionState.person.name, dir="auto", class_name="menu-name"),
                        rx.el.span(SessionState.person.email, class_name="menu-detail"),
                        title=SessionState.person.name + ", " + SessionState.person.email,
                        class_name="menu-words",
                    ),
                ),
                rx.fragment(
                    skeleton("28px", "28px"),
                    skeleton("130px", "14px"),
                    rx.el.span("Account", class_name="visually-hidden"),
                ),
            ),
            icon("ellipsis", class_name="switcher-arrow"),
            type="button",
            class_name="account",
            custom_attrs={"popoverTarget": ACCOUNT_MENU_ID},
        ),
        rx.el.div(
            theme_choice(),
            rx.el.div(class_name="menu-line"),
            link(icon("user"), "Your account", href="/settings/you", class_name="menu-entry"),
            link(icon("settings"), "Settings", href="/settings", class_name="menu-entry"),
            sign_out_button("menu-entry"),
            id=ACCOUNT_MENU_ID,
            class_name="menu menu-account",
            custom_attrs={"popover": "auto"},
        ),
        class_name="sidebar-bottom",
    )


_THEMES: Final[tuple[tuple[LiteralColorMode, str, str], ...]] = (
    ("light", "sun", "Light"),
    ("dark", "moon", "Dark"),
    ("system", "monitor", "System"),
)


def theme_choice() -> rx.Component:
    """Three buttons: light, dark, or what the system says. Remembered in the browser."""
    return rx.el.div(
        *(
            rx.el.button(
                icon(icon_name),
                words,
                type="button",
                class_name="segment",
                aria_pressed=rx.cond(color_mode == mode, "true", "false"),
                on_click=set_color_mode(mode),
            )
            for mode, icon_name, words in _THEMES
        ),
        class_name="segments",
        role="group",
        aria_label="Theme",
    )
