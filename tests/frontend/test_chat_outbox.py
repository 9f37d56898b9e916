"""Nothing typed into the chat is lost and nothing is asked twice: offline, stalled, signed out, in many tabs."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.frontend.chat_api import SUGGESTION, ChatApi, Talk
from tests.frontend.fake_api import COOKIE, Refused
from tests.frontend.kit import WebApp
from tests.frontend.test_chat_page import LONG, ask, finished, said

SHOWN_AT_ONCE = """(text) => {
  const field = document.getElementById('composer-text');
  field.focus();
  field.value = text;
  field.dispatchEvent(new InputEvent('input', {bubbles: true}));
  field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true}));
  const bubble = document.getElementById('unsent');
  return [bubble.checkVisibility(), document.getElementById('unsent-text').textContent, bubble.dataset.state];
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
    fake.world.messages_used = 37
    fake.talk.hold_after, fake.talk.refusal = 0, None


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message")


def unsent(page: Page) -> Locator:
    return page.locator("#unsent")


def kept(page: Page) -> list[str]:
    """The names of what the browser keeps of the chat."""
    found: list[str] = page.evaluate("Object.keys(localStorage).filter(name => /^ocsuite_(draft|unsent):/.test(name))")
    return found


def put(page: Page, kind: str, text: str, age: timedelta) -> None:
    """Make the new chat's draft or question as old as that."""
    at = (datetime.now(UTC) - age).timestamp() * 1000
    value = json.dumps({"text": text, "key": "1-2-3-4-5", "at": at})
    scope = page.evaluate("Object.keys(localStorage).find(name => name.startsWith('ocsuite_draft:')).slice(14)")
    page.evaluate("([name, value]) => localStorage.setItem(name, value)", [f"ocsuite_{kind}:{scope}", value])


def drafted(page: Page, text: str, drafts: int = 1) -> None:
    """Type it, and wait until the page knows whose it is: the browser keeps so many drafts then."""
    field(page).fill(text)
    page.wait_for_function(
        "drafts => Object.keys(localStorage).filter(name => name.startsWith('ocsuite_draft:')).length === drafts",
        arg=drafts,
    )


def scope(chat: Page, fake: ChatApi) -> tuple[UUID, UUID]:
    """Whose page it is, and in which company."""
    session = next(one["value"] for one in chat.context.cookies() if one["name"] == COOKIE)
    email = fake.world.sessions[session]
    return fake.world.users[email].id, fake.world.companies[email][0].tenant.id


def test_question_is_shown_by_the_browser_within_the_same_task(chat: Page) -> None:
    chat.wait_for_function("() => document.getElementById('composer-text')")
    assert chat.evaluate(SHOWN_AT_ONCE, "Where do we stand?") == [True, "Where do we stand?", "sending"]
    finished(chat)
    expect(unsent(chat)).to_be_hidden()
    expect(chat.get_by_role("article")).to_have_count(2)


def test_offline_question_is_kept_and_sent_once_when_the_network_is_back(chat: Page, fake: ChatApi) -> None:
    chat.context.set_offline(True)
    expect(chat.get_by_text("Offline. What you write is kept in this browser.")).to_be_visible()
    ask(chat, "Are we online?")
    expect(unsent(chat)).to_contain_text("You are offline.")
    expect(unsent(chat)).to_contain_text("Are we online?")
    field(chat).fill("and then")
    chat.context.set_offline(False)
    finished(chat)
    assert fake.talk.asked() == ["Are we online?"]
    expect(field(chat)).to_have_value("and then")
    expect(chat.get_by_text("Offline. What you write")).to_be_hidden()


def test_question_survives_a_frozen_server_and_leaving_the_page(chat: Page, fake: ChatApi, web: WebApp) -> None:
    assert web._process is not None
    os.kill(web._process.pid, signal.SIGSTOP)
    try:
        ask(chat, "Is anybody there?")
        expect(unsent(chat)).to_contain_text("has not answered yet")
    finally:
        os.kill(web._process.pid, signal.SIGCONT)
    chat.goto("/team")
    chat.goto("/chat")
    expect(chat.get_by_role("link", name="Is anybody there?")).to_be_visible()
    expect(unsent(chat)).to_be_hidden()
    assert fake.talk.asked() == ["Is anybody there?"]
    assert len(set(fake.talk.keys)) == 1


def test_question_that_never_left_the_browser_is_sent_on_return(chat: Page, fake: ChatApi) -> None:
    fake.world.faults["/c-suite/ceo/chat"] = 503
    ask(chat, "Do not lose me")
    expect(unsent(chat)).to_contain_text("Not sent.")
    other = chat.context.new_page()
    chat.close()  # before the API answers again, or this page would send it after all
    fake.world.faults.clear()
    other.goto("/chat")
    finished(other)
    assert fake.talk.asked() == ["Do not lose me"]
    assert kept(other) == []


def test_question_that_arrived_unnoticed_is_not_asked_again(chat: Page, fake: ChatApi) -> None:
    ask(chat, "Once only")
    finished(chat)
    key = fake.talk.keys[-1]
    (conversation,) = fake.talk.conversations
    user, company = scope(chat, fake)
    value = json.dumps({"text": "Once only", "key": key, "at": datetime.now(UTC).timestamp() * 1000})
    other = chat.context.new_page()
    other.goto("/sign-in")
    name = f"ocsuite_unsent:{user}:{company}:{conversation}"
    other.evaluate("([name, value]) => localStorage.setItem(name, value)", [name, value])
    other.goto(f"/chat/{conversation}")
    finished(other)
    expect(unsent(other)).to_be_hidden()
    expect(other.get_by_role("article")).to_have_count(2)
    assert fake.talk.asked() == ["Once only"]
    other.wait_for_function("name => localStorage.getItem(name) === null", arg=name)


def test_old_question_is_offered_and_a_very_old_one_is_a_draft(chat: Page, fake: ChatApi) -> None:
    drafted(chat, "x")
    field(chat).fill("")
    drafted(chat, "typed since")
    put(chat, "unsent", "From an hour ago", timedelta(hours=1))
    chat.reload()
    expect(unsent(chat)).to_contain_text("Not sent yet.")
    expect(field(chat)).to_have_value("typed since")
    assert fake.talk.keys == []
    put(chat, "unsent", "From yesterday", timedelta(hours=25))
    chat.reload()
    expect(field(chat)).to_have_value("From yesterday\ntyped since")
    expect(unsent(chat)).to_be_hidden()
    put(chat, "unsent", "From an hour ago", timedelta(hours=1))
    chat.reload()
    unsent(chat).get_by_role("button", name="Send again").click()
    finished(chat)
    assert fake.talk.asked() == ["From an hour ago"]


def test_drafts_stay_with_their_conversation(chat: Page, fake: ChatApi) -> None:
    first, second = (fake.talk.seed(title, 2) for title in ("First", "Second"))
    drafted(chat, "for a new one")
    chat.goto(f"/chat/{first}")
    expect(chat.get_by_role("article")).to_have_count(2)
    expect(field(chat)).to_have_value("")
    field(chat).fill("for the first")
    chat.get_by_role("link", name="Second").first.click()
    expect(chat).to_have_title("Second · OCSuite")
    expect(field(chat)).to_have_value("")
    field(chat).fill("for the second")
    chat.get_by_role("link", name="First").first.click()
    expect(field(chat)).to_have_value("for the first")
    chat.get_by_role("link", name="Team", exact=True).click()
    chat.wait_for_url("**/team")
    chat.goto(f"/chat/{second}")
    expect(field(chat)).to_have_value("for the second")
    chat.reload()
    expect(field(chat)).to_have_value("for the second")
    chat.get_by_role("link", name="New chat").first.click()
    expect(field(chat)).to_have_value("for a new one")
    ask(chat, "for a new one")
    finished(chat)
    assert not [name for name in kept(chat) if name.endswith(":new")]


def test_expired_session_keeps_the_question_and_returns_to_it(chat: Page, fake: ChatApi, web: WebApp) -> None:
    conversation = fake.talk.seed("Plan", 2)
    chat.goto(f"/chat/{conversation}")
    expect(chat.get_by_role("article")).to_have_count(2)
    session = next(one["value"] for one in chat.context.cookies() if one["name"] == COOKIE)
    email = fake.world.sessions[session]
    fake.world.sessions.clear()
    fake.world.tokens.clear()
    ask(chat, "Do I get lost?")
    chat.wait_for_url("**/sign-in?reason=expired**")
    expect(chat.get_by_text("Your session has ended")).to_be_visible()
    chat.get_by_label("E-mail").fill(email)
    chat.get_by_label("Password", exact=True).fill("correct horse battery")
    chat.get_by_role("button", name="Sign in").click()
    chat.wait_for_url(f"**/chat/{conversation}")
    expect(chat.get_by_role("article").nth(2)).to_contain_text("Do I get lost?")
    # The browser shows the question before it is asked; only an answer tells that it was.
    expect(chat.get_by_role("article")).to_have_count(4)
    finished(chat)
    assert fake.talk.asked().count("Do I get lost?") == 1


def test_another_account_of_the_same_browser_never_sees_a_draft(chat: Page, fake: ChatApi, web: WebApp) -> None:
    drafted(chat, "my secret plan")
    mine = next(one["value"] for one in chat.context.cookies() if one["name"] == COOKIE)
    theirs = fake.world.founded("somebody-else@example.com")

    def enter(session: str) -> None:
        cookie = {"name": COOKIE, "value": session, "url": web.url, "httpOnly": True, "sameSite": "Lax"}
        chat.context.add_cookies([cookie])  # type: ignore[list-item]  # Playwright's names

    enter(theirs)
    # Once in the page that the other left open, once loaded anew.
    chat.get_by_role("link", name="Team", exact=True).click()
    chat.goto("/chat")
    expect(chat.get_by_role("heading", name="What should your CEO look at?")).to_be_visible()
    drafted(chat, "mine", drafts=2)
    expect(field(chat)).to_have_value("mine")
    enter(mine)
    chat.goto("/chat")
    expect(field(chat)).to_have_value("my secret plan")


def test_question_of_another_tab_appears_and_its_answer_grows(chat: Page, fake: ChatApi) -> None:
    conversation = fake.talk.seed("Shared", 2)
    chat.goto(f"/chat/{conversation}")
    other = chat.context.new_page()
    other.goto(f"/chat/{conversation}")
    for page in (chat, other):
        expect(page.get_by_role("article")).to_have_count(2)
    field(other).fill("not to be disturbed")
    fake.talk.words, fake.talk.hold_after = LONG, 60
    ask(chat, "From the first tab")
    said(other, "word40")
    expect(other.get_by_role("article").nth(2)).to_contain_text("From the first tab")
    fake.talk.hold_after = 0
    finished(other)
    expect(field(other)).to_have_value("not to be disturbed")
    expect(other.get_by_role("article")).to_have_count(4)


def test_what_other_devices_did_appears_when_the_tab_is_looked_at(chat: Page, fake: ChatApi) -> None:
    conversation = fake.talk.seed("Elsewhere", 40)
    chat.goto(f"/chat/{conversation}")
    expect(chat.get_by_role("article")).to_have_count(30)
    fake.talk.messages[conversation] += fake.talk.messages[fake.talk.seed("Phone", 2)]
    chat.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(chat.get_by_role("article")).to_have_count(32)
    expect(chat.get_by_role("link", name="Phone")).to_be_visible()


def test_conversation_deleted_elsewhere_says_so_and_keeps_the_text(chat: Page, fake: ChatApi) -> None:
    conversation = fake.talk.seed("Doomed", 2)
    chat.goto(f"/chat/{conversation}")
    expect(chat.get_by_role("article")).to_have_count(2)
    del fake.talk.conversations[conversation]
    ask(chat, "A question to keep")
    expect(chat.get_by_role("heading", name="This conversation was deleted")).to_be_visible()
    expect(chat.locator("#rescued-text")).to_have_text("A question to keep")
    chat.get_by_role("link", name="Go on with this text in a new chat").click()
    expect(field(chat)).to_have_value("A question to keep")
    field(chat).press("Enter")
    finished(chat)
    assert fake.talk.asked().count("A question to keep") == 1


def test_limit_warns_before_and_offers_to_send_only_when_that_can_work(chat: Page, fake: ChatApi) -> None:
    fake.world.messages_used = 197
    chat.reload()
    expect(chat.get_by_text("Your company has 3 questions left today.")).to_be_visible()
    ask(chat, "One of the last")
    finished(chat)
    expect(chat.get_by_text("Your company has 2 questions left today.")).to_be_visible()
    resets = datetime.now(UTC) + timedelta(hours=3)
    extra = {"resets_at": resets.isoformat()}
    fake.talk.refusal = Refused(429, "limit_reached", "This company has reached a limit", extra=extra)
    ask(chat, "One too many")
    expect(unsent(chat)).to_contain_text("It can be tried again at")
    local = chat.evaluate(
        "iso => new Date(iso).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'})", resets.isoformat()
    )
    expect(unsent(chat).locator("time")).to_have_text(local)
    expect(unsent(chat).get_by_role("button", name="Send again")).to_be_hidden()
    fake.talk.refusal = None
    chat.clock.install(time=resets + timedelta(minutes=1))
    chat.clock.run_for(2000)
    unsent(chat).get_by_role("button", name="Send again").click()
    expect(chat.get_by_role("article")).to_have_count(4)
    assert fake.talk.asked()[-1] == "One too many"


def test_suggestion_is_asked_once_however_often_it_is_clicked(chat: Page, fake: ChatApi) -> None:
    chat.get_by_role("button", name=SUGGESTION).dblclick()
    finished(chat)
    assert fake.talk.asked() == [SUGGESTION]
