"""The OpenAPI 3.1 document: Litestar's own, completed with what holds for whole classes of routes.

Which, is said by the handler's traits.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from litestar import Litestar, Request, Router
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Server, Tag
from litestar.routes import HTTPRoute

from backend.kernel import errors as e
from backend.kernel.auth.permissions import Gate
from backend.kernel.http.openapi_schemas import REF, Contracts, body_type, reply_type, streams
from backend.kernel.http.problems import MEDIA_TYPE, TYPE_PREFIX
from backend.kernel.http.traits import OPERATIONAL, Refusal, Traits, traits_of
from backend.kernel.limits.policies import Policies
from module_sdk.api.problems import FieldError, Problem

_OPERATIONS: Final = ("operations", "Health of the service")
_DESCRIPTION: Final = """\
JSON is snake_case. Send `Authorization: Bearer <access token>`, and name the company with `X-Tenant-Id` where an
operation belongs to one. Errors are problem documents (RFC 9457) whose `code` is stable; every answer carries
`X-Request-Id`, which you may also send (8 to 64 of `A-Z a-z 0-9 . _ -`). Lists page by `cursor`. POSTs that act take
`Idempotency-Key`. `RateLimit-Policy` and `RateLimit` tell what you may still send; 429 comes with `Retry-After`.
"""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_EXAMPLE_ID: Final = "019377d2a1b87c3c9d1f0c2b5e6a7f80"
_STRING: Final = {"type": "string"}
_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-Id": {
        "description": "The request's id, for support",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
        "example": _EXAMPLE_ID,
    },
    "RateLimit-Policy": {
        "description": "The limits that apply",
        "required": True,
        "schema": _STRING,
        "example": '"user";q=600;w=60',
    },
    "RateLimit": {
        "description": "What remains of the nearest",
        "required": True,
        "schema": _STRING,
        "example": '"user";r=599;t=66',
    },
    "Retry-After": {
        "description": "Seconds to wait",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
        "example": 2,
    },
    "WWW-Authenticate": {
        "description": "Always a Bearer challenge",
        "required": True,
        "schema": {"type": "string", "pattern": "^Bearer"},
        "example": "Bearer",
    },
    "Idempotency-Replayed": {
        "description": "`true` on the repeated first answer",
        "schema": {"type": "string", "const": "true"},
    },
}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes a retry safe: the same key and request is answered as the first time, and acts once.",
    "schema": {"type": "string", "minLength": 8, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
    "example": "0f5d2c9e-create-acme",
}


class _DocumentRouter(Router):
    """Serves the document alone: Litestar would add an HTML page for every other path below it."""

    def register(self, value: Any) -> Any:
        return [] if "/{path:str}" in getattr(value, "paths", ()) else super().register(value)


class _Document(JsonRenderPlugin):
    def __init__(self, policies: Policies) -> None:
        super().__init__(path="/openapi.json", media_type=MediaType.JSON)
        self._policies = policies
        self._rendered: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return self.rendered(request.app)

    def rendered(self, app: Litestar) -> bytes:
        if self._rendered is None:
            schema = complete(app.openapi_schema.to_schema(), app, self._policies)
            self._rendered = msgspec.json.encode(schema, enc_hook=str)
        return self._rendered


def openapi_config(
    policies: Policies, tags: Iterable[tuple[str, str]], *, version: str, server: str = "/"
) -> OpenAPIConfig:
    """Configuration whose document is served at ``/schema/openapi.json`` and nowhere else, without any page.

    ``tags`` are the headings of operations, each with a description, in the order of the document.
    """
    scheme = SecurityScheme(type="http", scheme="bearer", bearer_format="JWT", description="60 seconds of life")
    router = _DocumentRouter("/schema", route_handlers=[], include_in_schema=False, opt=OPERATIONAL.opt)
    return OpenAPIConfig(
        title="OCSuite API",
        version=version,
        description=_DESCRIPTION,
        servers=[Server(url=server)],
        components=Components(security_schemes={"bearer": scheme}),
        tags=[Tag(name=name, description=description) for name, description in (*tags, _OPERATIONS)],
        use_handler_docstrings=True,
        render_plugins=[_Document(policies)],
        openapi_router=router,
    )


def document(app: Litestar) -> bytes:
    """The whole document as JSON, the same bytes that ``app`` serves."""
    assert app.openapi_config is not None
    (plugin,) = (plugin for plugin in app.openapi_config.render_plugins if isinstance(plugin, _Document))
    return plugin.rendered(app)


def complete(schema: dict[str, Any], app: Litestar, policies: Policies) -> dict[str, Any]:
    """``schema`` with contracts, security, problems, headers and limits of every operation."""
    found = list(_operations(schema, app))
    contracts = Contracts(handler for _, handler, _ in found)
    schema.setdefault("components", {}).update(schemas=contracts.components, headers=_HEADERS)
    for operation, handler, path in found:
        _complete_contracts(operation, handler, contracts)
        _complete_operation(operation, handler, path, policies)
    return schema


def _operations(schema: dict[str, Any], app: Litestar) -> Iterator[tuple[dict[str, Any], HTTPRouteHandler, str]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path_format in schema["paths"]:
            for method, (handler, _) in route.route_handler_map.items():
                operation = schema["paths"][route.path_format].get(method.lower())
                if operation is not None:
                    yield operation, handler, route.path_format


def _complete_contracts(operation: dict[str, Any], handler: HTTPRouteHandler, contracts: Contracts) -> None:
    """What is read and written, exactly; Litestar's schemas are replaced."""
    if (body := body_type(handler)) is not None:
        operation["requestBody"]["content"] = {"application/json": contracts.media(body)}
    for parameter in operation.get("parameters", []):
        _simplify(parameter)
    responses = operation["responses"]
    for status in [status for status in responses if status >= "4"]:
        del responses[status]  # Litestar's own error body for validation, which this API never sends
    success = responses[str(handler.status_code)]
    success.pop("content", None)
    traits = traits_of(handler)
    if traits.download:
        content = {
            # A document is described as what it is; its example stands in its own form.
            kind: {"schema": {}, "example": msgspec.json.decode(example)}
            if kind == "application/json"
            else {"schema": _STRING, "example": example}
            for kind, example in traits.download.items()
        }
        success |= {"description": "The file", "content": content}
    elif streams(handler):
        stream = contracts.stream_media(traits.events)
        success |= {"description": "The answer's events", "content": {"text/event-stream": stream}}
    elif (reply := reply_type(handler)) is not None:
        success["content"] = {"application/json": contracts.media(reply)}
    for status, spec in (handler.responses or {}).items():
        content = {"application/json": contracts.media(spec.data_container)}
        responses[str(status)] = {"description": spec.description, "content": content}


def _simplify(parameter: dict[str, Any]) -> None:
    """A parameter is absent rather than null; and what is false or said twice needs no saying."""
    schema = parameter["schema"]
    schema.pop("description", None)
    for alternative in schema.pop("oneOf", []):
        if alternative != {"type": "null"}:
            schema.update(alternative)
    schema.update({key: int(schema[key]) for key in ("minimum", "maximum") if key in schema})
    if "pattern" in schema:
        schema["pattern"] = schema["pattern"].replace(r"$(?!\n)", "$")  # as in bodies
    for name in ("deprecated", "allowEmptyValue", "allowReserved"):
        parameter.pop(name, None)
    if parameter["name"] == "X-Tenant-Id":
        parameter["required"] = True  # optional to Litestar alone, so that its absence has a code of its own
        # As "format": "uuid" it would be an object of that type in generated clients, which no HTTP library sends.
        parameter["schema"] = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}


def _complete_operation(operation: dict[str, Any], handler: HTTPRouteHandler, path: str, policies: Policies) -> None:
    traits = traits_of(handler)
    operation["security"] = [] if traits.public else [{"bearer": []}]
    if traits.idempotent:
        parameters = operation.setdefault("parameters", [])
        if not any(parameter.get("name") == _IDEMPOTENCY_KEY["name"] for parameter in parameters):
            parameters.append(_IDEMPOTENCY_KEY)
    if traits.limited:
        operation["x-rate-limit"] = _limits(traits, policies)
    responses = operation["responses"]
    for status, response in responses.items():
        names = ["X-Request-Id", *(("RateLimit-Policy", "RateLimit") if traits.limited else ())]
        if traits.idempotent and status.startswith("2"):
            names.append("Idempotency-Replayed")
        response.setdefault("headers", {}).update(_header_references(names))
    for code, kinds in _problems(operation, handler, path).items():
        if str(code) not in responses:
            responses[str(code)] = _problem_response(code, kinds)
    operation["responses"] = dict(sorted(responses.items()))


def _limits(traits: Traits, policies: Policies) -> list[dict[str, Any]]:
    named = policies.named.get(traits.rate)
    limits = [policies.address]
    if not traits.public:
        limits += [policies.user, policies.tenant]
    if named is not None:
        limits += [limit for limit in (named.address, named.user) if limit is not None]
    return [{"policy": limit.name, "quota": limit.quota, "window_seconds": limit.window} for limit in limits]


def _problems(operation: dict[str, Any], handler: HTTPRouteHandler, path: str) -> dict[int, list[type[e.ProblemError]]]:
    """Problems by status that an operation of this shape can answer with."""
    traits = traits_of(handler)
    parameters = operation.get("parameters", [])
    names = {str(parameter.get("name", "")).lower() for parameter in parameters}
    found: list[Refusal] = [e.Internal, e.Unavailable, e.BadRequest]
    if not traits.public:
        found += [e.Unauthenticated, e.SessionExpired]
    if traits.limited:
        found.append(e.RateLimited)
    if "requestBody" in operation:
        found += [e.MalformedJSON, e.PayloadTooLarge, e.UnsupportedMediaType]
    if "requestBody" in operation or parameters:
        found.append(e.ValidationFailed)
    if "{" in path or "x-tenant-id" in names:
        found.append(e.NotFound)
    if "x-tenant-id" in names:
        found.append(e.TenantRequired)
    if not handler.http_methods <= _SAFE:
        found.append(e.Forbidden)
    if any(isinstance(guard, Gate) for guard in handler.guards or ()):
        found.append(e.PermissionDenied)
    if traits.idempotent:
        found += [e.RequestInFlight, e.IdempotencyKeyReused]
    return _by_status([*found, *traits.errors])


def _by_status(refusals: Iterable[Refusal]) -> dict[int, list[type[e.ProblemError]]]:
    grouped: dict[int, list[type[e.ProblemError]]] = {}
    for refusal in dict.fromkeys(refusals):
        kind, status = refusal if isinstance(refusal, tuple) else (refusal, refusal.default_status)
        grouped.setdefault(status, []).append(kind)
    return grouped


def _problem_response(status: int, kinds: list[type[e.ProblemError]]) -> dict[str, Any]:
    names = ["X-Request-Id"]
    if status == 401:
        names.append("WWW-Authenticate")
    if status in {429, 503}:
        names.append("Retry-After")
    headers: dict[str, Any] = _header_references(names)
    if e.RequestInFlight in kinds:
        headers["Retry-After"] = {**_HEADERS["Retry-After"], "required": False}
    examples = {kind.default_code: {"value": _example(kind, status)} for kind in kinds}
    return {
        "description": "; ".join(f"`{kind.default_code}`: {kind.default_title}" for kind in kinds),
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(name="Problem")}, "examples": examples}},
    }


def _example(kind: type[e.ProblemError], status: int) -> dict[str, Any]:
    errors = [FieldError(path="$.name", message="Must not be empty")] if kind is e.ValidationFailed else []
    problem = Problem(
        type=TYPE_PREFIX + kind.default_code,
        title=kind.default_title,
        status=status,
        code=kind.default_code,
        request_id=_EXAMPLE_ID,
        errors=errors,
    )
    example: dict[str, Any] = msgspec.to_builtins(problem)
    return example


def _header_references(names: Iterable[str]) -> dict[str, dict[str, str]]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
