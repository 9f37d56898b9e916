"""Making an API key, its secret, and revoking it."""

from typing import Any, Final

import reflex as rx

from frontend.features.access.api_keys_state import DEFAULT_LIFETIME, LIFETIMES, NAME_CHARS, ApiKeysState
from frontend.features.access.permissions import permission_fields
from frontend.kit.copying import copy_button
from frontend.kit.feedback import closer, dialog, opens
from frontend.kit.fields import form_error, text_field
from frontend.kit.form import once_form, submit_button
from frontend.kit.permissions import may
from frontend.kit.primitives import button, icon, time_ago

MANAGE: Final = "api_keys.manage"
FORM_ID: Final = "key-form"
REVOKE_ID: Final = "revoke-key"
FIELD_ID: Final = "key-secret"
EXAMPLE_ID: Final = "key-example"


def create_button() -> rx.Component:
    """Opens the form of a new key, for whoever may make one."""
    return rx.cond(may(MANAGE), button("Create key", kind="primary", icon_name="plus", **opens(FORM_ID)), rx.fragment())


def key_dialog() -> rx.Component:
    """The form of a new key."""
    form: Any = ApiKeysState.form
    return dialog(
        once_form(
            form,
            form_error(form.error),
            text_field(
                "Name",
                "key-name",
                error=form.errors["name"],
                hint="What uses it, such as “Weekly report”.",
                max_length=NAME_CHARS,
                auto_complete="off",
                custom_attrs={"autofocus": "true"},
            ),
            _lifetimes(form.errors["expires_in_days"]),
            permission_fields(ApiKeysState.areas, ticked=None, error=form.errors["permissions"], key="", name="key"),
            rx.el.p(
                "A key acts for you. It can never do more than you can yourself, and ends when you leave the company.",
                class_name="card-text",
            ),
            rx.el.div(closer(), submit_button("Create key", form), class_name="form-actions dialog-foot"),
            on_submit=ApiKeysState.create,
        ),
        id=FORM_ID,
        title="Create an API key",
        on_close=ApiKeysState.close_form,
    )


def secret_dialog() -> rx.Component:
    """The secret, this once. Escape does not close it: what was not stored by then is lost."""
    made: Any = ApiKeysState.made
    return dialog(
        rx.el.p(
            icon("triangle-alert"),
            rx.el.span(
                rx.el.strong("Store it now."),
                " It is shown this once, and nobody can bring it back. Whoever has it can do what the key allows.",
            ),
            class_name="secret-warning",
        ),
        _secret(),
        _example(),
        rx.el.p(
            "It stops working ",
            time_ago(made.ends.ago, iso=made.ends.iso, exact=made.ends.exact),
            ", or when it is revoked.",
            class_name="card-text",
        ),
        rx.el.div(
            button("I have stored it", on_click=ApiKeysState.forget_secret),
            class_name="form-actions dialog-foot",
        ),
        id="key-made",
        shown=ApiKeysState.secret != "",
        title="Your new key",
        on_close=ApiKeysState.forget_secret,
        custom_attrs={"closedby": "none"},
    )


def revoke_dialog() -> rx.Component:
    """Asks once: a key that ended does not come back."""
    doomed: Any = ApiKeysState.doomed
    form: Any = ApiKeysState.revocation
    return dialog(
        once_form(
            form,
            rx.el.p(
                rx.el.strong(doomed.name, dir="auto"),
                " (",
                rx.el.code(doomed.prefix, "…"),
                ") stops working at once, for whatever uses it. It cannot be brought back.",
                class_name="card-text doomed",
            ),
            form_error(form.error),
            rx.el.div(
                closer(label="Keep"), submit_button("Revoke key", form, kind="danger"), class_name="form-actions"
            ),
            on_submit=ApiKeysState.revoke,
        ),
        id=REVOKE_ID,
        about=doomed.id,
        title="Revoke this key?",
        on_close=ApiKeysState.keep,
    )


def _lifetimes(error: rx.Var[str]) -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend("Stops working after", class_name="field-label"),
        rx.el.div(
            *(
                rx.el.label(
                    rx.el.input(
                        type="radio",
                        name="key-days",
                        value=str(days),
                        default_checked=days == DEFAULT_LIFETIME,
                        class_name="visually-hidden",
                    ),
                    rx.el.span(f"{days} days"),
                    class_name="segment",
                )
                for days in LIFETIMES
            ),
            class_name="segments lifetimes",
        ),
        rx.el.p(error, class_name="field-error"),
    )


def _secret() -> rx.Component:
    made: Any = ApiKeysState.made
    return rx.el.div(
        rx.el.label("Secret of “", made.name, "”", html_for=FIELD_ID, class_name="field-label"),
        rx.el.div(
            rx.el.input(
                id=FIELD_ID,
                value=ApiKeysState.secret,
                read_only=True,
                spell_check=False,
                auto_complete="off",
                class_name="input secret",
            ),
            copy_button(FIELD_ID, "the secret", "primary"),
            class_name="secret-row",
        ),
        class_name="field",
    )


def _example() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.h3("Try it", class_name="field-label"),
            copy_button(EXAMPLE_ID, "the example", "quiet"),
            class_name="example-head",
        ),
        rx.el.p("With the secret in the variable KEY:", class_name="field-hint"),
        rx.el.pre(rx.el.code(ApiKeysState.example, id=EXAMPLE_ID), class_name="example", tab_index=0),
        class_name="example-box",
    )
