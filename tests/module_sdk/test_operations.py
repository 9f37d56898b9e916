"""Every operation of the client with one answer: what it sends, and that it reads what comes."""

import json
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from module_sdk.api.base import Page
from module_sdk.api.client import ApiClient, TenantClient
from module_sdk.api.csuite import BoardMeetingRequest, Conversation, ConversationPatch, Executive, Message
from module_sdk.api.dashboard import Dashboard
from module_sdk.api.identity import Me
from module_sdk.api.tenants import (
    Onboarding,
    OnboardingPatch,
    Profile,
    ProfileReply,
    Tenant,
    TenantCreate,
    TenantPatch,
    Usage,
)
from tests.module_sdk.fake_api import FakeApi, reply
from tests.module_sdk.samples import (
    CONVERSATION,
    DASHBOARD,
    EXECUTIVE,
    MEETING,
    ONBOARDING,
    PROFILE,
    SAID,
    TALK,
    TENANT,
    TENANT_ROW,
    USER,
)

Operation = Callable[[ApiClient, TenantClient], Awaitable[msgspec.Struct]]
HOME = f"/tenants/{TENANT}"
ONE_TALK = f"/c-suite/conversations/{CONVERSATION}"
FULL_PROFILE = {
    "industry": "Robots",
    "size": None,
    "stage": None,
    "country": None,
    "currency": "USD",
    "time_zone": "UTC",
    "goals": ["Grow"],
    "description": "",
}


def page(*items: object) -> dict[str, object]:
    return {"items": list(items), "next_cursor": "more"}


READS: list[tuple[Operation, type[msgspec.Struct], str, str, object]] = [
    (lambda api, _: api.me(), Me, "/me", "", {"user": USER, "memberships": []}),
    (lambda api, _: api.tenants(limit=5), Page[Tenant], "/tenants", "limit=5", page(TENANT_ROW)),
    (lambda _, acme: acme.tenant(), Tenant, HOME, "", TENANT_ROW),
    (lambda _, acme: acme.profile(), ProfileReply, HOME + "/profile", "", PROFILE),
    (lambda _, acme: acme.onboarding(), Onboarding, HOME + "/onboarding", "", ONBOARDING),
    (lambda _, acme: acme.usage(), Usage, HOME + "/usage", "", {"tenant_id": str(TENANT), "lines": []}),
    (lambda _, acme: acme.dashboard(), Dashboard, "/dashboard", "", DASHBOARD),
    (lambda _, acme: acme.executives(), Page[Executive], "/c-suite/executives", "", page(EXECUTIVE)),
    (
        lambda _, acme: acme.conversations(q="a&b \u00fc", cursor="c/1"),
        Page[Conversation],
        "/c-suite/conversations",
        "q=a%26b+%C3%BC&cursor=c%2F1",
        page(TALK),
    ),
    (lambda _, acme: acme.conversation(CONVERSATION), Conversation, ONE_TALK, "", TALK),
    (
        lambda _, acme: acme.messages(CONVERSATION, limit=50),
        Page[Message],
        ONE_TALK + "/messages",
        "limit=50",
        page(SAID),
    ),
]
WRITES: list[tuple[Operation, str, str, object, object]] = [
    (
        lambda api, _: api.create_tenant(TenantCreate(name="Acme")),
        "POST",
        "/tenants",
        {"name": "Acme", "slug": None},
        TENANT_ROW,
    ),
    (lambda _, acme: acme.update(TenantPatch(name="New")), "PATCH", HOME, {"name": "New"}, TENANT_ROW),
    (
        lambda _, acme: acme.replace_profile(Profile(industry="Robots", goals=["Grow"])),
        "PUT",
        HOME + "/profile",
        FULL_PROFILE,
        PROFILE,
    ),
    (
        lambda _, acme: acme.move_onboarding(OnboardingPatch(step="done", skipped="integration")),
        "PATCH",
        HOME + "/onboarding",
        {"step": "done", "skipped": "integration"},
        ONBOARDING,
    ),
    (
        lambda _, acme: acme.board_meeting(BoardMeetingRequest(topic="Plan")),
        "POST",
        "/c-suite/board-meeting",
        {"topic": "Plan"},
        MEETING,
    ),
    (
        lambda _, acme: acme.rename_conversation(CONVERSATION, ConversationPatch(title="T")),
        "PATCH",
        ONE_TALK,
        {"title": "T"},
        TALK,
    ),
]


def in_tenant(path: str) -> bool:
    return path.startswith((HOME, "/c-suite", "/dashboard"))


@pytest.mark.parametrize(("operation", "kind", "path", "query", "answer"), READS)
async def test_reads(
    fake: FakeApi,
    api: ApiClient,
    operation: Operation,
    kind: type[msgspec.Struct],
    path: str,
    query: str,
    answer: object,
) -> None:
    fake.queue("GET", path, reply(answer))
    result = await operation(api, api.for_tenant(TENANT))
    assert result == msgspec.convert(answer, kind, strict=False)
    (sent,) = fake.seen
    assert (sent.method, sent.path, sent.query, sent.body) == ("GET", path, query, b"")
    assert sent.headers["authorization"] == "Bearer tok"
    assert sent.headers.get("x-tenant-id") == (str(TENANT) if in_tenant(path) else None)


@pytest.mark.parametrize(("operation", "method", "path", "body", "answer"), WRITES)
async def test_writes(
    fake: FakeApi, api: ApiClient, operation: Operation, method: str, path: str, body: object, answer: object
) -> None:
    fake.queue(method, path, reply(answer))
    await operation(api, api.for_tenant(TENANT))
    (sent,) = fake.seen
    assert (sent.method, sent.path, sent.query) == (method, path, "")
    assert json.loads(sent.body) == body
    assert sent.headers["authorization"] == "Bearer tok"
    assert sent.headers.get("x-tenant-id") == (str(TENANT) if in_tenant(path) else None)
    assert ("idempotency-key" in sent.headers) == (method == "POST")
