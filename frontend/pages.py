"""The list of pages: the one place that knows every feature."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import reflex as rx

from frontend.features.access import api_keys, roles
from frontend.features.access.api_keys_state import ApiKeysState
from frontend.features.access.roles_state import RolesState
from frontend.features.account import clerk_entrance, confirm, forgot_password, sign_in, sign_up
from frontend.features.account.auth_state import AuthState
from frontend.features.account.confirm_state import ConfirmState
from frontend.features.account.forgot_state import ForgotState, NewPasswordState
from frontend.features.audit import page as audit
from frontend.features.audit.state import AuditState
from frontend.features.board import page as board
from frontend.features.board.state import BoardState
from frontend.features.chat import page as chat
from frontend.features.chat.state import ChatState
from frontend.features.companies import home
from frontend.features.companies import page as companies
from frontend.features.companies.state import CompaniesState, HomeState
from frontend.features.company import onboarding, settings
from frontend.features.company.onboarding_state import OnboardingState
from frontend.features.company.settings_state import SettingsState
from frontend.features.dashboard import page as dashboard
from frontend.features.dashboard.state import DashboardState
from frontend.features.invitation import page as invitation
from frontend.features.invitation.state import InvitationState
from frontend.features.team import page as team
from frontend.features.team.invitations_state import InvitationsState
from frontend.features.team.members_state import MembersState
from frontend.features.you import page as you
from frontend.features.you.state import YouState
from frontend.platform.settings import WebSettings
from frontend.shell import not_found

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
