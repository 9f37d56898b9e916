"""What goes wrong is said and mended: a killed API, a session that ended, a page that does not exist."""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest
from playwright.sync_api import expect

from backend.devstack.postgres import binary
from tests.journeys.conftest import Enter
from tests.journeys.people import SESSION_COOKIE, Member
from tests.journeys.product import Product

pytestmark = pytest.mark.journey


@contextmanager
def killed(api: psutil.Process) -> Iterator[None]:
    """As the kernel does when memory is short; `ocsuite up` starts another one when the block is over."""
    supervisor, pause = api.parent(), threading.Event()
    assert supervisor is not None
    supervisor.suspend()
    try:
        api.kill()
        while api.status() != psutil.STATUS_ZOMBIE:
            pause.wait(0.01)  # it is not our child
        yield
    finally:
        supervisor.resume()


def let_leases_run_out(product: Product) -> None:
    """Now instead of ten seconds after a generating process died."""
    owner = product.run("env", "DATABASE_OWNER_URL").strip()
    statement = "UPDATE messages SET lease_expires_at = now() - interval '1 s' WHERE lease_token IS NOT NULL"
    environ = {**os.environ, "PGDATABASE": owner}
    subprocess.run([binary("psql"), owner, "-qc", statement], env=environ, check=True)


def test_answer_cut_off_by_a_killed_api_fails_and_is_retried(enter: Enter, product: Product, member: Member) -> None:
    visit = enter(member)
    page, api = visit.page, product.service("api")
    page.goto("/chat")
    with visit.model.held():
        visit.ask("What should we focus on this quarter?")
        visit.wait_for_text(60)
        with killed(api):
            expect(page.get_by_text("The connection was lost. The answer goes on")).to_be_visible()
            expect(page).to_have_url(re.compile("/chat/"))  # until then the page may be drawn anew
            visit.composer.press_sequentially("Still")
    product.wait_for_api()
    let_leases_run_out(product)
    retry = page.get_by_role("button", name="Try again")
    expect(retry).to_be_visible()
    failed = member.messages(visit.conversation_id)[-1]
    assert (failed["status"], failed["error"]["code"]) == ("failed", "generation_interrupted")
    expect(page.get_by_text(failed["error"]["title"]).first).to_be_visible()
    assert visit.composer.input_value() == "Still"

    retry.click()
    visit.wait_for_answer()
    messages = member.messages(visit.conversation_id)
    assert [message["status"] for message in messages] == ["completed", "completed"]
    assert visit.shown() == messages[-1]["content"]


def test_stopped_api_is_shown_and_the_page_recovers_by_itself(enter: Enter, product: Product, member: Member) -> None:
    visit = enter(member)
    page = visit.page
    page.goto("/dashboard")
    expect(page.get_by_role("heading", name="Runway")).to_be_visible()
    with killed(product.service("api")):
        visit.go_to("Board")
        expect(page.get_by_text("service is not answering")).to_be_visible()
    expect(page.get_by_text("service is not answering")).to_be_hidden()
    expect(page.get_by_role("heading", name="Nobody has met yet")).to_be_visible()


def test_session_ended_elsewhere_leads_to_sign_in_and_back(enter: Enter, product: Product, member: Member) -> None:
    visit = enter(member)
    page = visit.page
    page.goto("/settings")
    expect(page.get_by_role("heading", name="Limits")).to_be_visible()
    cookie = {"Cookie": f"{SESSION_COOKIE}={member.session}"}
    assert httpx.post(f"{product.api_url}/auth/sign-out", headers=cookie, timeout=20).is_success
    page.get_by_role("button", name="Save profile").click()
    expect(page.get_by_text("Your session has ended")).to_be_visible()
    visit.sign_in(member.email)
    expect(page).to_have_url(f"{product.url}/settings")
    expect(page.get_by_role("heading", name="Limits")).to_be_visible()


def test_address_that_leads_nowhere(enter: Enter, member: Member) -> None:
    visit = enter(member)
    page = visit.page
    answer = page.goto("/nowhere/at/all")
    assert answer is not None
    assert answer.status == 404
    expect(page).to_have_title("Page not found · OCSuite")
    page.get_by_role("link", name="Go to the dashboard").click()
    expect(page.get_by_role("heading", name="Runway")).to_be_visible()
    page.goto("/chat/0190c0de-0000-7000-8000-000000000000")
    expect(page.get_by_role("heading", name="This conversation is not here")).to_be_visible()
