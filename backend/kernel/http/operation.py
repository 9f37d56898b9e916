"""How a domain declares an operation of the API: one decorator says everything that the edges and the document need."""

import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.response import Stream

from backend.kernel.auth.permissions import Gate, PersonGate
from backend.kernel.errors import ProblemError
from backend.kernel.http.traits import DEFAULT_MAX_BODY, Refusal, Traits
from backend.kernel.limits.policies import Policy

Verb = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
PUBLIC: Final = None
"""In the place of a gate: nobody has to sign in."""


class WrongOperationError(TypeError):
    """A declaration that contradicts itself."""


def operation(
    verb: Verb,
    path: str = "/",
    *,
    operation_id: str,
    summary: str,
    gate: Gate | PersonGate | None,
    status: int | None = None,
    rate: Policy | None = None,
    idempotent: Literal[True, False, "stream"] = False,
    errors: Sequence[Refusal] = (),
    events: Mapping[str, Any] | None = None,
    download: Mapping[str, str] | None = None,
    max_body: int | None = None,
    responses: Mapping[int, ResponseSpec] | None = None,
) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """Makes a method of a controller, or a function, an operation; its docstring is the description in the document.

    Args:
        verb: The HTTP method.
        path: Below the controller's.
        operation_id: Its name in the document, in clients, and in the record of a refusal.
        summary: Heads it in the document, in the imperative.
        gate: Who passes; ``PUBLIC`` lets everybody in, which the tests of the gates want a reason for.
        status: Of success, instead of what is usual for the verb.
        rate: A policy whose limits are added to those of every request.
        idempotent: See :class:`~backend.kernel.http.traits.Traits`.
        errors: See there.
        events: See there; together with an answer that is a stream of events.
        download: See there.
        max_body: Bytes that are accepted, instead of 1 MiB.
        responses: Further answers than success and problems.

    Raises:
        WrongOperationError: When the module is imported.
    """
    traits = Traits(
        public=gate is PUBLIC,
        rate=rate.name if rate else "",
        idempotent=idempotent,
        errors=tuple(errors),
        events=events or {},
        download=download or {},
        max_body=DEFAULT_MAX_BODY if max_body is None else max_body,
    )
    refuse = _refusals(operation_id)
    for wrong, why in _contradictions(verb, traits):
        refuse(wrong, why)
    refuse(max_body is not None and verb in {"GET", "DELETE"}, f"{verb} reads no body")
    refuse(status is not None and not 200 <= status < 300, f"{status} is no success")

    def decorate(function: Callable[..., Any]) -> HTTPRouteHandler:
        answer = typing.get_type_hints(function).get("return")
        streams = isinstance(answer, type) and issubclass(answer, Stream)
        refuse(bool(events) and not streams, "it has events and answers with no stream")
        refuse(streams and not (events or download), "it answers with a stream of nothing that was named")
        handler = HTTPRouteHandler(
            path,
            http_method=verb,
            operation_id=operation_id,
            summary=summary,
            guards=[] if gate is None else [gate],
            status_code=status,
            responses=responses,
            opt=traits.opt,
        )
        return handler(function)

    return decorate


def _contradictions(verb: Verb, traits: Traits) -> Iterator[tuple[bool, str]]:
    """Whether each of them is there, and its words."""
    keyed, streamed = traits.idempotent is not False, traits.idempotent == "stream"
    yield keyed and verb != "POST", "only a POST takes an Idempotency-Key"
    yield keyed and traits.public, "a key belongs to somebody: what is public keeps no answers"
    yield streamed and not traits.events, "an answer kept as a stream has events"
    yield bool(traits.events and traits.download), "it answers with events or with a file"
    yield traits.max_body <= 0, "max_body is a number of bytes"
    yield len({_code(refusal) for refusal in traits.errors}) < len(traits.errors), "a problem is named twice"


def _refusals(operation_id: str) -> Callable[[bool, str], None]:
    def refuse(wrong: bool, why: str) -> None:
        if wrong:
            raise WrongOperationError(f"{operation_id}: {why}")

    return refuse


def _code(refusal: Refusal) -> type[ProblemError]:
    return refusal[0] if isinstance(refusal, tuple) else refusal
