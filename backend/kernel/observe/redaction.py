"""Keeps secrets out of logs: by the name of a key, at any depth, and by the shape of what is in the finished line."""

import dataclasses
import re
from collections.abc import Mapping, MutableMapping
from datetime import date, time
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec

REDACTED: Final = "[redacted]"
_MAX_DEPTH: Final = 8
_MAX_ITEMS: Final = 100
_MAX_TEXT: Final = 20_000
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})

_SECRET_NAME: Final = re.compile(
    r"password|passwd|passphrase|secret|credential|authori[sz]ation|cookie|api_?key|private_?key|master_?key|access_?key"
    r"|signing_?key|(?:^|_)(?:token|jwt|dek|kek|otp|pin)$|token_?(?:hash|value)|^(?:database|redis)_(?:owner_)?url$"
)
_NAMES: Final = rb"password|passwd|secret|token|api[_-]?key|authorization|cookie"
_SHAPES: Final = re.compile(
    rb"(?P<jwt>\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*)"
    rb"|(?P<scheme>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{6,}"
    rb"|(?P<url>\b[a-z][a-z0-9+.-]*://[^\s:/@\"\\]*:)[^\s\"\\]+(?=@)"
    rb"|(?P<pem>-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|(?=\"|$)))"
    rb"|(?P<hash>\$argon2[a-z]+\$[^\s\"\\]+)"
    rb"|(?P<vendor>\b(?:sk-|sk_live_|sk_test_|ocs_|fw_|ghp_|gho_|xoxb-|xoxp-|whsec_)[A-Za-z0-9_-]{12,})"
    rb"|(?P<parameters>\[parameters: ).*?\](?=\\n|\"|$)"
    rb"|(?P<row>Key \([^)]*\)=\().*?\)(?= |\\n|\"|$)"
    rb"|(?P<pair>\b(?:" + _NAMES + rb")(?:\\\"|')?\s*[=:]\s*(?:\\\"|')?(?:(?:Bearer|Basic)\s+)?)"
    rb"(?!\[redacted)[^\s\"'\\,;&}]+",
    re.DOTALL | re.IGNORECASE,
)
# The expression costs 40 µs a line; these substrings, one of which every match contains, cost 2.
_HINTS: Final = (
    b"eyj", b"bearer", b"basic ", b"://", b"-----begin", b"$argon2", b"[parameters", b")=(", b"passw", b"secret",
    b"token",
    b"api", b"authorization", b"cookie", b"sk-", b"sk_", b"ocs_", b"fw_", b"ghp_", b"gho_", b"xox", b"whsec",
)  # fmt: skip


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a value under this key is never shown; counts such as ``max_tokens`` are."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return _SECRET_NAME.search(snake) is not None


def redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: replaces what stands under secret names and makes every value plain JSON."""
    for name, value in event.items():
        if is_secret_name(name):
            event[name] = REDACTED
        elif type(value) not in _PLAIN:
            event[name] = _plain(value, 0)
        elif isinstance(value, str) and len(value) > _MAX_TEXT:
            event[name] = value[:_MAX_TEXT] + "…"
    return event


def redact_line(line: bytes) -> bytes:
    """Replaces whatever looks like a secret in a rendered line, wherever in it that stands."""
    folded = line.lower()
    if not any(hint in folded for hint in _HINTS):
        return line
    return _SHAPES.sub(_replacement, line)


def redacted_json(value: Mapping[str, Any]) -> str:
    """``value`` as JSON with neither secret names nor secret shapes in it."""
    return redact_line(msgspec.json.encode(_plain(value, 0))).decode()


def _replacement(found: re.Match[bytes]) -> bytes:
    kept = found["scheme"] or found["url"] or found["parameters"] or found["row"] or found["pair"] or b""
    closing = b"]" if found["parameters"] else b")" if found["row"] else b""
    return kept + REDACTED.encode() + closing


def _plain(value: Any, depth: int) -> Any:
    """JSON-ready copy without secrets; bytes are never shown, unknown objects as their type alone."""
    if type(value) in _PLAIN:
        return value
    if depth >= _MAX_DEPTH:
        return "…"
    fields = _fields(value)
    if fields is not None:
        items = list(fields.items())[:_MAX_ITEMS]
        return {str(k): REDACTED if is_secret_name(str(k)) else _plain(v, depth + 1) for k, v in items}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth + 1) for item in list(value)[:_MAX_ITEMS]]
    if isinstance(value, (UUID, date, time, BaseException, str, int, float)):
        return str(value)
    return f"<{type(value).__name__}>"


def _fields(value: Any) -> Mapping[Any, Any] | None:
    """What a mapping, Struct or dataclass holds by name; ``None`` for anything else."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None
