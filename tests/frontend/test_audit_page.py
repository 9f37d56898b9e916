"""The audit page: words and filters, downloads through the web app, and the page in a browser."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from litestar import Litestar
from litestar.datastructures import State
from playwright.sync_api import Page, expect

from backend.domains.audit.words import ActionWords
from backend.registry import declarations
from frontend.features.audit.views import Filters, entry_view, filters_of, verified_view, wanted
from frontend.features.audit.words import ATTEMPTS, ICONS, OTHER_ICON, area_icon, say
from frontend.kit.problems import denied_view
from frontend.platform import runtime
from frontend.platform.download_routes import download_routes
from frontend.platform.settings import WebSettings
from module_sdk.api.audit import AuditFault, AuditVerification
from module_sdk.api.client import ApiError
from tests.frontend.chat_api import ChatApi
from tests.frontend.fake_api import COOKIE, HANDLERS, Refused, World, on_refused
from tests.frontend.fake_audit import ADA, AUDIT_HANDLERS, HASH, NEVER, Log, entry, receipt
from tests.frontend.kit import ROOT, visitor

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # half past midnight in Berlin
_ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
WORDS = {action.key: action for action in ActionWords(declarations().areas, declarations().actions).actions}
FAULT = AuditVerification(
    verified_at=NOW,
    entries=9,
    sealed_seq=9,
    waiting=0,
    intact=False,
    fault=AuditFault(kind="removed", seq=8123, entry_id=ADA, detail="the next entry was sealed as number 8124"),
)
DENIED = Refused(
    403,
    "permission_denied",
    "You may not do this",
    "Ask Grace Hopper.",
    extra={"permission": "audit.read", "title": "Read the audit log", "roles": ["Owner"], "people": ["Grace Hopper"]},
)


def recorded() -> Iterator[str]:
    """Every action that the source of the backend records."""
    for path in (ROOT / "backend").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in ("record", "_record", "_end"):
                    texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
                    yield from (one for one in texts if isinstance(one, str) and _ACTION.fullmatch(one))


def test_every_action_that_is_recorded_has_words() -> None:
    assert set(recorded()) == set(WORDS)
    assert {action.partition(".")[0] for action in WORDS} == set(ICONS)
    assert area_icon("task.finished") == OTHER_ICON


def test_every_attempt_that_can_be_refused_has_words() -> None:
    domains = [ROOT / "backend" / "domains" / name for name in ("access", "audit", "csuite", "dashboard", "tenants")]
    found = {
        name
        for domain in domains
        for path in domain.rglob("*.py")
        for name in re.findall(r'operation_id="(\w+)"', path.read_text("utf-8"))
    }
    #: Anybody who is signed in may do these, or whoever has the link.
    free = {"list_tenants", "create_tenant", "list_audit_keys", "list_erasure_receipts", "look_up_invitation"}
    assert found - set(ATTEMPTS) == free
    assert set(ATTEMPTS) <= found


@pytest.mark.parametrize(
    ("action", "resource", "meta", "sentence"),
    [
        (
            "member.invited",
            "invitation:1",
            {"email": "g@example.com", "roles": ["admin"]},
            "invited g@example.com as admin",
        ),
        (
            "member.roles_changed",
            "member:1",
            {"name": "Grace Hopper", "added": ["admin"], "removed": ["member", "viewer"]},
            "changed the roles of Grace Hopper (added admin; removed member, viewer)",
        ),
        ("member.removed", "member:1", {}, "removed a member "),
        ("role.created", "role:analyst", {}, "created the role role:analyst"),
        ("company.renamed", "company:1", {"slug": "acme"}, "changed the short name "),
        ("company.profile_saved", "company:1", {"changed": ["time_zone"]}, "saved the business profile  (time zone)"),
        ("audit.exported", "audit_log:1", {"format": "csv"}, "exported the audit log  as CSV"),
        (
            "access.refused",
            "operation:list_audit_entries",
            {"permission": "audit.read"},
            "tried to read the audit log without permission",
        ),
        (
            "access.refused",
            "member:1",
            {"operation": "set_member_roles", "code": "role_built_in"},
            "tried to change a member's roles although it is a built-in role, which stays as it is",
        ),
        (
            "access.refused",
            "member:1",
            {"operation": "leave_team", "code": "last_owner"},
            "tried to leave the company as the last owner, but a company keeps at least one",
        ),
        ("access.refused", "x:1", {"operation": "do_new_things"}, "tried to do new things which is not allowed"),
        ("access.refused", "member:1", {}, "was refused a request "),
        ("task.finished", "task:7", {"name": "x"}, "task.finished task:7"),
    ],
)
def test_entries_are_sentences(action: str, resource: str, meta: dict[str, Any], sentence: str) -> None:
    said = say(WORDS.get(action), action, resource, meta)
    assert f"{said.verb} {said.thing} {said.tail}".strip() == sentence.strip()


def test_filters_come_from_the_address_and_nothing_else_does() -> None:
    query = f"actor={ADA}&action=role.&outcome=refused&span=dates&first=2026-11-01&last=2026-11-02"
    filters = filters_of(query)
    assert filters.query == query
    asked = wanted(filters, NOW, BERLIN)
    assert (asked.actor, asked.action, asked.outcome) == (ADA, "role.", "refused")
    assert asked.after == datetime(2026, 10, 31, 23, tzinfo=UTC)  # days begin in the company's time zone
    assert asked.before == datetime(2026, 11, 2, 23, tzinfo=UTC)  # and the last one counts whole
    assert wanted(filters_of("span=24h"), NOW, BERLIN).after == NOW - timedelta(hours=24)
    wrong = f"actor=x&action={'a' * 101}&outcome=no&span=1y&first=2026-11-01&told=y"
    assert filters_of(wrong) == Filters()
    assert filters_of("span=dates&first=yesterday").first == ""
    assert wanted(filters_of("span=dates&last=9999-12-31&first=0001-01-01"), NOW, BERLIN).before is None


def test_days_are_those_of_the_company() -> None:
    made = [entry("role.created", name="a"), entry("role.deleted", kind="api_key", name="b", seq=None)]
    moments = [NOW, NOW - timedelta(hours=1)]
    dated = [type(one)(**{**_fields(one), "created_at": at}) for one, at in zip(made, moments, strict=True)]
    shown = [entry_view(one, WORDS, NOW, BERLIN) for one in dated]
    assert [(one.day, one.day_name) for one in shown] == [("2026-11-23", "Today"), ("2026-11-22", "Yesterday")]
    assert shown[0].exact == "23 Nov 2026, 00:30:00 CET"
    assert shown[1].by == "by API key"
    assert "Not sealed yet" in next(one.value for one in shown[1].details if one.label == "Place in the chain")
    older = type(made[0])(**{**_fields(made[0]), "created_at": NOW - timedelta(days=9)})
    assert entry_view(older, WORDS, NOW, UTC).day_name == "Friday, 13 November 2026"


def _fields(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__struct_fields__}


def test_verdicts_and_refusals_name_what_helps() -> None:
    fault = verified_view(FAULT, NOW, UTC)
    assert (fault.verdict, fault.place, fault.entry) == ("fault", "8,123", str(ADA))
    assert fault.fault == "An entry was removed"
    assert verified_view(NEVER, NOW, UTC).verdict == "unknown"
    denied = denied_view(DENIED.problem, "Closed")
    assert denied.title == "Closed"
    for helpful in ("“Read the audit log”", "role Owner", "Ask Grace Hopper for it."):
        assert helpful in denied.text


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def run(log: Log, world: World) -> runtime.Runtime:
    app = Litestar(
        [*HANDLERS, *AUDIT_HANDLERS],
        state=State({"world": world, "log": log}),
        exception_handlers={Refused: on_refused},
        openapi_config=None,
    )
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app))  # type: ignore[arg-type]  # it is an ASGI app
    return runtime.Runtime(WebSettings.load({"OCSUITE_DATA_DIR": "data"}), http)


@pytest.fixture
def browser_at(run: runtime.Runtime, world: World) -> Iterator[httpx.Client]:
    """What a browser of somebody signed in gets from the download routes."""
    session = world.founded("ada@example.com")
    with visitor(download_routes(run), {COOKIE: session}) as client:
        yield client


def company(world: World) -> str:
    return str(world.companies["ada@example.com"][0].tenant.id)


def test_download_sends_the_filters_on_and_no_token_back(browser_at: httpx.Client, world: World, log: Log) -> None:
    answer = browser_at.get(
        f"/downloads/audit.ndjson?company={company(world)}&action=role.&after=2026-11-01T00:00:00%2B00:00&cursor=3"
    )
    assert answer.text == "first line\ntrailer\n"
    assert log.queries == [{"action": "role.", "after": "2026-11-01T00:00:00+00:00", "format": "ndjson"}]
    assert re.fullmatch(r'attachment; filename="audit-[0-9-]{10}\.ndjson"', answer.headers["content-disposition"])
    assert answer.headers["cache-control"] == "no-store"
    assert not [token for token in world.tokens if token in str(answer.headers) + answer.text]
    csv = browser_at.get(f"/downloads/audit.csv?company={company(world)}")
    assert csv.headers["content-type"].startswith("text/csv")
    assert log.queries[1:] == [{"format": "csv"}]


def test_checkpoints_are_one_file_and_receipts_are_found(browser_at: httpx.Client, world: World, log: Log) -> None:
    kept = browser_at.get(f"/downloads/audit-checkpoints.json?company={company(world)}").json()
    assert [one["seq"] for one in kept["items"]] == [1, 2]
    assert kept["keys"][0]["public_key"] == "a2V5"
    log.receipts = [receipt(), receipt()]
    answer = browser_at.get(f"/downloads/erasure-receipts/{log.receipts[1].id}.json")
    assert answer.json()["id"] == str(log.receipts[1].id)
    assert answer.json()["audit_hash"] == HASH
    assert browser_at.get(f"/downloads/erasure-receipts/{uuid4()}.json").headers["location"] == "/settings"


def test_refused_downloads_lead_back_to_words(
    browser_at: httpx.Client, run: runtime.Runtime, world: World, log: Log
) -> None:
    path = f"/downloads/audit.csv?company={company(world)}"
    foreign = browser_at.get(path, headers={"Sec-Fetch-Site": "cross-site"})
    assert (foreign.status_code, foreign.headers["location"], log.queries) == (303, "/audit", [])
    for wrong in ("?company=x", f"?company={company(world)}&after=soon", ""):
        assert browser_at.get(f"/downloads/audit.csv{wrong}").headers["location"] == "/audit"
    log.refusal = DENIED
    told = browser_at.get(path).headers["location"].removeprefix("/audit?told=")
    kept = run.refusals.take(told)
    assert isinstance(kept, ApiError)
    assert kept.problem.extra["people"] == ["Grace Hopper"]
    assert run.refusals.take(told) is None
    world.sessions.clear()
    run.tokens = runtime.AccessTokens()
    assert browser_at.get(path).headers["location"] == "/sign-in?reason=expired&next=%2Faudit"
    browser_at.cookies.clear()
    assert browser_at.get(path).headers["location"] == "/sign-in?next=%2Faudit"


def test_with_clerk_its_own_cookie_says_who_asks(log: Log, world: World, run: runtime.Runtime) -> None:
    world.founded("ada@example.com")
    world.tokens["clerk-token"] = "ada@example.com"
    key = "pk_test_Y2xldmVyLWNhdC0xMi5jbGVyay5hY2NvdW50cy5kZXYk"
    with_clerk = runtime.Runtime(WebSettings.load({"CLERK_PUBLISHABLE_KEY": key}), run.http)
    path = f"/downloads/audit.csv?company={company(world)}"
    with visitor(download_routes(with_clerk), {"__session": "clerk-token", COOKIE: "x"}) as client:
        assert client.get(path).status_code == 200
        client.cookies.delete("__session")
        assert client.get(path).headers["location"] == "/sign-in?next=%2Faudit"


@pytest.fixture
def page_log(fake: ChatApi) -> Iterator[Log]:
    """The log of the fake that the web app talks to."""
    vars(fake.log).update(vars(Log()))
    yield fake.log
    vars(fake.log).update(vars(Log()))


def test_a_page_that_is_loaded_anew_is_sent_nothing_of_the_one_before(entered: Page, page_log: Log) -> None:
    page_log.entries = [entry("role.created", name=f"Analyst {n}") for n in range(60)]
    received: list[str] = []
    entered.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(str(frame))))
    entered.goto("/audit")
    expect(entered.locator(".audit-entries > li")).to_have_count(50)
    assert "Analyst 7" in "".join(received)
    received.clear()
    entered.goto("/dashboard")
    expect(entered.get_by_role("heading", name="Runway")).to_be_visible()
    assert "Analyst" not in "".join(received)


def test_page_reads_filters_verifies_and_downloads(entered: Page, page_log: Log) -> None:
    page = entered
    page.goto("/audit")
    expect(page.get_by_role("heading", name="Nothing happened yet")).to_be_visible()
    expect(page.get_by_text("Not verified yet")).to_be_visible()
    refused = entry("access.refused", "operation:list_roles", outcome="refused", permission="roles.read")
    page_log.entries = [
        refused,
        *(entry("role.created", name=f"Analyst {n}", ago=timedelta(days=3)) for n in range(60)),
    ]
    received: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
    page.reload()
    rows = page.locator(".audit-entries > li")
    expect(rows).to_have_count(50)
    expect(page.get_by_role("heading", level=2, name="Today")).to_be_visible()
    expect(rows.first).to_contain_text("Ada Lovelace tried to see the roles without permission")
    expect(rows.first.get_by_text("Refused", exact=True).first).to_be_visible()
    first = max(received)
    received.clear()
    page.get_by_role("button", name="Load more").click()
    expect(rows).to_have_count(61)
    # Eleven rows more, and not sixty-one.
    assert sum(received) < first / 2
    expect(page.get_by_role("heading", level=2, name="Today")).to_have_count(1)
    expect(page.get_by_role("heading", level=2)).to_have_count(3)
    expect(page.get_by_text("That is all.")).to_be_visible()
    rows.first.locator("summary").press("Enter")
    expect(rows.first.get_by_text("operation:list_roles")).to_be_visible()

    page.get_by_label("Outcome").select_option("Refused")
    expect(rows).to_have_count(1)
    page.get_by_label("Time").select_option("Exact dates")
    expect(page.get_by_label("From")).to_be_visible()
    page.wait_for_url(re.compile(r"outcome=refused&span=dates&first=[0-9-]+&last=[0-9-]+$"))
    page.reload()
    expect(rows).to_have_count(1)
    asked, last = len(page_log.queries), page.get_by_label("To", exact=True).input_value()
    page.get_by_label("From").fill("2026-11-20")
    page.get_by_label("To", exact=True).fill("2026-11-10")
    wrong = page.get_by_text("This day is before the first one.")
    expect(wrong).to_be_visible()
    expect(page.get_by_label("To", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("To", exact=True)).to_have_accessible_description("This day is before the first one.")
    expect(page.get_by_role("heading", name="Nothing matches")).to_have_count(0)
    page.goto("/audit?outcome=refused&span=dates&first=2026-11-20&last=2026-11-10")
    expect(wrong).to_be_visible()
    assert all(one.get("after", "") <= one.get("before", "9") for one in page_log.queries[asked:])
    page.get_by_label("To", exact=True).fill(last)
    expect(wrong).to_have_count(0)
    expect(rows).to_have_count(1)
    assert {"outcome", "after", "before"} <= page_log.queries[-1].keys()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="NDJSON").click()
    assert Path(download.value.path()).read_text() == "first line\ntrailer\n"
    assert page_log.queries[-1]["outcome"] == "refused"

    page_log.verdict = FAULT
    page.get_by_role("button", name="Verify now").click()
    alert = page.get_by_role("alert").filter(has_text="This log is not as it was sealed")
    expect(alert).to_contain_text("An entry was removed, at number 8,123.")
    expect(alert).to_contain_text(str(ADA))
    page_log.refusal = DENIED
    page.get_by_role("button", name="Export").click()
    page.get_by_role("link", name="CSV").click()
    expect(page.get_by_role("region", name="Notices").get_by_text("Ask Grace Hopper for it.")).to_be_visible()
    expect(page.get_by_role("heading", name="The audit log is closed to you")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("Ask Grace Hopper for it.")).to_be_visible()
    expect(rows).to_have_count(0)


def test_page_shows_why_it_failed_and_tries_again(entered: Page, page_log: Log, fake: ChatApi) -> None:
    page_log.refusal = Refused(500, "internal", "This did not work", "The fake was told to fail.")
    page = entered
    page.goto("/audit")
    panel = page.get_by_role("alert").filter(has_text="This did not work")
    expect(panel).to_contain_text("req_0192f0c0ffee")
    page_log.refusal, page_log.entries = None, [entry("board.convened")]
    panel.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("convened the board")).to_be_visible()
    page_log.receipts = [receipt()]
    page.get_by_role("link", name="Settings", exact=True).click()
    expect(page.get_by_text("41 rows and 1 key destroyed")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the receipt of Old Venture").click()
    assert "Old Venture" in Path(download.value.path()).read_text()
