"""What every page does in the browser: dialogs without the server, forms sent once, times, focus after navigation."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from frontend import words
from frontend.platform.sockets import CONNECT
from tests.frontend.chat_api import ChatApi
from tests.frontend.fake_access import Team
from tests.frontend.fake_api import new_company
from tests.frontend.fake_roles import new_key

ROLES, KEYS = "/team/roles", "/settings/api-keys"


class Line:
    """The connection between a page and the web app; with ``cut``, nothing passes in either direction."""

    def __init__(self, page: Page) -> None:
        self.cut = False
        page.route_web_socket(re.compile("/_event"), self._join)

    def _join(self, browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()
        browser.on_message(lambda message: None if self.cut else server.send(message))
        server.on_message(lambda message: None if self.cut else browser.send(message))


class Held:
    """The connection of a page that runs already to a web app whose first words are on their way."""

    def __init__(self, page: Page, path: str) -> None:
        self._waiting: list[Callable[[], None]] | None = []
        self._connects = False
        page.route_web_socket(re.compile("/_event"), self._join)
        page.goto(path)
        while not self._connects:
            page.wait_for_timeout(20)  # messages are handed over meanwhile

    def release(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        for pass_on in waiting:
            pass_on()

    def _join(self, browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()

        def ask(message: str | bytes) -> None:
            self._connects = self._connects or str(message).startswith(CONNECT)
            server.send(message)

        def answer(message: str | bytes) -> None:
            if self._waiting is None or str(message).startswith("0"):  # Engine.IO's own greeting
                browser.send(message)
            else:
                self._waiting.append(lambda: browser.send(message))

        browser.on_message(ask)
        server.on_message(answer)


@pytest.fixture
def team(fake: ChatApi) -> Team:
    """A team of two; the memory stays the same, as the running fake holds it."""
    fake.team.__dict__.update(Team().__dict__)
    fake.team.seed("Ada Lovelace", "owner")
    fake.team.seed("Grace Hopper", "member")
    fake.team.invited("new@example.com")
    return fake.team


@pytest.fixture
def keys(fake: ChatApi, entered: Page) -> str:
    """The company of whoever is signed in, which has a key and the permissions to choose from."""
    (company,) = next(reversed(fake.world.companies.values()))
    fake.access.keys[str(company.tenant.id)] = [new_key("Weekly report", ["dashboard.read"])]
    return str(company.tenant.id)


OPENERS = (
    ("/team", "Invite people"),
    ("/team", "Change roles of Grace Hopper"),
    ("/team", "Make owner in your place: Grace Hopper"),
    ("/team", "Remove Grace Hopper"),
    ("/team/invitations", "Withdraw the invitation of new@example.com"),
    (ROLES, "Create role"),
    (ROLES, "Copy Viewer"),
    (KEYS, "Create key"),
    (KEYS, "Revoke Weekly report"),
)


def hurried(page: Page, password: str) -> Held:
    """A form for signing in that was sent by Enter before the server's first word."""
    line = Held(page, "/sign-in")
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")
    expect(page.locator("form[data-hurried]")).to_have_count(1)
    return line


def refused(page: Page) -> None:
    expect(page.get_by_role("alert").filter(has_text="The address or the password is wrong.")).to_be_visible()


def test_enter_before_the_servers_first_word_sends_the_form_after_it(page: Page) -> None:
    hurried(page, "not the password").release()
    refused(page)


def test_enter_before_the_servers_first_word_is_taken_back_by_typing(page: Page) -> None:
    line = hurried(page, "not the")
    page.keyboard.press("End")
    page.keyboard.type(" password")
    expect(page.locator("form[data-hurried]")).to_have_count(0)
    line.release()
    page.get_by_role("button", name="Sign in").click()
    refused(page)


@pytest.mark.usefixtures("team", "keys")
def test_dialogs_open_and_close_without_the_server(entered: Page) -> None:
    line, shown = Line(entered), ""
    for path, name in OPENERS:
        line.cut = False
        if path != shown:
            entered.goto(path)
            shown = path
        opener = entered.get_by_role("button", name=name).first
        expect(opener).to_be_visible()
        line.cut = True
        for way in ("Escape", "Close"):
            opener.click()
            dialog = entered.locator("dialog[open]")
            expect(dialog).to_be_visible()
            assert entered.evaluate("document.activeElement.closest('dialog') !== null"), name
            if way == "Escape":
                entered.keyboard.press("Escape")
            else:
                dialog.get_by_role("button", name="Close").click()
            expect(dialog).to_have_count(0)
        expect(opener).to_be_focused()


@pytest.mark.usefixtures("team")
def test_a_dialog_shows_nothing_of_the_one_before(entered: Page, team: Team) -> None:
    line = Line(entered)
    team.seed("Third Person", "member")
    entered.goto("/team")
    entered.get_by_role("button", name="Remove Grace Hopper").click()
    dialog = entered.get_by_role("dialog")
    expect(dialog.get_by_text("Grace Hopper")).to_be_visible()
    line.cut = True
    entered.keyboard.press("Escape")
    entered.get_by_role("button", name="Remove Third Person").click()
    expect(dialog.get_by_role("status")).to_have_text("Loading")
    expect(dialog.get_by_text("Grace Hopper")).to_be_hidden()
    expect(dialog.get_by_role("button", name="Remove")).to_have_count(0)


def test_a_double_click_makes_one_key_and_one_secret(entered: Page, keys: str, fake: ChatApi) -> None:
    line = Line(entered)
    entered.goto(KEYS)
    entered.get_by_role("button", name="Create key").click()
    dialog = entered.get_by_role("dialog", name="Create an API key")
    dialog.get_by_label("Name", exact=True).fill("Once")
    dialog.get_by_role("checkbox", name="See the dashboard").check()
    create = dialog.get_by_role("button", name="Create key")
    line.cut = True  # nothing of what happens now is the server's doing
    create.click()
    expect(create).to_be_disabled()
    line.cut = False
    entered.reload()
    entered.get_by_role("button", name="Create key").click()
    dialog.get_by_label("Name", exact=True).fill("Once")
    dialog.get_by_role("checkbox", name="See the dashboard").check()
    create.dblclick()
    entered.keyboard.press("Enter")
    expect(entered.get_by_role("dialog", name="Your new key")).to_be_visible()
    entered.get_by_role("button", name="I have stored it").click()
    expect(entered.get_by_role("row").filter(has_text="Once")).to_have_count(1)
    assert [key.name for key in fake.access.keys[keys]] == ["Once", "Weekly report"]


@pytest.mark.usefixtures("keys")
def test_a_double_click_makes_one_role_and_one_invitation(entered: Page, team: Team, fake: ChatApi) -> None:
    entered.goto(ROLES)
    entered.get_by_role("button", name="Copy Viewer").first.click()
    dialog = entered.get_by_role("dialog", name="Create a role")
    dialog.get_by_label("Name", exact=True).fill("Analyst")
    dialog.get_by_role("button", name="Create role").dblclick()
    expect(dialog).to_be_hidden()
    expect(entered.get_by_role("columnheader", name="Analyst")).to_have_count(1)
    expect(entered.get_by_text("The company has a role of this name already.")).to_have_count(0)
    entered.goto("/team/invitations")
    entered.get_by_role("button", name="Invite people").click()
    entered.get_by_label("E-mail address").fill("once@example.com")
    entered.get_by_role("dialog").get_by_role("button", name="Send invitation").dblclick()
    expect(entered.get_by_role("dialog", name="Hand over the invitation")).to_be_visible()
    entered.get_by_role("button", name="Done").click()
    expect(entered.get_by_role("row").filter(has_text="once@example.com")).to_have_count(1)
    assert [one.email for one in team.invitations] == ["once@example.com", "new@example.com"]


def test_another_company_shows_no_row_of_the_one_before(entered: Page, keys: str, fake: ChatApi) -> None:
    email = next(reversed(fake.world.companies))
    other = new_company("Second Venture", "second-venture")
    fake.world.companies[email].append(other)
    fake.access.keys[str(other.tenant.id)] = [new_key("Nightly copy", ["dashboard.read"])]
    entered.goto(KEYS)
    expect(entered.get_by_title("Weekly report")).to_be_visible()
    entered.get_by_role("button", name="Company: Acme Robotics").click()
    entered.get_by_role("button", name="Second Venture").click()
    expect(entered.get_by_role("heading", name="Runway")).to_be_visible()
    frames: list[str] = []
    entered.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    entered.goto(KEYS)
    expect(entered.get_by_title("Nightly copy")).to_be_visible()
    expect(entered.get_by_title("Weekly report")).to_have_count(0)
    assert not any("Weekly report" in frame for frame in frames)


def test_the_key_of_a_form_stays_until_its_content_or_its_work_is_another(
    entered: Page, keys: str, fake: ChatApi
) -> None:
    entered.goto(KEYS)
    entered.get_by_role("button", name="Create key").click()
    dialog = entered.get_by_role("dialog", name="Create an API key")
    name, create = dialog.get_by_label("Name", exact=True), dialog.get_by_role("button", name="Create key")
    name.fill("Weekly figures")
    dialog.get_by_role("checkbox", name="See the dashboard").check()
    fake.world.faults["/api-keys"] = 500
    for _ in range(2):
        create.click()
        expect(dialog.get_by_role("alert").filter(has_text="This did not work")).to_be_visible()
        expect(create).to_be_enabled()
    name.fill("Daily figures")
    fake.world.faults.clear()
    create.click()
    expect(entered.get_by_role("dialog", name="Your new key")).to_be_visible()
    first, second, third = fake.access.form_keys[-3:]
    assert first == second != third
    assert len(first) >= 32
    assert len(fake.access.keys[keys]) == 2


@pytest.mark.usefixtures("keys")
def test_what_was_typed_into_a_dialog_is_asked_about(entered: Page) -> None:
    entered.goto(ROLES)
    entered.get_by_role("button", name="Create role").click()
    dialog = entered.get_by_role("dialog", name="Create a role")
    name = dialog.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    name.fill("Analyst")
    for leave in ("Escape", "Close", "Cancel"):
        if leave == "Escape":
            entered.keyboard.press("Escape")
        else:
            dialog.get_by_role("button", name=leave).click()
        expect(dialog.get_by_text("Discard what you typed?")).to_be_visible()
        expect(dialog.get_by_role("button", name="Keep editing")).to_be_focused()
        dialog.get_by_role("button", name="Keep editing").click()
        expect(name).to_have_value("Analyst")
        expect(name).to_be_focused()
    entered.keyboard.press("Escape")
    dialog.get_by_role("button", name="Discard").click()
    expect(dialog).to_be_hidden()
    entered.get_by_role("button", name="Create role").click()
    expect(name).to_have_value("")
    entered.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_skip_link_leads_to_the_content(entered: Page) -> None:
    for path in ("/team", ROLES, KEYS, "/audit", "/settings", "/dashboard", "/chat", "/board"):
        entered.goto(path)
        expect(entered.get_by_role("button", name="Account: Ada Lovelace")).to_be_visible()
        link = entered.get_by_role("link", name="Skip to content")
        link.focus()
        entered.keyboard.press("Enter")
        expect(entered.get_by_role("main")).to_be_focused()
        assert entered.url.endswith(path), "the router does not hear of it"


def test_focus_and_title_follow_navigation(entered: Page) -> None:
    entered.goto("/team")
    said = entered.locator("#page-announcer")
    expect(said).to_have_text("")
    for name, title in (("Audit", "Audit"), ("Settings", "Settings"), ("Dashboard", "Dashboard"), ("Team", "Team")):
        entered.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
        expect(entered.get_by_role("heading", level=1, name=title)).to_be_focused()
        expect(said).to_have_text(f"{title} · OCSuite")
    entered.get_by_role("link", name="Roles").click()
    expect(said).to_have_text("Roles · OCSuite")
    expect(entered.get_by_role("heading", level=1)).to_be_focused()
    entered.go_back()
    expect(said).to_have_text("Team · OCSuite")
    expect(entered.get_by_role("heading", level=1)).to_be_focused()


SPANS = (
    timedelta(0), timedelta(seconds=75), timedelta(minutes=59, seconds=50), timedelta(hours=23, minutes=59),
    timedelta(hours=24, minutes=1), timedelta(days=3, hours=23), timedelta(seconds=-20), timedelta(seconds=-59.8),
    timedelta(minutes=-59, seconds=-45), timedelta(hours=-23, minutes=-40), timedelta(days=-7, seconds=3),
    timedelta(days=-90, seconds=20),
)  # fmt: skip


def test_times_age_in_the_words_of_the_server(entered: Page) -> None:
    now = datetime.now(UTC)
    entered.clock.install(time=now)
    entered.goto("/team")
    expect(entered.get_by_role("row").nth(1)).to_be_visible()
    times = "".join(f'<time data-ages="true" datetime="{(now - span).isoformat()}">?</time>' for span in SPANS)
    entered.evaluate("html => document.body.insertAdjacentHTML('beforeend', `<div id=ages>${html}</div>`)", times)
    for minutes in (1, 30):
        at = now + timedelta(minutes=minutes)
        entered.clock.pause_at(at)
        # The last half minute may still be going on.
        either = [{words.ago(now - span, moment) for moment in (at, at - timedelta(seconds=30))} for span in SPANS]
        shown = entered.locator("#ages time").all_inner_texts()
        assert all(text in allowed for text, allowed in zip(shown, either, strict=True)), (shown, either)


@pytest.mark.usefixtures("team")
def test_a_page_that_stays_open_says_how_long_ago_things_were(entered: Page) -> None:
    entered.clock.install()
    entered.goto("/team")
    row = entered.get_by_role("row").filter(has_text="Grace Hopper")
    before = row.locator("time").inner_text()
    entered.clock.fast_forward(timedelta(days=3) // timedelta(milliseconds=1))
    expect(row.locator("time")).not_to_have_text(before)
