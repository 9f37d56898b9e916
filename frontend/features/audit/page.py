"""``/audit``: who did what, and whether the log is as it was sealed."""

import reflex as rx

from frontend.features.audit.entries import entries, loading
from frontend.features.audit.filters import filters
from frontend.features.audit.seal import checkpoints, export_menu, seal
from frontend.features.audit.state import AuditState
from frontend.kit.feedback import lock_page, problem_panel
from frontend.shell.frame import shell


def page() -> rx.Component:
    """The audit log."""
    content = rx.cond(
        AuditState.denied.title != "",
        lock_page(AuditState.denied),
        rx.cond(
            AuditState.loaded,
            rx.el.div(seal(), filters(), entries(), checkpoints(), class_name="audit"),
            rx.cond(AuditState.failed, problem_panel(AuditState.problem, AuditState.load), loading()),
        ),
    )
    return shell("Audit", content, export_menu())
