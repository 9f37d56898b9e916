"""``/audit``: who did what, and whether the log is as it was sealed."""

import reflex as rx

from frontend.components.audit.entries import entries, loading
from frontend.components.audit.filters import filters
from frontend.components.audit.seal import checkpoints, export_menu, seal
from frontend.components.feedback import problem_panel
from frontend.components.primitives import icon
from frontend.states.audit import AuditState
from frontend.views.shell import shell


def page() -> rx.Component:
    """The audit log."""
    content = rx.cond(
        AuditState.denied.why != "",
        _denied(),
        rx.cond(
            AuditState.loaded,
            rx.el.div(seal(), filters(), entries(), checkpoints(), class_name="audit"),
            rx.cond(AuditState.failed, problem_panel(AuditState.problem, AuditState.load), loading()),
        ),
    )
    return shell("Audit", content, export_menu())


def _denied() -> rx.Component:
    denied = AuditState.denied
    return rx.el.div(
        rx.el.div(icon("lock", size=20), class_name="empty-icon"),
        rx.el.h2("The audit log is closed to you", class_name="empty-title"),
        rx.el.p(denied.why, class_name="empty-text"),
        rx.cond(
            denied.people != "",
            rx.el.p("Ask ", rx.el.strong(denied.people), " for it.", class_name="empty-text"),
            rx.el.p("Nobody in the company can grant it at the moment.", class_name="empty-text"),
        ),
        rx.cond(
            denied.roles != "",
            rx.el.p("Roles that hold it: ", denied.roles, ".", class_name="card-text"),
            rx.fragment(),
        ),
        class_name="empty",
        role="status",
    )
