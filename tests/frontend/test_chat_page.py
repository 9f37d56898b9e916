"""The chat in a browser: asking, watching, reloading, stopping, asking again, and what goes wrong meanwhile."""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.frontend.chat_api import SUGGESTION, ChatApi, Talk

ATTEMPTS = 3  # a machine that is busy with other tests can only make it look worse than it is
LONG = " ".join(f"word{number}" for number in range(240))
AT_END = (
    "() => { const it = document.getElementById('transcript');"
    " return it.scrollHeight - it.scrollTop - it.clientHeight < 2 }"
)
STORED = "document.cookie + JSON.stringify({...localStorage, ...sessionStorage})"


@pytest.fixture
def chat(entered: Page, fake: ChatApi) -> Iterator[Page]:
    """A page on an empty chat; the fake's chat is as new."""
    vars(fake.talk).update(vars(Talk()))
    entered.goto("/chat")
    expect(entered.get_by_role("heading", name="What should your CEO look at?")).to_be_visible()
    yield entered
    fake.world.faults.clear()
    fake.talk.hold_after = 0


def ask(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Message").fill(text)
    page.keyboard.press("Enter")


def said(page: Page, word: str) -> None:
    expect(page.get_by_role("article").last).to_contain_text(word)


def finished(page: Page) -> None:
    # Until the conversation has its address the page may be drawn anew.
    expect(page).to_have_url(re.compile(r"/chat/[0-9a-f-]{36}$"))
    expect(page.get_by_role("button", name="Regenerate")).to_be_visible()


def test_suggestion_leads_to_a_formatted_answer_at_an_address_of_its_own(chat: Page, fake: ChatApi) -> None:
    chat.get_by_role("button", name=SUGGESTION).click()
    finished(chat)
    (conversation,) = fake.talk.conversations
    chat.wait_for_url(f"**/chat/{conversation}")
    answer = chat.get_by_role("article").last
    expect(answer.locator("strong").first).to_have_text("Hold")
    expect(answer.get_by_role("table")).to_be_visible()
    expect(answer.get_by_label("Code, sql")).to_have_text("SELECT 1\n")
    expect(chat.get_by_role("navigation", name="Conversations").get_by_role("link")).to_have_text(
        re.compile(re.escape(SUGGESTION))
    )
    expect(chat.get_by_text("mock-1 (demonstration model)")).to_be_visible()
    expect(chat.get_by_role("textbox", name="Message")).to_be_focused()


def test_reload_in_the_middle_loses_and_doubles_nothing(chat: Page, fake: ChatApi) -> None:
    fake.talk.words, fake.talk.hold_after = LONG, 60
    ask(chat, "Tell me everything")
    said(chat, "word20")
    chat.reload()
    said(chat, "word59")
    expect(chat.get_by_role("button", name="Stop the answer")).to_be_visible()
    fake.talk.hold_after = 0
    finished(chat)
    expect(chat.get_by_role("article")).to_have_count(2)
    assert chat.get_by_role("article").last.locator(".md").inner_text() == LONG


def test_second_tab_follows_the_same_answer(chat: Page, fake: ChatApi) -> None:
    fake.talk.words, fake.talk.hold_after = LONG, 60
    ask(chat, "Tell me everything")
    said(chat, "word20")
    chat.wait_for_url("**/chat/*")
    other = chat.context.new_page()
    other.goto(chat.url)
    said(other, "word59")
    fake.talk.hold_after = 0
    finished(other)
    finished(chat)
    assert other.get_by_role("article").last.locator(".md").inner_text() == LONG
    assert chat.get_by_role("article").last.locator(".md").inner_text() == LONG


def test_lost_stream_is_taken_up_where_it_was_lost(chat: Page, fake: ChatApi) -> None:
    fake.talk.words, fake.talk.pause, fake.talk.cut_streams = LONG, 0.005, 2
    ask(chat, "Tell me everything")
    finished(chat)
    assert fake.talk.cut_streams == 0
    assert chat.get_by_role("article").last.locator(".md").inner_text() == LONG


def test_typing_goes_on_while_an_answer_arrives(chat: Page, fake: ChatApi) -> None:
    fake.talk.words, fake.talk.hold_after = LONG, 60
    ask(chat, "Tell me everything")
    said(chat, "word10")
    chat.keyboard.type("the next question", delay=20)
    chat.keyboard.press("Enter")
    fake.talk.hold_after = 0
    expect(chat.get_by_role("textbox", name="Message")).to_have_value("the next question")
    finished(chat)
    expect(chat.get_by_role("textbox", name="Message")).to_have_value("the next question")
    expect(chat.get_by_role("article")).to_have_count(2)


def test_text_arrives_at_least_twenty_times_a_second(chat: Page, fake: ChatApi) -> None:
    ask(chat, "First")
    finished(chat)
    fake.talk.words, fake.talk.pause = LONG, 0.01
    medians = []
    for _ in range(ATTEMPTS):
        chat.evaluate(
            # The transcript is another element once the conversation has its address.
            "() => { window.watch?.disconnect(); window.seen = [];"
            " const within = ({ target }) => (target.closest ? target : target.parentElement)?.closest('#transcript');"
            " const note = (found) => found.some(within) && window.seen.push(performance.now());"
            " window.watch = new MutationObserver(note);"
            " window.watch.observe(document.body, {childList: true, subtree: true, characterData: true}) }"
        )
        earlier = chat.get_by_role("article").count()
        ask(chat, "Tell me everything")
        # The answers of earlier attempts have this word too.
        expect(chat.get_by_role("article").nth(earlier + 1)).to_contain_text("word200")
        seen: list[float] = chat.evaluate("window.seen")
        finished(chat)
        assert len(seen) / ((seen[-1] - seen[0]) / 1000) < 40
        gaps = sorted(later - earlier for earlier, later in pairwise(seen))
        medians.append(gaps[len(gaps) // 2])
        if medians[-1] < 50:
            return
    raise AssertionError(medians)


def test_stop_keeps_the_text_and_regenerate_replaces_it(chat: Page, fake: ChatApi) -> None:
    fake.talk.words, fake.talk.hold_after = LONG, 20
    ask(chat, "Tell me everything")
    said(chat, "word10")
    chat.get_by_role("button", name="Stop the answer").click()
    expect(chat.get_by_text("Stopped. The text so far is kept.")).to_be_visible()
    expect(chat.get_by_role("article").last).to_contain_text("word10")
    fake.talk.words, fake.talk.hold_after = "Something else.", 0
    chat.get_by_role("button", name="Regenerate").click()
    finished(chat)
    expect(chat.get_by_role("article").last).not_to_contain_text("word10")
    expect(chat.get_by_role("article")).to_have_count(2)


def test_failed_answer_says_why_and_can_be_tried_again(chat: Page, fake: ChatApi) -> None:
    fake.talk.fail = True
    ask(chat, "Will this work?")
    expect(chat.get_by_text("The model is away").first).to_be_visible()
    fake.talk.fail = False
    chat.get_by_role("button", name="Try again").click()
    finished(chat)
    expect(chat.get_by_text("The model is away")).to_have_count(0)


def test_refused_question_is_kept_and_sent_again_with_the_same_key(chat: Page, fake: ChatApi) -> None:
    fake.world.faults["/c-suite/ceo/chat"] = 429
    ask(chat, "Do not lose me")
    expect(chat.get_by_role("alert").filter(has_text="Not sent.")).to_contain_text("The fake was told to fail.")
    fake.world.faults.clear()
    chat.get_by_role("button", name="Send again").click()
    finished(chat)
    expect(chat.get_by_text("Not sent.")).to_be_hidden()
    expect(chat.get_by_role("article").first).to_contain_text("Do not lose me")


def test_stopped_api_keeps_the_question_and_the_page_recovers(chat: Page, fake: ChatApi) -> None:
    ask(chat, "First")
    finished(chat)
    fake.stop()
    try:
        ask(chat, "Are you there?")
        expect(chat.get_by_text("service is not answering")).to_be_visible()
        expect(chat.get_by_text("Not sent.")).to_be_visible()
    finally:
        fake.start()
    expect(chat.get_by_text("service is not answering")).to_be_hidden()
    chat.get_by_role("button", name="Send again").click()
    finished(chat)
    expect(chat.get_by_role("article")).to_have_count(4)


def test_unsent_question_can_be_dropped(chat: Page, fake: ChatApi) -> None:
    ask(chat, "First")
    finished(chat)
    fake.world.faults["/c-suite/ceo/chat"] = 429
    ask(chat, "Never mind")
    chat.get_by_role("button", name="Discard").click()
    finished(chat)
    expect(chat.get_by_role("article")).to_have_count(2)


def test_transcript_follows_only_who_is_at_its_end(chat: Page, fake: ChatApi) -> None:
    conversation = fake.talk.seed("Long", 70)
    chat.goto(f"/chat/{conversation}")
    expect(chat.get_by_role("article")).to_have_count(30)
    chat.wait_for_function(AT_END)
    chat.locator("#transcript").evaluate("it => it.scrollTop = 20")
    expect(chat.get_by_role("article")).to_have_count(60)
    # What was being read has to stay in view.
    chat.wait_for_function("document.getElementById('transcript').scrollTop > 1000")
    expect(chat.get_by_role("button", name="Jump to latest")).to_be_visible()
    fake.talk.words, fake.talk.hold_after = "\n\n ".join(LONG.split()), 60
    chat.get_by_role("button", name="Jump to latest").click()
    ask(chat, "And now?")
    said(chat, "word59")
    chat.wait_for_function(AT_END)
    end = chat.locator("#transcript").evaluate("it => it.scrollTop")
    chat.locator("#transcript").hover()
    chat.mouse.wheel(0, -400)
    expect(chat.get_by_role("button", name="Jump to latest")).to_be_visible()
    chat.wait_for_function("end => document.getElementById('transcript').scrollTop <= end - 400", arg=end)
    top = chat.locator("#transcript").evaluate("it => it.scrollTop")
    fake.talk.hold_after = 0
    said(chat, "word120")
    assert chat.locator("#transcript").evaluate("it => it.scrollTop") == top


def test_list_is_searched_extended_renamed_and_deleted(chat: Page, fake: ChatApi) -> None:
    for number in range(40):
        fake.talk.seed(f"Plan {number}", 2, timedelta(hours=number))
    chat.reload()
    rows = chat.get_by_role("navigation", name="Conversations").get_by_role("link")
    expect(rows).to_have_count(30)
    chat.get_by_role("button", name="Load more").click()
    expect(rows).to_have_count(40)
    chat.get_by_role("heading", name="What should your CEO look at?").click()
    chat.keyboard.press("/")
    expect(chat.get_by_label("Search conversations")).to_be_focused()
    chat.keyboard.type("plan 39")
    expect(rows).to_have_count(1)
    rows.click()
    expect(chat.get_by_role("article")).to_have_count(2)
    expect(rows).to_have_attribute("aria-current", "page")
    rows.hover()
    chat.get_by_role("button", name="Rename Plan 39").click()
    title = chat.get_by_label("Title of the conversation")
    expect(title).to_be_focused()
    title.fill("A better title")
    title.press("Enter")
    expect(rows).to_contain_text("A better title")
    assert fake.talk.renamed.wait(20)
    assert "A better title" in [one.title for one in fake.talk.conversations.values()]
    rows.hover()
    chat.get_by_role("button", name="Delete A better title").click()
    chat.get_by_role("button", name="Delete conversation").click()
    expect(rows).to_have_count(0)
    chat.wait_for_url("**/chat")
    assert len(fake.talk.conversations) == 39


def test_list_that_cannot_be_read_leaves_the_conversation_usable(chat: Page, fake: ChatApi) -> None:
    conversation = fake.talk.seed("Plan", 2)
    fake.world.faults["/c-suite/conversations"] = 500
    # A new tab has a new state, which knows no list yet.
    other = chat.context.new_page()
    other.goto(f"/chat/{conversation}")
    expect(other.get_by_text("Your conversations could not be read.")).to_be_visible()
    expect(other.get_by_role("article")).to_have_count(2)
    fake.world.faults.clear()
    other.get_by_role("button", name="Try again").click()
    expect(other.get_by_role("navigation", name="Conversations").get_by_role("link")).to_have_count(1)


def test_another_company_starts_with_nothing(chat: Page, fake: ChatApi) -> None:
    ask(chat, "Only for Acme")
    finished(chat)
    chat.goto("/onboarding?new=1")
    chat.get_by_label("Company name").fill("Babbage Ltd")
    chat.get_by_role("button", name="Create company").click()
    chat.get_by_role("button", name="Skip for now").click()
    chat.get_by_role("button", name="Skip this step").click()
    fake.talk.conversations.clear()
    chat.get_by_role("link", name="Open the dashboard").click()
    chat.get_by_role("link", name="Chat", exact=True).click()
    expect(chat.get_by_role("heading", name="What should your CEO look at?")).to_be_visible()
    expect(chat.get_by_text("Only for Acme")).to_have_count(0)


def test_conversation_that_is_not_there(chat: Page) -> None:
    for address in ("00000000-0000-0000-0000-000000000000", "nonsense"):
        chat.goto(f"/chat/{address}")
        expect(chat.get_by_role("heading", name="This conversation is not here")).to_be_visible()
    chat.get_by_role("link", name="Start a new chat").click()
    expect(chat.get_by_role("textbox", name="Message")).to_be_focused()


def test_no_token_reaches_the_page(chat: Page, fake: ChatApi) -> None:
    frames: list[str] = []
    chat.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(str(data))))
    chat.reload()
    ask(chat, "Is this safe?")
    finished(chat)
    assert any("Is this safe?" in frame for frame in frames)
    everything = "".join(frames) + chat.evaluate(
        "document.cookie + JSON.stringify({...localStorage, ...sessionStorage})"
    )
    assert not [token for token in fake.world.tokens if token in everything]
    assert not [session for session in fake.world.sessions if session in everything]
