"""RFC 9457 problem documents, the one form in which the API reports an error (`application/problem+json`)."""

from typing import Any

import msgspec

from module_sdk.api.base import Reply


class FieldError(Reply, frozen=True, kw_only=True):
    """One reason for refusing a body: a path such as ``$.email`` and a sentence."""

    path: str
    message: str


class Problem(Reply, frozen=True, kw_only=True):
    """``code`` is stable and meant for programs, ``title`` and ``detail`` are meant for people.

    ``extra`` carries what a code documents (for ``limit_reached``: ``limit``, ``used``, ``resets_at``).
    """

    type: str
    title: str
    status: int
    code: str
    request_id: str
    detail: str | None = None
    errors: list[FieldError] = msgspec.field(default_factory=list)
    extra: dict[str, Any] = msgspec.field(default_factory=dict)
