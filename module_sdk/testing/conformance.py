"""The conformance kit: runs a module of any kind with made-up inputs and says where it breaks the contract.

    def test_my_module() -> None:
        check_module(MyModule())

It needs no test runner: :class:`ConformanceFailure` is an ``AssertionError`` that lists everything found. Inside a
running event loop await :func:`check_module_async` instead.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, ParamSpec, TypeVar, assert_never
from uuid import uuid4

import msgspec

from module_sdk.contract.capability import ModuleCapability, TaskExecutionRequest
from module_sdk.contract.dialogue import validate_meeting, validate_prompt
from module_sdk.contract.kinds import AnyModule, kind_of
from module_sdk.contract.module import BoardModule, BoardRequest, ChatModule, MetricsModule, MetricsRequest, TaskModule
from module_sdk.contract.validation import ContractViolation, conform, validate_metrics, validate_result
from module_sdk.testing import samples

T = TypeVar("T")
P = ParamSpec("P")
MAX_SUGGESTION_CHARS: Final = 200
_EXECUTIVE: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")


class ConformanceFailure(AssertionError):
    """A module breaks the contract. ``failures`` are pairs of the check and what it found."""

    def __init__(self, failures: Sequence[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{check}: {message}" for check, message in failures))
        self.failures = list(failures)


def check_module(module: AnyModule, *, arguments: Sequence[dict[str, Any]] = (), seconds: float = 10.0) -> None:
    """Checks ``module``; raises :class:`ConformanceFailure`.

    ``arguments`` are examples with which a task module succeeds; ``seconds`` bounds every single awaited call.
    """
    asyncio.run(check_module_async(module, arguments=arguments, seconds=seconds))


async def check_module_async(
    module: AnyModule, *, arguments: Sequence[dict[str, Any]] = (), seconds: float = 10.0
) -> None:
    """:func:`check_module` for callers that run in an event loop."""
    try:
        kind_of(module)
        capability = conform(module.capability, ModuleCapability)
    except ContractViolation as error:
        raise ConformanceFailure([("capability", str(error))]) from error
    check = _Check(seconds)
    match module:
        case ChatModule():
            _check_chat(module, check)
        case MetricsModule():
            await _check_metrics(module, capability, check)
        case BoardModule():
            await _check_board(module, check)
        case TaskModule():
            await _check_tasks(module, capability, check, arguments)
        case _:
            assert_never(module)
    if check.failures:
        raise ConformanceFailure(check.failures)


class _Check:
    """Collects failures; the same one found with many inputs is told once."""

    def __init__(self, seconds: float) -> None:
        self.failures: list[tuple[str, str]] = []
        self._seconds = seconds

    def expect(self, holds: bool, name: str, message: str) -> None:
        if not holds and (name, message) not in self.failures:
            self.failures.append((name, message))

    def rule(self, name: str, apply: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What a validation gives, ``None`` with its findings noted."""
        try:
            return apply(*args, **kwargs)
        except ContractViolation as error:
            for path, message in error.errors:
                self.expect(False, name, f"{path} {message}")
        return None

    async def called(self, name: str, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What ``call`` gives, ``None`` if it fails: whatever a module raises is a finding about the module."""
        try:
            async with asyncio.timeout(self._seconds):
                return await call(*args, **kwargs)
        except TimeoutError:
            self.expect(False, name, f"took longer than {self._seconds} s")
        except Exception as error:
            self.expect(False, name, f"raised {type(error).__name__}: {error}")
        return None

    def secrecy(self, name: str, produced: object, own: str) -> None:
        """Nothing of one company may turn up in what was made for another."""
        text = msgspec.json.encode(produced, enc_hook=repr).decode()
        leaked = any(marker != own and marker in text for marker in samples.MARKERS)
        self.expect(not leaked, name, "shows what belongs to another company")


def _check_chat(module: ChatModule, check: _Check) -> None:
    check.expect(_EXECUTIVE.fullmatch(str(module.executive)) is not None, "executive", "is not a short snake_case key")
    check.expect(_is_line(module.title, 80), "title", "is not a line of at most 80 characters")
    for text in module.suggestions:
        check.expect(
            _is_line(text, MAX_SUGGESTION_CHARS), "suggestions", "hold more than lines of at most 200 characters"
        )
    for marker, request in samples.compositions():
        before = msgspec.json.encode(request)
        try:
            prompt, again = module.compose(request), module.compose(request)
        except Exception as error:
            check.expect(False, "compose", f"raised {type(error).__name__}: {error}")
            continue
        if check.rule("compose", validate_prompt, request, prompt) is None:
            continue
        check.expect(prompt == again, "compose", "gives another prompt for the same request")
        check.expect(msgspec.json.encode(request) == before, "compose", "changes its request")
        check.secrecy("compose", prompt, marker)


def _is_line(text: object, most: int) -> bool:
    return isinstance(text, str) and 0 < len(text) <= most and text.isprintable()


async def _check_metrics(module: MetricsModule, capability: ModuleCapability, check: _Check) -> None:
    for marker, company, now in samples.situations():
        request = MetricsRequest(tenant_id=samples.tenant_id(marker), company=company, now=now)
        metrics = await check.called("metrics", module.metrics, request)
        if metrics is not None:
            check.rule("metrics", validate_metrics, metrics, produced_by=capability)
            check.secrecy("metrics", metrics, marker)


async def _check_board(module: BoardModule, check: _Check) -> None:
    for marker, company, now in samples.situations():
        for topic in ("", f"{marker} {'t' * 400}"[:400], f"{marker}\n{{topic}} %s"):
            request = BoardRequest(meeting_id=uuid4(), company=company, topic=topic, now=now)
            meeting = await check.called("convene", module.convene, request)
            if meeting is not None:
                check.rule("convene", validate_meeting, request, meeting)
                check.secrecy("convene", meeting, marker)


async def _check_tasks(
    module: TaskModule, capability: ModuleCapability, check: _Check, arguments: Sequence[dict[str, Any]]
) -> None:
    for example in arguments:
        await _check_task(module, capability, check, example, succeeds=True)
    # Whoever asks may be wrong: that is a result, never an exception.
    for odd in ({}, {"no_such_argument": ["\u202e", -1, None, {"deep": [[]]}]}):
        await _check_task(module, capability, check, odd, succeeds=False)


async def _check_task(
    module: TaskModule, capability: ModuleCapability, check: _Check, arguments: dict[str, Any], *, succeeds: bool
) -> None:
    now = datetime.now(UTC)
    request = TaskExecutionRequest(
        task_id=uuid4(),
        tenant_id=samples.tenant_id(samples.MARKERS[0]),
        capability=capability.name,
        capability_version=capability.version,
        idempotency_key=str(uuid4()),
        arguments=arguments,
        requested_at=now,
        deadline=now + timedelta(hours=1),
    )
    # Twice: the same request is delivered again after a crash between the work and the note that it was done.
    results = [await check.called("execute", module.execute, request) for _ in range(2)]
    first, again = (
        result and check.rule("execute", validate_result, request, result, produced_by=capability) for result in results
    )
    if first is None or again is None:
        return
    if succeeds:
        check.expect(first.status == "succeeded", "execute", f"an example {first.status}: {first.error_code}")
    same = (first.status, first.output) == (again.status, again.output)
    check.expect(same, "execute", "ends otherwise when the same request is delivered again")
