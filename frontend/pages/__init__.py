"""One module for each page, and the list of them."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import reflex as rx

from frontend.pages import (
    api_keys,
    audit,
    board,
    chat,
    clerk_entrance,
    companies,
    confirm,
    dashboard,
    forgot_password,
    home,
    invitation,
    not_found,
    onboarding,
    roles,
    settings,
    sign_in,
    sign_up,
    team,
    you,
)
from frontend.settings import WebSettings
from frontend.states.api_keys import ApiKeysState
from frontend.states.audit import AuditState
from frontend.states.auth import AuthState
from frontend.states.board import BoardState
from frontend.states.chat import ChatState
from frontend.states.confirm import ConfirmState
from frontend.states.dashboard import DashboardState
from frontend.states.forgot import ForgotState, NewPasswordState
from frontend.states.home import CompaniesState, HomeState
from frontend.states.invitation import InvitationState
from frontend.states.onboarding import OnboardingState
from frontend.states.roles import RolesState
from frontend.states.settings import SettingsState
from frontend.states.team import MembersState
from frontend.states.team_invitations import InvitationsState
from frontend.states.you import YouState

NAME: Final = "OCSuite"
DESCRIPTION: Final = (
    "AI executives that know your company: ask your CEO, convene the board, keep an eye on the figures."
)


class Page(NamedTuple):
    """An address with what stands there. ``on_load`` runs whenever it is opened."""

    route: str
    title: str
    build: Callable[[], rx.Component]
    on_load: Any = None


PAGES: Final = (
    Page("/", NAME, home.page, HomeState.load),
    Page("/sign-in", "Sign in", sign_in.page, AuthState.load),
    Page("/sign-up", "Create your account", sign_up.page, AuthState.load),
    Page("/forgot-password", "Forgot your password?", forgot_password.forgot, ForgotState.load),
    Page("/new-password", "Choose a new password", forgot_password.new_password, NewPasswordState.load),
    Page("/confirm", "Confirm your address", confirm.page, ConfirmState.load),
    Page("/companies", "Your companies", companies.page, CompaniesState.load),
    Page("/onboarding", "Set up your company", onboarding.page, OnboardingState.load),
    Page("/dashboard", "Dashboard", dashboard.page, DashboardState.load),
    Page("/chat", "Chat", chat.page, ChatState.load),
    Page("/chat/[conversation_id]", "Chat", chat.page, ChatState.load),
    Page("/board", "Board", board.page, BoardState.load),
    Page("/team/roles", "Roles", roles.page, RolesState.load),
    Page("/settings/api-keys", "API keys", api_keys.page, ApiKeysState.load),
    Page("/team", "Team", team.members, [MembersState.load, InvitationsState.close]),
    Page("/team/invitations", "Invitations", team.invitations, InvitationsState.load),
    Page("/invitation", "Your invitation", invitation.page, InvitationState.load),
    Page("/audit", "Audit", audit.page, AuditState.load),
    Page("/settings/you", "Your account", you.page, YouState.load),
    Page("/settings", "Settings", settings.page, SettingsState.load),
    Page("404", "Page not found", not_found.page),
)


_CLERK_PAGES: Final[dict[str, Callable[[], rx.Component]]] = {
    "/sign-in": clerk_entrance.sign_in,
    "/sign-up": clerk_entrance.sign_up,
    "/forgot-password": clerk_entrance.sign_in,
    "/new-password": clerk_entrance.sign_in,
    "/confirm": clerk_entrance.sign_in,
}


def add_all(app: rx.App, settings: WebSettings) -> None:
    """Register every page; with Clerk, its forms stand in place of ours."""
    replaced = _CLERK_PAGES if settings.clerk_publishable_key else {}
    for page in PAGES:
        title = page.title if page.title == NAME else f"{page.title} · {NAME}"
        app.add_page(
            replaced.get(page.route, page.build),
            route=page.route,
            title=title,
            description=DESCRIPTION,
            image="/favicon.svg",
            on_load=page.on_load,
        )
