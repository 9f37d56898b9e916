"""What a person does in the page, in their words."""

import re
from typing import Any, Final

from playwright.sync_api import ConsoleMessage, Locator, Page, WebSocket, expect

from tests.journeys.model import HeldModel
from tests.journeys.people import PASSWORD, Member
from tests.journeys.product import Product

#: What the server tells a page once it has loaded it.
_LOADED: Final = 'is_hydrated_rx_state_":true'
_LOOKS: Final = 1200
#: Where a conversation is. Until the browser is there, the page of a new one may be drawn anew.
_CONVERSATION: Final = re.compile(r"/chat/([0-9a-f-]{36})$")
#: What a browser says about requests that a test makes fail on purpose.
_NETWORK: Final = ("Failed to load resource", "WebSocket connection to", "net::ERR_")


class Visit:
    """One tab of one browser profile."""

    def __init__(self, page: Page, product: Product, model: HeldModel, member: Member | None = None) -> None:
        self.page = page
        self.product = product
        self.model = model
        self.member = member
        self.faults: list[str] = []
        self.frames: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._said)
        page.on("websocket", self._connected)

    @property
    def narrow(self) -> bool:
        """Whether the sidebar is a sheet."""
        size = self.page.viewport_size
        return size is not None and size["width"] < 768

    @property
    def answer(self) -> Locator:
        """The latest answer."""
        return self.page.locator("article", has=self.page.get_by_role("heading", name="CEO answered")).last

    @property
    def writing(self) -> Locator:
        """The answer that is being written."""
        return self.page.locator('article[aria-busy="true"]')

    @property
    def composer(self) -> Locator:
        """Where a question is typed."""
        return self.page.get_by_label("Message", exact=True)

    @property
    def conversation_id(self) -> str:
        """The id in the address, once it is there."""
        expect(self.page).to_have_url(_CONVERSATION)
        found = _CONVERSATION.search(self.page.url)
        assert found
        return found[1]

    def open(self, path: str) -> None:
        """Go to a page and wait until the server has loaded it: a form that is sent before may not be answered."""
        seen = len(self.frames)
        self.page.goto(path)
        for _ in range(_LOOKS):
            if any(_LOADED in frame for frame in self.frames[seen:]):
                return
            self.page.wait_for_timeout(50)  # frames are handed over meanwhile; which socket brings it is not known
        raise AssertionError(f"{path} was not loaded")

    def sign_up(self, full_name: str, email: str) -> None:
        """Fill in the form for a new account."""
        self.page.goto("/sign-up")
        self.page.get_by_label("Full name").fill(full_name)
        self.page.get_by_label("Work e-mail").fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Create account").click()

    def sign_in(self, email: str) -> None:
        """Fill in the form that is shown."""
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()

    def sign_out(self) -> None:
        """By the account menu."""
        self._open_sidebar()
        self.page.get_by_role("button", name="Account:").click()
        self.page.get_by_role("button", name="Sign out").click()
        expect(self.page.get_by_text("You are signed out.")).to_be_visible()

    def go_to(self, name: str) -> None:
        """By the sidebar."""
        self._open_sidebar()
        self.page.get_by_role("link", name=name, exact=True).click()
        expect(self.page.get_by_role("heading", name=name, level=1)).to_be_visible()

    def ask(self, question: str) -> None:
        """Type a question and send it, and see its answer begin."""
        with self.model.held():
            self.composer.fill(question)
            self.composer.press("Enter")
            expect(self.writing).to_be_visible()

    def wait_for_text(self, characters: int) -> None:
        """Until the answer being written has this much text."""
        self.page.wait_for_function(
            "least => (document.querySelector('article[aria-busy=true] .md')?.textContent.length ?? 0) >= least",
            arg=characters,
        )

    def wait_for_answer(self) -> None:
        """Until the answer is complete, at the conversation's own address."""
        expect(self.page).to_have_url(_CONVERSATION)
        expect(self.answer.get_by_role("button", name="Regenerate")).to_be_visible()

    def shown(self) -> str:
        """The source of the latest answer, as its copy button holds it."""
        text = self.answer.locator("[data-copy=answer]").get_attribute("data-text")
        assert text is not None
        return text

    def run(self, script: str, argument: Any = None) -> Any:
        """Evaluate a function in the page."""
        return self.page.evaluate(script, argument)

    def _open_sidebar(self) -> None:
        if self.narrow:
            self.page.get_by_role("button", name="Open navigation").click()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(known in message.text for known in _NETWORK):
            self.faults.append(f"{message.type}: {message.text}")

    def _connected(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.frames.append(str(frame)))
        socket.on("framesent", lambda frame: self.frames.append(str(frame)))
