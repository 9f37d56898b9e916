"""One module for each page, and the list of them."""

import reflex as rx

from frontend.pages import dashboard
from frontend.settings import WebSettings

NAME = "OCSuite"


def add_all(app: rx.App, settings: WebSettings) -> None:
    """Register every page with its address, title and loader."""
    app.add_page(dashboard.page, route="/dashboard", title=f"Dashboard · {NAME}", on_load=dashboard.DashboardState.load)
