import reflex as rx
from frontend.states.dashboard import DashboardState
from frontend.views.shell import shell
from frontend.components.primitives import skeleton
def page() -> rx.Component:
    return shell("Dashboard", rx.el.div(DashboardState.n, skeleton()))
