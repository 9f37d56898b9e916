"""Rules that every route of the application keeps; a new route that breaks one fails here."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Controller, Litestar, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from backend.app import create_app
from backend.kernel.auth.permissions import Gate, requires_permission, requires_person
from backend.kernel.db.tenancy import TenantContext
from backend.kernel.http.traits import Traits, traits_of
from backend.settings import Settings
from tests.api.operations import Operation, operations

#: Public routes, each with the reason why nobody has to sign in for it.
PUBLIC = {
    "GET /health/live": "asked by supervisors, tells nothing of anybody",
    "GET /health/ready": "asked by load balancers, tells nothing of anybody",
    "GET /metrics": "guarded by address and token of its own",
    "GET /schema": "the API document, the same for everybody",
    "GET /schema/openapi.json": "the API document, the same for everybody",
    "POST /auth/sign-in": "checks a password",
    "POST /auth/sign-up": "opens an account",
    "POST /auth/token": "checks the session cookie",
    "POST /auth/sign-out": "ends the session of the cookie it comes with",
    "POST /invitations/lookup": "checks the token of an invitation's link",
    "POST /auth/password/forgot": "tells nothing of anybody; what it leads to goes to the address's owner",
    "POST /auth/password/reset": "checks the token of a link that came by mail",
    "POST /auth/password/strength": "judges what it is given, tells nothing of anybody",
    "POST /auth/email/confirm": "checks the token of a link that came by mail",
}
#: Routes of a person rather than of a company.
PERSONAL = {
    "GET /me",
    "PATCH /me",
    "POST /me/email",
    "POST /me/email/confirmation",
    "POST /me/password",
    "GET /me/sessions",
    "DELETE /me/sessions/{session_id}",
    "POST /me/sessions/end",
    "GET /me/deletion",
    "POST /me/deletion",
    "GET /me/export",
    "GET /tenants",
    "POST /tenants",
    "POST /invitations/accept",
    "GET /erasure-receipts",
    "GET /audit/keys",
}
#: POST routes without Idempotency-Key, each with the reason why sending it again does no harm.
REPEATABLE = {
    "POST /auth/sign-in": "another session, which is what signing in again means",
    "POST /auth/sign-up": "the second one is told that the address has an account",
    "POST /auth/token": "another token of the same session",
    "POST /auth/sign-out": "ends what has ended",
    "POST /auth/password/forgot": "another link, and the first one ends",
    "POST /auth/password/reset": "the link was used by the first one",
    "POST /auth/password/strength": "writes nothing",
    "POST /auth/email/confirm": "the link was used by the first one",
    "POST /me/email": "another link, and the first one ends",
    "POST /me/email/confirmation": "another link, and the first one ends",
    "POST /me/password": "what was the present password is none any more",
    "POST /me/sessions/end": "ends what has ended",
    "POST /me/deletion": "whoever is gone asks for nothing",
    "POST /c-suite/messages/{message_id}/stop": "stops what has stopped",
    "POST /c-suite/board-meeting": "writes nothing",
    "POST /invitations/lookup": "writes nothing",
    "POST /invitations/accept": "whoever has joined is a member already",
    "POST /audit/verification": "walks the same chain again",
    "POST /team/leave": "whoever has left is no member any more",
    "POST /team/ownership": "whoever has handed over is no owner any more",
}

Routes = list[tuple[str, HTTPRouteHandler]]


def routes_of(app: Litestar) -> Routes:
    """Every handler by method and path, but for the OPTIONS that Litestar adds."""
    return [
        (f"{method} {route.path_format}", handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if method != "OPTIONS"
    ]


def broken_rules(routes: Routes) -> Iterator[str]:
    """Every rule that a route breaks."""
    for name, handler in routes:
        traits = traits_of(handler)
        public = traits.public
        if public != (name in PUBLIC):
            yield f"{name} is public and not listed as such" if public else f"{name} is listed as public and is not"
        if not public and not traits.limited:
            yield f"{name} skips the rate limits, and with them the check for revoked sessions"
        if not public and name not in PERSONAL and not asks_for_tenant(handler):
            yield f"{name} belongs to a company and does not ask for the tenant"
        gates = [type(guard) for guard in handler.guards or ()]
        if public == bool(gates):
            yield f"{name} is public and gated" if public else f"{name} has no gate"
        if not public and (Gate not in gates) != (name in PERSONAL):
            yield f"{name} asks for no permission and is not listed as personal, or the other way round"
        if name.startswith("POST") and not traits.idempotent and name not in REPEATABLE:
            yield f"{name} acts and takes no Idempotency-Key"
        if not name.startswith("POST") and traits.idempotent:
            yield f"{name} is idempotent by its method"


def asks_for_tenant(handler: HTTPRouteHandler) -> bool:
    field = handler.parsed_fn_signature.parameters.get("tenant")
    return field is not None and field.annotation is TenantContext and "tenant" in handler.resolve_dependencies()


def gaps(operation: Operation) -> Iterator[str]:
    """What an operation of the document leaves out."""
    for name in ("summary", "description", "operationId", "tags", "security"):
        if name not in operation.spec or operation.spec[name] in ("", None):
            yield f"{operation} has no {name}"
    if not operation.spec["operationId"].islower():
        yield f"{operation} is called {operation.spec['operationId']}, not named by hand"
    if operation.spec.get("tags") and len(operation.spec["tags"]) != 1:
        yield f"{operation} belongs under one heading"
    if operation.spec.get("requestBody") and "example" not in (operation.body or {}):
        yield f"{operation} has no example of its body"
    for status, response in operation.spec["responses"].items():
        for kind, media in response.get("content", {}).items():
            if not (media.get("example") or media.get("examples")) or "schema" not in media:
                yield f"{operation}: {status} {kind} has no example or schema"
        if "X-Request-Id" not in response.get("headers", {}):
            yield f"{operation}: {status} without X-Request-Id"
    wanted = {500} | (set() if operation.public else {401, 429}) | ({413, 415, 422} if operation.body else set())
    wanted |= {404} if operation.parameters("path") else set()
    if missing := wanted - operation.statuses:
        yield f"{operation} does not document {missing}"


@pytest.fixture(scope="module")
def app(settings: Settings) -> Litestar:
    return create_app(settings)


def test_routes_keep_the_rules(app: Litestar) -> None:
    assert list(broken_rules(routes_of(app))) == []


def test_lists_of_exceptions_name_routes_that_exist(app: Litestar) -> None:
    names = {name for name, _ in routes_of(app)}
    assert set(PUBLIC) | PERSONAL | set(REPEATABLE) <= names


def test_documented_operations_leave_nothing_out(document: dict[str, Any]) -> None:
    assert [gap for operation in operations(document) for gap in gaps(operation)] == []


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    keys = [operation.key for operation in operations(document)]
    assert len(keys) == len(set(keys)) > 25


def test_every_route_is_documented(app: Litestar, document: dict[str, Any]) -> None:
    undocumented = {"GET /metrics", "GET /schema", "GET /schema/openapi.json"}
    assert {str(operation) for operation in operations(document)} == {name for name, _ in routes_of(app)} - undocumented


class Planted(Controller):
    """One route for each rule, breaking it."""

    path = "/planted"

    @get("/open", opt=Traits(public=True).opt)
    async def open(self) -> None: ...

    @get("/unlimited", opt=Traits(limited=False).opt)
    async def unlimited(self) -> None: ...

    @get("/person", guards=[requires_person()])
    async def person(self) -> None: ...

    @get("/gated", opt=Traits(public=True).opt, guards=[requires_permission("chat.use")])
    async def gated(self) -> None: ...

    @post("/act")
    async def act(self) -> None: ...

    @get("/again", opt=Traits(idempotent=True).opt)
    async def again(self) -> None: ...


def test_the_rules_notice(document: dict[str, Any]) -> None:
    planted = "\n".join(broken_rules(routes_of(Litestar([Planted], openapi_config=None))))
    for complaint in (
        "/planted/open is public and not listed",
        "/planted/unlimited skips the rate limits",
        "/planted/unlimited belongs to a company",
        "/planted/act has no gate",
        "/planted/person asks for no permission",
        "/planted/gated is public and gated",
        "/planted/act acts and takes no Idempotency-Key",
        "/planted/again is idempotent by its method",
    ):
        assert complaint in planted
    bare = Operation("POST", "/planted", {"operationId": "PlantedAct", "security": [{}], "responses": {"200": {}}})
    found = "\n".join(gaps(bare))
    for complaint in ("no summary", "no tags", "not named by hand", "200 without X-Request-Id", "does not document"):
        assert complaint in found
