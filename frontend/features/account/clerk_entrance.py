"""``/sign-in`` and ``/sign-up`` where Clerk signs people in."""

import reflex as rx

from frontend.kit.primitives import link
from frontend.shell.entrance import entrance


def sign_in() -> rx.Component:
    """The sign-in page."""
    from frontend.features.account import clerk

    foot = rx.fragment("New here? ", link("Create an account", href="/sign-up", class_name="text-link"))
    return entrance("Sign in", "Welcome back.", clerk.sign_in(), foot)


def sign_up() -> rx.Component:
    """The sign-up page."""
    from frontend.features.account import clerk

    foot = rx.fragment("Have an account already? ", link("Sign in", href="/sign-in", class_name="text-link"))
    return entrance("Create your account", "Set up your company in about two minutes.", clerk.sign_up(), foot)
