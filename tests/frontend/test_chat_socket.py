"""The chat as a tab's socket sees it: what a long answer costs, and a reload before the browser has its address."""

from uuid import uuid4

import pytest

from tests.frontend.chat_api import ChatApi, Talk
from tests.frontend.kit import WebApp
from tests.frontend.tab import CHAT, Tab

HYDRATED = 'is_hydrated_rx_state_":true'
ENDED = '"busy_rx_state_":false'


@pytest.fixture
def cookie(fake: ChatApi) -> str:
    vars(fake.talk).update(vars(Talk()))
    return f"ocsuite_session={fake.world.founded(f'{uuid4().hex}@example.com')}"


def ask(tab: Tab) -> None:
    tab.shows(HYDRATED)
    tab.event(f"{CHAT}.send", "/chat", form={"message": "Tell me everything", "key": "0123-4567", "conversation": ""})


@pytest.mark.parametrize("block", ["{}\n\n", "- {}\n"], ids=["paragraphs", "list"])
def test_a_long_answer_costs_a_few_times_its_length(web: WebApp, fake: ChatApi, cookie: str, block: str) -> None:
    fake.talk.words = " ".join(block.format(f"{number}" * 80) for number in range(100, 180))
    fake.talk.pause = 0.05  # about as long as one update, so that there are many of them
    with Tab(web.url, cookie).boot("/chat") as tab:
        ask(tab)
        tab.frames.clear()
        tab.shows(ENDED)
    size = sum(map(len, tab.frames))
    # Sending what is there with every update would be half as many times the length as there are updates.
    assert len(tab.frames) > 12
    assert size < (2 + len(tab.frames) / 4) * len(fake.talk.words), (size, len(tab.frames))


def test_a_reload_before_the_browser_has_the_new_address_leads_there(web: WebApp, fake: ChatApi, cookie: str) -> None:
    fake.talk.words, fake.talk.hold_after = "These words stay", 2
    with Tab(web.url, cookie).boot("/chat") as tab:
        ask(tab)
        tab.shows("These words")
    (conversation,) = fake.talk.conversations
    with Tab(web.url, cookie, tab.name).boot("/chat") as again:
        again.until(lambda frame: "_redirect" in frame and f"/chat/{conversation}" in frame)
    with Tab(web.url, cookie, tab.name).boot(f"/chat/{conversation}") as there:
        there.shows("These words")
        fake.talk.hold_after = 0
        there.shows("These words stay")
    # The address was taken: from now on the empty chat is the empty chat.
    with Tab(web.url, cookie, tab.name).boot("/chat") as new:
        new.shows('"open_id_rx_state_":""')
