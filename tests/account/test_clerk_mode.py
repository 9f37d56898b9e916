"""Where Clerk signs people in, accounts are Clerk's; the download is all that is left to us."""

from dataclasses import replace

from backend.app import create_app
from backend.settings import ClerkSettings, Settings
from tests.api.test_gates import routes_of


def test_only_the_download_is_ours(settings: Settings) -> None:
    clerk = ClerkSettings("https://clerk.example.com", frozenset({"https://app.example.com"}), "pk_test_x")
    names = {name for name, _ in routes_of(create_app(replace(settings, clerk=clerk)))}
    assert {name for name in names if name.endswith("/me") or " /me/" in name} == {"GET /me", "GET /me/export"}
    assert not [name for name in names if " /auth" in name]
