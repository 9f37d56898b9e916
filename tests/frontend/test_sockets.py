"""Sockets without a browser: whom they are bound to, how much they may, and what of them reaches the log."""

import asyncio
import base64
import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send
from websockets.exceptions import InvalidStatus

from frontend.features.account.auth_state import AuthState
from frontend.features.account.clerk_state import ClerkState
from frontend.platform.logs import PLACE_LINES, Lines, Oddities
from frontend.platform.reflex_seam import GONE_SECONDS, STRANGER_SECONDS, States
from frontend.platform.sockets import Bounds, Sockets, network_of
from tests.frontend.chat_api import ChatApi, Talk
from tests.frontend.kit import ROOT, WebApp
from tests.frontend.tab import CHAT, SESSION, Tab

PASSWORD = "hunter2-but-longer"
AUTH = AuthState.get_full_name()
CLERK = ClerkState.get_full_name()
CLERK_KEY = "pk_test_Y2xldmVyLWNhdC0xMi5jbGVyay5hY2NvdW50cy5kZXYk"


@pytest.fixture
def cookie(fake: ChatApi) -> str:
    vars(fake.talk).update(vars(Talk()))
    return f"ocsuite_session={fake.world.founded(f'{uuid4().hex}@example.com')}"


@pytest.fixture
def logged(fake: ChatApi, tmp_path: Path) -> Iterator[Callable[[], tuple[WebApp, Callable[[], str]]]]:
    """Starts a web app whose log can be read once it has stopped."""
    log = tmp_path / "web.log"
    app = WebApp(fake.port, ROOT / ".build" / "tests", log)
    app.start()

    def end() -> str:
        app.stop()
        return log.read_text()

    yield lambda: (app, end)
    if app.is_running:
        app.stop()


def ended(tab: Tab) -> None:
    """What was sent has been dealt with once a later event is answered."""
    tab.event(f"{SESSION}.failed_unexpectedly", reference="the-end")
    tab.shows("the-end")


def test_odd_messages_are_counted_and_nothing_of_them_is_written(
    logged: Callable[[], tuple[WebApp, Callable[[], str]]], cookie: str
) -> None:
    web, log = logged()
    secret = {"email": "ada@example.com", "password": PASSWORD}
    with Tab(web.url, cookie).boot("/settings") as tab:
        tab.event("no.such_event", form=secret)
        tab.event(f"{AUTH}.sign_in", form=[PASSWORD], other=PASSWORD)
        tab.event(f"{AUTH}.sign_in", form=[PASSWORD])
        tab.send(f'42/_event,["event",{json.dumps(json.dumps(secret))}]')
        tab.send(f'42/_event,["event",["{PASSWORD}"]]')
        tab.send(f'42/_event,["event",{{"{PASSWORD}"]')
        tab.send('42/_event,["client_error",{"message":"' + PASSWORD + '","error_type":"x"}]')
        ended(tab)
        name = tab.name
    for message in (b"\x04" + PASSWORD.encode(), f'42/_event,["connect",{{"QUERY_STRING":"{PASSWORD}"}}]', "9x"):
        with Tab(web.url, cookie).boot() as tab:
            tab.send(message)
            assert tab.closed() == 1008
    written = log()
    assert "unknown event 4" in written
    assert "binary message 1" in written
    assert "unknown message 2" in written
    assert "fault in a page 1" in written
    for told in (PASSWORD, cookie.partition("=")[2], name, "ada@example.com"):
        assert told not in written


def test_a_flood_of_odd_messages_writes_a_few_lines(
    logged: Callable[[], tuple[WebApp, Callable[[], str]]],
) -> None:
    web, log = logged()
    large = "x" * 20_000
    for _ in range(20):
        with Tab(web.url).boot("/sign-in") as tab:
            for _ in range(30):
                tab.event(f"{AUTH}.sign_in", form=[large])
                tab.event(large)
            ended(tab)
    assert len(log()) < 20_000


def test_a_tabs_name_without_its_cookie_gets_nothing_of_the_answer(web: WebApp, fake: ChatApi, cookie: str) -> None:
    fake.talk.hold_after = 2
    fake.talk.words = "These words are for Ada alone"
    with Tab(web.url, cookie).boot("/chat") as victim:
        victim.shows('is_hydrated_rx_state_":true')
        victim.event(f"{CHAT}.send", "/chat", form={"message": "Anything new?", "key": "0123-4567", "conversation": ""})
        victim.shows("These words")
        name = victim.name
    (conversation,) = fake.talk.conversations
    path = f"/chat/{conversation}"
    for stolen in ("", "ocsuite_session=somebody-elses"):
        with Tab(web.url, stolen, name).boot(path) as thief:
            ended(thief)
            assert [frame for frame in thief.frames if "new_token" in frame]
            assert not [frame for frame in thief.frames if "These words" in frame or "Anything new" in frame]
    thief = Tab(web.url, "", name).boot(path)
    fake.talk.hold_after = 0
    with thief, Tab(web.url, cookie, name).boot(path) as back:
        back.shows("for Ada alone")
        ended(thief)
        assert not [frame for frame in thief.frames if "Ada" in frame or "Acme" in frame]


def test_socket_ios_own_events_cannot_be_sent(web: WebApp, cookie: str) -> None:
    """With them a visitor could make up the address that the API counts, or the cookie."""
    environ = {"QUERY_STRING": f"token={uuid4()}", "REMOTE_ADDR": "203.0.113.9", "asgi.scope": {}}
    for message in (["connect", environ], ["disconnect"]):
        with Tab(web.url, cookie).boot() as tab:
            tab.send(f"42/_event,{json.dumps(message)}")
            assert tab.closed() == 1008


def test_another_host_is_421_for_pages_and_sockets(web: WebApp) -> None:
    assert httpx.get(f"{web.url}/sign-in", headers={"Host": f"evil.example:{web.port}"}).status_code == 421
    assert httpx.get(f"{web.url}/sign-in", headers={"Host": f"127.0.0.1:{web.port}"}).status_code == 200
    host = f"evil.example:{web.port}"
    with pytest.raises(InvalidStatus) as refused:
        Tab(web.url, Host=host, Origin=f"http://{host}")
    assert refused.value.response.status_code == 421
    with pytest.raises(InvalidStatus):
        Tab(web.url, Origin="http://evil.example")


def test_long_addresses_are_refused_and_never_kept(web: WebApp) -> None:
    long = "x" * 5_000
    assert httpx.get(f"{web.url}/sign-in?next=/{long}").status_code == 414
    with pytest.raises(InvalidStatus):
        Tab(f"{web.url}", name=long)
    with Tab(web.url) as tab:
        tab.boot(f"/sign-in?next=/{'x' * 60_000}")
        tab.shows('is_hydrated_rx_state_":true')
        assert not [frame for frame in tab.frames if "x" * 5_000 in frame]
    with Tab(web.url).boot() as tab:
        tab.event("e" * 200_000)
        assert tab.closed() in (1008, 1009)


def test_a_socket_is_bound_to_clerks_session(fake: ChatApi) -> None:
    """The tab's name and even the session's name are no use without the browser's own cookie."""
    web = WebApp(fake.port, ROOT / ".build" / "tests-clerk", CLERK_PUBLISHABLE_KEY=CLERK_KEY)
    web.start()
    try:
        page = httpx.get(f"{web.url}/chat")
        browser = page.headers["set-cookie"].partition(";")[0]
        assert "HttpOnly" in page.headers["set-cookie"]
        fake.world.founded("grace@example.com", "Grace's Works")
        tokens = {who: clerk_token(fake, who) for who in ("grace@example.com", "ada@example.com")}
        fake.world.users["ada@example.com"] = fake.world.users["grace@example.com"]
        with Tab(web.url, browser).boot("/settings") as tab:
            tab.event(f"{CLERK}.take_session", "/settings", token=tokens["grace@example.com"])
            tab.shows("Grace's Works")
            name = tab.name
        with Tab(web.url, "", name).boot("/settings") as thief:
            ended(thief)
            assert not [frame for frame in thief.frames if "Grace's Works" in frame]
        with Tab(web.url, browser, name).boot("/settings") as tab:
            tab.shows("Grace's Works")
            # Another account in the same browser: nothing of the first one is left, before anything else happens.
            fake.world.companies["ada@example.com"] = []
            fake.world.tokens[tokens["ada@example.com"]] = "ada@example.com"
            tab.event(f"{CLERK}.take_session", "/settings", token=tokens["ada@example.com"])
            tab.shows('"company_rx_state_":{"id":"","name":""')
    finally:
        web.stop()


def clerk_token(fake: ChatApi, email: str) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": email, "sid": f"sess_{email}"}).encode()).decode().rstrip("=")
    token = f"header.{claims}.signature"
    fake.world.tokens[token] = email
    return token


# The gate alone.


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def scope(address: str = "203.0.113.9") -> Scope:
    return {"type": "websocket", "client": (address, 1), "headers": []}


async def through(gate: Sockets, *texts: str | bytes) -> tuple[list[Message], list[str]]:
    """What the app and the visitor see of messages that the visitor sends."""
    waiting: list[Message] = [{"type": "websocket.connect"}]
    waiting += [{"type": "websocket.receive", "text" if isinstance(text, str) else "bytes": text} for text in texts]
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Message) -> None:
        sent.append(message)

    await gate(scope(), receive, send)
    return sent, SEEN.pop()


SEEN: list[list[str]] = [[]]


async def app(_scope: Scope, receive: Receive, send: Send) -> None:
    """Accepts, notes what it is sent, and answers each message."""
    seen: list[str] = []
    SEEN.append(seen)
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        seen.append(message["text"])
        await send({"type": "websocket.send", "text": "answer"})


EVENT = '42/_event,["event",{}]'
CONNECT = "40/_event,{}"


@pytest.mark.parametrize(
    "texts",
    [
        (EVENT,), (CONNECT, CONNECT), (CONNECT, b"\x04"), (CONNECT, '42/other,["event"]'), ("40/other",),
        (CONNECT, '51-/_event,["event",{"_placeholder":true,"num":0}]'), (CONNECT, '42/_event,["ping"]'),
        (CONNECT, f'{EVENT[:-1]}{"x" * 200_000}]'), (CONNECT, '42/_event,["event",' + "ü" * 70_000),
    ],
)  # fmt: skip
async def test_what_no_page_sends_closes_the_socket(texts: tuple[str | bytes, ...]) -> None:
    sent, seen = await through(Sockets(app, Oddities()), *texts)
    assert sent[-1] == {"type": "websocket.close", "code": 1008}
    assert seen == list(texts[:-1])


async def test_what_a_page_sends_passes() -> None:
    texts = (CONNECT, "3", EVENT, '42/_event,["client_error",{}]', "41/_event,", "1")
    sent, seen = await through(Sockets(app, Oddities()), *texts)
    assert seen == list(texts)
    assert "websocket.close" not in {message["type"] for message in sent}


async def test_messages_are_bounded_in_a_second() -> None:
    clock = Clock()
    gate = Sockets(app, Oddities(), Bounds(events_per_second=2, burst=5), clock)
    _, seen = await through(gate, CONNECT, *[EVENT] * 20)
    assert len(seen) == 5


async def test_a_socket_that_names_no_tab_is_closed() -> None:
    sent: list[Message] = []
    first: list[Message] = [{"type": "websocket.connect"}]

    async def receive() -> Message:
        if first:
            return first.pop()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(message: Message) -> None:
        sent.append(message)

    await Sockets(app, Oddities(), Bounds(connect_seconds=0))(scope(), receive, send)
    assert sent[-1] == {"type": "websocket.close", "code": 1008}


async def test_sockets_are_bounded_by_address_and_in_all() -> None:
    release, inside = asyncio.Event(), 0

    async def waits(_scope: Scope, _receive: Receive, _send: Send) -> None:
        nonlocal inside
        inside += 1
        await release.wait()

    gate = Sockets(waits, Oddities(), Bounds(per_address=2, in_all=3))
    refused: list[str] = []

    async def visit(address: str) -> None:
        async def send(message: Message) -> None:
            assert message == {"type": "websocket.close", "code": 1013}
            refused.append(address)

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        await gate(scope(address), receive, send)

    addresses = ("2001:db8::1", "2001:db8::2", "2001:db8::3", "198.51.100.1", "198.51.100.2")
    visits = [asyncio.create_task(visit(address)) for address in addresses]
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*visits)
    assert refused == ["2001:db8::3", "198.51.100.2"]
    await visit("2001:db8::1")
    assert inside == 4


def test_ipv6_counts_by_household() -> None:
    assert network_of(scope("2001:db8:1:2:3::4")) == network_of(scope("2001:db8:1:2:ffff::1"))
    assert network_of(scope("2001:db8:1:2::1")) != network_of(scope("2001:db8:1:3::1"))
    assert network_of(scope("198.51.100.7")) == "198.51.100.7"


# How long states are kept.


MADE: Any = States


class Owners:
    """Says that a state belongs to whoever its name says."""

    def owner_of(self, state: object) -> str:
        return str(state)

    def listener_of(self, cookie_header: str) -> str:
        return cookie_header


class Token:
    def __init__(self, name: str) -> None:
        self.cache_key = self.lock_key = name


@pytest.mark.parametrize(
    ("owner", "connected", "age", "kept"),
    [
        ("", False, STRANGER_SECONDS - 1, True),
        ("", False, STRANGER_SECONDS + 1, False),
        ("", True, 1e9, True),
        ("ada", False, GONE_SECONDS - 1, True),
        ("ada", False, GONE_SECONDS + 1, False),
        ("ada", True, 1e9, True),
    ],
)
async def test_states_go_when_nobody_is_there_for_them(owner: str, connected: bool, age: float, kept: bool) -> None:
    states = MADE(Owners(), lambda _tab: connected, lambda: time.time() - age)
    states.states["tab"] = owner
    states._track_token(Token("tab"))
    states._purge_expired_tokens()
    assert ("tab" in states.states) is kept
    await states.close()


async def test_a_strangers_state_goes_with_its_socket_and_a_sessions_waits() -> None:
    states = MADE(Owners(), lambda _tab: False)
    for name, owner in (("stranger", ""), ("member", "ada")):
        states.states[name] = owner
        states._track_token(Token(name))
        states.release(name)
    assert list(states.states) == ["member"]
    await states.close()


# The log.


def test_log_says_where_and_never_what() -> None:
    out, clock = io.StringIO(), Clock()
    logger = logging.Logger("reflex.app")
    logger.addHandler(Lines(out, clock))
    for _ in range(PLACE_LINES + 7):
        try:
            raise ValueError(PASSWORD)
        except ValueError:
            logger.exception("Event data: %s", PASSWORD)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(lines) == PLACE_LINES
    assert lines[0]["exception"] == "ValueError"
    assert "test_sockets.py" in lines[0]["raised_at"][-1]
    assert PASSWORD not in out.getvalue()
    clock.now += 61
    logger.error("again")
    assert "7 lines were left out" in out.getvalue()


def test_our_own_lines_are_shown_without_secrets() -> None:
    out = io.StringIO()
    logger = logging.Logger("frontend.app")
    logger.addHandler(Lines(out))
    name = str(uuid4())
    logger.error("event handler failed, reference %s", "12ab")
    logger.error("socket %s, cookie: ocsuite_session=abc, ticket=def, %s", name, "eyJhbGciOi.eyJzdWIi.sig")
    first, second = [json.loads(line)["event"] for line in out.getvalue().splitlines()]
    assert first == "event handler failed, reference 12ab"
    assert not [secret for secret in (name, "abc", "def", "eyJ") if secret in second]
