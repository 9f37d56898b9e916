"""What a log file says about why its writer ended."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TAIL_BYTES: Final = 16_000
# The last line of a traceback, bare or drawn inside an exception group.
_CAUSE: Final = re.compile(r"^[\s|+-]*((?:\w+\.)*\w*(?:Error|Exception|Fault)(?::.*)?)$")


def last_words(log: Path, begin: int = 0) -> str:
    """The line written after byte `begin` that names the cause: the last error, or else the last line."""
    try:
        with log.open("rb") as file:
            file.seek(max(begin, log.stat().st_size - _TAIL_BYTES))
            lines = [line.strip() for line in _flat(file.read().decode(errors="replace")) if line.strip()]
    except OSError:
        lines = []
    causes = [match.group(1) for line in lines if (match := _CAUSE.match(line))]
    return (causes or lines or ["it wrote nothing"])[-1]


def _flat(text: str) -> Iterator[str]:
    """The lines of a log, with the messages of those that are JSON."""
    for line in text.splitlines():
        message = line
        if line.startswith("{"):
            try:
                message = str(json.loads(line).get("event", line))
            except ValueError:
                message = line
        yield from message.splitlines()
