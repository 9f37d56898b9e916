"""Clerk's own sign-in, used in place of local accounts where a publishable key is set.

Nothing of it is imported into the bundle otherwise. Clerk keeps its session in the browser and renews its tokens there;
the wrapper hands each token to the server, which keeps it outside of every state.
"""

from typing import Any

import reflex as rx
from reflex_base.event import EventHandler, passthrough_event_spec

from frontend.features.account.clerk_state import ClerkState
from frontend.platform.session import ONBOARDING_PATH
from frontend.platform.settings import CLERK_LIBRARY as LIBRARY


class _ClerkSession(rx.Component):
    """The provider around the whole app; see `clerk_session.jsx`."""

    tag = "ClerkSession"
    lib_dependencies: list[str] = [LIBRARY]  # noqa: RUF012 - a default that Reflex copies
    publishable_key: rx.Var[str]
    on_session: EventHandler[passthrough_event_spec(str)]  # type: ignore[valid-type, type-arg]  # Reflex's way


class _SignIn(rx.Component):
    """Clerk's form for signing in."""

    library = LIBRARY
    tag = "SignIn"
    routing: rx.Var[str]
    fallback_redirect_url: rx.Var[str]


class _SignUp(rx.Component):
    """Clerk's form for signing up."""

    library = LIBRARY
    tag = "SignUp"
    routing: rx.Var[str]
    fallback_redirect_url: rx.Var[str]


class _SignOutButton(rx.Component):
    """Signs out when its child is clicked."""

    library = LIBRARY
    tag = "SignOutButton"


def provider(publishable_key: str, *children: Any) -> rx.Component:
    """Clerk's session around ``children``."""
    script = rx.asset("clerk_session.jsx", shared=True).importable_path
    return _ClerkSession.create(
        *children, library=script, publishable_key=publishable_key, on_session=ClerkState.take_session
    )


def sign_in() -> rx.Component:
    """The form for signing in. Its steps live in the address's fragment, so that one page is enough."""
    return _SignIn.create(routing="hash", fallback_redirect_url="/")


def sign_up() -> rx.Component:
    """The form for signing up."""
    return _SignUp.create(routing="hash", fallback_redirect_url=ONBOARDING_PATH)


def sign_out(child: rx.Component) -> rx.Component:
    """``child`` as the way out."""
    return _SignOutButton.create(child)
