"""The form of the business profile."""

from typing import Any

import reflex as rx

from frontend.features.company import choices
from frontend.features.company.profile_state import ProfileState
from frontend.kit.fields import select_field, text_field
from frontend.kit.primitives import button, given, icon
from frontend.kit.unsaved import TouchedForm

FORM_ID = "profile-form"


def profile_form(on_submit: Any, actions: rx.Component) -> rx.Component:
    """Fields, goals and ``actions``; a submit button among those needs ``form=FORM_ID``."""
    profile, errors = ProfileState.profile, ProfileState.profile_errors
    fields = TouchedForm.create(
        rx.el.div(
            text_field(
                "Industry",
                "industry",
                error=errors["industry"],
                default_value=profile.industry,
                max_length=80,
                placeholder="Such as software",
                custom_attrs={"list": "industries"},
                auto_complete="off",
            ),
            select_field(
                "Size",
                "size",
                choices.SIZES,
                error=errors["size"],
                default_value=profile.size,
                placeholder="Choose a size",
            ),
            select_field(
                "Stage",
                "stage",
                choices.STAGES,
                error=errors["stage"],
                default_value=profile.stage,
                placeholder="Choose a stage",
            ),
            *_place(),
            class_name="form-grid",
        ),
        rx.el.datalist(*(rx.el.option(value=name) for name in choices.INDUSTRIES), id="industries"),
        text_field(
            "What your company does",
            "description",
            error=errors["description"],
            default_value=profile.description,
            multiline=True,
            optional=True,
            max_length=4000,
            hint="Your executives read this before every answer.",
            placeholder="Who you serve, what you sell, what is hard right now",
        ),
        id=FORM_ID,
        on_submit=on_submit,
        on_input=rx.cond(ProfileState.unsaved, rx.noop(), ProfileState.touch),
        class_name="form-stack",
        no_validate=True,
    )
    return rx.el.div(fields, _goals(), actions, class_name="form-stack")


def _place() -> tuple[rx.Component, ...]:
    """Where the company is. Each field begins anew with what the browser tells of it, and the others stay."""
    profile, errors = ProfileState.profile, ProfileState.profile_errors
    return (
        select_field(
            "Country",
            "country",
            choices.COUNTRIES,
            error=errors["country"],
            default_value=profile.country,
            key=profile.country,
            placeholder="Choose a country",
            auto_complete="country",
        ),
        select_field(
            "Currency",
            "currency",
            choices.CURRENCIES,
            error=errors["currency"],
            default_value=profile.currency,
            key=profile.currency,
        ),
        select_field(
            "Time zone",
            "time_zone",
            choices.time_zones(),
            error=errors["time_zone"],
            default_value=profile.time_zone,
            key=profile.time_zone,
        ),
    )


def _goals() -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend("Goals", class_name="field-label"),
        rx.el.div(
            rx.foreach(
                ProfileState.goals,
                lambda goal: rx.el.button(
                    icon("check", size=14),
                    goal,
                    type="button",
                    class_name="chip",
                    aria_pressed="true",
                    on_click=given(ProfileState.toggle_goal, goal),
                ),
            ),
            rx.foreach(
                ProfileState.suggested_goals,
                lambda goal: rx.el.button(
                    icon("plus", size=14),
                    goal,
                    type="button",
                    class_name="chip",
                    aria_pressed="false",
                    on_click=given(ProfileState.toggle_goal, goal),
                ),
            ),
            class_name="chips",
        ),
        rx.el.form(
            rx.el.input(
                name="new_goal",
                placeholder="Add a goal in your own words",
                aria_label="Another goal",
                max_length=200,
                dir="auto",
                class_name="input",
                key=ProfileState.goal_round,
                auto_complete="off",
            ),
            button("Add goal", type="submit"),
            on_submit=ProfileState.add_goal,
            class_name="goal-add",
        ),
        rx.el.p(ProfileState.profile_errors["goals"], class_name="field-error", aria_live="polite"),
        class_name="goals",
    )
