"""Conversations as people handle them: named, found, stopped, asked again, and all of it without a mouse."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Enter
from tests.journeys.people import PASSWORD, Member

pytestmark = pytest.mark.journey

MOST_TABS = 40
HAS_VISIBLE_FOCUS = """() => {
  const style = getComputedStyle(document.activeElement);
  return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
}"""
FOCUSED_NAME = """() => {
  const one = document.activeElement;
  return (one.getAttribute("aria-label") ?? one.textContent).trim();
}"""


def test_rename_find_and_delete(enter: Enter, member: Member) -> None:
    with ThreadPoolExecutor() as both:
        list(both.map(member.ask, ("How do we win customers?", "Should we open an office in Lisbon?")))
    visit = enter(member)
    page = visit.page
    page.goto("/chat")
    page.get_by_role("button", name="Rename How do we win customers?").click()
    field = page.get_by_label("Title of the conversation")
    field.fill("Winning customers")
    field.press("Enter")
    renamed = page.get_by_role("link", name="Winning customers")
    expect(renamed).to_be_visible()

    page.get_by_label("Search conversations").fill("Lisbon")
    expect(renamed).to_be_hidden()
    expect(page.get_by_role("link", name="Should we open an office")).to_be_visible()
    page.get_by_label("Search conversations").fill("")
    renamed.click()
    visit.wait_for_answer()

    page.get_by_role("button", name="Delete Winning customers").click()
    dialog = page.get_by_role("dialog", name="Delete this conversation?")
    dialog.get_by_role("button", name="Keep").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Delete Winning customers").click()
    dialog.get_by_role("button", name="Delete conversation").click()
    expect(renamed).to_be_hidden()
    expect(page).to_have_url(f"{visit.product.url}/chat")
    assert [one["title"] for one in member.call("GET", "/c-suite/conversations")["items"]] == [
        "Should we open an office in Lisbon?"
    ]


def test_stopped_answer_keeps_its_text_and_can_be_asked_for_again(enter: Enter, member: Member) -> None:
    visit = enter(member)
    page = visit.page
    page.goto("/chat")
    with visit.model.held():
        visit.ask("What should we focus on this quarter?")
        visit.wait_for_text(30)
        page.get_by_role("button", name="Stop the answer").click()
        expect(page.get_by_text("Stopped. The text so far is kept.")).to_be_visible()
    stopped = member.messages(visit.conversation_id)[-1]
    assert stopped["status"] == "stopped"
    assert visit.shown() == stopped["content"] != ""

    with visit.model.held():
        page.get_by_role("button", name="Regenerate").click()
        expect(visit.writing).to_be_visible()
    visit.wait_for_answer()
    expect(page.get_by_text("Stopped.")).to_be_hidden()
    messages = member.messages(visit.conversation_id)
    assert messages[-1]["status"] == "completed"
    assert visit.shown() == messages[-1]["content"]
    assert len(messages[-1]["content"]) > len(stopped["content"])


def test_two_tabs_see_the_same_answer_grow(enter: Enter, member: Member) -> None:
    conversation_id = member.ask("Hello")
    first = enter(member)
    first.page.goto(f"/chat/{conversation_id}")
    first.wait_for_answer()
    with first.model.held():
        first.ask("Which number should we look at every Monday?")
        first.wait_for_text(30)
        second = enter(member)
        second.page.goto(f"/chat/{conversation_id}")
        second.wait_for_text(30)
    second.wait_for_answer()
    first.wait_for_answer()
    assert first.shown() == second.shown() == member.messages(conversation_id)[-1]["content"]


def test_sign_in_and_chat_by_keyboard_alone(enter: Enter, member: Member) -> None:
    visit = enter()
    page = visit.page
    page.goto("/chat")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(member.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(visit.composer).to_be_focused()
    page.keyboard.type("Where do we stand?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Answer in three lines.")
    page.keyboard.press("Enter")
    said = page.get_by_role("region", name="Transcript").get_by_text("Where do we stand?\nAnswer in three lines.")
    expect(said).to_be_visible()
    visit.wait_for_answer()
    # With the conversation's address the page is drawn anew, which is said to screen readers.
    expect(page.locator("#page-announcer")).not_to_be_empty()
    expect(visit.composer).to_be_focused()

    tab_to(page, "Regenerate", backwards=True)
    with visit.model.held():
        page.keyboard.press("Enter")
        expect(visit.writing).to_be_visible()
    visit.wait_for_answer()
    expect(visit.composer).to_be_focused()
    tab_to(page, "Rename Where do we stand? Answer in three lines.", backwards=True)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Title of the conversation")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Title of the conversation")).to_be_hidden()
    tab_to(page, "Board", backwards=True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nobody has met yet")).to_be_visible()


def tab_to(page: Page, name: str, *, backwards: bool = False) -> None:
    """Press Tab until the element of this name has the focus, and see it at every stop."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        assert page.evaluate(HAS_VISIBLE_FOCUS), page.evaluate("document.activeElement.outerHTML")
        if page.evaluate(FOCUSED_NAME) == name:
            return
    raise AssertionError(f"{name} cannot be reached")
