"""The chat as it is read: found by a search, long, thought about, cut off, on small screens, and by who may not ask."""

import re
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.frontend.chat_api import ChatApi, Talk
from tests.frontend.test_chat_outbox import field
from tests.frontend.test_chat_page import LONG, ask, finished, said

# What the events of a composition look like in each browser, by what the page can see of them.
KEYS = {
    "Chromium": {"isComposing": True, "keyCode": 229},
    "Safari, after compositionend": {"isComposing": False, "keyCode": 229},
}
PRESS = """([selector, key, options]) => document.querySelector(selector).dispatchEvent(
  new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true, ...options}))"""
LINES = "it => it.getClientRects().length"
#: Remembers which messages were marked as found: a mark goes after seconds, which a busy machine can be late for.
MARKS = """() => {
  window.marked = [];
  const note = (changes) => changes.forEach(({ target }) => target.dataset.found && window.marked.push(target.id));
  new MutationObserver(note).observe(document.body, { subtree: true, attributeFilter: ["data-found"] });
}"""


@pytest.fixture
def chat(entered: Page, fake: ChatApi) -> Iterator[Page]:
    """A page on an empty chat; the fake's chat is as new."""
    vars(fake.talk).update(vars(Talk()))
    entered.goto("/chat")
    expect(entered.get_by_role("heading", name="What should your CEO look at?")).to_be_visible()
    yield entered
    fake.world.faults.clear()
    fake.world.held.clear()
    fake.talk.hold_after = 0


def rows(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Conversations").get_by_role("link")


@pytest.mark.parametrize("browser_of", KEYS)
def test_keys_of_a_composition_neither_send_nor_cancel(chat: Page, fake: ChatApi, browser_of: str) -> None:
    fake.talk.seed("Plan", 2)
    chat.reload()
    field(chat).fill("にほん")
    prevented = not chat.evaluate(PRESS, ["#composer-text", "Enter", KEYS[browser_of]])
    assert not prevented, "the input method needs the key"
    expect(field(chat)).to_have_value("にほん")
    rows(chat).hover()
    chat.get_by_role("button", name="Rename Plan").click()
    expect(chat.get_by_label("Title of the conversation")).to_be_focused()
    chat.evaluate(PRESS, [".chat-rename .input", "Escape", KEYS[browser_of]])
    expect(chat.get_by_label("Title of the conversation")).to_be_visible()
    chat.evaluate(PRESS, [".chat-rename .input", "Escape", {}])
    expect(chat.get_by_label("Title of the conversation")).to_be_hidden()
    assert fake.talk.keys == []


def test_return_makes_a_line_on_a_touch_screen(chat: Page, fake: ChatApi) -> None:
    devtools = chat.context.new_cdp_session(chat)
    devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})
    devtools.send("Emulation.setEmulatedMedia", {"features": [{"name": "pointer", "value": "coarse"}]})
    field(chat).fill("one")
    field(chat).press("Enter")
    chat.keyboard.type("two")
    expect(field(chat)).to_have_value("one\ntwo")
    chat.get_by_role("button", name="Send", exact=True).click()
    finished(chat)
    assert fake.talk.asked() == ["one\ntwo"]


def test_enter_before_the_page_is_ready_is_not_swallowed(chat: Page, fake: ChatApi) -> None:
    fake.talk.seed("Older", 2)
    # The page's own scripts wait until the field has been used.
    chat.route("**/assets/*.js", lambda _route: None)
    chat.goto("/chat", wait_until="commit")
    chat.get_by_label("Message", exact=True).type("Already typed")
    chat.keyboard.press("Enter")
    chat.unroute("**/assets/*.js")
    finished(chat)
    assert fake.talk.asked()[-1] == "Already typed"


def test_search_before_the_page_is_ready_is_heeded(chat: Page, fake: ChatApi) -> None:
    fake.talk.seed("Strategy", 2)
    fake.talk.seed("Another", 2)
    chat.route("**/assets/*.js", lambda _route: None)
    chat.goto("/chat", wait_until="commit")
    chat.get_by_label("Search conversations").fill("strategy")
    chat.unroute("**/assets/*.js")
    expect(rows(chat)).to_have_count(1)
    expect(chat.get_by_label("Search conversations")).to_have_value("strategy")


def test_search_keeps_its_words_shows_the_passage_and_leads_to_it(chat: Page, fake: ChatApi) -> None:
    long = fake.talk.seed("Long talk", 200)
    fake.talk.seed("Another", 2)
    wanted = fake.talk.messages[long][40]
    fake.talk.messages[long][40] = msgspec.structs.replace(wanted, content="Our Vertriebsstrategie is simple. " * 3)
    chat.reload()
    expect(rows(chat)).to_have_count(2)
    search = chat.get_by_label("Search conversations")
    search.fill("strategie")
    expect(rows(chat)).to_have_count(1)
    expect(rows(chat).locator("mark")).to_have_text("strategie")
    chat.evaluate(MARKS)
    rows(chat).click()
    expect(chat.locator(f"#message-{wanted.id}")).to_be_in_viewport()
    chat.wait_for_function("id => window.marked.includes(id)", arg=f"message-{wanted.id}")
    expect(search).to_have_value("strategie")
    chat.get_by_role("link", name="Team", exact=True).click()
    chat.wait_for_url("**/team")
    chat.get_by_role("link", name="Chat", exact=True).click()
    expect(search).to_have_value("strategie")
    expect(rows(chat)).to_have_count(1)
    chat.reload()
    expect(search).to_have_value("strategie")
    expect(rows(chat)).to_have_count(1)
    search.fill("")
    expect(rows(chat)).to_have_count(2)


def test_asking_leaves_the_list_as_long_as_it_was(chat: Page, fake: ChatApi) -> None:
    for number in range(80):
        fake.talk.seed(f"Plan {number}", 2, timedelta(hours=number))
    chat.reload()
    for count in (30, 60):
        expect(rows(chat)).to_have_count(count)
        chat.get_by_role("button", name="Load more").click()
    expect(rows(chat)).to_have_count(80)
    ask(chat, "One more")
    finished(chat)
    chat.wait_for_url("**/chat/*")
    expect(rows(chat)).to_have_count(81)
    expect(rows(chat).first).to_contain_text("One more")
    # The page that now has an address reads its list last.
    chat.reload()
    expect(rows(chat)).to_have_count(81)


def test_question_in_a_long_thread_sends_what_is_new_alone(chat: Page, fake: ChatApi) -> None:
    conversation = fake.talk.seed("Long", 200)
    sizes: list[int] = []
    chat.on("websocket", lambda socket: socket.on("framereceived", lambda data: sizes.append(len(data))))
    chat.goto(f"/chat/{conversation}")
    articles = chat.get_by_role("article")
    for count in (30, 60, 90, 120, 150, 180, 200):
        expect(articles).to_have_count(count)
        chat.locator("#transcript").evaluate("it => it.scrollTop = 20")
    whole = sum(sizes)
    assert whole > 100_000
    fake.talk.words = "Short."
    for number in range(3):
        sizes.clear()
        ask(chat, f"Question {number}")
        expect(articles).to_have_count(202 + 2 * number)
        finished(chat)
        assert sum(sizes) < 12_000, f"{sum(sizes)} of {whole}"


def test_tab_has_the_title_of_its_conversation_and_the_time_of_one_of_two(chat: Page, fake: ChatApi) -> None:
    expect(chat).to_have_title("Chat · OCSuite")
    alone = fake.talk.seed("Alone", 2)
    twin = fake.talk.seed("Twins", 2, timedelta(days=1))
    fake.talk.seed("Twins", 2, timedelta(days=2))
    chat.goto(f"/chat/{alone}")
    expect(chat).to_have_title("Alone · OCSuite")
    chat.goto(f"/chat/{twin}")
    expect(chat).to_have_title(re.compile(r"Twins · \d+ \w+ \d{4}, \d\d:\d\d \w+ · OCSuite"))
    expect(rows(chat).nth(1)).to_contain_text(re.compile(r"\d\d:\d\d"))


def test_who_may_not_ask_is_offered_nothing_and_told_whom_to_ask(entered: Page, fake: ChatApi) -> None:
    vars(fake.talk).update(vars(Talk()))
    (email,) = [fake.world.sessions[one["value"]] for one in entered.context.cookies()]
    fake.world.held[email] = ["company.read", "chat.read"]
    entered.goto("/chat")
    expect(entered.get_by_role("heading", name="You can read here, not ask")).to_be_visible()
    expect(entered.locator("#composer + .composer")).to_contain_text("an owner or an admin of your company")
    expect(entered.get_by_role("link", name="New chat")).to_have_count(0)
    expect(entered.get_by_role("list", name="First questions")).to_have_count(0)
    fake.world.held.clear()


def test_thoughts_are_folded_away(chat: Page, fake: ChatApi) -> None:
    fake.talk.thought, fake.talk.words, fake.talk.hold_after = "They ask about hiring.", LONG, 20
    ask(chat, "Should we hire?")
    said(chat, "word10")
    expect(chat.locator(".chat-thought-text")).to_be_hidden()
    fake.talk.hold_after = 0
    finished(chat)
    expect(chat.locator(".chat-thought-text")).to_be_hidden()
    chat.get_by_text("Thought for 4 s").click()
    expect(chat.get_by_text("They ask about hiring.")).to_be_visible()
    assert chat.locator("[data-copy=answer]").get_attribute("data-text") == LONG


def test_thought_in_progress_says_so(chat: Page, fake: ChatApi) -> None:
    fake.talk.thought, fake.talk.words, fake.talk.hold_after = "They ask about hiring.", " Yes.", 1
    ask(chat, "Should we hire?")
    expect(chat).to_have_url(re.compile(r"/chat/[0-9a-f-]{36}$"))  # until then the page may be drawn anew
    chat.get_by_text("Thinking…").click()
    expect(chat.get_by_text("They ask about hiring.")).to_be_visible()


@pytest.mark.parametrize(
    ("why", "words"),
    [("length", "the model reached its longest answer"), ("content_filter", "by the model's content filter")],
)
def test_answer_that_was_cut_off_says_why_and_can_be_continued(chat: Page, fake: ChatApi, why: str, words: str) -> None:
    fake.talk.cut_off = why  # type: ignore[assignment]  # one of the two
    ask(chat, "Tell me everything")
    finished(chat)
    expect(chat.get_by_text(words)).to_be_visible()
    fake.talk.cut_off = None
    chat.get_by_role("button", name="Continue").dblclick()
    expect(chat.get_by_role("article")).to_have_count(4)
    finished(chat)
    assert fake.talk.asked() == ["Tell me everything", "Continue where you stopped."]
    expect(chat.get_by_role("button", name="Continue")).to_have_count(0)


@pytest.mark.parametrize("begun", [True, False])
def test_failed_regeneration_keeps_the_answer_and_says_why(chat: Page, fake: ChatApi, begun: bool) -> None:
    fake.talk.words = "The good answer."
    ask(chat, "What now?")
    finished(chat)
    if begun:
        fake.talk.fail = True
    else:
        (conversation,) = fake.talk.conversations
        fake.world.faults[f"/c-suite/messages/{fake.talk.messages[conversation][-1].id}/regenerate"] = 429
    chat.get_by_role("button", name="Regenerate").click()
    expect(chat.get_by_role("alert")).to_contain_text("No new answer.")
    expect(chat.get_by_role("alert")).to_contain_text("The model is away" if begun else "The fake was told to fail.")
    expect(chat.get_by_role("article").last).to_contain_text("The good answer.")
    fake.talk.fail, fake.talk.words = False, "A better answer."
    fake.world.faults.clear()
    chat.get_by_role("button", name="Regenerate").click()
    said(chat, "A better answer.")
    finished(chat)
    expect(chat.get_by_role("alert")).to_have_count(0)
    expect(chat.get_by_role("article")).to_have_count(2)


def test_stopped_before_a_word_says_so(chat: Page, fake: ChatApi) -> None:
    fake.talk.words, fake.talk.hold_after = " Yes.", 1
    ask(chat, "Tell me everything")
    chat.get_by_role("button", name="Stop the answer").click()
    expect(chat.get_by_text("Stopped before anything was said.")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(375, 500), (667, 375), (720, 450)])
def test_welcome_begins_at_its_top(chat: Page, width: int, height: int) -> None:
    chat.set_viewport_size({"width": width, "height": height})
    chat.reload()
    heading = chat.get_by_role("heading", name="What should your CEO look at?")
    expect(heading).to_be_in_viewport(ratio=1)
    assert chat.locator("#transcript").evaluate("it => it.scrollTop") == 0


@pytest.mark.parametrize("width", [768, 820, 1024])
def test_column_is_as_wide_as_a_phone_at_least(chat: Page, fake: ChatApi, width: int) -> None:
    fake.talk.seed("Plan", 2)
    chat.set_viewport_size({"width": width, "height": 900})
    chat.reload()
    column = chat.locator(".chat-main").bounding_box()
    assert column is not None
    assert column["width"] >= 500
    chat.get_by_role("button", name="Show conversations").click()
    rows(chat).click()
    expect(chat.get_by_role("article")).to_have_count(2)
    expect(rows(chat)).to_be_hidden()


def test_dialog_and_rename_field_answer_without_the_server(chat: Page, fake: ChatApi) -> None:
    fake.talk.seed("Plan", 2)
    chat.reload()
    expect(rows(chat)).to_have_count(1)
    chat.wait_for_load_state("networkidle")
    sent: list[str] = []
    devtools = chat.context.new_cdp_session(chat)
    devtools.send("Network.enable")
    devtools.on("Network.webSocketFrameSent", lambda frame: sent.append(frame["response"]["payloadData"]))
    rows(chat).hover()
    chat.get_by_role("button", name="Rename Plan").click()
    expect(chat.get_by_label("Title of the conversation")).to_be_focused()
    chat.keyboard.press("Escape")
    chat.get_by_role("button", name="Delete Plan").click()
    expect(chat.get_by_role("dialog")).to_contain_text("Plan and all of its messages")
    chat.keyboard.press("Escape")
    expect(chat.get_by_role("dialog")).to_be_hidden()
    chat.get_by_role("button", name="Delete Plan").click()
    chat.get_by_role("dialog").get_by_role("button", name="Keep").click()
    expect(chat.get_by_role("dialog")).to_be_hidden()
    assert [one for one in sent if one.startswith("42")] == []
