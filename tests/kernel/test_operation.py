"""One decorator declares an operation, and a declaration that contradicts itself fails when it is imported."""

from contextlib import nullcontext as does_not_raise
from typing import Any

import pytest
from litestar import Litestar
from litestar.response import Stream

from backend.kernel.auth.permissions import Permission, requires_permission, requires_person
from backend.kernel.db.database import Database
from backend.kernel.db.redis import RedisBatcher
from backend.kernel.domain import Domain, Tag, declared
from backend.kernel.errors import EmailTaken, LimitReached
from backend.kernel.http.edges import edges
from backend.kernel.http.operation import PUBLIC, WrongOperationError, operation
from backend.kernel.http.traits import DEFAULT_MAX_BODY, Traits, traits_of
from backend.kernel.limits.limiter import Limit, RateLimiter
from backend.kernel.limits.policies import Policy, default_policies
from backend.settings import Settings

GATE = requires_permission("chat.use")
EVENTS = {"message": dict}
CHAT = Policy("chat", user=Limit("chat", 60, 60))
WRONG: list[tuple[str, dict[str, Any], type, str]] = [
    ("GET", {"idempotent": True}, dict, "only a POST"),
    ("DELETE", {"idempotent": True}, dict, "only a POST"),
    ("POST", {"idempotent": True, "gate": PUBLIC}, dict, "belongs to somebody"),
    ("POST", {"idempotent": "stream"}, dict, "has events"),
    ("POST", {"events": EVENTS, "download": {"text/csv": "a,b"}}, Stream, "events or with a file"),
    ("GET", {"max_body": 10}, dict, "reads no body"),
    ("POST", {"max_body": 0}, dict, "a number of bytes"),
    ("POST", {"errors": (EmailTaken, EmailTaken)}, dict, "named twice"),
    ("POST", {"errors": (LimitReached, (LimitReached, 429))}, dict, "named twice"),
    ("POST", {"status": 404}, dict, "no success"),
    ("GET", {"events": EVENTS}, dict, "answers with no stream"),
    ("GET", {}, Stream, "a stream of nothing"),
]


def answering(kind: type) -> Any:
    """A handler that answers with ``kind``."""

    async def handle() -> Any: ...

    handle.__annotations__["return"] = kind
    return handle


@pytest.mark.parametrize(("verb", "options", "kind", "why"), WRONG)
def test_what_contradicts_itself_fails_at_import(verb: Any, options: dict[str, Any], kind: type, why: str) -> None:
    with pytest.raises(WrongOperationError, match=rf"^act: .*{why}"):
        operation(verb, "/act", **{"operation_id": "act", "summary": "Act", "gate": GATE, **options})(answering(kind))


def test_an_operation_without_a_gate_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="gate"):
        operation("GET", "/act", operation_id="act", summary="Act")  # type: ignore[call-arg]  # what is tried


def test_what_is_declared_is_what_the_edges_read() -> None:
    handler = operation(
        "POST",
        "/act",
        operation_id="act",
        gate=GATE,
        rate=CHAT,
        idempotent="stream",
        events=EVENTS,
        errors=(EmailTaken, (LimitReached, 429)),
        max_body=10,
        summary="Act",
    )(answering(Stream))
    errors = (EmailTaken, (LimitReached, 429))
    assert traits_of(handler) == Traits(rate="chat", idempotent="stream", errors=errors, events=EVENTS, max_body=10)
    assert (handler.guards, handler.operation_id, handler.http_methods) == ([GATE], "act", {"POST"})


def test_an_application_knows_every_rate_policy_that_an_operation_names(settings: Settings, db: Database) -> None:
    handler = operation("GET", "/act", operation_id="act", gate=PUBLIC, rate=CHAT, summary="Act")(answering(dict))
    limiter = RateLimiter(RedisBatcher(settings.redis_url))
    for rates, expected in (((CHAT,), does_not_raise()), ((), pytest.raises(ValueError, match="policies: chat"))):
        parts = edges(settings, limiter, db, version="1", policies=default_policies(rates, local=True))
        with expected:
            parts.wrap(Litestar([handler], openapi_config=None))


def test_what_says_nothing_is_closed_and_limited() -> None:
    handler = operation("GET", operation_id="look", gate=requires_person(), summary="Look")(answering(dict))
    assert traits_of(handler) == Traits()
    assert (Traits().public, Traits().limited, Traits().max_body) == (False, True, DEFAULT_MAX_BODY)
    open_to_all = operation("GET", operation_id="look", gate=PUBLIC, summary="Look")(answering(dict))
    assert (traits_of(open_to_all).public, open_to_all.guards) == (True, [])


class Pets(Domain):
    """Declares one of each kind that may be declared once."""

    tags = (Tag("pets", "Pets"),)
    permissions = (Permission("pets.read", "See pets", "All of them.", ("owner",)),)
    rates = (CHAT,)
    guarded_tables = ("pets",)


@pytest.mark.parametrize(
    ("again", "what"),
    [
        ({"tags": Pets.tags}, "tag pets"),
        ({"permissions": Pets.permissions}, "permission pets.read"),
        ({"rates": Pets.rates}, "rate policy chat"),
        ({"guarded_tables": Pets.guarded_tables}, "guarded table pets"),
    ],
)
def test_domains_declare_nothing_twice(again: dict[str, Any], what: str) -> None:
    assert declared([Pets]).permissions == Pets.permissions
    with pytest.raises(ValueError, match=f"declared twice: {what}"):
        declared([Pets, type("Others", (Domain,), again)])


@pytest.mark.parametrize(
    ("roles", "why"), [(("admin",), "nobody could grant pets.read"), (("owner", "king"), "roles that do not exist")]
)
def test_permissions_can_be_granted(roles: tuple[str, ...], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Permission("pets.read", "See pets", "All of them.", roles)
