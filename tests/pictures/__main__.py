"""`make pictures`: every page of the running product with demonstration data, into docs/pictures.

Each is taken in both themes and two widths, as ``{page}-{theme}-{width}.png``.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

from backend.operations.demo import ADA
from backend.operations.seed import LOCAL_PASSWORD
from tests.journeys.people import Member, signed_in, signed_up
from tests.journeys.product import ROOT, Product, chromium, running_product
from tests.pictures.palette import with_palette

FOLDER: Final = ROOT / "docs" / "pictures"
LARGEST: Final = 150 * 1000  # bytes
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
SIZES: Final = ({"width": 375, "height": 812}, {"width": 1440, "height": 900})


class Picture(NamedTuple):
    """A page to take: its address, who looks at it, and when it is complete."""

    name: str
    path: str
    ready: Callable[[Page], None]
    member: Member | None = None


def heading(name: str) -> Callable[[Page], None]:
    """Complete once this heading is shown."""
    return lambda page: expect(page.get_by_role("heading", name=name).first).to_be_visible()


def words(text: str) -> Callable[[Page], None]:
    """Complete once these words are shown."""
    return lambda page: expect(page.get_by_text(text).first).to_be_visible()


def everything(product: Product) -> Iterator[Picture]:
    """Every page, with the people who see it."""
    product.run("seed-demo")
    ada = signed_in(product.api_url, ADA.email, LOCAL_PASSWORD)
    names = {one["tenant"]["name"]: one["tenant"]["id"] for one in ada.call("GET", "/me")["memberships"]}
    ada.tenant_id = names["Northwind Robotics"]
    talks = ada.call("GET", "/c-suite/conversations")["items"]
    talk = talks[0]["id"]
    yield Picture("sign-in", "/sign-in", heading("Sign in"))
    yield Picture("sign-up", "/sign-up", heading("Create your account"))
    yield Picture("forgot-password", "/forgot-password", heading("Forgot your password?"))
    yield Picture("new-password", "/new-password", heading("This link is not valid any more"))
    yield Picture("dashboard", "/dashboard", heading("Runway"), ada)
    yield Picture("chat-new", "/chat", heading("What should your"), ada)
    yield Picture("chat", f"/chat/{talk}", words("Regenerate"), ada)
    yield Picture("board", "/board", heading("Nobody has met yet"), ada)
    ada.call("POST", "/audit/verification")
    yield Picture("audit", "/audit", heading("Today"), ada)
    yield Picture("roles", "/team/roles", heading("Roles"), ada)
    yield Picture("api-keys", "/settings/api-keys", heading("API keys"), ada)
    yield Picture("settings", "/settings", heading("Limits"), ada)
    yield Picture("settings-you", "/settings/you", words("This browser"), ada)
    yield from team(ada)
    yield from wizard(product)
    yield Picture("not-found", "/nowhere", heading("This page does not exist"))


def team(ada: Member) -> Iterator[Picture]:
    """The members, the open invitations, and what an invitation's link leads to."""
    yield Picture("team", "/team", words("demo.henrik@example.com"), ada)
    yield Picture("invitations", "/team/invitations", words("demo.jonas@example.com"), ada)
    body = {"email": "katja.brandt@example.com", "roles": ["member"]}
    link = ada.call("POST", "/team/invitations", json=body)["link"]
    yield Picture("invitation", f"/invite?{urlsplit(link).query}", words("k***@example.com"))


def wizard(product: Product) -> Iterator[Picture]:
    """Somebody new at each step of the wizard."""
    grace = signed_up(product.api_url, "Grace Hopper")
    yield Picture("onboarding-company", "/onboarding", heading("Name your company"), grace)
    grace.found("Harbour Instruments")
    for step, title in (
        ("profile", "Tell your executives"),
        ("integration", "Connect a first integration"),
        ("done", "Your company is ready"),
    ):
        grace.call("PATCH", f"/tenants/{grace.tenant_id}/onboarding", json={"step": step})
        yield Picture(f"onboarding-{step}", "/onboarding", heading(title), grace)


def take(browser: Browser, product: Product, picture: Picture) -> None:
    """All four pictures of a page."""
    for theme in THEMES:
        for size in SIZES:
            context = browser.new_context(
                base_url=product.url,
                viewport={"width": size["width"], "height": size["height"]},
                color_scheme=theme,
                reduced_motion="reduce",
                locale="en-GB",
                timezone_id="Europe/Berlin",
            )
            if picture.member is not None:
                picture.member.enter(context, product.url)
                context.add_init_script(f"localStorage.setItem('ocsuite_company', '{picture.member.tenant_id}')")
            page = context.new_page()
            page.goto(picture.path)
            picture.ready(page)
            page.evaluate("document.fonts.ready")
            # Until the page's script runs, what would send a form is disabled.
            expect(page.locator(".button-primary:disabled")).to_have_count(0)
            path = FOLDER / f"{picture.name}-{theme}-{size['width']}.png"
            png = page.screenshot(animations="disabled", caret="hide")
            path.write_bytes(png if len(png) <= LARGEST else with_palette(browser, png))
            context.close()
            print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", flush=True)


def main() -> int:
    """Take them all; status 1 if one is larger than a repository should carry."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    before = {path.name for path in FOLDER.glob("*.png")}
    with running_product("pictures") as product, chromium() as browser:
        for picture in everything(product):
            take(browser, product, picture)
            before -= {f"{picture.name}-{theme}-{size['width']}.png" for theme in THEMES for size in SIZES}
    for name in before:
        (FOLDER / name).unlink()
    large = [path.name for path in FOLDER.glob("*.png") if path.stat().st_size > LARGEST]
    for name in large:
        print(f"{name} is larger than {LARGEST // 1000} kB", file=sys.stderr)
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main())
