"""The whole product and a browser; each test file's process has a product of its own, so that one may break it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.journeys.model import HeldModel
from tests.journeys.people import Member, signed_up
from tests.journeys.product import Product, chromium, running_product
from tests.journeys.visit import Visit

PATIENCE = 30_000  # ms; both cores may be busy with other tests
WIDE = {"width": 1440, "height": 900}
Enter = Callable[..., Visit]


@pytest.fixture(scope="session")
def model() -> Iterator[HeldModel]:
    """What the product asks; answers take about two seconds."""
    with HeldModel().serving() as serving:
        yield serving


@pytest.fixture(scope="session")
def product(model: HeldModel) -> Iterator[Product]:
    """Everything that `ocsuite up` starts."""
    with running_product("journeys", **model.environ) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # One for each file: while Playwright's synchronous side is in use, no asynchronous test can run.
    with chromium() as opened:
        yield opened


@pytest.fixture
def enter(browser: Browser, product: Product, model: HeldModel) -> Iterator[Enter]:
    """Opens browsers with fresh profiles, whose scripts must not fail: ``enter(member)``."""
    expect.set_options(timeout=PATIENCE)
    opened: list[BrowserContext] = []
    visits: list[Visit] = []

    def begin(member: Member | None = None, **options: object) -> Visit:
        settings = {"viewport": WIDE, "color_scheme": "light", **options}
        context = browser.new_context(base_url=product.url, **settings)  # type: ignore[arg-type]  # Playwright's names
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        if member is not None:
            member.enter(context, product.url)
        visits.append(Visit(context.new_page(), product, model, member))
        return visits[-1]

    yield begin
    for context in opened:
        context.close()
    assert [fault for visit in visits for fault in visit.faults] == []


@pytest.fixture
def member(product: Product) -> Member:
    """Somebody whose company is set up."""
    ada = signed_up(product.api_url)
    ada.found()
    return ada
